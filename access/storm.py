"""Storms as screens and routes are given them: whom each threatens, who was called and answered; numbers masked."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from math import isnan
from typing import Any, Literal

import sqlalchemy as sa

from access.site import Site
from geo import storm as store
from geo.actor import Actor
from geo.calendar import ZONE
from geo.contact import PARTS, contacts, mask, without_numbers
from geo.fence import fences
from geo.figure import Figures, figures
from geo.registration import parse
from geo.storm import ANSWERED, VOID, Bulletin, Call, Storm
from geo.storm_area import Point, circle, swept
from geo.storm_boats import CALLED, Danger, threatened
from geo.storm_file import Draft, Fault
from geo.wrong import Wrong
from geo.yielding import deed

Row = dict[str, Any]
# Was called about and is not in the list of those in danger: for the bulletin has it in none; for it has no position;
# for the bulletin has run out, so that nobody knows; for the storm is closed.
GONE, UNPLACED, UNKNOWN, CLOSED = "gone", "unplaced", "unknown", "closed"
CARRIED = timedelta(days=10)  # so long after a storm's last bulletin one of the next year may still be of it
COMMENT = "nhập từ tệp {name}"


def spans(site: Site) -> dict[str, timedelta]:
    """After how long a fix of each layer of boats is old: when the layer calls the boat lost."""
    return {one.name: timedelta(seconds=one.style.lost_s) for one in site.layers if one.shape.kind == "moving"}


def listed(connection: sa.Connection, now: datetime) -> list[Row]:
    """All storms, open ones first, with what their newest bulletin says of the present."""
    held = figures(connection)
    return [told(one, held, now) for one in store.storms(connection)]


def told(storm: Storm, held: Figures, now: datetime) -> Row:
    """A storm in plain values; `here`: where it is now by its bulletin; `fresh`: whether that is to be relied upon.

    fresh: `fresh`; `due` when the next bulletin should be there; `over` when the track has no point any more.
    """
    bulletin = storm.bulletin
    assert bulletin is not None  # none is kept without one
    names = (
        "id",
        "season",
        "number",
        "name",
        "simulated",
        "version",
        "opened_at",
        "opened_by",
        "closed_at",
        "closed_by",
    )
    about = {name: getattr(storm, name) for name in names}
    about["closed_note"] = without_numbers(storm.closed_note) if storm.closed_note else None
    every = held.at("storm_bulletin_every", now).span
    over, due = now > bulletin.points[-1].at, now > bulletin.issued_at + every
    return {
        **about,
        "source": bulletin.source,
        "issued_at": bulletin.issued_at,
        "entered_at": bulletin.entered_at,
        "entered_by": bulletin.actor,
        "next_due_at": bulletin.issued_at + every,
        "from_at": bulletin.points[0].at,
        "until_at": bulletin.points[-1].at,
        "levels": list(bulletin.track.levels),
        "fresh": "over" if over else "due" if due else "fresh",
        "here": _here(bulletin, now),
    }


def _here(bulletin: Bulletin, now: datetime) -> Row | None:
    lon, lat, radii = bulletin.track.at([now])
    if isnan(lon[0]):  # the bulletin does not tell of this moment
        return None
    before = [one for one in bulletin.points if one.at <= now][-1]
    sizes = {str(level): round(float(each[0]) / 1000, 1) for level, each in radii.items()}
    return {"lon": float(lon[0]), "lat": float(lat[0]), "wind": before.wind, "gust": before.gust, "radii_km": sizes}


def one(connection: sa.Connection, storm_id: int, now: datetime) -> Row:
    """A storm with its points, its bulletins, and track, circles and danger areas as GeoJSON. Raises NoStorm."""
    storm = store.storm_of(connection, storm_id)
    held = figures(connection)
    about = told(storm, held, now)
    assert storm.bulletin is not None
    return {
        **about,
        "points": [_point(each) for each in storm.bulletin.points],
        "bulletins": [
            {
                "version": each.version, "source": each.source, "issued_at": each.issued_at, "points": len(each.points),
                "entered_at": each.entered_at, "entered_by": each.actor, "comment": each.comment,
            }
            for each in store.bulletins(connection, storm_id)
        ],
        "log": _turns(connection, storm_id),
        "geojson": shapes(storm.bulletin, now, held.at("storm_horizon", now).span),
    }  # fmt: skip


def _point(point: Point) -> Row:
    return {**asdict(point), "radii_km": {str(level): km for level, km in point.radii_km.items()}}


def shapes(bulletin: Bulletin, now: datetime, horizon: timedelta) -> Row:
    """The track, its points, a circle for each level around each, and what each level covers in the time to come."""
    track = bulletin.track
    features = [_feature({"type": "LineString", "coordinates": [[p.lon, p.lat] for p in track.points]}, what="track")]
    for point in track.points:
        about = {**_point(point), "at": point.at.isoformat()}
        features.append(_feature({"type": "Point", "coordinates": [point.lon, point.lat]}, what="point", **about))
        features += [
            _feature(circle(point.lon, point.lat, km * 1000), what="circle", level=level, at=about["at"], radius_km=km)
            for level, km in point.radii_km.items()
            if km > 0
        ]
    for level in track.levels:
        area = swept(track, level, now, now + horizon)
        if area is not None:
            ends = {"from": now.isoformat(), "until": (now + horizon).isoformat()}
            features.append(_feature(area, what="danger", level=level, **ends))
    return {"type": "FeatureCollection", "features": features}


def _feature(geometry: Any, **properties: Any) -> Row:
    plain = geometry if isinstance(geometry, dict) else geometry.__geo_interface__
    return {"type": "Feature", "geometry": plain, "properties": properties}


# Whom it threatens, and who was called


def board(connection: sa.Connection, site: Site, storm_id: int, now: datetime) -> Row:
    """A storm's call list: the boats by how near the danger is, each with its people and calls, and the progress.

    Raises NoStorm. Of a closed storm, or when its bulletin has run out, nobody can say whom it threatens: the boats
    that were called about remain, and there is no progress.
    """
    storm = store.storm_of(connection, storm_id)
    assert storm.bulletin is not None
    held = figures(connection)
    about = {**told(storm, held, now), "reopened": _reopened(connection, storm)}
    lines = [_line(each) for each in store.calls(connection, storm_id)]
    called: dict[str, list[Row]] = {}
    for line in lines:
        called.setdefault(line["registration"], []).append(line)
    boats: list[Row] = []
    placed = unplaced = None
    looked_at: frozenset[str] = frozenset()
    if storm.closed_at is None:
        found = threatened(connection, storm.bulletin.track, held, spans(site), fences(connection), now)
        boats, placed, unplaced = [_plain(each) for each in found.boats], found.placed, found.unplaced
        looked_at = found.looked_at
    known = {each["registration"] for each in boats}
    over = about["fresh"] == "over"
    why = CLOSED if storm.closed_at is not None else UNKNOWN if over else None
    boats += [
        {**each, "group": why or (GONE if each["registration"] in looked_at else UNPLACED)}
        for each in _others(connection, [name for name in called if name not in known])
    ]
    people = contacts(connection, [each["registration"] for each in boats])
    rows = [
        {
            **each,
            "people": [asdict(who.masked) for who in people.get(each["registration"], ())],
            **_state(called.get(each["registration"], ())),
        }
        for each in boats
    ]
    return {
        "storm": about,
        "at": now,
        "horizon": held.at("storm_horizon", now).span / timedelta(hours=1),
        "boats": rows,
        "progress": None if why else progress(rows),
        "placed": placed,
        "unplaced": unplaced,
    }


def _reopened(connection: sa.Connection, storm: Storm) -> Row | None:
    """Who opened a storm that is open last, if it was closed before, when and why."""
    turns = _turns(connection, storm.id)
    return turns[-1] if turns and turns[-1]["deed"] == "reopen" else None


def _turns(connection: sa.Connection, storm_id: int) -> list[Row]:
    """Who closed a storm and opened it again, oldest first; of notes no number."""
    return [
        {**{name: each[name] for name in ("deed", "at", "actor")},
         "note": without_numbers(each["note"]) if each["note"] else None}
        for each in store.log(connection, storm_id)
    ]  # fmt: skip


def _plain(boat: Danger) -> Row:
    return asdict(boat)


def _others(connection: sa.Connection, names: Sequence[str]) -> list[Row]:
    """Boats that were called about and are not among those in danger, as rows of the same names."""
    if not names:
        return []
    query = sa.text(
        "SELECT registration, shipname, length_m, commune, home_province, simulated FROM boat "
        "WHERE registration = ANY(:names) ORDER BY registration"
    )
    empty = dict.fromkeys(Danger.__dataclass_fields__)
    return [{**empty, **row} for row in connection.execute(query, {"names": list(names)}).mappings()]


def _line(call: Mapping[str, Any]) -> Row:
    """A call as it may be read: of its number the last digits, of its note no number at all."""
    note = without_numbers(call["note"]) if call["note"] else None
    return {**call, "number": mask(call["number"]), "note": note}


def _state(lines: Sequence[Row]) -> Row:
    """What the calls about a boat come to; a line that was taken back counts for nothing."""
    good = [each for each in lines if each["outcome"] != VOID and not each["voided"]]
    answered = [each for each in good if each["outcome"] in ANSWERED]
    return {
        "calls": len(good),
        "last": good[-1] if good else None,
        "answered_at": answered[-1]["at"] if answered else None,
        "answer": answered[-1]["outcome"] if answered else None,
        "seen": lines[-1]["id"] if lines else 0,
    }


def progress(rows: Sequence[Mapping[str, Any]]) -> Row:
    """Of the boats that have to be called: how many were, answered or not, and when it was last.

    to_call + unreached + answered = boats; staying: those whose last answer was that they do not go.
    """
    own = [each for each in rows if each["group"] in CALLED]
    called = [each for each in own if each["calls"]]
    answered = [each for each in called if each["answered_at"]]
    return {
        "boats": len(own),
        "called": len(called),
        "answered": len(answered),
        "unreached": len(called) - len(answered),
        "to_call": len(own) - len(called),
        "staying": sum(each["answer"] == "staying" for each in answered),
        "called_at": max((each["last"]["at"] for each in called), default=None),
        "answered_at": max((each["answered_at"] for each in answered), default=None),
        "groups": {
            name: sum(each["group"] == name for each in rows) for name in dict.fromkeys(r["group"] for r in rows)
        },
    }


def history(connection: sa.Connection, storm_id: int, registration: str) -> list[Row]:
    """The calls about a boat, in any spelling of it, oldest first, numbers masked. Raises NoStorm for storm or boat."""
    boat = parse(registration)
    if boat is None:
        raise store.NoStorm("a registration is written TTH-91234-TS")
    store.storm_of(connection, storm_id)
    store.registered(connection, str(boat))
    return [_line(each) for each in store.calls(connection, storm_id, str(boat))]


def log_call(site: Site, storm_id: int, call: Call, actor: Actor) -> int:
    """Write down a call; the line's id. Without a number it is the one that the register has of that person.

    Raises NoStorm, Stale, Wrong.
    """
    registration = parse(call.registration)
    if registration is None:
        raise Wrong("registration", "Số đăng ký viết như TTH-91234-TS", "a registration is written TTH-91234-TS")
    made = replace(call, registration=str(registration), note=(call.note or "").strip() or None)

    def change(connection: sa.Connection, now: datetime) -> int:
        number = made.number
        if not number and made.who in PARTS:
            people = contacts(connection, [made.registration]).get(made.registration, ())
            number = next((each.phone for each in people if each.part == made.who), None)
        return store.log_call(connection, storm_id, replace(made, number=number or None), actor, now)

    return deed(site.engine, change)


def void_call(site: Site, storm_id: int, call_id: int, actor: Actor, note: str) -> int:
    """Take back a line that was a mistake. Raises NoStorm, Stale, Wrong."""
    return deed(site.engine, lambda connection, now: store.void_call(connection, storm_id, call_id, actor, now, note))


def close(site: Site, storm_id: int, actor: Actor, note: str | None) -> None:
    """Close a storm. Raises NoStorm, Stale."""
    deed(site.engine, lambda connection, now: store.close(connection, storm_id, actor, now, note))


def reopen(site: Site, storm_id: int, actor: Actor, note: str) -> None:
    """Open a closed storm again. Raises NoStorm, Stale, Wrong."""
    deed(site.engine, lambda connection, now: store.reopen(connection, storm_id, actor, now, note))


# A bulletin

What = Literal["new", "changed", "unchanged"]


@dataclass(frozen=True)
class Said:
    """What somebody says of a bulletin besides the file: it counts over what the file says."""

    source: str | None = None
    issued_at: datetime | None = None
    number: int | None = None
    season: int | None = None
    name: str | None = None
    simulated: bool = False
    storm_id: int | None = None


@dataclass(frozen=True)
class Plan:
    """What would become of a bulletin: its storm, the one there is already (before), each point, all that is wrong."""

    storm: Storm
    before: Storm | None
    bulletin: Bulletin
    lines: tuple[tuple[int, Point, What], ...]
    faults: tuple[Fault, ...]
    ignored: tuple[str, ...]

    @property
    def unchanged(self) -> bool:
        """Whether it is the bulletin that counts already, and tells no number or name that its storm has not."""
        before, last = self.before, self.before.bulletin if self.before else None
        same = last is not None and all(what == "unchanged" for *_, what in self.lines)
        if before and (self.storm.number or before.number) != before.number:
            return False
        if before and self.storm.name and not store.named_alike(self.storm.name, before.name or ""):
            return False
        return bool(
            same and last and len(last.points) == len(self.bulletin.points) and last.source == self.bulletin.source
            and last.issued_at == self.bulletin.issued_at
        )  # fmt: skip

    @property
    def digest(self) -> str:
        """Another one when anything that was looked at is another."""
        seen = (self.storm, self.before and (self.before.id, self.before.version, self.before.closed_at), self.bulletin)
        return sha256(repr(seen).encode()).hexdigest()[:16]


def carry_out(
    engine: sa.Engine,
    draft: Draft,
    said: Said,
    actor: Actor | None,
    comment: str | None = None,
    plan: str | None = None,
) -> tuple[Plan, Storm | None]:
    """What a bulletin would do; and with an actor, in the same transaction, doing it unless something is wrong.

    plan: the digest of what was looked at; Stale when it is another by now. The storm as it is after, or None.
    """

    def change(connection: sa.Connection, now: datetime) -> tuple[Plan, Storm | None]:
        store.alone(connection)
        found = planned(connection, draft, said, now, comment)
        if actor is None or found.faults or found.unchanged:
            return found, None
        if plan is not None and plan != found.digest:
            raise store.Stale("bulletin", "another bulletin was entered since; look at the new plan")
        return found, store.put_bulletin(connection, found.storm, found.bulletin, actor, now, found.before)

    return deed(engine, change)


def planned(connection: sa.Connection, draft: Draft, said: Said, now: datetime, comment: str | None = None) -> Plan:
    """What would become of a bulletin; nothing is written. Raises NoStorm."""
    faults = list(draft.faults)
    about = {name: getattr(said, name) or draft.about.get(name) for name in ("source", "issued_at", "number", "name")}
    points = tuple(point for _, point in draft.points)
    issued = about["issued_at"] or (points[0].at if points else now)
    season = said.season or draft.about.get("season")
    wanted = Storm(season or issued.astimezone(ZONE).year, about["number"], about["name"], said.simulated)
    before = store.known(connection, wanted, said.storm_id)
    if before is None and season is None:
        before = _carried_over(connection, wanted, issued)
    if before is not None:
        wanted = replace(wanted, season=before.season)
    if not about["source"]:
        faults.append(_whole("source", "Bản tin của cơ quan nào?", "say whose bulletin it is"))
    # Of a track with faults the first good point is not the one that tells when it was issued.
    if issued > now + timedelta(hours=1) and (about["issued_at"] or not draft.faults):
        faults.append(_whole("issued_at", "Giờ phát tin chưa tới", "the bulletin is of a time to come"))
    if before is not None and before.closed_at is not None:
        faults.append(_whole("number", "Cơn bão này đã đóng: mở lại trước đã", "this storm is closed: reopen it"))
    faults += _number(connection, wanted, before)
    last = before.bulletin if before else None
    if last is not None and issued < last.issued_at:
        words = f"{last.issued_at.astimezone(ZONE):%H:%M %d/%m/%Y}"
        faults.append(
            _whole(
                "issued_at", f"Bản tin này cũ hơn bản tin đang dùng ({words})",
                f"older than the bulletin that counts ({words})",
            )
        )  # fmt: skip
    there = {point.at: point for point in last.points} if last else {}
    lines = tuple((row, point, _what(there.get(point.at), point)) for row, point in draft.points)
    bulletin = Bulletin(about["source"] or "", issued, points, comment=comment)
    return Plan(wanted, before, bulletin, lines, tuple(faults), draft.ignored)


def _carried_over(connection: sa.Connection, wanted: Storm, issued: datetime) -> Storm | None:
    """The storm of the year before that a bulletin of the new year goes on with: it is open, and was told of lately."""
    last = store.known(connection, replace(wanted, season=wanted.season - 1))
    if last is None or last.closed_at is not None or last.bulletin is None:
        return None
    return last if issued - last.bulletin.issued_at <= CARRIED else None


def _number(connection: sa.Connection, wanted: Storm, before: Storm | None) -> list[Fault]:
    """A storm keeps its number; a depression that gets one takes none that another storm has."""
    if before is None or wanted.number is None or wanted.number == before.number:
        return []
    if before.number is not None:
        return [_whole("number", f"Cơn bão này là bão số {before.number}", f"this storm is number {before.number}")]
    same = [
        one
        for one in store.storms(connection)
        if (one.season, one.number, one.simulated) == (before.season, wanted.number, before.simulated)
    ]
    words = f"Bão số {wanted.number} đã có: chọn cơn bão đó", f"there is a storm {wanted.number} already: choose it"
    return [_whole("number", *words)] if same else []


def _what(before: Point | None, point: Point) -> What:
    return "new" if before is None else "unchanged" if before == point else "changed"


def _whole(field: str, vi: str, en: str) -> Fault:
    return Fault(0, Wrong(field, vi, en))
