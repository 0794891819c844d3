"""Storms for other systems: bulletins in, track and danger circles out, the boats concerned, and calls about them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from access import storm as doing
from access.site import Site
from access.storm import Plan, Said
from api.asked import Moment
from api.sheet import sheet
from geo import storm_file
from geo.actor import Actor
from geo.calendar import ZONE
from geo.storm import OUTCOMES, WHO, Call, NoStorm, Stale, Storm
from geo.storm_file import Draft, moment, zone_of
from geo.vector_file import FileFault, read_bytes, sheet_bytes
from geo.wrong import Wrong

T = TypeVar("T")
StormId = Annotated[int, Path(ge=1, lt=1 << 63)]
Words = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
Short = Annotated[str, Field(max_length=80, pattern=r"^[^\x00]*$")]
Asked = Annotated[str, Query(max_length=80, pattern=r"^[^\x00]*$")]
Whole = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"format": "binary"}}}}}
READ_LIMIT_S = 20.0
COLUMNS = (
    "registration", "shipname", "length_m", "commune", "home_province", "group", "level_now", "level_worst",
    "enters_at", "distance_km", "nearest_km", "nearest_at", "edge_km", "observed_at", "layer", "lon", "lat",
    "speed_kn", "course_deg", "by_hand", "port", "owner", "owner_phone", "captain", "captain_phone", "calls",
    "answered_at", "answer", "last_at", "last_who", "last_outcome", "last_vi", "last_by", "last_note", "simulated",
)  # fmt: skip


class Deed(BaseModel):
    """Who does it."""

    actor: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00]*\S[^\x00]*$")


class Typed(Deed):
    """A bulletin as it is typed: its points' cells as text, times of Asia/Ho_Chi_Minh unless they say another zone.

    Without `apply` it is only looked at; `plan` is what that look answered with.
    """

    points: list[dict[Short, Short]] = Field(max_length=500)
    source: Short | None = None
    issued_at: Moment | None = None
    number: int | None = Field(None, ge=1, le=99)
    season: int | None = Field(None, ge=1950, le=2100)
    name: Short | None = None
    simulated: bool = False
    storm_id: int | None = Field(None, ge=1, lt=1 << 63)
    apply: bool = False
    plan: Short | None = None


class Called(Deed):
    """A call about a boat: whom (/api/v1/storms/words), what came of it; number: else the register's.

    seen: the newest call about the boat that the caller knows of, 0 for none; 409 when there is a newer one.
    """

    registration: Short
    who: Short = "owner"
    outcome: Short
    number: Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")] | None = None
    note: Words | None = None
    at: Moment | None = None
    seen: int | None = Field(None, ge=0, lt=1 << 63)


class Void(Deed):
    """Why a line is taken back."""

    note: Words


class Reopening(Deed):
    """Why it is opened again."""

    note: Words


class Closing(Deed):
    """And a last word, if there is one."""

    note: Words | None = None


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/storms, a storm's own address, its boats and calls, and what can be done about it."""

    @server.get("/api/v1/storms", tags=["storms"])
    def storms() -> list[dict[str, Any]]:
        """All storms, open ones first; `here` is where the newest bulletin has each now."""
        with site.engine.connect() as connection:
            return doing.listed(connection, datetime.now(UTC))

    @server.get("/api/v1/storms/words", tags=["storms"])
    def words() -> dict[str, dict[str, dict[str, str]]]:
        """The closed lists of whom one calls and what comes of it, with their words."""
        lists = {"who": WHO, "outcomes": OUTCOMES}
        return {name: {key: {"vi": vi, "en": en} for key, (vi, en) in closed.items()} for name, closed in lists.items()}

    @server.post("/api/v1/storms", tags=["storms"])
    def enter(body: Typed) -> dict[str, Any]:
        """Look at a bulletin that was typed, or with `apply` keep it as the newest of its storm."""
        draft = storm_file.typed(body.points)
        said = Said(**{name: getattr(body, name) for name in Said.__dataclass_fields__})
        actor = Actor(body.actor.strip()) if body.apply else None
        return _carried(site, draft, said, actor, None, body.plan)

    @server.post("/api/v1/storms/import", tags=["storms"], openapi_extra=Whole)
    async def bring_in(
        request: Request,
        name: Annotated[
            str,
            Query(max_length=200, pattern=r"^[^\x00]*$", description="The file's name; how it ends says what it is"),
        ],
        zone: Annotated[Asked | None, Query(description="Of times that state none: UTC, +07:00...")] = None,
        source: Asked | None = None,
        issued_at: Annotated[Asked | None, Query(description="RFC 3339; or 13:00 28/11/2026, of Viet Nam")] = None,
        number: Annotated[int | None, Query(ge=1, le=99)] = None,
        season: Annotated[int | None, Query(ge=1950, le=2100)] = None,
        storm: Annotated[Asked | None, Query(description="Its name")] = None,
        storm_id: Annotated[int | None, Query(ge=1, lt=1 << 63)] = None,
        simulated: bool = False,
        apply: bool = False,
        actor: Asked | None = None,
        plan: Asked | None = None,
    ) -> dict[str, Any]:
        """A bulletin as a file (GeoJSON, CSV, XLSX) in the body: looked at, or with `apply` and `actor` kept."""
        if apply and not (actor or "").strip():
            raise _unread("actor", "Hãy ghi tên cán bộ trực ban", "a name is needed: say who acts")
        data = await request.body()
        try:
            issued = moment(issued_at, ZONE) if issued_at else None
        except Wrong as wrong:
            raise _unread("issued_at", wrong.vi, wrong.en) from None
        said = Said(source, issued, number, season, storm, simulated, storm_id)
        who = Actor((actor or "").strip()) if apply else None
        comment = doing.COMMENT.format(name=name[-80:])

        def work() -> dict[str, Any]:
            return _carried(site, _read(name, data, zone), said, who, comment, plan)

        return await run_in_threadpool(work)

    @server.get("/api/v1/storms/{storm_id}", tags=["storms"])
    def one(storm_id: StormId) -> dict[str, Any]:
        """A storm with its points, its bulletins, and as GeoJSON its track, circles and danger areas."""
        with site.engine.connect() as connection:
            return _done(lambda: doing.one(connection, storm_id, datetime.now(UTC)))

    @server.get("/api/v1/storms/{storm_id}/boats", tags=["storms"])
    def boats(storm_id: StormId) -> dict[str, Any]:
        """Who is in the danger area, on the way into it or may be, what the calls came to, and the progress."""
        with site.engine.connect() as connection:
            return _done(lambda: doing.board(connection, site, storm_id, datetime.now(UTC)))

    @server.get("/api/v1/storms/{storm_id}/boats.csv", tags=["storms"], response_class=Response)
    def table(storm_id: StormId) -> Response:
        """The same as a table."""
        now = datetime.now(UTC)
        with site.engine.connect() as connection:
            found = _done(lambda: doing.board(connection, site, storm_id, now))
        name = f"haidang-storm-{storm_id}-{now:%Y%m%dT%H%M%SZ}.csv"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        made = sheet(COLUMNS, map(_flat, found["boats"]))
        return Response(made, media_type="text/csv; charset=utf-8", headers=headers)

    @server.get("/api/v1/storms/{storm_id}/calls/{registration}", tags=["storms"])
    def calls(storm_id: StormId, registration: str) -> list[dict[str, Any]]:
        """All calls about a boat, oldest first; of numbers only the last digits."""
        with site.engine.connect() as connection:
            return _done(lambda: doing.history(connection, storm_id, registration))

    @server.post("/api/v1/storms/{storm_id}/calls", tags=["storms"])
    def call(storm_id: StormId, body: Called) -> dict[str, Any]:
        """Write down a call."""
        line = Call(**body.model_dump(exclude={"actor"}))
        return {"id": _done(lambda: doing.log_call(site, storm_id, line, Actor(body.actor.strip())))}

    @server.post("/api/v1/storms/{storm_id}/calls/{call_id}/void", tags=["storms"])
    def void(storm_id: StormId, call_id: Annotated[int, Path(ge=1, lt=1 << 63)], body: Void) -> dict[str, Any]:
        """Take back a line that was written by mistake; both lines stay."""
        return {"id": _done(lambda: doing.void_call(site, storm_id, call_id, Actor(body.actor.strip()), body.note))}

    @server.post("/api/v1/storms/{storm_id}/close", tags=["storms"])
    def close(storm_id: StormId, body: Closing) -> dict[str, Any]:
        """The storm is over: nobody is called any more."""
        _done(lambda: doing.close(site, storm_id, Actor(body.actor.strip()), body.note))
        return one(storm_id)

    @server.post("/api/v1/storms/{storm_id}/reopen", tags=["storms"])
    def reopen(storm_id: StormId, body: Reopening) -> dict[str, Any]:
        """The storm was closed too early: it is watched again, with its bulletins and calls."""
        _done(lambda: doing.reopen(site, storm_id, Actor(body.actor.strip()), body.note))
        return one(storm_id)


