"""What a station observed over a time, read from the past: its own values by parameter, in parts for a chart."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from geo.figure import Figures
from geo.station import Air, Sample, air_hour, hourly
from geo.table import Shape
from geo.track import every_fix

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
    return Observed(measured(past.fixes), past.missing)


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
    """A time in `count` equal parts."""
    step = (end - start) / count
    own: list[list[float]] = [[] for _ in range(count)]
    for at, value in samples:
        if start < at <= end:
            own[min(count - 1, -(-(at - start) // step) - 1)].append(value)
    return [Part(start + (n + 1) * step, whole(values) if values else None) for n, values in enumerate(own)]


def air_hours(samples: Mapping[str, Sequence[Sample]], end: datetime, count: int, figures: Figures) -> list[Air]:
    """The VN_AQI of the last `count` hours that are over at a moment, made anew from what is known now."""
    hours = {name: hourly(own) for name, own in samples.items()}
    last = end.replace(minute=0, second=0, microsecond=0)
    return [air_hour(hours, last - timedelta(hours=back), figures) for back in range(count - 1, -1, -1)]


def mean(values: Sequence[float]) -> float:
    """Their mean."""
    return sum(values) / len(values)


def last(values: Sequence[Any]) -> Any:
    """The last of them."""
    return values[-1]
