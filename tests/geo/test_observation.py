"""What a station observed, cut into the parts of a chart."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from geo.figure import Figures, seeds
from geo.observation import Observed, air_days, air_hours, last, mean, measured, parts, told
from geo.station import rain_mm

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def test_of_a_row_only_what_its_record_told_is_a_value() -> None:
    rows = pd.DataFrame(
        {
            "observed_at": pd.to_datetime([NOW - HOUR, NOW, NOW + HOUR]),
            "measured": ["pm25 no2", "no2", None],
            "pm25": [20.0, 20.0, 20.0],
            "no2": [5.0, 6.0, 6.0],
        }
    )
    assert measured(rows) == {"pm25": [(NOW - HOUR, 20.0)], "no2": [(NOW - HOUR, 5.0), (NOW, 6.0)]}
    assert measured(pd.DataFrame({"observed_at": []})) == {}


def test_each_value_is_of_one_part_and_the_borders_belong_to_the_part_before() -> None:
    start = NOW - 4 * HOUR
    told = [(start, 99.0), (start + MINUTE, 1.0), (start + HOUR, 2.0), (start + HOUR + MINUTE, 4.0), (NOW, 8.0)]
    found = parts(told, start, NOW, 4, sum)
    assert [part.value for part in found] == [3.0, 4.0, None, 8.0]
    assert [part.end for part in found] == [start + n * HOUR for n in (1, 2, 3, 4)]
    assert [part.value for part in parts(told, start, NOW, 2, last)] == [4.0, 8.0]
    assert [part.value for part in parts(told, start, NOW, 2, mean)] == [pytest.approx(7 / 3), 8.0]


def test_a_correction_and_a_double_count_once_in_a_chart_as_in_the_sum_of_the_day() -> None:
    falls = [(NOW - HOUR, 5.0), (NOW - HOUR, 5.0), (NOW - 2 * HOUR, 8.0), (NOW - 2 * HOUR, 3.0)]
    found = parts(falls, NOW - 24 * HOUR, NOW, 24, sum)
    assert [part.value for part in found if part.value is not None] == [3.0, 5.0]
    assert rain_mm(falls, NOW, 24 * HOUR) == 8.0


LAW = Figures(seeds())
TEN = NOW.replace(minute=0)


def test_past_hours_index_is_made_anew_with_what_came_late() -> None:
    samples = [(TEN - back * HOUR, 20.0) for back in range(14)]
    before = air_hours({"pm25": samples}, TEN - 3 * HOUR, NOW, LAW)
    assert [one.until for one in before] == [TEN - 2 * HOUR, TEN - HOUR, TEN]
    after = air_hours({"pm25": [*samples, (TEN - HOUR - MINUTE, 220.0)]}, TEN - 3 * HOUR, NOW, LAW)
    assert [one.index.index if one.index else None for one in before] == [40, 40, 40]
    assert after[0].index == before[0].index
    assert after[1].index is not None
    assert after[1].index.index > 100


def test_days_are_the_centres_and_only_whole_ones_are_told() -> None:
    begin = datetime(2026, 11, 18, 17, tzinfo=UTC)  # midnight of the 19th in Huế
    samples = [(begin + number * HOUR, 65.0 if number <= 24 else 20.0) for number in range(1, 41)]
    found = air_days({"pm25": samples}, begin, begin + 40 * HOUR, LAW)
    assert [(day.isoformat(), index.index if index else None) for day, index in found] == [("2026-11-19", 125)]
    assert not air_days({"pm25": samples}, begin + MINUTE, begin + 40 * HOUR, LAW)
    late = air_days({}, begin, begin + 48 * HOUR, LAW)
    assert [index for _, index in late] == [None, None]


def test_other_systems_are_told_values_with_units_and_the_index_of_hours_and_days() -> None:
    samples = {"pm25": [(TEN - back * HOUR, 20.0) for back in range(13, -1, -1)], "water_m": [(TEN, 2.56)]}
    found = told(Observed(samples, ("x.parquet",)), TEN - HOUR, NOW, LAW)
    assert found["parameters"]["pm25"]["values"] == [(TEN - HOUR, 20.0), (TEN, 20.0)]
    assert found["parameters"]["water_m"]["unit"] == "m"
    assert [(one["until"], one["aqi"], one["of"]) for one in found["aqi_hours"]] == [(TEN, 40, "pm25")]
    assert found["aqi_days"] == []
    assert found["missing"] == ["x.parquet"]
