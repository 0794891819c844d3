from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.naf import NotNaf, read

FIELDS = {
    "AD": "VNM", "FR": "VNT", "SQ": "17", "TM": "POS", "RC": "XVAB", "IR": "VNM00912340", "XR": "TTH-91234-TS",
    "NA": "THUẬN AN 1", "LT": "+16.573", "LG": "+107.640", "SP": "52", "CO": "359", "DA": "20261125", "TI": "0731",
}  # fmt: skip


def naf(**changes: str | None) -> bytes:
    pairs = {**FIELDS, **changes}
    body = "//".join(f"{code}/{value}" for code, value in pairs.items() if value is not None)
    return f"//SR//{body}//ER//".encode()


def refused(**changes: str | None) -> str:
    with pytest.raises(NotNaf) as caught:
        read(naf(**changes))
    return str(caught.value)


def test_a_position_is_read_with_its_units() -> None:
    found = read(naf())
    assert (found.lon, found.lat) == (107.64, 16.573)
    assert (found.speed, found.course) == (5.2, 359.0)  # tenths of a knot, degrees
    assert found.observed_at == datetime(2026, 11, 25, 7, 31, tzinfo=UTC)
    assert (found.registration, found.callsign, found.device) == ("TTH-91234-TS", "XVAB", "VNM00912340")
    assert (found.shipname, found.sequence, found.sent_by, found.manual) == ("THUẬN AN 1", 17, "VNT", False)


def test_a_position_told_by_hand_says_so() -> None:
    assert read(naf(TM="MAN")).manual
    assert read(naf(TM=None)).kind == "POS"


def test_degrees_and_minutes_stand_where_decimals_do_not() -> None:
    found = read(naf(LT=None, LG=None, LA="N1634", LO="E10738"))
    assert (found.lon, found.lat) == (pytest.approx(107 + 38 / 60), pytest.approx(16 + 34 / 60))
    south = read(naf(LT=None, LG=None, LA="S0130", LO="W00015"))
    assert (south.lon, south.lat) == (-0.25, -1.5)


def test_latin_1_is_read_as_the_format_has_it() -> None:
    raw = naf(NA="x").replace(b"NA/x", "NA/PÊCHEUR".encode("latin-1"))
    assert read(raw).shipname == "PÊCHEUR"


def test_what_cannot_be_is_refused_by_what_is_wrong() -> None:
    assert refused(TM="COE") == "type"
    assert refused(XR=None, RC=" ", IR=None) == "identity"
    for wrong in ({"LT": "16,573"}, {"LT": "+91.0"}, {"LG": "181"}, {"LG": None}, {"LT": "nan"},
                  {"LT": None, "LG": None, "LA": "N1660", "LO": "E10738"},
                  {"LT": None, "LG": None, "LA": "E1634", "LO": "E10738"}):  # fmt: skip
        assert refused(**wrong) == "position", wrong
    for wrong in ({"DA": "20261325"}, {"TI": "2460"}, {"TI": None}, {"DA": "2026112"}, {"DA": "٢٠٢٦١١٢٥"}):
        assert refused(**wrong) == "time", wrong
    assert refused(SP="-1") == "value:SP"
    assert refused(CO="361") == "value:CO"
    assert refused(SQ="x") == "value:SQ"
    for raw in (b"", b"//SR////ER//", b"//SR//ER//", naf()[:-2], naf() * 2, b"//SR//" + b"A" * 2_000 + b"//ER//",
                naf(NA="a\0b"), naf().replace(b"//XR/", b"//RC/")):  # fmt: skip
        with pytest.raises(NotNaf, match="frame"):
            read(raw)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: naf(XR=text)))
def test_promise_05_nothing_but_a_refusal_comes_of_what_is_hostile(raw: bytes) -> None:
    try:
        found = read(raw)
    except NotNaf:
        return
    assert -180 <= found.lon <= 180
