"""Reads and changes for a page: one short transaction in a worker thread."""

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from access.site import Site

PATIENCE_S = 8.0
P = ParamSpec("P")
T = TypeVar("T")


class DatabaseAway(Exception):
    """The database did not answer; the screen keeps what it shows and says so."""


async def read(site: Site, ask: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`ask(connection, ...)` of geo in a transaction of its own, off the event loop. Raises DatabaseAway."""

    def work() -> T:
        with site.engine.begin() as connection:
            return ask(connection, *args, **kwargs)

    return await _patiently(work)


async def act(site: Site, change: Callable[Concatenate[Site, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`change(site, ...)` of access, which has its own transaction, off the event loop. Raises DatabaseAway."""
    return await _patiently(lambda: change(site, *args, **kwargs))


# Dash runs callbacks on the event loop that also serves the live stream, so nothing may wait there.
async def _patiently(work: Callable[[], T]) -> T:
    try:
        return await asyncio.wait_for(asyncio.to_thread(work), PATIENCE_S)
    except SQLAlchemyError as error:
        raise DatabaseAway(str(error).splitlines()[0]) from error
    except TimeoutError as error:
        raise DatabaseAway(f"no answer within {PATIENCE_S:g} s") from error
