"""What a person may change about the ways out of the house: each change one transaction that carries who made it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from access.site import Site
from geo import channel as ways
from geo import delivery, delivery_log
from geo.actor import Actor
from geo.carrier import ChannelError, parse, secrets_of
from geo.channel import Channel, Problem, Route

T = TypeVar("T")


class UnknownChannel(ChannelError):
    """There is no channel of that key."""


@dataclass(frozen=True)
class Overview:
    """A channel as its screen shows it. counts: geo.delivery_log.summary's of it, empty when there is nothing."""

    channel: Channel
    routes: tuple[Route, ...]
    problems: tuple[Problem, ...]
    counts: dict[str, Any]


def overview(site: Site) -> list[Overview]:
    """Every channel with its routes, with what keeps it from sending, and with what became of its messages lately."""
    with site.engine.connect() as connection:
        found, routes = ways.channels(connection), ways.routes(connection)
        counts = delivery_log.summary(connection, datetime.now(UTC))
    return [
        Overview(
            one,
            tuple(routes.get(one.key, ())),
            ways.problems(one, site.outgoing_allowed, site.secret_names),
            counts.get(one.key, {}),
        )
        for one in found
    ]


def put_channel(site: Site, channel: Channel, actor: Actor, new: bool = False) -> Channel:
    """Add a channel or change the one of that key. Raises ChannelError, also for a secret that there is not.

    new: it is meant to be another one, and must not overwrite one of the same key.
    """
    # Before anything is kept: what stands where a secret's name belongs may be the secret itself.
    for name in secrets_of(parse(channel.kind, channel.config)):
        if name not in site.secret_names:
            raise ChannelError(
                "secret",
                "không có bí mật nào mang tên này trong HAIDANG_SECRETS",
                "HAIDANG_SECRETS holds no secret of that name",
            )

    def change(connection: sa.Connection, now: datetime) -> Channel:
        before = ways.one(connection, channel.key)
        if new and before is not None:
            raise ChannelError("key", "mã này đã có kênh khác dùng", "there is a channel of that key already")
        made = ways.put_channel(connection, channel, actor, now)
        if not made.enabled:
            delivery.cancel(connection, made, now)
        return made

    return _change(site, change)


def enable(site: Site, key: str, enabled: bool, actor: Actor) -> Channel:
    """Switch a channel on or off. Off, what waits on it is withheld; on again, it tells what happens from then on."""

    def change(connection: sa.Connection, now: datetime) -> Channel:
        before = _known(connection, key)
        made = ways.put_channel(connection, replace(before, enabled=enabled), actor, now)
        if not enabled:
            delivery.cancel(connection, made, now)
        return made

    return _change(site, change)


def put_route(site: Site, key: str, route: Route, actor: Actor) -> Route:
    """Say which alarms take a channel, by rule. Raises ChannelError."""
    return _change(site, lambda on, now: ways.put_route(on, _known(on, key), route, actor, now))


def drop_route(site: Site, key: str, rule_key: str | None, actor: Actor) -> bool:
    """Take a route away; False when there is none of that rule. Raises ChannelError."""
    return _change(site, lambda on, now: ways.drop_route(on, _known(on, key), rule_key, actor, now))


def take_warnings(site: Site, key: str, takes: bool, actor: Actor) -> Channel:
    """Say whether a channel takes our warnings too. Raises ChannelError."""
    return _change(site, lambda on, now: ways.take_warnings(on, _known(on, key), takes, actor, now))


def test(site: Site, key: str, actor: Actor) -> int:
    """Ask for a test message on a channel, which is withheld where nothing may leave the house; the delivery's id."""

    def change(connection: sa.Connection, now: datetime) -> int:
        one = _known(connection, key)
        if not one.enabled:
            raise ChannelError(
                "enabled", "kênh đang tắt; bật kênh rồi thử lại", "the channel is off; switch it on first"
            )
        return delivery.ask_test(connection, one, actor, now, site.withholding)

    return _change(site, change)


def _known(connection: sa.Connection, key: str) -> Channel:
    found = ways.one(connection, key)
    if found is None:
        raise UnknownChannel("key", f"không có kênh “{key[:40]}”", f"there is no channel {key[:40]!r}")
    return found


def _change(site: Site, change: Callable[[sa.Connection, datetime], T]) -> T:
    with site.engine.begin() as connection:
        now = datetime.now(UTC)
        # What happened before the change goes out as the routes were then, even if nobody was there to send it.
        delivery.enqueue(connection, now, site.withholding)
        return change(connection, now)
