"""What ingest.pair says, told record by record in a plain loop: slow, and easy to believe."""

from typing import Any

import numpy as np

from geo.criteria import matches
from geo.episode import FRESH, Sight
from geo.rule import Rule
from ingest.scene import Look, Memory, Scene, Target, moment
from ingest.view import in_force

FRESH_US = int(FRESH.total_seconds() * 1e6)


class Member:
    """One object: its label, whether the rule speaks of it, and where it was last."""

    def __init__(self, key: str, label: Any, belongs: bool, lon: float, lat: float, at: int) -> None:
        self.key, self.belongs, self.lon, self.lat, self.at = key, belongs, lon, lat, at if lon == lon else 0
        self.label = str(label) if label is not None and label == label and label else key

    def apart_m(self, lon: float, lat: float, at: int) -> float:
        """From a place at a time to its last position, metres; inf where that says nothing."""
        east = (self.lon - lon) * np.cos(np.radians((self.lat + lat) / 2))
        away = float(np.hypot(east, self.lat - lat)) * 111_195.0
        return away if self.belongs and abs(at - self.at) <= FRESH_US and away == away else float("inf")


def plain_looks(rule: Rule, scene: Scene, memory: Memory, past: bool = False) -> dict[Target, list[Look]]:
    """As looks_of_pairs has it, meetings without consequence among them."""
    distance = float(rule.params["distance_m"])
    fence = scene.fences.by_key.get(rule.fence_key or "")
    within = scene.placed & in_force(rule, fence, scene)
    if fence is not None:
        within &= scene.mask(scene.halo.get(fence.key))
    qualifies = matches(scene.records, rule.qualifies, scene.keys)
    members = party(rule, scene)
    active: dict[str, set[str]] = {}
    for one, two in memory:
        active.setdefault(one, set()).add(two)
        active.setdefault(two, set()).add(one)
    looks: dict[Target, list[Look]] = {}
    for row in np.flatnonzero(scene.placed).tolist():
        fix: Any = scene.records.iloc[row]
        own, at = members[scene.key_of(int(scene.place[row]))], int(scene.at[row])
        for key in sorted((members.keys() | active.get(own.key, set())) - {own.key}):
            other = members.get(key)
            apart = other.apart_m(fix["lon"], fix["lat"], at) if other else float("inf")
            together = bool(within[row]) and apart <= distance + rule.hysteresis_m
            sight = Sight(moment(at), together and apart <= distance, together, bool(qualifies[row]))
            if key not in active.get(own.key, ()) and not (sight.core and own.belongs):
                continue
            active.setdefault(own.key, set()).add(key)
            active.setdefault(key, set()).add(own.key)
            facts = {"distance_m": round(apart)} if apart < float("inf") else {}
            known_at = moment(min(at, other.at)) if other and other.at else None
            label = f"{own.label} – {other.label if other else key}"
            look = Look(sight, row, facts=facts, label=label, known_at=known_at)
            add(looks.setdefault((min(own.key, key), max(own.key, key)), []), look, past)
        own.lon, own.lat, own.at = float(fix["lon"]), float(fix["lat"]), at
    return looks


def party(rule: Rule, scene: Scene) -> dict[str, Member]:
    """Everybody by key, where each was before its first record."""
    found = {}
    belongs = matches(scene.after, rule.applies_to)
    for number, key in enumerate(scene.after.index):
        own = np.flatnonzero((scene.place == number) & scene.placed)
        where = (scene.from_lon, scene.from_lat, scene.from_at) if len(own) else ()
        lon, lat, at = (values[own[0]] for values in where) if where else (np.nan, np.nan, 0)
        found[str(key)] = Member(str(key), scene.after[scene.label].iloc[number], belongs[number], lon, lat, int(at))
    if scene.neighbours is not None and len(scene.neighbours):
        for key, good in zip(scene.neighbours.index, matches(scene.neighbours, rule.applies_to), strict=True):
            row: Any = scene.neighbours.loc[key]
            found[str(key)] = Member(str(key), row[scene.label], good, row["lon"], row["lat"], int(row["at"]))
    return found


def add(looks: list[Look], look: Look, past: bool) -> None:
    """Of many that say the same only the first and the last, if it is the past."""

    def says(one: Look) -> tuple[bool, bool, bool]:
        return one.sight.core, one.sight.halo, one.sight.qualifies

    if past and len(looks) > 1 and all(says(each) == says(look) for each in looks[-2:]):
        looks[-1] = look
    else:
        looks.append(look)
