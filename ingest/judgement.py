"""Fences and rules over one batch: every record in time order per object, verdicts to alarms in one transaction."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo import table
from geo.alarm import clear_alarm, raise_alarm
from geo.criteria import matches
from geo.fence import Fence, Fences, Hits
from geo.rule import Clear, Presence, Raise, Rule, Sight, judge, judge_distress

OnFault = Callable[[str, Exception], None]


@dataclass(frozen=True)
class Scene:
    """What a batch's rules need: the records in time order (of which object, when, with a position or not), the
    after-state by key, and the fences.

    core and halo: the indices of the records inside each fence, and inside it widened.
    """

    records: pd.DataFrame
    objects: np.ndarray[Any, Any]
    moments: Sequence[datetime]
    placed: np.ndarray[Any, Any]
    after: pd.DataFrame
    label: str
    fences: Fences
    core: Hits
    halo: Hits


def judge_batch(
    connection: sa.Connection,
    rules: Sequence[Rule],
    fences: Fences,
    key: str,
    label: str,
    records: pd.DataFrame,
    after: pd.DataFrame,
    now: datetime,
    on_fault: OnFault,
) -> int:
    """Judge every rule over the batch's records; returns how many alarms changed.

    records: rows with lon, lat (NaN = no position), observed_at, sorted by time and not older than the state they
    meet; after: merged state by key. Fence rules see what has a position, distress rules see everything. A rule that
    throws is reported through on_fault and stops neither the batch nor the other rules.
    """
    if records.empty or not rules:
        return 0
    records = records.reset_index(drop=True)
    placed = records["lon"].notna().to_numpy()
    rows = np.flatnonzero(placed)
    hits = fences.hits(records["lon"].to_numpy()[rows], records["lat"].to_numpy()[rows])
    core, halo = ({name: rows[inside] for name, inside in each.items()} for each in hits)
    moments = list(records["observed_at"].dt.to_pydatetime())
    scene = Scene(records, records[key].astype(str).to_numpy(), moments, placed, after, label, fences, core, halo)
    memory = _load(connection, rules, [str(value) for value in after.index])
    changed = 0
    for rule in rules:
        try:
            steps = _judge_rule(rule, scene, memory.get(rule.id, {}))
        except Exception as error:  # a rule's own fault is a fact about the feed's health, never the batch's end
            on_fault(f"rule {rule.key}", error)
            continue
        fence = fences.by_key.get(rule.fence_key or "")
        for object_key, presence, verdicts in steps:
            if presence != memory.get(rule.id, {}).get(object_key):
                remember(connection, rule, object_key, presence)
            for verdict in verdicts:
                changed += _apply(connection, rule, fence.id if fence else None, verdict, object_key, scene, now)
    return changed


def _judge_rule(
    rule: Rule, scene: Scene, memory: Mapping[str, Presence]
) -> list[tuple[str, Presence | None, list[Raise | Clear]]]:
    records = scene.records
    if rule.kind in ("distress", "distress_test"):
        inside = widened = matches(records, {**rule.applies_to, **rule.qualifies})
        seen, step = np.ones(len(records), dtype=bool), judge_distress
    else:
        valid = _valid(scene.fences.by_key.get(rule.fence_key or ""), scene.moments)
        inside, widened = (
            valid & _mask(hits.get(rule.fence_key or ""), len(records)) for hits in (scene.core, scene.halo)
        )
        # While its fence is not in force nothing is outside of it either.
        seen, step = scene.placed & (valid | (rule.kind != "outside")), judge
    objects, moments = scene.objects, scene.moments
    touched = set(objects[inside | widened]) | set(memory)
    if not touched:
        return []
    applies = scene.after.index[matches(scene.after, rule.applies_to)].astype(str)
    touched &= set(applies) | set(memory)
    qualifies = matches(records, rule.qualifies)
    rows: list[int] = np.flatnonzero(seen & np.isin(objects, list(touched))).tolist()
    steps: dict[str, tuple[Presence | None, list[Raise | Clear]]] = {}
    for row in rows:
        name = objects[row]
        presence, verdicts = steps.get(name) or (memory.get(name), [])
        presence, verdict = step(
            rule, presence, Sight(moments[row], bool(inside[row]), bool(widened[row]), bool(qualifies[row]))
        )
        steps[name] = (presence, [*verdicts, verdict] if verdict else verdicts)
    return [
        (name, presence, verdicts)
        for name, (presence, verdicts) in steps.items()
        if presence != memory.get(name) or verdicts
    ]


def _mask(points: np.ndarray[Any, Any] | None, length: int) -> np.ndarray[Any, Any]:
    mask = np.zeros(length, dtype=bool)
    if points is not None:
        mask[points] = True
    return mask


def _valid(fence: Fence | None, moments: Sequence[datetime]) -> np.ndarray[Any, Any]:
    """At which moments the fence is in force."""
    if fence is None or (fence.valid_from is None and fence.valid_to is None):
        return np.full(len(moments), fence is not None)
    return np.array([fence.in_force(moment) for moment in moments], dtype=bool)


def _load(connection: sa.Connection, rules: Sequence[Rule], keys: list[str]) -> dict[int, dict[str, Presence]]:
    column = table.presence.c
    # Locked, so that the clock cannot raise in between what is then forgotten here without a word.
    query = (
        sa.select(table.presence)
        .where(column.rule_id.in_([rule.id for rule in rules]), column.object_key == sa.func.any(keys))
        .order_by(column.rule_id, column.object_key)
        .with_for_update()
    )
    memory: dict[int, dict[str, Presence]] = {}
    for row in connection.execute(query).mappings():
        presence = Presence(row["entered_at"], row["qualified_at"], row["raised"])
        memory.setdefault(row["rule_id"], {})[row["object_key"]] = presence
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


def _typed(after: pd.DataFrame, object_key: str) -> Any:
    return int(object_key) if after.index.dtype.kind == "i" else object_key


def _apply(
    connection: sa.Connection,
    rule: Rule,
    fence_id: int | None,
    verdict: Raise | Clear,
    object_key: str,
    scene: Scene,
    now: datetime,
) -> int:
    if isinstance(verdict, Clear):
        return clear_alarm(connection, rule, object_key, verdict.at, now) is not None
    state: Any = scene.after.loc[_typed(scene.after, object_key)]
    own = scene.records[scene.objects == object_key]
    if rule.fence_key is not None:
        own = own[own["lon"].notna()]
    until = own[own["observed_at"] <= verdict.at]
    fix: dict[Hashable, Any] = (until.tail(1) if len(until) else own.head(1)).to_dict("records")[0]
    # A distress transmitter is heard before it knows where it is; then its last known place, if any, must do.
    place = fix if pd.notna(fix["lon"]) else state
    lon, lat = (float(place[name]) if pd.notna(place[name]) else None for name in ("lon", "lat"))
    name = state[scene.label]
    subject = {
        "object_key": object_key,
        "object_label": name if pd.notna(name) and name else object_key,
        "lon": lon,
        "lat": lat,
        "observed_at": fix["observed_at"].to_pydatetime(),
        "simulated": bool(state["simulated"]),
        "evidence": evidence(state, fix),
    }
    return raise_alarm(connection, rule, fence_id, subject, verdict.at, now) is not None


def evidence(state: Mapping[Any, Any], fix: Mapping[Any, Any]) -> dict[str, Any]:
    """What was known when the alarm was raised: plain values that JSON can hold."""
    facts = {name: fix[name] for name in ("speed", "course", "status") if name in fix}
    facts |= {name: state[name] for name in ("length_m", "ship_type", "safety_text") if name in state}
    return {name: value for name, value in facts.items() if value is not None and value == value}
