"""Line-aligned bytes of NMEA sentences to the sound messages in them, table by table, without a loop over lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from geo.mmsi import PLACEHOLDERS
from ingest.columnar import U64, Group
from ingest.message import TABLES, Table
from ingest.sentence import LINE_BYTES_MAX, TALKERS, read_tag, tag_time
from ingest.sixbit import ILLEGAL, VALUES, Array, pack

LINE_MIN, PAYLOAD_MAX = 20, 200  # bytes of the shortest sentence; characters of a payload that pyais takes
SOURCE_MAX = 32  # bytes of a station's name; the standard has 15
PAD = b"\n" + bytes(256)  # ends the last line, and lets windows reach past it


def _word(text: bytes) -> np.uint64:
    return U64(int.from_bytes(text, "little"))


# `!..VD.,` with the talker left out; M and O differ in one bit.
FORM_MASK, FORM = _word(b"\xff\0\0\xff\xff\xfd\xff\0"), _word(b"!\0\0VD\x4d,\0")
TALKER_OK = np.zeros(65536, bool)
TALKER_OK[[int.from_bytes(talker, "little") for talker in TALKERS.split(b"|")]] = True
HEX = np.full(256, 16, np.uint8)
HEX[list(b"0123456789ABCDEF")] = np.arange(16)
HEX[list(b"abcdef")] = np.arange(10, 16)
CHANNEL_OK = np.zeros(256, bool)  # letters and digits; anything odd is the slow way's
CHANNEL_OK[list(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] = True
POWERS = 10 ** np.arange(13, -1, -1)
KEEP = np.array([(0xFFFFFFFFFFFFFFFF << (8 * (8 - n))) & 0xFFFFFFFFFFFFFFFF for n in range(9)], U64)
ILLEGAL_WORD = U64(ILLEGAL * 0x0101010101010101)
COMMA = U64(ord(","))


@dataclass(frozen=True)
class Scan:
    """What a chunk of whole lines holds.

    starts, ends: of every line that is not empty; at: where its sentence begins; groups: the messages that were read
    by columns; slow: which lines are left for the slow way. data: the chunk, padded.
    """

    data: bytes
    starts: Array
    ends: Array
    at: Array
    sums: Array
    groups: tuple[Group, ...]
    slow: Array

    def line(self, number: int) -> bytes:
        """One line without its end."""
        return self.data[int(self.starts[number]) : int(self.ends[number])]

    def times(self, lines: Array) -> Array:
        """Epoch seconds that the tag blocks of lines give, NaN where there is none or its checksum is wrong."""
        found = np.full(len(lines), np.nan)
        tagged = np.flatnonzero(self.at[lines] > self.starts[lines])
        if len(tagged):
            found[tagged] = self._times(self.starts[lines[tagged]] + 1, self.at[lines[tagged]] - 1)
        return found

    def _times(self, first: Array, close: Array) -> Array:
        """Times of the tag blocks whose text is data[first:close]."""
        mark, once, sound = self._tag_field(b"c", first, close)
        digits = np.frombuffer(self.data, np.uint8)[mark[:, None] + np.arange(14)]
        width = np.argmax(digits - np.uint8(48) > 9, axis=1)
        ended = np.isin(digits[np.arange(len(width)), width], list(b",*"))
        number = np.where(np.arange(14) < width[:, None], digits - np.uint8(48), 0) @ POWERS
        value = number / 10.0 ** (14 - width) / np.where(width == 13, 1000.0, 1.0)
        plain = sound & once & ended & ((width == 10) | (width == 13)) & (value < 4e9) & (value > 0)
        value[~plain] = np.nan
        for row in np.flatnonzero(~plain & ((mark > 0) | ~sound)):
            told = tag_time(read_tag(self.data[first[row] : close[row]]))
            value[row] = np.nan if told is None else told
        times: Array = value
        return times

    def sources(self, lines: Array) -> Array:
        """The names of the stations that the tag blocks of lines give, as bytes, empty where there is none."""
        found = np.zeros(len(lines), f"S{SOURCE_MAX}")
        tagged = np.flatnonzero(self.at[lines] > self.starts[lines])
        if len(tagged):
            first, close = self.starts[lines[tagged]] + 1, self.at[lines[tagged]] - 1
            mark, once, sound = self._tag_field(b"s", first, close)
            text = np.frombuffer(self.data, np.uint8)[mark[:, None] + np.arange(SOURCE_MAX)].copy()
            width = np.argmax(np.isin(text, list(b",*")), axis=1)
            text[np.arange(SOURCE_MAX) >= width[:, None]] = 0
            names = text.view(f"S{SOURCE_MAX}")[:, 0]
            names[~(sound & once & (width > 0))] = b""
            for row in np.flatnonzero((mark > 0) & ~(sound & once & (width > 0)) | ~sound):
                names[row] = read_tag(self.data[first[row] : close[row]]).get("s", "").encode()
            found[tagged] = names
        return found

    def _tag_field(self, letter: bytes, first: Array, close: Array) -> tuple[Array, Array, Array]:
        """Of each tag block data[first:close]: where the value of the field begins (0: it has none), whether it stands
        there once, and whether the block's own checksum is right.
        """
        buffer = np.frombuffer(self.data, np.uint8)
        told = HEX[buffer[close - 2]] * 16 + HEX[buffer[close - 1]]
        sound = (buffer[close - 3] == ord("*")) & ((self.sums[close - 4] ^ self.sums[first - 1]) == told)
        marks = np.flatnonzero((buffer[1:-1] == letter[0]) & (buffer[2:] == ord(":")))
        marks = np.append(marks[(buffer[marks] == ord(",")) | (buffer[marks] == ord("\\"))] + 3, 0)
        begin = np.searchsorted(marks[:-1], first)
        many = np.searchsorted(marks[:-1], close) - begin
        return np.where(many > 0, marks[begin], 0), many == 1, sound


def scan(raw: bytes, tables: Sequence[Table] = TABLES) -> Scan:
    """Find the lines, sentences and messages of a chunk, and gather the sound messages of `tables` by columns.

    A message of two sentences is found where they stand next to each other, as a framer puts them.
    """
    data = raw + PAD
    buffer = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(buffer[: len(raw) + 1] == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    starts, ends = starts[ends > starts], ends[ends > starts]
    at = _after_tags(buffer, starts, ends)
    last = ends - (buffer[ends - 1] == ord("\r"))
    sums = running_xor(data)
    sentences = _sentences(data, buffer, at, last, sums)
    sentences.sound[ends - starts > LINE_BYTES_MAX] = False
    groups, slow = [], np.ones(len(starts), bool)
    for group in _groups(data, sentences, tables):
        groups.append(group)
        slow[group.line] = False
        slow[group.line[group.parts == 2] + 1] = False
    return Scan(data, starts, ends, at, sums, tuple(groups), slow)


def running_xor(data: bytes) -> Array:
    """The XOR of all bytes up to and including each, shape (bytes,): a checksum is two of them."""
    words = np.frombuffer(data.ljust(-(-len(data) // 8) * 8, b"\0"), "<u8").copy()
    for shift in (8, 16, 32):
        words ^= words << U64(shift)
    before = np.bitwise_xor.accumulate(words >> U64(56))
    words[1:] ^= before[:-1] * U64(0x0101010101010101)
    return words.view(np.uint8)


def _after_tags(buffer: Array, starts: Array, ends: Array) -> Array:
    """Where each line's sentence begins: past its tag block, if there is a whole one."""
    tagged = np.flatnonzero(buffer[starts] == ord("\\"))
    if not len(tagged):
        return starts
    at, slashes = starts.copy(), np.flatnonzero(buffer == ord("\\"))
    following = np.searchsorted(slashes, starts[tagged]) + 1
    close = slashes[np.minimum(following, len(slashes) - 1)]
    returns = np.flatnonzero(buffer == ord("\r"))  # none may be in a tag block
    unbroken = np.searchsorted(returns, starts[tagged]) == np.searchsorted(returns, close)
    inside = (close > starts[tagged] + 4) & (close < ends[tagged]) & unbroken
    at[tagged[inside]] = close[inside] + 1
    return at


