import unicodedata
from typing import Any

import pytest

from geo.area import province_of, seeds
from geo.area_file import Draft, drafts
from geo.vector_file import Row

SHAPE = {"type": "Polygon", "coordinates": []}


def rows(*properties: dict[str, Any]) -> list[Row]:
    return [Row(n, each, SHAPE, None) for n, each in enumerate(properties, 1)]


def one(properties: dict[str, Any], province: str | None = None) -> Draft:
    (found,), _ = drafts(rows(properties), seeds(), province_of(province) if province else None)
    return found


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"code": "19753"}, "19753"),
        ({"Mã xã": "19753.0", "Tên xã": "Phường Phú Xuân"}, "19753"),
        ({"MaXa": 19789, "TenXa": "Thuận Hóa"}, "19789"),
        ({"name": "Kim Long"}, "19774"),
        ({"Tên": unicodedata.normalize("NFD", "Phường Thuỷ Xuân")}, "19813"),
        ({"name": "phuong thuy xuan"}, "19813"),
        ({"name": "xã Phú Xuân"}, "24364"),
        ({"name": "Phú Xuân", "loại": "Phường"}, "19753"),
        ({"name": "Phú Xuân", "tỉnh": "66"}, "24364"),
        ({"name": "Ea H’Leo"}, "24184"),
        ({"name": "P. An Cựu"}, "19815"),
        ({"name": "Phú Xuân", "fullName": "Phường Phú Xuân"}, "19753"),
        ({"code": "", "name": "Dray Bhăng", "province": "Dak Lak"}, "24561"),
    ],
)
def test_a_row_is_of_the_commune_of_its_code_else_of_its_name(properties: dict[str, Any], code: str) -> None:
    found = one(properties)
    assert (found.known and found.known.code, found.faults) == (code, ())


@pytest.mark.parametrize(
    ("properties", "field", "said"),
    [
        ({"code": "99999"}, "code", "there is no commune 99999: correct the code"),
        ({"mã": "19753", "tên": "Kim Long"}, "tên", "19753 is Phường Phú Xuân, not Kim Long"),
        ({"name": "Phú Xuân"}, "name", "the name of several (Phường Phú Xuân 19753, Xã Phú Xuân 24364)"),
        ({"name": "Xã Kim Long"}, "name", "Phường Kim Long is no xã"),
        ({"name": "Kim Long", "tỉnh": "Đắk Lắk"}, "name", "there is no commune Kim Long in Đắk Lắk"),
        ({"code": "19774", "tỉnh": "Đắk Lắk"}, "tỉnh", "is not in Đắk Lắk"),
        ({"name": "Kim Long", "tỉnh": "Quảng Trị"}, "tỉnh", "there is no province Quảng Trị; there are: Huế (46)"),
        ({"name": "Kim Long", "cấp": "huyện"}, "cấp", "a kind is phường (ward) or xã (commune)"),
        ({"name": "Huyện Phong Điền"}, "name", "is the name one of after 1 July 2025?"),
        ({"màu": "đỏ"}, "name", "neither a code nor a name"),
        ({"code": "19753", "diện tích": "rộng"}, "diện tích", "rộng is no number"),
        ({"code": "19753", "dân số": "-4"}, "dân số", "is no number"),
        ({"code": "19753", "areaKm2": "0"}, "areaKm2", "0 is not in 0 to"),
    ],
)
def test_what_cannot_be_told_names_the_files_own_column_and_what_to_do(
    properties: dict[str, Any], field: str, said: str
) -> None:
    found = one(properties)
    assert [each.field for each in found.faults] == [field]
    assert said in found.faults[0].en
    assert found.faults[0].vi


def test_the_province_may_be_said_for_all_rows() -> None:
    found = one({"name": "Phú Xuân"}, "hue")
    assert found.known is not None
    assert found.known.code == "19753"


def test_of_two_rows_of_one_commune_the_second_is_refused_and_other_columns_are_named() -> None:
    found, ignored = drafts(rows({"code": "19753", "màu": 1, "id": 3}, {"name": "P. Phú Xuân"}), seeds())
    assert [len(each.faults) for each in found] == [0, 1]
    assert "stands in row 1 too" in found[1].faults[0].en
    assert ignored == ["màu"]


def test_figures_are_read_with_decimal_commas() -> None:
    found = one({"code": "19753", "Diện tích (km2)": "10,38", "Dân số": "131.0"})
    assert (found.area_km2, found.population) == (10.38, 131)


@pytest.mark.parametrize("written", ["12345", "12.345", "12,345", "12 345", "12345.0", 12345, 12.345])
def test_a_point_in_a_number_of_people_is_one_of_thousands(written: Any) -> None:
    found = one({"code": "19753", "Dân số": written, "Diện tích (km2)": "12.345"})
    assert (found.population, found.area_km2, found.faults) == (12_345, 12.345, ())


def test_a_number_of_people_has_more_points_than_one_and_no_parts() -> None:
    assert one({"code": "19753", "Dân số": "1.234.567"}).population == 1_234_567
    for written in ("12.34", "12,5", "131.05", "1.2345"):
        found = one({"code": "19753", "Dân số": written})
        assert (found.population, [each.field for each in found.faults]) == (None, ["Dân số"])
        assert "is no number of people" in found.faults[0].en
