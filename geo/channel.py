"""Channels: the ways by which an alarm leaves the house, and the routes that say which alarms take which."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo import table
from geo.actor import Actor
from geo.carrier import ChannelError, parse, place_of, secrets_of
from geo.journal import TRANSITIONS
from geo.outgoing import SETTING
from geo.revision import keep
from geo.rule import SEVERITIES

# What of an alarm's life may be told outside (a mute is the desk's own), and what a route tells unless it says more.
TOLD = tuple(name for name in TRANSITIONS if name not in ("mute", "revise"))
ANNOUNCED = ("raise", "step", "escalate", "release")

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Channel:
    """One way out. config: what its kind needs, as JSON; it names secrets and holds none."""

    key: str
    kind: str
    name: str
    config: Mapping[str, Any]
    enabled: bool = True
    id: int = 0
    updated_at: datetime | None = None
    updated_by: str = ""
    warnings_since: datetime | None = None


@dataclass(frozen=True)
class Route:
    """Which alarms take a channel: of one rule (None: of every rule), of these severities, at these transitions."""

    rule_key: str | None = None
    severities: tuple[str, ...] = SEVERITIES
    transitions: tuple[str, ...] = ANNOUNCED


@dataclass(frozen=True)
class Problem:
    """Why a channel cannot send at present, in both languages."""

    kind: Literal["config", "place", "secret"]
    what: str
    vi: str
    en: str


def checked(channel: Channel) -> Channel:
    """The channel with its config complete and in order. Raises ChannelError."""
    if not _KEY.fullmatch(channel.key):
        raise ChannelError(
            "key",
            "gồm 1 đến 40 chữ thường, số, - và _",
            "must be 1 to 40 of a-z, 0-9, - and _, not beginning with a sign",
        )
    name = channel.name.strip()
    if not 0 < len(name) <= 80 or _CONTROL.search(name):
        raise ChannelError("name", "cần một tên, nhiều nhất 80 chữ", "must be given, with 80 letters at most")
    return replace(channel, name=name, config=vars(parse(channel.kind, channel.config)).copy())


def checked_route(route: Route) -> Route:
    """The route in order. Raises ChannelError."""
    for name, given, known in (
        ("severities", route.severities, SEVERITIES),
        ("transitions", route.transitions, TOLD),
    ):
        if not given or not set(given) <= set(known):
            known_words = ", ".join(known)
            raise ChannelError(name, f"cần ít nhất một trong: {known_words}", f"must be some of {known_words}")
    return replace(
        route,
        severities=tuple(one for one in SEVERITIES if one in route.severities),
        transitions=tuple(one for one in TOLD if one in route.transitions),
    )


def problems(channel: Channel, allowed: AbstractSet[str], secrets: AbstractSet[str]) -> tuple[Problem, ...]:
    """What an administrator must set before the channel can send."""
    try:
        config = parse(channel.kind, channel.config)
    except ChannelError as error:  # written by an older version
        return (Problem("config", error.field, f"{error.field}: {error.vi}", str(error)),)
    found = []
    where = place_of(config)
    if where not in allowed:
        words = f"{where} chưa có trong {SETTING}", f"{where} is not in {SETTING}"
        found.append(Problem("place", where, *words))
    for name in sorted(secrets_of(config) - secrets):
        words = f"không có bí mật “{name}” trong HAIDANG_SECRETS", f"there is no secret {name!r} in HAIDANG_SECRETS"
        found.append(Problem("secret", name, *words))
    return tuple(found)


def channels(connection: sa.Connection) -> list[Channel]:
    """All channels by their keys."""
    names = Channel.__dataclass_fields__
    rows = connection.execute(sa.select(table.channel).order_by(table.channel.c.key)).mappings()
    return [Channel(**{name: row[name] for name in names}) for row in rows]


def one(connection: sa.Connection, key: str) -> Channel | None:
    """The channel of that key, or None."""
    return next((each for each in channels(connection) if each.key == key), None)


def routes(connection: sa.Connection) -> dict[str, list[Route]]:
    """The routes of each channel, by its key; the one of every rule first."""
    column = table.route.c
    query = (
        sa.select(table.channel.c.key, column.rule_key, column.severities, column.transitions)
        .select_from(table.route.join(table.channel))
        .order_by(column.rule_key.nulls_first())
    )
    found: dict[str, list[Route]] = {}
    for key, rule_key, severities, transitions in connection.execute(query):
        found.setdefault(key, []).append(Route(rule_key, tuple(severities), tuple(transitions)))
    return found


def put_channel(connection: sa.Connection, channel: Channel, actor: Actor, now: datetime) -> Channel:
    """Add a channel, or change the one of that key, whose kind stays. Raises ChannelError."""
    item = checked(channel)
    before = one(connection, item.key)
    if before is not None and before.kind != item.kind:
        raise ChannelError("kind", f"kênh này là {before.kind}", f"this channel is {before.kind} and stays so")
    values = {name: getattr(item, name) for name in ("key", "kind", "name", "config", "enabled")}
    values |= {"updated_at": now, "updated_by": actor.name}
    statement = insert(table.channel).values(values)
    statement = statement.on_conflict_do_update(index_elements=["key"], set_=values)
    number = connection.scalar(statement.returning(table.channel.c.id)) or 0
    if before is not None and item.enabled and not before.enabled:
        # What happened while it was off is not told afterwards.
        connection.execute(sa.update(table.route).where(table.route.c.channel_id == number).values(since=now))
        takes = table.channel.c.warnings_since.is_not(None)
        connection.execute(
            sa.update(table.channel).where(table.channel.c.id == number, takes).values(warnings_since=now)
        )
    _keep(connection, item, actor, now)
    return replace(item, id=number, updated_at=now, updated_by=actor.name)


def put_route(connection: sa.Connection, channel: Channel, route: Route, actor: Actor, now: datetime) -> Route:
    """Add a route to a channel, or change the one of that rule; it tells of what happens from now on."""
    item = checked_route(route)
    rule = sa.select(table.rule.c.key).where(table.rule.c.key == item.rule_key)
    if item.rule_key is not None and connection.scalar(rule) is None:
        raise ChannelError("rule", f"không có luật “{item.rule_key}”", f"there is no rule {item.rule_key!r}")
    _lock(connection, channel)
    values: dict[str, Any] = {"channel_id": channel.id, "rule_key": item.rule_key, "since": now}
    values |= {"severities": list(item.severities), "transitions": list(item.transitions)}
    statement = insert(table.route).values(values)
    changed = {name: values[name] for name in ("severities", "transitions", "since")}
    connection.execute(statement.on_conflict_do_update(index_elements=["channel_id", "rule_key"], set_=changed))
    _keep(connection, channel, actor, now)
    return item


def drop_route(connection: sa.Connection, channel: Channel, rule_key: str | None, actor: Actor, now: datetime) -> bool:
    """Take a channel's route of that rule away; False when there is none."""
    _lock(connection, channel)
    column = table.route.c
    same = column.rule_key == rule_key if rule_key is not None else column.rule_key.is_(None)
    gone = connection.execute(sa.delete(table.route).where(column.channel_id == channel.id, same)).rowcount > 0
    if gone:
        _keep(connection, channel, actor, now)
    return gone


