"""Alarm floods: when more is raised than people can read, a rule's alarms share one line (EEMUA 191, ISA-18.2)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from geo import table

# At most ten new lines in ten minutes: seven alarms by themselves, two rules' groups, and one group of all other rules.
SPAN, OWN_LINES, RULE_LINES, LINES = timedelta(minutes=10), 7, 9, 10
ENDS_BELOW = 5  # a flood is over when fewer were raised in the span
# About 150 lines a day are what one person can answer (IEC 62682, to be confirmed); beyond them what is not urgent is
# grouped by rule.
DAY, DAY_LINES, URGENT = timedelta(hours=24), 140, ("critical", "high")
LOCK = "haidang:flood"


def join(connection: sa.Connection, rule_id: int, severity: str, alarm_id: int, at: datetime) -> int | None:
    """Decide whether a new alarm has a line of its own; the flood it was put to, or None for a line of its own.

    at: the alarm's own time, in which the lines are counted; a replayed day is judged as the day was.
    """
    hold(connection)
    group = _running(connection, rule_id, at)
    if group is None:
        recent = _lines(connection, at, SPAN, alarm_id)
        if recent >= OWN_LINES:
            group = _begin(connection, rule_id if recent < RULE_LINES else None, "burst", at)
        elif severity not in URGENT and _lines(connection, at, DAY, alarm_id) >= DAY_LINES:
            group = _begin(connection, rule_id, "day", at)
    if group is not None:
        connection.execute(sa.update(table.alarm).where(table.alarm.c.id == alarm_id).values(flood_id=group))
    return group


def hold(connection: sa.Connection) -> None:
    """One transaction at a time counts lines, or two would each think theirs the last that may stand alone."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(LOCK))))


def _running(connection: sa.Connection, rule_id: int, at: datetime) -> int | None:
    """The flood that an alarm of this rule belongs to, after the ones that are over have been ended."""
    column = table.flood.c
    open_ones = sa.select(table.flood).where(column.ended_at.is_(None), column.started_at <= at)
    found: int | None = None
    for row in connection.execute(open_ones.order_by(column.rule_id.nulls_last())).mappings():
        if _over(connection, row, at):
            connection.execute(sa.update(table.flood).where(column.id == row["id"]).values(ended_at=at))
        elif found is None and row["rule_id"] in (rule_id, None):
            found = row["id"]
    return found


def _over(connection: sa.Connection, row: sa.RowMapping, at: datetime) -> bool:
    if row["kind"] == "day":
        return bool(at - row["started_at"] >= DAY)
    column = table.alarm.c
    starts = sa.select(sa.func.count()).where(column.raised_at > at - SPAN, column.raised_at <= at)
    return at - row["started_at"] >= SPAN and (connection.scalar(starts) or 0) < ENDS_BELOW


def _lines(connection: sa.Connection, at: datetime, span: timedelta, but: int) -> int:
    """How many lines were new in the span before a moment: alarms by themselves, and floods; no distress."""
    alarm, flood = table.alarm.c, table.flood.c
    own = (
        sa.select(sa.func.count())
        .select_from(table.alarm.join(table.rule))
        .where(alarm.raised_at > at - span, alarm.raised_at <= at, alarm.flood_id.is_(None), alarm.id != but)
        .where(table.rule.c.kind != "distress", alarm.suppressed_at.is_(None))
        .where(sa.or_(alarm.shelved_until.is_(None), alarm.shelved_until <= at))
    )
    groups = sa.select(sa.func.count()).where(flood.started_at > at - span, flood.started_at <= at)
    return (connection.scalar(own) or 0) + (connection.scalar(groups) or 0)


def _begin(connection: sa.Connection, rule_id: int | None, kind: str, at: datetime) -> int:
    row = {"rule_id": rule_id, "kind": kind, "started_at": at}
    number: int = connection.execute(sa.insert(table.flood).values(row).returning(table.flood.c.id)).scalar_one()
    return number


def running(connection: sa.Connection) -> Sequence[sa.RowMapping]:
    """The floods that have not ended."""
    query = sa.select(table.flood).where(table.flood.c.ended_at.is_(None)).order_by(table.flood.c.started_at)
    return connection.execute(query).mappings().all()


def end_over(connection: sa.Connection, now: datetime) -> int:
    """The clock's part: end what is over while nothing more is raised; how many."""
    hold(connection)
    over = [row["id"] for row in running(connection) if row["started_at"] <= now and _over(connection, row, now)]
    if over:
        connection.execute(sa.update(table.flood).where(table.flood.c.id.in_(over)).values(ended_at=now))
    return len(over)
