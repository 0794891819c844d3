"""How far from the nearest shore of the base map a place lies, islands and reefs that it draws included."""

from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely import STRtree

from geo.anomaly import distance_m
from geo.basemap import FINEST, basemap

Floats = NDArray[np.float64]
NM_M = 1852.0
# The waters that a boat of Vietnam reaches (west, south, east, north), and shores some 400 miles around them.
BOX = (95.0, 0.0, 124.0, 30.0)


def offshore_nm(lon: ArrayLike, lat: ArrayLike) -> Floats:
    """Nautical miles from each point (degrees, equal lengths) to the nearest shore; on land too, to its own shore.

    The base map is good to 70 m near Vietnam. A shoal that it does not draw is no shore, an islet that it draws is one.
    """
    lon, lat = np.atleast_1d(np.asarray(lon, np.float64)), np.atleast_1d(np.asarray(lat, np.float64))
    tree, edges = _shore()
    points = shapely.points(lon, _stretched(lat))
    edge = edges[tree.nearest(points)]
    along = shapely.line_locate_point(edge, points)
    near = shapely.get_coordinates(shapely.line_interpolate_point(edge, along))
    found: Floats = distance_m(lon, lat, near[:, 0], _flat(near[:, 1])) / NM_M
    return found


def _stretched(lat: Floats) -> Floats:
    """Latitudes in Mercator's projection, degrees: it keeps angles, so what is nearest in it is nearest at sea."""
    stretched: Floats = np.degrees(np.arctanh(np.sin(np.radians(lat))))
    return stretched


def _flat(stretched: Floats) -> Floats:
    lat: Floats = np.degrees(np.arcsin(np.tanh(np.radians(stretched))))
    return lat


@lru_cache(maxsize=1)
def _shore() -> tuple[STRtree, NDArray[np.object_]]:
    """The shore's edges inside the box, and a tree of them."""
    shore = basemap()[1]["shore"].at(FINEST)
    following = np.arange(len(shore.points)) + 1
    following[shore.starts[1:] - 1] = shore.starts[:-1]  # a ring's last vertex leads back to its first
    ends = np.stack([shore.points, shore.points[following]], axis=1)
    west, south, east, north = BOX
    kept = ((ends >= (west, south)) & (ends <= (east, north))).all(axis=(1, 2)) & (ends[:, 0] != ends[:, 1]).any(axis=1)
    ends = ends[kept]
    ends[:, :, 1] = _stretched(ends[:, :, 1])
    edges = shapely.linestrings(ends)
    return STRtree(edges), edges
