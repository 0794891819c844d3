"""Hostile input: seeded damage to good lines, and a count of the records in it that is not the program's own."""

import json
import random
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import xor
from pathlib import Path

from ingest.ais import AIS
from ingest.feed import Feed
from ingest.json_lines import json_lines
from ingest.lines import LineFramer
from ingest.naf import Report
from ingest.vms import VMS, naf
from layers.vessel import LAYER
from tests.nmea import message, position, tag

NOW = 1_764_000_000.0
JSON = Feed("json", (), LineFramer, json_lines(LAYER.shape), lambda: ())
SENTENCE_BYTES_MAX = 1024
VALUES = ("null", "true", "NaN", "-Infinity", "1e999", "9" * 400, "-1", '"\\ud800"', '"\\u0000"', "[]", "{}", '""')
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")


def ais_lines(shared: Path | None = None) -> list[bytes]:
    """Good sentences of every kind that is used and some that are not; real ones too, where there are captures."""
    made = [
        *message(5, 574_000_001, NOW, shipname="TTH-91234-TS", callsign="XV", destination="HUE", ship_type=30),
        *message(24, 574_000_001, partno=0, shipname="TTH-91234-TS"),
        *message(24, 574_000_001, partno=1, callsign="XV1", ship_type=30),
        *message(19, 574_000_001, NOW, lon=107.6, lat=16.5, shipname="TTH-91234-TS"),
        *message(14, 972_574_001, text="MOB ACTIVE"),
        *message(21, 995_741_234, NOW, name="PHAO 1 THUAN AN HUE", lon=107.6, lat=16.5),
        *message(8, 574_000_001, dac=1, fid=11, data=b"\x01\x02\x03"),
        *(message(kind, 574_000_001, NOW, lon=107.6, lat=16.5)[0] for kind in (1, 2, 3, 4, 9, 11, 18, 27)),
        position(574_000_001, 107.6, 16.5),
    ]
    files = sorted((shared / "ais").glob("*.txt")) if shared else []
    return made + [line for file in files for line in file.read_bytes().splitlines()[:200] if line]


def json_documents() -> list[bytes]:
    """Good objects of the vessel table's columns."""
    fix = {"mmsi": 574_000_001, "lon": 107.6, "lat": 16.5, "observed_at": NOW, "speed": 5.5, "heading": 90}
    names = {"mmsi": 574_000_002, "shipname": "Hải Đăng", "ship_type": 30, "cs": True, "imo": 9_000_000}
    moment = {"mmsi": 574_000_003, "observed_at": "2025-11-24T23:00:00+07:00", "described_at": 5, "status": 3}
    return [json.dumps(each, ensure_ascii=False).encode() for each in (fix, names, {**names, **fix}, moment)]


def vms_records() -> list[bytes]:
    """Good fixes of monitoring devices in all three forms."""
    at = datetime.fromtimestamp(NOW, UTC)
    told = {"registration": "TTH-91234-TS", "device": "VNT1", "observed_at": NOW, "lon": 107.6, "lat": 16.5}
    return [
        naf(Report("POS", at, 107.6, 16.5, "TTH-91234-TS", "XVA1", "VNT1", "THUẬN AN", 5.5, 90.0, 17, "VNPT")),
        naf(Report("MAN", at, 107.6, 16.5, "BĐ-91234-TS", None, None, None, None, None, None, None)),
        b"//SR//TM/POS//XR/TTH91234//LA/N1634//LO/E10738//DA/20251124//TI/1600//ER//",
        json.dumps(told).encode(),
        json.dumps(
            {**told, "speed": 5.5, "course": 90, "manual": True, "provider": "Bình Anh"}, ensure_ascii=False
        ).encode(),
        f'TTH 91234,VNT1,{at:%Y-%m-%dT%H:%M:%SZ},107.6,16.5,5.5,90,0,VNPT,"Thuận An, 1"'.encode(),
        b"TTH.91234,,1764000000,107.6,16.5",
    ]


def mutants(order: random.Random, good: Sequence[bytes], count: int) -> Iterator[bytes]:
    """`count` damaged lines; half bear a right checksum, or no sentence would get past the door."""
    for _ in range(count):
        line = order.choice(good)
        for _ in range(order.choice((1, 1, 1, 2, 3, 6))):
            line = order.choice(WAYS)(order, line, good)
        yield _summed(line) if order.random() < 0.5 else line


