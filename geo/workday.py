"""Working days of the authorities: the week, public holidays and swapped days as dated rows, and due times by them."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo.actor import SYSTEM, Actor
from geo.calendar import ZONE
from geo.figure import CERTAINTY, Figures
from geo.table import core
from geo.wrong import Wrong

HOLIDAYS = Path(__file__).with_name("holidays.csv")
SEARCHED_DAYS = 1_000  # farther ahead no due time is looked for: a year without a working day is a wrong calendar
DAY = timedelta(days=1)
COLUMNS = ("day", "kind", "name_vi", "name_en", "legal_ref", "certainty")  # of holidays.csv and of files like it

# A day that is not what its place in the week says: off (a holiday, or a day off for one) or work (swapped for one).
holiday = sa.Table(
    "holiday",
    core,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name_vi", sa.Text, nullable=False),
    sa.Column("name_en", sa.Text, nullable=False),
    sa.Column("legal_ref", sa.Text, nullable=False),
    sa.Column("certainty", sa.Text, nullable=False),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("updated_by", sa.Text, nullable=False),
    sa.CheckConstraint("kind IN ('off', 'work')", name="holiday_kind"),
)


class NoCalendar(LookupError):
    """No working day is found where one must be; the message says what to do."""


@dataclass(frozen=True)
class Holiday:
    """One day of the calendar by itself, with its ground and how certain that is."""

    day: date
    kind: Literal["off", "work"]
    name_vi: str
    name_en: str
    legal_ref: str
    certainty: str

    def __post_init__(self) -> None:
        if self.kind not in ("off", "work"):
            raise ValueError(f"day {self.day}: {self.kind!r} is neither off nor work")
        if self.certainty not in CERTAINTY:
            raise ValueError(f"day {self.day}: certainty {self.certainty!r} is none of {', '.join(CERTAINTY)}")


@dataclass(frozen=True)
class Term:
    """How long something may take: hours of the clock, or working days of the calendar."""

    value: float
    unit: Literal["h", "wd"]

    def __post_init__(self) -> None:
        if self.unit not in ("h", "wd") or self.value <= 0 or (self.unit == "wd" and self.value != int(self.value)):
            raise ValueError(f"{self.value:g} {self.unit} is no term: hours (h), or whole working days (wd)")


@dataclass(frozen=True)
class Calendar:
    """Which days are worked. week_days: of a week that begins on Monday; ends_h: when the last day of a term ends."""

    days: Mapping[date, Holiday] = field(default_factory=dict)
    week_days: int = 5
    ends_h: float = 24.0

    def is_worked(self, day: date) -> bool:
        """Whether the authorities work on that day of the centre."""
        special = self.days.get(day)
        return special.kind == "work" if special is not None else day.isoweekday() <= self.week_days

    def after(self, day: date, count: int) -> date:
        """The count-th working day after a day, which itself does not count. Raises NoCalendar."""
        for ahead in range(1, SEARCHED_DAYS):
            found = day + ahead * DAY
            count -= self.is_worked(found)
            if count == 0:
                return found
        raise NoCalendar(f"the calendar has too few working days after {day}: look at its holidays and its week")

    def between(self, start: datetime, end: datetime) -> int:
        """How many whole or begun working days lie after the day of `start`, up to the moment `end`."""
        day, last = start.astimezone(ZONE).date(), (end - timedelta(microseconds=1)).astimezone(ZONE).date()
        return sum(self.is_worked(day + ahead * DAY) for ahead in range(1, (last - day).days + 1))

    def worked(self, start: datetime, end: datetime) -> timedelta:
        """How much of the time from start to end lies on working days, whole days of the centre."""
        return sum((stop - begin for begin, stop in self._spans(start, end)), timedelta())

    def at_share(self, start: datetime, end: datetime, share: float) -> datetime:
        """When that share of the working time between two moments is over; of all time where none of it is worked."""
        left = self.worked(start, end) * share
        if not left:
            return start + (end - start) * share
        for begin, stop in self._spans(start, end):
            if left <= stop - begin:
                return begin + left
            left -= stop - begin
        return end

    def lacks(self, first: date, last: date) -> tuple[int, ...]:
        """The years between two days of which the calendar knows no holiday: due times in them are too early."""
        known = {day.year for day in self.days}
        return tuple(year for year in range(first.year, last.year + 1) if year not in known)

    def _spans(self, start: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
        day = start.astimezone(ZONE).date()
        while (begins := _moment(day, 0)) < end:
            if self.is_worked(day):
                begin, stop = max(begins, start), min(begins + DAY, end)
                if begin < stop:
                    yield begin, stop
            day += DAY


def _moment(day: date, hours: float) -> datetime:
    return (datetime.combine(day, time(), ZONE) + timedelta(hours=hours)).astimezone(UTC)


def due(start: datetime, term: Term, calendar: Calendar) -> datetime:
    """When a term that began at `start` ends. Hours run day and night; of working days the first is the next one.

    A term in days begins on the day after the event and ends with its last day (Civil Code 2015, Art. 147 and 148).
    """
    if term.unit == "h":
        return start + timedelta(hours=term.value)
    return _moment(calendar.after(start.astimezone(ZONE).date(), int(term.value)), calendar.ends_h)


def warned(start: datetime, end: datetime, term: Term, calendar: Calendar, share: float) -> datetime:
    """When the early warning of a term is due: after that share of its hours, or of its working time."""
    return start + (end - start) * share if term.unit == "h" else calendar.at_share(start, end, share)


def term(figures: Figures, key: str, at: datetime) -> Term:
    """A dated figure in hours (h) or working days (wd) as a term. Raises NoFigure, ValueError."""
    found = figures.at(key, at)
    return Term(found.value, "wd" if found.unit == "wd" else "h") if found.unit in ("h", "wd") else _no_term(key)


def _no_term(key: str) -> Term:
    raise ValueError(f"figure {key} must be in h or wd")


def seeds() -> tuple[Holiday, ...]:
    """The days that every installation starts with (holidays.csv; grounds in the column legal_ref)."""
    with HOLIDAYS.open(encoding="utf-8", newline="") as file:
        return tuple(holiday_of(row) for row in csv.DictReader(file))


def holiday_of(row: Mapping[str, str | None]) -> Holiday:
    """A day out of the texts of COLUMNS. Raises ValueError for what is no day or no kind."""
    told = {name: (row.get(name) or "").strip() for name in COLUMNS}
    day, kind = told.pop("day"), told.pop("kind")
    if kind not in ("off", "work"):
        raise ValueError(f"day {day}: {kind!r} is neither off nor work")
    return Holiday(date.fromisoformat(day), "work" if kind == "work" else "off", **told)


def kept(connection: sa.Connection, year: int) -> list[dict[str, Any]]:
    """The days of a year as they are kept, with who wrote each and when."""
    query = sa.select(holiday).where(holiday.c.day.between(date(year, 1, 1), date(year, 12, 31)))
    return [dict(row) for row in connection.execute(query.order_by(holiday.c.day)).mappings()]


def days_of(connection: sa.Connection, year: int) -> list[Holiday]:
    """The same as values."""
    return [Holiday(**{name: row[name] for name in COLUMNS}) for row in kept(connection, year)]


def calendar(connection: sa.Connection, figures: Figures, at: datetime) -> Calendar:
    """The calendar as it is kept, with the week and the end of a day that are in force at a moment."""
    rows = connection.execute(sa.select(*(holiday.c[name] for name in Holiday.__dataclass_fields__))).mappings()
    days = {row["day"]: Holiday(**row) for row in rows}
    return Calendar(days, int(figures.at("working_week", at).value), figures.at("term_ends_at", at).value)


def put_holidays(connection: sa.Connection, items: Iterable[Holiday], now: datetime) -> int:
    """Add the days that are not there yet; what the authority has changed stays; how many."""
    rows = [{**vars(item), "updated_at": now, "updated_by": SYSTEM.name} for item in items]
    statement = insert(holiday).values(rows).on_conflict_do_nothing(index_elements=["day"])
    return len(connection.execute(statement.returning(holiday.c.day)).all())


def set_holiday(connection: sa.Connection, item: Holiday, actor: Actor, now: datetime) -> None:
    """Write a day as a government's notice of the year has it, in place of what stands there. Raises Wrong."""
    if not item.name_vi.strip() or not item.legal_ref.strip():
        name = "name_vi" if not item.name_vi.strip() else "legal_ref"
        raise Wrong(name, "Ghi tên ngày và văn bản", "a day needs its name and its ground")
    values = {**vars(item), "updated_at": now, "updated_by": actor.name}
    statement = insert(holiday).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["day"], set_=values))
