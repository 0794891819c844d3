"""The schema that a layer's documentation shows says what its reader takes: each is tried against the other."""

import json
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Float, MetaData, SmallInteger, Text

from api.push_schema import model, reason_words
from geo import table
from geo.api_key import Key
from ingest.feed import Feed
from ingest.json_lines import json_lines, json_push
from ingest.lines import LineFramer
from ingest.push import judge
from layers import discover, push_feed
from layers.layer import Kind, Layer, Style
from layers.vms import LAYER as VMS

NOW = 1_764_057_660.0
AT = "2025-11-25T07:31:00Z"
VALUES = [None, True, False, 0, -1, 1, 359.5, 361, 103, -90, 91, 181, 1 << 15, 1 << 31, 4_000_000_000, 1 << 60, 1e308,
          float("inf"), float("nan"), "", "a", "1", "x" * 64, "x" * 65, "x" * 129, AT, "2025-11-25T14:31:00+07:00",
          "2025-11-25T07:31:00", "soon", [], {}, [1], {"a": 1}]  # fmt: skip


@pytest.fixture
def gauge(monkeypatch) -> Layer:
    monkeypatch.setattr(table, "layered", MetaData())  # a table of this test's own, in nobody's catalogue
    shape = table.station(
        "gauge",
        [Column("level_m", Float), Column("wet", Boolean), Column("count", SmallInteger), Column("serial", BigInteger)],
        [Column("name", Text), Column("checked_at", DateTime(timezone=True))],
    )
    feed = Feed("gauge", (), LineFramer, json_lines(shape), tuple, push=json_push(shape))
    style = Style((Kind("all", "Tất cả", "All", "dot", "ink"),), "name", 60, 600)
    return Layer("Trạm", "Gauges", "city", shape, style, (feed,))


def agree(layer: Layer, good: dict[str, Any]) -> int:
    """Every member with every value: the reader and the schema take it or refuse it alike; how many were taken."""
    feed, schema = push_feed(layer), model(layer)
    assert feed is not None
    assert feed.push is not None
    taken = 0
    for name in feed.push.names:
        for value in VALUES:
            record = {**good, name: value}
            judged = judge(feed.push, json.loads(json.dumps(record)), {}, NOW)
            try:
                schema.model_validate_json(json.dumps(record, allow_nan=True))
                fits = True
            except ValidationError:
                fits = False
            # What no schema can say: of several members together, and of now.
            half = judged.reason == "position" and value is None and fits
            if judged.reason in ("time_range", "identity") or half:
                continue
            assert fits == (judged.reason is None), (layer.name, name, value, judged.reason)
            taken += fits
    return taken


def test_the_boats_schema_says_what_is_taken() -> None:
    assert (
        agree(VMS, {"registration": "TTH-91234-TS", "device": "D", "observed_at": AT, "lon": 108.0, "lat": 16.8}) > 50
    )


def test_a_schema_out_of_a_table_says_what_is_taken(gauge: Layer) -> None:
    assert agree(gauge, {"id": "kim_long", "lon": 107.5, "lat": 16.4}) > 50


@pytest.mark.parametrize("layer", [layer for layer in discover() if push_feed(layer)], ids=lambda layer: layer.name)
def test_every_reason_has_its_words_in_both_languages(layer: Layer) -> None:
    feed = push_feed(layer)
    assert feed is not None
    assert feed.push is not None
    key = Key("p", "s", (layer.name,), "vnpt", 1, None, "Lan")  # type: ignore[arg-type]
    reasons = ["not_json", "not_csv", "not_gzip", "not_object", "member_twice", "too_long", "time", "time_range",
               "position", "provider", "key", "identity", *(f"value:{name}" for name in feed.push.names)]  # fmt: skip
    for reason in reasons:
        if reason in ("key", "identity") and (reason == "identity") != bool(feed.push.one_of):
            continue
        field, en, vi = reason_words(layer, key, reason)
        assert en, reason
        assert vi != en
        if reason.startswith("value:"):
            assert field == reason.removeprefix("value:")
