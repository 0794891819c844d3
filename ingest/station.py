"""The step that makes of each observation its station's state at that moment: what is known, and what follows from it.

A row of the history tells what was known when it came; `measured` names what that record itself told, and only this
counts for means and sums. What comes late changes the state that stands as of the newest observation, in the same
transaction, though it is not the newest itself.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import sqlalchemy as sa

from geo.column import read_frame
from geo.figure import Figures, figures
from geo.parameter import AIR, PARAMETERS, RAIN_MM, WATER_M
from geo.river import stage
from geo.station import HOUR, RISE_LEAST, RISE_MOST, Air, air_hour, hourly, rain_mm, rise_m_h
from geo.table import Shape
from ingest.environment import UNIT
from ingest.feed import RECORD_ID, Identify

DAY = timedelta(hours=24)
BEHIND = timedelta(hours=25)  # what the sums of a day and the twelve hours of a NowCast need
NAMES = tuple(one.name for one in PARAMETERS)
AIR_NAMES = tuple(one.name for one in AIR)
DERIVED = (
    "aqi", "aqi_of", "aqi_until", "pm25_12h", "pm10_12h", "rise_m_h", "stage", "nearest_level", "above_m",
    "rain_1h_mm", "rain_24h_mm",
)  # fmt: skip
HISTORY = ("id", "observed_at", "measured", "units", "quality", *NAMES)
EARLIER = "@"  # in `quality`, before the time of the record that was odd where that is an earlier one
Sample = tuple[datetime, float]
Odd = tuple[datetime, Sequence[str]]  # what was odd of one parameter when it was told, nothing where it was told well


@dataclass(frozen=True)
class Known:
    """What the latest state tells of a station: whose alarm levels hold there, its newest time, and its place."""

    river: str | None = None
    observed_at: datetime | None = None
    lon: float | None = None
    lat: float | None = None


class Window(NamedTuple):
    """A station and a time of its past, both ends included."""

    key: str
    since: datetime
    until: datetime


@dataclass
class Track:
    """What one station measured in the time that matters, by parameter in the order of time, and its units."""

    figures: Figures
    river: str | None
    samples: dict[str, list[Sample]]
    odd: Mapping[str, Sequence[Odd]]
    _air: dict[datetime, Air] = field(default_factory=dict)
    _hours: dict[str, dict[datetime, float]] | None = None
    _times: dict[str, list[datetime]] = field(default_factory=dict)

    def state(self, at: datetime) -> dict[str, Any]:
        """Everything that is known at a moment: each parameter's last value while it may stand for it, and DERIVED."""
        facts: dict[str, Any] = dict.fromkeys((*NAMES, *DERIVED))
        for one in PARAMETERS:
            if known := self._within(one.name, at, timedelta(seconds=one.kept_s)):
                facts[one.name] = known[-1][1]
        facts |= self._of_air(at)
        facts |= self._of_river(at, facts[WATER_M.name])
        if RAIN_MM.name in self.samples:
            facts["rain_1h_mm"] = rain_mm(self._within(RAIN_MM.name, at, HOUR), at, HOUR)
            facts["rain_24h_mm"] = rain_mm(self._within(RAIN_MM.name, at, DAY), at, DAY)
        return facts | {"quality": self.quality(at)}

    def quality(self, at: datetime, own: Mapping[str, Sequence[str]] = MappingProxyType({})) -> str | None:
        """What is odd at a moment: of each parameter what was odd when it was told last, of the last day.

        own: what a record of that moment told itself; of an earlier one it is told with that one's time.
        """
        found: list[str] = []
        for name, told in self.odd.items():
            before = bisect_right(told, at, key=itemgetter(0))
            if name in own:
                found += own[name]
            elif before and at - told[before - 1][0] <= DAY:
                when, words = told[before - 1]
                found += words if when == at else [f"{word}{EARLIER}{when:%Y-%m-%dT%H:%M:%SZ}" for word in words]
        return " ".join(found) or None

    def _within(self, name: str, at: datetime, back: timedelta) -> list[Sample]:
        """What was measured from `back` before a moment until then."""
        own = self.samples.get(name, [])
        times = self._times.setdefault(name, [when for when, _ in own])
        return own[bisect_left(times, at - back) : bisect_right(times, at)]

    def _of_air(self, at: datetime) -> dict[str, Any]:
        if self._hours is None:
            self._hours = {name: hourly(self.samples[name]) for name in AIR_NAMES if name in self.samples}
        if not self._hours:
            return {}
        end = at.replace(minute=0, second=0, microsecond=0)
        if end not in self._air:
            self._air[end] = air_hour(self._hours, at, self.figures)
        air = self._air[end]
        facts: dict[str, Any] = {f"{name}_12h": value for name, value in air.nowcast.items()}
        if air.index is None:
            return facts
        return facts | {"aqi": air.index.index, "aqi_of": air.index.of, "aqi_until": air.until}

    def _of_river(self, at: datetime, water_m: float | None) -> dict[str, Any]:
        if water_m is None:
            return {}
        facts: dict[str, Any] = {"rise_m_h": rise_m_h(self._within(WATER_M.name, at, RISE_LEAST + RISE_MOST), at)}
        if self.river:
            found = stage(self.river, water_m, self.figures, at)
            above = None if found.above_m is None else float(found.above_m)
            facts |= {"stage": found.level, "nearest_level": found.nearest, "above_m": above}
        return facts


