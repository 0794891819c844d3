import time
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.metric import ENOUGH, SLOT, TARGETS, Target, flooded, metrics
from tests.connections import connected
from tests.watch import LAN, MINH, Watch, local

NOON, NEXT_NOON = local("12:00", "2026-12-31"), local("12:00", "2027-01-01")
AFTER = local("18:00", "2027-01-01")


@pytest.fixture
def watch(database):
    with connected(database.owner) as engine:
        one = Watch(engine, "2026-12-31").prepare()
        one.heard("ais.quay", local("00:00", "2026-12-30"), local("01:00", "2026-12-30"))  # since when it is watched
        yield one


def told(watch: Watch, start: datetime = NOON, end: datetime = NEXT_NOON, now: datetime = AFTER) -> dict:
    with watch.engine.connect() as connection:
        return metrics(connection, start, end, now)


def values(found: dict) -> dict[str, float | None]:
    return {name: figure["value"] for name, figure in found["figures"].items()}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Ho_Chi_Minh", "America/New_York"])
def test_promise_23_a_flood_over_midnight_at_years_end(watch: Watch, zone: str, monkeypatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        before_midnight, midnight = local("23:50", "2026-12-31"), local("00:00", "2027-01-01")
        boats = iter(range(574_000_100, 574_000_200))
        for begin, count in ((before_midnight, 12), (midnight, 6), (midnight + SLOT, 4)):
            for n in range(count):
                watch.raised(begin + timedelta(seconds=45 * n), "small", str(next(boats)))
        found = told(watch)
    finally:
        monkeypatch.undo()
        time.tzset()
    figure = values(found)
    assert found["alarms"] == 22
    assert found["lines"] < 22  # those of the flood share a line
    assert (figure["hour_mean"], figure["day_mean"]) == (pytest.approx(22 / 24), pytest.approx(22))
    assert (figure["hour_most"], figure["day_most"]) == (12, 12)  # 23 h of the old year, and that day
    assert figure["busy_slots"] == pytest.approx(100 / 144)  # one of the 144 slots of a day
    assert figure["flood_time"] == pytest.approx(200 / 144)  # with six it goes on, with four it is over
    assert found["figures"]["flood_time"]["met"] == "over"
    assert figure["top_share"] is None  # of so few a share says nothing
    bars = {f"{bar['at']:%d %H}": bar["low"] for bar in found["series"]["bars"] if bar["low"]}
    assert bars == {"31 23": 12, "01 00": 10}
    assert len(found["series"]["bars"]) == 24
    assert [hour for hour, mean in enumerate(found["hours"]) if mean] == [0, 23]


def test_what_chatters_and_what_is_fleeting(watch: Watch) -> None:
    for second in (0, 20, 40, 59):  # again and again within a minute; only the last is not followed at once
        watch.raised(f"12:30:{second:02d}", boat="574000001")
        watch.cleared(NOON + timedelta(minutes=30, seconds=second + 5), boat="574000001")
    watch.raised("13:00", boat="574000002")
    watch.cleared("13:00:30", boat="574000002")  # over by itself: fleeting
    watch.raised("13:10", boat="574000003")
    watch.cleared("13:11:01", boat="574000003")  # it lasted
    known = watch.raised("13:20", boat="574000004")
    watch.acknowledged("13:20:10", known)
    watch.cleared("13:20:30", boat="574000004")  # somebody had seen it
    for minute in (0, 1, 3):  # three, but not within one minute
        watch.raised(f"14:0{minute}", boat="574000005")
        watch.cleared(f"14:0{minute}:50", boat="574000005")
    found = told(watch)
    figure = values(found)
    assert figure["chattering"] == 1
    (worst,) = [one for one in found["top"] if one["chatters"]]
    assert (worst["object_key"], worst["alarms"], worst["fleeting"]) == ("574000001", 4, 1)
    # of the three fifty seconds long: the first is followed within a minute, the others are not
    assert figure["fleeting"] == 1 + 1 + 2
    assert found["objects"] == 5


def test_how_soon_alarms_are_answered_and_by_whom(watch: Watch) -> None:
    for minute, seconds, actor, key in ((0, 120, LAN, "zone"), (10, 360, MINH, "zone"), (20, 60, LAN, "small")):
        at = local("14:00", "2026-12-31") + timedelta(minutes=minute)
        number = watch.raised(at, key, f"5740000{minute:02d}")
        watch.acknowledged(at + timedelta(seconds=seconds), number, actor)
    watch.raised("14:40", boat="574000099")  # nobody has
    answers = told(watch)["answers"]
    assert answers["all"] == {"alarms": 3, "median_s": 120, "p90_s": pytest.approx(312)}
    assert answers["person"]["Lan"] == {"alarms": 2, "median_s": 90, "p90_s": pytest.approx(114)}
    assert answers["person"]["Minh"]["median_s"] == 360
    assert answers["severity"]["high"]["median_s"] == 240
    assert answers["severity"]["low"]["median_s"] == 60
    assert list(answers["hour"]) == ["14"]


def test_a_nearer_step_calls_again_and_is_answered_by_itself(watch: Watch) -> None:
    number = watch.raised("15:00", "near", "574000001")
    watch.acknowledged("15:01", number)
    watch.stepped("15:10", 6.0, boat="574000001")
    watch.acknowledged("15:13", number, MINH)
    found = told(watch)
    assert found["alarms"] == 2
    assert found["answers"]["all"] == {"alarms": 1, "median_s": 180, "p90_s": 180}
    assert list(found["answers"]["person"]) == ["Minh"]


def test_what_was_suppressed_or_shelved_from_the_start_called_nobody(watch: Watch) -> None:
    watch.raised("13:00", "zone", "574000001")
    watch.raised("13:05", "near", "574000001")  # the boat is inside already
    first = watch.raised("13:10", "small", "574000002")
    watch.shelved("13:11", first, "6h")
    watch.cleared("13:20", "small", "574000002")
    watch.raised("13:30", "small", "574000002")  # under the shelf
    found = told(watch)
    assert (found["alarms"], found["suppressed"]) == (2, 1)


def test_a_simulated_day_told_at_once_is_no_flood(watch: Watch) -> None:
    for n in range(20):
        at = NOON + timedelta(minutes=30 * n)
        watch.raised(at, "small", f"5740000{n:02d}", told=NEXT_NOON - timedelta(minutes=1), simulated=True)
    found = told(watch)
    assert found["alarms"] == 20
    assert values(found)["hour_most"] == 2


def test_stale_are_those_on_the_desk_for_more_than_a_day(watch: Watch) -> None:
    early = local("10:00", "2026-12-30")
    watch.raised(early, boat="574000001")  # stands
    over = watch.raised(early, boat="574000002")
    watch.cleared("11:00", boat="574000002")
    watch.acknowledged("18:00", over)  # waited to be acknowledged until before midnight
    aside = watch.raised(early, boat="574000003")
    watch.shelved(local("11:00", "2027-01-01"), aside, "6h")
    assert values(told(watch))["stale"] == 1
    assert values(told(watch, end=local("13:00", "2026-12-31"), now=local("13:00", "2026-12-31")))["stale"] == 2


def test_the_ten_busiest_and_the_mix_of_severities(watch: Watch) -> None:
    for n in range(ENOUGH):
        boat = f"57400{n % 50:04d}" if n >= 20 else "574009999"
        key = "small" if n < 85 else "lost" if n < 97 else "zone"
        at = NOON + timedelta(minutes=13 * n)
        watch.raised(at, key, boat)
        watch.cleared(at + timedelta(minutes=5), key, boat)
    found = told(watch)
    figure = values(found)
    assert (figure["low_share"], figure["medium_share"], figure["high_share"]) == (85, 12, 3)
    assert found["figures"]["high_share"]["met"] == "acceptable"
    first = found["top"][0]
    assert (first["object_key"], first["rule_vi"], first["alarms"]) == ("574009999", "Vào khu vực cấm", 20)
    assert len(found["top"]) == 10
    assert figure["top_share"] == sum(one["alarms"] for one in found["top"])
    assert found["severities"] == {"critical": 0, "high": 3, "medium": 12, "low": 85}


def test_a_period_is_judged_as_far_as_something_was_watched(database) -> None:
    with connected(database.owner) as engine:
        watch = Watch(engine, "2026-12-31").prepare()
        empty = told(watch)
        assert (empty["alarms"], empty["covered_h"], values(empty)["hour_mean"]) == (0, 0, None)
        watch.raised("12:00", boat="574000001")
        young = told(watch, now=NOON + timedelta(minutes=30))
        assert (young["covered_h"], values(young)["hour_mean"], values(young)["day_mean"]) == (0.5, None, None)
        older = told(watch, NOON - timedelta(days=9), now=NOON + timedelta(hours=2))
        assert (older["covered_h"], values(older)["hour_mean"]) == (2, 0.5)
        for start, end in ((NOON, NOON), (NEXT_NOON, NOON), (NOON - timedelta(days=401), NOON)):
            with pytest.raises(ValueError, match="at most 400 days"):
                told(watch, start, end)


def test_a_target_is_met_within_its_bounds() -> None:
    both, under, most = Target("a", 6, 12), Target("b", 5, under=True), Target("c", None, 1, under=True)
    assert [both.met(value) for value in (0, 6, 6.1, 12, 12.1)] == [
        "acceptable", "acceptable", "maximum", "maximum", "over",
    ]  # fmt: skip
    assert [under.met(value) for value in (4, 5)] == ["acceptable", "over"]
    assert [most.met(value) for value in (0.9, 1.0)] == ["maximum", "over"]
    assert both.met(None) is None
    assert Target("d", None).met(3) is None
    assert not any(target.confirmed for target in TARGETS)  # until the authority has


BEGIN = datetime.fromisoformat("2026-12-31T00:00+00:00")


@given(st.lists(st.integers(0, 15), max_size=60))
def test_a_flood_lasts_from_more_than_ten_until_fewer_than_five(counts: list[int]) -> None:
    running, expected = False, 0
    for count in counts:
        running = count > 10 or (running and count >= 5)
        expected += running
    slots = {BEGIN + n * SLOT: count for n, count in enumerate(counts) if count}
    assert flooded(slots) == expected
