import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.capture import capture
from ingest.ais import decode
from ingest.feed import RawBatch
from ingest.lines import LETTERS_MAX
from ingest.offline import framed
from ingest.vessel_frame import decode_batch
from tests.ingest.mutants import ais_lines, mutants
from tests.ingest.test_ais import captures

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
