"""Anomalies of a batch: every fix compared with the one before it, its marks and its track; kept once per thing."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from geo import anomaly, table
from geo.column import epoch_us
from geo.inland import is_inland
from geo.mmsi import has_country
from geo.table import Shape

FISHING = 30  # ship_type of M.1371
AIRCRAFT = 111  # M.585: aircraft on search and rescue may well fly
NO_LIMIT_KN = 1e6
BEFORE = ("anomaly", "track", "ship_type")  # what is looked at of a thing's state besides its place and time
KEEP = """
    INSERT INTO anomaly (layer, object_key, kind, first_at, last_at, count, evidence)
    SELECT :layer, told.* FROM jsonb_to_recordset(CAST(:told AS jsonb))
        AS told (object_key text, kind text, first_at timestamptz, last_at timestamptz, count bigint, evidence jsonb)
    ON CONFLICT (layer, object_key, kind) DO UPDATE SET
        first_at = least(anomaly.first_at, excluded.first_at), last_at = greatest(anomaly.last_at, excluded.last_at),
        count = anomaly.count + excluded.count, evidence = anomaly.evidence || excluded.evidence
"""
Numbers = np.ndarray[Any, Any]


@dataclass
class _Fixes:
    """The batch's fixes: their rows of the frame, which row of the before-state each meets, and what is found out."""

    row: Numbers
    slot: Numbers
    at: Numbers  # epoch seconds; of a fix told ahead of its time, that of its reception
    lon: Numbers
    lat: Numbers
    speed: Numbers  # told, in knots; NaN = none
    bits: Numbers
    track: Numbers


def mark(
    connection: sa.Connection, shape: Shape, frame: pd.DataFrame, before: pd.DataFrame
) -> tuple[pd.DataFrame, pd.Series]:
    """The frame with its columns `anomaly` and `track`, and by key the bits that stand for it in its latest state.

    frame: rows in time order with received_at; before: the locked state of their keys. What is found is counted in the
    table `anomaly`, one row per thing and kind. Shapes without these columns pass unchanged.
    """
    placed = np.flatnonzero(frame["lon"].notna().to_numpy()) if "anomaly" in shape.fix_columns() else np.empty(0, int)
    if not len(placed):
        return frame, pd.Series(dtype=float)
    fixes = _look(shape, frame, before, placed)
    limit = _limits(shape, before)
    chain, metres, seconds = _steps(fixes, before)
    slots = fixes.slot[chain]
    fixes.bits[chain] |= anomaly.odd_links(metres, seconds, limit[slots], fixes.speed[chain])
    astray = anomaly.apart(metres, seconds) & (limit[slots] < NO_LIMIT_KN)
    lost = before["track"].to_numpy() == anomaly.NO_TRACK
    split = np.union1d(slots[astray], np.intersect1d(np.flatnonzero(lost), slots))
    marked = np.flatnonzero(before["anomaly"].to_numpy() > 0)
    kept = _kept(connection, shape, before.index[np.union1d(split, marked)])
    of = [chain[slice(*np.searchsorted(slots, (slot, slot + 1)))] for slot in split.tolist()]
    tracks = {
        slot: _follow(fixes, rows, slot, before, kept, limit[slot])
        for slot, rows in zip(split.tolist(), of, strict=True)
    }
    _keep(connection, shape, frame, before, fixes, tracks)
    columns = {name: np.full(len(frame), np.nan) for name in ("anomaly", "track")}
    columns["anomaly"][fixes.row], columns["track"][fixes.row] = fixes.bits, fixes.track
    return frame.assign(**columns), _standing(before, fixes, kept)


