"""Late fixes: the tracks they belong to are judged again, and the alarms become what is known now."""

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from geo import table
from geo.actor import SYSTEM
from geo.alarm import clear_alarm, raise_alarm, revise_alarm, withdraw_alarm
from geo.anomaly import ASIDE, counted
from geo.column import STAMP
from geo.episode import Raise, step_severity
from geo.episode import Step as Nearer
from geo.fence import Fences
from geo.line import NM_PER_DEGREE, distance_nm
from geo.rule import LAWFUL, Rule
from geo.table import Shape
from ingest.judgement import REVISED, OnFault, Step, judge_rule, remember, subject_of
from ingest.meeting import look_back, meeting_rules, partners, state_of
from ingest.scene import EPOCH, LONG_WAY_S, THROUGH, WAY_MAX_S, Look, Scene, Target, as_seen

# A track is judged again from the fix before this long before its first late fix on; what happened earlier is the
# same either way.
LOOK_BACK, LOOK_BACK_MOST = timedelta(hours=24), timedelta(days=14)
NEAR_DEGREES = 0.1  # a fix this near to an edge may, with the fix before or after it, make a way across it


Span = tuple[datetime, datetime | None]  # from when to when, None for an open end


@dataclass(frozen=True)
class Episode:
    """One time for which a rule was broken; cleared_at is None while it still is."""

    raised_at: datetime
    cleared_at: datetime | None
    value: float | None
    verdict: Raise = field(compare=False)
    look: Look = field(compare=False)

    @property
    def span(self) -> "Span":
        """From when to when."""
        return self.raised_at, self.cleared_at


def revise(
    connection: sa.Connection,
    shape: Shape,
    rules: Sequence[Rule],
    fences: Fences,
    label: str,
    late: pd.DataFrame,
    after: pd.DataFrame,
    now: datetime,
    on_fault: OnFault,
) -> int:
    """Judge the tracks of late fixes again; returns how many alarms changed.

    late: records older than the state they met, those with a position in the history already; after: state by key.
    Each track is judged with the late fixes and without them, so that only what they change is changed: an alarm that
    they refute is withdrawn, an episode that they prove is raised, one that they end is cleared.
    """
    own = [rule for rule in rules if rule.kind in REVISED and (not rule.fence_key or rule.fence_key in fences.by_key)]
    late = late[late["lon"].notna()]
    if late.empty or not own or shape.history is None:
        return 0
    keys = _concerned(connection, shape, own, fences, late, after)
    late = late[late[shape.key].isin(keys)]
    if late.empty:
        return 0
    track = _track(connection, shape, keys, late["observed_at"].min().to_pydatetime() - LOOK_BACK)
    scenes = _scenes(own, fences, shape, label, track, late, after)
    return _judge_again(connection, shape, own, scenes, late, {str(key) for key in keys}, now, on_fault)


def revise_meetings(
    connection: sa.Connection,
    shape: Shape,
    rules: Sequence[Rule],
    fences: Fences,
    label: str,
    records: pd.DataFrame,
    keys: Collection[Any],
    after: pd.DataFrame,
    now: datetime,
    on_fault: OnFault,
) -> int:
    """Judge the meetings of the keys again, whose records came behind others' (ingest.meeting.behind); as `revise`.

    records: the batch, none of which has been judged for a meeting of one of the keys yet.
    """
    own = [rule for rule in meeting_rules(rules) if not rule.fence_key or rule.fence_key in fences.by_key]
    records = records[records["lon"].notna()]
    late = records[records[shape.key].isin(keys)]
    if late.empty or not own:
        return 0
    first = late["observed_at"].min().to_pydatetime()
    track = _track(connection, shape, keys, first)
    everybody = {*keys, *partners(connection, shape, own, track, _among(shape, track, late), keys, now)}
    # From well before the last that was known of each: a meeting goes on when nobody is heard.
    seen = _track(connection, shape, everybody, first)["observed_at"]
    begin = seen[seen >= first - LOOK_BACK].min().to_pydatetime() - look_back(own)
    track = _track(connection, shape, everybody, begin)
    # Without where they are by now: what counts is where each was by its own track.
    state = state_of(connection, shape, own, label, everybody, after).assign(lon=np.nan, lat=np.nan)
    scenes = _scenes(own, fences, shape, label, track, records, state)
    return _judge_again(connection, shape, own, scenes, late, {str(key) for key in keys}, now, on_fault)


