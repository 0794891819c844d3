"""River stages against the alarm levels BĐ1, BĐ2, BĐ3 (QĐ 05/2020/QĐ-TTg), in the words of the bulletins."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from geo.figure import Figures, NoFigure

LEVELS = (1, 2, 3)
_CM = Decimal("0.01")


@dataclass(frozen=True)
class Stage:
    """A water level against its station's alarm levels.

    level: the highest that it has reached, 0 below the first; None where the figures do not tell. nearest: the level
    it is nearest to,
    and above_m how far above that it is (negative: below), metres to the centimetre.
    """

    water_m: Decimal
    level: int | None
    nearest: int | None = None
    above_m: Decimal | None = None

    def words(self, en: bool = False) -> str:
        """`trên BĐ2 0,56 m`; empty where nothing is known to compare it with."""
        if self.nearest is None or self.above_m is None:
            return ""
        if self.above_m == 0:
            return f"at BĐ{self.nearest}" if en else f"ở mức BĐ{self.nearest}"
        side = ("above" if en else "trên") if self.above_m > 0 else ("below" if en else "dưới")
        metres = f"{abs(self.above_m):.2f}"
        return f"{side} BĐ{self.nearest} {metres if en else metres.replace('.', ',')} m"


def levels(station: str, figures: Figures, at: datetime) -> dict[int, Decimal]:
    """The alarm levels of a station that are known at a moment, metres."""
    known: dict[int, Decimal] = {}
    for level in LEVELS:
        try:
            known[level] = Decimal(str(figures.at(f"river_{station}_bd{level}", at).value))
        except NoFigure:
            continue
    return known


def stage(station: str, water_m: float, figures: Figures, at: datetime) -> Stage:
    """The stage of a water level (metres of the station's own datum) at a moment.

    station: as in the figures river_<station>_bd1 to bd3. Not every level of each station is known; between two that
    are equally near, the lower one is told.
    """
    water = Decimal(str(water_m)).quantize(_CM, ROUND_HALF_UP)
    known = levels(station, figures, at)
    if not known:
        return Stage(water, None)
    below = 0 if LEVELS[0] in known else None  # who does not know the first level does not know whether it is reached
    reached = max((level for level, metres in known.items() if water >= metres), default=below)
    nearest = min(known, key=lambda level: (abs(water - known[level]), level))
    return Stage(water, reached, nearest, water - known[nearest])
