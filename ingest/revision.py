"""Late fixes: the tracks they belong to are judged again, and the alarms become what is known now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from geo import table
from geo.actor import SYSTEM
from geo.alarm import clear_alarm, raise_alarm, withdraw_alarm
from geo.column import STAMP
from geo.episode import Clear, Raise
from geo.fence import Fences
from geo.line import NM_PER_DEGREE, distance_nm
from geo.rule import EVENTS, Rule
from geo.table import Shape
from ingest.judgement import OnFault, Step, judge_rule, remember, subject_of
from ingest.scene import EPOCH, Look, Scene, Target, as_seen

# A track is judged again from this long before its first late fix on; what happened earlier is the same either way.
LOOK_BACK = timedelta(hours=24)
# What one object's own track tells. A pair takes two, and for what is only near or silent there is no edge.
REVISED = ("inside", "outside", "threshold", *EVENTS)
NEAR_DEGREES = 0.1  # a fix this near to an edge may, with the fix before or after it, make a way across it


Span = tuple[datetime, datetime | None]  # from when to when, None for an open end


@dataclass(frozen=True)
class Episode:
    """One time for which a rule was broken; cleared_at is None while it still is."""

    raised_at: datetime
    cleared_at: datetime | None
    verdict: Raise
    look: Look

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
    keys = _concerned(connection, shape, own, fences, late)
    late = late[late[shape.key].isin(keys)]
    if late.empty:
        return 0
    track = _track(connection, shape, late)
    mark = [shape.key, "observed_at", "received_at"]
    is_late = pd.MultiIndex.from_frame(track[mark]).isin(pd.MultiIndex.from_frame(late[mark]))
    new, old = (
        Scene.of(own, fences, shape.key, label, fixes, after.iloc[:0], after) for fixes in (track, track[~is_late])
    )
    changed = 0
    for rule in own:
        try:
            told = [
                {step.target: step for step in judge_rule(rule, scene, {}, until)}
                for scene, until in ((new, now), (new, EPOCH), (old, now), (old, None))
            ]
        except Exception as error:  # as in judge_batch
            on_fault(f"rule {rule.key}", error)
            continue
        for target in told[0].keys() | told[2].keys():
            first = late[late[shape.key].astype(str) == target[0]].iloc[0]
            changed += _amend(connection, rule, new, target, [steps.get(target) for steps in told], first, now)
    return changed


def _concerned(
    connection: sa.Connection, shape: Shape, rules: Sequence[Rule], fences: Fences, late: pd.DataFrame
) -> list[Any]:
    """Keys of those whose late fixes may matter: near a fence, or remembered by a rule, or with an alarm since then."""
    lon, lat = late["lon"].to_numpy(dtype=float), late["lat"].to_numpy(dtype=float)
    wanted = {rule.fence_key for rule in rules if rule.fence_key}
    _, halo = fences.hits(lon, lat, wanted)
    matter = fences.near_edge(lon, lat, NEAR_DEGREES)
    for name in wanted & halo.keys():
        matter[halo[name]] = True
    for rule in rules:
        if rule.kind == "crossing":
            geom = fences.by_key[rule.fence_key or ""].geom
            matter |= np.isfinite(distance_nm(geom, lon, lat, NEAR_DEGREES * NM_PER_DEGREE))
        elif rule.kind == "threshold" and not rule.fence_key:
            column = str(rule.params["column"])
            matter |= late[column].notna().to_numpy() if column in late else False
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
    found: list[Any] = late[shape.key][matter | texts.isin(known).to_numpy()].unique().tolist()
    return found


def _track(connection: sa.Connection, shape: Shape, late: pd.DataFrame) -> pd.DataFrame:
    """The stored fixes of the late ones' objects in time order, as records."""
    assert shape.history is not None
    column, key = shape.history.c, shape.history.c[shape.key]
    begin = late["observed_at"].min().to_pydatetime() - LOOK_BACK
    query = (
        sa.select(*[each for each in column if each.name != "geom"])
        .add_columns(sa.func.ST_X(column.geom).label("lon"), sa.func.ST_Y(column.geom).label("lat"))
        .where(key == sa.func.any(late[shape.key].unique().tolist()), column.observed_at >= begin)
        .where(column.geom.is_not(None))
        .order_by(column.observed_at, column.received_at)
    )
    answer = connection.execute(query)
    names = list(answer.keys())
    frame = pd.DataFrame.from_records([tuple(row) for row in answer], columns=names)
    return as_seen(frame.astype({"observed_at": STAMP, "received_at": STAMP, "lon": "float64", "lat": "float64"}))


