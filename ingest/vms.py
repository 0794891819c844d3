"""Fixes of monitoring devices as providers push them: NAF messages, JSON objects and CSV lines on one door.

Which of the three a record is tells its beginning: `//SR//`, `{`, or neither. docs/fisheries.md lists the columns.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from geo.registration import parse
from ingest.feed import RECORD_ID, Decoded, Feed, Framed, Member, Push, RawBatch, Row
from ingest.json_lines import DEGREES, is_text, place, read_object, record_id, seconds
from ingest.lines import LineFramer, Refused, read_lines
from ingest.naf import NotNaf, Report, read
from ingest.push import typed

if TYPE_CHECKING:
    import pandas as pd

BEGIN, END = b"//SR//", b"//ER//"
LINE_BYTES_MAX = 8_192
# The order of a CSV line's values; those from speed on may be left out or empty.
COLUMNS = ("registration", "device", "observed_at", "lon", "lat", "speed", "course", "manual", "provider", "shipname")
TEXTS = ("registration", "device", "callsign", "provider", "shipname")
NAMES_BOAT = ("registration", "device", "callsign")  # at least one of them must be there
TEXT_MAX = 64
NUMBERS: Mapping[str, float] = {"speed": 102.0, "course": 360.0}  # knots, degrees: from nought to this
PLACED = ("lon", "lat", *NUMBERS)


def _named(name: str, vi: str, en: str) -> Member:
    return Member(name, "text", most=TEXT_MAX, number_too=True, vi=vi, en=en)


MEMBERS: Mapping[str, Member] = {
    member.name: member
    for member in (
        _named("registration", "số đăng ký, viết kiểu nào cũng được", "registration, in any spelling"),
        _named("device", "mã thiết bị; chỉ cần mã này cũng đủ", "the device's number; enough to find the boat"),
        Member("observed_at", "time", needed=True, vi="lúc đo", en="when it was measured"),
        *(replace(degrees, needed=True) for degrees in DEGREES),
        Member("speed", "number", least=0, most=NUMBERS["speed"], vi="tốc độ, hải lý/giờ", en="knots"),
        Member("course", "number", least=0, most=NUMBERS["course"], vi="hướng đi, độ", en="degrees"),
        Member("manual", "flag", vi="đúng: vị trí do người báo", en="true: told by a person"),
        _named("provider", "nhà cung cấp", "who carried it"),
        _named("shipname", "tên tàu, nếu sổ đăng ký chưa có", "shown where the register knows no name"),
        _named("callsign", "hô hiệu", "call sign; finds the boat where it is the only one with it"),
    )
}


@dataclass
class VmsFramer(LineFramer):
    """One record a line; of NAF also from `//SR//` to `//ER//`, with or without line ends between the messages."""

    limit: int = LINE_BYTES_MAX
    ready: Framed = field(default_factory=Framed)

    def feed(self, data: bytes, now: float) -> None:
        """Take bytes of a stream, cut anywhere, also in a message's begin or end."""
        held, self._tail = self._tail, b""
        super().feed(_apart(held + data), now)

    def datagram(self, data: bytes, now: float) -> None:
        """Take one datagram: whole records."""
        super().datagram(_apart(data), now)


def _apart(data: bytes) -> bytes:
    return data.replace(END, END + b"\n").replace(BEGIN, b"\n" + BEGIN)


def decode(batch: RawBatch) -> Decoded:
    """Records to fixes, one row each: the columns of TEXTS, time, place, speed, course, manual and fingerprint.

    registration is as geo.registration writes it where it is one, as it was told where not, and empty where nothing
    was told: whose fix it is, the register says (ingest.boat). Rejects: those of ingest.naf, `not_json`, `not_csv`,
    `identity`, `position`, `time`, `time_range`, `value:<column>`.
    """
    rows, account, letters = read_lines(batch, _read)
    account.positions = len(rows)
    return Decoded(_frame(rows), account, letters)


def _frame(rows: Sequence[Row]) -> "pd.DataFrame":
    # Loaded here: the receiver knows feeds but never decodes, and does without pandas' 75 MB.
    import pandas as pd

    from geo.column import STAMP

    def column(name: str, dtype: Any) -> Any:
        return pd.Series([row[name] for row in rows], dtype=dtype)

    made = {name: column(name, object) for name in (*TEXTS, "manual")}
    made |= {name: column(name, float) for name in PLACED}
    made["observed_at"] = pd.to_datetime(column("observed_at", float), unit="s", utc=True).astype(STAMP)
    made["fingerprint"] = column("fingerprint", "int64")
    if any(row.get(RECORD_ID.name) for row in rows):
        made[RECORD_ID.name] = pd.Series([row.get(RECORD_ID.name) for row in rows], dtype=object)
    return pd.DataFrame(made)


