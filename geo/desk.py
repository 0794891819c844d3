"""Reading the alarm desk: what is on it in its order, floods as one line, an object's alarms, the timeline's ticks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from geo import table
from geo.alarm import STATES, WAITING, state
from geo.rule import SEVERITIES

LINES_MOST = 200  # a desk that stands so full is read by its filters
# What geo.alarm.state is derived from.
STATED = ("withdrawn_at", "cleared_at", "acknowledged_at", "latching", "shelved_until", "suppressed_at")


def _alarms() -> sa.Select[Any]:
    alarm, rule, fence, unit = table.alarm.c, table.rule.c, table.fence.c, table.unit.c
    return sa.select(
        *[column for column in alarm if column.name != "geom"],
        sa.func.ST_X(alarm.geom).label("lon"),
        sa.func.ST_Y(alarm.geom).label("lat"),
        rule.key.label("rule"),
        rule.kind.label("rule_kind"),
        rule.name_vi.label("rule_vi"),
        rule.name_en.label("rule_en"),
        rule.response_vi,
        rule.response_en,
        rule.dwell_s,
        fence.key.label("fence"),
        fence.name_vi.label("fence_vi"),
        fence.name_en.label("fence_en"),
        unit.name_vi.label("unit_vi"),
        unit.name_en.label("unit_en"),
    ).select_from(
        table.alarm.join(table.rule)
        .outerjoin(table.fence, fence.id == alarm.fence_id)
        .outerjoin(table.unit, unit.key == alarm.unit)
    )


def _standing() -> tuple[Any, ...]:
    column = table.alarm.c
    waits = sa.and_(column.acknowledged_at.is_(None), column.latching, column.suppressed_at.is_(None))
    return column.withdrawn_at.is_(None), sa.or_(column.cleared_at.is_(None), waits)


def _open_to_view(now: datetime) -> tuple[Any, ...]:
    column = table.alarm.c
    return column.suppressed_at.is_(None), sa.or_(column.shelved_until.is_(None), column.shelved_until <= now)


def desk(connection: sa.Connection, now: datetime, limit: int = 500) -> list[dict[str, Any]]:
    """Every alarm that stands, in desk order, each with its derived `state`; in floods, shelved and suppressed too."""
    return _read(connection, _alarms().where(*_standing()), now, limit)


def lines(connection: sa.Connection, now: datetime, limit: int = LINES_MOST) -> list[dict[str, Any]]:
    """The desk as people read it: alarms that stand by themselves and one line a flood, in desk order.

    A flood's line has `flood` (its id), `total`, `waiting`, `open` and how many `critical` wait, the gravest severity
    that waits, and the newest of its alarms' fields. What is shelved is left out (geo.shelf); what is suppressed is
    the `children` of its parent.
    """
    column = table.alarm.c
    found = _read(connection, _alarms().where(*_standing(), *_open_to_view(now), column.flood_id.is_(None)), now, limit)
    parents = sa.select(column.parent_id, sa.func.count()).where(*_standing(), column.suppressed_at.is_not(None))
    counted = connection.execute(parents.group_by(column.parent_id))
    children: dict[int, int] = {row[0]: row[1] for row in counted}
    found = [{**row, "flood": None, "children": children.get(row["id"], 0)} for row in found]
    found += [_flood_line(connection, row, now) for row in _floods(connection, now)]
    found.sort(key=_order)
    return found


def beyond(connection: sa.Connection, now: datetime, limit: int = LINES_MOST) -> int:
    """How many alarms that stand by themselves `lines` has no room for: the least grave and oldest of them."""
    query = sa.select(sa.func.count()).where(*_standing(), *_open_to_view(now), table.alarm.c.flood_id.is_(None))
    return max(0, (connection.scalar(query) or 0) - limit)


def _floods(connection: sa.Connection, now: datetime) -> Sequence[sa.RowMapping]:
    """Floods that still have alarms on the desk, with how many, how many wait and how grave they are."""
    alarm, flood = table.alarm.c, table.flood.c
    waits = alarm.acknowledged_at.is_(None)
    rank = _rank(alarm.severity)
    query = (
        sa.select(
            flood.id,
            flood.rule_id,
            flood.kind.label("flood_kind"),
            flood.started_at,
            flood.ended_at,
            sa.func.count().label("total"),
            sa.func.count().filter(waits).label("waiting"),
            sa.func.count().filter(alarm.cleared_at.is_(None)).label("open"),
            sa.func.bool_or(waits & alarm.cleared_at.is_(None)).label("unanswered"),
            sa.func.count().filter(waits, alarm.severity == SEVERITIES[0]).label("critical"),
            sa.func.coalesce(sa.func.min(rank).filter(waits), sa.func.min(rank)).label("rank"),
            sa.func.max(alarm.id).label("newest"),
        )
        .select_from(table.flood.join(table.alarm, alarm.flood_id == flood.id))
        .where(*_standing(), *_open_to_view(now))
        .group_by(flood.id)
    )
    return connection.execute(query).mappings().all()


def _flood_line(connection: sa.Connection, row: sa.RowMapping, now: datetime) -> dict[str, Any]:
    newest = connection.execute(_alarms().where(table.alarm.c.id == row["newest"])).mappings().one()
    counts = ("total", "waiting", "open", "critical", "flood_kind", "started_at", "ended_at")
    own = {name: row[name] for name in counts}
    status = "acknowledged" if not row["waiting"] else "unacknowledged" if row["unanswered"] else "returned"
    line = {**_stated(newest, now), **own, "flood": row["id"], "state": status, "children": 0}
    return {**line, "severity": SEVERITIES[row["rank"] - 1], "mixed": row["rule_id"] is None}


def members(
    connection: sa.Connection, flood_id: int, now: datetime, limit: int = 100, offset: int = 0
) -> list[dict[str, Any]]:
    """The alarms of a flood that stand and that its line counts, in desk order."""
    column = table.alarm.c
    own = _alarms().where(*_standing(), *_open_to_view(now), column.flood_id == flood_id)
    return _read(connection, own, now, limit, offset)


def children(
    connection: sa.Connection, alarm_id: int, now: datetime, limit: int = 100, offset: int = 0
) -> list[dict[str, Any]]:
    """The alarms that an alarm suppresses by design."""
    column = table.alarm.c
    own = _alarms().where(*_standing(), column.parent_id == alarm_id, column.suppressed_at.is_not(None))
    return _read(connection, own, now, limit, offset)


def rings(connection: sa.Connection, now: datetime, limit: int = 2_000) -> list[tuple[str, str, str, str]]:
    """The objects that are ringed on a map as (layer, object_key, severity, state), the gravest of each object first.

    In floods as by themselves, since each is an object to be found; not what is shelved or suppressed.
    """
    column = table.alarm.c
    query = (
        sa.select(column.layer, column.object_key, column.severity, *[column[name] for name in STATED])
        .where(*_standing(), column.suppressed_at.is_(None))
        .order_by(column.acknowledged_at.is_(None).desc(), _rank(column.severity), column.raised_at.desc())
        .limit(limit)
    )
    found: dict[tuple[str, str], tuple[str, str, str, str]] = {}
    for row in connection.execute(query).mappings():
        stands = state(dict(row), now)
        if stands != "shelved":
            mark = (row["layer"], row["object_key"])
            found.setdefault(mark, (*mark, row["severity"], stands))
    return list(found.values())


def one(connection: sa.Connection, alarm_id: int, now: datetime) -> dict[str, Any] | None:
    """An alarm by its number, whatever became of it."""
    row = connection.execute(_alarms().where(table.alarm.c.id == alarm_id)).mappings().one_or_none()
    return None if row is None else _stated(row, now)


def alarms_of(
    connection: sa.Connection, layer: str, object_key: str, now: datetime, limit: int = 20
) -> list[dict[str, Any]]:
    """An object's alarms, newest first, open and past."""
    column = table.alarm.c
    own = sa.or_(column.object_key == object_key, column.other_key == object_key)
    query = _alarms().where(column.layer == layer, own).order_by(column.raised_at.desc()).limit(limit)
    return [_stated(row, now) for row in connection.execute(query).mappings()]


