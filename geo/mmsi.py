"""Maritime identities (ITU-R M.585): what kind of station an MMSI belongs to, and which numbers are nobody's."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Station = Literal[
    "ship", "group", "coast", "sar_aircraft", "handheld", "aton", "craft", "sart", "mob", "epirb", "invalid"
]
# Numbers that factory settings and lazy fingers send; domain of no administration.
PLACEHOLDERS = frozenset({0, 111_111_111, 123_456_789, 999_999_999})
MID_MIN, MID_MAX = 201, 775
VIETNAM_MID = 574
DISTRESS_MIN, DISTRESS_MAX = 970_000_000, 975_000_000  # [970…, 975…): SART, (971, 973 unused,) MOB, EPIRB
PREFIXES: tuple[tuple[str, Station, int], ...] = (
    ("970", "sart", 3),
    ("972", "mob", 3),
    ("974", "epirb", 3),
    ("111", "sar_aircraft", 3),
    ("00", "coast", 2),
    ("99", "aton", 2),
    ("98", "craft", 2),
    ("0", "group", 1),
    ("8", "handheld", 1),
)


def station_kind(mmsi: int) -> Station:
    """The kind of station after M.585; `invalid` for a placeholder, a wrong length or a MID outside 201-775."""
    if mmsi in PLACEHOLDERS or not 0 < mmsi <= 999_999_999:
        return "invalid"
    digits = f"{mmsi:09d}"
    for prefix, kind, mid_at in PREFIXES:
        if digits.startswith(prefix):
            # Distress transmitters carry a maker's number where others carry a country's.
            return kind if kind in ("sart", "mob", "epirb") or _has_mid(digits, mid_at) else "invalid"
    return "ship" if _has_mid(digits, 0) else "invalid"


def mid(mmsi: int) -> int | None:
    """The country's three digits, or None where the number carries none."""
    kind, digits = station_kind(mmsi), f"{mmsi:09d}"
    if kind in ("invalid", "sart", "mob", "epirb"):
        return None
    start = next((at for _, name, at in PREFIXES if name == kind), 0)
    return int(digits[start : start + 3])


def _has_mid(digits: str, at: int) -> bool:
    return MID_MIN <= int(digits[at : at + 3]) <= MID_MAX


def has_country(mmsi: ArrayLike) -> NDArray[np.bool_]:
    """For many numbers at once: whether station_kind finds a station, with a country's digits where it needs them."""
    number = np.asarray(mmsi, np.int64)
    known = (number > 0) & (number <= 999_999_999) & ~np.isin(number, list(PLACEHOLDERS))
    top = number // 1_000_000
    maker = np.isin(top, (970, 972, 974))
    starts = [top == 111, number < 10_000_000, top // 10 >= 98, number < 100_000_000, top // 100 == 8]
    digits = [number // 1000, number // 10_000, number // 10_000, number // 100_000, number // 100_000]
    place = np.select(starts, [each % 1000 for each in digits], top)
    valid: NDArray[np.bool_] = known & (maker | ((place >= MID_MIN) & (place <= MID_MAX)))
    return valid
