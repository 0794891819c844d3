"""Line-delimited JSON: one object a record, read after the declaration of the layer's own table."""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from geo.table import Shape
from ingest.feed import RECORD_ID, RECORD_ID_MAX, Decoded, Member, Push, RawBatch, Row, empty_frame
from ingest.lines import Refused, read_lines

FLOAT_MAX = sys.float_info.max  # JSON's numbers may have any length; NaN is above no bound, and below none
SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, which JSON can write and UTF-8 cannot
TWICE = "member_twice"
# Never the sender's to say.
OURS = ("geom", "received_at", "source", "simulated", "described_at", "fingerprint", "anomaly", "track", "commune")


def json_lines(shape: Shape) -> Callable[[RawBatch], Decoded]:
    """A Feed's `decode` for objects whose members are columns of the shape's table, with lon and lat in degrees.

    The key is required; a number keeps within its column's info={"least": ..., "most": ...}; observed_at is RFC 3339 or
    epoch seconds, else the time of reception; members that are no column are left alone. Rejects: `not_json`,
    `member_twice`, `key`, `position`, `time`, `time_range`, `value:<column>`.
    """
    read = _reader(shape)

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


def json_push(shape: Shape) -> Push:
    """A Feed's `push` for the same objects: what `json_lines` takes as lines, one by one over HTTP."""
    members = [_member(column, column.primary_key) for column in _columns(shape).values()]
    members.append(Member("observed_at", "time", vi="lúc quan trắc; nếu bỏ trống: lúc nhận", en="else when received"))
    members += DEGREES
    return Push(tuple(members), _reader(shape))


DEGREES = (
    Member("lon", "number", least=-180, most=180, vi="kinh độ, WGS84", en="degrees east, WGS84"),
    Member("lat", "number", least=-90, most=90, vi="vĩ độ, WGS84", en="degrees north, WGS84"),
)


def _columns(shape: Shape) -> dict[str, sa.Column[Any]]:
    return {column.name: column for column in shape.latest.c if column.name not in (*OURS, "observed_at")}


def _reader(shape: Shape) -> Callable[[bytes, float], Row]:
    columns = _columns(shape)

    def read(line: bytes, received_at: float) -> Row:
        given = read_object(line)
        row = {name: _value(column, given[name]) for name, column in columns.items() if given.get(name) is not None}
        if row.get(shape.key) in (None, ""):
            raise Refused("key")
        row["lon"], row["lat"] = place(given.get("lon"), given.get("lat"))
        told = given.get("observed_at")
        row["observed_at"] = received_at if told is None else seconds(told, "time")
        if (own := record_id(given)) is not None:
            row[RECORD_ID.name] = own
        return row

    return read


def _member(column: sa.Column[Any], needed: bool) -> Member:
    kind: Any = column.type
    if isinstance(kind, sa.Boolean):
        return Member(column.name, "flag", needed)
    if isinstance(kind, sa.Integer):
        least, most = column.info.get("least", 1 - _bound(kind)), column.info.get("most", _bound(kind) - 1)
        return Member(column.name, "whole", needed, least, most)
    if isinstance(kind, sa.Float):
        return Member(column.name, "number", needed, column.info.get("least"), column.info.get("most"))
    if isinstance(kind, sa.DateTime):
        return Member(column.name, "time", needed)
    return Member(column.name, "text", needed, least=1 if needed else None)


class Members(dict[str, Any]):
    """A JSON object that remembers what it was told twice, where one of the two would win in silence."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs if len(self) < len(pairs) else None


def record_id(given: Mapping[str, Any]) -> str | None:
    """The sender's id of a record. Raises Refused (`value:record_id`)."""
    value = given.get(RECORD_ID.name)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53:
        value = str(value)
    if value is not None and not (is_text(value) and 0 < len(value) <= RECORD_ID_MAX):
        raise Refused(f"value:{RECORD_ID.name}")
    return value


def read_object(line: bytes) -> dict[str, Any]:
    """A line's JSON object. Raises Refused (`not_json`, `member_twice`)."""
    try:
        given = json.loads(line, object_pairs_hook=Members)
    except (ValueError, RecursionError):
        raise Refused("not_json") from None
    if not isinstance(given, Members):
        raise Refused("not_json")
    if given.pairs:
        raise Refused(TWICE)
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
        return _moment(seconds(value, f"value:{column.name}"), f"value:{column.name}")
    else:
        fits = is_text(value)
    if not isinstance(value, str) and fits:
        fits = column.info.get("least", value) <= value <= column.info.get("most", value)
    if not fits:
        raise Refused("key" if column.primary_key else f"value:{column.name}")
    return value


def _moment(at: float, reason: str) -> datetime:
    """Epoch seconds as a time; its offset may have taken it out of the years that there are. Raises Refused."""
    try:
        return datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        raise Refused(reason) from None


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
