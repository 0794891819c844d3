"""What the fleet's monitoring devices report, every two or three hours by length, at sea and in port."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from heapq import merge

import numpy as np

from demo.device import Device, devices
from demo.fleet import NAMED, Boat
from demo.radio import Day, Transmission, day, fix
from demo.scenario import HOUR, MINUTE, WORKER
from demo.track import Activity
from geo.duty import duty
from geo.figure import Figures, seeds
from ingest.naf import MANUAL, Report
from ingest.outage import find
from ingest.vms import naf

NOTICED_S = 4.5 * MINUTE  # after the start: when a provider's outage is noticed
NOTICED_WITHIN_S = 120.0
_OUTAGE_UNTIL_S = HOUR
_FOREVER = math.inf
_LOOKED_AT_H = 24  # a boat whose device fails was at sea so long before the start, and stays there


@dataclass(frozen=True)
class Silence:
    """A device that fails at a moment of the simulated clock, and when somebody then tells the position by hand."""

    since: float
    told_at: tuple[float, ...] = ()


@dataclass(frozen=True)
class Outage:
    """A provider that passes on nothing that its devices say in [since, until) of the simulated clock."""

    provider: str
    since: float
    until: float


@dataclass(frozen=True)
class Reporter:
    """One device: its boat's number among the day's speakers, its interval and the first of its whole minutes."""

    index: int
    boat: Boat
    device: Device
    every_s: float
    phase_s: float
    silence: Silence = field(default_factory=lambda: Silence(_FOREVER))
    outage: Outage | None = None

    def reports(self, start: float, end: float) -> Iterator[tuple[float, bool]]:
        """When it reports in [start, end), in order, and whether by hand; without end for an infinite one."""
        number = math.ceil((start - self.phase_s) / self.every_s)
        told = [at for at in self.silence.told_at if start <= at < end]
        while (at := self.phase_s + number * self.every_s) < min(end, self.silence.since):
            if self.outage is None or not self.outage.since <= at < self.outage.until:
                yield at, False
            number += 1
        yield from ((at, True) for at in told)


def reporters(today: Day) -> tuple[Reporter, ...]:
    """The devices that report. A laid-up boat's is off; of the boats with two, the first's second one was left on."""
    silent = silences(today)
    figures, moment = Figures(seeds()), datetime.fromtimestamp(today.start, UTC)
    found: list[Reporter] = []
    left_on = False
    for index, (hull, _) in enumerate(today.speakers):
        if not isinstance(hull, Boat) or hull.laid_up:
            continue
        interval = duty(hull.length_m, figures, moment).interval
        if interval is None:
            continue
        every = interval.span.total_seconds()
        rng = random.Random(f"vms/{today.seed}/{hull.registration}")
        phase = rng.randrange(int(every // MINUTE)) * MINUTE
        for device in devices(hull):
            if device.active:
                silence = silent.get(hull.registration, Silence(_FOREVER))
                found.append(Reporter(index, hull, device, every, phase, silence))
            elif not left_on:
                left_on = True
                found.append(Reporter(index, hull, device, every, phase + 40 * MINUTE))
    failing = outage(today, found)
    return tuple(replace(one, outage=failing) if one.device.provider == failing.provider else one for one in found)


def outage(today: Day, found: Sequence[Reporter]) -> Outage:
    """The provider whose centre fails, and so long before the start that it is noticed a few minutes after it.

    It is the smallest of which that can be said within NOTICED_WITHIN_S, and not that of the boat which the demo's
    first minutes follow. Noticed is an outage when enough of its boats are late within an hour (geo/figures.csv:
    outage_*), which takes as long as their devices are silent in any case.
    """
    figures, moment = Figures(seeds()), datetime.fromtimestamp(today.start, UTC)
    hours = today.start + np.arange(-4, 3, dtype=np.float64) * HOUR
    fitted: dict[str, list[Reporter]] = {}
    for one in found:
        if one.device.active and one.silence.since == _FOREVER:
            fitted.setdefault(one.device.provider, []).append(one)
    followed = next(one.device.provider for one in found if one.device.active and one.boat.registration == WORKER)
    del fitted[followed]
    grace, wanted = figures.at("vms_grace", moment).span.total_seconds(), today.start + NOTICED_S

    def noticed(boats: Sequence[Reporter], since: float) -> float:
        last = ((one, one.phase_s + (since - one.phase_s) // one.every_s * one.every_s) for one in boats)
        late = [datetime.fromtimestamp(at + one.every_s + grace, UTC) for one, at in last]
        seen = find(late, len(boats), figures, moment)
        return seen.at.timestamp() if seen else _FOREVER

    best = (_FOREVER, Outage("", _FOREVER, _FOREVER))
    for name, own in sorted(fitted.items(), key=lambda each: len(each[1])):
        boats = [one for one in own if not (today.motion(one.index, hours).activity == Activity.MOORED).any()]
        for since in (today.start - np.arange(5, 200, dtype=np.float64) * MINUTE).tolist():
            found_at = abs(noticed(boats, since) - wanted)
            if found_at < best[0]:
                best = found_at, Outage(name, since, today.start + _OUTAGE_UNTIL_S)
        if best[0] <= NOTICED_WITHIN_S:
            break
    return best[1]


def silences(today: Day) -> dict[str, Silence]:
    """Three boats at sea whose devices have failed, by registration: late, lost, and lost with reports by hand."""
    start = today.start
    scripts = (
        Silence(start - 3.9 * HOUR),
        Silence(start - 19.5 * HOUR),
        Silence(start - 9.2 * HOUR, tuple(start + hours * HOUR for hours in (-3.5, 2.0, 7.5))),
    )
    hours = start + np.arange(-_LOOKED_AT_H, 6, dtype=np.float64) * HOUR
    found: dict[str, Silence] = {}
    for index, (hull, _) in enumerate(today.speakers):
        if len(found) == len(scripts):
            break
        if not isinstance(hull, Boat) or hull.registration in NAMED or hull.laid_up:
            continue
        if not 15 <= hull.length_m < 24 or len(devices(hull)) != 1:
            continue
        if not (today.motion(index, hours).activity == Activity.MOORED).any():
            found[hull.registration] = scripts[len(found)]
    return found


def history(seed: int, start: float, end: float, demo_start: float | None = None) -> Iterator[bytes]:
    """What was reported from `start` to `end` (Unix seconds), as messages in order of time; cf. demo.past.history."""
    today = day(seed, end if demo_start is None else demo_start)
    for _, (message,) in _said(today, start, end, lambda at: at):
        yield message


def live(today: Day, start: float, clock: Callable[[float], float] = lambda at: at) -> Iterator[Transmission]:
    """Everything reported from `start` on, without end; `clock` as in demo.radio.live."""
    return _said(today, start, _FOREVER, clock)


def _said(today: Day, start: float, end: float, clock: Callable[[float], float]) -> Iterator[Transmission]:
    def told(who: Reporter) -> Iterator[Transmission]:
        for at, by_hand in who.reports(start, end):
            yield at, [_message(today, who, at, clock(at), by_hand)]

    return merge(*map(told, reporters(today)), key=lambda said: said[0])


def _message(today: Day, who: Reporter, at: float, stamp: float, by_hand: bool) -> bytes:
    hull, plan = today.speakers[who.index]
    now = fix(plan, hull.mmsi, at)
    # One provider's centre knows boats by their devices alone, another writes registrations in its own way.
    spelling = who.boat.registration.replace("-", " ") if who.device.provider == "viettel" else who.boat.registration
    alone = who.device.provider == "vishipel" and not by_hand
    return naf(
        Report(
            kind=MANUAL if by_hand else "POS",
            observed_at=datetime.fromtimestamp(stamp, UTC),
            lon=now.lon,
            lat=now.lat,
            registration=None if alone else spelling,
            callsign=None,
            device=None if by_hand else who.device.id,
            shipname=None,
            speed=None if by_hand else now.speed,
            course=None if by_hand or now.speed == 0 else now.course,
            sequence=int(at // MINUTE) % 1_000_000,
            sent_by=who.device.provider.upper(),
        )
    )
