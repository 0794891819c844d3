"""Finding the guilty record: what a decoder or the database refuses is narrowed down, and costs nobody else."""

from collections import Counter
from dataclasses import replace

import pandas as pd
import psycopg
import sqlalchemy as sa
import structlog
from psycopg.errors import ForeignKeyViolation

from geo.account import Account
from ingest.feed import Decoded, Lane, RawBatch, empty_frame, in_time_range
from ingest.lines import DECODER_FAULT

log = structlog.get_logger()
EPOCH = pd.Timestamp(0, tz="UTC")


def decode(lane: Lane, batch: RawBatch) -> Decoded:
    """The feed's decode; where it throws, the guilty lines are bisected out and counted as `decoder_fault`."""
    try:
        return _checked(lane, batch, lane.source.feed.decode(batch))
    except Exception as error:  # a decoder's own fault must cost its line, not the batch
        lines = [line for line in batch.raw.split(b"\n") if line]
        if len(lines) <= 1:
            log.error("decoder failed", source=batch.source, error=repr(error))
            account = Account(received=len(lines), rejected=Counter({DECODER_FAULT: len(lines)}))
            account.received += sum(batch.rejected.values())
            account.rejected.update(batch.rejected)
            letters = [*batch.letters, *((DECODER_FAULT, line) for line in lines)]
            return Decoded(empty_frame([lane.shape.key]), account, letters)
        middle = len(lines) // 2
        first = decode(lane, replace(batch, raw=b"\n".join(lines[:middle])))
        second = decode(lane, replace(batch, raw=b"\n".join(lines[middle:]), rejected={}, letters=()))
        first.account.add(second.account)
        frames = [part.frame for part in (first, second) if len(part.frame)]
        frame = pd.concat(frames, ignore_index=True) if frames else first.frame
        return Decoded(frame, first.account, [*first.letters, *second.letters])


def _checked(lane: Lane, batch: RawBatch, decoded: Decoded) -> Decoded:
    """What a decoder made, if it keeps its word: every row has a key and a time that a partition can take."""
    frame = decoded.frame
    if len(frame):
        at = (frame["observed_at"] - EPOCH) / pd.Timedelta(seconds=1)
        timely = at.notna().all() and all(in_time_range(each, batch.received_at) for each in (at.min(), at.max()))
        if frame[lane.shape.key].isna().any() or not timely:
            raise ValueError(f"a row without {lane.shape.key}, or whose observed_at is missing or out of range")
    return decoded


def blames_record(error: Exception) -> bool:
    """Whether an error is a refusal of a record's content: by the database (data, constraints), the driver or pandas.

    Anything else (a server that is away, a full disk, a missing table) would refuse every record alike: to bisect it
    would throw good ones away.
    """
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(cause, psycopg.Error):
        # A foreign key speaks of a rule or fence that went away, never of the record.
        refused = isinstance(cause, psycopg.DataError | psycopg.IntegrityError)
        return (refused and not isinstance(cause, ForeignKeyViolation)) or (
            isinstance(cause, psycopg.ProgrammingError) and cause.sqlstate is None  # a value no column can hold
        )
    return isinstance(error, ValueError | TypeError | ArithmeticError | LookupError)
