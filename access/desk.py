"""What a person does at the alarm desk: one transaction, and a word to every screen."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import redis
import sqlalchemy as sa

from access.site import Site
from geo import alarm, handling, journal, shelf
from geo.actor import Actor
from geo.yielding import deed

T = TypeVar("T")


def acknowledge(site: Site, alarm_id: int, actor: Actor, comment: str | None) -> dict[str, Any] | None:
    """Acknowledge an alarm and tell every screen; None when somebody was first or there is no such alarm."""
    return _tell(site, lambda on, now: handling.acknowledge(on, alarm_id, actor, comment, now))


def assign(site: Site, alarm_id: int, unit: str, person: str | None, actor: Actor, comment: str | None) -> bool:
    """Give an alarm to a unit; False when it is gone. ValueError for an unknown unit."""
    return _tell(site, lambda on, now: handling.assign(on, alarm_id, unit, person, actor, comment, now))


def remark(site: Site, alarm_id: int, actor: Actor, comment: str) -> bool:
    """Add a comment; False when there is no such alarm. ValueError for an empty one."""
    return _tell(site, lambda on, now: handling.remark(on, alarm_id, actor, comment, now))


def escalate(site: Site, alarm_id: int, actor: Actor, comment: str | None) -> bool:
    """Pass an alarm on to the next level; False when it is gone or has reached the highest."""
    return _tell(site, lambda on, now: handling.escalate(on, alarm_id, actor, comment, now))


def shelve(site: Site, alarm_id: int, span: str, actor: Actor, reason: str) -> datetime | None:
    """Put the alarm's object aside under its rule; until when, None when it is gone. Raises shelf.NotShelvable."""
    return _tell(site, lambda on, now: shelf.shelve(on, alarm_id, span, actor, reason, now))


def unshelve(site: Site, alarm_id: int, actor: Actor) -> bool:
    """Take it from its shelf before its time; False when it is on none."""
    return _tell(site, lambda on, now: shelf.unshelve(on, alarm_id, actor, now))


def withdraw(site: Site, alarm_id: int, actor: Actor, reason: str) -> int | None:
    """Take back an alarm that was wrong; None when it is gone. ValueError without a reason."""
    if not reason.strip():
        raise ValueError("say why the alarm was wrong")
    return _tell(site, lambda on, now: alarm.withdraw_alarm(on, alarm_id, actor, reason, now))


def mute(site: Site, actor: Actor, minutes: float) -> bool:
    """Write down that a desk's sound is off for so long; it acknowledges nothing."""

    def note(connection: sa.Connection, now: datetime) -> bool:
        journal.write(connection, None, "mute", now, actor, data={"minutes": minutes})
        return True

    return _tell(site, note)


def _tell(site: Site, change: Callable[[sa.Connection, datetime], T]) -> T:
    done, head = deed(site.engine, lambda on, now: (change(on, now), journal.head(on)))
    if done:
        announce(site.redis_url, head)
    return done


def announce(redis_url: str, head: int) -> None:
    """Hint that the journal grew; screens that miss it read the journal within a second anyway."""
    try:
        with redis.Redis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=1) as client:
            client.publish(alarm.CHANNEL, str(head))
    except (redis.RedisError, OSError):
        return
