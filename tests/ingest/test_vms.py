import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.feed import Decoded, RawBatch
from ingest.naf import Report
from ingest.vms import COLUMNS, VMS, VmsFramer, naf

NOW = datetime(2026, 11, 25, 7, 31, tzinfo=UTC)
AT = NOW.timestamp()
GOOD = naf(
    Report("POS", NOW, 107.64, 16.573, "tth 91234 ts", "XVAB", "VNT091234", "THUẬN AN 1", 5.2, 359.0, 17, "VNPT")
)
TOLD = {"registration": "TTH.91234", "device": 912341, "observed_at": "2026-11-25T14:31:00+07:00", "lon": 107.64,
        "lat": 16.573, "speed": 5.2, "course": 359, "provider": "vnpt", "more": [1]}  # fmt: skip
LINE = b"TTH 91234,VNT091234,2026-11-25T07:31:00Z,107.64,16.573,5.2,359,0,VNPT,"


def decoded(*lines: bytes) -> Decoded:
    return VMS.decode(RawBatch("vms.test", "boot", 1, AT + 60, b"\n".join(lines)))


def refused(line: bytes) -> str:
    found = decoded(line)
    assert found.account.received == 1
    assert found.account.accepted == len(found.frame) == 0
    ((reason, raw),) = found.letters
    assert raw == line
    return reason


def changed(**members: Any) -> bytes:
    return json.dumps({name: value for name, value in {**TOLD, **members}.items() if value is not None}).encode()


def cells(**values: str) -> bytes:
    told = dict(zip(COLUMNS, LINE.decode().split(","), strict=True)) | values
    return ",".join(told.values()).encode()


def framed(chunks: list[bytes]) -> list[bytes]:
    framer = VmsFramer()
    for chunk in chunks:
        framer.feed(chunk, 0.0)
    framer.close()
    return framer.take().lines


def test_the_three_forms_of_one_fix_say_the_same() -> None:
    frame = decoded(GOOD, changed(), LINE).frame
    assert list(frame["registration"]) == ["TTH-91234-TS"] * 3
    assert list(frame["device"]) == ["VNT091234", "912341", "VNT091234"]
    assert list(frame["provider"]) == ["VNPT", "vnpt", "VNPT"]
    assert set(frame["observed_at"]) == {NOW}
    for name, value in {"lon": 107.64, "lat": 16.573, "speed": 5.2, "course": 359.0, "manual": False}.items():
        assert set(frame[name]) == {value}, name
    assert frame["fingerprint"].nunique() == 2  # the form does not count, and the device does
    assert frame["shipname"].tolist() == ["THUẬN AN 1", None, None]


def test_a_position_by_hand_says_so_in_every_form() -> None:
    by_hand = naf(Report("MAN", NOW, 107.64, 16.573, "TTH-91234-TS", None, None, None, None, None, None, None))
    frame = decoded(by_hand, changed(manual=True), cells(manual="1")).frame
    assert frame["manual"].all()
    assert frame["speed"].isna().tolist() == [True, False, False]


def test_what_is_no_registration_stays_as_it_was_told_and_a_device_alone_is_enough() -> None:
    frame = decoded(
        changed(registration="HUẾ 12"), changed(registration=None), changed(registration="", device="X1")
    ).frame
    assert list(frame["registration"]) == ["HUẾ 12", "", ""]
    assert list(frame["device"]) == ["912341", "912341", "X1"]


def test_what_cannot_be_is_refused_by_what_is_wrong() -> None:
    assert refused(changed(registration=None, device=None)) == "identity"
    assert refused(changed(lon=None, lat=None)) == refused(changed(lat="16")) == refused(cells(lat="1_6")) == "position"
    assert (
        refused(changed(observed_at=None))
        == refused(cells(observed_at=""))
        == refused(cells(observed_at="x"))
        == "time"
    )
    assert refused(changed(observed_at="2020-01-01")) == refused(cells(observed_at="1577836800")) == "time_range"
    assert refused(changed(speed=-1)) == refused(cells(speed="nan")) == refused(changed(speed=1e9)) == "value:speed"
    assert refused(changed(course=True)) == refused(cells(course="361")) == "value:course"
    assert refused(changed(manual=1)) == refused(cells(manual="có")) == "value:manual"
    assert refused(changed(device="x" * 65)) == refused(changed(device=1.5)) == "value:device"
    assert refused(changed(device="x\0")) == refused(changed(device="\ud800")) == "value:device"
    assert refused(naf(Report("POS", NOW, 107, 16, None, None, "x" * 65, None, None, None, None, None))) == "value:IR"
    assert refused(b"[" * 9_000) == refused(b"a,b") == refused(b"\xff" * 9) == refused(b'"a"b,1,2,3,4') == "not_csv"
    assert refused(b"{") == refused(b'{"a":' * 2_000) == "not_json"
    assert refused(b"//SR//TM/POS") == "frame"
    assert refused(GOOD.replace(b"LT/+16.573", b"LT/+99.573")) == "position"


def test_messages_come_without_line_ends_and_what_lies_between_them_costs_nobody_else() -> None:
    assert framed([GOOD * 3]) == [GOOD] * 3
    assert framed([GOOD + b"\x02rubbish" + GOOD[:40] + GOOD + b"\r\n" + LINE]) == [
        GOOD,
        b"\x02rubbish",
        GOOD[:40],
        GOOD,
        LINE,
    ]
    framer = VmsFramer()
    framer.datagram(GOOD + GOOD, 0.0)
    assert framer.take().lines == [GOOD, GOOD]


@given(st.data())
def test_it_does_not_matter_in_what_pieces_a_stream_comes(data: st.DataObject) -> None:
    whole = b"".join(
        data.draw(st.lists(st.sampled_from([GOOD, LINE + b"\n", b"//SR//ER//", b"//", b"R//E", b"\n", b"x"])))
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert framed(pieces) == framed([whole])


@given(st.lists(st.binary(max_size=200) | st.sampled_from([GOOD, LINE, changed()])))
def test_promise_05_whatever_comes_is_accepted_or_refused_and_counted(lines: list[bytes]) -> None:
    framer = VmsFramer()
    for line in lines:
        framer.datagram(line, 0.0)
    taken = framer.take()
    found = VMS.decode(RawBatch("vms.test", "b", 1, AT, b"\n".join(taken.lines), None, taken.rejected, taken.letters))
    account = found.account
    assert account.received == len(taken.lines) + sum(taken.rejected.values())
    assert account.received == account.accepted + account.rejected.total()
    assert account.accepted == account.positions == len(found.frame)
    assert len(found.letters) == account.rejected.total()


@pytest.mark.parametrize("text", ["a" * 8_193, "//SR//" + "a" * 9_000])
def test_what_never_ends_is_refused_once(text: str) -> None:
    framer = VmsFramer()
    for at in range(0, len(text), 100):
        framer.feed(text[at : at + 100].encode(), 0.0)
    framer.feed(b"tail\n" + GOOD, 0.0)
    taken = framer.take()
    assert taken.rejected == {"too_long": 1}
    assert taken.lines == [GOOD]
