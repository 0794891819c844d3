"""Keys by which other systems push records: for a sender, for layers, perhaps for one provider; kept as a digest."""

import hmac
import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from geo.actor import Actor
from geo.fishery import provider
from geo.provider import by_name, plain, providers
from geo.revision import keep
from geo.table import core

PER_MINUTE = 600
USED_EVERY = timedelta(minutes=1)  # how exactly it is kept when a key was last used
SENDER = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
TOKEN = re.compile(r"hd_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


def _stamp(name: str, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


# prefix: the part of a token that may be shown, by which one that leaked is named; digest: SHA-256 of the whole token,
# which no dictionary has, since 256 bits of it are random.
api_key = sa.Table(
    "api_key",
    core,
    sa.Column("prefix", sa.Text, primary_key=True),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("layers", JSONB, nullable=False),
    sa.Column("provider", sa.Text, sa.ForeignKey("provider.key")),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("per_minute", sa.Integer, nullable=False),
    _stamp("created_at", nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    _stamp("expires_at"),
    _stamp("disabled_at"),
    sa.Column("disabled_by", sa.Text),
    _stamp("used_at"),
    sa.CheckConstraint("per_minute > 0", name="api_key_per_minute"),
)


class KeyFault(ValueError):
    """A key that cannot be made or found; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Key:
    """A key without its secret. provider_names: how its provider may be spelled, as geo.provider.plain writes it."""

    prefix: str
    sender: str
    layers: tuple[str, ...]
    provider: str | None
    per_minute: int
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    disabled_at: datetime | None = None
    disabled_by: str | None = None
    used_at: datetime | None = None
    provider_names: frozenset[str] = frozenset()

    def state(self, now: datetime) -> str:
        """Whether it opens anything: `in use`, `disabled` or `expired`."""
        if self.disabled_at is not None:
            return "disabled"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "in use"


def make(
    connection: sa.Connection,
    sender: str,
    layers: Iterable[str],
    provider_name: str | None,
    actor: Actor,
    now: datetime,
    expires_at: datetime | None = None,
    per_minute: int = PER_MINUTE,
) -> tuple[Key, str]:
    """A new key and its token, which is nowhere kept: whoever loses it gets another. Raises KeyFault."""
    if not SENDER.fullmatch(sender):
        raise KeyFault("the sender's name must be 1 to 40 of a-z, 0-9, - and _, not beginning with a sign")
    if expires_at is not None and expires_at <= now:
        raise KeyFault("the key would have expired already; give a later day")
    known = by_name(providers(connection))
    if provider_name is not None and plain(provider_name) not in known:
        there = ", ".join(sorted({each.key for each in known.values()}))
        raise KeyFault(f"the register has no provider {provider_name!r}; there are: {there}")
    speaks_for = known[plain(provider_name)].key if provider_name is not None else None
    prefix = secrets.token_hex(4)
    token = f"hd_{prefix}_{secrets.token_urlsafe(32)}"
    key = Key(prefix, sender, tuple(layers), speaks_for, per_minute, now, actor.name, expires_at)
    own = ("prefix", "sender", "provider", "per_minute", "created_at", "created_by", "expires_at")
    values = {name: getattr(key, name) for name in own} | {"layers": list(key.layers), "digest": _digest(token)}
    connection.execute(sa.insert(api_key).values(values))
    _keep(connection, key, 1, now, actor)
    return key, token


def disable(connection: sa.Connection, prefix: str, actor: Actor, now: datetime) -> Key:
    """Close a key for ever, at once. Raises KeyFault."""
    column = api_key.c
    open_one = (column.prefix == prefix) & column.disabled_at.is_(None)
    values = {"disabled_at": now, "disabled_by": actor.name}
    done = connection.execute(sa.update(api_key).where(open_one).values(values)).rowcount
    found = next((key for key in keys(connection) if key.prefix == prefix), None)
    if found is None:
        raise KeyFault(f"there is no key {prefix!r}; 'user token list' shows them")
    if not done:
        raise KeyFault(f"key {prefix} was disabled already, by {found.disabled_by}")
    _keep(connection, found, 2, now, actor)
    return found


def keys(connection: sa.Connection, prefixes: Collection[str] | None = None) -> list[Key]:
    """All keys, or those of these prefixes, the newest last."""
    query = sa.select(api_key, provider.c.name.label("provider_name")).join(provider, isouter=True)
    if prefixes is not None:
        query = query.where(api_key.c.prefix.in_(prefixes))
    return [_key(row) for row in connection.execute(query.order_by(api_key.c.created_at)).mappings()]


def _key(row: sa.RowMapping) -> Key:
    names = {plain(name) for name in (row["provider"], row["provider_name"]) if name}
    own = {name: row[name] for name in Key.__dataclass_fields__ if name in row and name != "layers"}
    return Key(**own, layers=tuple(row["layers"]), provider_names=frozenset(names))


def of_token(connection: sa.Connection, token: str, now: datetime) -> Key | None:
    """The key that a token opens with; None when it is none, or one that is disabled or expired.

    The digests are compared in constant time, also where there is no such key.
    """
    shape = TOKEN.fullmatch(token)
    wanted = shape[1] if shape else ""
    kept = connection.scalar(sa.select(api_key.c.digest).where(api_key.c.prefix == wanted)) or "0" * 64
    if not hmac.compare_digest(kept, _digest(token)):
        return None
    key = next(iter(keys(connection, [wanted])), None)
    return key if key is not None and key.state(now) == "in use" else None


def used(connection: sa.Connection, key: Key, now: datetime) -> None:
    """Note that a key is in use, once a minute."""
    if key.used_at is None or now - key.used_at >= USED_EVERY:
        connection.execute(sa.update(api_key).where(api_key.c.prefix == key.prefix).values(used_at=now))


def senders(connection: sa.Connection) -> list[tuple[str, str]]:
    """Every (sender, layer) that a key was ever made for: what they pushed is worked off whatever became of the key."""
    return sorted({(key.sender, layer) for key in keys(connection) for layer in key.layers})


def ended(connection: sa.Connection, now: datetime) -> set[str]:
    """Senders none of whose keys opens anything any more: of them nothing is expected."""
    known = keys(connection)
    return {key.sender for key in known} - {key.sender for key in known if key.state(now) == "in use"}


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _keep(connection: sa.Connection, key: Key, version: int, now: datetime, actor: Actor) -> None:
    value = {name: getattr(key, name) for name in ("sender", "layers", "provider", "per_minute")}
    value |= {"expires_at": key.expires_at and key.expires_at.isoformat(), "disabled": key.disabled_at is not None}
    keep(connection, "api_key", key.prefix, version, value, now, actor, None)
