"""Who carries the fixes of monitoring devices: the providers that every register starts with, found by any name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo.fishery import provider
from geo.fold import fold


@dataclass(frozen=True)
class Provider:
    """A provider: its key, its name as it is shown, and the number at which its duty desk answers."""

    key: str
    name: str
    phone: str | None = None


# Those that Vietnamese boats carry devices of; Zunibal is to be confirmed by the authority.
PROVIDERS = (
    Provider("vnpt", "VNPT"),
    Provider("viettel", "Viettel"),
    Provider("vishipel", "Vishipel"),
    Provider("binhanh", "Bình Anh"),
    Provider("bachkhoa", "Bách Khoa"),
    Provider("zunibal", "Zunibal"),
)


def put_providers(connection: sa.Connection, items: Iterable[Provider]) -> int:
    """Add the providers whose key is not there yet; one that somebody has changed since stays; how many were added."""
    statement = insert(provider).values([vars(item) for item in items]).on_conflict_do_nothing(index_elements=["key"])
    return len(connection.execute(statement.returning(provider.c.key)).all())


def providers(connection: sa.Connection) -> tuple[Provider, ...]:
    """All providers, by key."""
    rows = connection.execute(sa.select(provider).order_by(provider.c.key)).mappings()
    return tuple(Provider(**row) for row in rows)


def by_name(items: Iterable[Provider]) -> Mapping[str, Provider]:
    """Providers under their keys and names as `plain` writes them."""
    return {plain(name): item for item in items for name in (item.key, item.name)}


def plain(name: str) -> str:
    """A provider's name without accents, case and separators: `Bình Anh` and `BINH-ANH` are one."""
    return fold(name).replace(" ", "")
