"""The desk as every station of this process reads it: one reading for all who ask while it is being made."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from access.site import Site
from geo import desk, flood, journal, shelf
from pages.line import line
from pages.read import read
from pages.text import Text

FRESH = timedelta(seconds=5)  # everything that changes the desk writes the journal; this is for what only time changes


@dataclass(frozen=True)
class Reading:
    """The desk at a moment: its lines, what is put aside, the floods that run, and whose objects are ringed.

    beyond: how many lines more there are than a desk shows.
    """

    mark: tuple[int, int]
    at: datetime
    lines: list[dict[str, Any]]
    beyond: int
    shelves: list[dict[str, Any]]
    floods: int
    rings: list[tuple[str, str, str, str]]
    _words: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def words(self, t: Text) -> dict[str, dict[str, Any]]:
        """Each line in words, by its key, in desk order."""
        if t.lang not in self._words:
            self._words[t.lang] = {row["key"]: row for row in (line(t, one, self.at) for one in self.lines)}
        return self._words[t.lang]


class Board:
    """Reads the desk for whoever asks. An answer is never older than its question."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._last: Reading | None = None
        self._running: asyncio.Task[Reading] | None = None
        self._next: asyncio.Task[Reading] | None = None

    async def reading(self) -> Reading:
        """The desk as it is now; all who ask while one reading runs share the next. Raises DatabaseAway."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
        return await asyncio.shield(self._next)

    async def _after(self, before: asyncio.Task[Reading] | None) -> Reading:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        self._last = await read(self._site, _read, datetime.now(UTC), self._last)
        return self._last


def _read(connection: Connection, now: datetime, last: Reading | None) -> Reading:
    mark = journal.mark(connection)
    if last is not None and last.mark == mark and now - last.at < FRESH:
        return last
    return Reading(
        mark,
        now,
        desk.lines(connection, now),
        desk.beyond(connection, now),
        [dict(row) for row in shelf.shelves(connection, now)],
        len(flood.running(connection)),
        desk.rings(connection, now),
    )
