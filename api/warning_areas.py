"""Warnings in force as a layer of areas beside the layers of points: what it is, and its features."""

from datetime import UTC, datetime
from typing import Annotated, Any

import shapely
from fastapi import FastAPI, Query
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from access import warning as doing
from access.site import Site
from api.asked import LooseMoment, aware, box_of
from geo.risk_level import levels
from geo.warning import STATES

NAME = "warning"


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/layers/warning/features; to be called before the layers' own route, which has none of that name."""

    @server.get(f"/api/v1/layers/{NAME}/features", tags=["layers"], response_model=dict[str, Any])
    def features(
        bbox: Annotated[str | None, Query(description="west,south,east,north in degrees, WGS 84")] = None,
        at: Annotated[LooseMoment | None, Query(description="A past moment, RFC 3339")] = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 1_000,
    ) -> JSONResponse:
        """The warnings in force, now or at a past moment, as GeoJSON areas (RFC 7946); null of one without an area."""
        box = box_of(bbox)
        told = doing.in_force(site, aware(at) or datetime.now(UTC), limit)
        if box is not None:
            west, south, east, north = box
            halves = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]  # RFC 7946, 5.2
            frame = shapely.union_all([shapely.box(left, south, right, north) for left, right in halves])
            told["features"] = [one for one in told["features"] if _touches(one["geometry"], frame)]
        return JSONResponse(jsonable_encoder(told))


def described(site: Site, now: datetime) -> dict[str, Any]:
    """The layer as api.features.describe tells of others, with its current figures."""
    rows = doing.in_force(site, now, 1_000)["features"]
    exercises = sum(one["properties"]["status"] == "Exercise" for one in rows)
    fields = (
        ("risk_level", "Cấp độ rủi ro thiên tai", "Disaster risk level"),
        ("hazard", "Loại", "Hazard"),
        ("area_words", "Khu vực", "Area"),
        ("ends_at", "Hết hiệu lực", "Ends"),
    )
    kpis = (("in_force", STATES["issued"]), ("exercises", ("Diễn tập", "Exercises")))
    return {
        "name": NAME,
        "vi": "Cảnh báo",
        "en": "Warnings",
        "group": "city",
        "shape": "area",
        "key": "id",
        "kinds": [{"name": f"level_{one.level}", "vi": one.name_vi, "en": one.name_en} for one in levels(now).values()],
        "fields": [{"name": name, "unit": "", "vi": vi, "en": en} for name, vi, en in fields],
        "kpis": [{"name": name, "vi": vi, "en": en, "unit": ""} for name, (vi, en) in kpis],
        "kpi_values": {"in_force": len(rows) - exercises, "exercises": exercises},
    }


def _touches(geometry: dict[str, Any] | None, frame: shapely.Geometry) -> bool:
    return geometry is not None and bool(shapely.intersects(shapely.geometry.shape(geometry), frame))
