"""Fences as files carry them: rows of a file read as what they ask for, and fences written for other programs."""

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from geo.calendar import ZONE
from geo.fence import REFERENCE_NOTE, Fence
from geo.fence_json import feature
from geo.fence_kind import DWELL_MAX_S, KEY, KINDS, NOTE_MAX, REFERENCE, TAKEN, Wrong
from geo.fold import fold
from geo.vector_file import Row
from geo.watch import Held, Watch, starting

# Under which other names, folded, a column is known: what people call it, and what a shapefile leaves of it.
ALIASES = {
    "name vi": "name_vi", "name": "name_vi", "ten": "name_vi", "ten vung": "name_vi", "ten vi": "name_vi",
    "name en": "name_en", "ten en": "name_en", "ma": "key", "ma vung": "key", "loai": "kind", "ghi chu": "note",
    "description": "note", "buffer m": "buffer_m", "hysteresis m": "hysteresis_m", "hysteresis": "hysteresis_m",
    "dwell s": "dwell_s", "valid from": "valid_from", "valid to": "valid_to", "applies to": "applies_to",
    "review by": "review_by", "hysteresi": "hysteresis_m",
}  # fmt: skip
FIELDS = (
    "key", "name_vi", "name_en", "kind", "buffer_m", "hysteresis_m", "dwell_s", "valid_from", "valid_to", "season",
    "applies_to", "owner", "review_by", "note", "watch", "version",
)  # fmt: skip
# What an export tells besides; nothing of it can be set by a file.
TOLD = ("id", "simulated", "retired_at", "state", "area_km2", "length_km", "fid", "ogc fid", "objectid")
CLEARED = {"note": None, "owner": None, "name_en": "", "valid_from": None, "valid_to": None, "review_by": None}
WATCHED = ("kinds", "severity", "off_delay_s", "direction", "steps_nm", "response_vi", "response_en", "layer")
NEW_HYSTERESIS_M = 50.0


@dataclass(frozen=True)
class Draft:
    """One row of a file: which fence it speaks of, what it says of it, its geometry as it was given, what is wrong.

    said: fields of a fence; watch: of its rules. Of both only what the row says: the rest stays as it is kept.
    """

    number: int
    key: str
    said: Mapping[str, Any]
    watch: Mapping[str, Any]
    geometry: Any
    version: int | None = None
    faults: tuple[Wrong, ...] = ()

    @property
    def kind(self) -> str | None:
        """The kind that the row says, if it does."""
        return self.said.get("kind")

    def onto(self, known: Held | None) -> tuple[Fence, Watch | None]:
        """The fence and the watch that the row asks for, out of what is kept; as Held.shown has it. Raises Wrong."""
        if known is not None:
            fence = replace(known.shown, **self.said, geom=self.geometry)
            return fence, _watch(known.watch, self.watch) if self.watch else None
        kind = self.said.get("kind") or _kind_of(self.geometry)
        if kind is None:
            raise Wrong(
                "kind",
                "Đường là cổng hay ranh giới? Ghi cột kind (gate, boundary)",
                "a line is a gate or a boundary: say so in a column kind, or for all by --kind",
            )
        new = Fence(self.key, kind, "", "", None, hysteresis_m=NEW_HYSTERESIS_M)
        begun = starting(kind) if kind in KINDS else Watch()
        fence = replace(new, **{**self.said, "kind": kind}, geom=self.geometry)
        if fence.buffer_m and kind != "boundary" and "kinds" not in self.watch:
            begun = replace(begun, kinds=begun.kinds | {"approach"})
        return fence, _watch(begun, self.watch)


def _kind_of(geometry: Any) -> str | None:
    return None if isinstance(geometry, Mapping) and "Line" in str(geometry.get("type")) else "area"


def _watch(begun: Watch, said: Mapping[str, Any]) -> Watch:
    return replace(begun, **said)


