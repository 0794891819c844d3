"""Values of areas in few classes for a choropleth: round limits, as many areas in each as their values allow."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor, log10

import numpy as np

MOST = 5


@dataclass(frozen=True)
class Class:
    """Values of one shade: low <= value <= high of a whole figure, low <= value < high of another; the last one ends
    with its greatest value.
    """

    low: float
    high: float


def classes(values: Iterable[float], most: int = MOST) -> list[Class]:
    """The classes of the values above zero, lowest first; none when there are none. Nothing and zero have no shade."""
    found = np.sort(np.array([value for value in values if value > 0], float))
    if not len(found):
        return []
    whole = bool((found == np.round(found)).all())
    distinct = np.unique(found)
    if whole and len(distinct) <= most:
        return [Class(float(one), float(one)) for one in distinct]
    inner = [_round(float(one)) for one in np.quantile(found, np.arange(1, most) / most)]
    lows = sorted({float(found[0]), *(one for one in inner if found[0] < one <= found[-1])})
    nexts = [*lows[1:], float(found[-1])]
    last = len(lows) - 1
    return [
        Class(low, high - 1 if whole and n < last else high)
        for n, (low, high) in enumerate(zip(lows, nexts, strict=True))
    ]


def class_of(value: float | None, known: list[Class]) -> int | None:
    """The number of a value's class from 0; None without a value and for zero."""
    if value is None or value <= 0 or not known:
        return None
    return max(sum(one.low <= value for one in known) - 1, 0)


def _round(value: float) -> float:
    """To two figures, and to whole numbers from ten on, as people say them."""
    step = 10.0 ** (floor(log10(value)) - 1)
    rounded = round(value / step) * step
    return float(round(rounded)) if rounded >= 1 else float(f"{rounded:.2g}")
