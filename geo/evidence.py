"""What was known of a boat at a moment: only rows that had come by then, of tables to which rows are only added."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from geo import table
from geo.boat_case import ENDS
from geo.canonical import line
from geo.fishery import boat_case, boat_case_entry
from geo.table import Shape
from geo.track import Past, every_fix

Row = dict[str, Any]
# What an alarm is from its raising on; all else about it changes, and is told by its journal.
_ALARM = ("id", "layer", "object_key", "object_label", "other_key", "latching", "observed_at", "evidence", "simulated")
_CASE = ("id", "kind", "registration", "owner_level", "device", "provider", "since", "opened_at", "simulated")


class TooMany(Exception):
    """More fixes than are wanted; `count` of them."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} fixes")
        self.count = count


class Incomplete(Exception):
    """Something that belongs to it cannot be read: files of the archive, each with what is missing."""


def fixes_by(
    connection: sa.Connection,
    archive: Path,
    shape: Shape,
    key: str,
    span: tuple[datetime, datetime, datetime],
    most: int,
) -> list[Row]:
    """All fixes of [start, end] that had been received by `as_of`, in one order whatever was kept where.

    span: those three moments. Raises Incomplete when a file of the archive cannot be read, and TooMany.
    """
    start, end, as_of = span
    past = every_fix(connection, archive, shape, key, start, end)
    if past.missing:
        raise Incomplete("; ".join(past.missing))
    known = past.fixes[past.fixes["received_at"] <= as_of]
    if len(known) > most:  # before a dict is made of each
        raise TooMany(len(known))
    return sorted(Past(known).rows(), key=lambda row: (row["observed_at"], row["received_at"], line(row)))


def versions_by(
    connection: sa.Connection, kind: str, start: datetime, end: datetime, as_of: datetime, key: str | None = None
) -> list[Row]:
    """The versions of a kind (fence, boat) that were in force in [start, end], as they were known at `as_of`.

    in_force_from and in_force_to are None for open ends; a first version counts from ever on, and entered_at says when
    it was put in. By key and version.
    """
    column = table.revision.c
    query = sa.select(table.revision).where(column.kind == kind, column.at <= as_of)
    query = query if key is None else query.where(column.key == key)
    rows = [dict(row) for row in connection.execute(query.order_by(column.key, column.version)).mappings()]
    found = []
    for index, row in enumerate(rows):
        later = rows[index + 1] if index + 1 < len(rows) and rows[index + 1]["key"] == row["key"] else None
        begins = row["at"] if index and rows[index - 1]["key"] == row["key"] else None
        ends = later["at"] if later else None
        if (begins is None or begins <= end) and (ends is None or ends > start):
            found.append({**row, "entered_at": row["at"], "in_force_from": begins, "in_force_to": ends})
    return found


