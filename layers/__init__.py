"""The city services, one file each: every module here that has a LAYER is found, in legend order."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from geo import area
from geo.actor import SYSTEM
from geo.commune import cut_again
from geo.fence import put_fences
from geo.figure import put_figures, seeds
from geo.handling import put_units
from geo.provider import PROVIDERS, put_providers
from geo.reference import UNITS, reference_fences, reference_ports, reference_waters
from geo.report_category import SEEDS as CATEGORIES
from geo.report_category import put_categories
from geo.rule import Rule, put_rules
from geo.workday import put_holidays
from geo.workday import seeds as holiday_seeds
from ingest.feed import POLLED, AddressError, Feed, Lane, Source, pushed_source, sources_of
from layers.layer import Layer


@cache
def discover() -> tuple[Layer, ...]:
    """Every layer of this folder, by its order and then its name."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    found = [module.LAYER for module in modules if hasattr(module, "LAYER")]
    return tuple(sorted(found, key=lambda layer: (layer.order, layer.name)))


def lanes(
    layers: Sequence[Layer], configured: Mapping[str, Sequence[str]], simulated: Mapping[str, Sequence[str]]
) -> tuple[Lane, ...]:
    """Every source of every layer's feeds together with the table its records go to.

    Raises:
        AddressError: an address is wrong, or stands under the name of a feed that no layer has, or two are one source.
    """
    known = {feed.name for layer in layers for feed in layer.feeds}
    for name in {*configured, *simulated} - known:
        raise AddressError(f"there is no feed {name!r} to give addresses to; there are: {', '.join(sorted(known))}")
    found = [
        Lane(source, layer.shape, layer.style.label, layer.style.columns(), layer.identify)
        for layer in layers
        for feed in layer.feeds
        for source in sources_of(feed, configured, simulated)
    ]
    named: dict[str, Source] = {}
    for lane in found:
        own = lane.source
        other = named.setdefault(own.name, own)
        # One port on two interfaces is one source and may be. Two servers are not: each would be answered for by the
        # other's ids; and what one address says must not be said of the other's records.
        if other is not own and (own.given != other.given or urlsplit(own.address).scheme in POLLED):
            raise AddressError(f"feed addresses {other.address!r} and {own.address!r} are one source, {own.name}")
        texts = {column.name for column in lane.shape.latest.c if isinstance(column.type, sa.Text)} - {"source"}
        for name in lane.source.given.keys() - texts:
            raise AddressError(f"feed address {lane.source.address!r}: {lane.layer} has no text column {name!r}")
    return tuple(found)


def push_feed(layer: Layer) -> Feed | None:
    """The feed of a layer that takes records over HTTP, or None."""
    return next((feed for feed in layer.feeds if feed.push is not None), None)


def push_lanes(layers: Sequence[Layer], senders: Iterable[tuple[str, str]]) -> tuple[Lane, ...]:
    """The source of each sender (by name and layer) that pushes, together with the table its records go to."""
    known = {layer.name: layer for layer in layers}
    found = []
    for sender, name in senders:
        layer = known.get(name)
        feed = push_feed(layer) if layer else None
        if layer and feed:
            source = Source(pushed_source(feed, sender), "", feed)
            found.append(Lane(source, layer.shape, layer.style.label, layer.style.columns(), layer.identify))
    return tuple(found)


def seed(connection: sa.Connection, layers: Sequence[Layer]) -> bool:
    """Put in what every installation starts with: lines, ports, the layers' own rules, units, providers, communes.

    Returns whether there are other communes than before: what stands in them is to be found anew after the commit.
    """
    put_fences(connection, [*reference_fences(), *reference_ports(), *reference_waters()], SYSTEM)
    put_figures(connection, seeds())
    put_holidays(connection, holiday_seeds(), datetime.now(UTC))
    put_rules(connection, [rule for layer in layers for rule in layer.rules], SYSTEM)
    put_rules(connection, [feed_rule(layer) for layer in layers if layer.feeds], SYSTEM)
    put_units(connection, UNITS)
    put_categories(connection, CATEGORIES)
    put_providers(connection, PROVIDERS)
    added = area.put_areas(connection, area.seeds(), SYSTEM) > 0
    if added:
        cut_again(connection, [one.code for one in area.PROVINCES])
    return added


def feed_rule(layer: Layer) -> Rule:
    """The rule every layer with a feed has: a source that falls silent is told, and suppresses what it silences."""
    return Rule(
        key=f"{layer.name}_feed",
        kind="feed",
        layer=layer.name,
        name_vi="Nguồn dữ liệu im lặng: không có bản tin quá ba lần khoảng dự kiến",
        name_en="Data source silent: no message for over three expected intervals",
        severity="medium",
        latching=False,
        response_vi="Kiểm tra máy thu và đường truyền, gọi đơn vị cung cấp; hình trên bản đồ của nguồn này là cũ.",
        response_en="Check the receiver and the line, call the provider; what the map shows of this source is old.",
    )


def kpi_values(connection: sa.Connection, layer: Layer) -> dict[str, Any]:
    """All of a layer's KPIs by name, in one SELECT over its latest table."""
    if not layer.kpis:
        return {}
    # The aggregates are the layer's own source text, never input from outside.
    columns: list[sa.Label[Any]] = [sa.literal_column(kpi.sql).label(kpi.name) for kpi in layer.kpis]
    return dict(connection.execute(sa.select(*columns).select_from(layer.shape.latest)).mappings().one())
