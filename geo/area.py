"""Communes (phường, xã), the one administrative level below the province: the table, and what every installation has.

There are no districts since 1 July 2025. An authority's file brings outlines (geo/area_file.py); until then each
commune has a point well inside it.
"""

import csv
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import shapely
import sqlalchemy as sa
from geoalchemy2 import Geometry
from geoalchemy2.shape import from_shape
from shapely.geometry import Point, mapping, shape
from sqlalchemy import CheckConstraint, Column, Date, DateTime, Float, ForeignKey, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import insert

from geo.actor import Actor
from geo.fold import fold
from geo.revision import keep_all, versions
from geo.table import core

FACTS = Path(__file__).with_name("areas.csv")
SINCE = date(2025, 7, 1)  # from when the resolutions of 2025 hold
Kind = Literal["ward", "commune"]
KINDS: Mapping[str, tuple[str, str]] = {"ward": ("Phường", "Ward"), "commune": ("Xã", "Commune")}


def _stamp(name: str, nullable: bool = True) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


# A commune of today by its code of the General Statistics Office. `point` lies well inside; `geom` is the authority's
# outline, `outline` the same with fewer corners, for pictures. Every version stands in `revision` (kind `area`).
area = Table(
    "area",
    core,
    Column("code", Text, primary_key=True),
    Column("province", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("point", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
    Column("geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)),
    Column("outline", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)),
    Column("area_km2", Float),  # as declared
    Column("population", Integer),
    Column("source", Text, nullable=False),
    Column("district_old", Text),  # history alone: no district has been one since 1 July 2025
    Column("valid_from", Date, nullable=False),
    Column("valid_until", Date),
    _stamp("imported_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    _stamp("updated_at", nullable=False),
    Column("updated_by", Text, nullable=False),
    CheckConstraint("kind IN ('ward', 'commune')", name="area_kind"),
    Index("area_province", "province"),
)

# What `area` covers, in pieces of few corners each, by which points are found fast. estimated: of a commune without an
# outline, the land that is nearer to its point than to any other's (geo/commune.py).
area_piece = Table(
    "area_piece",
    core,
    Column("code", Text, ForeignKey("area.code"), nullable=False),
    Column("estimated", sa.Boolean, nullable=False),
    Column("geom", Geometry("POLYGON", srid=4326, spatial_index=False), nullable=False),
    Index("area_piece_code", "code"),
    Index("area_piece_geom", "geom", postgresql_using="gist"),
)


@dataclass(frozen=True)
class Province:
    """A province or city: its code, names, the plane of VN-2000 it is surveyed in, and by what its communes stand."""

    code: str
    name: str
    title_vi: str
    title_en: str
    epsg: int
    meridian: str
    resolution: str

    @property
    def key(self) -> str:
        """The name as addresses have it: `hue`, `dak_lak`."""
        return fold(self.name).replace(" ", "_")


# The planes (TM-3) are the provinces' own of Circular 973/2001/TT-TCĐC, as EPSG has them.
PROVINCES = (
    Province("46", "Huế", "Thành phố Huế", "Huế City", 9214, "107°00′", "Nghị quyết 1675/NQ-UBTVQH15"),
    Province("66", "Đắk Lắk", "Tỉnh Đắk Lắk", "Đắk Lắk Province", 9218, "108°30′", "Nghị quyết 1660/NQ-UBTVQH15"),
)


def province_of(named: str) -> Province | None:
    """The province of a code, a key or a name in any spelling; None when it is none of these."""
    plain = fold(named)
    for one in PROVINCES:
        if named.strip() == one.code or plain in (fold(one.name), fold(one.title_vi), fold(one.title_en)):
            return one
    return None


@dataclass(frozen=True)
class Area:
    """One commune as it is now; geom None while no outline is imported."""

    code: str
    province: str
    kind: Kind
    name: str
    lon: float
    lat: float
    source: str
    geom: Any = None
    area_km2: float | None = None
    population: int | None = None
    district_old: str | None = None
    valid_from: date = SINCE
    valid_until: date | None = None
    imported_at: datetime | None = None
    version: int = 1

    @property
    def title_vi(self) -> str:
        """`Phường Phú Xuân`."""
        return title(self.kind, self.name, "vi")


def title(kind: str, name: str, lang: str) -> str:
    """`Phường Phú Xuân`, `Phú Xuân Ward`."""
    vi, en = KINDS[kind]
    return f"{name} {en}" if lang == "en" else f"{vi} {name}"


# The same sound is written with the mark on either vowel (Hoá, Hóa; Thuỷ, Thủy): two spellings of one name.
_OPEN = {"oa": 1, "oe": 1, "uy": 1}
_TONES = "\u0300\u0301\u0303\u0309\u0323"


def spelled(name: str) -> str:
    """A name as it is compared with its accents: composed, lower case, single spaces, the mark on the second vowel."""
    words = unicodedata.normalize("NFD", " ".join(name.split()).casefold().replace("’", "'").replace("–", "-"))
    out = list(words)
    for n in range(len(out) - 2):
        first, mark, second = out[n : n + 3]
        if mark in _TONES and first + second in _OPEN and not (n + 3 < len(out) and out[n + 3].isalpha()):
            out[n + 1], out[n + 2] = second, mark
    return unicodedata.normalize("NFC", "".join(out))


def seeds() -> tuple[Area, ...]:
    """The communes of Huế and Đắk Lắk with a point in each (areas.csv)."""
    with FACTS.open(encoding="utf-8", newline="") as file:
        return tuple(_seed(row) for row in csv.DictReader(file))


def _seed(row: Mapping[str, str]) -> Area:
    province = province_of(row["province"])
    assert province is not None
    kind: Kind = "ward" if row["kind"] == "ward" else "commune"
    point = float(row["lon"]), float(row["lat"])
    return Area(row["code"], province.code, kind, row["name"], *point, f"{province.resolution}; điểm tham khảo")


def put_areas(connection: sa.Connection, items: Iterable[Area], actor: Actor) -> int:
    """Add the communes whose code is not there yet; one that an authority's file has changed stays; how many."""
    now, by_code = datetime.now(UTC), {item.code: item for item in items}
    rows = [{**row_of(item), "updated_at": now, "updated_by": actor.name} for item in by_code.values()]
    statement = insert(area).values(rows).on_conflict_do_nothing(index_elements=["code"]).returning(area.c.code)
    added = list(connection.scalars(statement))
    keep_all(connection, "area", [(code, 1, as_json(by_code[code])) for code in added], now, actor, None)
    return len(added)


def save_areas(
    connection: sa.Connection, items: Sequence[Area], actor: Actor, now: datetime, comment: str | None
) -> None:
    """Put known communes as their next versions (`version` is the one that begins); earlier ones stay in `revision`."""
    for item in items:
        row = {**row_of(item), "version": item.version, "updated_at": now, "updated_by": actor.name}
        connection.execute(sa.update(area).where(area.c.code == item.code).values(row))
    keep_all(connection, "area", [(one.code, one.version, as_json(one)) for one in items], now, actor, comment)


PLAIN = (
    "code", "province", "kind", "name", "source", "area_km2", "population", "district_old", "valid_from", "valid_until",
    "imported_at",
)  # fmt: skip


def row_of(item: Area) -> dict[str, Any]:
    """The values of the table's columns, but for who changed it when."""
    point = from_shape(Point(item.lon, item.lat), srid=4326)
    geom = None if item.geom is None else from_shape(item.geom, srid=4326)
    return {**{name: getattr(item, name) for name in PLAIN}, "point": point, "geom": geom}


def as_json(item: Area) -> dict[str, Any]:
    """A commune's values as JSON can hold them, its outline as GeoJSON."""
    values = {name: getattr(item, name) for name in PLAIN}
    plain = {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
    geom = None if item.geom is None else mapping(item.geom)
    return {**plain, "version": item.version, "point": [item.lon, item.lat], "geom": geom}


def areas(
    connection: sa.Connection, province: str | None = None, code: str | None = None, geometry: bool = False
) -> list[Area]:
    """The communes of today, of one province or all, by code; with their outlines only where geometry is asked for."""
    c = area.c
    geom = sa.func.ST_AsBinary(c.geom) if geometry else sa.null()
    plain = [c[name] for name in (*PLAIN, "version")]
    place = [sa.func.ST_X(c.point).label("lon"), sa.func.ST_Y(c.point).label("lat"), geom.label("geom")]
    query = sa.select(*plain, *place).where(c.valid_until.is_(None)).order_by(c.code)
    if province is not None:
        query = query.where(c.province == province)
    if code is not None:
        query = query.where(c.code == code)
    return [_area(row) for row in connection.execute(query).mappings()]


def _area(row: Any) -> Area:
    geom = None if row["geom"] is None else shapely.from_wkb(bytes(row["geom"]))
    return Area(**{**row, "geom": geom})


def history(connection: sa.Connection, code: str) -> list[dict[str, Any]]:
    """Who made each version of a commune when, newest first, and whether it has an outline; not the outline itself."""
    return [
        {
            "version": row["version"], "at": row["at"], "actor": row["actor"], "comment": row["comment"],
            "source": row["value"]["source"], "outline": row["value"]["geom"] is not None,
        }
        for row in versions(connection, "area", code)
    ]  # fmt: skip


def at_version(connection: sa.Connection, code: str, version: int) -> Any:
    """The outline that a version of a commune had, None when it had none or there is no such version."""
    row = next((row for row in versions(connection, "area", code) if row["version"] == version), None)
    return None if row is None or row["value"]["geom"] is None else shape(row["value"]["geom"])
