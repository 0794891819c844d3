"""The three fishing zones as sides of two reference lines (Decree 26/2019 Art. 43; coordinates for reference only)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.offshore import offshore_nm

UNKNOWN, COASTAL, INSHORE, OFFSHORE = 0, 1, 2, 3
NAMES_VI = ("không xác định", "ven bờ", "lộng", "khơi")
TOUCH = 1e-9  # degrees
NAMES_EN = ("undetermined", "coastal", "inshore", "offshore")
ASHORE_NM = 0.6  # a shore is drawn from cape to cape: an edge whose middle is nearer to land is shore
ALONG = 0.01  # degrees: an edge whose ends are nearer to tuyến bờ runs along it


@dataclass(frozen=True)
class Zones:
    """Tuyến bờ, tuyến lộng and the zone between them, WGS84 lon/lat."""

    coast_line: Any
    inshore_line: Any
    zone_inshore: Any

    def classify(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int8]:
        """Zone code of each point, shape (n,); the land mask is the caller's.

        Inside the inshore polygon a point is "lộng"; else the nearer line tells its side. Where the nearest point of
        that line is one of its ends, the lines say nothing about the place. Distances are planar, in degrees, as the
        reference file is meant to be read: great circles would bow the long segments by half a kilometre.
        """
        points = shapely.points(np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float)))
        inshore = shapely.covers(self.zone_inshore, points)
        nearer_coast = shapely.distance(self.coast_line, points) < shapely.distance(self.inshore_line, points)
        codes = np.where(nearer_coast, COASTAL, OFFSHORE)
        ends = np.where(nearer_coast, _at_end(self.coast_line, points), _at_end(self.inshore_line, points))
        codes[ends.astype(bool)] = UNKNOWN
        codes[inshore] = INSHORE
        return codes.astype(np.int8)


def _at_end(line: Any, points: NDArray[Any]) -> NDArray[np.bool_]:
    along = shapely.line_locate_point(line, points)
    # The length is a sum of rounded numbers on either side of the comparison.
    ends: NDArray[np.bool_] = (along <= TOUCH) | (along >= shapely.length(line) - TOUCH)
    return ends


def zones_of(fences: Sequence[Any]) -> Zones | None:
    """The Zones among `fences` (values with kind and geom), or None when one of the three is missing."""
    by_kind = {fence.kind: fence.geom for fence in fences}
    try:
        return Zones(by_kind["coast_line"], by_kind["inshore_line"], by_kind["zone_inshore"])
    except KeyError:
        return None


@lru_cache(maxsize=32)
def sides(waters: Any, coast_line: Any) -> Any:
    """The edges of a province's coastal waters behind which those of its neighbours lie, as a MultiLineString.

    Neither its shore, beyond which no boat is, nor tuyến bờ, beyond which is another zone. Empty where it has none.
    """
    ring = [part.exterior for part in getattr(waters, "geoms", [waters])]
    ends = np.concatenate([np.stack([line[:-1], line[1:]], axis=1) for line in map(shapely.get_coordinates, ring)])
    middle = ends.mean(axis=1)
    along = shapely.dwithin(coast_line, shapely.points(ends), ALONG).all(axis=1)
    apart = ~along & (offshore_nm(middle[:, 0], middle[:, 1]) > ASHORE_NM)
    return shapely.multilinestrings(shapely.linestrings(ends[apart]))
