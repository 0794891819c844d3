"""Records that are lines: cuts one sender's bytes at line ends, and refuses what never ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.feed import Framed

LETTERS_MAX = 64  # dead letters kept per hand-over; beyond them only the counters grow


@dataclass
class LineFramer:
    """One record a line; a feed whose lines need more than that (parts to join, say) overrides `_line`."""

    limit: int = 1 << 16
    ready: Framed = field(default_factory=Framed)
    _tail: bytes = b""
    _skipping: bool = False

    def feed(self, data: bytes, now: float) -> None:
        """Take bytes of a stream; a line without an end within the limit is rejected as `too_long`, once."""
        if self._skipping:
            _, newline, data = data.partition(b"\n")
            if not newline:
                return
            self._skipping = False
        lines = (self._tail + data).split(b"\n")
        self._tail = lines.pop()
        self._lines(lines, now)
        if len(self._tail) > self.limit:
            self._reject("too_long", self._tail)
            self._tail, self._skipping = b"", True

    def datagram(self, data: bytes, now: float) -> None:
        """Take one datagram: one or more whole lines; the last needs no line end."""
        self._lines(data.split(b"\n"), now)

    def close(self) -> None:
        """The sender is gone: the last line counts as it is."""
        tail, self._tail = self._tail, b""
        self._bounded(tail, 0.0)

    def take(self) -> Framed:
        """Hand over what is whole so far and begin anew."""
        taken, self.ready = self.ready, Framed()
        return taken

    def _lines(self, lines: Sequence[bytes], now: float) -> None:
        for line in lines:
            self._bounded(line, now)

    def _bounded(self, line: bytes, now: float) -> None:
        # The limit is on the line as it came, so that it does not matter in what pieces it came.
        if len(line) > self.limit:
            self._reject("too_long", line)
        elif line := line.strip():
            self._line(line, now)

    def _line(self, line: bytes, now: float) -> None:
        self._emit(line)

    def _emit(self, line: bytes) -> None:
        self.ready.lines.append(line)
        self.ready.size += len(line) + 1

    def _reject(self, reason: str, raw: bytes) -> None:
        self.ready.rejected[reason] = self.ready.rejected.get(reason, 0) + 1
        if len(self.ready.letters) < LETTERS_MAX:
            self.ready.letters.append((reason, raw[:1024]))
