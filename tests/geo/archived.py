"""Fixes for the tests of the archive: put in by the role that workers have, and read back as they were written."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from geo.history import append, ensure_days
from layers.vessel import VESSEL


def fixes(day: date, count: int, boats: int = 20, seed: int = 1) -> pd.DataFrame:
    """Fixes of some boats, spread over a day in UTC; some columns are null here and there."""
    random = np.random.default_rng(seed)
    at = pd.Timestamp(day, tz="UTC") + pd.to_timedelta(np.sort(random.integers(0, 86_400_000_000, count)), unit="us")
    return pd.DataFrame(
        {
            "mmsi": 574_000_000 + random.integers(0, boats, count),
            "lon": random.uniform(105, 112, count),
            "lat": random.uniform(8, 20, count),
            "observed_at": at.astype("datetime64[us, UTC]"),
            "received_at": at.astype("datetime64[us, UTC]"),
            "source": random.choice(["ais.a", 'odd "one", of\ntwo lines', "Huế", ""], count),
            "simulated": random.random(count) < 0.5,
            "speed": np.where(random.random(count) < 0.1, np.nan, random.uniform(0, 30, count).round(1)),
            "heading": np.where(random.random(count) < 0.3, np.nan, random.integers(0, 360, count)),
            "accuracy": random.choice(np.array([True, False, None], dtype=object), count),
            "fingerprint": [int(value) for value in random.integers(-(2**62), 2**62, count)],
            "track": np.where(random.random(count) < 0.5, np.nan, 2.0),
        }
    ).astype({"fingerprint": object})


def put(engine: sa.Engine, frame: pd.DataFrame) -> None:
    """Append fixes as a worker does, and make their boats known."""
    with engine.begin() as connection:
        ensure_days(connection, VESSEL, frame)
    with engine.begin() as connection:
        append(connection, VESSEL, frame)
        last = frame.sort_values("observed_at").drop_duplicates("mmsi", keep="last")
        known = sa.text(
            "INSERT INTO vessel (mmsi, geom, observed_at, received_at, source) VALUES "
            "(:mmsi, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :at, :at, 'test') ON CONFLICT DO NOTHING"
        )
        rows = [{"mmsi": int(m), "lon": x, "lat": y, "at": t.to_pydatetime()} for m, x, y, t in zip(
            last["mmsi"], last["lon"], last["lat"], last["observed_at"], strict=True)]  # fmt: skip
        connection.execute(known, rows)


def in_table(engine: sa.Engine) -> list[tuple[Any, ...]]:
    """Every row of the table by key and time, as it is read by everybody."""
    names = ", ".join(column.name for column in VESSEL.latest.c if column.name in VESSEL.fix_columns())
    query = (
        f"SELECT {names.replace('geom', 'ST_AsBinary(geom) AS geom')} FROM vessel_history ORDER BY mmsi, observed_at"
    )
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def days(count: int, last: datetime) -> list[date]:
    """So many days up to that of `last`, oldest first."""
    return [(last - timedelta(days=back)).date() for back in reversed(range(count))]
