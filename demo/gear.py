"""How boats move while they fish, gear by gear, inside a round ground."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from demo.sea import Place, distance_nm, offset, to_plane
from demo.track import Activity, Pen

LOCAL_S = 7 * 3600
"""Seconds by which Asia/Ho_Chi_Minh is ahead of UTC."""


@dataclass(frozen=True)
class Ground:
    """A round fishing ground; the boat stays inside it."""

    centre: Place
    radius_nm: float

    def inside(self, rng: random.Random, share: float = 0.8) -> Place:
        """A place within that share of the radius, uniform over the disc."""
        radius, angle = self.radius_nm * share * math.sqrt(rng.random()), rng.uniform(0, 2 * math.pi)
        return offset(self.centre, radius * math.sin(angle), radius * math.cos(angle))


def fish(pen: Pen, gear: str, ground: Ground, rng: random.Random, until: float) -> None:
    """Work with that gear until about that moment (Unix seconds); the last piece of work is finished."""
    work = _WORK[gear]
    heading = rng.uniform(0, 360)
    while pen.at < until:
        heading = work(pen, ground, rng, heading, until)


def _step(pen: Pen, ground: Ground, rng: random.Random, heading: float, way_nm: float, speed_kn: float) -> float:
    """Move that far; a step that would leave the ground turns back towards its middle. The heading taken, degrees."""
    place = offset(pen.place, way_nm * math.sin(math.radians(heading)), way_nm * math.cos(math.radians(heading)))
    if distance_nm(place, ground.centre) > ground.radius_nm:
        (x, y), (cx, cy) = to_plane(pen.place), to_plane(ground.centre)
        heading = math.degrees(math.atan2(cx - x, cy - y)) + rng.uniform(-50, 50)
        place = offset(pen.place, way_nm * math.sin(math.radians(heading)), way_nm * math.cos(math.radians(heading)))
    pen.sail(place, speed_kn, Activity.FISHING)
    return heading


def _drift(
    pen: Pen, ground: Ground, rng: random.Random, heading: float, until: float, low: float, high: float
) -> float:
    while pen.at < until:
        speed, minutes = rng.uniform(low, high), rng.uniform(12, 25)
        heading = _step(pen, ground, rng, heading + rng.gauss(0, 18), speed * minutes / 60, speed)
    return heading


def _trawl(pen: Pen, ground: Ground, rng: random.Random, heading: float, until: float) -> float:
    speed, end = rng.uniform(2.7, 4.2), pen.at + rng.uniform(50, 110) * 60
    while pen.at < end:
        minutes = rng.uniform(7, 13)
        knots = speed + rng.gauss(0, 0.15)
        heading = _step(pen, ground, rng, heading + rng.gauss(0, 9), knots * minutes / 60, knots)
    heading = _drift(pen, ground, rng, heading, pen.at + rng.uniform(12, 25) * 60, 0.5, 1.2)
    return heading + rng.choice((-1, 1)) * rng.uniform(120, 200)


def _gillnet(pen: Pen, ground: Ground, rng: random.Random, heading: float, until: float) -> float:
    start = ground.inside(rng, 0.6)
    pen.sail(start, rng.uniform(5.0, 6.0), Activity.UNDERWAY)
    for _ in range(4):
        heading = _step(pen, ground, rng, heading + rng.gauss(0, 6), ground.radius_nm * 0.16, rng.uniform(4.0, 4.8))
    heading = _drift(pen, ground, rng, heading, min(until, pen.at + rng.uniform(3, 5) * 3600), 0.4, 0.9)
    for share in (0.25, 0.5, 0.75, 1.0):
        (x, y), (sx, sy) = to_plane(pen.place), to_plane(start)
        pen.sail(offset(pen.place, (sx - x) * share, (sy - y) * share), rng.uniform(1.0, 1.7), Activity.FISHING)
    return rng.uniform(0, 360)


def _line(pen: Pen, ground: Ground, rng: random.Random, heading: float, until: float) -> float:
    for _ in range(5):
        heading = _step(pen, ground, rng, heading + rng.gauss(0, 10), ground.radius_nm * 0.2, rng.uniform(3.6, 4.4))
    heading = _drift(pen, ground, rng, heading, min(until, pen.at + rng.uniform(1, 2) * 3600), 0.5, 0.9)
    heading += 180
    for _ in range(5):
        heading = _step(pen, ground, rng, heading + rng.gauss(0, 10), ground.radius_nm * 0.2, rng.uniform(2.0, 3.0))
    return heading + rng.uniform(60, 120)


def _squid(pen: Pen, ground: Ground, rng: random.Random, heading: float, until: float) -> float:
    hour = (pen.at + LOCAL_S) / 3600 % 24
    if 5.5 <= hour < 17.5:
        pen.sail(ground.inside(rng), rng.uniform(4.8, 5.6), Activity.UNDERWAY)
        return _drift(pen, ground, rng, heading, min(until, pen.at + rng.uniform(3, 6) * 3600), 0.2, 0.6)
    return _drift(pen, ground, rng, heading, min(until, pen.at + 3600), 0.2, 0.95)


def _seine(pen: Pen, ground: Ground, rng: random.Random, heading: float, until: float) -> float:
    for _ in range(rng.randint(5, 9)):
        minutes, speed = rng.uniform(6, 14), rng.uniform(5.8, 7.0)
        heading = _step(pen, ground, rng, heading + rng.gauss(0, 35), speed * minutes / 60, speed)
    (x, y), (cx, cy) = to_plane(pen.place), to_plane(ground.centre)
    inward = math.atan2(cx - x, cy - y)
    middle = offset(pen.place, 0.2 * math.sin(inward), 0.2 * math.cos(inward))
    for step in range(1, 13):
        angle = inward + math.pi + step * math.pi / 6
        pen.sail(offset(middle, 0.2 * math.sin(angle), 0.2 * math.cos(angle)), 4.5, Activity.FISHING)
    return _drift(pen, ground, rng, heading, pen.at + rng.uniform(60, 100) * 60, 0.2, 0.6)


_Work = Callable[[Pen, Ground, random.Random, float, float], float]
_WORK: dict[str, _Work] = {
    "trawl": _trawl,
    "gillnet": _gillnet,
    "longline": _line,
    "handline": _line,
    "squid": _squid,
    "seine": _seine,
}
