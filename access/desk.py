"""What a person does at the alarm desk: one transaction, and a word to every screen."""

from datetime import UTC, datetime
from typing import Any

import redis

from access.site import Site
from geo import alarm
from geo.actor import Actor


def acknowledge(site: Site, alarm_id: int, actor: Actor, comment: str | None) -> dict[str, Any] | None:
    """Acknowledge an alarm and tell every screen; None when somebody was first or there is no such alarm."""
    with site.engine.begin() as connection:
        row = alarm.acknowledge(connection, alarm_id, actor, comment, datetime.now(UTC))
        head = alarm.journal_head(connection)
    if row is not None:
        announce(site.redis_url, head)
    return row


def announce(redis_url: str, head: int) -> None:
    """Hint that the journal grew; screens that miss it read the journal within a second anyway."""
    try:
        with redis.Redis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=1) as client:
            client.publish(alarm.CHANNEL, str(head))
    except (redis.RedisError, OSError):
        return
