"""Which positions lie clearly inland: so far from every shore and river of the base map that no boat can be there."""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.basemap import FINEST, Section, basemap

Floats = NDArray[np.float64]
# The base map knows rivers in this box only (west, south, east, north); elsewhere a barge may be anywhere on land.
WEST, SOUTH, EAST, NORTH = 97.0, 7.5, 110.5, 25.5
CELL = 0.025  # degrees: 2.8 km of latitude
ROWS, COLUMNS = round((NORTH - SOUTH) / CELL), round((EAST - WEST) / CELL)


def is_inland(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Whether each point (degrees, equal lengths; NaN is not) lies in Indochina, on land and away from all water.

    No shore, lagoon, lake, river or border passes through the point's cell or one of the eight around it: 2.5 km at
    least. The base map is good to 70 m there, and lagoons and rivers near Huế are water for boats.
    """
    column, row = _place(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
    inside = (column >= 0) & (column < COLUMNS) & (row >= 0) & (row < ROWS)
    found: NDArray[np.bool_] = inside & _inland()[row * inside, column * inside]
    return found


@lru_cache(maxsize=1)
def _inland() -> NDArray[np.bool_]:
    """The cells (rows from the south, columns from the west) without water near; made once, in a tenth of a second."""
    sections = {name: section.at(FINEST) for name, section in basemap()[1].items()}
    near = np.zeros((ROWS, COLUMNS), bool)
    for name, section in sections.items():
        start, end = _edges(section, closed=name == "shore")
        beside = (np.maximum(start, end) < (WEST, SOUTH)) | (np.minimum(start, end) > (EAST, NORTH))
        start, way = start[~beside.any(axis=1)], (end - start)[~beside.any(axis=1)]
        edge, step, steps = _counted(np.ceil(np.abs(way).max(axis=1) / (CELL / 2)).astype(np.int64) + 1)
        points = start[edge] + way[edge] * (step / steps[edge])[:, None]
        column, row = _place(points[:, 0], points[:, 1])
        inside = (column >= 0) & (column < COLUMNS) & (row >= 0) & (row < ROWS)
        near[row[inside], column[inside]] = True
    for axis in (0, 1):  # nothing comes round from the other side that matters: the box begins and ends in doubt
        near = near | np.roll(near, 1, axis) | np.roll(near, -1, axis)
    return _land(sections["shore"]) & ~near


def _place(lon: Floats, lat: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Column and row of points; those outside, and NaN, get numbers that no cell has."""
    column, row = (np.floor(np.nan_to_num(each, nan=-1e3) / CELL) for each in (lon - WEST, lat - SOUTH))
    return column.astype(np.int64), row.astype(np.int64)


def _edges(section: Section, closed: bool) -> tuple[Floats, Floats]:
    """Start and end (n, 2) of every edge; a ring's last vertex leads back to its first."""
    following = np.arange(len(section.points)) + 1
    last = section.starts[1:] - 1
    following[last] = section.starts[:-1] if closed else last
    return section.points, section.points[following]


def _counted(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Each index as often as its count says, the numbers 0, 1, 2... of its times, and the counts."""
    index = np.repeat(np.arange(len(counts)), counts)
    return index, np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts), counts


def _land(shore: Section) -> NDArray[np.bool_]:
    """Cells whose middle is land by the even-odd rule: a row is switched where an edge crosses its middle line."""
    start, end = _edges(shore, closed=True)
    ends = np.sort(np.column_stack([start[:, 1], end[:, 1]]), axis=1)
    low, high = np.ceil((ends - SOUTH) / CELL - 0.5).astype(np.int64).clip(0, ROWS).T
    edge, step, _ = _counted(high - low)
    row = low[edge] + step
    part = (SOUTH + (row + 0.5) * CELL - start[edge, 1]) / (end - start)[edge, 1]
    lon = start[edge, 0] + part * (end - start)[edge, 0]
    # An edge west of the box switches its whole row, one east of it nothing.
    column = np.ceil((lon - WEST) / CELL - 0.5).astype(np.int64).clip(0, COLUMNS)
    switched = np.zeros((ROWS, COLUMNS + 1), np.int64)
    np.add.at(switched, (row, column), 1)
    land: NDArray[np.bool_] = np.cumsum(switched[:, :COLUMNS], axis=1) % 2 == 1
    return land
