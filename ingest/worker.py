"""The worker: one visible sequence from a stream's raw batches to committed rows, alarms and a published delta."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import redis
import sqlalchemy as sa
import structlog
from redis.exceptions import RedisError, ResponseError
from sqlalchemy.dialects.postgresql import insert

from geo import account as accounts
from geo import history, latest, table
from geo.alarm import CHANNEL, journal_head
from geo.column import STAMP, conform
from geo.fence import Fences, fences
from geo.heartbeat import Heartbeat
from geo.live import encode
from geo.rule import Rule, rules
from ingest.blame import blames_record, decode
from ingest.feed import Decoded, Lane, RawBatch
from ingest.judgement import judge_batch
from ingest.stream import CONSUMER, GROUP, from_entry, trim_below

log = structlog.get_logger()
READ_ENTRIES, READ_BLOCK_MS = 32, 500
TRIM_EVERY_S, CLAIM_EVERY_S, RELOAD_EVERY_S = 5.0, 1.0, 1.0
PORTION_BYTES = 1 << 20
REFUSED, NO_BATCH = "refused_by_database", "no_batch"
Entry = tuple[bytes, dict[bytes, bytes]]


@dataclass
class _Hold:
    """A source that this worker works: where it reads on and what it acknowledged last."""

    lane: Lane
    cursor: str = "0"
    acknowledged: bytes = b"0-0"
    trimmed_at: float = 0.0


@dataclass
class Worker:
    """Works every source whose lock it gets; the lock is held on the very connection that writes."""

    lanes: Sequence[Lane]
    engine: sa.Engine
    stream: redis.Redis
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
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
        """One turn: claim sources, read what waits, process it, acknowledge it. Returns how many batches were done."""
        self._claim(connection)
        self._reload(connection)
        if not self._holds:
            time.sleep(CLAIM_EVERY_S / 4)
            return 0
        wanted: Any = {hold.lane.source.stream: hold.cursor for hold in self._holds.values()}
        backlog = any(cursor != ">" for cursor in wanted.values())
        answer: Any = self.stream.xreadgroup(
            GROUP, CONSUMER, wanted, count=READ_ENTRIES, block=None if backlog else READ_BLOCK_MS
        )
        entries: dict[str, list[Entry]] = {name.decode(): items for name, items in _pairs(answer)}
        done = 0
        for hold in self._holds.values():
            items = entries.get(hold.lane.source.stream, [])
            if not items:
                hold.cursor = ">"
                continue
            for group in _portions(items):
                self.heartbeat.beat()
                batches = self._batches(connection, hold.lane.source.name, group)
                self.process(connection, hold.lane, batches)
                self.stream.xack(hold.lane.source.stream, GROUP, *[entry_id for entry_id, _ in group])
                hold.acknowledged = group[-1][0]
                done += len(batches)
            self._trim(hold)
        return done

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

    def process(self, connection: sa.Connection, lane: Lane, batches: Sequence[RawBatch]) -> None:
        """Decode -> drop and count -> one transaction {ledger, history, latest, rules, accounts} -> publish."""
        decoded = [(batch, decode(lane, batch)) for batch in batches]
        now = self.now()
        with connection.begin():
            for _, part in decoded:
                if len(part.frame):
                    history.ensure_days(connection, lane.shape, part.frame)
        with connection.begin():
            fresh = [(batch, part) for batch, part in decoded if self._enter(connection, batch, part, now)]
            frame = _joined(lane, fresh)
            stored = self._store(connection, lane, frame, now) if len(frame) else []
            self._account(connection, lane, fresh, stored, now)
            accounts.record_minutes(connection, lane.source.name, _by_minute(frame))
            head = journal_head(connection)
        self._publish(lane, stored, head)

    def _enter(self, connection: sa.Connection, batch: RawBatch, part: Decoded, now: datetime) -> bool:
        """Write the batch into the ledger; False when it is there already, so that it has no second effect."""
        counts = {name: getattr(part.account, name) for name in accounts.COUNTS}
        row = {"source": batch.source, "boot": batch.boot, "seq": batch.seq, "peer": batch.peer, **counts}
        row |= {"rejected": dict(part.account.rejected), "committed_at": now}
        statement = insert(table.ledger).values(row).on_conflict_do_nothing().returning(table.ledger.c.seq)
        return connection.scalar(statement) is not None

    def _store(
        self, connection: sa.Connection, lane: Lane, frame: pd.DataFrame, now: datetime
    ) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
        """Store a frame; what the database refuses is bisected out to the dead letters. Returns (fixes, after)."""
        try:
            with connection.begin_nested():
                return [self._write(connection, lane, frame, now)]
        except Exception as error:
            if not blames_record(error):
                raise
            if len(frame) > 1:
                middle = len(frame) // 2
                first = self._store(connection, lane, frame.iloc[:middle], now)
                return first + self._store(connection, lane, frame.iloc[middle:], now)
            log.error("record refused", source=lane.source.name, error=str(error).splitlines()[0])
            text = frame.iloc[0].dropna().to_json(date_format="iso", force_ascii=False)
            accounts.keep_letters(connection, lane.source.name, [(REFUSED, (text or "").encode())], now)
            accounts.record_fault(connection, lane.source.name, REFUSED)
            return []

    def _write(
        self, connection: sa.Connection, lane: Lane, frame: pd.DataFrame, now: datetime
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        shape = lane.shape
        frame = conform(frame, shape.latest)
        before = latest.lock(connection, shape, frame[shape.key].to_numpy(), lane.source.name, now)
        after = latest.merge(shape, before, frame)
        fixes = frame[latest.fixes(shape, frame)]
        history.append(connection, shape, fixes)
        latest.write(connection, shape, after)
        known = before["observed_at"].reindex(frame[shape.key]).to_numpy()
        # A late record is history; the rules' memory is already past it.
        timely = frame[pd.isna(known) | (frame["observed_at"].to_numpy() >= known)]
        judge_batch(
            connection,
            [rule for rule in self._rules if rule.layer == lane.layer],
            self._fences,
            shape.key,
            lane.label,
            timely,
            after,
            now,
            lambda name, error: self._fault(connection, lane, name, error),
        )
        return fixes, after

    def _fault(self, connection: sa.Connection, lane: Lane, name: str, error: Exception) -> None:
        log.error("rule failed", source=lane.source.name, rule=name, error=repr(error))
        accounts.record_fault(connection, lane.source.name, name)

    def _account(
        self,
        connection: sa.Connection,
        lane: Lane,
        fresh: Sequence[tuple[RawBatch, Decoded]],
        stored: Sequence[tuple[pd.DataFrame, pd.DataFrame]],
        now: datetime,
    ) -> None:
        total = accounts.Account()
        rows = pd.concat([fixes["batch"] for fixes, _ in stored]).value_counts() if stored else {}
        column = table.ledger.c
        for number, (batch, part) in enumerate(fresh):
            part.account.rows = int(rows.get(number, 0))
            own = (column.source == batch.source) & (column.boot == batch.boot) & (column.seq == batch.seq)
            connection.execute(sa.update(table.ledger).where(own).values(rows=part.account.rows))
            accounts.keep_letters(connection, lane.source.name, part.letters, now)
            total.add(part.account)
        if fresh:
            heard = datetime.fromtimestamp(max(batch.received_at for batch, _ in fresh), UTC)
            accounts.record(connection, lane.source.name, total, heard)

    def _publish(self, lane: Lane, stored: Sequence[tuple[pd.DataFrame, pd.DataFrame]], head: int) -> None:
        """Tell the screens; a hint only, so a failure here costs them a moment and no data."""
        try:
            for _, after in stored:
                drawn = after[after["lon"].notna()]
                if len(drawn):
                    names = ["lon", "lat", "observed_at", "simulated", *lane.live_columns]
                    frame = drawn[list(dict.fromkeys(names))].assign(key=drawn.index.astype(str))
                    self.stream.publish(f"haidang:live:{lane.layer}", encode(frame))
            if stored:
                self.stream.publish(CHANNEL, str(head))
        except RedisError as error:
            log.warning("could not publish", error=str(error))

    def _claim(self, connection: sa.Connection) -> None:
        """Try for the locks of sources nobody works; a new source begins with its predecessor's unfinished entries."""
        if time.monotonic() - self._claimed < CLAIM_EVERY_S:
            return
        self._claimed = time.monotonic()
        for lane in self.lanes:
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
            version = tuple(_version(connection, name) for name in ("fence", "rule"))
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


