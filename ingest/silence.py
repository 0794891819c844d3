"""Silence: objects that are not heard any more, and whole sources that are, found by the clock."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from geo import table
from geo.alarm import clear_alarm, raise_alarm, release, suppress
from geo.api_key import ended
from geo.criteria import matches
from geo.episode import Presence, Raise, judge_silence
from geo.feature import label_column
from geo.fence import Fences
from geo.rule import HORIZON_S, Rule
from geo.table import Shape
from ingest.feed import PUSHED
from ingest.judgement import OnFault, evidence, remember

FEED_LEAST_S, FEED_FACTOR = 60.0, 3.0
RELEASE_AFTER = timedelta(minutes=10)  # a source that is back gives its objects so long to be heard


def raise_silences(
    connection: sa.Connection,
    shape: Shape,
    rules: Sequence[Rule],
    fences: Fences,
    now: datetime,
    on_fault: OnFault,
) -> int:
    """Raise what has become silent of one layer; returns how many. Whatever is heard later clears it in the worker.

    An object of a source that is silent as a whole is suppressed by that source's alarm (ISA-18.2, by design).
    """
    own = [rule for rule in rules if rule.kind == "silence" and rule.layer == shape.name and rule.in_hours(now)]
    out = {fence.key for fence in fences.items if not fence.in_force(now)}
    raised = 0
    for rule in (each for each in own if each.fence_key not in out):
        rows = _silent(connection, shape, rule, now)
        try:
            chosen = _chosen(shape, rule, fences, rows)
        except Exception as error:  # a rule's own fault is no reason for the others not to be judged
            on_fault(f"rule {rule.key}", error)
            continue
        raised += _raise(connection, shape, rule, fences, chosen, now)
    return raised


def _silent(connection: sa.Connection, shape: Shape, rule: Rule, now: datetime) -> Sequence[sa.RowMapping]:
    """Whom the layer has not heard for the rule's time, and of whom it has not been told yet."""
    column, known = shape.latest.c, table.presence.c
    since = timedelta(seconds=float(rule.params["silence_s"]))
    horizon = timedelta(seconds=float(rule.params.get("horizon_s", HORIZON_S)) + since.total_seconds())
    key = sa.cast(column[shape.key], sa.Text)
    told = sa.select(known.object_key).where(known.rule_id == rule.id, known.object_key == key)
    plain = [each for each in column if each.name != "geom"]
    query = sa.select(*plain, sa.func.ST_X(column.geom).label("lon"), sa.func.ST_Y(column.geom).label("lat")).where(
        column.observed_at <= now - since, column.observed_at > now - horizon, ~sa.exists(told)
    )
    return connection.execute(query).mappings().all()


def _chosen(shape: Shape, rule: Rule, fences: Fences, rows: Sequence[sa.RowMapping]) -> list[sa.RowMapping]:
    """Those of whom the rule speaks, where they were last."""
    if not rows:
        return []
    frame = pd.DataFrame([dict(row) for row in rows])
    chosen = matches(frame, rule.applies_to, frame[shape.key])
    if rule.fence_key:
        lon, lat = (frame[name].to_numpy(dtype=float) for name in ("lon", "lat"))
        core, _ = fences.hits(lon, lat, {rule.fence_key})
        inside = np.zeros(len(frame), dtype=bool)
        inside[core.get(rule.fence_key, [])] = True
        chosen &= inside
    return [rows[index] for index in np.flatnonzero(chosen).tolist()]


def _raise(
    connection: sa.Connection,
    shape: Shape,
    rule: Rule,
    fences: Fences,
    rows: Sequence[sa.RowMapping],
    now: datetime,
) -> int:
    if not rows:
        return 0
    column, seen = shape.latest.c, {row[shape.key]: row["observed_at"] for row in rows}
    # A worker that is writing one of them this very moment has heard it.
    query = sa.select(column[shape.key], column.observed_at).where(column[shape.key].in_(list(seen)))
    locked = connection.execute(query.order_by(column[shape.key]).with_for_update(skip_locked=True, key_share=True))
    unheard = {key for key, observed_at in locked if observed_at == seen[key]}
    label, raised = label_column(shape).name, 0
    for row in rows:
        presence, verdict = judge_silence(rule, row["observed_at"], now)
        if isinstance(verdict, Raise) and row[shape.key] in unheard:
            object_key = str(row[shape.key])
            remember(connection, rule, (object_key, ""), presence)
            fence = fences.by_key.get(rule.fence_key or "")
            subject = _subject(object_key, row[label], row)
            parent = _outage(connection, row["source"])
            number = fence.id if fence else None
            done = raise_alarm(connection, rule, number, subject, verdict.at, now, parent_id=parent)
            raised += done is not None
    return raised


