"""What screens and routes are given of the register, phone numbers masked, and what a person changes in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from access.editing import Missing, conflict, said
from access.site import Site
from geo import fleet
from geo.actor import Actor
from geo.contact import Contact, contacts
from geo.fleet import Boat
from geo.heard import Heard, vessel_of
from geo.yielding import deed


@dataclass(frozen=True)
class Card:
    """A boat with its people, their numbers masked unless the reader may have them, and its vessel of AIS."""

    boat: Boat
    people: tuple[Contact, ...]
    heard: Heard | None


def card(connection: sa.Connection, registration: str, may_read_contacts: bool = False) -> Card | None:
    """A boat by its registration in any spelling; None when the register has none.

    may_read_contacts: whether the caller's role lets it read numbers (Law 91/2025/QH15); whoever does not say is not.
    """
    boat = fleet.boat_of(connection, registration)
    if boat is None:
        return None
    people = contacts(connection, [boat.registration]).get(boat.registration, ())
    shown = tuple(one if may_read_contacts else one.masked for one in people)
    return Card(boat, shown, vessel_of(connection, boat.registration))


def change(
    site: Site,
    registration: str,
    version: int,
    made: Callable[[Boat, datetime], Boat],
    actor: Actor,
    comment: str | None = None,
    people: Sequence[Contact] = (),
) -> Boat:
    """Change a boat that somebody looked at in this version: `made` gives it as it is to be (geo.fleet.fit, lay_up...).

    Raises Missing; Conflict when another version counts now; Wrong for what cannot be.
    """

    def do(connection: sa.Connection, now: datetime) -> Boat:
        known = fleet.boat_of(connection, registration)
        if known is None:
            raise Missing(f"there is no boat {registration[:40]!r} in the register")
        if known.version != version:
            raise conflict(connection, "boat", known.registration, known.registration, known.version)
        try:
            return fleet.put_boat(connection, made(known, now), actor, now, said(comment), people)
        except fleet.Outdated as outdated:
            raise conflict(connection, "boat", known.registration, known.registration, outdated.version) from None

    return deed(site.engine, do)
