"""Progress of long calls: tqdm where it can be imported, else one line of text on standard error."""

from __future__ import annotations

import importlib
import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Reporter(Protocol):
    """A reporter that gets each step and the end."""

    def update(self) -> object:
        """One more item is done."""

    def close(self) -> object:
        """No more items follow."""


class _Call:
    def __init__(self, callback: Callable[[int, int | None], object], total: int | None) -> None:
        self._callback, self._total, self._done = callback, total, 0

    def update(self) -> None:
        self._done += 1
        self._callback(self._done, self._total)

    def close(self) -> None:
        """Nothing is left to say."""


class _Line:
    """A line that is written again at most ten times a second."""

    def __init__(self, total: int | None) -> None:
        self._total, self._done, self._shown = total, 0, 0.0

    def update(self) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._shown >= 0.1:
            self._shown = now
            self._write("")

    def close(self) -> None:
        self._write("\n")

    def _write(self, end: str) -> None:
        of = f" of {self._total}" if self._total is not None else ""
        sys.stderr.write(f"\r{self._done}{of}{end}")
        sys.stderr.flush()


def watcher(progress: Any) -> Callable[[float, dict[int, str] | str], object] | None:
    """Make the callback for each look while a model loads: a callable, True for a line of text, or False for none."""
    if callable(progress):
        callback: Callable[[float, dict[int, str] | str], object] = progress
        return callback
    return _look if progress else None


def _state(state: str) -> str:
    """Give the state, and why the version was not loaded."""
    message = getattr(state, "error_message", "")
    return f"{state} ({message})" if message else state


def _look(elapsed: float, seen: dict[int, str] | str) -> None:
    """Write seconds and what was seen on standard error."""
    states = seen if isinstance(seen, str) else ", ".join(f"{one} {_state(state)}" for one, state in seen.items())
    sys.stderr.write(f"{elapsed:.1f} s: {states or 'no version is known'}\n")
    sys.stderr.flush()


def reporter(progress: Any, items: Any) -> Reporter | None:
    """Make the reporter for `progress`: a callable, True, or False for none."""
    total = len(items) if hasattr(items, "__len__") else None
    if callable(progress):
        return _Call(progress, total)
    if not progress:
        return None
    # Without ipywidgets the notebook's bar of tqdm gives a warning, and its bar of text works everywhere.
    bars = "tqdm.auto" if find_spec("ipywidgets") else "tqdm.std"
    try:
        tqdm = importlib.import_module(bars).tqdm
    except ImportError:
        return _Line(total)
    bar: Reporter = tqdm(total=total)
    return bar
