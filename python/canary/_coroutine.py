"""Coroutines around native work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from canary._canary import _deliver_events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def awaiting(begin: Callable[[], Awaitable[Any]]) -> Any:
    """Begin the work when the coroutine is first awaited, or its task first runs, and give its result."""
    try:
        return await begin()
    finally:
        _deliver_events()
