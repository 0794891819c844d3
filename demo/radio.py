"""Who speaks when: the simulated day as a stream of sentences at the legal intervals."""

import heapq
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from demo import speech
from demo.fleet import Boat, Hull, Radio, careless, fleet
from demo.plan import Plan, Rounds, motion
from demo.scenario import AIRCRAFT_MMSI, MOB_MMSI, MOB_PLACE, MOB_S, Scenario, scenario
from demo.speech import Fix
from demo.track import Activity, Motion
from demo.traffic import BEACONS, Beacon, craft, merchants

STATIC_S = 360.0
BEACON_S = 180.0
BASE_S = AIRCRAFT_S = 10.0
CHECK_S = 86_400.0
_MOB_BURST, _MOB_GAP_S = 4, 4.0

Transmission = tuple[float, list[bytes]]
"""When (Unix seconds of the simulated clock), and the sentences of one message, without line ends."""


@dataclass(frozen=True)
class Day:
    """Everybody with a transponder and what they do, for one seed and one moment of start."""

    seed: int
    start: float
    speakers: tuple[tuple[Hull, Plan], ...]
    play: Scenario

    def motion(self, index: int, at: NDArray[np.float64]) -> Motion:
        """The motions of the speaker of that index at ascending moments (Unix seconds)."""
        return motion(self.speakers[index][1], at)

    def state(self, mmsi: int, at: float) -> Fix:
        """What that vessel's transponder reads at that moment (Unix seconds), past or future.

        Raises KeyError for an MMSI that is not of this day.
        """
        for hull, plan in self.speakers:
            if hull.mmsi == mmsi:
                return fix(plan, mmsi, at)
        raise KeyError(mmsi)


@lru_cache(maxsize=4)
def day(seed: int, start: float) -> Day:
    """The simulated day for that seed, its scripts told relative to `start` (Unix seconds)."""
    play = scenario(seed, start)
    boats = [boat for boat in fleet(seed) if boat.radio is not Radio.NONE]
    told = careless(seed)
    speakers: list[tuple[Hull, Plan]] = [
        (replace(boat, mmsi=told.get(boat.mmsi, boat.mmsi)), play.plans.get(boat.mmsi, Rounds(seed, boat)))
        for boat in boats
    ]
    return Day(seed, start, (*speakers, *merchants(seed), *craft(seed)), play)


def interval(hull: Hull, fix: Fix) -> float:
    """Seconds to the next position report (M.1371-5, tables 1 and 2), without class A's doubled rate while turning."""
    if isinstance(hull, Boat) and hull.laid_up:
        return CHECK_S
    if hull.radio is Radio.A:
        if fix.status in (Activity.ANCHORED, Activity.MOORED) and fix.speed <= 3:
            return 180.0
        return 10.0 if fix.speed <= 14 else 6.0 if fix.speed <= 23 else 2.0
    if fix.speed <= 2:
        return 180.0
    return 30.0 if hull.radio is Radio.B_CS or fix.speed <= 14 else 15.0


def unrest(way: Motion, mmsi: int) -> Motion:
    """The motion with the sea's unrest: a boat under way sways, one at rest swings and its receiver scatters."""
    phase = mmsi % 997
    sway = np.sin(way.at / 47 + phase) + np.sin(way.at / 19 + 2.7 * phase)
    still = way.speed < 0.05
    speed = np.where(still, 0.0, np.maximum(0.1, way.speed + 0.08 * sway))
    course = np.where(still, phase * 37 + 4 * sway, way.course + sway * np.where(way.speed > 2, 1.5, 4.0)) % 360
    lon = way.lon + np.where(still, sway, 0.0) * 1e-5
    lat = way.lat + np.where(still, np.sin(way.at / 31 + phase), 0.0) * 1e-5
    return Motion(way.at, lon, lat, speed, course, np.where(still, 0.0, way.turn), way.activity)


def fix(plan: Plan, mmsi: int, at: float) -> Fix:
    """What the vessel's transponder reads at that moment (Unix seconds): the state of one vessel at any time."""
    return fix_of(unrest(motion(plan, at), mmsi), 0)


