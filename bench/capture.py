"""A made capture: believable AIS traffic of many moving vessels, encoded by columns from the decoder's own tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ingest.message import AID, BASE_STATION, CLASS_A, CLASS_B, HEAD, NAME_B, STATIC_B, VOYAGE, Field, Table, spare
from ingest.sixbit import WORD_BITS, armour
from ingest.sixbit import spread as spread_out

Array = np.ndarray[Any, Any]
BINARY = Table((8,), (*HEAD, spare(2), Field("dac", 10), Field("fid", 6), *(Field(f"data_{n}", 28) for n in range(4))))
# What each kind of station sends, in thousandths of its messages; with SHARES about the mix of a world-wide feed.
MIX: Mapping[str, tuple[tuple[Table, int, int], ...]] = {
    "ship": ((CLASS_A, 1, 833), (CLASS_A, 3, 117), (CLASS_A, 2, 22), (VOYAGE, 5, 28)),
    "boat": ((CLASS_B, 18, 800), (NAME_B, 24, 100), (STATIC_B, 24, 100)),
    "base": ((BASE_STATION, 4, 600), (BINARY, 8, 340), (AID, 21, 60)),
}
SHARES = {"ship": 0.90, "boat": 0.02, "base": 0.08}
# Open sea, lon lat: off Huế, Singapore, Hong Kong, Tokyo, Rotterdam, Skagerrak, Biscay, Marmara, Suez, Houston,
# Los Angeles, Santos, Cape Town, Mumbai, Sydney, Panama.
SEAS = np.array(
    [
        (107.9, 16.8),
        (104.2, 1.2),
        (114.3, 21.8),
        (139.8, 35.2),
        (3.6, 52.0),
        (9.6, 58.0),
        (-4.5, 46.0),
        (27.9, 40.7),
        (32.6, 31.6),
        (-94.5, 29.0),
        (-118.4, 33.6),
        (-46.2, -24.3),
        (18.1, -34.1),
        (72.5, 18.8),
        (151.6, -33.9),
        (-79.8, 8.6),
    ]
)
NAMES = np.array(
    [b"BINH MINH", b"THUAN AN", b"SONG HUONG", b"BACH MA", b"CON CO", b"LANG CO", b"TAM GIANG", b"CHAN MAY"]
)
HEX = np.frombuffer(b"0123456789ABCDEF", np.uint8)
ROW_BYTES, CHARACTERS_MAX = 160, 60  # of a payload in its first sentence, as receivers cut it


class World:
    """Vessels that sail in circles of their own, and what a network of receivers hears of them second by second.

    start: epoch seconds; with it every message bears a tag block with its time. step_s: seconds from one call to the
    next. Two reports of one vessel always differ, if only in their radio bits.
    """

    def __init__(self, vessels: int, seed: int = 7, start: float | None = None, step_s: float = 1.0) -> None:
        self.random = draw = np.random.default_rng(seed)
        self.start, self.step_s, self.elapsed_s, self.next, self.count = start, step_s, 0.0, 0, vessels
        self.kind = draw.choice(len(SHARES), vessels, p=list(SHARES.values()))
        base, number = self.kind == 2, np.arange(vessels)
        country = draw.choice([574, 563, 477, 431, 244, 219, 636, 538], vessels)
        self.mmsi = np.where(base, country * 10_000 + number % 10_000, country * 1_000_000 + number % 1_000_000)
        self.name = np.strings.add(NAMES[number % len(NAMES)], np.char.mod(b" %d", number))
        self.callsign = np.char.mod(b"XV%d", number % 100_000)
        self.centre = SEAS[draw.integers(len(SEAS), size=vessels)] + draw.normal(0, 0.5, (vessels, 2))
        moored = base | (draw.random(vessels) < 0.3)
        self.speed = np.where(moored, 0.0, draw.gamma(4, 3, vessels).clip(0, 40))  # kn
        self.turn = draw.choice([-1, 1], vessels) * draw.uniform(0.0005, 0.004, vessels)  # rad/s
        self.phase = draw.uniform(0, 2 * np.pi, vessels)

    def second(self, sentences: int) -> bytes:
        """The next step's sentences, as many as asked for, the vessels in turn."""
        who = (self.next + np.arange(sentences)) % self.count
        self.next = int((self.next + sentences) % self.count)
        at = self.elapsed_s + np.arange(sentences) * (self.step_s / max(sentences, 1))
        self.elapsed_s += self.step_s
        rows = np.zeros((sentences, ROW_BYTES), np.uint8)
        kind, pick = self.kind[who], self.random.integers(1000, size=sentences)
        for number, parts in enumerate(MIX.values()):
            edge = 0
            for table, msg_type, share in parts:
                mine = np.flatnonzero((kind == number) & (pick >= edge) & (pick < edge + share))
                edge += share
                if len(mine):
                    times = None if self.start is None else (self.start + at[mine]).astype(np.int64)
                    rows[mine] = encode(table, self._values(table, msg_type, who[mine], at[mine]), times)
        return _cut(rows, sentences)

    def _values(self, table: Table, msg_type: int, who: Array, at: Array) -> dict[str, Any]:
        """Raw numbers (bytes for text) of all fields that some table has, for vessels at times."""
        course = self.phase[who] + self.turn[who] * at  # radians, clockwise from north
        radius = self.speed[who] * 0.514444 / self.turn[who] / 111_320  # degrees of latitude
        lat = self.centre[who, 1] + radius * np.sin(course)
        lon = self.centre[who, 0] - radius * np.cos(course) / np.cos(np.radians(lat))
        degrees, number = np.degrees(course) % 360, self.mmsi[who] % 1000
        moving = {"lon": np.rint(lon * 600_000), "lat": np.rint(lat * 600_000), "course": degrees * 10}
        moving |= {"heading": degrees, "speed": self.speed[who] * 10, "turn": np.sign(self.turn[who]) * 4}
        moving |= {"second": ((self.start or 0) + at) % 60, "radio": self.random.integers(2**19, size=len(who))}
        size = {"to_bow": 5 + number % 90, "to_stern": 5 + number % 20, "to_port": 3 + number % 6, "to_starboard": 4}
        voyage = {"imo": 9_000_000 + number, "draught": 10 + number % 90, "month": 11, "day": 1 + number % 28}
        texts = {"shipname": self.name[who], "name": self.name[who], "callsign": self.callsign[who]}
        head = {"msg_type": msg_type, "mmsi": self.mmsi[who], "partno": int(1 in table.only), "accuracy": number & 1}
        other = {"year": 2026, "ship_type": np.choose(number % 4, [30, 70, 80, 60]), "dac": 990, "destination": b"HUE"}
        return head | moving | size | voyage | texts | other | {"data_0": moving["radio"], "aid_type": 1, "cs": 1}


