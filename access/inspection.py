"""What a person writes down about a boat's inspections, and what screens and routes are given of them."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from access.boat import registration_of
from access.site import Site
from geo.actor import Actor
from geo.fleet import boat_of
from geo.inspection import Inspection, add_inspection, inspections
from geo.yielding import deed

LISTED_MOST = 200


class NoBoat(LookupError):
    """The register has no boat of that registration or MMSI."""


def listed(connection: sa.Connection, key: str, limit: int = LISTED_MOST) -> Sequence[dict[str, Any]]:
    """The inspections of the boat that a registration in any spelling, or an MMSI, names. Raises NoBoat."""
    registration = registration_of(connection, key)
    if registration is None or boat_of(connection, registration) is None:
        raise NoBoat(key[:40])
    return inspections(connection, registration, limit)


def write_down(site: Site, item: Inspection, actor: Actor) -> int:
    """Keep an inspection; its number. Raises geo.wrong.Wrong for the first thing that is not right with it."""
    return deed(site.engine, lambda connection, now: add_inspection(connection, item, actor, now))
