"""The AIS messages that are decoded by columns: a table of fields each, their lengths, and what "not available" is."""

from dataclasses import dataclass, field, replace
from typing import Literal

Kind = Literal["number", "degrees", "turn", "ship_type", "epfd", "flag", "text", "rest_text", "rest", "spare"]


@dataclass(frozen=True)
class Field:
    """One field of a message: its bits, how they read, and which raw numbers are values rather than "not available".

    number: `base` and the raw number, divided by `per`; degrees: the same, signed and rounded to six decimals;
    turn: the standard's square-root scale in degrees a minute; ship_type, epfd: a code, unknown ones are 0;
    text: 6-bit ASCII; rest_text, rest: what a message goes on with to its end, at most `width` bits, as text or as
    hexadecimal digits.
    valid: lowest and highest raw number that says something; None = all do. first: set by its Table.
    """

    name: str
    width: int
    kind: Kind = "number"
    per: int = 1
    base: int = 0
    valid: tuple[int, int] | None = None
    first: int = 0

    @property
    def end(self) -> int:
        """The bit after the field's last."""
        return self.first + self.width


@dataclass(frozen=True, eq=False)  # a table is known by itself: to compare all its fields takes time
class Table:
    """The fields of one message (ITU-R M.1371-5, annex 8) in their order, and the lengths in bits it may have.

    lengths: those that are read by columns; None = any that holds all fields (of a rest, as much as there is).
    form: for messages of several forms, the adjacent fields that tell which (read as one number), and those numbers
    that are `only` this table's, or all `but` which are.
    """

    types: tuple[int, ...]
    fields: tuple[Field, ...]
    lengths: tuple[int, ...] | None = None
    form: tuple[str, ...] = ()
    only: frozenset[int] = frozenset()
    but: frozenset[int] = frozenset()
    named: dict[str, Field] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        first, placed = 0, []
        for each in self.fields:
            placed.append(replace(each, first=first))
            first += each.width
        object.__setattr__(self, "fields", tuple(placed))
        object.__setattr__(self, "named", {each.name: each for each in placed if each.kind != "spare"})

    @property
    def bits(self) -> int:
        """The bits of all fields together."""
        return self.fields[-1].end

    @property
    def least(self) -> int:
        """The bits of all fields but a rest."""
        return self.fields[-1].first if self.fields[-1].kind.startswith("rest") else self.bits

    @property
    def told(self) -> Field:
        """The fields that tell the form, as one."""
        first = self.named[self.form[0]].first
        return Field("", self.named[self.form[-1]].end - first, first=first)


def flag(name: str) -> Field:
    """A yes or no of one bit."""
    return Field(name, 1, "flag")


def text(name: str, characters: int) -> Field:
    """6-bit text."""
    return Field(name, characters * 6, "text")


def spare(bits: int) -> Field:
    """Bits that carry nothing."""
    return Field("", bits, "spare")


def applications(area: int, *numbers: int) -> frozenset[int]:
    """Kinds of binary messages as dac and fid tell them, read as one number."""
    return frozenset(area << 6 | number for number in numbers)


HEAD = (Field("msg_type", 6), Field("repeat", 2), Field("mmsi", 30))
LON = Field("lon", 28, "degrees", 600_000, valid=(-180 * 600_000, 180 * 600_000))
LAT = Field("lat", 27, "degrees", 600_000, valid=(-90 * 600_000, 90 * 600_000))
PLACE = (flag("accuracy"), LON, LAT)
SPEED = Field("speed", 10, per=10, valid=(0, 1022))  # 102.2 kn is a floor and is kept
COURSE = Field("course", 12, per=10, valid=(0, 3599))
HEADING = Field("heading", 9, valid=(0, 359))
SECOND = Field("second", 6, valid=(0, 59))
STATUS = Field("status", 4, valid=(0, 14))  # 15 is undefined, save for distress transmitters, whose test it is
SIZE_FIELDS = ("to_bow", "to_stern", "to_port", "to_starboard")
SIZE = tuple(Field(name, width) for name, width in zip(SIZE_FIELDS, (9, 9, 6, 6), strict=True))
SHIP_TYPE = Field("ship_type", 8, "ship_type", valid=(1, 255))
EPFD = Field("epfd", 4, "epfd")
NAMES = ("shipname", "name", "callsign", "destination")
CALLSIGN, SHIPNAME = text("callsign", 7), text("shipname", 20)
MONTH, DAY = Field("month", 4, valid=(1, 15)), Field("day", 5, valid=(1, 31))
HOUR, MINUTE = Field("hour", 5, valid=(0, 23)), Field("minute", 6, valid=(0, 59))
# One slot holds 168 bits. Some receivers append 36 bits of their own (all 730 such reports of a world-wide sample have
# a sound first 168 bits, and gpsd reads them so); any other length is a damaged message.
ONE_SLOT = (168, 204)

