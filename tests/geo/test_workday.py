"""Working days: what is worked, when terms end, and that no term ends on a day off or too early."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.actor import Actor
from geo.calendar import ZONE
from geo.figure import Figures, put_figures
from geo.figure import seeds as figure_seeds
from geo.workday import (
    DAY,
    Calendar,
    Holiday,
    NoCalendar,
    Term,
    calendar,
    due,
    put_holidays,
    seeds,
    set_holiday,
    term,
    warned,
)
from geo.wrong import Wrong
from tests.connections import connected

LAW = Figures(figure_seeds())
KEPT = Calendar({one.day: one for one in seeds()})
NOW = datetime(2026, 11, 29, 5, tzinfo=UTC)
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 10, 1), timezones=st.just(UTC))  # noqa: DTZ001 naive bounds
day_terms = st.integers(1, 40).map(lambda count: Term(count, "wd"))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def test_the_seeds_are_the_days_of_three_years_with_their_grounds() -> None:
    assert {one.day.year for one in seeds()} == {2025, 2026, 2027}
    assert len({one.day for one in seeds()}) == len(seeds())
    for year in (2025, 2026, 2027):
        off = {one.day for one in seeds() if one.kind == "off" and one.day.year == year}
        assert {date(year, 1, 1), date(year, 4, 30), date(year, 5, 1), date(year, 9, 2)} <= off
        assert {date(year, 9, 1), date(year, 9, 3)} & off, "the day beside National Day"
        # Six holidays of eleven days, and 24 November from 2026 on, beside the days off for those that fell on Sundays.
        plain = [one for one in seeds() if one.day in off and not one.name_vi.startswith("Nghỉ")]
        assert len(plain) == (11 if year == 2025 else 12)
    assert all(one.legal_ref for one in seeds())


@pytest.mark.parametrize("one", [one for one in seeds() if one.kind == "work"], ids=lambda one: str(one.day))
def test_a_swapped_day_is_a_saturday_that_names_the_day_off_it_is_worked_for(one: Holiday) -> None:
    assert one.day.isoweekday() == 6
    named = datetime.strptime(one.name_vi.rsplit(" ", 1)[-1], "%d/%m/%Y").date()  # noqa: DTZ007 a day, no moment
    assert KEPT.days[named].kind == "off"
    assert KEPT.is_worked(one.day)
    assert not KEPT.is_worked(named)


@pytest.mark.parametrize(
    ("start", "days", "ends"),
    [
        ("2026-11-23 09:00", 1, "2026-11-26 00:00"),  # the next day is 24 November, a day off
        ("2026-11-27 16:59", 1, "2026-12-01 00:00"),  # a Friday
        ("2026-11-28 08:00", 5, "2026-12-05 00:00"),  # a Saturday begins on Monday
        ("2026-02-13 10:00", 5, "2026-02-28 00:00"),  # over Lunar New Year
        ("2025-04-25 10:00", 5, "2025-05-07 00:00"),  # Saturday the 26th is worked, 30 April to 2 May are not
        ("2026-12-31 23:59", 1, "2027-01-05 00:00"),  # at the end of a year
        ("2026-04-24 10:00", 2, "2026-04-30 00:00"),  # Hung Kings' Day on a Sunday: Monday is off
    ],
)
def test_a_term_in_working_days_ends_with_the_last_of_them(start: str, days: int, ends: str) -> None:
    assert due(local(start), Term(days, "wd"), KEPT) == local(ends)


def test_hours_run_through_nights_and_holidays() -> None:
    assert due(local("2026-02-14 23:00"), Term(2, "h"), KEPT) == local("2026-02-15 01:00")
    assert due(local("2026-02-14 23:00"), Term(24, "h"), KEPT) == local("2026-02-15 23:00")


def test_an_authority_that_ends_its_day_at_five_ends_its_terms_then() -> None:
    office = Calendar(KEPT.days, 5, 17.0)
    assert due(local("2026-11-27 18:00"), Term(1, "wd"), office) == local("2026-11-30 17:00")


@given(moments, day_terms)
def test_a_term_ends_at_the_end_of_a_working_day_and_holds_just_as_many(start: datetime, wanted: Term) -> None:
    end = due(start, wanted, KEPT)
    last = (end - timedelta(seconds=1)).astimezone(ZONE).date()
    assert KEPT.is_worked(last)
    first = start.astimezone(ZONE).date()
    between = [first + n * DAY for n in range(1, (last - first).days + 1)]
    assert sum(map(KEPT.is_worked, between)) == wanted.value
    assert end > start


@given(moments, moments, day_terms)
def test_what_came_earlier_is_due_no_later(one: datetime, other: datetime, wanted: Term) -> None:
    assert due(min(one, other), wanted, KEPT) <= due(max(one, other), wanted, KEPT)


@given(moments, day_terms, st.floats(0.0, 1.0))
def test_the_early_warning_lies_between_and_on_working_time(start: datetime, wanted: Term, share: float) -> None:
    end = due(start, wanted, KEPT)
    at = warned(start, end, wanted, KEPT, share)
    assert start <= at <= end
    whole, part = KEPT.worked(start, end), KEPT.worked(start, at)
    assert abs(part - whole * share) < timedelta(milliseconds=1)


@given(moments, moments, moments)
def test_working_time_adds_up(one: datetime, two: datetime, three: datetime) -> None:
    first, middle, last = sorted((one, two, three))
    assert KEPT.worked(first, middle) + KEPT.worked(middle, last) == KEPT.worked(first, last)
    assert KEPT.worked(first, last) <= last - first


@given(moments, st.sets(st.dates(date(2025, 1, 1), date(2027, 12, 31)), max_size=25), day_terms)
def test_one_more_day_off_makes_no_term_shorter(start: datetime, more: set[date], wanted: Term) -> None:
    off = {day: Holiday(day, "off", "Nghỉ", "Off", "test", "D") for day in more}
    assert due(start, wanted, Calendar({**KEPT.days, **off})) >= due(start, wanted, KEPT)


def test_a_calendar_without_working_days_is_said_and_not_searched_for_ever() -> None:
    with pytest.raises(NoCalendar, match="too few working days"):
        due(NOW, Term(1, "wd"), Calendar({}, 0))


def test_a_year_that_nobody_has_entered_is_told() -> None:
    assert KEPT.lacks(date(2026, 12, 30), date(2028, 1, 4)) == (2028,)
    assert KEPT.lacks(date(2026, 1, 1), date(2027, 12, 31)) == ()


@pytest.mark.parametrize("bad", [(0, "h"), (-1, "wd"), (1.5, "wd"), (2, "d")])
def test_what_is_no_term_is_refused(bad: tuple[float, str]) -> None:
    with pytest.raises(ValueError, match="no term"):
        Term(*bad)


def test_a_figure_in_another_unit_is_no_term() -> None:
    assert term(LAW, "lost_after", NOW) == Term(6, "h")
    with pytest.raises(ValueError, match="working_week must be in h or wd"):
        term(LAW, "working_week", NOW)


def test_the_authoritys_notice_changes_a_day_and_the_seeds_leave_it(database) -> None:
    day = date(2026, 11, 24)
    with connected(database.owner) as owner, owner.begin() as connection:
        put_figures(connection, figure_seeds())
        assert put_holidays(connection, seeds(), NOW) == len(seeds())
        notice = Holiday(day, "work", "Ngày làm việc", "Working day", "Thông báo 1/TB", "C")
        set_holiday(connection, notice, Actor("Lan"), NOW)
        assert put_holidays(connection, seeds(), NOW) == 0
        kept = calendar(connection, LAW, NOW)
        assert kept.days[day] == notice
        assert (kept.week_days, kept.ends_h) == (5, 24.0)
        with pytest.raises(Wrong, match="legal_ref"):
            set_holiday(connection, Holiday(day, "off", "Nghỉ", "Off", " ", "C"), Actor("Lan"), NOW)


def test_working_days_between_two_moments_are_those_of_a_term() -> None:
    calendar = Calendar({day.day: day for day in seeds()})
    friday = datetime(2026, 4, 24, 3, tzinfo=UTC)  # Monday 27 is no day off, 30 April and 1 May are
    for days in (1, 5, 9):
        assert calendar.between(friday, due(friday, Term(days, "wd"), calendar)) == days
    assert calendar.between(friday, friday + timedelta(hours=2)) == 0
