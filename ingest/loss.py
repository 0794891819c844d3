"""Lost signals: which monitored boats changed their state since the last look, and what becomes of alarms and cases."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import insert

from geo import table
from geo.actor import SYSTEM
from geo.alarm import clear_alarm, raise_alarm, withdraw_alarm
from geo.anomaly import counted
from geo.boat_case import (
    Opening,
    Report,
    end_case,
    escalate_after,
    hold,
    hold_alarms,
    keep_reports,
    open_case,
    step_case,
)
from geo.course import Course, Known, Place, Step, follow
from geo.criteria import matches
from geo.duty import Duty, duty
from geo.fence import PORT, Fences
from geo.figure import Figures, NoFigure
from geo.fishery import boat, boat_case, boat_case_entry, boat_signal, device
from geo.rule import Rule, stored_rules
from geo.signal import ALARMS
from geo.table import Shape
from ingest import outage

log = structlog.get_logger()
OPENED_AT_ONCE = 100  # cases a tick; whoever works on alarms meanwhile has to wait
JUST_BEFORE = timedelta(microseconds=1)
STILL_SILENT = ("AT_PORT", "NOT_REQUIRED")  # ends of a case after which the same silence may be a loss again
REFUTED = "vị trí đến muộn cho thấy tàu không mất tín hiệu"
CONCLUDED = "vụ việc đã kết thúc"


@dataclass
class Boat:
    """One boat at a tick: what is known of it, what it did since, and the case that goes on."""

    row: Mapping[Any, Any]
    duty: Duty
    known: Known
    places: list[Place]
    laid_up: bool
    reports: list[Report]  # what the feed brought of positions told by hand
    course: Course = field(init=False)
    seen_to: datetime = field(init=False)

    def look(self, figures: Figures, now: datetime) -> None:
        """Bring it up to a moment."""
        self.seen_to = now
        self.course = follow(self.duty, figures, self.known, self.places, now, self.laid_up)

    @property
    def registration(self) -> str:
        """Its name in the register."""
        return str(self.row["registration"])

    def begins(self) -> Step | None:
        """The first step by which it is lost, and that no case of it tells of."""
        since = self.row["case_since"]
        return next((one for one in self.course.steps if one.state in ALARMS and one.since != since), None)


def monitored(shape: Shape) -> bool:
    """Whether a layer's features are boats with monitoring devices, whose last automatic fix it keeps."""
    return "auto_at" in shape.latest.c


def watch(
    connection: sa.Connection,
    shape: Shape,
    rules: Sequence[Rule],
    fences: Fences,
    figures: Figures,
    now: datetime,
    every: bool = False,
) -> int:
    """Look at each boat of which something is new, or whose time is up; returns how many alarms changed.

    every: at all boats, when figures or ports changed. One query finds them; nothing is written of the others.
    """
    rows = _changed(connection, shape, now, every)
    if not rows:
        return outage.settle(connection, rules, shape.name, figures, now, ())
    boats = [one for one in _boats(connection, shape, fences, figures, rows) if _looked(one, figures, now)]
    _defer(connection, shape, boats, figures)
    cases = hold(connection, _cases_of(boats))
    hold_alarms(connection, outage.alarms_at_stake(connection, {one.row["provider"] for one in boats}))
    _remember(connection, boats)
    changed = outage.settle(connection, rules, shape.name, figures, now, {one.row["provider"] for one in boats})
    parents = outage.parents(connection, [one.registration for one in boats if one.begins()])
    own = [rule for rule in rules if rule.kind == "loss" and rule.layer == shape.name and rule.in_hours(now)]
    chosen = _chosen(own, boats)
    work = _Work(connection, {rule.id: rule for rule in stored_rules(connection)}, figures, now, parents, chosen)
    for one in boats:
        changed += work.carry_out(one, cases.get(one.row["case_id"] or 0))
    return changed


