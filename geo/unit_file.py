"""Rows of a list of handling units: what each says of its unit, under whatever its columns are called."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from geo.boat_file import cleaned
from geo.fold import fold
from geo.heading import Headings
from geo.vector_file import Sheet
from geo.wrong import Wrong

NAME_MAX, KEY_MAX, ORDINAL_MAX = 120, 80, 30_000
# What people call our columns, folded; of several in one file the first here counts.
NAMES: Mapping[str, tuple[str, ...]] = {
    "key": ("key", "ma", "ma don vi", "code", "unit code"),
    "name_vi": ("name vi", "ten", "ten don vi", "don vi", "co quan", "name", "unit"),
    "name_en": ("name en", "ten tieng anh", "english", "english name"),
    "ordinal": ("ordinal", "thu tu", "stt", "order"),
}
KEY_NAMES = NAMES["name_vi"]
_HEADINGS = Headings(NAMES)


@dataclass(frozen=True)
class Draft:
    """What one row says of a unit: name_vi, name_en, ordinal as far as it tells them; each Wrong with its column."""

    number: int
    key: str
    said: Mapping[str, Any]
    faults: tuple[Wrong, ...] = ()


def of_sheet(sheet: Sheet) -> tuple[list[Draft], list[str]]:
    """The drafts of a table, and the columns that nobody knows. A row without a key has one made of its name."""
    ignored: dict[str, None] = {}
    found = [_draft(number, cells, ignored) for number, cells in sheet.rows]
    first: dict[str, int] = {}
    for n, one in enumerate(found):
        earlier = first.setdefault(one.key, one.number)
        if one.key and earlier != one.number:
            wrong = Wrong("key", f"Trùng với dòng {earlier}: {one.key}", f"row {earlier} is of {one.key} too: keep one")
            found[n] = replace(one, faults=(*one.faults, wrong))
    return found, list(ignored)


def _draft(number: int, cells: Mapping[str, Any], ignored: dict[str, None]) -> Draft:
    told, _ = _HEADINGS.said(cells, ignored)
    heads = _HEADINGS.heads(cells)
    texts = {name: cleaned(value) for name, value in told.items()}
    faults: list[Wrong] = []
    said: dict[str, Any] = {}
    for name in ("name_vi", "name_en"):
        if len(texts.get(name, "")) > NAME_MAX:
            faults.append(
                Wrong(heads.get(name, name), f"Nhiều nhất {NAME_MAX} ký tự", f"at most {NAME_MAX} characters")
            )
        elif texts.get(name):
            said[name] = texts[name]
    if not texts.get("name_vi"):
        faults.append(Wrong(heads.get("name_vi", "name_vi"), "Thiếu tên đơn vị", "the unit's name is missing"))
    if texts.get("ordinal"):
        if texts["ordinal"].isdecimal() and int(texts["ordinal"]) <= ORDINAL_MAX:
            said["ordinal"] = int(texts["ordinal"])
        else:
            faults.append(Wrong(heads.get("ordinal", "ordinal"), "Thứ tự là một số", f"a number up to {ORDINAL_MAX}"))
    key = fold(texts.get("key") or texts.get("name_vi", "")).replace(" ", "_")[:KEY_MAX]
    return Draft(number, key, said, tuple(faults))
