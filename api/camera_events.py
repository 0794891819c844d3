"""Cameras' events for other systems: the list, one with its history and picture, and each step of its review."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Path, Query, Response
from pydantic import BaseModel, Field

from access import camera_event as doing
from access.site import Site
from api.asked import Moment
from api.sheet import sheet
from geo.actor import Actor
from geo.camera_event import CAMERA_MOST, FALSE_REASONS, STATES, TYPES
from geo.camera_review import NOTE_MOST, NoEvent, Stale, Wanted
from geo.wrong import Wrong

EventId = Annotated[int, Path(ge=1, lt=1 << 63)]
LISTED_MOST, EXPORTED_MOST = 500, 100_000
CSV_COLUMNS = ("id", "occurred_at", "camera", "type", "confidence", "plate", "lane", "state", "state_at", "state_by",
               "unit", "simulated")  # fmt: skip
State = Literal["detected", "reviewed", "confirmed", "false", "forwarded"]


class Selecting(BaseModel):
    """Which events."""

    state: State | None = None
    type: str | None = Field(None, max_length=40, pattern=r"^[^\x00]*$", description="of /api/v1/camera-events/words")
    camera: str | None = Field(None, max_length=CAMERA_MOST, pattern=r"^[^\x00]*$")
    since: Moment | None = Field(None, description="happened at or after")
    until: Moment | None = Field(None, description="happened before")

    def wanted(self, before: tuple[datetime, int] | None = None) -> Wanted:
        """As the list of events understands it."""
        return Wanted(self.state, self.type or None, self.camera or None, self.since, self.until, before)


class Step(BaseModel):
    """Who decides, and the version of the event that they saw: 409 when it has another one by now."""

    actor: str = Field(max_length=80, pattern=r"^[^\x00]*\S[^\x00]*$")
    version: int
    note: str | None = Field(None, max_length=NOTE_MOST, description="a plate in it is masked before it is kept")


class Refutation(Step):
    """And why it is false, of /api/v1/camera-events/words."""

    reason: str = Field(max_length=40)


class Forwarding(Step):
    """And to which unit, of /api/v1/units."""

    unit: str = Field(max_length=80, pattern=r"^[^\x00]*$")


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/camera-events with all that is below it."""

    @server.get("/api/v1/camera-events", tags=["cameras"])
    def events(
        asked: Annotated[Selecting, Query()],
        before_at: Annotated[Moment | None, Query(description="with before_id: the place after which to go on")] = None,
        before_id: Annotated[int | None, Query(ge=1, lt=1 << 63)] = None,
        limit: Annotated[int, Query(ge=1, le=LISTED_MOST)] = 100,
    ) -> list[dict[str, Any]]:
        """Events, the newest first; of plates the ends alone."""
        before = (before_at, before_id) if before_at is not None and before_id is not None else None
        return doing.listed(site, asked.wanted(before), limit)

    @server.get("/api/v1/camera-events.csv", tags=["cameras"], response_class=Response)
    def table(asked: Annotated[Selecting, Query()]) -> Response:
        """The same as a table, at most 100,000 lines."""
        name = f"haidang-camera-events-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        rows = doing.listed(site, asked.wanted(), EXPORTED_MOST)
        return Response(sheet(CSV_COLUMNS, rows), media_type="text/csv; charset=utf-8", headers=headers)

    @server.get("/api/v1/camera-events/words", tags=["cameras"])
    def words() -> dict[str, dict[str, dict[str, str]]]:
        """The closed lists of types, states and reasons, in Vietnamese and English."""
        lists = {"types": TYPES, "states": STATES, "reasons": FALSE_REASONS}
        return {name: {key: {"vi": vi, "en": en} for key, (vi, en) in closed.items()} for name, closed in lists.items()}

    @server.get("/api/v1/camera-events/counts", tags=["cameras"])
    def counts(asked: Annotated[Selecting, Query()]) -> dict[str, Any]:
        """How many there are of each state and type, among the newest 100,000 of the time."""
        return doing.counted(site, asked.wanted())

    @server.get("/api/v1/camera-events/{event_id}", tags=["cameras"])
    def one(event_id: EventId) -> dict[str, Any]:
        """One event with all that was decided about it."""
        return _done(lambda: doing.one(site, event_id))

    @server.get("/api/v1/camera-events/{event_id}/picture", tags=["cameras"], response_class=Response)
    def picture(event_id: EventId) -> Response:
        """Its picture, fetched from its sender now; 503 with the reason when there is none to be had."""
        try:
            body, kind = doing.picture(site, event_id)
        except NoEvent as error:
            raise HTTPException(404, str(error)) from None
        except doing.NoPicture as error:
            raise HTTPException(503, str(error)) from None
        policy = "default-src 'none'; sandbox"
        return Response(body, media_type=kind, headers={"cache-control": "no-store", "content-security-policy": policy})

    @server.post("/api/v1/camera-events/{event_id}/review", tags=["cameras"])
    def review(event_id: EventId, body: Step) -> dict[str, Any]:
        """Somebody has looked at it."""
        return _step(event_id, "review", body)

    @server.post("/api/v1/camera-events/{event_id}/confirm", tags=["cameras"])
    def confirm(event_id: EventId, body: Step) -> dict[str, Any]:
        """It is what its type says."""
        return _step(event_id, "confirm", body)

    @server.post("/api/v1/camera-events/{event_id}/false", tags=["cameras"])
    def refute(event_id: EventId, body: Refutation) -> dict[str, Any]:
        """It is not, and why."""
        return _step(event_id, "false", body, reason=body.reason)

    @server.post("/api/v1/camera-events/{event_id}/forward", tags=["cameras"])
    def forward(event_id: EventId, body: Forwarding) -> dict[str, Any]:
        """It was given to a unit; only what was confirmed is."""
        return _step(event_id, "forward", body, unit=body.unit)

    @server.post("/api/v1/camera-events/{event_id}/reopen", tags=["cameras"])
    def reopen(event_id: EventId, body: Step) -> dict[str, Any]:
        """It was decided wrongly, and why: it is to be decided again. What was forwarded is not taken back."""
        return _step(event_id, "reopen", body)

    def _step(event_id: int, what: str, body: Step, **more: str) -> dict[str, Any]:
        who = Actor(body.actor.strip())
        return _done(lambda: doing.decide(site, event_id, what, body.version, who, note=body.note, **more))


def _done(act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What it became; 404, 409 or 422 with the reason."""
    try:
        return act()
    except NoEvent as error:
        raise HTTPException(404, str(error)) from None
    except Stale as error:
        raise HTTPException(409, str(error)) from None
    except Wrong as error:
        raise HTTPException(422, [{"loc": ["body", error.field], "msg": error.en, "vi": error.vi}]) from None