def _looked(one: Boat, figures: Figures, now: datetime) -> bool:
    """Bring a boat up to now; False for one whose record cannot be judged, which must not cost the others theirs."""
    try:
        one.look(figures, now)
    except Exception as error:
        log.error("boat cannot be judged", registration=one.registration, error=repr(error))
        return False
    return True


def _changed(connection: sa.Connection, shape: Shape, now: datetime, every: bool) -> Sequence[sa.RowMapping]:
    """The boats with what is remembered of them, their last fix and the case that goes on."""
    latest, known, case = shape.latest.c, boat_signal.c, boat_case.c
    laid_up = boat.c.laid_up_at.is_not(None) | boat.c.retired_at.is_not(None)
    own = (case.registration == boat.c.registration) & (case.kind == "loss") & case.closed_at.is_(None)
    goes_on = own & (case.ended_at.is_(None) | (case.stage.in_(STILL_SILENT) & (case.since == known.auto_at)))
    query = (
        sa.select(
            boat.c.registration, boat.c.shipname, boat.c.length_m, boat.c.role, boat.c.version, boat.c.simulated,
            boat.c.gear, boat.c.home_province, laid_up.label("laid_up"),
            device.c.id.label("device"), device.c.provider,
            latest.auto_at, latest.observed_at, sa.func.ST_X(latest.geom).label("lon"),
            sa.func.ST_Y(latest.geom).label("lat"),
            known.auto_at.label("known_auto_at"), known.port, known.state, known.state_at,
            known.reported_at, known.device.label("known_device"), known.due_at, known.place_at,
            known.late_at, known.boat_version, known.provider.label("known_provider"),
            case.id.label("case_id"), case.since.label("case_since"), case.reported_at.label("case_reported_at"),
        )
        .select_from(
            boat.join(shape.latest, latest[shape.key] == boat.c.registration)
            .outerjoin(device, (device.c.registration == boat.c.registration) & device.c.active)
            .outerjoin(boat_signal, known.registration == boat.c.registration)
            .outerjoin(boat_case, goes_on)
        )
        .where(latest.auto_at.is_not(None), latest.observed_at.is_not(None))
        .order_by(boat.c.registration)
    )  # fmt: skip
    if not every:
        query = query.where(
            known.registration.is_(None)
            | (known.auto_at < latest.auto_at)
            | (known.place_at < latest.observed_at)
            | (known.due_at <= now)
            | (known.boat_version != boat.c.version)
            | known.device.is_distinct_from(device.c.id)
            | (case.reported_at.is_not(None) & known.reported_at.is_(None))
            | (case.reported_at > known.reported_at)
        )
    return connection.execute(query).mappings().all()


def _boats(
    connection: sa.Connection, shape: Shape, fences: Fences, figures: Figures, rows: Sequence[sa.RowMapping]
) -> list[Boat]:
    fixes, told = _fixes(connection, shape, rows), _told(connection, rows)
    places = _places(fences, [*fixes, *told])
    reports: dict[str, list[Report]] = {}
    for each in fixes:
        if each["by_hand"]:
            reports.setdefault(each["registration"], []).append(Report(each["observed_at"], each["lon"], each["lat"]))
    boats = []
    for row in rows:
        known = Known(row["known_auto_at"] or row["auto_at"])
        if row["known_auto_at"] is not None:
            known = Known(known.auto_at, row["port"], row["reported_at"], row["state"], row["state_at"])
        try:
            own = duty(row["length_m"], figures, row["auto_at"], row["role"])
        except NoFigure as error:
            log.error("boat cannot be judged", registration=row["registration"], error=str(error))
            continue
        name = row["registration"]
        boats.append(Boat(row, own, known, places.get(name, []), row["laid_up"], reports.get(name, [])))
    return boats


