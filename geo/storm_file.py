"""Storm bulletins out of files and typed rows: points in Vietnamese or English, each fault by its row and column."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import partial
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from geo.boat_file import cleaned, number
from geo.calendar import ZONE
from geo.degrees import coordinates
from geo.fold import fold
from geo.storm_area import WGS84, Point
from geo.vector_file import Row, Sheet
from geo.wrong import Wrong

# What people call our columns, folded. Radii go by the level in their name: `Bán kính cấp 6 (km)`, `radius_10_nm`.
NAMES: Mapping[str, tuple[str, ...]] = {
    "valid_at": (
        "thoi gian",
        "thoi diem",
        "ngay gio",
        "gio",
        "time",
        "datetime",
        "valid at",
        "valid time",
        "timestamp",
    ),
    "position": ("vi tri", "toa do", "vi tri tam bao", "tam bao", "position", "place"),
    "lat": ("vi do", "vi do bac", "latitude"),
    "lon": ("kinh do", "kinh do dong", "longitude", "lng", "long"),
    "wind": ("cap gio", "suc gio", "gio manh nhat", "cap", "cuong do", "beaufort", "gio"),
    "gust": ("giat", "gio giat", "giat cap", "cap gio giat"),
    "observed": ("loai", "loai diem", "kind", "type"),
    "name": ("ten", "ten bao", "storm", "storm name"),
    "number": ("so", "bao so", "so hieu", "storm number"),
    "season": ("nam", "mua bao", "year"),
    "source": ("nguon", "co quan", "don vi phat hanh", "agency"),
    "issued_at": ("phat luc", "gio phat tin", "ban tin luc", "issued", "issued at"),
}
OURS = {fold(ours): ours for ours in NAMES} | {other: ours for ours, others in NAMES.items() for other in others}
ZONES = ("utc", "gmt", "gio vn", "gio viet nam", "ict", "gmt 7")  # how a column's name ends that says its zone
# A row of cells with one of these is the header.
KEY_NAMES = (*NAMES["valid_at"], "valid at", *(f"{name} {zone}" for name in NAMES["valid_at"] for zone in ZONES))
ABOUT = ("name", "number", "season", "source", "issued_at")
OBSERVED = {
    "du bao": False, "forecast": False, "f": False, "db": False, "quan trac": True, "thuc te": True, "hien tai": True,
    "observed": True, "analysis": True, "da qua": True, "o": True,
}  # fmt: skip
_RADIUS = re.compile(
    r"(?:ban kinh|radius|vung nguy hiem|r)(?: (?:vung )?(?:gio )?(?:manh )?(?:tu )?(?:cap|level|bf))? ?(\d{1,2})"
    r"(?: (?:tro len|and over|and above))?(?: (.+))?"
)
# A column that means to tell of circles, however it is worded: to pass it over would lose a danger area.
_ROUND = re.compile(r"(?:ban kinh|radius|vung nguy hiem|r(?: cap| level| bf)?(?= ?\d)).*\d")
_ZONED = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$")
_RFC = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?")
_CLOCK_FIRST = re.compile(
    r"(\d{1,2})\s*(?:[:hH]|gi[oờ])\s*(\d{2})?\s*(?:,|ng[aà]y|\s)\s*(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})"
)
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})[ ,]+(\d{1,2})\s*(?:[:hH]|gi[oờ])\s*(\d{2})?(?::\d{2})?")
POINTS_MOST, RADIUS_MOST_KM, PACE_MOST_KMH, LEVEL_MOST = 200, 1_500.0, 130.0, 17
KM = {"km": 1.0, "nm": 1.852, "hai ly": 1.852, "hai li": 1.852}
OFFSET_MOST = timedelta(hours=14)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a row (0: with the bulletin as a whole), in which column of the file, and what to do."""

    row: int
    wrong: Wrong


@dataclass(frozen=True)
class Draft:
    """What a file or a form says of a storm: its points, and of the bulletin itself what it tells (ABOUT)."""

    points: tuple[tuple[int, Point], ...]
    about: Mapping[str, Any]
    faults: tuple[Fault, ...] = ()
    ignored: tuple[str, ...] = ()


