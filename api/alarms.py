"""The alarm desk for other systems: what is on it, and acknowledging."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Path
from pydantic import BaseModel, Field

from access import desk
from access.site import Site
from geo import alarm
from geo.actor import Actor

AlarmId = Annotated[int, Path(ge=1, lt=1 << 63)]


class Acknowledgement(BaseModel):
    """Who acknowledges, and what they say about it."""

    actor: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00]*$")
    comment: str | None = Field(None, max_length=2_000, pattern=r"^[^\x00]*$")


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/alarms and /api/v1/alarms/{id}/acknowledge."""

    @server.get("/api/v1/alarms", tags=["alarms"])
    def alarms() -> list[dict[str, Any]]:
        """The desk in its order: open or unacknowledged alarms, each with its state."""
        with site.engine.connect() as connection:
            return alarm.desk(connection, datetime.now(UTC))

    @server.post("/api/v1/alarms/{alarm_id}/acknowledge", tags=["alarms"])
    def acknowledge(alarm_id: AlarmId, body: Acknowledgement) -> dict[str, Any]:
        """Acknowledge an alarm once; 409 when somebody was first or it is not on the desk."""
        try:
            actor = Actor(body.actor.strip())
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        row = desk.acknowledge(site, alarm_id, actor, body.comment)
        if row is None:
            raise HTTPException(409, f"alarm {alarm_id} is acknowledged already, withdrawn or unknown")
        return row
