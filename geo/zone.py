"""The three fishing zones as sides of two reference lines (Decree 26/2019 Art. 43; coordinates for reference only)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

UNKNOWN, COASTAL, INSHORE, OFFSHORE = 0, 1, 2, 3
NAMES_VI = ("không xác định", "ven bờ", "lộng", "khơi")
TOUCH = 1e-9  # degrees
NAMES_EN = ("undetermined", "coastal", "inshore", "offshore")


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
