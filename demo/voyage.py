"""A fishing boat's rounds, one after another for ever: out of port, to its legal ground, home again, and rest."""

import math
import random
from dataclasses import dataclass
from functools import lru_cache

from demo.fleet import Boat
from demo.gear import LOCAL_S, Ground, fish
from demo.harbour import CUA_VIET, LY_SON
from demo.sea import COAST_LINE, INSHORE_LINE, Place, beyond_nm, distance_nm, is_clear, offset, route, seaward, to_plane
from demo.track import Activity, Pen, Track, length_nm

_DAY_S = 86_400
_ZONE_MARGIN_NM = 0.8
_NORTHERN_LIMIT = 17.75
_FAR_NM = 60.0
_RADIUS_NM = {"trawl": 3.5, "gillnet": 2.6, "longline": 3.6, "handline": 2.0, "squid": 2.5, "seine": 3.0}


@dataclass(frozen=True)
class Rhythm:
    """A boat's habit: every `period_days` it leaves at `leave_h` and is back `trip_days` later at `back_h` (local)."""

    period_days: int
    trip_days: int
    phase_days: int
    leave_h: float
    back_h: float
    cruise_kn: float
    berth: Place


@lru_cache(maxsize=4096)
def rhythm(seed: int, boat: Boat) -> Rhythm:
    """The boat's habit, the same for the same seed."""
    rng = random.Random(f"rhythm/{seed}/{boat.mmsi}")
    berth, leave, back = boat.harbour.berth(rng), rng.uniform(13.5, 17.5), rng.uniform(4.2, 6.4)
    if boat.length_m >= 24:
        trip = rng.randint(5, 9)
        period = trip + rng.randint(2, 3)
    elif boat.length_m >= 15:
        # A third goes out for one night, as far as the inshore line allows; the others stay out for days.
        near = rng.random() < 0.34 and boat.harbour not in (LY_SON,)
        trip = 1 if near else rng.randint(3, 6)
        period = rng.choice((1, 1, 2)) if near else trip + rng.randint(1, 3)
        leave = rng.uniform(13.0, 15.0) if near else leave
    elif boat.length_m >= 12:
        trip, period = rng.choice(((1, 1), (1, 1), (2, 3)))
        leave = rng.uniform(13.5, 16.5)
    else:
        trip, period = rng.choices(((1, 1), (1, 2), (0, 1)), (50, 15, 35))[0]
        if trip == 0:
            leave, back = rng.choice(((3.0, 10.5), (4.5, 14.0), (6.5, 16.0)))
            leave, back = leave + rng.uniform(0, 1.2), back + rng.uniform(0, 1.5)
        else:
            leave = rng.uniform(15.0, 18.0)
    cruise = rng.uniform(7.2, 9.0) if boat.length_m >= 12 else rng.uniform(6.2, 7.8)
    return Rhythm(period, trip, rng.randrange(max(1, period)), leave, back, cruise, berth)


def departure(seed: int, boat: Boat, number: int) -> float:
    """Unix seconds at which the boat casts off for its voyage of that number."""
    habit = rhythm(seed, boat)
    late_s = random.Random(f"late/{seed}/{boat.mmsi}/{number}").uniform(0, 2400)
    return (habit.phase_days + number * habit.period_days) * _DAY_S + habit.leave_h * 3600 + late_s - LOCAL_S


def voyage_number(seed: int, boat: Boat, at: float) -> int:
    """The number of the voyage that the boat is on, or has last come home from, at that moment."""
    habit = rhythm(seed, boat)
    number = math.floor(((at + LOCAL_S) / _DAY_S - habit.phase_days) / habit.period_days)
    return number if departure(seed, boat, number) <= at else number - 1


