"""Fences and rules over one batch: every record in time order per object, verdicts to alarms in one transaction."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import insert

from geo import table
from geo.alarm import clear_alarm, raise_alarm
from geo.criteria import matches
from geo.fence import Fence, Fences
from geo.rule import FRESH, Clear, Presence, Raise, Rule, Sight, judge, judge_distress, judge_time
from ingest.scene import Scene, Stretches, moment

STATE_FACTS = ("length_m", "ship_type", "safety_text")  # what an alarm's evidence tells of the object itself
OnFault = Callable[[str, Exception], None]
Memory = Mapping[int, Presence]  # by the object's place in the after-state


@dataclass(frozen=True)
class Look:
    """One sight of an object: at the record `row`, or at a share of the way to it from the fix before."""

    sight: Sight
    row: int
    share: float | None = None


@dataclass(frozen=True)
class Step:
    """What a rule made of an object's looks: what it remembers, and each verdict with the look that led to it."""

    place: int
    presence: Presence | None
    verdicts: tuple[tuple[Raise | Clear, Look], ...]


def judge_batch(
    connection: sa.Connection,
    rules: Sequence[Rule],
    fences: Fences,
    key: str,
    label: str,
    records: pd.DataFrame,
    before: pd.DataFrame,
    after: pd.DataFrame,
    now: datetime,
    on_fault: OnFault,
) -> int:
    """Judge every rule over the batch's records; returns how many alarms changed.

    records: rows with lon, lat (NaN = no position), observed_at, sorted by time and not older than the state they
    meet; before, after: known and merged state by key, the latter with every key of the records. Fence rules see what
    has a position, and the ways between; distress rules see everything. A rule that throws is reported through
    on_fault and stops neither the batch nor the other rules.
    """
    if records.empty or not rules:
        return 0
    scene = Scene.of(rules, fences, key, label, records, before, after)
    memory = load(connection, rules, scene)
    changed = 0
    for rule in rules:
        known = memory.get(rule.id, {})
        try:
            steps = list(judge_rule(rule, scene, known))
        except Exception as error:  # a rule's own fault is a fact about the feed's health, never the batch's end
            on_fault(f"rule {rule.key}", error)
            continue
        for step in steps:
            object_key = scene.key_of(step.place)
            if step.presence != known.get(step.place):
                remember(connection, rule, object_key, step.presence)
            for verdict, look in step.verdicts:
                if isinstance(verdict, Clear):
                    changed += clear_alarm(connection, rule, object_key, verdict.at, now) is not None
                else:
                    subject = subject_of(rule, scene, step.place, verdict, look)
                    changed += raise_alarm(connection, rule, scene.fence_id(rule), subject, verdict.at, now) is not None
    return changed


def judge_rule(rule: Rule, scene: Scene, memory: Memory, until: datetime | None = None) -> Iterator[Step]:
    """One rule over the scene: a step for each object that it concerns, begun with what is remembered of it.

    until: for a track of the past, the time up to which the clock had its say between fixes and after the last.
    """
    step = judge_distress if rule.kind in ("distress", "distress_test") else judge
    for place, looks in looks_of(rule, scene, memory).items():
        presence, verdicts = memory.get(place), []
        for look, following in zip_longest(looks, looks[1:]):
            presence, verdict = step(rule, presence, look.sight)
            if verdict:
                verdicts.append((verdict, look))
            if until is not None and presence is not None:
                end = min(look.sight.observed_at + FRESH, following.sight.observed_at if following else until)
                presence, verdict = judge_time(rule, presence, end)
                if verdict:
                    verdicts.append((verdict, look))
        yield Step(place, presence, tuple(verdicts))


def looks_of(rule: Rule, scene: Scene, memory: Memory) -> dict[int, list[Look]]:
    """What the rule sees of each object that is near or remembered, in time order, by the object's place."""
    number, fence = len(scene.records), scene.fences.by_key.get(rule.fence_key or "")
    over: Stretches = {}
    if rule.kind in ("distress", "distress_test"):
        inside = widened = matches(scene.records, {**rule.applies_to, **rule.qualifies})
        seen = np.ones(number, dtype=bool)
    else:
        name = rule.fence_key or ""
        if not memory and not any(name in near for near in (scene.core, scene.halo, scene.ways)):
            return {}  # nearly every rule of nearly every batch
        valid = _valid(fence, scene.at)
        inside, widened = (valid & _mask(hits.get(name), number) for hits in (scene.core, scene.halo))
        # While its fence is not in force nothing is outside of it either.
        seen = scene.placed & (valid | (rule.kind != "outside"))
        if rule.kind == "inside" and fence is not None:
            over = scene.ways.get(name, {})
    touched = np.zeros(len(scene.after), dtype=bool)
    touched[scene.place[inside | widened]] = True
    touched[scene.place[list(over)]] = True
    if touched.any():
        touched &= matches(scene.after, rule.applies_to)
    touched[list(memory)] = True
    if not touched.any():
        return {}
    rows = np.flatnonzero(seen & touched[scene.place])
    qualifies = matches(scene.records, rule.qualifies)[rows]
    looks: dict[int, list[Look]] = {}
    for row, place, good in zip(rows.tolist(), scene.place[rows].tolist(), qualifies.tolist(), strict=True):
        own = looks.setdefault(place, [])
        if row in over and fence is not None:
            own += _on_the_way(fence, scene, row, over[row], good)
        own.append(Look(Sight(moment(scene.at[row]), bool(inside[row]), bool(widened[row]), good), row))
    return looks


