"""Shifts: three a day, by the centre's clock, each with its name, its bounds and its neighbours."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
OFFSET = timedelta(hours=7)  # of that zone, all the year round
HOURS = (6, 14, 22)  # when the first, second and third begin, as in screen.js; the third ends on the next day
LONG = timedelta(hours=8)
_NAME = re.compile(r"\s*(20\d\d-\d\d-\d\d)\.([123])\s*")


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """One shift: the day on which it begins, in the centre's time, and its number 1, 2 or 3."""

    day: date
    number: int

    @property
    def name(self) -> str:
        """`2026-11-25.2`, as addresses bear it."""
        return f"{self.day.isoformat()}.{self.number}"

    @property
    def starts_at(self) -> datetime:
        """When it begins, UTC."""
        return datetime.combine(self.day, time(HOURS[self.number - 1]), ZONE).astimezone(UTC)

    @property
    def ends_at(self) -> datetime:
        """When it is over, UTC; that moment is the next one's."""
        return self.starts_at + LONG

    @property
    def next(self) -> "Shift":
        """The one after it."""
        return shift_of(self.ends_at)

    @property
    def previous(self) -> "Shift":
        """The one before it."""
        return shift_of(self.starts_at - LONG)


def shift_of(at: datetime) -> Shift:
    """The shift in which a moment lies; `at` is aware."""
    local = at.astimezone(ZONE)
    if local.hour < HOURS[0]:  # still the night that began the evening before
        return Shift(local.date() - timedelta(days=1), 3)
    return Shift(local.date(), sum(local.hour >= hour for hour in HOURS))


def parse(name: str) -> Shift:
    """The shift of that name.

    Raises:
        ValueError: it is not of the form `2026-11-25.2`, a day of this century and a number from 1 to 3.
    """
    found = _NAME.fullmatch(name)
    try:
        if found:
            return Shift(date.fromisoformat(found[1]), int(found[2]))
    except ValueError:
        pass
    raise ValueError(f"{name[:40]!r} is no shift: give a day and a number from 1 to 3, such as 2026-11-25.2")