def _places(fences: Fences, frames: Sequence[Mapping[str, Any]]) -> dict[str, list[Place]]:
    """Where each boat was since its last automatic fix that is known: fixes, and what was told by hand."""
    if not frames:
        return {}
    lon, lat = (np.array([one[name] for one in frames], float) for name in ("lon", "lat"))
    core, halo = fences.hits(lon, lat, ())
    ports = {key for key, one in fences.by_key.items() if one.kind == PORT and one.retired_at is None}
    inside, near = _by_point(core, ports), _by_point(halo, ports)
    found: dict[str, list[Place]] = {}
    for index, one in enumerate(frames):
        place = Place(one["observed_at"], one["by_hand"], inside.get(index, ()), near.get(index, ()))
        found.setdefault(one["registration"], []).append(place)
    return found


def _by_point(hits: Mapping[str, Any], ports: Collection[str]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for key in sorted(ports & hits.keys()):
        for index in hits[key].tolist():
            found.setdefault(index, []).append(key)
    return found


def _fixes(connection: sa.Connection, shape: Shape, rows: Sequence[sa.RowMapping]) -> list[dict[str, Any]]:
    """Of the history what is new. A fix of a device that is not the current one counts for nothing (fact 5)."""
    new = {row["registration"]: row for row in rows if _moved(row)}
    if not new or shape.history is None:
        return []
    column = shape.history.c
    oldest = min(row["known_auto_at"] or row["auto_at"] for row in new.values())
    query = sa.select(
        column[shape.key].label("registration"), column.manual,
        # Told ahead of its time it counts at its reception, as it does in auto_at (ingest.scene.as_seen).
        sa.func.least(column.observed_at, column.received_at).label("observed_at"),
        sa.func.ST_X(column.geom).label("lon"), sa.func.ST_Y(column.geom).label("lat"),
    )  # fmt: skip
    own = column[shape.key] == sa.func.any(sorted(new))
    query = query.where(own, column.observed_at >= oldest, column.geom.is_not(None), counted(shape.history))
    found = []
    for one in connection.execute(query).mappings():
        row, by_hand = new[one["registration"]], bool(one["manual"])
        # What is newer than the last automatic fix that counts is of a device that did not count then.
        if one["observed_at"] >= (row["known_auto_at"] or row["auto_at"]) and (
            by_hand or one["observed_at"] <= row["auto_at"]
        ):
            found.append({**one, "by_hand": by_hand})
    return found


def _moved(row: Mapping[Any, Any]) -> bool:
    known = row["known_auto_at"] is not None
    return not known or row["known_auto_at"] < row["auto_at"] or row["place_at"] < row["observed_at"]


def _told(connection: sa.Connection, rows: Sequence[sa.RowMapping]) -> list[dict[str, Any]]:
    """The positions that were told at the desk, of cases that go on."""
    own = {row["case_id"]: row["registration"] for row in rows if row["case_id"] and row["case_reported_at"]}
    if not own:
        return []
    column = boat_case_entry.c
    query = sa.select(column.case_id, column.at, column.data).where(
        column.case_id == sa.func.any(sorted(own)), column.kind == "position"
    )
    return [
        {"registration": own[one.case_id], "observed_at": one.at, "by_hand": True, **one.data}
        for one in connection.execute(query)
    ]


def _defer(connection: sa.Connection, shape: Shape, boats: Sequence[Boat], figures: Figures) -> None:
    """Leave for the next tick whom a worker is hearing this very moment, and who are too many for one transaction."""
    lost = [one for one in boats if one.begins() is not None]
    if not lost:
        return
    column = shape.latest.c
    query = sa.select(column[shape.key], column.auto_at).where(
        column[shape.key] == sa.func.any([one.registration for one in lost])
    )
    locked = connection.execute(query.order_by(column[shape.key]).with_for_update(skip_locked=True, key_share=True))
    unheard = {row[0]: row[1] for row in locked}
    for taken, one in enumerate(lost, 1):
        begins = one.begins()
        if begins is not None and (unheard.get(one.registration) != one.row["auto_at"] or taken > OPENED_AT_ONCE):
            one.look(figures, max(begins.at - JUST_BEFORE, one.known.auto_at))


def _cases_of(boats: Sequence[Boat]) -> list[int]:
    """The cases that their boats' steps concern."""
    return [one.row["case_id"] for one in boats if one.row["case_id"] and (one.course.steps or one.reports)]


def _remember(connection: sa.Connection, boats: Sequence[Boat]) -> None:
    """Write what is new of what is known of the boats."""
    rows = []
    for one in boats:
        known, row = one.course.known, one.row
        places = [row["observed_at"], row["place_at"] or known.auto_at, known.auto_at]
        new = {
            "boat_version": row["version"], "device": row["device"], "provider": row["provider"],
            "auto_at": known.auto_at, "place_at": max(at for at in places if at <= one.seen_to), "port": known.port,
            "state": known.state, "state_at": known.state_at, "reported_at": known.reported_at,
            "late_at": one.course.late_at, "due_at": one.course.due_at,
        }  # fmt: skip
        before = {name: row[f"known_{name}" if f"known_{name}" in row else name] for name in new}
        if new != before:
            rows.append({"registration": one.registration, **new})
    if rows:
        statement = insert(boat_signal)
        again = {name: statement.excluded[name] for name in rows[0] if name != "registration"}
        connection.execute(statement.on_conflict_do_update(index_elements=["registration"], set_=again), rows)


def _chosen(own: Sequence[Rule], boats: Sequence[Boat]) -> dict[str, Rule]:
    """By boat the rule that speaks of it, the first of several; a boat is lost by the law whatever rules there are."""
    concerned = [one for one in boats if any(step.state in ALARMS for step in one.course.steps)]
    if not own or not concerned:
        return {}
    frame = pd.DataFrame([dict(one.row) for one in concerned])
    found: dict[str, Rule] = {}
    for rule in own:
        chosen = matches(frame, rule.applies_to, frame["registration"])
        for index in np.flatnonzero(chosen).tolist():
            found.setdefault(concerned[index].registration, rule)
    return found


@dataclass
class _Work:
    """Writes what the boats' steps mean for alarms and cases."""

    connection: sa.Connection
    kept: Mapping[int, Rule]
    figures: Figures
    now: datetime
    parents: Mapping[str, int]
    chosen: Mapping[str, Rule]

    def carry_out(self, one: Boat, case: Mapping[Any, Any] | None) -> int:
        """Each step in its order, and what was told by hand meanwhile; how many alarms changed."""
        changed, first = 0, case
        for step in one.course.steps:
            if step.state in ALARMS:
                if case is not None and case["since"] != step.since:
                    changed += self._end(one, case, step)
                    case = None
                if case is None:
                    case, raised = self._open(one, step)
                    changed += raised
                else:
                    case, raised = self._step(one, case, step)
                    changed += raised
            elif case is not None and case["stage"] != step.state:
                changed += self._end(one, case, step)
                case = None if step.since != case["since"] else {**case, "ended_at": step.at, "stage": step.state}
        for row in {each["id"]: each for each in (first, case) if each is not None}.values():
            until = one.course.known.auto_at if row["since"] != one.course.known.auto_at else one.seen_to
            told = [report for report in one.reports if row["since"] < report.at <= until]
            keep_reports(self.connection, row["id"], told, self.now)
        return changed

    def _open(self, one: Boat, step: Step) -> tuple[Mapping[Any, Any] | None, int]:
        """The case and its alarm, unless that loss was concluded already."""
        column = boat_case.c
        told = sa.select(boat_case).where(
            column.registration == one.registration, column.kind == "loss", column.since == step.since
        )
        if self.connection.execute(told.limit(1)).first() is not None:
            return None, 0
        parent = self.parents.get(one.registration)
        alarm_id = self._raise(one, step, parent)
        due = step.at + escalate_after(self.figures, "loss", step.at)
        reported = one.course.known.reported_at
        opening = Opening(
            "loss", one.registration, one.duty.owner_level or "provincial", step.state, step.since, step.at, due,
            one.row["lon"], one.row["lat"], one.row["device"], one.row["provider"], alarm_id, parent,
            reported if reported and reported > step.since else None, one.row["simulated"],
            {"length_m": one.row["length_m"], "role": one.row["role"]},
        )  # fmt: skip
        case_id = open_case(self.connection, opening, self.now)
        row = self.connection.execute(sa.select(boat_case).where(column.id == case_id)).mappings().one_or_none()
        return (None if row is None else dict(row)), int(alarm_id is not None)

    def _raise(self, one: Boat, step: Step, parent: int | None) -> int | None:
        rule = self.chosen.get(one.registration)
        if rule is None:
            return None
        row = one.row
        evidence = {name: row[name] for name in ("length_m", "role", "provider", "device") if row[name] is not None}
        subject = {
            "object_key": one.registration, "object_label": row["shipname"] or one.registration, "lon": row["lon"],
            "lat": row["lat"], "observed_at": step.since, "simulated": row["simulated"], "evidence": evidence,
        }  # fmt: skip
        return raise_alarm(self.connection, rule, None, subject, step.at, self.now, parent_id=parent)

    def _step(self, one: Boat, case: Mapping[Any, Any], step: Step) -> tuple[Mapping[Any, Any], int]:
        """Another stage of the same loss; one whose boat left port without a sign is lost again. The case after it."""
        again = case["ended_at"] is not None
        step_case(self.connection, case["id"], step.state, step.at, self.now)
        case = {**case, "stage": step.state, "ended_at": None}
        if not again:
            return case, 0
        alarm_id = self._raise(one, step, self.parents.get(one.registration))
        due = step.at + escalate_after(self.figures, "loss", step.at)
        values = {"alarm_id": alarm_id or case["alarm_id"], "escalate_due_at": due, "escalated_at": None}
        self.connection.execute(sa.update(boat_case).where(boat_case.c.id == case["id"]).values(values))
        return {**case, **values}, int(alarm_id is not None)

    def _end(self, one: Boat, case: Mapping[Any, Any], step: Step) -> int:
        """It is over: heard again, in port, or no longer to be watched.

        A fix that was sent before the boat counted as lost and came late takes the alarm back.
        """
        heard = step.since != case["since"]
        stage = "RESTORED" if heard else "AT_PORT" if step.state == "AT_PORT" else "NOT_REQUIRED"
        at = step.since if heard else step.at
        rule = self._rule_of(case)
        refuted = heard and at - case["since"] < self.figures.at("lost_after", case["since"]).span
        end_case(self.connection, case, stage, at, self.now, data={"late": True} if refuted else None)
        if rule is None or case["alarm_id"] is None:
            return 0
        if refuted:
            return int(withdraw_alarm(self.connection, case["alarm_id"], SYSTEM, REFUTED, self.now) is not None)
        return int(clear_alarm(self.connection, rule, one.registration, at, self.now) is not None)

    def _rule_of(self, case: Mapping[Any, Any]) -> Rule | None:
        if case["alarm_id"] is None:
            return None
        number = self.connection.scalar(sa.select(table.alarm.c.rule_id).where(table.alarm.c.id == case["alarm_id"]))
        return self.kept.get(number or 0)


def end_concluded(connection: sa.Connection, now: datetime) -> int:
    """End the alarms whose case a person has concluded while the boat is still silent; how many."""
    alarm, case, rule = table.alarm.c, boat_case.c, table.rule.c
    query = (
        sa.select(alarm.id, alarm.rule_id, alarm.object_key)
        .select_from(table.alarm.join(boat_case, case.alarm_id == alarm.id).join(table.rule, rule.id == alarm.rule_id))
        .where(rule.kind == "loss", case.closed_at.is_not(None))
        .where(alarm.cleared_at.is_(None), alarm.withdrawn_at.is_(None))
        .order_by(alarm.id)
        .with_for_update(of=table.alarm)
    )
    found = connection.execute(query).all()
    kept = {one.id: one for one in stored_rules(connection)} if found else {}
    for row in found:
        clear_alarm(connection, kept[row.rule_id], row.object_key, now, now, comment=CONCLUDED)
    return len(found)
