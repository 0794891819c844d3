import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.registration import PROVINCES, Registration, parse


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("tth 91234 ts", "TTH-91234-TS"),
        ("TTH.91234", "TTH-91234-TS"),
        ("TTH-91234-TS", "TTH-91234-TS"),
        ("HT-96718-TS", "HT-96718-TS"),
        ("HT.96709", "HT-96709-TS"),
        ("BĐ 96986 TS", "BĐ-96986-TS"),
        ("QT 96869 TS", "QT-96869-TS"),
        ("QNG-91119-TS", "QNg-91119-TS"),
        ("qng97280ts", "QNg-97280-TS"),
        ("VN-96936-KN", "VN-96936-KN"),
        ("  TTH – 91234  ", "TTH-91234-TS"),
    ],
)
def test_fact_15_every_spelling_is_one_registration(text: str, written: str) -> None:
    for form in ("NFC", "NFD"):
        assert str(parse(unicodedata.normalize(form, text))) == written


def test_fact_15_a_letter_of_its_own_is_not_its_neighbour() -> None:
    assert parse("BĐ 96986") != parse("BD 96986")
    assert parse("ĐNa-90001") == parse("đna 90001 ts") != parse("DNA-90001")


@pytest.mark.parametrize(
    "text", [None, "", "TTH", "91234", "TTH-123", "TTH-912345-TS", "TTHUE-91234", "QT 968 69", "574091234"]
)
def test_what_is_none_is_told(text: str | None) -> None:
    assert parse(text) is None


def test_fact_15_a_prefix_is_its_old_and_its_new_province() -> None:
    hue, phu_yen, quang_binh = (parse(text).province for text in ("TTH-91234", "PY-90417", "QB-98181"))
    assert (hue.then, hue.now) == ("Thừa Thiên Huế", "Huế")
    assert (phu_yen.now, quang_binh.now) == ("Đắk Lắk", "Quảng Trị")
    assert parse("VN-96936-KN").province is None
    assert len({province.prefix.upper() for province in PROVINCES}) == len(PROVINCES) == 28


@given(
    st.sampled_from([each.prefix for each in PROVINCES]),
    st.from_regex(r"[0-9]{4,5}", fullmatch=True),
    st.sampled_from(["", "-", ".", " "]),
)
def test_what_is_written_is_read_again(prefix: str, digits: str, between: str) -> None:
    one = parse(f"{prefix.lower()}{between}{digits}")
    assert one == Registration(prefix, digits)
    assert parse(str(one)) == one