@lru_cache(maxsize=4096)
def voyage(seed: int, boat: Boat, number: int) -> Track:
    """The boat's way on that voyage, from berth to berth; there it lies until the next departure."""
    habit = rhythm(seed, boat)
    rng = random.Random(f"voyage/{seed}/{boat.mmsi}/{number}")
    cast_off = departure(seed, boat, number)
    first_midnight = (habit.phase_days + number * habit.period_days) * _DAY_S - LOCAL_S
    back = first_midnight + habit.trip_days * _DAY_S + habit.back_h * 3600 + rng.uniform(-1200, 1200)
    ground = choose_ground(boat, habit, rng)
    pen = Pen(cast_off, habit.berth)
    out = boat.harbour.channel
    harbour_kn = rng.uniform(3.6, 4.8)
    pen.follow(out[:-1], harbour_kn)
    # Outside the breakwater nobody creeps: slow boats of 15 m and more short of khơi would look like work there.
    pen.sail(boat.harbour.gate(rng), harbour_kn + 1.8)
    cruise(pen, route(pen.place, ground.inside(rng))[1:], habit.cruise_kn, rng)
    while True:
        home_s = (distance_nm(pen.place, out[-1]) / habit.cruise_kn + length_nm(out) / harbour_kn) * 3600
        leave = max(pen.at + 2400, back - home_s)
        fish(pen, boat.gear, ground, rng, min(leave, pen.at + rng.uniform(20, 34) * 3600))
        if pen.at >= leave - 1800:
            break
        ground = _next_ground(boat, ground, rng)
        cruise(pen, route(pen.place, ground.inside(rng))[1:], habit.cruise_kn * 0.8, rng)
    cruise(pen, route(pen.place, boat.harbour.gate(rng))[1:], habit.cruise_kn, rng)
    pen.sail(out[-2], harbour_kn + 1.8)
    pen.follow((*out[::-1][2:], habit.berth), harbour_kn)
    pen.stay(pen.at + 60, Activity.MOORED)
    return pen.track()


def cruise(pen: Pen, places: tuple[Place, ...], speed_kn: float, rng: random.Random) -> None:
    """Sail as people steer: legs of some miles, a little beside the line, never quite at one speed."""
    for place in places:
        start = pen.place
        (ax, ay), (bx, by) = to_plane(start), to_plane(place)
        legs = max(1, round(distance_nm(start, place) / 3.0))
        for leg in range(1, legs):
            share = leg / legs
            east, north = (bx - ax) * share + rng.gauss(0, 0.05), (by - ay) * share + rng.gauss(0, 0.05)
            pen.sail(offset(start, east, north), speed_kn + rng.gauss(0, 0.25))
        pen.sail(place, speed_kn + rng.gauss(0, 0.2))


def is_legal(boat: Boat, place: Place, radius_nm: float) -> bool:
    """Whether the disc lies in the zone of the boat's length (Decree 26/2019 Art. 43), off land and drawn areas."""
    room = radius_nm + _ZONE_MARGIN_NM
    if place[1] + room / 60 > _NORTHERN_LIMIT or not is_clear(place, radius_nm + 0.2):
        return False
    if boat.length_m >= 15:
        return beyond_nm(INSHORE_LINE, place) > room
    if boat.length_m >= 12:
        return beyond_nm(COAST_LINE, place) > room and beyond_nm(INSHORE_LINE, place) < -room
    return beyond_nm(COAST_LINE, place) < -room


def choose_ground(boat: Boat, habit: Rhythm, rng: random.Random) -> Ground:
    """A legal ground that the boat reaches in its time."""
    radius = _RADIUS_NM[boat.gear] * (1.0 if boat.length_m >= 15 else 0.7 if boat.length_m >= 12 else 0.4)
    gate = boat.harbour.channel[-1]
    reach_nm = {0: 14.0, 1: 48.0 if boat.length_m >= 15 else 30.0 if boat.length_m >= 12 else 16.0}.get(
        habit.trip_days, 130.0 if boat.length_m >= 15 else 40.0
    )
    low, high = (0.02, 0.55) if boat.harbour is not LY_SON else (0.25, 0.9)
    if boat.harbour is CUA_VIET:
        low, high = 0.02, 0.3
    for _ in range(2000):
        along = rng.uniform(low, high)
        if boat.length_m >= 15:
            place = seaward(INSHORE_LINE, along, radius + _ZONE_MARGIN_NM + rng.expovariate(1 / 13.0))
        elif boat.length_m >= 12:
            place = seaward(COAST_LINE, along, rng.uniform(2.0, 22.0))
        else:
            place = offset(gate, rng.uniform(-15, 15), rng.uniform(-15, 15))
        near = distance_nm(gate, place) <= reach_nm and beyond_nm(INSHORE_LINE, place) < _FAR_NM
        if near and is_legal(boat, place, radius):
            return Ground(place, radius)
    raise ValueError(f"no legal ground within {reach_nm} nm of {boat.harbour.name} for {boat.registration}")


def _next_ground(boat: Boat, ground: Ground, rng: random.Random) -> Ground:
    """Another legal ground some miles from the last, or the last where none is."""
    for _ in range(30):
        place = offset(ground.centre, rng.gauss(0, 7), rng.gauss(0, 7))
        if is_legal(boat, place, ground.radius_nm):
            return Ground(place, ground.radius_nm)
    return ground
