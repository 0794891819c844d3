"""Who can come to help, as screens and routes are given it: out of every layer of boats, by how long each is fresh."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from access.site import Site
from geo.figure import figures
from geo.rescue import MOST, WITHIN_NM, Rescuer, rescuers


def near(
    connection: sa.Connection,
    site: Site,
    lon: float,
    lat: float,
    now: datetime,
    within_nm: float = WITHIN_NM,
    limit: int = MOST,
    casualty: str | None = None,
) -> list[Rescuer]:
    """The boats that can be at a place first; one that its layer calls lost by now is not counted on."""
    moving = [(one.shape, timedelta(seconds=one.style.lost_s)) for one in site.layers if one.shape.kind == "moving"]
    return rescuers(connection, moving, lon, lat, figures(connection), now, within_nm, limit, casualty)
