"""From whatever reference system a file is in to WGS84, with the datum step, or not at all."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError
from shapely.geometry import mapping, shape

WGS84 = 4326
STEP_M = 10_000.0  # an edge that is straight in a plane is bent in degrees: pieces this long follow it within a metre
BESIDE_DEG = 2.0  # so far outside the area of a system places are believed
Moved = Callable[[Any], dict[str, Any]]


class Unclear(Exception):
    """Where the file's numbers are cannot be told."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi, self.en = vi, en


def plan(named: str | None, geometries: Sequence[Any]) -> tuple[str, Moved]:
    """The name of the system, and what moves one GeoJSON geometry: {"geometry": ..., "fault": {"vi", "en"} or None}.

    Without a system, numbers that can be degrees are WGS84. Raises Unclear for others, and for a system that is not
    known or from which there is no way to WGS84 but one without its datum (EPSG:9214 would be 225 m wrong).
    """
    if named is None:
        if not _degrees(geometries):
            raise Unclear(
                "Tệp không có hệ tọa độ và số không phải là độ: hãy chọn, ví dụ --crs EPSG:9214 (VN-2000 Huế)",
                "no reference system, and the numbers are no degrees: say which, for instance --crs EPSG:9214 "
                "(VN-2000 Huế) or EPSG:9218 (Đắk Lắk)",
            )
        return "EPSG:4326", _stay
    crs = _known(named)
    if crs.to_epsg() == WGS84 or crs.to_authority() == ("OGC", "CRS84"):
        return "EPSG:4326", _stay
    try:
        there = Transformer.from_crs(crs, WGS84, always_xy=True, allow_ballpark=False)
    except ProjError:
        raise Unclear(
            f"Không có phép chuyển từ {crs.name} về WGS84", f"no way from {crs.name!r} to WGS84 is known; say --crs"
        ) from None
    area = crs.area_of_use.bounds if crs.area_of_use else None
    epsg = crs.to_epsg()
    name = f"EPSG:{epsg} ({crs.name})" if epsg else crs.name
    return name, lambda value: _moved(value, there, crs.is_projected, area, name)


def _known(named: str) -> CRS:
    try:
        crs = CRS.from_user_input(f"EPSG:{named}" if re.fullmatch(r"\d+", named) else named)
        epsg = crs.to_epsg(min_confidence=70)
        return CRS.from_epsg(epsg) if epsg else crs
    except CRSError:
        raise Unclear(f"Không có hệ tọa độ {named[:60]}", f"there is no reference system {named[:60]!r}") from None


def _degrees(geometries: Sequence[Any]) -> bool:
    """Whether most geometries can be in degrees, in whichever order."""
    told = [_largest(one) for one in geometries if isinstance(one, dict)]
    return not told or sum(size <= 180 for size in told) * 2 > len(told)


def _largest(geometry: Any) -> float:
    try:
        return float(np.abs(shapely.get_coordinates(shape(geometry))).max(initial=0.0))
    except Exception:  # whatever is no geometry is refused by itself, and told why
        return 0.0


def _stay(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"geometry": None, "fault": {"vi": f"Hình học không đọc được ({value})", "en": f"no geometry ({value})"}}
    return {"geometry": value, "fault": None}


def _moved(value: Any, there: Transformer, plane: bool, area: tuple[float, ...] | None, name: str) -> dict[str, Any]:
    if value is None or isinstance(value, str):
        return _stay(value)
    try:
        geom = shapely.force_2d(shape(value))
        dense = shapely.segmentize(geom, STEP_M) if plane else geom
        moved = shapely.transform(dense, lambda at: _through(there, at))
    except Exception as error:  # what is no geometry cannot be moved; which of many ways it is broken does not matter
        words = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
        return {"geometry": None, "fault": {"vi": "Hình học không đọc được", "en": f"no geometry: {words}"}}
    if area is None or _within(moved, area):
        return {"geometry": mapping(moved), "fault": None}
    turned = shapely.transform(dense, lambda at: _through(there, at[:, ::-1]))
    lon, lat = shapely.get_coordinates(moved)[0] if shapely.get_num_coordinates(moved) else (np.nan, np.nan)
    if _within(turned, area):
        vi = f"Có lẽ hai trục bị đổi chỗ (E và N): chỉ khi đổi lại mới nằm trong vùng của {name}"
        en = f"easting and northing seem to be swapped: only the other way round they lie where {name} is used"
    else:
        vi = f"Nằm ngoài vùng dùng {name}: kinh độ {lon:.4f}, vĩ độ {lat:.4f}; kiểm tra hệ tọa độ"
        en = f"not where {name} is used: longitude {lon:.4f}, latitude {lat:.4f}; is --crs right?"
    return {"geometry": None, "fault": {"vi": vi, "en": en}}


def _through(there: Transformer, at: Any) -> Any:
    return np.column_stack(there.transform(at[:, 0], at[:, 1]))


def _within(geom: Any, area: tuple[float, ...]) -> bool:
    at = shapely.get_coordinates(geom)
    if not len(at) or not np.isfinite(at).all():
        return False
    west, south, east, north = area
    inside = (at >= (west - BESIDE_DEG, south - BESIDE_DEG)) & (at <= (east + BESIDE_DEG, north + BESIDE_DEG))
    return bool(inside.all())
