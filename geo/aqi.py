"""VN_AQI, the air quality index of Việt Nam (QĐ 1459/QĐ-TCMT, 12 November 2019): sub-indices, hours, days, NowCast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import floor, isfinite

from geo.figure import Figures, NoFigure

# A pollutant's name says what its concentration is the mean of; all are µg/m³.
PARTICLES = ("pm25", "pm10")
POLLUTANTS = (*PARTICLES, "o3_1h", "o3_8h", "co_1h", "so2_1h", "no2_1h")
STEPS = (50, 100, 150, 200, 300, 400, 500)  # indices at which the figures aqi_<pollutant>_<index> stand
NOWCAST_H, NEWEST_H, NEWEST_LEAST, LEAST_WEIGHT = 12, 3, 2, 0.5


@dataclass(frozen=True)
class Band:
    """One level of the index: to which value, its words, and its colour as the decision has it."""

    highest: int
    vi: str
    en: str
    rgb: tuple[int, int, int]


BANDS = (
    Band(50, "Tốt", "Good", (0, 228, 0)),
    Band(100, "Trung bình", "Moderate", (255, 255, 0)),
    Band(150, "Kém", "Poor", (255, 126, 0)),
    Band(200, "Xấu", "Bad", (255, 0, 0)),
    Band(300, "Rất xấu", "Very bad", (143, 63, 151)),
    Band(500, "Nguy hại", "Hazardous", (126, 0, 35)),
)


def band(index: int) -> Band:
    """The level of an index, 0 to 500."""
    return next(one for one in BANDS if index <= one.highest)


@dataclass(frozen=True)
class Aqi:
    """An index with the pollutant that makes it, and each one's own."""

    index: int
    of: str
    parts: Mapping[str, int]

    @property
    def band(self) -> Band:
        """Its level."""
        return band(self.index)


def sub_index(pollutant: str, concentration: float, figures: Figures, at: datetime) -> int | None:
    """The index of one concentration (µg/m³), 500 at most; None below 0, or where its table does not reach.

    Ozone of eight hours has no values beyond its last figure: of more, the one of one hour tells.
    """
    if not isfinite(concentration) or concentration < 0:
        return None
    low, low_index = 0.0, 0
    for index in STEPS:
        try:
            high = figures.at(f"aqi_{pollutant}_{index}", at).value
        except NoFigure:
            return None
        if concentration <= high:
            return _whole(low_index + (concentration - low) / (high - low) * (index - low_index))
        low, low_index = high, index
    return STEPS[-1]


def aqi(concentrations: Mapping[str, float | None], figures: Figures, at: datetime) -> Aqi | None:
    """The index of an hour or of a day: the greatest of its parts, or None where neither particle is known.

    An hour's particles are their NowCast; a day's are means of 24 hours, and its gases the greatest of their hours.
    """
    parts = {}
    for name in POLLUTANTS:
        known = concentrations.get(name)
        index = None if known is None else sub_index(name, known, figures, at)
        if index is not None:
            parts[name] = index
    if not any(name in parts for name in PARTICLES):
        return None
    worst = max(parts, key=lambda name: parts[name])
    return Aqi(parts[worst], worst, parts)


def nowcast(hours: Sequence[float | None]) -> float | None:
    """The particles' mean that weighs the last hours most (12 h NowCast), from hourly means, the newest first.

    None where fewer than two of the newest three hours are known.
    """
    last = [None if each is None or not isfinite(each) or each < 0 else each for each in hours[:NOWCAST_H]]
    known = [each for each in last if each is not None]
    if sum(each is not None for each in last[:NEWEST_H]) < NEWEST_LEAST:
        return None
    most = max(known)
    weight = max(LEAST_WEIGHT, min(known) / most) if most > 0 else 1.0
    weights = [weight**hour for hour, each in enumerate(last) if each is not None]
    return sum(w * each for w, each in zip(weights, known, strict=True)) / sum(weights)


def _whole(value: float) -> int:
    """Rounded half up, as the decision rounds."""
    return floor(value + 0.5)
