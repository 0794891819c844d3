"""A process's sign of life: a file whose time of change the supervisor watches."""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa


class Heartbeat:
    """Touches its file at each `beat`; without a path (none given, HAIDANG_HEARTBEAT unset) it does nothing."""

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._path = Path(path) if path else None

    def beat(self) -> None:
        """Say "alive"; call it from the main loop itself: from a thread of its own a frozen loop would look alive."""
        if self._path is None:
            return
        try:
            os.utime(self._path)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()

    def beat_with(self, connection: sa.Connection) -> None:
        """Beat at each of this connection's statements too: work that takes a minute and goes on is not frozen.

        The connection must be the main loop's own.
        """
        sa.event.listen(connection, "before_cursor_execute", lambda *_: self.beat())
