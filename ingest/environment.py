"""Observations of environment stations: one record tells several parameters by name, or one of them with its unit.

    {"id": "HUE-AQ-01", "observed_at": "2026-11-29T03:00:00Z", "pm25": 31.5, "no2": 22}
    {"id": "HUE-AQ-01", "observed_at": "2026-11-29T03:00:00Z", "parameter": "NO2", "value": 11.7, "unit": "ppb"}

What is no number, has a unit that its parameter cannot have, or names no parameter is refused by its member's name.
What is a number that no sensor measures, or a time still to come, is kept aside in `quality` with what was told.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from json import dumps
from typing import TYPE_CHECKING, Any

from geo.anomaly import AHEAD_MAX
from geo.parameter import BY_NAME, PARAMETERS, Parameter, parameter
from ingest.feed import RECORD_ID, Decoded, Feed, Member, Push, RawBatch, Row, in_time_range
from ingest.json_lines import DEGREES, FLOAT_MAX, is_text, place, read_object, record_id, seconds
from ingest.lines import LineFramer, Refused, read_lines
from ingest.openaq import OPENAQ
from ingest.sensorthings import SENSORTHINGS

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("air", "water", "rain", "river")
TEXT_MAX = 120
TEXTS = ("name", "kind", "river", "owner")  # what a record may say of its station
# Of each observation: which parameters this very record told, in which units if it said so, and what is odd about it.
TOLD = ("measured", "units", "quality")
RANGE, FUTURE, UNIT = "range", "future", "unit"
PARAMETER, KIND = "parameter", "station_kind"

MEMBERS = (
    Member("id", "text", True, least=1, most=TEXT_MAX, number_too=True, vi="mã trạm", en="the station's id"),
    Member("observed_at", "time", vi="lúc đo; nếu là trung bình giờ: cuối giờ", en="of an hour's mean: its end"),
    *DEGREES,
    *(Member(one.name, "number", vi=f"{one.vi}, {one.unit}", en=f"{one.en}, {one.unit}") for one in PARAMETERS),
    Member("parameter", "text", most=TEXT_MAX, vi="hoặc: một thông số theo tên", en="or: one parameter by its name"),
    Member("value", "number", vi="giá trị của thông số đó", en="that parameter's value"),
    Member("unit", "text", most=TEXT_MAX, vi="đơn vị của giá trị", en="the unit of the one value"),
    Member("name", "text", most=TEXT_MAX, vi="tên trạm", en="the station's name"),
    Member("kind", "text", most=TEXT_MAX, vi=f"loại trạm: {', '.join(KINDS)}", en=f"one of {', '.join(KINDS)}"),
    Member("river", "text", most=TEXT_MAX, vi="mã trạm thủy văn của mức báo động", en="whose alarm levels: kim_long…"),
    Member("owner", "text", most=TEXT_MAX, vi="đơn vị quản lý", en="who runs it"),
)


def decode(batch: RawBatch) -> Decoded:
    """Records to rows: id, time, place, every parameter in its unit, TEXTS and TOLD.

    Rejects: `not_json`, `member_twice`, `key`, `position`, `time`, `time_range`, `unit`, `parameter`,
    `station_kind`, `value:<member>`.
    """
    rows, account, letters = read_lines(batch, read)
    account.positions = sum(row["lon"] is not None for row in rows)
    return Decoded(frame_of(rows), account, letters)


def frame_of(rows: Sequence[Row]) -> "pd.DataFrame":
    """Rows as `read` makes them, as a frame with all columns."""
    # Loaded here: the receiver knows feeds but never decodes, and does without pandas' 75 MB.
    import pandas as pd

    from geo.column import STAMP

    def column(name: str, dtype: Any) -> Any:
        return pd.Series([row.get(name) for row in rows], dtype=dtype)

    made = {name: column(name, object) for name in ("id", *TEXTS, *TOLD)}
    made |= {name: column(name, float) for name in ("lon", "lat", *BY_NAME)}
    made["observed_at"] = pd.to_datetime(column("observed_at", float), unit="s", utc=True).astype(STAMP)
    if any(row.get(RECORD_ID.name) for row in rows):
        made[RECORD_ID.name] = column(RECORD_ID.name, object)
    return pd.DataFrame(made)


def read(line: bytes, received_at: float) -> Row:
    """One record. Raises Refused."""
    given = read_object(line)
    row: Row = {"id": _station(given.get("id"))}
    row |= {name: _text(name, given.get(name)) for name in TEXTS}
    if row["kind"] not in (None, *KINDS):
        raise Refused(KIND)
    row["lon"], row["lat"] = place(given.get("lon"), given.get("lat"))
    told = given.get("observed_at")
    at = received_at if told is None else seconds(told, "time")
    odd: list[str] = []
    if at > received_at + AHEAD_MAX.total_seconds() and in_time_range(at, received_at):
        # Its clock is wrong. Kept as told, it would be the newest of all until that time has come.
        odd.append(f"observed_at:{FUTURE}={datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}")
        at = received_at
    row["observed_at"] = at
    values, units = _values(given)
    if not values:
        raise Refused(PARAMETER)  # what is said of a station is no sign that it measures
    measured = []
    for of, value in values:
        if of.least <= value <= of.most:
            row[of.name] = value
            measured.append(of.name)
        else:
            odd.append(f"{of.name}:{RANGE}={value:g}")
    row["measured"] = " ".join(measured) or None
    row["units"] = units
    row["quality"] = " ".join(odd) or None
    if (own := record_id(given)) is not None:
        row[RECORD_ID.name] = own
    return row


def _station(told: Any) -> str:
    if isinstance(told, int) and not isinstance(told, bool) and abs(told) < 1 << 53:
        told = str(told)
    if not (is_text(told) and 0 < len(told.strip()) <= TEXT_MAX):
        raise Refused("key")
    return str(told).strip()


def _text(name: str, told: Any) -> str | None:
    if told is not None and not (is_text(told) and len(told) <= TEXT_MAX):
        raise Refused(f"value:{name}")
    return (told or "").strip() or None


def _values(given: Mapping[str, Any]) -> tuple[list[tuple[Parameter, float]], str | None]:
    """What a record tells, in the parameters' own units; and `parameter=unit` where it says the unit."""
    found = [(BY_NAME[name], _number(name, given[name])) for name in BY_NAME if given.get(name) is not None]
    unit = _text("unit", given.get("unit"))
    named = _text("parameter", given.get("parameter"))
    if named is not None or given.get("value") is not None:
        of = parameter(named or "")
        if of is None or any(of is other for other, _ in found):
            raise Refused(PARAMETER)
        if given.get("value") is None:
            raise Refused("value:value")
        found.append((of, _number("value", given["value"])))
        told: Parameter | None = of
    else:
        told = found[0][0] if len(found) == 1 else None
    if unit is None:
        return found, None
    if told is None or told.factor(unit) is None:
        raise Refused(UNIT)
    own = [(of, value * (told.factor(unit) or 1.0) if of is told else value) for of, value in found]
    return own, f"{told.name}={''.join(unit.split())}"


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= FLOAT_MAX:
        raise Refused(f"value:{name}")
    return float(value)