CLASS_A = Table(
    (1, 2, 3),
    (
        *HEAD,
        STATUS,
        Field("turn", 8, "turn", valid=(-127, 127)),
        SPEED,
        *PLACE,
        COURSE,
        HEADING,
        SECOND,
        Field("maneuver", 2),
        spare(3),
        flag("raim"),
        Field("radio", 19),
    ),
    ONE_SLOT,
)
BASE_STATION = Table(
    (4, 11),
    (
        *HEAD,
        Field("year", 14),
        MONTH,
        DAY,
        HOUR,
        MINUTE,
        SECOND,
        *PLACE,
        EPFD,
        spare(10),
        flag("raim"),
        Field("radio", 19),
    ),
    ONE_SLOT,
)
VOYAGE = Table(
    (5,),
    (
        *HEAD,
        Field("ais_version", 2),
        Field("imo", 30, valid=(1, 2**30 - 1)),
        CALLSIGN,
        SHIPNAME,
        SHIP_TYPE,
        *SIZE,
        EPFD,
        MONTH,
        DAY,
        HOUR,
        MINUTE,
        Field("draught", 8, per=10, valid=(1, 255)),
        text("destination", 20),
        flag("dte"),
        spare(1),
    ),
)
SAR_AIRCRAFT = Table(
    (9,),
    (
        *HEAD,
        Field("alt", 12),
        Field("speed", 10, valid=(0, 1022)),  # whole knots
        *PLACE,
        COURSE,
        SECOND,
        Field("reserved_1", 8),
        flag("dte"),
        spare(3),
        flag("assigned"),
        flag("raim"),
        Field("radio", 20),
    ),
    ONE_SLOT,
)
CLASS_B = Table(
    (18,),
    (
        *HEAD,
        Field("reserved_1", 8),
        SPEED,
        *PLACE,
        COURSE,
        HEADING,
        SECOND,
        Field("reserved_2", 2),
        *(flag(name) for name in ("cs", "display", "dsc", "band", "msg22", "assigned", "raim")),
        Field("radio", 20),
    ),
    ONE_SLOT,
)
CLASS_B_EXTENDED = Table(
    (19,),
    (
        *HEAD,
        Field("reserved_1", 8),
        SPEED,
        *PLACE,
        COURSE,
        HEADING,
        SECOND,
        Field("reserved_2", 4),
        SHIPNAME,
        SHIP_TYPE,
        *SIZE,
        EPFD,
        flag("raim"),
        flag("dte"),
        flag("assigned"),
        spare(4),
    ),
    (312,),
)
AID = Table(
    (21,),
    (
        *HEAD,
        Field("aid_type", 5),
        text("name", 20),
        *PLACE,
        *SIZE,
        EPFD,
        SECOND,
        flag("off_position"),
        Field("reserved_1", 8),
        *(flag(name) for name in ("raim", "virtual_aid", "assigned")),
        spare(1),
        Field("name_ext", 88, "rest_text"),
    ),
)
NAME_B = Table(  # eight spare bits follow, or not
    (24,), (*HEAD, Field("partno", 2), SHIPNAME), form=("partno",), only=frozenset({0})
)
STATIC_B = Table(
    (24,),
    (
        *HEAD,
        Field("partno", 2),
        Field("ship_type", 8, valid=(1, 255)),
        text("vendorid", 3),
        Field("model", 4),
        Field("serial", 20),
        CALLSIGN,
        *SIZE,
        spare(6),
    ),
    form=("partno",),
    only=frozenset({1}),
)
LONG_RANGE = Table(
    (27,),
    (
        *HEAD,
        flag("accuracy"),
        flag("raim"),
        STATUS,
        Field("lon", 18, "degrees", 600, valid=(-180 * 600, 180 * 600)),
        Field("lat", 17, "degrees", 600, valid=(-90 * 600, 90 * 600)),
        Field("speed", 6, valid=(0, 62)),
        Field("course", 9, valid=(0, 359)),
        flag("gnss"),
        spare(1),
    ),
)
DATA_LINK = Table(
    (20,),
    (
        *HEAD,
        spare(2),
        *(
            Field(f"{name}{number}", width)
            for number in (1, 2, 3, 4)
            for name, width in (("offset", 12), ("number", 4), ("timeout", 3), ("increment", 11))
        ),
    ),
    (160,),
)
APPLICATION = (Field("dac", 10), Field("fid", 6))
INLAND = Table(  # ECE/TRANS/SC.3/176: an inland vessel and its voyage
    (8,),
    (
        *HEAD,
        spare(2),
        *APPLICATION,
        text("vin", 8),
        Field("length", 13, per=10),
        Field("beam", 10, per=10),
        Field("shiptype", 14),
        Field("hazard", 3),
        Field("draught", 11, per=100, valid=(1, 2047)),
        Field("loaded", 2),
        *(flag(name) for name in ("speed_q", "course_q", "heading_q")),
        spare(8),
    ),
    form=("dac", "fid"),
    only=applications(200, 10),
)
CURRENT = (("cspeed", 8, 10), ("cdir", 9, 1), ("cdepth", 5, 1))
WEATHER = Table(  # IMO SN/Circ.236: weather and water
    (8,),
    (
        *HEAD,
        spare(2),
        *APPLICATION,
        Field("lat", 24, "degrees", 60_000, valid=(-90 * 60_000, 90 * 60_000)),
        Field("lon", 25, "degrees", 60_000, valid=(-180 * 60_000, 180 * 60_000)),
        DAY,
        HOUR,
        MINUTE,
        *(Field(name, width) for name, width in (("wspeed", 7), ("wgust", 7), ("wdir", 9), ("wgustdir", 9))),
        Field("airtemp", 11, per=10, base=-600),
        Field("humidity", 7),
        Field("dewpoint", 10, per=10, base=-200),
        Field("pressure", 9, base=800),
        Field("pressuretend", 2),
        Field("visibility", 8, per=10),
        Field("waterlevel", 9, per=10, base=-100),
        Field("leveltrend", 2),
        *(Field(name, width, per=per) for name, width, per in CURRENT[:2]),
        *(Field(f"{name}{number}", width, per=per) for number in (2, 3) for name, width, per in CURRENT),
        *(
            Field(f"{what}{name}", width, per=per)
            for what in ("wave", "swell")
            for name, width, per in (("height", 8, 10), ("period", 6, 1), ("dir", 9, 1))
        ),
        Field("seastate", 4),
        Field("watertemp", 10, per=10, base=-100),
        Field("preciptype", 3),
        Field("salinity", 9, per=10),
        Field("ice", 2),
    ),
    form=("dac", "fid"),
    only=applications(1, 11),
)
# Binary messages are carried as they are, save for those whose content has a form of its own in pyais.
BROADCAST = Table(
    (8,),
    (*HEAD, spare(2), *APPLICATION, Field("data", 952, "rest")),
    form=("dac", "fid"),
    but=applications(1, 0, 11, 16, 17, 19, 20, 21, 22, 24, 26, 27, 29, 31)
    | applications(200, 10, 23, 24, 40)
    | applications(367, 33),
)
ADDRESSED = Table(
    (6,),
    (
        *HEAD,
        Field("seqno", 2),
        Field("dest_mmsi", 30),
        flag("retransmit"),
        spare(1),
        *APPLICATION,
        Field("data", 920, "rest"),
    ),
    form=("dac", "fid"),
    but=applications(1, 16, 18, 20, 23, 25),
)
CORRECTIONS = Table(
    (17,),
    (
        *HEAD,
        spare(2),
        Field("lon", 18, per=10, valid=(0, 1800)),
        Field("lat", 17, per=10, valid=(0, 900)),
        spare(5),
        Field("data", 736, "rest"),
    ),
)
# What every message begins with, for the types whose content has many forms or none that is used here.
OTHER = Table((6, 7, 8, 10, 12, 13, 15, 16, 17, 22, 23, 25, 26, 28), HEAD)
TABLES = (
    CLASS_A,
    BASE_STATION,
    VOYAGE,
    SAR_AIRCRAFT,
    CLASS_B,
    CLASS_B_EXTENDED,
    AID,
    NAME_B,
    STATIC_B,
    LONG_RANGE,
    DATA_LINK,
    INLAND,
    WEATHER,
    BROADCAST,
    ADDRESSED,
    CORRECTIONS,
)
