"""Pairs: what a rule of two objects sees of each two that are near each other, in the order of time."""

from collections.abc import Hashable
from typing import Any

import numpy as np

from geo.criteria import matches
from geo.episode import FRESH, Sight
from geo.rule import Rule
from ingest.scene import Look, Memory, Scene, Target, moment
from ingest.view import in_force

METRES_PER_DEGREE = 111_195.0  # of latitude, mean sphere
FRESH_US = int(FRESH.total_seconds() * 1e6)


def looks_of_pairs(rule: Rule, scene: Scene, memory: Memory) -> dict[Target, list[Look]]:
    """Looks by pair (the lesser key first): at each record of one of them, how far the other's last position is.

    A position older than FRESH says nothing of where its object is now; only a pair that is remembered ends by it.
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
    for one, other in memory:
        active.setdefault(one, set()).add(other)
        active.setdefault(other, set()).add(one)
    looks: dict[Target, list[Look]] = {}
    lon, lat = (scene.records[name].to_numpy(dtype=float) for name in ("lon", "lat"))
    for row in np.flatnonzero(scene.placed).tolist():
        place, at = int(scene.place[row]), int(scene.at[row])
        key = party.keys[place]
        if party.belongs[place] or key in active:
            away = party.distances_m(lon[row], lat[row], at, place)
            near = set(np.flatnonzero(away <= most).tolist()) if within[row] and party.belongs[place] else set()
            met = {party.number[other] for other in active.get(key, ()) if other in party.number}
            for number in sorted(near | met):
                other, apart = party.keys[number], float(away[number])
                together = bool(within[row]) and apart <= most
                sight = Sight(moment(at), together and apart <= distance, together, bool(qualifies[row]))
                if not sight.core and other not in active.get(key, ()):
                    continue
                target: Target = (min(key, other), max(key, other))
                active.setdefault(key, set()).add(other)
                active.setdefault(other, set()).add(key)
                facts = {"distance_m": round(apart)} if np.isfinite(apart) else {}
                label = f"{party.label(place)} – {party.label(number)}"
                looks.setdefault(target, []).append(Look(sight, row, facts=facts, label=label))
        party.move(place, lon[row], lat[row], at)
    return looks


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

    def move(self, place: int, lon: float, lat: float, at: int) -> None:
        """A member is seen at a new place."""
        self.lon[place], self.lat[place], self.at[place] = lon, lat, at
