"""The view as a URL: what is looked at, with which layers, which object, theme and language; case does not matter.

`lat lon z` the map's centre and zoom · `off` hidden layers and classes, `off=zone,vessel.cargo` · `opacity` in per
cent, `opacity=vessel:60` · `chosen` the object, `chosen=vessel.574091234` · `trail` `chosen` or `none` · `labels`,
`follow` and `events` (what boats did) 1 or 0 · `areas` communes: 1 their borders, a figure's key its shades · `fence`
the editor: a fence's key, `new` or `list` · `alarm` the number of an alarm · `severity state unit rule` what the desk
shows, comma-separated, in the order `sort`, downwards `sort=-raised`, and `inview=1` only what is in view · `theme`
dark or light · `lang` vi or en · `scale` the factor of all sizes. screen.js writes the same keys on every change.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from geo.selection import Selection, as_query, selection
from pages.text import language

THEMES = ("dark", "light")


@dataclass(frozen=True, slots=True)
class View:
    """One look at the map. `off` maps a layer to its hidden kinds, "*" meaning all of it; `opacity` is 0..1 a layer."""

    lat: float
    lon: float
    zoom: float
    off: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    opacity: Mapping[str, float] = field(default_factory=dict)
    chosen: tuple[str, str] | None = None
    alarm: int | None = None
    trail: bool = True
    labels: bool = True
    follow: bool = False
    events: bool = False
    areas: str | None = None
    fence: str | None = None
    theme: str | None = None
    lang: str = "vi"
    desk: Selection = field(default_factory=Selection)
    in_view: bool = False

    def desk_filter(self) -> dict[str, str]:
        """The `desk-filter` store's value: the names of the address that say what the desk shows."""
        return {**as_query(self.desk), **({"inview": "1"} if self.in_view else {})}

    def filter(self) -> dict[str, dict[str, Any]]:
        """The `filter` store's value, {layer: {off: [kinds], opacity}}, where something differs from the default."""
        names = {**self.off, **self.opacity}
        return {name: {"off": list(self.off.get(name, ())), "opacity": self.opacity.get(name, 1.0)} for name in names}


def read(search: str, home: tuple[float, float, float]) -> View:
    """The view a query string asks for; what is missing or unreadable falls back to `home` (lat, lon, zoom)."""
    query = {key.strip().lower(): value.strip() for key, value in parse_qsl((search or "").lstrip("?"))}
    theme = query.get("theme", "").lower()
    return View(
        lat=_number(query.get("lat"), home[0], -85, 85),
        lon=_number(query.get("lon"), home[1], -180, 180),
        zoom=_number(query.get("z", query.get("zoom")), home[2], 3, 18),
        off=_off(query.get("off", "")),
        opacity=_opacity(query.get("opacity", "")),
        chosen=_chosen(query.get("chosen", "")),
        alarm=_whole(query.get("alarm", "")),
        trail=query.get("trail", "chosen").lower() not in ("none", "0", "off", "false"),
        labels=query.get("labels", "1").lower() not in ("0", "off", "false"),
        follow=query.get("follow", "0").lower() in ("1", "on", "true"),
        events=query.get("events", "0").lower() in ("1", "on", "true"),
        areas=_areas(query.get("areas", "")),
        fence=_key(query.get("fence", "")),
        theme=theme if theme in THEMES else None,
        lang=language(query.get("lang")),
        desk=selection({**query, "bbox": ""}),
        in_view=query.get("inview", "0").lower() in ("1", "on", "true"),
    )


def _number(value: str | None, default: float, low: float, high: float) -> float:
    try:
        number = float((value or "").replace(",", "."))
    except ValueError:
        return default
    return number if low <= number <= high else default


def _whole(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and 0 < len(value) <= 18 else None


def _off(value: str) -> dict[str, tuple[str, ...]]:
    hidden: dict[str, tuple[str, ...]] = {}
    for item in filter(None, value.lower().split(",")):
        layer, _, kind = item.partition(".")
        hidden[layer] = (*hidden.get(layer, ()), kind or "*")
    return hidden


def _opacity(value: str) -> dict[str, float]:
    pairs = (item.partition(":") for item in value.lower().split(",") if ":" in item)
    return {layer: _number(percent, 100, 10, 100) / 100 for layer, _, percent in pairs}


def _areas(value: str) -> str | None:
    key = value.lower()
    return key if key == "1" or re.fullmatch(r"[a-z0-9_]{1,60}\.[a-z0-9_]{1,60}", key) else None


def _key(value: str) -> str | None:
    key = value.lower()
    return key if re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,59}", key) else None


def _chosen(value: str) -> tuple[str, str] | None:
    layer, _, key = value.partition(".")
    return (layer.lower(), key) if layer and key else None
