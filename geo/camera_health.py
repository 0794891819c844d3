"""Whether a camera shows anything: a state machine that each look at its picture drives, with hysteresis.

Pure: what is kept between two looks goes in and comes out. The numbers are rows of geo/figures.csv (camera_*).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from geo.camera import DEGRADED, FROZEN, OFFLINE, ONLINE
from geo.camera_picture import Stands, stands
from geo.figure import Figures

SLOW, ERRATIC, SAME = "slow", "erratic", "same_picture"
WINDOW = 10  # looks that are remembered


@dataclass(frozen=True)
class Limits:
    """The figures of a day, by which looks are judged."""

    offline_misses: int
    online_hits: int
    slow_ms: float
    degraded_bad: int
    frozen_looks: int
    frozen_after: timedelta
    every: timedelta
    rest_most: timedelta
    at_once: int
    at_once_a_place: int

    @classmethod
    def of(cls, figures: Figures, at: datetime) -> "Limits":
        """Those that hold at a moment. Raises NoFigure."""

        def count(key: str) -> int:
            return round(figures.at(f"camera_{key}", at).value)

        def span(key: str) -> timedelta:
            return figures.at(f"camera_{key}", at).span

        return cls(
            offline_misses=count("offline_misses"),
            online_hits=count("online_hits"),
            slow_ms=figures.at("camera_slow", at).value,
            degraded_bad=count("degraded_bad"),
            frozen_looks=count("frozen_looks"),
            frozen_after=span("frozen_after"),
            every=span("look_every"),
            rest_most=span("rest_most"),
            at_once=count("at_once"),
            at_once_a_place=count("at_once_a_place"),
        )


@dataclass(frozen=True)
class Look:
    """One look: when, how long the answer took, and the picture's digest and tiles; or why there was no picture.

    tiles: what camera_reader made of it, empty of what it could not read; None where it was not read.
    """

    at: datetime
    ms: float | None = None
    digest: bytes | None = None
    fault: str | None = None
    tiles: bytes | None = None


@dataclass(frozen=True)
class State:
    """What is kept of a camera: its health since when and why, and of the last looks which were bad.

    hits, misses: how many in a row; fresh: how many pictures in a row differed from the one before; same: how many in a
    row were the same, since same_since; stands: the first of those, and what has changed in it since.
    """

    health: int | None = None
    since: datetime | None = None
    fault: str | None = None
    ms: float | None = None
    bad: tuple[bool, ...] = ()
    hits: int = 0
    misses: int = 0
    digest: bytes | None = None
    same: int = 0
    same_since: datetime | None = None
    stands: Stands | None = None
    fresh: int = 0


def judge(before: State, look: Look, limits: Limits) -> State:
    """The state after a look.

    offline after some misses in a row, and back after some hits; frozen when the same picture comes again and again
    while time passes, and live when it changes as often as it takes to come back; degraded while too many of the last
    looks were missed or slow, online when no more than one of them was.
    """
    seen = _counted(before, look, limits)
    health, fault = _health(seen, look, limits)
    since = look.at if health != before.health else before.since
    return replace(seen, health=health, fault=fault, since=since)


def _counted(before: State, look: Look, limits: Limits) -> State:
    missed = look.fault is not None
    bad = missed or (look.ms is not None and look.ms > limits.slow_ms)
    remembered = (*before.bad, bad)[-WINDOW:]
    if missed:
        return replace(before, bad=remembered, hits=0, misses=before.misses + 1, ms=None)
    if look.tiles is None and before.stands is not None and look.digest != before.digest:
        # The reader broke: whether this picture differs by more than a clock nobody knows, so it is no sign of life.
        return replace(before, bad=remembered, hits=before.hits + 1, misses=0, ms=look.ms, digest=look.digest)
    still = stands(before.stands, look.tiles)
    same = look.digest is not None and (look.digest == before.digest or still is not None)
    return replace(
        before,
        bad=remembered,
        hits=before.hits + 1,
        misses=0,
        ms=look.ms,
        digest=look.digest,
        same=before.same + 1 if same else 1,
        same_since=before.same_since if same else look.at,
        stands=still or (before.stands if same else Stands(look.tiles) if look.tiles else None),
        fresh=0 if same else before.fresh + (before.digest is not None),
    )


def _health(seen: State, look: Look, limits: Limits) -> tuple[int | None, str | None]:
    if seen.misses >= limits.offline_misses:
        return OFFLINE, look.fault
    if seen.misses and seen.health in (None, OFFLINE):
        return seen.health, look.fault
    if seen.health == OFFLINE and seen.hits < limits.online_hits:
        return OFFLINE, seen.fault
    if _frozen(seen, look, limits):
        return FROZEN, SAME
    bad = sum(seen.bad)
    if bad >= limits.degraded_bad or (seen.health == DEGRADED and bad > 1):
        return DEGRADED, ERRATIC if _missing(seen, look) else SLOW
    return ONLINE, None


def _missing(seen: State, look: Look) -> bool:
    return look.fault is not None or seen.hits < len(seen.bad)


def _frozen(seen: State, look: Look, limits: Limits) -> bool:
    if seen.health == FROZEN:
        return seen.fresh < limits.online_hits
    stood = look.at - (seen.same_since or look.at)
    return seen.same >= limits.frozen_looks and stood >= limits.frozen_after


def rest(state: State, limits: Limits) -> timedelta:
    """How long to leave a camera alone: while it is offline, twice as long with each miss, up to a most."""
    beyond = state.misses - limits.offline_misses
    if state.health != OFFLINE or beyond < 0:
        return limits.every
    longer: timedelta = limits.every * 2.0 ** min(beyond + 1, 10)
    return min(longer, max(limits.rest_most, limits.every))
