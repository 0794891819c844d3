"""What lies in an area before people there are warned: communes, and by layer boats, cameras, stations, open cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import shapely
import sqlalchemy as sa

from geo.feature import label_column
from geo.table import Shape

NAMED = 12  # of each layer's features, the first by name


@dataclass(frozen=True)
class Commune:
    """A commune that the area touches. share: how much of it lies inside (0-1); population: of all of it, if known.

    estimated: no authority has given its outline yet; its land is guessed by reference points.
    """

    code: str
    kind: str
    name: str
    province: str
    population: int | None
    estimated: bool
    share: float


@dataclass(frozen=True)
class Inside:
    """A layer's features inside. count: all of them; old: those whose last position or observation is older than it
    should be, so that nobody knows whether they are still there; names: the first NAMED with their keys.
    """

    layer: str
    count: int
    old: int
    simulated: int
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Reach:
    """All that lies in an area. boats: vessels of all moving layers, one that two layers know counted once.

    people_at_most: of the communes whose population is known, all people, inside or not; without_population: of how
    many it is not known.
    """

    communes: tuple[Commune, ...]
    layers: tuple[Inside, ...]
    boats: int
    people_at_most: int
    without_population: int


def reach(
    connection: sa.Connection, area: Any, shapes: Sequence[Shape], lost: Mapping[str, timedelta], now: datetime
) -> Reach:
    """What lies in an area (shapely, degrees). lost: of each layer's name, after what time a feature of it is old."""
    wkb = shapely.to_wkb(area)
    found = communes(connection, wkb)
    layers = tuple(_inside(connection, wkb, shape, now - lost[shape.name]) for shape in shapes)
    moving = [shape for shape in shapes if shape.kind == "moving"]
    counts = {one.layer: one.count for one in layers}
    boats = sum(counts[shape.name] for shape in moving) - _known_twice(connection, wkb, moving)
    known = [one.population for one in found if one.population is not None]
    return Reach(found, layers, boats, sum(known), len(found) - len(known))


# Within one commune a square degree is as large everywhere, to a thousandth, and only the share is asked for.
_COMMUNES = sa.text(
    """
    SELECT a.code, a.kind, a.name, a.province, a.population, touched.estimated,
           least(touched.inside / whole.size, 1) AS share
    FROM (SELECT p.code, bool_or(p.estimated) AS estimated,
                 sum(ST_Area(CASE WHEN ST_CoveredBy(p.geom, ST_GeomFromWKB(:area, 4326)) THEN p.geom
                                  ELSE ST_Intersection(p.geom, ST_GeomFromWKB(:area, 4326)) END)) AS inside
          FROM area_piece p WHERE ST_Intersects(p.geom, ST_GeomFromWKB(:area, 4326)) GROUP BY p.code) AS touched
    JOIN area a ON a.code = touched.code AND a.valid_until IS NULL
    JOIN LATERAL (SELECT sum(ST_Area(geom)) AS size FROM area_piece WHERE code = touched.code) AS whole ON true
    WHERE touched.inside > 0 ORDER BY share DESC, a.name, a.code
    """
)


def communes(connection: sa.Connection, area_wkb: bytes) -> tuple[Commune, ...]:
    """The communes that an area touches, those of which most lies inside first."""
    rows = connection.execute(_COMMUNES, {"area": area_wkb}).mappings()
    return tuple(Commune(**{**row, "share": round(float(row["share"]), 4)}) for row in rows)


def _inside(connection: sa.Connection, area_wkb: bytes, shape: Shape, since: datetime) -> Inside:
    """One layer's features inside, of cases the open ones alone."""
    opened = " AND closed_at IS NULL" if shape.kind == "case" else ""
    query = _INSIDE.format(table=shape.name, key=shape.key, label=label_column(shape).name, opened=opened)
    row = connection.execute(sa.text(query), {"area": area_wkb, "since": since, "named": NAMED}).one()
    return Inside(shape.name, row.n, row.old, row.simulated, tuple((key, name) for key, name in row.names))


# The names are the declared ones of the layer's own table, nothing of them comes from outside.
_INSIDE = """
    WITH inside AS MATERIALIZED (
        SELECT CAST({key} AS text) AS key, coalesce(nullif(CAST({label} AS text), ''), CAST({key} AS text)) AS name,
               observed_at IS NULL OR observed_at < :since AS old, simulated
        FROM {table} WHERE ST_Intersects(geom, ST_GeomFromWKB(:area, 4326)){opened})
    SELECT count(*) AS n, count(*) FILTER (WHERE old) AS old, count(*) FILTER (WHERE simulated) AS simulated,
           (SELECT coalesce(jsonb_agg(jsonb_build_array(key, name) ORDER BY name, key), '[]')
            FROM (SELECT key, name FROM inside ORDER BY name, key LIMIT :named) AS first) AS names
    FROM inside
"""


def _known_twice(connection: sa.Connection, area_wkb: bytes, shapes: Sequence[Shape]) -> int:
    """How many boats stand in more than one of the layers, by their registration (geo.heard), less one each."""
    named = [shape.latest for shape in shapes if "registration" in shape.latest.c]
    if len(named) < 2:
        return 0
    whole = sa.union_all(
        *(
            sa.select(table.c.registration).where(
                table.c.registration.is_not(None),
                sa.func.ST_Intersects(table.c.geom, sa.func.ST_GeomFromWKB(area_wkb, 4326)),
            )
            for table in named
        )
    ).subquery()
    query = sa.select(sa.func.count() - sa.func.count(sa.distinct(whole.c.registration))).select_from(whole)
    return int(connection.scalar(query) or 0)
