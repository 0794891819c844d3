"""Warnings of others as they come in: each message kept once, with the very bytes that it came in."""

from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from geoalchemy2.shape import from_shape
from sqlalchemy.dialects.postgresql import insert

from geo.actor import SYSTEM
from geo.cap import NotCap, Read, read
from geo.warning import OWN, entry, message, reference
from geo.warning_cap import of_read

AHEAD = timedelta(minutes=2)  # what was sent so far ahead of us comes from a wrong clock
What = Literal["new", "known", "other"]


def receive(
    connection: sa.Connection, origin: str, found: Read, document: bytes, now: datetime, ending: timedelta,
    simulated: bool = False,
) -> What:  # fmt: skip
    """Keep an alert of a source: `new`; `known` if it is there already; `other` if another one is under its names.

    What it updates or cancels may come later: nothing is looked for here. Raises Unfit.
    """
    if origin == OWN:
        raise ValueError("what we issue does not come in from outside")
    row, refers = of_read(found, ending)
    if row["sent"] > now + AHEAD:
        row["notes"] = [*row["notes"], f"alert/sent: is ahead of our clock ({now:%FT%TZ})"]
    geom = row.pop("geom")
    values = {**row, "geom": None if geom is None else from_shape(geom, srid=4326), "origin": origin,
              "document": document, "known_at": now, "simulated": simulated}  # fmt: skip
    statement = insert(message).values(values).on_conflict_do_nothing().returning(message.c.id)
    made = connection.scalar(statement)
    if made is None:
        return "known" if _same(connection, origin, found) else "other"
    if refers:
        named = [{"message_id": made, "sender": one.sender, "identifier": one.identifier, "sent": one.sent}
                 for one in refers]  # fmt: skip
        connection.execute(insert(reference).values(named).on_conflict_do_nothing())
    line = {"message_id": made, "deed": "receive", "version": 1, "at": now, "actor": SYSTEM.name,
            "actor_kind": SYSTEM.kind}  # fmt: skip
    connection.execute(sa.insert(entry).values(line))
    return "new"


def _same(connection: sa.Connection, origin: str, found: Read) -> bool:
    """Whether what is kept says the same: a server may write one alert with other spaces each time."""
    c, alert = message.c, found.alert
    query = sa.select(c.document).where(
        c.origin == origin, c.sender == alert.sender, c.identifier == alert.identifier, c.sent == alert.sent
    )
    try:
        return read(bytes(connection.scalar(query) or b"")).alert == alert
    except NotCap:  # it came within a list, whose prefixes it stands under
        return False
