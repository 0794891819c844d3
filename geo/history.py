"""History: one row a fix, appended by COPY into daily partitions that are made on demand."""

from datetime import date

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
    days: list[date] = sorted(set(frame["observed_at"].dt.date))
    query = sa.text("SELECT ensure_partition(:history, day) FROM unnest(CAST(:days AS date[])) AS day")
    connection.execute(query, {"history": shape.history.name, "days": days})


def append(connection: sa.Connection, shape: Shape, frame: pd.DataFrame) -> int:
    """COPY the frame's rows (fixes or observations) into the shape's history; returns how many."""
    if shape.history is None or frame.empty:
        return 0
    columns = list(shape.history.c)
    missing = [column for column in columns if column.name not in frame and column.name != "geom"]
    copy_frame(connection, shape.history.name, columns, frame.assign(**empty_columns(missing, len(frame))))
    return len(frame)
