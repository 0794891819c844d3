"""The alarm desk for other systems: what is on it, and what can be done with an alarm."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import FastAPI, HTTPException, Path, Query, Response
from pydantic import BaseModel, Field

from access import desk as doing
from access.site import Site
from api.sheet import sheet
from geo import desk, handling, journal, shelf
from geo.actor import Actor
from geo.selection import Selection, choose, selection

AlarmId = Annotated[int, Path(ge=1, lt=1 << 63)]
Words = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]
T = TypeVar("T")
MEMBERS_MOST = 10_000
# Of a line or an alarm; `flood`, `total`, `waiting` and `open` are of the line of a flood.
COLUMNS = (
    "id", "flood_id", "total", "waiting", "open", "severity", "state", "rule", "rule_vi", "rule_en", "layer",
    "object_key", "object_label", "other_key", "fence_vi", "fence_en", "lon", "lat", "value", "observed_at",
    "raised_at", "cleared_at", "acknowledged_at", "acknowledged_by", "comment", "unit_vi", "person", "assigned_at",
    "escalations", "simulated",
)  # fmt: skip


class Deed(BaseModel):
    """Who does it, and what they say about it."""

    actor: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00]*$")
    comment: Words | None = None


class Assignment(Deed):
    """To which unit, and to whom of it."""

    unit: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00]*$")
    person: str | None = Field(None, max_length=80, pattern=r"^[^\x00]*$")


class Shelving(Deed):
    """For how long, and why; the comment is the reason."""

    span: Literal["30m", "1h", "6h", "trip"] = "1h"


class Selecting(BaseModel):
    """Which lines of the desk, comma-separated names each, and in which order: `sort=raised`, downwards `-raised`."""

    severity: str = Field("", max_length=200)
    state: str = Field("", max_length=200)
    unit: str = Field("", max_length=500)
    rule: str = Field("", max_length=2_000)
    bbox: str = Field("", max_length=200, description="west,south,east,north in degrees")
    sort: str = Field("", max_length=20)
    lang: Literal["vi", "en"] = "vi"

    def selection(self) -> Selection:
        """As the desk understands it."""
        return selection(self.model_dump())


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/alarms, an alarm's own address with its journal, and what can be done with one."""

    @server.get("/api/v1/alarms", tags=["alarms"])
    def alarms(limit: Annotated[int, Query(ge=1, le=10_000)] = 500) -> list[dict[str, Any]]:
        """Every alarm that stands, in desk order, each with its state: those in floods, shelved and suppressed too."""
        with site.engine.connect() as connection:
            return desk.desk(connection, datetime.now(UTC), limit)

    @server.get("/api/v1/alarms/lines", tags=["alarms"])
    def lines(asked: Annotated[Selecting, Query()]) -> list[dict[str, Any]]:
        """The desk as people read it: a flood is one line, with how many it holds; what is urgent is always there."""
        with site.engine.connect() as connection:
            found = desk.lines(connection, datetime.now(UTC))
        return [dict(line) for line in choose(found, asked.selection(), asked.lang)]

    @server.get("/api/v1/alarms/lines.csv", tags=["alarms"], response_class=Response)
    def table(asked: Annotated[Selecting, Query()]) -> Response:
        """The same as a table, with the alarms of each flood below its line."""
        now = datetime.now(UTC)
        with site.engine.connect() as connection:
            chosen: list[Mapping[str, Any]] = []
            for line in choose(desk.lines(connection, now), asked.selection(), asked.lang):
                chosen.append(line)
                if line["flood"]:
                    chosen += desk.members(connection, line["flood"], now, MEMBERS_MOST)
        name = f"haidang-alarms-{now:%Y%m%dT%H%M%SZ}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(sheet(COLUMNS, chosen), media_type="text/csv; charset=utf-8", headers=headers)

    @server.get("/api/v1/alarms/shelves", tags=["alarms"])
    def shelves() -> list[dict[str, Any]]:
        """What is put aside now: by whom, why and until when."""
        with site.engine.connect() as connection:
            return [dict(row) for row in shelf.shelves(connection, datetime.now(UTC))]

    @server.get("/api/v1/units", tags=["alarms"])
    def units() -> list[dict[str, Any]]:
        """The units that alarms can be given to."""
        with site.engine.connect() as connection:
            return [dict(row) for row in handling.units(connection)]

    @server.get("/api/v1/alarms/floods/{flood_id}", tags=["alarms"])
    def members(flood_id: AlarmId) -> list[dict[str, Any]]:
        """The alarms that share a flood's line."""
        with site.engine.connect() as connection:
            return desk.members(connection, flood_id, datetime.now(UTC), MEMBERS_MOST)

    @server.get("/api/v1/alarms/{alarm_id}", tags=["alarms"])
    def one(alarm_id: AlarmId) -> dict[str, Any]:
        """One alarm, whatever became of it, with every line of its journal."""
        with site.engine.connect() as connection:
            row = desk.one(connection, alarm_id, datetime.now(UTC))
            if row is None:
                raise HTTPException(404, f"there is no alarm {alarm_id}")
            return {**row, "journal": [dict(line) for line in journal.lines_of(connection, alarm_id)]}

    @server.post("/api/v1/alarms/{alarm_id}/acknowledge", tags=["alarms"])
    def acknowledge(alarm_id: AlarmId, body: Deed) -> dict[str, Any]:
        """Acknowledge an alarm once; 409 when somebody was first or it is not on the desk."""
        actor = _actor(body)
        return _done(
            alarm_id,
            "acknowledged already, withdrawn or unknown",
            lambda: doing.acknowledge(site, alarm_id, actor, body.comment),
        )

    @server.post("/api/v1/alarms/{alarm_id}/assign", tags=["alarms"])
    def assign(alarm_id: AlarmId, body: Assignment) -> dict[str, Any]:
        """Give an alarm to a unit (/api/v1/units) and, if named, to a person."""
        actor = _actor(body)
        _done(
            alarm_id,
            "withdrawn or unknown",
            lambda: doing.assign(site, alarm_id, body.unit, body.person, actor, body.comment),
        )
        return {"id": alarm_id, "unit": body.unit, "person": body.person}

    @server.post("/api/v1/alarms/{alarm_id}/shelve", tags=["alarms"])
    def shelve(alarm_id: AlarmId, body: Shelving) -> dict[str, Any]:
        """Put the alarm's object aside under its rule for a while, with a reason; it comes back by itself."""
        actor = _actor(body)
        until = _done(
            alarm_id,
            "not on the desk",
            lambda: doing.shelve(site, alarm_id, body.span, actor, body.comment or ""),
        )
        return {"id": alarm_id, "until": until}

    @server.post("/api/v1/alarms/{alarm_id}/unshelve", tags=["alarms"])
    def unshelve(alarm_id: AlarmId, body: Deed) -> dict[str, Any]:
        """Take it from its shelf before its time."""
        actor = _actor(body)
        _done(alarm_id, "on no shelf", lambda: doing.unshelve(site, alarm_id, actor))
        return {"id": alarm_id}

    @server.post("/api/v1/alarms/{alarm_id}/withdraw", tags=["alarms"])
    def withdraw(alarm_id: AlarmId, body: Deed) -> dict[str, Any]:
        """Take back an alarm that was wrong; the comment is the reason."""
        actor = _actor(body)
        reason = body.comment or ""
        _done(alarm_id, "withdrawn already or unknown", lambda: doing.withdraw(site, alarm_id, actor, reason))
        return {"id": alarm_id}

    @server.post("/api/v1/alarms/{alarm_id}/escalate", tags=["alarms"])
    def escalate(alarm_id: AlarmId, body: Deed) -> dict[str, Any]:
        """Pass an alarm on to the next level."""
        actor = _actor(body)
        _done(alarm_id, "gone, or at the highest level", lambda: doing.escalate(site, alarm_id, actor, body.comment))
        return {"id": alarm_id}

    @server.post("/api/v1/alarms/{alarm_id}/comment", tags=["alarms"])
    def comment(alarm_id: AlarmId, body: Deed) -> dict[str, Any]:
        """Add a comment to an alarm's journal."""
        actor = _actor(body)
        _done(alarm_id, "unknown", lambda: doing.remark(site, alarm_id, actor, body.comment or ""))
        return {"id": alarm_id}


def _actor(body: Deed) -> Actor:
    try:
        return Actor(body.actor.strip())
    except ValueError as error:
        raise HTTPException(422, str(error)) from None


def _done(alarm_id: int, otherwise: str, act: Callable[[], T | None]) -> T:
    """What was done; 409 when it could not be, 422 when what was said of it is wrong."""
    try:
        result = act()
    except ValueError as error:
        raise HTTPException(422, str(error)) from None
    if not result:
        raise HTTPException(409, f"alarm {alarm_id} is {otherwise}")
    return result
