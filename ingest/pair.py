"""Pairs: what a rule of two objects sees of each two that are near each other, in the order of time."""

from collections.abc import Hashable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.column import epoch_us
from geo.criteria import matches
from geo.episode import FRESH, Sight
from geo.rule import Rule
from ingest.scene import Look, Memory, Scene, Target, moment
from ingest.view import in_force

METRES_PER_DEGREE = 111_195.0  # of latitude, mean sphere
FRESH_US = int(FRESH.total_seconds() * 1e6)
SMALL = 100_000  # records times members, below which all are measured
Numbers = NDArray[np.float64]


def looks_of_pairs(rule: Rule, scene: Scene, memory: Memory, past: bool = False) -> dict[Target, list[Look]]:
    """Looks by pair (the lesser key first): at each record of one of them, how far the other's last position is.

    A position older than FRESH says nothing of where its object is now; only a pair that is remembered ends by it, and
    so does one whose other is not here at all. past: of many looks that say the same only the first and the last.
    """
    distance = float(rule.params["distance_m"])
    most = distance + rule.hysteresis_m
    fence = scene.fences.by_key.get(rule.fence_key or "")
    if rule.fence_key and fence is None:
        return {}
    party = _Party(rule, scene)
    within = scene.placed & in_force(rule, fence, scene)
    if fence is not None:
        within &= scene.mask(scene.halo.get(fence.key))
    qualifies = matches(scene.records, rule.qualifies, scene.keys) if rule.qualifies else np.ones(len(within), bool)
    active: dict[str, set[str]] = {}
    for pair in memory:
        _befriend(active, *pair)
    watched = np.array([key in active for key in party.keys], dtype=bool)
    looks: dict[Target, list[Look]] = {}
    lon, lat = (scene.records[name].to_numpy(dtype=float) for name in ("lon", "lat"))
    rows = np.flatnonzero(scene.placed)
    meeting = party.may_meet(scene, rows, most) & within[rows]
    moved = 0
    for number, (row, place, meets) in enumerate(
        zip(rows.tolist(), scene.place[rows].tolist(), meeting.tolist(), strict=True)
    ):
        if not meets and not watched[place]:
            continue
        passed = rows[moved:number]
        party.move(scene.place[passed], lon[passed], lat[passed], scene.at[passed])
        moved = number
        at, key = int(scene.at[row]), party.keys[place]
        away = party.distances_m(lon[row], lat[row], at, place)
        near = np.flatnonzero(away <= most).tolist() if meets and party.belongs[place] else []
        met = {other: party.number.get(other) for other in active.get(key, ())}
        met |= {party.keys[index]: index for index in near}
        for other in sorted(met):
            index = met[other]
            apart = float("inf") if index is None else float(away[index])
            together = bool(within[row]) and apart <= most
            sight = Sight(moment(at), together and apart <= distance, together, bool(qualifies[row]))
            if not sight.core and other not in active.get(key, ()):
                continue
            target: Target = (min(key, other), max(key, other))
            _befriend(active, *target)
            watched[[place, *([] if index is None else [index])]] = True
            facts = {"distance_m": round(apart)} if index is not None and np.isfinite(apart) else {}
            label = f"{party.label(place)} – {party.label(index) if index is not None else other}"
            known_at = moment(min(at, int(party.at[index]))) if index is not None and party.at[index] else None
            look = Look(sight, row, facts=facts, label=label, known_at=known_at)
            _add(looks.setdefault(target, []), look, past)
    return looks


def _befriend(active: dict[str, set[str]], one: str, other: str) -> None:
    active.setdefault(one, set()).add(other)
    active.setdefault(other, set()).add(one)


def _add(looks: list[Look], look: Look, past: bool) -> None:
    """Add a look, in the place of the last one where that only repeats the one before it."""
    if past and len(looks) > 1 and all(_says(each.sight) == _says(look.sight) for each in looks[-2:]):
        looks[-1] = look
    else:
        looks.append(look)


def _says(sight: Sight) -> tuple[bool, bool, bool]:
    return sight.core, sight.halo, sight.qualifies