Cells = Mapping[str, Any]


def of_sheet(sheet: Sheet, zone: tzinfo | None) -> Draft:
    """A table, a point in each row. zone: of times that state none themselves, nor their column; None refuses them."""
    return _draft([(row, cells, None) for row, cells in sheet.rows], zone)


def of_features(rows: Iterable[Row], zone: tzinfo | None) -> Draft:
    """GeoJSON: a Point each, or a LineString whose properties are lists, a value each vertex (`times`, `wind`...)."""
    found: list[tuple[int, Cells, Any]] = []
    faults: list[Fault] = []
    for row in rows:
        kind = row.geometry.get("type") if isinstance(row.geometry, Mapping) else None
        if kind == "Point":
            found.append((row.number, row.properties, row.geometry["coordinates"]))
        elif kind == "LineString":
            found += _vertices(row)
        else:
            vi, en = row.fault or (f"Hình {kind} không phải là điểm hay đường đi", f"{kind} is neither point nor line")
            faults.append(Fault(row.number, Wrong("geometry", vi, en)))
    made = _draft(found, zone)
    return replace(made, faults=(*faults, *made.faults))


def typed(rows: Sequence[Cells]) -> Draft:
    """Rows of a form, by our own names; its times are the centre's unless they say otherwise."""
    return _draft([(n, cells, None) for n, cells in enumerate(rows, 1)], ZONE)


def zone_of(text: str | None) -> tzinfo | None:
    """A zone that somebody states: UTC, +07:00, Asia/Ho_Chi_Minh. Raises Wrong."""
    if not text:
        return None
    offset = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", text)
    if offset:
        away = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        if away <= OFFSET_MOST and int(offset[3]) < 60:
            return timezone(-away if offset[1] == "-" else away)
    try:
        return UTC if text.upper() in ("UTC", "Z", "GMT") else ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Wrong(
            "zone", f"{text[:40]} không phải múi giờ: ghi UTC, +07:00 hoặc Asia/Ho_Chi_Minh",
            f"{text[:40]} is no zone: write UTC, +07:00 or Asia/Ho_Chi_Minh",
        ) from None  # fmt: skip


def _vertices(row: Row) -> list[tuple[int, Cells, Any]]:
    """A line's vertices as points of their own: of a list each its value, of anything else all the same."""
    corners = row.geometry["coordinates"]
    about = {("valid_at" if fold(name) in ("times", "coordtimes") else name): value
             for name, value in row.properties.items()}  # fmt: skip
    found: list[tuple[int, Cells, Any]] = []
    for n, place in enumerate(corners):
        own = {
            name: (value[n] if n < len(value) else None) if isinstance(value, list) else value
            for name, value in about.items()
        }
        found.append((n + 1, own, place))
    return found


def _draft(rows: Sequence[tuple[int, Cells, Any]], zone: tzinfo | None) -> Draft:
    about: dict[str, Any] = {}
    points: list[tuple[int, Point]] = []
    faults: list[Fault] = []
    ignored: dict[str, None] = {}
    refused: dict[str, Wrong] = {}
    for row, cells, place in rows:
        columns, radii, strange, wrong = _columns(cells)
        ignored |= dict.fromkeys(strange)
        refused |= wrong
        reader = _Reader(row, cells, columns, zone, faults)
        for name in ABOUT:
            value = reader.read(name, _about_reader(name, columns.get(name, ""), zone))
            if value is not None:
                about.setdefault(name, value)
        point = _point(reader, radii, place, bool(wrong))
        if point is not None:
            points.append((row, point))
    faults[:0] = [Fault(0, one) for one in refused.values()]
    faults += [*_between(points), *([] if faults else _circled(points))]
    if not faults and len(points) < 2:
        faults.append(
            Fault(0, Wrong("points", "Cần ít nhất hai điểm để có đường đi", "a track has two points at least"))
        )
    if len(points) > POINTS_MOST:
        words = f"Quá nhiều điểm: nhiều nhất {POINTS_MOST}", f"too many points: at most {POINTS_MOST}"
        faults.append(Fault(0, Wrong("points", *words)))
    return Draft(tuple(points), about, tuple(faults), tuple(ignored))


