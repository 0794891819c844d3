"""When those by whom a boat is heard were away as a whole: its own silence says nothing about the boat then."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import sqlalchemy as sa

from geo import table
from geo.behaviour.criteria import Criteria
from geo.behaviour.gap import Span
from geo.behaviour.way import Way
from geo.boat_event import VMS
from geo.fishery import boat_signal
from ingest.whereabouts import Boat, heard_by


def absences(connection: sa.Connection, one: Boat, way: Way, criteria: Criteria, now: datetime) -> Sequence[Span]:
    """The spans up to now in which a source of the boat's fixes, or its provider's link, was silent as a whole.

    They are those of the alarms of kind `feed` and `outage` that nobody took back. Nobody is asked where the boat
    itself was never silent for as long as a gap.
    """
    if not len(way) or np.diff(way.at, append=now.timestamp()).max() < criteria["gap_least"]:
        return ()
    alarm, rule = table.alarm.c, table.rule.c
    whole = (rule.kind == "feed") & alarm.object_key.in_(heard_by(one, way.at[0], now))
    if one.shape.name == VMS:
        provider = sa.select(boat_signal.c.provider).where(boat_signal.c.registration == one.key)
        whole |= (rule.kind == "outage") & alarm.object_key.in_(provider)
    query = sa.select(alarm.observed_at, sa.func.coalesce(alarm.cleared_at, now)).join(table.rule)
    query = query.where(whole, alarm.layer == one.shape.name, alarm.withdrawn_at.is_(None))
    return [(begin, end) for begin, end in connection.execute(query.order_by(alarm.observed_at)).all()]
