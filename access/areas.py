"""Communes as screens and other systems are given them: outlines, a place's commune and plane, figures by commune."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shapely
import sqlalchemy as sa
from shapely.geometry import mapping

from access.site import Site
from geo.area import PROVINCES, Area, Province, area, areas, history, spelled, title
from geo.classing import class_of, classes
from geo.commune import commune_of
from geo.fishery import boat, boat_case
from geo.fold import fold
from geo.vn2000 import NoStep, from_plane, grid
from layers.layer import Layer

ZOOM = 12  # at which a commune is looked at


@dataclass(frozen=True)
class Counted:
    """Values by the commune's code; unplaced: what is of no commune that there is; simulated: that any of it is."""

    values: Mapping[str, float]
    unplaced: float = 0
    simulated: bool = False


@dataclass(frozen=True)
class Measure:
    """A figure that each commune has: its key, name, unit, where it comes from, and how it is counted now."""

    key: str
    vi: str
    en: str
    unit_vi: str
    unit_en: str
    source_vi: str
    source_en: str
    count: Callable[[sa.Connection], Counted]


def measures(site: Site) -> tuple[Measure, ...]:
    """Every figure by commune: of the register of boats, and each KPI of each layer whose features know theirs."""
    own = (
        Measure(
            "boat.registered", "Tàu cá theo nơi đăng ký", "Fishing boats by home commune", "tàu", "boats",
            "Sổ đăng ký tàu cá", "Register of fishing boats", _boats,
        ),
        Measure(
            "boat.lost", "Vụ mất tín hiệu đang mở theo nơi đăng ký tàu", "Open lost-signal cases by home commune", "vụ",
            "cases", "Vụ việc giám sát tàu cá", "Cases of the fisheries watch", _losses,
        ),
    )  # fmt: skip
    return own + tuple(_kpi(layer, n) for layer in site.layers for n in _placed(layer))


def _placed(layer: Layer) -> range:
    return range(len(layer.kpis)) if "commune" in layer.shape.latest.c else range(0)


def _kpi(layer: Layer, n: int) -> Measure:
    kpi, latest = layer.kpis[n], layer.shape.latest

    def count(connection: sa.Connection) -> Counted:
        # The aggregate is the layer's own source text, never input from outside (layers.kpi_values).
        value: sa.ColumnElement[Any] = sa.literal_column(kpi.sql)
        query = sa.select(latest.c.commune, value, sa.func.bool_or(latest.c.simulated)).group_by(latest.c.commune)
        rows = connection.execute(query).all()
        found = {code: float(value) for code, value, _ in rows if code is not None and value is not None}
        unplaced = sum(float(value) for code, value, _ in rows if code is None and value is not None)
        return Counted(found, unplaced, any(simulated for *_, simulated in rows))

    return Measure(
        f"{layer.name}.{kpi.name}", f"{layer.vi}: {kpi.vi}", f"{layer.en}: {kpi.en}", kpi.unit, kpi.unit, layer.vi,
        layer.en, count,
    )  # fmt: skip


def _boats(connection: sa.Connection) -> Counted:
    return _at_home(connection, sa.select(boat).where(boat.c.retired_at.is_(None)))


def _losses(connection: sa.Connection) -> Counted:
    running = boat_case.c.kind == "loss", boat_case.c.ended_at.is_(None), boat_case.c.closed_at.is_(None)
    return _at_home(connection, sa.select(boat).join_from(boat, boat_case).where(*running))


def _at_home(connection: sa.Connection, boats: sa.Select[Any]) -> Counted:
    """How many rows of boats each home commune has; the register names communes as lists do, not by code."""
    rows = boats.subquery().c
    query = sa.select(
        rows.home_province, rows.commune, sa.func.count(), sa.func.bool_or(rows.simulated)
    ).group_by(rows.home_province, rows.commune)  # fmt: skip
    by_name: dict[tuple[str, str], str | None] = {}
    for one in areas(connection):
        for name in {spelled(one.name), fold(one.name), spelled(one.title_vi), fold(one.title_vi)}:
            by_name[one.province, name] = one.code
    provinces = {fold(one.name): one.code for one in PROVINCES}
    values: dict[str, float] = {}
    unplaced, simulated = 0, False
    for province, commune, count, played in connection.execute(query):
        own = provinces.get(fold(province), "")
        code = by_name.get((own, spelled(commune or ""))) or by_name.get((own, fold(commune or "")))
        simulated |= bool(played)
        if code is None:
            unplaced += count
        else:
            values[code] = values.get(code, 0) + count
    return Counted(values, unplaced, simulated)


def values(site: Site, connection: sa.Connection, key: str, now: datetime, province: Province | None) -> dict[str, Any]:
    """One figure of every commune with its classes, source and time. LookupError when there is no such figure."""
    measure = next((one for one in measures(site) if one.key == key), None)
    if measure is None:
        raise LookupError(key)
    counted = measure.count(connection)
    wanted = [one for one in areas(connection) if province is None or one.province == province.code]
    told = [(one, counted.values.get(one.code)) for one in wanted]
    known = classes(value for _, value in told if value is not None)
    return {
        **described(measure),
        "at": now.isoformat(),
        "simulated": counted.simulated,
        "unplaced": counted.unplaced,
        "classes": [{"low": one.low, "high": one.high} for one in known],
        "values": [
            {"code": one.code, "name": one.title_vi, "value": value, "class": class_of(value, known)}
            for one, value in told
        ],
    }


