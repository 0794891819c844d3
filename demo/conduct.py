"""A fleet's days with meetings, drifts and silent radios in them, and what really happened.

The truth is told by the plans themselves and by motions without a receiver between, never by what fixes show.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from demo.fleet import NAMED, Boat, Radio, fleet
from demo.gear import Ground, fish
from demo.past import past_moments
from demo.plan import Once, Plan, Rounds, motion
from demo.radio import Day, unrest
from demo.scenario import HOUR, MINUTE, Scenario, come_home, go_out, scenario
from demo.sea import INSHORE_LINE, Place, distance_nm, offset, seaward
from demo.track import Activity, Motion, Track
from demo.truth import Truth, runs
from geo.offshore import offshore_nm
from geo.reference import PORT_ENTER_M, PORTS

# Hours of each meeting, of which some are too short, and metres and knots between: side by side, too far, too fast.
_MEETINGS = (
    *((hours, 40 + 25 * number, 0.5) for number, hours in enumerate((0.8, 1.4, 1.8, 2.3, 2.6, 3, 3.5, 4, 5, 6, 8, 10))),
    (4, 700, 0.5), (5, 900, 0.8), (3, 150, 4.5), (4, 200, 6.0),
)  # fmt: skip
_SILENT_H = (2.5, 4, 5.5, 7, 8, 10, 11.5, 13, 15, 20, 26, 30)
_DRIFT_H = (2, 3, 4.5, 5, 6, 8, 10, 14)
_PASSERS = 4
_NEAR_M, _TOGETHER_S, _SLOW_KN = 500.0, 2 * HOUR, 2.0
_FAR_NM, _LOITER_S, _PORT_M = 20.0, 4 * HOUR, 10_000.0
_PAUSE_S, _LEAST_S = HOUR, 30 * MINUTE
_FIRST_H = 20.0


@dataclass(frozen=True)
class Conduct:
    """The days of a fleet: what each boat plans, whose radio is off when, from one moment to another (Unix seconds)."""

    seed: int
    start: float
    end: float
    plans: dict[int, Plan] = field(hash=False)
    silences: dict[int, tuple[float, float]] = field(hash=False)
    cast_alone: bool = False

    @cached_property
    def boats(self) -> tuple[Boat, ...]:
        """Those with a radio that go out; cast_alone: those that have a part to play."""
        able = (boat for boat in fleet(self.seed) if boat.radio is not Radio.NONE and not boat.laid_up)
        return tuple(boat for boat in able if not self.cast_alone or boat.mmsi in self.plans)

    def plan(self, boat: Boat) -> Plan:
        """What the boat does: its part, or its ordinary rounds."""
        return self.plans.get(boat.mmsi, Rounds(self.seed, boat))

    def heard(self, index: int) -> Motion:
        """What a receiver hears of the boat of that index, as demo.past thins it: none while its radio is off."""
        boat = self.boats[index]
        moments = past_moments(self._day, index, self.start, self.end)
        off, on = self.silences.get(boat.mmsi, (math.inf, math.inf))
        moments = moments[(moments < off) | (moments >= on)]
        if not len(moments):
            empty = np.empty(0)
            return Motion(empty, empty, empty, empty, empty, empty, np.empty(0, np.int8))
        way = unrest(motion(self.plan(boat), moments), boat.mmsi)
        # As the sentences have it: ten-thousandths of a minute, tenths of a knot.
        return replace(way, lon=np.round(way.lon * 6e5) / 6e5, lat=np.round(way.lat * 6e5) / 6e5,
                       speed=np.round(way.speed, 1))  # fmt: skip

    @cached_property
    def _day(self) -> Day:
        quiet = scenario(self.seed, self.start)
        play = Scenario(quiet.start, self.plans, {}, quiet.aircraft)
        return Day(self.seed, self.start, tuple((boat, self.plan(boat)) for boat in self.boats), play)

    def truths(self) -> tuple[Truth, ...]:
        """Everything that happened, in the order of time: `fishing`, `encounter`, `loitering`, `port_visit`, `gap` and
        `possible_disabling`; what went on at either end of the days is cut off there.
        """
        at = np.arange(self.start, self.end + 1, MINUTE)
        ways = {boat.mmsi: motion(self.plan(boat), at) for boat in self.boats}
        found: list[Truth] = []
        for mmsi, way in ways.items():
            found += _fishing(mmsi, way, self.end)
            found += _visits(mmsi, way, self.end)
            found += _loitering(mmsi, way, self.end)
        found += self._encounters(ways)
        found += self._gaps(ways)
        return tuple(sorted(found, key=lambda truth: (truth.start, truth.kind, truth.mmsi)))

    def _gaps(self, ways: dict[int, Motion]) -> Iterator[Truth]:
        for mmsi, (off, on) in self.silences.items():
            if on - off < 6 * HOUR:
                continue
            row = int((off - self.start) // MINUTE)
            nm = float(offshore_nm(ways[mmsi].lon[row], ways[mmsi].lat[row])[0])
            sign = on - off >= 12 * HOUR and nm >= 50
            yield Truth("possible_disabling" if sign else "gap", mmsi, off, on, {"offshore_nm": round(nm, 1)})

    def _encounters(self, ways: dict[int, Motion]) -> Iterator[Truth]:
        """Whoever was together, meant or not: looked for among all boats every five minutes, then minute by minute."""
        keys = list(ways)
        together: dict[tuple[int, int], int] = {}
        lon, lat = (np.stack([getattr(way, axis) for way in ways.values()]) for axis in ("lon", "lat"))
        for column in range(0, lon.shape[1], 5):
            x, y = lon[:, column] * 60 * 1852 * math.cos(math.radians(16.5)), lat[:, column] * 60 * 1852
            points = shapely.points(x, y)
            first, second = shapely.STRtree(points).query(points, predicate="dwithin", distance=_NEAR_M * 1.1)
            for a, b in zip(first.tolist(), second.tolist(), strict=True):
                if a < b:
                    together[keys[a], keys[b]] = together.get((keys[a], keys[b]), 0) + 1
        for (one, other), times in together.items():
            if times * 5 * MINUTE < _TOGETHER_S - 10 * MINUTE:
                continue
            a, b = ways[one], ways[other]
            near = _apart_m(a, b) <= _NEAR_M
            for begin, end in runs(a.at, near):
                stop = self.end if end is None else end
                if stop - begin < _TOGETHER_S:
                    continue
                rows = slice(int((begin - self.start) // MINUTE), int((stop - self.start) // MINUTE))
                slow = np.median(np.concatenate([a.speed[rows], b.speed[rows]])) < _SLOW_KN
                place = float(a.lon[rows].mean()), float(a.lat[rows].mean())
                if slow and _from_port_m(place) >= _PORT_M:
                    yield Truth("encounter", min(one, other), begin, stop, {"other": max(one, other)})


def conduct(seed: int, start: float, days: float, cast_alone: bool = False) -> Conduct:
    """A fleet's days from a moment on (Unix seconds) in which some of its boats have parts to play."""
    rng = random.Random(f"conduct/{seed}")
    cast = [
        boat for boat in fleet(seed)
        if boat.length_m >= 15 and boat.radio is not Radio.NONE and not boat.laid_up
        and boat.registration not in NAMED and boat.registration.startswith("TTH")
    ]  # fmt: skip
    rng.shuffle(cast)
    end = start + days * 24 * HOUR
    plans: dict[int, Plan] = {}
    silences: dict[int, tuple[float, float]] = {}
    for number, (hours, metres, knots) in enumerate(_MEETINGS):
        place = seaward(INSHORE_LINE, 0.06 + 0.027 * number, 8 + 3 * (number % 3))
        at = start + (_FIRST_H + 4 * number) * HOUR
        for side in (-0.5, 0.5):
            boat = cast.pop()
            track = _meeting(boat, place, at, hours, side * metres / 1852, knots, f"{seed}/{number}", end)
            plans[boat.mmsi] = Once(track)
    for number, hours in enumerate(_SILENT_H):
        boat = cast.pop()
        # In turn where nothing is to be said of it, and beyond fifty miles from every shore.
        place = (109.98 + 0.03 * number, 16.2) if number % 2 else seaward(INSHORE_LINE, 0.1 + 0.03 * number, 5)
        at = start + (_FIRST_H + 12 + 3 * number) * HOUR
        plans[boat.mmsi] = Once(_working(boat, place, at - 14 * HOUR, at + (hours + 10) * HOUR))
        silences[boat.mmsi] = at, at + hours * HOUR
    for number, hours in enumerate(_DRIFT_H):
        boat = cast.pop()
        place = seaward(INSHORE_LINE, 0.08 + 0.05 * number, 3 + 4 * (number % 4))
        at = start + (_FIRST_H + 5 * number) * HOUR
        plans[boat.mmsi] = Once(_drifting(boat, place, at, hours, f"{seed}/{number}"))
    for number in range(_PASSERS):
        boat = cast.pop()
        plans[boat.mmsi] = Once(_passing(boat, start + (_FIRST_H + 9 * number) * HOUR))
    return Conduct(seed, start, end, plans, silences, cast_alone)