@dataclass(frozen=True)
class _Sentences:
    """By line: whether its sentence is sound, its numbers of parts, and where its payload is."""

    sound: Array
    total: Array
    number: Array
    payload: Array
    length: Array
    fill: Array


def _sentences(data: bytes, buffer: Array, at: Array, last: Array, sums: Array) -> _Sentences:
    words = np.ndarray(len(data) - 7, "<u8", data, strides=(1,))  # the eight bytes from every place on
    first, second, tail = words[at], words[at + 8], words[np.maximum(last - 8, 0)]
    sound = (last - at >= LINE_MIN) & ((first & FORM_MASK) == FORM) & TALKER_OK[(first >> U64(8)) & U64(0xFFFF)]
    total, number = (first >> U64(56)) - U64(48), ((second >> U64(8)) & U64(0xFF)) - U64(48)
    # `,n,` group `,` channel `,` payload: group and channel are one character or none.
    group = (second >> U64(24)) & U64(0xFF)
    grouped = group != COMMA
    rest = second >> (U64(24) + (grouped.view(np.uint8).astype(U64) << U64(3)))
    channel = (rest >> U64(8)) & U64(0xFF)
    named = channel != COMMA
    sound &= ((second & U64(0xFF00FF)) == COMMA * U64(0x10001)) & ((rest & U64(0xFF)) == COMMA)
    sound &= ~grouped | (group - U64(48) <= U64(9))
    sound &= ~named | CHANNEL_OK[channel] & (((rest >> U64(16)) & U64(0xFF)) == COMMA)
    # `,f*hh` ends it.
    fill, told = (
        ((tail >> U64(32)) & U64(0xFF)) - U64(48),
        HEX[(tail >> U64(48)) & U64(0xFF)] * 16 + HEX[tail >> U64(56)],
    )
    sound &= ((tail >> U64(24)) & U64(0xFF00FF)) == COMMA | U64(ord("*") << 16)
    sound &= (fill <= U64(5)) & (HEX[(tail >> U64(48)) & U64(0xFF)] < 16) & (HEX[tail >> U64(56)] < 16)
    sound &= (sums[np.maximum(last - 4, 0)] ^ sums[at]) == told
    payload = at + 13 + grouped + named
    length = last - 5 - payload
    sound &= (length > 0) & (length <= PAYLOAD_MAX) & (number - U64(1) < total) & (total <= U64(9))
    return _Sentences(sound, total, number, payload, length, fill.view(np.int64))


