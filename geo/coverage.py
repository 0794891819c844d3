"""How the outlines of neighbours fit: where they lie over each other, where nobody's land is left between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely import STRtree

from geo.fence import make_valid
from geo.outline import area_km2

LEAST_KM2 = 0.01  # a hectare: what is smaller comes of rounded corners
OUTLINE_DEG = 4e-4  # triangles of about 40 m on a side vanish: nobody sees them at the scale of a province


@dataclass(frozen=True)
class Misfit:
    """An overlap of two outlines, or a gap that some enclose: whose (numbers of the given ones), how large, where."""

    kind: str
    whose: tuple[int, ...]
    km2: float
    lon: float
    lat: float


def misfits(outlines: Sequence[Any]) -> list[Misfit]:
    """Overlaps and gaps of a hectare and more among valid polygons, the largest first."""
    geoms = np.array(list(outlines), object)
    if len(geoms) < 2:
        return []
    tree = STRtree(geoms)
    own, other = tree.query(geoms, predicate="intersects")
    pairs = own < other
    own, other = own[pairs], other[pairs]
    found = []
    for one, two, shared in zip(own, other, shapely.intersection(geoms[own], geoms[other]), strict=True):
        found += _told("overlap", (int(one), int(two)), shared)
    whole = shapely.union_all(geoms)
    for part in shapely.get_parts(whole):
        for ring in part.interiors:
            hole = make_valid(shapely.Polygon(ring))
            found += _told("gap", tuple(sorted(tree.query(hole, predicate="intersects").tolist())), hole)
    return sorted(found, key=lambda one: -one.km2)


def _told(kind: str, whose: tuple[int, ...], geom: Any) -> list[Misfit]:
    areas = [part for part in shapely.get_parts(geom) if part.geom_type == "Polygon"]
    size = sum(map(area_km2, areas))
    if size < LEAST_KM2:
        return []
    middle = max(areas, key=lambda part: float(part.area)).representative_point()
    return [Misfit(kind, whose, size, float(middle.x), float(middle.y))]


def drawn(outlines: Sequence[Any]) -> list[Any]:
    """The outlines with fewer corners, for pictures; what two neighbours share stays shared."""
    simple = shapely.coverage_simplify(np.array(list(outlines), object), OUTLINE_DEG)
    return [
        shapely.multipolygons(shapely.get_parts(one)) if not one.is_empty else whole
        for one, whole in zip(simple, outlines, strict=True)
    ]
