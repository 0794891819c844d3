import re
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module

import pytest
import sqlalchemy as sa

from geo.fishery import boat
from geo.record import KINDS_MAX
from geo.table import Shape
from ingest.blame import decode
from ingest.feed import AddressError, RawBatch, split_address
from ingest.worker import Worker
from layers import discover, kpi_values, lanes, seed
from layers.layer import Layer
from tests.connections import connected

LAYERS = discover()
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
TOKENS = {
    "fishing", "cargo", "tanker", "camera", "report", "river", "air", "accent", "ink", "ink-2", "ink-3", "critical",
    "high", "medium", "low", "ok", "aqi-1", "aqi-2", "aqi-3", "aqi-4", "aqi-5", "aqi-6",
}  # fmt: skip
every = pytest.mark.parametrize("layer", LAYERS, ids=[layer.name for layer in LAYERS])


def batch_of(layer: Layer, feed_index: int = 0) -> RawBatch:
    feed = layer.feeds[feed_index]
    framer = feed.framer()
    for line in feed.sample():
        framer.datagram(line, 0.0)
    taken = framer.take()
    assert not taken.rejected
    now = datetime.now(UTC).timestamp()
    return RawBatch("contract.test", "boot", 1, now, b"\n".join(taken.lines), None, taken.rejected, taken.letters)


def test_layers_are_found_in_legend_order_and_the_vessels_come_first() -> None:
    assert LAYERS[0].name == "vessel"
    assert len({layer.name for layer in LAYERS}) == len(LAYERS)
    assert [layer.order for layer in LAYERS] == sorted(layer.order for layer in LAYERS)


@every
def test_one_name_for_file_table_channel_and_icon(layer: Layer) -> None:
    assert NAME.fullmatch(layer.name)
    assert import_module(f"layers.{layer.name}").LAYER is layer
    assert isinstance(layer.shape, Shape)
    assert layer.shape.history is None or layer.shape.history.name == f"{layer.name}_history"


@every
def test_everything_that_people_read_is_in_both_languages(layer: Layer) -> None:
    for thing in (layer, *layer.style.kinds, *layer.fields, *layer.kpis):
        assert thing.vi.strip(), thing
        assert thing.en.strip(), thing
    named = {field.name for field in layer.fields}
    for rule in layer.rules:
        assert rule.params.get("column") in {None, *named}, "what a rule says of it needs words"
        assert rule.name_vi.strip()
        assert rule.name_en.strip()
        assert rule.layer == layer.name


@every
def test_the_style_reads_columns_of_the_table_and_its_last_kind_takes_the_rest(layer: Layer) -> None:
    columns = set(layer.shape.latest.c.keys())
    assert set(layer.style.columns()) <= columns
    assert not layer.style.kinds[-1].where
    assert all(kind.where for kind in layer.style.kinds[:-1])
    names = [kind.name for kind in layer.style.kinds]
    assert len(set(names)) == len(names)
    assert all(NAME.fullmatch(name) for name in names)
    assert {kind.color for kind in layer.style.kinds} <= TOKENS
    assert 0 < layer.style.stale_s <= layer.style.lost_s
    assert len(names) <= KINDS_MAX


@every
def test_fields_and_rules_speak_of_columns_that_exist(layer: Layer) -> None:
    columns = set(layer.shape.latest.c.keys())
    assert {field.name for field in layer.fields} <= columns
    for rule in layer.rules:
        assert {*rule.applies_to, *rule.qualifies} <= columns


@every
def test_each_feed_has_addresses_a_framer_and_a_sample_that_decodes_without_a_reject(layer: Layer) -> None:
    columns = set(layer.shape.latest.c.keys()) | {"lon", "lat"}
    for index, feed in enumerate(layer.feeds):
        assert feed.expected_s > 0
        for address in feed.addresses:
            split_address(address)
        batch = batch_of(layer, index)
        decoded = feed.decode(batch)
        assert decoded.account.received == decoded.account.accepted > 0
        assert not decoded.letters
        assert len(decoded.frame) > 0
        assert set(decoded.frame.columns) <= columns
        assert layer.shape.key in decoded.frame
        assert feed.decode(replace(batch, raw=b"")).account.received == 0
        garbage = feed.decode(replace(batch, raw=b"\xff\xfe garbage"))
        assert garbage.account.received == garbage.account.rejected.total() == len(garbage.letters) == 1


def enrol(connection: sa.Connection, layer: Layer) -> None:
    """The boats of the samples in the register that is asked whose a record is."""
    for index, feed in enumerate(layer.feeds):
        names = set(feed.decode(batch_of(layer, index)).frame[layer.shape.key])
        for name in names:
            given = {"registration": name, "length_m": 16.4, "home_province": "Huế"}
            own = {"updated_at": datetime.now(UTC), "updated_by": "test"}
            connection.execute(sa.insert(boat).values(**given, **own))


@every
def test_samples_become_rows_and_figures(layer: Layer, database, redis_server) -> None:
    import redis

    with (
        connected(database.owner) as owner,
        connected(database.ingest) as ingest,
        redis.Redis.from_url(redis_server) as client,
    ):
        with owner.begin() as connection:
            seed(connection, LAYERS)
            seed(connection, LAYERS)
            if layer.shape.key == "registration":
                enrol(connection, layer)
        # A feed without an address of its own has samples none the less.
        addresses = {feed.name: feed.addresses or ("udp://127.0.0.1:1",) for feed in layer.feeds}
        worker = Worker(lanes([layer], addresses, {}), ingest, client)
        with ingest.connect() as connection:
            worker._claim(connection)
            worker._reload(connection)
            for index, lane in enumerate(worker.lanes[: len(layer.feeds)]):
                batch = replace(batch_of(layer, min(index, len(layer.feeds) - 1)), seq=index)
                worker.process(connection, lane, [(batch, decode(lane, batch))])
        with connected(database.web) as web, web.connect() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(layer.shape.latest)) >= bool(layer.feeds)
            figures = kpi_values(connection, layer)
            assert set(figures) == {kpi.name for kpi in layer.kpis}
            assert all(isinstance(value, int | float) or value is None for value in figures.values())
            assert connection.scalar(sa.text("SELECT count(*) FROM dead_letter")) == 0


def test_an_address_for_a_feed_that_nobody_has_is_named() -> None:
    for given in (({"aiss": ["udp://127.0.0.1:1"]}, {}), ({}, {"aiss": ["udp://127.0.0.1:1"]})):
        with pytest.raises(AddressError, match=r"'aiss'.*ais"):
            lanes(LAYERS, *given)
    with pytest.raises(AddressError, match="udp://host:port"):
        lanes(LAYERS, {"ais": ["http://x"]}, {})
