"""The wire record: one drawn object in sixteen bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

RECORD = np.dtype([("handle_kind", "<u4"), ("lon", "<i4"), ("lat", "<i4"), ("angle_value_age", "<u4")])
ESTIMATED = 0x80  # top bit of the kind byte: the position is estimated or hand-entered
MARKED = 0x40  # the next: something is odd about the object (geo.anomaly)
KINDS_MAX = 64
NO_ANGLE, NO_VALUE, OLDEST = 511, 1023, 8191


def pack(
    handle: npt.NDArray[Any],
    kind: npt.NDArray[Any],
    lon: npt.NDArray[Any],
    lat: npt.NDArray[Any],
    angle: npt.NDArray[Any],
    value: npt.NDArray[Any],
    age_s: npt.NDArray[Any],
) -> bytes:
    """Sixteen bytes an object: handle 24 | kind 8 bits; lon; lat, in 1e-7 degrees; angle 9 | value 10 | age 13 bits."""
    out = np.empty(len(handle), RECORD)
    out["handle_kind"] = handle.astype(np.uint32) | (kind.astype(np.uint32) << 24)
    out["lon"] = np.rint(lon * 1e7).astype(np.int32)
    out["lat"] = np.rint(lat * 1e7).astype(np.int32)
    known = np.isfinite(angle)
    degrees = np.where(known, np.rint(np.where(known, angle, 0)) % 360, NO_ANGLE).astype(np.uint32)
    out["angle_value_age"] = degrees | (_value_code(value) << 9) | (_age_code(age_s) << 19)
    return out.tobytes()


def _value_code(value: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
    """Ten bits: 0-51.1 by 0.1, then to 306 by 1, then to 2,852 by 10; 1023 is unknown. Below zero counts as zero."""
    v = np.nan_to_num(value.astype(np.float64), nan=0.0, posinf=1e9).clip(0, 2852)
    code = np.select([v < 51.15, v < 306.5], [np.rint(v * 10), 512 + np.rint(v - 51.2)], 767 + np.rint((v - 306) / 10))
    return np.where(np.isnan(value), NO_VALUE, np.minimum(code, NO_VALUE - 1)).astype(np.uint32)


def _age_code(age_s: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
    """Thirteen bits: to 4,095 s by 1, to 18 h by 30, to 15 days by 600; 8191 is older. The future counts as now."""
    a = np.clip(age_s.astype(np.float64), 0, 1e9)
    steps = [np.floor(a), 4096 + np.floor((a - 4096) / 30)]
    code = np.select([a < 4096, a < 65536], steps, 6144 + np.floor((a - 65536) / 600))
    return np.asarray(np.minimum(code, OLDEST), np.uint32)