def drafts(rows: Sequence[Row], kind: str | None = None) -> tuple[list[Draft], list[str]]:
    """What the rows of a file ask for, and the names of the columns that nobody knows.

    kind: of rows that do not say. A row without a key has the one that its name makes, with a number behind it when
    rows before it have that one already, so that the same file means the same fences again.
    """
    ignored: dict[str, None] = {}
    found: list[Draft] = []
    taken: Counter[str] = Counter()
    first: dict[str, int] = {}
    for row in rows:
        values = _named(row.properties, ignored)
        faults: list[Wrong] = []
        said = {name: value for name in FIELDS if (value := _read(name, values, faults)) is not None}
        said |= {name: empty for name, empty in CLEARED.items() if name in values and values[name] is None}
        if kind is not None:
            said.setdefault("kind", kind)
        key = said.pop("key", None) or _id_key(row.properties.get("id"))
        if key is None:
            if not said.get("name_vi"):
                faults.append(Wrong("name_vi", "Cần mã (key) hoặc tên (name_vi)", "a key or a name is needed"))
            key = key_of(str(said.get("name_vi") or "")) or f"vung_{row.number}"
            taken[key] += 1
            key = key if taken[key] == 1 else f"{key[:55]}_{taken[key]}"
        if key in first:
            n = first[key]
            faults.append(Wrong("key", f"Mã này đã có ở dòng {n}", f"row {n} has this key already"))
        first.setdefault(key, row.number)
        if row.fault is not None:
            faults.append(Wrong("geom", *row.fault))
        elif row.geometry is None:
            faults.append(Wrong("geom", "Không có hình học", "there is no geometry"))
        watch, version = said.pop("watch", {}), said.pop("version", None)
        found.append(Draft(row.number, key, said, watch, row.geometry, version, tuple(faults)))
    return found, list(ignored)


def key_of(name: str) -> str:
    """The key that a name makes: without accents, at most 50 letters; empty when nothing is left."""
    made = fold(name).replace(" ", "_")[:50].strip("_")
    return f"{made}_2" if made in TAKEN else made


def _id_key(value: Any) -> str | None:
    """A feature's id where it can be a key; numbers are only a program's counting."""
    plain = isinstance(value, str) and KEY.fullmatch(value) and not value.isdigit()
    return str(value) if plain else None


def _named(properties: Mapping[str, Any], ignored: dict[str, None]) -> dict[str, Any]:
    """A row's values under our names; our own name wins over another one for the same, the first of others."""
    found: dict[str, Any] = {}
    exact: set[str] = set()
    for column, value in properties.items():
        plain = fold(column)
        ours = column if column in FIELDS else ALIASES.get(plain, plain)
        if ours not in FIELDS:
            if plain not in TOLD and column not in TOLD and column:
                ignored.setdefault(column)
        elif column == ours or ours not in found or (found[ours] in (None, "") and ours not in exact):
            found[ours] = value
            exact |= {ours} if column == ours else set()
    return found


# Values, as files have them: text, numbers, or JSON


def _read(name: str, values: Mapping[str, Any], faults: list[Wrong]) -> Any:
    value = values.get(name)
    text = value.strip() if isinstance(value, str) else value
    if text is None or text == "":
        return None
    try:
        reader: Callable[[Any], Any] = READERS.get(name, _words)
        return reader(text)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        vi, en = FORMS.get(name, ("Viết sai", "cannot be read"))
        faults.append(Wrong(name, f"{vi}: {str(text)[:40]}", str(error) if isinstance(error, Wrong) else en))
        return None


def _words(value: Any) -> str:
    if isinstance(value, dict | list | bool):
        raise ValueError("no text")
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _number(value: Any) -> float:
    if isinstance(value, bool | dict | list):
        raise ValueError("no number")
    number = float(value.replace(",", ".") if isinstance(value, str) else value)
    if not math.isfinite(number):
        raise ValueError("no number")
    return number


def _moment(value: Any) -> datetime:
    text = str(value)
    for form in ("%d/%m/%Y", "%H:%M %d/%m/%Y", "%d/%m/%Y %H:%M", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=ZONE)
        except ValueError:
            continue
    at = datetime.fromisoformat(text)
    if not 1900 <= at.year <= 2200:
        raise ValueError("no such year")
    return at if at.tzinfo else at.replace(tzinfo=ZONE)


def _day(value: Any) -> date:
    return _moment(value).date()


