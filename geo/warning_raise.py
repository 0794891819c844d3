"""Two hazards at once: which other warnings meet one that is being written, and by how much its level may be raised.

Decision 18/2021/QĐ-TTg: where several hazards strike together the level may be raised by one or two, to five at most.
A person decides; the journal keeps by how much and because of what.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import shapely
import sqlalchemy as sa

from geo.figure import figures
from geo.risk_level import LEAST, MOST
from geo.warning import Row
from geo.warning_content import Content
from geo.warning_state import in_force
from geo.wrong import Wrong

MOST_FIGURE = "warning_raise_most"
LOOKED_AT = 1_000  # warnings in force
NAMED = 20


def raise_most(connection: sa.Connection, now: datetime) -> int:
    """By how many levels at most."""
    return int(figures(connection).at(MOST_FIGURE, now).value)


def meeting(
    connection: sa.Connection, area: Any, hazard: str, status: str, since: datetime, until: datetime, now: datetime,
    but: int | None = None,
) -> list[Row]:  # fmt: skip
    """Warnings in force of another hazard that hold in a part of the area (shapely) and of [since, until).

    An exercise does not count for a true warning. but: that one is left out, since what is written takes its place.
    """
    rows = [
        row for row in in_force(connection, now, limit=LOOKED_AT)
        if row["id"] != but and (row["hazard"] is None or row["hazard"] != hazard)
        and (status != "Actual" or row["status"] == "Actual")
        and row["ends_at"] > since and (row["onset_at"] is None or row["onset_at"] < until)
    ]  # fmt: skip
    touching = _touching(connection, shapely.to_wkb(area), [row["id"] for row in rows])
    names = ("id", "origin", "status", "hazard", "risk_level", "severity", "words", "area_words", "onset_at",
             "ends_at", "simulated")  # fmt: skip
    return [{name: row[name] for name in names} for row in rows if row["id"] in touching][:NAMED]


def _touching(connection: sa.Connection, area_wkb: bytes, ids: Sequence[int]) -> set[int]:
    query = sa.text(
        "SELECT id FROM warning_message WHERE id = ANY(:ids) AND ST_Intersects(geom, ST_GeomFromWKB(:area, 4326))"
    )
    return set(connection.scalars(query, {"ids": list(ids), "area": area_wkb})) if ids else set()


def check_raise(connection: sa.Connection, content: Content, now: datetime, but: int | None = None) -> None:
    """Whether the level may be raised as it says. Raises Wrong."""
    if not content.raised:
        if content.raised_for:
            raise Wrong("raised", "Chưa ghi nâng bao nhiêu cấp", "say by how many levels it is raised")
        return
    most = raise_most(connection, now)
    if not 0 < content.raised <= most:
        raise Wrong("raised", f"Chỉ được nâng 1 đến {most} cấp", f"a level is raised by 1 to {most}")
    if content.risk_level is None or not LEAST <= content.risk_level - content.raised < MOST:
        vi = f"Cấp rủi ro sau khi nâng phải từ {LEAST + 1} đến {MOST}"
        raise Wrong("raised", vi, f"what a level is raised to is {LEAST + 1} to {MOST}")
    met = meeting(connection, content.geom, content.hazard, content.status, content.onset_at or now,
                  content.expires_at, now, but)  # fmt: skip
    if not content.raised_for or not set(content.raised_for) <= {row["id"] for row in met}:
        vi = "Chỉ được nâng cấp khi chồng với cảnh báo khác đang có hiệu lực; cảnh báo đó nay không còn chồng"
        raise Wrong("raised", vi, "a level is raised because of other warnings in force that it meets; it meets none")
