"""Iterates over the inputs and the observations of a run beside it: an iterable that waits holds up nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

# The wait for room in a feed, in seconds.
_PAUSE = 0.005


class Feed(Protocol):
    """The run's end of the inputs."""

    def push(self, item: object, /) -> bool:
        """Take an input in as soon as there is room; False when no more are wanted."""
        ...

    def offer(self, item: object, /) -> bool | None:
        """Take an input in; False when no more are wanted, None when there is no room."""
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


def start_async(
    items: AsyncIterator[object], feed: Feed, loop: asyncio.AbstractEventLoop | None
) -> Callable[[], object]:
    """Drive an async iterator on `loop`, or on a loop of its own in a thread; give what cancels it."""
    if loop is not None:
        return asyncio.run_coroutine_threadsafe(_pull_async(items, feed), loop).cancel
    own = asyncio.new_event_loop()
    task = own.create_task(_pull_async(items, feed))
    threading.Thread(target=_drive, args=(own, task), name="canary-inputs", daemon=True).start()

    def cancel() -> None:
        # A loop that is closed has nothing to cancel.
        with contextlib.suppress(RuntimeError):
            own.call_soon_threadsafe(task.cancel)

    return cancel


def _drive(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


async def _put(feed: Feed, item: object) -> bool:
    """Hand over an item as soon as there is room; False when no more are wanted."""
    while True:
        taken = feed.offer(item)
        if taken is not None:
            return taken
        await asyncio.sleep(_PAUSE)


async def _pull_async(items: AsyncIterator[object], feed: Feed) -> None:
    """Hand over one item after the other; the event loop continues while there is no room."""
    try:
        async for item in items:
            if not await _put(feed, item):
                return
    except asyncio.CancelledError:
        feed.end(None)
        raise
    except BaseException as error:  # noqa: BLE001 - raised by the run
        feed.end(error)
    else:
        feed.end(None)
