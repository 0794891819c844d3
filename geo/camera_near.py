"""Which cameras look at a place: the nearest whose field of view takes in its direction."""

from dataclasses import asdict, dataclass
from math import cos, radians
from typing import Any

import sqlalchemy as sa

from geo.table import Shape

WITHIN_M = 2_000.0  # beyond that no camera of a street shows anything of a place
METRES_A_DEGREE = 111_320.0


@dataclass(frozen=True)
class Looking:
    """A camera that looks at a place. off_axis_deg: how far from the middle of its picture (0 for one that sees all
    round); in_range: whether its owner says that it sees so far, None where the owner does not say.
    """

    id: str
    name: str
    lon: float
    lat: float
    distance_m: float
    bearing_deg: float
    off_axis_deg: float
    in_range: bool | None
    health: int | None
    picture: bool
    stream: bool
    simulated: bool

    def told(self) -> dict[str, Any]:
        """As plain values, rounded to what they mean."""
        rounded = {name: round(getattr(self, name), 1) for name in ("distance_m", "bearing_deg", "off_axis_deg")}
        return {**asdict(self), **rounded}


def looking_at(
    connection: sa.Connection, shape: Shape, lon: float, lat: float, limit: int = 3, within_m: float = WITHIN_M
) -> list[Looking]:
    """The nearest cameras that look at a place, those first that show something.

    A camera of which it is not known where to or how wide it looks is not among them.
    """
    reach = within_m / METRES_A_DEGREE * 1.1
    given = {"lon": lon, "lat": lat, "within_m": within_m, "reach": reach, "east": reach / max(0.05, cos(radians(lat)))}
    rows = connection.execute(sa.text(_QUERY.format(table=shape.latest.name)), {**given, "most": limit}).mappings()
    return [Looking(**row) for row in rows]


# The difference of two directions is the smaller of the two ways round.
_QUERY = """
WITH near AS (
    SELECT id, coalesce(name, id) AS name, ST_X(geom) AS lon, ST_Y(geom) AS lat, health, simulated,
           coalesce(snapshot_url, '') <> '' AS picture, coalesce(hls_url, '') <> '' AS stream,
           azimuth_deg, field_of_view_deg AS width, range_m,
           ST_Distance(geom::geography, here.at) AS distance_m,
           coalesce(degrees(ST_Azimuth(geom::geography, here.at)), 0) AS bearing_deg
    FROM {table}, (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography AS at) here
    WHERE field_of_view_deg > 0
      AND geom && ST_MakeEnvelope(:lon - :east, :lat - :reach, :lon + :east, :lat + :reach, 4326)
), turned AS (
    SELECT *, CASE WHEN width >= 360 THEN 0
                   ELSE 180 - abs(180 - abs(azimuth_deg - bearing_deg)) END AS off_axis_deg
    FROM near WHERE distance_m <= :within_m
)
SELECT id, name, lon, lat, distance_m, bearing_deg, off_axis_deg, distance_m <= range_m AS in_range,
       health, picture, stream, simulated
FROM turned WHERE off_axis_deg <= width / 2
ORDER BY coalesce(health, 0) >= 2, distance_m, id LIMIT :most
"""
