"""Everything that one boat did by itself in a stretch of its fixes."""

from collections.abc import Sequence
from datetime import datetime

from geo.behaviour.criteria import Criteria
from geo.behaviour.event import Event
from geo.behaviour.fishing import fishing
from geo.behaviour.gap import Span, gaps
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
    away: Sequence[Span] = (),
) -> list[Event]:
    """Its events in the order of their beginning, those that go on among them.

    catches: whether its work is catching fish; in_port_since as port_visits, heard_before and away as gaps has them.
    """
    found = [
        *loitering(way, criteria),
        *port_visits(way, criteria, in_port_since),
        *gaps(way, criteria, now, heard_before=heard_before, away=away),
    ]
    if catches:
        found += fishing(way, gear, criteria)
    return sorted(found, key=lambda event: (event.began_at, event.kind))
