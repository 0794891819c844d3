"""What the parts of a question mean, where several routes ask them alike."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import HTTPException
from pydantic import AfterValidator, AwareDatetime

from geo.calendar import in_years


def _within(at: datetime) -> datetime:
    return in_years(at)


Moment = Annotated[AwareDatetime, AfterValidator(_within)]  # a year that cannot be reckoned with is 422, by its field
LooseMoment = Annotated[datetime, AfterValidator(_within)]  # without an offset: UTC


def names(text: str) -> tuple[str, ...]:
    """Comma-separated names, without spaces around them; none for an empty text."""
    return tuple(filter(None, (each.strip() for each in text.replace("\0", "").split(","))))


def box_of(text: str | None) -> tuple[float, float, float, float] | None:
    """Four numbers, west,south,east,north in degrees. 422 for what is none."""
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise HTTPException(422, "bbox is four numbers: west,south,east,north") from None
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise HTTPException(422, "bbox lies outside -180..180, -90..90, or its south is north of its north")
    return west, south, east, north


def aware(moment: datetime | None) -> datetime | None:
    """A moment with its zone: UTC where none was said."""
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
