"""Alarms: one row an episode, its state derived from timestamps, every transition a line of the append-only journal."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import WKTElement
from sqlalchemy.dialects.postgresql import insert

from geo import flood, shelf, table
from geo.actor import SYSTEM, Actor
from geo.episode import step_severity
from geo.journal import line, write, write_lines
from geo.rule import Rule

CHANNEL = "haidang:alarm"  # publishes the id of the newest journal line after its commit
# Order of the desk: emergency, unacknowledged, returned but unacknowledged, acknowledged.
STATES = ("unacknowledged", "returned", "acknowledged", "suppressed", "shelved", "cleared", "withdrawn")
WAITING = ("unacknowledged", "returned")


def state(row: Mapping[str, Any], now: datetime) -> str:
    """The state of an alarm row after ISA-18.2 / IEC 62682, derived and never stored.

    What does not latch is gone once it is over, and so is what ended while it was suppressed; what latches waits for
    somebody to acknowledge it.
    """
    if row["withdrawn_at"] is not None:
        return "withdrawn"
    waits = row["acknowledged_at"] is None and row["latching"] and row["suppressed_at"] is None
    if row["cleared_at"] is not None and not waits:
        return "cleared"
    if row["shelved_until"] is not None and row["shelved_until"] > now:
        return "shelved"
    if row["suppressed_at"] is not None:
        return "suppressed"
    if row["cleared_at"] is not None:
        return "returned"
    return "acknowledged" if row["acknowledged_at"] is not None else "unacknowledged"


def raise_alarm(
    connection: sa.Connection,
    rule: Rule,
    fence_id: int | None,
    subject: Mapping[str, Any],
    raised_at: datetime,
    now: datetime,
    cleared_at: datetime | None = None,
    value: float | None = None,
    parent_id: int | None = None,
) -> int | None:
    """Open an episode and write its journal line; None when that episode is open already.

    cleared_at: when it was over, for an event and for what is known only afterwards. value: what its rule measured.
    parent_id: the alarm by whose design this one is suppressed from the start. What is shelved stays shelved, and what
    is raised in a flood is put to its group (geo.flood).
    subject: object_key, object_label, lon, lat, observed_at, simulated, evidence, and other_key for a pair.
    """
    row: dict[str, Any] = {
        "rule_id": rule.id,
        "layer": rule.layer,
        "object_key": subject["object_key"],
        "object_label": subject["object_label"],
        "other_key": subject.get("other_key", ""),
        "fence_id": fence_id,
        "severity": step_severity(rule, value),
        "latching": rule.latching,
        "value": value,
        "geom": WKTElement(f"POINT({subject['lon']} {subject['lat']})", srid=4326)
        if subject["lon"] is not None
        else None,
        "evidence": subject["evidence"],
        "simulated": subject["simulated"],
        "observed_at": subject["observed_at"],
        "raised_at": raised_at,
        "cleared_at": cleared_at,
        "escalate_due_at": _due(rule, now) if cleared_at is None or (rule.is_event and rule.latching) else None,
    }
    made = connection.execute(_RAISE, row | shelf.asked(rule, row["object_key"], now)).one_or_none()
    if made is None:
        return None
    alarm_id: int = made.id
    told = [line(alarm_id, "raise", now, SYSTEM, observed_at=raised_at)]
    if cleared_at is not None:
        told.append(line(alarm_id, "clear", now, SYSTEM, observed_at=cleared_at))
    write_lines(connection, told)
    if rule.kind == "distress":
        return alarm_id  # neither shelved nor suppressed nor grouped
    parent = parent_id or (_breach(connection, rule, row) if rule.kind == "approach" else None)
    if parent is not None:
        suppress(connection, [alarm_id], parent, now)
    if rule.kind == "inside" and cleared_at is None:
        suppress(connection, _approaches(connection, rule, row), alarm_id, now)
    if made.shelved_until is not None:
        shelf.tell(connection, rule, row["object_key"], alarm_id, now)
    flood.join(connection, [alarm_id], now)
    return alarm_id


# Made once: a storm raises thousands, and to build the statement costs as much as to run it.
_RAISE = (
    insert(table.alarm)
    .values(shelved_until=shelf.HELD)
    .on_conflict_do_nothing()
    .returning(table.alarm.c.id, table.alarm.c.shelved_until)
)


def _due(rule: Rule, now: datetime) -> datetime | None:
    return now + timedelta(seconds=rule.escalate_s) if rule.escalate_s else None


def step_alarm(
    connection: sa.Connection, rule: Rule, object_key: str, at: datetime, value: float, now: datetime
) -> int | None:
    """An approach came nearer: the open episode is graver, and waits to be acknowledged again; its id, or None."""
    column = table.alarm.c
    statement = (
        sa.update(table.alarm)
        .where(*_open(rule, object_key))
        .values(
            value=value,
            severity=step_severity(rule, value),
            acknowledged_at=None,
            acknowledged_by=None,
            escalate_due_at=_due(rule, now),
        )
        .returning(column.id)
    )
    stepped = list(connection.scalars(statement))
    for alarm_id in stepped:
        write(connection, alarm_id, "step", now, SYSTEM, observed_at=at, data={"value": value})
    return stepped[0] if stepped else None


def clear_alarm(
    connection: sa.Connection,
    rule: Rule,
    object_key: str,
    cleared_at: datetime,
    now: datetime,
    other_key: str | None = None,
    comment: str | None = None,
) -> int | None:
    """Close the open episodes of a rule and object, whatever their fence; one's id, or None when there is none."""
    column = table.alarm.c
    statement = sa.update(table.alarm).where(*_open(rule, object_key))
    if other_key is not None:
        statement = statement.where(column.other_key == other_key)
    # Never before it was raised: of a rule that was changed meanwhile the end may be told of an earlier moment.
    over = sa.func.greatest(column.raised_at, sa.bindparam("cleared_at", cleared_at, sa.DateTime(timezone=True)))
    closed = list(connection.scalars(statement.values(cleared_at=over).returning(column.id)))
    for alarm_id in closed:
        write(connection, alarm_id, "clear", now, SYSTEM, observed_at=cleared_at, comment=comment)
        if rule.kind == "inside":
            release(connection, alarm_id, now)
    return closed[0] if closed else None


