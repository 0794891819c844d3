"""Hours of the week and seasons of the year, in the centre's own time, as data that rules and fences carry."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from geo.wrong import Wrong

T = TypeVar("T", bound=date)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
Schedule = Sequence[Mapping[str, Any]]  # {"days": [1..7, Monday first], "from": "HH:MM", "to": "HH:MM"}
_CLOCK, _DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d"), re.compile(r"\d\d-\d\d")
YEARS = (1970, 9998)  # before them nothing was told; outside of them a day has no neighbour to reckon with
Season = Sequence[Sequence[str]]  # ["MM-DD", "MM-DD"], both days included; over New Year where the first is later


def in_hours(schedule: Schedule, at: datetime) -> bool:
    """Whether a moment lies in a schedule; an empty one holds always.

    A span that ends at or before it begins goes over midnight and belongs to the day on which it begins.
    """
    if not schedule:
        return True
    local = at.astimezone(ZONE)
    return any(_holds(span, local) for span in schedule)


def _holds(span: Mapping[str, Any], local: datetime) -> bool:
    days, begin, end, clock = span["days"], _clock(span["from"]), _clock(span["to"]), local.time()
    if begin < end:
        return local.isoweekday() in days and begin <= clock < end
    yesterday = (local - timedelta(days=1)).isoweekday()
    return (local.isoweekday() in days and clock >= begin) or (yesterday in days and clock < end)


def beginnings(schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
    """The moments in (start, end] at which a span of the schedule, or a day of the centre, begins, in order."""
    clocks = {time()} | {_clock(span["from"]) for span in schedule}
    day, last = start.astimezone(ZONE).date(), end.astimezone(ZONE).date()
    found = []
    while day <= last:
        found += [datetime.combine(day, clock, ZONE).astimezone(UTC) for clock in clocks]
        day += timedelta(days=1)
    return sorted(at for at in found if start < at <= end)


def in_season(season: Season, at: datetime) -> bool:
    """Whether a moment's day lies in one of the seasons; no season is the whole year."""
    if not season:
        return True
    day = at.astimezone(ZONE).strftime("%m-%d")
    return any(first <= day <= last if first <= last else day >= first or day <= last for first, last in season)


def check_schedule(schedule: Any) -> None:
    """Raise ValueError that says which span of a schedule is wrong and how it is written."""
    for number, span in enumerate(_listed(schedule, "schedule"), 1):
        try:
            days = span["days"]
            if not days or not all(type(day) is int and 1 <= day <= 7 for day in days):
                raise ValueError("days")
            for clock in (span["from"], span["to"]):
                if not _CLOCK.fullmatch(clock):
                    raise ValueError(clock)
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                f"schedule, span {number}: {span!r} is not "
                '{"days": [1..7, Monday first], "from": "HH:MM", "to": "HH:MM"}'
            ) from None


def check_season(season: Any) -> None:
    """Raise ValueError that says which span of a season is wrong and how it is written."""
    for number, span in enumerate(_listed(season, "season"), 1):
        try:
            first, last = span
            for day in (first, last):
                if not _DAY.fullmatch(day):
                    raise ValueError(day)
                date.fromisoformat(f"2024-{day}")  # a leap year: 29 February is a day
        except (TypeError, ValueError):
            raise ValueError(f'season, span {number}: {span!r} is not two days as "MM-DD", both included') from None


def _listed(value: Any, name: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{name}: {value!r} is not a list")
    return value


def _clock(text: str) -> time:
    return time.fromisoformat(text)


def in_years(at: T, field: str = "year") -> T:
    """A day or moment of somebody's question, if it can be reckoned with. Raises Wrong, which names the field."""
    first, last = YEARS
    if not first <= at.year <= last:
        raise Wrong(field, f"Năm phải từ {first} đến {last}", f"its year is from {first} to {last}")
    return at


def local_day(at: datetime) -> tuple[datetime, datetime]:
    """The day of the centre that holds a moment: [start, end) in UTC (17:00Z to 17:00Z)."""
    start = at.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return start.astimezone(UTC), (start + timedelta(days=1)).astimezone(UTC)
