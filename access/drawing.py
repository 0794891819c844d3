"""Where photographs are drawn anew: a few at a time, and a few that wait, so that nothing else has to wait for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from geo.photo import AT_ONCE

WAITING_MOST = 8  # each with up to 41 MB in memory


class Busy(Exception):
    """As many wait already as may: it may come again in a minute."""


class Drawing:
    """The turns of one web process. Whoever waits for one holds none of the threads that answer everybody."""

    def __init__(self) -> None:
        self._free, self._waiting = asyncio.Semaphore(AT_ONCE), 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A turn to draw. Raises Busy."""
        if self._waiting >= WAITING_MOST:
            raise Busy("too many photographs wait to be drawn")
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()