def _meeting(
    boat: Boat, place: Place, at: float, hours: float, side_nm: float, knots: float, name: str, end: float
) -> Track:
    """To the place from its own side, with the other on one course for so long, and back to work."""
    away = offset(place, 9 * math.copysign(1, side_nm), 5.0)
    rng = random.Random(f"conduct/{boat.mmsi}")
    ground = Ground(away, 2.0)
    pen = go_out(boat, away, at - 10 * HOUR)
    fish(pen, boat.gear, ground, rng, at - 4 * HOUR)
    beside = offset(place, side_nm, 0.0)
    pen.stay(max(pen.at, at - distance_nm(pen.place, beside) / 7.0 * HOUR), Activity.UNDERWAY)
    pen.sail(beside, 7.0)
    course = random.Random(f"conduct/course/{name}")
    east = north = 0.0
    heading, until = course.uniform(0, 360), at + hours * HOUR
    # Both wait for each other: they drift from one moment on.
    pen.stay(at + 0.2 * HOUR, Activity.UNDERWAY)
    while pen.at < until + 0.2 * HOUR:
        heading += course.gauss(0, 10 if knots < 2 else 2)
        step = knots * 0.25
        east, north = east + step * math.sin(math.radians(heading)), north + step * math.cos(math.radians(heading))
        pen.sail(offset(beside, east, north), knots, Activity.UNDERWAY)
    pen.sail(away, 7.5)
    fish(pen, boat.gear, ground, rng, min(end, pen.at + 12 * HOUR))
    return come_home(boat, pen, away)


