"""The step that stores a record once however often its sender tells it, by the sender's own id of the record."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo.table import told_record
from ingest.feed import RECORD_ID, Decoded, RawBatch

Part = tuple[RawBatch, Decoded]
LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtext('haidang:told_record'), hashtext(:source))")


def once(connection: sa.Connection, source: str, parts: Sequence[Part]) -> tuple[list[Part], Counter[int]]:
    """The batches without records whose id was told before, here or in an earlier transaction.

    Returns them, and how many positions were dropped by batch number. Nobody else stores the source's records until the
    transaction ends, in which `note` keeps the ids of what was stored.
    """
    known: set[str] = set()
    ids = list(dict.fromkeys(each for _, part in parts for each in _ids(part) if each))
    if ids:
        # A worker that was taken for dead may still be at its last batch: whoever comes second sees what was noted.
        connection.execute(LOCK, {"source": source})
        column = told_record.c
        asked = sa.select(column.record_id).where(column.source == source, column.record_id == sa.func.any(ids))
        known = set(connection.scalars(asked))
    kept: list[Part] = []
    dropped: Counter[int] = Counter()
    for number, (batch, part) in enumerate(parts):
        own = _ids(part)
        again = []
        for each in own:
            again.append(each is not None and each in known)
            if each is not None:
                known.add(each)
        if any(again):
            stays = [not each for each in again]
            dropped[number] = int(part.frame["lon"].notna().to_numpy()[again].sum())
            part = replace(part, frame=part.frame[stays])
        kept.append((batch, part))
    return kept, dropped


def note(
    connection: sa.Connection, source: str, parts: Sequence[Part], refused: Collection[str], now: datetime
) -> None:
    """Keep the ids of what was stored; refused: those that the database refused, which may be told again."""
    ids = dict.fromkeys(each for _, part in parts for each in _ids(part) if each and each not in refused)
    if ids:
        told = [{"source": source, "record_id": each, "at": now} for each in ids]
        connection.execute(insert(told_record).on_conflict_do_nothing(), told)


def _ids(part: Decoded) -> list[str | None]:
    """The ids of a part's rows; none where nothing was told."""
    if RECORD_ID.name not in part.frame:
        return []
    return [each if isinstance(each, str) else None for each in part.frame[RECORD_ID.name]]
