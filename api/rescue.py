"""Who can come to help at a place: for a distress, a call, or any point of the map."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import FastAPI, Query

from access.rescue import near
from access.site import Site


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/rescuers."""

    @server.get("/api/v1/rescuers", tags=["vessels"])
    def rescuers(
        lon: Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False)],
        lat: Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False)],
        within_nm: Annotated[float, Query(gt=0, le=300, allow_inf_nan=False)] = 60.0,
        limit: Annotated[int, Query(ge=1, le=100)] = 8,
    ) -> list[dict[str, Any]]:
        """The boats that can reach a place first: course to steer (degrees true), miles, pace and seconds needed."""
        with site.engine.connect() as connection:
            found = near(connection, site, lon, lat, datetime.now(UTC), within_nm, limit)
        return [{**asdict(one), "observed_at": one.observed_at.isoformat()} for one in found]
