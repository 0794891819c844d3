"""A scene: a batch's records as the rules see them, with the fences that hold them and the ways between fixes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo.anomaly import is_future
from geo.column import epoch_us
from geo.episode import Presence, Sight
from geo.fence import Fences, Hits
from geo.rule import Rule
from geo.table import Shape

# A way longer in time, or faster, tells nothing of where its object was: two fixes are not always one boat's. A VMS
# speaks every two to three hours (domain.md 1.1), so a way may be one such interval and an hour's delay long; beyond
# half an hour at no more than a fishing boat's speed (domain.md 2.5), or the fixes of two boats under one MMSI, which
# are some way apart, would become one boat's way.
WAY_MAX_S, WAY_MAX_KN = 4 * 3600.0, 60.0
LONG_WAY_S, LONG_WAY_MAX_KN = 1800.0, 30.0
NM_PER_DEGREE = 60.0  # of latitude
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Of each record: the stretches of its way that lie in a fence, as shares of entry and of leaving (NaN = not left).
Stretches = Mapping[int, Sequence[tuple[float, float]]]
Target = tuple[str, str]  # an object's key and the other's, "" where there is none
Memory = Mapping[Target, Presence]
THROUGH = ("inside", "enter", "exit")  # kinds that see a fence which is crossed between two fixes


@dataclass(frozen=True)
class Look:
    """One sight of an object: at the record `row`, or at a share of the way to it from the fix before.

    facts, label: what an alarm's evidence and its label say beside or instead of the object's own. known_at: when its
    object was seen so last, where that is not at the sight's own time: of two positions the older one's.
    """

    sight: Sight
    row: int
    share: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    label: str | None = None
    known_at: datetime | None = None


def moment(stamp: int) -> datetime:
    """Microseconds since 1970 as a time."""
    return EPOCH + timedelta(microseconds=int(stamp))


@dataclass(frozen=True)
class Scene:
    """Records in time order with what the rules ask of them, all arrays of shape (records,).

    place: of each record, its object's place in `after`; at: microseconds since 1970; core, halo: the records inside
    each fence, and inside it widened; ways: by fence, the records whose way from the fix before crosses it; from_at,
    from_lon, from_lat: that fix before, where it is known; neighbours: the last lon, lat, at of what is not in the
    scene and may be near, by key as text; heard: the records by which an object counts as heard (of what moves those
    with a position); way: those whose way from that fix before is short and slow enough to say anything.
    """

    records: pd.DataFrame
    after: pd.DataFrame
    label: str
    fences: Fences
    place: NDArray[np.intp]
    at: NDArray[np.int64]
    placed: NDArray[np.bool_]
    heard: NDArray[np.bool_]
    core: Hits
    halo: Hits
    from_at: NDArray[np.int64]
    from_lon: NDArray[np.float64]
    from_lat: NDArray[np.float64]
    way: NDArray[np.bool_]
    ways: Mapping[str, Stretches]
    neighbours: pd.DataFrame | None = None

    @classmethod
    def of(
        cls,
        rules: Sequence[Rule],
        fences: Fences,
        shape: Shape,
        label: str,
        records: pd.DataFrame,
        before: pd.DataFrame,
        after: pd.DataFrame,
    ) -> "Scene":
        """The scene of records (lon, lat, observed_at, in time order) between two states by key."""
        at, place = epoch_us(records["observed_at"]), after.index.get_indexer(pd.Index(records[shape.key]))
        lon, lat = (records[name].to_numpy(dtype=float) for name in ("lon", "lat"))
        placed = ~np.isnan(lon)
        rows = np.flatnonzero(placed)
        wanted = {rule.fence_key for rule in rules if rule.fence_key}
        core, halo = (
            {name: rows[inside] for name, inside in each.items()} for each in fences.hits(lon[rows], lat[rows], wanted)
        )
        names = ["observed_at", "lon", "lat", *(["track"] if "track" in before else [])]
        known = before[names].reindex(after.index)
        track = _tracks(records)
        from_at, from_lon, from_lat, from_track = _begins(rows, place, at, lon, lat, track, known)
        way = _is_way(at, lon, lat, from_at, from_lon, from_lat) & (track == from_track)
        through = any(rule.kind in THROUGH for rule in rules)
        ways = _ways(fences, way, lon, lat, from_lon, from_lat) if through else {}
        heard = placed if shape.kind == "moving" else np.ones(len(at), dtype=bool)
        begins = (from_at, from_lon, from_lat)
        return cls(records, after, label, fences, place, at, placed, heard, core, halo, *begins, way, ways)

    def beside(self, neighbours: pd.DataFrame | None) -> "Scene":
        """The same scene with its neighbours."""
        return replace(self, neighbours=neighbours)

    @property
    def keys(self) -> list[str]:
        """Each record's object by its key as the alarms have it."""
        return self.keys_of(np.arange(len(self.at)))

    def keys_of(self, rows: NDArray[np.intp]) -> list[str]:
        """Those records' objects by their keys as the alarms have them."""
        names = [str(key) for key in self.after.index]
        return [names[place] for place in self.place[rows].tolist()]

    def mask(self, rows: NDArray[np.intp] | None) -> NDArray[np.bool_]:
        """Which records these are."""
        mask = np.zeros(len(self.at), dtype=bool)
        if rows is not None:
            mask[rows] = True
        return mask

    def column(self, name: str) -> NDArray[np.float64]:
        """A column of numbers, of each record or else of its object; NaN where it is not known."""
        if name in self.records:
            return self.records[name].to_numpy(dtype=float, na_value=np.nan)
        if name in self.after:
            return self.after[name].to_numpy(dtype=float, na_value=np.nan)[self.place]
        return np.full(len(self.at), np.nan)

    def key_of(self, place: int) -> str:
        """The key of an object as the alarms have it."""
        return str(self.after.index[place])

    def fence_id(self, rule: Rule) -> int | None:
        """The number of the rule's fence, None when it has none."""
        fence = self.fences.by_key.get(rule.fence_key or "")
        return fence.id if fence else None

    def places_of(self, keys: Sequence[str]) -> NDArray[np.intp]:
        """Each key's place in the after-state, -1 for one that is not there."""
        number = self.after.index.dtype.kind == "i"
        wanted: pd.Index = pd.Index([int(key) for key in keys] if number else list(keys), dtype=self.after.index.dtype)
        return self.after.index.get_indexer(wanted) if len(wanted) else np.empty(0, np.intp)

    @staticmethod
    def stamp(time: datetime) -> int:
        """A time as microseconds since 1970."""
        return (time - EPOCH) // timedelta(microseconds=1)

    def moment_between(self, row: int, share: float) -> datetime:
        """The time at a share of a record's way."""
        begin = int(self.from_at[row])
        return moment(begin + round(share * (int(self.at[row]) - begin)))

    def seconds_of_way(self, row: int) -> float:
        """How long a record's way from the fix before took."""
        return (int(self.at[row]) - int(self.from_at[row])) / 1e6

    def place_between(self, row: int, time: datetime) -> tuple[float, float]:
        """Where on a record's way its object was at a time, lon and lat."""
        begin, end = int(self.from_at[row]), int(self.at[row])
        share = min(max((self.stamp(time) - begin) / (end - begin), 0.0), 1.0)
        to: Any = self.records.iloc[row]
        lon, lat = float(self.from_lon[row]), float(self.from_lat[row])
        return lon + share * (to["lon"] - lon), lat + share * (to["lat"] - lat)


