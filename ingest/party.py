"""The party of a rule of two objects: everybody who may meet, each with the way it went, and who came near whom."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.column import epoch_us
from geo.criteria import matches
from geo.episode import FRESH
from geo.rule import Rule
from ingest.scene import Scene

METRES_PER_DEGREE = 111_195.0  # of latitude, mean sphere
FRESH_US = int(FRESH.total_seconds() * 1e6)
SPELL_US = 6 * FRESH_US  # who is sought together: long enough that what lies at its berth is asked for seldom
CELL_LEAST_M = 10.0
MOST_AT_ONCE = 1_000_000  # of pairs, and of visits, that are held in memory together
Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Visits:
    """Each record of one of a pair, beside the other's last position before it; by pair, and there by record.

    pair: of each visit, which of the pairs that were asked for; own, other: numbers in the party; apart_m: inf where
    the other was not seen lately, or is none of whom the rule speaks; seen_at: when it was seen, 0 for never.
    """

    pair: Whole
    row: Whole
    own: Whole
    other: Whole
    apart_m: Numbers
    seen_at: Whole


class Party:
    """The scene's objects, their neighbours, and those who are only remembered; each has a number.

    remembered: keys that may be in neither. Positions before the scene's records are those of the state before it.
    """

    def __init__(self, rule: Rule, scene: Scene, remembered: Iterable[str]) -> None:
        after, beside = scene.after, scene.neighbours
        self.keys = [str(key) for key in after.index]
        self.belongs: Mask = matches(after, rule.applies_to)
        names: list[Any] = after[scene.label].tolist()
        lon, lat = np.full((2, len(self.keys)), np.nan)
        at = np.zeros(len(self.keys), np.int64)
        if "lon" in after:  # of those who say something else than where they are
            lon, lat = (after[name].to_numpy(dtype=float, copy=True) for name in ("lon", "lat"))
            at = epoch_us(after["observed_at"])
        rows = np.flatnonzero(scene.placed)
        places, first = np.unique(scene.place[rows], return_index=True)
        begin = rows[first]
        lon[places], lat[places], at[places] = scene.from_lon[begin], scene.from_lat[begin], scene.from_at[begin]
        at[np.isnan(lon)] = 0
        if beside is not None and len(beside):
            self.keys += [str(key) for key in beside.index]
            self.belongs = np.concatenate([self.belongs, matches(beside, rule.applies_to)])
            lon, lat = (
                np.concatenate([own, beside[name].to_numpy(dtype=float)]) for own, name in ((lon, "lon"), (lat, "lat"))
            )
            at = np.concatenate([at, beside["at"].to_numpy(np.int64)])
            names += beside[scene.label].tolist()
        self.number = {key: number for number, key in enumerate(self.keys)}
        absent = sorted(set(remembered) - self.number.keys())
        self.number |= {key: number for number, key in enumerate(absent, len(self.keys))}
        self.keys += absent
        names += [None] * len(absent)
        self.belongs = np.concatenate([self.belongs, np.zeros(len(absent), bool)])
        self.labels = [
            str(name) if name is not None and name == name and name else key
            for name, key in zip(names, self.keys, strict=True)
        ]
        self._walk(scene, rows, lon, lat, np.concatenate([at, np.zeros(len(absent), np.int64)]))

    def _walk(self, scene: Scene, rows: NDArray[np.intp], lon: Numbers, lat: Numbers, at: Whole) -> None:
        """Everybody's records one after the other, and behind all of them where each was before."""
        members = len(self.keys)
        self._rows = rows[np.argsort(scene.place[rows], kind="stable")]
        owner = scene.place[self._rows]
        self._count = np.bincount(owner, minlength=members)
        self._begin = np.concatenate([[0], np.cumsum(self._count)[:-1]])
        self._span = len(scene.at) + 1
        self._code = owner * self._span + self._rows
        self._who = np.concatenate([owner, np.arange(members)])
        unknown = np.full(members - len(lon), np.nan)
        self._lon, self._lat = (
            np.concatenate([scene.records[name].to_numpy(dtype=float)[self._rows], own, unknown])
            for name, own in (("lon", lon), ("lat", lat))
        )
        self._at = np.concatenate([scene.at[self._rows], at])
        self._since = int(scene.at[0]) - FRESH_US if len(scene.at) else 0

    def pairs(self, most_m: float, within: Mask) -> NDArray[np.int64]:
        """Pairs of numbers, the lesser first, shape (pairs, 2): all that may come within so many metres of each other
        at a record that is `within`, and some that do not.

        By cells of that size, each together with those around it, and by spells of time.
        """
        size = len(self.keys)
        own = self.belongs[self._who] & ~np.isnan(self._lon) & ~np.isnan(self._lat) & (self._at >= self._since)
        asks = np.concatenate([own[: len(self._rows)] & within[self._rows], np.zeros(size, bool)])
        if not asks.any():
            return np.empty((0, 2), np.int64)
        entry, code, north, east = self._cells(own, max(most_m, CELL_LEAST_M))
        there, number = np.unique(code, return_inverse=True)
        entries = number * size + self._who[entry]
        held, asked = np.unique(entries), np.unique(entries[asks[entry]])
        first, member = np.searchsorted(held, np.arange(len(there) + 1) * size), held % size
        cell, asker = np.divmod(asked, size)
        found = []
        for shift_x, shift_y in product((-1, 0, 1), repeat=2):
            wanted = there[cell] + shift_x * east + shift_y * north
            index = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
            hits = np.flatnonzero(there[index] == wanted)
            begin, count = first[index[hits]], np.diff(first)[index[hits]]
            for part in portions(count):
                one, other = np.repeat(asker[hits[part]], count[part]), member[ramps(begin[part], count[part])]
                apart = one != other
                one, other = one[apart], other[apart]
                found.append(np.unique(np.minimum(one, other) * size + np.maximum(one, other)))
        return np.stack(np.divmod(np.unique(np.concatenate(found)), size), axis=1)

    def _cells(self, own: Mask, wide_m: float) -> tuple[Whole, Whole, int, int]:
        """Of each place that counts, once or for two spells: which it is, and the number of its cell and spell.

        Then how far on the number is of the cell to the north, and of that to the east.
        """
        high = wide_m / METRES_PER_DEGREE
        wide = high / max(float(np.cos(np.radians(np.abs(self._lat[own]).max()))), 1e-3)
        # Whatever was seen counts for FRESH: two that are no farther apart in time share one of these spells.
        begun, lasts = self._at // SPELL_US, (self._at + FRESH_US) // SPELL_US
        again = own & (begun != lasts)
        entry = np.concatenate([np.flatnonzero(own), np.flatnonzero(again)])
        cells = np.floor(self._lon[entry] / wide), np.floor(self._lat[entry] / high)
        x, y = (each.astype(np.int64) - int(each.min()) + 1 for each in cells)
        spell = np.concatenate([begun[own], lasts[again]])
        spell -= spell.min()
        deep = int(spell.max()) + 1
        tall = (int(y.max()) + 2) * deep
        return entry, x * tall + y * deep + spell, deep, tall

    def visits(self, pairs: NDArray[np.int64]) -> Iterator[Visits]:
        """Of pairs of numbers all visits, some pairs at a time."""
        total = self._count[pairs].sum(axis=1)
        for part in portions(total):
            yield self._visits(pairs, np.arange(part.start, part.stop), total[part])

    def _visits(self, pairs: NDArray[np.int64], chosen: Whole, total: Whole) -> Visits:
        offset = np.cumsum(total) - total
        record, place = np.empty((2, int(total.sum())), np.int64)
        for own, other in (pairs[chosen].T, pairs[chosen, ::-1].T):
            count = self._count[own]
            mine = ramps(self._begin[own], count)
            beside, begin = np.repeat(other, count), np.repeat(self._begin[other], count)
            passed = np.searchsorted(self._code, beside * self._span + self._rows[mine]) - begin
            at = np.repeat(offset - self._begin[own], count) + mine + passed
            record[at] = mine
            place[at] = np.where(passed > 0, begin + passed - 1, len(self._rows) + beside)
        lat, other = self._lat[place], self._who[place]
        north = lat - self._lat[record]
        east = (self._lon[place] - self._lon[record]) * np.cos(np.radians((lat + self._lat[record]) / 2))
        apart, seen_at = np.hypot(east, north) * METRES_PER_DEGREE, self._at[place]
        known = self.belongs[other] & (np.abs(self._at[record] - seen_at) <= FRESH_US) & ~np.isnan(apart)
        apart = np.where(known, apart, np.inf)
        return Visits(np.repeat(chosen, total), self._rows[record], self._who[record], other, apart, seen_at)


def portions(counts: NDArray[Any]) -> Iterator[slice]:
    """Stretches of an array of counts, each as long as its sum is no more than MOST_AT_ONCE, and one long at least."""
    ends, begin = np.cumsum(counts), 0
    while begin < len(counts):
        before = int(ends[begin - 1]) if begin else 0
        end = max(int(np.searchsorted(ends, before + MOST_AT_ONCE, side="right")), begin + 1)
        yield slice(begin, end)
        begin = end


def ramps(begin: NDArray[Any], count: NDArray[Any]) -> NDArray[np.int64]:
    """Whole numbers from each beginning on, as many as its count says, one after the other."""
    ends = np.cumsum(count)
    found: NDArray[np.int64] = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(begin - (ends - count), count)
    return found
