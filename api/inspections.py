"""Inspections of a boat for other systems: what was found when somebody looked, and a new line about one."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel, Field

from access.boat import registration_of
from access.inspection import LISTED_MOST, NoBoat, listed, write_down
from access.site import Site
from api.asked import Moment
from geo.actor import Actor
from geo.inspection import FINDINGS, FINDINGS_MOST, NAME_MOST, RESULTS, TEXT_MOST, Inspection
from geo.wrong import Wrong

Name = Annotated[str, Field(max_length=NAME_MOST)]


class Line(BaseModel):
    """One inspection. `result` and `findings` are of /api/v1/inspections/words; `corrects`: the line it replaces."""

    actor: str = Field(max_length=80, pattern=r"^[^\x00]*\S[^\x00]*$")
    at: Moment | None = Field(None, description="when it was; now, if it is not said")
    place: Name
    unit: Name = Field(description="which authority looked")
    result: Name
    findings: list[Name] = Field(default_factory=list, max_length=FINDINGS_MOST)
    inspectors: Name | None = None
    document: Name | None = Field(None, description="number of the minutes")
    note: str | None = Field(None, max_length=TEXT_MOST)
    corrects: int | None = Field(None, ge=1, lt=1 << 63)


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/vessels/{key}/inspections and the words of their closed lists."""

    @server.get("/api/v1/inspections/words", tags=["fisheries"])
    def words() -> dict[str, Any]:
        """The closed lists of results and findings, in Vietnamese and English."""
        each = {"results": RESULTS, "findings": FINDINGS}
        return {name: [{"key": key, "vi": vi, "en": en} for key, (vi, en) in of.items()] for name, of in each.items()}

    @server.get("/api/v1/vessels/{key}/inspections", tags=["fisheries"])
    def inspections(key: str, limit: Annotated[int, Query(ge=1, le=LISTED_MOST)] = 100) -> list[dict[str, Any]]:
        """A boat's inspections, the newest first; a line that was corrected is not among them."""
        try:
            with site.engine.connect() as connection:
                return list(listed(connection, key, limit))
        except NoBoat as error:
            raise HTTPException(404, f"the register has no boat {error}") from None

    @server.post("/api/v1/vessels/{key}/inspections", tags=["fisheries"], status_code=201)
    def add(key: str, line: Line) -> dict[str, Any]:
        """Write an inspection down; lines are never changed, a mistake is put right by a line that names it."""
        with site.engine.connect() as connection:
            registration = registration_of(connection, key)
        if registration is None:
            raise HTTPException(404, f"the register has no boat {key[:40]!r}")
        given = line.model_dump(exclude={"actor", "at", "findings"})
        item = Inspection(registration, line.at or datetime.now(UTC), findings=tuple(line.findings), **given)
        try:
            return {"id": write_down(site, item, Actor(line.actor.strip()))}
        except Wrong as error:
            if error.field == "registration":
                raise HTTPException(404, f"the register has no boat {key[:40]!r}") from None
            raise HTTPException(422, [{"loc": ["body", error.field], "msg": error.en, "vi": error.vi}]) from None
