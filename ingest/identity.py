"""The step that asks whose each record is, for layers whose records do not say it by themselves."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import sqlalchemy as sa

from ingest.feed import Decoded, Lane, RawBatch

UNKNOWN = "unknown_vessel"
Part = tuple[RawBatch, Decoded]


def named(connection: sa.Connection, lane: Lane, decoded: Sequence[Part]) -> Sequence[Part]:
    """Decoded batches with the key of every record; what the register does not know is counted and kept as a letter.

    All batches are asked about at once. What the source's address says stands in for what a record does not say, also
    in a layer whose records say themselves whose they are.
    """
    frames = [part.frame for _, part in decoded if len(part.frame)]
    if not frames or (lane.identify is None and not lane.source.given):
        return decoded
    if lane.identify is None:
        return [(batch, replace(part, frame=_meant(part.frame, lane.source.given))) for batch, part in decoded]
    whole = _meant(pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0], lane.source.given)
    known = lane.identify(connection, whole)
    parts, at = [], 0
    for batch, part in decoded:
        rows = slice(at, at + len(part.frame))
        at = rows.stop
        parts.append((batch, _known(part, known.iloc[rows], whole.iloc[rows], lane.shape.key)))
    return parts


def _meant(frame: pd.DataFrame, given: Mapping[str, str]) -> pd.DataFrame:
    return frame.assign(**{name: _filled(frame, name, value) for name, value in given.items()})


def _filled(frame: pd.DataFrame, name: str, value: str) -> "pd.Series[str] | str":
    return frame[name].where(frame[name].notna(), value) if name in frame else value


def _known(part: Decoded, known: pd.DataFrame, told: pd.DataFrame, key: str) -> Decoded:
    """What is somebody's; the letters of the rest say what was told, as JSON that the door reads again."""
    strange = (known[key] == "").to_numpy()
    if not strange.any():
        return replace(part, frame=known)
    count, placed = int(strange.sum()), int(told["lon"].notna().to_numpy()[strange].sum())
    account = replace(
        part.account,
        accepted=part.account.accepted - count,
        messages=part.account.messages - count,
        positions=part.account.positions - placed,
        rejected=part.account.rejected + Counter({UNKNOWN: count}),
    )
    lines = told[strange].drop(columns="fingerprint", errors="ignore").apply(_line, axis=1)
    return replace(
        part, frame=known[~strange], account=account, letters=[*part.letters, *((UNKNOWN, line) for line in lines)]
    )


def _line(row: "pd.Series[str]") -> bytes:
    text = row.dropna().to_json(date_format="iso", force_ascii=False)
    return (text or "").encode()
