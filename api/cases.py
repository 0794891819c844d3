"""Boats' cases for other systems: lost signals, crossings, wrong zones, their log, and what can be done about one."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from access import cases as doing
from access.site import Site
from api.asked import names
from api.sheet import sheet
from geo.actor import Actor
from geo.boat_case import CAUSES, OUTCOMES
from geo.case_list import BUCKETS, CSV_COLUMNS, Wanted
from geo.case_work import Missing, NoCase, Stale
from geo.contact import Contact as Person
from geo.figure import Figures, figures
from geo.registration import parse

CaseId = Annotated[int, Path(ge=1, lt=1 << 63)]
Words = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]
Short = Annotated[str, Field(max_length=120, pattern=r"^[^\x00]*$")]
Number = Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")]
EXPORTED_MOST = 100_000
# site, case with its log, the boat's people, figures, language, now -> PDF
Paper = Callable[[Site, Mapping[str, Any], Sequence[Person], Figures, str, datetime], bytes]


class Deed(BaseModel):
    """Who does it, and the version of the case that they saw: 409 when it has another one by now."""

    actor: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00]*$")
    version: int | None = None


class Timed(Deed):
    """And when it happened, if not now."""

    at: AwareDatetime | None = None


class Contact(Timed):
    """A call: whom, at which number or by which radio, and what came of it."""

    who: Short
    number: Number | None = None
    result: Words


class Position(Timed):
    """A position that somebody told, degrees of WGS84."""

    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    text: Words | None = None


class Note(Timed):
    """What is to be remembered."""

    text: Words


class Escalation(Deed):
    """Why it goes to the next level."""

    text: Words | None = None


class Assignment(Deed):
    """To which unit (/api/v1/units), and to whom of it."""

    unit: Short
    person: Short | None = None


class Conclusion(Deed):
    """Cause and outcome out of their lists (/api/v1/cases/words), and the version of the case that they saw."""

    version: int
    cause: Short | None = None
    outcome: Short | None = None
    text: Words | None = None


class Selecting(BaseModel):
    """Which cases; of each name several, comma-separated. A registration may be spelled in any way."""

    status: Literal["open", "running", "ended", "closed", "all"] = "open"
    kind: str = Field("", max_length=100)
    stage: str = Field("", max_length=300)
    level: str = Field("", max_length=100)
    provider: str = Field("", max_length=500)
    province: str = Field("", max_length=500)
    commune: str = Field("", max_length=500)
    unit: str = Field("", max_length=500)
    registration: str = Field("", max_length=2_000)
    bucket: Literal[BUCKETS] | None = None  # type: ignore[valid-type]  # named once, in geo.case_list
    escalated: bool | None = None
    outage: int | None = Field(None, ge=1, lt=1 << 63)
    since: AwareDatetime | None = Field(None, description="begun at or after")
    until: AwareDatetime | None = Field(None, description="begun before")

    def wanted(self) -> Wanted:
        """As the list of cases understands it."""
        spelled = [str(parse(each) or each) for each in names(self.registration)]
        return Wanted(
            self.status, names(self.kind), names(self.stage), names(self.level), names(self.provider),
            names(self.province), names(self.commune), names(self.unit), tuple(spelled), self.bucket, self.escalated,
            self.outage, self.since, self.until,
        )  # fmt: skip


def mount(server: FastAPI, site: Site, paper: Paper) -> None:
    """Add /api/v1/cases, its table, a case's own address with its log and notice, and what can be done about one."""

    @server.get("/api/v1/cases", tags=["fisheries"])
    def cases(
        asked: Annotated[Selecting, Query()], limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000
    ) -> list[dict[str, Any]]:
        """Cases with their boats and clocks, those that have gone on for longest first."""
        return doing.found(site, asked.wanted(), datetime.now(UTC), limit)

    @server.get("/api/v1/cases.csv", tags=["fisheries"], response_class=Response)
    def table(asked: Annotated[Selecting, Query()]) -> Response:
        """The same as a table."""
        now = datetime.now(UTC)
        name = f"haidang-cases-{now:%Y%m%dT%H%M%SZ}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        rows = doing.found(site, asked.wanted(), now, EXPORTED_MOST)
        return Response(sheet(CSV_COLUMNS, rows), media_type="text/csv; charset=utf-8", headers=headers)

    @server.get("/api/v1/cases/words", tags=["fisheries"])
    def words() -> dict[str, dict[str, dict[str, str]]]:
        """The closed lists of causes and outcomes, with their words."""
        lists = {"causes": CAUSES, "outcomes": OUTCOMES}
        return {name: {key: {"vi": vi, "en": en} for key, (vi, en) in closed.items()} for name, closed in lists.items()}

    @server.get("/api/v1/cases/{case_id}", tags=["fisheries"])
    def one(case_id: CaseId) -> dict[str, Any]:
        """One case with its log; of numbers only the last digits."""
        row = doing.one(site, case_id, datetime.now(UTC))
        if row is None:
            raise HTTPException(404, f"there is no case {case_id}")
        return row

    @server.get("/api/v1/cases/{case_id}/notice.pdf", tags=["fisheries"], response_class=Response)
    def notice(case_id: CaseId, lang: Literal["vi", "en"] = "vi") -> Response:
        """The notice to the boat's owner as PDF: what happened, the legal ground, what is asked by when."""
        now = datetime.now(UTC)
        found = doing.opened(site, case_id, now)
        if found is None:
            raise HTTPException(404, f"there is no case {case_id}")
        with site.engine.connect() as connection:
            held = figures(connection)
        try:
            made = paper(site, *found, held, lang, now)
        except RuntimeError as error:  # the room of papers says in words why there is none
            raise HTTPException(503, str(error)) from None
        name = f"thong-bao-{case_id}.pdf"
        headers = {"content-disposition": f'inline; filename="{name}"', "cache-control": "no-store"}
        return Response(made, media_type="application/pdf", headers=headers)

    @server.post("/api/v1/cases/{case_id}/contact", tags=["fisheries"])
    def contact(case_id: CaseId, body: Contact) -> dict[str, Any]:
        """Write down a call."""
        return _done(lambda by: doing.log_contact(
            site, case_id, by, body.version, body.at, body.who, body.number, body.result), body)  # fmt: skip

    @server.post("/api/v1/cases/{case_id}/position", tags=["fisheries"])
    def position(case_id: CaseId, body: Position) -> dict[str, Any]:
        """Keep a position that was told by hand: the next one is due six hours later; it ends no loss."""
        return _done(lambda by: doing.enter_position(
            site, case_id, by, body.version, body.at, body.lon, body.lat, body.text), body)  # fmt: skip

    @server.post("/api/v1/cases/{case_id}/note", tags=["fisheries"])
    def note(case_id: CaseId, body: Note) -> dict[str, Any]:
        """Add a note."""
        return _done(lambda by: doing.add_note(site, case_id, by, body.version, body.at, body.text), body)

    @server.post("/api/v1/cases/{case_id}/assign", tags=["fisheries"])
    def assign(case_id: CaseId, body: Assignment) -> dict[str, Any]:
        """Give the case to a unit and, if named, to a person."""
        return _done(lambda by: doing.assign(site, case_id, by, body.version, body.unit, body.person), body)

    @server.post("/api/v1/cases/{case_id}/escalate", tags=["fisheries"])
    def escalate(case_id: CaseId, body: Escalation) -> dict[str, Any]:
        """Pass the case on to the next level before its time; 409 when it was."""
        return _done(lambda by: doing.escalate(site, case_id, by, body.version, body.text), body)

    @server.post("/api/v1/cases/{case_id}/close", tags=["fisheries"])
    def close(case_id: CaseId, body: Conclusion) -> dict[str, Any]:
        """Conclude the case; 422 tells what it lacks: a cause, an outcome, a contact in its log."""
        return _done(lambda by: doing.close(
            site, case_id, by, body.version, body.cause, body.outcome, body.text), body)  # fmt: skip


def _done(act: Callable[[Actor], dict[str, Any]], body: Deed) -> dict[str, Any]:
    """What became of the case; 404, 409 or 422 with the reason."""
    try:
        return act(Actor(body.actor.strip()))
    except NoCase as error:
        raise HTTPException(404, str(error)) from None
    except Stale as error:
        raise HTTPException(409, str(error)) from None
    except Missing as error:
        raise HTTPException(422, [{"loc": ["body"], "msg": error.en, "vi": error.vi}]) from None
    except ValueError as error:
        raise HTTPException(422, str(error)) from None
