"""The step that stores a record once however often its sender tells it, by the sender's own id of the record."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo.table import told_record
from ingest.feed import RECORD_ID, Decoded, RawBatch

Part = tuple[RawBatch, Decoded]


def once(
    connection: sa.Connection, source: str, parts: Sequence[Part], now: datetime
) -> tuple[list[Part], Counter[int]]:
    """The batches without records whose id was told before, here or in an earlier transaction; the ids are noted in it.

    Returns them, and how many positions were dropped by batch number.
    """
    known: set[str] = set()
    ids = dict.fromkeys(each for _, part in parts for each in _ids(part) if each)
    if ids:
        told = [{"source": source, "record_id": each, "at": now} for each in ids]
        statement = insert(told_record).on_conflict_do_nothing().returning(told_record.c.record_id)
        known = ids.keys() - set(connection.scalars(statement, told))
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


def _ids(part: Decoded) -> list[str | None]:
    """The ids of a part's rows; none where nothing was told."""
    if RECORD_ID.name not in part.frame:
        return []
    return [each if isinstance(each, str) else None for each in part.frame[RECORD_ID.name]]
