"""The account: what each source brought, what of it was accepted, and what was refused and why."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo import table

LETTERS_MAX = 1_000_000  # some 200 MB, 1.2 GB at the very most
LETTER_BYTES = 1024  # kept of each dead letter; one of that length may have been longer
COUNTS = ("received", "accepted", "ignored", "messages", "positions", "rows", "duplicates")


@dataclass
class Account:
    """Counts of one batch or of many; received = accepted + sum(rejected), in sentences or records of the feed.

    duplicates: positions that another station (or the same one) had brought already; positions = rows + duplicates,
    save for what the database refused.
    """

    received: int = 0
    accepted: int = 0
    ignored: int = 0
    messages: int = 0
    positions: int = 0
    rows: int = 0
    duplicates: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Account") -> None:
        """Add another account to this one."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.rejected.update(other.rejected)

    def as_dict(self) -> dict[str, Any]:
        """The account as contract.md's JSON object, without the seconds."""
        return {
            "received": self.received,
            "accepted": self.accepted,
            "rejected": dict(sorted(self.rejected.items())),
            "ignored": self.ignored,
            "messages": self.messages,
            "positions": self.positions,
            "rows": self.rows,
            "duplicates": self.duplicates,
        }


def feeds(connection: sa.Connection) -> list[dict[str, Any]]:
    """Every source that is configured, with its counts since the first start and the time of its last message."""
    query = sa.select(table.feed).order_by(table.feed.c.source)
    return [dict(row) for row in connection.execute(query).mappings()]


def register_feed(
    connection: sa.Connection, source: str, feed: str, layer: str, simulated: bool, expected_s: float
) -> None:
    """Make a source known, so that it is shown as silent before its first message."""
    row = {"source": source, "feed": feed, "layer": layer, "simulated": simulated, "expected_s": expected_s}
    statement = insert(table.feed).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["source"], set_=row))


def record(connection: sa.Connection, source: str, account: Account, last_message_at: datetime | None) -> None:
    """Add a committed batch's account to its source's counts; `last_message_at` is None when it brought no message."""
    column = table.feed.c
    heard = column.last_message_at.type
    faults = sa.literal(dict(account.rejected), table.feed.c.rejected.type)
    connection.execute(
        sa.update(table.feed)
        .where(column.source == source)
        .values(
            **{name: column[name] + getattr(account, name) for name in COUNTS},
            last_message_at=sa.func.greatest(column.last_message_at, sa.literal(last_message_at, heard)),
            rejected=sa.func.add_counts(column.rejected, faults) if account.rejected else column.rejected,
        )
    )


Identity = tuple[str, int]


def enter(
    connection: sa.Connection,
    source: str,
    batches: Sequence[tuple[str, int, str | None, Account]],
    now: datetime,
) -> set[Identity]:
    """Write batches (boot, seq, peer, account) into the ledger; the identities of those that were not there yet."""
    if not batches:
        return set()
    rows = [
        {
            **{name: getattr(account, name) for name in COUNTS},
            "source": source,
            "boot": boot,
            "seq": seq,
            "peer": peer,
            "committed_at": now,
            "rejected": dict(account.rejected),
        }
        for boot, seq, peer, account in batches
    ]
    statement = insert(table.ledger).on_conflict_do_nothing().returning(table.ledger.c.boot, table.ledger.c.seq)
    return {(boot, seq) for boot, seq in connection.execute(statement, rows)}


def settle(connection: sa.Connection, source: str, batches: Sequence[tuple[str, int, Account]]) -> None:
    """Put to the ledger what is known only after storing: each batch's (boot, seq) rows and duplicates."""
    values = sa.text(
        "UPDATE ledger l SET rows = b.rows, duplicates = b.duplicates"
        " FROM unnest(CAST(:boots AS text[]), CAST(:seqs AS bigint[]), CAST(:rows AS int[]),"
        " CAST(:duplicates AS int[])) AS b(boot, seq, rows, duplicates)"
        " WHERE l.source = :source AND l.boot = b.boot AND l.seq = b.seq"
    )
    boots, seqs, accounts = zip(*batches, strict=True)
    counts = {"rows": [each.rows for each in accounts], "duplicates": [each.duplicates for each in accounts]}
    connection.execute(values, {"source": source, "boots": list(boots), "seqs": list(seqs), **counts})


def record_minutes(connection: sa.Connection, source: str, counts: Mapping[datetime, int]) -> None:
    """Add messages to the minutes they were observed in: a history put in late stands where it belongs."""
    if not counts:
        return
    rows = [{"source": source, "at": at, "messages": number} for at, number in sorted(counts.items())]
    statement = insert(table.minute).values(rows)
    total = table.minute.c.messages + statement.excluded.messages
    connection.execute(statement.on_conflict_do_update(index_elements=["source", "at"], set_={"messages": total}))


def record_fault(connection: sa.Connection, source: str, name: str, count: int = 1) -> None:
    """Count failures of our own (a rule that threw, datagrams dropped) as a fact about the feed's health."""
    column = table.feed.c
    fault = sa.literal({name: count}, table.feed.c.faults.type)
    connection.execute(
        sa.update(table.feed).where(column.source == source).values(faults=sa.func.add_counts(column.faults, fault))
    )


def keep_letters(connection: sa.Connection, source: str, letters: Iterable[tuple[str, bytes]], now: datetime) -> None:
    """Keep rejected input (reason, raw bytes) as dead letters: the first 1 kB of each, LETTERS_MAX of them at most.

    Beyond that a reject is only counted, until geo.retention has made room.
    """
    rows = [{"source": source, "reason": reason, "raw": raw[:LETTER_BYTES], "at": now} for reason, raw in letters]
    if not rows:
        return
    number = table.dead_letter.c.id  # by their numbers, for which nothing is counted; gaps err on the safe side
    kept = connection.scalar(sa.select(sa.func.coalesce(sa.func.max(number) - sa.func.min(number) + 1, 0)))
    if rows := rows[: max(0, LETTERS_MAX - int(kept or 0))]:
        connection.execute(sa.insert(table.dead_letter), rows)


def peer_account(connection: sa.Connection, source: str, peer: str | None, since: datetime) -> Account:
    """What the ledger holds of one sender (or, with peer None, of a whole source) since a moment."""
    column = table.ledger.c
    query = sa.select(table.ledger).where(column.source == source, column.committed_at >= since)
    if peer is not None:
        query = query.where(column.peer == peer)
    total = Account()
    for row in connection.execute(query).mappings():
        total.add(Account(**{name: row[name] for name in COUNTS}, rejected=Counter(row["rejected"])))
    return total


def minutes(connection: sa.Connection, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Messages per minute over all sources in [start, end): rows of (at, messages)."""
    column = table.minute.c
    query = (
        sa.select(column.at, sa.func.sum(column.messages).label("messages"))
        .where(column.at >= start, column.at < end)
        .group_by(column.at)
        .order_by(column.at)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def minutes_by_source(connection: sa.Connection, start: datetime, end: datetime) -> dict[str, int]:
    """Messages of each source in [start, end)."""
    column = table.minute.c
    query = (
        sa.select(column.source, sa.func.sum(column.messages))
        .where(column.at >= start, column.at < end)
        .group_by(column.source)
    )
    return {row[0]: int(row[1]) for row in connection.execute(query)}