def take_warnings(connection: sa.Connection, channel: Channel, takes: bool, actor: Actor, now: datetime) -> Channel:
    """Say whether a channel takes our warnings too; it tells of those that are issued from now on."""
    _lock(connection, channel)
    since = now if takes else None
    mine = table.channel.c.id == channel.id
    connection.execute(sa.update(table.channel).where(mine).values(warnings_since=since))
    _keep(connection, channel, actor, now)
    return replace(channel, warnings_since=since)


def _lock(connection: sa.Connection, channel: Channel) -> None:
    """One change of a channel at a time, or two would write the same version of it."""
    connection.execute(sa.select(table.channel.c.id).where(table.channel.c.id == channel.id).with_for_update())


def _keep(connection: sa.Connection, channel: Channel, actor: Actor, now: datetime) -> None:
    """The channel's new version with its routes; it names secrets, as its config does."""
    column = table.revision.c
    newest = sa.select(sa.func.max(column.version)).where(column.kind == "channel", column.key == channel.key)
    version = (connection.scalar(newest) or 0) + 1
    own = routes(connection).get(channel.key, [])
    value: dict[str, Any] = {
        "kind": channel.kind,
        "name": channel.name,
        "config": dict(channel.config),
        "enabled": channel.enabled,
    }
    takes = sa.select(table.channel.c.warnings_since.is_not(None)).where(table.channel.c.key == channel.key)
    value["warnings"] = bool(connection.scalar(takes))
    value["routes"] = [{"rule": r.rule_key, "severities": r.severities, "transitions": r.transitions} for r in own]
    keep(connection, "channel", channel.key, version, value, now, actor, None)
