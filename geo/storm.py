"""Storms as they are kept: each bulletin a version of its own, the calls about each boat, and who closed it when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from geoalchemy2 import WKTElement

from geo.actor import Actor
from geo.fishery import boat, storm, storm_bulletin, storm_call, storm_log, storm_point
from geo.storm_area import Point, Track
from geo.wrong import Wrong

AHEAD_MOST = timedelta(minutes=2)  # clocks differ
# What came of a call; whether somebody was reached, and whether the boat is taken care of by it.
OUTCOMES: Mapping[str, tuple[str, str]] = {
    "to_port": ("Đang vào bờ, vào nơi trú", "Going to port or shelter"),
    "sheltered": ("Đã neo trú an toàn", "Safe in shelter"),
    "moving_away": ("Đang chạy ra khỏi vùng nguy hiểm", "Leaving the danger area"),
    "told_on": ("Người nhà nghe máy, sẽ báo cho tàu", "Answered ashore, will tell the boat"),
    "staying": ("Nghe máy, chưa chịu đi", "Answered, staying where it is"),
    "no_answer": ("Không nghe máy", "No answer"),
    "unreachable": ("Tắt máy, ngoài vùng phủ sóng", "Switched off, out of coverage"),
    "wrong_number": ("Sai số", "Wrong number"),
}
VOID = "void"
CLOSED_NOT = {"closed_at": None, "closed_by": None, "closed_note": None}
ANSWERED = ("to_port", "sheltered", "moving_away", "told_on", "staying")
WHO: Mapping[str, tuple[str, str]] = {
    "owner": ("Chủ tàu", "Owner"),
    "captain": ("Thuyền trưởng", "Captain"),
    "relative": ("Người thân", "Relative"),
    "radio": ("Đài trực canh, bộ đàm", "By radio"),
    "other": ("Người khác", "Somebody else"),
}


class NoStorm(LookupError):
    """There is no such storm, boat or call."""


class Stale(Exception):
    """Somebody was first: `reason` is closed, open, bulletin (a newer one counts) or called; the message says it."""

    def __init__(self, reason: Literal["closed", "open", "bulletin", "called"], words: str) -> None:
        super().__init__(words)
        self.reason = reason


@dataclass(frozen=True)
class Bulletin:
    """One bulletin of a storm, which is its version, with its track."""

    source: str
    issued_at: datetime
    points: tuple[Point, ...]
    version: int = 0
    entered_at: datetime | None = None
    actor: str = ""
    comment: str | None = None

    @property
    def track(self) -> Track:
        """Its points as a way."""
        return Track(self.points)


@dataclass(frozen=True)
class Storm:
    """A storm with the bulletin that counts. number: none for a depression."""

    season: int
    number: int | None
    name: str | None
    simulated: bool
    id: int = 0
    version: int = 0
    opened_at: datetime | None = None
    opened_by: str = ""
    closed_at: datetime | None = None
    closed_by: str | None = None
    closed_note: str | None = None
    bulletin: Bulletin | None = None


def storms(connection: sa.Connection, ids: Sequence[int] | None = None) -> list[Storm]:
    """All storms with their newest bulletin: open ones first, real ones before exercises, then the latest."""
    column = storm.c
    query = sa.select(storm).order_by(
        column.closed_at.is_not(None), column.simulated, column.opened_at.desc(), column.id.desc()
    )
    rows = connection.execute(query if ids is None else query.where(column.id.in_(ids))).mappings().all()
    told = _bulletins(connection, [(row["id"], row["version"]) for row in rows])
    return [Storm(**row, bulletin=told.get((row["id"], row["version"]))) for row in rows]


def storm_of(connection: sa.Connection, storm_id: int) -> Storm:
    """One storm. Raises NoStorm."""
    found = storms(connection, [storm_id])
    if not found:
        raise NoStorm(f"there is no storm {storm_id}")
    return found[0]


def bulletins(connection: sa.Connection, storm_id: int) -> list[Bulletin]:
    """All bulletins of a storm, the newest first."""
    versions = connection.scalars(
        sa.select(storm_bulletin.c.version)
        .where(storm_bulletin.c.storm_id == storm_id)
        .order_by(storm_bulletin.c.version.desc())
    )
    keys = [(storm_id, version) for version in versions]
    told = _bulletins(connection, keys)
    return [told[key] for key in keys]


def _bulletins(connection: sa.Connection, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Bulletin]:
    if not keys:
        return {}
    column, point = storm_bulletin.c, storm_point.c
    places: dict[tuple[int, int], list[Point]] = {}
    query = (
        sa.select(storm_point, sa.func.ST_X(point.geom).label("lon"), sa.func.ST_Y(point.geom).label("lat"))
        .where(sa.tuple_(point.storm_id, point.version).in_(keys))
        .order_by(point.storm_id, point.version, point.valid_at)
    )
    for row in connection.execute(query).mappings():
        radii = {int(level): float(km) for level, km in row["radii_km"].items()}
        made = Point(row["valid_at"], row["lon"], row["lat"], radii, row["wind"], row["gust"], row["observed"])
        places.setdefault((row["storm_id"], row["version"]), []).append(made)
    query = sa.select(storm_bulletin).where(sa.tuple_(column.storm_id, column.version).in_(keys))
    names = ("source", "issued_at", "version", "entered_at", "actor", "comment")
    return {
        (row["storm_id"], row["version"]): Bulletin(
            **{name: row[name] for name in names}, points=tuple(places.get((row["storm_id"], row["version"]), ()))
        )
        for row in connection.execute(query).mappings()
    }


def alone(connection: sa.Connection) -> None:
    """One bulletin at a time, so that two of one storm do not make two storms of it."""
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('haidang:storm'), 0)"))


def known(connection: sa.Connection, wanted: Storm, storm_id: int | None = None) -> Storm | None:
    """The storm that a bulletin is of: by its id, else its number, else its name, of that season; None: a new one.

    Raises NoStorm for an id that is none.
    """
    if storm_id is not None:
        return storm_of(connection, storm_id)
    same = [one for one in storms(connection) if (one.season, one.simulated) == (wanted.season, wanted.simulated)]
    numbered = [one for one in same if wanted.number is not None and one.number == wanted.number]
    # A name tells of a storm that has another number as little as two storms without a name are one.
    named = [
        one
        for one in same
        if wanted.name and one.name and named_alike(one.name, wanted.name) and None in (one.number, wanted.number)
    ]
    return next(iter(numbered + named), None)


def named_alike(one: str, other: str) -> bool:
    """Whether two names of storms are the same."""
    return one.casefold() == other.casefold()


def put_bulletin(
    connection: sa.Connection, wanted: Storm, bulletin: Bulletin, actor: Actor, now: datetime, before: Storm | None
) -> Storm:
    """Keep a bulletin as the newest version of the storm `before` (as `known` gave it), or of a new one; after `alone`.

    A depression that has got a number or a name since takes it. Raises Stale, and Wrong for one that is older.
    """
    if before is not None:
        _held(connection, before.id)  # it may have been closed since `known` read it
    if before is not None and before.bulletin is not None and bulletin.issued_at < before.bulletin.issued_at:
        raise Wrong(
            "issued_at", "Bản tin này cũ hơn bản tin đang dùng", "the bulletin is older than the one that counts"
        )
    version = before.version + 1 if before else 1
    if before is None:
        values = {"season": wanted.season, "number": wanted.number, "name": wanted.name, "simulated": wanted.simulated}
        made = {**values, "opened_at": now, "opened_by": actor.name, "version": version}
        storm_id = int(connection.execute(sa.insert(storm).values(made).returning(storm.c.id)).scalar_one())
    else:
        storm_id = before.id
        values = {"version": version, "number": wanted.number or before.number, "name": wanted.name or before.name}
        connection.execute(sa.update(storm).where(storm.c.id == storm_id).values(values))
    kept = {"storm_id": storm_id, "version": version, "source": bulletin.source, "issued_at": bulletin.issued_at}
    by = {"entered_at": now, "actor": actor.name, "actor_kind": actor.kind, "comment": bulletin.comment}
    connection.execute(sa.insert(storm_bulletin).values({**kept, **by}))
    connection.execute(
        sa.insert(storm_point),
        [
            {
                "storm_id": storm_id, "version": version, "valid_at": one.at, "wind": one.wind, "gust": one.gust,
                "geom": WKTElement(f"POINT({one.lon!r} {one.lat!r})", srid=4326), "observed": one.observed,
                "radii_km": {str(level): km for level, km in one.radii_km.items()},
            }
            for one in bulletin.points
        ],
    )  # fmt: skip
    return storm_of(connection, storm_id)


def close(connection: sa.Connection, storm_id: int, actor: Actor, now: datetime, note: str | None) -> None:
    """Nobody needs to be called any more. Raises NoStorm, Stale."""
    _held(connection, storm_id)
    _turned(connection, storm_id, "close", actor, now, (note or "").strip() or None)


def reopen(connection: sa.Connection, storm_id: int, actor: Actor, now: datetime, note: str) -> None:
    """It was closed too early, or by mistake. Raises NoStorm, Stale when it is open, and Wrong without a reason."""
    if not note.strip():
        raise Wrong("note", "Ghi lý do mở lại cơn bão", "say why the storm is opened again")
    if not _locked(connection, storm_id):
        raise Stale("open", f"storm {storm_id} is open")
    _turned(connection, storm_id, "reopen", actor, now, note.strip())


def _turned(connection: sa.Connection, storm_id: int, deed: str, actor: Actor, now: datetime, note: str | None) -> None:
    closed = {"closed_at": now, "closed_by": actor.name, "closed_note": note} if deed == "close" else CLOSED_NOT
    connection.execute(sa.update(storm).where(storm.c.id == storm_id).values(closed))
    line = {"storm_id": storm_id, "deed": deed, "note": note, "at": now, "actor": actor.name, "actor_kind": actor.kind}
    connection.execute(sa.insert(storm_log).values(line))


def log(connection: sa.Connection, storm_id: int) -> list[dict[str, Any]]:
    """Who closed a storm and opened it again, oldest first."""
    query = sa.select(storm_log).where(storm_log.c.storm_id == storm_id).order_by(storm_log.c.id)
    return [dict(row) for row in connection.execute(query).mappings()]


@dataclass(frozen=True)
class Call:
    """Who was called about a boat (WHO), at which number, what came of it (OUTCOMES), when it was.

    seen: the newest call about the boat that the caller knows of (0: none); None does not ask.
    """

    registration: str
    who: str
    outcome: str
    number: str | None = None
    note: str | None = None
    at: datetime | None = None
    seen: int | None = None


def log_call(connection: sa.Connection, storm_id: int, call: Call, actor: Actor, now: datetime) -> int:
    """Write down a call; the line's id. Raises NoStorm, Stale when somebody else called since, and Wrong."""
    if call.outcome not in OUTCOMES or call.who not in WHO:
        field, closed = ("outcome", OUTCOMES) if call.outcome not in OUTCOMES else ("who", WHO)
        raise Wrong(field, f"Chọn một trong: {', '.join(closed)}", f"{field} is one of {', '.join(closed)}")
    at = call.at or now
    if at > now + AHEAD_MOST:
        raise Wrong("at", "Giờ này chưa tới", "what has not happened yet cannot be written down")
    _held(connection, storm_id)
    registered(connection, call.registration)
    last = connection.scalar(_of(storm_id, call.registration).with_only_columns(sa.func.max(storm_call.c.id))) or 0
    if call.seen is not None and call.seen < last:
        raise Stale("called", f"somebody called about {call.registration} since")
    return _written(connection, storm_id, replace(call, at=at), actor, now, None)


