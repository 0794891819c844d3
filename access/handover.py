"""What people do when a shift is given over: each signature one transaction, by a name of its own."""

from datetime import UTC, datetime
from typing import Any

from access.site import Site
from geo import handover
from geo.actor import Actor
from geo.shift import Shift


def give(site: Site, shift: Shift, note: str, actor: Actor) -> dict[str, Any]:
    """Sign as the one who gives the shift over; the row as it stands then. Raises geo.handover.Refused."""
    with site.engine.begin() as connection:
        return handover.give(connection, shift, note, actor, datetime.now(UTC))


def take(site: Site, number: int, actor: Actor) -> dict[str, Any]:
    """Sign as the one who takes over what was given under that number. Raises geo.handover.Refused."""
    with site.engine.begin() as connection:
        return handover.take(connection, number, actor, datetime.now(UTC))