def _read(name: str, data: bytes, zone: str | None) -> Draft:
    try:
        stated = zone_of(zone)
        if name.lower().endswith((".geojson", ".json")):
            return storm_file.of_features(read_bytes(name, data, None, None, READ_LIMIT_S).rows, stated)
        return storm_file.of_sheet(sheet_bytes(name, data, storm_file.KEY_NAMES, None, READ_LIMIT_S), stated)
    except FileFault as fault:
        raise _unread("body", fault.vi, fault.en) from None
    except Wrong as wrong:
        raise _unread(wrong.field, wrong.vi, wrong.en) from None


def _carried(
    site: Site, draft: Draft, said: Said, actor: Actor | None, comment: str | None, plan: str | None
) -> dict[str, Any]:
    found, kept = _done(lambda: doing.carry_out(site.engine, draft, said, actor, comment, plan))
    if actor is not None and found.faults:
        raise HTTPException(422, [_fault(each) for each in found.faults])
    return told(found, kept)


def told(plan: Plan, kept: Storm | None) -> dict[str, Any]:
    """A plan in plain values: what the storm is, whether it is known already, its points, all that is wrong."""
    storm, bulletin = plan.storm, plan.bulletin
    return {
        "plan": plan.digest,
        "storm": {name: getattr(storm, name) for name in ("season", "number", "name", "simulated")},
        "before": plan.before and {"id": plan.before.id, "version": plan.before.version},
        "source": bulletin.source,
        "issued_at": bulletin.issued_at,
        "points": [
            {"row": row, "what": what, "at": one.at, "lon": one.lon, "lat": one.lat, "wind": one.wind, "gust": one.gust,
             "observed": one.observed, "radii_km": {str(level): km for level, km in one.radii_km.items()}}
            for row, one, what in plan.lines
        ],
        "faults": [_fault(each) for each in plan.faults],
        "ignored": list(plan.ignored),
        "unchanged": plan.unchanged,
        "applied": kept and {"id": kept.id, "version": kept.version},
    }  # fmt: skip


