"""Cameras' events as people review them: stored once, listed by page, decided by one at a time, each deed a line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from geo import table
from geo.actor import Actor
from geo.boat_file import cleaned
from geo.camera_event import (
    FALSE_REASONS,
    STATES,
    TYPES,
    camera_event,
    camera_event_entry,
    camera_plate,
    mask,
    without_plates,
)
from geo.contact import without_numbers
from geo.wrong import Wrong

Row = dict[str, Any]
Deed = Literal["review", "confirm", "false", "forward", "reopen"]
# From which states a deed may be done, and which it leads to.
DEEDS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "review": (("detected",), "reviewed"),
    "confirm": (("detected", "reviewed"), "confirmed"),
    "false": (("detected", "reviewed"), "false"),
    "forward": (("confirmed",), "forwarded"),
    "reopen": (("confirmed", "false"), "reviewed"),
}
NOTE_MOST, COUNTED_MOST = 300, 100_000
UNSEEN_WITHIN = timedelta(hours=24)  # an event older than that is no news of its camera
AHEAD = timedelta(minutes=2)  # an event that its sender dates so far ahead has a wrong clock
_STORE = sa.text(
    """
    INSERT INTO camera_event (sender, record_id, camera, type, occurred_at, received_at, confidence, plate, lane,
                              snapshot, simulated, state_at)
    SELECT :sender, r.record_id, r.camera, r.type, r.occurred_at, :now, r.confidence, r.masked, r.lane, r.snapshot,
           r.simulated, :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(record_id text, camera text, type text, occurred_at timestamptz,
        confidence float, masked text, lane text, snapshot text, simulated boolean)
    ORDER BY r.record_id
    ON CONFLICT (sender, record_id) DO NOTHING RETURNING id, record_id
    """
)
SHOWN = ("id", "camera", "type", "occurred_at", "received_at", "confidence", "plate", "lane", "simulated", "state",
         "state_at", "state_by", "unit", "version")  # fmt: skip


class NoEvent(LookupError):
    """There is no such event."""


class Stale(Exception):
    """Somebody was first: the message says who, when, and what it is by now."""


@dataclass(frozen=True)
class Wanted:
    """Which events; `before`: those older than this place (when, id) in the list, newest first."""

    state: str | None = None
    type: str | None = None
    camera: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, int] | None = None
    unit: str | None = None

    def condition(self) -> sa.ColumnElement[bool]:
        """As a condition on the table."""
        column = camera_event.c
        parts: list[sa.ColumnElement[bool]] = [sa.true()]
        for name in ("state", "type", "camera", "unit"):
            if (value := getattr(self, name)) is not None:
                parts.append(column[name] == value)
        if self.since is not None:
            parts.append(column.occurred_at >= self.since)
        if self.until is not None:
            parts.append(column.occurred_at < self.until)
        if self.before is not None:
            parts.append(sa.tuple_(column.occurred_at, column.id) < sa.tuple_(*self.before))
        return sa.and_(*parts)


def store(connection: sa.Connection, sender: str, rows: Sequence[Row], now: datetime) -> int:
    """Store events of one sender, each `record_id` once; how many are new. Whole plates go to a table of their own."""
    if not rows:
        return 0
    told = [{**row, "occurred_at": row["occurred_at"].isoformat(), "masked": row["plate"] and mask(row["plate"])}
            for row in rows]  # fmt: skip
    given = json.dumps([{name: value for name, value in row.items() if name != "plate"} for row in told])
    new = connection.execute(_STORE, {"sender": sender, "now": now, "rows": given}).all()
    plates = {row["record_id"]: row["plate"] for row in rows if row["plate"]}
    secret = [{"event_id": made.id, "plate": plates[made.record_id]} for made in new if made.record_id in plates]
    if secret:
        connection.execute(sa.insert(camera_plate), secret)
    return len(new)


def events(connection: sa.Connection, wanted: Wanted, limit: int) -> list[Row]:
    """Events, the newest first; `picture`: whether there is one; `ahead`: its sender's clock is wrong."""
    column = camera_event.c
    query = (
        sa.select(*(column[name] for name in SHOWN), column.snapshot.is_not(None).label("picture"))
        .where(wanted.condition())
        .order_by(column.occurred_at.desc(), column.id.desc())
        .limit(limit)
    )
    return [_told(row) for row in connection.execute(query).mappings()]


def _told(row: sa.RowMapping) -> Row:
    return {**row, "ahead": row["occurred_at"] > row["received_at"] + AHEAD}


def one_event(connection: sa.Connection, event_id: int) -> Row:
    """An event with all that was decided about it, oldest first. Raises NoEvent."""
    column, entry = camera_event.c, camera_event_entry.c
    query = sa.select(*(column[name] for name in SHOWN), column.snapshot.is_not(None).label("picture"), column.sender)
    row = connection.execute(query.where(column.id == event_id)).mappings().one_or_none()
    if row is None:
        raise NoEvent(f"there is no event {event_id}")
    names = ("deed", "reason", "note", "unit", "at", "actor")
    lines = sa.select(*(entry[name] for name in names)).where(entry.event_id == event_id).order_by(entry.id)
    log = [{**line, "note": line["note"] and without_numbers(line["note"])}
           for line in connection.execute(lines).mappings()]  # fmt: skip
    return {**_told(row), "log": log}