def _columns(cells: Cells) -> tuple[dict[str, str], dict[int, str], list[str], dict[str, Wrong]]:
    """Our names, and levels of radii, by the file's own; those that nobody knows; and circles told in other terms."""
    known: dict[str, str] = {}
    radii: dict[int, str] = {}
    strange: list[str] = []
    refused: dict[str, Wrong] = {}
    for head in cells:
        plain = re.sub(rf" ({'|'.join(ZONES)})$", "", fold(str(head)))
        level = _RADIUS.fullmatch(plain)
        if level and 1 <= int(level[1]) <= LEVEL_MOST and (level[2] is None or level[2] in KM):
            radii.setdefault(int(level[1]), head)
        elif level or _ROUND.match(plain):  # `R34 (nm)` is of 34 knots, `(dặm)` no unit of ours
            refused[str(head)] = Wrong(
                str(head), f"Không hiểu cột bán kính này: ghi cấp gió 1 đến {LEVEL_MOST} và km, nm hoặc hải lý",
                f"a column of radii that is not understood: a Beaufort level from 1 to {LEVEL_MOST}, in km or nm",
            )  # fmt: skip
        elif plain in OURS and OURS[plain] not in known:
            known[OURS[plain]] = head
        elif plain not in ("stt", "tt", "no", "id", ""):
            strange.append(str(head))
    return known, radii, strange, refused


class _Reader:
    """Reads one row's cells, and keeps what is wrong with each under the column's own name."""

    def __init__(
        self, row: int, cells: Cells, columns: Mapping[str, str], zone: tzinfo | None, faults: list[Fault]
    ) -> None:
        self.row, self.cells, self.columns, self.zone, self._faults = row, cells, columns, zone, faults

    def text(self, head: str) -> str:
        return cleaned(self.cells.get(head))

    def read(self, name: str, understood: Callable[[str], Any]) -> Any:
        """A column's value, None where it is empty or wrong."""
        head = self.columns.get(name)
        return None if head is None else self.understood(head, understood)

    def understood(self, head: str, understood: Callable[[str], Any]) -> Any:
        text = self.text(head)
        if not text:
            return None
        try:
            return understood(text)
        except Wrong as wrong:
            self.wrong(head, wrong.vi, wrong.en)
            return None

    def wrong(self, column: str, vi: str, en: str) -> None:
        self._faults.append(Fault(self.row, Wrong(column, vi, en)))

    @property
    def faults(self) -> int:
        return len(self._faults)


def _point(reader: _Reader, radii: Mapping[int, str], place: Any, refused: bool) -> Point | None:
    before = reader.faults
    head = reader.columns.get("valid_at")
    at = reader.read("valid_at", lambda text: moment(text, _zone_in(head or "") or reader.zone))
    if at is None and reader.faults == before:
        reader.wrong(head or "valid_at", "Thiếu thời điểm của điểm này", "the time of this point is missing")
    spot = _place(reader, place)
    wind = reader.read("wind", lambda text: _level(text, 0))
    # "cấp 12, giật cấp 15" in one cell says both.
    gust = reader.read("gust", lambda text: _level(text, 0)) or reader.read("wind", lambda text: _level(text, 1))
    if wind is not None and gust is not None and gust < wind:
        reader.wrong(
            reader.columns.get("gust", "gust"), "Gió giật phải mạnh hơn gió", "a gust is stronger than the wind"
        )
    seen = reader.read("observed", _observed)
    told = {level: reader.understood(head, partial(_radius, head=head)) for level, head in radii.items()}
    sized = {level: value for level, value in sorted(told.items()) if value}
    if radii or not refused:
        _sizes(reader, radii, sized, wind, reader.faults > before)
    if reader.faults > before or at is None or spot is None:
        return None
    return Point(at, spot[0], spot[1], sized, wind, gust, bool(seen))


