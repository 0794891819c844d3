"""Payloads of many messages of one table to typed columns, and the fingerprint of each."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from pyais.constants import EpfdType, ShipType

from geo.mmsi import DISTRESS_MAX, DISTRESS_MIN
from ingest.message import NAMES, SIZE_FIELDS, Field, Table
from ingest.sixbit import VALUES, WORD_BITS, Array, ascii_text, pack, spread

U64 = np.uint64


# The turn scale of M.1371-5 table 48: 4.733 times the root of degrees a minute; the ends only tell the side.
TURN = np.array(
    [n if abs(n) >= 127 else np.copysign(round((n / 4.733) ** 2), n) if n else 0.0 for n in range(-128, 128)]
)
CODES = {  # codes that the standard does not know count as 0
    "ship_type": np.array([int(ShipType.from_value(n) or 0) for n in range(256)]),
    "epfd": np.array([int(EpfdType.from_value(n) or 0) for n in range(16)]),
}
DIGITS = np.frombuffer(bytes(range(256)).hex().encode(), np.uint8).reshape(256, 2)
LEFT = np.array([((1 << n) - 1) << (WORD_BITS - n) for n in range(WORD_BITS + 1)], U64)  # the first n bits of a word
MULTIPLIERS = (np.random.default_rng(1371).integers(2**63, size=64, dtype=U64) << U64(1)) | U64(1)


def fingerprint(words: Array, lengths: Array) -> Array:
    """A number for each payload, int64 of shape (n,): equal characters, equal number, whichever way it was decoded.

    Below 2**53, so that a column of floats holds it too. words: packed payloads, shape (words, n), zero past their end;
    lengths: their characters.
    """
    total = lengths.astype(U64)
    for word, multiplier in zip(words, MULTIPLIERS, strict=False):
        total = total + word * multiplier
    mixed: Array = (((total ^ (total >> U64(29))) * MULTIPLIERS[-1]) >> U64(11)).view(np.int64)
    return mixed


def fingerprint_of(payload: bytes) -> int:
    """The fingerprint of one payload's characters."""
    values = np.frombuffer(payload.translate(VALUES).ljust(-(-len(payload) // 8) * 8, b"\0"), ">u8")
    return int(fingerprint(pack(values.astype(U64))[:, None], np.array([len(payload)]))[0])


def bits_of(words: Array, field: Field) -> Array:
    """A field's raw bits as unsigned numbers; it may reach over two words."""
    word, past = field.first // WORD_BITS, field.first % WORD_BITS + field.width - WORD_BITS
    mask = U64((1 << field.width) - 1)
    if past <= 0:
        found: Array = (words[word] >> U64(-past)) & mask
    else:
        found = ((words[word] << U64(past)) | (words[word + 1] >> U64(WORD_BITS - past))) & mask
    return found


def _text(words: Array, field: Field) -> Array:
    """6-bit text as bytes, without its padding."""
    pieces = []
    for first in range(field.first, field.end, WORD_BITS):
        width = min(WORD_BITS, field.end - first)
        bits = bits_of(words, Field("", width, first=first)) << U64(WORD_BITS - width)
        letters = ascii_text(spread(bits)).byteswap()
        pieces.append(letters.view(np.uint8).reshape(-1, 8)[:, : width // 6])
    text = _stripped(np.concatenate(pieces, axis=1))
    if field.name in NAMES:  # of which nothing but padding, in whatever order, is "not available"
        text[np.strings.strip(text, b"@ ") == b""] = b""
    return text


def _rest(words: Array, bits: Array, field: Field) -> Array:
    """What is left of each message as 48-bit words, shape (words, n), with zeros past its end."""
    reach = min(field.end, WORD_BITS * len(words))
    pieces = []
    for first in range(field.first, reach, WORD_BITS):
        width = min(WORD_BITS, reach - first)
        piece = bits_of(words, Field("", width, first=first)) << U64(WORD_BITS - width)
        pieces.append(piece & LEFT[np.minimum(np.maximum(bits - first, 0), WORD_BITS)])
    return np.array(pieces)


def _hexadecimal(words: Array, bits: Array, field: Field) -> Array:
    """The rest of each message as hexadecimal digits, the last byte filled with zeros."""
    rest = (_rest(words, bits, field) << U64(16)).astype(">u8").T
    count = -(-np.clip(bits - field.first, 0, field.width) // 8)
    six = np.ascontiguousarray(rest).view(np.uint8).reshape(len(bits), -1, 8)[:, :, :6].reshape(len(bits), -1)
    digits = DIGITS[six]  # shape (n, bytes, 2)
    digits[np.arange(six.shape[1]) >= count[:, None]] = 0
    joined: Array = digits.reshape(len(bits), -1).view(f"S{2 * six.shape[1]}")[:, 0]
    return joined


def _rest_text(words: Array, bits: Array, field: Field) -> Array:
    """The rest of each message as text; of a last character that is cut off, pyais reads the bits that are there."""
    wide = np.ascontiguousarray(spread(_rest(words, bits, field)).astype(">u8").T)
    characters = wide.view(np.uint8)[:, : -(-field.width // 6)]
    whole, cut = np.divmod(bits - field.first, 6)
    row = np.flatnonzero(cut)
    characters[row, whole[row]] >>= (6 - cut[row]).astype(np.uint8)
    return _stripped(characters + np.uint8(64) * (characters < 32))


def _stripped(characters: Array) -> Array:
    """Text without its padding: trailing @ first, then blanks on both sides (as pyais does)."""
    joined = np.ascontiguousarray(characters).view(f"S{characters.shape[1]}")[:, 0]
    text: Array = np.strings.strip(np.strings.rstrip(joined, b"@"))
    return text


def read(words: Array, field: Field, bits: Array) -> Array:
    """One field as a typed column: float64 where it can be "not available" (NaN), else int64, bool or bytes.

    bits: how long each message is.
    """
    if field.kind == "text":
        return _text(words, field)
    if field.kind == "rest":
        return _hexadecimal(words, bits, field)
    if field.kind == "rest_text":
        return _rest_text(words, bits, field)
    raw = bits_of(words, field)
    if field.kind == "flag":
        return raw.astype(bool)
    if field.kind in ("degrees", "turn"):
        sign = U64(1 << (field.width - 1))
        raw = (raw ^ sign) - sign
    number: Array = raw.view(np.int64)
    if field.kind == "degrees":
        # pyais rounds to six decimals; 1e6 / per is 5/3 or 5000/3, whose multiples are never halfway.
        value = np.rint(number * (3_000_000 // field.per) / 3) / 1e6
    elif field.kind == "turn":
        value = TURN[number + 128]
    elif field.kind in CODES:
        value = number = CODES[field.kind][number]
    else:
        value = number + field.base if field.base else number
        value = value / field.per if field.per > 1 else value
    if field.valid is None:
        return value
    low, high = field.valid
    value = value.astype(np.float64, copy=False)
    np.copyto(value, np.nan, where=number.view(U64) - U64(low % 2**64) > U64(high - low))
    return value


@dataclass(frozen=True)
class Group:
    """The messages of one table in a chunk, in the order heard.

    line: number of each message's first line; parts: the sentences of each; words: packed payloads, shape (words, n);
    lengths, bits: their characters, and these times six without the fill.
    """

    table: Table
    line: Array
    parts: Array
    words: Array
    lengths: Array
    bits: Array

    def only(self, mine: Array) -> "Group":
        """Some of the messages."""
        at = np.flatnonzero(mine)
        return Group(
            self.table, self.line[at], self.parts[at], self.words.take(at, axis=1), self.lengths[at], self.bits[at]
        )

    @property
    def fingerprint(self) -> Array:
        """A number for each message; see the function `fingerprint`."""
        return fingerprint(self.words, self.lengths)

    def columns(self, names: Iterable[str] | None = None) -> dict[str, Array]:
        """Typed columns of the table's fields (all, or those named) with "not available" as NaN or empty text."""
        named = self.table.named
        wanted = [name for name in (named if names is None else names) if name in named]
        found = {name: read(self.words, named[name], self.bits) for name in wanted}
        if "lon" in found and "lat" in found:
            nowhere = np.isnan(found["lon"]) | np.isnan(found["lat"])
            found["lon"][nowhere] = found["lat"][nowhere] = np.nan
        if "status" in found:
            mmsi = found.get("mmsi", read(self.words, named["mmsi"], self.bits))
            distress = (mmsi >= DISTRESS_MIN) & (mmsi < DISTRESS_MAX) & np.isnan(found["status"])
            found["status"][distress] = 15
        if SIZE_FIELDS[0] in found:
            unknown = ~np.any([found[name] for name in SIZE_FIELDS], axis=0)
            found |= {name: np.where(unknown, np.nan, found[name]) for name in SIZE_FIELDS}
        return found
