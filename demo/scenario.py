"""The scripted events of the first ten minutes and after, told relative to the moment the demo starts."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from demo.fleet import Boat, fleet
from demo.gear import Ground, fish
from demo.plan import Once, Plan, Shuttle
from demo.sea import INSHORE_LINE, Place, distance_nm, offset, route, seaward
from demo.track import Activity, Pen, Track, length_nm

MINUTE = 60.0
HOUR = 3600.0
_AHEAD_S = 36 * HOUR

WORKER = "TTH-91234-TS"
SILENT = "TTH-90417-TS"
CROSSER = "TTH-92418-TS"
MEETING = ("TTH-90933-TS", "QNg-95518-TS")
NIBBLERS = ("TTH-92605-TS", "TTH-92731-TS", "TTH-92857-TS")
INTRUDER = "TTH-93309-TS"

SILENT_S = 4.5 * MINUTE
MOB_S = 9 * MINUTE
MOB_MMSI = 972_574_901
MOB_PLACE: Place = (107.772, 16.842)
AIRCRAFT_MMSI = 111_574_001
_FLIGHT_S, _FLIGHTS_EVERY_S, _FIRST_FLIGHT_S = 40 * MINUTE, 5 * HOUR, 6 * MINUTE


@dataclass(frozen=True)
class Scenario:
    """Plans of the scripted boats by MMSI, which replace their ordinary rounds, and who falls silent when."""

    start: float
    plans: dict[int, Plan] = field(hash=False)
    silences: dict[int, tuple[float, float]] = field(hash=False)
    aircraft: Shuttle = field(hash=False)

    def is_silent(self, mmsi: int, at: float) -> bool:
        """Whether that vessel's transponder is off at that moment (Unix seconds)."""
        begin, end = self.silences.get(mmsi, (math.inf, math.inf))
        return begin <= at < end

    def is_flying(self, at: float) -> bool:
        """Whether the rescue aircraft is in the air."""
        return at - self.aircraft.start(self.aircraft.number(at)) < _FLIGHT_S


def scripted(seed: int) -> dict[str, Boat]:
    """The boats that the scripts name, by registration."""
    names = {WORKER, SILENT, CROSSER, *MEETING, *NIBBLERS, INTRUDER}
    return {boat.registration: boat for boat in fleet(seed) if boat.registration in names}


@lru_cache(maxsize=8)
def scenario(seed: int, start: float) -> Scenario:
    """The scripts for a demo that starts at that moment (Unix seconds)."""
    boats = scripted(seed)
    tracks = {
        WORKER: _worker(boats[WORKER], start),
        SILENT: _silent(boats[SILENT], start),
        CROSSER: _crosser(boats[CROSSER], start),
        INTRUDER: _intruder(boats[INTRUDER], start),
    }
    tracks |= {name: _nibbler(boats[name], start, index) for index, name in enumerate(NIBBLERS)}
    tracks |= {name: _meeting(boats[name], start, index) for index, name in enumerate(MEETING)}
    return Scenario(
        start,
        {boats[name].mmsi: Once(track) for name, track in tracks.items()},
        {boats[SILENT].mmsi: (start + SILENT_S, math.inf)},
        Shuttle(_FLIGHTS_EVERY_S, start + _FIRST_FLIGHT_S, _flight),
    )


def _berth(boat: Boat) -> Place:
    return boat.harbour.berth(random.Random(f"script/{boat.mmsi}"))


def go_out(boat: Boat, place: Place, arrive: float) -> Pen:
    """A pen that left the boat's berth in time to be at the place at that moment, at 7.6 kn outside the harbour."""
    berth, channel = _berth(boat), boat.harbour.channel
    way = route(channel[-1], place)
    hours = length_nm((berth, *channel)) / 4.2 + length_nm(way) / 7.6
    pen = Pen(arrive - hours * HOUR, berth)
    pen.follow(channel, 4.2)
    pen.follow(way[1:], 7.6)
    return pen


