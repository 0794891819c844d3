"""Alarms: one row an episode, its state derived from timestamps, every transition a line of the append-only journal."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import WKTElement
from sqlalchemy.dialects.postgresql import insert

from geo import table
from geo.actor import SYSTEM, Actor
from geo.rule import SEVERITIES, Rule

CHANNEL = "haidang:alarm"  # publishes the id of the newest journal line after its commit
# Order of the desk: emergency, unacknowledged, returned but unacknowledged, acknowledged.
STATES = ("unacknowledged", "returned", "acknowledged", "shelved", "cleared", "withdrawn")


def state(row: Mapping[str, Any], now: datetime) -> str:
    """The state of an alarm row after ISA-18.2 / IEC 62682, derived and never stored."""
    if row["withdrawn_at"] is not None:
        return "withdrawn"
    if row["shelved_until"] is not None and row["shelved_until"] > now:
        return "shelved"
    if row["cleared_at"] is not None:
        return "cleared" if row["acknowledged_at"] is not None else "returned"
    return "acknowledged" if row["acknowledged_at"] is not None else "unacknowledged"


def raise_alarm(
    connection: sa.Connection,
    rule: Rule,
    fence_id: int | None,
    subject: Mapping[str, Any],
    raised_at: datetime,
    now: datetime,
    cleared_at: datetime | None = None,
) -> int | None:
    """Open an episode and write its journal line; None when that episode is open already.

    cleared_at: when it was over, for one that is known only afterwards.
    subject: object_key, object_label, lon, lat, observed_at, simulated, evidence.
    """
    row = {
        "rule_id": rule.id,
        "layer": rule.layer,
        "object_key": subject["object_key"],
        "object_label": subject["object_label"],
        "fence_id": fence_id,
        "severity": rule.severity,
        "geom": WKTElement(f"POINT({subject['lon']} {subject['lat']})", srid=4326)
        if subject["lon"] is not None
        else None,
        "evidence": subject["evidence"],
        "simulated": subject["simulated"],
        "observed_at": subject["observed_at"],
        "raised_at": raised_at,
        "cleared_at": cleared_at,
    }
    statement = insert(table.alarm).values(row).on_conflict_do_nothing().returning(table.alarm.c.id)
    alarm_id: int | None = connection.scalar(statement)
    if alarm_id is not None:
        _write(connection, alarm_id, "raise", now, SYSTEM, observed_at=raised_at)
        if cleared_at is not None:
            _write(connection, alarm_id, "clear", now, SYSTEM, observed_at=cleared_at)
    return alarm_id


def clear_alarm(
    connection: sa.Connection, rule: Rule, object_key: str, cleared_at: datetime, now: datetime
) -> int | None:
    """Close the open episodes of a rule and object, whatever their fence; one's id, or None when there is none."""
    column = table.alarm.c
    statement = (
        sa.update(table.alarm)
        .where(column.rule_id == rule.id, column.layer == rule.layer, column.object_key == object_key)
        .where(column.cleared_at.is_(None), column.withdrawn_at.is_(None))
        .values(cleared_at=cleared_at)
        .returning(column.id)
    )
    closed = list(connection.scalars(statement))
    for alarm_id in closed:
        _write(connection, alarm_id, "clear", now, SYSTEM, observed_at=cleared_at)
    return closed[0] if closed else None


