"""Rows as a CSV file for spreadsheets: what begins like a formula stays text."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

MARK = "\N{BYTE ORDER MARK}"  # by which spreadsheets know that it is UTF-8
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def sheet(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """The columns of the rows, as RFC 4180 has it; times as RFC 3339, what is missing empty."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return (MARK + text.getvalue()).encode()


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(FORMULA):
        return "'" + value
    return value