def _scenes(
    rules: Sequence[Rule],
    fences: Fences,
    shape: Shape,
    label: str,
    track: pd.DataFrame,
    late: pd.DataFrame,
    after: pd.DataFrame,
) -> tuple[Scene, Scene]:
    """The track as it is known now, and as it was without the late records."""
    before = track[~_among(shape, track, late)]
    new, old = (Scene.of(rules, fences, shape, label, fixes, after.iloc[:0], after) for fixes in (track, before))
    return new, old


def _among(shape: Shape, track: pd.DataFrame, late: pd.DataFrame) -> NDArray[np.bool_]:
    mark = [shape.key, "observed_at", "received_at"]
    found: NDArray[np.bool_] = pd.MultiIndex.from_frame(track[mark]).isin(pd.MultiIndex.from_frame(late[mark]))
    return found


def _judge_again(
    connection: sa.Connection,
    shape: Shape,
    rules: Sequence[Rule],
    scenes: tuple[Scene, Scene],
    late: pd.DataFrame,
    keys: Set[str],
    now: datetime,
    on_fault: OnFault,
) -> int:
    """What the two scenes differ in, for those keys; late: at least one record of each."""
    new, old = scenes
    names, changed = late[shape.key].astype(str), 0
    for rule in rules:
        try:
            alone = EPOCH if rule.kind == "silence" else None
            told = [
                {step.target: step for step in judge_rule(rule, scene, {}, until)}
                for scene, until in ((new, now), (new, EPOCH), (old, now), (old, alone))
            ]
        except Exception as error:  # as in judge_batch
            on_fault(f"rule {rule.key}", error)
            continue
        for target in sorted(each for each in told[0].keys() | told[2].keys() if not keys.isdisjoint(each)):
            first = late[names.isin(target).to_numpy()].iloc[0]
            changed += _amend(connection, rule, new, target, [steps.get(target) for steps in told], first, now)
    return changed


def _concerned(
    connection: sa.Connection,
    shape: Shape,
    rules: Sequence[Rule],
    fences: Fences,
    late: pd.DataFrame,
    after: pd.DataFrame,
) -> list[Any]:
    """Keys of those whose late fixes may matter: near a fence, or remembered by a rule, or with an alarm since then."""
    lon, lat = late["lon"].to_numpy(dtype=float), late["lat"].to_numpy(dtype=float)
    wanted = {rule.fence_key for rule in rules if rule.fence_key}
    _, halo = fences.hits(lon, lat, wanted)
    matter = fences.near_edge(lon, lat, NEAR_DEGREES)
    for name in wanted & halo.keys():
        matter[halo[name]] = True
    for rule in rules:
        if rule.kind in ("crossing", "approach"):
            geom = fences.by_key[rule.fence_key or ""].geom
            most = rule.steps_nm[0] if rule.kind == "approach" else NEAR_DEGREES * NM_PER_DEGREE
            matter |= np.isfinite(distance_nm(geom, lon, lat, most))
        elif rule.kind == "threshold" and not rule.fence_key:
            column = str(rule.params["column"])
            matter |= late[column].notna().to_numpy() if column in late else False
        elif rule.kind in LAWFUL and "role" in after:
            matter |= late[shape.key].isin(after.index[after["role"].notna()]).to_numpy()
    texts, numbers = late[shape.key].astype(str), [rule.id for rule in rules]
    presence, alarm = table.presence.c, table.alarm.c
    # Locked, as in judge_batch, so that the clock does not raise meanwhile.
    remembered = (
        sa.select(presence.object_key)
        .where(presence.rule_id.in_(numbers), presence.object_key == sa.func.any(sorted(set(texts))))
        .order_by(presence.rule_id, presence.object_key)
        .with_for_update()
    )
    alarmed = sa.select(alarm.object_key).where(
        alarm.rule_id.in_(numbers),
        alarm.object_key == sa.func.any(sorted(set(texts))),
        alarm.withdrawn_at.is_(None),
        alarm.cleared_at.is_(None) | (alarm.cleared_at >= late["observed_at"].min().to_pydatetime()),
    )
    known = set(connection.scalars(remembered)) | set(connection.scalars(alarmed))
    matter |= texts.isin(known).to_numpy()
    if any(rule.kind in (*THROUGH, "crossing") for rule in rules):
        far = np.flatnonzero(~matter)
        matter[far] = _on_long_ways(connection, shape, rules, fences, late.iloc[far])
    found: list[Any] = late[shape.key][matter].unique().tolist()
    return found


