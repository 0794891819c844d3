"""Communes for other systems: outlines, versions, figures by commune, and the commune and plane of a place."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query

from access import areas as doing
from access.site import Site
from geo.area import PROVINCES, Province, province_of
from geo.vn2000 import NoStep

Named = Annotated[str | None, Query(max_length=60, description="hue, dak_lak, a code or a name; else all")]
Longitude = Annotated[float | None, Query(ge=-180, le=180, allow_inf_nan=False)]
Latitude = Annotated[float | None, Query(ge=-90, le=90, allow_inf_nan=False)]
Metres = Annotated[float | None, Query(ge=-10_000_000, le=10_000_000, allow_inf_nan=False)]


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/areas, /api/v1/areas/values, /api/v1/areas/{code} and /api/v1/position."""

    @server.get("/api/v1/areas", tags=["areas"])
    def areas(province: Named = None, detail: Literal["picture", "whole"] = "picture") -> dict[str, Any]:
        """The communes as GeoJSON (RFC 7946): outlines with few corners or whole; without an outline a point in it.

        `estimated` says of a commune that no outline of it is imported. There is no level between province and commune.
        """
        own = _province(province)
        with site.engine.connect() as connection:
            return doing.collection(connection, own, detail == "whole")

    @server.get("/api/v1/areas/values", tags=["areas"])
    def values(kpi: Annotated[str | None, Query(max_length=120)] = None, province: Named = None) -> dict[str, Any]:
        """A figure of each commune with its classes, unit, source and time; without `kpi`, which figures there are."""
        own = _province(province)
        known = doing.measures(site)
        if kpi is None:
            return {"kpis": [doing.described(one) for one in known]}
        with site.engine.connect() as connection:
            try:
                return doing.values(site, connection, kpi, datetime.now(UTC), own)
            except LookupError:
                listed = ", ".join(one.key for one in known)
                raise HTTPException(404, f"there is no figure {kpi[:60]!r}; there are: {listed}") from None

    @server.get("/api/v1/areas/{code}", tags=["areas"])
    def area(code: str) -> dict[str, Any]:
        """One commune whole: its outline with all corners, its versions (who, when, whose), its point in VN-2000."""
        with site.engine.connect() as connection:
            found = doing.one_area(connection, code)
        if found is None:
            raise HTTPException(404, f"there is no commune {code[:40]!r}")
        return found

    @server.get("/api/v1/position", tags=["areas"])
    def position(
        lon: Longitude = None,
        lat: Latitude = None,
        epsg: int | None = None,
        east: Metres = None,
        north: Metres = None,
    ) -> dict[str, Any]:
        """The commune of a place and its coordinates in WGS 84 and VN-2000 (EPSG:9214 at Huế, 9218 in Đắk Lắk).

        The place is given by lon and lat, or by epsg, east and north in metres. At sea `vn2000` is null.
        """
        with site.engine.connect() as connection:
            if lon is not None and lat is not None:
                return doing.position(connection, lon, lat)
            if epsg is None or east is None or north is None:
                raise HTTPException(422, "a place is lon and lat, or epsg, east and north")
            try:
                return doing.on_plane(connection, epsg, east, north)
            except (NoStep, ValueError) as error:
                raise HTTPException(422, str(error)) from None


def _province(named: str | None) -> Province | None:
    if named is None:
        return None
    found = province_of(named)
    if found is None:
        listed = ", ".join(f"{one.key} ({one.code})" for one in PROVINCES)
        raise HTTPException(422, f"there is no province {named[:40]!r}; there are: {listed}")
    return found
