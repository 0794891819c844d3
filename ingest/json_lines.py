"""Line-delimited JSON: one object a record, read after the declaration of the layer's own table."""

import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from geo.table import Shape
from ingest.feed import Decoded, RawBatch, empty_frame
from ingest.lines import Refused, read_lines

FLOAT_MAX = sys.float_info.max  # JSON's numbers may have any length; NaN is above no bound, and below none
SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, which JSON can write and UTF-8 cannot
# Never the sender's to say.
OURS = ("geom", "received_at", "source", "simulated", "described_at", "anomaly", "track")


def json_lines(shape: Shape) -> Callable[[RawBatch], Decoded]:
    """A Feed's `decode` for objects whose members are columns of the shape's table, with lon and lat in degrees.

    The key is required; observed_at is RFC 3339 or epoch seconds, else the time of reception; members that are no
    column are left alone. Rejects: `not_json`, `key`, `position`, `time`, `time_range`, `value:<column>`.
    """
    columns = {column.name: column for column in shape.latest.c if column.name not in (*OURS, "observed_at")}

    def read(line: bytes, received_at: float) -> dict[str, Any]:
        given = read_object(line)
        row = {name: _value(column, given[name]) for name, column in columns.items() if given.get(name) is not None}
        if row.get(shape.key) in (None, ""):
            raise Refused("key")
        row["lon"], row["lat"] = place(given.get("lon"), given.get("lat"))
        told = given.get("observed_at")
        row["observed_at"] = received_at if told is None else seconds(told, "time")
        return row

    def decode(batch: RawBatch) -> Decoded:
        # Loaded here: the receiver knows feeds but never decodes, and does without pandas' 75 MB.
        import pandas as pd

        from geo.column import STAMP

        rows, account, letters = read_lines(batch, read)
        if not rows:
            return Decoded(empty_frame([shape.key]), account, letters)
        frame = pd.DataFrame.from_records(rows)
        frame[["lon", "lat"]] = frame[["lon", "lat"]].astype(float)
        account.positions = int(frame["lon"].notna().sum())
        frame["observed_at"] = pd.to_datetime(frame["observed_at"], unit="s", utc=True).astype(STAMP)
        return Decoded(frame, account, letters)

    return decode


def read_object(line: bytes) -> dict[str, Any]:
    """A line's JSON object. Raises Refused (`not_json`)."""
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        raise Refused("not_json") from None
    if not isinstance(given, dict):
        raise Refused("not_json")
    return given


def is_text(value: Any) -> bool:
    """Whether a value is a text that PostgreSQL can hold."""
    return isinstance(value, str) and "\0" not in value and not SURROGATE.search(value)


def _value(column: sa.Column[Any], value: Any) -> Any:
    kind: Any = column.type
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= FLOAT_MAX
    if isinstance(kind, sa.Boolean):
        fits = isinstance(value, bool)
    elif isinstance(kind, sa.Integer):
        fits = number and value == int(value) and abs(value) < _bound(kind)
    elif isinstance(kind, sa.Float):
        fits = number
    elif isinstance(kind, sa.DateTime):
        return datetime.fromtimestamp(seconds(value, f"value:{column.name}"), UTC)
    else:
        fits = is_text(value)
    if not fits:
        raise Refused("key" if column.primary_key else f"value:{column.name}")
    return value


def _bound(kind: Any) -> int:
    """The least whole number that is too large for a column, or for a float to tell from its neighbours."""
    return 1 << (15 if isinstance(kind, sa.SmallInteger) else 53 if isinstance(kind, sa.BigInteger) else 31)


def place(lon: Any, lat: Any) -> tuple[float | None, float | None]:
    """Degrees as they were told, or None twice. Raises Refused (`position`)."""
    if lon is None and lat is None:
        return None, None
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (lon, lat))
    if not (numbers and -180 <= lon <= 180 and -90 <= lat <= 90):
        raise Refused("position")
    return float(lon), float(lat)


def seconds(told: Any, reason: str) -> float:
    """Epoch seconds of an RFC 3339 text (without an offset: UTC) or of a number that is them already.

    Raises Refused, with the reason that is given.
    """
    try:
        if isinstance(told, str):
            moment = datetime.fromisoformat(told)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        if isinstance(told, int | float) and not isinstance(told, bool) and 0 < told < 4e9:
            return float(told)
    except (ValueError, OverflowError):
        pass
    raise Refused(reason)
