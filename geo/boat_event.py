"""Boats' events as they are kept: found again and revised by later fixes, withdrawn when those refute them, listed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import WKTElement

from geo.behaviour.event import Event
from geo.fishery import boat_event
from geo.heard import vessel_of

AIS, VMS = "vessel", "vms"  # the layers of a boat's transponder and of its monitoring device
# A silence that has grown long enough to be a sign is the same silence.
_FAMILY = {"possible_disabling": "gap"}
# What grows with the fixes: of the first part of a long one they are in the archive by and by.
STRETCHES = ("fishing", "loitering", "encounter")
_SUMMED = ("positions", "distance_nm")
# Of a stay whose beginning lies further back than was looked, what was counted then stays.
_COUNTED_BEFORE = ("stops", "silences")
_FOREVER = datetime.max.replace(tzinfo=UTC)
_COVERED = 0.5
Row = dict[str, Any]


@dataclass(frozen=True)
class Doer:
    """Whose events they are: a layer's key, of an encounter the two keys in their order, and the names to be shown."""

    layer: str
    key: str
    other: str = ""
    label: str | None = None
    other_label: str | None = None
    simulated: bool = False


@dataclass(frozen=True)
class Revision:
    """How many events a look added, changed and withdrew."""

    added: int = 0
    changed: int = 0
    withdrawn: int = 0


@dataclass(frozen=True)
class Wanted:
    """Which events; an empty tuple is every one. They touch [since, until]; bbox: west, south, east, north."""

    layers: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    bbox: tuple[float, float, float, float] | None = None
    confidence: str | None = None
    withdrawn: bool = False


def known_events(connection: sa.Connection, doer: Doer, kinds: Collection[str], since: datetime) -> list[Row]:
    """The events of a doer that stand and reach beyond `since`, by their beginning."""
    column = boat_event.c
    query = _rows().where(
        column.layer == doer.layer, column.object_key == doer.key, column.other_key == doer.other,
        column.kind.in_(kinds), column.withdrawn_at.is_(None),
        sa.func.coalesce(column.ended_at, sa.text("'infinity'")) >= since,
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query.order_by(column.began_at)).mappings()]


def revise(
    connection: sa.Connection,
    doer: Doer,
    known: Sequence[Row],
    found: Sequence[Event],
    told: Mapping[str, Mapping[str, Any]],
    now: datetime,
    since: datetime,
    first: datetime | None = None,
) -> Revision:
    """Let the kept events (`known`) be those that were found (`found`) where it was looked: from `since` on.

    One that was found again, as judged by its kind and the time that both have in common, is revised and keeps its
    number. One that was not is withdrawn if it reaches beyond `since`, or is part of one that was found; earlier ones
    were not looked at. Whoever finds the same again changes nothing. told: the criteria by kind. first: when the fixes
    begin that were looked at; a stretch that is known to have begun before them keeps its beginning.
    """
    left = list(known)
    pairs: list[tuple[Event, Row | None]] = []
    for event in found:
        same = [row for row in left if _same(row, event)]
        best = max(same, key=lambda row: (_common(row, event) or timedelta(), row["began_at"]), default=None)
        if best is not None:
            left.remove(best)
        pairs.append((event, best))
    # First what goes, then what moves: no two of one kind may begin at one moment, not even meanwhile.
    refuted = [row for row in left if _looked_at(row, since) or any(_same(row, event) for event in found)]
    for gone in refuted:
        statement = sa.update(boat_event).where(boat_event.c.id == gone["id"])
        connection.execute(statement.values(withdrawn_at=now, version=gone["version"] + 1))
    added = changed = 0
    for event, row in sorted(pairs, key=lambda pair: pair[1] is None):
        values = _values(doer, event, row, told[event.kind], first)
        if row is None:
            connection.execute(sa.insert(boat_event).values(**values, judged_at=now))
            added += 1
        elif _differs(row, event, values):
            statement = sa.update(boat_event).where(boat_event.c.id == row["id"])
            connection.execute(statement.values(**values, judged_at=now, version=row["version"] + 1))
            changed += 1
    return Revision(added, changed, len(refuted))


def events(connection: sa.Connection, wanted: Wanted, limit: int = 1_000) -> list[Row]:
    """Events as rows with lon and lat, the latest first; one that goes on has no ended_at."""
    column = boat_event.c
    query = _rows()
    if not wanted.withdrawn:
        query = query.where(column.withdrawn_at.is_(None))
    for name, values in (("layer", wanted.layers), ("kind", wanted.kinds)):
        if values:
            query = query.where(column[name].in_(values))
    if wanted.keys:
        query = query.where(column.object_key.in_(wanted.keys) | column.other_key.in_(wanted.keys))
    if wanted.since is not None:
        query = query.where(column.ended_at.is_(None) | (column.ended_at >= wanted.since))
    if wanted.until is not None:
        query = query.where(column.began_at <= wanted.until)
    if wanted.confidence is not None:
        query = query.where(column.confidence == wanted.confidence)
    if wanted.bbox is not None:
        query = query.where(sa.func.ST_Intersects(column.geom, sa.func.ST_MakeEnvelope(*wanted.bbox, 4326)))
    query = query.order_by(column.began_at.desc(), column.id.desc()).limit(limit)
    return [dict(row) for row in connection.execute(query).mappings()]


