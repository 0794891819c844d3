"""Fences: polygons and sides of lines with validity and metres of hysteresis, and which points lie in which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import cos, radians
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from geoalchemy2.shape import from_shape, to_shape
from numpy.typing import NDArray
from shapely import STRtree, affinity
from sqlalchemy.dialects.postgresql import insert

from geo import table, zone
from geo.actor import Actor

METRES_PER_DEGREE = 111_195.0  # of latitude, mean sphere
# A side of a line has no polygon of its own: it is told by the zones' classification.
SIDES = {"zone_coastal": (zone.COASTAL, "coast_line"), "zone_offshore": (zone.OFFSHORE, "inshore_line")}
REFERENCE_NOTE = "sơ đồ tham khảo, không phải căn cứ pháp lý"


@dataclass(frozen=True)
class Fence:
    """One fence. `geom` is WGS84 lon/lat; hysteresis_m widens it for leaving: jitter on its edge is no event."""

    key: str
    kind: str
    name_vi: str
    name_en: str
    geom: Any
    note: str | None = None
    hysteresis_m: float = 0.0
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    simulated: bool = False
    id: int = 0

    def in_force(self, moment: datetime) -> bool:
        """Whether the fence holds at that moment: [valid_from, valid_to), None for an open end."""
        begun = self.valid_from is None or moment >= self.valid_from
        return begun and (self.valid_to is None or moment < self.valid_to)


def widen(geom: Any, metres: float) -> Any:
    """`geom` buffered by metres: x is scaled by the cosine of its middle latitude first (error < 4 % over 8-21° N)."""
    if metres <= 0:
        return geom
    scale = cos(radians(geom.centroid.y))
    flat = affinity.scale(geom, xfact=scale, yfact=1.0, origin=(0, 0))
    return affinity.scale(flat.buffer(metres / METRES_PER_DEGREE), xfact=1 / scale, yfact=1.0, origin=(0, 0))


Hits = Mapping[str, NDArray[np.intp]]


@dataclass(frozen=True)
class Fences:
    """All fences of one moment, ready to be asked for many points at once."""

    items: tuple[Fence, ...]
    by_key: Mapping[str, Fence] = field(init=False)
    zones: zone.Zones | None = field(init=False)
    _areas: tuple[Fence, ...] = field(init=False)
    _core: NDArray[Any] = field(init=False)
    _halo: NDArray[Any] = field(init=False)

    def __post_init__(self) -> None:
        areas = tuple(item for item in self.items if item.geom.geom_type in ("Polygon", "MultiPolygon"))
        # A ring that crosses itself (drawn by hand) means what the even-odd rule says, and must not stop the others.
        valid = [shapely.make_valid(item.geom) for item in areas]
        core = np.array(valid, dtype=object)
        halo = np.array([widen(geom, item.hysteresis_m) for geom, item in zip(valid, areas, strict=True)], dtype=object)
        shapely.prepare(core)
        shapely.prepare(halo)
        for name, value in (
            ("by_key", {item.key: item for item in self.items}),
            ("zones", zone.zones_of(self.items)),
            ("_areas", areas),
            ("_core", core),
            ("_halo", halo),
        ):
            object.__setattr__(self, name, value)

    def hits(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> tuple[Hits, Hits]:
        """For every fence that holds any of the n points: the indices of those inside it, and inside it widened."""
        core: dict[str, NDArray[np.intp]] = {}
        halo: dict[str, NDArray[np.intp]] = {}
        if self._areas and len(lon):
            # A tree over the points asked with prepared polygons is far faster than a tree over the polygons.
            tree = STRtree(shapely.points(lon, lat))
            for result, polygons in ((core, self._core), (halo, self._halo)):
                which, points = tree.query(polygons, predicate="intersects")
                for index in np.unique(which):
                    result[self._areas[index].key] = np.sort(points[which == index])
        self._add_sides(core, halo, lon, lat)
        return core, halo

    def _add_sides(
        self, core: dict[str, Any], halo: dict[str, Any], lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> None:
        sides = [item for item in self.items if item.kind in SIDES]
        if not sides or self.zones is None or not len(lon):
            return
        codes = self.zones.classify(lon, lat)
        points = shapely.points(lon, lat)
        for item in sides:
            code, line = SIDES[item.kind]
            inside = codes == code
            near = shapely.dwithin(getattr(self.zones, line), points, item.hysteresis_m / METRES_PER_DEGREE)
            if inside.any():
                core[item.key] = np.flatnonzero(inside)
            if (inside | near).any():
                halo[item.key] = np.flatnonzero(inside | (near & (item.hysteresis_m > 0)))


def fences(connection: sa.Connection) -> list[Fence]:
    """All fences, lines and areas, in the order of their ids."""
    rows = connection.execute(sa.select(table.fence).order_by(table.fence.c.id)).mappings()
    names = Fence.__dataclass_fields__
    return [Fence(**{**{k: v for k, v in row.items() if k in names}, "geom": to_shape(row["geom"])}) for row in rows]


def put_fences(connection: sa.Connection, items: Sequence[Fence], actor: Actor) -> int:
    """Add the fences whose key is not there yet; one that an operator has changed since is left as it is.

    Returns how many were added.
    """
    rows = [
        {
            **{name: getattr(item, name) for name in Fence.__dataclass_fields__ if name not in ("id", "geom")},
            "geom": from_shape(item.geom, srid=4326),
            "updated_at": datetime.now(UTC),
            "updated_by": actor.name,
        }
        for item in items
    ]
    if not rows:
        return 0
    statement = insert(table.fence).values(rows).on_conflict_do_nothing(index_elements=["key"])
    return len(connection.execute(statement.returning(table.fence.c.id)).all())