def registered(connection: sa.Connection, registration: str) -> None:
    """Raises NoStorm when the register has no such boat."""
    if connection.scalar(sa.select(boat.c.registration).where(boat.c.registration == registration)) is None:
        raise NoStorm(f"the register has no boat {registration[:30]}")


def void_call(connection: sa.Connection, storm_id: int, call_id: int, actor: Actor, now: datetime, note: str) -> int:
    """Take back a line that was written by mistake, by another one that says why. Raises NoStorm, Stale, Wrong."""
    if not note.strip():
        raise Wrong("note", "Ghi lý do hủy dòng này", "say why the line is taken back")
    _held(connection, storm_id)
    column = storm_call.c
    query = sa.select(storm_call).where(column.id == call_id, column.storm_id == storm_id, column.outcome != VOID)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NoStorm(f"there is no call {call_id} of storm {storm_id}")
    if connection.scalar(sa.select(column.id).where(column.voids == call_id)) is not None:
        raise Stale("called", f"call {call_id} was taken back already")
    line = Call(row["registration"], row["who"], VOID, note=note.strip(), at=now)
    return _written(connection, storm_id, line, actor, now, call_id)


def _written(
    connection: sa.Connection, storm_id: int, call: Call, actor: Actor, now: datetime, voids: int | None
) -> int:
    values = {
        "storm_id": storm_id, "registration": call.registration, "who": call.who, "number": call.number,
        "outcome": call.outcome, "note": call.note, "voids": voids, "at": call.at, "entered_at": now,
        "actor": actor.name, "actor_kind": actor.kind,
    }  # fmt: skip
    return int(connection.execute(sa.insert(storm_call).values(values).returning(storm_call.c.id)).scalar_one())


def _held(connection: sa.Connection, storm_id: int) -> None:
    """Lock a storm that is open. Raises NoStorm, Stale."""
    if _locked(connection, storm_id):
        raise Stale("closed", f"storm {storm_id} is closed")


def _locked(connection: sa.Connection, storm_id: int) -> bool:
    """Lock a storm; whether it is closed. Raises NoStorm."""
    query = sa.select(storm.c.closed_at).where(storm.c.id == storm_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NoStorm(f"there is no storm {storm_id}")
    return row.closed_at is not None


def _of(storm_id: int, registration: str | None = None) -> sa.Select[Any]:
    query = sa.select(storm_call).where(storm_call.c.storm_id == storm_id)
    return query if registration is None else query.where(storm_call.c.registration == registration)


def calls(connection: sa.Connection, storm_id: int, registration: str | None = None) -> list[dict[str, Any]]:
    """The lines of calls, oldest first, numbers whole; `voided`: a later line takes it back."""
    rows = connection.execute(_of(storm_id, registration).order_by(storm_call.c.id)).mappings().all()
    void = {row["voids"] for row in rows}
    return [{**row, "voided": row["id"] in void} for row in rows]
