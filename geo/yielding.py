"""Giving way: of two transactions that wait for each other's rows, the one that is cheap to repeat lets go first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

import sqlalchemy as sa
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random

T = TypeVar("T")
# A worker commits a whole batch and locks its rows in the order of its rules and objects, which no desk can know. So
# whoever makes a small change waits for less than PostgreSQL's deadlock_timeout (1 s): no circle lasts until the
# server would end it by refusing one of the two, perhaps the batch.
DESK_WAITS_MS, CLOCK_WAITS_MS = 400, 800
PATIENCE_S = 6.0  # less than a screen waits for its answer (pages.read)
IN_THE_WAY = ("55P03", "40P01")  # lock_not_available, deadlock_detected


@contextmanager
def giving_way(connection: sa.Connection, waits_ms: int) -> Iterator[None]:
    """A transaction that waits no longer than so for a row or a lock; `in_the_way` tells when it had to let go."""
    with connection.begin():
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(waits_ms)}")
        yield


def in_the_way(error: BaseException) -> bool:
    """Whether a change was refused only because somebody else was at the same rows: it may be repeated."""
    return isinstance(error, sa.exc.DBAPIError) and getattr(error.orig, "sqlstate", None) in IN_THE_WAY


def deed(engine: sa.Engine, change: Callable[[sa.Connection, datetime], T]) -> T:
    """A person's change in one transaction, repeated with a new `now` while others are at the same rows.

    Raises the server's own refusal when they still are after PATIENCE_S.
    """
    again = Retrying(
        retry=retry_if_exception(in_the_way),
        wait=wait_random(0.01, 0.1),
        stop=stop_after_delay(PATIENCE_S),
        reraise=True,
    )
    done: T = again(_once, engine, change)
    return done


def _once(engine: sa.Engine, change: Callable[[sa.Connection, datetime], T]) -> T:
    with engine.connect() as connection, giving_way(connection, DESK_WAITS_MS):
        return change(connection, datetime.now(UTC))