def alarms_by(
    connection: sa.Connection, objects: Sequence[tuple[str, str]], start: datetime, end: datetime, as_of: datetime
) -> tuple[list[Row], list[Row]]:
    """Alarms of these (layer, key) that stood in [start, end], and their journal, as both were at `as_of`.

    What changes about an alarm is told by its journal alone, so that what happened since changes nothing.
    """
    alarm, rule, fence, told = table.alarm.c, table.rule.c, table.fence.c, table.alarm_journal.c
    own = [(alarm.layer == layer) & ((alarm.object_key == key) | (alarm.other_key == key)) for layer, key in objects]
    query = (
        sa.select(*[alarm[name] for name in _ALARM], rule.key.label("rule"), fence.key.label("fence"))
        .select_from(table.alarm.join(table.rule).outerjoin(table.fence, fence.id == alarm.fence_id))
        .where(sa.or_(*own))
        .order_by(alarm.id)
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    lines = sa.select(table.alarm_journal).where(
        told.alarm_id == sa.func.any([row["id"] for row in rows]), told.at <= as_of
    )
    by_alarm: dict[int, list[Row]] = {}
    for row in connection.execute(lines.order_by(told.id)).mappings():
        by_alarm.setdefault(row["alarm_id"], []).append(dict(row))
    alarms = [{**row, **_course(by_alarm[row["id"]])} for row in rows if row["id"] in by_alarm]
    raised = [one for one in alarms if one["raised_at"] is not None and one["raised_at"] <= end]
    alarms = [one for one in raised if one["over_at"] is None or one["over_at"] >= start]
    return alarms, [each for one in alarms for each in by_alarm[one["id"]]]


def _course(lines: Iterable[Row]) -> Row:
    """What became of an alarm, out of its journal."""
    names = ("raised_at", "cleared_at", "withdrawn_at", "acknowledged_at", "acknowledged_by", "escalated_at")
    found: Row = dict.fromkeys(names)
    for each in lines:
        what, at = each["transition"], each["at"]
        if what == "raise":
            found["raised_at"] = each["observed_at"] or at
        elif what == "clear":
            found["cleared_at"] = each["observed_at"] or at
        elif what == "withdraw":
            found["withdrawn_at"] = at
        elif what == "acknowledge":
            found["acknowledged_at"], found["acknowledged_by"] = at, each["actor"]
        elif what == "step":  # announced anew
            found["acknowledged_at"] = found["acknowledged_by"] = None
        elif what == "escalate":
            found["escalated_at"] = at
        elif what == "revise":
            for name in ("raised_at", "cleared_at"):
                if name in (each["data"] or {}):
                    new = each["data"][name][1]
                    found[name] = datetime.fromisoformat(new) if new else None
    return {**found, "over_at": found["cleared_at"] or found["withdrawn_at"]}


def cases_by(
    connection: sa.Connection, registration: str, start: datetime, end: datetime, as_of: datetime
) -> tuple[list[Row], list[Row]]:
    """Cases of a boat that went on in [start, end], and their logs, as both were at `as_of`, by the log alone."""
    column, told = boat_case.c, boat_case_entry.c
    query = sa.select(*[column[name] for name in _CASE]).where(column.registration == registration).order_by(column.id)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    lines = sa.select(boat_case_entry).where(
        told.case_id == sa.func.any([row["id"] for row in rows]), told.entered_at <= as_of
    )
    by_case: dict[int, list[Row]] = {}
    for row in connection.execute(lines.order_by(told.id)).mappings():
        by_case.setdefault(row["case_id"], []).append(dict(row))
    cases = [{**row, **_stage(by_case[row["id"]])} for row in rows if row["id"] in by_case]
    begun = [one for one in cases if one["since"] <= end]
    # Who is concluded while still silent has no end of its own, and went on no longer than that.
    over = {one["id"]: one["ended_at"] or one["closed_at"] for one in begun}
    cases = [one for one in begun if over[one["id"]] is None or over[one["id"]] >= start]
    return cases, [each for one in cases for each in by_case[one["id"]]]


def _stage(lines: Sequence[Row]) -> Row:
    """How far a case had come, out of its log."""
    names = ("stage", "stage_at", "ended_at", "escalated_at", "cause", "outcome", "closed_at", "closed_by", "unit")
    found: Row = dict.fromkeys(names)
    for each in lines:
        data: Mapping[str, Any] = each["data"]
        if each["kind"] == "stage":
            found["stage"], found["stage_at"] = data["stage"], each["at"]
            found["ended_at"] = each["at"] if data["stage"] in ENDS else None
        elif each["kind"] == "escalation":
            found["escalated_at"] = each["at"]
        elif each["kind"] == "assign":
            found["unit"] = data["unit"]
        elif each["kind"] == "close":
            found |= {"cause": data["cause"], "outcome": data["outcome"]}
            found |= {"closed_at": each["at"], "closed_by": each["actor"]}
    calls = sum(each["kind"] == "contact" for each in lines)
    return {**found, "contacts": calls}


def rules_by(connection: sa.Connection, alarms: Sequence[Row], as_of: datetime) -> list[Row]:
    """The rules by which these alarms were raised, each in the version in force when the first of them was raised.

    A rule that was put in only later is told in its first version.
    """
    column = table.revision.c
    keys = sorted({one["rule"] for one in alarms})
    query = sa.select(table.revision).where(column.kind == "rule", column.key == sa.func.any(keys), column.at <= as_of)
    versions = [dict(row) for row in connection.execute(query.order_by(column.key, column.version)).mappings()]
    found = []
    for key in keys:
        own = [row for row in versions if row["key"] == key]
        raised = min(one["raised_at"] for one in alarms if one["rule"] == key)
        then = [row for row in own if row["at"] <= raised] or own[:1]
        found += then[-1:]
    return found