def unseen(keys: Sequence[str], now: datetime) -> sa.Select[Any]:
    """Of each of these cameras that has any: how many events of the last day nobody has looked at (camera, events)."""
    column = camera_event.c
    return (
        sa.select(column.camera, sa.func.count().label("events"))
        .where(column.state == "detected", column.occurred_at >= now - UNSEEN_WITHIN, column.camera.in_(keys))
        .group_by(column.camera)
    )


def picture_of(connection: sa.Connection, event_id: int) -> str | None:
    """The address of an event's picture. Raises NoEvent."""
    column = camera_event.c
    row = connection.execute(sa.select(column.snapshot).where(column.id == event_id)).one_or_none()
    if row is None:
        raise NoEvent(f"there is no event {event_id}")
    address: str | None = row.snapshot
    return address


def counts(connection: sa.Connection, wanted: Wanted) -> Row:
    """How many there are of each state and type among the newest COUNTED_MOST of the time; `more`: there are others."""
    column = camera_event.c
    span = Wanted(camera=wanted.camera, since=wanted.since, until=wanted.until)
    newest = sa.select(column.state, column.type).where(span.condition())
    part = newest.order_by(column.occurred_at.desc(), column.id.desc()).limit(COUNTED_MOST + 1).subquery()
    query = sa.select(part.c.state, part.c.type, sa.func.count().label("n")).group_by(part.c.state, part.c.type)
    states, types, total = dict.fromkeys(STATES, 0), dict.fromkeys(TYPES, 0), 0
    for state, kind, n in connection.execute(query):
        total += n
        if wanted.type in (None, kind):
            states[state] += n
        if wanted.state in (None, state):
            types[kind] = types.get(kind, 0) + n
    return {"states": states, "types": types, "total": min(total, COUNTED_MOST), "more": total > COUNTED_MOST}


def decide(
    connection: sa.Connection,
    event_id: int,
    deed: str,
    version: int,
    actor: Actor,
    now: datetime,
    reason: str | None = None,
    note: str | None = None,
    unit: str | None = None,
) -> None:
    """One step of an event's review, by somebody who saw it in this version. Raises NoEvent, Stale, Wrong.

    What is decided without having been looked at first is looked at with it: two lines by the same hand.
    """
    words = _words(connection, deed, reason, note, unit)
    column = camera_event.c
    row = connection.execute(
        sa.select(column.state, column.state_at, column.state_by, column.version)
        .where(column.id == event_id).with_for_update()
    ).one_or_none()  # fmt: skip
    if row is None:
        raise NoEvent(f"there is no event {event_id}")
    before, after = DEEDS[deed]
    if row.version != version or row.state not in before:
        raise Stale(f"event {event_id} is {row.state} already, by {row.state_by or 'nobody'} at {row.state_at:%FT%TZ}")
    common = {"event_id": event_id, "at": now, "actor": actor.name, "actor_kind": actor.kind}
    empty = {"reason": None, "note": None, "unit": None}
    looked = [{**common, "deed": "review", **empty}] if deed in ("confirm", "false") and row.state == "detected" else []
    connection.execute(sa.insert(camera_event_entry), [*looked, {**common, "deed": deed, **words}])
    values = {"state": after, "state_at": now, "state_by": actor.name, "version": version + 1}
    if deed == "forward":
        values["unit"] = words["unit"]
    connection.execute(sa.update(camera_event).where(column.id == event_id).values(values))


def _words(connection: sa.Connection, deed: str, reason: str | None, note: str | None, unit: str | None) -> Row:
    """What is said with a deed, checked; a plate in a note is masked before it is kept. Raises Wrong."""
    said = without_plates(cleaned(note)) or None
    if len(note or "") > NOTE_MOST or "\0" in (note or ""):
        raise Wrong("note", f"Nhiều nhất {NOTE_MOST} ký tự", f"at most {NOTE_MOST} characters, none of them NUL")
    if deed == "false" and reason not in FALSE_REASONS:
        raise Wrong("reason", "Chọn lý do báo sai", f"the reason is one of {', '.join(FALSE_REASONS)}")
    if (deed == "reopen" or (deed, reason) == ("false", "other")) and said is None:
        raise Wrong("note", "Hãy ghi lý do", "say why")
    known = sa.select(table.unit.c.key).where(table.unit.c.key == unit)
    if deed == "forward" and (unit is None or connection.scalar(known) is None):
        raise Wrong("unit", "Chọn đơn vị nhận", "there is no such unit: /api/v1/units lists them")
    return {"reason": reason if deed == "false" else None, "note": said, "unit": unit if deed == "forward" else None}
