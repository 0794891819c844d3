"""Lists of boats as offices keep them: their columns, their spellings, and what cannot be read, told by its column."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from geo.boat_file import KEY_NAMES, Draft, cleaned, day, drafts, number
from geo.contact import Contact
from geo.vector_file import FileFault, Sheet, read_sheet
from geo.wrong import Wrong
from tests import workbook

HEAD = ("STT", "Số đăng ký", "Chiều dài (m)", "MMSI", "Hạn giấy phép", "Điện thoại chủ tàu")


def draft(**cells: Any) -> Draft:
    (found,), _ = drafts(Sheet(tuple(cells), ((2, cells),)))
    return found


def test_a_workbook_is_read_as_people_make_it_with_a_title_above_and_blank_rows(tmp_path: Path) -> None:
    rows: dict[int, Any] = {
        1: ["CHI CỤC THỦY SẢN"], 2: ["DANH SÁCH TÀU CÁ"], 4: HEAD,
        5: [1, "tth 91234", 16.4, 574091234, date(2027, 3, 31), 912345678], 6: [None, "", "  "],
        7: [2, "TTH.90001", "17,85", None, "31/12/2026", "0905.123.456"],
    }  # fmt: skip
    path = workbook.write(tmp_path / "tàu.xlsx", {"Ghi chú": {1: ["không có gì"]}, "Tàu": rows})
    (first, second), ignored = drafts(read_sheet(path, KEY_NAMES))
    assert ignored == []
    assert (first.number, first.registration, second.number, second.registration) == (
        5, "TTH-91234-TS", 7, "TTH-90001-TS",
    )  # fmt: skip
    assert first.said == {"length_m": 16.4, "mmsi": 574091234, "licence_until": date(2027, 3, 31)}
    assert second.said == {"length_m": 17.85, "licence_until": date(2026, 12, 31)}
    assert [one.people for one in (first, second)] == [
        (Contact("owner", None, "0912345678"),), (Contact("owner", None, "0905123456"),),
    ]  # fmt: skip
    assert first.faults == second.faults == ()


def test_two_lists_in_a_workbook_are_asked_about(tmp_path: Path) -> None:
    rows = {1: HEAD, 2: [1, "TTH-91234-TS", 16.4]}
    path = workbook.write(tmp_path / "a.xlsx", {"2025": rows, "2026": rows})
    with pytest.raises(FileFault) as caught:
        read_sheet(path, KEY_NAMES)
    assert caught.value.layers == ("2025", "2026")
    assert len(read_sheet(path, KEY_NAMES, "2026").rows) == 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_csv_is_read_whatever_its_delimiter_and_encoding(tmp_path: Path, delimiter: str, encoding: str) -> None:
    lines = [["Danh sách tàu", "", ""], ["Số đăng ký", "Tên tàu", "Lmax"], ["bđ 96986", "Hải Âu", '"24,5"']]
    path = tmp_path / "tau.csv"
    path.write_text("\n".join(delimiter.join(line) for line in lines), encoding)
    sheet = read_sheet(path, KEY_NAMES)
    (found,), _ = drafts(sheet)
    assert (found.number, found.registration, dict(found.said)) == (
        3, "BĐ-96986-TS", {"shipname": "Hải Âu", "length_m": 24.5},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "Tên tàu,Lmax\nx,1\n", "no header"),
        ("a.csv", "Số đăng ký,Lmax\n\n,\n", "no rows"),
        ("a.csv", "Số đăng ký\n" + "TTH-91234\n" * 20_001, "too many rows"),
        ("a.csv", "PK\x03\x04", "holds none"),
        ("a.xlsx", "Số đăng ký\nTTH-91234\n", "holds none"),
        ("a.geojson", "{}", "XLSX|xlsx"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_its_reason(tmp_path: Path, name: str, text: str, words: str) -> None:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    with pytest.raises(FileFault, match=words):
        read_sheet(path, KEY_NAMES)
    with pytest.raises(FileFault, match="there is no file"):
        read_sheet(tmp_path / "none.csv", KEY_NAMES)


def test_columns_of_both_languages_say_the_same() -> None:
    vi = {"Số đăng ký": "TTH-91234-TS", "Nghề": "Lưới kéo", "Loại tàu": "Hậu cần", "Tỉnh": "Thừa Thiên Huế",
          "Xã/Phường": "Thuận An", "Công suất (kW)": "250", "Nằm bờ từ": "01/10/2026", "Thuyền trưởng": "Lê Sáu",
          "Mã thiết bị": "VNT1", "Nhà cung cấp": "VNPT", "Số kẹp chì": "K-7"}  # fmt: skip
    en = {"registration": "TTH-91234-TS", "gear": "trawl", "role": "logistics", "home_province": "Huế",
          "commune": "Thuận An", "power_kw": "250", "laid_up_at": "2026-10-01", "captain": "Lê Sáu",
          "device": "VNT1", "provider": "VNPT", "seal": "K-7"}  # fmt: skip
    one, other = draft(**vi), draft(**en)
    assert one.faults == other.faults == ()
    assert one.said == other.said
    assert one.said["laid_up_at"] == datetime(2026, 9, 30, 17, tzinfo=UTC)  # midnight at Huế
    assert one.people == other.people == (Contact("captain", "Lê Sáu"),)
    assert [(each.id, each.provider, each.seal) for each in one.devices] == [("VNT1", "VNPT", "K-7")]


@pytest.mark.parametrize(
    ("column", "text", "words"),
    [
        ("Số đăng ký", "TTH", "no registration"), ("Chiều dài", "dài", "no number"), ("Chiều dài", "-3", "no number"),
        ("Chiều dài", "nan", "no number"), ("Chiều dài", "１６", "no number"), ("MMSI", "57409123", "9 digits"),
        ("Hạn giấy phép", "31/02/2027", "no day"), ("Hạn giấy phép", "03/2027", "no day"),
        ("Tỉnh", "Atlantis", "unknown province"), ("Tỉnh", "Hà Nội", "unknown province"),
        ("Loại tàu", "du lịch", "catching or logistics"), ("Điện thoại", "0912", "no phone number"),
        ("Mã thiết bị", "3.56E+14", "format the cell as text"), ("Nhà cung cấp", "VNPT", "a provider is named"),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_be_read_is_told_by_the_file_s_own_column(column: str, text: str, words: str) -> None:
    found = draft(**{"Số đăng ký": "TTH-91234-TS", column: text})
    (fault,) = found.faults
    assert words in fault.en
    assert fault.vi
    assert fault.field in (column, "device")


def test_names_lose_what_nobody_sees_and_keep_their_letters() -> None:
    assert cleaned("Nguye\u0302\u0303n\u202e Văn\u200b  Bảy\n") == "Nguyễn Văn Bảy"
    assert cleaned("=1+1|cmd") == "=1+1|cmd"  # nothing is neutralised on its way in
    assert draft(**{"Số đăng ký": "TTH\u202e-91234"}).registration == "TTH-91234-TS"


@pytest.mark.parametrize(
    ("text", "value"), [("16,4", 16.4), ("16.4 m", 16.4), ("1.234,5", 1234.5), ("1,234.5", 1234.5), ("250 kW", 250)]
)
def test_numbers_have_a_comma_or_a_point(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["31/12/2027", "31-12-2027", "31.12.2027", "2027-12-31", "2027/12/31 00:00:00"])
def test_days_are_read_as_they_are_written(text: str) -> None:
    assert day(text) == date(2027, 12, 31)


def test_a_day_of_another_age_is_refused() -> None:
    with pytest.raises(Wrong):
        day("31/12/0027")
