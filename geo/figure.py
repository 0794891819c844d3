"""Legal figures as dated rows: every number of the law with its ground, when it holds, and how certain that is."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo import table
from geo.calendar import ZONE

FIGURES = Path(__file__).with_name("figures.csv")
CERTAINTY = ("C", "S", "CFG", "D")  # confirmed in a public source, secondary, to be confirmed, the centre's own choice
_SPANS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class NoFigure(LookupError):
    """No row of that key holds on that day; the message says which and when."""


@dataclass(frozen=True)
class Figure:
    """One figure in force on [effective_from, effective_to), whole days of the centre."""

    key: str
    value: float
    unit: str
    legal_ref: str
    effective_from: date
    effective_to: date | None
    certainty: str

    def __post_init__(self) -> None:
        if self.certainty not in CERTAINTY:
            raise ValueError(f"figure {self.key}: certainty {self.certainty!r} is none of {', '.join(CERTAINTY)}")

    @property
    def span(self) -> timedelta:
        """The figure as a time. KeyError when its unit is none of time."""
        return self.value * _SPANS[self.unit]

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on that day."""
        return self.effective_from <= day and (self.effective_to is None or day < self.effective_to)


@dataclass(frozen=True)
class Figures:
    """All figures of all times."""

    items: tuple[Figure, ...]

    def at(self, key: str, moment: datetime) -> Figure:
        """The figure that is in force at a moment, on the centre's day. Raises NoFigure."""
        day = moment.astimezone(ZONE).date()
        found = [one for one in self.items if one.key == key and one.holds_on(day)]
        if not found:
            raise NoFigure(f"no figure {key!r} is in force on {day}: add a row for that day")
        return max(found, key=lambda one: one.effective_from)


def seeds() -> tuple[Figure, ...]:
    """The rows that every installation starts with (figures.csv; sources in the column legal_ref)."""
    with FIGURES.open(encoding="utf-8", newline="") as file:
        return tuple(map(_figure, csv.DictReader(file)))


def _figure(row: Mapping[str, str]) -> Figure:
    days = [date.fromisoformat(row[name]) if row[name] else None for name in ("effective_from", "effective_to")]
    assert days[0] is not None
    named = {name: row[name] for name in ("key", "unit", "legal_ref", "certainty")}
    return Figure(**named, value=float(row["value"]), effective_from=days[0], effective_to=days[1])


def figures(connection: sa.Connection) -> Figures:
    """All rows, in the order of key and day."""
    column = table.figure.c
    query = sa.select(table.figure).order_by(column.key, column.effective_from)
    return Figures(tuple(Figure(**row) for row in connection.execute(query).mappings()))


def put_figures(connection: sa.Connection, items: Iterable[Figure]) -> int:
    """Add the rows whose key and first day are not there yet; one that the authority has changed stays; how many."""
    rows = [vars(item) for item in items]
    statement = insert(table.figure).values(rows).on_conflict_do_nothing(index_elements=["key", "effective_from"])
    return len(connection.execute(statement.returning(table.figure.c.key)).all())
