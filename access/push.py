"""The door for records that other systems push: whose key it is, what of a request is taken, and how that is kept."""

import itertools
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from typing import Any, Protocol

import pandas as pd
import redis
import sqlalchemy as sa
from redis.backoff import NoBackoff
from redis.retry import Retry

from access.site import Site
from geo import api_key, table
from geo.api_key import Key
from geo.fishery import device
from geo.provider import plain
from ingest.boat import carriers
from ingest.feed import RECORD_ID, Push, RawBatch, pushed_source, stream_name
from ingest.lines import LETTERS_MAX
from ingest.push import Judged, judge, unread
from ingest.stream import to_entry
from ingest.vms import NAMES_BOAT
from layers import push_feed
from layers.layer import Layer

RECORDS_MAX = 5_000  # of one request
BACKLOG_BYTES_MAX = 64 << 20  # of one sender in Redis: beyond that it waits, and nobody else does
RETRY_AFTER_S = 5
UNREAD_MAX, UNREAD_LETTERS = 20, 64
PROVIDER = "provider"
DATABASE_AWAY = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)


class Named(Protocol):
    """What takes records, by the name that keys are for."""

    @property
    def name(self) -> str: ...  # noqa: D102  the class says it


class Denied(Exception):
    """A request that is not taken: the HTTP status, why, and after how many seconds it may come again."""

    def __init__(self, status: int, reason: str, retry_after_s: int | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.retry_after_s = status, reason, retry_after_s


@dataclass(frozen=True)
class Reject:
    """A record that is not taken: its place in the request, the sender's id of it, and why."""

    index: int
    record_id: str | None
    reason: str


@dataclass
class Taken:
    """What became of a request's records: received = accepted + already + rejected."""

    received: int = 0
    accepted: int = 0
    already: int = 0
    rejected: list[Reject] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Door:
    """One web process's door. Its boot and the numbers of its batches make each batch one of a kind in the ledger."""

    site: Site
    boot: str = field(default_factory=lambda: f"web {uuid.uuid4().hex}")
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def admit(self, token: str | None, layer: Named) -> Key:
        """The key of a request, which counts against what it may ask in a minute. Raises Denied."""
        now = datetime.now(UTC)
        try:
            with self.site.engine.begin() as connection:
                key = api_key.of_token(connection, token or "", now)
                if key is not None:
                    api_key.used(connection, key, now)
        except DATABASE_AWAY:
            raise away("the database") from None
        if key is None:
            raise Denied(401, "a valid API key is needed: Authorization: Bearer hd_..., or X-API-Key: hd_...")
        if layer.name not in key.layers:
            raise Denied(403, f"this key may push to: {', '.join(key.layers)}; not to {layer.name}")
        self._count(key, now)
        return key

    def take(self, key: Key, layer: Layer, records: Sequence[Any], idempotency: str | None) -> Taken:
        """Judge each record and keep what is good; when this returns, Redis has it on disk. Raises Denied."""
        feed = push_feed(layer)
        assert feed is not None
        assert feed.push is not None
        now, source = time.time(), pushed_source(feed, key.sender)
        given = {PROVIDER: key.provider} if key.provider and PROVIDER in feed.push.names else {}
        found = [judge(feed.push, told, given, now) for told in records]
        try:
            with self.site.engine.connect() as connection:
                found = _own(connection, key, feed.push, found)
                known = _known(connection, source, found)
                boot, seq = self._identity(connection, source, key, records, idempotency)
                before = boot != self.boot and _entered(connection, source, boot, seq)
        except DATABASE_AWAY:
            raise away("the database") from None
        taken, lines = _sorted(found, known)
        taken.unread = [name[:UNREAD_LETTERS] for name in unread(feed.push, records)[:UNREAD_MAX]]
        if before:
            return Taken(taken.received, 0, taken.already + taken.accepted, taken.rejected, taken.unread)
        letters = [(each.reason, each.line[:1024]) for each in found if each.reason]
        self._keep(_batch(key, (source, boot, seq, now), lines, letters))
        return taken

    def refuse(self, key: Key, layer: Layer, body: bytes, reason: str) -> None:
        """Count a body that cannot be read as one reject, and keep its beginning. Raises Denied."""
        feed = push_feed(layer)
        assert feed is not None
        whence = pushed_source(feed, key.sender), self.boot, next(self._numbers), time.time()
        self._keep(_batch(key, whence, (), [(reason, body[:1024])]))

    def _identity(
        self, connection: sa.Connection, source: str, key: Key, records: Sequence[Any], idempotency: str | None
    ) -> tuple[str, int]:
        """The batch's own name in the ledger; with an Idempotency-Key the same for the same request, wherever it comes.

        Raises Denied where the key stands for another request already.
        """
        if idempotency is None:
            return self.boot, next(self._numbers)
        boot = f"told {sha256(idempotency.encode()).hexdigest()[:32]}"
        seq = int.from_bytes(blake2b(_said(records), digest_size=7).digest())
        column = table.ledger.c
        others = sa.select(column.seq).where(column.source == source, column.boot == boot, column.seq != seq)
        if connection.scalar(others.limit(1)) is not None:
            raise Denied(409, "this Idempotency-Key was used for other records; give each request its own")
        return boot, seq

    def _keep(self, batch: RawBatch) -> None:
        """One entry into the source's stream. A try that Redis did not answer may make two, which the ledger knows."""
        if not batch.raw and not batch.rejected:
            return
        try:
            with self._redis() as client:
                waiting: Any = client.memory_usage(stream_name(batch.source))
                if (waiting or 0) > BACKLOG_BYTES_MAX:
                    raise Denied(503, "what you pushed before is still being worked off; wait", RETRY_AFTER_S)
                fields: Any = to_entry(batch)
                client.xadd(stream_name(batch.source), fields)
        except (redis.RedisError, OSError):
            raise away("the queue") from None

    def _count(self, key: Key, now: datetime) -> None:
        minute = int(now.timestamp() // 60)
        name = f"haidang:push:{key.prefix}:{minute}"
        try:
            with self._redis() as client, client.pipeline() as pipe:
                pipe.incr(name)
                pipe.expire(name, 120)
                asked = int(pipe.execute()[0])
        except (redis.RedisError, OSError):
            raise away("the queue") from None
        if asked > key.per_minute:
            after = 60 - int(now.timestamp()) % 60
            raise Denied(429, f"this key may ask {key.per_minute} times a minute: put more records in one", after)

    def _redis(self) -> redis.Redis:
        # Without redis-py's own retries, which take seconds in which the sender waits.
        return redis.Redis.from_url(
            self.site.redis_url, socket_timeout=5, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
        )


def _said(records: Sequence[Any]) -> bytes:
    """Records as bytes by which one request is told from another. Raises Denied."""
    try:
        return repr(records).encode()
    except RecursionError:
        raise Denied(400, "a record is nested too deeply; send only what the layer reads") from None


def away(what: str) -> Denied:
    """The answer while what a push needs does not answer."""
    # Not that nothing was kept: what Redis was told and did not answer for may be there.
    words = f"{what} is away: send it again, with the same record_id in each record or the same Idempotency-Key"
    return Denied(503, words, RETRY_AFTER_S)


def _batch(
    key: Key, whence: tuple[str, str, int, float], lines: Sequence[bytes], letters: Sequence[tuple[str, bytes]]
) -> RawBatch:
    """A batch of good lines; its rejects are counted by reason, and the first of them are its dead letters."""
    rejected = Counter(reason for reason, _ in letters)
    return RawBatch(*whence, b"\n".join(lines), f"key {key.prefix}", rejected, letters[:LETTERS_MAX])


def _own(connection: sa.Connection, key: Key, push: Push, found: Sequence[Judged]) -> list[Judged]:
    """Without what a key that is bound to a provider says for another.

    That is by its name, by another's device, or of a boat that others carry and the key's provider does not: a position
    told by hand names no device, and would move the boat.
    """
    if key.provider is None or PROVIDER not in push.names:
        return list(found)
    named = [{name: (each.row or {}).get(name) or "" for name in NAMES_BOAT} for each in found]
    carried = carriers(connection, pd.DataFrame(named, columns=list(NAMES_BOAT)))
    devices = sorted({str(each.row["device"]) for each in found if each.row and each.row.get("device")})
    query = sa.select(device.c.id).where(device.c.id == sa.func.any(devices), device.c.provider != key.provider)
    others = set(connection.scalars(query)) if devices else set()

    def foreign(each: Judged, by: frozenset[str]) -> bool:
        row = each.row or {}
        if not row:
            return False
        named = plain(row[PROVIDER] or "") in key.provider_names
        return not named or row.get("device") in others or (bool(by) and key.provider not in by)

    pairs = zip(found, carried, strict=True)
    return [Judged(one.line, None, PROVIDER, _id(one)) if foreign(one, by) else one for one, by in pairs]


def _id(judged: Judged) -> str | None:
    return judged.row.get(RECORD_ID.name) if judged.row else judged.record_id


def _known(connection: sa.Connection, source: str, found: Sequence[Judged]) -> set[str]:
    """Which of the records' ids are stored already; what is still on its way is stored once all the same."""
    ids = [each.row[RECORD_ID.name] for each in found if each.row and each.row.get(RECORD_ID.name)]
    column = table.told_record.c
    query = sa.select(column.record_id).where(column.source == source, column.record_id == sa.func.any(ids))
    return set(connection.scalars(query)) if ids else set()


def _entered(connection: sa.Connection, source: str, boot: str, seq: int) -> bool:
    column = table.ledger.c
    query = sa.select(column.seq).where(column.source == source, column.boot == boot, column.seq == seq)
    return connection.scalar(query) is not None


def _sorted(found: Sequence[Judged], known: set[str]) -> tuple[Taken, list[bytes]]:
    """What to answer, and the lines to keep: of each id one."""
    taken, lines, seen = Taken(received=len(found)), [], set(known)
    for index, each in enumerate(found):
        if each.row is None:
            taken.rejected.append(Reject(index, each.record_id, each.reason or ""))
            continue
        own = each.row.get(RECORD_ID.name)
        if own is not None and own in seen:
            taken.already += 1
            continue
        if own is not None:
            seen.add(own)
        taken.accepted += 1
        lines.append(each.line)
    return taken, lines
