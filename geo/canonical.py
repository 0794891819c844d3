"""Rows as text that is the same whenever and wherever it is written: one form of numbers and times, and SHA-256."""

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from numbers import Integral, Real
from typing import Any

MARK = "\N{BYTE ORDER MARK}"  # by which spreadsheets know that it is UTF-8
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def moment(at: datetime) -> str:
    """A time as RFC 3339 in UTC, to the microsecond."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def plain(value: Any) -> Any:
    """A value as JSON can hold it: times as text, what is no number None, NumPy's numbers as Python's."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, datetime):
        return None if value != value else moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return number if math.isfinite(number) else None
    return bool(value) if type(value).__name__ == "bool" else str(value)  # NumPy's own kind of truth


def line(value: Any) -> str:
    """A value as one line of JSON, names in their order."""
    return json.dumps(plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def page(value: Any) -> bytes:
    """A value as JSON for people, names in their order."""
    return (json.dumps(plain(value), ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def digest(data: bytes | str) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def digest_of_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 of the rows, each as its `line` with a line feed behind it."""
    told = hashlib.sha256()
    for row in rows:
        told.update(line(row).encode() + b"\n")
    return told.hexdigest()


def sheet(
    columns: Sequence[str], rows: Iterable[Mapping[str, Any]], decimals: Mapping[str, int] | None = None
) -> bytes:
    """The columns of the rows as CSV (RFC 4180); decimals: how many some columns of numbers are written with.

    What begins like a formula stays text in a spreadsheet.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    fixed = decimals or {}
    writer.writerows([_cell(row.get(name), fixed.get(name)) for name in columns] for row in rows)
    return (MARK + text.getvalue()).encode()


def _cell(value: Any, decimals: int | None) -> str:
    known = plain(value)
    if known is None:
        return ""
    if isinstance(known, bool):
        return "true" if known else "false"
    if isinstance(known, str):
        return "'" + known if known.startswith(FORMULA) else known
    if isinstance(known, dict | list):
        return line(known)
    if decimals is not None:
        return f"{known:.{decimals}f}"
    return repr(known)
