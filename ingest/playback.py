"""Playing a capture again: at the pace of its times, shifted to now; and what a receiver should count."""

import re
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ingest.offline import CaptureError, open_capture
from ingest.sentence import NmeaFramer, checksum, read_tag, tag_time

TAG = re.compile(rb"\\([^\\\r\n]*)\\")
CHUNK_BYTES = 1 << 17
LINE_BYTES_MAX = 1 << 20


@dataclass
class Playback:
    """One run over captures. factor: times faster than recorded (None = as fast as possible).

    `chunks` yields whole lines; `framer` has framed the very same bytes, and `counted` says how many records a
    receiver should count.
    """

    factor: float | None
    keep_times: bool
    framer: NmeaFramer = field(default_factory=NmeaFramer)
    counted: int = 0
    _first: float | None = None
    _shift_s: float | None = None
    _began: float = field(default_factory=time.time)

    def chunks(self, names: Iterable[str]) -> Iterator[bytes]:
        """Lines of the captures, timed ones at their time; a file's last line gets its line end."""
        names = list(names)
        if self.factor is None and not self.keep_times:
            self._end_now(names)
        for name in names:
            with open_capture(name) as stream:
                waiting: list[bytes] = []
                size = 0
                try:
                    while line := stream.readline(LINE_BYTES_MAX):
                        line, pause = self._timed(line)
                        if (pause > 0 or size > CHUNK_BYTES) and waiting:
                            yield self._count(b"".join(waiting))
                            waiting, size = [], 0
                        if pause > 0:
                            time.sleep(pause)
                        waiting.append(line)
                        size += len(line)
                except (OSError, EOFError, zlib.error) as error:
                    raise CaptureError(f"cannot read {name}: {error}") from error
                yield self._count(b"".join(waiting) + b"\n")

    def _end_now(self, names: Sequence[str]) -> None:
        """At full speed the last time becomes now: the end of a long capture must not lie in the future.

        Standard input cannot be read twice; then the first time becomes now.
        """
        last = None
        for name in names:
            if name == "-":
                return
            with open_capture(name) as stream:
                try:
                    while line := stream.readline(LINE_BYTES_MAX):
                        last = max((at for at in (last, _time(line)) if at is not None), default=None)
                except (OSError, EOFError, zlib.error) as error:
                    raise CaptureError(f"cannot read {name}: {error}") from error
        if last is not None:
            self._shift_s = self._began - last

    def finish(self) -> None:
        """The sender is gone: what is unfinished counts as rejected, as it will with the receiver."""
        self.framer.close()
        self._tally()

    def _count(self, data: bytes) -> bytes:
        self.framer.feed(data, 0.0)
        self._tally()
        return data

    def _tally(self) -> None:
        ready = self.framer.ready
        total = len(ready.lines) + sum(ready.rejected.values())
        self.counted += total - self._tallied
        self._tallied = total

    _tallied: int = 0

    def taken(self) -> None:
        """What the framer had ready was handed over."""
        self._tallied = 0

    def _timed(self, line: bytes) -> tuple[bytes, float]:
        """The line with its times shifted to now, and how many seconds to wait before it."""
        at = _time(line)
        if at is None:
            return line, 0.0
        if self._first is None:
            self._first = at
        pause = 0.0
        if self.factor is not None:
            pause = (at - self._first) / self.factor - (time.time() - self._began)
        if not self.keep_times:
            shift = self._began - self._first if self._shift_s is None else self._shift_s
            if self.factor is not None:
                shift = self._began + (at - self._first) / self.factor - at
            line = TAG.sub(lambda match: _shifted(match[1], shift), line)
        return line, pause


def _time(line: bytes) -> float | None:
    """The time of a line's first tag block that tells one."""
    told = (tag_time(read_tag(match[1])) for match in TAG.finditer(line))
    return next((each for each in told if each is not None), None)


def _shifted(tag: bytes, shift_s: float) -> bytes:
    """A tag block with its time moved by shift_s and its checksum made anew."""
    at = tag_time(read_tag(tag))
    if at is None:
        return b"\\" + tag + b"\\"
    text = tag.rpartition(b"*")[0]
    text = re.sub(rb"(^|,)c:[^,]*", lambda match: match[1] + b"c:%d" % round(at + shift_s), text)
    return b"\\%s*%02X\\" % (text, checksum(text))
