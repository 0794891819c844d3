"""Who can come to help: the boats nearest to a place, with the course to steer, the distance and the time needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray
from pyproj import Geod

from geo.figure import Figures
from geo.latest import within
from geo.mmsi import MID_MAX, MID_MIN, has_country
from geo.registration import parse
from geo.table import Shape

WGS84 = Geod(ellps="WGS84")
NM_M, NM_PER_DEGREE = 1852.0, 60.0
WITHIN_NM, MOST = 60.0, 8
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
    near = [_near(connection, shape, lon, lat, now - span, within_nm, usual) for shape, span in shapes]
    near = [rows for rows in near if len(rows)]
    if not near:
        return []
    rows = pd.concat(near, ignore_index=True).sort_values("observed_at", ascending=False, kind="stable")
    rows = rows[(rows["layer_key"] != "mmsi") | _able(rows["mmsi"])]
    # By these a boat is known in more than one layer; what comes first of them was heard last.
    called = (rows["mmsi"], _registrations(rows, several=len(near) > 1))
    apart = rows["key"] != casualty
    for names in called:
        apart &= ~(names.notna() & (names.duplicated() | names.isin(names[rows["key"] == casualty])))
    # Thousands may be near, and few are asked for: what is made of each one is made of those few.
    first = rows[apart].sort_values(["reach_s", "key"], kind="stable")
    return [_rescuer(row) for row in first.head(limit).to_dict("records")]


def _near(
    connection: sa.Connection, shape: Shape, lon: float, lat: float, since: datetime, within_nm: float, usual: float
) -> pd.DataFrame:
    """Boats of one shape within the distance: ABOUT, and what a Rescuer has of place, way and time."""
    tall = within_nm / NM_PER_DEGREE
    wide = tall / max(float(np.cos(np.radians(min(abs(lat) + tall, 89.0)))), 1e-3)
    rows = within(connection, shape, (lon - wide, lat - tall, lon + wide, lat + tall), since, ABOUT)
    rows = rows.reindex(columns=[*rows.columns, *(name for name in ABOUT if name not in rows)])
    here = np.full(len(rows), lon), np.full(len(rows), lat)
    course, _, metres = WGS84.inv(rows["lon"].to_numpy(float), rows["lat"].to_numpy(float), *here)
    away = np.asarray(metres) / NM_M
    pace = np.fmax(rows["speed"].to_numpy(dtype=float, na_value=np.nan), usual)
    rows = rows.assign(
        layer=shape.name,
        layer_key=shape.key,
        key=rows.index.astype(str),
        distance_nm=away,
        course_deg=np.asarray(course) % 360,
        pace_kn=pace,
        reach_s=away / pace * 3600,
    )[away <= within_nm]
    label = rows["key"].astype(object)
    for name in ("shipname", "registration"):
        said = rows[name].notna() & (rows[name] != "")
        label = rows[name].astype(object).where(said, label)
    return rows.assign(label=label)


def _able(mmsi: pd.Series) -> NDArray[np.bool_]:
    """Which of these can come: ships, craft of a mother ship, aircraft of search and rescue (ITU-R M.585); no buoy."""
    number = mmsi.to_numpy(dtype=float, na_value=0.0).astype(np.int64)
    top = number // 1_000_000
    kinds = ((top >= MID_MIN) & (top <= MID_MAX)) | (top == 111) | (top // 10 == 98)
    able: NDArray[np.bool_] = kinds & has_country(number)
    return able


def _rescuer(row: Any) -> Rescuer:
    return Rescuer(
        layer=row["layer"],
        key=row["key"],
        label=str(row["label"]),
        lon=float(row["lon"]),
        lat=float(row["lat"]),
        observed_at=row["observed_at"].to_pydatetime(),
        distance_nm=float(row["distance_nm"]),
        course_deg=float(row["course_deg"]),
        pace_kn=float(row["pace_kn"]),
        reach_s=float(row["reach_s"]),
        mmsi=int(row["mmsi"]) if pd.notna(row["mmsi"]) else None,
        length_m=float(row["length_m"]) if pd.notna(row["length_m"]) else None,
        simulated=bool(row["simulated"]) if pd.notna(row["simulated"]) else False,
    )


def _registrations(rows: pd.DataFrame, several: bool) -> pd.Series:
    """The registration of each boat, None where it has none; several: where names of AIS are to be compared, too."""
    told = rows["registration"].astype(object).copy()
    if not several:
        return told
    spoken = told.isna() & rows["shipname"].astype(str).str.contains(r"\d{4}")
    names = [str(found) if (found := parse(name)) else None for name in rows.loc[spoken, "shipname"].tolist()]
    told[spoken] = names
    return told
