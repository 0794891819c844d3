"""A sweep: what changed rules make of everything at once, by each object's last fix, without waiting for the next."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from geo import latest, table
from geo.alarm import clear_alarm
from geo.criteria import columns_of
from geo.episode import FRESH, NM_M, reach_nm
from geo.fence import METRES_PER_DEGREE, Fences
from geo.rule import DISTRESS, DUTIES, EVENTS, KINDS, Rule, rules
from geo.table import Shape
from ingest.judgement import STATE_FACTS, OnFault, judge_scene
from ingest.scene import Scene
from ingest.view import view_of

SWEPT = tuple(kind for kind in KINDS if kind not in ("silence", "feed", *DISTRESS, *DUTIES))
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
    judged = set().union(*(rule.columns | columns_of(rule.qualifies) for rule in own))
    state = latest.standing(connection, shape, keys, {label, *judged, *STATE_FACTS, *shape.fix_columns()} - {"geom"})
    if state.empty:
        return 0
    records = state.sort_values("observed_at", kind="stable").reset_index(drop=True)
    scene = Scene.of(own, fences, shape, label, records, state.iloc[:0], state)
    return judge_scene(connection, own, scene, now, on_fault)


def facts_now(
    connection: sa.Connection, shape: Shape, label: str, rule: Rule, fences: Fences, key: str
) -> dict[str, Any]:
    """What a rule of the law sees of an object by its last fix, for the evidence of an alarm that time alone raised."""
    wanted = int(key) if shape.key_is_number else key
    columns = {label, *rule.columns, *columns_of(rule.qualifies), *STATE_FACTS, *shape.fix_columns()} - {"geom"}
    state = latest.standing(connection, shape, [wanted], columns, locked=False)
    if state.empty:
        return {}
    scene = Scene.of([rule], fences, shape, label, state.reset_index(drop=True), state.iloc[:0], state)
    view = view_of(rule, scene, remembers=True, every=False)
    return dict(view.facts.get(0, {})) if view else {}


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
        reach_m = max(rule.hysteresis_m, reach_nm(rule) * NM_M)
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
    """End what rules hold that are switched off, or whose fence is retired; returns how many alarms it cleared.

    And what a rule raised when it was another one: of another fence, or a state where it tells events now.
    """
    known = {rule.id: rule for rule in rules(connection, every=True)}
    active = {rule.id for rule in rules(connection)}
    off = [number for number in known if number not in active]
    presence, alarm, rule = table.presence.c, table.alarm.c, table.rule.c
    still = (
        sa.select(alarm.rule_id, alarm.object_key)
        .select_from(table.alarm.join(table.rule).outerjoin(table.fence, table.fence.c.key == rule.fence_key))
        .where(alarm.rule_id.in_(list(known)), alarm.cleared_at.is_(None), alarm.withdrawn_at.is_(None))
        .where(sa.or_(alarm.rule_id.in_(off), rule.kind.in_(EVENTS), alarm.fence_id.is_distinct_from(table.fence.c.id)))
        .distinct()
        .order_by(alarm.rule_id, alarm.object_key)
    )
    held = [(rule_id, object_key) for rule_id, object_key in connection.execute(still).all()]
    gone = sa.or_(presence.rule_id.in_(off), sa.tuple_(presence.rule_id, presence.object_key).in_(held))
    order = (presence.rule_id, presence.object_key, presence.other_key)
    # In the workers' order, one of whom may be judging by the rule that was.
    connection.execute(sa.select(presence.rule_id).where(gone).order_by(*order).with_for_update())
    connection.execute(sa.delete(table.presence).where(gone))
    for rule_id, object_key in held:
        clear_alarm(connection, known[rule_id], object_key, now, now, comment=OUT_OF_FORCE)
    return len(held)
