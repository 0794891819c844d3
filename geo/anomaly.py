"""Anomalies: what is odd about a fix, as bits of its `anomaly` column; marks on the thing, never alarms by themselves.

The kinds and their limits are domain.md 2.5 (decided by us, [D]); a fix may carry several.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import ArrayLike, NDArray

from geo import table

INVALID_MID, ZERO_POSITION, ON_LAND, IMPOSSIBLE_SPEED, JUMP, DUPLICATE_MMSI, FUTURE, OTHER_DEVICE = (
    1 << bit for bit in range(8)
)
# A fix with one of these bits is kept as it came, and is nowhere taken for where its thing was.
ASIDE = OTHER_DEVICE

EARTH_M, KNOT = 6_371_008.8, 1852.0 / 3600.0
SPEED_MAX_KN, FISHING_MAX_KN = 60.0, 30.0
SPEED_OVER_S = 10.0  # over less time the rounding of times and positions would make speeds of its own
MINUTE_S, SPEED_ERROR = 60.0, 1.2
JUMP_M, JUMP_S = 10_000.0, 120.0
AHEAD_MAX = timedelta(minutes=2)
ZERO_DEG = 0.001  # a receiver without a fix says (0, 0), give or take the last bits
TRACKS_MAX, TRACK_KEPT_S = 4, 3 * 3600.0
NUMBERS = 32_000  # of tracks, which are kept in two bytes
STANDS = timedelta(hours=1)  # how long after an anomaly its thing is still drawn as marked
NO_TRACK = -1  # of a fix that says (0, 0), or that stands aside: no line leads there


@dataclass(frozen=True)
class Kind:
    """One kind of anomaly: its bit, its name for machines, and its words."""

    bit: int
    name: str
    vi: str
    en: str


KINDS = (
    Kind(DUPLICATE_MMSI, "duplicate_mmsi", "Hai tàu cùng một MMSI", "Two vessels under one MMSI"),
    Kind(OTHER_DEVICE, "other_device", "Vị trí từ thiết bị không phải thiết bị đang dùng",
         "Position from a device that is not the current one"),
    Kind(JUMP, "jump", "Vị trí nhảy xa đột ngột", "Position jumped far away"),
    Kind(IMPOSSIBLE_SPEED, "impossible_speed", "Tốc độ không thể có", "Impossible speed"),
    Kind(ON_LAND, "on_land", "Vị trí trên đất liền", "Position on land"),
    Kind(ZERO_POSITION, "zero_position", "Vị trí bỏ trống (0°, 0°)", "Placeholder position (0°, 0°)"),
    Kind(FUTURE, "future", "Giờ phát đi sau giờ nhận", "Sent with a time still to come"),
    Kind(INVALID_MID, "invalid_mid", "Mã quốc gia (MID) không hợp lệ", "Invalid country code (MID)"),
)  # fmt: skip
BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}


def kinds_of(bits: float | None) -> list[Kind]:
    """The kinds in a value of the `anomaly` column, the gravest first; none for null and NaN."""
    value = int(bits) if bits is not None and bits == bits else 0
    return [kind for kind in KINDS if value & kind.bit]


def counts(bits: Any) -> Any:
    """Whether fixes with these values of the `anomaly` column count as their things' places; null and NaN do."""
    return (np.nan_to_num(np.asarray(bits, float)).astype(int) & ASIDE) == 0


def counted(history: Any) -> Any:
    """The same as a condition on a history's rows."""
    return sa.true() if "anomaly" not in history.c else sa.func.coalesce(history.c.anomaly, 0).op("&")(ASIDE) == 0


def is_future(observed_at: Any, received_at: Any) -> Any:
    """Whether a told time lies more than two minutes after its reception; datetimes, or whole columns of them."""
    return observed_at - received_at > AHEAD_MAX


def is_zero(lon: Any, lat: Any) -> Any:
    """Whether a position is the placeholder (0, 0), within about a hundred metres; NaN is not."""
    return (np.abs(lon) < ZERO_DEG) & (np.abs(lat) < ZERO_DEG)


def distance_m(lon: ArrayLike, lat: ArrayLike, to_lon: ArrayLike, to_lat: ArrayLike) -> NDArray[np.float64]:
    """Great-circle distance in metres between points in degrees (haversine on the mean sphere)."""
    a, b, c, d = (np.radians(np.asarray(each, np.float64)) for each in (lon, lat, to_lon, to_lat))
    h = np.sin((d - b) / 2) ** 2 + np.cos(b) * np.cos(d) * np.sin((c - a) / 2) ** 2
    metres: NDArray[np.float64] = 2 * EARTH_M * np.arcsin(np.sqrt(h))
    return metres