def _working(boat: Boat, place: Place, since: float, until: float) -> Track:
    ground = Ground(place, 1.5)
    pen = go_out(boat, place, since)
    fish(pen, boat.gear, ground, random.Random(f"conduct/{boat.mmsi}"), until)
    return come_home(boat, pen, place)


def _drifting(boat: Boat, place: Place, at: float, hours: float, name: str) -> Track:
    """Engine off for so long, and carried by wind and current."""
    rng = random.Random(f"conduct/drift/{name}")
    pen = go_out(boat, place, at)
    heading, until = rng.uniform(0, 360), at + hours * HOUR
    while pen.at < until:
        heading, knots = heading + rng.gauss(0, 15), rng.uniform(0.2, 1.3)
        east, north = math.sin(math.radians(heading)), math.cos(math.radians(heading))
        pen.sail(offset(pen.place, knots / 4 * east, knots / 4 * north), knots, Activity.UNDERWAY)
    pen.sail(offset(place, 6.0, 6.0), 7.5)
    return come_home(boat, pen, place)


def _passing(boat: Boat, at: float) -> Track:
    """Along the coast and past another harbour without a stop."""
    outside = offset(boat.harbour.channel[-1], 4.0, 4.0)
    pen = go_out(boat, outside, at)
    pen.sail((107.925, 16.365), 7.0)
    pen.sail(outside, 7.0)
    return come_home(boat, pen, outside)


def _apart_m(a: Motion, b: Motion) -> NDArray[np.float64]:
    east = (a.lon - b.lon) * np.cos(np.radians((a.lat + b.lat) / 2))
    apart: NDArray[np.float64] = np.hypot(east, a.lat - b.lat) * 60 * 1852
    return apart


def _from_port_m(place: Place) -> float:
    return min(distance_nm(place, (lon, lat)) * 1852 for _, _, _, lon, lat in PORTS)


def _joined(spans: Sequence[tuple[float, float]], pause_s: float) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for begin, end in spans:
        if found and begin - found[-1][1] <= pause_s:
            found[-1] = found[-1][0], end
        else:
            found.append((begin, end))
    return found


def _spans(way: Motion, holds: NDArray[np.bool_], last: float) -> list[tuple[float, float]]:
    return [(begin, last if end is None else end) for begin, end in runs(way.at, holds)]


def _fishing(mmsi: int, way: Motion, last: float) -> list[Truth]:
    """The gear is out, or worked, by the plan; a short way to the next place belongs to it."""
    spans = _joined(_spans(way, way.activity == Activity.FISHING, last), _PAUSE_S)
    return [Truth("fishing", mmsi, begin, end) for begin, end in spans if end - begin >= _LEAST_S]


def _visits(mmsi: int, way: Motion, last: float) -> list[Truth]:
    """It lies at its berth: quite still, and nearer to a port than where ports end."""
    east = np.cos(np.radians(way.lat)) * 60 * 1852
    far = [np.hypot((way.lon - lon) * east, (way.lat - lat) * 60 * 1852) for _, _, _, lon, lat in PORTS]
    lying = (way.speed < 0.05) & (np.min(far, axis=0) < PORT_ENTER_M)
    return [Truth("port_visit", mmsi, begin, end) for begin, end in _spans(way, lying, last)]


def _loitering(mmsi: int, way: Motion, last: float) -> list[Truth]:
    """The way of the hour around each minute is below two miles, far enough from shore, for four hours."""
    step = np.hypot(np.diff(way.lon) * np.cos(np.radians(way.lat[:-1])), np.diff(way.lat)) * 60
    run = np.append(0.0, np.cumsum(step))
    half = 30
    around = np.full(len(run), np.inf)
    around[half:-half] = run[2 * half :] - run[: -2 * half]
    slow = (around < _SLOW_KN) & (way.activity != Activity.MOORED)
    found = []
    for begin, end in _spans(way, slow, last):
        rows = slice(int((begin - way.at[0]) // MINUTE), int((end - way.at[0]) // MINUTE))
        if end - begin < _LOITER_S:
            continue
        far = np.zeros(len(way.at), bool)
        far[rows] = offshore_nm(way.lon[rows], way.lat[rows]) >= _FAR_NM
        found += [Truth("loitering", mmsi, a, b) for a, b in _spans(way, far, last) if b - a >= _LOITER_S]
    return found
