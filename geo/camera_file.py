"""Lists of cameras as their owners keep them, as tables or as JSON of any nesting, read as what they say of each."""

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from geo.boat_file import cleaned
from geo.camera import COMPASS, KINDS
from geo.fold import fold
from geo.outgoing import target
from geo.vector_file import BYTES_MAX, TABLES, FileFault, read_sheet
from geo.wrong import Wrong

ROWS_MAX, DEPTH_MAX = 20_000, 6
ID_MAX, TEXT_MAX, URL_MAX = 64, 200, 1_000
# What people call our columns, folded; of several in one list the first here counts.
NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "ma camera", "macamera", "camera id", "ma", "ma so", "so hieu", "code"),
    "name": ("name", "ten", "ten camera", "tencamera", "title", "description", "mo ta", "vi tri", "dia diem"),
    "owner": ("owner", "don vi quan ly", "co quan quan ly", "chu quan", "don vi", "owner agency", "agency"),
    "kind": ("kind", "loai", "loai camera", "category", "muc dich"),
    "provider": ("provider", "nha cung cap", "don vi cung cap"),
    "lat": ("lat", "latitude", "vi do", "y"),
    "lon": ("lon", "lng", "long", "longitude", "kinh do", "x"),
    "place": ("latlng", "lat lng", "toa do", "coordinates"),
    "azimuth_deg": (
        "azimuth deg", "azimuth", "heading", "bearing", "huong nhin", "huong", "goc phuong vi", "phuong vi",
        "direction",
    ),
    "field_of_view_deg": ("field of view deg", "field of view", "fov", "fov deg", "goc nhin", "goc mo"),
    "range_m": ("range m", "range", "tam nhin", "tam nhin m", "tam xa", "tam xa m"),
    "retention_days": ("retention days", "retention", "luu hinh", "so ngay luu", "luu tru ngay", "thoi gian luu"),
    "snapshot_url": (
        "snapshot url", "snapshot", "image url", "image", "still url", "anh", "url anh", "dia chi anh", "image url x4",
    ),
    "hls_url": ("hls url", "hls", "m3u8", "stream url", "stream", "luong", "dia chi luong", "url hls"),
    "url": ("url", "link", "dia chi", "duong dan"),
    "format": ("format", "dinh dang"),
}  # fmt: skip
_OURS = {known: ours for ours, each in NAMES.items() for known in each}
KEY_NAMES = tuple(name for ours in ("id", "name", "lat", "lon", "place") for name in NAMES[ours])
COUNTED_NAMES = ("stt", "tt", "no", "")  # a list's own numbering
KIND_WORDS = {fold(word): kind for kind, words in KINDS.items() for word in (kind, *words)} | {
    "giam sat giao thong": "traffic", "an ninh trat tu": "security", "ngap lut": "river", "ngap": "river",
    "song": "river", "cang": "port", "cang ca": "port", "rung": "forest", "di tich": "heritage",
}  # fmt: skip
# Said of a direction, and says none: the camera is kept without one.
NOWHERE = (
    "unknown", "u", "na", "n a", "any", "none", "median", "both directions", "ns", "sn", "we", "ew", "outbound",
    "inbound", "khong ro", "ptz", "xoay",
)  # fmt: skip
_BOUND = re.compile(r"(north|south|east|west)(?:ern|bound)?")
_POINTS = {point: n * 22.5 for n, point in enumerate(COMPASS)}


@dataclass(frozen=True)
class Draft:
    """What one row says of a camera; of its columns only what it says, the rest stays as it is kept.

    said: by our columns' names, with lon and lat. faults: Wrong with the list's own name of the column; notes likewise,
    of what was left out and hinders nothing.
    """

    number: int
    id: str
    said: Mapping[str, Any]
    faults: tuple[Wrong, ...] = ()
    notes: tuple[Wrong, ...] = ()


@dataclass(frozen=True)
class Given:
    """What holds for rows that do not say it themselves; prefix: before each id, so that two lists' ids stay apart."""

    owner: str | None = None
    kind: str | None = None
    provider: str | None = None
    prefix: str = ""


Cells = Mapping[str, Any]


