"""Fences: polygons and sides of lines with validity and metres of hysteresis, and which points lie in which."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from math import cos, radians
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from geoalchemy2.shape import from_shape, to_shape
from numpy.typing import NDArray
from shapely import STRtree, affinity
from shapely.geometry import mapping, shape
from sqlalchemy.dialects.postgresql import insert

from geo import table, zone
from geo.actor import Actor
from geo.calendar import Season, in_season
from geo.raster import Raster, raster
from geo.revision import keep

METRES_PER_DEGREE = 111_195.0  # of latitude, mean sphere
ON_WAY = 1e-9  # a share of a way: what rounding may shift a crossing by
# A side of a line has no polygon of its own: it is told by the zones' classification.
PORT = "port"  # the kind inside which a boat lies in port
SIDES = {"zone_coastal": (zone.COASTAL, "coast_line"), "zone_offshore": (zone.OFFSHORE, "inshore_line")}
REFERENCE_NOTE = "sơ đồ tham khảo, không phải căn cứ pháp lý"


@dataclass(frozen=True)
class Fence:
    """One fence. `geom` is WGS84 lon/lat; hysteresis_m widens it for leaving: jitter on its edge is no event.

    buffer_m: from how far outside an approach is told; dwell_s, applies_to: the least dwell and the conditions of every
    rule; valid_from, valid_to, season: when it holds; owner, review_by: who answers for it, and is asked when.
    """

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
    buffer_m: float = 0.0
    dwell_s: float = 0.0
    applies_to: Mapping[str, Any] = field(default_factory=dict)
    season: Season = ()
    owner: str | None = None
    review_by: date | None = None
    version: int = 1
    retired_at: datetime | None = None
    id: int = 0

    @property
    def always(self) -> bool:
        """Whether it holds at any time."""
        return self.valid_from is None and self.valid_to is None and not self.season

    def in_force(self, moment: datetime) -> bool:
        """Whether the fence holds at that moment: [valid_from, valid_to), None for an open end, and in its season."""
        begun = self.valid_from is None or moment >= self.valid_from
        return begun and (self.valid_to is None or moment < self.valid_to) and in_season(self.season, moment)


def make_valid(geom: Any) -> Any:
    """A ring that crosses itself (drawn by hand) means what the even-odd rule says, and must not stop the others."""
    try:
        return shapely.make_valid(geom)
    except shapely.errors.GEOSException:  # collapsed parts in a multipolygon can be too much for that rule
        return shapely.make_valid(geom, method="structure")


def widen(geom: Any, metres: float) -> Any:
    """`geom` buffered by metres: x is scaled by the cosine of its middle latitude first (error < 4 % over 8-21° N)."""
    if metres <= 0:
        return geom
    scale = max(cos(radians(geom.centroid.y)), 1e-3)  # at a pole there is no east
    flat = affinity.scale(geom, xfact=scale, yfact=1.0, origin=(0, 0))
    return affinity.scale(flat.buffer(metres / METRES_PER_DEGREE), xfact=1 / scale, yfact=1.0, origin=(0, 0))


Hits = Mapping[str, NDArray[np.intp]]
# Of each fence: the segments that cross it, and the shares of their ways at which they enter and leave it.
Crossings = Mapping[str, tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]]


@dataclass(frozen=True)
class Fences:
    """All fences of one moment, ready to be asked for many points at once."""

    items: tuple[Fence, ...]
    by_key: Mapping[str, Fence] = field(init=False)
    zones: zone.Zones | None = field(init=False)
    _areas: tuple[Fence, ...] = field(init=False)
    _wide: NDArray[Any] = field(init=False)
    _core: Raster = field(init=False)
    _halo: Raster = field(init=False)

    def __post_init__(self) -> None:
        polygons = [item for item in self.items if item.geom.geom_type in ("Polygon", "MultiPolygon")]
        # Those with hysteresis come first: they alone have a halo that is not the fence itself.
        areas = sorted((item for item in polygons if not item.geom.is_empty), key=lambda item: item.hysteresis_m <= 0)
        valid = [make_valid(item.geom) for item in areas]
        wide = [widen(geom, item.hysteresis_m) for geom, item in zip(valid, areas, strict=True)]
        for name, value in (
            ("by_key", {item.key: item for item in self.items}),
            ("zones", zone.zones_of(self.items)),
            ("_areas", tuple(areas)),
            ("_wide", np.array(wide, dtype=object)),
            ("_core", raster(valid)),
            ("_halo", raster([geom for geom, item in zip(wide, areas, strict=True) if item.hysteresis_m > 0])),
        ):
            object.__setattr__(self, name, value)

    def hits(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64], wanted: Collection[str] | None = None
    ) -> tuple[Hits, Hits]:
        """For every fence that holds any of the n points: the indices of those inside it, and inside it widened.

        wanted: keys of fences of which alone the sides of lines are told, which cost far more than areas; None for all.
        """
        core = {self._areas[area].key: points for area, points in self._core.hits(lon, lat).items()}
        halo = core | {self._areas[area].key: points for area, points in self._halo.hits(lon, lat).items()}
        sides = [item for item in self.items if item.kind in SIDES and (wanted is None or item.key in wanted)]
        self._add_sides(sides, core, halo, lon, lat)
        return core, halo

    def near_edge(self, lon: NDArray[np.float64], lat: NDArray[np.float64], degrees: float) -> NDArray[np.bool_]:
        """Which of n points may lie within so many degrees of an area's edge; all others do not."""
        return self._core.near_edge(lon - degrees, lat - degrees, lon + degrees, lat + degrees)

    def may_cross(
        self,
        west: NDArray[np.float64],
        south: NDArray[np.float64],
        east: NDArray[np.float64],
        north: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """Which of n boxes a way across an area's edge may lie in; in all others none does."""
        return self._core.near_edge(west, south, east, north)

    def crossings(
        self,
        lon0: NDArray[np.float64],
        lat0: NDArray[np.float64],
        lon1: NDArray[np.float64],
        lat1: NDArray[np.float64],
    ) -> Crossings:
        """The areas that n straight segments cross with both ends outside, by the fence's key.

        Arrays (segment, entry, exit), a row a stretch, in the order of the way: entry is the share of the way at which
        the area is first touched, exit the one at which the area widened is left, NaN when it is not left on this way.
        """
        near = np.flatnonzero(self._core.near_edge(lon0, lat0, lon1, lat1) & (np.abs(lon1 - lon0) < 180))
        ends = np.stack([lon0[near], lat0[near], lon1[near], lat1[near]], axis=1).reshape(-1, 2, 2)
        ways = shapely.linestrings(ends)
        # A tree over the ways asked with prepared polygons is far faster than a tree over the polygons.
        area, way = STRtree(ways).query(self._core.areas, predicate="intersects")
        outside = ~shapely.intersects_xy(self._core.areas[area][:, None], *ends[way].transpose(2, 0, 1)).any(axis=1)
        rows: dict[str, list[tuple[int, float, float]]] = {}
        for index, line in zip(area[outside], way[outside], strict=True):
            stretches = _stretches(ways[line], self._core.areas[index], self._wide[index])
            rows.setdefault(self._areas[index].key, []).extend((int(near[line]), *each) for each in stretches)
        return {key: _columns(sorted(found)) for key, found in rows.items()}

    def _add_sides(
        self,
        sides: Sequence[Fence],
        core: dict[str, NDArray[np.intp]],
        halo: dict[str, NDArray[np.intp]],
        lon: NDArray[np.float64],
        lat: NDArray[np.float64],
    ) -> None:
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


def _stretches(way: Any, area: Any, wide: Any) -> list[tuple[float, float]]:
    """Where a way is in the area: the shares at which it enters it, and leaves it widened."""

    def shares(geom: Any) -> list[tuple[float, float]]:
        parts = shapely.get_parts(shapely.intersection(geom, way))
        places = [shapely.line_locate_point(way, shapely.points(part.coords), normalized=True) for part in parts]
        return sorted((float(place.min()), float(place.max())) for place in places if len(place))

    entries, found = [entry for entry, _ in shares(area)], []
    for begin, end in shares(wide):
        own = [entry for entry in entries if begin - ON_WAY <= entry <= end + ON_WAY]
        if own:
            found.append((own[0], float("nan") if end >= 1 - ON_WAY else max(own[0], end)))
    return found


def _columns(rows: list[tuple[int, float, float]]) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    segment, entry, leave = zip(*rows, strict=True)
    return np.array(segment, dtype=np.intp), np.array(entry), np.array(leave)


def fences(connection: sa.Connection, keys: Collection[str] | None = None, every: bool = False) -> list[Fence]:
    """All fences, lines and areas, or those of the keys, in the order of their ids; `every`: retired ones too."""
    query = sa.select(table.fence).order_by(table.fence.c.id)
    if keys is not None:
        query = query.where(table.fence.c.key.in_(keys))
    if not every:
        query = query.where(table.fence.c.retired_at.is_(None))
    rows = connection.execute(query).mappings()
    return [Fence(**{**{name: row[name] for name in (*STORED, "id")}, "geom": to_shape(row["geom"])}) for row in rows]


STORED = tuple(one.name for one in fields(Fence) if one.name not in ("id", "geom"))


def put_fences(connection: sa.Connection, items: Sequence[Fence], actor: Actor) -> int:
    """Add the fences whose key is not there yet; one that an operator has changed since is left as it is.

    Returns how many were added.
    """
    added, now = 0, datetime.now(UTC)
    for item in items:
        row = {**_row(item), "updated_at": now, "updated_by": actor.name}
        statement = insert(table.fence).values(row).on_conflict_do_nothing(index_elements=["key"])
        if connection.scalar(statement.returning(table.fence.c.id)) is not None:
            keep(connection, "fence", item.key, item.version, as_json(item), now, actor, None)
            added += 1
    return added


def save_fence(connection: sa.Connection, item: Fence, actor: Actor, now: datetime, comment: str | None = None) -> int:
    """Put a fence as a new version, or as a new fence; returns its version. The caller has checked it."""
    row = {**_row(item), "version": 1, "updated_at": now, "updated_by": actor.name}
    # Numbered by the database itself, so that two who save at once make a version each. The key is not written again:
    # a worker that raises an alarm of this fence meanwhile need not wait for us.
    again = {name: value for name, value in row.items() if name != "key"} | {"version": table.fence.c.version + 1}
    statement = insert(table.fence).values(row).on_conflict_do_update(index_elements=["key"], set_=again)
    version: int = connection.execute(statement.returning(table.fence.c.version)).scalar_one()
    keep(connection, "fence", item.key, version, {**as_json(item), "version": version}, now, actor, comment)
    return version


def as_json(item: Fence) -> dict[str, Any]:
    """A fence's values as JSON can hold them, its geometry as GeoJSON."""
    values = {name: getattr(item, name) for name in STORED}
    return {**{name: _plain(one) for name, one in values.items()}, "geom": mapping(item.geom)}


def _plain(value: Any) -> Any:
    # In one zone always, or the same moment would look like another one.
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def of_json(value: Mapping[str, Any]) -> Fence:
    """A fence out of the values that `as_json` made of it."""
    known = {name: value[name] for name in STORED if name in value}
    for name in ("valid_from", "valid_to", "retired_at"):
        known[name] = datetime.fromisoformat(known[name]) if known.get(name) else None
    known["review_by"] = date.fromisoformat(known["review_by"]) if known.get("review_by") else None
    return Fence(**known, geom=shape(value["geom"]))


def _row(item: Fence) -> dict[str, Any]:
    return {**{name: getattr(item, name) for name in STORED}, "geom": from_shape(item.geom, srid=4326)}
