"""Fences and rules over one batch: every record in time order per object, verdicts to alarms in one transaction."""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import insert

from geo import latest, table
from geo.alarm import clear_alarm, raise_alarm, refute_alarm, resume_alarm, step_alarm
from geo.calendar import beginnings
from geo.criteria import columns_of, matches
from geo.episode import FRESH, Clear, Presence, Raise, Sight, Verdict, judge, judge_end, judge_silence, judge_time
from geo.fence import Fence, Fences
from geo.rule import EVENTS, FENCED_STATES, HORIZON_S, Rule
from geo.table import Shape
from ingest.meeting import margin_degrees
from ingest.pair import looks_of_pairs
from ingest.scene import LONG_WAY_S, Look, Memory, Scene, Target, moment
from ingest.view import View, view_of

STATE_FACTS = (
    "length_m",
    "ship_type",
    "safety_text",
    "registration",
)  # what an alarm's evidence tells of the object itself
# What it tells of the fix or observation.
FIX_FACTS = (
    "speed", "course", "status",
    "water_m", "stage", "nearest_level", "above_m", "rise_m_h", "rain_1h_mm", "rain_24h_mm", "aqi", "aqi_of",
)  # fmt: skip
OnFault = Callable[[str, Exception], None]
# Kinds whose tracks are judged again when fixes come late (ingest.revision): what one object's own track tells.
REVISED = ("inside", "outside", "threshold", "approach", "wrong_zone", "silence", *EVENTS)
RESUMED = "chưa hết: {at:%Y-%m-%dT%H:%M:%SZ} lại vi phạm, vị trí này đến sau"
REFUTED = "đã hết từ {at:%Y-%m-%dT%H:%M:%SZ}, trước lúc báo động: vị trí này đến sau"


@dataclass(frozen=True)
class Step:
    """What a rule made of an object's looks: what it remembers, and each verdict with the look that led to it.

    last: its last look, None when it had none. missed: whether the clock would have raised something between two of
    the looks, had it come in between.
    """

    target: Target
    presence: Presence | None
    verdicts: tuple[tuple[Verdict, Look], ...]
    last: Look | None = None
    missed: bool = False


def judge_batch(
    connection: sa.Connection,
    shape: Shape,
    rules: Sequence[Rule],
    fences: Fences,
    label: str,
    records: pd.DataFrame,
    before: pd.DataFrame,
    after: pd.DataFrame,
    now: datetime,
    on_fault: OnFault,
    behind: Collection[Any] = (),
) -> dict[int, set[str]]:
    """Judge every rule over the batch's records; returns, by rule, the objects whose tracks are to be judged again.

    records: rows with lon, lat (NaN = no position), observed_at, sorted by time and not older than the state they
    meet; before, after: known and merged state by key, the latter with every key of the records. Fence rules see what
    has a position, and the ways between; distress rules see everything. A rule that throws is reported through
    on_fault and stops neither the batch nor the other rules.

    That is an object of which the clock has told, by what was known then, something later than these records, or had
    something to tell between them and was not asked: under that rule nothing is done here (ingest.revision does). Of
    a rule of two objects it is also those who are `behind` (ingest.meeting).
    """
    passed = {rule.id: {str(key) for key in behind} for rule in rules if rule.kind == "proximity"}
    if records.empty or not rules:
        return passed
    scene = Scene.of(rules, fences, shape, label, records, before, after)
    if any(rule.kind == "proximity" for rule in rules):
        scene = scene.beside(_neighbours(connection, shape, rules, scene))
    memory = load(connection, rules, scene)
    found = _steps(rules, scene, memory, on_fault)
    passed |= _overtaken(connection, shape, scene, found)
    here = set(records[shape.key].astype(str))
    for rule, steps in found:
        left = passed.setdefault(rule.id, set())
        # Of a pair it is the one of this batch: the other's own records were judged when they came.
        left.update(key for step in steps if step.missed for key in step.target if key in here)
        own = [step for step in steps if left.isdisjoint(step.target)]
        _keep(connection, rule, scene, own, memory.get(rule.id, {}), now, heard=True)
    return passed


def judge_scene(
    connection: sa.Connection, rules: Sequence[Rule], scene: Scene, now: datetime, on_fault: OnFault
) -> int:
    """Judge rules by what was known before they were made, with what they remember; how many alarms changed."""
    memory = load(connection, rules, scene)
    found = _steps(rules, scene, memory, on_fault)
    return sum(
        _keep(connection, rule, scene, steps, memory.get(rule.id, {}), now, heard=False) for rule, steps in found
    )


