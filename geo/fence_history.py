"""The versions of a fence with its rules: who made each when, and what it changed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import shapely
import sqlalchemy as sa

from geo.fence import Fence, as_json, of_json
from geo.outline import area_km2, length_km
from geo.revision import as_of, versions
from geo.rule import STORED, Rule
from geo.watch import Held, with_rules

SAME_DEG = 1e-7  # a centimetre: what files round to
NOT_SAID = ("key", "version", "id", "simulated")  # what every version has of itself


@dataclass(frozen=True)
class Version:
    """One version: who, when, why; the fields of the fence and of each rule that it changed; and its size."""

    version: int
    at: datetime
    actor: str
    actor_kind: str
    comment: str | None
    fence: Fence
    changed: tuple[str, ...]
    rules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def size(self) -> float:
        """km² of an area, km of a line."""
        return area_km2(self.fence.geom) or length_km(self.fence.geom)


def changes(before: Fence | None, after: Fence) -> tuple[str, ...]:
    """The names of the fields in which two versions differ, none of a first one; places are the same within 1 cm."""
    if before is None:
        return ()
    old, new = (json.loads(json.dumps({**as_json(one), "geom": None})) for one in (before, after))
    found = [name for name in new if name not in NOT_SAID and old.get(name) != new[name]]
    return tuple(found + ([] if same_place(before.geom, after.geom) else ["geom"]))


def same_place(one: Any, other: Any) -> bool:
    """Whether two geometries are the same within a centimetre, wherever their rings begin."""
    if one.geom_type != other.geom_type:
        return False
    # Rounded first, since rings are put in order by their smallest corner.
    first, second = (shapely.normalize(shapely.transform(geom, lambda at: at.round(9))) for geom in (one, other))
    return bool(shapely.equals_exact(first, second, SAME_DEG))


def history(connection: sa.Connection, key: str) -> list[Version]:
    """All versions of a fence, newest first."""
    own = list(versions(connection, "fence", key))
    rule_keys = _rule_changes(connection, key)
    found: list[Version] = []
    before: Fence | None = None
    for row in reversed(own):
        fence = of_json(row["value"])
        rules = rule_keys.get(row["at"], {})
        told = (row["version"], row["at"], row["actor"], row["actor_kind"], row["comment"])
        found.append(Version(*told, fence, changes(before, fence), rules))
        before = fence
    return found[::-1]


def at_version(connection: sa.Connection, key: str, version: int) -> Held | None:
    """A fence as one of its versions had it, with its rules as they were in the same moment."""
    row = next((row for row in versions(connection, "fence", key) if row["version"] == version), None)
    if row is None:
        return None
    then = [one["value"] for one in as_of(connection, "rule", row["at"]) if one["value"]["fence_key"] == key]
    rules = [Rule(**{name: value[name] for name in STORED if name in value}) for value in then]
    return with_rules(of_json(row["value"]), rules)


def _rule_changes(connection: sa.Connection, key: str) -> dict[datetime, dict[str, tuple[str, ...]]]:
    """By moment, the kinds of rules about the fence that were changed then, and in which fields."""
    found: dict[datetime, dict[str, tuple[str, ...]]] = {}
    query = sa.text(
        "SELECT key, at, value, lag(value) OVER (PARTITION BY key ORDER BY version) AS before FROM revision "
        "WHERE kind = 'rule' AND value->>'fence_key' = :key ORDER BY id"
    )
    for row in connection.execute(query, {"key": key}):
        old = row.before or {}
        names = tuple(name for name in row.value if name not in NOT_SAID and old.get(name) != row.value[name])
        kind = str(row.value["kind"])
        found.setdefault(row.at, {})[kind] = names if row.before else ()
    return found