def _read(line: bytes, received_at: float) -> Row:
    if line.startswith(BEGIN):
        row = _told(line)
    else:
        row = _given(read_object(line) if line.startswith(b"{") else _values(line))
    known = parse(row["registration"])
    row["registration"] = str(known) if known else row["registration"] or ""
    if not any(row[name] for name in NAMES_BOAT):
        raise Refused("identity")
    # A provider sends again what was not acknowledged, and the ministry's centre passes on what the provider sent.
    told = [row[name] for name in ("registration", "device", "observed_at", "lon", "lat", "manual")]
    return row | {"fingerprint": int.from_bytes(blake2b(repr(told).encode(), digest_size=8).digest(), signed=True)}


def _told(line: bytes) -> Row:
    """The row of a NAF message."""
    try:
        report = read(line)
    except NotNaf as reason:
        raise Refused(str(reason)) from None
    row: Row = {name: getattr(report, name) for name in ("registration", "device", "callsign", "shipname", *PLACED)}
    for name, code in (("registration", "XR"), ("device", "IR"), ("callsign", "RC"), ("shipname", "NA")):
        if len(row[name] or "") > TEXT_MAX:
            raise Refused(f"value:{code}")
    own = {"provider": (report.sent_by or "")[:TEXT_MAX] or None, "manual": report.manual}
    return row | own | {"observed_at": report.observed_at.timestamp()}


def _values(line: bytes) -> dict[str, Any]:
    """The members of a CSV line, numbers and yes or no as such."""
    try:
        (values,) = csv.reader([line.decode()], strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError):
        raise Refused("not_csv") from None
    if not COLUMNS.index("lat") < len(values) <= len(COLUMNS):
        raise Refused("not_csv")
    told = {name: value.strip() for name, value in zip(COLUMNS, values, strict=False) if value.strip()}
    return {name: typed(MEMBERS[name], value) for name, value in told.items()}


def _given(given: Mapping[str, Any]) -> Row:
    """The row of members by name; others are left alone."""
    row: Row = {name: _text(name, given.get(name)) for name in TEXTS}
    row["lon"], row["lat"] = place(given.get("lon"), given.get("lat"))
    if row["lon"] is None:
        raise Refused("position")
    row["observed_at"] = seconds(given.get("observed_at"), "time")
    for name, most in NUMBERS.items():
        value = given.get(name)
        if value is not None and not (
            isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most
        ):
            raise Refused(f"value:{name}")
        row[name] = value
    row["manual"] = False if given.get("manual") is None else given["manual"]
    if not isinstance(row["manual"], bool):
        raise Refused("value:manual")
    return row | {RECORD_ID.name: record_id(given)}


def _text(name: str, value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53:
        value = str(value)  # some providers number their devices
    if value is not None and not (is_text(value) and len(value) <= TEXT_MAX):
        raise Refused(f"value:{name}")
    return (value or "").strip() or None


def naf(report: Report) -> bytes:
    """A report as a NAF message, its position to a thousandth of a degree and its time to the minute."""
    pairs = {
        "AD": "VNM",
        "FR": report.sent_by,
        "SQ": report.sequence,
        "TM": report.kind,
        "RC": report.callsign,
        "IR": report.device,
        "XR": report.registration,
        "NA": report.shipname,
        "LT": f"{report.lat:+.3f}",
        "LG": f"{report.lon:+.3f}",
        "SP": None if report.speed is None else round(report.speed * 10),
        "CO": None if report.course is None else round(report.course) % 360,
        "DA": f"{report.observed_at.astimezone(UTC):%Y%m%d}",
        "TI": f"{report.observed_at.astimezone(UTC):%H%M}",
    }
    body = "//".join(f"{code}/{value}" for code, value in pairs.items() if value is not None)
    return f"//SR//{body}//ER//".encode()


def sample() -> Iterable[bytes]:
    """One boat off Thuận An, by each of the three forms, now."""
    now = datetime.now(UTC)
    at = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    boat, device = "TTH-90001-TS", "VNT0900011"
    yield naf(Report("POS", now, 107.75, 16.72, boat, None, device, None, 4.2, 47.0, 1, "VNPT"))
    yield f'{{"registration": "tth 90001 ts", "observed_at": "{at}", "lon": 107.751, "lat": 16.721}}'.encode()
    yield f"TTH.90001,{device},{at},107.752,16.722,4.1,46,0,VNPT,".encode()


# It has no address of its own: who may push, and where, the centre says. Hundreds of boats report every two or three
# hours, a small provider's few dozen some minutes apart.
PUSH = Push(tuple(MEMBERS.values()), _read, one_of=NAMES_BOAT, order=COLUMNS, line_bytes_max=LINE_BYTES_MAX)
VMS = Feed("vms", (), VmsFramer, decode, sample, expected_s=600.0, push=PUSH)