def _sizes(
    reader: _Reader, radii: Mapping[int, str], sized: Mapping[int, float], wind: int | None, faulty: bool
) -> None:
    """A circle of a stronger wind lies in that of a weaker one; a storm without a circle has no danger area."""
    if not radii:
        reader.wrong(
            "radius_6_km", "Thiếu cột bán kính: đặt tên như “Bán kính cấp 6 (km)”",
            "no column of radii: name one like radius_6_km",
        )  # fmt: skip
        return
    for (level, value), (higher, more) in pairwise(sized.items()):
        if more > value:
            reader.wrong(
                radii[higher], f"Bán kính cấp {higher} lớn hơn bán kính cấp {level}",
                f"the radius of level {higher} is greater than that of level {level}",
            )  # fmt: skip
    lowest = min(radii)
    if not faulty and lowest not in sized and (wind is None or wind >= lowest):
        reader.wrong(
            radii[lowest], f"Thiếu bán kính gió cấp {lowest}: không có nó thì không tính được vùng nguy hiểm",
            f"the radius of level {lowest} is missing: without it there is no danger area",
        )  # fmt: skip


def _place(reader: _Reader, place: Any) -> tuple[float, float] | None:
    """(lon, lat), out of a geometry, a column of both, or one each."""
    if place is not None:
        try:
            lon, lat = float(place[0]), float(place[1])
        except (TypeError, ValueError, IndexError):
            reader.wrong("geometry", "Điểm không có tọa độ", "the point has no coordinates")
            return None
        return _on_earth(reader, "geometry", lon, lat)
    before = reader.faults
    if "position" in reader.columns and reader.text(reader.columns["position"]):
        both = reader.read("position", _both)
        return _on_earth(reader, reader.columns["position"], *both) if both else None
    lat, lon = (reader.read(name, partial(_degree, name=name)) for name in ("lat", "lon"))
    if lat is None or lon is None:
        if reader.faults == before:
            name = "lat" if lat is None else "lon"
            reader.wrong(
                reader.columns.get(name, name), "Thiếu vị trí: cần vĩ độ và kinh độ", "latitude or longitude missing"
            )
        return None
    return _on_earth(reader, reader.columns["lat"], lon, lat)


def _on_earth(reader: _Reader, column: str, lon: float, lat: float) -> tuple[float, float] | None:
    if abs(lat) > 60 and abs(lon) <= 60:
        reader.wrong(
            column, "Vĩ độ và kinh độ bị đổi chỗ: GeoJSON viết kinh độ trước", "latitude and longitude are swapped"
        )
        return None
    if not (0 <= lat <= 60 and 80 <= lon <= 180):
        reader.wrong(
            column, f"{lat:g}, {lon:g} không phải là chỗ của một cơn bão ở đây: vĩ độ Bắc 0–60, kinh độ Đông 80–180",
            f"{lat:g}, {lon:g} is no place of a storm here: latitude 0 to 60 north, longitude 80 to 180 east",
        )  # fmt: skip
        return None
    return lon, lat


def _both(text: str) -> tuple[float, float]:
    """`16,5 độ Vĩ Bắc; 112,3 độ Kinh Đông`, `16.5N 112.3E`, `16°30'N 112°18'E`, `16,5 112,3`."""
    found = coordinates(_short(text))
    if found is None:
        raise Wrong(
            "", f"{text[:40]}: viết như 16,5N 112,3E hoặc 16°30'N 112°18'E", f"{text[:40]} is no place: 16.5N 112.3E"
        )
    return found[1], found[0]


def _degree(text: str, name: str) -> float:
    other = "0E" if name == "lat" else "0N"
    short = _short(text)
    found = coordinates(f"{short} {_like(short, other)}" if name == "lat" else f"{_like(short, other)} {short}")
    if found is None:
        raise Wrong(
            "", f"{text[:30]} không phải là độ: viết như 16,5 hoặc 16°30'", f"{text[:30]} is no angle: 16.5 or 16°30'"
        )
    return found[0] if name == "lat" else found[1]


def _like(text: str, letter: str) -> str:
    """A zero with as many parts as the angle has, since both are read in one form."""
    parts = len(re.findall(r"\d+(?:[.,]\d+)?", text))
    return " ".join(["0"] * max(parts, 1)) + letter[-1]


