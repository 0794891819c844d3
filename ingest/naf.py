"""One NAF message (North Atlantic Format) to a position's values: what the VMS centres of fisheries exchange.

A message is `//SR//` ... `//ER//`; between them pairs of a two-letter code and a value, `code/value`, parted by `//`
(NEAFC Scheme of Control and Enforcement, Annex IX).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

LENGTH_MAX = 1_024  # of one message, bytes
MANUAL = "MAN"  # a position that was told by hand, since the device is silent
POSITIONS = ("POS", "ENT", "EXI", MANUAL)
DEGREES_MINUTES = re.compile(r"([NSEW])(\d{2,3})(\d{2})")
DECIMAL = re.compile(r"[+-]?\d{1,3}(?:\.\d{1,6})?")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class NotNaf(ValueError):
    """It cannot be accepted; the text is the reason it is counted under: `frame`, `type`, `identity`, `position`,
    `time` or `value:<code>`.
    """


@dataclass(frozen=True)
class Report:
    """A position as it was told: degrees WGS84, speed in knots, course in degrees; manual: told by hand.

    registration (XR), callsign (RC) and device (IR) name the vessel, at least one of them; sent_by is the centre (FR).
    """

    kind: str
    observed_at: datetime
    lon: float
    lat: float
    registration: str | None
    callsign: str | None
    device: str | None
    shipname: str | None
    speed: float | None
    course: float | None
    sequence: int | None
    sent_by: str | None

    @property
    def manual(self) -> bool:
        """Whether a person told it, and no device."""
        return self.kind == MANUAL


def read(raw: bytes) -> Report:
    """A message's values. Codes that are not known are left alone. Raises NotNaf."""
    pairs = _pairs(raw)
    kind = pairs.get("TM", "POS").upper()
    if kind not in POSITIONS:
        raise NotNaf("type")
    names = {code: pairs.get(code, "").strip() or None for code in ("XR", "RC", "IR", "NA", "FR")}
    if not any(names[code] for code in ("XR", "RC", "IR")):
        raise NotNaf("identity")
    lon, lat = _place(pairs)
    return Report(
        kind=kind,
        observed_at=_time(pairs),
        lon=lon,
        lat=lat,
        registration=names["XR"],
        callsign=names["RC"],
        device=names["IR"],
        shipname=names["NA"],
        speed=_number(pairs, "SP", 0, 999, lambda tenths: tenths / 10),
        course=_number(pairs, "CO", 0, 360, lambda degrees: float(degrees % 360)),
        sequence=_sequence(pairs),
        sent_by=names["FR"],
    )


def _pairs(raw: bytes) -> dict[str, str]:
    if len(raw) > LENGTH_MAX:
        raise NotNaf("frame")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # what the format says; ours write UTF-8
    text = text.strip()
    if not text.startswith("//SR//") or not text.endswith("//ER//"):
        raise NotNaf("frame")
    found: dict[str, str] = {}
    for part in text[len("//SR//") : -len("//ER//")].split("//"):
        code, mark, value = part.partition("/")
        if not mark or len(code) != 2 or code in found or CONTROL.search(value):
            raise NotNaf("frame")
        found[code] = value
    return found


def _place(pairs: Mapping[str, str]) -> tuple[float, float]:
    if "LT" in pairs and "LG" in pairs:
        if not all(DECIMAL.fullmatch(pairs[code]) for code in ("LT", "LG")):
            raise NotNaf("position")
        lon, lat = float(pairs["LG"]), float(pairs["LT"])
    else:
        lon, lat = _degrees(pairs.get("LO", ""), "EW", 3), _degrees(pairs.get("LA", ""), "NS", 2)
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise NotNaf("position")
    return lon, lat


def _degrees(text: str, sides: str, digits: int) -> float:
    """`N1634` is 16° 34', `E10738` is 107° 38'."""
    found = DEGREES_MINUTES.fullmatch(text)
    if found is None or found[1] not in sides or len(found[2]) != digits or int(found[3]) > 59:
        raise NotNaf("position")
    value = int(found[2]) + int(found[3]) / 60
    return -value if found[1] in "SW" else value


def _time(pairs: Mapping[str, str]) -> datetime:
    date, clock = pairs.get("DA", ""), pairs.get("TI", "")
    if not (re.fullmatch(r"[0-9]{8}", date) and re.fullmatch(r"[0-9]{4}", clock)):
        raise NotNaf("time")
    try:
        return datetime.strptime(date + clock, "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        raise NotNaf("time") from None


def _number(pairs: Mapping[str, str], code: str, low: int, high: int, scaled: Callable[[int], float]) -> float | None:
    text = pairs.get(code, "").strip()
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,3}", text) or not low <= int(text) <= high:
        raise NotNaf(f"value:{code}")
    return scaled(int(text))


def _sequence(pairs: Mapping[str, str]) -> int | None:
    text = pairs.get("SQ", "").strip()
    if text and not re.fullmatch(r"[0-9]{1,9}", text):
        raise NotNaf("value:SQ")
    return int(text) if text else None
