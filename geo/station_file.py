"""Rows of a list of environment stations: what each says of its station, under whatever its columns are called."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geo.boat_file import number
from geo.fold import fold
from geo.heading import Headings
from geo.vector_file import Row, Sheet
from geo.wrong import Wrong

TEXT_MAX = 120
# What people call our columns, folded; of several in one file the first here counts.
NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "code", "ma", "ma tram", "matram", "ky hieu", "station id", "station code"),
    "name": ("name", "ten", "ten tram", "tentram", "station name", "tram", "station"),
    "kind": ("kind", "loai", "loai tram", "loaitram", "type"),
    "river": ("river", "muc bao dong", "tram thuy van", "alarm levels"),
    "owner": ("owner", "don vi quan ly", "co quan quan ly", "don vi", "co quan", "operator", "agency"),
    "lon": ("lon", "lng", "long", "longitude", "kinh do", "kinhdo"),
    "lat": ("lat", "latitude", "vi do", "vido"),
}
KEY_NAMES = NAMES["id"]
_HEADINGS = Headings(NAMES)
KIND_WORDS: Mapping[str, str] = {
    "air": "air", "khong khi": "air", "chat luong khong khi": "air", "air quality": "air",
    "water": "water", "nuoc": "water", "nuoc mat": "water", "chat luong nuoc": "water", "water quality": "water",
    "rain": "rain", "mua": "rain", "do mua": "rain", "luong mua": "rain", "rainfall": "rain",
    "river": "river", "song": "river", "muc nuoc": "river", "thuy van": "river", "water level": "river",
}  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """What one row says of a station, read and checked; each Wrong with the file's own name of the column.

    said: name, kind, river, owner, lon and lat, as far as the row tells them.
    """

    number: int
    id: str
    said: Mapping[str, Any]
    columns: Mapping[str, str]
    faults: tuple[Wrong, ...] = ()

    def column(self, name: str) -> str:
        """The name that the file has for a field."""
        return self.columns.get(name, name)


def of_features(rows: Sequence[Row]) -> tuple[list[Draft], list[str]]:
    """The drafts of a file of features, whose points are the places; and the columns that nobody knows."""
    ignored: dict[str, None] = {}
    return _once([_draft(row, ignored, True) for row in rows]), list(ignored)


def of_sheet(sheet: Sheet) -> tuple[list[Draft], list[str]]:
    """The same of a table, whose places stand in two columns of degrees, WGS84."""
    ignored: dict[str, None] = {}
    rows = [Row(at, cells, None, None) for at, cells in sheet.rows]
    return _once([_draft(row, ignored, False) for row in rows]), list(ignored)


def _draft(row: Row, ignored: dict[str, None], placed: bool) -> Draft:
    told, chosen = _HEADINGS.said(row.properties, ignored)
    columns = _HEADINGS.heads(row.properties) | chosen
    faults: list[Wrong] = []
    said: dict[str, Any] = {}
    for name, text in told.items():
        try:
            said[name] = _READERS[name](text)
        except Wrong as wrong:
            faults.append(Wrong(columns[name], wrong.vi, wrong.en))
    if placed:
        said |= _point(row, faults)
    id = said.pop("id", "")
    if not id and "id" not in told:
        faults.append(Wrong(columns.get("id", "id"), "Thiếu mã trạm", "the station's id is missing"))
    if ("lon" in said) != ("lat" in said) and not {"lon", "lat"} <= told.keys():
        lacking = "lat" if "lon" in said else "lon"
        vi, en = "Cần cả kinh độ và vĩ độ", "both longitude and latitude are needed"
        faults.append(Wrong(columns.get(lacking, lacking), vi, en))
    return Draft(row.number, id, said, columns, tuple(faults))


def _once(found: list[Draft]) -> list[Draft]:
    """With what is wrong where two rows are of one station."""
    first: dict[str, int] = {}
    for n, one in enumerate(found):
        earlier = first.setdefault(one.id, one.number)
        if one.id and earlier != one.number:
            vi, en = (
                f"Trạm {one.id} đã có ở dòng {earlier}: chỉ giữ một",
                f"{one.id} stands in row {earlier} too: keep one",
            )
            found[n] = Draft(one.number, one.id, one.said, one.columns, (*one.faults, Wrong(one.column("id"), vi, en)))
    return found


def _point(row: Row, faults: list[Wrong]) -> dict[str, float]:
    if row.fault is not None:
        faults.append(Wrong("geom", *row.fault))
        return {}
    if row.geometry is None:
        return {}
    at: Any = row.geometry.get("coordinates") if row.geometry.get("type") == "Point" else None
    try:
        return {"lon": _degrees(float(at[0]), 180), "lat": _degrees(float(at[1]), 90)}
    except Wrong as wrong:
        faults.append(Wrong("geom", wrong.vi, wrong.en))
    except (TypeError, ValueError, IndexError):
        faults.append(Wrong("geom", "Trạm là một điểm", "a station is one point"))
    return {}


def _text(text: str) -> str:
    if len(text) > TEXT_MAX:
        raise Wrong("", f"Dài hơn {TEXT_MAX} ký tự", f"longer than {TEXT_MAX} characters")
    return text


def _kind(text: str) -> str:
    found = KIND_WORDS.get(fold(text))
    if found is None:
        raise Wrong(
            "",
            f"{text[:30]}: loại trạm là không khí, nước, mưa hoặc mực nước",
            f"{text[:30]}: a kind is air, water, rain or river",
        )
    return found


def _degrees(value: float, most: int) -> float:
    if not -most <= value <= most:
        vi, en = ("kinh độ", "longitude") if most == 180 else ("vĩ độ", "latitude")
        raise Wrong(
            "",
            f"{value:g} không phải {vi}: cần độ thập phân, WGS84; có đảo hai cột không?",
            f"{value:g} is no {en}: it is written in decimal degrees, WGS84; are two columns swapped?",
        )
    return value


_READERS: Mapping[str, Callable[[str], Any]] = {
    "id": _text,
    "name": _text,
    "kind": _kind,
    "river": _text,
    "owner": _text,
    "lon": lambda text: _degrees(number(text), 180),
    "lat": lambda text: _degrees(number(text), 90),
}
