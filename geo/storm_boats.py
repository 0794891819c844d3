"""Which boats of the register a storm is over, will reach, or may: by their last fix, of their device or of AIS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd
import sqlalchemy as sa

from geo.fence import PORT, Fence, Fences
from geo.figure import Figures
from geo.storm_area import NM_M, Met, Track, meet

# inside: now; coming: on its course within the horizon; old: last heard so long ago that it may be anywhere near;
# staying: only if it stops where it is, for its course leads away; port: in port, and the storm comes there too.
Group = Literal["inside", "coming", "old", "staying", "port"]
GROUPS: tuple[Group, ...] = ("inside", "coming", "old", "staying", "port")
CALLED: tuple[Group, ...] = ("inside", "coming", "old")  # those that have to be called
_BOAT = ("registration", "shipname", "length_m", "commune", "home_province", "simulated")


@dataclass(frozen=True)
class Danger:
    """A boat and the storm. enters_at: when it is first in the danger area; distances from the storm's centre.

    level_now, level_worst: the wind's level (Beaufort) of the narrowest circle that it is in, or will be. layer: by
    what it was heard. edge_km: how near the danger area comes, below 0 inside it.
    """

    registration: str
    shipname: str | None
    length_m: float
    commune: str | None
    home_province: str
    simulated: bool
    group: Group
    layer: str
    lon: float
    lat: float
    observed_at: datetime
    speed_kn: float | None
    course_deg: float | None
    by_hand: bool
    port: str | None
    level_now: int
    level_worst: int
    enters_at: datetime | None
    distance_km: float | None
    nearest_km: float | None
    nearest_at: datetime | None
    edge_km: float | None


@dataclass(frozen=True)
class Threatened:
    """The boats that a storm concerns; which of the register were looked at, and how many have no position at all."""

    boats: tuple[Danger, ...]
    looked_at: frozenset[str]
    unplaced: int

    @property
    def placed(self) -> int:
        """How many of the register were looked at."""
        return len(self.looked_at)


def threatened(
    connection: sa.Connection,
    track: Track,
    figures: Figures,
    spans: Mapping[str, timedelta],
    ports: Sequence[Fence],
    now: datetime,
) -> Threatened:
    """The boats of the register whom the danger area holds, will hold within `storm_horizon`, or may.

    spans: for each layer (vms, vessel) after how long a fix is old. The nearer in time come first in each group.
    """
    found = last_heard(connection)
    heard = found[found["observed_at"].notna()].reset_index(drop=True)
    if heard.empty:
        return Threatened((), frozenset(), len(found))
    figure = {name: figures.at(f"storm_{name}", now) for name in ("horizon", "still_below", "old_reach")}
    age = (pd.Timestamp(now) - heard["observed_at"]).dt.total_seconds().clip(lower=0).to_numpy()
    limit = heard["layer"].map({name: span.total_seconds() for name, span in spans.items()}).to_numpy(float)
    port = _ports(heard, ports)
    old = (age > limit) & np.array([name is None for name in port])
    still = old | np.array([name is not None for name in port])
    speed = heard["speed"].to_numpy(float)
    still = still | ~(speed >= figure["still_below"].value)
    place = heard["lon"].to_numpy(float), heard["lat"].to_numpy(float)
    way = np.where(still, np.nan, speed), heard["course"].to_numpy(float)
    horizon = figure["horizon"].span
    met = meet(track, *place, *way, age, now, horizon)
    stays = np.zeros(len(heard), bool)
    apart = ~still & ~(met.worst > 0)  # of those whose course leads past it
    if apart.any():
        nothing = np.full(int(apart.sum()), np.nan)
        stopped = meet(track, place[0][apart], place[1][apart], nothing, nothing, age[apart], now, horizon)
        stays[apart] = stopped.worst > 0
    reach = old & (met.edge_m <= figure["old_reach"].value * NM_M)
    group = np.select(
        [
            [name is not None for name in port] & (met.worst > 0),
            reach,
            ~old & (met.now > 0),
            ~old & (met.worst > 0),
            stays,
        ],
        ["port", "old", "inside", "coming", "staying"],
        "",
    )
    chosen = np.flatnonzero(group != "").tolist()
    rows = heard.iloc[chosen].to_dict("records")
    boats = [_danger(row, group[n], port[n], met, n, now) for row, n in zip(rows, chosen, strict=True)]
    boats.sort(
        key=lambda one: (GROUPS.index(one.group), one.enters_at or now + horizon, one.edge_km or 0, one.registration)
    )
    return Threatened(tuple(boats), frozenset(heard["registration"]), len(found) - len(heard))


def _ports(heard: pd.DataFrame, fences: Sequence[Fence]) -> list[str | None]:
    """The key of the port that each boat was last heard in; None at sea."""
    held = Fences(tuple(one for one in fences if one.kind == PORT and one.retired_at is None))
    found: list[str | None] = [None] * len(heard)
    core, _ = held.hits(heard["lon"].to_numpy(float), heard["lat"].to_numpy(float), ())
    for key in sorted(core):
        for n in core[key].tolist():
            found[n] = found[n] or key
    return found


def _danger(row: Mapping[Any, Any], group: Group, port: str | None, met: Met, n: int, now: datetime) -> Danger:
    return Danger(
        **{name: row[name] for name in _BOAT},
        group=group,
        layer=row["layer"],
        lon=float(row["lon"]),
        lat=float(row["lat"]),
        observed_at=row["observed_at"].to_pydatetime(),
        speed_kn=_number(row["speed"]),
        course_deg=_number(row["course"]),
        by_hand=bool(row["by_hand"]),
        port=port,
        level_now=int(met.now[n]),
        level_worst=int(met.worst[n]),
        enters_at=_after(now, met.enters_s[n]),
        distance_km=_number(met.distance_m[n] / 1000),
        nearest_km=_number(met.nearest_m[n] / 1000),
        nearest_at=_after(now, met.nearest_s[n]),
        edge_km=_number(met.edge_m[n] / 1000),
    )


def _number(value: Any) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _after(now: datetime, seconds: float) -> datetime | None:
    return now + timedelta(seconds=float(seconds)) if np.isfinite(seconds) else None


# A boat's last position of either kind, whichever is newer. Which vessel it is stands in vessel.registration, where the
# clock writes it by boat_vessel (geo.heard.tell): to ask that view itself, which compares all names, takes seconds.
_NEWER = "coalesce(a.observed_at > v.observed_at, v.observed_at IS NULL)"
_HEARD = f"""
    SELECT {", ".join(f"b.{name}" for name in _BOAT)},
           CASE WHEN {_NEWER} THEN 'vessel' ELSE 'vms' END AS layer,
           greatest(a.observed_at, v.observed_at) AS observed_at,
           ST_X(CASE WHEN {_NEWER} THEN a.geom ELSE v.geom END) AS lon,
           ST_Y(CASE WHEN {_NEWER} THEN a.geom ELSE v.geom END) AS lat,
           CASE WHEN {_NEWER} THEN a.speed ELSE v.speed END AS speed,
           CASE WHEN {_NEWER} THEN a.course ELSE v.course END AS course,
           coalesce(v.manual, false) AND NOT {_NEWER} AS by_hand
    FROM boat b
    LEFT JOIN vms v ON v.registration = b.registration AND v.geom IS NOT NULL
    LEFT JOIN vessel a ON a.registration = b.registration AND a.geom IS NOT NULL
    WHERE b.retired_at IS NULL ORDER BY b.registration, 8
"""


def last_heard(connection: sa.Connection) -> pd.DataFrame:
    """Every boat in use of the register with its newest fix: layer, observed_at, lon, lat, speed, course, by_hand."""
    rows = connection.execute(sa.text(_HEARD)).mappings().all()
    names = [*_BOAT, "layer", "observed_at", "lon", "lat", "speed", "course", "by_hand"]
    frame = pd.DataFrame(rows, columns=names, dtype=object)  # a name that is missing stays None
    frame["observed_at"] = pd.to_datetime(frame["observed_at"], utc=True)
    # Until the clock has told, two vessels may bear one registration: the one that was heard last counts.
    frame = frame.drop_duplicates("registration", keep="last", ignore_index=True)
    return frame.astype(dict.fromkeys(("lon", "lat", "speed", "course"), float))