def records_in(feed: Feed, line: bytes) -> int:
    """How many records a mutant holds, counted apart from the program: what is neither blank nor part of another."""
    lines = [each for each in line.split(b"\n") if each.strip()]
    if feed is JSON:
        return len(lines)
    if feed is VMS:  # a message of NAF also begins and ends a record in the midst of a line
        ended = [(part, True) for each in lines for part in each.split(b"//ER//")[:-1]]
        ended += [(each.split(b"//ER//")[-1], False) for each in lines]
        parts = [(part.split(b"//SR//"), end) for part, end in ended]
        return sum(len(begun) + bool(first.strip() or (end and not begun)) for (first, *begun), end in parts)
    # Of what is within the limit every "!" begins a sentence, save in a tag block; a line with none is one record.
    return sum(1 if len(each) > SENTENCE_BYTES_MAX else len(SENTENCE.findall(each.strip())) or 1 for each in lines)


SENTENCE = re.compile(rb"(?:\\[^\\\r\n]*\\)?![^!\\\r\n]*")


def _flip(order: random.Random, line: bytes, _: Sequence[bytes]) -> bytes:
    if not line:
        return b"\x01"
    damaged = bytearray(line)
    damaged[order.randrange(len(line))] ^= 1 << order.randrange(8)
    return bytes(damaged)


def _cut(order: random.Random, line: bytes, _: Sequence[bytes]) -> bytes:
    at = order.randrange(len(line) + 1)
    return line[:at] + line[at + order.randint(1, 20) :]


def _truncate(order: random.Random, line: bytes, _: Sequence[bytes]) -> bytes:
    return line[: order.randrange(len(line) + 1)]


def _insert(order: random.Random, line: bytes, _: Sequence[bytes]) -> bytes:
    at = order.randrange(len(line) + 1)
    return line[:at] + order.randbytes(order.randint(1, 4)) + line[at:]


def _join(order: random.Random, line: bytes, good: Sequence[bytes]) -> bytes:
    other = order.choice(good)
    return line[order.randrange(len(line) + 1) :] + other[order.randrange(len(other) + 1) :]


def _swap(order: random.Random, line: bytes, _: Sequence[bytes]) -> bytes:
    fields = line.split(b",")
    one, two = (order.randrange(len(fields)) for _ in "ab")
    fields[one], fields[two] = fields[two], fields[one]
    return b",".join(fields)


def _digit(order: random.Random, line: bytes, _: Sequence[bytes]) -> bytes:
    places = [match.span() for match in NUMBER.finditer(line)]
    if not places:
        return line
    start, end = order.choice(places)
    other = str(order.randrange(-9, 1 << order.randrange(70)))
    new = (order.choice(VALUES) if order.random() < 0.3 else other).encode()
    return line[:start] + new + line[end:]


def _repeat(order: random.Random, line: bytes, _: Sequence[bytes]) -> bytes:
    start = order.randrange(len(line) + 1)
    return line + line[start:]


def _tag(order: random.Random, line: bytes, _: Sequence[bytes]) -> bytes:
    value = order.choice((*VALUES, "1_7", "-5", "1764000000000", "1e10", "16.5"))
    block = tag(**{order.choice("cgsnd"): value, "g": f"{order.randrange(4)}-2-{order.randrange(3)}"})
    return order.choice((block, block[:-1], block * 2, block.lower())) + line


def _long(order: random.Random, line: bytes, _: Sequence[bytes]) -> bytes:
    if order.random() < 0.9:  # long ones are dear
        return line
    at = order.randrange(len(line) + 1)
    filling = order.choice((b"w", b"\0", b'"', b"[", b"!", b",")) * order.choice((300, 1_000, 5_000))
    return line[:at] + filling + line[at:]


WAYS = (_flip, _cut, _truncate, _insert, _join, _swap, _digit, _repeat, _tag, _long)


def _summed(line: bytes) -> bytes:
    start, star = line.rfind(b"!"), line.rfind(b"*")
    return line[:star] + b"*%02X" % reduce(xor, line[start + 1 : star], 0) if 0 <= start < star else line


FEEDS = {"ais": AIS, "json": JSON, "vms": VMS}