def sample() -> Iterable[bytes]:
    """A station of each kind, now: two by names, two by parameter and unit."""
    at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    yield _line(
        id="HUE-AQ-01", name="Không khí Phú Xuân", kind="air", lon=107.589, lat=16.468, observed_at=at,
        pm25=31.5, pm10=48.0, no2=22.0, o3=61.0,
    )  # fmt: skip
    yield _line(
        id="KIM-LONG", name="Sông Hương tại Kim Long", kind="river", river="kim_long", lon=107.5596, lat=16.4539,
        observed_at=at, parameter="water level", value=56, unit="cm",
    )  # fmt: skip
    yield _line(
        id="HUE-RAIN-01", name="Mưa Huế", kind="rain", lon=107.586, lat=16.433, observed_at=at, rain_mm=1.4,
    )  # fmt: skip
    yield _line(
        id="HUE-WQ-01", name="Nước sông Hương, Vạn Niên", kind="water", lon=107.545, lat=16.429, observed_at=at,
        parameter="DO", value=6.8, unit="mg/l",
    )  # fmt: skip


def _line(**members: Any) -> bytes:
    return dumps(members, ensure_ascii=False).encode()


PUSH = Push(MEMBERS, read)
# A river is told every ten minutes, air often once an hour only.
FEED = Feed(
    "environment", (), LineFramer, decode, sample, 900.0, PUSH, {"sensorthings": SENSORTHINGS, "openaq": OPENAQ}
)