def events_of_boat(
    connection: sa.Connection,
    registration: str,
    since: datetime | None,
    until: datetime | None,
    limit: int = 1_000,
    wanted: Wanted | None = None,
) -> list[Row]:
    """What a boat of the register did in [since, until], by its device and by AIS, the latest first.

    registration: as geo.registration writes it. What the device tells coarsely and AIS tells too is told once, by AIS.
    None: an open end. wanted: what else is asked of them; its keys and times are not looked at.
    """
    asked = replace(wanted or Wanted(), since=since, until=until)
    layers = asked.layers or (VMS, AIS)
    coarse = replace(asked, layers=(VMS,), keys=(registration,))
    found = events(connection, coarse, limit) if VMS in layers else []
    heard = vessel_of(connection, registration)
    if heard is not None and AIS in layers:
        fine = events(connection, replace(asked, layers=(AIS,), keys=(str(heard.mmsi),)), limit)
        found = [*fine, *(row for row in found if not any(_covers(one, row, until) for one in fine))]
    return sorted(found, key=lambda row: (row["began_at"], row["id"]), reverse=True)[:limit]


def _rows() -> sa.Select[Any]:
    column = boat_event.c
    plain = [each for each in column if each.name != "geom"]
    return sa.select(*plain, sa.func.ST_X(column.geom).label("lon"), sa.func.ST_Y(column.geom).label("lat"))


def _family(kind: str) -> str:
    return _FAMILY.get(kind, kind)


def _looked_at(row: Row, since: datetime) -> bool:
    return row["ended_at"] is None or row["ended_at"] >= since


def _same(row: Row, event: Event) -> bool:
    return _family(row["kind"]) == _family(event.kind) and _common(row, event) is not None


def _common(row: Row, event: Event) -> timedelta | None:
    """The time that both have in common; None when one is over before the other begins."""
    begin = max(row["began_at"], event.began_at)
    end = min(row["ended_at"] or _FOREVER, event.ended_at or _FOREVER)
    return end - begin if end >= begin else None


def _values(
    doer: Doer, event: Event, row: Row | None, told: Mapping[str, Any], first: datetime | None
) -> dict[str, Any]:
    parameters, began_at = dict(event.parameters), event.began_at
    if event.kind == "port_visit" and row is not None:
        parameters = {
            name: row["parameters"][name] for name in _COUNTED_BEFORE if name in row["parameters"]
        } | parameters
    if event.kind in STRETCHES and row is not None and first is not None and row["began_at"] < first:
        # Only its end was looked at, so that what is counted of it is no less than what was counted before.
        began_at = row["began_at"]
        before = {name: row["parameters"][name] for name in _SUMMED if name in row["parameters"]}
        parameters |= {name: max(value, parameters.get(name, value)) for name, value in before.items()}
        if event.ended_at is not None:
            parameters["hours"] = round((event.ended_at - began_at).total_seconds() / 3600, 2)
    return {
        "kind": event.kind,
        "layer": doer.layer,
        "object_key": doer.key,
        "other_key": doer.other,
        "object_label": doer.label,
        "other_label": doer.other_label,
        "began_at": began_at,
        "ended_at": event.ended_at,
        "geom": WKTElement(f"POINT({event.lon:.6f} {event.lat:.6f})", 4326),
        "confidence": event.confidence,
        "parameters": parameters,
        "criteria": dict(told),
        "simulated": doer.simulated,
    }


def _differs(row: Row, event: Event, values: Mapping[str, Any]) -> bool:
    compared = [name for name in values if name != "geom"]
    moved = (round(event.lon, 6), round(event.lat, 6)) != (round(row["lon"], 6), round(row["lat"], 6))
    return moved or any(row[name] != values[name] for name in compared)


def _covers(fine: Row, coarse: Row, until: datetime | None) -> bool:
    """Whether an event of AIS tells at least half of what a coarse one of the device tells."""
    if coarse["confidence"] != "low" or fine["kind"] != coarse["kind"]:
        return False
    ends = [row["ended_at"] or max(until or _FOREVER, row["began_at"]) for row in (fine, coarse)]
    common: timedelta = min(ends) - max(fine["began_at"], coarse["began_at"])
    told: timedelta = ends[1] - coarse["began_at"]
    return common >= _COVERED * told
