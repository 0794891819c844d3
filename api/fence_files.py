"""Fences as files for other programs: GeoJSON, KML and GeoPackage out; any of the formats in, after a look at it."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from access import fence_import
from access.fence_import import Account, Deed, Line, Stale
from access.site import Site
from geo import kml
from geo.actor import Actor
from geo.calendar import ZONE
from geo.fence_file import EXPORTS, drafts, features, flat
from geo.fence_kind import KINDS
from geo.vector_file import FileFault, geopackage, read_bytes
from geo.watch import held

READ_LIMIT_S = 20.0
Words = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]
Whole = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"format": "binary"}}}}}


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/fences.{geojson,kml,gpkg} and POST /api/v1/fences/import."""

    @server.get("/api/v1/fences.{suffix}", tags=["fences"], response_class=Response)
    def export(
        suffix: Literal["geojson", "kml", "gpkg"],
        key: Annotated[list[str] | None, Query(description="These alone; may be given several times")] = None,
        retired: Annotated[bool, Query(description="Retired ones too")] = False,
    ) -> Response:
        """Fences with their rules as a file, WGS84; reference lines say that they are no legal basis."""
        with site.engine.connect() as connection:
            found = held(connection, key, every=retired)
        missing = set(key or ()) - {one.fence.key for one in found}
        if missing:
            raise HTTPException(404, f"there is no fence {min(missing)[:60]!r}")
        try:
            data = _written(suffix, features(found, datetime.now(UTC)))
        except FileFault as fault:
            raise HTTPException(503, str(fault)) from None
        name = f"vung-{datetime.now(ZONE):%Y%m%d-%H%M}.{suffix}"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Response(data, media_type=EXPORTS[suffix].media_type, headers=headers)

    @server.post("/api/v1/fences/import", tags=["fences"], openapi_extra=Whole)
    async def bring_in(
        request: Request,
        name: Annotated[str, Query(max_length=200, description="The file's name; how it ends says what it is")],
        crs: Annotated[str | None, Query(pattern=r"^EPSG:\d{4,6}$")] = None,
        layer: Words | None = None,
        kind: Annotated[str | None, Query(description="Of rows that do not say")] = None,
        repair: bool = False,
        apply: bool = False,
        skip_refused: bool = False,
        actor: Words | None = None,
        plan: Annotated[str | None, Query(description="The plan that was looked at")] = None,
    ) -> dict[str, Any]:
        """A file as the body (at most 8 MB): row by row what would be added, changed, left and refused.

        With `apply` (and `actor`) all of it is done in one transaction, nothing when a row is refused unless
        `skip_refused`; 409 when something else was saved since the look that answered with `plan`.
        """
        if kind is not None and kind not in KINDS:
            raise _unread("kind", f"kind is one of {', '.join(KINDS)}", "Không có loại vùng này")
        if apply and not (actor or "").strip():
            raise _unread("actor", "a name is needed: say who acts", "Hãy ghi tên cán bộ trực ban")
        deed = None
        if apply:
            comment = fence_import.COMMENT.format(name=name[-80:])
            deed = Deed(Actor((actor or "").strip()[:80]), comment, skip_refused, plan)
        data = await request.body()
        return await run_in_threadpool(_bring_in, site, name, data, crs, layer, kind, repair, deed)


def _written(suffix: str, made: list[dict[str, Any]]) -> bytes:
    if suffix == "geojson":
        return json.dumps({"type": "FeatureCollection", "features": made}, ensure_ascii=False).encode()
    return kml.document("Vùng", flat(made)) if suffix == "kml" else geopackage(flat(made))


def _bring_in(
    site: Site,
    name: str,
    data: bytes,
    crs: str | None,
    layer: str | None,
    kind: str | None,
    repair: bool,
    deed: Deed | None,
) -> dict[str, Any]:
    try:
        read = read_bytes(name, data, crs, layer, READ_LIMIT_S)
    except FileFault as fault:
        raise _unread("body", str(fault), fault.vi, fault.layers) from None
    asked, ignored = drafts(read.rows, kind)
    try:
        found, done = fence_import.carry_out(site.engine, site.redis_url, asked, repair, deed=deed)
    except Stale as stale:
        told = {"msg": "something else was saved since; look at the new plan", **_told(stale.args[0])}
        raise HTTPException(409, told) from None
    return {"file": name, "crs": read.crs, "ignored": ignored, "applied": done, **_told(found)}


def _unread(field: str, en: str, vi: str, layers: tuple[str, ...] = ()) -> HTTPException:
    """422: which part of the request, why, and of which layers one must be chosen."""
    loc = ["body"] if field == "body" else ["query", field]
    return HTTPException(422, [{"loc": loc, "msg": en, "vi": vi, **({"layers": layers} if layers else {})}])


def _told(found: Account) -> dict[str, Any]:
    return {"counts": found.counts, "plan": found.digest, "rows": [_row(line) for line in found.lines]}


def _row(line: Line) -> dict[str, Any]:
    return {
        "row": line.number,
        "key": line.key,
        "name": line.name,
        "what": line.what,
        "fields": line.fields if line.what == "changed" else (),
        "rules": line.rules,
        "refusals": [
            {"field": one.field, "vi": one.vi, "en": one.en, "place": None if one.lon is None else [one.lon, one.lat]}
            for one in line.refusals
        ],
    }