def read_list(path: Path, layer: str | None = None) -> list[tuple[int, Cells]]:
    """The rows of a list by their numbers there: CSV, XLSX, GeoJSON, or JSON of objects in lists. Raises FileFault."""
    if path.suffix.lower() in TABLES:
        return list(read_sheet(path, KEY_NAMES, layer).rows)
    packed = path.suffix.lower() == ".gz"
    if Path(path.stem if packed else path.name).suffix.lower() not in (".json", ".geojson"):
        raise FileFault("Danh sách camera đọc từ .geojson, .json, .csv, .xlsx",
                        "a list of cameras is read from .geojson, .json, .csv or .xlsx")  # fmt: skip
    if not path.is_file():
        raise FileFault(f"Không có tệp {path}", f"there is no file {path}; only files of this machine are read")
    data = _unpacked(path) if packed else _begun(path)
    if len(data) > BYTES_MAX:
        raise FileFault("Tệp quá lớn (trên 32 MB)", "the file is too large (over 32 MB)")
    return rows_of(data)


def _begun(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(BYTES_MAX + 1)


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(BYTES_MAX + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FileFault("Tệp nén hỏng", f"the packed file is broken: {error}") from None


def rows_of(data: bytes) -> list[tuple[int, Cells]]:
    """The objects of a JSON text in their order, numbered from 1. Raises FileFault."""
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise FileFault(
            f"JSON hỏng hoặc bị cắt ở dòng {error.lineno}, cột {error.colno}",
            f"not JSON, or cut off, at line {error.lineno}, column {error.colno}: {error.msg}",
        ) from None
    except (UnicodeDecodeError, RecursionError, ValueError):
        raise FileFault("Tệp không phải JSON (UTF-8)", "not JSON in UTF-8") from None
    if isinstance(value, dict) and "features" in value:
        named = value.get("crs")
        if named is not None and not re.search(r"(?:CRS84|4326)\"?\}*$", json.dumps(named)):
            raise FileFault("Danh sách camera phải ở WGS 84", "a list of cameras is in WGS 84; transform it first")
        value = value["features"]
    found: list[tuple[int, Cells]] = []
    for cells in _objects(value, 0):
        found.append((len(found) + 1, cells))
        if len(found) > ROWS_MAX:
            raise FileFault(f"Quá {ROWS_MAX} camera", f"more than {ROWS_MAX} cameras: split the list")
    if not found:
        raise FileFault("Không có camera nào trong tệp", "there is no list of objects in this JSON")
    return found


def _objects(value: Any, depth: int) -> Iterator[Cells]:
    """The objects that stand in lists, however deep their groups are."""
    if isinstance(value, list):
        for one in value:
            yield _cells(one) if isinstance(one, dict) else {"": one}
    elif isinstance(value, dict) and depth < DEPTH_MAX:
        for one in value.values():
            yield from _objects(one, depth + 1)


def _cells(one: Mapping[str, Any]) -> Cells:
    """A row of an object; of a GeoJSON feature its properties, its id and its point."""
    about, geometry = one.get("properties"), one.get("geometry")
    if one.get("type") != "Feature" or not isinstance(about, dict):
        return one
    cells = {"id": one["id"], **about} if "id" in one else dict(about)
    place = geometry.get("coordinates") if isinstance(geometry, dict) and geometry.get("type") == "Point" else None
    if isinstance(place, list) and len(place) >= 2:
        cells |= {"lon": place[0], "lat": place[1]}
    return cells


def drafts(rows: Sequence[tuple[int, Cells]], given: Given = Given()) -> tuple[list[Draft], list[str]]:
    """What the rows say, and the names of columns that nobody knows. An id that stands twice is a fault."""
    ignored: dict[str, None] = {}
    found = [_Row(number, cells, given, ignored).draft() for number, cells in rows]
    first: dict[str, int] = {}
    for n, one in enumerate(found):
        earlier = first.setdefault(one.id, one.number) if one.id else one.number
        if earlier != one.number:
            twice = Wrong(
                "id", f"{one.id} đã có ở dòng {earlier}: chỉ giữ một", f"{one.id} stands in row {earlier} too: keep one"
            )
            found[n] = Draft(one.number, one.id, one.said, (*one.faults, twice), one.notes)
    return found, list(ignored)


class _Row:
    """One row being read."""

    def __init__(self, number: int, cells: Cells, given: Given, ignored: dict[str, None]) -> None:
        self.number, self.given = number, given
        self.values: dict[str, Any] = {}
        self.columns: dict[str, str] = {}
        self.faults: list[Wrong] = []
        self.notes: list[Wrong] = []
        ranks: dict[str, int] = {}
        for column, value in cells.items():
            ours = _OURS.get(fold(column))
            if ours is None:
                if fold(column) not in COUNTED_NAMES:
                    ignored.setdefault(column)
                continue
            rank = NAMES[ours].index(fold(column))
            if cleaned(value) and rank < ranks.get(ours, len(NAMES[ours])):
                ranks[ours], self.values[ours], self.columns[ours] = rank, value, column

    def draft(self) -> Draft:
        said: dict[str, Any] = {}
        for name, reader in _READERS.items():
            value = self._read(name, reader)
            if value is not None:
                said[name] = value
        said |= self._addresses()
        said |= self._place()
        for name in ("owner", "kind", "provider"):
            if name not in said and name not in self.values and getattr(self.given, name):
                said[name] = getattr(self.given, name)
        return Draft(self.number, self._id(said), said, tuple(self.faults), tuple(self.notes))

    def _read(self, name: str, reader: Callable[[Any], Any]) -> Any:
        if name not in self.values:
            return None
        try:
            return reader(self.values[name])
        except _Nothing as nothing:
            self.notes.append(Wrong(self.columns[name], nothing.vi, nothing.en))
        except Wrong as wrong:
            self.faults.append(Wrong(self.columns[name], wrong.vi, wrong.en))
        return None

    def _addresses(self) -> dict[str, str]:
        """Of the picture and of the stream; a bare `url` is of which its ending says, or the list's format."""
        found = {name: self._read(name, _address) for name in ("snapshot_url", "hls_url")}
        bare = self._read("url", _address)
        if bare is not None:
            stream = urlsplit(bare).path.lower().endswith(".m3u8") or fold(str(self.values.get("format"))) == "m3u8"
            name = "hls_url" if stream else "snapshot_url"
            found[name] = found[name] or bare
        return {name: url for name, url in found.items() if url is not None}

    def _place(self) -> dict[str, float]:
        if "lat" not in self.values and "lon" not in self.values and "place" in self.values:
            parts = re.split(r"[,;\s]+", cleaned(self.values["place"]).strip("[]()"))
            if len(parts) == 2:
                self.values |= {"lat": parts[0], "lon": parts[1]}
                self.columns |= dict.fromkeys(("lat", "lon"), self.columns["place"])
        lat = self._read("lat", lambda told: _within(told, -90, 90))
        lon = self._read("lon", lambda told: _within(told, -180, 180))
        missing = [name for name in ("lat", "lon") if name not in self.values]
        if missing:
            self.faults.append(Wrong(", ".join(missing), "Thiếu vị trí (kinh độ, vĩ độ)", "the position is missing"))
        elif lat == 0 and lon == 0:
            self.faults.append(Wrong(self.columns["lat"], "Vị trí 0, 0 không phải vị trí", "0, 0 is no position"))
        return {} if lat is None or lon is None else {"lon": lon, "lat": lat}

    def _id(self, said: Mapping[str, Any]) -> str:
        """The list's own id; where it has none, one made of name, place and address: the same at the next import."""
        if "id" in said:
            return f"{self.given.prefix}{said['id']}"
        if not ({"name", "lat"} <= said.keys()):
            if "id" not in self.values:
                words = "Thiếu mã; cần mã, hoặc tên và vị trí", "no id: an id is needed, or a name and a place"
                self.faults.append(Wrong(self.columns.get("name", "id"), *words))
            return ""
        told = [said.get(name) for name in ("name", "lon", "lat", "azimuth_deg", "snapshot_url", "hls_url")]
        return f"{self.given.prefix}{blake2b(repr(told).encode(), digest_size=6).hexdigest()}"


class _Nothing(Wrong):
    """A value that says nothing, and hinders nothing."""


def _text(most: int) -> Callable[[Any], str]:
    def read(told: Any) -> str:
        if isinstance(told, dict | list):
            raise Wrong("", "Không phải chữ", "is no text")
        text = re.sub(r"^(\d+)\.0$", r"\1", cleaned(told))
        if len(text) > most:
            raise Wrong("", f"Dài quá {most} ký tự", f"is longer than {most} letters")
        return text

    return read


def _number(told: Any) -> float:
    text = cleaned(told).removesuffix("°").strip()
    text = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
    try:
        value = float(text) if not isinstance(told, bool) and text.isascii() else float("nan")
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise Wrong("", f"{text[:30]} không phải số", f"{text[:30]!r} is no number")
    return value


def _within(told: Any, least: float, most: float) -> float:
    value = _number(told)
    if not least <= value <= most:
        raise Wrong("", f"{value:g} ngoài {least:g} – {most:g}", f"{value:g} is not in {least:g} to {most:g}")
    return value


def azimuth(told: Any) -> float:
    """Degrees, or a point of the compass in English or Vietnamese. Raises Wrong."""
    words = fold(cleaned(told))
    bound = _BOUND.fullmatch(words)
    point = bound[1] if bound else words
    if point in _POINTS:
        return _POINTS[point]
    if point in WORDS:
        return WORDS[point]
    if words in NOWHERE:
        raise _Nothing("", f"{cleaned(told)[:30]} không phải một hướng: để trống",
                       f"{cleaned(told)[:30]!r} is no one direction: left empty")  # fmt: skip
    try:
        return _within(told, 0, 360) % 360
    except Wrong:
        shown = cleaned(told)[:30]
        raise Wrong("", f"{shown} không phải hướng: ghi độ 0 – 360, hoặc như ĐB, NE",
                    f"{shown!r} is no direction: write degrees, 0 to 360, or like NE") from None  # fmt: skip


WORDS: Mapping[str, float] = {
    "north": 0, "northeast": 45, "north east": 45, "east": 90, "southeast": 135, "south east": 135, "south": 180,
    "southwest": 225, "south west": 225, "west": 270, "northwest": 315, "north west": 315,
    "bac": 0, "dong bac": 45, "db": 45, "dong": 90, "dong nam": 135, "dn": 135, "nam": 180, "tay nam": 225, "tn": 225,
    "tay": 270, "tay bac": 315, "tb": 315,
}  # fmt: skip


def _kind(told: Any) -> str:
    found = KIND_WORDS.get(fold(cleaned(told)))
    if found is None:
        listed = ", ".join(KINDS)
        raise Wrong("", f"Không rõ loại {cleaned(told)[:30]}; có: {listed}",
                    f"there is no kind {cleaned(told)[:30]!r}; there are: {listed}")  # fmt: skip
    return found


def _days(told: Any) -> int:
    value = _within(re.sub(r"\s*(ngày|days?)$", "", cleaned(told)), 0, 36_500)
    if value != int(value):
        raise Wrong("", "Số ngày phải là số nguyên", "is no whole number of days")
    return int(value)


def _metres(told: Any) -> float:
    return _within(re.sub(r"\s*m$", "", cleaned(told)), 0, 20_000)


def _address(told: Any) -> str:
    """An http or https address without a password in it. Raises Wrong."""
    text = cleaned(told)
    try:
        target(text)
    except ValueError as error:
        raise Wrong("", "Địa chỉ phải bắt đầu bằng https:// hoặc http://, không kèm mật khẩu", str(error)) from None
    if len(text) > URL_MAX:
        raise Wrong("", f"Địa chỉ dài quá {URL_MAX} ký tự", f"the address is longer than {URL_MAX} letters")
    return text


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "id": _text(ID_MAX), "name": _text(TEXT_MAX), "owner": _text(TEXT_MAX), "kind": _kind, "provider": _text(TEXT_MAX),
    "azimuth_deg": azimuth, "field_of_view_deg": lambda told: _within(told, 0, 360), "range_m": _metres,
    "retention_days": _days,
}  # fmt: skip
