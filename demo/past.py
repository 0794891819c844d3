"""The seeded past: the same day before its start, thinned, as sentences to be fed through the door of the live ones."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields
from heapq import merge

import numpy as np
from numpy.typing import NDArray
from pyais.messages import MessageType1, MessageType18

from demo import speech
from demo.fleet import Boat, Hull, Radio
from demo.pack import pack
from demo.radio import CHECK_S, Day, day, fix_of, next_check, unrest
from demo.track import Activity, Motion
from demo.traffic import BEACONS

MOVING_S, SLOW_S, STILL_S = 180.0, 360.0, 1800.0
"""Steps of the past, wider than the legal intervals to keep it small: over 2 kn, slower, at berth or anchor."""
STATIC_S = 8 * 3600.0
_TURN_LIMIT = 120.0

_Timed = tuple[float, bytes]


def history(seed: int, start: float, end: float, demo_start: float | None = None) -> Iterator[bytes]:
    """The past from `start` to `end` (Unix seconds) as sentences without line ends, in order of time.

    The scripts are told relative to `demo_start`, by default `end`. Positions come at the steps above, at every change
    between rest and motion, and once more within the last three minutes so that nobody begins stale; names and sizes
    come at the beginning and every eight hours.
    """
    today = day(seed, end if demo_start is None else demo_start)
    ways = [_heard(today, index, start, end) for index in range(len(today.speakers))]
    said: list[_Timed] = [
        (at, line)
        for what in BEACONS
        for at in np.arange(start, end, STILL_S).tolist()
        for line in speech.lines(speech.beacon(what, at), at)
    ]
    for (hull, _), way in zip(today.speakers, ways, strict=True):
        said += _statics(hull, way)
    said.sort(key=lambda item: item[0])
    positions = (_positions(today, ways, class_a) for class_a in (True, False))
    for _, line in merge(said, *positions, key=lambda item: item[0]):
        yield line


def past_moments(today: Day, index: int, start: float, end: float) -> NDArray[np.float64]:
    """The moments at which the speaker of that index is heard in the past, Unix seconds, ascending."""
    hull, _ = today.speakers[index]
    if isinstance(hull, Boat) and hull.laid_up:
        return np.arange(next_check(start), end, CHECK_S)
    rng = random.Random(f"past/{today.seed}/{hull.mmsi}")
    # Counted back from the end, so that the last step is never far from it.
    steps = np.arange(end - rng.uniform(1, MOVING_S), start, -MOVING_S)[::-1]
    if len(steps) == 0:
        return steps
    way = today.motion(index, steps)
    still = (way.activity == Activity.MOORED) | (way.activity == Activity.ANCHORED)
    every = np.where(still, STILL_S, np.where(way.speed <= 2, SLOW_S, MOVING_S)) // MOVING_S
    kept = (np.arange(len(steps)) + rng.randrange(10)) % every == 0
    # The change from rest to motion and back is told, or a trail would jump out of the harbour.
    kept[:-1] |= still[:-1] != still[1:]
    kept[-1] = True
    return np.asarray(steps[kept], float)


def _heard(today: Day, index: int, start: float, end: float) -> Motion:
    hull, _ = today.speakers[index]
    moments = past_moments(today, index, start, end)
    if len(moments) and hull.mmsi in today.play.silences:
        moments = moments[[not today.play.is_silent(hull.mmsi, at) for at in moments.tolist()]]
    if len(moments) == 0:
        empty = np.empty(0)
        return Motion(empty, empty, empty, empty, empty, empty, np.empty(0, np.int8))
    return unrest(today.motion(index, moments), hull.mmsi)


def _statics(hull: Hull, way: Motion) -> Iterator[_Timed]:
    due = -np.inf
    for row, at in enumerate(way.at.tolist()):
        if at >= due:
            due = at + STATIC_S
            for message in speech.static(hull, fix_of(way, row)):
                for line in speech.lines(message, at):
                    yield at, line


def _positions(today: Day, ways: list[Motion], class_a: bool) -> Iterator[_Timed]:
    """All position reports of one class in order of time."""
    parts: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    for (hull, _), way in zip(today.speakers, ways, strict=True):
        if (hull.radio is Radio.A) is class_a:
            for name in (field.name for field in fields(Motion)):
                parts[name].append(getattr(way, name))
            parts["mmsi"].append(np.full(len(way.at), hull.mmsi, float))
            parts["cs"].append(np.full(len(way.at), float(hull.radio is Radio.B_CS)))
    joined = {name: np.concatenate(part) for name, part in parts.items()}
    order = np.argsort(joined["at"], kind="stable")
    whole = {name: column[order] for name, column in joined.items()}
    at, one = whole["at"], np.ones(len(order))
    columns = {name: whole[name] for name in ("mmsi", "lon", "lat")}
    columns |= {"speed": np.round(whole["speed"], 1), "course": np.round(whole["course"], 1) % 360.0}
    columns |= {"second": np.floor(at) % 60, "accuracy": one}
    if class_a:
        columns["heading"] = np.rint(whole["course"]) % 360
        columns["status"] = whole["activity"]
        columns["turn"] = np.clip(np.round(whole["turn"], 1), -_TURN_LIMIT, _TURN_LIMIT)
        return zip(at.tolist(), pack(MessageType1, columns, at), strict=True)
    columns |= {"heading": one * 511, "cs": whole["cs"], "dsc": one, "band": one, "msg22": one}
    return zip(at.tolist(), pack(MessageType18, columns, at), strict=True)
