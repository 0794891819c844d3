"""Everybody's past: the fixes of a span in the order of time, piece by piece, from PostgreSQL and the archive."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from geo.anomaly import AHEAD_MAX, ASIDE, counts, is_future
from geo.column import frame_dtype, read_frame
from geo.register import Part, registered
from geo.table import Shape
from geo.track import TRIES, read_parts

ROWS_MAX = 400_000  # of a piece: some hundred bytes each, several times over while they are judged
TIMES = ("observed_at", "received_at")
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)


@dataclass(frozen=True)
class Piece:
    """The fixes seen in [start, end): key, observed_at, received_at, lon, lat, then the columns that were asked for.

    Without those that stand aside (geo.anomaly).

    In the order of time; a fix told ahead of its time stands at its reception. missing: what could not be read.
    """

    start: datetime
    end: datetime
    fixes: pd.DataFrame
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reader:
    """Reads the past of a shape with a history; columns: which of the history's are wanted of each fix.

    connection: one that commits by itself, or it would keep the days it has read from being archived.
    """

    connection: sa.Connection
    archive: Path
    shape: Shape
    columns: tuple[str, ...] = ()
    rows_max: int = ROWS_MAX

    def pieces(self, start: datetime, end: datetime) -> Iterator[Piece]:
        """The span day by day (UTC), a day of many fixes in several pieces; each is read when it is asked for."""
        ahead = self._ahead(start, end)
        at = start
        while at < end:
            midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + DAY
            day_end = min(midnight, end)
            parts = max(1, -(-self._count(at, day_end) // self.rows_max))
            cuts = [at + number * (day_end - at) / parts for number in range(parts)] + [day_end]
            for begin, until in pairwise(cuts):
                yield self._piece(begin, until, ahead)
            at = day_end

    def _piece(self, start: datetime, end: datetime, ahead: pd.DataFrame) -> Piece:
        fixes, missing = self._read(start, end - TICK)
        fixes = fixes[~is_future(fixes["observed_at"], fixes["received_at"])]
        early = ahead[(ahead["received_at"] >= start) & (ahead["received_at"] < end)]
        if len(early):
            fixes = pd.concat([fixes, early.assign(observed_at=early["received_at"])], ignore_index=True)
        return Piece(start, end, fixes.sort_values(list(TIMES), kind="stable", ignore_index=True), missing)

    def _ahead(self, start: datetime, end: datetime) -> pd.DataFrame:
        """The fixes that were told ahead of their time: the history has them at a time when they were long known."""
        found = [self._recent(start, end + DAY, ahead=True)]
        for part in registered(self.connection, self.shape, start, end + DAY):
            told, _ = read_parts(self.archive, [part], "observed_at", start, end + DAY, {*TIMES, "lon"})
            times = told.select(TIMES).to_pandas() if told is not None else self._conform(pd.DataFrame())
            early = times["observed_at"][is_future(times["observed_at"], times["received_at"])]
            if len(early):
                own, _ = self._archived([part], early.min().to_pydatetime(), early.max().to_pydatetime())
                found.append(own[is_future(own["observed_at"], own["received_at"])])
        return pd.concat(found, ignore_index=True)

    def _read(self, start: datetime, last: datetime) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """The fixes with observed_at in [start, last] as they are stored, and what could not be read.

        A day that moves to the archive between two questions would be seen twice or not at all: both are asked again.
        """
        files = registered(self.connection, self.shape, start, last)
        for _ in range(TRIES):
            recent = self._recent(start, last)
            before, files = files, registered(self.connection, self.shape, start, last)
            if files == before:
                break
        old, missing = self._archived(files, start, last)
        return (pd.concat([old, recent], ignore_index=True) if len(old) else recent), missing

    def _recent(self, start: datetime, last: datetime, ahead: bool = False) -> pd.DataFrame:
        """What PostgreSQL holds of [start, last]; ahead: only what was told ahead of its time."""
        history = self._history
        names = [self.shape.key, *TIMES, *self.columns]
        query = (
            f"SELECT {', '.join(names)}, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM {history.name}"
            " WHERE observed_at BETWEEN %s AND %s AND geom IS NOT NULL"
        )
        query += f" AND coalesce(anomaly, 0) & {ASIDE} = 0" if "anomaly" in history.c else ""
        values = [start, last, *([AHEAD_MAX] if ahead else [])]
        kinds = {name: history.c[name].type for name in names} | {"lon": sa.Float(), "lat": sa.Float()}
        query += " AND observed_at - received_at > %s" if ahead else ""
        return self._conform(read_frame(self.connection, query, kinds, values))

    def _archived(self, files: list[Part], start: datetime, last: datetime) -> tuple[pd.DataFrame, tuple[str, ...]]:
        wanted = {self.shape.key, *TIMES, *self.columns, "lon", "lat", "anomaly"}
        found, missing = read_parts(self.archive, files, "observed_at", start, last, wanted)
        frame = found.to_pandas() if found is not None else pd.DataFrame()
        return self._conform(frame[counts(frame["anomaly"])] if "anomaly" in frame else frame), missing

    def _conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        key = "int64" if self.shape.key_is_number else "object"
        kinds = {name: frame_dtype(self._history.c[name]) for name in (*TIMES, *self.columns)}
        dtypes = {self.shape.key: key, "lon": "float64", "lat": "float64", **kinds}
        return frame.reindex(columns=list(dtypes)).astype(dtypes)

    def _count(self, start: datetime, end: datetime) -> int:
        """How many fixes lie in [start, end) at most: files count as a whole."""
        at = self._history.c.observed_at
        stored = self.connection.scalar(sa.select(sa.func.count()).where(at >= start, at < end)) or 0
        return stored + sum(part.rows for part in registered(self.connection, self.shape, start, end))

    @property
    def _history(self) -> sa.Table:
        if self.shape.history is None:
            raise ValueError(f"{self.shape.name} keeps no history")
        return self.shape.history


def described(connection: sa.Connection, shape: Shape, columns: Collection[str]) -> pd.DataFrame:
    """What is known today of every object of a shape, indexed by its key as geo.latest has it."""
    names = [name for name in dict.fromkeys((shape.key, "simulated", *columns)) if name in shape.latest.c]
    kinds = {name: shape.latest.c[name].type for name in names}
    frame = read_frame(connection, f"SELECT {', '.join(names)} FROM {shape.name}", kinds)
    return (frame.astype({shape.key: "int64"}) if shape.key_is_number else frame).set_index(shape.key, drop=False)
