"""A fence with its rules as one flat set of properties and a geometry, as GeoJSON and every other file carry it."""

from datetime import datetime
from typing import Any

from shapely.geometry import mapping

from geo.fence import Fence, as_json
from geo.outline import area_km2, length_km
from geo.watch import Held


def feature(one: Held, now: datetime) -> dict[str, Any]:
    """A GeoJSON Feature: the fence's values, its rules under `watch`, its size, and whether it holds now."""
    fence = one.shown
    values = {name: value for name, value in as_json(fence).items() if name != "geom"}
    area = area_km2(fence.geom)
    sizes = {"area_km2": area, "length_km": length_km(fence.geom)}
    more = {"watch": watch_json(one), "state": state(fence, now), **sizes}
    return {"type": "Feature", "id": fence.key, "geometry": mapping(fence.geom), "properties": {**values, **more}}


def watch_json(one: Held) -> dict[str, Any]:
    """What is watched, as JSON can hold it."""
    watch = one.watch
    return {
        "kinds": [kind for kind in one.rules if kind in watch.kinds],
        "severity": watch.severity,
        "off_delay_s": watch.off_delay_s,
        "direction": watch.direction,
        "steps_nm": list(watch.steps_nm),
        "response_vi": watch.response_vi,
        "response_en": watch.response_en,
        "layer": watch.layer,
        "rules": {kind: rule.key for kind, rule in one.rules.items()},
        "versions": one.rule_versions,
        "others": [rule.key for rule in one.others],
    }


def state(fence: Fence, now: datetime) -> str:
    """Whether it holds now: in_force, future, past, out_of_season or retired."""
    if fence.retired_at is not None:
        return "retired"
    if fence.valid_from is not None and now < fence.valid_from:
        return "future"
    if fence.valid_to is not None and now >= fence.valid_to:
        return "past"
    return "in_force" if fence.in_force(now) else "out_of_season"
