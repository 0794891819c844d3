"""Warnings for other systems: their list, each step from draft to end, what an area holds; and as CAP for everybody."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import FastAPI, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, Field

from access import warning as doing
from access.site import Site
from access.warning import Answered, Meant
from api.asked import Moment, names
from geo.actor import Actor
from geo.cap import Certainty, Severity, Urgency
from geo.warning import STATES, NoWarning, Stale
from geo.warning_content import AREA_WORDS_MOST, HEADLINE_MOST, TEXT_MOST, Content, Words
from geo.warning_deed import NOTE_MOST
from geo.warning_state import Wanted
from geo.wrong import Wrong

T = TypeVar("T")
LISTED_MOST = 500
WarningId = Annotated[int, Path(ge=1, lt=1 << 63)]
NO_NUL = r"^[^\x00]*$"
XML = {"content-security-policy": "default-src 'none'; sandbox"}  # what a sender wrote is read, never run


class Deed(BaseModel):
    """Who does it."""

    actor: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00]*\S[^\x00]*$")

    @property
    def who(self) -> Actor:
        """The person."""
        return Actor(self.actor.strip())


class Step(Deed):
    """And the version that they saw: 409 when there is another one by now."""

    version: int = Field(ge=1, lt=1 << 31)


class Reasoned(Step):
    """And why."""

    note: str = Field(max_length=NOTE_MOST, pattern=NO_NUL)


class Ending(Deed):
    """And why it is cancelled."""

    note: str = Field(max_length=NOTE_MOST, pattern=NO_NUL)


class Said(BaseModel):
    """What is said in one language."""

    headline: str = Field(max_length=2 * HEADLINE_MOST, pattern=NO_NUL)
    description: str = Field("", max_length=2 * TEXT_MOST, pattern=NO_NUL)
    instruction: str = Field("", max_length=2 * TEXT_MOST, pattern=NO_NUL)


class Written(Deed):
    """A warning as it is written; the closed lists are those of /api/v1/warnings/words, the area is GeoJSON."""

    hazard: str = Field(max_length=40)
    status: Literal["Actual", "Exercise"]
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    risk_level: int | None = Field(None, ge=1, le=5)
    vi: Said
    en: Said | None = None
    area: dict[str, Any]
    area_words: str = Field(max_length=2 * AREA_WORDS_MOST, pattern=NO_NUL)
    onset_at: Moment | None = None
    expires_at: Moment
    raised: int = Field(0, ge=0, le=5, description="by how many levels, because several hazards meet")
    raised_for: list[Annotated[int, Field(ge=1, lt=1 << 63)]] = Field([], max_length=20)

    def content(self) -> Content:
        """As the store understands it. Raises Wrong for the area."""
        said = {"vi": self.vi, "en": self.en}
        return Content(
            **self.model_dump(include={"hazard", "status", "urgency", "severity", "certainty", "risk_level", "raised"}),
            raised_for=tuple(self.raised_for),
            words={language: Words(**each.model_dump()) for language, each in said.items() if each is not None},
            geom=doing.area_of(self.area),
            area_words=self.area_words,
            onset_at=self.onset_at,
            expires_at=self.expires_at,
        )


class Rewritten(Written):
    """And the version that was seen."""

    version: int = Field(ge=1, lt=1 << 31)


class Asked(BaseModel):
    """An area as GeoJSON: Polygon, MultiPolygon or a Feature of one; and what the warning is to say, if known."""

    area: dict[str, Any]
    hazard: str = Field("", max_length=40, pattern=NO_NUL)
    status: Literal["Actual", "Exercise"] = "Actual"
    onset_at: Moment | None = None
    expires_at: Moment | None = None
    of_id: int | None = Field(None, ge=1, lt=1 << 63)

    @property
    def meant(self) -> Meant:
        """All but the area."""
        return Meant(**self.model_dump(exclude={"area"}))


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/warnings with all that is below it, and /cap."""
    _reading(server, site)
    _steps(server, site)
    _cap(server, site)


