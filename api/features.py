"""The layers and their features as GeoJSON; one vessel by its MMSI or registration, and its track."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from access.boat import TRACK_MOST as TRACK_MAX
from access.boat import brief, record, told
from access.site import Site
from api import warning_areas
from api.asked import LooseMoment, aware, box_of
from geo import feature
from geo.fleet import boat_by_mmsi, boat_of
from geo.heard import vessel_of
from geo.registration import parse
from geo.track import LOOK_BACK, picture
from geo.track import track as fixes
from layers import kpi_values
from layers.layer import Layer

TRACK = timedelta(hours=24)
Layers = Literal["vessel", "vms"]  # the two that boats stand in


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/layers, /api/v1/layers/{layer}/features and /api/v1/vessels/{key}[/track]."""

    @server.get("/api/v1/layers", tags=["layers"])
    def layers() -> list[dict[str, Any]]:
        """What there is: each layer with its titles, kinds, fields and current figures."""
        with site.engine.connect() as connection:
            told = [{**describe(layer), "kpi_values": kpi_values(connection, layer)} for layer in site.layers]
        return [*told, warning_areas.described(site, datetime.now(UTC))]

    @server.get("/api/v1/layers/{layer}/features", tags=["layers"], response_model=dict[str, Any])
    def features(
        layer: str,
        bbox: Annotated[str | None, Query(description="west,south,east,north in degrees, WGS 84")] = None,
        at: Annotated[LooseMoment | None, Query(description="A past moment, RFC 3339")] = None,
        limit: Annotated[int, Query(ge=1, le=100_000)] = 1_000,
    ) -> Response:
        """A layer's features as GeoJSON (RFC 7946), now or at a past moment.

        Of a past moment, `missing` names the archive's files that should have been read and could not.
        """
        found = layer_of(site, layer)
        shape, box, moment = found.shape, box_of(bbox), aware(at)
        with site.engine.connect() as connection:
            if moment is None or shape.history is None:
                # Plain values already: to have each of a thousand features looked through costs more than reading them.
                return JSONResponse(feature.features(connection, shape, box, limit))
            past = picture(connection, site.archive, shape, moment, box, look_back(found))
        return JSONResponse(jsonable_encoder(replace(past, fixes=past.fixes.head(limit)).geojson(shape)))

    @server.get("/api/v1/vessels/{key}", tags=["vessels"])
    def vessel(key: str, layer: Layers = "vessel") -> dict[str, Any]:
        """One vessel by its MMSI, or by its registration in any spelling: as AIS or as its device has it.

        `boat` is what the register has of it: identity, licence, devices, duties, the state of its signal; else null.
        """
        found = layer_of(site, layer)
        with site.engine.connect() as connection:
            row = _vessel(connection, found, key)
            return {**feature.geojson(found.shape, row), "boat": brief(connection, key, datetime.now(UTC))}

    @server.get("/api/v1/vessels/{key}/track", tags=["vessels"])
    def track(
        key: str,
        layer: Layers = "vessel",
        start: Annotated[LooseMoment | None, Query(alias="from")] = None,
        end: Annotated[LooseMoment | None, Query(alias="to")] = None,
    ) -> dict[str, Any]:
        """A vessel's positions between two moments (the last 24 h by default, 31 days at most), as GeoJSON points.

        `missing` names the archive's files that should have been read and could not.
        """
        found = layer_of(site, layer)
        since, until = period(start, end)
        with site.engine.connect() as connection:
            row = _vessel(connection, found, key)
            return fixes(connection, site.archive, found.shape, row["key"], since, until).geojson(found.shape)

    @server.get("/api/v1/vessels/{key}/record", tags=["fisheries"])
    def boat_record(
        key: str,
        start: Annotated[LooseMoment | None, Query(alias="from")] = None,
        end: Annotated[LooseMoment | None, Query(alias="to")] = None,
    ) -> dict[str, Any]:
        """A registered boat from all sides: register, duties, signal, cases, alarms; trips and calls of a period.

        The period is as a track's. Of telephone numbers only the last digits are told.
        """
        since, until = period(start, end)
        with site.engine.connect() as connection:
            found = record(connection, site, key, since, until, datetime.now(UTC))
        if found is None:
            raise HTTPException(404, f"the register has no boat {key[:40]!r}")
        return told(found)


def describe(layer: Layer) -> dict[str, Any]:
    """A layer for other systems: everything they need to read its features."""
    return {
        "name": layer.name,
        "vi": layer.vi,
        "en": layer.en,
        "group": layer.group,
        "shape": layer.shape.kind,
        "key": layer.shape.key,
        "kinds": [{"name": kind.name, "vi": kind.vi, "en": kind.en} for kind in layer.style.kinds],
        "fields": [{"name": f.name, "unit": f.unit, "vi": f.vi, "en": f.en} for f in layer.fields],
        "kpis": [{"name": kpi.name, "vi": kpi.vi, "en": kpi.en, "unit": kpi.unit} for kpi in layer.kpis],
    }


def layer_of(site: Site, name: str) -> Layer:
    """The layer of that name; else 404 with those that there are."""
    found = site.layer(name.lower())
    if found is None:
        known = ", ".join(layer.name for layer in site.layers)
        raise HTTPException(404, f"there is no layer {name[:40]!r}; there are: {known}")
    return found


def look_back(layer: Layer) -> timedelta:
    """How long before a past moment a thing's last fix may lie for it to be in the picture: until it counts as lost."""
    return max(LOOK_BACK, timedelta(seconds=layer.style.lost_s))


def period(start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    """The period that is asked for: the last 24 h by default, 31 days at most."""
    until = aware(end) or datetime.now(UTC)
    since = aware(start) or until - TRACK
    if not timedelta(0) <= until - since <= TRACK_MAX:
        raise HTTPException(422, f"from must lie before to, and at most {TRACK_MAX.days} days before it")
    return since, until


def _vessel(connection: Any, layer: Layer, key: str) -> dict[str, Any]:
    """One feature by its key, else by the register of boats, else by its name as people spell it."""
    row = feature.one(connection, layer.shape, key) or _registered(connection, layer, key)
    if row is None:
        known = feature.named(connection, layer.shape, key)
        if len(known) > 1:
            raise HTTPException(404, f"{key[:40]!r} is the name of several vessels; ask by the MMSI")
        row = feature.one(connection, layer.shape, known[0]) if known else None
    if row is None:
        raise HTTPException(404, f"no vessel is known by {key[:40]!r}")
    return row


def _registered(connection: Any, layer: Layer, key: str) -> dict[str, Any] | None:
    """The boat that a registration in any spelling, or its MMSI, names; None where the key names no boat.

    Of a boat that there is, no similar name is tried instead: BĐ and BD are two, and AIS sends them alike.
    """
    by_registration, written = layer.shape.key == "registration", parse(key)
    boat = boat_of(connection, key)
    if boat is None and by_registration and key.isascii() and key.isdigit() and len(key) == 9:
        boat = boat_by_mmsi(connection, int(key))
    if boat is None and not (by_registration and written):
        return None
    own: str | None = boat.registration if boat else str(written)
    if not by_registration and boat is not None:
        heard = vessel_of(connection, boat.registration)
        own = str(heard.mmsi) if heard else None
    row = feature.one(connection, layer.shape, own) if own else None
    if row is None:
        known = "is in the register, but" if boat else "is not in the register, and"
        raise HTTPException(404, f"{boat.registration if boat else written} {known} {layer.en} has no position of it")
    return row