def _subject(object_key: str, label: Any, row: Mapping[Any, Any]) -> dict[str, Any]:
    own = {name: row[name] for name in ("lon", "lat", "observed_at", "simulated")}
    return {"object_key": object_key, "object_label": label or object_key, **own, "evidence": evidence(row, row)}


def _outage(connection: sa.Connection, source: str) -> int | None:
    """The open alarm of a source that is silent as a whole."""
    alarm, rule = table.alarm.c, table.rule.c
    query = (
        sa.select(alarm.id)
        .join(table.rule)
        .where(rule.kind == "feed", alarm.object_key == source, alarm.cleared_at.is_(None))
        .where(alarm.withdrawn_at.is_(None))
    )
    found: int | None = connection.scalar(query.limit(1))
    return found


def judge_feeds(connection: sa.Connection, shapes: Mapping[str, Shape], rules: Sequence[Rule], now: datetime) -> int:
    """Raise the sources that are silent beyond what is expected of them, clear those that are back; how many changed.

    A source that was never heard has not fallen silent, nor has one whose sender may push no more. Of what it silenced,
    that which was told before it is suppressed with it: one alarm with its children, whoever was first.
    """
    own = [rule for rule in rules if rule.kind == "feed"]
    if not own:
        return 0
    known = sa.select(table.presence.c.rule_id, table.presence.c.object_key)
    told = connection.execute(known.where(table.presence.c.rule_id.in_([rule.id for rule in own])))
    silent = {(row.rule_id, row.object_key) for row in told}
    feeds = connection.execute(sa.select(table.feed).where(table.feed.c.last_message_at.is_not(None))).mappings().all()
    gone, changed = ended(connection, now), 0
    for rule in own:
        for feed in (each for each in feeds if each["layer"] == rule.layer):
            closed = feed["source"].partition(PUSHED)[2] in gone
            after = max(FEED_LEAST_S, float(rule.params.get("factor", FEED_FACTOR)) * feed["expected_s"])
            due, key = feed["last_message_at"] + timedelta(seconds=after), feed["source"]
            if due <= now and not closed and (rule.id, key) not in silent:
                seen = feed["last_message_at"]
                remember(connection, rule, (key, ""), Presence(seen, seen, raised=True))
                row = {"lon": None, "lat": None, "observed_at": seen, "simulated": feed["simulated"]}
                number = raise_alarm(connection, rule, None, _subject(key, key, row), due, now)
                if number is not None:
                    changed += 1
                    suppress(connection, _silenced(connection, shapes.get(rule.layer), key, seen), number, now)
            elif (due > now or closed) and (rule.id, key) in silent:
                remember(connection, rule, (key, ""), None)
                changed += clear_alarm(connection, rule, key, feed["last_message_at"], now) is not None
    return changed


def _silenced(connection: sa.Connection, shape: Shape | None, source: str, since: datetime) -> list[int]:
    """The open alarms of silence of a source's objects that were raised after the source was heard last."""
    if shape is None:
        return []
    alarm, column = table.alarm.c, shape.latest.c
    query = (
        sa.select(alarm.id)
        .join(table.rule)
        .join(shape.latest, sa.cast(column[shape.key], sa.Text) == alarm.object_key)
        .where(table.rule.c.kind == "silence", alarm.layer == shape.name, column.source == source)
        .where(alarm.cleared_at.is_(None), alarm.withdrawn_at.is_(None), alarm.raised_at > since)
        .order_by(alarm.id)
    )
    return list(connection.scalars(query))


def release_late(connection: sa.Connection, now: datetime) -> int:
    """Give back to the desk what is still silent after its source has been back for a while; how many."""
    child, parent = table.alarm.alias("child").c, table.alarm.alias("parent").c
    over = sa.or_(parent.cleared_at <= now - RELEASE_AFTER, parent.withdrawn_at.is_not(None))
    query = sa.select(parent.id).join(table.rule, table.rule.c.id == parent.rule_id).where(over).distinct()
    # A provider's outage has a time of its own: its boats report every few hours (ingest.outage).
    query = query.where(child.parent_id == parent.id, child.suppressed_at.is_not(None), table.rule.c.kind != "outage")
    return sum(release(connection, number, now) for number in connection.scalars(query).all())
