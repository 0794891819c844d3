"""The evidence pack of a boat for other systems: one ZIP of PDF, data files and their SHA-256."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Query, Response

from access.evidence import SETTLED_AFTER, Refused, assemble
from access.evidence_pack import Pack, manifest, zipped
from access.site import Site
from api.asked import Moment
from geo.canonical import digest, moment

Paper = Callable[[Site, Pack], bytes]
USUAL = timedelta(days=7)
AT_ONCE = 2


def mount(server: FastAPI, site: Site, paper: Paper) -> None:
    """Add /api/v1/vessels/{registration}/evidence."""
    made: list[None] = []  # packs that are being made

    @server.get("/api/v1/vessels/{key}/evidence", tags=["fisheries"], response_class=Response)
    def evidence(
        key: str,
        start: Annotated[Moment | None, Query(alias="from")] = None,
        end: Annotated[Moment | None, Query(alias="to")] = None,
        as_of: Annotated[Moment | None, Query(description="only what had been received by then")] = None,
    ) -> Response:
        """A ZIP of the boat's track, fences as they were, alarms, cases and log, with a PDF and SHA-256 of each file.

        By default of the seven days before `as_of`, which is a minute ago; the same three moments give the same data
        files byte for byte. 31 days at the most. The header x-manifest-sha256 has the SHA-256 of manifest.json.
        """
        now = datetime.now(UTC)
        known_by = as_of or (now - SETTLED_AFTER).replace(microsecond=0)
        until = end or known_by
        if len(made) >= AT_ONCE:
            raise HTTPException(503, "other packs are being made; try again in a moment", {"retry-after": "10"})
        made.append(None)
        try:
            return _answer(site, paper, key, (start or until - USUAL, until, known_by), now)
        finally:
            made.pop()


def _answer(site: Site, paper: Paper, key: str, span: tuple[datetime, datetime, datetime], now: datetime) -> Response:
    try:
        with site.engine.connect() as connection:
            pack = assemble(connection, site, key, *span, now)
        printed = paper(site, pack)
    except Refused as error:
        raise HTTPException(404 if error.missing else 422, _told(error)) from None
    except RuntimeError as error:  # the room of papers says in words why there is none
        raise HTTPException(503, str(error)) from None
    name = f"{pack.name}.zip"
    headers = {
        "content-disposition": f"attachment; filename=\"{name}\"; filename*=UTF-8''{quote(name)}",
        "cache-control": "no-store",
        "x-manifest-sha256": digest(manifest(site, pack, printed)),
        "x-as-of": moment(pack.as_of),
    }
    return Response(zipped(site, pack, printed), media_type="application/zip", headers=headers)


def _told(error: Refused) -> Any:
    return str(error) if error.missing else [{"loc": ["query"], "msg": error.en, "vi": error.vi}]
