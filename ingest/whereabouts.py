"""Where a boat was by its own fixes: read from the history for those who judge what it did."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from geo.anomaly import counted
from geo.behaviour.event import moment
from geo.behaviour.way import Ports, Way, way_of
from geo.feature import parse_key
from geo.table import Shape

HEARD_WITHIN = timedelta(days=10)
THINNED = "1 minute"
Key = tuple[str, str]  # layer and key


@dataclass(frozen=True)
class Boat:
    """A boat that is to be looked at. fishing: of the register or a fishing ship by AIS; catches: no logistics boat."""

    shape: Shape
    key: str
    label: str
    observed_at: datetime
    simulated: bool
    fishing: bool
    catches: bool
    gear: str | None = None

    @property
    def name(self) -> Key:
        """What it is remembered by."""
        return self.shape.name, self.key


def fixes(connection: sa.Connection, one: Boat, start: datetime, end: datetime, ports: Ports) -> Way:
    """The boat's fixes in [start, end] that are still in the database, of those of one minute the first."""
    assert one.shape.history is not None
    column = one.shape.history.c
    minute = sa.func.date_bin(sa.text(f"interval '{THINNED}'"), column.observed_at, sa.text("timestamptz 'epoch'"))
    query = (
        sa.select(
            sa.extract("epoch", column.observed_at), sa.func.ST_X(column.geom), sa.func.ST_Y(column.geom), column.speed
        )
        .where(*_own(one), column.observed_at.between(start, end))
        .ext(distinct_on(minute))
        .order_by(minute, column.observed_at)
    )  # fmt: skip
    rows = connection.execute(query).all()
    columns = np.array([tuple(row) for row in rows], float).reshape(-1, 4).T
    return way_of(columns[0], columns[1], columns[2], columns[3], ports)


def last_before(connection: sa.Connection, one: Boat, before: datetime) -> datetime | None:
    """When the boat's last fix before a moment was, none if that is longer ago than HEARD_WITHIN."""
    assert one.shape.history is not None
    at = one.shape.history.c.observed_at
    query = sa.select(at).where(*_own(one), at < before, at >= before - HEARD_WITHIN)
    return connection.scalar(query.order_by(at.desc()).limit(1))


def heard_by(one: Boat, start: float, end: datetime) -> sa.CompoundSelect[Any]:
    """The sources of the boat's fixes from `start` (Unix seconds) to `end`, and of its last one, as a query."""
    assert one.shape.history is not None
    column, latest = one.shape.history.c, one.shape.latest.c
    then = column.observed_at.between(moment(start), end)
    last = sa.select(latest.source).where(latest[one.shape.key] == parse_key(one.shape, one.key))
    return sa.select(column.source).where(*_own(one), then).union(last)


def _own(one: Boat) -> list[Any]:
    """Conditions for the fixes that tell where it was by itself: no other sender's, none told by hand."""
    assert one.shape.history is not None
    column = one.shape.history.c
    found = [column[one.shape.key] == parse_key(one.shape, one.key), column.geom.is_not(None)]
    found += [counted(one.shape.history), sa.func.coalesce(column.track, 0) == 0]
    return [*found, *([column.manual.is_not(True)] if "manual" in column else [])]