def _on_long_ways(
    connection: sa.Connection, shape: Shape, rules: Sequence[Rule], fences: Fences, late: pd.DataFrame
) -> Any:
    """Which late fixes may make a way across an edge that is far from them, with the fix before or the one after."""
    box = _boxes(connection, shape, late)
    hits = fences.may_cross(*box)
    for rule in rules:
        if rule.kind == "crossing":
            west, south, east, north = fences.by_key[rule.fence_key or ""].geom.bounds
            hits |= (box[0] <= east) & (box[2] >= west) & (box[1] <= north) & (box[3] >= south)
    return hits


def _boxes(connection: sa.Connection, shape: Shape, late: pd.DataFrame) -> tuple[Any, Any, Any, Any]:
    """Around each late fix and the fixes before and after it that a way may join it to: west, south, east, north."""
    assert shape.history is not None
    lon, lat = (late[name].to_numpy(dtype=float) for name in ("lon", "lat"))
    box = lon.copy(), lat.copy(), lon.copy(), lat.copy()
    aside = f" AND coalesce(anomaly, 0) & {ASIDE} = 0" if "anomaly" in shape.history.c else ""
    own = f"SELECT geom FROM {shape.history.name} WHERE {shape.key} = w.key AND geom IS NOT NULL{aside} AND observed_at"
    query = sa.text(
        "SELECT w.number, ST_X(near.geom), ST_Y(near.geom) FROM"
        f" unnest(CAST(:keys AS {'bigint' if shape.key_is_number else 'text'}[]), CAST(:times AS timestamptz[]))"
        f" WITH ORDINALITY AS w(key, at, number), LATERAL (({own} BETWEEN w.at - CAST(:way AS interval) AND w.at"
        f" AND observed_at < w.at ORDER BY observed_at DESC LIMIT 1) UNION ALL ({own} BETWEEN w.at AND w.at"
        f" + CAST(:way AS interval) AND observed_at > w.at ORDER BY observed_at LIMIT 1)) near"
    )
    times = [at.to_pydatetime() for at in late["observed_at"]]
    given = {"keys": late[shape.key].tolist(), "times": times, "way": timedelta(seconds=WAY_MAX_S)}
    for number, x, y in connection.execute(query, given):
        for side, value, choose in zip(box, (x, y, x, y), (min, min, max, max), strict=True):
            side[number - 1] = choose(side[number - 1], value)
    return box


def _track(connection: sa.Connection, shape: Shape, who: Collection[Any], begin: datetime) -> pd.DataFrame:
    """Their stored fixes since then in time order, as records, each track begun with a fix before it."""
    assert shape.history is not None
    column, key, keys = shape.history.c, shape.history.c[shape.key], sorted(who)
    columns: list[Any] = [each for each in column if each.name != "geom"]
    columns += [sa.func.ST_X(column.geom).label("lon"), sa.func.ST_Y(column.geom).label("lat")]
    placed = sa.select(*columns).where(column.geom.is_not(None), counted(shape.history))
    own = placed.where(key == sa.func.any(keys), column.observed_at >= begin)
    found = [tuple(row) for row in connection.execute(own.order_by(column.observed_at, column.received_at))]
    for one in keys:
        before = placed.where(key == one, column.observed_at < begin, column.observed_at >= begin - LOOK_BACK_MOST)
        last = connection.execute(before.order_by(column.observed_at.desc()).limit(1)).first()
        found = [tuple(last), *found] if last is not None else found
    frame = pd.DataFrame.from_records(found, columns=[each.name for each in columns])
    frame = frame.astype({"observed_at": STAMP, "received_at": STAMP, "lon": "float64", "lat": "float64"})
    return as_seen(frame.sort_values(["observed_at", "received_at"], kind="stable", ignore_index=True))


