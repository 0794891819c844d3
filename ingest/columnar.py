"""Payloads of many messages of one table to typed columns, and the fingerprint of each."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from pyais.constants import EpfdType, ShipType

from geo.mmsi import DISTRESS_MAX, DISTRESS_MIN
from ingest.message import SIZE_FIELDS, Field, Table
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
    """6-bit text as bytes, without the padding: trailing @ first, then blanks on both sides (as pyais does)."""
    pieces = []
    for first in range(field.first, field.end, WORD_BITS):
        width = min(WORD_BITS, field.end - first)
        bits = bits_of(words, Field("", width, first=first)) << U64(WORD_BITS - width)
        letters = ascii_text(spread(bits)).byteswap()
        pieces.append(letters.view(np.uint8).reshape(-1, 8)[:, : width // 6])
    joined = np.concatenate(pieces, axis=1).view(f"S{field.width // 6}")[:, 0]
    text: Array = np.strings.strip(np.strings.rstrip(joined, b"@"))
    text[np.strings.strip(text, b"@ ") == b""] = b""
    return text


def read(words: Array, field: Field) -> Array:
    """One field as a typed column: float64 where it can be "not available" (NaN), else int64, bool or bytes."""
    if field.kind == "text":
        return _text(words, field)
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
        value = number / field.per if field.per > 1 else number
    if field.valid is None:
        return value
    low, high = field.valid
    value = value.astype(np.float64, copy=False)
    np.copyto(value, np.nan, where=number.view(U64) - U64(low % 2**64) > U64(high - low))
    return value


@dataclass(frozen=True)
class Group:
    """The messages of one table in a chunk, in the order heard.

    line: number of each message's first line; parts: its sentences; words: packed payloads, shape (words, n); lengths:
    their characters.
    """

    table: Table
    line: Array
    parts: Array
    words: Array
    lengths: Array

    @property
    def fingerprint(self) -> Array:
        """A number for each message; see the function `fingerprint`."""
        return fingerprint(self.words, self.lengths)

    def columns(self, names: Iterable[str] | None = None) -> dict[str, Array]:
        """Typed columns of the table's fields (all, or those named) with "not available" as NaN or empty text."""
        named = self.table.named
        wanted = [name for name in (named if names is None else names) if name in named]
        found = {name: read(self.words, named[name]) for name in wanted}
        if "lon" in found and "lat" in found:
            nowhere = np.isnan(found["lon"]) | np.isnan(found["lat"])
            found["lon"][nowhere] = found["lat"][nowhere] = np.nan
        if "status" in found:
            mmsi = found.get("mmsi", read(self.words, named["mmsi"]))
            distress = (mmsi >= DISTRESS_MIN) & (mmsi < DISTRESS_MAX) & np.isnan(found["status"])
            found["status"][distress] = 15
        if SIZE_FIELDS[0] in found:
            unknown = ~np.any([found[name] for name in SIZE_FIELDS], axis=0)
            found |= {name: np.where(unknown, np.nan, found[name]) for name in SIZE_FIELDS}
        return found