def _on_the_way(
    fence: Fence, scene: Scene, row: int, stretches: Sequence[tuple[float, float]], qualifies: bool
) -> Iterator[Look]:
    """What would have been seen between two fixes: the entering, the last moment inside, and the leaving."""
    for entry, leave in stretches:
        entered = scene.moment_between(row, entry)
        if not fence.in_force(entered):
            continue
        yield Look(Sight(entered, core=True, halo=True, qualifies=qualifies), row, entry)
        if leave == leave:
            left = scene.moment_between(row, leave)
            yield Look(Sight(left, core=False, halo=True, qualifies=qualifies), row, leave)
            yield Look(Sight(left, core=False, halo=False, qualifies=qualifies), row, leave)


def _mask(rows: NDArray[np.intp] | None, length: int) -> NDArray[np.bool_]:
    mask = np.zeros(length, dtype=bool)
    if rows is not None:
        mask[rows] = True
    return mask


def _valid(fence: Fence | None, at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """At which moments the fence is in force."""
    if fence is None or (fence.valid_from is None and fence.valid_to is None):
        return np.full(len(at), fence is not None)
    return np.array([fence.in_force(moment(each)) for each in at.tolist()], dtype=bool)


def load(connection: sa.Connection, rules: Sequence[Rule], scene: Scene) -> dict[int, dict[int, Presence]]:
    """What the rules remember of the scene's objects, by rule and by the object's place, locked."""
    column = table.presence.c
    own = column.rule_id.in_([rule.id for rule in rules])
    # Few are near a fence and many are in a batch: who is remembered is asked first, and then met here. Nobody else
    # can begin to remember one of them meanwhile, since its state is locked.
    keys = list(connection.scalars(sa.select(column.object_key).where(own).distinct()))
    places = {key: place for key, place in zip(keys, scene.places_of(keys).tolist(), strict=True) if place >= 0}
    memory: dict[int, dict[int, Presence]] = {}
    if not places:
        return memory
    # Locked, so that the clock cannot raise in between what is then forgotten here without a word.
    query = (
        sa.select(table.presence)
        .where(own, column.object_key == sa.func.any(list(places)))
        .order_by(column.rule_id, column.object_key)
        .with_for_update()
    )
    for row in connection.execute(query).mappings():
        presence = Presence(row["entered_at"], row["qualified_at"], row["raised"])
        memory.setdefault(row["rule_id"], {})[places[row["object_key"]]] = presence
    return memory


def remember(connection: sa.Connection, rule: Rule, object_key: str, presence: Presence | None) -> None:
    """Keep what a rule knows of an object, or forget it."""
    column = table.presence.c
    if presence is None:
        gone = sa.delete(table.presence).where(column.rule_id == rule.id, column.object_key == object_key)
        connection.execute(gone)
        return
    row = {
        "rule_id": rule.id,
        "object_key": object_key,
        "entered_at": presence.entered_at,
        "qualified_at": presence.qualified_at,
        "raised": presence.raised,
    }
    statement = insert(table.presence).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["rule_id", "object_key"], set_=row))


def subject_of(rule: Rule, scene: Scene, place: int, verdict: Raise, look: Look) -> dict[str, Any]:
    """What an alarm says of its object, as geo.alarm.raise_alarm takes it."""
    state: Any = scene.after.iloc[place]
    own = np.flatnonzero((scene.place == place) & (scene.placed | (rule.fence_key is None)))
    until = own[scene.at[own] <= scene.stamp(verdict.at)]
    fix: dict[Hashable, Any] = scene.records.iloc[until[-1] if len(until) else own[0]].to_dict()
    # A distress transmitter is heard before it knows where it is; then its last known place, if any, must do.
    where = fix if pd.notna(fix["lon"]) else state
    lon, lat = (float(where[name]) if pd.notna(where[name]) else None for name in ("lon", "lat"))
    observed_at, facts = fix["observed_at"].to_pydatetime(), evidence(state, fix)
    if look.share is not None:
        (lon, lat), observed_at = scene.place_between(look.row, verdict.at), verdict.at
        facts |= {"interpolated": True}
    name = state[scene.label]
    object_key = scene.key_of(place)
    return {
        "object_key": object_key,
        "object_label": name if pd.notna(name) and name else object_key,
        "lon": lon,
        "lat": lat,
        "observed_at": observed_at,
        "simulated": bool(state["simulated"]),
        "evidence": facts,
    }


def evidence(state: Mapping[Any, Any], fix: Mapping[Any, Any]) -> dict[str, Any]:
    """What was known when the alarm was raised: plain values that JSON can hold."""
    facts = {name: fix[name] for name in ("speed", "course", "status") if name in fix}
    facts |= {name: state[name] for name in STATE_FACTS if name in state}
    return {name: value for name, value in facts.items() if value is not None and value == value}
