"""What people do with an alarm: acknowledge, assign, comment, escalate; each once, each a line of the journal."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo import table
from geo.actor import SYSTEM, Actor
from geo.journal import write
from geo.rule import EVENTS

ESCALATIONS_MOST, ESCALATED_AT_ONCE = 3, 500


def acknowledge(
    connection: sa.Connection, alarm_id: int, actor: Actor, comment: str | None, now: datetime
) -> dict[str, Any] | None:
    """Acknowledge once: the alarm's row after it, or None when somebody was first or there is no such alarm."""
    column = table.alarm.c
    statement = (
        sa.update(table.alarm)
        .where(column.id == alarm_id, column.acknowledged_at.is_(None), column.withdrawn_at.is_(None))
        .values(acknowledged_at=now, acknowledged_by=actor.name, comment=comment)
        .returning(column.id, column.acknowledged_at, column.acknowledged_by, column.comment, column.cleared_at)
    )
    row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        return None
    write(connection, alarm_id, "acknowledge", now, actor, comment=comment)
    return dict(row)


def assign(
    connection: sa.Connection,
    alarm_id: int,
    unit: str,
    person: str | None,
    actor: Actor,
    comment: str | None,
    now: datetime,
) -> bool:
    """Give an alarm to a unit and, if named, a person of it; False when it is gone. ValueError for an unknown unit."""
    if connection.scalar(sa.select(table.unit.c.key).where(table.unit.c.key == unit)) is None:
        known = ", ".join(row["key"] for row in units(connection))
        raise ValueError(f"there is no unit {unit!r}; there are: {known}")
    if not _touch(connection, alarm_id, unit=unit, person=person, assigned_at=now):
        return False
    write(connection, alarm_id, "assign", now, actor, comment=comment, data={"unit": unit, "person": person})
    return True


def remark(connection: sa.Connection, alarm_id: int, actor: Actor, comment: str, now: datetime) -> bool:
    """Add a comment to an alarm's journal; False when there is no such alarm. ValueError for an empty one."""
    if not comment.strip():
        raise ValueError("a comment says something")
    if connection.scalar(sa.select(table.alarm.c.id).where(table.alarm.c.id == alarm_id)) is None:
        return False
    write(connection, alarm_id, "comment", now, actor, comment=comment)
    return True


def escalate(connection: sa.Connection, alarm_id: int, actor: Actor, comment: str | None, now: datetime) -> bool:
    """Pass an alarm on to the next level by hand; False when it is gone or has reached the highest."""
    column = table.alarm.c
    standing = sa.or_(column.cleared_at.is_(None), column.acknowledged_at.is_(None))
    level = _escalate(connection, now, [column.id == alarm_id, standing]).get(alarm_id)
    if level is None:
        return False
    write(connection, alarm_id, "escalate", now, actor, comment=comment, data={"level": level})
    return True


def escalate_due(connection: sa.Connection, now: datetime) -> int:
    """The clock's part: pass on what nobody answered in time; how many. What fell due while nobody ticked is not lost.

    At most ESCALATED_AT_ONCE a tick, since whoever works on them meanwhile has to wait.
    Each level waits as long again as its rule says; the highest is the last. What is over needs nobody in a hurry, but
    an event is over at once.
    """
    column, rule = table.alarm.c, table.rule.c
    due = (
        sa.select(column.id)
        .join(table.rule)
        .where(column.escalate_due_at <= now, column.acknowledged_at.is_(None), column.withdrawn_at.is_(None))
        .where(sa.or_(column.cleared_at.is_(None), rule.kind.in_(EVENTS)), column.suppressed_at.is_(None))
        .where(sa.or_(column.shelved_until.is_(None), column.shelved_until <= now))
        .order_by(column.id)
        .limit(ESCALATED_AT_ONCE)
        .with_for_update(of=table.alarm, skip_locked=True)
    )
    # Their numbers, and not the query itself, which the database may then ask anew for every alarm there is.
    levels = _escalate(connection, now, [column.id.in_(connection.scalars(due).all())])
    for alarm_id, level in levels.items():
        write(connection, alarm_id, "escalate", now, SYSTEM, data={"level": level})
    return len(levels)


def _escalate(connection: sa.Connection, now: datetime, where: Sequence[Any]) -> dict[int, int]:
    """Set alarms one level higher, and when the next one is due; the level of each that was not at the highest."""
    column, rule = table.alarm.c, table.rule.c
    again = sa.and_(column.acknowledged_at.is_(None), column.escalations + 1 < ESCALATIONS_MOST)
    second: sa.ColumnElement[timedelta] = sa.literal_column("interval '1 second'")
    statement = (
        sa.update(table.alarm)
        .where(rule.id == column.rule_id, column.withdrawn_at.is_(None), column.escalations < ESCALATIONS_MOST, *where)
        .values(
            escalated_at=now,
            escalations=column.escalations + 1,
            escalate_due_at=sa.case(
                (again, sa.literal(now, sa.DateTime(timezone=True)) + rule.escalate_s * second), else_=None
            ),
        )
        .returning(column.id, column.escalations)
    )
    return {row.id: row.escalations for row in connection.execute(statement)}


def _touch(connection: sa.Connection, alarm_id: int, **values: Any) -> bool:
    column = table.alarm.c
    statement = sa.update(table.alarm).where(column.id == alarm_id, column.withdrawn_at.is_(None)).values(values)
    return connection.execute(statement).rowcount == 1


def units(connection: sa.Connection) -> Sequence[sa.RowMapping]:
    """The units that alarms can be given to, in their order."""
    query = sa.select(table.unit).order_by(table.unit.c.ordinal, table.unit.c.name_vi)
    return connection.execute(query).mappings().all()


def put_units(connection: sa.Connection, items: Sequence[tuple[str, str, str]]) -> int:
    """Add units (key, Vietnamese, English) whose key is not there yet; how many."""
    rows = [{"key": key, "name_vi": vi, "name_en": en, "ordinal": 10 * n} for n, (key, vi, en) in enumerate(items, 1)]
    statement = insert(table.unit).values(rows).on_conflict_do_nothing(index_elements=["key"])
    return len(connection.execute(statement.returning(table.unit.c.key)).all())