def _episodes(step: Step | None) -> list[Episode]:
    found: list[Episode] = []
    for verdict, look in step.verdicts if step else ():
        if isinstance(verdict, Raise):
            found.append(Episode(verdict.at, verdict.until, verdict, look))
        elif isinstance(verdict, Clear) and found:
            last = found.pop()
            found.append(Episode(last.raised_at, verdict.at, last.verdict, last.look))
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
    if presence == was and [each.span for each in again] == [each.span for each in ticked] == [e.span for e in alone]:
        return 0
    object_key, changed = target[0], 0
    stored = _stored(connection, rule, object_key)
    kept: list[Span] = []
    for alarm in stored:
        span: Span = alarm["raised_at"], alarm["cleared_at"]
        # What only the clock would have raised by now is no reason for an alarm that came before.
        mates = [each for each in again if _meet(each.span, span) and (each in sure or each.raised_at <= span[0])]
        if not mates and any(_meet(each.span, span) for each in ticked):
            at, lon, lat = pd.Timestamp(late["observed_at"]), late["lon"], late["lat"]
            comment = f"vị trí đến muộn lúc {at:%Y-%m-%dT%H:%M:%SZ} ({lon:.5f}, {lat:.5f})"
            changed += withdraw_alarm(connection, alarm["id"], SYSTEM, comment, now) is not None
            continue
        if mates and span[1] is None and mates[0].cleared_at is not None:
            span = span[0], mates[0].cleared_at
            changed += clear_alarm(connection, rule, object_key, mates[0].cleared_at, now) is not None
        kept.append(span)
    for episode in sure:
        # What was broken without the late fixes too, and raised nothing, is another matter: a rule that is newer.
        before = [each.span for each in alone if _meet(each.span, episode.span)]
        heard = all(any(_meet(span, (row["raised_at"], row["cleared_at"])) for row in stored) for span in before)
        if heard and not any(_meet(span, episode.span) for span in kept):
            subject = subject_of(rule, scene, target, episode.verdict, episode.look)
            fence, end, value = scene.fence_id(rule), episode.cleared_at, episode.verdict.value
            changed += raise_alarm(connection, rule, fence, subject, episode.raised_at, now, end, value) is not None
            kept.append(episode.span)
    if presence != was:
        # What the clock has not raised yet is left to it.
        stands = any(end is None for _, end in kept)
        left = told[1].presence if told[1] else None
        remember(connection, rule, target, presence if stands else left)
    return changed


def _meet(one: Span, other: Span) -> bool:
    begun = other[1] is None or one[0] <= other[1]
    return begun and (one[1] is None or other[0] <= one[1])


def _stored(connection: sa.Connection, rule: Rule, object_key: str) -> Sequence[sa.RowMapping]:
    """The alarms of a rule and object that hold, oldest first, locked."""
    column = table.alarm.c
    query = (
        sa.select(column.id, column.raised_at, column.cleared_at)
        .where(column.rule_id == rule.id, column.layer == rule.layer, column.object_key == object_key)
        .where(column.withdrawn_at.is_(None))
        .order_by(column.raised_at, column.id)
        .with_for_update()
    )
    return connection.execute(query).mappings().all()
