"""Warnings as screens and routes are given them: each step from draft to end, what lies in an area, and the feed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from typing import Any
from xml.etree import ElementTree as ET

import shapely
import sqlalchemy as sa
from shapely.geometry import MultiPolygon

from access.site import Site
from geo import warning_deed as deeds
from geo import warning_state as store
from geo.actor import Actor
from geo.ring import checked
from geo.risk_level import levels
from geo.warning import CERTAINTIES, HAZARDS, OWN, SEVERITIES, STATES, URGENCIES, Row
from geo.warning_content import LONGEST, Content
from geo.warning_deed import Issuer
from geo.warning_delivery import sent as went
from geo.warning_raise import meeting, raise_most
from geo.warning_reach import reach
from geo.warning_state import Wanted
from geo.wrong import Wrong
from geo.yielding import deed

ATOM = "http://www.w3.org/2005/Atom"
FEED_MOST = 500
FEED_TITLES = ("Cảnh báo đang có hiệu lực", "Warnings in force")
MARKS = {"Exercise": "[DIỄN TẬP] ", "simulated": "[MÔ PHỎNG] "}
CORNERS_MOST = 20_000  # no CAP document, which has 256,000 bytes at most, holds more
REACH_MS = 10_000  # for all questions of what lies in an area; a screen waits for twelve seconds
QUERY_CANCELED = "57014"
LAYER_KINDS = ("moving", "station", "case")


@dataclass(frozen=True)
class Answered:
    """What is served: its bytes, their strong tag (RFC 9110, 8.8.3) and when they changed last."""

    body: bytes
    tag: str
    changed: datetime

    @classmethod
    def of(cls, body: bytes, changed: datetime) -> "Answered":
        """With the tag that these bytes have."""
        return cls(body, f'"{sha256(body).hexdigest()[:32]}"', changed.replace(microsecond=0))

    def headers(self, now: datetime) -> dict[str, str]:
        """For the next question, so that it need not be answered in full.

        What changed in this very second may change in it once more, which a time in whole seconds could not tell.
        """
        if now - self.changed <= timedelta(seconds=1):
            return {"etag": self.tag}
        return {"etag": self.tag, "last-modified": format_datetime(self.changed.astimezone(UTC), usegmt=True)}


def words(now: datetime) -> Row:
    """The closed lists with their words, and the levels of risk with their colours as they hold now."""
    lists: Mapping[str, Mapping[str, tuple[str, ...]]] = {
        "hazards": HAZARDS, "severities": SEVERITIES, "urgencies": URGENCIES, "certainties": CERTAINTIES,
        "states": STATES,
    }  # fmt: skip
    told = {
        name: {key: {"vi": said[0], "en": said[1]} for key, said in closed.items()} for name, closed in lists.items()
    }
    return {**told, "levels": {str(level): asdict(one) for level, one in levels(now).items()}}


def listed(site: Site, wanted: Wanted, now: datetime, limit: int) -> list[Row]:
    """Warnings that are wanted, the newest first."""
    with site.engine.connect() as connection:
        return store.warnings(connection, wanted, now, limit)


def in_force(site: Site, now: datetime, limit: int) -> Row:
    """What is in force, own and received, as GeoJSON; geometry null of one that came without an area."""
    with site.engine.connect() as connection:
        rows = store.in_force(connection, now, limit=limit)
        drawn = store.shapes(connection, [row["id"] for row in rows])
    features = [{"type": "Feature", "id": row["id"], "geometry": drawn.get(row["id"]), "properties": row}
                for row in rows]  # fmt: skip
    return {"type": "FeatureCollection", "features": features}


def in_force_tag(site: Site, now: datetime, limit: int) -> str:
    """The tag of what `in_force` would answer, so that a map which asks again is told that nothing changed."""
    with site.engine.connect() as connection:
        mark = store.in_force_mark(connection, now)
    return f'W/"{sha256(f"{mark} {limit}".encode()).hexdigest()[:32]}"'


def one(site: Site, warning_id: int, now: datetime) -> Row:
    """One warning with its area and what was done with it. Raises NoWarning."""
    with site.engine.connect() as connection:
        return store.one_warning(connection, warning_id, now)


def sent(site: Site, warning_id: int) -> Row:
    """Where a warning of ours went and when: the public feed, and each channel that took it. Raises NoWarning."""
    with site.engine.connect() as connection:
        row = store.one_warning(connection, warning_id, datetime.now(UTC))
        own = row["origin"] == OWN and row["known_at"] is not None
        feed_ = {"since": row["known_at"], "until": row["expires_at"], "path": "/cap/feed.atom"} if own else None
        return {"feed": feed_, "channels": went(connection, warning_id)}


def document(site: Site, warning_id: int) -> bytes:
    """The very bytes that came or were issued. Raises NoWarning."""
    with site.engine.connect() as connection:
        return store.document_of(connection, warning_id)


def area_of(value: Any) -> MultiPolygon:
    """An area as GeoJSON gives it, for a warning. Raises Wrong with what is the matter with it.

    What would have to be repaired is refused too: of an outline that crosses itself a part would be cut out, and who
    is there would not be warned. Parts over each other are one area, whatever way they are put together.
    """
    found = checked(value, "area")
    if found.geom is None:
        fault = next(fault for fault in found.faults if fault.weight == "refused")
        raise Wrong("area", fault.vi, fault.en)
    corners = shapely.get_num_coordinates(found.geom)
    if corners > CORNERS_MOST:
        vi = f"Quá nhiều đỉnh: {corners}, nhiều nhất {CORNERS_MOST}"
        raise Wrong("area", vi, f"Too many vertices: {corners}, at most {CORNERS_MOST}")
    cut = next((fault for fault in found.faults if fault.weight == "repaired" and fault.code != "overlap"), None)
    if cut is not None:
        at = "" if cut.lon is None or cut.lat is None else f" ({cut.lat:.5f} {cut.lon:.5f})"
        vi = f"{cut.vi}{at}: hãy vẽ lại, để không chỗ nào trong vùng bị bỏ sót"
        raise Wrong("area", vi, f"{cut.en}{at}: draw it again, so that no place inside is left out")
    return found.geom if found.geom.geom_type == "MultiPolygon" else MultiPolygon([found.geom])


@dataclass(frozen=True)
class Meant:
    """What a warning is to say of an area, as far as it is known by now. of_id: of an update, what it follows."""

    hazard: str = ""
    status: str = "Actual"
    onset_at: datetime | None = None
    expires_at: datetime | None = None
    of_id: int | None = None


def inside(site: Site, value: Any, now: datetime, meant: Meant | None = None) -> Row:
    """What lies in an area (GeoJSON): communes, boats, cameras, stations, open cases. Raises Wrong.

    meets: the other warnings in force there and then, because of which its level may be raised by up to raise_most.
    """
    area, late = area_of(value), meant or Meant()
    layers = [layer for layer in site.layers if layer.shape.kind in LAYER_KINDS]
    lost = {layer.name: timedelta(seconds=layer.style.lost_s) for layer in layers}
    with site.engine.connect() as connection, _in_time(connection):
        found = asdict(reach(connection, area, [layer.shape for layer in layers], lost, now))
        since = late.onset_at or now
        until = late.expires_at or since + LONGEST
        found["meets"] = meeting(connection, area, late.hazard, late.status, since, until, now, late.of_id)
        found["raise_most"] = raise_most(connection, now)
    titles = {layer.name: {"vi": layer.vi, "en": layer.en} for layer in layers}
    found["layers"] = [{**each, **titles[each["layer"]]} for each in found["layers"]]
    return {**found, "at": now, "geom": shapely.geometry.mapping(area)}


@contextmanager
def _in_time(connection: sa.Connection) -> Iterator[None]:
    """A transaction none of whose questions takes longer than REACH_MS. Raises Wrong for the area that does."""
    try:
        with connection.begin():
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(REACH_MS)}")
            yield
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != QUERY_CANCELED:
            raise
        vi = "Vùng này xem quá lâu chưa xong: hãy vẽ đơn giản hơn hoặc thử lại"
        raise Wrong("area", vi, "looking what lies in it takes too long: draw it simpler, or try again") from None


# What people do


def issuer(site: Site) -> Issuer:
    """Under whose name this installation warns."""
    return Issuer(site.cap_sender, {"vi": site.centre_vi, "en": site.centre_en})


def draft(site: Site, content: Content, actor: Actor, of_id: int | None = None) -> Row:
    """Begin a warning, or the update of one. Where data are simulated, it is simulated too: an exercise alone.

    Raises NoWarning, Stale, Wrong, as all that follow do.
    """

    def act(connection: sa.Connection, now: datetime) -> Row:
        made = deeds.draft(connection, content, actor, now, site.simulated, of_id)
        return store.one_warning(connection, made, now)

    return deed(site.engine, act)


def edit(site: Site, warning_id: int, version: int, content: Content, actor: Actor) -> Row:
    """Write a draft anew."""

    def act(connection: sa.Connection, now: datetime) -> Row:
        deeds.edit(connection, warning_id, version, content, actor, now)
        return store.one_warning(connection, warning_id, now)

    return deed(site.engine, act)


def approve(site: Site, warning_id: int, version: int, actor: Actor) -> Row:
    """Let it go out."""

    def act(connection: sa.Connection, now: datetime) -> Row:
        deeds.approve(connection, warning_id, version, actor, now)
        return store.one_warning(connection, warning_id, now)

    return deed(site.engine, act)


def send_back(site: Site, warning_id: int, version: int, actor: Actor, note: str) -> Row:
    """It may not go out as it is, and why."""

    def act(connection: sa.Connection, now: datetime) -> Row:
        deeds.send_back(connection, warning_id, version, actor, now, note)
        return store.one_warning(connection, warning_id, now)

    return deed(site.engine, act)


def discard(site: Site, warning_id: int, version: int, actor: Actor, note: str) -> Row:
    """It is not issued at all, and why."""

    def act(connection: sa.Connection, now: datetime) -> Row:
        deeds.discard(connection, warning_id, version, actor, now, note)
        return store.one_warning(connection, warning_id, now)

    return deed(site.engine, act)


def issue(site: Site, warning_id: int, version: int, actor: Actor) -> Row:
    """Issue what is approved."""

    def act(connection: sa.Connection, now: datetime) -> Row:
        deeds.issue(connection, warning_id, version, actor, now, issuer(site))
        return store.one_warning(connection, warning_id, now)

    return deed(site.engine, act)


def cancel(site: Site, warning_id: int, actor: Actor, note: str) -> Row:
    """End what is in force, and why: the Cancel that went out."""

    def act(connection: sa.Connection, now: datetime) -> Row:
        made = deeds.cancel(connection, warning_id, actor, now, note, issuer(site))
        return store.one_warning(connection, made, now)

    return deed(site.engine, act)


# What others read


def issued(site: Site, identifier: str) -> Answered | None:
    """The document of a message of ours, None when there is none of that identifier; also of what has ended."""
    with site.engine.connect() as connection:
        found = store.issued_document(connection, identifier)
    return None if found is None else Answered.of(*found)


def feed(site: Site, base: str, now: datetime) -> Answered:
    """Our warnings in force, and cancellations of what would still be, as Atom (RFC 4287). base: of our addresses."""
    with site.engine.connect() as connection:
        rows = store.told_outside(connection, now, FEED_MOST)
        changed = store.changed_at(connection, now) or datetime(1970, 1, 1, tzinfo=UTC)
    ET.register_namespace("", ATOM)
    root = ET.Element(f"{{{ATOM}}}feed")
    _put(root, "id", f"{base}/cap/feed.atom")
    _put(root, "title", " / ".join(FEED_TITLES))
    _put(root, "updated", _stamp(changed))
    _put(_put(root, "author"), "name", site.centre_vi)
    _put(root, "link", rel="self", type="application/atom+xml", href=f"{base}/cap/feed.atom")
    for row in rows:
        _entry(root, row, base)
    ET.indent(root)
    return Answered.of(ET.tostring(root, encoding="utf-8", xml_declaration=True), changed)


def _entry(root: ET.Element, row: Row, base: str) -> None:
    said = row["words"]["vi"]
    ended = "[HỦY] " if row["msg_type"] == "Cancel" else ""
    mark = MARKS.get(row["status"], "") + (MARKS["simulated"] if row["simulated"] else "") + ended
    entry, address = _put(root, "entry"), f"{base}/cap/{row['identifier']}.xml"
    _put(entry, "id", address)
    _put(entry, "title", mark + said["headline"])
    _put(entry, "updated", _stamp(row["sent"]))
    _put(entry, "link", rel="alternate", type="application/cap+xml", href=address)
    _put(entry, "summary", f"{mark}{said['headline']}. {row['area_words']}")
    _put(entry, "category", term=row["severity"], scheme="urn:oasis:names:tc:emergency:cap:1.2:severity")


def _put(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    made = ET.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    made.text = text
    return made


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
