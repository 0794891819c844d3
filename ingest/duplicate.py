"""One transmission heard by two stations is one position: same object, same payload, within seconds."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from geo.column import array_text, epoch_us
from geo.table import Shape

# Two stations' clocks and their ways here differ by seconds; no transponder repeats a payload that soon: its own
# second or its communication state differ from one report to the next (ITU-R M.1371-5 annex 8, tables 48, 67).
WINDOW_S = 10.0


def drop(
    connection: sa.Connection, shape: Shape, frame: pd.DataFrame, window_s: float
) -> tuple[pd.DataFrame, Counter[int]]:
    """The frame without fixes that it repeats, or that are in the history within window_s already.

    frame: rows sorted by time with the key, observed_at, lon and, from feeds that know it, fingerprint. Call it with
    the keys' latest rows locked: then whoever hears the same objects waits, and reads what is stored here.
    Returns what stays, and how many were dropped by batch number.
    """
    if shape.history is None or "fingerprint" not in frame or "fingerprint" not in shape.history.c:
        return frame, Counter()
    seconds = epoch_us(frame["observed_at"]) / 1e6
    fixed = np.flatnonzero((frame["fingerprint"].notna() & frame["lon"].notna()).to_numpy())
    keys = (
        frame[shape.key].to_numpy(np.int64)[fixed] if shape.key_is_number else pd.factorize(frame[shape.key])[0][fixed]
    )
    prints = frame["fingerprint"].to_numpy()[fixed].astype(np.int64)
    times = seconds[fixed]
    order = np.lexsort((times, prints, keys))
    again = np.zeros(len(fixed), bool)
    same = (np.diff(keys[order]) == 0) & (np.diff(prints[order]) == 0) & (np.diff(times[order]) <= window_s)
    again[order[1:]] = same
    stored = _stored(connection, shape, frame.iloc[fixed], times, window_s)
    if len(stored):
        again |= _near(frame.iloc[fixed], shape.key, prints, times, stored, window_s)
    if not again.any():
        return frame, Counter()
    gone = fixed[again]
    stays = np.ones(len(frame), bool)
    stays[gone] = False
    return frame[stays], Counter(frame["batch"].to_numpy()[gone].tolist())


def _stored(
    connection: sa.Connection, shape: Shape, frame: pd.DataFrame, times: Any, window_s: float
) -> dict[tuple[Any, int], list[float]]:
    """Times (epoch seconds) of the stored fixes that have a key and a fingerprint of the frame, near its times."""
    if frame.empty:
        return {}
    spans = pd.DataFrame({"key": frame[shape.key].to_numpy(), "at": times}).groupby("key")["at"].agg(["min", "max"])
    key_type = "bigint" if shape.key_is_number else "text"
    assert shape.history is not None
    query = sa.text(
        f"SELECT h.{shape.key}, h.fingerprint, extract(epoch FROM h.observed_at)::float8"
        f" FROM unnest(CAST(:keys AS {key_type}[]), CAST(:since AS float8[]), CAST(:until AS float8[])) AS w(k, a, b)"
        f" JOIN {shape.history.name} h"
        f"   ON h.{shape.key} = w.k AND h.observed_at BETWEEN to_timestamp(w.a) AND to_timestamp(w.b)"
        " WHERE h.fingerprint = ANY(CAST(:prints AS bigint[]))"
    )
    values = {
        "keys": array_text(spans.index.tolist()) if shape.key_is_number else spans.index.tolist(),
        "since": array_text((spans["min"] - window_s).tolist()),
        "until": array_text((spans["max"] + window_s).tolist()),
        "prints": array_text(frame["fingerprint"].astype("int64").tolist()),
    }
    found: dict[tuple[Any, int], list[float]] = {}
    for key, fingerprint, at in connection.execute(query, values):
        found.setdefault((key, fingerprint), []).append(at)
    return found


def _near(
    frame: pd.DataFrame, key: str, prints: Any, times: Any, stored: dict[tuple[Any, int], list[float]], window_s: float
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    near = np.isin(prints, [fingerprint for _, fingerprint in stored])
    for row in np.flatnonzero(near).tolist():
        known = stored.get((frame[key].iloc[row], prints[row]), ())
        near[row] = any(abs(times[row] - at) <= window_s for at in known)
    return near
