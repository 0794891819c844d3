"""Views: what a rule of each kind sees in a scene, record by record: within, nearly within, and what lies between."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo import line
from geo.behaviour.criteria import UNKNOWN_GEAR, criteria
from geo.behaviour.fishing import at_work
from geo.criteria import both, matches
from geo.duty import zones_of
from geo.episode import NM_M, Sight, margin_nm, reach_nm
from geo.fence import PORT, Fence
from geo.fence_kind import COASTAL_HOME
from geo.rule import DISTRESS, Rule
from geo.zone import COASTAL, NAMES_EN, Zones, sides
from ingest.scene import Look, Scene, Stretches, moment

Mask = NDArray[np.bool_]
ROLES = ("catching", "logistics")
DAY_US = 86_400_000_000
BUFFER_MOST_NM = 30.0  # more than any buffer
# Of a river whose first alarm level nobody knows, nobody can say below the others which one it has reached (geo.river).
# Above any of those it is not, and an alarm of them must end: so such a rule sees it where its nearest level is known.
NOT_REACHED = {"stage": "nearest_level"}


@dataclass(frozen=True)
class View:
    """A scene through one rule's eyes, arrays of shape (records,) as geo.episode.Sight has them.

    near: the records that make their object the rule's business; over: records on whose way something happened, as
    shares of entry and of leaving (a crossing: of the crossing, and its direction); told: at which records an event is
    told, None for all: where something is must be known at any hour, or the hour itself would look like a coming in.
    """

    rule: Rule
    scene: Scene
    core: Mask
    halo: Mask
    seen: Mask
    near: Mask
    value: NDArray[np.float64] | None = None
    over: Stretches = field(default_factory=dict)
    fence: Fence | None = None
    told: Mask | None = None
    facts: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)  # by record, for an alarm's evidence
    works: Mask | None = None  # at which records it qualifies, besides the rule's own conditions; None for all

    def marks(self) -> tuple[NDArray[Any], ...]:
        """Arrays of shape (records,) that are equal at two records which are the same to the rule."""
        if self.rule.kind != "approach" or self.value is None:
            return self.core, self.halo
        steps = self.rule.steps_nm[::-1]
        limits = sorted({*steps, *(step + margin_nm(self.rule, step) for step in steps)})
        return self.halo, np.searchsorted(limits, self.value)

    def on_the_way(self, row: int, qualifies: bool) -> Iterator[Look]:
        """What would have been seen between two fixes."""
        crosses = self.rule.kind == "crossing"
        return (_across if crosses else _through)(self, row, self.over[row], qualifies)


def _through(view: View, row: int, stretches: Sequence[tuple[float, float]], qualifies: bool) -> Iterator[Look]:
    """The entering, the last moment inside, and the leaving."""
    for entry, leave in stretches:
        entered = view.scene.moment_between(row, entry)
        holds = _holds(view, entered)
        if not holds and not view.rule.is_event:
            continue
        yield Look(Sight(entered, core=True, halo=True, qualifies=qualifies and holds), row, entry)
        if leave == leave:
            left = view.scene.moment_between(row, leave)
            good = qualifies and (_holds(view, left) if view.rule.is_event else True)
            yield Look(Sight(left, core=False, halo=True, qualifies=good), row, leave)
            yield Look(Sight(left, core=False, halo=False, qualifies=good), row, leave)


def _across(view: View, row: int, crossings: Sequence[tuple[float, float]], qualifies: bool) -> Iterator[Look]:
    """The moments at which the line was crossed, each with its direction."""
    for share, direction in crossings:
        at = view.scene.moment_between(row, share)
        # Out of hours it is not told, but it may be the way back from one that would be.
        good = qualifies and _holds(view, at)
        yield Look(Sight(at, core=True, halo=True, qualifies=good, value=direction), row, share)


def _holds(view: View, at: datetime) -> bool:
    return view.rule.in_hours(at) and (view.fence is None or view.fence.in_force(at))


def view_of(rule: Rule, scene: Scene, remembers: bool, every: bool) -> View | None:
    """What the rule sees of the scene, or None when nothing of it is its business.

    remembers: it remembers some of the scene's objects, which are its business wherever they are. every: all are, for
    a rule to which it matters when they were last seen.
    """
    if rule.kind in DISTRESS:
        calls = matches(scene.records, both(rule.applies_to, rule.qualifies), scene.keys)
        return View(rule, scene, calls, calls, np.ones(len(calls), dtype=bool), calls)
    fence = scene.fences.by_key.get(rule.fence_key or "")
    if rule.fence_key and fence is None:
        return None
    if rule.kind == "silence":
        return _silence(rule, scene, fence, remembers, every)
    if rule.kind == "threshold":
        return _threshold(rule, scene, fence)
    if rule.kind == "wrong_zone":
        return _wrong_zone(rule, scene, remembers)
    if rule.kind == "approach":
        return _approach(rule, scene, fence, remembers)
    if rule.kind == "crossing":
        return _crossing(rule, scene, fence, remembers)
    return _in_fence(rule, scene, fence, remembers)


def _in_fence(rule: Rule, scene: Scene, fence: Fence | None, remembers: bool) -> View | None:
    name = rule.fence_key or ""
    if fence is None or (not remembers and not any(name in near for near in (scene.core, scene.halo, scene.ways))):
        return None  # nearly every rule of nearly every batch
    valid = in_force(rule, fence, scene)
    core, halo = (scene.mask(hits.get(name)) for hits in (scene.core, scene.halo))
    if rule.is_event:
        over = scene.ways.get(name, {})
        return View(rule, scene, core, halo, scene.placed, core | halo, over=over, fence=fence, told=valid)
    core, halo = valid & core, valid & halo
    # While its fence is not in force nothing is outside of it either.
    seen = scene.placed & (valid | (rule.kind != "outside"))
    over = scene.ways.get(name, {}) if rule.kind != "outside" else {}
    return View(rule, scene, core, halo, seen, core | halo, over=over, fence=fence)


def _threshold(rule: Rule, scene: Scene, fence: Fence | None) -> View:
    """Beyond the limit, and for the end of it beyond the limit less the dead-band; in the fence, if it has one."""
    name = str(rule.params["column"])
    known = scene.column(name)
    band = float(rule.params.get("deadband", 0))
    if "above" in rule.params:
        if beside := NOT_REACHED.get(name):
            known = np.where(np.isnan(known) & ~np.isnan(scene.column(beside)), -np.inf, known)
        limit = float(rule.params["above"])
        beyond, nearly = known > limit, known > limit - band
    else:
        limit = float(rule.params["below"])
        beyond, nearly = known < limit, known < limit + band
    valid = in_force(rule, fence, scene)
    told = ~np.isnan(known)
    core, halo = valid & beyond, valid & nearly
    if fence is None:
        return View(rule, scene, core, halo, told, core)
    inside, widened = (scene.mask(hits.get(fence.key)) for hits in (scene.core, scene.halo))
    return View(rule, scene, core & inside, halo & widened, (told | ~widened) & scene.placed, core & inside)


def _approach(rule: Rule, scene: Scene, fence: Fence | None, remembers: bool) -> View | None:
    assert fence is not None
    most = reach_nm(rule)
    away = np.full(len(scene.at), np.inf)
    rows = np.flatnonzero(scene.placed)
    lon, lat = (scene.records[name].to_numpy(dtype=float)[rows] for name in ("lon", "lat"))
    away[rows] = line.distance_nm(fence.geom, lon, lat, most)
    away[~in_force(rule, fence, scene)] = np.inf
    near = away <= rule.steps_nm[0]
    if not remembers and not near.any():
        return None
    return View(rule, scene, near, away <= most, scene.placed, near, value=away)


def _crossing(rule: Rule, scene: Scene, fence: Fence | None, remembers: bool) -> View | None:
    assert fence is not None
    rows = np.flatnonzero(scene.way)
    lon, lat = (scene.records[name].to_numpy(dtype=float) for name in ("lon", "lat"))
    ways, shares, sides = line.crossings(fence.geom, scene.from_lon[rows], scene.from_lat[rows], lon[rows], lat[rows])
    over: dict[int, list[tuple[float, float]]] = {}
    for way, share, side in zip(ways.tolist(), shares.tolist(), sides.tolist(), strict=True):
        over.setdefault(int(rows[way]), []).append((share, side))
    if not remembers and not over:
        return None
    placed, halo = np.flatnonzero(scene.placed), np.zeros(len(lon), dtype=bool)
    if rule.hysteresis_m > 0:
        margin = rule.hysteresis_m / NM_M
        halo[placed] = np.isfinite(line.distance_nm(fence.geom, lon[placed], lat[placed], margin))
    nowhere = np.zeros(len(lon), dtype=bool)
    return View(rule, scene, nowhere, halo, scene.placed, nowhere, over=over, fence=fence)


def _wrong_zone(rule: Rule, scene: Scene, remembers: bool) -> View | None:
    """Fishing zones that a boat's length and role do not allow (Decree 26/2019/NĐ-CP Art. 43; facts 9, 10).

    A boat whose length or role nobody knows is judged by nothing, and so is one in port. core: farther than the buffer
    from what is allowed, since a position may be that wrong.
    """
    zones, after = scene.fences.zones, scene.after
    if zones is None or "role" not in after or "length_m" not in after:
        return None
    lengths = _lengths(after)
    known = after["role"].isin(ROLES).to_numpy() & ~np.isnan(lengths) & matches(after, rule.applies_to)
    rows = np.flatnonzero(scene.placed & known[scene.place])
    if rule.params.get("unmonitored"):
        rows = rows[lengths[scene.place[rows]] < _monitored_from_m(rule, scene, rows)]
    core, halo = (np.zeros(len(scene.at), dtype=bool) for _ in range(2))
    works = np.ones(len(scene.at), dtype=bool)
    facts: dict[int, dict[str, Any]] = {}
    if len(rows):
        lon, lat = (scene.records[name].to_numpy(dtype=float)[rows] for name in ("lon", "lat"))
        codes, allowed = zones.classify(lon, lat), _allowed(rule, scene, rows, lengths)
        wrong = np.array([bool(code) and NAMES_EN[code] not in own for code, own in zip(codes, allowed, strict=True)])
        away = _beyond(zones, lon, lat, allowed)
        waters = _away_from_home(scene, zones, rows, codes, allowed)
        guest = np.array([name is not None for name, _ in waters])
        away[guest] = [miles for name, miles in waters if name is not None]
        in_port = scene.mask(None)
        for name in (one.key for one in scene.fences.items if one.kind == PORT):
            in_port |= scene.mask(scene.halo.get(name))
        wrong = (wrong | guest) & ~in_port[rows]
        halo[rows] = wrong
        core[rows] = wrong & (away > _buffer_nm(rule, moment(scene.at[rows[0]])))
        halo &= in_force(rule, None, scene)
        core &= halo
        if rule.params.get("by_gear"):
            works[rows] = _at_work(rule, scene, rows)
        for row, code, own, (fence, _) in zip(rows.tolist(), codes, allowed, waters, strict=True):
            facts[row] = {"zone": NAMES_EN[code], "allowed": list(own)} | ({"waters": fence} if fence else {})
    if not remembers and not core.any():
        return None
    return View(rule, scene, core, halo, scene.placed, core, facts=facts, works=works)


def _lengths(after: pd.DataFrame) -> NDArray[np.float64]:
    """The length of each object by which the law goes: the register's, where its layer has one of its own besides."""
    own = after["length_m"].to_numpy(dtype=float, na_value=np.nan)
    if "register_length_m" not in after:
        return own
    registered = after["register_length_m"].to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isnan(registered), own, registered)


