"""What a city service says of one of its features: in words of its own where it has a page, else field by field."""

from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from sqlalchemy import Connection

from access.site import Site
from pages.text import Text


def facts(t: Text, layer: Any, row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Name and value pairs of what is known; a layer with words of its own has them in pages/<layer>.py."""
    own = _own(layer)
    if own is not None and hasattr(own, "facts"):
        return list(own.facts(t, row))
    return [(t.title(one), _value(t, row.get(one.name), one.unit)) for one in layer.fields]


def read_more(connection: Connection, site: Site, layer: Any, row: Mapping[str, Any], now: datetime) -> Any:
    """What the layer's own page wants to show below the facts besides the row, read from the database; else None."""
    own = _own(layer)
    return own.read_more(connection, site, layer, row, now) if own is not None and hasattr(own, "read_more") else None


def more(t: Text, layer: Any, row: Mapping[str, Any], found: Any) -> list[Any]:
    """That, drawn."""
    own = _own(layer)
    return list(own.more(t, row, found)) if own is not None and found is not None else []


def _own(layer: Any) -> Any:
    module = f"pages.{layer.name}"
    return import_module(module) if find_spec(module) is not None else None


def _value(t: Text, value: Any, unit: str) -> str:
    if value is None:
        return ""
    words = t.number(value, 2) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    return f"{words} {unit}".strip()
