"""A sweep: what changed rules make of everything at once, by each object's last fix, without waiting for the next."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from geo import latest, table
from geo.alarm import clear_alarm
from geo.episode import FRESH, NM_M
from geo.fence import METRES_PER_DEGREE, Fences
from geo.rule import KINDS, Rule, rules
from geo.table import Shape
from ingest.judgement import STATE_FACTS, OnFault, judge_scene
from ingest.scene import Scene

SWEPT = tuple(kind for kind in KINDS if kind not in ("silence", "feed", "distress", "distress_test"))
OUT_OF_FORCE = "quy tắc hoặc vùng không còn hiệu lực"


def sweep(
    connection: sa.Connection,
    shape: Shape,
    label: str,
    changed: Sequence[Rule],
    fences: Fences,
    now: datetime,
    on_fault: OnFault,
) -> int:
    """Judge the rules by the last fix of whatever is near their fences or remembered; returns how many alarms changed.

    What moves is judged by a fresh fix only, since an old one says nothing of where it is.
    """
    own = [rule for rule in changed if rule.layer == shape.name and rule.kind in SWEPT]
    keys = _concerned(connection, shape, own, fences, now) if own else set()
    if not keys:
        return 0
    judged = {name for rule in own for name in (*rule.applies_to, *rule.qualifies, rule.params.get("column", ""))}
    state = latest.standing(connection, shape, keys, {label, *judged, *STATE_FACTS, *shape.fix_columns()} - {"geom"})
    if state.empty:
        return 0
    records = state.sort_values("observed_at", kind="stable").reset_index(drop=True)
    scene = Scene.of(own, fences, shape, label, records, state.iloc[:0], state)
    return judge_scene(connection, own, scene, now, on_fault, heard=False)


def _concerned(connection: sa.Connection, shape: Shape, own: Sequence[Rule], fences: Fences, now: datetime) -> set[Any]:
    column, presence = shape.latest.c, table.presence.c
    query = sa.select(column[shape.key]).where(column.geom.is_not(None))
    if shape.kind == "moving":
        query = query.where(column.observed_at >= now - FRESH)
    found: set[Any] = set()
    for rule in own:
        fence = fences.by_key.get(rule.fence_key or "")
        if fence is None:
            found |= set(connection.scalars(query)) if not rule.fence_key else set()
            continue
        reach_m = rule.hysteresis_m + max(rule.steps_nm, default=0.0) * NM_M
        west, south, east, north = fence.geom.bounds
        margin = reach_m / METRES_PER_DEGREE * 1.1
        wide = margin / max(float(np.cos(np.radians(max(abs(south), abs(north))))), 1e-3)
        if fence.kind not in ("zone_coastal", "zone_offshore"):  # the side of a line is as wide as the sea
            box = sa.func.ST_MakeEnvelope(west - wide, south - margin, east + wide, north + margin, 4326)
            found |= set(connection.scalars(query.where(column.geom.op("&&")(box))))
        else:
            found |= set(connection.scalars(query))
    numbers = [rule.id for rule in own]
    known = connection.execute(
        sa.select(presence.object_key, presence.other_key).where(presence.rule_id.in_(numbers))
    ).all()
    names = {key for pair in known for key in pair if key}
    return found | ({int(key) for key in names} if shape.key_is_number else names)


def let_go(connection: sa.Connection, now: datetime) -> int:
    """End what rules hold that are switched off, or whose fence is retired; returns how many alarms it cleared."""
    inactive = {rule.id: rule for rule in rules(connection, every=True)}
    for rule in rules(connection):
        del inactive[rule.id]
    if not inactive:
        return 0
    presence, alarm = table.presence.c, table.alarm.c
    connection.execute(sa.delete(table.presence).where(presence.rule_id.in_(list(inactive))))
    still = sa.select(alarm.rule_id, alarm.object_key).where(
        alarm.rule_id.in_(list(inactive)), alarm.cleared_at.is_(None), alarm.withdrawn_at.is_(None)
    )
    rows = connection.execute(still.distinct()).all()
    for rule_id, object_key in rows:
        clear_alarm(connection, inactive[rule_id], object_key, now, now, comment=OUT_OF_FORCE)
    return len(rows)
