import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.shift import Shift, parse, shift_of

ROOT = Path(__file__).resolve().parents[2]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        ("2026-11-25T06:00+07:00", "2026-11-25.1"),
        ("2026-11-25T13:59:59.999999+07:00", "2026-11-25.1"),
        ("2026-11-25T14:00+07:00", "2026-11-25.2"),
        ("2026-11-25T22:00+07:00", "2026-11-25.3"),
        ("2026-11-26T00:00+07:00", "2026-11-25.3"),  # the night belongs to the evening it began on
        ("2026-11-26T05:59:59+07:00", "2026-11-25.3"),
        ("2026-12-31T17:30+00:00", "2026-12-31.3"),  # 00:30 on New Year's Day
        ("2026-12-31T23:00+00:00", "2027-01-01.1"),
    ],
)
def test_a_moment_lies_in_one_shift(moment: str, name: str) -> None:
    found = shift_of(at(moment))
    assert found.name == name
    assert found.starts_at <= at(moment) < found.ends_at
    assert parse(name) == found


def test_the_night_ends_on_the_next_day_and_the_next_year() -> None:
    night = parse("2026-12-31.3")
    assert (night.starts_at, night.ends_at) == (at("2026-12-31T15:00Z"), at("2026-12-31T23:00Z"))
    assert (night.next.name, night.previous.name) == ("2027-01-01.1", "2026-12-31.2")


@given(st.datetimes(datetime(2001, 1, 1), datetime(2098, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  hypothesis wants them bare
def test_shifts_follow_one_another_without_a_gap(moment: datetime) -> None:
    one = shift_of(moment)
    assert one.starts_at <= moment < one.ends_at
    assert one.next.starts_at == one.ends_at
    assert one.next.previous == one
    assert one < one.next
    assert parse(one.name) == one


@pytest.mark.parametrize(
    "name", ["", "2026-11-25", "2026-11-25.0", "2026-11-25.4", "2026-02-30.1", "9999-12-31.3", "x.1"]
)
def test_what_is_no_shift_is_refused_in_words(name: str) -> None:
    with pytest.raises(ValueError, match="is no shift"):
        parse(name)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Ho_Chi_Minh", "America/New_York"])
def test_promise_23_a_shift_is_the_centres_whatever_the_machines_clock_says(zone: str) -> None:
    ask = "from geo.shift import *; s = parse('2026-12-31.3'); print(s.starts_at.isoformat(), shift_of(s.ends_at).name)"
    environment = {**os.environ, "TZ": zone}
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["2026-12-31T15:00:00+00:00", "2027-01-01.1"]


def test_a_shift_is_a_day_and_a_number() -> None:
    assert Shift(date(2026, 11, 25), 1).ends_at - Shift(date(2026, 11, 25), 1).starts_at == timedelta(hours=8)
