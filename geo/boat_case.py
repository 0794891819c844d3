"""Cases of boats: a loss of signal, a crossing, a wrong zone, from opening to end; each step is a line of their log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from geoalchemy2 import WKTElement
from sqlalchemy.dialects.postgresql import insert

from geo import handling, table
from geo.actor import SYSTEM, Actor
from geo.figure import Figures
from geo.fishery import boat_case, boat_case_entry

Kind = Literal["loss", "crossing", "zone"]
ENDS = ("RESTORED", "AT_PORT", "RETURNED", "NOT_REQUIRED")  # the stages in which the thing itself is over
# Closed lists, each with its Vietnamese and English words; causes as the authorities record them.
CAUSES: Mapping[str, tuple[str, str]] = {
    "power": ("Nguồn điện", "Power"),
    "device": ("Thiết bị hỏng", "Device fault"),
    "provider": ("Vệ tinh, nhà cung cấp", "Satellite or provider"),
    "weather": ("Thời tiết", "Weather"),
    "tampering": ("Can thiệp thiết bị", "Tampering"),
    "accident": ("Tai nạn", "Accident"),
    "unknown": ("Chưa rõ", "Unknown"),
}
OUTCOMES: Mapping[str, tuple[str, str]] = {
    "restored": ("Đã có tín hiệu lại", "Signal is back"),
    "device_fault": ("Xác nhận lỗi thiết bị", "Device fault confirmed"),
    "returned": ("Đã quay về", "Returned"),
    "explained": ("Giải trình được chấp nhận", "Explanation accepted"),
    "provider_outage": ("Do sự cố nhà cung cấp", "Provider outage"),
    "violation_file": ("Lập hồ sơ vi phạm", "Violation file"),
    "fined": ("Đã xử phạt", "Fined"),
}
PROPOSED = {"RESTORED": "restored", "AT_PORT": "returned", "RETURNED": "returned"}
ESCALATED_AT_ONCE = 200


@dataclass(frozen=True)
class Opening:
    """A case to be opened. since: of a loss its last automatic fix; at: when it became a case, on the event's clock."""

    kind: Kind
    registration: str
    owner_level: str
    stage: str
    since: datetime
    at: datetime
    escalate_due_at: datetime | None
    lon: float | None = None
    lat: float | None = None
    device: str | None = None
    provider: str | None = None
    alarm_id: int | None = None
    outage_id: int | None = None
    reported_at: datetime | None = None
    simulated: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """A position that somebody told by hand, degrees of WGS84."""

    at: datetime
    lon: float
    lat: float


def escalate_after(figures: Figures, kind: Kind, moment: datetime) -> timedelta:
    """How long after its beginning an unresolved case goes to the next level (domain: 24 h a loss, 12 h the others)."""
    return figures.at("escalate_loss" if kind == "loss" else "escalate_crossing", moment).span


