"""Meetings told out of order: pairs whose records come behind others' are judged again with both tracks."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from geo import latest, table
from geo.column import epoch_us
from geo.criteria import columns_of, matches
from geo.episode import FRESH
from geo.rule import Rule
from geo.table import Shape

# Within a minute two stations, or two providers, are one moment: what a meeting is takes many.
BEHIND = timedelta(minutes=1)
METRES_PER_DEGREE = 80_000.0  # of longitude at 44 N; of latitude, and farther south, a degree is longer
DRIFT_M_PER_S = 31.0  # 60 knots: nobody who counts is faster (ingest.scene.WAY_MAX_KN)


def meeting_rules(rules: Sequence[Rule]) -> list[Rule]:
    """Those of two objects."""
    return [rule for rule in rules if rule.kind == "proximity"]


def look_back(rules: Sequence[Rule]) -> timedelta:
    """How long before its first late record a pair is looked at again: long enough that what went on then is known."""
    longest = max((max(rule.dwell_s, rule.off_delay_s) for rule in rules), default=0.0)
    return 2 * timedelta(seconds=longest) + 3 * FRESH


def behind(
    connection: sa.Connection,
    shape: Shape,
    rules: Sequence[Rule],
    records: pd.DataFrame,
    before: pd.DataFrame,
    after: pd.DataFrame,
    now: datetime,
) -> set[Any]:
    """Keys of those in the batch whose records come after what is newer by BEHIND has been judged beside them.

    That is their own state, or somebody's who may have been near, or what the clock has told of one of their meetings.
    rules: of two objects; records: all with a position or without; before, after: state by key, as judge_batch has it.
    """
    if not rules or shape.history is None:
        return set()
    old = records[records["lon"].notna() & (records["observed_at"] <= pd.Timestamp(now - BEHIND))]
    if old.empty:
        return set()
    concerned = np.zeros(len(after), bool)
    for rule in rules:
        concerned |= matches(after, rule.applies_to)
    old = old[old[shape.key].isin(after.index[concerned])]
    if old.empty:
        return set()
    first = old.groupby(shape.key).agg(
        at=("observed_at", "min"), west=("lon", "min"), east=("lon", "max"), south=("lat", "min"), north=("lat", "max")
    )
    at, late_us = epoch_us(first["at"]), int(BEHIND.total_seconds() * 1e6)
    known = epoch_us(before["observed_at"])[before.index.get_indexer(first.index)]
    found = known >= at + late_us
    found |= _ahead(connection, shape, rules, first, at + late_us, before, now)
    found |= _told_later(connection, rules, first, at)
    return set(first.index[found].tolist())


def _ahead(
    connection: sa.Connection,
    shape: Shape,
    rules: Sequence[Rule],
    first: pd.DataFrame,
    since: NDArray[np.int64],
    before: pd.DataFrame,
    now: datetime,
) -> NDArray[np.bool_]:
    """Beside which of them somebody was seen since, as near as could have been a meeting."""
    drift = DRIFT_M_PER_S * (now - first["at"].min().to_pydatetime() + FRESH).total_seconds()
    wide = (_margin_m(rules) + drift) / METRES_PER_DEGREE
    box = (
        first["west"].min() - wide,
        first["south"].min() - wide,
        first["east"].max() + wide,
        first["north"].max() + wide,
    )
    there = latest.within(connection, shape, box, first["at"].min().to_pydatetime() + BEHIND, ())
    # Of those in the batch what counts is where they were before it: in itself a batch is judged in order.
    there = there[~there[shape.key].isin(before.index)]
    own = before[before["lon"].notna() & before["observed_at"].notna()]
    keys = np.concatenate([there[shape.key].to_numpy(object), own.index.to_numpy(object)])
    lon, lat = (np.concatenate([there[name].to_numpy(float), own[name].to_numpy(float)]) for name in ("lon", "lat"))
    seen = np.concatenate([there["at"].to_numpy(np.int64), epoch_us(own["observed_at"])])
    found = np.zeros(len(first), bool)
    for number, (key, least, each) in enumerate(zip(first.index, since.tolist(), first.itertuples(), strict=True)):
        reach = (_margin_m(rules) + DRIFT_M_PER_S * ((seen - least) / 1e6 + FRESH.total_seconds())) / METRES_PER_DEGREE
        near = (seen >= least) & (keys != key)
        near &= (lon >= each.west - reach) & (lon <= each.east + reach)
        near &= (lat >= each.south - reach) & (lat <= each.north + reach)
        found[number] = bool(near.any())
    return found


def _told_later(
    connection: sa.Connection, rules: Sequence[Rule], first: pd.DataFrame, at: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Of whose meetings the clock has told something later than their first record here."""
    alarm, names = table.alarm.c, [str(key) for key in first.index]
    since = first["at"].min().to_pydatetime()
    query = sa.select(alarm.object_key, alarm.other_key, sa.func.greatest(alarm.raised_at, alarm.cleared_at)).where(
        alarm.rule_id.in_([rule.id for rule in rules]),
        alarm.withdrawn_at.is_(None),
        sa.or_(alarm.raised_at > since, alarm.cleared_at > since),
        sa.or_(alarm.object_key == sa.func.any(names), alarm.other_key == sa.func.any(names)),
    )
    begun, found = dict(zip(names, at.tolist(), strict=True)), set()
    for one, other, told in connection.execute(query):
        told_us = int(epoch_us(pd.Series([told]).astype("datetime64[us, UTC]"))[0])
        found |= {key for key in (one, other) if key in begun and told_us > begun[key]}
    return np.array([name in found for name in names])


