"""Shelves: one object's alarms put aside by a person, for a reason and until a moment, and given back by themselves."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from geo import flood, table
from geo.actor import SYSTEM, Actor
from geo.journal import write
from geo.rule import DISTRESS, Rule

SPANS = {"30m": timedelta(minutes=30), "1h": timedelta(hours=1), "6h": timedelta(hours=6)}
TRIP = "trip"  # until the boat is in a port, at most:
TRIP_MOST = timedelta(days=30)
ANSWER = timedelta(minutes=2)  # what comes back to the desk may be answered before it is escalated


class NotShelvable(ValueError):
    """The alarm cannot be put aside; the message says why."""


def shelve(
    connection: sa.Connection, alarm_id: int, span: str, actor: Actor, reason: str, now: datetime
) -> datetime | None:
    """Put the alarm's object aside under its rule; until when, or None when the alarm is gone.

    span: `30m`, `1h`, `6h` or `trip`. Raises NotShelvable for a distress, a missing reason or an unknown span.
    """
    if span not in (*SPANS, TRIP):
        raise NotShelvable(f"shelve for {', '.join(SPANS)} or {TRIP}, not {span!r}")
    if not reason.strip():
        raise NotShelvable("say why it is put aside")
    alarm, rule = table.alarm.c, table.rule.c
    found = connection.execute(
        sa.select(alarm.rule_id, alarm.layer, alarm.object_key, rule.kind)
        .join(table.rule)
        .where(alarm.id == alarm_id, alarm.withdrawn_at.is_(None))
        .where(sa.or_(alarm.cleared_at.is_(None), alarm.acknowledged_at.is_(None)))
    ).one_or_none()
    if found is None:
        return None
    if found.kind in DISTRESS:
        raise NotShelvable("a distress cannot be put aside")
    until = now + SPANS.get(span, TRIP_MOST)
    own = {"rule_id": found.rule_id, "layer": found.layer, "object_key": found.object_key}
    # Of two who put it aside at once the second ends the first one's shelf.
    _lock(connection, own)
    column = table.shelf.c
    before = sa.update(table.shelf).where(
        column.ended_at.is_(None), *[column[name] == value for name, value in own.items()]
    )
    connection.execute(before.values(ended_at=now, ended_by=actor.name))
    row = {**own, "kind": TRIP if span == TRIP else "time", "reason": reason, "at": now, "until": until}
    connection.execute(sa.insert(table.shelf).values({**row, "actor": actor.name}))
    put = sa.update(table.alarm).where(*_on_desk(own)).values(shelved_until=until).returning(alarm.id)
    for each in connection.scalars(put).all():
        write(connection, each, "shelve", now, actor, comment=reason, data={"until": until.isoformat(), "span": span})
    return until


def _held(*what: Any) -> sa.Select[Any]:
    """What of the shelf that holds a rule's object for longest; the values as `asked` names them."""
    column = table.shelf.c
    return (
        sa.select(*what)
        .where(column.layer == sa.bindparam("of_layer"), column.object_key == sa.bindparam("of_object"))
        .where(sa.or_(column.rule_id == sa.bindparam("of_rule"), column.rule_id.is_(None)))
        .where(column.ended_at.is_(None), column.until > sa.bindparam("of_now", type_=sa.DateTime(timezone=True)))
        .order_by(column.until.desc())
        .limit(1)
    )


HELD = _held(table.shelf.c.until).scalar_subquery()  # until when a new alarm is shelved from the start
_HOLDER = _held(table.shelf.c.until, table.shelf.c.actor, table.shelf.c.reason)


def asked(rule: Rule, object_key: str, now: datetime) -> dict[str, Any]:
    """The values of HELD for a new alarm; nothing holds a distress."""
    name = None if rule.kind in DISTRESS else object_key
    return {"of_layer": rule.layer, "of_object": name, "of_rule": rule.id, "of_now": now}


def tell(connection: sa.Connection, rule: Rule, object_key: str, alarm_id: int, now: datetime) -> None:
    """Write down that a new alarm is shelved from the start, by whom and why."""
    found = connection.execute(_HOLDER, asked(rule, object_key, now)).one()
    data = {"until": found.until.isoformat(), "by": found.actor}
    write(connection, alarm_id, "shelve", now, SYSTEM, comment=found.reason, data=data)


