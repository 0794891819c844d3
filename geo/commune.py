"""Which commune a place is in: by the authority's outlines, and without them by the nearest reference point on land."""

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import cos, radians
from typing import Any, NamedTuple

import numpy as np
import shapely
import sqlalchemy as sa
from numpy.typing import ArrayLike, NDArray
from shapely import affinity
from shapely.geometry import MultiPoint

from geo.area import area, area_piece
from geo.basemap import FINEST, load
from geo.fence import METRES_PER_DEGREE, make_valid

CORNERS = 128  # of a piece: a point is told in tens of microseconds
REACH_M = 16_000.0  # farther from every reference point a place is not estimated (docs/areas.md)
SHORE_M = 300.0  # what stands on a pier is still of the commune, and the base map's shore is good to 70 m
WRITERS_S = 20.0  # what a worker's transaction may take at the most on a busy day
BESIDE_DEG = 0.4  # of the base map around the points


class Found(NamedTuple):
    """Of each point the commune's code, None at sea and abroad, and whether it is an estimate by reference points."""

    codes: NDArray[np.object_]
    estimated: NDArray[np.bool_]


FIND = sa.text(
    "SELECT found.code, coalesce(found.estimated, false) AS estimated"
    " FROM unnest(CAST(:lon AS float8[]), CAST(:lat AS float8[])) WITH ORDINALITY AS asked(lon, lat, n)"
    " LEFT JOIN LATERAL (SELECT code, estimated FROM area_piece"
    " WHERE ST_Intersects(geom, ST_SetSRID(ST_MakePoint(asked.lon, asked.lat), 4326))"
    " ORDER BY estimated, code LIMIT 1) AS found ON true ORDER BY asked.n"
)


def commune_of(connection: sa.Connection, lon: ArrayLike, lat: ArrayLike) -> Found:
    """The commune of each point (degrees, equal lengths; NaN is in none), as the features' column `commune` has it."""
    at = {"lon": np.atleast_1d(np.asarray(lon, float)).tolist(), "lat": np.atleast_1d(np.asarray(lat, float)).tolist()}
    rows = connection.execute(FIND, at).all()
    return Found(np.array([row[0] for row in rows], object), np.array([row[1] for row in rows], bool))


def cut_again(connection: sa.Connection, provinces: Sequence[str]) -> None:
    """Make the pieces of all communes of some provinces anew: of their outlines, and estimates of those without."""
    codes = sa.select(area.c.code).where(area.c.province.in_(provinces), area.c.valid_until.is_(None))
    connection.execute(sa.delete(area_piece).where(area_piece.c.code.in_(codes)))
    connection.execute(
        sa.insert(area_piece).from_select(
            ["code", "estimated", "geom"],
            sa.select(area.c.code, sa.false(), sa.func.ST_Subdivide(area.c.geom, CORNERS)).where(
                area.c.code.in_(codes), area.c.geom.is_not(None)
            ),
        )
    )
    points = sa.select(area.c.code, sa.func.ST_X(area.c.point), sa.func.ST_Y(area.c.point)).where(
        area.c.code.in_(codes), area.c.geom.is_(None)
    )
    guessed = cells({code: (lon, lat) for code, lon, lat in connection.execute(points)})
    cut = sa.text(
        "INSERT INTO area_piece (code, estimated, geom) SELECT :code, true, part.geom FROM"
        " ST_Dump(ST_CollectionExtract(ST_GeomFromWKB(:wkb, 4326), 3)) AS whole,"
        " LATERAL (SELECT ST_Subdivide(whole.geom, :corners) AS geom) AS part"
    )
    rows = [{"code": code, "wkb": shapely.to_wkb(geom), "corners": CORNERS} for code, geom in guessed.items()]
    if rows:
        connection.execute(cut, rows)


def find_again(connection: sa.Connection) -> None:
    """Find the commune of every feature that stands still anew, by the pieces as they are now."""
    connection.execute(sa.text("SELECT find_communes()"))


def find_after(engine: sa.Engine, within_s: float = WRITERS_S) -> None:
    """The same after the commit of other pieces, once more: who wrote before it knew the old ones alone.

    Waits for the transactions that are at work now, but not for ever: one that hangs is no worker's.
    """
    deadline = time.monotonic() + within_s
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        now = connection.scalar(sa.text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"))
        oldest = sa.text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        while connection.scalar(oldest) < now and time.monotonic() < deadline:
            time.sleep(0.05)
        find_again(connection)


def cells(points: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """Of each commune (lon, lat) the land that is nearer to its point than to another's, not farther than REACH_M.

    Land of this country alone: what a border of the base map parts from every point is abroad.
    """
    return dict(zip(points, _cells(tuple(points.values())), strict=True)) if points else {}


@lru_cache(maxsize=4)
def _cells(places: tuple[tuple[float, float], ...]) -> tuple[Any, ...]:
    lonlat = np.array(places)
    scale = cos(radians(float(lonlat[:, 1].mean())))
    flat = lonlat * (scale, 1.0)
    land = affinity.scale(_land(lonlat), xfact=scale, yfact=1.0, origin=(0, 0))
    reach = shapely.buffer(shapely.points(flat), REACH_M / METRES_PER_DEGREE)
    parts: Sequence[Any] = [shapely.box(*land.bounds)]
    if len(flat) > 1:
        parts = shapely.voronoi_polygons(MultiPoint(flat), extend_to=shapely.box(*land.bounds), ordered=True).geoms
    found = shapely.intersection(shapely.intersection(np.array(list(parts), object), reach), land)
    return tuple(affinity.scale(one, xfact=1 / scale, yfact=1.0, origin=(0, 0)) for one in found)


def _land(lonlat: NDArray[np.float64]) -> Any:
    """The land around the points up to the borders, a little wider than the shore, with its lakes and lagoons."""
    box = shapely.box(*(lonlat.min(axis=0) - BESIDE_DEG), *(lonlat.max(axis=0) + BESIDE_DEG))
    drawn = load(FINEST)
    near = drawn[drawn.geometry.intersects(box)]
    shores = shapely.clip_by_rect(near.geometry[near["kind"] == "land"].to_numpy(), *box.bounds)
    land = shapely.union_all([make_valid(one) for one in shores])
    # So much wider, the land closes the inlets, and the lagoons behind them (Tam Giang, Cầu Hai) are of their communes.
    wide = shapely.get_parts(shapely.buffer(land, SHORE_M / METRES_PER_DEGREE))
    land = shapely.union_all([shapely.Polygon(part.exterior) for part in wide]).intersection(box)
    borders = near.geometry[near["kind"] == "border"].intersection(box)
    if borders.empty:
        return land
    faces = shapely.get_parts(shapely.polygonize([shapely.node(shapely.union_all([land.boundary, *borders]))]))
    faces = faces[shapely.covers(land, shapely.point_on_surface(faces))]
    own = np.zeros(len(faces), bool)
    own[shapely.STRtree(faces).query(shapely.points(lonlat), predicate="intersects")[1]] = True
    # An island has no border beside it and is not abroad for want of a reference point.
    own |= ~shapely.intersects(faces, shapely.union_all(list(borders)))
    return shapely.union_all(faces[own])
