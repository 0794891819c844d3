"""Who can come to help: the boats nearest to a place, with the course to steer, the distance and the time needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from pyproj import Geod

from geo.figure import Figures
from geo.latest import within
from geo.mmsi import station_kind
from geo.registration import parse
from geo.table import Shape

WGS84 = Geod(ellps="WGS84")
NM_M, NM_PER_DEGREE = 1852.0, 60.0
WITHIN_NM, MOST = 60.0, 8
COME = ("ship", "craft", "sar_aircraft")  # of the stations that speak AIS (ITU-R M.585) those that can come
ABOUT = ("mmsi", "shipname", "registration", "speed", "length_m", "simulated")


@dataclass(frozen=True)
class Rescuer:
    """A boat that may come. course_deg: to steer from where it was, degrees true; reach_s: from there, at pace_kn.

    pace_kn is its own speed when it was heard, or the figure `rescue_pace` when it was slower or told none.
    """

    layer: str
    key: str
    label: str
    lon: float
    lat: float
    observed_at: datetime
    distance_nm: float
    course_deg: float
    pace_kn: float
    reach_s: float
    mmsi: int | None = None
    length_m: float | None = None
    simulated: bool = False


def rescuers(
    connection: sa.Connection,
    shapes: Sequence[tuple[Shape, timedelta]],
    lon: float,
    lat: float,
    figures: Figures,
    now: datetime,
    within_nm: float = WITHIN_NM,
    limit: int = MOST,
    casualty: str | None = None,
) -> list[Rescuer]:
    """The boats that can be there first, at most `limit`, of those heard within each shape's span of time.

    casualty: the key of who calls, which does not come to itself. A boat that is heard in two ways is one, where it was
    heard last. Distress transmitters, aids and coast stations do not come.
    """
    usual = figures.at("rescue_pace", now).value
    heard = [one for shape, span in shapes for one in _near(connection, shape, lon, lat, now - span, within_nm, usual)]
    found, known = [], set[str]()
    for one in heard:
        known |= _names(one) if one.key == casualty else set()
    for one in sorted(heard, key=lambda one: one.observed_at, reverse=True):
        if known.isdisjoint(_names(one)):
            found.append(one)
        known |= _names(one)
    return sorted(found, key=lambda one: (one.reach_s, one.key))[:limit]


def _near(
    connection: sa.Connection, shape: Shape, lon: float, lat: float, since: datetime, within_nm: float, usual: float
) -> list[Rescuer]:
    tall = within_nm / NM_PER_DEGREE
    wide = tall / max(float(np.cos(np.radians(min(abs(lat) + tall, 89.0)))), 1e-3)
    rows = within(connection, shape, (lon - wide, lat - tall, lon + wide, lat + tall), since, ABOUT)
    if shape.key == "mmsi":
        rows = rows[[station_kind(int(number)) in COME for number in rows["mmsi"]]]
    if rows.empty:
        return []
    here = np.full(len(rows), lon), np.full(len(rows), lat)
    course, _, metres = WGS84.inv(rows["lon"].to_numpy(), rows["lat"].to_numpy(), *here)
    away = np.asarray(metres) / NM_M
    speed = rows["speed"].to_numpy(dtype=float) if "speed" in rows else np.full(len(rows), np.nan)
    pace = np.fmax(speed, usual)
    return [
        Rescuer(
            layer=shape.name,
            key=str(key),
            label=_text(row, "registration") or _text(row, "shipname") or str(key),
            lon=float(row["lon"]),
            lat=float(row["lat"]),
            observed_at=row["observed_at"].to_pydatetime(),
            distance_nm=float(away[at]),
            course_deg=float(course[at] % 360),
            pace_kn=float(pace[at]),
            reach_s=float(away[at] / pace[at] * 3600),
            mmsi=int(row["mmsi"]) if pd.notna(row.get("mmsi")) else None,
            length_m=float(row["length_m"]) if pd.notna(row.get("length_m")) else None,
            simulated=bool(row.get("simulated", False)),
        )
        for at, (key, row) in enumerate(rows.iterrows())
        if away[at] <= within_nm
    ]


def _text(row: Any, name: str) -> str:
    value = row.get(name)
    return str(value) if isinstance(value, str) and value else ""


def _names(one: Rescuer) -> set[str]:
    """By what a boat is known in more than one layer: its MMSI, its registration; else by its key in its own."""
    registration = parse(one.label)
    names = {str(one.mmsi) if one.mmsi is not None else "", str(registration or "")} - {""}
    return names or {f"{one.layer}.{one.key}"}
