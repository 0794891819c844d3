"""Reading features as they are now: one by its key, many in a box, and by a name as people type it.

A column declared with info={"withheld": True} is read by none of these.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from geo.anomaly import kinds_of
from geo.area import KINDS, area
from geo.table import Shape


class UnknownKey(ValueError):
    """The key cannot be one of this layer."""


def label_column(shape: Shape) -> sa.Column[Any]:
    """The column that names a feature for people: the one declared with info={"label": True}, else the key."""
    named = [column for column in shape.latest.c if column.info.get("label")]
    return named[0] if named else shape.latest.c[shape.key]


def parse_key(shape: Shape, key: str) -> int | str:
    """A key from outside as the table has it.

    Raises:
        UnknownKey: the layer's keys are numbers and this is none.
    """
    if not shape.key_is_number:
        return key.replace("\0", "")  # which no text of PostgreSQL can hold
    if not (key.isascii() and key.isdigit() and len(key) <= 18):
        raise UnknownKey(f"{shape.name}: {shape.key} is a number, not {key[:40]!r}")
    return int(key)


def _columns(shape: Shape, table: sa.FromClause) -> list[Any]:
    plain: list[Any] = [column for column in table.c if column.name != "geom" and not column.info.get("withheld")]
    if "commune" in table.c:
        plain += _commune(table.c.commune)
    return [*plain, sa.func.ST_X(table.c.geom).label("lon"), sa.func.ST_Y(table.c.geom).label("lat")]


def _commune(code: sa.ColumnElement[Any]) -> list[Any]:
    """The name and province of a feature's commune, and whether it is only estimated by reference points; else null."""
    kind = sa.case({name: vi for name, (vi, _) in KINDS.items()}, value=area.c.kind)
    named, own = sa.func.concat(kind, " ", area.c.name), area.c.code == code
    return [
        sa.select(named).where(own).scalar_subquery().label("commune_name"),
        sa.select(area.c.province).where(own).scalar_subquery().label("commune_province"),
        sa.select(area.c.geom.is_(None)).where(own).scalar_subquery().label("commune_estimated"),
    ]


def one(connection: sa.Connection, shape: Shape, key: str) -> dict[str, Any] | None:
    """All latest columns of one feature with lon and lat, or None when there is no such feature."""
    try:
        value = parse_key(shape, key)
    except UnknownKey:
        return None
    query = sa.select(*_columns(shape, shape.latest)).where(shape.latest.c[shape.key] == value)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else {**row, "key": str(value), "label": row[label_column(shape).name] or str(value)}


def search(connection: sa.Connection, shape: Shape, text: str, limit: int = 8) -> list[dict[str, Any]]:
    """Features whose searched columns (info={"search": True}) or key hold `text`; accents, case and marks do not count.

    Those that begin with it come first. Rows of key, label, lon, lat, observed_at, simulated.
    """
    table, label = shape.latest, label_column(shape)
    wanted = sa.func.fold(sa.bindparam("text", text[:64].replace("\0", "")))
    names: list[sa.ColumnElement[str]] = [sa.func.fold(column) for column in table.c if column.info.get("search")]
    names.append(sa.cast(table.c[shape.key], sa.Text))
    begins = sa.or_(*[name.startswith(wanted) for name in names])
    query = (
        sa.select(
            sa.cast(table.c[shape.key], sa.Text).label("key"),
            sa.func.coalesce(label, sa.cast(table.c[shape.key], sa.Text)).label("label"),
            sa.func.ST_X(table.c.geom).label("lon"),
            sa.func.ST_Y(table.c.geom).label("lat"),
            table.c.observed_at,
            table.c.simulated,
        )
        .where(wanted != "", table.c.geom.is_not(None), sa.or_(*[name.contains(wanted) for name in names]))
        .order_by(begins.desc().nulls_last(), sa.func.coalesce(label, ""))
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def named(connection: sa.Connection, shape: Shape, text: str, limit: int = 2) -> list[str]:
    """Keys of the features whose name is `text` as people spell it, or, when there are none, begins with it.

    One key is an answer; several mean that `text` does not say which. Fewer than four letters and digits name nothing.
    """
    table, label = shape.latest, label_column(shape)
    wanted = sa.func.fold(sa.bindparam("text", text[:64].replace("\0", "")))
    for same in (sa.func.fold(label) == wanted, sa.func.fold(label).startswith(wanted)):
        query = sa.select(sa.cast(table.c[shape.key], sa.Text)).where(sa.func.length(wanted) >= 4, same)
        found = list(connection.scalars(query.order_by(table.c[shape.key]).limit(limit)))
        if found:
            return found
    return []


def features(
    connection: sa.Connection,
    shape: Shape,
    bbox: Sequence[float] | None = None,
    limit: int = 1_000,
) -> dict[str, Any]:
    """A GeoJSON FeatureCollection (RFC 7946) of the features in bbox (west, south, east, north), as they are now."""
    table = shape.latest
    query = sa.select(*_columns(shape, table)).where(table.c.geom.is_not(None))
    if bbox is not None:
        query = query.where(sa.or_(*[table.c.geom.op("&&")(box) for box in _envelopes(*bbox)]))
    rows = connection.execute(query.limit(limit)).mappings()
    return {"type": "FeatureCollection", "features": [geojson(shape, row) for row in rows]}


def nearest(connection: sa.Connection, shape: Shape, lon: float, lat: float, limit: int = 3) -> list[dict[str, Any]]:
    """The features nearest to a point, with `distance_m` on the sphere, the nearest first."""
    table, label, key = shape.latest, label_column(shape), sa.cast(shape.latest.c[shape.key], sa.Text)
    point = sa.func.ST_SetSRID(sa.func.ST_MakePoint(lon, lat), 4326)
    # The index orders by degrees, of which one to the east is shorter than one to the north: some more are looked at.
    near = (
        sa.select(
            key.label("key"),
            sa.func.coalesce(label, key).label("label"),
            sa.func.ST_X(table.c.geom).label("lon"),
            sa.func.ST_Y(table.c.geom).label("lat"),
            sa.func.ST_DistanceSphere(table.c.geom, point).label("distance_m"),
        )
        .where(table.c.geom.is_not(None))
        .order_by(table.c.geom.op("<->")(point))
        .limit(4 * limit)
        .subquery()
    )
    query = sa.select(near).order_by(near.c.distance_m).limit(limit)
    return [dict(row) for row in connection.execute(query).mappings()]


def _envelopes(west: float, south: float, east: float, north: float) -> list[Any]:
    """The box as envelopes: two of them where it crosses the antimeridian (west > east, RFC 7946 section 5.2)."""
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    return [sa.func.ST_MakeEnvelope(left, south, right, north, 4326) for left, right in spans]


def geojson(shape: Shape, row: Any) -> dict[str, Any]:
    """One row of this module as a GeoJSON Feature; times as RFC 3339 in UTC, anomalies by their names."""
    properties = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
        if name not in ("lon", "lat", "fingerprint")
    }
    if "anomaly" in properties:
        properties["anomaly"] = [kind.name for kind in kinds_of(row["anomaly"])]
    point = None if row["lon"] is None else {"type": "Point", "coordinates": [row["lon"], row["lat"]]}
    return {"type": "Feature", "id": str(row[shape.key]), "geometry": point, "properties": properties}