class _Party:
    """Everybody who may meet: the scene's objects and their neighbours, each with its last position."""

    def __init__(self, rule: Rule, scene: Scene) -> None:
        after, beside = scene.after, scene.neighbours
        self.keys = [str(key) for key in after.index]
        self.belongs = matches(after, rule.applies_to)
        names: list[Any] = after[scene.label].tolist()
        number = len(self.keys)
        self.lon, self.lat = np.full((2, number), np.nan)
        self.at = np.zeros(number, np.int64)
        if "lon" in after:  # of those who say something else than where they are
            self.lon, self.lat = (after[name].to_numpy(dtype=float, copy=True) for name in ("lon", "lat"))
            self.at = np.where(np.isnan(self.lon), 0, epoch_us(after["observed_at"]))
        rows = np.flatnonzero(scene.placed)
        places, first = np.unique(scene.place[rows], return_index=True)
        begin = rows[first]
        self.lon[places], self.lat[places] = scene.from_lon[begin], scene.from_lat[begin]
        self.at[places] = scene.from_at[begin]
        if beside is not None and len(beside):
            self.keys += [str(key) for key in beside.index]
            self.belongs = np.concatenate([self.belongs, matches(beside, rule.applies_to)])
            self.lon, self.lat = (
                np.concatenate([own, beside[name].to_numpy(dtype=float)])
                for own, name in ((self.lon, "lon"), (self.lat, "lat"))
            )
            self.at = np.concatenate([self.at, beside["at"].to_numpy(np.int64)])
            names += beside[scene.label].tolist()
        self.names = names
        self.number: dict[Hashable, int] = {key: n for n, key in enumerate(self.keys)}

    def label(self, number: int) -> str:
        """A member's name, or its key."""
        name = self.names[number]
        return str(name) if name is not None and name == name and name else self.keys[number]

    def distances_m(self, lon: float, lat: float, at: int, own: int) -> Any:
        """How far every other member was at its last position, metres; inf for one not seen lately or not concerned."""
        east = (self.lon - lon) * np.cos(np.radians((self.lat + lat) / 2))
        away = np.hypot(east, self.lat - lat) * METRES_PER_DEGREE
        known = self.belongs & (np.abs(at - self.at) <= FRESH_US) & ~np.isnan(away)
        known[own] = False
        return np.where(known, away, np.inf)

    def move(self, places: NDArray[np.intp], lon: Numbers, lat: Numbers, at: NDArray[np.int64]) -> None:
        """Members are seen at new places, in this order."""
        self.lon[places], self.lat[places], self.at[places] = lon, lat, at

    def may_meet(self, scene: Scene, rows: NDArray[np.intp], most_m: float) -> NDArray[np.bool_]:
        """Which of the records can have another member within so many metres: all others need not be measured.

        By cells of that size and of FRESH in time, each together with those around it.
        """
        if len(rows) * len(self.keys) < SMALL:
            return np.ones(len(rows), dtype=bool)
        columns = ((scene.records[name].to_numpy(dtype=float)[rows], own) for name, own in
                   (("lon", self.lon), ("lat", self.lat)))  # fmt: skip
        lon, lat = (np.concatenate(pair) for pair in columns)
        at = np.concatenate([scene.at[rows], self.at])
        who = np.concatenate([scene.place[rows], np.arange(len(self.keys))])
        own = self.belongs[who] & ~np.isnan(lon) & ~np.isnan(lat)
        high = most_m / METRES_PER_DEGREE
        wide = high / max(float(np.cos(np.radians(np.abs(lat[own]).max(initial=0.0)))), 1e-3)
        cells = [np.floor(each).astype(np.int64) for each in (np.nan_to_num(lon) / wide, np.nan_to_num(lat) / high)]
        cells.append(at // FRESH_US)
        span = [(int(each.min()) - 1, int(each.max()) + 2) for each in cells]

        def code(*shift: int) -> NDArray[np.int64]:
            found = np.zeros(len(who), np.int64)
            for each, (low, top), by in zip(cells, span, shift, strict=True):
                found = found * (top - low + 1) + (each - low + by)
            return found

        there, inverse = np.unique(code(0, 0, 0)[own], return_inverse=True)
        # Whom a cell holds, when it is one only, and else nobody: so a record is alone when it finds but itself.
        first, last = np.full(len(there), len(self.keys)), np.full(len(there), -1)
        np.minimum.at(first, inverse, who[own])
        np.maximum.at(last, inverse, who[own])
        meets = np.zeros(len(rows), dtype=bool)
        for shift in product((-1, 0, 1), repeat=3):
            wanted = code(*shift)[: len(rows)]
            at_index = np.minimum(np.searchsorted(there, wanted), len(there) - 1) if len(there) else np.zeros(0, int)
            if not len(at_index):
                return meets
            held = there[at_index] == wanted
            mine = who[: len(rows)]
            meets |= held & ((first[at_index] != mine) | (last[at_index] != mine))
        found: NDArray[np.bool_] = meets & own[: len(rows)]
        return found
