"""In what state each warning is at a moment, and what is in force.

A row is one CAP message. Its state follows from its timestamps and from the messages that refer to it, and is stored
nowhere; so in whatever order messages come, and however often, the same is in force.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from geo.warning import OWN, NoWarning, Row, entry, message

# A message ends what it names only if it comes from the same source and sender and is meant as much as that: nobody
# ends another's warning, and no exercise a true one.
_STATE = """
    CASE WHEN m.known_at IS NULL OR m.known_at > :at THEN
            CASE WHEN m.discarded_at <= :at THEN 'discarded' WHEN m.approved_at <= :at THEN 'approved' ELSE 'draft' END
         WHEN m.msg_type NOT IN ('Alert', 'Update') OR m.status NOT IN ('Actual', 'Exercise') THEN 'notice'
         WHEN after.cancelled_by IS NOT NULL THEN 'cancelled'
         WHEN after.updated_by IS NOT NULL THEN 'updated'
         WHEN m.ends_at <= :at THEN 'expired'
         ELSE 'issued' END"""
_AFTER = """
    LEFT JOIN LATERAL (
        SELECT max(n.id) FILTER (WHERE n.msg_type = 'Cancel') AS cancelled_by,
               max(n.id) FILTER (WHERE n.msg_type = 'Update') AS updated_by
        FROM warning_reference r JOIN warning_message n ON n.id = r.message_id
        WHERE r.identifier = m.identifier AND r.sender = m.sender AND r.sent = m.sent
          AND n.origin = m.origin AND n.sender = m.sender AND n.status = m.status
          AND n.msg_type IN ('Update', 'Cancel') AND n.id <> m.id AND n.known_at <= :at
    ) AS after ON true"""
PLAIN = (
    "id", "origin", "identifier", "sender", "sent", "status", "msg_type", "of_id", "hazard", "risk_level", "urgency",
    "severity", "certainty", "words", "area_words", "onset_at", "expires_at", "ends_at", "simulated", "signed", "notes",
    "drafted_at", "drafted_by", "edited_at", "edited_by", "approved_at", "approved_by", "discarded_at", "discarded_by",
    "known_at", "issued_by", "version",
)  # fmt: skip
_COLUMNS = ", ".join(f"m.{name}" for name in PLAIN)


@dataclass(frozen=True)
class Wanted:
    """Which warnings. states: none is all; before: further down the list than that id."""

    states: tuple[str, ...] = ()
    origin: str | None = None
    before: int | None = None


def warnings(connection: sa.Connection, wanted: Wanted, now: datetime, limit: int) -> list[Row]:
    """Warnings as they are at a moment, the newest first, without their geometry and document.

    Of what is in force our own come first: however many others send, they push none of ours off a map or a list.

    `state`: of STATES; `next`: the id of the message that updated or cancelled it; `last_deed`: what was done last.
    """
    parts = ["true"]
    if wanted.origin is not None:
        parts.append("m.origin = :origin")
    holding = wanted.states == ("issued",)
    if wanted.before is not None:
        own = "(SELECT b.origin = 'own' FROM warning_message b WHERE b.id = :before)"
        parts.append(f"(m.origin = 'own', m.id) < ({own}, :before)" if holding else "m.id < :before")
    if holding:
        parts.append("m.known_at IS NOT NULL AND m.ends_at > :at")  # by the index on it, however many there have been
    if wanted.states and set(wanted.states) <= {"draft", "approved", "discarded"}:
        parts.append("(m.known_at IS NULL OR m.known_at > :at)")
    first = "(origin = 'own') DESC, " if holding else ""
    chosen = " WHERE told.state = ANY(:states)" if wanted.states else ""
    query = sa.text(
        f"SELECT * FROM (SELECT {_COLUMNS}, {_STATE} AS state,"
        " coalesce(after.cancelled_by, after.updated_by) AS next,"
        " (SELECT e.deed FROM warning_entry e WHERE e.message_id = m.id AND e.at <= :at ORDER BY e.id DESC LIMIT 1)"
        " AS last_deed"
        f" FROM warning_message m{_AFTER} WHERE {' AND '.join(parts)}) AS told{chosen}"
        f" ORDER BY {first}id DESC LIMIT :limit"
    )
    given = {"at": now, "limit": limit, "states": list(wanted.states), "origin": wanted.origin, "before": wanted.before}
    return [dict(row) for row in connection.execute(query, given).mappings()]


def in_force(connection: sa.Connection, now: datetime, origin: str | None = None, limit: int = 1000) -> list[Row]:
    """What holds at a moment: issued or received, not followed by another, not over."""
    return warnings(connection, Wanted(("issued",), origin), now, limit)


def in_force_mark(connection: sa.Connection, now: datetime) -> str:
    """Changes whenever what is in force may have: messages are only ever added, and each ends once."""
    query = sa.text(
        "SELECT count(*), max(known_at), count(*) FILTER (WHERE ends_at > :at) FROM warning_message"
        " WHERE known_at <= :at"
    )
    return " ".join(map(str, connection.execute(query, {"at": now}).one()))


def one_warning(connection: sa.Connection, warning_id: int, now: datetime) -> Row:
    """One warning with its area as GeoJSON (`geom`) and the deeds about it, oldest first (`log`). Raises NoWarning."""
    query = sa.text(
        f"SELECT {_COLUMNS}, {_STATE} AS state, coalesce(after.cancelled_by, after.updated_by) AS next,"
        f" CAST(ST_AsGeoJSON(m.geom, 6) AS jsonb) AS geom FROM warning_message m{_AFTER} WHERE m.id = :id"
    )
    row = connection.execute(query, {"id": warning_id, "at": now}).mappings().one_or_none()
    if row is None:
        raise NoWarning(f"there is no warning {warning_id}")
    c = entry.c
    lines = sa.select(c.deed, c.version, c.note, c.content, c.at, c.actor).where(c.message_id == warning_id)
    return {**row, "log": [dict(line) for line in connection.execute(lines.order_by(c.id)).mappings()]}


def shapes(connection: sa.Connection, ids: Sequence[int]) -> dict[int, Any]:
    """The areas of some warnings as GeoJSON; one that came without any is left out."""
    query = sa.text(
        "SELECT id, CAST(ST_AsGeoJSON(geom, 6) AS jsonb) FROM warning_message WHERE id = ANY(:ids) AND geom IS NOT NULL"
    )
    return {int(row[0]): row[1] for row in connection.execute(query, {"ids": list(ids)})}


def issued_document(connection: sa.Connection, identifier: str) -> tuple[bytes, datetime] | None:
    """The document of an own message that was issued, and when it was; None when there is none of that identifier."""
    c = message.c
    query = sa.select(c.document, c.known_at).where(
        c.origin == OWN, c.identifier == identifier, c.known_at.is_not(None)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (bytes(row[0]), row[1])


def told_outside(connection: sa.Connection, now: datetime, limit: int) -> list[Row]:
    """What our own feed holds at a moment, the newest first: what is in force, and each Cancel for as long as what it
    ended would have been, so that whoever heard of the one hears of the other.
    """
    rows = in_force(connection, now, OWN, limit)
    query = sa.text(
        f"SELECT {_COLUMNS}, 'notice' AS state, CAST(NULL AS bigint) AS next FROM warning_message m"
        " WHERE m.origin = 'own' AND m.msg_type = 'Cancel' AND m.known_at <= :at AND m.expires_at > :at"
        " ORDER BY m.id DESC LIMIT :limit"
    )
    ended = [dict(row) for row in connection.execute(query, {"at": now, "limit": limit}).mappings()]
    return sorted([*rows, *ended], key=lambda row: int(row["id"]), reverse=True)[:limit]


def changed_at(connection: sa.Connection, now: datetime) -> datetime | None:
    """When our own feed changed last: something was issued, or ended by itself."""
    query = sa.text(
        "SELECT greatest(max(known_at), max(expires_at) FILTER (WHERE expires_at <= :at)) FROM warning_message"
        " WHERE origin = 'own' AND known_at <= :at"
    )
    found: datetime | None = connection.scalar(query, {"at": now})
    return found


def document_of(connection: sa.Connection, warning_id: int) -> bytes:
    """The bytes that came or were issued. Raises NoWarning where there are none."""
    document = connection.scalar(sa.select(message.c.document).where(message.c.id == warning_id))
    if document is None:
        raise NoWarning(f"there is no document of a warning {warning_id}")
    return bytes(document)
