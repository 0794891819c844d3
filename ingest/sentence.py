"""NMEA 0183 at the door: finds sentences in lines, checks sums, reads tag blocks, joins the parts of one message."""

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.lines import LineFramer

LINE_BYTES_MAX = 1024
PART_TIMEOUT_S = 10.0
SLOTS_MAX = 64
TALKERS = b"AI|AB|AD|AN|AR|AS|AT|AX|BS|SA"

# An optional tag block, then a sentence up to whatever cannot be part of one.
SENTENCE = re.compile(rb"(?:\\([^\\\r\n]*)\\)?(![^!\\\r\n]*)")
HEADER = re.compile(rb"!(?:" + TALKERS + rb")VD[MO],(\d),(\d),(\d?),([^,]*),([^,]*),(\d?)\*([0-9A-Fa-f]{2})")
# A line that is one whole message by its own word, which is nearly every line: it passes as it is.
WHOLE = re.compile(rb"(?:\\[^\\\r\n]*\\)?![^!\\\r\n]{5},1,1,[^!\\\r\n]*")
FORM = re.compile(rb"!..VD[MO],")


@dataclass(frozen=True)
class Sentence:
    """One AIS sentence taken apart: `bare` is `!..*hh`; tag is the text of its tag block, if any."""

    bare: bytes
    tag: bytes | None
    total: int
    number: int
    group: bytes
    channel: bytes
    payload: bytes


def checksum(text: bytes) -> int:
    """The NMEA 0183 checksum: XOR of the bytes."""
    value, bits = int.from_bytes(text), 1024
    while bits < len(text) * 8:
        bits *= 2
    while bits > 8:  # one half upon the other: ten steps on whole numbers instead of one a byte
        bits //= 2
        value = (value >> bits) ^ (value & ((1 << bits) - 1))
    return value


def parse(bare: bytes, tag: bytes | None) -> Sentence | str:
    """A sentence, or the reason why it is none: `talker`, `malformed` or `checksum`."""
    match = HEADER.match(bare)
    if match is None:
        return _fault(bare)
    total, number, group, channel, payload, _, told = match.groups()
    end = match.end() - 3
    if checksum(bare[1:end]) != int(told, 16):
        return "checksum"
    # IEC 61162-1: the checksum ends the sentence; only the comma of a receiver's own suffix may follow.
    if bare[match.end() : match.end() + 1] not in (b"", b",", b" ", b"\t"):
        return "malformed"
    if not 1 <= int(number) <= int(total):
        return "malformed"
    return Sentence(bare[: match.end()], tag, int(total), int(number), group, channel, payload)


def _fault(bare: bytes) -> str:
    if not FORM.match(bare):
        return "not_ais"
    if bare[1:3] not in TALKERS.split(b"|"):
        return "talker"
    return "checksum" if b"*" not in bare else "malformed"


def read_tag(tag: bytes | None) -> dict[str, str]:
    """The fields of a tag block (NMEA 0183 4.10, IEC 61162-450) by their letter; none if its own checksum is wrong."""
    if not tag:
        return {}
    text, _, told = tag.rpartition(b"*")
    try:
        if checksum(text) != int(told, 16):
            return {}
    except ValueError:
        return {}
    pairs = (item.partition(b":") for item in text.split(b","))
    return {key.decode("ascii", "replace"): value.decode("ascii", "replace") for key, _, value in pairs if value}


def tag_time(fields: dict[str, str]) -> float | None:
    """The tag block's time `c`, epoch seconds; a value in milliseconds is recognised by its size."""
    try:
        value = float(fields["c"])
    except (KeyError, ValueError):
        return None
    if value > 1e11:
        value /= 1000
    return value if 0 < value < 4e9 else None


SlotKey = tuple[bytes, bytes, str]  # sequence id, channel, the tag block's group


@dataclass
class _Slot:
    parts: dict[int, Sentence]
    total: int
    since: float


