"""What the parts of a question mean, where several routes ask them alike."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

from geo.calendar import in_years


def _within(at: datetime) -> datetime:
    return in_years(at)


Moment = Annotated[AwareDatetime, AfterValidator(_within)]  # a year that cannot be reckoned with is 422, by its field
LooseMoment = Annotated[datetime, AfterValidator(_within)]  # without an offset: UTC


def names(text: str) -> tuple[str, ...]:
    """Comma-separated names, without spaces around them; none for an empty text."""
    return tuple(filter(None, (each.strip() for each in text.replace("\0", "").split(","))))
