"""Workbooks for spreadsheets (XLSX): a few lines of words above a table, numbers as numbers, days as days."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

_NAME_MOST, _FORBIDDEN = 31, str.maketrans(dict.fromkeys("[]:*?/\\", "-"))
_A4, _WHOLE, _NUMBER, _DAY = 9, "#,##0", "#,##0.0##", "dd/mm/yyyy"
# Words stay words, whatever they begin with.
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


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
    with Workbook(made, _OPTIONS) as book:
        book.formats[0].set_font_name("Arial")
        styles = {
            name: book.add_format({"font_name": "Arial", "valign": "top", **about})
            for name, about in (
                ("words", {}),
                ("title", {"bold": True, "font_size": 14}),
                ("head", {"bold": True, "bg_color": "#E4EAF0", "text_wrap": True}),
                ("whole", {"num_format": _WHOLE}),
                ("number", {"num_format": _NUMBER}),
                ("day", {"num_format": _DAY}),
                ("sum", {"bold": True}),
                ("sum whole", {"bold": True, "num_format": _WHOLE}),
                ("sum number", {"bold": True, "num_format": _NUMBER}),
                ("sum day", {"bold": True, "num_format": _DAY}),
            )
        }
        for one in sheets:
            _fill(book.add_worksheet(one.name.translate(_FORBIDDEN)[:_NAME_MOST]), one, styles)
    return made.getvalue()


def _fill(page: Worksheet, sheet: Sheet, styles: dict[str, Format]) -> None:
    top = len(sheet.above) + 1 if sheet.above else 0
    page.set_column(0, 0, sheet.first_width)
    page.set_column(1, max(1, len(sheet.head) - 1), 12.0)
    page.freeze_panes(top + 1, 1)
    page.set_landscape()
    page.set_paper(_A4)
    for number, words in enumerate(sheet.above):
        page.write_string(number, 0, _plain(words), styles["words" if number else "title"])
    for column, words in enumerate(sheet.head):
        page.write_string(top, column, _plain(words), styles["head"])
    for number, cells in enumerate(sheet.rows, 1):
        last = "sum " if sheet.last_is_sum and number == len(sheet.rows) else ""
        for column, value in enumerate(cells):
            _write(page, top + number, column, value, styles, last)
    for number, words in enumerate(sheet.below, top + len(sheet.rows) + 2):
        page.write_string(number, 0, _plain(words), styles["words"])


def _write(page: Worksheet, row: int, column: int, value: Any, styles: dict[str, Format], last: str) -> None:
    if value is None:
        return
    if isinstance(value, date):
        day = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a day has no zone
        page.write_datetime(row, column, day, styles[f"{last}day"])
    elif isinstance(value, int | float):
        page.write_number(row, column, value, styles[f"{last}{'whole' if isinstance(value, int) else 'number'}"])
    else:
        page.write_string(row, column, _plain(str(value)), styles["sum" if last else "words"])


def _plain(words: str) -> str:
    return "".join(
        letter for letter in words if letter >= " " or letter in "\n\t"
    )  # XML holds no other control letters
