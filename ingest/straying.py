"""Wrong zones and crossings as cases: what the clock makes of their alarms, from opening to return (fact 12)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from geo import table
from geo.boat_case import Kind, Opening, end_case, escalate_after, hold, hold_alarms, open_case, step_case
from geo.duty import duty
from geo.fence_kind import ALLOWED
from geo.figure import Figures
from geo.fishery import boat, boat_case, device
from geo.rule import LAWFUL

STAGE = "ASTRAY"
OPENED_AT_ONCE = 100  # cases a tick; whoever works on alarms meanwhile has to wait
LOOK_BACK = timedelta(days=10)  # what began earlier and nobody made a case of is no news


def _alarmed() -> dict[Kind, Any]:
    """Of which alarms a case of each kind is made.

    A crossing is the leaving of an area in which a boat may fish (domain.md 1.5): a line alone has no other side.
    """
    rule, fence = table.rule.c, table.fence.c
    return {"zone": rule.kind.in_(LAWFUL), "crossing": (rule.kind == "outside") & (fence.kind == ALLOWED)}


def follow_strays(connection: sa.Connection, figures: Figures, now: datetime) -> int:
    """Open a case for each boat that strays, end those whose boats are back, go on with those that were not.

    One case of a kind a boat at a time: an alarm of another rule about the same straying belongs to it. Returns how
    many cases changed. Registered boats alone have cases: by what their device told, and those that need none by AIS.
    """
    changed = _settle(connection, now)
    for kind in _alarmed():
        changed += sum(_open(connection, figures, kind, row, now) for row in _new(connection, kind, now))
    return changed


def _open(connection: sa.Connection, figures: Figures, kind: Kind, row: sa.RowMapping, now: datetime) -> bool:
    level = duty(row["length_m"], figures, row["raised_at"], row["role"]).owner_level or "provincial"
    facts = {name: row["evidence"][name] for name in ("zone", "allowed", "waters") if name in row["evidence"]}
    opening = Opening(
        kind=kind,
        registration=row["registration"],
        owner_level=level,
        stage=STAGE,
        since=row["raised_at"],
        at=row["raised_at"],
        escalate_due_at=row["raised_at"] + escalate_after(figures, kind, row["raised_at"]),
        lon=row["lon"],
        lat=row["lat"],
        device=row["device"],
        provider=row["provider"],
        alarm_id=row["id"],
        simulated=row["simulated"],
        facts=facts if kind == "zone" else {"fence": row["fence_key"]},
    )
    return open_case(connection, opening, now) is not None


def _new(connection: sa.Connection, kind: Kind, now: datetime) -> Sequence[sa.RowMapping]:
    """Alarms for that kind that no case tells of, of boats that have none which goes on; the oldest first, locked."""
    alarm, case = table.alarm.c, boat_case.c
    # A device's alarm is about its boat; one of AIS says which boat of the register its vessel is.
    whose = sa.func.coalesce(alarm.evidence["registration"].astext, alarm.object_key)
    told = sa.select(case.id).where(case.registration == boat.c.registration, case.kind == kind)
    goes_on = case.closed_at.is_(None) & case.ended_at.is_(None)
    # What another rule told of the same straying was over with it.
    begun = alarm.cleared_at.is_(None) | (case.since <= alarm.cleared_at)
    same = (case.ended_at >= alarm.raised_at) & begun
    told = told.where((case.alarm_id == alarm.id) | goes_on | same)
    query = (
        sa.select(
            alarm.id, alarm.raised_at, alarm.evidence, alarm.simulated, sa.func.ST_X(alarm.geom).label("lon"),
            sa.func.ST_Y(alarm.geom).label("lat"), boat.c.registration, boat.c.length_m, boat.c.role,
            device.c.id.label("device"), device.c.provider,
            table.fence.c.key.label("fence_key"),
        )
        .select_from(
            table.alarm.join(table.rule)
            .outerjoin(table.fence, table.fence.c.id == alarm.fence_id)
            .join(boat, boat.c.registration == whose)
            .outerjoin(device, (device.c.registration == boat.c.registration) & device.c.active)
        )
        .where(_alarmed()[kind], alarm.withdrawn_at.is_(None), alarm.raised_at > now - LOOK_BACK)
        .where(alarm.raised_at <= now, ~sa.exists(told))
        .order_by(alarm.id)
        .limit(OPENED_AT_ONCE)
    )  # fmt: skip
    rows = connection.execute(query).mappings().all()
    hold_alarms(connection, [row["id"] for row in rows])
    return rows


def _settle(connection: sa.Connection, now: datetime) -> int:
    """Cases whose boat is back where it may be, or whose alarm was wrong; and those that were over too early."""
    alarm, case, other = table.alarm.c, boat_case.c, boat_case.alias("other").c
    goes_on = sa.select(other.id).where(
        other.registration == case.registration, other.kind == case.kind, other.id != case.id
    )
    goes_on = goes_on.where(other.closed_at.is_(None), other.ended_at.is_(None))
    gone = alarm.cleared_at.is_not(None) | alarm.withdrawn_at.is_not(None)
    query = (
        sa.select(case.id)
        .join(table.alarm, alarm.id == case.alarm_id)
        .where(case.kind.in_(_alarmed()), case.closed_at.is_(None), case.ended_at.is_(None) == gone)
        .where(case.ended_at.is_(None) | ~sa.exists(goes_on))
        .order_by(case.id)
        .limit(OPENED_AT_ONCE)
    )
    held = hold(connection, connection.scalars(query).all())
    for row in held.values():
        state = connection.execute(sa.select(alarm.cleared_at, alarm.withdrawn_at).where(alarm.id == row["alarm_id"]))
        cleared_at, withdrawn_at = state.one()
        if withdrawn_at is not None:
            end_case(connection, row, "NOT_REQUIRED", withdrawn_at, now, data={"withdrawn": True})
        elif cleared_at is not None:
            end_case(connection, row, "RETURNED", cleared_at, now)
        else:
            step_case(connection, row["id"], STAGE, now, now)
    return len(held)
