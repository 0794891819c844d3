"""What boats did for other systems: fishing-like activity, encounters, loitering, port visits, silences."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel, Field

from access import events as doing
from access.site import Site
from api.asked import Moment, names
from geo.behaviour.event import KINDS
from geo.boat_event import Wanted

NO_NUL = r"^[^\x00]*$"  # PostgreSQL has no such letter
Most = Annotated[int, Query(ge=1, le=10_000)]


class Selecting(BaseModel):
    """Which events; of kinds and layers several, comma-separated. They touch the time from `from` to `to`."""

    key: str | None = Field(None, max_length=40, pattern=NO_NUL, description="MMSI, or registration in any spelling")
    kind: str = Field("", max_length=200, description=", ".join(KINDS))
    layer: str = Field("", max_length=40, description="vms, vessel")
    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to")
    bbox: str | None = Field(None, max_length=200, description="west,south,east,north in degrees, WGS 84")
    confidence: Literal["usual", "low"] | None = None
    withdrawn: bool = Field(False, description="those too that later fixes refuted")

    def wanted(self) -> Wanted:
        """As the list of events understands it; 422 names a kind that there is not."""
        kinds = names(self.kind)
        if wrong := set(kinds) - KINDS.keys():
            raise HTTPException(422, f"there is no kind {', '.join(sorted(wrong))}; there are: {', '.join(KINDS)}")
        return Wanted(
            names(self.layer), (), kinds, self.since, self.until, _box(self.bbox), self.confidence, self.withdrawn
        )


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/events and the same as GeoJSON."""

    @server.get("/api/v1/events", tags=["fisheries"])
    def events(asked: Annotated[Selecting, Query()], limit: Most = 1_000) -> list[dict[str, Any]]:
        """What boats did, the latest first, each with its figures, its criteria and a sentence; nobody is accused."""
        return doing.found(site, asked.wanted(), asked.key, datetime.now(UTC), limit)

    @server.get("/api/v1/events.geojson", tags=["fisheries"])
    def geojson(asked: Annotated[Selecting, Query()], limit: Most = 1_000) -> dict[str, Any]:
        """The same as GeoJSON points (RFC 7946)."""
        rows = doing.found(site, asked.wanted(), asked.key, datetime.now(UTC), limit)
        return {"type": "FeatureCollection", "features": [_feature(row) for row in rows]}


def _feature(row: dict[str, Any]) -> dict[str, Any]:
    about = {name: value for name, value in row.items() if name not in ("id", "lon", "lat")}
    place = {"type": "Point", "coordinates": [round(row["lon"], 6), round(row["lat"], 6)]}
    return {"type": "Feature", "id": row["id"], "geometry": place, "properties": about}


def _box(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    try:
        west, south, east, north = (float(each) for each in text.split(","))
    except ValueError:
        raise HTTPException(422, "bbox is west,south,east,north in degrees") from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise HTTPException(422, "bbox is west,south,east,north in degrees, and no box across 180°")
    return west, south, east, north
