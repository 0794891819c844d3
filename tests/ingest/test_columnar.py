import gzip
import json
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyais
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.capture import capture
from bench.decode import _equal, equality, read
from geo.mmsi import PLACEHOLDERS
from ingest.ais import _mmsi, _plain, decode, null_sentinels
from ingest.feed import RawBatch
from ingest.lines import LETTERS_MAX
from ingest.message import TABLES, Table
from ingest.offline import framed
from ingest.reader import Chunk, Reader, chunks
from ingest.sentence import checksum
from ingest.vessel_frame import decode_batch
from tests.ingest.mutants import ais_lines, mutants
from tests.ingest.test_ais import captures
from tests.nmea import position, sentences, tag

NOW = 1_764_000_000.0


def both_ways(raw: bytes, received_at: float = NOW) -> tuple[int, int]:
    """Assert that columns and one-by-one decoding make the same of a batch; returns its sentences and its rows."""
    batch = RawBatch("ais.test", "boot", 1, received_at, raw)
    fast, slow = decode(batch), decode_batch(batch, tables=())
    assert fast.account == slow.account
    if len(slow.letters) < LETTERS_MAX:
        assert sorted(fast.letters) == sorted(slow.letters)
    for name in set(fast.frame) ^ set(slow.frame):  # a column of nulls need not be there
        assert pd.concat([fast.frame, slow.frame])[name].isna().all(), name
    for name in set(fast.frame) & set(slow.frame):
        ours, theirs = fast.frame[name], slow.frame[name]
        assert ours.dtype == theirs.dtype, name
        pd.testing.assert_series_equal(ours, theirs, check_exact=True, obj=name)
    return fast.account.received, len(fast.frame)


def batches(shared_data: Path) -> Iterator[tuple[Path, bytes]]:
    for path in captures(shared_data):
        for part in framed([str(path)]):
            for first in range(0, len(part.lines), 9_000):
                yield path, b"\n".join(part.lines[first : first + 9_000])


def test_every_capture_decodes_the_same_by_columns_and_one_by_one(shared_data: Path) -> None:
    total = np.zeros(2, int)
    for path, raw in batches(shared_data):
        # Captures with tag blocks are of several years; the frame takes what is near enough to be kept.
        for received_at in (NOW, 1_566_000_000.0 if b"c:15" in raw else NOW + 0.25):
            try:
                total += both_ways(raw, received_at)
            except AssertionError as error:
                raise AssertionError(f"{path.name}: {error}") from error
    assert total[0] > 180_000
    assert total[1] > 160_000


@pytest.mark.parametrize("start", [None, NOW])
def test_made_captures_decode_the_same_by_columns_and_one_by_one(start: float | None) -> None:
    assert both_ways(capture(5_000, vessels=700, start=start))[1] > 4_500


def test_mutants_decode_the_same_by_columns_and_one_by_one() -> None:
    made = mutants(random.Random(20_261_122), ais_lines(), 20_000)
    lines = [line for line in made if b"\n" not in line]
    for first in range(0, len(lines), 50):
        both_ways(b"\n".join(lines[first : first + 50]))


def in_order(parts: list[Chunk]) -> list[tuple[int, int]]:
    """Type and MMSI of every message in the order heard."""
    found = []
    for chunk in parts:
        heard = [(each.line, each.fields["msg_type"], each.fields["mmsi"]) for each in chunk.others]
        for group in chunk.groups:
            columns = group.columns(["msg_type", "mmsi"])
            heard += zip(group.line.tolist(), columns["msg_type"].tolist(), columns["mmsi"].tolist(), strict=True)
        found += [(kind, mmsi) for _, kind, mmsi in sorted(heard)]
    return found


def test_parts_are_joined_over_the_borders_of_chunks_wherever_these_are() -> None:
    made = capture(300, vessels=40) + b"!AIVDM,1,1,,A,KO,0*00\n" + b"x" * 5_000 + b"\n" + capture(40, vessels=9, seed=8)
    whole = Reader()
    expected = in_order([whole.feed(made), whole.close()])
    assert whole.account.rejected == {"checksum": 1, "too_long": 1}
    order = random.Random(5)
    for _ in range(60):
        cuts = sorted(order.randrange(len(made)) for _ in range(order.randrange(1, 40)))
        reader = Reader()
        parts = [reader.feed(made[a:b]) for a, b in pairwise([0, *cuts, len(made)])]
        assert in_order([*parts, reader.close()]) == expected
        assert reader.account == whole.account


