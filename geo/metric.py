"""Alarm metrics over a period against the figures of ANSI/ISA-18.2 and IEC 62682, counted from the alarm journal."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from geo.call import NEVER, Calls, calls, names
from geo.rule import SEVERITIES
from geo.shift import OFFSET, ZONE

SLOT = timedelta(minutes=10)
FLOOD_STARTS, FLOOD_ENDS = 10, 5  # more than, fewer than: alarms in a slot
CHATTER, CHATTER_SPAN = 3, timedelta(minutes=1)  # so many calls of one rule and object within it
STALE = timedelta(hours=24)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONGEST = timedelta(days=400)
TOP = 10
ENOUGH = 100  # alarms below which a share says nothing
HOURLY_UP_TO = timedelta(days=3)

Met = Literal["acceptable", "maximum", "over"] | None
Row = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """What a figure should not exceed. `under`: it must stay below the bound, not only at it.

    None of them is confirmed by the authority yet: they are per operator position and after the standards' tables.
    """

    name: str
    acceptable: float | None
    maximum: float | None = None
    under: bool = False
    confirmed: bool = False

    def met(self, value: float | None) -> Met:
        """Within what is acceptable, within the maximum, or over it; None where there is nothing to judge."""
        if value is None or (self.acceptable is None and self.maximum is None):
            return None
        for word, bound in (("acceptable", self.acceptable), ("maximum", self.maximum)):
            if bound is not None and (value < bound if self.under else value <= bound):
                return "acceptable" if word == "acceptable" else "maximum"
        return "over"


TARGETS = (
    Target("hour_mean", 6, 12),
    Target("hour_most", None),
    Target("day_mean", 150, 300),
    Target("day_most", None),
    Target("busy_slots", 1, under=True),
    Target("flood_time", None, 1, under=True),
    Target("top_share", 5),
    Target("chattering", 0),
    Target("fleeting", 0),
    Target("stale", 5, under=True),
    Target("low_share", None),
    Target("medium_share", 15),
    Target("high_share", 5),
)

# On the desk for longer than a day, at the end of the period and at each midnight in it.
_STALE = sa.text(
    """
WITH long AS (
    SELECT raised_at, off_at FROM (
        SELECT raised_at, shelved_until, suppressed_at, least(withdrawn_at, CASE
            WHEN NOT latching OR cleared_at IS NULL THEN cleared_at
            WHEN acknowledged_at IS NOT NULL THEN greatest(cleared_at, acknowledged_at) END) AS off_at
        FROM alarm WHERE raised_at < CAST(:end AS timestamptz) - :stale) spell
    WHERE coalesce(off_at, :end) - raised_at > :stale AND coalesce(off_at > :start, true)
        AND suppressed_at IS NULL AND coalesce(shelved_until <= :end, true)
), moment AS (
    SELECT CAST(:end AS timestamptz) AS at
    UNION
    SELECT day AT TIME ZONE :zone FROM generate_series(
        date_trunc('day', CAST(:start AS timestamptz) AT TIME ZONE :zone) + interval '1 day',
        CAST(:end AS timestamptz) AT TIME ZONE :zone, interval '1 day') AS day
)
SELECT m.at, count(l.raised_at) AS alarms FROM moment m LEFT JOIN long l
    ON l.raised_at < m.at - :stale AND coalesce(l.off_at > m.at, true)
GROUP BY m.at ORDER BY m.at
"""
)

_REST = sa.text(
    """
SELECT (SELECT count(*) FROM flood WHERE started_at >= :start AND started_at < :end) AS floods,
    least((SELECT min(at) FROM minute), (SELECT min(at) FROM alarm_journal)) AS first_at,
    (SELECT count(DISTINCT alarm_id) FROM alarm_journal
        WHERE transition = 'suppress' AND at >= :start AND at < :end) AS suppressed,
    (SELECT count(DISTINCT alarm_id) FROM alarm_journal
        WHERE transition = 'withdraw' AND at >= :start AND at < :end) AS withdrawn
