"""Records one by one: what a body holds, and what becomes of each by the reader that reads the feed's own lines."""

import json
import tracemalloc
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import table
from geo.table import station
from ingest.feed import Push, RawBatch
from ingest.json_lines import json_push
from ingest.lines import Refused
from ingest.push import TooMany, judge, read_csv, read_json, unread
from ingest.vms import PUSH, VMS

MOST = 1_000
NOW = 1_764_057_660.0
GOOD = {"registration": "tth 91234 ts", "observed_at": NOW - 60, "lon": 108.0, "lat": 16.8, "speed": 4.2}


def reason(told: Any, push: Push = PUSH, **given: str) -> str | None:
    return judge(push, told, given, NOW).reason


def body(text: str) -> Any:
    (record,) = read_json(text.encode(), MOST)
    return record


def told(**members: Any) -> str:
    return json.dumps({**GOOD, **members})


def test_a_good_record_is_one_line_that_the_worker_reads_alike() -> None:
    judged = judge(PUSH, body(told(shipname="Thuận\nAn", record_id=7, colour="red")), {}, NOW)
    assert judged.reason is None
    assert b"\n" not in judged.line
    assert judged.row is not None
    assert judged.row["record_id"] == "7"
    frame = VMS.decode(RawBatch("vms.push.x", "b", 1, NOW, judged.line)).frame
    assert frame[["registration", "shipname", "record_id"]].iloc[0].tolist() == ["TTH-91234-TS", "Thuận\nAn", "7"]
    assert unread(PUSH, [json.loads(told(spead=1, record_id=7, speed=2)), 7, None]) == ["spead"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (told(speed="4.2"), "value:speed"),
        (told(speed=None), None),
        (told(manual=None, provider=None), None),
        (told(speed=float("nan")), "value:speed"),  # which JSON knows not, and many a sender writes
        (told(course=float("inf")), "value:course"),
        (told().replace("108.0", "1" * 5_000), "position"),
        (told().replace("4.2", "9" * 5_000), "value:speed"),
        (told().replace("4.2", "1e999"), "value:speed"),
        (told().replace('"speed": 4.2', '"speed": 4.2, "speed": 9'), "member_twice"),
        (told().replace('"speed": 4.2', '"x": ' + "[" * 400 + "]" * 400), None),  # what is not read may be anything
        (told(speed=[[1]]), "value:speed"),
        (told(device="a\0b"), "value:device"),
        (told(device="\ud800"), "value:device"),
        (told(device={"a": 1}), "value:device"),
        (told(lon=None), "position"),
        (told(lat=91), "position"),
        (told(observed_at=None), "time"),
        (told(observed_at="yesterday"), "time"),
        (told(observed_at=NOW + 1e6), "time_range"),
        (told(registration=None), "identity"),
        (told(record_id=""), "value:record_id"),
        (told(record_id="x" * 129), "value:record_id"),
        (told(record_id=True), "value:record_id"),
        (told(shipname="x" * 9_000), "too_long"),
        ("7", "not_object"), ("null", "not_object"), ('"TTH-1,a,b"', "not_object"), ("[]", "not_object"),
    ],
)  # fmt: skip
def test_each_record_is_refused_by_what_is_wrong_with_it_alone(text: str, expected: str | None) -> None:
    good, record = read_json(f"[{told()},{text}]".encode(), MOST)
    assert reason(good) is None
    assert reason(record) == expected
    judged = judge(PUSH, record, {}, NOW)
    if expected and expected not in ("not_object", "too_long"):
        # What is kept as its dead letter is refused for the same reason when it is put back.
        ((again, _),) = VMS.decode(RawBatch("vms.push.x", "b", 1, NOW, judged.line)).letters
        assert again == expected


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[1,", b"nothing", b"[" * 10_000, b'{"a": 1} {"b": 2}'])
def test_a_body_that_is_no_json_is_refused_as_a_whole(text: bytes) -> None:
    with pytest.raises(Refused, match="not_json"):
        read_json(text, MOST)


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert read_json(b"\xef\xbb\xbf[]", MOST) == []
    (record,) = read_csv(PUSH, b"\xef\xbb\xbfdevice,observed_at,lon,lat\r\nD1,1764057600,108,16.8\r\n\r\n", MOST)
    assert reason(record) is None


def test_csv_goes_by_its_header_or_by_the_order_of_the_feed() -> None:
    by_header = b"lat,lon,colour,registration,observed_at,manual\n16.8,108,red,TTH-91234-TS,2025-11-25T08:00:00Z,True\n"
    plain = b"TTH-91234-TS,,2025-11-25T08:00:00Z,108,16.8,,,1\n"
    rows = [judge(PUSH, *read_csv(PUSH, text, MOST), {}, NOW).row for text in (by_header, plain)]
    assert rows[0] is not None
    assert rows[0] == rows[1]
    assert rows[0]["manual"] is True


def test_a_line_of_csv_is_refused_alone() -> None:
    head = b"registration,observed_at,lon,lat,speed\n"
    lines = (b"TTH-1,1764057600,108,16.8,4\n", b"TTH-1,1764057600,108,16.8,fast\n", b'"a"b,1,2,3,4\n', b"1,2,3,4,5,6\n",
             b"TTH-1,1764057600,x,16.8,4\n", b"TTH-1,,108,16.8,4\n")  # fmt: skip
    found = [reason(record) for record in read_csv(PUSH, head + b"".join(lines), MOST)]
    assert found == [None, "value:speed", "not_csv", "not_csv", "position", "time"]
    for wrong in (b"\xff", b"lon,lon,lat\n1,2,3"):
        with pytest.raises(Refused, match="not_csv"):
            read_csv(PUSH, wrong, MOST)
    with pytest.raises(Refused, match="not_csv"):  # no header, and no order to go by
        read_csv(Push(PUSH.members, PUSH.read), b"a,b\n1,2", MOST)
    assert read_csv(PUSH, b"\n \n", MOST) == []


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b",".join([b"{}"] * (MOST + 1)) + b"]",
        b"[" * 100_000,
        b"[" + b"[]," * 1_000_000 + b"1]",
        b'{"a":[' + b"1," * 1_000_000 + b"1]}",
    ],
)
def test_what_holds_too_much_is_refused_before_it_is_read(text: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TooMany):
            read_json(text, MOST)
        assert tracemalloc.get_traced_memory()[1] < 2 << 20
    finally:
        tracemalloc.stop()
    assert len(read_json(b"[" + b",".join([b'{"a": [[1, 2]]}'] * MOST) + b"]", MOST)) == MOST


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028"])
def test_lines_of_csv_are_counted_by_whatever_ends_them(end: str) -> None:
    head, line = f"device,observed_at,lon,lat{end} {end}", f"D1,1764057600,108,16.8{end}"
    assert len(read_csv(PUSH, (head + line * MOST).encode(), MOST)) == MOST
    plain = f"D1,,1764057600,108,16.8{end}"
    assert len(read_csv(PUSH, (plain * MOST).encode(), MOST)) == MOST
    for body in (head + line * (MOST + 1), plain * (MOST + 1), plain * 100_000, head + "," * 100_000):
        with pytest.raises(TooMany):
            read_csv(PUSH, body.encode(), MOST)