def _steps(
    rules: Sequence[Rule], scene: Scene, memory: Mapping[int, Memory], on_fault: OnFault
) -> list[tuple[Rule, list[Step]]]:
    found = []
    for rule in rules:
        try:
            # In an order that all share: of two workers who meet at the same pairs none then waits in a ring.
            steps = sorted(judge_rule(rule, scene, memory.get(rule.id, {})), key=lambda step: step.target)
        except Exception as error:  # a rule's own fault is a fact about the feed's health, never the batch's end
            on_fault(f"rule {rule.key}", error)
            continue
        if steps:
            found.append((rule, steps))
    return found


def _overtaken(
    connection: sa.Connection, shape: Shape, scene: Scene, found: Sequence[tuple[Rule, Sequence[Step]]]
) -> dict[int, set[str]]:
    """By rule, the objects with an alarm whose beginning or end is later than their first record of this scene.

    Records themselves never tell of anything later than they are, so it was the clock that did.
    """
    own = {rule.id: {step.target[0] for step in steps} for rule, steps in found if rule.kind in REVISED}
    keys = sorted(set().union(*own.values()))
    if not keys or shape.history is None:
        return {}
    first: dict[str, int] = {}
    for place, at in zip(scene.place.tolist(), scene.at.tolist(), strict=True):
        first.setdefault(scene.key_of(place), at)
    column, since = table.alarm.c, moment(scene.at.min())
    query = sa.select(column.rule_id, column.object_key, column.raised_at, column.cleared_at).where(
        column.layer == shape.name,
        column.object_key == sa.func.any(keys),
        column.rule_id == sa.func.any(sorted(own)),
        column.withdrawn_at.is_(None),
        sa.or_(column.raised_at > since, column.cleared_at > since),
    )
    passed: dict[int, set[str]] = {}
    for row in connection.execute(query):
        told = row.raised_at if row.cleared_at is None else max(row.raised_at, row.cleared_at)
        if row.object_key in own[row.rule_id] and told > moment(first[row.object_key]):
            passed.setdefault(row.rule_id, set()).add(row.object_key)
    return passed


def _keep(
    connection: sa.Connection,
    rule: Rule,
    scene: Scene,
    steps: Sequence[Step],
    known: Memory,
    now: datetime,
    heard: bool,
) -> int:
    """Remember what a rule made of its objects, and make the alarms of it; how many changed.

    heard: the records are news, and not what was known before and is looked at by other rules now.
    """
    changed = 0
    for step in steps:
        if step.presence != known.get(step.target):
            remember(connection, rule, step.target, step.presence)
        for verdict, look in step.verdicts:
            changed += apply(connection, rule, scene, step.target, verdict, look, now, heard)
    return changed


def apply(
    connection: sa.Connection,
    rule: Rule,
    scene: Scene,
    target: Target,
    verdict: Verdict,
    look: Look,
    now: datetime,
    heard: bool,
) -> bool:
    """Make of one verdict what it means for the alarms; whether that changed any."""
    key = target[0]
    if isinstance(verdict, Clear):
        return end_alarm(connection, rule, target, verdict, now, heard)
    if isinstance(verdict, Raise):
        # The clock told its end by what was known then: this was on its way already, so that it was not over.
        if heard and rule.off_delay_s and not rule.is_event:
            comment = RESUMED.format(at=verdict.at)
            if resume_alarm(connection, rule, target, verdict.at, verdict.value, comment, now):
                return True
        subject = subject_of(rule, scene, target, verdict, look)
        raised = raise_alarm(
            connection, rule, scene.fence_id(rule), subject, verdict.at, now, verdict.until, verdict.value
        )
        return raised is not None
    return verdict is not None and step_alarm(connection, rule, key, verdict.at, verdict.value, now) is not None


def end_alarm(
    connection: sa.Connection, rule: Rule, target: Target, verdict: Clear, now: datetime, heard: bool = True
) -> bool:
    """Clear what is open of a rule and object, or take it back where it was over before it was raised."""
    key, other = target
    if heard and verdict.since is not None:
        # The clock raised it by what was known then: this was on its way already, and it was never broken so long.
        comment = REFUTED.format(at=verdict.since)
        if refute_alarm(connection, rule, key, other, verdict.since, comment, now) is not None:
            return True
    return clear_alarm(connection, rule, key, verdict.at, now, other) is not None