def unshelve(connection: sa.Connection, alarm_id: int, actor: Actor, now: datetime) -> bool:
    """Take an alarm's object from its shelf before its time; False when it is on none."""
    alarm, column = table.alarm.c, table.shelf.c
    own = sa.select(alarm.rule_id, alarm.layer, alarm.object_key).where(alarm.id == alarm_id)
    found = connection.execute(own).one_or_none()
    if found is None:
        return False
    query = sa.select(table.shelf).where(
        column.ended_at.is_(None),
        column.layer == found.layer,
        column.object_key == found.object_key,
        sa.or_(column.rule_id == found.rule_id, column.rule_id.is_(None)),
    )
    rows = connection.execute(query.order_by(column.rule_id, column.id)).mappings().all()
    ended = [_end(connection, row, actor, now) for row in rows]
    return any(back is not None for back in ended)


def expire(connection: sa.Connection, now: datetime, in_port: Sequence[tuple[str, str]] = ()) -> int:
    """The clock's part: give back what is past its time, and the trips of what is in port (layer, object_key)."""
    column = table.shelf.c
    over = [column.until <= now]
    if in_port:
        over.append(
            sa.and_(
                column.kind == TRIP, sa.tuple_(column.layer, column.object_key).in_([tuple(one) for one in in_port])
            )
        )
    query = sa.select(table.shelf).where(column.ended_at.is_(None), sa.or_(*over))
    ended = 0
    for row in connection.execute(query.order_by(column.rule_id, column.object_key, column.id)).mappings().all():
        back = _end(connection, row, SYSTEM, now)
        if back is not None:
            flood.join(connection, back, now)
            ended += 1
    return ended


def _lock(connection: sa.Connection, own: Any) -> None:
    """Lock the alarms of a shelf's object, which all who change a shelf do first, and in this order."""
    column = table.alarm.c
    connection.execute(sa.select(column.id).where(*_on_desk(own)).order_by(column.id).with_for_update())


def _end(connection: sa.Connection, row: sa.RowMapping, actor: Actor, now: datetime) -> list[int] | None:
    """End a shelf; the alarms that are back on the desk, unless another shelf still holds them; None if it was over."""
    column, alarm = table.shelf.c, table.alarm.c
    _lock(connection, row)
    end = sa.update(table.shelf).where(column.id == row["id"], column.ended_at.is_(None))
    if not connection.execute(end.values(ended_at=now, ended_by=actor.name)).rowcount:
        return None
    other = (
        sa.select(sa.func.max(column.until))
        .where(column.ended_at.is_(None), column.until > now, column.layer == alarm.layer)
        .where(column.object_key == alarm.object_key)
        .where(sa.or_(column.rule_id == alarm.rule_id, column.rule_id.is_(None)))
        .scalar_subquery()
    )
    answer_by = sa.func.greatest(alarm.escalate_due_at, sa.literal(now + ANSWER, sa.DateTime(timezone=True)))
    statement = (
        sa.update(table.alarm)
        .where(*_on_desk(row), alarm.shelved_until.is_not(None))
        .values(shelved_until=other, escalate_due_at=sa.case((alarm.escalate_due_at.is_not(None), answer_by)))
        .returning(alarm.id, alarm.shelved_until)
    )
    back = [alarm_id for alarm_id, until in connection.execute(statement).all() if until is None]
    for alarm_id in back:
        write(connection, alarm_id, "unshelve", now, actor)
    return back


def _on_desk(own: Any) -> list[Any]:
    """The alarms on the desk of a shelf's object, under its rule or under all."""
    column = table.alarm.c
    where = [column.layer == own["layer"], column.object_key == own["object_key"], column.withdrawn_at.is_(None)]
    if own["rule_id"] is not None:
        where.append(column.rule_id == own["rule_id"])
    return [*where, sa.or_(column.cleared_at.is_(None), column.acknowledged_at.is_(None))]


def shelves(connection: sa.Connection, now: datetime) -> Sequence[sa.RowMapping]:
    """What is put aside now, by whom, why and until when; the one that ends first stands first.

    Each with its object's name, and the number of an alarm by which it can be taken back.
    """
    column, rule, alarm = table.shelf.c, table.rule.c, table.alarm.c
    own = sa.and_(
        alarm.layer == column.layer,
        alarm.object_key == column.object_key,
        sa.or_(alarm.rule_id == column.rule_id, column.rule_id.is_(None)),
    )
    newest = sa.select(alarm.id.label("alarm_id"), alarm.object_label).where(own).order_by(alarm.id.desc()).limit(1)
    told = newest.lateral("told")
    query = (
        sa.select(table.shelf, rule.name_vi.label("rule_vi"), rule.name_en.label("rule_en"), told)
        .select_from(table.shelf.outerjoin(table.rule).outerjoin(told, sa.true()))
        .where(column.ended_at.is_(None), column.until > now)
        .order_by(column.until)
    )
    return connection.execute(query).mappings().all()
