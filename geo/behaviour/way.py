"""One boat's fixes in the order of time with what every judgement of them needs: speeds, ways, ports."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.anomaly import KNOT, distance_m
from geo.fence import PORT, Fence, widen

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ports:
    """Ports as circles or areas: `core` in which a boat arrives, `wide` out of which it leaves; middles in degrees."""

    keys: tuple[str, ...]
    core: tuple[shapely.Geometry, ...]
    wide: tuple[shapely.Geometry, ...]
    lon: Floats
    lat: Floats

    def distances_m(self, lon: ArrayLike, lat: ArrayLike) -> Floats:
        """Metres from each of n places to the middle of each port, shape (n, ports)."""
        lon, lat = np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float))
        return distance_m(lon[:, None], lat[:, None], self.lon, self.lat)

    def nearest(self, lon: float, lat: float) -> tuple[str | None, float]:
        """The port whose middle is nearest and the metres to it; none, and an infinite distance, without ports."""
        if not self.keys:
            return None, np.inf
        far = self.distances_m(lon, lat)[0]
        return self.keys[int(far.argmin())], float(far.min())


def ports_of(fences: Sequence[Fence]) -> Ports:
    """The ports among fences; entered at their edge, left beyond it by their own hysteresis."""
    found = [one for one in fences if one.kind == PORT and one.retired_at is None and not one.geom.is_empty]
    wide = tuple(widen(one.geom, one.hysteresis_m) for one in found)
    core = tuple(one.geom for one in found)
    for each in (*core, *wide):
        shapely.prepare(each)
    middles = [shapely.centroid(each) for each in core]
    lon, lat = (np.array([getattr(each, axis) for each in middles], float) for axis in "xy")
    return Ports(tuple(one.key for one in found), core, wide, lon, lat)


@dataclass(frozen=True)
class Way:
    """n fixes of one boat, ascending: Unix seconds, degrees, knots as told, NaN where nothing was told.

    in_port_before: whether it is known to have lain in a port before the first of them.
    """

    at: Floats
    lon: Floats
    lat: Floats
    told: Floats
    ports: Ports
    in_port_before: bool = False

    def __len__(self) -> int:
        return len(self.at)

    @cached_property
    def steps_m(self) -> Floats:
        """Metres from each fix to the next, shape (n - 1,)."""
        return distance_m(self.lon[:-1], self.lat[:-1], self.lon[1:], self.lat[1:])

    @cached_property
    def speed(self) -> Floats:
        """Knots: what the fix tells, else what the way to it from the fix before implies."""
        implied = np.append(np.nan, self.steps_m / np.maximum(np.diff(self.at), 1.0) / KNOT)
        if len(self) > 1:
            implied[0] = implied[1]
        return np.where(np.isnan(self.told), implied, self.told)

    @cached_property
    def step_s(self) -> float:
        """The middle one of the times between two fixes; infinite for fewer than two."""
        return float(np.median(np.diff(self.at))) if len(self) > 1 else np.inf

    @cached_property
    def port_m(self) -> Floats:
        """Metres from each fix to the middle of the nearest port."""
        if not self.ports.keys:
            return np.full(len(self), np.inf)
        nearest: Floats = self.ports.distances_m(self.lon, self.lat).min(axis=1)
        return nearest

    @cached_property
    def in_port(self) -> NDArray[np.bool_]:
        """Whether each fix lies in a port: from the first inside one until the first beyond all that it may lie in."""
        core, wide = self._inside(self.ports.core), self._inside(self.ports.wide)
        # What lies between is as what was before it.
        known = np.where(core | ~wide, np.arange(len(self)), -1)
        last = np.maximum.accumulate(known) if len(self) else known
        return np.where(last >= 0, core[np.maximum(last, 0)], self.in_port_before)

    def _inside(self, areas: Sequence[shapely.Geometry]) -> NDArray[np.bool_]:
        hits = np.zeros(len(self), bool)
        for each in areas:
            hits |= shapely.contains_xy(each, self.lon, self.lat)
        return hits

    def run_m(self, at: Floats) -> Floats:
        """Metres run since the first fix at moments between the first and the last, straight from fix to fix."""
        run: Floats = np.interp(at, self.at, np.append(0.0, np.cumsum(self.steps_m)))
        return run

    def place(self, at: Floats) -> tuple[Floats, Floats]:
        """Longitude and latitude at moments, straight from fix to fix."""
        return np.interp(at, self.at, self.lon), np.interp(at, self.at, self.lat)


def way_of(
    at: ArrayLike, lon: ArrayLike, lat: ArrayLike, told: ArrayLike, ports: Ports, in_port_before: bool = False
) -> Way:
    """A Way of fixes in any order, those of one moment once."""
    moments = np.asarray(at, float)
    kept, first = np.unique(moments, return_index=True)
    columns = [np.asarray(each, float)[first] for each in (lon, lat, told)]
    return Way(kept, columns[0], columns[1], columns[2], ports, in_port_before)
