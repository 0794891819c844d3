"""What people type into forms, and what it means: numbers with a decimal comma, lists, and keys of objects."""

import re
from collections.abc import Sequence

from geo.roster import Roster
from pages.text import Text


def number_text(t: Text, value: float | None) -> str:
    """A number as it is typed, with a decimal comma in Vietnamese; empty for None."""
    return "" if value is None else f"{round(value, 6):.10g}".replace(".", "," if t.lang == "vi" else ".")


def read_number(t: Text, text: str, negative: bool = False) -> float | None:
    """The number that was typed, with a comma or a point; None for nothing. Raises ValueError in words."""
    if not text:
        return None
    if not re.fullmatch(r"-?\d{1,9}([.,]\d{1,6})?", text):
        raise ValueError(t("Cần một con số, ví dụ 500 hoặc 1,5"))
    number = float(text.replace(",", "."))
    if number < 0 and not negative:
        raise ValueError(t("Không được âm"))
    return number


def read_steps(t: Text, text: str) -> tuple[float, ...]:
    """Numbers with spaces or semicolons between them, since a comma is a decimal one. Raises ValueError in words."""
    return tuple(read_number(t, part) or 0.0 for part in re.split(r"[;/\s]+", text) if part)


def parts(text: str) -> list[str]:
    """The words of a list, with commas, semicolons, spaces or lines between them."""
    return [part for part in re.split(r"[,;\s]+", text) if part]


def read_keys(t: Text, text: str, lists: Sequence[Roster], mmsi: bool = True) -> list[str]:
    """Keys of objects and names of lists as `@name`; mmsi: keys are nine digits. Raises ValueError in words."""
    keys = parts(text)
    known = {f"@{one.key}" for one in lists}
    for key in keys:
        if key.startswith("@") and key not in known:
            raise ValueError(t("Không có danh sách {name}", name=key[:40]))
        if mmsi and not key.startswith("@") and not re.fullmatch(r"\d{9}", key):
            raise ValueError(t("{name} không phải là MMSI (9 chữ số)", name=key[:40]))
    return keys