def _episodes(step: Step | None) -> list[Episode]:
    found: list[Episode] = []
    for verdict, look in step.verdicts if step else ():
        if isinstance(verdict, Raise):
            found.append(Episode(verdict.at, verdict.until, verdict.value, verdict, look))
        elif found and verdict is not None:
            last = found.pop()
            if isinstance(verdict, Nearer):
                found.append(replace(last, value=verdict.value))
            else:
                found.append(replace(last, cleared_at=verdict.at))
    return found


def _amend(
    connection: sa.Connection,
    rule: Rule,
    scene: Scene,
    target: Target,
    told: Sequence[Step | None],
    late: pd.Series,
    now: datetime,
) -> int:
    """Bring one object's alarms of one rule to what its track says now; returns how many alarms changed.

    told: what is made of the track with the late fixes, as far as the clock may have come, and without the clock's say
    after the last fix; then of the track without the late fixes, as far as the clock may have come, and without it.
    """
    again, sure, ticked, alone = (_episodes(step) for step in told)
    presence, was = (step.presence if step else None for step in (told[0], told[2]))
    if presence == was and again == ticked and [each.span for each in again] == [each.span for each in alone]:
        return 0
    at, changed = pd.Timestamp(late["observed_at"]), 0
    comment = f"vị trí đến muộn lúc {at:%Y-%m-%dT%H:%M:%SZ} ({late['lon']:.5f}, {late['lat']:.5f})"
    stored = _stored(connection, rule, target)
    kept: list[Span] = []
    proven = {each.raised_at for each in sure}
    mates = _mates(rule, [(row["raised_at"], row["cleared_at"]) for row in stored], again, proven)
    pairs = list(zip(stored, mates, strict=True))
    spans = {alarm["id"]: _corrected((alarm["raised_at"], alarm["cleared_at"]), mate, ticked)
             for alarm, mate in pairs if mate is not None}  # fmt: skip
    goes_on = any(end is None for _, end in spans.values())
    # Of one rule and object only one may be open: what is taken back, and then what is over, comes before the others.
    for alarm, mate in pairs:
        span = (alarm["raised_at"], alarm["cleared_at"])
        if mate is not None:
            continue
        if (goes_on and span[1] is None) or any(_meet(each.span, span) for each in ticked):
            changed += withdraw_alarm(connection, alarm["id"], SYSTEM, comment, now) is not None
        else:
            kept.append(span)
    for alarm, mate in sorted(pairs, key=lambda pair: spans.get(pair[0]["id"], (None, None))[1] is None):
        if mate is not None:
            span = spans[alarm["id"]]
            changed += _correct(connection, rule, scene, target, alarm, span, mate, comment, now)
            kept.append(span)
    for episode in (each for each in again if each.raised_at in proven):
        # What was broken without the late fixes too, and raised nothing, is another matter: a rule that is newer.
        before = [each.span for each in alone if _meet(each.span, episode.span)]
        heard = all(any(_meet(span, (row["raised_at"], row["cleared_at"])) for row in stored) for span in before)
        if heard and not any(_overlap(span, episode.span) for span in kept):
            changed += _raise(connection, rule, scene, target, episode, now)
            kept.append(episode.span)
    if presence != was:
        # What the clock has not raised yet is left to it.
        stands = any(end is None for _, end in kept)
        left = told[1].presence if told[1] else None
        remember(connection, rule, target, presence if stands else left)
    return changed


