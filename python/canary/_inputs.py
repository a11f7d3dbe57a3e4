"""Iterates over the inputs of a run in a thread beside it, so that an iterable which waits holds up nothing else."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Feed(Protocol):
    """The run's end of the inputs."""

    def push(self, item: object, /) -> bool:
        """Take an input in as soon as there is room; False when no more are wanted."""
        ...

    def end(self, error: BaseException | None, /) -> None:
        """No input follows; `error` is what the iterable raised, if it did."""


def entries(array: Any, count: int) -> Iterator[Any]:
    """Give the entries of an array's first dimension, each as a batch of one."""
    return (array[place : place + 1] for place in range(count))


def start(items: Iterable[object], feed: Feed) -> None:
    """Iterate in a thread that keeps no interpreter from ending."""
    threading.Thread(target=_pull, args=(items, feed), name="canary-inputs", daemon=True).start()


def _pull(items: Iterable[object], feed: Feed) -> None:
    """Hand over one input after the other.

    The loop is Python's: where the interpreter ends while the iterable waits, no compiled code is on the stack of
    this thread.
    """
    try:
        for item in items:
            if not feed.push(item):
                return
    except BaseException as error:  # noqa: BLE001 - raised by the run
        feed.end(error)
    else:
        feed.end(None)
