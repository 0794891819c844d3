"""Field reports as everybody may see them: what was published, with the answer and the photographs of that moment.

Of a report that is worked on again, what came after it was published is not told before it is published again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from geo import table
from geo.actor import Actor
from geo.area import area
from geo.report import (
    OVERDUE,
    RUNNING,
    STAGES,
    report,
    report_category,
    report_entry,
    report_photo,
    report_reply,
)
from geo.report_photo import NoPhoto
from geo.report_receive import digest, log
from geo.report_work import NoReport

Row = dict[str, Any]
YEAR = timedelta(days=365)
ASIDE = ("rejected", "merged")
LOOKED_AT = 400  # of the last published, before the index over words is asked
# The states that people choose from, each with the statuses it stands for; every other one has no public report.
STATES: Mapping[str, tuple[str, ...]] = {
    "answered": ("published",), "closed": ("closed",), "again": (*RUNNING, "replied"),
}  # fmt: skip
PUBLIC = sa.and_(report.c.published_at.is_not(None), report.c.stage.not_in([STAGES[status] for status in ASIDE]))
_ANSWERED = report.c.stage.in_([STAGES[status] for status in ("replied", "published", "closed")])


@dataclass(frozen=True)
class Asked:
    """Which published reports; before: those published before this place (when, id) in the list, newest first."""

    words: str | None = None
    category: str | None = None
    commune: str | None = None
    state: str | None = None
    before: tuple[datetime, str] | None = None

    def named(self, column: sa.ColumnCollection[str, Any]) -> sa.ColumnElement[bool]:
        """The words as a condition on a table's columns. A report is also found by its number."""
        if not self.words:
            return sa.true()
        found = sa.func.report_words(column.words, column.address).op("@@")(sa.func.words_asked(self.words))
        return sa.or_(found, column.id == self.words.strip().upper())

    def condition(self) -> sa.ColumnElement[bool]:
        """All but the words as a condition on the table."""
        column = report.c
        parts: list[sa.ColumnElement[bool]] = [PUBLIC]
        if self.category:
            parts.append(column.category == self.category)
        if self.commune:
            parts.append(column.commune == self.commune)
        if self.state:
            parts.append(column.stage.in_([STAGES[status] for status in STATES[self.state]]))
        if self.before is not None:
            parts.append(sa.tuple_(column.published_at, column.id) < sa.tuple_(*self.before))
        return sa.and_(*parts)


def _query() -> sa.Select[Any]:
    column, unit = report.c, table.unit.c
    own = ("id", "title", "words", "category", "status", "address", "opened_at", "due_at", "replied_at", "published_at",
           "closed_at", "rating", "simulated")  # fmt: skip
    return (
        sa.select(
            *(column[name] for name in own),
            sa.func.ST_X(column.geom).label("lon"), sa.func.ST_Y(column.geom).label("lat"),
            report_category.c.name_vi.label("category_vi"), report_category.c.name_en.label("category_en"),
            unit.name_vi.label("unit_vi"), unit.name_en.label("unit_en"),
            area.c.kind.label("commune_kind"), area.c.name.label("commune_name"),
        )
        .outerjoin(report_category, report_category.c.key == column.category)
        .outerjoin(table.unit, unit.key == column.unit)
        .outerjoin(area, area.c.code == column.commune)
    )  # fmt: skip


def page(connection: sa.Connection, asked: Asked, limit: int) -> list[Row]:
    """Published reports that are asked for, the last published first, each with `answer` and `photos` (part, name)."""
    order = report.c.published_at.desc(), report.c.id.desc()
    # The page is found first, by the table's own columns alone; names are then read for its few rows.
    keys = _found(connection, asked, order, limit)
    rows = connection.execute(_query().where(report.c.id.in_(keys)).order_by(*order)).mappings().all()
    return _told(connection, [dict(row) for row in rows])


def _found(
    connection: sa.Connection, asked: Asked, order: Sequence[sa.ColumnElement[Any]], limit: int
) -> Sequence[str]:
    among = sa.select(report.c.id, report.c.words, report.c.address).where(asked.condition()).order_by(*order)
    if asked.words:
        # Words of many reports fill a page from the newest; the index would give all of a year to be sorted.
        last = among.add_columns(report.c.published_at).limit(LOOKED_AT).subquery()
        newest = sa.select(last.c.id).where(asked.named(last.c)).order_by(last.c.published_at.desc(), last.c.id.desc())
        keys = list(connection.scalars(newest.limit(limit)))
        if len(keys) == limit:
            return keys
    return list(connection.scalars(among.with_only_columns(report.c.id).where(asked.named(report.c)).limit(limit)))


