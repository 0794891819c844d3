"""Workbooks for spreadsheets (XLSX, ECMA-376): a few lines of words above a table, numbers as numbers, days as days."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_EPOCH = date(1899, 12, 30)  # from which spreadsheets count days
_NAME_MOST, _FORBIDDEN = 31, str.maketrans(dict.fromkeys("[]:*?/\\", "-"))
_PLAIN, _TITLE, _HEAD, _DAY, _SUM, _NUMBER = range(6)
# Styles in the order of those numbers: font (0 plain, 1 strong, 2 large), number format, fill, wrapped.
_STYLES = ((0, 0, 0, False), (2, 0, 0, False), (1, 0, 2, True), (0, 164, 0, False), (1, 3, 0, False), (0, 3, 0, False))


@dataclass(frozen=True)
class Sheet:
    """One sheet. above: lines of words, the first one large; last_is_sum: the last row is set apart.

    A cell is None (left empty), a number, a day, or words, which stay words whatever they begin with.
    """

    name: str
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]
    above: Sequence[str] = ()
    below: Sequence[str] = ()
    last_is_sum: bool = False
    first_width: float = 24.0


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """The file. Of a moment of day only the day is kept; hours belong into words, in the centre's time."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        parts = {
            "[Content_Types].xml": _types(len(sheets)),
            "_rels/.rels": _relations([("w", f"{_OFFICE}/officeDocument", "xl/workbook.xml")]),
            "xl/workbook.xml": _listed([one.name for one in sheets]),
            "xl/_rels/workbook.xml.rels": _relations(
                [
                    ("s", f"{_OFFICE}/styles", "styles.xml"),
                    *((f"r{n}", f"{_OFFICE}/worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)),
                ]
            ),
            "xl/styles.xml": _styles(),
            **{f"xl/worksheets/sheet{n}.xml": _sheet(one) for n, one in enumerate(sheets, 1)},
        }
        for name, root in parts.items():
            archive.writestr(name, ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True))
    return made.getvalue()


def _sheet(sheet: Sheet) -> Element:
    root = Element("worksheet", xmlns=_MAIN)
    top = len(sheet.above) + 2 if sheet.above else 1
    pane = SubElement(SubElement(SubElement(root, "sheetViews"), "sheetView", workbookViewId="0"), "pane")
    pane.attrib |= {"xSplit": "1", "ySplit": str(top), "topLeftCell": f"B{top + 1}", "state": "frozen"}
    pane.set("activePane", "bottomRight")
    cols = SubElement(root, "cols")
    for first, last, width in ((1, 1, sheet.first_width), (2, max(2, len(sheet.head)), 12.0)):
        SubElement(cols, "col", min=str(first), max=str(last), width=f"{width:g}", customWidth="1")
    data = SubElement(root, "sheetData")
    for n, words in enumerate(sheet.above, 1):
        _row(data, n, [words], _TITLE if n == 1 else _PLAIN)
    _row(data, top, sheet.head, _HEAD)
    for n, cells in enumerate(sheet.rows, top + 1):
        _row(data, n, cells, _SUM if sheet.last_is_sum and n == top + len(sheet.rows) else _PLAIN)
    for n, words in enumerate(sheet.below, top + len(sheet.rows) + 2):
        _row(data, n, [words], _PLAIN)
    SubElement(root, "pageSetup", paperSize="9", orientation="landscape")
    return root


def _row(data: Element, number: int, cells: Sequence[Any], style: int) -> None:
    row = SubElement(data, "row", r=str(number))
    for n, value in enumerate(cells):
        if value is not None:
            _cell(row, f"{_letters(n)}{number}", value, style)


