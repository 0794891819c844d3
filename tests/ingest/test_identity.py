"""What a feed's address says of its records, in layers whose records say themselves whose they are."""

from dataclasses import replace
from typing import Any

import pandas as pd

from geo.account import Account
from ingest.feed import Decoded, Lane, RawBatch, Source
from ingest.identity import named
from layers.vms import LAYER


def part(number: int, rows: list[dict[str, Any]]) -> tuple[RawBatch, Decoded]:
    return RawBatch("vms.x", "b", number, 0.0, b""), Decoded(pd.DataFrame(rows), Account())


def test_what_the_address_says_stands_where_a_record_says_nothing() -> None:
    source = Source("vms.x", "udp://127.0.0.1:1", LAYER.feeds[0], given={"provider": "vnpt", "shipname": "?"})
    lane = Lane(source, LAYER.shape, LAYER.style.label, LAYER.style.columns())
    rows = [{"registration": "A", "provider": None}, {"registration": "B", "provider": "viettel"}]
    parts = [part(1, rows), part(2, []), part(3, [{"registration": "C"}])]
    nobody: Any = None  # no question is asked
    first, empty, third = (each.frame for _, each in named(nobody, lane, parts))
    assert first[["provider", "shipname"]].to_numpy().tolist() == [["vnpt", "?"], ["viettel", "?"]]
    assert (len(empty), third["provider"].tolist()) == (0, ["vnpt"])
    silent = replace(lane, source=replace(source, given={}))
    assert named(nobody, silent, parts) is parts