def one(connection: sa.Connection, key: str) -> Row:
    """A published report. Raises NoReport, also for one that is not published."""
    row = connection.execute(_query().where(report.c.id == key, PUBLIC)).mappings().one_or_none()
    if row is None:
        raise NoReport(f"there is no published report {key[:40]}")
    (told,) = _told(connection, [dict(row)])
    return told


def _told(connection: sa.Connection, rows: Sequence[Row]) -> list[Row]:
    keys = [row["id"] for row in rows]
    said, seen = _answered(connection, keys), photos(connection, keys)
    none = dict.fromkeys(("answer", "answered_at", "answered_vi", "answered_en"))
    return [{**row, **said.get(row["id"], none), "photos": seen.get(row["id"], [])} for row in rows]


def answers(connection: sa.Connection, keys: Sequence[str]) -> Mapping[str, str]:
    """The last published reply to each of these reports that has one."""
    return {key: row["answer"] for key, row in _answered(connection, keys).items()}


def _answered(connection: sa.Connection, keys: Sequence[str]) -> Mapping[str, Row]:
    """The same with when and by which unit: by now the report may be with another one, or have another reply."""
    column, unit = report_reply.c, table.unit.c
    query = (
        sa.select(
            column.report_id, column.words.label("answer"), column.at.label("answered_at"),
            unit.name_vi.label("answered_vi"), unit.name_en.label("answered_en"),
        )
        .join(report, report.c.id == column.report_id)
        .outerjoin(table.unit, unit.key == column.unit)
        .where(column.report_id.in_(keys), column.at <= report.c.published_at)
        .ext(distinct_on(column.report_id)).order_by(column.report_id, column.id.desc())
    )  # fmt: skip
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return {row.pop("report_id"): row for row in rows}


def _visible() -> sa.ColumnElement[bool]:
    """Of photographs beside their reports: those that whoever published it has seen, and nobody withholds."""
    return sa.and_(report_photo.c.at <= report.c.published_at, report_photo.c.withheld_at.is_(None))


def photos(connection: sa.Connection, keys: Sequence[str]) -> Mapping[str, list[Row]]:
    """Each report's published photographs: part, name, width and height, in their order."""
    column = report_photo.c
    query = (
        sa.select(column.report_id, column.part, column.name, column.width, column.height)
        .join(report, report.c.id == column.report_id)
        .where(column.report_id.in_(keys), _visible()).order_by(column.report_id, column.at, column.name)
    )  # fmt: skip
    found: dict[str, list[Row]] = {}
    for row in connection.execute(query).mappings():
        found.setdefault(row["report_id"], []).append({name: row[name] for name in ("part", "name", "width", "height")})
    return found


def first_photos(connection: sa.Connection, keys: Sequence[str]) -> Mapping[str, str]:
    """The name of the first published photograph that came with each of these reports that has one."""
    found = {
        key: [one["name"] for one in shown if one["part"] == "report"]
        for key, shown in photos(connection, keys).items()
    }
    return {key: names[0] for key, names in found.items() if names}


def picture(connection: sa.Connection, name: str) -> bytes:
    """A published photograph. Raises NoPhoto."""
    found = connection.scalar(_of(name, report_photo.c.data))
    if found is None:
        raise NoPhoto("there is no such photograph")
    return bytes(found)


def shown(connection: sa.Connection, name: str) -> bool:
    """Whether that is a published photograph."""
    return connection.scalar(_of(name, report_photo.c.name)) is not None


def _of(name: str, column: sa.Column[Any]) -> sa.Select[Any]:
    joined = sa.select(column).join(report, report.c.id == report_photo.c.report_id)
    return joined.where(report_photo.c.name == name, PUBLIC, _visible())