def completed(
    frame: pd.DataFrame, past: pd.DataFrame, known: Mapping[str, Known], law: Figures
) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
    """Rows of ingest.environment with their stations' states, and the states of those that have a newer row already.

    past: rows of the history (HISTORY) of the same stations over the time that matters. The second part is by station
    what `state` tells at the time of its newest observation, for those of which a row here is older.
    """
    records = frame.to_dict("records")
    named = past[past["units"].notna()]
    units = {str(key): _units(rows) for key, rows in named.groupby("id", sort=False)}
    own_odd = [_own_odd(told, units.setdefault(str(told["id"]), {})) for told in records]
    new = frame.assign(quality=pd.Series([" ".join(words) or None for words in own_odd], frame.index, dtype=object))
    both = pd.concat([past[list(HISTORY)], new[list(HISTORY)]], ignore_index=True) if len(past) else new
    spans = {str(key): rows for key, rows in both.groupby("id", sort=False)}
    tracks: dict[str, Track] = {}
    rivers = _rivers(frame, known)
    for key, rows in spans.items():
        rows = rows.sort_values("observed_at", kind="stable")
        tracks[key] = Track(law, rivers.get(key), _samples(rows), _odd_of(rows))
    states: list[dict[str, Any]] = []
    overdue: dict[str, dict[str, Any]] = {}
    for told, words in zip(records, own_odd, strict=True):
        key, at = str(told["id"]), told["observed_at"].to_pydatetime()
        own = tracks[key].state(at)
        own["quality"] = tracks[key].quality(at, _told(told["measured"], words))
        own[RECORD_ID.name] = _record_id(told)
        states.append(own)
        newest = known.get(key, Known()).observed_at
        if newest is not None and newest - BEHIND <= at < newest and key not in overdue:
            overdue[key] = tracks[key].state(newest)
    frame = _placed(frame, known)
    made = pd.DataFrame(states, frame.index, [*NAMES, *DERIVED, "quality", RECORD_ID.name], dtype=object)
    numbers = [*NAMES, *(name for name in DERIVED if name not in ("aqi_of", "aqi_until"))]
    made = made.astype(dict.fromkeys(numbers, float))
    made["aqi_until"] = pd.to_datetime(made["aqi_until"], utc=True).astype(frame["observed_at"].dtype)
    return frame.assign(**{str(name): made[name] for name in made}), overdue


def _rivers(frame: pd.DataFrame, known: Mapping[str, Known]) -> dict[str, str]:
    """By station whose alarm levels are its own: as told here, else as told before."""
    found = {key: one.river for key, one in known.items() if one.river}
    return found | {str(key): str(name) for key, name in zip(frame["id"], frame["river"], strict=True) if _is(name)}


def _placed(frame: pd.DataFrame, known: Mapping[str, Known]) -> pd.DataFrame:
    """Rows with their stations' places where they do not tell them: of the past only what has a place is drawn."""
    keys = frame["id"].astype(str)
    filled = {}
    for name in ("lon", "lat"):
        before = keys.map({key: getattr(one, name) for key, one in known.items()}).astype(float)
        filled[name] = frame[name].groupby(keys).ffill().fillna(before)
    return frame.assign(**filled)