def _groups(data: bytes, found: _Sentences, tables: Sequence[Table]) -> Iterable[Group]:
    values = data.translate(VALUES)
    one, two = found.sound & (found.total == U64(1)), found.sound & (found.total == U64(2))
    pair = np.zeros(len(two), bool)
    pair[:-1] = two[:-1] & two[1:] & (found.number[:-1] == U64(1)) & (found.number[1:] == U64(2))
    msg_type = np.frombuffer(values, np.uint8)[found.payload]
    for table in tables:
        mine = np.isin(msg_type, table.types) if len(table.types) > 1 else msg_type == table.types[0]
        for lines, gather in ((np.flatnonzero(mine & one), _single), (np.flatnonzero(mine & pair), _double)):
            if len(lines):
                group = gather(values, found, table, lines)
                if len(group.line):
                    yield group


def _single(values: bytes, found: _Sentences, table: Table, lines: Array) -> Group:
    """Messages of one sentence: a window of bytes from each payload's begin, what lies past its end blanked."""
    length, limit = found.length[lines], _most(table)
    width = -(-int(min(length.max(), limit)) // 8)
    windows = np.ndarray(len(values) - 8 * width + 1, f"V{8 * width}", values, strides=(1,))[found.payload[lines]]
    words = windows.view(">u8").reshape(-1, width).T.astype(U64)
    if int(length.min()) == int(length.max()):
        words[-1] &= KEEP[min(int(length[0]) - 8 * (width - 1), 8)]
    else:
        words &= KEEP[np.clip(length - 8 * np.arange(width)[:, None], 0, 8)]
    return _checked(table, lines, 1, words, length, found.fill[lines])


def _double(values: bytes, found: _Sentences, table: Table, lines: Array) -> Group:
    """Messages of two sentences: the characters of both, gathered one by one."""
    first, length = found.length[lines], found.length[lines] + found.length[lines + 1]
    width = -(-int(min(length.max(), _most(table))) // 8)
    place = np.arange(8 * width)
    source = found.payload[lines][:, None] + place
    past = place >= first[:, None]
    source = np.where(past, (found.payload[lines + 1] - first)[:, None] + place, source)
    source = np.where(place < length[:, None], source, len(values) - 1)
    characters = np.frombuffer(values, np.uint8)[source]
    characters[place >= length[:, None]] = 0
    return _checked(table, lines, 2, characters.view(">u8").T.astype(U64), length, found.fill[lines + 1])


def _most(table: Table) -> int:
    """The most payload characters that are gathered; what is longer than a table's fields goes the slow way."""
    return PAYLOAD_MAX if table.lengths is None else -(-max(table.lengths) // 6)


def _checked(table: Table, lines: Array, parts: int, words: Array, length: Array, fill: Array) -> Group:
    """The group of those messages whose characters, length, part number and MMSI are those of the table."""
    bits, head = length * 6 - fill, pack(words[0])
    sound = ((np.bitwise_or.reduce(words, axis=0) & ILLEGAL_WORD) == 0) & (length <= 8 * len(words))
    sound &= np.isin(bits, table.lengths) if table.lengths else bits >= table.bits
    mmsi = (head >> U64(10)) & U64(0x3FFFFFFF)
    sound &= (mmsi > U64(0)) & (mmsi <= U64(999_999_999)) & ~np.isin(mmsi, sorted(PLACEHOLDERS))
    if table.part is not None:
        sound &= (head >> U64(8)) & U64(3) == U64(table.part)
        # A craft of a mothership sends that one's MMSI where others send their size: a form of its own.
        sound &= (mmsi // U64(10_000_000) != U64(98)) | (table.part != 1)
    if not sound.all():
        lines, words, length = lines[sound], words[:, sound], length[sound]
    return Group(table, lines, np.full(len(lines), parts), pack(words), length)
