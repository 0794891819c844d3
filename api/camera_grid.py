"""Cameras side by side for the screens: the groups there are, and a page of one with what is to be seen first."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query

from access.camera_grid import ALL, NoGroup, grid, groups
from access.site import Site

Group = Annotated[str, Query(max_length=120, pattern=r"^[^\x00]*$", description="of /api/v1/cameras/groups")]


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/cameras/groups and /api/v1/cameras/grid."""

    @server.get("/api/v1/cameras/groups", tags=["cameras"])
    def named() -> list[dict[str, Any]]:
        """All cameras, the lists of them (PUT /api/v1/rosters/KEY with layer camera makes one), and each kind."""
        with site.engine.connect() as connection:
            return groups(connection, site)

    @server.get("/api/v1/cameras/grid", tags=["cameras"])
    def page(
        group: Group = ALL, page: Annotated[int, Query(ge=0, le=1_000_000)] = 0, size: Literal["4", "9", "16"] = "9"
    ) -> dict[str, Any]:
        """A page of a group; the pages turn round. First the cameras near an open alarm, or with a new event."""
        try:
            with site.engine.connect() as connection:
                return grid(connection, site, group, page, int(size), datetime.now(UTC))
        except NoGroup as error:
            raise HTTPException(404, str(error)) from None