def come_home(boat: Boat, pen: Pen, last_safe: Place) -> Track:
    """Home by way of a place that lies outside the drawn areas."""
    channel = boat.harbour.channel
    pen.sail(last_safe, 4.0)
    pen.follow((*route(last_safe, channel[-1])[1:], *channel[::-1][1:], _berth(boat)), 7.0)
    pen.stay(pen.at + MINUTE, Activity.MOORED)
    return pen.track()


def _go_round(pen: Pen, loop: Sequence[Place], period_s: float, until: float) -> None:
    """Work round a closed loop that begins where the pen stands, one round in `period_s` exactly."""
    way_nm = length_nm((pen.place, *loop, pen.place))
    home = pen.place
    while pen.at < until:
        pen.follow((*loop, home), way_nm / period_s * HOUR, Activity.FISHING)


def _work_to(pen: Pen, place: Place, at: float) -> None:
    """Work on towards the place so as to be there at that moment."""
    pen.sail(place, distance_nm(pen.place, place) / (at - pen.at) * HOUR, Activity.FISHING)


def _worker(boat: Boat, start: float) -> Track:
    """The 16.4 m trawler: slow in vùng lộng, over the edge of the banned area at 2:30, out after about 80 minutes."""
    edge, enter = (107.8925, 16.765), start + 2.5 * MINUTE
    outside = offset(edge, -1.9, 0.25)
    pen = go_out(boat, outside, enter - 45 * MINUTE)
    _work_to(pen, edge, enter)
    loop = [offset(edge, *step) for step in ((0.8, -0.1), (1.3, 0.4), (0.9, 0.9), (0.3, 0.6), (-1.3, 0.7), (-2.0, 0.2))]
    _go_round(pen, loop, 3 * HOUR, start + _AHEAD_S)
    return come_home(boat, pen, outside)


def _edge_loop(edge: Place, inward: float) -> tuple[list[Place], Place]:
    """A small triangle over the edge and a larger one outside it, and a waiting place; `inward` is degrees true."""
    sine, cosine = math.sin(math.radians(inward)), math.cos(math.radians(inward))

    def at(deep_nm: float, aside_nm: float) -> Place:
        return offset(edge, deep_nm * sine + aside_nm * cosine, deep_nm * cosine - aside_nm * sine)

    return [at(0.45, 0.25), at(0.0, 0.5), at(-1.5, 0.25)], at(-3.0, 0.2)


# Where each of the three works over the banned area's edge, and the course that leads into it.
_NIBBLES: tuple[tuple[Place, float], ...] = (
    ((107.9100, 16.7150), 40.0),
    ((107.9325, 16.8050), 165.0),
    ((108.0125, 16.7550), 255.0),
)


def _nibbler(boat: Boat, start: float, index: int) -> Track:
    """A boat that works over the edge for 15 to 20 minutes of each hour; three of them make six events an hour."""
    enter = start + (8 + 20 * index) * MINUTE
    edge, inward = _NIBBLES[index]
    loop, waiting = _edge_loop(edge, inward)
    if index == len(NIBBLERS) - 1:
        # The seeded past has one such visit, so that the alarm list does not begin empty.
        pen = go_out(boat, waiting, start - 155 * MINUTE)
        _work_to(pen, edge, start - 95 * MINUTE)
        _go_round(pen, loop, HOUR, start - 95 * MINUTE + 1)
        _work_to(pen, waiting, start - 10 * MINUTE)
    else:
        pen = go_out(boat, waiting, enter - 58 * MINUTE)
    _work_to(pen, edge, enter)
    _go_round(pen, loop, HOUR, start + _AHEAD_S)
    return come_home(boat, pen, waiting)


def _intruder(boat: Boat, start: float) -> Track:
    """A small boat that drifts with its net into the pilot boarding area off Chân Mây at 5:00, each hour."""
    enter = start + 5 * MINUTE
    edge = (108.045, 16.3885)
    loop, waiting = _edge_loop(edge, 100.0)
    gate = offset(edge, -3.0, 1.0)
    pen = go_out(boat, gate, enter - 70 * MINUTE)
    pen.sail(waiting, 3.0, Activity.FISHING)
    _work_to(pen, edge, enter)
    _go_round(pen, loop, HOUR, start + _AHEAD_S)
    return come_home(boat, pen, gate)