def _is(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _samples(rows: pd.DataFrame) -> dict[str, list[Sample]]:
    """What each record itself measured, by parameter."""
    codes, told = pd.factorize(rows["measured"])  # -1: nothing
    times = rows["observed_at"].dt.to_pydatetime()
    found: dict[str, list[Sample]] = {}
    for name in NAMES:
        tells = np.array([name in each.split() for each in told] + [False])
        values = rows[name].to_numpy(float, na_value=np.nan)
        own = tells[codes] & ~np.isnan(values)
        if own.any():
            found[name] = list(zip(times[own].tolist(), values[own].tolist(), strict=True))
    return found


def _units(rows: pd.DataFrame) -> dict[str, str]:
    """The unit in which each parameter was told last."""
    found: dict[str, str] = {}
    for told in rows.sort_values("observed_at", kind="stable")["units"]:
        found |= _pairs(told)
    return found


def _pairs(told: Any) -> dict[str, str]:
    return dict([told.split("=", 1)]) if _is(told) else {}


def _own_odd(told: Mapping[Any, Any], units: dict[str, str]) -> list[str]:
    """What is odd about a record itself: what its reader found, and a unit that its station did not have before."""
    odd = told["quality"].split() if _is(told["quality"]) else []
    for name, unit in _pairs(told["units"]).items():
        if units.setdefault(name, unit) != unit:
            odd.append(f"{name}:{UNIT}={unit}")
        units[name] = unit
    return odd


def _told(measured: Any, odd: Sequence[str]) -> dict[str, list[str]]:
    """What a record itself told, its time and its parameters, each with what is odd about it."""
    found: dict[str, list[str]] = {name: [] for name in ("observed_at", *(measured.split() if _is(measured) else ()))}
    for word in odd:
        found.setdefault(word.partition(":")[0], []).append(word)
    return found


def _odd_of(rows: pd.DataFrame) -> dict[str, list[Odd]]:
    """Of each parameter that was told oddly by any record, what was odd whenever it was told, in the order of time."""
    found: dict[str, list[Odd]] = {}
    if rows["quality"].isna().all():  # nearly every station
        return found
    columns = rows["observed_at"].dt.to_pydatetime(), rows["measured"], rows["quality"]
    for at, measured, quality in zip(*columns, strict=True):
        own = [word for word in quality.split() if EARLIER not in word] if _is(quality) else []
        for name, words in _told(measured, own).items():
            found.setdefault(name, []).append((at, words))
    return {name: told for name, told in found.items() if any(words for _, words in told)}


def _record_id(told: Mapping[Any, Any]) -> str:
    """The sender's id of a record, else one out of what it says: sent again, it is stored once."""
    own = told.get(RECORD_ID.name)
    if _is(own):
        return str(own)
    measured = told["measured"].split() if _is(told["measured"]) else []
    said = [told["id"], told["observed_at"].isoformat(), [(name, told[name]) for name in measured]]
    said += [told[name] if _is(told[name]) else None for name in ("quality", "name", "kind", "river", "owner")]
    return blake2b(repr(said).encode(), digest_size=16).hexdigest()


def completion(shape: Shape) -> Identify:
    """A layer's `identify` for stations of this shape: asks for what is known of them, and completes each record."""

    def complete(connection: sa.Connection, frame: pd.DataFrame) -> pd.DataFrame:
        # Two sources may tell of one station at once: each then counts with what the other told.
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('haidang:station'), hashtext(:name))"),
                           {"name": shape.name})  # fmt: skip
        keys = sorted({str(key) for key in frame["id"]})
        known = _known(connection, shape, keys)
        past = _past(connection, shape, windows(frame, known))
        done, overdue = completed(frame, past, known, figures(connection))
        for key in sorted(overdue):
            connection.execute(sa.update(shape.latest).where(shape.latest.c.id == key).values(overdue[key]))
        return done

    return complete


def _known(connection: sa.Connection, shape: Shape, keys: Sequence[str]) -> dict[str, Known]:
    column = shape.latest.c
    place = sa.func.ST_X(column.geom).label("lon"), sa.func.ST_Y(column.geom).label("lat")
    query = sa.select(column.id, column.river, column.observed_at, *place)
    found = connection.execute(query.where(column.id == sa.func.any(list(keys))))
    return {row.id: Known(row.river, row.observed_at, row.lon, row.lat) for row in found}


def windows(frame: pd.DataFrame, known: Mapping[str, Known]) -> list[Window]:
    """Which parts of the past matter to the rows of a frame, by station in order and without overlap.

    That is a day before each row, and before the newest observation that there is, where a row is late by less than
    that: what is older changes nothing of the state that stands.
    """
    found: list[Window] = []
    for key, times in frame.groupby("id", sort=True)["observed_at"]:
        newest = known.get(str(key), Known()).observed_at
        ends = [at.to_pydatetime() for at in times.sort_values()]
        if newest is not None and ends[0] < newest <= ends[-1] + BEHIND:
            ends = sorted([*ends, newest])
        own: list[Window] = []
        for end in ends:
            if own and end - BEHIND <= own[-1].until:
                own[-1] = Window(str(key), own[-1].since, end)
            else:
                own.append(Window(str(key), end - BEHIND, end))
        found += own
    return found


def _past(connection: sa.Connection, shape: Shape, wanted: Sequence[Window]) -> pd.DataFrame:
    """The history of the stations in those times, both ends included, in the order in which it came."""
    assert shape.history is not None
    query = (
        f"SELECT {', '.join(f'h.{name}' for name in HISTORY)}"
        " FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) AS w (id, since, until)"
        f" JOIN {shape.history.name} h ON h.id = w.id AND h.observed_at BETWEEN w.since AND w.until"
        " ORDER BY h.observed_at, h.received_at"
    )
    types = {name: shape.history.c[name].type for name in HISTORY}
    columns: list[list[Any]] = [
        list(column) for column in zip(*((w.key, w.since, w.until) for w in wanted), strict=True)
    ]
    return read_frame(connection, query, types, columns)
