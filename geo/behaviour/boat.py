"""Everything that one boat did by itself in a stretch of its fixes."""

from datetime import datetime

from geo.behaviour.criteria import Criteria
from geo.behaviour.event import Event
from geo.behaviour.fishing import fishing
from geo.behaviour.gap import gaps
from geo.behaviour.loitering import loitering
from geo.behaviour.port_visit import port_visits
from geo.behaviour.way import Way

ALONE = ("fishing", "loitering", "port_visit", "gap", "possible_disabling")


def behaviour(
    way: Way,
    criteria: Criteria,
    now: datetime,
    gear: str | None,
    catches: bool,
    in_port_since: datetime | None = None,
    heard_before: int = 0,
) -> list[Event]:
    """Its events in the order of their beginning, those that go on among them.

    catches: whether its work is catching fish; in_port_since as port_visits, heard_before as gaps has it.
    """
    found = [
        *loitering(way, criteria),
        *port_visits(way, criteria, in_port_since),
        *gaps(way, criteria, now, heard_before=heard_before),
    ]
    if catches:
        found += fishing(way, gear, criteria)
    return sorted(found, key=lambda event: (event.began_at, event.kind))
