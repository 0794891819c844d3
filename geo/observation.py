"""What a station observed over a time, read from the past: its own values by parameter, in parts for a chart."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from geo.aqi import Aqi
from geo.calendar import ZONE
from geo.figure import Figures
from geo.parameter import BY_NAME
from geo.station import Air, Sample, air_day, air_hour, hourly
from geo.table import Shape
from geo.track import every_fix

BEFORE = timedelta(hours=12)  # what the index of an hour needs besides that hour
Whole = Callable[[Sequence[float]], float]  # of the values of one part of the time, what stands for them


@dataclass(frozen=True)
class Observed:
    """Values by parameter, each in the order of time; and what could not be read, in words."""

    samples: Mapping[str, Sequence[Sample]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def observed(
    connection: sa.Connection, archive: Path, shape: Shape, key: str, start: datetime, end: datetime
) -> Observed:
    """What a station itself measured in [start, end], from PostgreSQL and from the archive's files.

    Of each row only the parameters that its record told: the others stand there as they were known then.
    """
    past = every_fix(connection, archive, shape, key, start, end)
    # Of several values of one moment the last that came is the last one here: it corrects the others.
    return Observed(measured(past.fixes.sort_values(["observed_at", "received_at"])), past.missing)


def measured(fixes: pd.DataFrame) -> dict[str, list[Sample]]:
    """Rows of a station's history to values by parameter."""
    found: dict[str, list[Sample]] = {}
    for row in fixes.to_dict("records"):
        told = row.get("measured")
        for name in told.split() if isinstance(told, str) else ():
            value = row.get(name)
            if value is not None and value == value:
                found.setdefault(name, []).append((row["observed_at"].to_pydatetime(), float(value)))
    return found


@dataclass(frozen=True)
class Part:
    """One of the equal parts of a time, (start, end], and what stands for its values; None where nothing was told."""

    end: datetime
    value: float | None


def parts(samples: Sequence[Sample], start: datetime, end: datetime, count: int, whole: Whole) -> list[Part]:
    """A time in `count` equal parts; of several values of one moment the last one counts, which is a correction."""
    step = (end - start) / count
    own: list[list[float]] = [[] for _ in range(count)]
    for at, value in dict(samples).items():
        if start < at <= end:
            own[min(count - 1, -(-(at - start) // step) - 1)].append(value)
    return [Part(start + (n + 1) * step, whole(values) if values else None) for n, values in enumerate(own)]


def air_hours(samples: Mapping[str, Sequence[Sample]], start: datetime, end: datetime, figures: Figures) -> list[Air]:
    """The VN_AQI of each hour that is over in (start, end], made anew from what is known now.

    samples: also of BEFORE the start, or the first hours lack what they need.
    """
    hours = {name: hourly(own) for name, own in samples.items()}
    at = end.replace(minute=0, second=0, microsecond=0)
    found = []
    while at > start:
        found.append(air_hour(hours, at, figures))
        at -= timedelta(hours=1)
    return found[::-1]


def air_days(
    samples: Mapping[str, Sequence[Sample]], start: datetime, end: datetime, figures: Figures
) -> list[tuple[date, Aqi | None]]:
    """The VN_AQI of each of the centre's whole days in [start, end]."""
    hours = {name: hourly(own) for name, own in samples.items()}
    midnight = datetime.combine(start.astimezone(ZONE).date(), time(), ZONE)
    found = []
    while (following := midnight + timedelta(days=1)) <= end:
        if midnight >= start:
            found.append((midnight.date(), air_day(hours, midnight.astimezone(UTC), figures)))
        midnight = following
    return found


def told(seen: Observed, start: datetime, end: datetime, figures: Figures) -> dict[str, Any]:
    """What was observed in [start, end], for other systems: values by parameter with their units, hours and days."""
    values = {name: [(at, value) for at, value in own if start <= at <= end] for name, own in seen.samples.items()}
    hours = air_hours(seen.samples, start, end, figures)
    days = air_days(seen.samples, start, end, figures)
    return {
        "parameters": {
            name: {"unit": BY_NAME[name].unit, "vi": BY_NAME[name].vi, "en": BY_NAME[name].en, "values": own}
            for name, own in values.items()
            if own and name in BY_NAME
        },
        "aqi_hours": [{"until": one.until, **_index(one.index), "nowcast": one.nowcast} for one in hours],
        "aqi_days": [{"day": day, **_index(index)} for day, index in days],
        **({"missing": list(seen.missing)} if seen.missing else {}),
    }


def _index(known: Aqi | None) -> dict[str, Any]:
    return {"aqi": known.index if known else None, "of": known.of if known else None}


def mean(values: Sequence[float]) -> float:
    """Their mean."""
    return sum(values) / len(values)


def last(values: Sequence[Any]) -> Any:
    """The last of them."""
    return values[-1]
