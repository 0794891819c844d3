"""A raster over areas: whole cells answer for most points, and only cells that an edge touches need the exact test."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
CELLS_MAX = 1 << 21  # cells, and pairs of a cell and an area over it: tens of megabytes however large the areas are
SCALES = 2.0 ** np.arange(12, -12, -0.5)  # cells per degree, finest first
# An edge this near to a cell, in cells, touches it: far more than the rounding of any coordinate on the globe.
TOUCH = 1e-6


@dataclass(frozen=True)
class Raster:
    """Which of many areas hold which of many points, as shapely's `intersects` tells: a point on an edge is held.

    An edge crosses no cell that it does not touch, so such a cell lies wholly in an area or wholly off it.
    """

    areas: NDArray[Any]
    west: float
    south: float
    scale: float
    columns: int
    rows: int
    starts: NDArray[np.int32]  # of each cell's entries
    entries: NDArray[np.int32]  # area * 2, + 1 where an edge touches the cell
    edges: NDArray[np.int32]  # how many cells with an edge lie south-west of each corner

    def hits(self, lon: Floats, lat: Floats) -> dict[int, Indices]:
        """The points that each area holds, by the area's number, in ascending order; no areas without points."""
        cell = self._cells(lon, self.west, self.columns) + self.columns * self._cells(lat, self.south, self.rows)
        start, end = self.starts[cell], self.starts[cell + 1]
        points = np.flatnonzero(start < end)
        start, end, found = start[points], end[points], [(self.entries[:0], points[:0])]
        while len(points):  # every cell's first entry, then its second, ...: few cells have many
            found.append((self.entries[start], points))
            more = np.flatnonzero(start + 1 < end)
            points, start, end = points[more], start[more] + 1, end[more]
        entries, points = (np.concatenate(column) for column in zip(*found, strict=True))
        # Sixteen bits are sorted in linear time.
        order = np.argsort((entries >> 1).astype(np.uint16 if len(self.areas) < 1 << 16 else np.int32), kind="stable")
        entries, points = entries[order], points[order]
        doubt = np.flatnonzero(entries & 1)
        asked, held = points[doubt], np.ones(len(points), dtype=bool)
        held[doubt] = shapely.intersects_xy(self.areas[entries[doubt] >> 1], lon[asked], lat[asked])
        areas, points = entries[held] >> 1, points[held]
        begins = np.flatnonzero(np.diff(areas, prepend=-1))
        parts = np.split(points, begins[1:])
        return {int(areas[begin]): np.sort(part) for begin, part in zip(begins, parts, strict=False)}

    def near_edge(self, lon0: Floats, lat0: Floats, lon1: Floats, lat1: Floats) -> NDArray[np.bool_]:
        """Which boxes between two corners have a cell with an edge in them; all others cross no edge."""
        west, east = (self._cells(low(lon0, lon1), self.west, self.columns) for low in (np.fmin, np.fmax))
        south, north = (self._cells(low(lat0, lat1), self.south, self.rows) for low in (np.fmin, np.fmax))
        total = self.edges[north + 1, east + 1] - self.edges[south, east + 1]
        found: NDArray[np.bool_] = total - self.edges[north + 1, west] + self.edges[south, west] > 0
        return found

    def _cells(self, values: Floats, origin: float, number: int) -> Indices:
        # What lies outside falls into the outermost cells, which are empty; so does what is no number.
        cells: Indices = np.fmin(np.fmax((values - origin) * self.scale, 0), number - 1).astype(np.intp)
        return cells


def expand(first: NDArray[Any], last: NDArray[Any]) -> tuple[Indices, Indices]:
    """Every number of the ranges [first, last] one after the other, each with its range's index."""
    count = last - first + 1
    which = np.repeat(np.arange(len(count)), count)
    before = np.repeat(np.cumsum(count) - count, count)
    return which, np.arange(len(which)) - before + np.repeat(first, count)