def _rank(severity: Any) -> Any:
    return sa.func.array_position(sa.literal(list(SEVERITIES), sa.ARRAY(sa.Text)), severity)


def of_unit(connection: sa.Connection, unit: str, now: datetime, limit: int) -> list[dict[str, Any]]:
    """The alarms that stand and were given to a unit, in desk order."""
    return _read(connection, _alarms().where(*_standing(), table.alarm.c.unit == unit), now, limit)


def _read(
    connection: sa.Connection, query: sa.Select[Any], now: datetime, limit: int, offset: int = 0
) -> list[dict[str, Any]]:
    column = table.alarm.c
    # What is left out beyond the limit must be the least of it, however old the gravest is.
    ordered = (
        query.order_by(
            (table.rule.c.kind == "distress").desc(),
            column.acknowledged_at.is_(None).desc(),
            _rank(column.severity),
            column.raised_at.desc(),
            column.id,
        )
        .limit(limit)
        .offset(offset)
    )
    rows = [_stated(row, now) for row in connection.execute(ordered).mappings()]
    rows.sort(key=_order)
    return rows


def _stated(row: sa.RowMapping, now: datetime) -> dict[str, Any]:
    values = {str(name): value for name, value in row.items()}
    return {**values, "state": state(values, now)}


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    emergency = row["rule_kind"] == "distress" and row["state"] in WAITING
    stamps = ("raised_at", "cleared_at", "acknowledged_at", "assigned_at", "escalated_at")
    changed = max(filter(None, (row[name] for name in stamps)))
    return not emergency, STATES.index(row["state"]), SEVERITIES.index(row["severity"]), -changed.timestamp()


def ticks(connection: sa.Connection, start: datetime, end: datetime) -> Sequence[sa.RowMapping]:
    """Alarms raised in [start, end) as (at, severity, id), for a timeline."""
    column = table.alarm.c
    query = (
        sa.select(column.raised_at.label("at"), column.severity, column.id)
        .where(column.raised_at >= start, column.raised_at < end, column.withdrawn_at.is_(None))
        .order_by(column.raised_at)
    )
    return connection.execute(query).mappings().all()
