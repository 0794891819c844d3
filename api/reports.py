"""Field reports for the desk and the units: lists, one with its log, each deed, photographs, and what is the same."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from fastapi import FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from access import inbox as across
from access import report as doing
from access.drawing import Busy, Drawing
from access.push import DATABASE_AWAY, RETRY_AFTER_S
from access.site import Site
from api.asked import Moment, names
from geo.actor import Actor
from geo.area import title
from geo.photo import TYPE, drawn
from geo.report import ADDRESS_MOST, CHANNELS, DEEDS, NOTE_MOST, REJECTIONS, STATUSES, TEXT_MOST, TRACKS
from geo.report_list import Wanted
from geo.report_near import Suggestion
from geo.report_photo import NoPhoto
from geo.report_receive import AGO_MOST, Reporter, Sent
from geo.report_work import NoReport, Stale, Step
from geo.wrong import Wrong
from geo.yielding import in_the_way

T = TypeVar("T")
ReportId = Annotated[str, Path(pattern=r"^[A-Z0-9-]{1,20}$")]
PhotoName = Annotated[str, Path(pattern=r"^[\w-]{32}\.jpg$")]
LISTED_MOST = 500
Who = Annotated[str, Field(max_length=80, pattern=r"^[^\x00]*\S[^\x00]*$")]
Short = Annotated[str | None, Field(max_length=120, pattern=r"^[^\x00]*$")]
Key = Annotated[str | None, Query(max_length=80, pattern=r"^[^\x00]*$")]


class Done(BaseModel):
    """Who does it, to the version that they saw (409 when there is another by now), and what they say with it."""

    actor: Who
    version: int
    reason: str | None = Field(None, max_length=NOTE_MOST)
    choice: str | None = Field(None, max_length=40, description="of /api/v1/reports/words, to reject")
    unit: str | None = Field(None, max_length=80, pattern=r"^[^\x00]*$", description="of /api/v1/units")
    words: str | None = Field(None, max_length=TEXT_MOST, description="the reply")
    track: str | None = Field(None, max_length=40)
    into: str | None = Field(None, max_length=20, pattern=r"^[A-Z0-9-]*$", description="the report it is the same as")
    due: Moment | None = None
    lon: float | None = None
    lat: float | None = None


class Withheld(BaseModel):
    """Whether a photograph is to be kept from the public board, and who says so."""

    actor: Who
    withheld: bool = True


class Told(BaseModel):
    """What a citizen told somebody at the desk or the hotline; of who they are no answer says anything."""

    actor: Who
    channel: Literal["hotline", "desk", "zalo"] = "desk"
    category: str = Field(max_length=80, pattern=r"^[^\x00]*$")
    words: str = Field(max_length=TEXT_MOST)
    sent_at: Moment | None = None
    lon: float | None = None
    lat: float | None = None
    address: str | None = Field(None, max_length=ADDRESS_MOST)
    name: Short = None
    phone: Short = None
    email: Short = None


class Rating(BaseModel):
    """What the sender says of the answer, with the secret that only they were told."""

    secret: str = Field(max_length=80)
    score: int
    words: str | None = Field(None, max_length=NOTE_MOST)


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/reports with all that is below it, the units' inboxes, and /api/v1/report-photos."""

    drawing = Drawing()

    @server.get("/api/v1/reports", tags=["reports"])
    def reports(
        status: str = "", category: str = "", unit: Key = None,
        late: Annotated[int | None, Query(ge=0, le=2, description="1 nearly overdue, 2 overdue")] = None,
        commune: Key = None, since: Moment | None = None, until: Moment | None = None,
        order: Literal["opened", "due"] = "opened",
        before_at: Annotated[Moment | None, Query(description="with before_id: the place after which to go on")] = None,
        before_id: Key = None, limit: Annotated[int, Query(ge=1, le=LISTED_MOST)] = 100,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Reports, the newest first or by order=due what is due first; status and category are comma-separated."""
        for one in names(status):
            if one not in STATUSES:
                raise HTTPException(422, [{"loc": ["query", "status"], "msg": f"one of {', '.join(STATUSES)}"}])
        place = (before_at, before_id) if before_at is not None and before_id is not None else None
        wanted = Wanted(
            None, names(status) or None, names(category) or None, unit or None, late, commune or None, since, until,
            before=place, by_due=order == "due",
        )  # fmt: skip
        return doing.listed(site, wanted, limit, public=False)

    @server.get("/api/v1/reports/counts", tags=["reports"])
    def counts(
        category: str = "", unit: Key = None, late: Annotated[int | None, Query(ge=0, le=2)] = None,
        commune: Key = None,
    ) -> dict[str, int]:  # fmt: skip
        """How many reports there are of each status, of those that are asked for."""
        wanted = Wanted(None, None, names(category) or None, unit or None, late, commune or None)
        return dict(doing.counted(site, wanted))

    @server.get("/api/v1/reports/measures", tags=["reports"])
    def measures() -> dict[str, Any]:
        """Backlog, answered on time, handling time and satisfaction with their aims, units that are late, and when."""
        return doing.measures(site)

    @server.get("/api/v1/reports/words", tags=["reports"])
    def words() -> dict[str, Any]:
        """The closed lists in Vietnamese and English, and the state machine: from where each deed leads whither."""
        lists = {"statuses": STATUSES, "tracks": TRACKS, "channels": CHANNELS, "rejections": REJECTIONS}
        told = {name: {key: {"vi": vi, "en": en} for key, (vi, en) in one.items()} for name, one in lists.items()}
        kinds = {
            one.key: {"vi": one.name_vi, "en": one.name_en, "track": one.track, "asks": one.attributes}
            for one in doing.offered(site)
        }
        places = {one.code: {"vi": one.title_vi, "en": title(one.kind, one.name, "en")} for one in doing.communes(site)}
        return {
            **told,
            "categories": kinds,
            "communes": places,
            "deeds": {name: asdict(one) for name, one in DEEDS.items()},
        }

    @server.get("/api/v1/reports/standing", tags=["reports"])
    def standing() -> dict[str, Any]:
        """How many reports there are of each status, and how each unit stands, the worst first."""
        return doing.standing(site)

    @server.get("/api/v1/units/{unit}/reports", tags=["reports"])
    def inbox(unit: Annotated[str, Path(max_length=80, pattern=r"^[^\x00]*$")]) -> list[dict[str, Any]]:
        """What a unit has to do, what is due first at the top."""
        return doing.inbox(site, unit)

    @server.get("/api/v1/units/{unit}/inbox", tags=["reports"])
    def everything(unit: Annotated[str, Path(max_length=80, pattern=r"^[^\x00]*$")]) -> dict[str, Any]:
        """What a unit has to do across the services, what is due first at the top, each with where it is worked on."""
        try:
            return across.inbox(site, unit)
        except across.NoUnit as error:
            raise HTTPException(404, str(error)) from None

    @server.post("/api/v1/reports", tags=["reports"], status_code=201)
    def enter(body: Told) -> dict[str, Any]:
        """Write down what a citizen told; the answer bears the secret by which they can rate it."""
        at = datetime.now(UTC)
        sent_at = body.sent_at or at
        if sent_at > at + timedelta(minutes=2):
            raise _refused(Wrong("sent_at", "Giờ này chưa tới", "it is still to come"))
        if sent_at < at - AGO_MOST:
            words = f"Nhiều nhất {AGO_MOST.days} ngày trước", f"at most {AGO_MOST.days} days ago"
            raise _refused(Wrong("sent_at", *words))
        who = Reporter(body.name, body.phone, body.email)
        sent = Sent(body.category, body.words, body.channel, sent_at, body.lon, body.lat, body.address, who)
        return _done(lambda: doing.enter(site, sent, Actor(body.actor.strip())))

    @server.get("/api/v1/reports/{key}", tags=["reports"])
    def one(key: ReportId) -> dict[str, Any]:
        """One report with its log, replies, photographs, and the reports merged into it."""
        return _done(lambda: doing.one(site, key))

    @server.get("/api/v1/reports/{key}/terms", tags=["reports"])
    def terms(key: ReportId) -> dict[str, Any]:
        """How many working days it has left, when each track would have it due, and what more days would make of it."""
        return _done(lambda: doing.terms(site, key))

    @server.get("/api/v1/reports/{key}/near", tags=["reports"])
    def near(key: ReportId) -> list[dict[str, Any]]:
        """Reports that it may be the same as, the likest first, each with its score and why."""
        return [_suggested(each) for each in doing.near(site, key)]

    @server.post("/api/v1/reports/{key}/rate", tags=["reports"])
    def rate(key: ReportId, body: Rating) -> dict[str, int]:
        """The sender rates the answer, once."""
        _done(lambda: doing.rate(site, key, body.secret, body.score, body.words))
        return {"score": body.score}

    @server.post("/api/v1/reports/{key}/{deed}", tags=["reports"])
    def act(key: ReportId, deed: Annotated[str, Path(max_length=20)], body: Done) -> dict[str, Any]:
        """One deed of /api/v1/reports/words; the report after it."""
        if deed not in DEEDS:
            raise HTTPException(404, f"there is no deed {deed!r}; there are: {', '.join(DEEDS)}")
        said = body.model_dump(exclude={"actor"})
        return _done(lambda: doing.act(site, key, Step(deed, Actor(body.actor.strip()), **said)))

    @server.post("/api/v1/report-photos", tags=["reports"], status_code=201)
    async def add_photo(
        request: Request, report: Annotated[str, Query(pattern=r"^[A-Z0-9-]{1,20}$")],
        actor: Annotated[str, Query(max_length=80, pattern=r"^[^\x00]*\S[^\x00]*$")],
        part: Literal["report", "result"] = "report",
    ) -> dict[str, str]:  # fmt: skip
        """Add a photograph: the body is a file of JPEG, PNG or WebP, at most 8 MB and 25 megapixels."""
        try:
            data = await request.body()
        except ClientDisconnect:  # also where it was cut off for having more than it may
            raise HTTPException(400, "the photograph did not come whole: at most 8 MB, in one go") from None
        who = Actor(actor.strip())
        try:
            async with drawing.turn():
                made = await run_in_threadpool(_done, lambda: drawn(data))
        except Busy as error:
            raise HTTPException(503, f"{error}: try again", {"retry-after": str(RETRY_AFTER_S)}) from None
        name = await run_in_threadpool(_done, lambda: doing.add_photo(site, report, part, made, who))
        return {"name": name}

    @server.post("/api/v1/report-photos/{name}/withhold", tags=["reports"])
    def withhold(name: PhotoName, body: Withheld) -> dict[str, bool]:
        """Take a photograph off the public board, or put it back: who is in it may not have been asked."""
        try:
            doing.withhold(site, name, body.withheld, Actor(body.actor.strip()))
        except NoPhoto as error:
            raise HTTPException(404, str(error)) from None
        return {"withheld": body.withheld}

    @server.get("/api/v1/report-photos/{name}", tags=["reports"], response_class=Response)
    def photo(name: PhotoName) -> Response:
        """A photograph as it was drawn anew here; what it was sent as is not kept."""
        try:
            picture = doing.picture(site, name)
        except NoPhoto as error:
            raise HTTPException(404, str(error)) from None
        policy = "default-src 'none'; sandbox"
        headers = {"content-security-policy": policy, "x-content-type-options": "nosniff",
                   "cache-control": "private, max-age=86400, immutable"}  # fmt: skip
        return Response(picture, media_type=TYPE, headers=headers)


def _suggested(one: Suggestion) -> dict[str, Any]:
    like = one.likeness
    why = {"distance_m": round(like.distance_m), "hours": round(like.apart.total_seconds() / 3600, 1),
           "words": round(like.words, 2), "same_category": bool(like.category)}  # fmt: skip
    own = {name: getattr(one, name) for name in ("id", "title", "status", "version", "opened_at")}
    return {**own, "score": round(like.score, 2), "why": why}


def _done(act: Callable[[], T]) -> T:
    """What it became; 404, 409, 422, or 503 while the database is away or the report is held, with the reason."""
    try:
        return act()
    except NoReport as error:
        raise HTTPException(404, str(error)) from None
    except Stale as error:
        raise HTTPException(409, str(error)) from None
    except Wrong as error:
        raise _refused(error) from None
    except DATABASE_AWAY as error:
        if in_the_way(error):
            words = ("somebody else is at this report: try again", "Có người khác đang giữ phản ánh này: hãy thử lại")
        else:
            words = ("the database does not answer: try again", "Cơ sở dữ liệu không trả lời: hãy thử lại")
        detail = [{"loc": [], "msg": words[0], "vi": words[1]}]
        raise HTTPException(503, detail, {"retry-after": str(RETRY_AFTER_S)}) from None


def _refused(error: Wrong) -> HTTPException:
    return HTTPException(422, [{"loc": ["body", error.field], "msg": error.en, "vi": error.vi}])
