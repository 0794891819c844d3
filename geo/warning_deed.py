"""What people do with a warning of our own: draft, edit, approve, send back, discard, issue, cancel; each deed a line.

The database itself sees to it that a second person approves (sql/warning.sql); here it is said in plain words first.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import shapely
import sqlalchemy as sa
from geoalchemy2.shape import from_shape

from geo.actor import Actor
from geo.boat_file import cleaned
from geo.cap import MOST_BYTES, Reference, write
from geo.warning import OWN, NoWarning, Stale, entry, message, reference
from geo.warning_cap import to_alert
from geo.warning_content import Content, checked
from geo.warning_raise import check_raise
from geo.wrong import Wrong

Row = dict[str, Any]
NOTE_MOST = 500


@dataclass(frozen=True)
class Issuer:
    """Under whose name warnings go out. sender: of CAP 3.2.1, a name that is unique in the world, as a domain is."""

    sender: str
    centre: Mapping[str, str] = field(default_factory=dict)


def draft(
    connection: sa.Connection, content: Content, actor: Actor, now: datetime, simulated: bool = False,
    of_id: int | None = None,
) -> int:  # fmt: skip
    """Begin a warning, or with of_id the update of one that is in force; its id. Raises NoWarning, Stale, Wrong."""
    good = checked(content, now)
    check_raise(connection, good, now, of_id)
    if of_id is not None:
        before = _in_force(connection, of_id, now)
        if (before["status"], before["simulated"]) != (good.status, simulated):
            raise Wrong("status", "Bản cập nhật phải cùng loại với bản trước", "an update is meant as what it updates")
        open_one = sa.select(message.c.id).where(
            message.c.of_id == of_id, message.c.known_at.is_(None), message.c.discarded_at.is_(None)
        )
        if (other := connection.scalar(open_one)) is not None:
            raise Stale(f"an update of warning {of_id} is being written already: {other}")
    if simulated and good.status == "Actual":
        raise Wrong("status", "Dữ liệu mô phỏng chỉ được diễn tập", "what is simulated can only be an exercise")
    values = {**good.columns(), "origin": OWN, "msg_type": "Alert" if of_id is None else "Update", "of_id": of_id,
              "simulated": simulated, "drafted_at": now, "drafted_by": actor.name}  # fmt: skip
    made = int(connection.execute(sa.insert(message).values(values).returning(message.c.id)).scalar_one())
    _line(connection, made, "draft", 1, actor, now, content=good.as_json())
    return made


def edit(
    connection: sa.Connection, warning_id: int, version: int, content: Content, actor: Actor, now: datetime
) -> None:
    """Write a draft anew; one that was approved must be approved again. Raises NoWarning, Stale, Wrong."""
    row, good = _open(connection, warning_id, version), checked(content, now)
    check_raise(connection, good, now, row["of_id"])
    if row["of_id"] is not None and good.status != row["status"]:
        raise Wrong("status", "Bản cập nhật phải cùng loại với bản trước", "an update is meant as what it updates")
    if row["simulated"] and good.status == "Actual":
        raise Wrong("status", "Dữ liệu mô phỏng chỉ được diễn tập", "what is simulated can only be an exercise")
    more = {"edited_at": now, "edited_by": actor.name, "approved_at": None, "approved_by": None}
    _change(connection, row, {**good.columns(), **more})
    _line(connection, warning_id, "edit", version + 1, actor, now, content=good.as_json())


def approve(connection: sa.Connection, warning_id: int, version: int, actor: Actor, now: datetime) -> None:
    """Let it go out, by somebody who wrote nothing of it and saw this version. Raises NoWarning, Stale, Wrong."""
    row = _open(connection, warning_id, version)
    if row["approved_at"] is not None:
        raise Stale(f"warning {warning_id} is approved already, by {row['approved_by']}")
    if row["expires_at"] <= now:
        raise Wrong("expires_at", "Cảnh báo đã quá hạn", "it has run out; write a later end")
    c = entry.c
    wrote = connection.scalars(sa.select(c.actor).where(c.message_id == warning_id, c.deed.in_(("draft", "edit"))))
    if _name(actor.name) in {_name(one) for one in wrote}:
        vi = "Người soạn không được tự duyệt: cần người thứ hai"
        raise Wrong("actor", vi, "who wrote it cannot approve it: a second person is needed")
    _change(connection, row, {"approved_at": now, "approved_by": actor.name})
    _line(connection, warning_id, "approve", version + 1, actor, now)


def send_back(connection: sa.Connection, warning_id: int, version: int, actor: Actor, now: datetime, note: str) -> None:
    """It may not go out as it is, and why: an approval, if there is one, is withdrawn. Raises as `approve` does."""
    row, said = _open(connection, warning_id, version), _said(note)
    _change(connection, row, {"approved_at": None, "approved_by": None})
    _line(connection, warning_id, "return", version + 1, actor, now, said)


def discard(connection: sa.Connection, warning_id: int, version: int, actor: Actor, now: datetime, note: str) -> None:
    """It is not issued at all, and why; it stays readable. Raises NoWarning, Stale, Wrong."""
    row, said = _open(connection, warning_id, version), _said(note)
    _change(connection, row, {"discarded_at": now, "discarded_by": actor.name})
    _line(connection, warning_id, "discard", version + 1, actor, now, said)


def issue(connection: sa.Connection, warning_id: int, version: int, actor: Actor, now: datetime, issuer: Issuer) -> str:
    """Issue what is approved: from now on its document stands; its identifier. Raises NoWarning, Stale, Wrong."""
    of_id, sender = _row(connection, warning_id)["of_id"], issuer.sender
    if of_id is not None:
        sender = _in_force(connection, of_id, now)["sender"]  # locked first: its id is the lower one
    row = _open(connection, warning_id, version)
    if row["approved_at"] is None:
        raise Stale(f"warning {warning_id} is not approved")
    if row["expires_at"] <= now:
        raise Wrong("expires_at", "Cảnh báo đã quá hạn", "it has run out; write a later end and have it approved")
    named = _identity(str(warning_id), now, sender)
    earlier = _chain(connection, row["of_id"])
    document = _document(row, named, _area(connection, warning_id), earlier, issuer)
    _change(connection, row, {**named, "known_at": now, "issued_by": actor.name, "document": document})
    _refer(connection, warning_id, earlier)
    _line(connection, warning_id, "issue", version + 1, actor, now)
    return str(named["identifier"])


def cancel(connection: sa.Connection, warning_id: int, actor: Actor, now: datetime, note: str, issuer: Issuer) -> int:
    """End at once what is in force, and why: the id of the Cancel that goes out. Raises NoWarning, Stale, Wrong.

    One person does it: a false warning must not stand while a second one is looked for. An update of it that is still
    being written is discarded with it.
    """
    said = _said(note)
    row = _in_force(connection, warning_id, now)
    c = message.c
    open_one = sa.and_(c.of_id == warning_id, c.known_at.is_(None), c.discarded_at.is_(None))
    for one in connection.execute(sa.select(message).where(open_one).with_for_update()).mappings().all():
        _change(connection, one, {"discarded_at": now, "discarded_by": actor.name})
        _line(connection, one["id"], "discard", one["version"] + 1, actor, now, said)
    copied = ("status", "hazard", "risk_level", "urgency", "severity", "certainty", "words", "area_words", "onset_at",
              "expires_at", "simulated")  # fmt: skip
    values = {name: row[name] for name in copied} | {"origin": OWN, "msg_type": "Cancel"}
    named = _identity(f"{warning_id}-cancel", now, row["sender"])  # a warning is cancelled once
    earlier = _chain(connection, warning_id)
    area = _area(connection, warning_id)
    document = _document({**values, "note": said}, named, area, earlier, issuer)
    about = {"of_id": warning_id, "geom": from_shape(area, srid=4326), "ends_at": now, "drafted_at": now,
             "drafted_by": actor.name, "known_at": now, "issued_by": actor.name, "document": document}  # fmt: skip
    kept = sa.insert(message).values({**values, **named, **about}).returning(message.c.id)
    made = int(connection.execute(kept).scalar_one())
    _refer(connection, made, earlier)
    for id, version in ((warning_id, row["version"]), (made, 1)):
        _line(connection, id, "cancel", version, actor, now, said)
    return made


def _said(note: str) -> str:
    said = cleaned(note)
    if not 0 < len(said) <= NOTE_MOST:
        raise Wrong("note", f"Ghi lý do, nhiều nhất {NOTE_MOST} ký tự", f"say why, in at most {NOTE_MOST} characters")
    return said


def _name(name: str) -> str:
    """A name as it is compared (same_name in sql/warning.sql)."""
    return " ".join(unicodedata.normalize("NFC", name).split()).lower()


def _row(connection: sa.Connection, warning_id: int, lock: bool = False) -> sa.RowMapping:
    query = sa.select(message).where(message.c.id == warning_id, message.c.origin == OWN)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NoWarning(f"there is no warning {warning_id} of our own")
    return row


def _open(connection: sa.Connection, warning_id: int, version: int) -> sa.RowMapping:
    """Lock a warning that is not issued yet, as it was seen. Raises NoWarning, Stale."""
    row = _row(connection, warning_id, lock=True)
    if row["known_at"] is not None or row["discarded_at"] is not None:
        what, by = ("issued", row["issued_by"]) if row["known_at"] else ("discarded", row["discarded_by"])
        raise Stale(f"warning {warning_id} is {what} already, by {by}")
    if row["version"] != version:
        by = row["edited_by"] or row["drafted_by"]
        raise Stale(f"warning {warning_id} is of version {row['version']} by now, written by {by}; look at it again")
    return row


def _in_force(connection: sa.Connection, warning_id: int, now: datetime) -> sa.RowMapping:
    """Lock a warning of our own that is in force. Raises NoWarning, Stale."""
    row = _row(connection, warning_id, lock=True)
    r, c = reference.c, message.c
    after = (
        sa.select(c.msg_type)
        .join(reference, r.message_id == c.id)
        .where(r.identifier == row["identifier"], r.sender == row["sender"], r.sent == row["sent"], c.origin == OWN,
               c.known_at.is_not(None))
        .limit(1)
    )  # fmt: skip
    if row["known_at"] is None or row["msg_type"] == "Cancel":
        raise Stale(f"warning {warning_id} is not issued")
    if (followed := connection.scalar(after)) is not None:
        raise Stale(f"warning {warning_id} was {'cancelled' if followed == 'Cancel' else 'updated'} already")
    if row["ends_at"] <= now:
        raise Stale(f"warning {warning_id} has run out; write a new one")
    return row


def _change(connection: sa.Connection, row: Mapping[Any, Any], values: Row) -> None:
    told = {**values, "version": row["version"] + 1}
    connection.execute(sa.update(message).where(message.c.id == row["id"]).values(told))


def _line(
    connection: sa.Connection, warning_id: int, deed: str, version: int, actor: Actor, now: datetime,
    note: str | None = None, content: Row | None = None,
) -> None:  # fmt: skip
    line = {"message_id": warning_id, "deed": deed, "version": version, "note": note, "content": content, "at": now,
            "actor": actor.name, "actor_kind": actor.kind}  # fmt: skip
    connection.execute(sa.insert(entry).values(line))


def _identity(number: str, now: datetime, sender: str) -> Row:
    """sender: of what it follows, whatever we are called by now: nobody ends the warning of another."""
    sent = now.replace(microsecond=0)  # as precise as a time in CAP is (3.3.2)
    return {"identifier": f"haidang-{sent:%Y%m%d}-{number}", "sender": sender, "sent": sent}


def _area(connection: sa.Connection, warning_id: int) -> Any:
    query = sa.select(sa.func.ST_AsBinary(message.c.geom)).where(message.c.id == warning_id)
    return shapely.from_wkb(bytes(connection.scalar(query) or b""))


def _chain(connection: sa.Connection, warning_id: int | None) -> tuple[Reference, ...]:
    """A warning and all that it updated, oldest first: what a message that follows it refers to (CAP 3.2.1)."""
    chain: list[Reference] = []
    while warning_id is not None:
        row = _row(connection, warning_id)
        chain.insert(0, Reference(row["sender"], row["identifier"], row["sent"]))
        warning_id = row["of_id"]
    return tuple(chain)


def _refer(connection: sa.Connection, warning_id: int, earlier: tuple[Reference, ...]) -> None:
    rows = [{"message_id": warning_id, **asdict(one)} for one in earlier]
    if rows:
        connection.execute(sa.insert(reference), rows)


def _document(row: Mapping[Any, Any], named: Row, area: Any, earlier: tuple[Reference, ...], issuer: Issuer) -> bytes:
    document = write(to_alert({**row, **named}, area, earlier, issuer.centre))
    if len(document) > MOST_BYTES:
        raise Wrong("words", "Cảnh báo quá dài", f"its document has {len(document)} bytes, at most {MOST_BYTES}")
    return document