def test_a_whole_message_ends_the_wait_of_a_part_under_its_number() -> None:
    voyage = [sentences(5, 574_000_001 + n, shipname="LONG NAME OF SHIP", destination="THUAN AN") for n in range(2)]
    reader = Reader()
    reader.feed(voyage[0][0] + b"\n" + position(574_000_003, 107.6, 16.5) + b"\n")
    chunk = reader.feed(b"\n".join([*voyage[1], voyage[0][1]]) + b"\n")
    reader.close()
    assert in_order([chunk]) == [(5, 574_000_002)]
    assert reader.account.rejected == {"incomplete": 2}


def test_tag_blocks_tell_times_and_stations() -> None:
    told = [{"c": 1_700_000_000, "s": "A"}, {"s": "b2573535", "c": 1_700_000_000_250}, {"s": "X"}, {"c": "soon"}, {}]
    lines = [(tag(**each) if each else b"") + position(574_000_001, 107.6, 16.5) for each in told]
    lines.append(tag(c=1, s="A").replace(b"s:A", b"s:B") + lines[-1])
    chunk = Reader().feed(b"\n".join(lines) + b"\n")
    (group,) = chunk.groups
    times = chunk.scan.times(group.line)
    assert times[:2].tolist() == [1_700_000_000, 1_700_000_000.25]
    assert np.isnan(times[2:]).all()
    assert chunk.scan.sources(group.line).tolist() == [b"A", b"b2573535", b"X", b"", b"", b""]


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(TABLES), st.data())
def test_random_payloads_of_every_table_equal_pyais(table: Table, data: st.DataObject) -> None:
    bits = table.lengths[0] if table.lengths else data.draw(st.integers(table.least, table.bits))
    count = -(-bits // 6)
    body = data.draw(st.lists(st.integers(0, 63), min_size=count, max_size=count))
    body[0] = data.draw(st.sampled_from(table.types))
    if table.only:
        place, form = table.told, data.draw(st.sampled_from(sorted(table.only)))
        whole = int("".join(f"{value:06b}" for value in body), 2)
        shift = 6 * count - place.end
        whole = whole & ~(((1 << place.width) - 1) << shift) | form << shift
        body = [whole >> (6 * n) & 63 for n in reversed(range(count))]
    payload = bytes(value + (48 if value < 40 else 56) for value in body)
    text = b"AIVDM,1,1,,A,%s,%d" % (payload, count * 6 - bits)
    line = b"!%s*%02X" % (text, checksum(text))
    chunk = Reader().feed(line + b"\n")
    for group in chunk.groups:
        theirs = null_sentinels(_plain(pyais.decode(line)))
        for name, column in group.columns().items():
            assert _equal(column[0], theirs[name]), name
    if not chunk.groups:  # an MMSI of nobody, or of a craft with a mothership
        assert not 0 < _mmsi(payload) <= 999_999_999 or _mmsi(payload) in PLACEHOLDERS or chunk.others


def test_every_number_and_text_of_every_capture_equals_pyais(shared_data: Path) -> None:
    shares = equality(read(shared_data / "ais").values())
    assert (shares["equal_numeric"], shares["equal_text"]) == (1, 1)
    assert shares["values"] > 1_000_000


def test_gpsd_agrees_where_both_decode_also_reports_with_36_bits_too_many(shared_data: Path) -> None:
    answers: dict[tuple[int, int], set[tuple[float, float, float]]] = {}
    with gzip.open(shared_data / "ais" / "answers" / "aishub_sample.nmea.gpsd.json.gz", "rt") as lines:
        for told in map(json.loads, lines):
            if "lon" in told and told["type"] in (1, 2, 3, 18) and isinstance(told["speed"], float):
                key = told["type"], told["mmsi"]
                answers.setdefault(key, set()).add((round(told["lon"], 5), round(told["lat"], 5), told["speed"]))
    seen = long = missed = 0
    (raw,) = read(shared_data / "ais" / "aishub_sample.nmea.gz").values()
    for chunk in chunks(raw, Reader()):
        for group in chunk.groups:
            if group.table.types[0] not in (1, 18):
                continue
            of = group.columns(["msg_type", "mmsi", "lon", "lat", "speed"])
            placed = ~np.isnan(of["lon"]) & (of["speed"] < 102.2)  # which gpsd tells in words
            values = zip(*(of[name][placed].tolist() for name in of), group.lengths[placed].tolist(), strict=True)
            for kind, mmsi, lon, lat, speed, characters in values:
                seen, long = seen + 1, long + (characters == 34)
                near = answers.get((kind, mmsi), set())
                same = any(abs(lon - x) < 2e-5 and abs(lat - y) < 2e-5 and abs(speed - v) < 0.051 for x, y, v in near)
                missed += not same
    assert seen > 65_000
    assert long > 600
    assert missed == 0
