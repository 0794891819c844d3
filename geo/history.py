"""History: one row a fix, appended by COPY into daily partitions that are made on demand."""

from datetime import date

import numpy as np
import pandas as pd
import sqlalchemy as sa

from geo.column import copy_frame, empty_columns
from geo.table import Shape


def ensure_days(connection: sa.Connection, shape: Shape, frame: pd.DataFrame) -> None:
    """Make the partitions that the frame's days need, where they are missing.

    Asked of the database each time: what this process remembered could have been rolled back, dropped or restored.
    """
    if shape.history is None or frame.empty:
        return
    query = sa.text("SELECT ensure_partition(:history, day) FROM unnest(CAST(:days AS date[])) AS day")
    connection.execute(query, {"history": shape.history.name, "days": _days(frame)})


def hold_days(connection: sa.Connection, shape: Shape, frame: pd.DataFrame) -> None:
    """Keep the partitions of the frame's days from being archived before this transaction ends.

    Raises:
        sqlalchemy.exc.OperationalError: one was archived since `ensure_days`; the transaction is to be tried again.
    """
    if shape.history is None or frame.empty:
        return
    query = sa.text("SELECT hold_partitions(:history, CAST(:days AS date[]))")
    connection.execute(query, {"history": shape.history.name, "days": _days(frame)})


def _days(frame: pd.DataFrame) -> list[date]:
    days: list[date] = np.unique(frame["observed_at"].dt.tz_localize(None).to_numpy("datetime64[D]")).tolist()
    return days


def append(connection: sa.Connection, shape: Shape, frame: pd.DataFrame) -> int:
    """COPY the frame's rows (fixes or observations) into the shape's history; returns how many.

    They go in by key and time, as the index has them: that costs the server a third less than in the order heard.
    """
    if shape.history is None or frame.empty:
        return 0
    hold_days(connection, shape, frame)
    columns = list(shape.history.c)
    missing = [column for column in columns if column.name not in frame and column.name != "geom"]
    ordered = frame.sort_values([shape.key, "observed_at"]).assign(**empty_columns(missing, len(frame)))
    copy_frame(connection, shape.history.name, columns, ordered)
    return len(frame)
