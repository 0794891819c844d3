"""How well boats' behaviour is found: precision and recall against the simulator's ground truth, kind by kind."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from bench.report import Report
from demo.conduct import Conduct, conduct
from demo.device import devices
from demo.fleet import Boat
from demo.plan import motion
from geo.behaviour.boat import behaviour
from geo.behaviour.criteria import KNOWN_GEARS, Criteria, criteria
from geo.behaviour.encounter import encounters
from geo.behaviour.event import Event
from geo.behaviour.fishing import fishing
from geo.behaviour.way import Ports, Way, ports_of, way_of
from geo.duty import duty
from geo.figure import Figures, seeds
from geo.reference import reference_ports
from ingest.near import Near, hourly

START = datetime(2026, 11, 16, tzinfo=UTC)
KINDS = ("fishing", "encounter", "loitering", "port_visit", "gap", "possible_disabling")
SAME = 0.5
FROM_PORT_M = 5_000.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Span:
    """Somebody did something from one moment to another, Unix seconds; who: one boat's MMSI, or two."""

    who: tuple[int, ...]
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.end - self.start


@dataclass(frozen=True)
class Score:
    """How many spans are true, found, and the same; the seconds of each, and of what both have in common."""

    true: int
    found: int
    same: int
    true_s: float
    found_s: float
    common_s: float

    @property
    def precision(self) -> float:
        """Of what was found, the share that is true."""
        return self.same / self.found if self.found else float("nan")

    @property
    def recall(self) -> float:
        """Of what is true, the share that was found."""
        return self.same / self.true if self.true else float("nan")


def score(true: Sequence[Span], found: Sequence[Span]) -> Score:
    """Spans are the same when they are of the same boats and have at least half of their union in common.

    Each counts once: the pairs that have the most in common first.
    """
    by_who: dict[tuple[int, ...], list[int]] = {}
    for index, span in enumerate(true):
        by_who.setdefault(span.who, []).append(index)
    pairs: list[tuple[float, int, int]] = []
    common_s = 0.0
    for number, span in enumerate(found):
        for index in by_who.get(span.who, ()):
            other = true[index]
            common = min(span.end, other.end) - max(span.start, other.start)
            if common <= 0:
                continue
            common_s += common
            share = common / (span.seconds + other.seconds - common)
            if share >= SAME:
                pairs.append((share, number, index))
    taken: tuple[set[int], set[int]] = set(), set()
    same = 0
    for _, number, index in sorted(pairs, reverse=True):
        if number not in taken[0] and index not in taken[1]:
            taken[0].add(number)
            taken[1].add(index)
            same += 1
    return Score(len(true), len(found), same, sum(s.seconds for s in true), sum(s.seconds for s in found), common_s)


def measure(seed: int, days: float, say: Say, cast_alone: bool = False) -> Report:
    """Simulate the fleet's days, judge what is heard of it, and hold it against what it did.

    cast_alone: without the boats that go about their ordinary work.
    """
    play = conduct(seed, START.timestamp(), days, cast_alone)
    figures = criteria(Figures(seeds()), START)
    ports = ports_of(reference_ports())
    say(f"{len(play.boats)} boats, {days:g} days: what they do")
    began = time.perf_counter()
    truths = play.truths()
    true = {kind: [_true(truth.mmsi, truth.parameters.get("other"), truth.start, truth.end or play.end)
                   for truth in truths if truth.kind == kind] for kind in KINDS}  # fmt: skip
    say(f"{len(truths)} things done, told in {time.perf_counter() - began:.0f} s; what is heard of them")
    ways = {boat.mmsi: _heard(play, index, ports) for index, boat in enumerate(play.boats)}
    fixes = sum(map(len, ways.values()))
    say(f"{fixes:,} fixes; judging them")
    began = time.perf_counter()
    found = _found(play, ways, figures)
    took = time.perf_counter() - began
    report = Report(
        "behaviour",
        f"{len(play.boats)} simulated boats in {days:g} days, {fixes:,} fixes at 3 to 30 minutes, seed {seed}; the same"
        f" is what has {SAME:.0%} of the union of both times in common",
        ("numpy", "shapely"),
    )
    for kind in KINDS:
        _add(report, kind, score(true[kind], found[kind]))
    for gear in KNOWN_GEARS:
        own = {boat.mmsi for boat in play.boats if boat.gear == gear}
        parts = [[span for span in spans["fishing"] if span.who[0] in own] for spans in (true, found)]
        _add(report, f"fishing_{gear}", score(*parts))
    _add(report, "fishing_unknown_gear", score(true["fishing"], _fishing(play, ways, figures, by_gear=False)))
    monitored = {boat.mmsi for boat in _with_device(play)}
    meant = [span for span in true["fishing"] if span.who[0] in monitored]
    for name, tells in (("fishing_vms", True), ("fishing_vms_without_speed", False)):
        _add(report, name, score(meant, _fishing(play, _reported(play, ports, tells), figures, by_gear=True)))
    report.add("judging", "fixes/s", fixes / took)
    report.figures["fixes"] = fixes
    return report