def _monitored_from_m(rule: Rule, scene: Scene, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """From which length on a boat needed a monitoring device, on the day of each of these records."""
    days, place = np.unique(scene.at[rows] // DAY_US, return_inverse=True)
    least = [rule.figures.at("vms_least_length", moment(int(day) * DAY_US)).value for day in days]
    return np.array(least, dtype=float)[place]


def _allowed(rule: Rule, scene: Scene, rows: NDArray[np.intp], lengths: NDArray[np.float64]) -> list[tuple[str, ...]]:
    """The zones in which the boat of each of these records might work on that day."""
    roles = scene.after["role"].tolist()
    found: dict[tuple[int, int], tuple[str, ...]] = {}
    out = []
    for place, at in zip(scene.place[rows].tolist(), scene.at[rows].tolist(), strict=True):
        mark = place, at // DAY_US
        if mark not in found:
            found[mark] = zones_of(lengths[place], rule.figures, moment(at), roles[place])
        out.append(found[mark])
    return out


def _away_from_home(
    scene: Scene,
    zones: Zones,
    rows: NDArray[np.intp],
    codes: NDArray[np.int8],
    allowed: Sequence[tuple[str, ...]],
) -> list[tuple[str | None, float]]:
    """Of each of these records the coastal waters in which a small boat of another province catches fish, and how many
    nautical miles within: from the waters' sides, since beyond the others there are none that it might be in.

    Boats that may fish in the coastal zone alone may do so off their own province, unless two agree (Art. 43); others
    are wrong there anyway. Whom waters are closed to is their fence's own condition.
    """
    found: list[tuple[str | None, float]] = [(None, np.inf)] * len(rows)
    catching = (scene.after["role"] == "catching").to_numpy(dtype=bool)[scene.place[rows]]
    small = np.array([own == ("coastal",) for own in allowed]) & catching & (codes == COASTAL)
    for fence in scene.fences.items if small.any() else ():
        if fence.kind != COASTAL_HOME or fence.key not in scene.core:
            continue
        strange = matches(scene.after, fence.applies_to)[scene.place[rows]]
        here = small & strange & scene.mask(scene.core[fence.key])[rows]
        here &= np.array([fence.in_force(moment(at)) for at in scene.at[rows].tolist()])
        own = np.flatnonzero(here)
        lon, lat = (scene.records[name].to_numpy(dtype=float)[rows[own]] for name in ("lon", "lat"))
        edges = sides(fence.geom, zones.coast_line)
        within = np.full(len(own), np.inf) if edges.is_empty else line.distance_nm(edges, lon, lat, BUFFER_MOST_NM)
        for at, miles in zip(own.tolist(), within.tolist(), strict=True):
            found[at] = fence.key, miles
    return found


def _at_work(rule: Rule, scene: Scene, rows: NDArray[np.intp]) -> Mask:
    """Which of these records have the speed at which their boats' gear is worked, by the figures of their day."""
    speed, at = scene.column("speed")[rows], scene.at[rows] / 1e6
    unknown = [UNKNOWN_GEAR] * len(scene.after)
    names = scene.after["gear"].fillna(UNKNOWN_GEAR).tolist() if "gear" in scene.after else unknown
    gears, days = np.array(names, dtype=object)[scene.place[rows]], scene.at[rows] // DAY_US
    works = np.zeros(len(rows), dtype=bool)
    for day in np.unique(days).tolist():
        law = criteria(rule.figures, moment(day * DAY_US))
        for gear in set(gears[days == day].tolist()):
            own = (days == day) & (gears == gear)
            works[own] = at_work(speed[own], at[own], gear, law)
        # Some gears are worked drifting: who lies still may as well be at anchor, and one fix does not tell which.
        least = rule.figures.at("zone_speed_least", moment(day * DAY_US)).value
        works[days == day] &= speed[days == day] >= least
    return works


def _beyond(
    zones: Zones, lon: NDArray[np.float64], lat: NDArray[np.float64], allowed: Sequence[tuple[str, ...]]
) -> NDArray[np.float64]:
    """Nautical miles from each place to the nearest border of a zone that is allowed; inf beyond BUFFER_MOST_NM."""
    away = np.full(len(lon), np.inf)
    for border, names in ((zones.coast_line, {"coastal", "inshore"}), (zones.inshore_line, {"inshore", "offshore"})):
        rows = np.flatnonzero([bool(names & set(own)) for own in allowed])
        if len(rows):
            away[rows] = np.minimum(away[rows], line.distance_nm(border, lon[rows], lat[rows], BUFFER_MOST_NM))
    return away


def _buffer_nm(rule: Rule, at: datetime) -> float:
    least = rule.figures.at("vms_position_error", at).value
    return max(float(rule.params.get("buffer_m", 0)), least) / NM_M


def _silence(rule: Rule, scene: Scene, fence: Fence | None, remembers: bool, every: bool) -> View | None:
    if not remembers and not every:
        return None
    core = scene.heard if fence is None else scene.mask(scene.core.get(fence.key))
    return View(rule, scene, core, core, scene.heard, scene.heard & every)


def in_force(rule: Rule, fence: Fence | None, scene: Scene) -> Mask:
    """At which records the rule's schedule and its fence, if it has one, hold."""
    if not rule.schedule and (fence is None or fence.always):
        return np.ones(len(scene.at), dtype=bool)
    moments = map(moment, scene.at.tolist())
    return np.array([rule.in_hours(at) and (fence is None or fence.in_force(at)) for at in moments], dtype=bool)