def totals(connection: sa.Connection, now: datetime) -> Row:
    """How the city answers, over a year: received, answered, on_time, rated, satisfied (4 or 5 of 5); now: open, late.

    With them the kinds and the communes of which anything is published, each with how many.
    """
    column = report.c
    count, since = sa.func.count, now - YEAR
    lately = column.opened_at >= since
    running = column.stage < len(RUNNING)
    query = sa.select(
        count().filter(lately).label("received"),
        count().filter(lately, _ANSWERED).label("answered"),
        count().filter(lately, _ANSWERED, column.replied_at <= column.due_at).label("on_time"),
        count(column.rating).filter(lately).label("rated"),
        count().filter(lately, column.rating >= 4).label("satisfied"),
        count().filter(running).label("open"),
        count().filter(running, column.late == OVERDUE).label("late"),
    )
    named = (
        sa.select(column.category, column.commune, area.c.kind, area.c.name, count().label("n"))
        .outerjoin(area, area.c.code == column.commune).where(PUBLIC)
        .group_by(column.category, column.commune, area.c.kind, area.c.name)
    )  # fmt: skip
    categories: dict[str, int] = {}
    communes: dict[str, Row] = {}
    for category, commune, kind, name, n in connection.execute(named):
        categories[category] = categories.get(category, 0) + n
        if commune is not None:
            place = communes.setdefault(commune, {"kind": kind, "name": name, "n": 0})
            place["n"] += n
    return {**connection.execute(query).mappings().one(), "categories": categories, "communes": communes, "at": now}


def followed(connection: sa.Connection, key: str, secret: str) -> Row:
    """Where a report stands, for whoever knows its secret: what is published of it, and how far it has come.

    Raises NoReport, also for a wrong secret: nobody finds out which numbers there are.
    """
    known = {"key": key, "digest": digest(secret)}
    row = connection.execute(_query().where(report.c.id == key)).mappings().one_or_none()
    if row is None or not connection.scalar(sa.text("SELECT sent_by(:key, :digest)"), known):
        raise NoReport("there is no such report, or its secret is another one")
    line = report_entry.c
    refused = (
        sa.select(line.data["choice"].astext).where(line.report_id == key, line.deed == "reject")
        .order_by(line.id.desc()).limit(1)
    )  # fmt: skip
    other = sa.select(report.c.merged_into).where(report.c.id == key)
    (told,) = _told(connection, [dict(row)]) if row["published_at"] else ({**row, "answer": None, "photos": []},)
    return {
        **told,
        "choice": connection.scalar(refused) if row["status"] == "rejected" else None,
        "merged_into": connection.scalar(other),
        "public": row["published_at"] is not None and row["status"] not in ASIDE,
    }


def withhold(connection: sa.Connection, name: str, withheld: bool, actor: Actor, now: datetime) -> None:
    """Show a photograph to nobody outside, or again; it stays with its report. Raises NoPhoto."""
    change = {"withheld_at": now if withheld else None, "withheld_by": actor.name if withheld else None}
    column = report_photo.c
    changed = sa.update(report_photo).where(column.name == name).values(change).returning(column.report_id)
    key = connection.scalar(changed)
    if key is None:
        raise NoPhoto("there is no such photograph")
    status = connection.scalar(sa.select(report.c.status).where(report.c.id == key)) or ""
    log(connection, key, "withhold", status, actor, now, data={"photo": name, "withheld": withheld})


def places(connection: sa.Connection, lon: float, lat: float) -> Row:
    """The communes of the province nearest to a place: name, a point inside, rings of (lon, lat); and the bounds.

    To about 50 m: a pin is judged by the database's own outlines (geo.report_receive.on_land).
    """
    query = sa.text(
        "SELECT a.name, ST_X(a.point) AS lon, ST_Y(a.point) AS lat,"
        " ST_AsGeoJSON(ST_SimplifyPreserveTopology(ST_Union(p.geom), 0.0005), 4)::json AS shape"
        " FROM area a JOIN area_piece p ON p.code = a.code WHERE a.valid_until IS NULL AND a.province ="
        " (SELECT province FROM area WHERE valid_until IS NULL"
        " ORDER BY point <-> ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) LIMIT 1)"
        " GROUP BY a.code, a.name, a.point ORDER BY a.code"
    )
    areas = []
    for row in connection.execute(query, {"lon": lon, "lat": lat}):
        shapes = [row.shape] if row.shape["type"] == "Polygon" else row.shape.get("geometries") or [row.shape]
        rings = [ring for shape in shapes for part in _polygons(shape) for ring in part]
        areas.append({"name": row.name, "point": [round(row.lon, 4), round(row.lat, 4)], "rings": rings})
    points = [point for one in areas for ring in one["rings"] for point in ring]
    lons, lats = [point[0] for point in points] or [107.0, 108.2], [point[1] for point in points] or [16.0, 16.8]
    return {"areas": areas, "bounds": [min(lons), min(lats), max(lons), max(lats)]}


def _polygons(shape: Mapping[str, Any]) -> list[list[Any]]:
    if shape["type"] == "Polygon":
        return [shape["coordinates"]]
    return list(shape["coordinates"]) if shape["type"] == "MultiPolygon" else []