def _add(report: Report, name: str, found: Score) -> None:
    report.add(f"{name}: true", "events", found.true)
    report.add(f"{name}: found", "events", found.found)
    report.figures[f"{name}_precision"] = found.precision
    report.figures[f"{name}_recall"] = found.recall
    report.figures[f"{name}_hours_precision"] = found.common_s / found.found_s if found.found_s else float("nan")
    report.figures[f"{name}_hours_recall"] = found.common_s / found.true_s if found.true_s else float("nan")


def _true(mmsi: int, other: int | None, start: float, end: float) -> Span:
    return Span((mmsi,) if other is None else tuple(sorted((mmsi, other))), start, end)


def _heard(play: Conduct, index: int, ports: Ports) -> Way:
    way = play.heard(index)
    return way_of(way.at, way.lon, way.lat, way.speed, ports)


def _span(play: Conduct, who: tuple[int, ...], event: Event) -> Span:
    end = event.ended_at.timestamp() if event.ended_at else play.end
    return Span(who, max(event.began_at.timestamp(), play.start), min(end, play.end))


def _found(play: Conduct, ways: dict[int, Way], figures: Criteria) -> dict[str, list[Span]]:
    """What is found of everybody, encounters among those who were near each other in some hour, as the clock has it."""
    now = datetime.fromtimestamp(play.end, UTC)
    found: dict[str, list[Span]] = {kind: [] for kind in KINDS}
    near = Near()
    for boat in play.boats:
        way = ways[boat.mmsi]
        for event in behaviour(way, figures, now, boat.gear, True):
            found[event.kind].append(_span(play, (boat.mmsi,), event))
        for other in near.put(str(boat.mmsi), hourly(way, FROM_PORT_M), figures["encounter_distance"]):
            who = tuple(sorted((boat.mmsi, int(other))))
            met = encounters(ways[who[0]], ways[who[1]], figures)
            found["encounter"] += [_span(play, who, event) for event in met]
    return found


def _fishing(play: Conduct, ways: dict[int, Way], figures: Criteria, by_gear: bool) -> list[Span]:
    gears = {boat.mmsi: boat.gear if by_gear else None for boat in play.boats}
    return [_span(play, (mmsi,), event) for mmsi, way in ways.items() for event in fishing(way, gears[mmsi], figures)]


def _with_device(play: Conduct) -> list[Boat]:
    return [boat for boat in play.boats if devices(boat) and not boat.laid_up]


def _reported(play: Conduct, ports: Ports, tells: bool) -> dict[int, Way]:
    """What the devices report every two or three hours by length; tells: with the speed at that moment."""
    law = Figures(seeds())
    found = {}
    for number, boat in enumerate(_with_device(play)):
        interval = duty(boat.length_m, law, START).interval
        assert interval is not None
        at = np.arange(play.start + number % 120 * 60, play.end, interval.span.total_seconds())
        way = motion(play.plan(boat), at)
        told = np.round(way.speed, 1) if tells else np.full(len(at), np.nan)
        found[boat.mmsi] = way_of(at, way.lon, way.lat, told, ports)
    return found
