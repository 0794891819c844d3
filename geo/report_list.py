"""Field reports as they are read: lists by page, one with all that was done about it, and how units stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from geo import table
from geo.report import (
    HANDLED,
    OVERDUE,
    RUNNING,
    STAGES,
    WARNED,
    report,
    report_assignment,
    report_entry,
    report_photo,
    report_reply,
)
from geo.report_work import NoReport

Row = dict[str, Any]
NAMES = tuple(name for name in report.c.keys() if name not in ("geom", "observed_at", "described_at"))  # noqa: SIM118 a collection of columns, which `in` compares by name
DUE_MOST = 2_000  # of one unit's inbox


@dataclass(frozen=True)
class Wanted:
    """Which reports, the newest first, or what is due first (by_due); before: those after this place (when, id)."""

    ids: Sequence[str] | None = None
    statuses: Sequence[str] | None = None
    categories: Sequence[str] | None = None
    unit: str | None = None
    late: int | None = None
    commune: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    published: bool = False
    before: tuple[datetime, str] | None = None
    by_due: bool = False

    def condition(self) -> sa.ColumnElement[bool]:
        """As a condition on the table."""
        column = report.c
        parts: list[sa.ColumnElement[bool]] = [sa.true()]
        if self.ids is not None:
            parts.append(column.id.in_(self.ids))
        if self.statuses is not None:
            parts.append(column.stage.in_([STAGES[status] for status in self.statuses]))
        if self.categories is not None:
            parts.append(column.category.in_(self.categories))
        for name in ("unit", "late", "commune"):
            if (value := getattr(self, name)) is not None:
                parts.append(column[name] == value)
        if self.since is not None:
            parts.append(column.opened_at >= self.since)
        if self.until is not None:
            parts.append(column.opened_at <= self.until)
        if self.published:
            parts.append(column.published_at.is_not(None))
        if self.before is not None and self.by_due:
            parts.append(sa.tuple_(column.due_at, column.id) > sa.tuple_(*self.before))
        elif self.before is not None:
            parts.append(sa.tuple_(column.opened_at, column.id) < sa.tuple_(*self.before))
        return sa.and_(*parts)


def _query() -> sa.Select[Any]:
    place = sa.func.ST_X(report.c.geom).label("lon"), sa.func.ST_Y(report.c.geom).label("lat")
    return sa.select(*(report.c[name] for name in NAMES), *place)


def reports(connection: sa.Connection, wanted: Wanted, limit: int) -> list[Row]:
    """Reports that are wanted, in their order."""
    column = report.c
    order = (column.due_at, column.id) if wanted.by_due else (column.opened_at.desc(), column.id.desc())
    query = _query().where(wanted.condition()).order_by(*order)
    return [dict(row) for row in connection.execute(query.limit(limit)).mappings()]


def inbox(connection: sa.Connection, unit: str) -> list[Row]:
    """What a unit has to do, what is due first at the top, each with since when it has it."""
    given = report_assignment.c
    query = (
        _query().add_columns(given.given_at)
        .join(report_assignment, sa.and_(given.report_id == report.c.id, given.ended_at.is_(None)))
        .where(given.unit == unit, report.c.stage.in_([STAGES[status] for status in HANDLED]))
        .order_by(report.c.due_at, report.c.id).limit(DUE_MOST)
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query).mappings()]


def one_report(connection: sa.Connection, key: str) -> Row:
    """A report with its log, replies, photographs by name, and the numbers of those merged into it. Raises NoReport."""
    row = connection.execute(_query().where(report.c.id == key)).mappings().one_or_none()
    if row is None:
        raise NoReport(f"there is no report {key[:40]}")
    merged = connection.scalars(sa.select(report.c.id).where(report.c.merged_into == key).order_by(report.c.id))
    line, reply, photo = report_entry.c, report_reply.c, report_photo.c
    entries = sa.select(line.deed, line.status, line.reason, line.unit, line.data, line.at, line.actor)
    replies = sa.select(reply.id, reply.unit, reply.words, reply.at, reply.actor)
    photos = sa.select(photo.name, photo.part, photo.width, photo.height, photo.at, photo.withheld_at)
    return {
        **row,
        "merged": list(merged),
        "log": _rows(connection, entries.where(line.report_id == key).order_by(line.id)),
        "replies": _rows(connection, replies.where(reply.report_id == key).order_by(reply.id)),
        "photos": _rows(connection, photos.where(photo.report_id == key).order_by(photo.at, photo.name)),
    }


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> list[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]


def answers(connection: sa.Connection, keys: Sequence[str]) -> Mapping[str, str]:
    """The last reply to each of these reports that has one."""
    column = report_reply.c
    query = (
        sa.select(column.report_id, column.words)
        .where(column.report_id.in_(keys)).ext(distinct_on(column.report_id))
        .order_by(column.report_id, column.id.desc())
    )  # fmt: skip
    return {row.report_id: row.words for row in connection.execute(query)}


def first_photos(connection: sa.Connection, keys: Sequence[str]) -> Mapping[str, str]:
    """The name of the first photograph that came with each of these reports that has one."""
    column = report_photo.c
    query = (
        sa.select(column.report_id, column.name)
        .where(column.report_id.in_(keys), column.part == "report")
        .ext(distinct_on(column.report_id)).order_by(column.report_id, column.at, column.name)
    )  # fmt: skip
    return {row.report_id: row.name for row in connection.execute(query)}


def standing(connection: sa.Connection) -> list[Row]:
    """How each unit that has something to do stands: open, nearly overdue, overdue; the worst first."""
    given, column = report_assignment.c, report.c
    late = sa.func.count().filter(column.late == OVERDUE).label("overdue")
    near = sa.func.count().filter(column.late == WARNED).label("warned")
    query = (
        sa.select(given.unit, table.unit.c.name_vi, table.unit.c.name_en, sa.func.count().label("open"), near, late)
        .join(report, column.id == given.report_id).join(table.unit, table.unit.c.key == given.unit)
        .where(given.ended_at.is_(None), column.stage < len(RUNNING))
        .group_by(given.unit, table.unit.c.name_vi, table.unit.c.name_en)
        .order_by(late.desc(), near.desc(), given.unit)
    )  # fmt: skip
    return _rows(connection, query)


def counted(connection: sa.Connection, wanted: Wanted | None = None) -> Mapping[str, int]:
    """How many reports there are of each status, of all or of those that are wanted."""
    query = sa.select(report.c.stage, sa.func.count()).where((wanted or Wanted()).condition()).group_by(report.c.stage)
    found = {int(stage): int(n) for stage, n in connection.execute(query)}
    return {status: found.get(number, 0) for status, number in STAGES.items()}