def _open(rule: Rule, object_key: str) -> tuple[Any, ...]:
    column = table.alarm.c
    return (
        column.rule_id == rule.id,
        column.layer == rule.layer,
        column.object_key == object_key,
        column.cleared_at.is_(None),
        column.withdrawn_at.is_(None),
    )


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
        write(connection, alarm_id, "withdraw", now, actor, comment=comment)
    return withdrawn


def revise_alarm(connection: sa.Connection, alarm_id: int, now: datetime, comment: str, **changed: Any) -> int | None:
    """Correct what late data show otherwise: raised_at, cleared_at, value, severity, or the place (lon, lat); its id.

    Who acknowledged it did so of the same episode. The journal keeps what was believed before.
    """
    column = table.alarm.c
    named = {name: column[name] for name in changed if name not in ("lon", "lat")}
    before = connection.execute(sa.select(*named.values()).where(column.id == alarm_id)).mappings().one_or_none()
    if before is None:
        return None
    told = {name: [_plain(before[name]), _plain(changed[name])] for name in named if before[name] != changed[name]}
    if not told:
        return None
    values: dict[str, Any] = {name: changed[name] for name in named}
    if changed.get("lon") is not None:
        values["geom"] = WKTElement(f"POINT({changed['lon']} {changed['lat']})", srid=4326)
    connection.execute(sa.update(table.alarm).where(column.id == alarm_id).values(values))
    write(connection, alarm_id, "revise", now, SYSTEM, comment=comment, data=told)
    return alarm_id


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def refute_alarm(
    connection: sa.Connection,
    rule: Rule,
    object_key: str,
    other_key: str,
    since: datetime,
    comment: str,
    now: datetime,
) -> int | None:
    """Withdraw the open episode that was raised after `since`, when it was over already; its id, or None."""
    column = table.alarm.c
    own = (*_open(rule, object_key), column.other_key == other_key, column.raised_at > since)
    wrong = connection.scalars(sa.select(column.id).where(*own).order_by(column.id).with_for_update()).all()
    for alarm_id in wrong:
        withdraw_alarm(connection, alarm_id, SYSTEM, comment, now)
    return wrong[0] if wrong else None


