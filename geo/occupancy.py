"""Who is inside a fence now: counted over the latest state, with and without the fence's own conditions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd
import sqlalchemy as sa
from geoalchemy2.shape import from_shape

from geo.criteria import LISTS, matches
from geo.episode import FRESH
from geo.roster import rosters
from geo.rule import with_members
from geo.table import Shape


class Inside(NamedTuple):
    """How many objects lie inside by a fresh position, and how many of them the fence speaks of."""

    all: int
    meant: int


def inside_now(
    connection: sa.Connection, shape: Shape, geom: Any, applies_to: Mapping[str, Any], now: datetime
) -> Inside:
    """The objects of a layer inside an area at this moment; an old position counts for nothing where things move."""
    column = shape.latest.c
    area = from_shape(geom, srid=4326)
    asked = [name for name in applies_to if name not in LISTS and name in column]
    query = sa.select(column[shape.key].label("key"), *[column[name] for name in asked if name != shape.key])
    query = query.where(column.geom.op("&&")(area), sa.func.ST_Covers(area, column.geom))
    if shape.kind == "moving":
        query = query.where(column.observed_at >= now - FRESH)
    rows = connection.execute(query).all()
    if not rows:
        return Inside(0, 0)
    frame = pd.DataFrame(rows).set_index("key", drop=False)
    frame[shape.key] = frame["key"]
    members = {one.key: one.members for one in rosters(connection)}
    return Inside(len(frame), int(matches(frame, with_members(applies_to, members)).sum()))
