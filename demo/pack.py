"""Position reports by the thousand: columns packed at once into the sentences that pyais would write one by one."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from pyais.messages import MessageType1, MessageType18, Payload

from demo.speech import STATION

_CHUNK = 20_000
_FIRST_ARMOUR, _SECOND_ARMOUR = 48, 56
_HEX = np.frombuffer(b"0123456789ABCDEF", np.uint8)
Columns = Mapping[str, NDArray[np.float64]]


def pack(message: type[Payload], columns: Columns, at: NDArray[np.float64]) -> Iterator[bytes]:
    """One sentence with its tag block for each row, byte for byte as `speech.lines` gives it.

    `message` is a 168-bit class of pyais (MessageType1 or 18), whose field list says how; `columns` are named as its
    fields, in pyais's units, shape (n,); a field without a column keeps its default. `at`: Unix seconds.
    """
    assert message in (MessageType1, MessageType18)
    for first in range(0, len(at), _CHUNK):
        rows = slice(first, first + _CHUNK)
        yield from _sentences(_payload(message, {name: c[rows] for name, c in columns.items()}), at[rows])


def _raw(name: str, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Field values as the integers that are sent (M.1371-5: tenths, ten-thousandths of a minute, root of the turn)."""
    if name in ("lon", "lat"):
        values = values * 600_000.0
    elif name in ("speed", "course"):
        values = values * 10.0
    elif name == "turn":
        values = np.copysign(4.733 * np.sqrt(np.abs(values)), values)
    return np.asarray(np.rint(values), np.int64)


def _payload(message: type[Payload], columns: Columns) -> NDArray[np.uint8]:
    """The armoured payloads, shape (n, 28)."""
    count = len(next(iter(columns.values())))
    bits: list[NDArray[np.uint8]] = []
    for field in message.fields():
        width = field.metadata["width"]
        shifts = np.arange(width - 1, -1, -1)
        if field.name in columns:
            raw = _raw(field.name, columns[field.name])
        else:
            raw = np.full(count, int(field.metadata["default"] or 0), np.int64)
        bits.append((raw[:, None] >> shifts & 1).astype(np.uint8))
    sixes = np.concatenate(bits, axis=1).reshape(count, -1, 6)
    values = np.packbits(sixes, axis=2)[:, :, 0] >> 2
    return np.where(values < 40, values + _FIRST_ARMOUR, values + _SECOND_ARMOUR).astype(np.uint8)


def _sentences(payload: NDArray[np.uint8], at: NDArray[np.float64]) -> list[bytes]:
    count = len(at)
    stamp = np.rint(at * 1000).astype(np.int64).astype("S13").view(np.uint8).reshape(count, 13)
    channel = np.where(np.floor(at).astype(np.int64) % 2 == 0, ord("A"), ord("B")).astype(np.uint8)[:, None]
    tag = np.concatenate([_text(f"s:{STATION},c:", count), stamp], axis=1)
    body = np.concatenate(
        [_text("AIVDM,1,1,,", count), channel, _text(",", count), payload, _text(",0", count)], axis=1
    )
    slash, star = _text("\\", count), _text("*", count)
    line = [slash, tag, star, _checksum(tag), slash, _text("!", count), body, star, _checksum(body)]
    whole = np.ascontiguousarray(np.concatenate(line, axis=1))
    sentences: list[bytes] = whole.view(f"S{whole.shape[1]}")[:, 0].tolist()
    return sentences


def _text(text: str, count: int) -> NDArray[np.uint8]:
    return np.broadcast_to(np.frombuffer(text.encode("ascii"), np.uint8), (count, len(text)))


def _checksum(text: NDArray[np.uint8]) -> NDArray[np.uint8]:
    total = np.bitwise_xor.reduce(text, axis=1)
    return np.stack([_HEX[total >> 4], _HEX[total & 15]], axis=1)
