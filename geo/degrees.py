"""Degrees as people write them, and out of what they wrote: decimals, or degrees, minutes and seconds."""

import re
from collections.abc import Sequence

_WRITTEN = re.compile(r"[\d\s.,;/°d'′\"″+\-NSEWBĐT]+", re.IGNORECASE)
_DASH = re.compile("[\u2010-\u2015\u2212]")
# `16.5N-112.3E`, `16,5°-112,3°`: between a quarter or a sign of degrees and a number a stroke parts two angles.
_PARTING = re.compile(r"((?:\d|[°'′\"″])\s*[NSEWBĐT]|[°'′\"″])-(?=\d)", re.IGNORECASE)
_QUARTER = re.compile("[NSEWBĐT]", re.IGNORECASE)
_MINUS = re.compile(r"-\d")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_SOUTH, _WEST = re.compile("S", re.IGNORECASE), re.compile("[WT]", re.IGNORECASE)


def dms(lat: float, lon: float) -> str:
    """`16°34'12"N 107°38'24"E`, seconds rounded."""
    return f"{_dms(lat, 'N', 'S')} {_dms(lon, 'E', 'W')}"


def _dms(value: float, plus: str, minus: str) -> str:
    seconds = round(abs(value) * 3600)
    return f"{seconds // 3600}°{seconds // 60 % 60:02d}'{seconds % 60:02d}\"{plus if value >= 0 else minus}"


def dm(lat: float, lon: float, point: str = ".") -> str:
    """`16°34.2'N 107°38.4'E`: degrees and minutes as on a nautical chart, minutes to a tenth (about 180 m)."""
    return f"{_dm(lat, 'N', 'S', point)} {_dm(lon, 'E', 'W', point)}"


def _dm(value: float, plus: str, minus: str, point: str) -> str:
    tenths = round(abs(value) * 600)
    return f"{tenths // 600}°{tenths // 10 % 60:02d}{point}{tenths % 10}'{plus if value >= 0 else minus}"


def coordinates(text: str) -> tuple[float, float] | None:
    """(lat, lon) of `16.57, 107.64`, `16,57 107,64`, `16°34'12"N 107°38'24"E`, `B 16 34, Đ 107 38`; None if it is none.

    Two numbers are degrees, four degrees and minutes, six also seconds; B, Đ, T stand for N, E, W. A stroke of which
    nobody can say whether it is a minus is none: `16.5-112.3`, and `-112.3E`, which says west and east at once.
    """
    text = _PARTING.sub(r"\1 ", _DASH.sub("-", text.strip()))
    if not _WRITTEN.fullmatch(text):
        return None
    if _MINUS.search(text) and (_QUARTER.search(text) or (re.search(r"\d-\d", text) and text[0] not in "+-")):
        return None
    numbers = [float(found.replace(",", ".")) for found in _NUMBER.findall(text)]
    half = len(numbers) // 2
    if len(numbers) not in (2, 4, 6) or any(not 0 <= part < 60 for part in numbers[1:half] + numbers[half + 1 :]):
        return None
    lat, lon = _degrees(numbers[:half]), _degrees(numbers[half:])
    return _inside(-lat if _SOUTH.search(text) else lat, -lon if _WEST.search(text) else lon)


def _degrees(parts: Sequence[float]) -> float:
    return sum((part / 60.0**power for power, part in enumerate(parts)), 0.0)


def _inside(lat: float, lon: float) -> tuple[float, float] | None:
    return (lat, lon) if abs(lat) <= 90 and abs(lon) <= 180 else None
