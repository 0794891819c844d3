"""What a person does with fences: save, retire and restore, each with the fence's own rules in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from access.editing import Conflict as Conflict
from access.editing import Missing as Missing
from access.editing import alone, conflict, said, tell
from access.site import Site
from geo.actor import Actor
from geo.fence import Fence, save_fence
from geo.fence_history import at_version, changes
from geo.fence_kind import REFERENCE, Wrong, fence_checked, not_edited
from geo.rule import Rule, save_rule
from geo.watch import Held, Watch, held, possible, wanted, watch_checked


@dataclass(frozen=True)
class Base:
    """What somebody began from: the fence's version, none for a new one; and those of its rules, if they were seen."""

    version: int | None = None
    rules: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Saved:
    """What became of it: the version that now counts, and what it changed; nothing where all was as it is kept."""

    key: str
    version: int
    changed: tuple[str, ...]
    rules: tuple[str, ...]
    at: datetime


def save(site: Site, fence: Fence, watch: Watch | None, base: Base, actor: Actor, comment: str | None = None) -> Saved:
    """Keep a fence as a new version, and the rules that its watch asks for; None leaves them as they are.

    Raises Wrong for what cannot be, Conflict when the version it was begun from is not the one that counts now.
    """
    return tell(site, lambda on, now: put(on, fence, watch, base, actor, now, comment))


def put(
    connection: sa.Connection,
    fence: Fence,
    watch: Watch | None,
    base: Base,
    actor: Actor,
    now: datetime,
    comment: str | None = None,
) -> Saved:
    """What `save` does, in a transaction of the caller's."""
    alone(connection)
    known = current(connection, fence.key)
    _unchanged(connection, fence.key, known, base)
    return keep(connection, planned(known, fence, watch), actor, now, comment)


@dataclass(frozen=True)
class Plan:
    """A change that can be made: what is kept now, what it will be, the rules that differ, and in which fields."""

    known: Held | None
    fence: Fence
    rules: tuple[Rule, ...]
    changed: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """Whether all is already as it is wanted."""
        return self.known is not None and not self.changed and not self.rules


def planned(known: Held | None, fence: Fence, watch: Watch | None) -> Plan:
    """What saving a fence over what is kept would change; nothing is written. Raises Wrong for what cannot be."""
    if known and known.fence.kind in REFERENCE:
        raise not_edited()
    simulated = known is not None and known.fence.simulated
    checked = fence_checked(replace(fence, simulated=simulated, retired_at=None))
    if watch is None and known is not None:
        watch = replace(known.watch, kinds=known.watch.kinds & set(possible(checked.kind)))
    rules = wanted(known or Held(checked), checked, watch_checked(checked, watch)) if watch is not None else []
    return _plan(known, checked, rules)


def _plan(known: Held | None, fence: Fence, rules: Sequence[Rule]) -> Plan:
    return Plan(known, fence, tuple(rules), changes(known.shown, fence) if known else ("key",))


def keep(connection: sa.Connection, plan: Plan, actor: Actor, now: datetime, comment: str | None) -> Saved:
    """Write what was planned, in a transaction of the caller's, who is `alone` in it."""
    fence = plan.fence
    if plan.known and plan.nothing:
        return Saved(fence.key, plan.known.fence.version, (), (), now)
    words = said(comment)
    version = save_fence(connection, fence, actor, now, words)
    for rule in plan.rules:
        save_rule(connection, rule, actor, now, words)
    return Saved(fence.key, version, plan.changed, tuple(rule.kind for rule in plan.rules), now)


def retire(site: Site, key: str, base: Base, actor: Actor, reason: str) -> Saved:
    """Take a fence out of force for good: it is kept, since alarms speak of it. Raises Wrong without a reason."""
    words = said(reason)
    if not words:
        raise Wrong("comment", "Hãy ghi lý do", "say why")

    def change(connection: sa.Connection, now: datetime) -> Saved:
        alone(connection)
        known = _there(connection, key)
        _unchanged(connection, key, known, base)
        if known.fence.retired_at:
            return Saved(key, known.fence.version, (), (), now)
        version = save_fence(connection, replace(known.fence, retired_at=now), actor, now, words)
        return Saved(key, version, ("retired_at",), (), now)

    return tell(site, change)


def restore(site: Site, key: str, version: int, base: Base, actor: Actor, comment: str | None = None) -> Saved:
    """Keep an older version as a new one, with its rules as they were then; a retired fence is in force again."""

    def change(connection: sa.Connection, now: datetime) -> Saved:
        alone(connection)
        known = _there(connection, key)
        _unchanged(connection, key, known, base)
        then = at_version(connection, key, version)
        if then is None:
            raise Missing(f"{key} has no version {version}")
        fence = fence_checked(replace(then.fence, simulated=known.fence.simulated, retired_at=None))
        rules = []
        for kind, rule in known.rules.items():
            old = then.rules.get(kind)
            as_then = replace(old, id=rule.id, version=rule.version) if old else replace(rule, enabled=False)
            rules += [as_then] if as_then != rule else []
        return keep(connection, _plan(known, fence, rules), actor, now, comment or f"khôi phục phiên bản {version}")

    return tell(site, change)


def current(connection: sa.Connection, key: str) -> Held | None:
    """A fence as it is kept now, retired or not, with its rules; None when there is none."""
    found = held(connection, [key], every=True)
    return found[0] if found else None


def _there(connection: sa.Connection, key: str) -> Held:
    known = current(connection, key)
    if known is None:
        raise Missing(f"there is no fence {key[:60]!r}")
    if known.fence.kind in REFERENCE:
        raise not_edited()
    return known


def _unchanged(connection: sa.Connection, key: str, known: Held | None, base: Base) -> None:
    if known is None:
        if base.version is not None:
            raise Missing(f"there is no fence {key[:60]!r}")
        return
    seen = base.rules is None or base.rules == known.rule_versions
    if base.version == known.fence.version and seen:
        return
    kind, of = ("fence", key) if base.version != known.fence.version else ("rule", _first_changed(known, base))
    raise conflict(connection, kind, of, key, known.fence.version)


def _first_changed(known: Held, base: Base) -> str:
    seen = base.rules or {}
    changed = [rule for kind, rule in known.rules.items() if seen.get(kind) != rule.version]
    return changed[0].key if changed else ""
