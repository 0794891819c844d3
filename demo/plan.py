"""What a vessel will do, for ever: tracks one after another, so that any past or future moment can be asked for."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from demo.fleet import Boat
from demo.track import Motion, Track
from demo.voyage import departure, voyage, voyage_number


class Plan(Protocol):
    """Numbered tracks; between the end of one and the start of the next the vessel lies where it is."""

    def number(self, at: float) -> int:
        """The number of the track that counts at that moment (Unix seconds)."""

    def start(self, number: int) -> float:
        """The moment from which that track counts."""

    def track(self, number: int) -> Track:
        """The track of that number."""


@dataclass(frozen=True)
class Rounds:
    """A fishing boat's voyages."""

    seed: int
    boat: Boat

    def number(self, at: float) -> int:
        """The voyage, tour or track that counts at that moment (Unix seconds)."""
        return voyage_number(self.seed, self.boat, at)

    def start(self, number: int) -> float:
        """The moment (Unix seconds) from which it counts."""
        return departure(self.seed, self.boat, number)

    def track(self, number: int) -> Track:
        """Its track."""
        return voyage(self.seed, self.boat, number)


@dataclass(frozen=True)
class Shuttle:
    """A track drawn anew every `period_s` seconds, counted from `phase_s`; `draw` is given number and start."""

    period_s: float
    phase_s: float
    draw: Callable[[int, float], Track]

    def number(self, at: float) -> int:
        """The voyage, tour or track that counts at that moment (Unix seconds)."""
        return math.floor((at - self.phase_s) / self.period_s)

    def start(self, number: int) -> float:
        """The moment (Unix seconds) from which it counts."""
        return self.phase_s + number * self.period_s

    def track(self, number: int) -> Track:
        """Its track."""
        return _drawn(self, number)


@lru_cache(maxsize=1024)
def _drawn(shuttle: Shuttle, number: int) -> Track:
    return shuttle.draw(number, shuttle.start(number))


@dataclass(frozen=True)
class Once:
    """A single track."""

    only: Track

    def number(self, at: float) -> int:
        """The voyage, tour or track that counts at that moment (Unix seconds)."""
        return 0

    def start(self, number: int) -> float:
        """The moment (Unix seconds) from which it counts."""
        return -math.inf if number <= 0 else math.inf

    def track(self, number: int) -> Track:
        """Its track."""
        return self.only


def motion(plan: Plan, at: ArrayLike) -> Motion:
    """The motion at each moment (Unix seconds, ascending), shape (n,)."""
    when = np.atleast_1d(np.asarray(at, float))
    parts: list[Motion] = []
    begin, number = 0, plan.number(float(when[0]))
    while begin < len(when):
        end = int(np.searchsorted(when, plan.start(number + 1), side="left"))
        if end > begin:
            parts.append(plan.track(number).motion(when[begin:end]))
        begin, number = end, number + 1
    if len(parts) == 1:
        return parts[0]
    return Motion(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Motion)))