@dataclass
class NmeaFramer(LineFramer):
    """Cuts one sender's bytes into lines and hands over whole messages, their parts next to each other.

    Assembly is per sender, channel, sequence id and tag block group (`g:1-2-77`, which a hub of many receivers gives),
    so that two receivers with one sequence id make no ghost ship.
    It never decodes. One-part sentences pass unchecked (their checksum is the worker's); parts are checked here,
    because a broken part must not complete a message.
    """

    limit: int = LINE_BYTES_MAX
    _slots: OrderedDict[SlotKey, _Slot] = field(default_factory=OrderedDict)

    def feed(self, data: bytes, now: float) -> None:
        """Take bytes of a stream; see LineFramer."""
        super().feed(data, now)
        if self._slots:
            self._expire(now)

    def datagram(self, data: bytes, now: float) -> None:
        """Take one datagram; see LineFramer."""
        super().datagram(data, now)
        if self._slots:
            self._expire(now)

    def close(self) -> None:
        """The sender is gone: the last line counts as it is, unfinished parts are `incomplete`."""
        super().close()
        while self._slots:
            self._drop(next(iter(self._slots)))

    def _lines(self, lines: Sequence[bytes], now: float) -> None:
        """Whole messages pass by the run; only what stands between them is looked at line by line."""
        if max(map(len, lines), default=0) > self.limit:
            super()._lines(lines, now)
            return
        lines = [line.strip() for line in lines]
        passed = 0
        for at, line in enumerate(lines):
            if not WHOLE.fullmatch(line):
                self._pass(lines[passed:at])
                self._bounded(line, now)
                passed = at + 1
        self._pass(lines[passed:])

    def _pass(self, lines: Sequence[bytes]) -> None:
        self.ready.lines += lines
        self.ready.size += sum(map(len, lines)) + len(lines)

    def _line(self, line: bytes, now: float) -> None:
        found = False
        for match in SENTENCE.finditer(line):
            found = True
            tag, bare = match.groups()
            self._sentence(line if match.span() == (0, len(line)) else match.group(), tag, bare, now)
        if not found:
            self.refuse("not_ais", line)

    def _sentence(self, whole: bytes, tag: bytes | None, bare: bytes, now: float) -> None:
        if bare[6:12].startswith((b",1,1,", b",0,")) or not FORM.match(bare):
            self._emit(whole)
            return
        part = parse(bare, tag)
        if isinstance(part, str):
            self.refuse(part, whole)
        elif part.total == 1:
            self._emit(whole)
        else:
            self._join(part, now)

    def _join(self, part: Sentence, now: float) -> None:
        key = _slot_key(part)
        slot = self._slots.get(key)
        if slot is not None and (slot.total != part.total or part.number in slot.parts):
            self._drop(key)
            slot = None
        if slot is None:
            if len(self._slots) >= SLOTS_MAX:
                self._drop(next(iter(self._slots)))
            slot = self._slots[key] = _Slot({}, part.total, now)
        slot.parts[part.number] = part
        if len(slot.parts) == slot.total:
            del self._slots[key]
            for number in range(1, slot.total + 1):
                self._emit(_written(slot.parts[number]))

    @property
    def waits(self) -> bool:
        """Whether a part waits for others of its message."""
        return bool(self._slots)

    def supersede(self, part: Sentence) -> None:
        """A whole message with this part was joined elsewhere: what waits under its key will never be complete."""
        if _slot_key(part) in self._slots:
            self._drop(_slot_key(part))

    def _expire(self, now: float) -> None:
        while self._slots:
            key, slot = next(iter(self._slots.items()))
            if now - slot.since <= PART_TIMEOUT_S:
                return
            self._drop(key)

    def _drop(self, key: SlotKey) -> None:
        for part in self._slots.pop(key).parts.values():
            self.refuse("incomplete", _written(part))


def _slot_key(part: Sentence) -> SlotKey:
    return part.group, part.channel, _tag_group(part.tag)


def _tag_group(tag: bytes | None) -> str:
    """The third number of a tag block's `g`, which all sentences of one group share; empty when there is none."""
    return read_tag(tag).get("g", "").rpartition("-")[2]


def _written(part: Sentence) -> bytes:
    return part.bare if part.tag is None else b"\\" + part.tag + b"\\" + part.bare