def partners(
    connection: sa.Connection,
    shape: Shape,
    rules: Sequence[Rule],
    track: pd.DataFrame,
    is_new: NDArray[np.bool_],
    keys: Collection[Any],
    now: datetime,
) -> set[Any]:
    """Keys of all whom those may have met, or be remembered with, around the records that are new.

    track: their records in time order; is_new: which of them the batch has brought.
    """
    names, begin = sorted({str(key) for key in keys}), track["observed_at"][is_new].min().to_pydatetime()
    numbers = [rule.id for rule in rules]
    found: set[str] = set()
    for own, more in (
        (table.presence.c, sa.true()),
        (table.alarm.c, table.alarm.c.withdrawn_at.is_(None) & sa.or_(
            table.alarm.c.cleared_at.is_(None), table.alarm.c.cleared_at >= begin)),
    ):  # fmt: skip
        query = sa.select(own.object_key, own.other_key).where(
            own.rule_id.in_(numbers),
            sa.or_(own.object_key == sa.func.any(names), own.other_key == sa.func.any(names)),
            more,
        )
        if own is table.presence.c:  # locked, as in judge_batch, so that the clock does not raise meanwhile
            query = query.order_by(own.rule_id, own.object_key, own.other_key).with_for_update()
        for pair in connection.execute(query):
            found |= set(pair)
    found |= {str(key) for key in _near(connection, shape, rules, track, is_new, now)}
    others = found - set(names) - {""}
    return {int(key) for key in others} if shape.key_is_number else set(others)


def _near(
    connection: sa.Connection,
    shape: Shape,
    rules: Sequence[Rule],
    track: pd.DataFrame,
    is_new: NDArray[np.bool_],
    now: datetime,
) -> list[Any]:
    """Whom the history has near the new records, and near those before them, within FRESH of their times."""
    assert shape.history is not None
    follows = pd.Series(is_new).groupby(track[shape.key].to_numpy()).shift(-1, fill_value=False).to_numpy(bool)
    points = track[is_new | follows]
    margin = margin_degrees(rules)
    begin = points["observed_at"].min().to_pydatetime()
    wide = margin + DRIFT_M_PER_S * (now - begin + FRESH).total_seconds() / METRES_PER_DEGREE
    lon, lat = (points[name].to_numpy(float) for name in ("lon", "lat"))
    box = lon.min() - wide, lat.min() - wide, lon.max() + wide, lat.max() + wide
    there = latest.within(connection, shape, box, begin - FRESH, ())
    chosen = sorted(set(there[shape.key].tolist()) - set(track[shape.key].tolist()))
    if not chosen:
        return []
    query = sa.text(
        f"SELECT who.key FROM unnest(CAST(:keys AS {'bigint' if shape.key_is_number else 'text'}[])) AS who(key)"
        " WHERE EXISTS (SELECT FROM unnest(CAST(:times AS timestamptz[]), CAST(:lon AS float8[]),"
        " CAST(:lat AS float8[])) AS seen(at, lon, lat)"
        f" JOIN {shape.history.name} own ON own.{shape.key} = who.key"
        " AND own.observed_at BETWEEN seen.at - 2 * CAST(:fresh AS interval) AND seen.at + CAST(:fresh AS interval)"
        " AND own.geom && ST_Expand(ST_SetSRID(ST_MakePoint(seen.lon, seen.lat), 4326), :margin))"
    )
    times = [at.to_pydatetime() for at in points["observed_at"]]
    given = {"keys": chosen, "times": times, "lon": lon.tolist(), "lat": lat.tolist(), "fresh": FRESH, "margin": margin}
    return list(connection.scalars(query, given))


def state_of(
    connection: sa.Connection,
    shape: Shape,
    rules: Sequence[Rule],
    label: str,
    keys: Collection[Any],
    after: pd.DataFrame,
) -> pd.DataFrame:
    """The after-state with that of others, who are not in the batch, beside it; theirs is not locked."""
    more = set(keys) - set(after.index)
    if not more:
        return after
    named = {label, *after.columns, *(name for rule in rules for name in columns_of(rule.applies_to))}
    beside = latest.standing(connection, shape, more, named, locked=False)
    return pd.concat([after, beside.reindex(columns=after.columns)]).sort_index()


def margin_degrees(rules: Sequence[Rule]) -> float:
    """How far apart, in degrees of longitude at 44 N, two may be that any of the rules of two objects speaks of."""
    return _margin_m(rules) / METRES_PER_DEGREE


def _margin_m(rules: Sequence[Rule]) -> float:
    return max(float(rule.params["distance_m"]) + rule.hysteresis_m for rule in rules)