def described(measure: Measure) -> dict[str, Any]:
    """What a figure is, in both languages."""
    return {
        "kpi": measure.key, "vi": measure.vi, "en": measure.en, "unit_vi": measure.unit_vi, "unit_en": measure.unit_en,
        "source_vi": measure.source_vi, "source_en": measure.source_en,
    }  # fmt: skip


# Outlines


def collection(connection: sa.Connection, province: Province | None, whole: bool) -> dict[str, Any]:
    """Communes as GeoJSON: outlines for pictures, or whole; where none is imported, the reference point."""
    found = areas(connection, province.code if province else None, geometry=whole)
    drawn = {} if whole else _outlines(connection)
    return {"type": "FeatureCollection", "features": [feature(one, one.geom or drawn.get(one.code)) for one in found]}


def _outlines(connection: sa.Connection) -> dict[str, Any]:
    query = sa.select(area.c.code, sa.func.ST_AsBinary(area.c.outline)).where(area.c.outline.is_not(None))
    return {code: shapely.from_wkb(bytes(wkb)) for code, wkb in connection.execute(query)}


def feature(one: Area, geom: Any) -> dict[str, Any]:
    """A commune as a GeoJSON Feature; `estimated` while it has no outline and is known by its point alone."""
    shape = shapely.Point(one.lon, one.lat) if geom is None else shapely.set_precision(geom, 1e-6, mode="pointwise")
    province = next(each for each in PROVINCES if each.code == one.province)
    properties = {
        "code": one.code, "name": one.name, "kind": one.kind, "title_vi": one.title_vi,
        "title_en": title(one.kind, one.name, "en"), "province": one.province, "province_name": province.name,
        "lon": one.lon, "lat": one.lat, "area_km2": one.area_km2, "population": one.population,
        "source": one.source, "version": one.version, "valid_from": one.valid_from.isoformat(),
        "imported_at": one.imported_at.isoformat() if one.imported_at else None, "estimated": geom is None,
    }  # fmt: skip
    return {"type": "Feature", "id": one.code, "geometry": mapping(shape), "properties": properties}


def one_area(connection: sa.Connection, code: str) -> dict[str, Any] | None:
    """One commune whole, with who made each of its versions when, and its point in its province's plane."""
    found = areas(connection, code=code.replace("\0", ""), geometry=True)
    if not found:
        return None
    told = feature(found[0], found[0].geom)
    told["properties"]["vn2000"] = plane(found[0].province, found[0].lon, found[0].lat)
    told["properties"]["versions"] = [
        {**one, "at": one["at"].isoformat()} for one in history(connection, found[0].code)
    ]
    return told


# Places


def position(connection: sa.Connection, lon: float, lat: float) -> dict[str, Any]:
    """A place in degrees: the commune it is in, and its coordinates in that province's plane of VN-2000.

    At sea and abroad there is neither: VN-2000 is for the land.
    """
    codes, estimated = commune_of(connection, lon, lat)
    found = areas(connection, code=codes[0]) if codes[0] else []
    if not found:
        return {"lon": lon, "lat": lat, "commune": None, "vn2000": None}
    one = found[0]
    commune = {
        "code": one.code, "title_vi": one.title_vi, "title_en": title(one.kind, one.name, "en"),
        "province": one.province, "estimated": bool(estimated[0]),
        "note": "theo điểm tham khảo" if estimated[0] else None,
    }  # fmt: skip
    return {"lon": lon, "lat": lat, "commune": commune, "vn2000": plane(one.province, lon, lat)}


def on_plane(connection: sa.Connection, epsg: int, east: float, north: float) -> dict[str, Any]:
    """A place of a plane (m) as `position`. Raises NoStep, and ValueError when the plane is no province's of ours."""
    if epsg not in {one.epsg for one in PROVINCES}:
        raise ValueError(f"epsg is one of {', '.join(str(one.epsg) for one in PROVINCES)}")
    lon, lat = from_plane(epsg, east, north)
    return position(connection, round(float(lon), 9), round(float(lat), 9))


def plane(province: str, lon: float, lat: float) -> dict[str, Any]:
    """A place in a province's plane; where PROJ has no datum step, why there is none."""
    own = next(one for one in PROVINCES if one.code == province)
    try:
        found = grid(own, lon, lat)
    except NoStep as refused:
        return {"epsg": own.epsg, "refused_vi": refused.vi, "refused_en": refused.en}
    return {
        "epsg": own.epsg, "meridian": own.meridian, "east_m": round(found.east_m, 2), "north_m": round(found.north_m, 2)
    }  # fmt: skip


# Names


def named(connection: sa.Connection, text: str, limit: int = 4) -> Sequence[Area]:
    """Communes whose name, with or without its kind and accents, begins with the text; wards and whole names first."""
    wanted = fold(text)
    if len(wanted) < 2:
        return []
    ranked = []
    for one in areas(connection):
        names = (fold(one.name), fold(one.title_vi))
        if any(name.startswith(wanted) for name in names):
            ranked.append((wanted not in names, one.kind != "ward", one.name, one))
    return [one for *_, one in sorted(ranked, key=lambda row: row[:3])[:limit]]
