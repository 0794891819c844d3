"""WGS 84 to the provinces' planes of VN-2000 and back, by PROJ's datum step or not at all.

Leaving the step out is 225 m wrong at Huế, so PROJ's rough way (ballpark) is never taken. VN-2000 is for the land;
what is at sea stays in WGS 84.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer
from pyproj.enums import TransformDirection
from pyproj.exceptions import ProjError

from geo.area import Province

WGS84 = 4326
Floats = NDArray[np.float64]


class NoStep(Exception):
    """PROJ here has no datum step between WGS 84 and that plane: nothing is told rather than something wrong."""

    def __init__(self, epsg: int) -> None:
        self.vi = f"PROJ trên máy này không có bước chuyển hệ quy chiếu giữa WGS 84 và EPSG:{epsg}"
        self.en = f"PROJ on this machine has no datum step between WGS 84 and EPSG:{epsg}"
        super().__init__(self.en)


@dataclass(frozen=True)
class Grid:
    """A place in a province's plane: east and north in metres."""

    epsg: int
    east_m: float
    north_m: float


def to_plane(epsg: int, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """East and north (m) of places in degrees, WGS 84. Raises NoStep."""
    east, north = _step(epsg).transform(np.asarray(lon, float), np.asarray(lat, float))
    return _known(epsg, east, north)


def from_plane(epsg: int, east: ArrayLike, north: ArrayLike) -> tuple[Floats, Floats]:
    """Longitude and latitude (degrees, WGS 84) of places in a plane (m). Raises NoStep."""
    back = TransformDirection.INVERSE
    lon, lat = _step(epsg).transform(np.asarray(east, float), np.asarray(north, float), direction=back)
    return _known(epsg, lon, lat)


def grid(province: Province, lon: float, lat: float) -> Grid:
    """One place in its province's plane. Raises NoStep."""
    east, north = to_plane(province.epsg, lon, lat)
    return Grid(province.epsg, float(east), float(north))


@lru_cache(maxsize=8)
def _step(epsg: int) -> Transformer:
    try:
        return Transformer.from_crs(WGS84, epsg, always_xy=True, allow_ballpark=False)
    except ProjError:
        raise NoStep(epsg) from None


def _known(epsg: int, first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """What PROJ answers where it has no way is infinity."""
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise NoStep(epsg)
    return first, second