def resume_alarm(
    connection: sa.Connection,
    rule: Rule,
    target: tuple[str, str],
    at: datetime,
    value: float | None,
    comment: str,
    now: datetime,
) -> bool:
    """Open an episode again whose delayed end was told too early: its rule was broken again at `at`, before that end.

    target: (object_key, other_key). value: what the rule measured now; of an approach the nearest step counts.
    """
    column = table.alarm.c
    own = (column.rule_id == rule.id, column.layer == rule.layer, column.object_key == target[0])
    query = (
        sa.select(column.id, column.value)
        .where(*own, column.other_key == target[1], column.withdrawn_at.is_(None))
        .where(column.raised_at <= at, column.cleared_at > at)
        .order_by(column.raised_at.desc())
        .limit(1)
        .with_for_update()
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        return False
    nearer = value is not None and found.value is not None and value < found.value and rule.kind == "approach"
    more = {"value": value, "severity": step_severity(rule, value)} if nearer else {}
    return revise_alarm(connection, found.id, now, comment, cleared_at=None, **more) is not None


def suppress(connection: sa.Connection, alarm_ids: list[int], parent_id: int, now: datetime) -> int:
    """Keep alarms from the desk by design for as long as their parent stands; their clocks run on. How many."""
    if not alarm_ids:
        return 0
    column = table.alarm.c
    statement = (
        sa.update(table.alarm)
        .where(column.id.in_(alarm_ids), column.suppressed_at.is_(None))
        .values(suppressed_at=now, parent_id=parent_id)
        .returning(column.id)
    )
    children = list(connection.scalars(statement))
    for alarm_id in children:
        write(connection, alarm_id, "suppress", now, SYSTEM, data={"parent": parent_id})
    return len(children)


def release(connection: sa.Connection, parent_id: int, now: datetime) -> int:
    """Give back to the desk what its parent suppressed and what still stands; how many.

    What ended meanwhile is left where it is: it needed nobody. What comes back may be answered before it is escalated.
    """
    column = table.alarm.c
    answer_by = sa.func.greatest(column.escalate_due_at, sa.literal(now + shelf.ANSWER, sa.DateTime(timezone=True)))
    statement = (
        sa.update(table.alarm)
        .where(column.parent_id == parent_id, column.suppressed_at.is_not(None), column.cleared_at.is_(None))
        .where(column.withdrawn_at.is_(None))
        .values(suppressed_at=None, escalate_due_at=sa.case((column.escalate_due_at.is_not(None), answer_by)))
        .returning(column.id)
    )
    freed = list(connection.scalars(statement))
    for alarm_id in freed:
        write(connection, alarm_id, "release", now, SYSTEM, data={"parent": parent_id})
    flood.join(connection, freed, now)
    return len(freed)


def _breach(connection: sa.Connection, rule: Rule, row: Mapping[str, Any]) -> int | None:
    """The open alarm of an object inside the fence that this rule tells the approach of: one of them is enough."""
    column = table.alarm.c
    found: int | None = connection.scalar(
        sa.select(column.id)
        .join(table.rule)
        .where(table.rule.c.kind == "inside", *_same(row), column.suppressed_at.is_(None))
        .limit(1)
    )
    return found


def _approaches(connection: sa.Connection, rule: Rule, row: Mapping[str, Any]) -> list[int]:
    column = table.alarm.c
    query = sa.select(column.id).join(table.rule).where(table.rule.c.kind == "approach", *_same(row))
    return list(connection.scalars(query))


def _same(row: Mapping[str, Any]) -> tuple[Any, ...]:
    column = table.alarm.c
    return (
        column.layer == row["layer"],
        column.object_key == row["object_key"],
        column.fence_id == row["fence_id"],
        column.cleared_at.is_(None),
        column.withdrawn_at.is_(None),
    )
