"""Pairs: what a rule of two objects sees of each two that are near each other, in the order of time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.criteria import matches
from geo.episode import Sight
from geo.rule import Rule
from ingest.party import Party, Visits
from ingest.scene import Look, Memory, Scene, Target, moment
from ingest.view import in_force

Mask = NDArray[np.bool_]


def looks_of_pairs(rule: Rule, scene: Scene, memory: Memory, past: bool = False) -> dict[Target, list[Look]]:
    """Looks by pair (the lesser key first): at each record of one of them, how far the other's last position is.

    A position older than FRESH says nothing of where its object is now; only a pair that is remembered ends by it, and
    so does one whose other is not here at all. past: of many looks that say the same only the first and the last, and
    none of a meeting that began and ended without any consequence.
    """
    distance = float(rule.params["distance_m"])
    fence = scene.fences.by_key.get(rule.fence_key or "")
    if rule.fence_key and fence is None:
        return {}
    within = scene.placed & in_force(rule, fence, scene)
    if fence is not None:
        within &= scene.mask(scene.halo.get(fence.key))
    qualifies = matches(scene.records, rule.qualifies, scene.keys) if rule.qualifies else np.ones(len(within), bool)
    party = Party(rule, scene, (key for pair in memory for key in pair))
    known = np.array([[party.number[key] for key in pair] for pair in memory], np.int64).reshape(-1, 2)
    known = np.sort(known, axis=1)
    pairs = np.unique(np.concatenate([known, party.pairs(distance + rule.hysteresis_m, within)]), axis=0)
    remembered = np.isin(_codes(pairs), _codes(known))
    looks: dict[Target, list[Look]] = {}
    for visits in party.visits(pairs):
        together = within[visits.row] & (visits.apart_m <= distance + rule.hysteresis_m)
        core = together & (visits.apart_m <= distance)
        good = qualifies[visits.row]
        kept = _begun(visits, core, remembered)
        if past:
            pair, at, halo = visits.pair[kept], scene.at[visits.row[kept]], together[kept]
            lasting = _lasting(rule, pair, at, halo, good[kept], remembered)
            good[kept] = lasting
            matters = _matters(rule, pair, at, halo, lasting, remembered)
            kept = kept[matters]
            kept = kept[_turns(pair[matters], core[kept], halo[matters], lasting[matters])]
        _tell(looks, party, scene, visits, kept, (core, together, good))
    return looks


def _codes(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    return pairs[:, 0] << 32 | pairs[:, 1]


def _begun(visits: Visits, core: Mask, remembered: Mask) -> NDArray[np.intp]:
    """The visits of pairs that are remembered, and of others those from their first meeting on."""
    first = _starts(visits.pair)
    met = np.cumsum(core)
    before: NDArray[np.intp] = np.repeat(met[first] - core[first], np.diff(np.r_[first, len(core)]))
    return np.flatnonzero(remembered[visits.pair] | (met > before))


def _lasting(
    rule: Rule, pair: NDArray[np.int64], at: NDArray[np.int64], together: Mask, good: Mask, remembered: Mask
) -> Mask:
    """At which visits of those that are together the rule's conditions hold, and for dwell_s: less leads to nothing.

    Also for less, where they held before or may hold on after.
    """
    first = _starts(pair, together, good)
    if not len(first):
        return good
    own, begin = pair[first], at[first]
    follows = np.r_[False, own[1:] == own[:-1]]
    brief = np.r_[follows[1:], False] & (np.r_[begin[1:], 0] - begin < rule.dwell_s * 1e6)
    brief &= follows | ~remembered[own]
    return np.repeat(good[first] & together[first] & ~brief, np.diff(np.r_[first, len(pair)]))


def _matters(
    rule: Rule, pair: NDArray[np.int64], at: NDArray[np.int64], together: Mask, lasting: Mask, remembered: Mask
) -> Mask:
    """Which visits may have a consequence (geo.episode): all but of whole meetings that leave nothing behind.

    That is one that begins when nothing is remembered of the pair any more, and ends, and in which the conditions held
    for dwell_s never; with what follows it up to the next meeting.
    """
    first = _starts(pair, together)
    if not len(first):
        return together
    own, begin, met = pair[first], at[first], together[first]
    follows = np.r_[False, own[1:] == own[:-1]]
    # Whether what was before is over: it ended off_delay_s ago, or there was nothing.
    apart_for = begin - np.r_[0, begin[:-1]]
    over = np.where(follows, apart_for >= rule.off_delay_s * 1e6, ~remembered[own])
    idle = met & np.r_[follows[1:], False] & over & ~np.logical_or.reduceat(lasting, first)
    idle |= ~met & follows & np.r_[False, idle[:-1]]
    return np.repeat(~idle, np.diff(np.r_[first, len(pair)]))


def _turns(pair: NDArray[np.int64], *marks: Mask) -> Mask:
    """The first and the last of a pair's visits that say the same."""
    turns = np.zeros(len(pair), bool)
    first = _starts(pair, *marks)
    turns[first] = True
    turns[first[1:] - 1] = True
    turns[-1:] = True
    return turns


def _starts(*columns: NDArray[Any]) -> NDArray[np.intp]:
    """Where a stretch begins in which all columns say the same."""
    size = len(columns[0])
    begins = np.zeros(size, bool)
    begins[:1] = True
    for column in columns:
        begins[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(begins)


def _tell(
    looks: dict[Target, list[Look]],
    party: Party,
    scene: Scene,
    visits: Visits,
    kept: NDArray[np.intp],
    marks: tuple[Mask, Mask, Mask],
) -> None:
    """Make looks of the visits that are kept."""
    at = scene.at[visits.row[kept]]
    known_at = np.where(visits.seen_at[kept] != 0, np.minimum(at, visits.seen_at[kept]), 0)
    columns: list[Any] = [visits.row[kept], visits.own[kept], visits.other[kept], at, known_at, visits.apart_m[kept]]
    columns += [mark[kept] for mark in marks]
    for row, own, other, time, known, apart, core, halo, good in zip(*(one.tolist() for one in columns), strict=True):
        one, two = party.keys[own], party.keys[other]
        sight = Sight(moment(time), core, halo, good)
        facts = {"distance_m": round(apart)} if apart != float("inf") else {}
        label = f"{party.labels[own]} – {party.labels[other]}"
        look = Look(sight, row, facts=facts, label=label, known_at=moment(known) if known else None)
        looks.setdefault((one, two) if one < two else (two, one), []).append(look)
