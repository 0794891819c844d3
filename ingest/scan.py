"""Line-aligned bytes of NMEA sentences to the sound messages in them, table by table, without a loop over lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from geo.mmsi import PLACEHOLDERS
from ingest.ais import EXACT_BITS, LEAST_BITS
from ingest.columnar import U64, Group, bits_of
from ingest.message import TABLES, Field, Table
from ingest.sentence import LINE_BYTES_MAX, TALKERS, read_tag, tag_time
from ingest.sixbit import ILLEGAL, VALUES, Array, pack

Refusals = list[tuple[str, int]]
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
HEX_PAIR = (HEX[:, None] + HEX.astype(np.uint16) * 16).ravel()  # by two characters, the first in the low byte
HEX_PAIR[((HEX > 15)[:, None] | (HEX > 15)).ravel()] = 256
CHANNEL_OK = np.zeros(256, bool)  # letters and digits; anything odd is the slow way's
CHANNEL_OK[list(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] = True
POWERS = 10 ** np.arange(13, -1, -1)
# By word and length of a payload: which of a word's eight characters are the payload's.
KEEP = np.array(
    [
        [-1 << 8 * min(8, max(0, 8 * row + 8 - n)) & 0xFFFFFFFFFFFFFFFF for n in range(PAYLOAD_MAX + 1)]
        for row in range(25)
    ],
    U64,
)
FITS = (
    np.array(  # by type and bits: whether any message of the type may be so long
        [
            [n >= LEAST_BITS.get(each, 38) and n in EXACT_BITS.get(each, (n,)) for n in range(6 * PAYLOAD_MAX + 2)]
            for each in range(64)
        ]
    )
    & (np.isin(np.arange(64), range(1, 29)))[:, None]
)
NOTHING = np.zeros(0, np.int64)
NO_TABLE = Table((), (Field("", 0, "spare"),))
ILLEGAL_WORD = U64(ILLEGAL * 0x0101010101010101)
ILLEGAL_HEAD = ILLEGAL_WORD - U64(ILLEGAL)  # of seven characters
COMMA = U64(ord(","))


@dataclass(frozen=True)
class Scan:
    """What a chunk of whole lines holds.

    starts, ends: of every line that is not empty; at: where its sentence begins; groups: the messages that were read
    by columns; refused: reason and line of what is a sound sentence but no sound message; slow: which lines are left
    for the slow way. data: the chunk, padded.
    """

    data: bytes
    starts: Array
    ends: Array
    at: Array
    sums: Array
    groups: tuple[Group, ...]
    refused: Refusals
    slow: Array

    def line(self, number: int) -> bytes:
        """One line without its end."""
        return self.data[int(self.starts[number]) : int(self.ends[number])]

    def letters(self, most: int) -> list[tuple[str, bytes]]:
        """Reason and sentence of the first refused ones."""
        kept = self.refused[:most]
        return [(reason, self.data[self.at[line] : self.ends[line]].rstrip(b"\r")) for reason, line in kept]

    def times(self, lines: Array) -> Array:
        """Epoch seconds that the tag blocks of lines give, NaN where there is none or its checksum is wrong."""
        found = np.full(len(lines), np.nan)
        if self.at is self.starts:
            return found
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
    if not (filled := ends > starts).all():
        starts, ends = starts[filled], ends[filled]
    at = _after_tags(buffer, starts, ends)
    last = ends - (buffer[ends - 1] == ord("\r"))
    sums = running_xor(data)
    sentences = _sentences(data, at, last, sums)
    sentences.sound[ends - starts > LINE_BYTES_MAX] = False
    refused: Refusals = []
    groups, slow = [], np.ones(len(starts), bool)
    for group in _groups(data.translate(VALUES), sentences, tables, refused):
        groups.append(group)
        slow[group.line] = slow[group.line + group.parts - 1] = False
    slow[[number for _, number in refused]] = False
    return Scan(data, starts, ends, at, sums, tuple(groups), refused, slow)


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
    """By line: whether its sentence is sound, its numbers of parts, and where its payload is (length 0: unsound)."""

    sound: Array
    total: Array
    number: Array
    payload: Array
    length: Array
    fill: Array


def _sentences(data: bytes, at: Array, last: Array, sums: Array) -> _Sentences:
    words = np.ndarray(len(data) - 7, "<u8", data, strides=(1,))  # the eight bytes from every place on
    # What must be there is compared by XOR, and all that differs is gathered, so that one look in the end tells.
    first, second, tail = words[at], words[at + 8], words[last - 8]
    odd = ((first & FORM_MASK) ^ FORM) | ((second & U64(0xFF00FF)) ^ COMMA * U64(0x10001))
    # `,n,` group `,` channel `,` payload: group and channel are one character or none.
    group = (second >> U64(24)).astype(np.uint8)
    grouped = group != ord(",")
    rest = second >> np.where(grouped, U64(32), U64(24))
    channel = (rest >> U64(8)).astype(np.uint8)
    named = channel != ord(",")
    odd |= (rest & np.where(named, U64(0xFF00FF), U64(0xFF))) ^ np.where(named, COMMA * U64(0x10001), COMMA)
    # `,f*hh` ends it.
    odd |= ((tail >> U64(24)) & U64(0xFF00FF)) ^ (COMMA | U64(ord("*") << 16))
    total, number = (first >> U64(56)).astype(np.uint8) - 48, (second >> U64(8)).astype(np.uint8) - 48
    fill = (tail >> U64(32)).astype(np.uint8) - 48
    payload = at + 13 + grouped + named
    length = last - 5 - payload
    sound = (odd == 0) & TALKER_OK[(first >> U64(8)).astype(np.uint16)] & (last - at >= LINE_MIN)
    sound &= (sums[last - 4] ^ sums[at]) == HEX_PAIR[tail >> U64(48)]
    sound &= (~grouped | (group - 48 <= 9)) & (~named | CHANNEL_OK[channel]) & (fill <= 5)
    sound &= (length > 0) & (length <= PAYLOAD_MAX) & (number - 1 < total) & (total <= 9)
    return _Sentences(sound, total, number, payload, np.where(sound, length, 0).astype(np.int16), fill)


def _groups(values: bytes, found: _Sentences, tables: Sequence[Table], refused: Refusals) -> Iterator[Group]:
    """The messages of each table; single sentences that are sound but for their content are `refused`."""
    # The first seven characters tell type and MMSI of every message.
    head = np.ndarray(len(values) - 7, ">u8", values, strides=(1,))[found.payload].astype(U64)
    legal = found.sound & ((head & ILLEGAL_HEAD) == 0)
    head = pack(head)
    msg_type, mmsi = (head >> U64(42)).astype(np.uint8), (head >> U64(10)).astype(np.uint32) & 0x3FFFFFFF
    somebody = mmsi - np.uint32(1) < 999_999_999
    for number in PLACEHOLDERS:
        somebody &= mmsi != number
    single = legal & (found.total == 1)
    fits = FITS[msg_type, found.length * 6 - found.fill]
    first = np.flatnonzero((found.total[:-1] == 2) & (found.number[:-1] == 1) & legal[:-1])
    first = first[found.sound[first + 1] & (found.total[first + 1] == 2) & (found.number[first + 1] == 2)]
    bits = (found.length[first] + found.length[first + 1]) * 6 - found.fill[first + 1]
    paired = np.zeros(len(single), bool)
    paired[first] = FITS[msg_type[first], np.minimum(bits, 6 * PAYLOAD_MAX + 1)]
    families, family_of = _families(tuple(tables))
    kind = family_of[msg_type]
    kind[~((single & fits | paired) & somebody)] = 0
    for number, family in enumerate(families):
        lines = np.flatnonzero(kind == number) if family else NOTHING
        if len(lines):
            yield from _by_table(_gather(values, found, lines, paired[lines]), family)
    lines = np.flatnonzero(single & ~(fits & somebody)) if len(families) > 1 else NOTHING
    if len(lines):
        lines = _gather(values, found, lines, paired[lines]).line  # of which every character is legal
        known, fitting = (msg_type[lines] > 0) & (msg_type[lines] <= 28), fits[lines]
        reasons = np.select([~known, ~fitting], ["unknown_type", "length"], "mmsi").tolist()
        refused.extend(zip(reasons, lines.tolist(), strict=True))


@lru_cache
def _families(tables: tuple[Table, ...]) -> tuple[list[tuple[Table, ...]], Array]:
    """Tables that share their types, first none, and which of these each type belongs to."""
    of_type = [tuple(table for table in tables if each in table.types) for each in range(64)]
    families = list(dict.fromkeys(of_type))  # type 0 has none
    return families, np.array([families.index(each) for each in of_type], np.uint8)


def _gather(values: bytes, found: _Sentences, lines: Array, paired: Array) -> Group:
    """Messages that begin on `lines`, those that are `paired` with what the next line goes on with."""
    length, fill, second = found.length[lines], found.fill[lines], np.flatnonzero(paired)
    cut, after = length[second], lines[second] + 1
    length[second] += found.length[after]
    fill[second] = found.fill[after]
    width = -(-int(length.max()) // 8) * 8
    characters = _windows(values, found.payload[lines], width)
    for each in np.unique(cut).tolist():
        mine = cut == each
        characters[second[mine], each:] = _windows(values, found.payload[after[mine]], width - each)
    return _packed(lines, paired.astype(np.uint8) + 1, characters, length, length * 6 - fill)


def _windows(values: bytes, at: Array, count: int) -> Array:
    """So many bytes from each place on, shape (n, count)."""
    every = np.ndarray(len(values) - count + 1, f"V{count}", values, strides=(1,))
    found: Array = every[at].view(np.uint8).reshape(len(at), count)
    return found


def _packed(lines: Array, parts: Array, characters: Array, length: Array, bits: Array) -> Group:
    """Those messages of which every character is legal; what stands behind a payload's end is blanked."""
    columns = characters.view(">u8").T
    words = np.empty(columns.shape, U64)
    step = 1 if len(lines) > 4096 else len(words)  # many words one by one, to stay in a core's cache
    illegal = np.zeros(len(lines), U64)
    for row in range(0, len(words), step):
        part = columns[row : row + step].astype(U64)
        for at in range(max(row, int(length.min()) // 8), row + len(part)):
            part[at - row] &= KEEP[at][length]
        illegal |= np.bitwise_or.reduce(part, axis=0)
        words[row : row + step] = pack(part)
    group = Group(NO_TABLE, lines, parts, words, length, bits)
    legal = (illegal & ILLEGAL_WORD) == 0
    return group if legal.all() else group.only(legal)


def _by_table(found: Group, tables: Sequence[Table]) -> Iterator[Group]:
    """Messages of one type shared out to the tables of its forms; what has none is left for the slow way."""
    for table in tables:
        mine = _belongs(found, table)
        if mine.all():
            yield replace(found, table=table)
            return
        if mine.any():
            yield replace(found.only(mine), table=table)
            found = found.only(~mine)


def _belongs(found: Group, table: Table) -> Array:
    """Which messages have the length and the form of a table."""
    bits = found.bits
    mine: Array
    if table.lengths:
        mine = np.logical_or.reduce([bits == length for length in table.lengths])
    else:
        mine = (bits >= table.least) & ((bits <= table.bits) | (table.least == table.bits))
    if table.form and mine.any():
        told = bits_of(found.words, table.told)
        mine &= np.isin(told, list(table.only)) if table.only else ~np.isin(told, list(table.but))
        if table.form == ("partno",):
            # A craft of a mothership sends that one's MMSI where others send their size: a form of its own.
            mine &= (bits_of(found.words, table.named["mmsi"]) // U64(10_000_000) != U64(98)) | (told != U64(1))
    return mine
