from collections.abc import Callable
from datetime import UTC, datetime

from geo.fence import Fence
from geo.rule import Rule
from ingest.ais import AIS
from ingest.feed import Lane
from tests.nmea import message, position

T0 = 1_764_000_000.0
BOAT = 574_000_001


def fix(at: float, mmsi: int = BOAT, lon: float = 107.5, told: float | None = None, **fields: object) -> bytes:
    """A transmission whose own second is that of `at`, heard by a station whose clock then says `told`."""
    second = int(T0 + at) % 60
    return position(mmsi, lon, 16.5, T0 + (at if told is None else told), second=second, **fields)


def times(bench) -> list[float]:
    rows = bench.ask("SELECT observed_at FROM vessel_history ORDER BY observed_at")
    return [row["observed_at"].timestamp() - T0 for row in rows]


def two(bench) -> tuple[Lane, Lane]:
    return bench.lane(), bench.lane(AIS, "ais.other")


def test_what_two_stations_heard_is_one_position(bench, work: Callable[..., int]) -> None:
    lanes = two(bench)
    work(bench.batch(T0, fix(0), fix(10)), lanes=lanes)
    work(bench.batch(T0, fix(0, told=1), fix(10, told=9), fix(20), source="ais.other"), lanes=lanes)
    assert times(bench) == [0, 10, 20]
    feeds = {row["source"]: row for row in bench.ask("SELECT * FROM feed")}
    other = feeds["ais.other"]
    assert (other["accepted"], other["positions"], other["rows"], other["duplicates"]) == (3, 3, 1, 2)
    assert (feeds["ais.test"]["rows"], feeds["ais.test"]["duplicates"]) == (2, 0)
    (line,) = bench.ask("SELECT rows, duplicates FROM ledger WHERE source = 'ais.other'")
    assert line == {"rows": 1, "duplicates": 2}


def test_a_station_that_repeats_within_one_batch_is_heard_once(bench, work: Callable[..., int]) -> None:
    work(bench.batch(T0, fix(0), fix(0, told=2), fix(0, told=4)))
    assert times(bench) == [0]
    assert bench.one("SELECT duplicates FROM feed") == 2


def test_the_same_words_after_the_window_are_news(bench, work: Callable[..., int]) -> None:
    work(bench.batch(T0, fix(0), fix(0, told=60)))
    work(bench.batch(T0, fix(0, told=120)))
    assert times(bench) == [0, 60, 120]


def test_the_same_words_of_another_boat_are_another_position(bench, work: Callable[..., int]) -> None:
    work(bench.batch(T0, fix(0), fix(0, 574_000_002)))
    assert times(bench) == [0, 0]


def test_names_and_texts_are_not_positions_and_come_through(bench, work: Callable[..., int]) -> None:
    lanes = two(bench)
    name = message(24, BOAT, T0, partno=0, shipname="TTH-91234-TS")
    work(bench.batch(T0, *name, fix(0)), lanes=lanes)
    work(bench.batch(T0, *name, fix(0), source="ais.other"), lanes=lanes)
    assert bench.one("SELECT shipname FROM vessel") == "TTH-91234-TS"
    assert times(bench) == [0]


def test_a_breach_that_two_stations_heard_is_one_alarm(bench, work: Callable[..., int]) -> None:
    from shapely.geometry import box

    area = Fence("area", "area", "Khu", "Area", box(107, 16, 108, 17))
    bench.seed([area], [Rule("breach", "inside", "vessel", "Vào", "In", "high", "area")])
    lanes = two(bench)
    work(bench.batch(T0, fix(0, lon=109), fix(10)), lanes=lanes)
    work(bench.batch(T0, fix(0, lon=109), fix(10), source="ais.other"), lanes=lanes)
    assert bench.one("SELECT count(*) FROM alarm") == 1
    assert bench.one("SELECT raised_at FROM alarm") == datetime.fromtimestamp(T0 + 10, UTC)


def test_a_slow_station_that_comes_late_with_old_words_adds_nothing(bench, work: Callable[..., int]) -> None:
    lanes = two(bench)
    work(bench.batch(T0, *[fix(each) for each in range(0, 600, 10)]), lanes=lanes)
    work(bench.batch(T0, *[fix(each, told=each + 3) for each in range(0, 300, 10)], source="ais.other"), lanes=lanes)
    assert times(bench) == list(range(0, 600, 10))
