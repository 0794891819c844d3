"""What is seen between two fixes; the rest of the judgement is told by what the worker makes of it (test_worker)."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from geo.column import STAMP
from geo.episode import Clear, Raise
from geo.fence import Fence, Fences
from ingest.judgement import judge_rule
from ingest.scene import Scene
from layers.vessel import LAYER as VESSEL_LAYER
from layers.vessel import VESSEL
from run.clock import Clock
from tests.ingest.test_worker import BOAT, JOURNAL, T0, fix, rule, when
from tests.nmea import sentences

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
        (4 * HOUR + 1, {}),  # too long ago to know the way
        (300, {}),  # 69 knots: not one boat
        (1000, {"qualifies": {"speed": [None, 4]}}),  # passes at five knots
        (1000, {"applies_to": {"ship_type": [30, 31]}}),
        (1000, {"kind": "outside"}),
    ],
)
def test_of_a_way_that_tells_nothing_nothing_is_told(bench, work, seconds: float, changes: dict) -> None:
    bench.seed([THIN], [rule(**changes)])
    work(bench.batch(T0 + 5 * HOUR, fix(WEST, 0), fix(EAST, seconds)))
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


def test_the_two_hours_between_the_fixes_of_a_vms_are_seen_and_told(bench, work) -> None:
    bench.seed([THIN], [rule()])
    work(bench.batch(T0 + HOUR, fix(WEST, 0, speed=3)))
    work(bench.batch(T0 + 3 * HOUR, fix(EAST, 2 * HOUR, speed=3)))
    assert journal(bench) == [("raise", when(HOUR)), ("clear", when(1.2 * HOUR))]
    assert bench.one("SELECT evidence FROM alarm") == {
        "speed": 3.0, "course": 90.0, "interpolated": True, "way_s": 7200,
    }  # fmt: skip


def test_a_long_way_at_a_speed_of_no_fishing_boat_is_two_boats(bench, work) -> None:
    bench.seed([THIN], [rule()])
    far = (108.5, 16.5)  # 60 nautical miles: 31 knots, and within half an hour 60 would be believed
    work(bench.batch(T0 + 3 * HOUR, fix(WEST, 0), fix(far, 1.95 * HOUR)))
    assert journal(bench) == []
    work(bench.batch(T0 + 9 * HOUR, fix(WEST, 8 * HOUR), fix(EAST, 8 * HOUR + 400)))
    assert len(journal(bench)) == 2


def test_fact_18_two_boats_under_one_number_make_no_way_of_their_own(bench, work) -> None:
    bench.seed([THIN], [rule()])
    south = (107.55, 15.6)  # a hundred kilometres away, on the other side
    work(bench.batch(T0 + HOUR, *[fix(WEST if n % 2 else south, 180 * n) for n in range(12)]))
    assert {row["track"] for row in bench.ask("SELECT DISTINCT track FROM vessel_history")} == {0, 1}
    assert journal(bench) == []


@pytest.mark.parametrize("track", [0.0, 1.0])
def test_a_way_leads_from_one_senders_fix_to_its_own_next(track: float) -> None:
    fixes = records((0, *WEST), (3600, *EAST)).assign(track=[0.0, track])
    assert [type(each) for each in verdicts(THIN, fixes)] == ([Raise, Clear] if track == 0 else [])


def records(*fixes: tuple[float, float, float]) -> pd.DataFrame:
    """One boat's (seconds, lon, lat)."""
    times = pd.to_datetime([datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=at) for at, _, _ in fixes], utc=True)
    lon, lat = ([each[n] for each in fixes] for n in (1, 2))
    return pd.DataFrame({"mmsi": BOAT, "observed_at": times.astype(STAMP), "lon": lon, "lat": lat, "shipname": "X"})


def verdicts(fence: Fence, fixes: pd.DataFrame) -> list[object]:
    after = fixes.tail(1).set_index("mmsi", drop=False)
    scene = Scene.of([rule()], Fences((fence,)), VESSEL, "shipname", fixes, after.iloc[:0], after)
    return [verdict for step in judge_rule(rule(), scene, {}) for verdict, _ in step.verdicts]