def _cell(row: Element, place: str, value: Any, style: int) -> None:
    if isinstance(value, date):
        day = value.date() if isinstance(value, datetime) else value
        cell = SubElement(row, "c", r=place, s=str(_DAY))
        SubElement(cell, "v").text = str((day - _EPOCH).days)
    elif isinstance(value, int | float):
        cell = SubElement(row, "c", r=place, s=str(_NUMBER if style == _PLAIN else style))
        SubElement(cell, "v").text = repr(value)
    else:
        cell = SubElement(row, "c", r=place, s=str(style), t="inlineStr")
        text = SubElement(SubElement(cell, "is"), "t", {"xml:space": "preserve"})
        text.text = "".join(c for c in str(value) if c >= " " or c in "\n\t")  # XML holds no other control letters


def _letters(index: int) -> str:
    """The column's name: 0 is A, 26 is AA."""
    return (_letters(index // 26 - 1) if index >= 26 else "") + chr(ord("A") + index % 26)


def _styles() -> Element:
    root = Element("styleSheet", xmlns=_MAIN)
    formats = SubElement(root, "numFmts", count="1")
    SubElement(formats, "numFmt", numFmtId="164", formatCode="dd/mm/yyyy")
    fonts = SubElement(root, "fonts", count="3")
    for strong, size in ((False, "11"), (True, "11"), (True, "14")):
        font = SubElement(fonts, "font")
        if strong:
            SubElement(font, "b")
        SubElement(font, "sz", val=size)
        SubElement(font, "name", val="Arial")
    fills = SubElement(root, "fills", count="3")
    for pattern in ("none", "gray125", "solid"):  # the first two are the standard's own
        fill = SubElement(SubElement(fills, "fill"), "patternFill", patternType=pattern)
        if pattern == "solid":
            SubElement(fill, "fgColor", rgb="FFE4EAF0")
    border = SubElement(SubElement(root, "borders", count="1"), "border")
    for side in ("left", "right", "top", "bottom", "diagonal"):
        SubElement(border, side)
    SubElement(SubElement(root, "cellStyleXfs", count="1"), "xf", numFmtId="0", fontId="0", fillId="0", borderId="0")
    kinds = SubElement(root, "cellXfs", count=str(len(_STYLES)))
    for font_id, number, fill_id, wrapped in _STYLES:
        made = SubElement(
            kinds, "xf", numFmtId=str(number), fontId=str(font_id), fillId=str(fill_id), borderId="0", xfId="0",
            applyNumberFormat="1", applyFont="1", applyFill="1", applyAlignment="1",
        )  # fmt: skip
        SubElement(made, "alignment", vertical="top", wrapText="1" if wrapped else "0")
    SubElement(SubElement(root, "cellStyles", count="1"), "cellStyle", name="Normal", xfId="0", builtinId="0")
    return root


def _listed(names: Sequence[str]) -> Element:
    root = Element("workbook", {"xmlns": _MAIN, "xmlns:r": _OFFICE})
    sheets = SubElement(root, "sheets")
    for n, name in enumerate(names, 1):
        SubElement(
            sheets, "sheet", {"name": name.translate(_FORBIDDEN)[:_NAME_MOST], "sheetId": str(n), "r:id": f"r{n}"}
        )
    return root


def _relations(items: Sequence[tuple[str, str, str]]) -> Element:
    root = Element("Relationships", xmlns=f"{_PACKAGE}/relationships")
    for key, kind, target in items:
        SubElement(root, "Relationship", Id=key, Type=kind, Target=target)
    return root


def _types(count: int) -> Element:
    root = Element("Types", xmlns=f"{_PACKAGE}/content-types")
    relations = "application/vnd.openxmlformats-package.relationships+xml"
    SubElement(root, "Default", Extension="rels", ContentType=relations)
    SubElement(root, "Default", Extension="xml", ContentType="application/xml")
    parts = [("workbook.xml", "sheet.main"), ("styles.xml", "styles")]
    parts += [(f"worksheets/sheet{n}.xml", "worksheet") for n in range(1, count + 1)]
    for name, kind in parts:
        SubElement(root, "Override", PartName=f"/xl/{name}", ContentType=f"{_TYPE}.{kind}+xml")
    return root
