"""The pipeline: what one transaction does with a portion of decoded batches, from ledger to alarms, in one sequence."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import sqlalchemy as sa
import structlog

from geo import account as accounts
from geo import flood, history, latest
from geo.anomaly import counts
from geo.column import STAMP, conform, epoch_us
from geo.fence import Fences
from geo.journal import head as journal_head
from geo.rule import Rule
from ingest import anomaly, duplicate
from ingest.blame import blames_record
from ingest.feed import RECORD_ID, Decoded, Lane, RawBatch
from ingest.identity import named
from ingest.judgement import STATE_FACTS, judge_batch
from ingest.meeting import behind, meeting_rules
from ingest.repetition import note, once
from ingest.revision import revise, revise_meetings
from ingest.scene import as_seen

log = structlog.get_logger()
REFUSED = "refused_by_database"
MINUTE_US = 60_000_000
Part = tuple[RawBatch, Decoded]


@dataclass(frozen=True)
class Measures:
    """By what a portion is judged: the fences and rules in force, and within how many seconds two are one."""

    fences: Fences
    rules: tuple[Rule, ...]
    duplicate_window_s: float = duplicate.WINDOW_S


@dataclass
class Committed:
    """What a portion left behind: rows and duplicates by batch number, after-states to tell, the journal's head.

    refused: the senders' ids of records that the database refused.
    """

    rows: Counter[int] = field(default_factory=Counter)
    duplicates: Counter[int] = field(default_factory=Counter)
    after: list[pd.DataFrame] = field(default_factory=list)
    head: int = 0
    refused: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Pipeline:
    """One portion's way through one transaction of one connection."""

    connection: sa.Connection
    lane: Lane
    measures: Measures
    now: datetime

    def commit(self, decoded: Sequence[Part]) -> Committed:
        """One transaction {whose, ledger, ids, latest, history, rules, accounts}; what was entered has no effect."""
        source = self.lane.source.name
        with self.connection.begin():
            for _, part in decoded:
                if len(part.frame):
                    history.ensure_days(self.connection, self.lane.shape, part.frame)
        done = Committed()
        with self.connection.begin():
            with flood.gathered(self.connection, self.now):
                fresh = self._enter(named(self.connection, self.lane, decoded))
                fresh, repeated = once(self.connection, source, fresh)
                done.duplicates.update(repeated)
                frame = joined(self.lane, fresh)
                if len(frame):
                    self._store(frame, done)
                note(self.connection, source, fresh, done.refused, self.now)
                self._account(fresh, done)
                accounts.record_minutes(self.connection, source, by_minute(frame))
            done.head = journal_head(self.connection)
        return done

    def _enter(self, decoded: Sequence[Part]) -> list[Part]:
        """Write the batches into the ledger; those that are there already are left out: they have had their effect."""
        entered = accounts.enter(
            self.connection,
            self.lane.source.name,
            [(batch.boot, batch.seq, batch.peer, part.account) for batch, part in decoded],
            self.now,
        )
        fresh = []
        for batch, part in decoded:
            if (batch.boot, batch.seq) in entered:
                entered.remove((batch.boot, batch.seq))  # two entries of one batch may stand in one portion
                fresh.append((batch, part))
        return fresh

    def _store(self, frame: pd.DataFrame, done: Committed) -> None:
        """Store a frame; what the database refuses is bisected out to the dead letters."""
        try:
            with self.connection.begin_nested():
                rows, duplicates, after = self._write(frame)
        except Exception as error:
            if not blames_record(error):
                raise
            if len(frame) > 1:
                middle = len(frame) // 2
                self._store(frame.iloc[:middle], done)
                self._store(frame.iloc[middle:], done)
                return
            source = self.lane.source.name
            log.error("record refused", source=source, error=str(error).splitlines()[0])
            if isinstance(own := frame.iloc[0].get(RECORD_ID.name), str):
                done.refused.add(own)
            text = frame.iloc[0].dropna().to_json(date_format="iso", force_ascii=False)
            accounts.keep_letters(self.connection, source, [(REFUSED, (text or "").encode())], self.now)
            accounts.record_fault(self.connection, source, REFUSED)
            return
        done.rows.update(rows)
        done.duplicates.update(duplicates)
        done.after.append(after)

    def _write(self, frame: pd.DataFrame) -> tuple[Counter[int], Counter[int], pd.DataFrame]:
        """Lock what is known -> drop what is known already -> mark what is odd -> latest, history -> fences and rules.

        What stands aside (geo.anomaly) goes into the history and no further. Returns rows and duplicates by batch
        number, and the after-state by key.
        """
        connection, shape = self.connection, self.lane.shape
        frame = conform(frame, shape.latest)
        rules = [rule for rule in self.measures.rules if rule.layer == self.lane.layer]
        columns = self._columns(rules)
        before = latest.lock(connection, shape, frame[shape.key].to_numpy(), self.lane.source.name, self.now, columns)
        frame, repeated = duplicate.drop(connection, shape, frame, before, self.measures.duplicate_window_s)
        before = before[before.index.isin(frame[shape.key])]
        frame, standing = anomaly.mark(connection, shape, frame, before)
        fixes = frame[latest.fixes(shape, frame)]
        history.append(connection, shape, fixes)
        stamps = [column.name for column in shape.latest.c if column.info.get("greatest")]
        frame = as_seen(frame[counts(frame["anomaly"])] if "anomaly" in frame else frame, stamps)
        if frame.empty:
            return Counter(fixes["batch"].tolist()), repeated, before.iloc[:0]
        after = latest.write(connection, shape, anomaly.stand(shape, frame, standing), columns)
        known = epoch_us(before["observed_at"])[before.index.get_indexer(pd.Index(frame[shape.key]))]
        late = epoch_us(frame["observed_at"]) < known
        judged = connection, shape, rules, self.measures.fences, self.lane.label
        meetings = meeting_rules(rules)
        apart = behind(connection, shape, meetings, frame, before, after, self.now)
        passed = judge_batch(*judged, frame[~late], before, after, self.now, self._fault, apart)
        # The memory of the rules is already past these: those that came after a newer one, and those that the clock
        # has overtaken.
        for keys in {frozenset(passed.get(rule.id, ())) for rule in rules}:
            chosen = frame[shape.key].astype(str).isin(keys).to_numpy()
            own = [rule for rule in rules if frozenset(passed.get(rule.id, ())) == keys]
            given = connection, shape, own, self.measures.fences, self.lane.label
            if chosen.any() or late.any():
                revise(*given, frame[late | chosen], after, self.now, self._fault)
            if chosen.any():
                revise_meetings(*given, frame, set(frame[shape.key][chosen]), after, self.now, self._fault)
        return Counter(fixes["batch"].tolist()), repeated, after

    def _columns(self, rules: Sequence[Rule]) -> set[str]:
        """What is needed of the latest state: for drawing, for the rules and their evidence, and to find anomalies."""
        judged = set().union(*(rule.columns for rule in rules))
        return {self.lane.label, *self.lane.live_columns, *judged, *STATE_FACTS, *anomaly.BEFORE}

    def _fault(self, name: str, error: Exception) -> None:
        log.error("rule failed", source=self.lane.source.name, rule=name, error=repr(error))
        accounts.record_fault(self.connection, self.lane.source.name, name)

    def _account(self, fresh: Sequence[Part], done: Committed) -> None:
        """Put rows and duplicates to the ledger's lines, keep the dead letters, add it all to the feed's counts."""
        if not fresh:
            return
        total = accounts.Account()
        source = self.lane.source.name
        for number, (_, part) in enumerate(fresh):
            part.account.rows, part.account.duplicates = done.rows[number], done.duplicates[number]
            total.add(part.account)
        accounts.settle(self.connection, source, [(batch.boot, batch.seq, part.account) for batch, part in fresh])
        letters = [letter for _, part in fresh for letter in part.letters]
        accounts.keep_letters(self.connection, source, letters, self.now)
        # A batch that only tells of a fault is no sign that the feed lives.
        heard = max((batch.received_at for batch, part in fresh if part.account.received), default=None)
        accounts.record(self.connection, source, total, None if heard is None else datetime.fromtimestamp(heard, UTC))
        for batch, _ in fresh:
            for name, count in batch.faults.items():
                accounts.record_fault(self.connection, source, name, count)


def joined(lane: Lane, parts: Sequence[Part]) -> pd.DataFrame:
    """All parts' rows in time order, each with its batch's number, source and time of reception."""
    frames = []
    for number, (batch, part) in enumerate(parts):
        if len(part.frame):
            received = pd.Timestamp(batch.received_at, unit="s", tz="UTC")
            frames.append(part.frame.assign(batch=number, received_at=received))
    if not frames:
        return pd.DataFrame()
    frame = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    frame = frame.assign(source=lane.source.name, simulated=lane.source.simulated)
    frame["received_at"] = frame["received_at"].astype(STAMP)
    return frame.sort_values("observed_at", kind="stable", ignore_index=True)


def by_minute(frame: pd.DataFrame) -> dict[datetime, int]:
    """How many records were observed in each minute."""
    if frame.empty:
        return {}
    minutes, counts = np.unique(epoch_us(frame["observed_at"]) // MINUTE_US, return_counts=True)
    return {datetime.fromtimestamp(m * 60, UTC): n for m, n in zip(minutes.tolist(), counts.tolist(), strict=True)}