def _reading(server: FastAPI, site: Site) -> None:
    @server.get("/api/v1/warnings", tags=["warnings"])
    def warnings(
        state: Annotated[str, Query(max_length=200, description="one or several of /warnings/words")] = "",
        origin: Annotated[str | None, Query(max_length=80, pattern=NO_NUL, description="own, or a source")] = None,
        before: Annotated[int | None, Query(ge=1, lt=1 << 63, description="after this id: the next page")] = None,
        at: Annotated[Moment | None, Query(description="as it was at that moment")] = None,
        limit: Annotated[int, Query(ge=1, le=LISTED_MOST)] = 100,
    ) -> list[dict[str, Any]]:
        """Warnings of our own and received ones, the newest first; of those in force alone our own before others."""
        states = names(state)
        for each in states:
            if each not in STATES:
                raise HTTPException(422, [{"loc": ["query", "state"], "msg": f"one of {', '.join(STATES)}"}])
        return doing.listed(site, Wanted(states, origin, before), at or datetime.now(UTC), limit)

    @server.get("/api/v1/warnings/words", tags=["warnings"])
    def words() -> dict[str, Any]:
        """The closed lists in Vietnamese and English, and the levels of risk with their legal colours."""
        return doing.words(datetime.now(UTC))

    @server.get("/api/v1/warnings/in-force", tags=["warnings"], response_model=dict[str, Any])
    def in_force(
        request: Request,
        response: Response,
        at: Annotated[Moment | None, Query(description="as it was at that moment")] = None,
        limit: Annotated[int, Query(ge=1, le=LISTED_MOST)] = LISTED_MOST,
    ) -> Any:
        """What is in force, as GeoJSON for a map; of now with a tag, so that asking again costs little (304)."""
        now = datetime.now(UTC)
        if at is None:
            told = {"etag": doing.in_force_tag(site, now, limit), "cache-control": "no-cache"}
            if told["etag"] in request.headers.get("if-none-match", ""):
                return Response(status_code=304, headers=told)
            response.headers.update(told)
        return doing.in_force(site, at or now, limit)

    @server.post("/api/v1/warnings/inside", tags=["warnings"])
    def inside(body: Asked) -> dict[str, Any]:
        """What lies in an area: communes, boats, cameras, stations; and which warnings it meets. Nothing is written."""
        return _done(lambda: doing.inside(site, body.area, datetime.now(UTC), body.meant))

    @server.get("/api/v1/warnings/{warning_id}", tags=["warnings"])
    def one(warning_id: WarningId) -> dict[str, Any]:
        """One warning with its area and all that was done with it."""
        return _done(lambda: doing.one(site, warning_id, datetime.now(UTC)))

    @server.get("/api/v1/warnings/{warning_id}/sent", tags=["warnings"])
    def sent(warning_id: WarningId) -> dict[str, Any]:
        """Where it went and when: the public feed, and what became of it on each channel that took it."""
        return _done(lambda: doing.sent(site, warning_id))

    @server.get("/api/v1/warnings/{warning_id}/document", tags=["warnings"], response_class=Response)
    def document(warning_id: WarningId) -> Response:
        """The very bytes that came or were issued."""
        body = _done(lambda: doing.document(site, warning_id))
        saved = {"content-disposition": f'attachment; filename="haidang-warning-{warning_id}.xml"'}
        return Response(body, media_type="application/cap+xml", headers={**XML, **saved})