def odd_links(
    distance: ArrayLike, seconds: ArrayLike, limit_kn: ArrayLike, told_kn: ArrayLike = np.nan
) -> NDArray[np.int64]:
    """Bits for steps of so many metres in so many seconds (NaN = there was no fix before): a jump, else a speed.

    A jump is more than 10 km within 2 min; an impossible speed is one above limit_kn over at least 10 s. Times without
    a tag block are known but for the minute: a step is no wonder that the told speed (NaN = none) makes in one more.
    """
    metres, over = np.asarray(distance, np.float64), np.abs(np.asarray(seconds, np.float64))
    too_far = metres > np.asarray(limit_kn) * KNOT * over
    told = np.where(np.asarray(told_kn) <= limit_kn, told_kn, 0.0)  # NaN is told to be nothing
    wonder = metres > SPEED_ERROR * told * KNOT * (over + MINUTE_S)
    jumped, fast = too_far & (metres > JUMP_M) & (over <= JUMP_S), too_far & (over >= SPEED_OVER_S) & wonder
    return np.where(jumped, JUMP, np.where(fast, IMPOSSIBLE_SPEED, 0)).astype(np.int64)


def apart(distance: ArrayLike, seconds: ArrayLike) -> NDArray[np.bool_]:
    """Whether a step cannot be one boat's: more than 10 km, and faster than 60 kn; a smaller one is bad reception."""
    metres = np.asarray(distance, np.float64)
    return (metres > JUMP_M) & (metres > SPEED_MAX_KN * KNOT * np.abs(np.asarray(seconds, np.float64)))


@dataclass(frozen=True)
class Track:
    """Where one of the senders under a key was last, and since when it is known; epoch seconds and degrees."""

    number: int
    began: float
    at: float
    lon: float
    lat: float


class Fix(NamedTuple):
    """One position: epoch seconds, degrees, and the speed that it tells (knots; NaN = none)."""

    at: float
    lon: float
    lat: float
    told_kn: float = np.nan


@dataclass(frozen=True)
class Step:
    """What follow makes of one fix: its track's number and its bits."""

    track: int
    bits: int


def follow(
    fixes: Iterable[Fix],
    known: Sequence[Track] = (),
    current: int | None = None,
    limit_kn: float = SPEED_MAX_KN,
) -> tuple[list[Step], list[Track]]:
    """Tell apart the senders under one key (domain fact 18): each fix goes to the track that it can have come from.

    fixes: in time order; known: the tracks so far, of which `current` had the last fix.
    A fix out of the current track's reach is a jump (or an impossible speed) and begins a track. Coming back to the
    other one is nothing yet: a single fix astray does that. Only when both have had two fixes do two boats alternate.
    """
    tracks, steps = {track.number: track for track in known}, []
    for at, lon, lat, told in fixes:
        here = tracks.get(current) if current is not None else None
        metres, over = (_metres(here, lon, lat), at - here.at) if here else (0.0, 0.0)
        bits = int(odd_links(metres, over, limit_kn, told)) if metres > limit_kn * KNOT * abs(over) else 0
        if here is None or _apart(here, at, lon, lat):
            others = [t for t in tracks.values() if t is not here and abs(at - t.at) <= TRACK_KEPT_S]
            within = [t for t in others if not _apart(t, at, lon, lat)]
            if within:
                current = min(within, key=lambda t: _metres(t, lon, lat)).number
                bits = DUPLICATE_MMSI if here and here.at > here.began else 0
            else:
                current = (max(tracks, default=-1) + 1) % NUMBERS
        number = current or 0
        before = tracks.get(number, Track(number, at, at, lon, lat))
        tracks[number] = replace(before, at=at, lon=lon, lat=lat)
        steps.append(Step(number, bits))
    return steps, sorted(tracks.values(), key=lambda t: t.at)[-TRACKS_MAX:]


def _metres(track: Track, lon: float, lat: float) -> float:
    """As distance_m for one pair, thirty times faster: a flood of nonsense must not hold up the rest."""
    a, b, c, d = (radians(each) for each in (track.lon, track.lat, lon, lat))
    return 2 * EARTH_M * asin(sqrt(sin((d - b) / 2) ** 2 + cos(b) * cos(d) * sin((c - a) / 2) ** 2))


def _apart(track: Track, at: float, lon: float, lat: float) -> bool:
    """As apart, for one pair."""
    metres = _metres(track, lon, lat)
    return metres > JUMP_M and metres > SPEED_MAX_KN * KNOT * abs(at - track.at)


def anomalies(connection: sa.Connection, layer: str, object_key: str, since: datetime) -> list[dict[str, Any]]:
    """What was odd about one thing since a moment, the latest first: kind (a Kind), first_at, last_at, count."""
    column = table.anomaly.c
    query = (
        sa.select(column.kind, column.first_at, column.last_at, column.count)
        .where(column.layer == layer, column.object_key == object_key, column.last_at >= since)
        .order_by(column.last_at.desc(), column.kind)
    )
    rows = connection.execute(query).mappings()
    return [{**row, "kind": BY_NAME[row["kind"]]} for row in rows if row["kind"] in BY_NAME]