def entry(
    connection: sa.Connection,
    case_id: int,
    kind: str,
    at: datetime,
    now: datetime,
    actor: Actor = SYSTEM,
    text: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> int:
    """Add one line to a case's log: `at` is when it happened, `now` when it was written; its id."""
    row = {"case_id": case_id, "kind": kind, "at": at, "entered_at": now, "actor": actor.name, "text": text}
    row |= {"actor_kind": actor.kind, "data": dict(data or {})}
    made: int = connection.execute(sa.insert(boat_case_entry).values(row).returning(boat_case_entry.c.id)).scalar_one()
    return made


def open_case(connection: sa.Connection, opening: Opening, now: datetime) -> int | None:
    """Open a case with the first line of its log; None when one of that kind goes on with that boat already."""
    point = None if opening.lon is None else WKTElement(f"POINT({opening.lon} {opening.lat})", srid=4326)
    plain = [one.name for one in fields(opening) if one.name in boat_case.c and one.name != "facts"]
    row = {name: getattr(opening, name) for name in plain}
    # The last automatic fix stays known when a position is told by hand; if one was told before, it is not known here.
    fix = {} if point is None or opening.reported_at is not None else {"fix": [opening.lon, opening.lat]}
    row |= {"opened_at": now, "stage_at": opening.at, "geom": point, "facts": {**opening.facts, **fix}}
    statement = insert(boat_case).values(row).on_conflict_do_nothing().returning(boat_case.c.id)
    case_id: int | None = connection.scalar(statement)
    if case_id is not None:
        since = opening.since.isoformat()
        entry(connection, case_id, "stage", opening.at, now, data={"stage": opening.stage, "since": since})
    return case_id


def hold(connection: sa.Connection, case_ids: Sequence[int]) -> dict[int, sa.RowMapping]:
    """The cases by id, locked until the transaction ends.

    Whoever changes alarms and cases locks the alarms first, by their ids, and the cases after them, by theirs: as the
    desk, the workers and the clock do. A case gets another alarm only from the clock, when the one it had is over.
    """
    if not case_ids:
        return {}
    column, alarm = boat_case.c, table.alarm.c
    own = sa.select(column.alarm_id).where(column.id == sa.func.any(list(case_ids)), column.alarm_id.is_not(None))
    hold_alarms(connection, connection.scalars(own).all())
    query = sa.select(boat_case, alarm.cleared_at.label("alarm_cleared_at"), alarm.suppressed_at).select_from(
        boat_case.outerjoin(table.alarm, alarm.id == column.alarm_id)
    )
    query = query.where(column.id == sa.func.any(list(case_ids))).order_by(column.id).with_for_update(of=boat_case)
    return {row["id"]: row for row in connection.execute(query).mappings()}


def hold_alarms(connection: sa.Connection, alarm_ids: Sequence[int]) -> None:
    """Lock alarms in the order in which everybody does."""
    if alarm_ids:
        column = table.alarm.c
        own = column.id == sa.func.any(sorted(set(alarm_ids)))
        connection.execute(sa.select(column.id).where(own).order_by(column.id).with_for_update())


def change(connection: sa.Connection, case_id: int, **values: Any) -> None:
    """Set columns of a case that is held; whoever read it before is told that it changed."""
    column = boat_case.c
    statement = sa.update(boat_case).where(column.id == case_id)
    connection.execute(statement.values({**values, "version": column.version + 1}))


def step_case(
    connection: sa.Connection,
    case_id: int,
    stage: str,
    at: datetime,
    now: datetime,
    actor: Actor = SYSTEM,
    data: Mapping[str, Any] | None = None,
) -> None:
    """The case is in another stage since `at`; one that was over goes on with it (the boat left port, still silent)."""
    change(connection, case_id, stage=stage, stage_at=at, ended_at=None)
    entry(connection, case_id, "stage", at, now, actor, data={"stage": stage, **(data or {})})


def keep_reports(connection: sa.Connection, case_id: int, reports: Sequence[Report], now: datetime) -> int:
    """Keep in a case that is held what a feed brought of positions told by hand, each once; how many were new.

    The next report is due after the newest of them, as it is after one that was told at the desk.
    """
    if not reports:
        return 0
    line, case = boat_case_entry.c, boat_case.c
    query = sa.select(line.at).where(line.case_id == case_id, line.kind == "position")
    known = set(connection.scalars(query))
    new = {one.at: one for one in reports if one.at not in known}
    for at in sorted(new):
        entry(connection, case_id, "position", at, now, data={"lon": new[at].lon, "lat": new[at].lat})
    if new:
        last = new[max(new)]
        before = connection.scalar(sa.select(case.reported_at).where(case.id == case_id))
        newer = before is None or last.at >= before
        point = WKTElement(f"POINT({last.lon} {last.lat})", srid=4326)
        change(connection, case_id, **({"reported_at": last.at, "geom": point} if newer else {}))
    return len(new)


def end_case(
    connection: sa.Connection,
    row: Mapping[Any, Any],
    stage: str,
    at: datetime,
    now: datetime,
    actor: Actor = SYSTEM,
    data: Mapping[str, Any] | None = None,
) -> int:
    """The thing itself is over at `at`: heard again, in port, returned. Returns its minutes, which the log keeps.

    The case stays until somebody concludes it; what its end proposes as outcome stands in its facts.
    """
    if stage not in ENDS:
        raise ValueError(f"a case ends as {', '.join(ENDS)}, not as {stage!r}")
    minutes: int = round((at - row["since"]).total_seconds() / 60)
    facts = {**row["facts"], "minutes": minutes}
    if stage in PROPOSED:
        facts["proposed"] = "provider_outage" if row["outage_id"] and stage == "RESTORED" else PROPOSED[stage]
    over = row["ended_at"] or at
    change(connection, row["id"], stage=stage, stage_at=at, ended_at=over, facts=facts)
    entry(connection, row["id"], "stage", at, now, actor, data={"stage": stage, "minutes": minutes, **(data or {})})
    return minutes


def within_two_hours(row: Mapping[Any, Any], figures: Figures) -> bool:
    """Whether a crossing counts as `returned within 2 h`: its boat is back after the figure's minutes at the most."""
    if row["stage"] != "RETURNED" or row["ended_at"] is None:
        return False
    return bool(row["ended_at"] - row["since"] <= figures.at("returned_quickly", row["ended_at"]).span)


def escalate_cases(connection: sa.Connection, now: datetime) -> int:
    """The clock's part: pass on what nobody resolved in time (24 h a loss, 12 h a crossing or wrong zone); how many.

    The alarm goes a level higher with its case, unless the outage of its provider keeps it from the desk.
    """
    column = boat_case.c
    due = sa.select(column.id).where(column.escalate_due_at <= now, column.escalated_at.is_(None))
    due = due.where(column.ended_at.is_(None), column.closed_at.is_(None)).order_by(column.id).limit(ESCALATED_AT_ONCE)
    held = hold(connection, connection.scalars(due).all())
    done = 0
    for row in held.values():
        if row["escalated_at"] is not None or row["ended_at"] is not None or row["closed_at"] is not None:
            continue  # somebody was first
        escalate_case(connection, row, SYSTEM, row["escalate_due_at"], None, now)
        done += 1
    return done


def escalate_case(
    connection: sa.Connection, row: Mapping[Any, Any], actor: Actor, at: datetime, text: str | None, now: datetime
) -> None:
    """Pass a case that is held on to the next level, in writing, and its alarm with it."""
    change(connection, row["id"], escalated_at=at)
    standing = row["alarm_id"] is not None and row["alarm_cleared_at"] is None and row["suppressed_at"] is None
    raised = standing and handling.escalate(connection, row["alarm_id"], actor, text, now)
    entry(connection, row["id"], "escalation", at, now, actor, text, {"alarm": bool(raised)})