def _short(text: str) -> str:
    """The letters of the quarters in place of their words."""
    for words, letter in (
        (r"v[ĩi]\s*b[ắa]c", "N"),
        (r"kinh\s*[đd][ôo]ng", "E"),
        (r"v[ĩi]\s*nam", "S"),
        (r"kinh\s*t[âa]y", "W"),
    ):
        text = re.sub(words, letter, text, flags=re.IGNORECASE)
    text = re.sub(r"kho[ảa]ng\s*", " ", text, flags=re.IGNORECASE)
    return re.sub(r"\s*[đd][ộo]\b|º", "°", text, flags=re.IGNORECASE).strip(" .;")


def moment(text: str, zone: tzinfo | None) -> datetime:
    """RFC 3339; or `13:00 28/11/2026`, `13 giờ ngày 28/11/2026`, `28/11/2026 13h00` in a zone. UTC. Raises Wrong."""
    plain = re.sub(r"\s*(?:giờ\s*(?:VN|Việt Nam)|\(?ICT\)?)$", "+07:00", text.strip())
    # A year behind a stroke looks like an offset: what is a time without one has none.
    offset, parts = None, _parts(plain)
    if parts is None and (offset := _ZONED.search(plain)):
        parts = _parts(plain[: offset.start()].strip())
    if parts is None:
        raise Wrong(
            "", f"{text[:40]} không phải thời điểm: viết như 13:00 28/11/2026 hoặc 2026-11-28T13:00+07:00",
            f"{text[:40]} is no time: write 2026-11-28T13:00+07:00 or 13:00 28/11/2026",
        )  # fmt: skip
    own = UTC if offset and offset[0] == "Z" else zone_of(offset[0]) if offset else zone
    if own is None:
        raise Wrong(
            "", f"{text[:40]} không có múi giờ: ghi +07:00, hoặc nói múi giờ của tệp",
            f"{text[:40]} has no zone: add +07:00, or say the zone of the file",
        )  # fmt: skip
    try:
        made = datetime(*parts, tzinfo=own)
    except ValueError:
        raise Wrong("", f"{text[:40]}: không có ngày giờ này", f"{text[:40]}: there is no such time") from None
    if not 1950 <= made.year <= 2100:
        raise Wrong("", f"{text[:40]}: năm từ 1950 đến 2100", f"{text[:40]}: a year from 1950 to 2100")
    return made.astimezone(UTC)


def _parts(text: str) -> tuple[int, int, int, int, int] | None:
    """Year, month, day, hour and minute of a time without an offset; None where it is none."""
    for form, order in ((_RFC, (0, 1, 2, 3, 4)), (_CLOCK_FIRST, (4, 3, 2, 0, 1)), (_DAY_FIRST, (2, 1, 0, 3, 4))):
        found = form.fullmatch(text)
        if found:
            year, month, day, hour, minute = (int(found.groups()[n] or 0) for n in order)
            return year, month, day, hour, minute
    return None


def _zone_in(head: str) -> tzinfo | None:
    plain = fold(head)
    if re.search(r"\b(utc|gmt)$", plain):
        return UTC
    return ZONE if re.search(r"\b(gio vn|gio viet nam|ict|gmt 7)$", plain) else None


def _level(text: str, which: int) -> int | None:
    """A level of Beaufort: `12`, `cấp 12`, `cấp 12, giật cấp 15` (which: 0 the wind, 1 the gust), `10-11` its upper."""
    parts = re.split(r"gi[ậa]t|gust", text, flags=re.IGNORECASE)
    part = parts[which] if which < len(parts) else ""
    if not part.strip(" ,;"):
        return None
    numbers = re.findall(r"\d+", re.sub(r"c[ấa]p|bf|beaufort|tr[êe]n|above|>", " ", part, flags=re.IGNORECASE))
    rest = re.sub(r"c[ấa]p|bf|beaufort|tr[êe]n|above|>|\d+|[\s,;\-–+]", "", part, flags=re.IGNORECASE)
    if rest or not 1 <= len(numbers) <= 2 or int(numbers[-1]) > LEVEL_MOST:
        raise Wrong(
            "", f"{text[:30]}: cấp gió từ 0 đến {LEVEL_MOST}", f"{text[:30]}: a Beaufort level from 0 to {LEVEL_MOST}"
        )
    return int(numbers[-1])


