"""What the observations of one station make: hourly means and VN_AQI of hour and day, a river's rise, sums of rain.

All of it is made anew from what was measured, so that a value that comes late counts as if it had come in time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite

from geo.aqi import NOWCAST_H, PARTICLES, Aqi, aqi, nowcast
from geo.figure import Figures

HOUR = timedelta(hours=1)
GASES = ("o3", "co", "so2", "no2")
# Of the 24 hours of a day, and of ozone's eight: below three quarters their mean is not told (to be confirmed, [CFG]).
DAY_H, DAY_LEAST_H, EIGHT_H, EIGHT_LEAST_H = 24, 18, 8, 6
# A rise is told between now and what was measured about an hour ago; nearer, the float's own movement would be told,
# and farther, a past rise (decided by us, [D]).
RISE_OVER, RISE_LEAST, RISE_MOST = HOUR, timedelta(minutes=20), 3 * HOUR

Sample = tuple[datetime, float]
Hours = Mapping[datetime, float]  # an hour's end -> its mean


def hour_end(at: datetime) -> datetime:
    """The end of the hour that an observation is of: what is told at ten sharp is of the hour from nine to ten.

    So a mean that its station stamps with its end, and the minutes that make it, are of the same hour.
    """
    begin = at.replace(minute=0, second=0, microsecond=0)
    return begin if begin == at else begin + HOUR


def hourly(samples: Iterable[Sample]) -> dict[datetime, float]:
    """Means by the hour's end; of several values of one moment the last one counts, which is a correction."""
    last = dict(samples)
    totals: dict[datetime, list[float]] = {}
    for at, value in last.items():
        if isfinite(value):
            totals.setdefault(hour_end(at), []).append(value)
    return {end: sum(values) / len(values) for end, values in totals.items()}


@dataclass(frozen=True)
class Air:
    """The index of one hour: until when it goes, the index (None: no data), and the particles' NowCast by name."""

    until: datetime
    index: Aqi | None
    nowcast: Mapping[str, float | None] = field(default_factory=dict)


def air_hour(hours: Mapping[str, Hours], at: datetime, figures: Figures) -> Air:
    """The VN_AQI of the last hour that is over at a moment, from hourly means (µg/m³) by parameter.

    Particles count by their 12 h NowCast, gases by the mean of that hour.
    """
    end = at.replace(minute=0, second=0, microsecond=0)
    own = {
        name: nowcast([hours.get(name, {}).get(end - back * HOUR) for back in range(NOWCAST_H)]) for name in PARTICLES
    }
    gases = {f"{name}_1h": hours.get(name, {}).get(end) for name in GASES}
    # The figures are those of the hour itself: it belongs to the day that it ends.
    return Air(end, aqi({**own, **gases}, figures, end - timedelta(microseconds=1)), own)


def air_day(hours: Mapping[str, Hours], begin: datetime, figures: Figures) -> Aqi | None:
    """The VN_AQI of the 24 hours from `begin` on: the particles' mean, the gases' greatest hour, ozone's eight hours.

    None where neither particle has enough hours.
    """
    ends = [begin + number * HOUR for number in range(1, DAY_H + 1)]

    def known(name: str) -> list[float]:
        return [hours[name][end] for end in ends if end in hours.get(name, {})]

    found: dict[str, float | None] = {}
    for name in PARTICLES:
        values = known(name)
        found[name] = sum(values) / len(values) if len(values) >= DAY_LEAST_H else None
    found |= {f"{name}_1h": max(known(name), default=None) for name in GASES}
    found["o3_8h"] = max(_eights(hours.get("o3", {}), ends), default=None)
    return aqi(found, figures, begin)


def _eights(hours: Hours, ends: Sequence[datetime]) -> list[float]:
    """The means of each eight hours that end within the day, of those with enough hours."""
    means = []
    for end in ends:
        own = [hours[end - back * HOUR] for back in range(EIGHT_H) if end - back * HOUR in hours]
        if len(own) >= EIGHT_LEAST_H:
            means.append(sum(own) / len(own))
    return means


def rise_m_h(levels: Sequence[Sample], at: datetime) -> float | None:
    """Metres an hour by which a river rises (falls: below nought) at a moment, from levels in the order of time.

    None where nothing was measured at about an hour before.
    """
    known = [(when, value) for when, value in levels if when <= at and isfinite(value)]
    if not known or at - known[-1][0] > RISE_LEAST:
        return None
    last_at, last = known[-1]
    before = [one for one in known if RISE_LEAST <= last_at - one[0] <= RISE_MOST]
    if not before:
        return None
    then, value = min(before, key=lambda one: abs(last_at - one[0] - RISE_OVER))
    return (last - value) / ((last_at - then) / HOUR)


def rain_mm(falls: Sequence[Sample], at: datetime, over: timedelta) -> float | None:
    """Millimetres that fell in the time `over` up to a moment; None where nothing was told in it."""
    told = [value for when, value in dict(falls).items() if at - over < when <= at and isfinite(value)]
    return sum(told) if told else None
