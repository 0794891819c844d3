import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.calendar import ZONE, check_schedule, check_season, in_hours, in_season, local_day

SECOND = timedelta(seconds=1)
ALL = [1, 2, 3, 4, 5, 6, 7]


def local(text: str) -> datetime:
    """A moment by the centre's clock, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


def span(begin: str, end: str, *days: int) -> list[dict[str, object]]:
    return [{"days": list(days) or ALL, "from": begin, "to": end}]


MONDAY = "2026-11-23"  # the next day is a Tuesday


@pytest.mark.parametrize(
    ("schedule", "clock", "holds"),
    [
        ([], "00:00", True),
        (span("08:00", "17:00"), "07:59:59", False),
        (span("08:00", "17:00"), "08:00", True),
        (span("08:00", "17:00"), "16:59:59", True),
        (span("08:00", "17:00"), "17:00", False),
        (span("08:00", "17:00", 1), "09:00", True),
        (span("08:00", "17:00", 2), "09:00", False),
        (span("22:00", "04:00", 1), "23:00", True),
        (span("22:00", "04:00", 1), "03:00", False),  # that night was Sunday's
        (span("22:00", "04:00", 7), "03:00", True),
        (span("22:00", "04:00", 7), "23:00", False),
        (span("22:00", "04:00"), "04:00", False),
        (span("00:00", "00:00", 1), "00:00", True),  # the whole day
        (span("00:00", "00:00", 1), "23:59:59", True),
        (span("00:00", "00:00", 2), "12:00", False),
        (span("08:00", "09:00") + span("12:00", "13:00"), "12:30", True),
    ],
)
def test_hours_of_the_week(schedule, clock: str, holds: bool) -> None:
    assert in_hours(schedule, local(f"{MONDAY}T{clock}")) is holds


def test_hours_are_the_centres_whatever_the_moments_zone() -> None:
    moment = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)  # 08:30 in Huế
    assert in_hours(span("08:00", "09:00", 1), moment)
    assert in_hours(span("08:00", "09:00", 1), moment.astimezone(ZONE))
    assert not in_hours(span("01:00", "02:00", 1), moment)


@pytest.mark.parametrize(
    ("season", "day", "holds"),
    [
        ([], "06-15", True),
        ([["04-01", "06-30"]], "03-31", False),
        ([["04-01", "06-30"]], "04-01", True),
        ([["04-01", "06-30"]], "06-30", True),
        ([["04-01", "06-30"]], "07-01", False),
        ([["11-15", "01-31"]], "12-31", True),
        ([["11-15", "01-31"]], "01-01", True),
        ([["11-15", "01-31"]], "01-31", True),
        ([["11-15", "01-31"]], "02-01", False),
        ([["11-15", "01-31"]], "11-14", False),
        ([["02-29", "02-29"]], "02-28", False),
        ([["04-01", "04-30"], ["08-01", "08-31"]], "08-15", True),
    ],
)
def test_seasons_of_the_year(season, day: str, holds: bool) -> None:
    assert in_season(season, local(f"2026-{day}T12:00")) is holds
    # Both days are the centre's whole days.
    assert in_season(season, local(f"2026-{day}T00:00")) is holds
    assert in_season(season, local(f"2026-{day}T23:59:59")) is holds


def test_a_leap_day_is_a_day() -> None:
    assert in_season([["02-29", "02-29"]], local("2028-02-29T12:00"))
    check_season([["02-29", "03-01"]])


MOMENTS = st.integers(0, 2 * 365 * 86_400).map(lambda second: datetime(2026, 1, 1, tzinfo=UTC) + second * SECOND)


@given(MOMENTS, st.integers(0, 23), st.integers(0, 23))
def test_a_span_and_the_rest_of_the_day_are_the_whole_time(at: datetime, begin: int, end: int) -> None:
    if begin == end:
        return
    one, other = span(f"{begin:02}:00", f"{end:02}:00"), span(f"{end:02}:00", f"{begin:02}:00")
    assert in_hours(one, at) is not in_hours(other, at)


@given(MOMENTS)
def test_promise_23_a_day_of_the_centre_runs_from_17_to_17_utc(at: datetime) -> None:
    start, end = local_day(at)
    assert start <= at < end
    assert end - start == timedelta(days=1)
    assert (start.hour, start.minute, start.utcoffset()) == (17, 0, timedelta(0))


WRONG_SCHEDULES = [
    {},
    "always",
    [{}],
    ["08:00"],
    [{"days": [], "from": "08:00", "to": "09:00"}],
    [{"days": [0], "from": "08:00", "to": "09:00"}],
    [{"days": [8], "from": "08:00", "to": "09:00"}],
    [{"days": [True], "from": "08:00", "to": "09:00"}],
    [{"days": "1", "from": "08:00", "to": "09:00"}],
    [{"days": [1], "from": "8 o'clock", "to": "09:00"}],
    [{"days": [1], "from": "08:00", "to": "24:00"}],
    [{"days": [1], "from": "08:00", "to": "25:00"}],
    [{"days": [1], "from": "08", "to": "09:00"}],
    [{"days": [1], "from": "08:00+07:00", "to": "09:00"}],
    [{"days": [1], "from": 8, "to": 9}],
    [{"days": [1], "from": "08:00"}],
]


@pytest.mark.parametrize("schedule", WRONG_SCHEDULES, ids=str)
def test_a_schedule_that_is_wrong_is_refused_with_how_it_is_written(schedule) -> None:
    with pytest.raises(ValueError, match="schedule") as told:
        check_schedule(schedule)
    assert "HH:MM" in str(told.value) or "not a list" in str(told.value)


def test_a_schedule_says_which_of_its_spans_is_wrong() -> None:
    with pytest.raises(ValueError, match="schedule, span 2"):
        check_schedule([*span("08:00", "09:00"), {"days": [1]}])


@pytest.mark.parametrize(
    "season",
    [{}, "04-01", [["04-01"]], [["04-01", "06-31"]], [["13-01", "13-02"]], [["4-1", "6-30"]], [["W01-1", "W02-1"]],
     [["02-30", "03-01"]], [[1, 2]], [None], ["ab"], [["04-01", "05-01", "06-01"]]],
    ids=str,
)  # fmt: skip
def test_a_season_that_is_wrong_is_refused_with_how_it_is_written(season) -> None:
    with pytest.raises(ValueError, match="season") as told:
        check_season(season)
    assert "MM-DD" in str(told.value) or "not a list" in str(told.value)


def test_what_is_right_is_let_through() -> None:
    check_schedule([])
    check_schedule(span("08:00", "17:30", 1, 5) + span("22:00", "04:00"))
    check_season([])
    check_season([["04-01", "06-30"], ["11-15", "01-31"]])


@pytest.mark.parametrize("zone", ["UTC", "Asia/Ho_Chi_Minh", "America/New_York"])
def test_promise_23_the_machines_own_zone_does_not_matter(zone: str) -> None:
    """At the end of a year, whose night belongs to two years, seasons and days of the week."""
    words = (
        "from datetime import datetime, UTC\n"
        "from geo.calendar import in_hours, in_season, local_day\n"
        "at = datetime(2026, 12, 31, 17, 30, tzinfo=UTC)\n"  # 00:30 on Friday 1 January 2027
        "night = lambda day: in_hours([{'days': [day], 'from': '22:00', 'to': '04:00'}], at)\n"
        "print(night(4), night(5), in_season([['12-01', '12-31']], at), in_season([['01-01', '01-01']], at),\n"
        "      local_day(at)[0].isoformat())\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", words], cwd=root, env={**os.environ, "TZ": zone, "PYTHONPATH": "."},
                          capture_output=True, text=True, check=True, timeout=60)  # fmt: skip
    assert done.stdout.split() == ["True", "False", "False", "True", "2026-12-31T17:00:00+00:00"]