def payload(table: Table, values: Mapping[str, Any], count: int) -> Array:
    """The payload characters of `count` messages as bytes, shape (count, characters); what has no value is 0."""
    words = np.zeros((table.bits // WORD_BITS + 2, count), np.uint64)
    for field in table.fields:
        value = values.get(field.name, 0)
        if field.kind in ("rest", "rest_text"):
            continue  # messages are made without one
        if field.kind != "text":
            _put(words, field.first, field.width, np.asarray(value).astype(np.int64))
        elif field.name in values:
            letters = np.broadcast_to(np.asarray(value, f"S{field.width // 6}"), count).copy()
            for at, letter in enumerate(letters.view(np.uint8).reshape(count, -1).T):
                _put(words, field.first + 6 * at, 6, letter)
    characters = np.ascontiguousarray(armour(spread_out(words)).T.astype(">u8")).view(np.uint8)
    return characters[:, : -(-table.least // 6)]


def _put(words: Array, first: int, width: int, value: Array) -> None:
    raw = value.astype(np.uint64) & np.uint64((1 << width) - 1)
    word, past = first // WORD_BITS, first % WORD_BITS + width - WORD_BITS
    if past <= 0:
        words[word] |= raw << np.uint64(-past)
        return
    words[word] |= raw >> np.uint64(past)
    words[word + 1] |= (raw << np.uint64(WORD_BITS - past)) & np.uint64((1 << WORD_BITS) - 1)


def encode(table: Table, values: Mapping[str, Any], times: Array | None = None) -> Array:
    """Lines of whole messages, shape (messages, ROW_BYTES), padded with zero bytes; two sentences where one is short.

    values: raw numbers (S-arrays for text) by field name; times: epoch seconds for a tag block, 10 digits.
    """
    count = len(values["mmsi"])
    characters = payload(table, values, count)
    fill = characters.shape[1] * 6 - table.least
    tag = [] if times is None else [_summed(b"\\", b"c:", [_digits(times, 10)], b"\\", count)]
    if characters.shape[1] <= CHARACTERS_MAX:
        lines = [*tag, _summed(b"!", b"AIVDM,1,1,,A,", [characters], b"\n", count, b",%d" % fill)]
    else:
        group = _digits(np.arange(count) % 10, 1)
        first, last = characters[:, :CHARACTERS_MAX], characters[:, CHARACTERS_MAX:]
        comma = np.full((count, 3), np.frombuffer(b",A,", np.uint8))
        lines = [
            *tag,
            _summed(b"!", b"AIVDM,2,1,", [group, comma, first], b"\n", count, b",0"),
            _summed(b"!", b"AIVDM,2,2,", [group, comma, last], b"\n", count, b",%d" % fill),
        ]
    whole = np.concatenate(lines, axis=1)
    return np.pad(whole, ((0, 0), (0, ROW_BYTES - whole.shape[1])))


def _digits(values: Array, width: int) -> Array:
    digits: Array = (values[:, None] // 10 ** np.arange(width - 1, -1, -1) % 10 + 48).astype(np.uint8)
    return digits


def _summed(before: bytes, head: bytes, parts: list[Array], after: bytes, count: int, tail: bytes = b"") -> Array:
    """`before`, the summed text (head, parts, tail), its NMEA checksum and `after`, side by side."""

    def all_rows(text: bytes) -> Array:
        return np.broadcast_to(np.frombuffer(text, np.uint8), (count, len(text)))

    body = np.concatenate([all_rows(head), *parts, all_rows(tail)], axis=1)
    total = np.bitwise_xor.reduce(body, axis=1)
    mark = [all_rows(b"*"), HEX[total >> 4][:, None], HEX[total & 15][:, None]]
    return np.concatenate([all_rows(before), body, *mark, all_rows(after)], axis=1)


def _cut(rows: Array, sentences: int) -> bytes:
    """Rows without their padding, up to the message that reaches `sentences`."""
    told = np.cumsum((rows == ord("\n")).sum(axis=1))
    return rows[: int(np.searchsorted(told, sentences)) + 1].tobytes().translate(None, b"\0")


def capture(count: int, vessels: int = 11_000, seed: int = 7, start: float | None = None) -> bytes:
    """About `count` sentences, one a line: every vessel is heard every ten seconds."""
    world, parts = World(vessels, seed, start, step_s=10.0), []
    while count > 0:
        parts.append(world.second(min(count, vessels)))
        count -= min(count, vessels)
    return b"".join(parts)
