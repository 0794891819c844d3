"""A past for the rule lab, made in the database itself: boats that go to and fro across an area, day after day."""

from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from geo import history
from layers.vessel import LAYER

FIRST = 574_200_000
FIXES = """
INSERT INTO vessel_history (mmsi, observed_at, received_at, source, simulated, speed, track, geom)
SELECT :first + boat, at, at, 'ais.sim', true, 5, 0,
       ST_SetSRID(ST_Point(107.7 + 0.2 * abs(sin(extract(epoch FROM at) / 9000 + boat)), 16.7 + boat * 0.0003), 4326)
FROM generate_series(0, :boats - 1) AS boat,
     generate_series(CAST(:start AS timestamptz), CAST(:finish AS timestamptz), make_interval(secs => :every)) AS at
"""
LATEST = """
INSERT INTO vessel (mmsi, shipname, observed_at, received_at, source, simulated, ship_type, length_m, geom)
SELECT DISTINCT ON (mmsi) mmsi, 'TTH-9' || mmsi % 10000, observed_at, received_at, source, simulated, 30, 18, geom
FROM vessel_history WHERE mmsi >= :first ORDER BY mmsi, observed_at DESC
"""


def lay(owner: sa.Engine, start: datetime, finish: datetime, boats: int, every_s: float) -> int:
    """Lay the past of so many boats, a fix every so many seconds; how many fixes it has."""
    days = pd.date_range(start, finish, freq="6h").append(pd.DatetimeIndex([finish]))
    given = {"first": FIRST, "boats": boats, "start": start, "finish": finish, "every": every_s}
    with owner.begin() as connection:
        history.ensure_days(connection, LAYER.shape, pd.DataFrame({"observed_at": days}))
        count = connection.execute(sa.text(FIXES), given).rowcount
        connection.execute(sa.text(LATEST), {"first": FIRST})
    return count