def fix_of(way: Motion, row: int) -> Fix:
    """One row of a motion."""
    return Fix(
        float(way.at[row]), float(way.lon[row]), float(way.lat[row]), float(way.speed[row]), float(way.course[row]),
        float(way.turn[row]), int(way.activity[row]),
    )  # fmt: skip


def live(today: Day, start: float, clock: Callable[[float], float] = lambda at: at) -> Iterator[Transmission]:
    """Everything said from `start` on, without end, in order of time at the legal intervals.

    `clock` turns the simulated moment into the one that sentences carry; they differ when the day is played faster.
    """
    queue = _opening(today, start)
    while True:
        at, order, speak = heapq.heappop(queue)
        said, next_at = speak(at, clock(at))
        yield at, said
        if next_at < math.inf:
            heapq.heappush(queue, (next_at, order, speak))


_Speak = Callable[[float, float], tuple[list[bytes], float]]


def _opening(today: Day, start: float) -> list[tuple[float, int, _Speak]]:
    rng = random.Random(f"live/{today.seed}")
    voices: list[tuple[float, _Speak]] = []
    for index, (hull, plan) in enumerate(today.speakers):
        first = fix(plan, hull.mmsi, start)
        if isinstance(hull, Boat) and hull.laid_up:
            voices.append((next_check(start), _position(today, index)))
            voices.append((next_check(start), _static(today, index)))
            continue
        voices.append((start + rng.uniform(0, interval(hull, first)), _position(today, index)))
        voices.append((start + rng.uniform(0, STATIC_S), _static(today, index)))
    for what in BEACONS:
        every = BEACON_S if what.aid_type else BASE_S
        voices.append((start + rng.uniform(0, every), _beacon(what, every)))
    voices.append((start, _aircraft(today)))
    if start <= today.start + MOB_S:
        voices.append((today.start + MOB_S, _man_overboard(today)))
    queue = [(at, order, speak) for order, (at, speak) in enumerate(voices)]
    heapq.heapify(queue)
    return queue


def next_check(at: float) -> float:
    """When a laid-up boat's radio is tried next: once a day, at 08:00 in Huế (01:00 UTC)."""
    return math.ceil((at - 3600) / CHECK_S) * CHECK_S + 3600


def _position(today: Day, index: int) -> _Speak:
    hull, plan = today.speakers[index]

    def speak(at: float, stamp: float) -> tuple[list[bytes], float]:
        now = fix(plan, hull.mmsi, at)
        next_at = at + interval(hull, now)
        if today.play.is_silent(hull.mmsi, at):
            return [], next_at
        return speech.lines(speech.position(hull, replace(now, at=stamp)), stamp), next_at

    return speak


def _static(today: Day, index: int) -> _Speak:
    hull, plan = today.speakers[index]
    every = CHECK_S if isinstance(hull, Boat) and hull.laid_up else STATIC_S

    def speak(at: float, stamp: float) -> tuple[list[bytes], float]:
        if today.play.is_silent(hull.mmsi, at):
            return [], at + every
        now = replace(fix(plan, hull.mmsi, at), at=stamp)
        return [line for message in speech.static(hull, now) for line in speech.lines(message, stamp)], at + every

    return speak


def _beacon(what: Beacon, every: float) -> _Speak:
    return lambda at, stamp: (speech.lines(speech.beacon(what, stamp), stamp), at + every)


def _aircraft(today: Day) -> _Speak:
    def speak(at: float, stamp: float) -> tuple[list[bytes], float]:
        if not today.play.is_flying(at):
            return [], at + AIRCRAFT_S
        now = replace(fix(today.play.aircraft, AIRCRAFT_MMSI, at), at=stamp)
        return speech.lines(speech.aircraft(AIRCRAFT_MMSI, now), stamp), at + AIRCRAFT_S

    return speak


def _man_overboard(today: Day) -> _Speak:
    last = today.start + MOB_S + (_MOB_BURST - 1) * _MOB_GAP_S

    def speak(at: float, stamp: float) -> tuple[list[bytes], float]:
        text, place = speech.man_overboard(MOB_MMSI, MOB_PLACE, stamp)
        # The text goes first, so that whoever hears the position already knows it for a test.
        said = speech.lines(text, stamp) + speech.lines(place, stamp)
        return said, at + _MOB_GAP_S if at + _MOB_GAP_S <= last else math.inf

    return speak