def _steps(server: FastAPI, site: Site) -> None:
    @server.post("/api/v1/warnings", tags=["warnings"])
    def draft(body: Written) -> dict[str, Any]:
        """Begin a warning: a draft, which a second person must approve."""
        return _done(lambda: doing.draft(site, body.content(), body.who))

    @server.post("/api/v1/warnings/{warning_id}/update", tags=["warnings"])
    def update(warning_id: WarningId, body: Written) -> dict[str, Any]:
        """Begin the update of one that is in force: a draft of its own, which takes its place when it is issued."""
        return _done(lambda: doing.draft(site, body.content(), body.who, warning_id))

    @server.post("/api/v1/warnings/{warning_id}/edit", tags=["warnings"])
    def edit(warning_id: WarningId, body: Rewritten) -> dict[str, Any]:
        """Write a draft anew; an approval is lost by it."""
        return _done(lambda: doing.edit(site, warning_id, body.version, body.content(), body.who))

    @server.post("/api/v1/warnings/{warning_id}/approve", tags=["warnings"])
    def approve(warning_id: WarningId, body: Step) -> dict[str, Any]:
        """Let it go out, by somebody who wrote nothing of it."""
        return _done(lambda: doing.approve(site, warning_id, body.version, body.who))

    @server.post("/api/v1/warnings/{warning_id}/return", tags=["warnings"])
    def send_back(warning_id: WarningId, body: Reasoned) -> dict[str, Any]:
        """It may not go out as it is, and why; an approval is withdrawn."""
        return _done(lambda: doing.send_back(site, warning_id, body.version, body.who, body.note))

    @server.post("/api/v1/warnings/{warning_id}/discard", tags=["warnings"])
    def discard(warning_id: WarningId, body: Reasoned) -> dict[str, Any]:
        """It is not issued at all, and why."""
        return _done(lambda: doing.discard(site, warning_id, body.version, body.who, body.note))

    @server.post("/api/v1/warnings/{warning_id}/issue", tags=["warnings"])
    def issue(warning_id: WarningId, body: Step) -> dict[str, Any]:
        """Issue what is approved: from now on it stands in /cap/feed.atom."""
        return _done(lambda: doing.issue(site, warning_id, body.version, body.who))

    @server.post("/api/v1/warnings/{warning_id}/cancel", tags=["warnings"])
    def cancel(warning_id: WarningId, body: Ending) -> dict[str, Any]:
        """End what is in force at once, and why; answers with the Cancel that went out."""
        return _done(lambda: doing.cancel(site, warning_id, body.who, body.note))


def _cap(server: FastAPI, site: Site) -> None:
    @server.head("/cap/feed.atom", include_in_schema=False)
    @server.get("/cap/feed.atom", tags=["cap"], response_class=Response)
    def feed(request: Request) -> Response:
        """Our warnings in force, and cancellations of what would still be, as Atom that links to CAP 1.2."""
        base = (site.public_url or str(request.base_url)).rstrip("/")
        return _answer(request, doing.feed(site, base, datetime.now(UTC)), "application/atom+xml")

    @server.head("/cap/{identifier}.xml", include_in_schema=False)
    @server.get("/cap/{identifier}.xml", tags=["cap"], response_class=Response)
    def document(request: Request, identifier: Annotated[str, Path(max_length=300, pattern=NO_NUL)]) -> Response:
        """One message of ours as it was issued, whether it is still in force or not."""
        found = doing.issued(site, identifier)
        if found is None:
            raise HTTPException(404, f"no message {identifier[:80]} was issued here")
        return _answer(request, found, "application/cap+xml")


def _answer(request: Request, answered: Answered, kind: str) -> Response:
    """In full, or 304 where who asks has it already (RFC 9110, 13.1; the tag counts before the time)."""
    headers = {**answered.headers(datetime.now(UTC)), **XML, "cache-control": "no-cache"}
    if _has(request, answered):
        return Response(status_code=304, headers=headers)
    return Response(answered.body, media_type=f"{kind}; charset=utf-8", headers=headers)


def _has(request: Request, answered: Answered) -> bool:
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return any(one.strip().removeprefix("W/") in ("*", answered.tag) for one in tags.split(","))
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
        return answered.changed <= (since if since.tzinfo else since.replace(tzinfo=UTC))
    except (ValueError, TypeError, OverflowError):
        return False


def _done(act: Callable[[], T]) -> T:
    """What came of it; 404, 409 or 422 with the reason."""
    try:
        return act()
    except NoWarning as error:
        raise HTTPException(404, str(error)) from None
    except Stale as error:
        raise HTTPException(409, str(error)) from None
    except Wrong as error:
        raise HTTPException(422, [{"loc": ["body", error.field], "msg": error.en, "vi": error.vi}]) from None
