"""What people do about a boat's case: calls, positions told by hand, notes, who has it, and its conclusion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from geoalchemy2 import WKTElement

from geo import table
from geo.actor import Actor
from geo.boat_case import CAUSES, OUTCOMES, change, entry, escalate_case, hold
from geo.fishery import boat_case_entry
from geo.wrong import Wrong

AHEAD_MOST = timedelta(minutes=2)  # clocks differ
LACKS = {
    "cause": ("nguyên nhân", "a cause"),
    "outcome": ("kết quả", "an outcome"),
    "contact": ("dòng liên hệ", "a contact in its log"),
}


class NoCase(LookupError):
    """There is no such case."""


class Stale(Exception):
    """Somebody changed the case since it was read: `reason` is changed, closed or escalated; the message says it."""

    def __init__(self, reason: Literal["changed", "closed", "escalated"], words: str) -> None:
        super().__init__(words)
        self.reason = reason


class Missing(ValueError):
    """What a conclusion lacks, in Vietnamese and English; fields: cause, outcome, contact."""

    def __init__(self, fields: Sequence[str]) -> None:
        vi, en = (", ".join(each) for each in zip(*(LACKS[name] for name in fields), strict=True))
        self.fields, self.vi, self.en = tuple(fields), f"thiếu {vi}", f"the case lacks {en}"
        super().__init__(f"{self.vi} ({self.en})")


@dataclass(frozen=True)
class Deed:
    """Who does it, when it happened, and the version of the case that they saw (none: whichever)."""

    actor: Actor
    now: datetime
    version: int | None = None
    at: datetime | None = None

    @property
    def moment(self) -> datetime:
        """When it happened; now, unless they say otherwise."""
        return self.at or self.now


def log_contact(connection: sa.Connection, case_id: int, deed: Deed, who: str, number: str | None, result: str) -> int:
    """Write down a call: whom, at which number or by which radio, and what came of it. The line's id."""
    _said("who", who)
    _said("result", result)
    _held(connection, case_id, deed)
    change(connection, case_id)
    data = {"who": who.strip(), "number": (number or "").strip() or None}
    return entry(connection, case_id, "contact", deed.moment, deed.now, deed.actor, result.strip(), data)


def enter_position(
    connection: sa.Connection, case_id: int, deed: Deed, lon: float, lat: float, text: str | None
) -> int:
    """Keep a position that was told by hand. It restarts the clock of the next report and ends no loss; the line's id.

    What it makes of the case's stage is the clock's, which looks at it within a second.
    """
    if not (-180 <= lon <= 180 and -90 <= lat <= 90) or (abs(lon) < 0.001 and abs(lat) < 0.001):
        raise Wrong("place", "Vị trí là vĩ độ và kinh độ tính bằng độ", "a longitude and a latitude in degrees")
    row = _held(connection, case_id, deed)
    if deed.moment <= row["since"]:
        raise Wrong(
            "at", "Vị trí này cũ hơn tín hiệu tự động cuối", "the position is older than the last automatic fix"
        )
    newest = max(filter(None, (row["reported_at"], deed.moment)))
    point = WKTElement(f"POINT({lon} {lat})", srid=4326)
    change(connection, case_id, reported_at=newest, **({"geom": point} if newest == deed.moment else {}))
    data = {"lon": lon, "lat": lat}
    return entry(connection, case_id, "position", deed.moment, deed.now, deed.actor, text, data)


def add_note(connection: sa.Connection, case_id: int, deed: Deed, text: str) -> int:
    """Add a note; the line's id."""
    _said("text", text)
    _held(connection, case_id, deed)
    change(connection, case_id)
    return entry(connection, case_id, "note", deed.moment, deed.now, deed.actor, text.strip())


def assign_case(connection: sa.Connection, case_id: int, deed: Deed, unit: str, person: str | None) -> None:
    """Give a case to a unit and, if named, a person of it."""
    known = connection.scalar(sa.select(table.unit.c.key).where(table.unit.c.key == unit))
    if known is None:
        raise Wrong("unit", f"Không có đơn vị {unit[:40]}", f"there is no unit {unit[:40]!r}")
    _held(connection, case_id, deed)
    change(connection, case_id, unit=unit, person=person)
    data = {"unit": unit, "person": person}
    entry(connection, case_id, "assign", deed.moment, deed.now, deed.actor, data=data)


def escalate_by_hand(connection: sa.Connection, case_id: int, deed: Deed, text: str | None) -> None:
    """Pass a case on before its time. Raises Stale for one that was passed on already."""
    row = _held(connection, case_id, deed)
    if row["escalated_at"] is not None:
        raise Stale("escalated", f"case {case_id} was escalated already")
    escalate_case(connection, row, deed.actor, deed.now, text, deed.now)


def close_case(
    connection: sa.Connection, case_id: int, deed: Deed, cause: str | None, outcome: str | None, text: str | None
) -> None:
    """Conclude a case: with a cause, an outcome and at least one call in its log (fact 13). Raises Missing.

    An alarm of it that still stands is the clock's to end, within a second.
    """
    row = _held(connection, case_id, deed)
    _concluded(connection, case_id, cause, outcome)
    change(connection, case_id, cause=cause, outcome=outcome, closed_at=deed.now, closed_by=deed.actor.name)
    data = {"cause": cause, "outcome": outcome, "stage": row["stage"]}
    entry(connection, case_id, "close", deed.now, deed.now, deed.actor, text, data)


def _concluded(connection: sa.Connection, case_id: int, cause: str | None, outcome: str | None) -> None:
    lacks = [name for name, given in (("cause", cause), ("outcome", outcome)) if not given]
    column = boat_case_entry.c
    calls = sa.select(column.id).where(column.case_id == case_id, column.kind == "contact").limit(1)
    if connection.scalar(calls) is None:
        lacks.append("contact")
    if lacks:
        raise Missing(lacks)
    for given, known, name in ((cause, CAUSES, "cause"), (outcome, OUTCOMES, "outcome")):
        if given not in known:
            words = ", ".join(known)
            raise Wrong(name, f"Chọn một trong: {words}", f"{name} is one of {words}, not {str(given)[:40]!r}")


def _held(connection: sa.Connection, case_id: int, deed: Deed) -> Mapping[Any, Any]:
    """The case, locked after its alarm. Raises NoCase, Stale, and ValueError for a moment that is still to come."""
    if deed.moment > deed.now + AHEAD_MOST:
        raise Wrong("at", "Giờ này chưa tới", "what has not happened yet cannot be written down")
    row = hold(connection, [case_id]).get(case_id)
    if row is None:
        raise NoCase(f"there is no case {case_id}")
    if row["closed_at"] is not None:
        raise Stale("closed", f"case {case_id} is closed")
    if deed.version is not None and deed.version != row["version"]:
        words = f"case {case_id} was changed since: it is at version {row['version']}, not {deed.version}"
        raise Stale("changed", words)
    return row


def _said(name: str, text: str) -> None:
    if not text.strip():
        raise Wrong(name, "Còn trống", f"{name} says something")
