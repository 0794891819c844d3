"""The log file of one process: followed for what a person should see, and kept from growing without end."""

import json
import shutil
from pathlib import Path

KEEP_BYTES = 10 * 2**20
KEEP_FILES = 3
LINE = 160  # characters of a line that reach the console
READ_BYTES = 2**20
LOUD = ("warning", "error", "critical")
SERVER_LOUD = ("FATAL", "PANIC", "Fatal", "short read while loading", "AOF loaded anyway")
SERVER_QUIET = ("the database system is", "terminating connection")  # what clients are told while it starts and stops


class Log:
    """Follows a log from where it ends now. Its writers append, so it may be emptied under them."""

    def __init__(self, path: Path, keep_bytes: int = KEEP_BYTES) -> None:
        self.path = path
        self._keep_bytes = keep_bytes
        self._position = path.stat().st_size if path.exists() else 0
        self._rest = b""

    def news(self) -> list[str]:
        """The complete lines written since the last call."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._position)
                fresh = file.read(READ_BYTES)
        except FileNotFoundError:
            return []
        self._position += len(fresh)
        *lines, self._rest = (self._rest + fresh).split(b"\n")
        self._rest = self._rest[-READ_BYTES:]
        return [line.decode(errors="replace").rstrip() for line in lines if line.strip()]

    def rotate(self) -> None:
        """When it has grown too long, copy it aside (path.1 is the newest of three) and empty it."""
        if not self.path.exists() or self.path.stat().st_size < self._keep_bytes:
            return
        for number in range(KEEP_FILES, 1, -1):
            older = self.path.with_name(f"{self.path.name}.{number - 1}")
            if older.exists():
                older.replace(self.path.with_name(f"{self.path.name}.{number}"))
        shutil.copyfile(self.path, self.path.with_name(f"{self.path.name}.1"))
        with self.path.open("r+b") as file:
            file.truncate(0)
        self._position = 0


def short(line: str, server: bool) -> str | None:
    """What of a log line belongs on the console: warnings and worse, in a few words; None for the rest.

    Lines of our own processes are JSON objects with `event` and `level`, or whatever else Python prints when it fails.
    """
    if server:
        loud = any(word in line for word in SERVER_LOUD) and not any(word in line for word in SERVER_QUIET)
        return line[-LINE:] if loud else None
    try:
        entry = json.loads(line)
    except ValueError:
        # Of a traceback, only its last line stands at the margin and says what happened.
        return None if line.startswith((" ", "Traceback")) else line[:LINE]
    if not isinstance(entry, dict) or entry.get("level") not in LOUD:
        return None
    rest = " ".join(f"{k}={v}" for k, v in entry.items() if k not in ("event", "level", "timestamp", "process"))
    return f"{entry.get('event', '')} {rest}".strip()[:LINE]