def _look(shape: Shape, frame: pd.DataFrame, before: pd.DataFrame, placed: Numbers) -> _Fixes:
    """What each fix shows by itself."""
    keys = frame[shape.key].to_numpy()[placed]
    lon, lat = (frame[name].to_numpy()[placed] for name in ("lon", "lat"))
    told, heard = (_seconds(frame[name])[placed] for name in ("observed_at", "received_at"))
    ahead = told - heard > anomaly.AHEAD_MAX.total_seconds()
    slot = before.index.get_indexer(pd.Index(keys))
    bits = ahead * anomaly.FUTURE | anomaly.is_zero(lon, lat) * anomaly.ZERO_POSITION
    bits |= is_inland(lon, lat) * anomaly.ON_LAND
    if "anomaly" in frame:  # what is known of a fix beforehand
        bits |= np.nan_to_num(frame["anomaly"].to_numpy(float)[placed]).astype(int)
    if shape.key == "mmsi":
        bits |= ~has_country(keys) * anomaly.INVALID_MID
    track = np.nan_to_num(before["track"].to_numpy()[slot]).clip(0).astype(int)
    track[((bits & anomaly.ZERO_POSITION) > 0) | ~anomaly.counts(bits)] = anomaly.NO_TRACK
    speed = frame["speed"].to_numpy()[placed] if "speed" in frame else np.full(len(placed), np.nan)
    return _Fixes(placed, slot, np.where(ahead, heard, told), lon, lat, speed, bits, track)


