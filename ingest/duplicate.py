"""One transmission heard by two stations is one position: same object, same payload, within seconds."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from geo.column import array_text, epoch_us, read_frame
from geo.table import Shape

# Two stations' clocks and their ways here differ by seconds; no transponder repeats a payload that soon: its own
# second or its communication state differ from one report to the next (ITU-R M.1371-5 annex 8, tables 48, 67).
WINDOW_S = 10.0
Numbers = np.ndarray[Any, Any]


def drop(
    connection: sa.Connection, shape: Shape, frame: pd.DataFrame, before: pd.DataFrame, window_s: float
) -> tuple[pd.DataFrame, Counter[int]]:
    """The frame without fixes that it repeats, or that are in the history within window_s already.

    frame: rows sorted by time with the key, observed_at, received_at, lon and, from feeds that know it, fingerprint.
    before: the keys' latest rows, locked: whoever hears the same objects waits for them, and then reads what is stored
    here. Returns what stays, and how many were dropped by batch number.
    """
    if shape.history is None or "fingerprint" not in frame or "fingerprint" not in shape.history.c:
        return frame, Counter()
    fixed = np.flatnonzero((frame["fingerprint"].notna() & frame["lon"].notna()).to_numpy())
    if not len(fixed):
        return frame, Counter()
    fixes = frame.iloc[fixed]
    keys, names = pd.factorize(fixes[shape.key])
    prints = fixes["fingerprint"].to_numpy().astype(np.int64)
    times = epoch_us(fixes["observed_at"]) / 1e6
    order = np.lexsort((times, prints, keys))
    again = np.zeros(len(fixed), bool)
    same = (np.diff(keys[order]) == 0) & (np.diff(prints[order]) == 0) & (np.diff(times[order]) <= window_s)
    again[order[1:]] = same
    # Nothing is stored near a fix that is newer than all that is known; one told ahead of its time was known at its
    # reception.
    heard = np.minimum(times, epoch_us(fixes["received_at"]) / 1e6)
    latest = epoch_us(before["observed_at"])[before.index.get_indexer(names)] / 1e6
    old = np.flatnonzero((heard - window_s <= latest[keys]) & ~again)
    if len(old):
        stored = _stored(connection, shape, names, keys[old], times[old], window_s)
        again[old] |= _near(names, keys[old], prints[old], times[old], stored, window_s)
    if not again.any():
        return frame, Counter()
    stays = np.ones(len(frame), bool)
    stays[fixed[again]] = False
    return frame[stays], Counter(frame["batch"].to_numpy()[~stays].tolist())


def _stored(
    connection: sa.Connection, shape: Shape, names: pd.Index, keys: Numbers, times: Numbers, window_s: float
) -> pd.DataFrame:
    """What is stored of the keys (numbers into names) near the times: key, fingerprint and at (epoch seconds)."""
    assert shape.history is not None
    spans = pd.Series(times).groupby(keys).agg(["min", "max"])
    wanted: Any = names[spans.index]
    kind = "bigint" if shape.key_is_number else "text"
    # OFFSET 0 keeps the one step down the index for each key; joined freely, a day's whole index would be read.
    query = (
        f"SELECT w.k AS key, h.fingerprint, extract(epoch FROM h.observed_at)::float8 AS at"
        f" FROM unnest(%s::{kind}[], %s::float8[], %s::float8[]) AS w(k, a, b), LATERAL ("
        f"SELECT fingerprint, observed_at FROM {shape.history.name}"
        f" WHERE {shape.key} = w.k AND observed_at BETWEEN to_timestamp(w.a) AND to_timestamp(w.b)"
        " AND fingerprint IS NOT NULL OFFSET 0) h"
    )
    given = array_text(wanted.tolist()) if shape.key_is_number else wanted.tolist()
    since, until = (array_text(each.tolist()) for each in (spans["min"] - window_s, spans["max"] + window_s))
    columns = {"key": shape.latest.c[shape.key].type, "fingerprint": sa.BigInteger(), "at": sa.Float()}
    return read_frame(connection, query, columns, [given, since, until])


def _near(
    names: pd.Index, keys: Numbers, prints: Numbers, times: Numbers, stored: pd.DataFrame, window_s: float
) -> Any:
    """Which fixes have a stored one of the same key and fingerprint within window_s."""
    stored = stored[stored["fingerprint"].isin(prints)]
    known: dict[tuple[Any, int], list[float]] = {}
    for key, fingerprint, at in zip(*(stored[name].tolist() for name in ("key", "fingerprint", "at")), strict=True):
        known.setdefault((key, fingerprint), []).append(at)
    near = np.isin(prints, stored["fingerprint"].to_numpy(np.int64))
    for row in np.flatnonzero(near).tolist():
        found = known.get((names[keys[row]], prints[row]), ())
        near[row] = any(abs(times[row] - at) <= window_s for at in found)
    return near
