"""What is seen between two fixes; the rest of the judgement is told by what the worker makes of it (test_worker)."""

import pytest
from shapely.geometry import box

from geo.fence import Fence
from tests.ingest.test_worker import BOAT, JOURNAL, T0, fix, rule, when

THIN = Fence("area", "area", "Khu", "Area", box(107.5, 16.0, 107.51, 17.0))
WEST, EAST = (107.45, 16.5), (107.55, 16.5)  # 5.75 nautical miles apart
HOUR = 3600.0


def journal(bench) -> list[tuple[str, object]]:
    return [(row["transition"], row["observed_at"]) for row in bench.ask(JOURNAL)]


@pytest.mark.parametrize("batches", [1, 2])
def test_a_boat_that_crosses_a_thin_fence_between_two_fixes_is_seen(bench, work, batches: int) -> None:
    bench.seed([THIN], [rule()])
    lines = [fix(WEST, 0, speed=20), fix(EAST, 1000, speed=20), fix(EAST, 1100)]
    for part in [lines] if batches == 1 else [lines[:1], lines[1:]]:
        work(bench.batch(T0 + HOUR, *part))
    assert journal(bench) == [("raise", when(500)), ("clear", when(600))]
    (alarm,) = bench.ask("SELECT evidence, observed_at, ST_X(geom) lon, ST_Y(geom) lat FROM alarm")
    assert (alarm["lon"], alarm["lat"]) == (pytest.approx(107.5), pytest.approx(16.5))
    assert alarm["evidence"] == {"speed": 20.0, "course": 90.0, "interpolated": True}
    assert alarm["observed_at"] == when(500)
    assert bench.one("SELECT count(*) FROM presence") == 0


def test_the_dwell_counts_the_time_between_two_fixes(bench, work) -> None:
    bench.seed([THIN], [rule(dwell_s=90), rule(key="longer", dwell_s=110)])
    work(bench.batch(T0 + HOUR, fix(WEST, 0), fix(EAST, 1000)))
    assert journal(bench) == [("raise", when(590)), ("clear", when(600))]
    assert bench.one("SELECT ST_X(geom) FROM alarm") == pytest.approx(107.509)


def test_what_is_left_within_the_margin_is_left_by_a_later_fix(bench, work) -> None:
    bench.seed([Fence("area", "area", "Khu", "Area", THIN.geom, hysteresis_m=10_000)], [rule()])
    work(bench.batch(T0 + HOUR, fix(WEST, 0), fix(EAST, 1000)))
    assert journal(bench) == [("raise", when(500))]
    work(bench.batch(T0 + HOUR, fix((107.9, 16.5), 3500)))
    assert journal(bench) == [("raise", when(500)), ("clear", when(3500))]


@pytest.mark.parametrize(
    ("seconds", "changes"),
    [
        (1801, {}),  # too long ago to know the way
        (300, {}),  # 69 knots: not one boat
        (1000, {"qualifies": {"speed": [None, 4]}}),  # passes at five knots
        (1000, {"applies_to": {"ship_type": [30, 31]}}),
        (1000, {"kind": "outside"}),
    ],
)
def test_of_a_way_that_tells_nothing_nothing_is_told(bench, work, seconds: float, changes: dict) -> None:
    bench.seed([THIN], [rule(**changes)])
    work(bench.batch(T0 + HOUR, fix(WEST, 0), fix(EAST, seconds)))
    assert journal(bench) == []
    assert bench.one("SELECT count(*) FROM presence") == 0


def test_a_way_through_a_fence_that_was_not_in_force_is_free(bench, work) -> None:
    closed = Fence("area", "area", "Khu", "Area", THIN.geom, valid_to=when(400))
    bench.seed([closed], [rule()])
    work(bench.batch(T0 + HOUR, fix(WEST, 0), fix(EAST, 1000)))
    assert journal(bench) == []


def test_each_boat_of_a_batch_has_its_own_way(bench, work) -> None:
    bench.seed([THIN], [rule()])
    other = BOAT + 1
    work(bench.batch(T0 + HOUR, fix(WEST, 0), fix(EAST, 10, other), fix(EAST, 1000, other), fix(WEST, 1010)))
    assert journal(bench) == []
