"""Retention: what is archived, what is deleted and after how long; one run a day does all of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from geo import table
from geo.account import LETTERS_MAX
from geo.archive import RETENTION_MONTHS_MIN, TOO_SHORT, ArchiveError, close_day, expire, partitions, sweep
from geo.camera_event import camera_event, camera_event_entry, camera_plate, camera_plate_look
from geo.figure import Figures, NoFigure, figures
from geo.table import Shape

RUN_LOCK = 7_105_119_002  # any constant: one run at a time, whoever starts it
LEDGER_KEPT = timedelta(days=7)
RECORD_IDS_KEPT = timedelta(days=30)  # what a sender still repeats after that is another record


@dataclass(frozen=True)
class Policy:
    """After how many days a day is archived, for how many months positions are kept, and the dead letters' bounds.

    Raises:
        ValueError: fewer months than the law's 36.
    """

    archive_after_days: int = 7
    retention_months: int = 36
    dead_letter_days: int = 30
    dead_letter_rows: int = LETTERS_MAX * 3 // 4  # below what writers stop at, so that there is room again

    def __post_init__(self) -> None:
        if self.retention_months < RETENTION_MONTHS_MIN:
            raise ValueError(f"retention_months={self.retention_months}: {TOO_SHORT}")


def retain(
    owner: sa.Engine, place: Path, shapes: Sequence[Shape], policy: Policy, now: datetime, dry_run: bool = False
) -> Iterator[str]:
    """Archive closed days, delete what is older than it must be kept; yields what was done, in words.

    With `dry_run` it only says what is due.

    Raises:
        ArchiveError: another run is at work.
    """
    with _alone(owner):
        for shape in shapes:
            if shape.history is not None:
                yield from _archive(owner, place, shape, policy, now, dry_run)
        with owner.connect() as connection:
            prunings = _prunings(policy, now) | _camera_prunings(figures(connection), now)
        for name, statement in prunings.items():
            with owner.connect() as connection:
                count = connection.execute(statement).rowcount
                if dry_run:
                    connection.rollback()
                else:
                    connection.commit()
            if count:
                yield f"{count} rows of {name} {'are due to be deleted' if dry_run else 'deleted'}"


def _archive(
    owner: sa.Engine, place: Path, shape: Shape, policy: Policy, now: datetime, dry_run: bool
) -> Iterator[str]:
    assert shape.history is not None
    name = shape.history.name
    with owner.connect() as connection:
        due = [day for day in partitions(connection, shape) if (now.date() - day).days > policy.archive_after_days]
        if not dry_run:
            removed, strange = sweep(connection, place, shape)
            yield from (f"{path} removed: an interrupted run left it" for path in removed)
            yield from (f"{path} left alone: it is not registered in this database" for path in strange)
    for day in due:
        if dry_run:
            yield f"{name} {day} is due to be archived"
            continue
        try:
            part = close_day(owner, place, shape, day, now)
        except (ArchiveError, OSError) as error:  # a full disk; what it left behind goes at the next run
            yield f"NOT archived: {error}"
            continue
        yield f"{name} {day}: {part.rows} rows in {part.file}" if part else f"{name} {day}: empty, dropped"
    if not dry_run:
        for part in expire(owner, place, shape, policy.retention_months, now):
            yield f"{part.file} deleted: older than {policy.retention_months} months"


def _prunings(policy: Policy, now: datetime) -> dict[str, sa.Delete]:
    letter, line, minute = table.dead_letter.c, table.ledger.c, table.minute.c
    newest = sa.select(letter.id).order_by(letter.id.desc()).offset(policy.dead_letter_rows).limit(1).scalar_subquery()
    # The ledger makes a batch that comes twice harmless. Only a batch that was committed and not acknowledged can come
    # again from the stream, a source's batches are committed in order, and pending ones are read before new ones: so
    # none comes again after a later one of its source. A week behind the source's own last line is far beyond that,
    # even when everything has stood still for a month.
    latest = sa.select(line.source, sa.func.max(line.committed_at).label("at")).group_by(line.source).subquery()
    months = sa.literal(now) - sa.func.make_interval(0, policy.retention_months)
    return {
        "dead_letter": sa.delete(table.dead_letter).where(
            sa.or_(letter.at < now - timedelta(days=policy.dead_letter_days), letter.id <= newest)
        ),
        "ledger": sa.delete(table.ledger).where(
            line.committed_at < now - LEDGER_KEPT,
            line.source == latest.c.source,
            line.committed_at < latest.c.at - LEDGER_KEPT,
        ),
        "told_record": sa.delete(table.told_record).where(table.told_record.c.at < now - RECORD_IDS_KEPT),
        "minute": sa.delete(table.minute).where(minute.at < months),
    }


def _camera_prunings(known: Figures, now: datetime) -> dict[str, sa.Delete]:
    """A plate is somebody's: of an event that led to nothing it goes early, and the event itself later.

    What people decided stands, and so does who was told a plate. In this order, since a plate belongs to its event.
    """
    event, plate = camera_event.c, camera_plate.c
    try:
        plates = now - known.at("camera_plate_kept", now).span
        events = now - known.at("camera_event_kept", now).span
    except NoFigure:  # a database that was never given any keeps all of it
        return {}
    idle = sa.select(event.id).where(event.occurred_at < plates, event.state.not_in(("confirmed", "forwarded")))
    of_event = (camera_plate.c.event_id, camera_event_entry.c.event_id, camera_plate_look.c.event_id)
    return {
        "camera_plate": sa.delete(camera_plate).where(plate.event_id.in_(idle)),
        "camera_event": sa.delete(camera_event).where(
            event.occurred_at < events, *(~sa.exists().where(one == event.id) for one in of_event)
        ),
    }


@contextmanager
def _alone(owner: sa.Engine) -> Iterator[None]:
    with owner.connect() as connection:
        if not connection.scalar(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": RUN_LOCK}):
            raise ArchiveError("another run of the retention is at work; let it finish")
        connection.commit()
        try:
            yield
        finally:
            connection.rollback()
            connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": RUN_LOCK})
            connection.commit()
