"""Who to look at first for other systems: boats with a score and the reasons for it."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import FastAPI, Query, Response

from access import risk as doing
from access.site import Site
from api.sheet import sheet

COLUMNS = ("registration", "shipname", "length_m", "home_province", "commune", "score", "reasons", "simulated")
Most = Annotated[int, Query(ge=1, le=5_000)]


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/risks and the same as CSV."""

    @server.get("/api/v1/risks", tags=["fisheries"])
    def risks(limit: Most = 100) -> list[dict[str, Any]]:
        """The boats in use that anything speaks for, the highest score first; the weights are figures risk_*."""
        return doing.first(site, datetime.now(UTC), limit)

    @server.get("/api/v1/risks.csv", tags=["fisheries"])
    def table(limit: Most = 5_000) -> Response:
        """The same as a table, each with its reasons in Vietnamese."""
        rows = doing.first(site, datetime.now(UTC), limit)
        told = [{**row, "reasons": "; ".join(reason["vi"] for reason in row["reasons"])} for row in rows]
        name = {"content-disposition": 'attachment; filename="risks.csv"'}
        return Response(sheet(COLUMNS, told), media_type="text/csv; charset=utf-8", headers=name)
