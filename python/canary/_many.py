"""Many predictions for items that come out of an async iterator."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from canary._progress import reporter

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator

_END = object()


async def _next(items: AsyncIterator[Any]) -> Any:
    try:
        return await items.__anext__()
    except StopAsyncIteration:
        return _END


async def _failed(error: Exception) -> Any:
    return error


async def _sent(send: Callable[[Any], Awaitable[Any]], item: Any) -> Any:
    try:
        return await send(item)
    except Exception as error:  # noqa: BLE001 - it stands in the place of the answer
        return error


class _Window:
    """The items that are taken and not answered yet, the oldest first."""

    def __init__(self, send: Callable[[Any], Awaitable[Any]], items: AsyncIterable[Any], concurrency: int) -> None:
        self._send, self._source, self._concurrency = send, items.__aiter__(), concurrency
        self._flight: deque[asyncio.Future[Any]] = deque()
        self._reading: asyncio.Future[Any] | None = None
        self._more = True

    async def wait(self) -> bool:
        """Wait for the next item or for the oldest answer; False when there is neither."""
        if self._more and self._reading is None and len(self._flight) < self._concurrency:
            self._reading = asyncio.ensure_future(_next(self._source))
        awaited = {future for future in (self._reading, *list(self._flight)[:1]) if future is not None}
        if not awaited:
            return False
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        if self._reading is not None and self._reading.done():
            read, self._reading = self._reading, None
            self._start(read)
        return True

    def _start(self, read: asyncio.Future[Any]) -> None:
        error = read.exception()
        if error is not None and not isinstance(error, Exception):
            raise error
        self._more = error is None and read.result() is not _END
        if error is not None:
            self._flight.append(asyncio.ensure_future(_failed(error)))
        elif self._more:
            self._flight.append(asyncio.ensure_future(_sent(self._send, read.result())))

    def done(self) -> Iterator[Any]:
        """Give the answers that are there, up to the first that is not."""
        while self._flight and self._flight[0].done():
            yield self._flight.popleft().result()

    def close(self) -> None:
        for future in (self._reading, *self._flight):
            if future is not None:
                future.cancel()


async def answers(
    send: Callable[[Any], Awaitable[Any]], items: AsyncIterable[Any], concurrency: int, progress: Any
) -> AsyncIterator[Any]:
    """Give the answer of each item, or its exception, in the order of the items.

    At most `concurrency` items are taken and not answered. An answer that is there does not wait for a slow item.
    When the items themselves fail, what is in flight comes first, then the exception, then the end.
    """
    report = reporter(progress, items)
    window = _Window(send, items, concurrency)
    try:
        while await window.wait():
            for answer in window.done():
                if report is not None:
                    report.update()
                yield answer
        if report is not None:
            report.close()
    finally:
        window.close()
