"""What a person does with fences: save, retire and restore, each with the fence's own rules in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

import redis
import sqlalchemy as sa

from access.site import Site
from geo.actor import Actor
from geo.fence import Fence, save_fence
from geo.fence_history import at_version, changes
from geo.fence_kind import REFERENCE, Wrong, fence_checked, not_edited
from geo.revision import CHANNEL, versions
from geo.rule import Rule, save_rule
from geo.watch import Held, Watch, held, possible, wanted, watch_checked

T = TypeVar("T")
COMMENT_MAX = 500


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


class Missing(LookupError):
    """There is no such fence, or no such version of it."""


class Conflict(Exception):
    """Somebody else saved the fence in between: which version, who and when."""

    def __init__(self, key: str, version: int, actor: str, at: datetime | None) -> None:
        when = f" at {at.isoformat(timespec='seconds')}" if at else ""
        super().__init__(f"{key}: version {version} was saved by {actor}{when}; look at it and begin from there")
        self.key, self.version, self.actor, self.at = key, version, actor, at


def save(site: Site, fence: Fence, watch: Watch | None, base: Base, actor: Actor, comment: str | None = None) -> Saved:
    """Keep a fence as a new version, and the rules that its watch asks for; None leaves them as they are.

    Raises Wrong for what cannot be, Conflict when the version it was begun from is not the one that counts now.
    """
    return _tell(site, lambda on, now: put(on, fence, watch, base, actor, now, comment))


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
    _alone(connection)
    known = current(connection, fence.key)
    _unchanged(connection, fence.key, known, base)
    if known and known.fence.kind in REFERENCE:
        raise not_edited()
    simulated = known is not None and known.fence.simulated
    checked = fence_checked(replace(fence, simulated=simulated, retired_at=None))
    if watch is None and known is not None:
        watch = replace(known.watch, kinds=known.watch.kinds & set(possible(checked.kind)))
    rules = wanted(known or Held(checked), checked, watch_checked(checked, watch)) if watch is not None else []
    return _keep(connection, known, checked, rules, actor, now, comment)


def _keep(
    connection: sa.Connection,
    known: Held | None,
    fence: Fence,
    rules: Sequence[Rule],
    actor: Actor,
    now: datetime,
    comment: str | None,
) -> Saved:
    differs = changes(known.shown, fence) if known else ("key",)
    if known and not differs and not rules:
        return Saved(fence.key, known.fence.version, (), (), now)
    words = _words(comment)
    version = save_fence(connection, fence, actor, now, words)
    for rule in rules:
        save_rule(connection, rule, actor, now, words)
    return Saved(fence.key, version, differs, tuple(rule.kind for rule in rules), now)


def retire(site: Site, key: str, base: Base, actor: Actor, reason: str) -> Saved:
    """Take a fence out of force for good: it is kept, since alarms speak of it. Raises Wrong without a reason."""
    words = _words(reason)
    if not words:
        raise Wrong("comment", "Hãy ghi lý do", "say why")

    def change(connection: sa.Connection, now: datetime) -> Saved:
        _alone(connection)
        known = _there(connection, key)
        _unchanged(connection, key, known, base)
        if known.fence.retired_at:
            return Saved(key, known.fence.version, (), (), now)
        version = save_fence(connection, replace(known.fence, retired_at=now), actor, now, words)
        return Saved(key, version, ("retired_at",), (), now)

    return _tell(site, change)


def restore(site: Site, key: str, version: int, base: Base, actor: Actor, comment: str | None = None) -> Saved:
    """Keep an older version as a new one, with its rules as they were then; a retired fence is in force again."""

    def change(connection: sa.Connection, now: datetime) -> Saved:
        _alone(connection)
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
        return _keep(connection, known, fence, rules, actor, now, comment or f"khôi phục phiên bản {version}")

    return _tell(site, change)


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


def _alone(connection: sa.Connection) -> None:
    """One editor at a time, so that of two who begin from one version the second is told."""
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('haidang:fences'), 0)"))


def _unchanged(connection: sa.Connection, key: str, known: Held | None, base: Base) -> None:
    if known is None:
        if base.version is not None:
            raise Missing(f"there is no fence {key[:60]!r}")
        return
    seen = base.rules is None or base.rules == known.rule_versions
    if base.version == known.fence.version and seen:
        return
    kind, of = ("fence", key) if base.version != known.fence.version else ("rule", _first_changed(known, base))
    last = versions(connection, kind, of)
    who, at = (last[0]["actor"], last[0]["at"]) if last else ("?", None)
    raise Conflict(key, known.fence.version, who, at)


def _first_changed(known: Held, base: Base) -> str:
    seen = base.rules or {}
    changed = [rule for kind, rule in known.rules.items() if seen.get(kind) != rule.version]
    return changed[0].key if changed else ""


def _words(comment: str | None) -> str | None:
    words = (comment or "").replace("\0", "").strip()[:COMMENT_MAX]
    return words or None


def _tell(site: Site, change: Callable[[sa.Connection, datetime], T]) -> T:
    with site.engine.begin() as connection:
        done = change(connection, datetime.now(UTC))
    announce(site.redis_url)
    return done


def announce(redis_url: str) -> None:
    """Hint to every screen that fences changed; one that misses it finds out within a second anyway."""
    try:
        with redis.Redis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=1) as client:
            client.publish(CHANNEL, b"")
    except (redis.RedisError, OSError):
        return