"""
)


def metrics(connection: sa.Connection, start: datetime, end: datetime, now: datetime) -> dict[str, Any]:
    """The figures of [start, end), as far as it is over and something was watched; times are aware.

    `figures` name -> value, acceptable, maximum, met; `series` the alarms per hour (per day over more than three
    days); `hours` the mean per hour of the day; `top` the ten rules and objects that called most; `answers` how long
    from an alarm's last call until it was acknowledged: of all, by severity, person and hour.

    Raises:
        ValueError: the period is empty, or longer than 400 days.
    """
    if start >= end or end - start > LONGEST:
        raise ValueError(f"a period ends after it begins and is at most {LONGEST.days} days long")
    over = max(start, min(end, now))
    span: dict[str, Any] = {"start": start, "end": over, "zone": ZONE.key}
    rest = connection.execute(_REST, span).mappings().one()
    stale = [row.alarms for row in connection.execute(_STALE, {**span, "stale": STALE})]
    made = calls(connection, start, over)
    known = min((at for at in (rest["first_at"], _first(made)) if at is not None), default=over)
    covered = max(timedelta(0), over - max(start, known))
    sources = by_source(made)
    worst = np.argsort(-sources["alarms"], kind="stable")[:TOP]
    answered, people = answers(made)
    said = names(connection, [*sources["newest"][worst], *people.values()])
    return {
        "from": start,
        "to": over,
        "covered_h": covered / HOUR,
        "alarms": len(made),
        "lines": int((~made.grouped).sum()) + rest["floods"],
        **{name: rest[name] for name in ("floods", "suppressed", "withdrawn")},
        "figures": figures(made, sources, max(stale), covered),
        "severities": {name: int((made.severity == n).sum()) for n, name in enumerate(SEVERITIES)},
        "series": series(made, start, over),
        "hours": by_hour_of_day(made, covered),
        "top": [_source(sources, said, number) for number in worst],
        "objects": len(sources["alarms"]),
        "answers": {
            **answered,
            "person": {said[alarm]["person"]: answered["person"][number] for number, alarm in people.items()},
        },
    }


def _first(made: Calls) -> datetime | None:
    return datetime.fromtimestamp(made.moment.min() / 1e6, UTC) if len(made) else None


def _source(sources: Mapping[str, Any], said: Mapping[int, Row], number: int) -> Row:
    about = {name: value for name, value in said[int(sources["newest"][number])].items() if name != "person"}
    counts = {"alarms": int(sources["alarms"][number]), "fleeting": int(sources["fleeting"][number])}
    return {**about, **counts, "chatters": bool(sources["chatters"][number])}


def by_source(made: Calls) -> dict[str, NDArray[Any]]:
    """Of each source: its alarms, the newest alarm's id, whether it chatters, and how many were fleeting.

    It chatters when CHATTER calls lie within CHATTER_SPAN; a brief alarm is fleeting unless the next follows at once.
    """
    count = int(made.source[-1]) + 1 if len(made) else 0
    within = _us(CHATTER_SPAN)
    chatters = np.zeros(count, np.bool_)
    back = CHATTER - 1
    close = (made.source[back:] == made.source[:-back]) & (made.moment[back:] - made.moment[:-back] <= within)
    chatters[made.source[back:][close]] = True
    again = np.zeros(len(made), np.bool_)
    again[:-1] = (made.source[1:] == made.source[:-1]) & (np.diff(made.moment) <= within)
    last = np.flatnonzero(np.append(np.diff(made.source) != 0, True)) if len(made) else np.empty(0, np.int64)
    return {
        "alarms": np.bincount(made.source, minlength=count),
        "newest": made.alarm_id[last],
        "chatters": chatters,
        "fleeting": np.bincount(made.source[made.brief & ~again], minlength=count),
    }


def _us(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _counted(moment: NDArray[np.int64], step: timedelta) -> dict[datetime, int]:
    """Calls per step of the local clock, those with any: local beginning -> how many."""
    shift = _us(OFFSET)
    bins, counts = np.unique((moment + shift) // _us(step), return_counts=True)
    begins = [datetime.fromtimestamp((int(one) * _us(step) - shift) / 1e6, ZONE) for one in bins]
    return dict(zip(begins, counts.tolist(), strict=True))


def figures(made: Calls, sources: Mapping[str, Any], stale: int, covered: timedelta) -> dict[str, Row]:
    """Every figure with what is acceptable, the maximum, and whether it is met.

    covered: how long the period is. What would be told of too short a period, or of fewer than ENOUGH alarms, is None,
    and is not judged.
    """
    total, parts = len(made), covered / SLOT
    slots, share = _counted(made.moment, SLOT), 100 / total if total >= ENOUGH else None
    low, medium = int((made.severity == 3).sum()), int((made.severity == 2).sum())
    ten = int(np.sort(sources["alarms"])[-TOP:].sum())
    value: dict[str, float | None] = {
        "hour_mean": total / (covered / HOUR) if covered >= HOUR else None,
        "hour_most": max(_counted(made.moment, HOUR).values(), default=0),
        "day_mean": total / (covered / DAY) if covered >= DAY else None,
        "day_most": max(_counted(made.moment, DAY).values(), default=0),
        "busy_slots": 100 * sum(n > FLOOD_STARTS for n in slots.values()) / parts if parts >= 1 else None,
        "flood_time": 100 * flooded(slots) / parts if parts >= 1 else None,
        "top_share": share and share * ten,
        "chattering": int(sources["chatters"].sum()),
        "fleeting": int(sources["fleeting"].sum()),
        "stale": stale,
        "low_share": share and share * low,
        "medium_share": share and share * medium,
        "high_share": share and share * (total - low - medium),
    }
    return {
        one.name: {
            "value": value[one.name],
            "acceptable": one.acceptable,
            "maximum": one.maximum,
            "under": one.under,
            "confirmed": one.confirmed,
            "met": one.met(value[one.name]),
        }
        for one in TARGETS
    }


def flooded(slots: Mapping[datetime, int]) -> int:
    """In how many slots of ten minutes there was a flood: from one with more than 10 until one with fewer than 5.

    slots: beginning -> alarms; one that is missing has none.
    """
    found, until = 0, None
    for at in sorted(slots):
        if slots[at] > FLOOD_STARTS or (until == at and slots[at] >= FLOOD_ENDS):
            found, until = found + 1, at + SLOT
    return found


def series(made: Calls, start: datetime, end: datetime) -> Row:
    """Every local hour, or day of a long period, with its alarms by severity; also those without any."""
    step = HOUR if end - start <= HOURLY_UP_TO else DAY
    local = start.astimezone(ZONE).replace(minute=0, second=0, microsecond=0)
    at = local if step == HOUR else local.replace(hour=0)
    counts = {name: _counted(made.moment[made.severity == n], step) for n, name in enumerate(SEVERITIES)}
    bars: list[Row] = []
    while at < end:
        bars.append({"at": at, **{name: counts[name].get(at, 0) for name in SEVERITIES}})
        at += step
    return {"step_s": step.total_seconds(), "bars": bars}


def by_hour_of_day(made: Calls, covered: timedelta) -> list[float]:
    """Alarms of each of the 24 local hours, per day of the period."""
    sums = [0] * 24
    for at, count in _counted(made.moment, HOUR).items():
        sums[at.hour] += count
    return [each / max(1.0, covered / DAY) for each in sums]


def answers(made: Calls) -> tuple[Row, dict[int, int]]:
    """Median and 90th percentile of the seconds until somebody answered, and whose number stands for which alarm's.

    In groups: `all`, by `severity`, by `person` (a number, the first answering alarm tells whose) and by local `hour`.
    """
    took = (made.answered != NEVER) & (made.answered >= made.moment)
    seconds = (made.answered[took] - made.moment[took]) / 1e6
    person, severity, alarm = made.person[took], made.severity[took], made.alarm_id[took]
    hour = (made.answered[took] + _us(OFFSET)) // _us(HOUR) % 24
    people, first = np.unique(person, return_index=True)
    groups = {
        "all": _spread(seconds) if len(seconds) else None,
        "severity": {
            name: _spread(seconds[severity == n]) for n, name in enumerate(SEVERITIES) if (severity == n).any()
        },
        "person": {int(one): _spread(seconds[person == one]) for one in people},
        "hour": {str(one): _spread(seconds[hour == one]) for one in range(24) if (hour == one).any()},
    }
    return groups, {int(one): int(alarm[at]) for one, at in zip(people, first, strict=True)}


def _spread(seconds: NDArray[np.float64]) -> Row:
    median, p90 = np.quantile(seconds, (0.5, 0.9)).tolist()
    return {"alarms": len(seconds), "median_s": median, "p90_s": p90}