def withdraw_alarm(connection: sa.Connection, alarm_id: int, actor: Actor, comment: str, now: datetime) -> int | None:
    """Take back an alarm that was wrong: it leaves the desk and stays in the journal; its id, or None if it is gone."""
    column = table.alarm.c
    statement = (
        sa.update(table.alarm)
        .where(column.id == alarm_id, column.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
        .returning(column.id)
    )
    withdrawn: int | None = connection.scalar(statement)
    if withdrawn is not None:
        _write(connection, alarm_id, "withdraw", now, actor, comment=comment)
    return withdrawn


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
    _write(connection, alarm_id, "acknowledge", now, actor, comment=comment)
    return dict(row)


def _write(
    connection: sa.Connection,
    alarm_id: int,
    transition: str,
    now: datetime,
    actor: Actor,
    observed_at: datetime | None = None,
    comment: str | None = None,
) -> None:
    connection.execute(
        sa.insert(table.alarm_journal).values(
            alarm_id=alarm_id,
            transition=transition,
            at=now,
            observed_at=observed_at,
            actor=actor.name,
            actor_kind=actor.kind,
            comment=comment,
        )
    )


def _alarms() -> sa.Select[Any]:
    alarm, rule, fence = table.alarm.c, table.rule.c, table.fence.c
    return sa.select(
        *[column for column in alarm if column.name != "geom"],
        sa.func.ST_X(alarm.geom).label("lon"),
        sa.func.ST_Y(alarm.geom).label("lat"),
        rule.key.label("rule"),
        rule.kind.label("rule_kind"),
        rule.name_vi.label("rule_vi"),
        rule.name_en.label("rule_en"),
        rule.dwell_s,
        fence.name_vi.label("fence_vi"),
        fence.name_en.label("fence_en"),
    ).select_from(table.alarm.join(table.rule).outerjoin(table.fence, fence.id == alarm.fence_id))


def desk(connection: sa.Connection, now: datetime, limit: int = 500) -> list[dict[str, Any]]:
    """The alarms that are on the desk: open or unacknowledged, in desk order, each with its derived `state`."""
    column = table.alarm.c
    query = (
        _alarms()
        .where(column.withdrawn_at.is_(None))
        .where(sa.or_(column.cleared_at.is_(None), column.acknowledged_at.is_(None)))
        # What is left out beyond the limit must be the least of it, however old the gravest is.
        .order_by(
            (table.rule.c.kind == "distress").desc(),
            column.acknowledged_at.is_(None).desc(),
            sa.func.array_position(sa.literal(list(SEVERITIES), sa.ARRAY(sa.Text)), column.severity),
            column.raised_at.desc(),
        )
        .limit(limit)
    )
    rows = [_stated(row, now) for row in connection.execute(query).mappings()]
    rows.sort(key=_desk_order)
    return rows


def _stated(row: sa.RowMapping, now: datetime) -> dict[str, Any]:
    values = {str(name): value for name, value in row.items()}
    return {**values, "state": state(values, now)}


def _desk_order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    emergency = row["rule_kind"] == "distress" and row["acknowledged_at"] is None
    changed = max(filter(None, (row["raised_at"], row["cleared_at"], row["acknowledged_at"])))
    return not emergency, STATES.index(row["state"]), SEVERITIES.index(row["severity"]), -changed.timestamp()


def alarms_of(
    connection: sa.Connection, layer: str, object_key: str, now: datetime, limit: int = 20
) -> list[dict[str, Any]]:
    """An object's alarms, newest first, open and past."""
    column = table.alarm.c
    query = (
        _alarms()
        .where(column.layer == layer, column.object_key == object_key)
        .order_by(column.raised_at.desc())
        .limit(limit)
    )
    return [_stated(row, now) for row in connection.execute(query).mappings()]


def ticks(connection: sa.Connection, start: datetime, end: datetime) -> Sequence[sa.RowMapping]:
    """Alarms raised in [start, end) as (at, severity, id), for a timeline."""
    column = table.alarm.c
    query = (
        sa.select(column.raised_at.label("at"), column.severity, column.id)
        .where(column.raised_at >= start, column.raised_at < end, column.withdrawn_at.is_(None))
        .order_by(column.raised_at)
    )
    return connection.execute(query).mappings().all()


def journal_head(connection: sa.Connection) -> int:
    """The id of the newest journal line, 0 when there is none."""
    return connection.scalar(sa.select(sa.func.coalesce(sa.func.max(table.alarm_journal.c.id), 0))) or 0
