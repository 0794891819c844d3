"""Moments as people write them in a text box, in Asia/Ho_Chi_Minh."""

from datetime import datetime

from geo.calendar import ZONE
from pages.text import Text

FORMS = ("%H:%M %d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y")


def write(at: datetime | None) -> str:
    """As `read` takes it; empty for None."""
    return at.astimezone(ZONE).strftime(FORMS[0]) if at else ""


def read(t: Text, text: str) -> datetime | None:
    """The moment that was written, None for nothing; raises ValueError that says how it is written."""
    if not text:
        return None
    for form in FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=ZONE)
        except ValueError:
            continue
    raise ValueError(t("Viết giờ và ngày như 06:00 01/04/2027"))
