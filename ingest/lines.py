"""Records that are lines: cuts one sender's bytes at line ends, refuses what never ends, and reads line by line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from geo.account import Account
from ingest.feed import LINE_BYTES_MAX, Framed, RawBatch, Row, in_time_range

DECODER_FAULT = "decoder_fault"  # a reader threw where it should have refused: it costs the record alone
RETAINED_UNDATED = "retained_undated"  # a broker kept it, nobody knows since when (ingest.mqtt)
LETTERS_MAX = 64  # dead letters kept per hand-over; beyond them only the counters grow


class Refused(ValueError):
    """A record cannot be accepted; the text is the reason it is counted under."""


def read_lines(
    batch: RawBatch, read: Callable[[bytes, float], Row]
) -> tuple[list[Row], Account, list[tuple[str, bytes]]]:
    """A batch's lines as rows, the account (without positions and rows), and the letters of what was refused.

    read: a line and its time of reception (epoch seconds) to a row with `observed_at` in epoch seconds; it raises
    Refused. A row out of the time that can be kept is refused as `time_range`.
    """
    account, letters, rows = Account(), list(batch.letters), []
    account.received = sum(batch.rejected.values())
    account.rejected.update(batch.rejected)
    for line in filter(None, batch.raw.split(b"\n")):
        account.received += 1
        try:
            rows.append(read_line(read, line, batch.received_at))
        except Refused as reason:
            account.rejected[str(reason)] += 1
            letters.append((str(reason), line))
    account.accepted = account.messages = len(rows)
    return rows, account, letters


def read_line(read: Callable[[bytes, float], Row], line: bytes, received_at: float) -> Row:
    """One line as a row, within the time that can be kept. Raises Refused."""
    row = read(line, received_at)
    if not in_time_range(row["observed_at"], received_at):
        raise Refused("time_range")
    return row


@dataclass
class LineFramer:
    """One record a line; a feed whose lines need more than that (parts to join, say) overrides `_line`."""

    limit: int = LINE_BYTES_MAX
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
            self.refuse("too_long", self._tail)
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
            self.refuse("too_long", line)
        elif line := line.strip():
            self._line(line, now)

    def _line(self, line: bytes, now: float) -> None:
        self._emit(line)

    def _emit(self, line: bytes) -> None:
        self.ready.lines.append(line)
        self.ready.size += len(line) + 1

    def refuse(self, reason: str, raw: bytes) -> None:
        """Count and keep what is no record."""
        self.ready.rejected[reason] = self.ready.rejected.get(reason, 0) + 1
        if len(self.ready.letters) < LETTERS_MAX:
            self.ready.letters.append((reason, raw[:1024]))
