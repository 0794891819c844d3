"""What stations observed, for other systems: values with their units, and the air quality index of hours and days."""

from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query

from access.site import Site
from api.asked import LooseMoment
from api.features import layer_of, period
from geo import feature, observation
from geo.figure import figures


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/stations/{key}/observations."""

    @server.get("/api/v1/stations/{key}/observations", tags=["stations"])
    def observations(
        key: str,
        layer: Annotated[str, Query(max_length=40)] = "environment",
        start: Annotated[LooseMoment | None, Query(alias="from")] = None,
        end: Annotated[LooseMoment | None, Query(alias="to")] = None,
    ) -> dict[str, Any]:
        """What a station measured between two moments (the last 24 h by default, 31 days at most).

        `parameters` has what it measured itself, `aqi_hours` and `aqi_days` the VN_AQI (QĐ 1459/QĐ-TCMT) of the hours
        and whole days in between, made anew with what came late; null where there is not enough to tell. `missing`
        names the archive's files that should have been read and could not.
        """
        found, (since, until) = layer_of(site, layer), period(start, end)
        if found.shape.kind != "station":
            raise HTTPException(422, f"{found.name} has no stations")
        with site.engine.connect() as connection:
            row = feature.one(connection, found.shape, key)
            if row is None:
                raise HTTPException(404, f"there is no station {key[:40]!r}")
            law = figures(connection)
            before = since - observation.BEFORE
            seen = observation.observed(connection, site.archive, found.shape, str(row["key"]), before, until)
        about = {name: row.get(name) for name in ("key", "label", "kind", "river", "lon", "lat", "simulated")}
        return {**about, "from": since, "to": until, **observation.told(seen, since, until, law)}