def _version(connection: sa.Connection, name: str) -> str | None:
    """Something that differs whenever a row of the table does: every row's transaction. The latest time of change
    would not do, since of two changes the one with the earlier time may be committed later.
    """
    version: str | None = connection.scalar(sa.text(f"SELECT string_agg(xmin::text, ',' ORDER BY id) FROM {name}"))
    return version


def _by_minute(frame: pd.DataFrame) -> dict[datetime, int]:
    if frame.empty:
        return {}
    counts = frame["observed_at"].dt.floor("min").value_counts()
    return {pd.Timestamp(str(at)).to_pydatetime(): int(number) for at, number in counts.items()}


def _pairs(answer: Any) -> Iterable[tuple[bytes, list[Entry]]]:
    """The streams of an answer: a mapping to lists of entry lists under RESP 3, pairs under RESP 2."""
    if isinstance(answer, dict):
        return [(name, items[0]) for name, items in answer.items()]
    return answer or []


def _portions(items: Sequence[Entry]) -> Iterable[list[Entry]]:
    """Entries for one transaction each: under load large for throughput, yet small enough to be seen soon."""
    portion: list[Entry] = []
    size = 0
    for item in items:
        portion.append(item)
        size += len(item[1].get(b"raw", b"")) if item[1] else 0
        if size >= PORTION_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _joined(lane: Lane, fresh: Sequence[tuple[RawBatch, Decoded]]) -> pd.DataFrame:
    """All batches' rows in time order, each with its batch's number, source and time of reception."""
    parts = []
    for number, (batch, part) in enumerate(fresh):
        if len(part.frame):
            received = pd.Timestamp(batch.received_at, unit="s", tz="UTC")
            parts.append(part.frame.assign(batch=number, received_at=received))
    if not parts:
        return pd.DataFrame()
    frame = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    frame = frame.assign(source=lane.source.name, simulated=lane.source.simulated)
    frame["received_at"] = frame["received_at"].astype(STAMP)
    return frame.sort_values("observed_at", kind="stable", ignore_index=True)