def judge_rule(
    rule: Rule,
    scene: Scene | None,
    memory: Memory,
    until: datetime | None = None,
    held: Mapping[Target, Look] | None = None,
    fence: Fence | None = None,
) -> Iterator[Step]:
    """One rule over the scene: a step for each object that it concerns, begun with what is remembered of it.

    until: for a track of the past, the time up to which the clock had its say between fixes and after the last. held:
    of a track that is judged piece by piece, each object's last look in the pieces before; then also what has no look
    in this one gets a step, and where `scene` is None nothing has. fence: the rule's, where there is no scene.
    """
    found = looks_of(rule, scene, memory, past=until is not None) if scene else {}
    fence = scene.fences.by_key.get(rule.fence_key or "") if scene else fence
    for target in dict.fromkeys((*(held or ()), *found)):
        presence, last, missed = memory.get(target), (held or {}).get(target), False
        verdicts: list[tuple[Verdict, Look]] = []
        looks = found.get(target, ())
        for look in looks:
            if last is not None and until is not None:
                presence, verdict = _clock(rule, fence, presence, last, look.sight.observed_at)
                verdicts += [(verdict, last)] if verdict else []
            presence, over = judge_end(rule, presence, look.sight.observed_at)
            verdicts += [(over, look)] if over else []
            due = _due(rule, scene, presence, last, look) if until is None else False
            presence, verdict = judge(rule, presence, look.sight)
            missed |= due and not isinstance(verdict, Raise)
            verdicts += [(verdict, _origin(verdict, looks, look))] if verdict else []
            last = look
        if last is not None and until is not None:
            presence, verdict = _clock(rule, fence, presence, last, until)
            verdicts += [(verdict, last)] if verdict else []
        yield Step(target, presence, tuple(verdicts), last, missed)


def _due(rule: Rule, scene: Scene | None, presence: Presence | None, last: Look | None, look: Look) -> bool:
    """Whether the clock would have raised a dwell before this look, as _clock has it, with the position before it."""
    if rule.kind not in FENCED_STATES or presence is None or presence.raised or presence.qualified_at is None:
        return False
    if last is not None:
        seen_at = last.known_at or last.sight.observed_at
    else:
        began = int(scene.from_at[look.row]) if scene is not None else 0
        if began <= 0:  # nothing is known of it before
            return False
        seen_at = moment(began)
    due = presence.qualified_at + timedelta(seconds=rule.dwell_s)
    return due < look.sight.observed_at and due <= seen_at + FRESH


def _origin(verdict: Verdict, looks: Sequence[Look], look: Look) -> Look:
    """The look at what a verdict tells of: a crossing is told when its object is clear of the line, and was before."""
    if not isinstance(verdict, Raise) or verdict.at == look.sight.observed_at:
        return look
    return next((one for one in looks if one.share is not None and one.sight.observed_at == verdict.at), look)


def _clock(
    rule: Rule, fence: Fence | None, presence: Presence | None, look: Look, end: datetime
) -> tuple[Presence | None, Verdict]:
    """What the clock made of the time between a look and the next one, or the end (run.clock, ingest.silence)."""
    if rule.kind == "silence":
        return (None, None) if presence is None and not look.sight.core else _silent(rule, fence, presence, look, end)
    if presence is None:
        return None, None
    if presence.raised:
        return judge_time(rule, presence, end)
    fresh = min((look.known_at or look.sight.observed_at) + FRESH, end)
    after, verdict = judge_time(rule, presence, fresh)
    if isinstance(verdict, Raise) and holds_since(rule, fence, verdict.at, fresh) is None:
        return presence, None
    return after, verdict


def _silent(
    rule: Rule, fence: Fence | None, presence: Presence | None, look: Look, end: datetime
) -> tuple[Presence | None, Verdict]:
    seen_at = look.known_at or look.sight.observed_at
    due = seen_at + timedelta(seconds=float(rule.params["silence_s"]))
    horizon = due + timedelta(seconds=float(rule.params.get("horizon_s", HORIZON_S)))
    if presence is not None or due > end:
        return presence, None
    told = holds_since(rule, fence, due, min(end, horizon - timedelta(microseconds=1)))
    return judge_silence(rule, seen_at, end) if told is not None else (None, None)


def holds_since(rule: Rule, fence: Fence | None, start: datetime, end: datetime) -> datetime | None:
    """The first moment of [start, end] at which the rule's schedule and its fence hold."""
    if start > end:
        return None
    if not rule.schedule and (fence is None or fence.always):
        return start
    moments = [start, *beginnings(rule.schedule, start, end)]
    if fence is not None and fence.valid_from is not None and start < fence.valid_from <= end:
        moments.append(fence.valid_from)
    holds = (at for at in sorted(moments) if rule.in_hours(at) and (fence is None or fence.in_force(at)))
    return next(holds, None)


