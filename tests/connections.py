"""Connections for tests: every engine a test opens is closed with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from geo.database import engine


@contextmanager
def connected(url: str) -> Iterator[sa.Engine]:
    """An engine on `url` for as long as the context lasts."""
    opened = engine(url)
    try:
        yield opened
    finally:
        opened.dispose()


def asked(url: str, statement: str, **values: Any) -> list[dict[str, Any]]:
    """The rows of a query in a transaction of its own."""
    with connected(url) as opened, opened.connect() as connection:
        return [dict(row) for row in connection.execute(sa.text(statement), values).mappings()]


def told(url: str, statement: str, **values: Any) -> None:
    """Run a statement in a transaction of its own."""
    with connected(url) as opened, opened.begin() as connection:
        connection.execute(sa.text(statement), values)