def _observed(text: str) -> bool:
    if fold(text) not in OBSERVED:
        raise Wrong("", f"{text[:30]}: ghi quan trắc hoặc dự báo", f"{text[:30]}: observed or forecast")
    return OBSERVED[fold(text)]


def _radius(text: str, head: str) -> float:
    """Kilometres; the unit stands in the cell, or in the column's name (km where neither says one)."""
    unit = re.search(r"(km|nm|h[ảa]i l[ýyíi])\.?$", text, re.IGNORECASE)
    bare = text[: unit.start()].strip() if unit else text
    named = fold(unit[1]) if unit else next((one for one in KM if fold(head).endswith(one)), "km")
    if not re.fullmatch(r"[\d\s.,]+", bare):
        raise Wrong(
            "", f"{text[:30]}: bán kính là số, đơn vị km, nm hoặc hải lý", f"{text[:30]}: a number, in km or nm"
        )
    value = number(bare) * KM[named]
    if not 0 <= value <= RADIUS_MOST_KM:
        words = f"bán kính từ 0 đến {RADIUS_MOST_KM:g} km", f"a radius from 0 to {RADIUS_MOST_KM:g} km"
        raise Wrong("", f"{text[:30]}: {words[0]}", f"{text[:30]}: {words[1]}")
    return round(value, 1)


def _whole(text: str, low: int, high: int) -> int:
    digits = re.fullmatch(r"\D*(\d{1,4})(?:\.0)?", text)
    if digits is None or not low <= int(digits[1]) <= high:
        raise Wrong("", f"{text[:30]}: số từ {low} đến {high}", f"{text[:30]}: a number from {low} to {high}")
    return int(digits[1])


def _about_reader(name: str, head: str, zone: tzinfo | None) -> Callable[[str], Any]:
    """How a cell about the bulletin itself is read."""
    readers: Mapping[str, Callable[[str], Any]] = {
        "issued_at": lambda text: moment(text, _zone_in(head) or zone),
        "number": lambda text: _whole(text, 1, 99),
        "season": lambda text: _whole(text, 1950, 2100),
    }
    return readers.get(name, lambda text: text[:80])


def _circled(points: Sequence[tuple[int, Point]]) -> list[Fault]:
    """Without any circle there is no danger area, and it is the lowest level's: no point may tell of others alone."""
    lowest = min((level for _, one in points for level in one.radii_km), default=None)
    if points and lowest is None:
        words = (
            "Không điểm nào có bán kính gió: không tính được vùng nguy hiểm",
            "no point has a radius: no danger area",
        )
        return [Fault(0, Wrong("radius_6_km", *words))]
    return [
        Fault(row, Wrong(
            f"radius_{lowest}_km", f"Thiếu bán kính gió cấp {lowest} ở điểm có bán kính cấp cao hơn",
            f"the radius of level {lowest} is missing where one of a higher level is told",
        ))
        for row, one in points
        if one.radii_km and lowest not in one.radii_km
    ]  # fmt: skip


def _between(points: Sequence[tuple[int, Point]]) -> list[Fault]:
    """Points out of order or at one moment, and steps that no storm makes."""
    found = []
    for (_, a), (row, b) in pairwise(points):
        if b.at <= a.at:
            words = "Thời điểm phải sau điểm trước", "it is not later than the point before"
            found.append(Fault(row, Wrong("valid_at", *words)))
            continue
        hours = (b.at - a.at) / timedelta(hours=1)
        pace = WGS84.inv(a.lon, a.lat, b.lon, b.lat)[2] / 1000 / hours
        if pace > PACE_MOST_KMH:
            found.append(
                Fault(
                    row,
                    Wrong(
                        "position",
                        f"Từ điểm trước đến đây {pace:.0f} km/giờ: xem lại vị trí và giờ",
                        f"{pace:.0f} km/h from the point before: look again at place and time",
                    ),
                )
            )
    return found