def looks_of(rule: Rule, scene: Scene, memory: Memory, past: bool = False) -> dict[Target, list[Look]]:
    """What the rule sees of each object, or pair, that is near or remembered, in time order.

    past: also those that are not, for a rule to which it matters when they were last seen; and of many looks that say
    the same only the first and the last.
    """
    if rule.kind == "proximity":
        return looks_of_pairs(rule, scene, memory, past)
    view = view_of(rule, scene, bool(memory), past)
    if view is None:
        return {}
    touched = np.zeros(len(scene.after), dtype=bool)
    touched[scene.place[view.near]] = True
    touched[scene.place[list(view.over)]] = True
    if touched.any():
        touched &= matches(scene.after, rule.applies_to)
    remembered = scene.places_of([key for key, _ in memory])
    touched[remembered[remembered >= 0]] = True
    if not touched.any():
        return {}
    rows = np.flatnonzero(view.seen & touched[scene.place])
    qualifies = np.ones(len(rows), dtype=bool)
    if rule.qualifies:
        keys = scene.keys_of(rows) if {"include", "exclude"} & rule.qualifies.keys() else ()
        qualifies = matches(scene.records.iloc[rows], rule.qualifies, keys)
    if view.works is not None:
        qualifies = qualifies & view.works[rows]
    heard = np.ones(len(rows), dtype=bool) if view.told is None else view.told[rows]
    through = rows
    if past:
        first, last = _runs(rule, view, rows, qualifies & heard)
        # A silence counts from the last of a run; a dwell needs the last of it as proof.
        kept = first if rule.kind == "silence" else np.union1d(first, last)
        through = rows[last] if rule.kind == "silence" else rows[kept]
        rows, qualifies, heard = rows[kept], qualifies[kept], heard[kept]
    looks: dict[Target, list[Look]] = {}
    names: dict[int, Target] = {}
    columns = (scene.place, scene.at, view.core, view.halo, np.isnan(scene.from_lon))
    for row, end, good, told, place, at, core, halo, new in zip(
        rows.tolist(),
        through.tolist(),
        qualifies.tolist(),
        heard.tolist(),
        *(column[rows].tolist() for column in columns),
        strict=True,
    ):
        target = names.get(place) or names.setdefault(place, (scene.key_of(place), ""))
        own = looks.setdefault(target, [])
        if row in view.over:
            own += view.on_the_way(row, good)
        value = None if view.value is None else float(view.value[row])
        sight = Sight(moment(at), core, halo, good and told, value, first=new and not own)
        own.append(
            Look(sight, row, facts=view.facts.get(row, {}), known_at=moment(scene.at[end]) if end != row else None)
        )
    return looks