def as_seen(frame: pd.DataFrame, stamps: Sequence[str] = ()) -> pd.DataFrame:
    """The frame as the latest state and the rules see it: a fix told ahead of its time counts at its reception.

    The history keeps what was told. Taken at its word here, it would make the true fixes after it late ones. stamps:
    columns with a time of the record that is never set back; there nothing counts as later than its reception.
    """
    for name in (each for each in stamps if each in frame):
        early = ~(frame[name] > frame["received_at"])
        frame = frame.assign(**{name: frame[name].where(early, frame["received_at"])})
    ahead = is_future(frame["observed_at"], frame["received_at"])
    if not ahead.any():
        return frame
    seen = frame.assign(observed_at=frame["observed_at"].where(~ahead, frame["received_at"]))
    return seen.sort_values("observed_at", kind="stable", ignore_index=True)


Numbers = NDArray[np.float64]


def _tracks(frame: pd.DataFrame) -> Numbers:
    """Of each row, which of several senders under its key it comes from (ingest.anomaly); 0 where there is but one."""
    if "track" not in frame:
        return np.zeros(len(frame))
    numbers: Numbers = np.nan_to_num(frame["track"].to_numpy(dtype=float, na_value=np.nan))
    return numbers


def _begins(
    rows: NDArray[np.intp],
    place: NDArray[np.intp],
    at: NDArray[np.int64],
    lon: Numbers,
    lat: Numbers,
    track: Numbers,
    known: pd.DataFrame,
) -> tuple[NDArray[np.int64], Numbers, Numbers, Numbers]:
    """The fix before each record with a position: of its object in the batch, else the last one known; NaN for none.

    Its time, lon, lat and track.
    """
    order = rows[np.argsort(place[rows], kind="stable")]
    previous, own = np.roll(order, 1), place[order]
    first = np.diff(own, prepend=-1) != 0
    from_at, (from_lon, from_lat, from_track) = np.zeros(len(at), np.int64), np.full((3, len(at)), np.nan)
    from_at[order] = np.where(first, epoch_us(known["observed_at"])[own], at[previous])
    for target, values, last in (
        (from_lon, lon, known["lon"].to_numpy(dtype=float)),
        (from_lat, lat, known["lat"].to_numpy(dtype=float)),
        (from_track, track, _tracks(known)),
    ):
        target[order] = np.where(first, last[own], values[previous])
    return from_at, from_lon, from_lat, from_track


def _ways(
    fences: Fences,
    way: NDArray[np.bool_],
    lon: Numbers,
    lat: Numbers,
    from_lon: Numbers,
    from_lat: Numbers,
) -> dict[str, Stretches]:
    """The fences crossed on the way to each record, of the ways that say anything."""
    rows = np.flatnonzero(way)
    found: dict[str, Stretches] = {}
    for name, columns in fences.crossings(from_lon[rows], from_lat[rows], lon[rows], lat[rows]).items():
        own: dict[int, list[tuple[float, float]]] = {}
        for segment, entry, leave in zip(*(column.tolist() for column in columns), strict=True):
            own.setdefault(int(rows[segment]), []).append((entry, leave))
        found[name] = own
    return found


def _is_way(
    at: NDArray[np.int64], lon: Numbers, lat: Numbers, from_at: NDArray[np.int64], from_lon: Numbers, from_lat: Numbers
) -> NDArray[np.bool_]:
    """Which records were reached from the fix before in a time, and at a speed, that make its way known."""
    seconds = (at - from_at) / 1e6
    east = (lon - from_lon) * np.cos(np.radians((lat + from_lat) / 2))
    far = np.hypot(east, lat - from_lat) * NM_PER_DEGREE
    most_kn = np.where(seconds <= LONG_WAY_S, WAY_MAX_KN, LONG_WAY_MAX_KN)
    known: NDArray[np.bool_] = (seconds > 0) & (seconds <= WAY_MAX_S) & (far <= most_kn * seconds / 3600) & (far > 0)
    return known
