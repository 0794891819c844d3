"""What other systems call: push, live, features, communes, alarms, cases, events, fences, warnings, health and more."""

from fastapi import FastAPI, HTTPException

from access.site import Site
from api import (
    alarms,
    areas,
    camera_events,
    camera_grid,
    cameras,
    cases,
    channels,
    events,
    evidence,
    features,
    fence_files,
    fences,
    handover,
    health,
    holidays,
    inspections,
    invalid,
    live,
    open311,
    push,
    reports,
    rescue,
    risk,
    rules,
    stations,
    statistics,
    storm,
    warning_areas,
    warnings,
)


def mount(
    server: FastAPI,
    site: Site,
    handover_paper: handover.Paper,
    case_paper: cases.Paper,
    evidence_paper: evidence.Paper,
    fleet_report: statistics.Makers,
) -> None:
    """Put every route of this room on the server; to be called before Dash adds its own.

    The papers make the PDFs of a handover, of a case's notice and of an evidence pack, fleet_report those and the
    workbooks of the fleet's figures; they are laid out in the room of what people see.
    """
    invalid.mount(server)
    health.mount(server, site)
    inspections.mount(server, site)
    warning_areas.mount(server, site)
    features.mount(server, site)
    push.mount(server, site)
    reports.mount(server, site)
    evidence.mount(server, site, evidence_paper)
    alarms.mount(server, site)
    areas.mount(server, site)
    camera_events.mount(server, site)
    camera_grid.mount(server, site)
    cameras.mount(server, site)
    cases.mount(server, site, case_paper)
    channels.mount(server, site)
    events.mount(server, site)
    fences.mount(server, site)
    fence_files.mount(server, site)
    rules.mount(server, site)
    rescue.mount(server, site)
    risk.mount(server, site)
    stations.mount(server, site)
    statistics.mount(server, site, fleet_report)
    storm.mount(server, site)
    warnings.mount(server, site)
    handover.mount(server, site, handover_paper)
    holidays.mount(server, site)
    live.mount(server, site)
    open311.mount(server, site)

    # Last: what no route above has must not fall through to the screens, which answer every address.
    @server.api_route("/cap/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    def unheard(path: str) -> None:
        raise HTTPException(404, f"there is no /cap/{path[:80]}; /cap/feed.atom lists the warnings in force")

    @server.api_route("/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    def unknown(path: str) -> None:
        raise HTTPException(404, f"there is no /api/{path[:80]}; /api/docs lists what there is")
