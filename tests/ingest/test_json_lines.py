import json

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Boolean, Column, DateTime, Float, MetaData, SmallInteger, Text

from geo import table
from ingest.feed import RawBatch
from ingest.json_lines import json_lines
from ingest.lines import LineFramer

NOW = 1_764_000_000.0


def shape(monkeypatch) -> table.Shape:
    monkeypatch.setattr(table, "layered", MetaData())  # a table of this test's own, in nobody's catalogue
    return table.station(
        "gauge",
        [Column("level_m", Float), Column("wet", Boolean), Column("count", SmallInteger)],
        [Column("name", Text), Column("checked_at", DateTime(timezone=True))],
    )


def batch(*records: object) -> RawBatch:
    lines = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]
    return RawBatch("gauge.test", "b", 1, NOW, b"\n".join(lines))


def test_an_object_becomes_a_row_of_its_table(monkeypatch) -> None:
    decoded = json_lines(shape(monkeypatch))(
        batch(
            {"id": "kim_long", "level_m": 2.56, "wet": True, "count": 3, "name": "Kim Long", "lon": 107.56,
             "lat": 16.45, "observed_at": "2025-11-24T23:00:00+07:00", "colour": "x", "received_at": "1970-01-01",
             "source": "x"},
            {"id": "phu_oc", "observed_at": NOW - 5, "checked_at": "2025-11-24T16:00:00Z"},
            {"id": "huong"},
        )
    )  # fmt: skip
    assert (decoded.account.received, decoded.account.accepted, decoded.account.positions) == (3, 3, 1)
    assert not decoded.letters
    frame = decoded.frame.set_index("id")
    assert frame.loc["kim_long", "level_m"] == 2.56
    assert frame.loc["kim_long", "observed_at"].isoformat() == "2025-11-24T16:00:00+00:00"
    assert frame.loc["huong", "observed_at"].timestamp() == NOW
    assert {"colour", "source", "received_at"}.isdisjoint(frame.columns)


def test_each_reject_has_its_reason(monkeypatch) -> None:
    wrong = {
        "not_json": [b"{", b"[]", b"7", b"\xff\xfe", b"[" * 9000],
        "key": [{}, {"id": ""}, {"id": 7}, {"id": "a\0b"}],
        "position": [{"id": "a", "lon": 107.5}, {"id": "a", "lon": 181, "lat": 0}, {"id": "a", "lon": True, "lat": 1}],
        "time": [{"id": "a", "observed_at": "soon"}, {"id": "a", "observed_at": -5}, {"id": "a", "observed_at": []}],
        "time_range": [{"id": "a", "observed_at": "1999-01-01T00:00:00Z"}, {"id": "a", "observed_at": NOW + 1e6}],
        "value:level_m": [{"id": "a", "level_m": "deep"}, b'{"id": "a", "level_m": NaN}', {"id": "a", "level_m": True}],
        "value:count": [{"id": "a", "count": 1.5}],
        "value:wet": [{"id": "a", "wet": 1}],
        "value:name": [{"id": "a", "name": "a\0"}],
        "value:checked_at": [{"id": "a", "checked_at": "never"}],
    }
    decoded = json_lines(shape(monkeypatch))(batch(*[each for several in wrong.values() for each in several]))
    assert decoded.account.rejected == {reason: len(several) for reason, several in wrong.items()}
    assert decoded.account.received == sum(decoded.account.rejected.values()) == len(decoded.letters)
    assert len(decoded.frame) == 0


def test_a_batch_of_framers_rejects_is_accounted_for(monkeypatch) -> None:
    framer = LineFramer(limit=100)
    framer.feed(b'{"id": "a"}\n\n' + b"x" * 500 + b"\n" + b'{"id": "b"}', 0.0)
    framer.close()
    taken = framer.take()
    raw = RawBatch("gauge.test", "b", 1, NOW, b"\n".join(taken.lines), None, taken.rejected, taken.letters)
    decoded = json_lines(shape(monkeypatch))(raw)
    assert (decoded.account.received, decoded.account.accepted, decoded.account.rejected) == (3, 2, {"too_long": 1})


@settings(deadline=None)
@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_any_split_of_a_stream_gives_the_same_lines(data: bytes, cuts: list[int]) -> None:
    whole, cut = LineFramer(limit=60), LineFramer(limit=60)
    whole.feed(data, 0.0)
    edges = [0, *sorted(min(at, len(data)) for at in cuts), len(data)]
    for start, end in zip(edges, [*edges[1:], len(data)], strict=True):
        cut.feed(data[start:end], 0.0)
    whole.close()
    cut.close()
    assert cut.ready == whole.ready