def _fault(fault: Any) -> dict[str, Any]:
    wrong = fault.wrong
    return {"loc": ["body", fault.row, wrong.field], "row": fault.row, "column": wrong.field, "msg": wrong.en,
            "vi": wrong.vi}  # fmt: skip


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    people = {one["part"]: one for one in row["people"]}
    last = row["last"] or {}
    return {
        **row,
        **{part: people.get(part, {}).get("name") for part in ("owner", "captain")},
        **{f"{part}_phone": people.get(part, {}).get("phone") for part in ("owner", "captain")},
        **{f"last_{name}": last.get(name) for name in ("at", "who", "outcome", "note")},
        "last_by": last.get("actor"),
        "last_vi": OUTCOMES[last["outcome"]][0] if last else None,
    }


def _unread(field: str, vi: str, en: str) -> HTTPException:
    loc = ["body"] if field == "body" else ["query", field]
    return HTTPException(422, [{"loc": loc, "msg": en, "vi": vi}])


def _done(act: Callable[[], T]) -> T:
    """What came of it; 404, 409 or 422 with the reason."""
    try:
        return act()
    except NoStorm as error:
        raise HTTPException(404, str(error)) from None
    except Stale as error:
        raise HTTPException(409, str(error)) from None
    except Wrong as error:
        raise HTTPException(422, [{"loc": ["body", error.field], "msg": error.en, "vi": error.vi}]) from None