def _json(value: Any) -> Any:
    found = json.loads(value) if isinstance(value, str) else value
    told = json.dumps(found, ensure_ascii=False, allow_nan=False)
    told.encode()  # halves of letters are no text
    if "\\u0000" in told:
        raise ValueError("a character that cannot be kept")
    return found


def _object(value: Any) -> dict[str, Any]:
    found = _json(value)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _season(value: Any) -> list[list[str]]:
    return [[str(day) for day in span] for span in _json(value)]


def _watched(value: Any) -> dict[str, Any]:
    """What a watch says, in the types of Watch; what an export tells besides is left out. Raises ValueError."""
    given = _object(value)
    found = {name: given[name] for name in WATCHED if name in given}
    for name, make in (("kinds", frozenset), ("steps_nm", tuple)):
        if name in found:
            listed = found[name]
            good = str if name == "kinds" else (int, float)
            if not isinstance(listed, list) or not all(isinstance(one, good) for one in listed):
                raise ValueError(f"{name} is no list")
            found[name] = make(listed)
    if "off_delay_s" in found:
        found["off_delay_s"] = _number(found["off_delay_s"])
        if not 0 <= found["off_delay_s"] <= DWELL_MAX_S:
            raise ValueError("off_delay_s is out of range")
    for name in ("severity", "direction", "layer"):
        if name in found and not isinstance(found[name], str):
            raise ValueError(f"{name} is no text")
    for name in ("response_vi", "response_en"):
        if not isinstance(found.get(name), str | None) or len(found.get(name) or "") > NOTE_MAX:
            raise ValueError(f"{name} is no text, or too long")
    return found


READERS: Mapping[str, Callable[[Any], Any]] = {
    "buffer_m": _number, "hysteresis_m": _number, "dwell_s": _number, "valid_from": _moment, "valid_to": _moment,
    "review_by": _day, "season": _season, "applies_to": _object, "watch": _watched,
    "version": lambda value: int(_number(value)), "kind": lambda value: _words(value).strip().lower(),
    "key": lambda value: _words(value).strip(),
}  # fmt: skip
NUMBER = ("Cần một con số", "a number is needed")
MOMENT = ("Viết như 2027-04-01T06:00 hoặc 06:00 01/04/2027", "a time is written 2027-04-01T06:00+07:00")
FORMS: Mapping[str, tuple[str, str]] = {
    "buffer_m": NUMBER, "hysteresis_m": NUMBER, "dwell_s": NUMBER, "version": NUMBER, "valid_from": MOMENT,
    "valid_to": MOMENT, "review_by": ("Viết như 2027-12-31 hoặc 31/12/2027", "a day is written 2027-12-31"),
    "season": ('Viết như [["04-01", "06-30"]]', 'a season is written [["04-01", "06-30"]]'),
    "applies_to": ('Viết JSON như {"length_m": [15, null]}', 'conditions are JSON like {"length_m": [15, null]}'),
    "watch": ('Viết JSON như {"kinds": ["inside"], "severity": "high"}', 'JSON like {"kinds": ["inside"]}'),
}  # fmt: skip


# Out


@dataclass(frozen=True)
class Export:
    """A kind of file that fences are written to: how it ends, and what it is on the wire."""

    suffix: str
    media_type: str
    name: str


EXPORTS: Mapping[str, Export] = {
    "geojson": Export("geojson", "application/geo+json", "GeoJSON"),
    "kml": Export("kml", "application/vnd.google-earth.kml+xml", "KML"),
    "gpkg": Export("gpkg", "application/geopackage+sqlite3", "GeoPackage"),
}


def features(found: Sequence[Held], now: datetime, keys: Collection[str] | None = None) -> list[dict[str, Any]]:
    """Fences as GeoJSON features for a file; the reference lines say that they are no legal basis (domain.md 1.2)."""
    made = [feature(one, now) for one in found if keys is None or one.fence.key in keys]
    for one in made:
        if one["properties"]["kind"] in REFERENCE:
            one["properties"]["note"] = one["properties"]["note"] or REFERENCE_NOTE
    return made


def flat(made: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Features whose properties are text and numbers alone, nested ones as JSON text: for tables and KML."""
    return [{**one, "properties": {name: _flat(value) for name, value in one["properties"].items()}} for one in made]


def _flat(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return value
