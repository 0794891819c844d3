"""Whether a camera shows anything: a state machine that each look at its picture drives, with hysteresis.

Pure: what is kept between two looks goes in and comes out. The numbers are rows of geo/figures.csv (camera_*).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b

from geo.camera import DEGRADED, FROZEN, OFFLINE, ONLINE
from geo.figure import Figures

SLOW, ERRATIC, SAME = "slow", "erratic", "same_picture"
WINDOW = 10  # looks that are remembered
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"


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
    """One look: when, how long the answer took, and the picture's digest; or why there was no picture."""

    at: datetime
    ms: float | None = None
    digest: bytes | None = None
    fault: str | None = None


@dataclass(frozen=True)
class State:
    """What is kept of a camera: its health since when and why, and of the last looks which were bad.

    hits, misses: how many in a row; fresh: how many pictures in a row differed from the one before; same: how many in a
    row were the same, since same_since.
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
    same = look.digest is not None and look.digest == before.digest
    return replace(
        before,
        bad=remembered,
        hits=before.hits + 1,
        misses=0,
        ms=look.ms,
        digest=look.digest,
        same=before.same + 1 if same else 1,
        same_since=before.same_since if same else look.at,
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


def image_type(body: bytes) -> str | None:
    """The media type of a picture by its first bytes, whatever its sender calls it; None for what is none."""
    if body.startswith(JPEG):
        return "image/jpeg"
    if body.startswith(PNG):
        return "image/png"
    return "image/webp" if body[:4] == b"RIFF" and body[8:12] == b"WEBP" else None


def picture_digest(body: bytes) -> bytes:
    """A digest of what a picture shows: without the notes (times, texts) that a recorder may write into each copy."""
    digest = blake2b(digest_size=16)
    parts = _jpeg_parts(body) if body.startswith(JPEG) else _png_parts(body) if body.startswith(PNG) else [body]
    for part in parts:
        digest.update(part)
    return digest.digest()


def _jpeg_parts(body: bytes) -> Iterator[bytes]:
    """The segments of a JPEG (ITU-T T.81, annex B) but APPn and COM; from the first scan on all of it."""
    at = 2
    while at + 4 <= len(body) and body[at] == 0xFF:
        marker = body[at + 1]
        if marker == 0xDA:
            break
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        end = at + 2 + int.from_bytes(body[at + 2 : at + 4])
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            yield body[at:end]
        at = max(end, at + 2)
    yield body[at:]


def _png_parts(body: bytes) -> Iterator[bytes]:
    """The chunks of a PNG that hold the picture: IHDR, PLTE, IDAT."""
    at = len(PNG)
    while at + 8 <= len(body):
        end = at + 12 + int.from_bytes(body[at : at + 4])
        if body[at + 4 : at + 8] in (b"IHDR", b"PLTE", b"IDAT"):
            yield body[at:end]
        at = end
