"""The worker: one visible sequence from a stream's raw batches to committed rows, alarms and a published delta."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import redis
import sqlalchemy as sa
import structlog
from redis.exceptions import RedisError, ResponseError

from geo import account as accounts
from geo.alarm import CHANNEL
from geo.fence import Fences, fences
from geo.heartbeat import Heartbeat
from geo.live import encode
from geo.revision import mark
from geo.rule import Rule, rules
from ingest import duplicate
from ingest.blame import decode
from ingest.feed import Lane, RawBatch
from ingest.pipeline import Committed, Measures, Part, Pipeline
from ingest.stream import CONSUMER, GROUP, from_entry, trim_below

log = structlog.get_logger()
READ_BLOCK_MS = 500
# Entries asked for at once: many while they are small, few while they are a MiB each, for memory's sake.
READ_ENTRIES_MIN, READ_ENTRIES_MAX, READ_BYTES_LOW, READ_BYTES_HIGH = 8, 4096, 1 << 20, 8 << 20
TRIM_EVERY_S, CLAIM_EVERY_S, RELOAD_EVERY_S = 5.0, 1.0, 1.0
PORTION_BYTES = 4 << 20
NO_BATCH = "no_batch"
Entry = tuple[bytes, dict[bytes, bytes]]


@dataclass
class _Hold:
    """A source that this worker works: where it reads on, what it has read, is decoding, and acknowledged last."""

    lane: Lane
    cursor: str = "0"
    waiting: deque[Entry] = field(default_factory=deque)
    ahead: tuple[list[Entry], "Future[list[Part]]"] | None = None
    acknowledged: bytes = b"0-0"
    trimmed_at: float = 0.0


@dataclass
class Worker:
    """Works every source whose lock it gets; the lock is held on the very connection that writes.

    further: lanes that come up while it runs, asked for whenever it looks for sources.
    """

    lanes: Sequence[Lane]
    engine: sa.Engine
    stream: redis.Redis
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    duplicate_window_s: float = duplicate.WINDOW_S
    further: Callable[[sa.Connection], Sequence[Lane]] = lambda _: ()
    _decoder: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "decode"))
    _read_entries: int = 32
    _holds: dict[str, _Hold] = field(default_factory=dict)
    _fences: Fences = field(default_factory=lambda: Fences(()))
    _rules: tuple[Rule, ...] = ()
    _version: object = None
    _checked: float = -1e9
    _claimed: float = -1e9

    def run(self, stopping: Callable[[], bool]) -> None:
        """Work until told to stop; a server that is away is waited for, and nothing is lost meanwhile."""
        while not stopping():
            self.heartbeat.beat()
            try:
                with self.engine.connect() as connection:
                    self.heartbeat.beat_with(connection)
                    self._holds, self._claimed = {}, -1e9
                    while not stopping():
                        self.heartbeat.beat()
                        self.turn(connection)
            except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
                log.warning("database is away", error=str(error).splitlines()[0])
                self.engine.dispose()
                time.sleep(0.25)
            except (RedisError, OSError) as error:
                log.warning("redis is away", error=str(error))
                time.sleep(0.25)

    def turn(self, connection: sa.Connection) -> int:
        """One turn: claim sources, read what waits, then one portion of each source: a flood delays its own only.

        Returns how many batches were done.
        """
        self._claim(connection)
        self._reload(connection)
        if not self._holds:
            time.sleep(CLAIM_EVERY_S / 4)
            return 0
        self._read()
        done = 0
        for hold in self._holds.values():
            self._decode_ahead(connection, hold)
            if hold.ahead is None:
                continue
            self.heartbeat.beat()
            entries, decoding = hold.ahead
            decoded = decoding.result()
            hold.ahead = None
            self._decode_ahead(connection, hold)  # while the database is busy with this one
            self.process(connection, hold.lane, decoded)
            self.stream.xack(hold.lane.source.stream, GROUP, *[entry_id for entry_id, _ in entries])
            hold.acknowledged = entries[-1][0]
            self._trim(hold)
            done += len(decoded)
        return done

    def _read(self) -> None:
        """Fetch entries for the sources that have none left; waits only when no source has any."""
        empty = [hold for hold in self._holds.values() if not hold.waiting]
        if not empty:
            return
        idle = all(hold.cursor == ">" and not hold.waiting and hold.ahead is None for hold in self._holds.values())
        wanted: Any = {hold.lane.source.stream: hold.cursor for hold in empty}
        block = READ_BLOCK_MS if idle else None
        answer: Any = self.stream.xreadgroup(GROUP, CONSUMER, wanted, count=self._read_entries, block=block)
        found: dict[str, list[Entry]] = {name.decode(): items for name, items in _pairs(answer)}
        for hold in empty:
            items = found.get(hold.lane.source.stream, [])
            if hold.cursor != ">":
                # What its predecessor left pending, page by page; then what is new.
                hold.cursor = items[-1][0].decode() if items else ">"
            hold.waiting.extend(items)
        most = max((sum(map(_size, items)) for items in found.values()), default=0)
        if most > READ_BYTES_HIGH:
            self._read_entries = max(self._read_entries // 2, READ_ENTRIES_MIN)
        elif most < READ_BYTES_LOW and any(len(items) == self._read_entries for items in found.values()):
            self._read_entries = min(self._read_entries * 2, READ_ENTRIES_MAX)

    def _decode_ahead(self, connection: sa.Connection, hold: _Hold) -> None:
        """Have the next portion of a source decoded, if there is one: large under load, and soon seen when quiet."""
        if hold.ahead is not None or not hold.waiting:
            return
        entries: list[Entry] = []
        size = 0
        while hold.waiting and size < PORTION_BYTES:
            entries.append(hold.waiting.popleft())
            size += _size(entries[-1])
        batches = self._batches(connection, hold.lane.source.name, entries)
        hold.ahead = entries, self._decoder.submit(_decoded, hold.lane, batches)

    def _batches(self, connection: sa.Connection, source: str, group: Sequence[Entry]) -> list[RawBatch]:
        """The entries' batches; what is no batch of ours goes to the dead letters, or it would come back for ever."""
        found: list[RawBatch] = []
        for entry_id, fields in group:
            if not fields:  # trimmed while it was still pending: nothing is left of it to do
                continue
            try:
                found.append(from_entry(source, fields))
            except (ValueError, LookupError, TypeError) as error:
                log.error("not a batch", source=source, entry=entry_id.decode(), error=repr(error))
                with connection.begin():
                    accounts.keep_letters(connection, source, [(NO_BATCH, repr(fields).encode())], self.now())
                    accounts.record_fault(connection, source, NO_BATCH)
        return found

    def process(self, connection: sa.Connection, lane: Lane, decoded: Sequence[Part]) -> None:
        """One portion: one transaction, and, once that is committed, a hint to the screens."""
        measures = Measures(self._fences, self._rules, self.duplicate_window_s)
        self._publish(lane, Pipeline(connection, lane, measures, self.now()).commit(decoded))

    def _publish(self, lane: Lane, done: Committed) -> None:
        """Tell the screens; a hint only, so a failure here costs them a moment and no data."""
        try:
            for after in done.after:
                drawn = after[after["lon"].notna()]
                if len(drawn):
                    odd = [name for name in ("anomaly",) if name in drawn]
                    names = ["lon", "lat", "observed_at", "simulated", *odd, *lane.live_columns]
                    frame = drawn[list(dict.fromkeys(names))].assign(key=drawn.index.astype(str))
                    self.stream.publish(f"haidang:live:{lane.layer}", encode(frame))
            if done.after:
                self.stream.publish(CHANNEL, str(done.head))
        except RedisError as error:
            log.warning("could not publish", error=str(error))

    def _claim(self, connection: sa.Connection) -> None:
        """Try for the locks of sources nobody works; a new source begins with its predecessor's unfinished entries."""
        if time.monotonic() - self._claimed < CLAIM_EVERY_S:
            return
        self._claimed = time.monotonic()
        with connection.begin():
            further = self.further(connection)
        for lane in (*self.lanes, *further):
            name = lane.source.name
            if name in self._holds:
                continue
            with connection.begin():
                lock = sa.text("SELECT pg_try_advisory_lock(hashtext('haidang:source'), hashtext(:name))")
                if not connection.scalar(lock, {"name": name}):
                    continue
                source = lane.source
                accounts.register_feed(
                    connection, name, source.feed.name, lane.layer, source.simulated, source.feed.expected_s
                )
            try:
                self.stream.xgroup_create(source.stream, GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
            self._holds[name] = _Hold(lane)
            log.info("working", source=name)

    def _reload(self, connection: sa.Connection) -> None:
        """Take over changed fences and rules, within a second of their commit."""
        if time.monotonic() - self._checked < RELOAD_EVERY_S:
            return
        self._checked = time.monotonic()
        with connection.begin():
            version = mark(connection)
            if version != self._version:
                self._fences, self._rules = Fences(tuple(fences(connection))), tuple(rules(connection))
                self._version = version
                log.info("fences and rules", fences=len(self._fences.items), rules=len(self._rules))

    def _trim(self, hold: _Hold) -> None:
        if time.monotonic() - hold.trimmed_at < TRIM_EVERY_S:
            return
        hold.trimmed_at = time.monotonic()
        pending: Any = self.stream.xpending_range(hold.lane.source.stream, GROUP, "-", "+", 1)
        oldest: list[Any] = [item["message_id"] for item in pending]
        minimum = trim_below(oldest, hold.acknowledged)
        self.stream.xtrim(hold.lane.source.stream, minid=minimum, approximate=False)


def _pairs(answer: Any) -> Iterable[tuple[bytes, list[Entry]]]:
    """The streams of an answer: a mapping to lists of entry lists under RESP 3, pairs under RESP 2."""
    if isinstance(answer, dict):
        return [(name, items[0]) for name, items in answer.items()]
    return answer or []


def _decoded(lane: Lane, batches: Sequence[RawBatch]) -> list[Part]:
    return [(batch, decode(lane, batch)) for batch in batches]


def _size(entry: Entry) -> int:
    return len(entry[1].get(b"raw", b"")) if entry[1] else 0
