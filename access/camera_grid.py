"""Cameras side by side: a group of them page by page, and before them those near which something happens now."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from access.site import Site
from geo import table
from geo.camera_event import camera_event
from geo.camera_review import unseen

SIZES = (4, 9, 16)
NEAR_M = 1_000.0
NEAR = NEAR_M / 111_320  # in degrees of latitude; a circle of that size is flat enough
NEWS = timedelta(minutes=2)  # so long a new event holds its camera in the first places
ALL, LIST, KIND = "all", "list:", "kind:"
Row = dict[str, Any]


class NoGroup(LookupError):
    """There is no such group."""


def _latest(site: Site) -> sa.Table | None:
    layer = site.layer("camera")
    return None if layer is None else layer.shape.latest


def groups(connection: sa.Connection, site: Site) -> list[Row]:
    """What can be looked at together: all, the lists of cameras that somebody made, and each kind."""
    latest = _latest(site)
    if latest is None:
        return []
    total = connection.scalar(sa.select(sa.func.count()).select_from(latest)) or 0
    found: list[Row] = [{"key": ALL, "vi": None, "en": None, "cameras": total}]
    own = table.roster.c
    lists = sa.select(own.key, own.name_vi, own.name_en, sa.func.jsonb_array_length(own.members).label("n"))
    for row in connection.execute(lists.where(own.layer == "camera").order_by(own.name_vi)):
        found.append({"key": LIST + row.key, "vi": row.name_vi, "en": row.name_en, "cameras": row.n})
    kinds = sa.select(latest.c.kind, sa.func.count().label("n")).where(latest.c.kind.is_not(None))
    for row in connection.execute(kinds.group_by(latest.c.kind).order_by(latest.c.kind)):
        found.append({"key": KIND + row.kind, "vi": None, "en": None, "cameras": row.n})
    return found


def grid(connection: sa.Connection, site: Site, group: str, page: int, size: int, now: datetime) -> Row:
    """A page of a group's cameras, by their keys; the pages turn round. Raises NoGroup.

    `pinned` are the first tiles, half of them at most: cameras within NEAR_M of a critical or high alarm that nobody
    has acknowledged, the nearest of each, and cameras with an event of the last minutes. They come from all cameras.
    """
    layer = site.layer("camera")
    if layer is None:
        raise NoGroup("there is no layer of cameras here")
    latest = layer.shape.latest
    column = latest.c
    members = _members(connection, latest, group)
    pinned = _pinned(connection, latest, now)[: size // 2]
    held = [one["id"] for one in pinned]
    others = sa.and_(members, column.id.not_in(held))
    total = connection.scalar(sa.select(sa.func.count()).select_from(latest).where(others)) or 0
    room = size - len(pinned)
    pages = max(1, -(-total // room))
    at = page % pages
    shown = connection.scalars(
        sa.select(column.id).where(others).order_by(column.id).limit(room).offset(at * room)
    ).all()
    looked_at = latest.c.observed_at > now - timedelta(seconds=layer.style.stale_s)
    tiles = {row["id"]: row for row in _tiles(connection, latest, [*held, *shown], looked_at, now)}
    first = [{**tiles[one["id"]], "pinned": {"why": one["why"], "words": one["words"], "at": one["at"]}}
             for one in pinned]  # fmt: skip
    return {"at": now, "page": at, "pages": pages, "total": total + len(held),
            "tiles": [*first, *({**tiles[key], "pinned": None} for key in shown)]}  # fmt: skip


def _members(connection: sa.Connection, latest: sa.Table, group: str) -> sa.ColumnElement[bool]:
    if group == ALL:
        return sa.true()
    if group.startswith(KIND):
        return latest.c.kind == group.removeprefix(KIND)
    own = table.roster.c
    wanted = (own.key == group.removeprefix(LIST)) & (own.layer == "camera")
    members = connection.scalar(sa.select(own.members).where(wanted)) if group.startswith(LIST) else None
    if members is None:
        raise NoGroup(f"there is no group {group[:60]!r}")
    return latest.c.id == sa.func.any(sa.cast([str(one) for one in members], sa.ARRAY(sa.Text)))


def _pinned(connection: sa.Connection, latest: sa.Table, now: datetime) -> list[Row]:
    """Cameras to look at first, the newest reason first, each once."""
    alarms = sa.text(
        f"""
        SELECT near.id, 'alarm' AS why, coalesce(a.object_label, a.object_key) AS words, a.raised_at AS at
        FROM alarm a CROSS JOIN LATERAL (
            SELECT c.id, sqrt(power((ST_X(c.geom) - ST_X(a.geom)) * cos(radians(ST_Y(a.geom))), 2)
                            + power(ST_Y(c.geom) - ST_Y(a.geom), 2)) AS degrees
            FROM {latest.name} c WHERE c.geom && ST_Expand(a.geom, :reach)
            ORDER BY 2, 1 LIMIT 1
        ) near
        WHERE near.degrees <= :near AND a.cleared_at IS NULL AND a.withdrawn_at IS NULL AND a.acknowledged_at IS NULL
          AND a.severity IN ('critical', 'high') AND a.layer <> :own AND a.geom IS NOT NULL
        ORDER BY a.raised_at DESC LIMIT 20
        """
    )
    found = [dict(row) for row in connection.execute(
        alarms, {"reach": 1.3 * NEAR, "near": NEAR, "own": latest.name}).mappings()]  # fmt: skip
    event = camera_event.c
    news = (
        sa.select(event.camera.label("id"), sa.literal("event").label("why"), event.type.label("words"),
                  event.occurred_at.label("at"))
        .where(event.state == "detected", event.occurred_at.between(now - NEWS, now + NEWS),
               sa.exists().where(latest.c.id == event.camera))
        .order_by(event.occurred_at.desc()).limit(50)
    )  # fmt: skip
    found += [dict(row) for row in connection.execute(news).mappings()]
    once: dict[str, Row] = {}
    for one in sorted(found, key=lambda one: (one["why"] != "alarm", -one["at"].timestamp())):
        once.setdefault(one["id"], one)
    return list(once.values())


def _tiles(
    connection: sa.Connection, latest: sa.Table, keys: Sequence[str], looked_at: sa.ColumnElement[bool], now: datetime
) -> list[Row]:
    """Of a camera that nobody has looked at lately no health is told."""
    column, waiting = latest.c, unseen(keys, now).subquery()
    known = column.health, column.health_since, column.fault
    query = (
        sa.select(column.id, column.name, column.kind, *(sa.case((looked_at, seen)).label(seen.name) for seen in known),
                  sa.func.ST_X(column.geom).label("lon"), sa.func.ST_Y(column.geom).label("lat"),
                  (sa.func.coalesce(column.snapshot_url, "") != "").label("picture"), column.simulated,
                  (sa.func.coalesce(column.hls_url, "") != "").label("stream"),
                  sa.func.coalesce(waiting.c.events, 0).label("events"))
        .join_from(latest, waiting, waiting.c.camera == column.id, isouter=True)
        .where(column.id.in_(keys))
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query).mappings()]
