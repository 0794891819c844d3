"""What a station observed, cut into the parts of a chart."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from geo.figure import Figures, seeds
from geo.observation import air_hours, last, mean, measured, parts

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


def test_past_hours_index_is_made_anew_with_what_came_late() -> None:
    law, ten = Figures(seeds()), NOW.replace(minute=0)
    samples = [(ten - back * HOUR, 20.0) for back in range(14)]
    before = air_hours({"pm25": samples}, NOW, 3, law)
    assert [one.until for one in before] == [ten - 2 * HOUR, ten - HOUR, ten]
    after = air_hours({"pm25": [*samples, (ten - HOUR - MINUTE, 220.0)]}, NOW, 3, law)
    assert [one.index.index if one.index else None for one in before] == [40, 40, 40]
    assert after[0].index == before[0].index
    assert after[1].index is not None
    assert after[1].index.index > 100