@settings(deadline=None)
@given(
    st.integers(600, 4 * 3600), st.floats(0.001, 0.02), st.floats(0.05, 0.95), st.floats(0, 2 * np.pi),
    st.floats(0.1, 0.95),
)  # fmt: skip
def test_a_thin_fence_that_is_jumped_over_is_seen_by_the_segment(
    seconds: int, width: float, share: float, bearing: float, speed: float
) -> None:
    length = speed * 29 * seconds / 3600 / 60  # degrees, at less than 29 knots; the strip lies across it at that share
    east, north = np.sin(bearing) * length / np.cos(np.radians(16.5)), np.cos(bearing) * length
    begin = np.array([107.5 - share * east, 16.5 - share * north])
    end = begin + np.array([east, north])
    reach = min(share, 1 - share) * length / 4
    across = abs(east) > abs(north)
    half = min(width, abs(reach * (np.sin(bearing) if across else np.cos(bearing))))
    place = box(107.5 - half, 10, 107.5 + half, 22) if across else box(100, 16.5 - half, 115, 16.5 + half)
    told = verdicts(Fence("area", "area", "Khu", "Area", place), records((0, *begin), (seconds, *end)))
    assert [type(each) for each in told] == [Raise, Clear]


@settings(deadline=None)
@given(st.lists(st.integers(-475, 475), min_size=1, max_size=40), st.booleans())
def test_jitter_across_a_border_within_its_hysteresis_raises_no_second_time(metres: list[int], came_in: bool) -> None:
    """Around the edge of an area, as far as its hysteresis on either side: at most one episode, which never ends."""
    metre = float(1 / 111_195 / np.cos(np.radians(16.5)))
    area = Fence("area", "area", "Khu", "Area", box(107.0, 16.0, 107.5, 17.0), hysteresis_m=500)
    edge = [(10.0 * (n + 1), 107.5 + metre * east, 16.5) for n, east in enumerate(metres)]
    told = verdicts(area, records((0.0, 107.4 if came_in else 107.6, 16.5), *edge))
    assert [type(each) for each in told] == [Raise] * (came_in or any(east <= 0 for east in metres))


def test_what_was_on_its_way_when_the_clock_raised_takes_the_alarm_back(bench, work) -> None:
    bench.seed([THIN], [rule(dwell_s=600), rule(key="lost", kind="silence", fence_key=None, params={"silence_s": 900})])
    work(bench.batch(T0, fix((107.505, 16.5), 0)))
    now = [0.0]
    clock = Clock((VESSEL_LAYER,), bench.worker().engine, bench.redis_url, now=lambda: when(now[0]))
    with clock.engine.connect() as connection:
        for now[0] in (610.0, 910.0):
            clock.tick(connection)
    assert journal(bench) == [("raise", when(600)), ("raise", when(900))]
    work(bench.batch(T0 + 920, fix(EAST, 500)))  # told late, and newer than all that was known
    rows = bench.ask("SELECT transition, comment FROM alarm_journal ORDER BY id")
    assert [row["transition"] for row in rows[2:]] == ["withdraw", "withdraw"]
    assert all(when(500).strftime("%Y-%m-%dT%H:%M:%SZ") in row["comment"] for row in rows[2:])
    assert bench.one("SELECT count(*) FROM presence") == 0


def test_a_name_without_a_position_does_not_end_a_silence(bench, work) -> None:
    bench.seed([], [rule(kind="silence", fence_key=None, params={"silence_s": 900})])
    work(bench.batch(T0, fix(WEST, 0)))
    now = [0.0]
    clock = Clock((VESSEL_LAYER,), bench.worker().engine, bench.redis_url, now=lambda: when(now[0]))
    with clock.engine.connect() as connection:
        now[0] = 910.0
        clock.tick(connection)
    work(bench.batch(T0 + 920, *sentences(5, BOAT, shipname="TTH-91234-TS")))
    assert journal(bench) == [("raise", when(900))]
    work(bench.batch(T0 + 930, fix(WEST, 930)))
    assert journal(bench) == [("raise", when(900)), ("clear", when(930))]


def test_two_boats_have_parted_when_one_of_them_is_not_known_any_more(bench, work) -> None:
    bench.seed([], [rule(kind="proximity", fence_key=None, params={"distance_m": 500})])
    other = BOAT + 1
    work(bench.batch(T0, fix(WEST, 0), fix(WEST, 10, other)))
    assert journal(bench) == [("raise", when(10))]
    for at in (600, 1800):  # the other's last position is twenty minutes old, and then no sign of it
        work(bench.batch(T0 + at, fix(WEST, at)))
    assert journal(bench) == [("raise", when(10)), ("clear", when(1800))]
