"""A report's photographs: the citizen's and those of the result, each under a name that nobody can guess."""

import secrets
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from geo.actor import Actor
from geo.commune import commune_of
from geo.figure import figures
from geo.photo import TYPE, Photo
from geo.report import report, report_photo
from geo.report_receive import log, point
from geo.report_work import NoReport, held, later
from geo.wrong import Wrong

PARTS = ("report", "result")
ROUNDED_M = 10


class NoPhoto(LookupError):
    """There is no such photograph."""


def keep(connection: sa.Connection, key: str, part: str, photo: Photo, actor: Actor, now: datetime) -> str:
    """Keep a photograph of a report; its name. Raises NoReport, and Wrong where there are enough.

    Of where it was taken only the distance to the report's place is kept: people photograph from their own windows. A
    report that has no place takes the photograph's.
    """
    row = held(connection, [key]).get(key)
    if row is None:
        raise NoReport(f"there is no report {key[:40]}")
    if part not in PARTS:
        raise Wrong("part", f"Một trong: {', '.join(PARTS)}", f"one of {', '.join(PARTS)}")
    of_it = report_photo.c.report_id == key, report_photo.c.part == part
    most = int(figures(connection).at("report_photos_most", now).value)
    if (connection.scalar(sa.select(sa.func.count()).select_from(report_photo).where(*of_it)) or 0) >= most:
        raise Wrong("photo", f"Đã đủ {most} ảnh", f"there are {most} already")
    name = f"{secrets.token_urlsafe(24)}.jpg"
    values = {"name": name, "report_id": key, "part": part, "type": TYPE, "width": photo.width, "height": photo.height}
    connection.execute(sa.insert(report_photo).values({**values, "data": photo.data, "at": now, "actor": actor.name}))
    data: dict[str, Any] = {"photo": name, "part": part}
    change: dict[str, Any] = {"version": row["version"] + 1, **later(now)}
    if photo.lon is not None and photo.lat is not None:
        taken = sa.func.ST_SetSRID(sa.func.ST_MakePoint(photo.lon, photo.lat), 4326)
        query = sa.select(sa.func.ST_DistanceSphere(report.c.geom, taken)).where(report.c.id == key)
        away = connection.scalar(query)
        if away is not None:
            data["away_m"] = round(away / ROUNDED_M) * ROUNDED_M
        elif part == "report" and commune_of(connection, photo.lon, photo.lat).codes[0] is not None:
            change["geom"], data["placed"] = point(photo.lon, photo.lat), True
    connection.execute(sa.update(report).where(report.c.id == key).values(change))
    log(connection, key, "photo", row["status"], actor, now, data=data)
    return name


def picture(connection: sa.Connection, name: str) -> bytes:
    """The picture of that name. Raises NoPhoto."""
    found = connection.scalar(sa.select(report_photo.c.data).where(report_photo.c.name == name))
    if found is None:
        raise NoPhoto("there is no such photograph")
    return bytes(found)