def _runs(
    rule: Rule, view: View, rows: NDArray[np.intp], qualifies: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of each run of an object's looks that say the same, the first and the last, as numbers into `rows`.

    All between them change nothing: a step of any rule (geo.episode) is made once by equal looks.
    """
    scene = view.scene
    order = np.argsort(scene.place[rows], kind="stable")
    own = rows[order]
    same = np.diff(scene.place[own]) == 0
    for values in (qualifies[order], *(mark[own] for mark in view.marks())):
        same &= values[1:] == values[:-1]
    if rule.kind == "silence":
        same &= np.diff(scene.at[own]) < float(rule.params["silence_s"]) * 1e6
    crossed = np.isin(own, list(view.over))
    same &= ~(crossed[1:] | crossed[:-1])
    first, last = np.flatnonzero(np.r_[True, ~same]), np.flatnonzero(np.r_[~same, True])
    # In the order of time, which the first of a run and the last of it may not share with those of other objects.
    by_time = np.argsort(order[first], kind="stable")
    return order[first][by_time], order[last][by_time]


def _neighbours(connection: sa.Connection, shape: Shape, rules: Sequence[Rule], scene: Scene) -> pd.DataFrame | None:
    """The last positions of what is near the scene and not in it, for rules of two objects."""
    rows = np.flatnonzero(scene.placed)
    if not len(rows):
        return None
    own = [rule for rule in rules if rule.kind == "proximity"]
    margin = margin_degrees(own)
    lon, lat = (scene.records[name].to_numpy(dtype=float)[rows] for name in ("lon", "lat"))
    box = (lon.min() - margin, lat.min() - margin, lon.max() + margin, lat.max() + margin)
    names = {scene.label, *(name for rule in own for name in columns_of(rule.applies_to))} & set(shape.latest.c.keys())
    found = latest.within(connection, shape, box, moment(scene.at.min()) - FRESH, sorted(names))
    return found[~found.index.isin([str(key) for key in scene.after.index])]


def load(connection: sa.Connection, rules: Sequence[Rule], scene: Scene) -> dict[int, dict[Target, Presence]]:
    """What the rules remember of the scene's objects, by rule and by the object, locked."""
    column = table.presence.c
    # A rule about a source remembers sources, which are none of the layer's objects.
    own = column.rule_id.in_([rule.id for rule in rules if rule.kind != "feed"])
    # Few are near a fence and many are in a batch: who is remembered is asked first, and then met here. Nobody else
    # can begin to remember one of them meanwhile, since its state is locked.
    pairs = connection.execute(sa.select(column.object_key, column.other_key).where(own).distinct()).all()
    names = sorted({key for pair in pairs for key in pair if key})
    here = {key for key, place in zip(names, scene.places_of(names).tolist(), strict=True) if place >= 0}
    memory: dict[int, dict[Target, Presence]] = {}
    if not here:
        return memory
    keys = sorted(here)
    # Locked, so that the clock cannot raise in between what is then forgotten here without a word.
    query = (
        sa.select(table.presence)
        .where(own, sa.or_(column.object_key == sa.func.any(keys), column.other_key == sa.func.any(keys)))
        .order_by(column.rule_id, column.object_key, column.other_key)
        .with_for_update()
    )
    for row in connection.execute(query).mappings():
        memory.setdefault(row["rule_id"], {})[row["object_key"], row["other_key"]] = presence_of(row)
    return memory


def presence_of(row: Mapping[Any, Any]) -> Presence:
    """A row of what is remembered as the rules have it."""
    return Presence(row["entered_at"], row["qualified_at"], row["raised"], row["left_at"], row["value"])


def remember(connection: sa.Connection, rule: Rule, target: Target, presence: Presence | None) -> None:
    """Keep what a rule knows of an object, or forget it."""
    column = table.presence.c
    own = {"rule_id": rule.id, "object_key": target[0], "other_key": target[1]}
    if presence is None:
        gone = sa.delete(table.presence).where(*[column[name] == value for name, value in own.items()])
        connection.execute(gone)
        return
    row = {
        **own,
        "entered_at": presence.entered_at,
        "qualified_at": presence.qualified_at,
        "left_at": presence.left_at,
        "value": presence.value,
        "raised": presence.raised,
    }
    statement = insert(table.presence).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=list(own), set_=row))


def subject_of(rule: Rule, scene: Scene, target: Target, verdict: Raise, look: Look) -> dict[str, Any]:
    """What an alarm says of its object, as geo.alarm.raise_alarm takes it."""
    place = int(scene.place[look.row])
    state: Any = scene.after.iloc[place]
    own = np.flatnonzero((scene.place == place) & (scene.placed | (rule.fence_key is None)))
    until = own[scene.at[own] <= scene.stamp(verdict.at)]
    fix: dict[Hashable, Any] = scene.records.iloc[until[-1] if len(until) else own[0]].to_dict()
    # A distress transmitter is heard before it knows where it is; then its last known place, if any, must do.
    where = fix if pd.notna(fix["lon"]) else state
    lon, lat = (float(where[name]) if pd.notna(where[name]) else None for name in ("lon", "lat"))
    observed_at, facts = fix["observed_at"].to_pydatetime(), {**evidence(state, fix), **look.facts}
    if look.share is not None:
        (lon, lat), observed_at = scene.place_between(look.row, verdict.at), verdict.at
        way_s = scene.seconds_of_way(look.row)
        facts |= {"interpolated": True} | ({"way_s": round(way_s)} if way_s > LONG_WAY_S else {})
    if rule.kind == "threshold":
        name = str(rule.params["column"])
        known = fix.get(name, state.get(name))
        facts |= {name: float(known)} if known is not None and pd.notna(known) else {}
    name = state[scene.label]
    own_label = str(name) if pd.notna(name) and name else scene.key_of(place)
    return {
        "object_key": target[0],
        "other_key": target[1],
        "object_label": look.label or own_label,
        "lon": lon,
        "lat": lat,
        "observed_at": observed_at,
        "simulated": bool(state["simulated"]),
        "evidence": facts,
    }


def evidence(state: Mapping[Any, Any], fix: Mapping[Any, Any]) -> dict[str, Any]:
    """What was known when the alarm was raised: plain values that JSON can hold."""
    facts = {name: fix[name] for name in FIX_FACTS if name in fix}
    facts |= {name: state[name] for name in STATE_FACTS if name in state}
    return {name: value for name, value in facts.items() if value is not None and value == value}