def raster(areas: Sequence[Any]) -> Raster:
    """A raster over valid areas (polygons, or what make_valid left of them), none of them empty."""
    prepared = np.array(areas, dtype=object)
    shapely.prepare(prepared)
    boxes = shapely.bounds(prepared).reshape(-1, 4)
    extent = [*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)] if len(boxes) else [0.0] * 4
    whole = np.array([extent])
    fitting = (scale for scale in SCALES if max(_cost(boxes, scale), _cost(whole, scale)) <= CELLS_MAX)
    scale = next(fitting, SCALES[-1])
    west, south = extent[0] - 1.5 / scale, extent[1] - 1.5 / scale  # at least one empty cell on each side
    columns, rows = (int((extent[i + 2] - extent[i]) * scale) + 4 for i in (0, 1))
    corner = np.array([west, south])
    edges = np.zeros((rows + 1, columns + 1), dtype=np.int32)
    cells, entries = [np.zeros(0, np.intp)], [np.zeros(0, np.int32)]
    for number, area in enumerate(prepared):
        row, column, cover = _cover(area, corner, scale)
        cells.append(row * columns + column)
        entries.append(number * 2 + cover)
        edges[row[cover == 1] + 1, column[cover == 1] + 1] = 1
    cell = np.concatenate(cells)
    starts = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=rows * columns))]).astype(np.int32)
    ordered = np.concatenate(entries)[np.argsort(cell, kind="stable")]
    corners = edges.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32)
    return Raster(prepared, west, south, float(scale), columns, rows, starts, ordered, corners)


def _cost(boxes: Floats, scale: float) -> float:
    """Number of cells of all boxes together."""
    return float((((boxes[:, 2:] - boxes[:, :2]) * scale + 4).prod(axis=1)).sum())


def _cover(area: Any, corner: Floats, scale: float) -> tuple[Indices, Indices, NDArray[np.int32]]:
    """The cells that an area covers: row, column, and 1 where an edge touches the cell, else 0."""
    rows, columns = _touched((_edges(area) - corner) * scale)
    south, west = rows.min(), columns.min()
    touched = np.zeros((rows.max() - south + 1, columns.max() - west + 1), dtype=bool)
    touched[rows - south, columns - west] = True
    # Along a row, what lies between two touched cells is all inside or all outside: its first cell tells.
    first = ~touched
    first[:, 1:] &= touched[:, :-1]
    row, column = np.nonzero(first)
    x, y = ((np.column_stack([column + west, row + south]) + 0.5) / scale + corner).T
    held = np.concatenate([[False], shapely.intersects_xy(area, x, y)])
    row, column = np.nonzero(touched | held[np.cumsum(first).reshape(first.shape)])
    return row + south, column + west, touched[row, column].astype(np.int32)


def _edges(area: Any) -> Floats:
    """An area's edges, shape (n, 2 ends, 2 coordinates); a single point of it is an edge of no length."""
    parts = shapely.get_parts(shapely.get_parts(area))
    flat = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    lines = np.concatenate([shapely.get_rings(parts[flat]), parts[~flat]])
    ends, line = shapely.get_coordinates(lines, return_index=True)
    begins = np.where((np.diff(line, prepend=-1) == 0)[:, None], np.roll(ends, 1, axis=0), ends)
    return np.stack([begins, ends], axis=1)


def _touched(edges: Floats) -> tuple[Indices, Indices]:
    """Rows and columns of the cells that the edges touch, in units of cells; a cell may come more than once."""
    edges = np.where((edges[:, :1, :1] > edges[:, 1:, :1]), edges[:, ::-1], edges)  # from west to east
    (x0, y0), (x1, y1) = edges[:, 0].T, edges[:, 1].T
    which, column = expand(*(np.floor(x).astype(np.intp) for x in (x0 - TOUCH, x1 + TOUCH)))
    x0, y0, run, rise = x0[which], y0[which], (x1 - x0)[which], (y1 - y0)[which]
    steep = run < TOUCH
    run[steep] = 1
    inside, outside = (np.clip((column + border - x0) / run, 0, 1) for border in (-TOUCH, 1 + TOUCH))
    # What hardly moves between two columns may be anywhere along its way.
    ends = np.stack([y0 + rise * np.where(steep, 0, inside), y0 + rise * np.where(steep, 1, outside)])
    back, row = expand(*(np.floor(y).astype(np.intp) for y in (ends.min(axis=0) - TOUCH, ends.max(axis=0) + TOUCH)))
    return row, column[back]
