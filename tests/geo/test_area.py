import unicodedata
from collections import Counter
from importlib.metadata import version

import pytest

from geo.area import PROVINCES, area, province_of, seeds, spelled, title
from geo.fold import fold
from geo.table import core, layered


def test_fact_23_forty_communes_of_hue_and_102_of_dak_lak() -> None:
    found = Counter((one.province, one.kind) for one in seeds())
    assert found == {("46", "ward"): 21, ("46", "commune"): 19, ("66", "ward"): 14, ("66", "commune"): 88}
    assert len({one.code for one in seeds()}) == 142


# Codes that the list had otherwise until 2026; its last version for Python 3.11 is of 2025.
CORRECTED = {
    "Phường Phú Xuân", "Phường Kim Long", "Phường Thuận Hoá", "Phường Hương An", "Phường Phong Thái",
    "Xã Chân Mây - Lăng Cô", "Xã Xuân Cảnh", "Xã Phú Hoà 2", "Xã Hoà Sơn",
}  # fmt: skip


def test_fact_23_names_and_codes_are_those_of_an_independent_list() -> None:
    from vietnam_provinces import ProvinceCode, Ward

    listed = {
        (province, spelled(ward.name)): f"{ward.code.value:05d}"
        for province in ("46", "66")
        for ward in Ward.iter_by_province(ProvinceCode(int(province)))
    }
    own = {(one.province, spelled(one.title_vi)): one.code for one in seeds()}
    assert own.keys() == listed.keys()
    other = {one.title_vi for one in seeds() if listed[one.province, spelled(one.title_vi)] != one.code}
    assert other == (CORRECTED if version("vietnam-provinces") < "2026" else set())


def test_fact_23_there_is_no_district_level() -> None:
    named = {column.name for table in (*core.tables.values(), *layered.tables.values()) for column in table.c}
    assert {name for name in named if "district" in name or "huyen" in name} == {"district_old"}
    assert area.c.district_old.nullable
    assert all(one.district_old is None for one in seeds())


def test_every_point_lies_in_its_province_and_no_two_are_one() -> None:
    boxes = {"46": (107.0, 15.9, 108.3, 16.8), "66": (107.4, 12.1, 109.5, 13.75)}
    for one in seeds():
        west, south, east, north = boxes[one.province]
        assert west < one.lon < east, one
        assert south < one.lat < north, one
        assert unicodedata.is_normalized("NFC", one.name)
    assert len({(one.lon, one.lat) for one in seeds()}) == 142


def test_a_province_is_known_by_code_key_and_name_in_any_spelling() -> None:
    hue, dak_lak = PROVINCES
    for written in ("46", "hue", "Huế", unicodedata.normalize("NFD", "Huế"), "thành phố huế", "Huế City"):
        assert province_of(written) is hue, written
    for written in ("66", "dak_lak", "Đắk Lắk", "DAK LAK", "Tỉnh Đắk Lắk"):
        assert province_of(written) is dak_lak, written
    assert province_of("Phú Yên") is None
    assert (hue.key, dak_lak.key) == ("hue", "dak_lak")


@pytest.mark.parametrize(
    ("one", "other"), [("Thuận Hoá", "Thuận Hóa"), ("Phường Thuỷ Xuân", "phường  thủy xuân"), ("Hoà Xuân", "Hòa Xuân")]
)
def test_both_ways_of_setting_the_tone_mark_spell_one_name(one: str, other: str) -> None:
    assert spelled(one) == spelled(other) == spelled(unicodedata.normalize("NFD", other))


def test_names_that_differ_by_an_accent_are_two() -> None:
    assert spelled("Hoà") != spelled("Hoá")
    assert spelled("Khoái") != spelled("Khóai ")  # the mark moves only where the syllable ends with the vowels
    assert len({(one.province, fold(one.name)) for one in seeds()}) == 142


def test_a_commune_has_its_title_in_both_languages() -> None:
    assert title("ward", "Phú Xuân", "vi") == "Phường Phú Xuân"
    assert title("commune", "A Lưới 1", "en") == "A Lưới 1 Commune"
