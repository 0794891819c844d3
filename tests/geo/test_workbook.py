"""Workbooks: another reader finds the sheets, words, numbers and days that were put in, and no formulas."""

import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from geo.vector_file import read_sheet
from geo.workbook import Sheet, workbook

ROWS = [["Thuận An", 453, 1.5, date(2026, 11, 28)], ["=1+1 & <b>", None, 0, datetime(2026, 2, 28, 9, tzinfo=UTC)]]


def test_gdal_reads_back_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    sheet = Sheet("Xã, phường: 1/2", ["Xã", "Tàu", "Tỷ lệ", "Ngày"], ROWS, ["Thống kê", "Huế"], ["ghi chú\x07"])
    path.write_bytes(workbook([Sheet("Khác", ["a"], [["b"]]), sheet]))
    found = read_sheet(path, ["ty le"])
    assert found.head == ("Xã", "Tàu", "Tỷ lệ", "Ngày")
    cells = [[row[name] for name in found.head] for _, row in found.rows]
    assert [number for number, _ in found.rows] == [5, 6, 8]
    assert [str(one) for one in cells[0]] == ["Thuận An", "453", "1.5", "2026/11/28"]
    assert [str(one) for one in cells[1]] == ["=1+1 & <b>", "None", "0", "2026/02/28"]
    assert cells[2][0] == "ghi chú"


def test_words_are_no_formulas_and_no_part_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook([Sheet("Một", ["x"] * 30, [list(range(30))])]))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        types = archive.read("[Content_Types].xml").decode()
        for name in archive.namelist():
            ElementTree.fromstring(archive.read(name))
            assert name.endswith(".rels") or name == "[Content_Types].xml" or f"/{name}" in types
        made = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in made
    assert 'r="Z1"' in made
    assert 'r="AD2"' in made


@pytest.mark.parametrize(("name", "kept"), [("a[b]:c*?/\\d", "a-b--c----d"), ("x" * 40, "x" * 31)])
def test_a_sheets_name_is_one_that_spreadsheets_take(name: str, kept: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook([Sheet(name, ["a"], [[1]])]))
    with zipfile.ZipFile(path) as archive:
        assert f'name="{kept}"' in archive.read("xl/workbook.xml").decode()
