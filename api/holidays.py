"""Holidays and swapped working days over HTTP: the days of a year, and one day as the government's notice has it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel, Field

from access import holidays as doing
from access.site import Site
from geo.actor import Actor
from geo.calendar import ZONE
from geo.workday import Holiday
from geo.wrong import Wrong

Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


class Day(BaseModel):
    """What a day is: off, or work (a Saturday worked for a day off, or no holiday after all), and by which notice."""

    actor: str = Field(max_length=80, pattern=r"^[^\x00]*\S[^\x00]*$")
    kind: Literal["off", "work"]
    name_vi: Words
    name_en: Words = ""
    legal_ref: Words
    certainty: Literal["C", "S", "CFG", "D"] = "C"


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/holidays."""

    @server.get("/api/v1/holidays", tags=["reports"])
    def holidays(year: Annotated[int | None, Query(ge=2000, le=2100)] = None) -> list[dict[str, Any]]:
        """The days of a year that are not what their place in the week says, with the ground and who wrote each."""
        return doing.days(site, year or datetime.now(ZONE).year)

    @server.put("/api/v1/holidays/{day}", tags=["reports"])
    def write(day: date, body: Day) -> dict[str, Any]:
        """Write one day, in place of what stands there; terms that run keep the end that was told."""
        if not 2000 <= day.year <= 2100:
            raise HTTPException(422, [{"loc": ["path", "day"], "msg": "a year from 2000 to 2100"}])
        one = Holiday(day, body.kind, body.name_vi, body.name_en or body.name_vi, body.legal_ref, body.certainty)
        try:
            return doing.write(site, one, Actor(body.actor.strip()))
        except Wrong as error:
            raise HTTPException(422, [{"loc": ["body", error.field], "msg": error.en, "vi": error.vi}]) from None
