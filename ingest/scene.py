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

# A way longer in time than this, or faster, tells nothing of where its object was: two fixes are not always one boat's.
WAY_MAX_S, WAY_MAX_KN = 1800.0, 60.0
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

    facts, label: what an alarm's evidence and its label say beside or instead of the object's own.
    """

    sight: Sight
    row: int
    share: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    label: str | None = None


def moment(stamp: int) -> datetime:
    """Microseconds since 1970 as a time."""
    return EPOCH + timedelta(microseconds=int(stamp))


@dataclass(frozen=True)
class Scene:
    """Records in time order with what the rules ask of them, all arrays of shape (records,).

    place: of each record, its object's place in `after`; at: microseconds since 1970; core, halo: the records inside
    each fence, and inside it widened; ways: by fence, the records whose way from the fix before crosses it; from_at,
    from_lon, from_lat: that fix before, where it is known; neighbours: the last lon, lat, at of what is not in the
    scene and may be near, by key as text.
    """

    records: pd.DataFrame
    after: pd.DataFrame
    label: str
    fences: Fences
    place: NDArray[np.intp]
    at: NDArray[np.int64]
    placed: NDArray[np.bool_]
    core: Hits
    halo: Hits
    from_at: NDArray[np.int64]
    from_lon: NDArray[np.float64]
    from_lat: NDArray[np.float64]
    ways: Mapping[str, Stretches]
    neighbours: pd.DataFrame | None = None

    @classmethod
    def of(
        cls,
        rules: Sequence[Rule],
        fences: Fences,
        key: str,
        label: str,
        records: pd.DataFrame,
        before: pd.DataFrame,
        after: pd.DataFrame,
    ) -> "Scene":
        """The scene of records (lon, lat, observed_at, in time order) between two states by key."""
        at, place = epoch_us(records["observed_at"]), after.index.get_indexer(pd.Index(records[key]))
        lon, lat = (records[name].to_numpy(dtype=float) for name in ("lon", "lat"))
        placed = ~np.isnan(lon)
        rows = np.flatnonzero(placed)
        wanted = {rule.fence_key for rule in rules if rule.fence_key}
        core, halo = (
            {name: rows[inside] for name, inside in each.items()} for each in fences.hits(lon[rows], lat[rows], wanted)
        )
        known = before[["observed_at", "lon", "lat"]].reindex(after.index)
        begins = _begins(rows, place, at, lon, lat, known)
        ways = _ways(fences, at, lon, lat, *begins) if any(rule.kind in THROUGH for rule in rules) else {}
        return cls(records, after, label, fences, place, at, placed, core, halo, *begins, ways)

    def beside(self, neighbours: pd.DataFrame | None) -> "Scene":
        """The same scene with its neighbours."""
        return replace(self, neighbours=neighbours)

    @property
    def keys(self) -> list[str]:
        """Each record's object by its key as the alarms have it."""
        names = [str(key) for key in self.after.index]
        return [names[place] for place in self.place.tolist()]

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

    def way_rows(self) -> NDArray[np.intp]:
        """The records whose way from the fix before is short enough to say anything."""
        lon, lat = (self.records[name].to_numpy(dtype=float) for name in ("lon", "lat"))
        return _way_rows(self.at, lon, lat, self.from_at, self.from_lon, self.from_lat)

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

    def place_between(self, row: int, time: datetime) -> tuple[float, float]:
        """Where on a record's way its object was at a time, lon and lat."""
        begin, end = int(self.from_at[row]), int(self.at[row])
        share = min(max((self.stamp(time) - begin) / (end - begin), 0.0), 1.0)
        to: Any = self.records.iloc[row]
        lon, lat = float(self.from_lon[row]), float(self.from_lat[row])
        return lon + share * (to["lon"] - lon), lat + share * (to["lat"] - lat)


def as_seen(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as the latest state and the rules see it: a fix told ahead of its time counts at its reception.

    The history keeps what was told. Taken at its word here, it would make the true fixes after it late ones.
    """
    ahead = is_future(frame["observed_at"], frame["received_at"])
    if not ahead.any():
        return frame
    seen = frame.assign(observed_at=frame["observed_at"].where(~ahead, frame["received_at"]))
    return seen.sort_values("observed_at", kind="stable", ignore_index=True)


Begins = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]


def _begins(
    rows: NDArray[np.intp],
    place: NDArray[np.intp],
    at: NDArray[np.int64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    known: pd.DataFrame,
) -> Begins:
    """The fix before each record with a position: of its object in the batch, else the last one known; NaN for none."""
    order = rows[np.argsort(place[rows], kind="stable")]
    previous, own = np.roll(order, 1), place[order]
    first = np.diff(own, prepend=-1) != 0
    from_at, (from_lon, from_lat) = np.zeros(len(at), np.int64), np.full((2, len(at)), np.nan)
    from_at[order] = np.where(first, epoch_us(known["observed_at"])[own], at[previous])
    for target, values, last in ((from_lon, lon, known["lon"]), (from_lat, lat, known["lat"])):
        target[order] = np.where(first, last.to_numpy(dtype=float)[own], values[previous])
    return from_at, from_lon, from_lat


def _ways(
    fences: Fences,
    at: NDArray[np.int64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    from_at: NDArray[np.int64],
    from_lon: NDArray[np.float64],
    from_lat: NDArray[np.float64],
) -> dict[str, Stretches]:
    """The fences crossed on the way to each record, of the ways that are short enough to say anything."""
    rows = _way_rows(at, lon, lat, from_at, from_lon, from_lat)
    found: dict[str, Stretches] = {}
    for name, columns in fences.crossings(from_lon[rows], from_lat[rows], lon[rows], lat[rows]).items():
        own: dict[int, list[tuple[float, float]]] = {}
        for segment, entry, leave in zip(*(column.tolist() for column in columns), strict=True):
            own.setdefault(int(rows[segment]), []).append((entry, leave))
        found[name] = own
    return found


def _way_rows(
    at: NDArray[np.int64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    from_at: NDArray[np.int64],
    from_lon: NDArray[np.float64],
    from_lat: NDArray[np.float64],
) -> NDArray[np.intp]:
    seconds = (at - from_at) / 1e6
    east = (lon - from_lon) * np.cos(np.radians((lat + from_lat) / 2))
    far = np.hypot(east, lat - from_lat) * NM_PER_DEGREE
    return np.flatnonzero((seconds > 0) & (seconds <= WAY_MAX_S) & (far <= WAY_MAX_KN * seconds / 3600) & (far > 0))
