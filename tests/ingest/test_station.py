"""A station's state at each of its observations, whatever the order and the pieces in which they come."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pandas as pd
import pytest

from geo.figure import Figures, seeds
from geo.station import HOUR
from ingest.environment import FEED
from ingest.feed import RawBatch
from ingest.station import DERIVED, HISTORY, NAMES, Known, completed, windows

LAW = Figures(seeds())
TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOTHING = pd.DataFrame(columns=list(HISTORY))


def frame(*records: dict[str, Any], id: str = "S") -> pd.DataFrame:
    raw = b"\n".join(
        json.dumps({"id": id, **one, "observed_at": one.get("observed_at", TEN).isoformat()}).encode()
        for one in records
    )
    found = FEED.decode(RawBatch("environment.test", "boot", 1, (TEN + 30 * HOUR).timestamp(), raw))
    assert not found.letters
    return found.frame


def done(*records: dict[str, Any], known: Known | None = None, past: pd.DataFrame = NOTHING) -> pd.DataFrame:
    return completed(frame(*records), past, {"S": known} if known else {}, LAW)[0]


def air(hours: int = 12, value: float = 20.0) -> list[dict[str, Any]]:
    return [{"observed_at": TEN - back * HOUR, "pm25": value} for back in range(hours - 1, -1, -1)]


def test_each_parameter_told_by_itself_stands_beside_the_others() -> None:
    found = done(
        {"observed_at": TEN - 2 * MINUTE, "parameter": "pm25", "value": 20},
        {"observed_at": TEN - MINUTE, "parameter": "no2", "value": 5},
        {"parameter": "humidity", "value": 80},
    )
    last = found.iloc[-1]
    assert (last["pm25"], last["no2"], last["humidity"], last["measured"]) == (20, 5, 80, "humidity")
    assert pd.isna(found.iloc[0]["no2"])


def test_a_dead_sensor_of_a_living_station_is_not_known_any_more() -> None:
    told = [{"observed_at": TEN - 150 * MINUTE, "pm25": 20}, {"observed_at": TEN - 31 * MINUTE, "no2": 5}]
    found = done(*told, {"humidity": 80}).iloc[-1]
    assert pd.isna(found["pm25"])
    assert found["no2"] == 5


def test_rain_of_the_last_report_is_not_rain_of_this_one() -> None:
    found = done({"observed_at": TEN - 10 * MINUTE, "rain_mm": 3.2}, {"temperature_c": 24}).iloc[-1]
    assert pd.isna(found["rain_mm"])
    assert (found["rain_1h_mm"], found["rain_24h_mm"]) == (3.2, 3.2)


def test_fact_21_the_index_is_that_of_the_last_full_hour_by_the_nowcast() -> None:
    newest_first = [60, 50, 40, 30, *[20] * 8]
    told = [{"observed_at": TEN - back * HOUR, "pm25": value} for back, value in enumerate(newest_first)]
    found = done(*told[::-1], {"observed_at": TEN + 20 * MINUTE, "pm25": 300}).iloc[-1]
    assert (found["aqi"], found["aqi_of"], found["aqi_until"]) == (101, "pm25", TEN)
    assert found["pm25_12h"] == pytest.approx(50.63, abs=0.01)
    assert found["pm25"] == 300


def test_fact_21_without_particles_there_is_no_index() -> None:
    found = done(*({**one, "no2": 450, "pm25": None} for one in air())).iloc[-1]
    assert pd.isna(found["aqi"])
    assert found["aqi_of"] is None
    assert found["no2"] == 450


def test_what_is_carried_on_does_not_count_a_second_time() -> None:
    """PM2.5 once in the hour, and other parameters each minute beside which it stands."""
    told = [*air(), *({"observed_at": TEN + minute * MINUTE, "no2": 5} for minute in range(1, 61))]
    first = done(*told)
    assert first.iloc[-1]["pm25"] == 20  # stands for another hour yet
    again = done({"observed_at": TEN + HOUR + MINUTE, "pm10": 5}, past=first)
    # Of the hour from ten to eleven nothing was measured.
    assert again.iloc[0]["pm25_12h"] == pytest.approx(20)
    assert first.iloc[-1]["measured"] == "no2"
    later = done({"observed_at": TEN + 2 * HOUR, "no2": 5}, past=first)
    assert pd.isna(later.iloc[0]["pm25_12h"])


@pytest.mark.parametrize(
    ("river", "water_m", "level", "nearest", "above"),
    [("kim_long", 2.56, 2, 2, 0.56), ("phu_oc", 3.79, 2, 3, -0.71), ("kim_long", 4.56, 3, 3, 1.06)],
)
def test_fact_22_a_level_stands_against_the_alarm_levels_of_its_river(river, water_m, level, nearest, above) -> None:
    found = done({"water_m": water_m, "river": river}).iloc[0]
    assert (found["stage"], found["nearest_level"]) == (level, nearest)
    assert found["above_m"] == pytest.approx(above)


def test_a_river_without_levels_has_no_stage_and_whose_levels_hold_is_remembered() -> None:
    found = done({"water_m": 2.56}).iloc[0]
    assert pd.isna(found["stage"])
    assert found["water_m"] == 2.56
    assert done({"water_m": 2.56, "river": "phong_binh"}).iloc[0][["stage", "above_m"]].isna().all()
    assert done({"water_m": 2.56}, known=Known("kim_long")).iloc[0]["stage"] == 2


def test_a_rivers_rise_is_told_in_metres_an_hour() -> None:
    told = [{"observed_at": TEN - 10 * n * MINUTE, "water_m": 3 - 0.06 * n} for n in range(12, -1, -1)]
    assert done(*told).iloc[-1]["rise_m_h"] == pytest.approx(0.36)


def test_what_comes_late_changes_the_state_that_stands() -> None:
    """Two of the last three hours come after the newest observation, which told of NO2 alone."""
    before, last = air(11)[:-2], {"observed_at": TEN, "no2": 5}
    past = done(*before, last)
    assert pd.isna(past.iloc[-1]["aqi"])
    late = [{"observed_at": TEN - HOUR, "pm25": 60.0}, {"observed_at": TEN - 15 * MINUTE, "pm25": 40.0}]
    found, overdue = completed(frame(*late), past, {"S": Known(None, TEN)}, LAW)
    assert set(overdue) == {"S"}
    now = overdue["S"]
    in_time = done(*before, *late, last).iloc[-1]
    assert now["aqi"] == in_time["aqi"] > 0
    assert (now["pm25"], now["no2"]) == (40.0, 5.0)
    assert set(now) == {*NAMES, *DERIVED, "quality"}
    # The late rows themselves tell what was known as of their own time.
    assert pd.isna(found.iloc[-1]["no2"])


def test_of_a_newer_observation_nothing_is_overdue() -> None:
    _, overdue = completed(frame({"pm25": 5}), NOTHING, {"S": Known(None, TEN - HOUR)}, LAW)
    assert not overdue
    _, overdue = completed(frame({"pm25": 5}), NOTHING, {"S": Known(None, TEN)}, LAW)
    assert not overdue


@pytest.mark.parametrize("seed", range(6))
def test_the_last_state_is_the_same_in_any_order_and_in_any_pieces(seed: int) -> None:
    random = Random(seed)
    told: list[dict[str, Any]] = [
        {"observed_at": TEN - timedelta(minutes=5 * n), random.choice(["pm25", "pm10", "no2", "water_m", "rain_mm"]):
         random.choice([-999, *(round(random.uniform(1, 60), 2) for _ in range(9))])}
        for n in range(200)
    ]  # fmt: skip
    whole = done(*told[::-1]).iloc[-1]
    mixed = random.sample(told, len(told))
    cuts = [0, *sorted(random.sample(range(1, len(told)), 12)), len(told)]
    past, known, latest = NOTHING, Known(), {}
    for begin, end in pairwise(cuts):
        piece = frame(*mixed[begin:end])
        found, overdue = completed(piece, past, {"S": known}, LAW)
        newest = found.sort_values("observed_at", kind="stable").iloc[-1]
        if known.observed_at is None or newest["observed_at"] >= known.observed_at:
            latest = newest.to_dict()
            known = Known(None, newest["observed_at"].to_pydatetime())
        elif overdue:
            latest |= overdue["S"]
        past = pd.concat([past, found], ignore_index=True) if len(past) else found
    assert latest["observed_at"] == whole["observed_at"]
    for name in (*NAMES, *DERIVED, "quality"):
        here, there = latest[name], whole[name]
        assert (pd.isna(here) and pd.isna(there)) or here == there or here == pytest.approx(there), name


def test_only_what_matters_of_the_past_is_read_however_late_a_record_comes() -> None:
    month = timedelta(days=30)
    told = frame({"observed_at": TEN - month, "pm25": 1}, {"observed_at": TEN - month - 2 * HOUR, "pm25": 1})
    assert windows(told, {}) == [("S", TEN - month - 27 * HOUR, TEN - month)]
    # So old a record changes nothing of what stands.
    assert windows(told, {"S": Known(None, TEN)}) == windows(told, {})
    assert not completed(told, NOTHING, {"S": Known(None, TEN)}, LAW)[1]
    late = frame({"observed_at": TEN - 3 * HOUR, "pm25": 1})
    assert windows(late, {"S": Known(None, TEN)}) == [("S", TEN - 28 * HOUR, TEN)]
    both = pd.concat([told, late, frame({"pm25": 1}, id="A")])
    assert windows(both, {}) == [
        ("A", TEN - 25 * HOUR, TEN),
        ("S", TEN - month - 27 * HOUR, TEN - month),
        ("S", TEN - 28 * HOUR, TEN - 3 * HOUR),
    ]


def test_a_unit_that_a_station_never_had_is_marked_and_converted() -> None:
    past = done({"observed_at": TEN - HOUR, "parameter": "no2", "value": 18.8, "unit": "µg/m³"})
    assert past.iloc[0]["quality"] is None
    found = done({"parameter": "no2", "value": 10, "unit": "ppb"}, past=past).iloc[0]
    assert found["quality"] == "no2:unit=ppb"
    assert found["no2"] == pytest.approx(18.82, abs=0.01)
    same = done({"parameter": "no2", "value": 20, "unit": "µg/m³"}, past=past).iloc[0]
    assert same["quality"] is None


def test_a_record_sent_again_has_the_same_id_and_a_correction_another() -> None:
    one, again, corrected = ({"pm25": value} for value in (20, 20, 21))
    ids = done(one, again, corrected)["record_id"].tolist()
    assert ids[0] == ids[1] != ids[2]
    assert done(one)["record_id"].tolist() == ids[:1]
    assert done({**one, "record_id": "own"})["record_id"].tolist() == ["own"]


def test_what_counts_nowhere_is_kept_and_a_state_is_told_beside_it() -> None:
    found = done({"observed_at": TEN - MINUTE, "pm25": 20}, {"pm25": -999}).iloc[-1]
    assert found["quality"] == "pm25:range=-999"
    assert found["measured"] is None
    assert found["pm25"] == 20


BAD = {"observed_at": TEN - 10 * MINUTE, "parameter": "pm25", "value": -999}
STILL = "pm25:range=-999@2026-11-20T09:50:00Z"


def test_what_was_odd_of_a_parameter_stands_until_that_parameter_is_told_well_again() -> None:
    other, well = {"observed_at": TEN - 5 * MINUTE, "no2": 5}, {"pm25": 20}
    together = done(BAD, other, well)["quality"].tolist()
    assert together == ["pm25:range=-999", STILL, None]
    past = done(BAD)
    past = pd.concat([past, done(other, past=past)], ignore_index=True)
    past = pd.concat([past, done({"observed_at": TEN - 4 * MINUTE, "no2": -1}, past=past)], ignore_index=True)
    assert past["quality"].tolist() == ["pm25:range=-999", STILL, f"{STILL} no2:range=-1"]
    assert done({"humidity": 80}, past=past).iloc[0]["quality"].split()[0] == STILL
    assert done(well, past=past).iloc[0]["quality"] == "no2:range=-1@2026-11-20T09:56:00Z"
    # What was told well in between, and comes late, ends it; and a day is the most.
    late = done({"observed_at": TEN - 9 * MINUTE, "pm25": 20}, past=past)
    past = pd.concat([past, late], ignore_index=True)
    assert done({"no2": 5}, past=past).iloc[0]["quality"] is None
    assert done({"observed_at": TEN + 23 * HOUR, "no2": 5}, past=done(BAD)).iloc[0]["quality"] == STILL
    assert done({"observed_at": TEN + 24 * HOUR, "no2": 5}, past=done(BAD)).iloc[0]["quality"] is None


def test_what_was_odd_and_comes_late_is_told_of_the_state_that_stands() -> None:
    ahead = {"observed_at": TEN + 40 * HOUR, "no2": 5}  # of a clock that is wrong: taken as of its reception
    past = done(ahead)
    at = past.iloc[0]["observed_at"].to_pydatetime()
    _, overdue = completed(frame({**BAD, "observed_at": at - MINUTE}), past, {"S": Known(None, at)}, LAW)
    words = overdue["S"]["quality"].split()
    assert f"pm25:range=-999@{at - MINUTE:%Y-%m-%dT%H:%M:%SZ}" in words
    assert "observed_at:future=2026-11-22T02:00:00Z" in words
    assert len(words) == 2


def test_a_record_without_a_place_is_where_its_station_stands() -> None:
    here = {"lon": 107.5, "lat": 16.4}
    found = done({"pm25": 1}, {"pm25": 2, **here}, {"pm25": 3}, {"pm25": 4, "lon": 107.6, "lat": 16.5})
    assert found["lon"].isna().tolist() == [True, False, False, False]
    assert found["lat"].dropna().tolist() == [16.4, 16.4, 16.5]
    assert done({"pm25": 1}, known=Known(None, TEN, 107.1, 16.2)).iloc[0][["lon", "lat"]].tolist() == [107.1, 16.2]


def test_two_stations_do_not_mix() -> None:
    both = pd.concat([frame({"pm25": 20}), frame({"no2": 5}, id="T")], ignore_index=True)
    found, _ = completed(both, NOTHING, {}, LAW)
    assert found["no2"].isna().tolist() == [True, False]
    assert found["pm25"].isna().tolist() == [False, True]


def test_two_thousand_observations_of_one_station_take_a_moment() -> None:
    import time

    told = [{"observed_at": TEN - timedelta(seconds=40 * n), "pm25": 20.0, "water_m": 1.0} for n in range(2000)]
    rows = frame(*told[::-1])
    began = time.process_time()
    completed(rows, NOTHING, {"S": Known("kim_long")}, LAW)
    assert time.process_time() - began < 5
