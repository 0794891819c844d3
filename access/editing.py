"""What editors of fences and rules share: one at a time, told when another was first, and screens hear of it."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import redis
import sqlalchemy as sa

from access.site import Site
from geo.revision import CHANNEL, versions
from geo.yielding import deed

T = TypeVar("T")
COMMENT_MAX = 500


class Missing(LookupError):
    """There is no such fence or rule, or no such version of it."""


class Conflict(Exception):
    """Somebody else saved it in between: which version, who and when."""

    def __init__(self, key: str, version: int, actor: str, at: datetime | None) -> None:
        when = f" at {at.isoformat(timespec='seconds')}" if at else ""
        super().__init__(f"{key}: version {version} was saved by {actor}{when}; look at it and begin from there")
        self.key, self.version, self.actor, self.at = key, version, actor, at


def conflict(connection: sa.Connection, kind: str, of: str, key: str, version: int) -> Conflict:
    """The refusal of what was begun from an old version of `key`: who saved the newest version of `of`, and when."""
    last = versions(connection, kind, of)
    who, at = (last[0]["actor"], last[0]["at"]) if last else ("?", None)
    return Conflict(key, version, who, at)


def alone(connection: sa.Connection) -> None:
    """One editor of fences and rules at a time, so that of two who begin from one version the second is told."""
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('haidang:fences'), 0)"))


def said(comment: str | None) -> str | None:
    """A comment as it is kept; none for an empty one."""
    words = (comment or "").replace("\0", "").strip()[:COMMENT_MAX]
    return words or None


def tell(site: Site, change: Callable[[sa.Connection, datetime], T]) -> T:
    """Make a change in a transaction of its own, and hint to every screen when it is kept."""
    done = deed(site.engine, change)
    announce(site.redis_url)
    return done


def announce(redis_url: str) -> None:
    """Hint to every screen that fences or rules changed; one that misses it finds out within a second anyway."""
    try:
        with redis.Redis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=1) as client:
            client.publish(CHANNEL, b"")
    except (redis.RedisError, OSError):
        return
