"""What a city service says of one of its features: in words of its own where it has a page, else field by field."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from pages.text import Text


def facts(t: Text, layer: Any, row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Name and value pairs of what is known; a layer with words of its own has them in pages/<layer>.py."""
    module = f"pages.{layer.name}"
    if find_spec(module) is not None and hasattr(import_module(module), "facts"):
        return list(import_module(module).facts(t, row))
    return [(t.title(one), _value(t, row.get(one.name), one.unit)) for one in layer.fields]


def _value(t: Text, value: Any, unit: str) -> str:
    if value is None:
        return ""
    words = t.number(value, 2) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    return f"{words} {unit}".strip()
