"""Workbooks for tests, as a spreadsheet writes them: numbers as numbers, days as days, rows left blank."""

import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
DAY_STYLE = (
    f'<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
    '<xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>'
)


def _cell(place: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return f'<c r="{place}" s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def write(path: Path, sheets: Mapping[str, Mapping[int, Sequence[Any]]]) -> Path:
    """A workbook: sheets by name, each with its rows by their numbers."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        listed, related, types = "", f'<Relationship Id="s" Type="{OFFICE}/styles" Target="styles.xml"/>', ""
        for n, (name, rows) in enumerate(sheets.items(), 1):
            listed += f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}"/>'
            related += f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="sheet{n}.xml"/>'
            types += f'<Override PartName="/xl/sheet{n}.xml" ContentType="{SHEET}.worksheet+xml"/>'
            body = "".join(
                f'<row r="{at}">{"".join(_cell(f"{chr(65 + i)}{at}", one) for i, one in enumerate(cells))}</row>'
                for at, cells in rows.items()
            )
            archive.writestr(f"xl/sheet{n}.xml", f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>')
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{SHEET}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{SHEET}.styles+xml"/>{types}</Types>',
        )
        root = f'<Relationship Id="w" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        for name, inner in (("_rels/.rels", root), ("xl/_rels/workbook.xml.rels", related)):
            archive.writestr(name, f'<Relationships xmlns="{PACKAGE}/relationships">{inner}</Relationships>')
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>'
        )
        archive.writestr("xl/styles.xml", DAY_STYLE)
    return path
