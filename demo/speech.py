"""What a transponder says: motions and hulls as AIS sentences with tag blocks, as a receiver ashore hands them on."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pyais.encode import encode_msg
from pyais.messages import (
    MessageType1,
    MessageType4,
    MessageType5,
    MessageType9,
    MessageType14,
    MessageType18,
    MessageType19,
    MessageType21,
    MessageType24PartA,
    MessageType24PartB,
    Payload,
)

from demo.fleet import Hull, Radio
from demo.sea import Place
from demo.traffic import Beacon, Ship

STATION = "SIM"
"""The source that the tag blocks name."""

_GPS = 1
_NO_HEADING = 511
_ALTITUDE_M = 300


@dataclass(frozen=True)
class Fix:
    """One position report's content: `at` Unix seconds, degrees, knots, degrees true, degrees a minute, AIS status."""

    at: float
    lon: float
    lat: float
    speed: float
    course: float
    turn: float
    status: int


def checksum(text: str) -> str:
    """The NMEA 0183 checksum of the text: exclusive or of its characters, two hex digits."""
    total = 0
    for byte in text.encode("ascii"):
        total ^= byte
    return f"{total:02X}"


def tag_block(at: float) -> str:
    """A tag block (NMEA 0183 4.10) with the station and the time in Unix milliseconds."""
    text = f"s:{STATION},c:{round(at * 1000)}"
    return f"\\{text}*{checksum(text)}\\"


def lines(message: Payload, at: float) -> list[bytes]:
    """The message as AIVDM sentences without line ends, each with its tag block; the time chooses the channel."""
    second = int(at)
    channel, sequence = "AB"[second % 2], second % 10
    tag = tag_block(at)
    sentences = encode_msg(message, talker_id="AI", sentence_type="VDM", radio_channel=channel, seq_id=sequence)
    return [(tag + sentence).encode("ascii") for sentence in sentences]


def position(hull: Hull, fix: Fix) -> Payload:
    """A position report of the hull's class: type 1 (A) or 18 (B)."""
    message, fields = position_fields(hull, fix)
    return message.create(**fields)


def position_fields(hull: Hull, fix: Fix) -> tuple[type[Payload], dict[str, float]]:
    """The message class of the hull's position report and its fields under pyais's names."""
    fields: dict[str, float] = {
        "mmsi": hull.mmsi,
        "lon": fix.lon,
        "lat": fix.lat,
        "speed": round(fix.speed, 1),
        "course": round(fix.course, 1) % 360.0,
        "second": int(fix.at) % 60,
        "accuracy": 1,
    }
    if hull.radio is Radio.A:
        heading = round(fix.course) % 360
        return MessageType1, fields | {"status": fix.status, "turn": turn_of(fix), "heading": heading}
    return MessageType18, fields | {
        "heading": _NO_HEADING, "cs": hull.radio is Radio.B_CS, "dsc": 1, "band": 1, "msg22": 1,
    }  # fmt: skip


def turn_of(fix: Fix) -> float:
    """Rate of turn in degrees a minute, cut at 120: pyais takes 127 and 128 for "fast" and "none"."""
    return max(-120.0, min(120.0, round(fix.turn, 1)))


def static(hull: Hull, fix: Fix) -> list[Payload]:
    """Who speaks: type 5 (A), 24 A and B (B CSTDMA), 19 with the position (B SOTDMA)."""
    bow, stern, port, starboard = hull.dimensions
    size = {"to_bow": bow, "to_stern": stern, "to_port": port, "to_starboard": starboard}
    if hull.radio is Radio.A:
        return [_voyage(hull, fix, size)]
    if hull.radio is Radio.B_SO:
        plain = position(hull, fix)
        same = {name: getattr(plain, name) for name in
                ("mmsi", "lon", "lat", "speed", "course", "heading", "second", "accuracy")}  # fmt: skip
        return [MessageType19.create(**same, shipname=hull.shipname, ship_type=hull.ship_type, epfd=_GPS, **size)]
    return [
        MessageType24PartA.create(mmsi=hull.mmsi, partno=0, shipname=hull.shipname),
        MessageType24PartB.create(
            mmsi=hull.mmsi, partno=1, ship_type=hull.ship_type, callsign=hull.callsign, vendorid="SIM", **size
        ),
    ]


def _voyage(hull: Hull, fix: Fix, size: dict[str, int]) -> Payload:
    destination = ">".join(hull.ports) if isinstance(hull, Ship) and hull.ports[0] else ""
    return MessageType5.create(
        mmsi=hull.mmsi, imo=hull.imo, callsign=hull.callsign, shipname=hull.shipname, ship_type=hull.ship_type,
        epfd=_GPS, draught=hull.draught_m, destination=destination, month=0, day=0, hour=24, minute=60, **size,
    )  # fmt: skip


def beacon(what: Beacon, at: float) -> Payload:
    """An aid to navigation (type 21) or a base station (type 4)."""
    lon, lat = what.place
    if what.aid_type == 0:
        now = datetime.fromtimestamp(at, UTC)
        return MessageType4.create(
            mmsi=what.mmsi, year=now.year, month=now.month, day=now.day, hour=now.hour, minute=now.minute,
            second=now.second, accuracy=1, lon=lon, lat=lat, epfd=_GPS,
        )  # fmt: skip
    return MessageType21.create(
        mmsi=what.mmsi, aid_type=what.aid_type, name=what.name, accuracy=1, lon=lon, lat=lat, epfd=_GPS,
        second=int(at) % 60, virtual_aid=what.virtual, to_bow=1, to_stern=1, to_port=1, to_starboard=1,
    )  # fmt: skip


def aircraft(mmsi: int, fix: Fix) -> Payload:
    """A rescue aircraft's position (type 9)."""
    return MessageType9.create(
        mmsi=mmsi, alt=_ALTITUDE_M, speed=round(fix.speed), course=round(fix.course, 1) % 360.0, lon=fix.lon,
        lat=fix.lat, second=int(fix.at) % 60, accuracy=1,
    )  # fmt: skip


def man_overboard(mmsi: int, place: Place, at: float) -> tuple[Payload, Payload]:
    """A man-overboard device on trial: its text (type 14) "MOB TEST", its position (type 1, status 15 "under test")."""
    text = MessageType14.create(mmsi=mmsi, text="MOB TEST")
    fix = MessageType1.create(
        mmsi=mmsi, status=15, turn=-128, speed=0.0, course=360.0, heading=_NO_HEADING, lon=place[0], lat=place[1],
        second=int(at) % 60, accuracy=1,
    )  # fmt: skip
    return text, fix