def test_cells_beyond_the_header_s_are_nothing_where_they_are_empty() -> None:
    head = b"registration,observed_at,lon,lat,course,speed\n"
    good, wrong = read_csv(PUSH, head + b"TTH-1,1764057600,108,16.8,47,4,, \nTTH-1,1764057600,108,16.8,47,4,9\n", MOST)
    assert good["course"] == 47
    assert judge(PUSH, good, {}, NOW).reason is None
    assert judge(PUSH, wrong, {}, NOW).reason == "not_csv"


def test_a_number_of_csv_may_have_as_many_decimals_as_a_program_prints() -> None:
    (record,) = read_csv(PUSH, b"device,observed_at,lon,lat\nD1,1764057600,107.123456789012345,16.8\n", MOST)
    assert record["lon"] == 107.123456789012345


def test_a_reader_that_fails_costs_its_record_alone() -> None:
    def read(line: bytes, now: float) -> Any:
        raise KeyError("x")

    judged = judge(Push(PUSH.members, read), {**GOOD, "record_id": "a"}, {}, NOW)
    assert (judged.reason, judged.record_id, judged.row) == ("decoder_fault", "a", None)


def test_a_time_beyond_the_years_there_are_is_refused_by_its_name(monkeypatch) -> None:
    monkeypatch.setattr(table, "layered", sa.MetaData())  # a table of this test's own, in nobody's catalogue
    shape = station("mast", [sa.Column("checked_at", sa.DateTime(timezone=True))], [])
    for at in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert judge(json_push(shape), {"id": "m1", "checked_at": at}, {}, NOW).reason == "value:checked_at"


def test_what_is_given_stands_where_a_record_says_nothing() -> None:
    for record in (dict(GOOD), {**GOOD, "provider": None}, {**GOOD, "provider": ""}, {**GOOD, "provider": "  "}):
        judged = judge(PUSH, record, {"provider": "vnpt"}, NOW)
        assert judged.row is not None
        assert judged.row["provider"] == "vnpt"
    other = judge(PUSH, {**GOOD, "provider": "Viettel"}, {"provider": "vnpt"}, NOW).row
    assert other is not None
    assert other["provider"] == "Viettel"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(PUSH.names), inner, max_size=6),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(JSON)
def test_promise_05_whatever_is_told_is_taken_or_refused_and_the_worker_agrees(value: Any) -> None:
    for record in read_json(json.dumps(value).encode(), MOST):
        judged = judge(PUSH, record, {}, NOW)
        assert (judged.row is None) == (judged.reason is not None)
        assert b"\n" not in judged.line
        if judged.row is not None:
            account = VMS.decode(RawBatch("vms.push.x", "b", 1, NOW, judged.line)).account
            assert (account.received, account.accepted) == (1, 1)
