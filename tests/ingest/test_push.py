"""Records one by one: what a body holds, and what becomes of each by the reader that reads the feed's own lines."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.feed import Push, RawBatch
from ingest.lines import Refused
from ingest.push import judge, read_csv, read_json, unread
from ingest.vms import PUSH, VMS

NOW = 1_764_057_660.0
GOOD = {"registration": "tth 91234 ts", "observed_at": NOW - 60, "lon": 108.0, "lat": 16.8, "speed": 4.2}


def reason(told: Any, push: Push = PUSH, **given: str) -> str | None:
    return judge(push, told, given, NOW).reason


def body(text: str) -> Any:
    (record,) = read_json(text.encode())
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
    good, record = read_json(f"[{told()},{text}]".encode())
    assert reason(good) is None
    assert reason(record) == expected
    judged = judge(PUSH, record, {}, NOW)
    if expected and expected not in ("not_object", "too_long"):
        # What is kept as its dead letter is refused for the same reason when it is put back.
        ((again, _),) = VMS.decode(RawBatch("vms.push.x", "b", 1, NOW, judged.line)).letters
        assert again == expected


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[1,", b"nothing", b"[" * 100_000, b'{"a": 1} {"b": 2}'])
def test_a_body_that_is_no_json_is_refused_as_a_whole(text: bytes) -> None:
    with pytest.raises(Refused, match="not_json"):
        read_json(text)


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert read_json(b"\xef\xbb\xbf[]") == []
    (record,) = read_csv(PUSH, b"\xef\xbb\xbfdevice,observed_at,lon,lat\r\nD1,1764057600,108,16.8\r\n\r\n")
    assert reason(record) is None


def test_csv_goes_by_its_header_or_by_the_order_of_the_feed() -> None:
    by_header = b"lat,lon,colour,registration,observed_at,manual\n16.8,108,red,TTH-91234-TS,2025-11-25T08:00:00Z,True\n"
    plain = b"TTH-91234-TS,,2025-11-25T08:00:00Z,108,16.8,,,1\n"
    rows = [judge(PUSH, *read_csv(PUSH, text), {}, NOW).row for text in (by_header, plain)]
    assert rows[0] is not None
    assert rows[0] == rows[1]
    assert rows[0]["manual"] is True


def test_a_line_of_csv_is_refused_alone() -> None:
    head = b"registration,observed_at,lon,lat,speed\n"
    lines = (b"TTH-1,1764057600,108,16.8,4\n", b"TTH-1,1764057600,108,16.8,fast\n", b'"a"b,1,2,3,4\n', b"1,2,3,4,5,6\n",
             b"TTH-1,1764057600,x,16.8,4\n", b"TTH-1,,108,16.8,4\n")  # fmt: skip
    found = [reason(record) for record in read_csv(PUSH, head + b"".join(lines))]
    assert found == [None, "value:speed", "not_csv", "not_csv", "position", "time"]
    for wrong in (b"\xff", b"lon,lon,lat\n1,2,3"):
        with pytest.raises(Refused, match="not_csv"):
            read_csv(PUSH, wrong)
    with pytest.raises(Refused, match="not_csv"):  # no header, and no order to go by
        read_csv(Push(PUSH.members, PUSH.read), b"a,b\n1,2")
    assert read_csv(PUSH, b"\n \n") == []


def test_what_is_given_stands_where_a_record_says_nothing() -> None:
    for record in (dict(GOOD), {**GOOD, "provider": None}, {**GOOD, "provider": ""}):
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
    for record in read_json(json.dumps(value).encode()):
        judged = judge(PUSH, record, {}, NOW)
        assert (judged.row is None) == (judged.reason is not None)
        assert b"\n" not in judged.line
        if judged.row is not None:
            account = VMS.decode(RawBatch("vms.push.x", "b", 1, NOW, judged.line)).account
            assert (account.received, account.accepted) == (1, 1)