def _crosser(boat: Boat, start: float) -> Track:
    """A 14.2 m boat, allowed in vùng lộng only, that crosses tuyến lộng at 6:00 and is back within two hours."""
    along, per_nm = 0.22, 1 / distance_nm(*INSHORE_LINE)

    def at(aside_nm: float, out_nm: float) -> Place:
        return seaward(INSHORE_LINE, along + aside_nm * per_nm, out_nm)

    pen = go_out(boat, at(0.5, -3.6), start - 58 * MINUTE)
    _work_to(pen, at(0.0, 0.0), start + 6 * MINUTE)
    loop = [at(0.4, 1.2), at(0.0, 2.2), at(-1.0, 2.0), at(-1.2, 0.0), at(-1.2, -2.5), at(0.0, -3.0)]
    _go_round(pen, loop, 4 * HOUR, start + _AHEAD_S)
    return come_home(boat, pen, at(0.0, -3.0))


def _silent(boat: Boat, start: float) -> Track:
    """A trawler at work in khơi. It tows around the start, so that it is heard each 30 s until it falls silent."""
    ground = Ground((108.62, 16.92), 2.2)
    rng = random.Random(f"script/{boat.mmsi}/ground")
    pen = go_out(boat, ground.centre, start - 26 * HOUR)
    fish(pen, boat.gear, ground, rng, start - 60 * MINUTE)
    for corner in ((1.3, -0.9), (-1.2, 1.1), (1.1, 1.2)):
        pen.sail(offset(ground.centre, *corner), 3.1, Activity.FISHING)
    fish(pen, boat.gear, ground, rng, start + _AHEAD_S)
    return come_home(boat, pen, ground.centre)


def _meeting(boat: Boat, start: float, index: int) -> Track:
    """Two boats drift 200 m apart in khơi from 2 h 25 min before the start until 1 h 40 min after it."""
    meet = (108.500, 17.020)
    ground = Ground(offset(meet, 8.0 * (1, -1)[index], 4.0), 2.5)
    rng = random.Random(f"script/{boat.mmsi}/ground")
    pen = go_out(boat, ground.centre, start - 26 * HOUR)
    fish(pen, boat.gear, ground, rng, start - 6.5 * HOUR)
    side = 0.055 * (1, -1)[index]
    begin, end = start - 145 * MINUTE, start + 100 * MINUTE
    place = offset(meet, side, 0.0)
    pen.stay(begin - distance_nm(pen.place, place) / 6.0 * HOUR, Activity.FISHING)
    pen.sail(place, 6.0)
    # Both follow the same current, so the distance between them keeps.
    current = random.Random(f"script/current/{start}")
    course, east, north = 150.0, side, 0.0
    while pen.at < end:
        course += current.gauss(0, 12)
        step_nm = current.uniform(0.08, 0.14)
        east, north = east + step_nm * math.sin(math.radians(course)), north + step_nm * math.cos(math.radians(course))
        pen.sail(offset(meet, east, north), step_nm * 4, Activity.FISHING)
    pen.sail(ground.centre, 6.5)
    fish(pen, boat.gear, ground, rng, start + _AHEAD_S)
    return come_home(boat, pen, ground.centre)


def _flight(number: int, start: float) -> Track:
    """A rescue aircraft's search pattern over the sea: parallel legs at 120 kn."""
    corner: Place = (108.05, 16.62)
    pen = Pen(start, corner, Activity.UNDERWAY)
    side = 0
    while pen.at < start + _FLIGHT_S:
        side += 1
        out = 14.0 if side % 2 else 0.0
        for step in (3.0 * (side - 1), 3.0 * side):
            pen.sail(offset(corner, step * 0.6 + out * 0.74, step * 0.8 + out * -0.67 + 2.0), 120.0)
    return pen.track(window_s=40.0)
