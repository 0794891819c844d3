"""Shift handovers and alarm metrics for other systems: a shift's content, signatures and paper, and the figures."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Path, Query, Response
from pydantic import BaseModel, Field

from access import handover as signing
from access.site import Site
from geo import handover, metric
from geo.actor import Actor
from geo.shift import ZONE, Shift, parse, shift_of

Number = Annotated[int, Path(ge=1, lt=1 << 63)]
Name = Annotated[str | None, Query(alias="shift", max_length=40, description="such as 2026-11-25.2; default: now's")]
Lang = Literal["vi", "en"]
Paper = Callable[[Site, Mapping[str, Any], str, datetime], bytes]  # site, row, language, now -> PDF
WEEK = timedelta(days=7)
# Which answer a signature gets that cannot be given.
STATUS = {"gone": 404, "not_begun": 409, "given": 409, "taken": 409, "replaced": 409, "same": 409}


class Signature(BaseModel):
    """Who signs."""

    actor: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00]*$")


class Giving(Signature):
    """Who gives which shift over, with what note."""

    shift: str = Field(max_length=40)
    note: str = Field("", max_length=10_000, pattern=r"^[^\x00]*$")


def mount(server: FastAPI, site: Site, paper: Paper) -> None:
    """Add /api/v1/handover, its papers and signatures, /api/v1/handovers and /api/v1/metrics/alarms."""

    @server.get("/api/v1/handover", tags=["handover"])
    def one(shift: Name = None) -> dict[str, Any]:
        """A shift's handover: as it was signed, or the draft as it stands now, without `given_at`."""
        return _row(site, _shift(shift))

    @server.get("/api/v1/handovers", tags=["handover"])
    def earlier(
        before: Annotated[datetime | None, Query()] = None, limit: Annotated[int, Query(ge=1, le=1000)] = 30
    ) -> list[dict[str, Any]]:
        """Signed handovers, the latest shift first: who gave, who took, and when."""
        with site.engine.connect() as connection:
            return handover.handovers(connection, _aware(before) if before else datetime.now(UTC), limit)

    @server.post("/api/v1/handover", tags=["handover"])
    def give(body: Giving) -> dict[str, Any]:
        """Sign as the one who gives: the content is frozen. Until it is taken the same person may sign anew."""
        shift = _shift(body.shift)
        return _signed(lambda: signing.give(site, shift, body.note, _actor(body)))

    @server.post("/api/v1/handover/{number}/sign", tags=["handover"])
    def take(number: Number, body: Signature) -> dict[str, Any]:
        """Sign as the one who takes over, somebody else than the giver; from then on nobody changes it."""
        return _signed(lambda: signing.take(site, number, _actor(body)))

    @server.get("/api/v1/handover.pdf", tags=["handover"], response_class=Response)
    def draft_paper(shift: Name = None, lang: Lang = "vi") -> Response:
        """The paper of a shift: of what was signed, else of the draft, which says so."""
        asked = _shift(shift)
        return _paper(paper, site, _row(site, asked), lang, asked)

    @server.get("/api/v1/handover/{number}.pdf", tags=["handover"], response_class=Response)
    def signed_paper(number: Number, lang: Lang = "vi") -> Response:
        """The paper of a signed handover."""
        with site.engine.connect() as connection:
            row = handover.one(connection, number)
        if row is None:
            raise HTTPException(404, f"there is no handover {number}")
        return _paper(paper, site, row, lang, parse(row["content"]["shift"]))

    @server.get("/api/v1/metrics/alarms", tags=["alarms"])
    def metrics(
        start: Annotated[str | None, Query(alias="from", max_length=40)] = None,
        end: Annotated[str | None, Query(alias="to", max_length=40)] = None,
    ) -> dict[str, Any]:
        """The figures of a period against ISA-18.2's, by default of the last seven days.

        `from` and `to` are dates or times of ISO 8601, in the centre's time where they name no other; `to` is outside.
        """
        now = datetime.now(UTC)
        until = _moment(end) if end else now
        with site.engine.connect() as connection:
            try:
                return metric.metrics(connection, _moment(start) if start else until - WEEK, until, now)
            except ValueError as error:
                raise HTTPException(422, str(error)) from None


def _shift(name: str | None) -> Shift:
    try:
        return parse(name) if name else shift_of(datetime.now(UTC))
    except ValueError as error:
        raise HTTPException(422, str(error)) from None


def _moment(text: str) -> datetime:
    try:
        return _aware(datetime.fromisoformat(text.strip().replace(" ", "+")))  # an address's + arrives as a space
    except (ValueError, OverflowError):
        raise HTTPException(422, f"{text[:40]!r} is no date or time of ISO 8601, such as 2026-11-25") from None


def _aware(at: datetime | date) -> datetime:
    moment = at if isinstance(at, datetime) else datetime.combine(at, time(), ZONE)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)


def _row(site: Site, shift: Shift) -> dict[str, Any]:
    with site.engine.begin() as connection:
        try:
            return handover.find(connection, shift) or handover.draft(connection, shift, datetime.now(UTC))
        except handover.Refused as error:
            raise HTTPException(STATUS[error.reason], str(error)) from None


def _actor(body: Signature) -> Actor:
    try:
        return Actor(" ".join(body.actor.split()))
    except ValueError as error:
        raise HTTPException(422, str(error)) from None


def _signed(sign: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return sign()
    except handover.Refused as error:
        raise HTTPException(STATUS[error.reason], str(error)) from None


def _paper(paper: Paper, site: Site, row: Mapping[str, Any], lang: str, shift: Shift) -> Response:
    try:
        made = paper(site, row, lang, datetime.now(UTC))
    except RuntimeError as error:  # the room of papers says in words why there is none
        raise HTTPException(503, str(error)) from None
    headers = {"content-disposition": f'inline; filename="ban-giao-{shift.name}.pdf"', "cache-control": "no-store"}
    return Response(made, media_type="application/pdf", headers=headers)