def _mates(
    rule: Rule, spans: Sequence[Span], again: Sequence[Episode], proven: Collection[datetime]
) -> list[Episode | None]:
    """For each alarm the episode that it tells of, each episode once; None for an alarm that none is left for.

    proven: the beginnings of those that need no clock. What only the clock would have raised by now is no reason for
    an alarm that came before.
    """
    free = list(again)
    found: list[Episode | None] = []
    for span in spans:
        own = [each for each in free if each.raised_at in proven or each.raised_at <= span[0]]
        near = [each for each in own if _meet(each.span, span)]
        if not near and rule.is_event:  # the way on which it happened was another one
            near = [each for each in own if abs((each.raised_at - span[0]).total_seconds()) <= LONG_WAY_S]
        mate = min(near, key=lambda each: abs(each.raised_at - span[0]), default=None)
        if mate is not None:
            free.remove(mate)
        found.append(mate)
    return found


def _corrected(span: Span, mate: Episode, ticked: Sequence[Episode]) -> Span:
    """From when to when the alarm was right: only what the track said before is corrected by what it says now."""
    begin = mate.raised_at if any(each.raised_at == span[0] for each in ticked) else span[0]
    end = mate.cleared_at if any(each.cleared_at == span[1] for each in ticked) or span[1] is None else span[1]
    return begin, None if end is None else max(begin, end)


def _correct(
    connection: sa.Connection,
    rule: Rule,
    scene: Scene,
    target: Target,
    alarm: sa.RowMapping,
    span: Span,
    mate: Episode,
    comment: str,
    now: datetime,
) -> bool:
    """Make one alarm say what its episode was."""
    changed: dict[str, Any] = {}
    if span[0] != alarm["raised_at"]:
        place = subject_of(rule, scene, target, mate.verdict, mate.look)
        changed |= {"raised_at": span[0], "lon": place["lon"], "lat": place["lat"]}
    if alarm["cleared_at"] is not None and span[1] != alarm["cleared_at"]:
        changed |= {"cleared_at": span[1]}
    if mate.value != alarm["value"]:
        changed |= {"value": mate.value, "severity": step_severity(rule, mate.value)}
    done = bool(changed) and revise_alarm(connection, alarm["id"], now, comment, **changed) is not None
    if alarm["cleared_at"] is None and span[1] is not None:
        done |= clear_alarm(connection, rule, target[0], span[1], now, target[1]) is not None
    return done


def _raise(
    connection: sa.Connection, rule: Rule, scene: Scene, target: Target, episode: Episode, now: datetime
) -> bool:
    """Raise what late fixes prove, over already or not."""
    subject = subject_of(rule, scene, target, episode.verdict, episode.look)
    end, value = episode.cleared_at, episode.value
    raised = raise_alarm(connection, rule, scene.fence_id(rule), subject, episode.raised_at, now, end, value)
    return raised is not None


def _meet(one: Span, other: Span) -> bool:
    begun = other[1] is None or one[0] <= other[1]
    return begun and (one[1] is None or other[0] <= one[1])


def _overlap(one: Span, other: Span) -> bool:
    """Whether two times have more than a moment in common, or are the same moment."""
    begun = other[1] is None or one[0] < other[1]
    return one == other or (begun and (one[1] is None or other[0] < one[1]))


def _stored(connection: sa.Connection, rule: Rule, target: Target) -> Sequence[sa.RowMapping]:
    """The alarms of a rule and target that hold, oldest first, locked in the order in which the desk locks them too."""
    column = table.alarm.c
    query = (
        sa.select(column.id, column.raised_at, column.cleared_at, column.value)
        .where(column.rule_id == rule.id, column.layer == rule.layer, column.object_key == target[0])
        .where(column.other_key == target[1], column.withdrawn_at.is_(None))
        .order_by(column.id)
        .with_for_update()
    )
    return sorted(connection.execute(query).mappings(), key=lambda row: (row["raised_at"], row["id"]))
