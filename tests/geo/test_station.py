"""Hours, days, rise and rain of a station, from observations in any order."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from geo.calendar import ZONE
from geo.figure import Figures, seeds
from geo.station import HOUR, air_day, air_hour, hour_end, hourly, rain_mm, rise_m_h

FIGURES = Figures(seeds())
TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)


def back(values: list[float | None]) -> dict[datetime, float]:
    """Hourly means, the newest first, of which that of the hour until ten is the first."""
    return {TEN - number * HOUR: value for number, value in enumerate(values) if value is not None}


def test_what_is_told_at_ten_sharp_is_of_the_hour_until_ten() -> None:
    assert hour_end(TEN) == TEN
    assert hour_end(TEN + timedelta(microseconds=1)) == TEN + HOUR
    assert hour_end(TEN - timedelta(minutes=59, seconds=59)) == TEN
    stamped_at_its_end = hourly([(TEN, 40.0)])
    by_minutes = hourly([(TEN - timedelta(minutes=minute), 40.0) for minute in range(60)])
    assert stamped_at_its_end == by_minutes == {TEN: 40.0}


def test_a_corrected_value_takes_the_place_of_the_first_one() -> None:
    assert hourly([(TEN, 40.0), (TEN - timedelta(minutes=30), 20.0), (TEN, 60.0)]) == {TEN: 40.0}


def test_fact_21_an_hours_index_goes_by_the_nowcast_of_the_particles() -> None:
    found = air_hour({"pm25": back([60, 50, 40, 30, *[20] * 8])}, TEN, FIGURES)
    assert found.nowcast["pm25"] == pytest.approx(50.63, abs=0.01)
    assert found.index is not None
    assert (found.index.index, found.index.of, found.until) == (101, "pm25", TEN)
    found = air_hour({"pm25": back([40, 38, 36, 35, 34, 33, 32, 31, *[30] * 4])}, TEN, FIGURES)
    assert found.index is not None
    assert found.index.index == 72


def test_fact_21_without_two_of_the_last_three_hours_there_is_no_index_whatever_the_gases() -> None:
    hours = {"pm25": back([None, None, 40, 30, 30]), "no2": back([450])}
    assert air_hour(hours, TEN, FIGURES).index is None
    assert air_hour({"no2": back([450])}, TEN, FIGURES).index is None


def test_an_hour_that_is_not_over_does_not_count_yet() -> None:
    hours = {"pm25": {**back([40] * 12), TEN + HOUR: 400.0}}
    early, over = (air_hour(hours, TEN + timedelta(minutes=minutes), FIGURES) for minutes in (59, 60))
    assert early.index is not None
    assert over.index is not None
    assert (early.until, over.until) == (TEN, TEN + HOUR)
    assert early.index.index < 100 < over.index.index


def test_a_gas_counts_by_the_mean_of_the_hour_that_is_told_of() -> None:
    hours = {"pm25": back([10] * 12), "no2": back([450, 0])}
    found = air_hour(hours, TEN, FIGURES).index
    assert found is not None
    assert (found.index, found.of) == (125, "no2_1h")
    later = air_hour({**hours, "pm25": {**hours["pm25"], TEN + HOUR: 10.0}}, TEN + HOUR, FIGURES).index
    assert later is not None
    assert later.of == "pm25"


def test_the_order_in_which_observations_come_does_not_matter() -> None:
    random = Random(5)
    samples = [(TEN - timedelta(minutes=10 * number), random.uniform(10, 90)) for number in range(72)]
    shuffled = random.sample(samples, len(samples))
    ordered, late = (air_hour({"pm25": hourly(one)}, TEN, FIGURES) for one in (samples, shuffled))
    assert ordered.index is not None
    assert late.index is not None
    assert ordered.index.index == late.index.index
    assert ordered.nowcast["pm25"] == pytest.approx(late.nowcast["pm25"])


def test_fact_21_a_days_index_is_of_its_mean_and_of_the_gases_worst_hours() -> None:
    begin = datetime(2026, 11, 20, tzinfo=ZONE)
    ends = [begin + number * HOUR for number in range(1, 25)]
    hours = {
        "pm25": dict.fromkeys(ends, 65.0),
        "o3": {end: (190.0 if 10 <= n < 18 else 20.0) for n, end in enumerate(ends)},
    }
    found = air_day(hours, begin, FIGURES)
    assert found is not None
    assert found.parts["pm25"] == 125
    assert found.parts["o3_8h"] == 175
    assert (found.index, found.of) == (175, "o3_8h")


@pytest.mark.parametrize(("known", "told"), [(17, False), (18, True)])
def test_of_a_day_three_quarters_must_be_known(known: int, told: bool) -> None:
    begin = datetime(2026, 11, 20, tzinfo=ZONE)
    hours = {"pm25": {begin + number * HOUR: 20.0 for number in range(1, known + 1)}}
    assert (air_day(hours, begin, FIGURES) is not None) is told


def test_the_day_before_and_the_day_after_do_not_count() -> None:
    begin = datetime(2026, 11, 20, tzinfo=ZONE)
    hours = {"pm10": {begin + number * HOUR: (100.0 if 1 <= number <= 24 else 600.0) for number in range(-3, 28)}}
    found = air_day(hours, begin, FIGURES)
    assert found is not None
    assert found.index == 75


def test_a_river_rises_by_what_it_stood_at_an_hour_before() -> None:
    levels = [(TEN - timedelta(minutes=10 * n), 3.0 - 0.05 * n) for n in range(18, -1, -1)]
    assert rise_m_h(levels, TEN) == pytest.approx(0.30)
    assert rise_m_h(levels, TEN - HOUR) == pytest.approx(0.30)
    falling = [(at, -value) for at, value in levels]
    assert rise_m_h(falling, TEN) == pytest.approx(-0.30)


@pytest.mark.parametrize(
    "minutes",
    [[0], [10, 0], [240, 0], [60]],
    ids=["one value", "only just before", "too long ago", "nothing now"],
)
def test_no_rise_is_told_out_of_nothing(minutes: list[int]) -> None:
    assert rise_m_h([(TEN - timedelta(minutes=each), 1.0) for each in minutes], TEN) is None


def test_a_gap_of_two_hours_is_told_as_metres_an_hour() -> None:
    assert rise_m_h([(TEN - 2 * HOUR, 1.0), (TEN, 2.0)], TEN) == pytest.approx(0.5)


def test_rain_is_the_sum_of_what_was_told_in_the_time_and_of_nothing_there_is_none() -> None:
    falls = [(TEN - timedelta(minutes=10 * number), 2.0) for number in range(145)]
    assert rain_mm(falls, TEN, HOUR) == 12.0
    assert rain_mm(falls, TEN, 24 * HOUR) == 288.0
    assert rain_mm([*falls, (TEN, 2.0)], TEN, HOUR) == 12.0  # told twice
    assert rain_mm(falls, TEN + 2 * HOUR, HOUR) is None
