"""Rows of an authority's file of communes: what each says of which commune, under whatever its columns are called."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from geo.area import PROVINCES, Area, Kind, Province, province_of, spelled
from geo.boat_file import number
from geo.fold import fold
from geo.heading import Headings
from geo.vector_file import Row
from geo.wrong import Wrong

# What people call our columns, folded; of several in one file the first here counts.
NAMES: Mapping[str, tuple[str, ...]] = {
    "code": ("code", "ma", "ma xa", "maxa", "ma phuong xa", "maphuongxa", "ma px", "ma dvhc", "madvhc", "ward code"),
    "name": ("name", "ten", "ten xa", "tenxa", "ten phuong xa", "tenphuongxa", "ten dvhc", "name vi", "ward name"),
    "full_name": ("fullname", "full name", "ten day du", "tendaydu"),
    "kind": ("kind", "loai", "cap", "type", "loai hinh", "loai dvhc"),
    "province": (
        "province", "tinh", "tinh thanh", "tinh thanh pho", "ma tinh", "matinh", "ten tinh", "tentinh", "province code",
    ),
    "area_km2": ("area km2", "areakm2", "dien tich", "dientich", "dien tich km2", "dtich km2"),
    "population": ("population", "dan so", "danso"),
}  # fmt: skip
_HEADINGS = Headings(NAMES)
KIND_WORDS: Mapping[str, Kind] = {
    "phuong": "ward", "p": "ward", "ward": "ward", "xa": "commune", "x": "commune", "commune": "commune",
}  # fmt: skip
_PREFIX = re.compile(r"^\s*(phường|phuong|p\.|xã|xa|x\.)\s+(?=\S)", re.IGNORECASE)
_THOUSANDS = re.compile(r"\d{1,3}(?:(?:\.\d{3})+|(?:,\d{3})+)")  # 12.345 people are twelve thousand
AREA_MAX_KM2, POPULATION_MAX = 20_000.0, 5_000_000


@dataclass(frozen=True)
class Draft:
    """What one row says: of which commune (or why that is not clear), its figures and its outline as GeoJSON."""

    number: int
    named: str
    known: Area | None
    area_km2: float | None
    population: int | None
    geometry: Any
    faults: tuple[Wrong, ...]


def drafts(
    rows: Sequence[Row], known: Sequence[Area], province: Province | None = None
) -> tuple[list[Draft], list[str]]:
    """What the rows say, and the names of columns that nobody knows; province: of rows that do not say theirs.

    A row is of the commune of its code; where it has no code, of its name and kind within a province, with or without
    accents. A Wrong names the file's own column.
    """
    ignored: dict[str, None] = {}
    roll = _Roll(known)
    found = [_draft(row, roll, province, ignored) for row in rows]
    first: dict[str, int] = {}
    for n, one in enumerate(found):
        if one.known is None:
            continue
        earlier = first.setdefault(one.known.code, one.number)
        if earlier != one.number:
            twice = Wrong(
                "code",
                f"{one.known.title_vi} đã có ở dòng {earlier}: chỉ giữ một",
                f"{one.known.title_vi} stands in row {earlier} too: keep one",
            )
            found[n] = Draft(**{**vars(one), "faults": (*one.faults, twice)})
    return found, list(ignored)


class _Roll:
    """The communes that there are, by code and by name."""

    def __init__(self, known: Sequence[Area]) -> None:
        self.by_code = {one.code: one for one in known}
        self.by_name: dict[str, list[Area]] = {}
        for one in known:
            for name in {spelled(one.name), fold(one.name)}:
                self.by_name.setdefault(name, []).append(one)


def _draft(row: Row, roll: _Roll, province: Province | None, ignored: dict[str, None]) -> Draft:
    said, columns = _HEADINGS.said(row.properties, ignored)
    faults: list[Wrong] = []
    known = None
    try:
        known = _commune(said, columns, roll, province)
    except Wrong as wrong:
        faults.append(wrong)
    size = _figure(said, columns, "area_km2", AREA_MAX_KM2, faults)
    people = _figure(said, columns, "population", POPULATION_MAX, faults)
    if row.fault is not None:
        faults.append(Wrong("geom", *row.fault))
    elif row.geometry is None:
        faults.append(Wrong("geom", "Không có ranh giới", "there is no outline"))
    told = said.get("full_name") or said.get("name") or said.get("code") or ""
    whole = None if people is None else round(people)
    return Draft(row.number, told, known, size, whole, row.geometry, tuple(faults))


def _commune(said: Mapping[str, str], columns: Mapping[str, str], roll: _Roll, province: Province | None) -> Area:
    """The commune that a row is of. Raises Wrong."""
    own = _province(said, columns) or province
    name, kind = _name(said, columns)
    code = re.sub(r"\.0+$", "", said.get("code", ""))
    if code:
        found = roll.by_code.get(code.zfill(5))
        if found is None:
            raise Wrong(
                columns["code"],
                f"Không có xã, phường mã {code[:20]}: sửa mã, hoặc bỏ cột này để tìm theo tên",
                f"there is no commune {code[:20]}: correct the code, or leave this column out to match by name",
            )
        return _agreeing(found, name, kind, own, columns)
    if not name:
        raise Wrong(
            columns.get("name", "name"), "Thiếu mã và tên xã, phường", "neither a code nor a name: whose is this?"
        )
    return _by_name(name, kind, own, columns, roll)


def _agreeing(found: Area, name: str, kind: Kind | None, own: Province | None, columns: Mapping[str, str]) -> Area:
    """The commune of a code, if what else the row says is not of another one."""
    column = columns.get("name") or columns.get("full_name") or "name"
    if name and fold(name) != fold(found.name):
        raise Wrong(
            column,
            f"Mã {found.code} là {found.title_vi}, không phải {name[:60]}: sửa mã hoặc tên",
            f"{found.code} is {found.title_vi}, not {name[:60]}: correct the code or the name",
        )
    _same_kind(found, kind, columns)
    if own is not None and own.code != found.province:
        raise Wrong(
            columns.get("province", "province"),
            f"{found.title_vi} ({found.code}) không thuộc {own.name}",
            f"{found.title_vi} ({found.code}) is not in {own.name}",
        )
    return found


def _by_name(name: str, kind: Kind | None, own: Province | None, columns: Mapping[str, str], roll: _Roll) -> Area:
    column = columns.get("name") or columns.get("full_name") or "name"
    for written in (spelled(name), fold(name)):
        found = [one for one in roll.by_name.get(written, ()) if own is None or one.province == own.code]
        wanted = [one for one in found if kind is None or one.kind == kind] or found
        if len(wanted) == 1:
            _same_kind(wanted[0], kind, columns)
            return wanted[0]
        if len(wanted) > 1:
            listed = ", ".join(f"{one.title_vi} {one.code}" for one in wanted)
            raise Wrong(
                column,
                f"{name[:60]} là tên của nhiều xã, phường ({listed}): ghi mã, hoặc --province",
                f"{name[:60]} is the name of several ({listed}): give a column `code`, or say --province",
            )
    where = own.name if own else ", ".join(one.name for one in PROVINCES)
    raise Wrong(
        column,
        f"Không có xã, phường {name[:60]} ở {where}: kiểm tra tên (của sau 1/7/2025), hoặc ghi mã",
        f"there is no commune {name[:60]} in {where}: is the name one of after 1 July 2025? Or give a column `code`",
    )


def _same_kind(found: Area, kind: Kind | None, columns: Mapping[str, str]) -> None:
    if kind is not None and kind != found.kind:
        words = {"ward": "phường", "commune": "xã"}
        raise Wrong(
            columns.get("kind") or columns.get("full_name") or columns.get("name") or "kind",
            f"{found.title_vi} không phải là {words[kind]}: kiểm tra tên và loại",
            f"{found.title_vi} is no {words[kind]}: look at the name and the kind",
        )


def _name(said: Mapping[str, str], columns: Mapping[str, str]) -> tuple[str, Kind | None]:
    """The bare name, and the kind where a column or the name itself says it. Raises Wrong."""
    kind: Kind | None = None
    if "kind" in said:
        kind = KIND_WORDS.get(fold(said["kind"]))
        if kind is None:
            raise Wrong(
                columns["kind"], f"{said['kind'][:30]}: loại là phường hoặc xã",
                f"{said['kind'][:30]}: a kind is phường (ward) or xã (commune)",
            )  # fmt: skip
    name = ""
    for column in ("full_name", "name"):
        written = said.get(column, "")
        prefix = _PREFIX.match(written)
        if written:
            name = written[prefix.end() :] if prefix else written
        if prefix and kind is None:
            kind = KIND_WORDS[fold(prefix[1])]
    return name, kind


def _province(said: Mapping[str, str], columns: Mapping[str, str]) -> Province | None:
    written = re.sub(r"\.0+$", "", said.get("province", ""))
    found = province_of(written) if written else None
    if written and found is None:
        listed = ", ".join(f"{one.name} ({one.code})" for one in PROVINCES)
        raise Wrong(
            columns["province"], f"Không có tỉnh {written[:40]}; có: {listed}",
            f"there is no province {written[:40]}; there are: {listed}",
        )  # fmt: skip
    return found


def _figure(
    said: Mapping[str, str], columns: Mapping[str, str], name: str, most: float, faults: list[Wrong]
) -> float | None:
    if name not in said:
        return None
    text = said[name]
    if name == "population" and _THOUSANDS.fullmatch(text):
        text = re.sub(r"[.,]", "", text)
    try:
        value = float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else number(text)
    except Wrong as wrong:
        faults.append(Wrong(columns[name], wrong.vi, wrong.en))
        return None
    if not (isfinite(value) and 0 < value <= most):
        faults.append(
            Wrong(columns[name], f"{said[name][:30]} ngoài 0 – {most:g}", f"{said[name][:30]} is not in 0 to {most:g}")
        )
        return None
    if name == "population" and value != int(value):
        shown = said[name][:30]
        faults.append(
            Wrong(
                columns[name],
                f"{shown} không phải số người: viết như 12345 hoặc 12.345",
                f"{shown} is no number of people: it is written like 12345 or 12.345",
            )
        )
        return None
    return value
