"""Conditions as data: which rows of a frame a kind, a rule or a fence speaks of."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Range = tuple[float | None, float | None]


def matches(frame: "pd.DataFrame", where: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Which rows satisfy every condition: column -> [low, high), None for an open end; a missing value never does.

    Returns an array of shape (len(frame),). A column that the frame lacks counts as missing.
    """
    hits = np.ones(len(frame), dtype=bool)
    for column, (low, high) in where.items():
        if column not in frame:
            return np.zeros(len(frame), dtype=bool)
        values = frame[column].to_numpy(dtype=float, na_value=np.nan)
        hits &= ~np.isnan(values)
        if low is not None:
            hits &= values >= low
        if high is not None:
            hits &= values < high
    return hits