def _limits(shape: Shape, before: pd.DataFrame) -> Numbers:
    """The most that each thing of the before-state can do, in knots."""
    limit = np.full(len(before), anomaly.SPEED_MAX_KN)
    if "ship_type" in before:
        limit[before["ship_type"].to_numpy() == FISHING] = anomaly.FISHING_MAX_KN
    if shape.key == "mmsi":
        limit[before.index.to_numpy() // 1_000_000 == AIRCRAFT] = NO_LIMIT_KN
    return limit


def _steps(fixes: _Fixes, before: pd.DataFrame) -> tuple[Numbers, Numbers, Numbers]:
    """The fixes that have a place in time, by thing; and metres and seconds from the one before (NaN = there is none).

    A fix older than the state it meets is compared with nothing, and neither is a placeholder.
    """
    lon, lat, at = before["lon"].to_numpy(), before["lat"].to_numpy(), _seconds(before["observed_at"])
    lon = np.where(anomaly.is_zero(lon, lat), np.nan, lon)
    late = fixes.at < at[fixes.slot]
    order = np.lexsort((fixes.at, fixes.slot))
    chain = order[~late[order] & (fixes.track[order] != anomaly.NO_TRACK)]
    slot, x, y, t = fixes.slot[chain], fixes.lon[chain], fixes.lat[chain], fixes.at[chain]
    first = np.r_[True, slot[1:] != slot[:-1]][: len(chain)]
    from_x, from_y, from_t = (
        np.where(first, known[slot], np.roll(own, 1)) for known, own in ((lon, x), (lat, y), (at, t))
    )
    return chain, anomaly.distance_m(from_x, from_y, x, y), t - from_t


def _follow(
    fixes: _Fixes, rows: Numbers, slot: int, before: pd.DataFrame, kept: Mapping[str, list[Any]], limit_kn: float
) -> list[anomaly.Track]:
    """Sort one thing's fixes into tracks; returns the tracks as they are after the batch."""
    state = before.iloc[slot]
    known = {one.number: one for one in _tracks(kept.get(str(before.index[slot]), []))}
    last = int(state["track"]) if pd.notna(state["track"]) else 0
    current = None if pd.isna(state["lon"]) or last == anomaly.NO_TRACK else last
    if current is not None:
        at = state["observed_at"].timestamp()
        began = known[current].began if current in known else at
        known[current] = anomaly.Track(current, began, at, state["lon"], state["lat"])
    columns = (each[rows].tolist() for each in (fixes.at, fixes.lon, fixes.lat, fixes.speed))
    steps, tracks = anomaly.follow(map(anomaly.Fix, *columns), list(known.values()), current, limit_kn)
    by_itself = fixes.bits[rows] & ~(anomaly.JUMP | anomaly.IMPOSSIBLE_SPEED)
    fixes.bits[rows] = by_itself | [step.bits for step in steps]
    fixes.track[rows] = [step.track for step in steps]
    return tracks


def _tracks(rows: list[Any]) -> list[anomaly.Track]:
    """The tracks that the newest of a thing's rows knows."""
    told = [row for row in rows if "tracks" in row.evidence]
    newest = max(told, key=lambda row: row.last_at).evidence["tracks"] if told else []
    return [anomaly.Track(**one) for one in newest]


def _kept(connection: sa.Connection, shape: Shape, keys: pd.Index) -> dict[str, list[Any]]:
    """What is known of things by key; few have anything."""
    if keys.empty:
        return {}
    column = table.anomaly.c
    wanted = column.object_key == sa.func.any([str(key) for key in keys])
    found: dict[str, list[Any]] = {}
    for row in connection.execute(sa.select(table.anomaly).where(column.layer == shape.name, wanted)):
        found.setdefault(row.object_key, []).append(row)
    return found


def _standing(before: pd.DataFrame, fixes: _Fixes, kept: Mapping[str, list[Any]]) -> pd.Series:
    """By key: the bits of this batch, and those of the last hour before each thing's newest fix."""
    bits, newest = np.zeros(len(before), int), np.full(len(before), -np.inf)
    np.bitwise_or.at(bits, fixes.slot, fixes.bits)
    np.maximum.at(newest, fixes.slot, fixes.at)
    met = np.unique(fixes.slot)
    for slot in met[before["anomaly"].to_numpy()[met] > 0].tolist():
        for row in kept.get(str(before.index[slot]), []):
            if row.last_at.timestamp() >= newest[slot] - anomaly.STANDS.total_seconds():
                bits[slot] |= anomaly.BY_NAME[row.kind].bit
    return pd.Series(bits[met].astype(float), index=before.index[met])


def stand(shape: Shape, frame: pd.DataFrame, standing: pd.Series) -> pd.DataFrame:
    """The frame as its fixes become latest state: with what stands for each thing, which outlives a single fix."""
    return frame.assign(anomaly=frame[shape.key].map(standing)) if len(standing) else frame


def _keep(
    connection: sa.Connection,
    shape: Shape,
    frame: pd.DataFrame,
    before: pd.DataFrame,
    fixes: _Fixes,
    tracks: Mapping[int, list[anomaly.Track]],
) -> None:
    """Count the batch's findings in the table: one row per thing and kind, updated and never multiplied."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    known = {slot: [asdict(one) for one in own] for slot, own in tracks.items()}
    found = np.flatnonzero(fixes.bits)
    found = found[np.argsort(fixes.at[found], kind="stable")]
    ahead_s = (_seconds(frame["observed_at"]) - _seconds(frame["received_at"]))[fixes.row[found]]
    columns = [each[found].tolist() for each in (fixes.slot, fixes.at, fixes.lon, fixes.lat, fixes.bits)]
    for slot, at, lon, lat, bits, ahead in zip(*columns, ahead_s.tolist(), strict=True):
        evidence: dict[str, Any] = {"lon": round(lon, 6), "lat": round(lat, 6)}
        if bits & anomaly.FUTURE:
            evidence["ahead_s"] = round(ahead, 1)
        if slot in known:
            evidence["tracks"] = known[slot]
        for kind in anomaly.kinds_of(bits):
            when = datetime.fromtimestamp(at, UTC).isoformat()
            own = rows.setdefault((str(before.index[slot]), kind.name), {"first_at": when, "count": 0})
            own |= {"last_at": when, "count": own["count"] + 1, "evidence": evidence}
    if not rows:
        return
    told = [{"object_key": key, "kind": kind, **row} for (key, kind), row in sorted(rows.items())]
    # As one value: the rows of a flood would be more parameters than a statement may have.
    connection.execute(sa.text(KEEP), {"layer": shape.name, "told": json.dumps(told)})


def _seconds(times: pd.Series) -> Numbers:
    """Epoch seconds; NaN where there is no time."""
    return np.where(times.isna(), np.nan, epoch_us(times) / 1e6)
