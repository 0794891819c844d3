"""The AIS feed: sentences to rows under pyais's field names, the standard's sentinels as nulls (ITU-R M.1371-5)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pyais
from pyais.bit_vector import bit_vector
from pyais.exceptions import AISBaseException, TagBlockNotInitializedException
from pyais.messages import ANY_MESSAGE, MSG_CLASS

from geo.account import Account
from geo.mmsi import DISTRESS_MAX, DISTRESS_MIN, PLACEHOLDERS
from ingest.feed import Decoded, Feed, RawBatch
from ingest.lines import LETTERS_MAX
from ingest.message import ONE_SLOT
from ingest.sentence import SENTENCE, NmeaFramer, Sentence, parse, tag_time

POSITION_TYPES = frozenset({1, 2, 3, 4, 9, 11, 18, 19, 21, 27})
STATIC_TYPES = frozenset({5, 19, 21, 24})
USED_TYPES = POSITION_TYPES | STATIC_TYPES | {14}
CLASS_B_TYPES = frozenset({18, 19, 24})
# Payload bits of the types that have fixed lengths, and the least that the others need to be what they say.
EXACT_BITS = {**dict.fromkeys((1, 2, 3, 4, 9, 11, 18), ONE_SLOT), 19: (312,)}
LEAST_BITS = {5: 420, 14: 40, 21: 270, 24: 156, 27: 96}
ARMOUR = frozenset(range(48, 88)) | frozenset(range(96, 120))  # the 64 characters of the 6-bit armouring
FUTURE_SECOND_S = 2.0  # a transmission cannot be later than its reception, save for the clocks' disagreement

FIX_FIELDS = ("speed", "course", "heading", "turn", "status", "accuracy", "msg_type")
STATIC_FIELDS = ("shipname", "callsign", "imo", "ship_type", "draught", "destination", "aid_type", "virtual_aid")


class Refused(ValueError):
    """A message cannot be accepted; the text is the reason it is counted under."""


def read_message(parts: list[Sentence]) -> dict[str, Any]:
    """One validated message to its fields: pyais's names, sentinels as None, enums as numbers.

    Raises:
        Refused: `empty_payload`, `payload`, `length`, `unknown_type`, `mmsi` or `undecodable`.
    """
    payload = b"".join(part.payload for part in parts)
    if not payload:
        raise Refused("empty_payload")
    if not ARMOUR.issuperset(payload):
        raise Refused("payload")
    first = payload[0] - 48
    msg_type = first if first < 40 else first - 8
    if not 1 <= msg_type <= 28:
        raise Refused("unknown_type")
    bits = len(payload) * 6 - int(parts[-1].bare[-4:-3] if parts[-1].bare[-4:-3].isdigit() else 0)
    if bits < LEAST_BITS.get(msg_type, 38) or bits not in EXACT_BITS.get(msg_type, (bits,)):
        raise Refused("length")
    mmsi = _mmsi(payload)
    if mmsi in PLACEHOLDERS or not 0 < mmsi <= 999_999_999:
        raise Refused("mmsi")
    try:
        message = pyais.decode(*[part.bare for part in parts])
    except (AISBaseException, TagBlockNotInitializedException, ValueError, TypeError, IndexError) as error:
        raise Refused("undecodable") from error
    return fields_of(message)


def _mmsi(payload: bytes) -> int:
    """Bits 8 to 37, which every message has in one place: most that is refused is so for them, before it costs."""
    value = 0
    for code in payload[:7]:
        value = value << 6 | (code - 48 if code < 88 else code - 56)
    return value >> 4 & 0x3FFFFFFF


def decode_payload(payload: bytes, fill: int) -> ANY_MESSAGE:
    """A message out of its payload, which was found sound before; `fields_of` tells what is in it.

    Raises:
        Refused: `undecodable`.
    """
    first = payload[0] - 48
    try:
        return MSG_CLASS[first if first < 40 else first - 8].from_vector(bit_vector(payload, fill))
    except (AISBaseException, ValueError, TypeError, IndexError, KeyError) as error:
        raise Refused("undecodable") from error


def fields_of(message: ANY_MESSAGE) -> dict[str, Any]:
    """A message's fields: pyais's names, sentinels as None, enums as numbers."""
    return null_sentinels(_plain(message))


def _plain(message: ANY_MESSAGE) -> dict[str, Any]:
    fields: dict[str, Any] = message.asdict(enum_as_int=True)
    fields["mmsi"] = None if fields.get("mmsi") is None else int(fields["mmsi"])
    for name, value in fields.items():
        if isinstance(value, bytes | bytearray):
            fields[name] = value.hex()
    return fields


Test = Callable[[Any, dict[str, Any]], bool]
TOP_SPEED = {27: 63, 9: 1023}  # "not available" of the types that count in whole knots; 102.3 of all others


def _blank(text: Any, _: dict[str, Any]) -> bool:
    return not text.strip("@ ")


def _zero(value: Any, _: dict[str, Any]) -> bool:
    return bool(value == 0)


UNAVAILABLE: Mapping[str, Test] = {
    "lon": lambda value, _: abs(value) > 180,
    "lat": lambda value, _: abs(value) > 90,
    "speed": lambda value, fields: value >= TOP_SPEED.get(fields["msg_type"], 102.3),
    "course": lambda value, _: value >= 360,
    "heading": lambda value, _: value >= 360,
    "turn": lambda value, _: value == -128,
    "second": lambda value, _: value >= 60,
    # 15 is "undefined" for ships, but "under test" for distress transmitters.
    "status": lambda value, fields: value == 15 and not DISTRESS_MIN <= fields["mmsi"] < DISTRESS_MAX,
    "hour": lambda value, _: value >= 24,
    "minute": lambda value, _: value >= 60,
    **dict.fromkeys(("ship_type", "imo", "draught", "month", "day"), _zero),
    **dict.fromkeys(("shipname", "name", "callsign", "destination"), _blank),
}


def null_sentinels(fields: dict[str, Any]) -> dict[str, Any]:
    """Replace "not available" by None (M.1371-5 annex 8), in place; 102.2 kn stays, as the floor that it is."""
    for name, unavailable in UNAVAILABLE.items():
        value = fields.get(name)
        if value is not None and unavailable(value, fields):
            fields[name] = None
    if fields.get("lon") is None or fields.get("lat") is None:
        fields.update({name: None for name in ("lon", "lat") if name in fields})
    sides = ("to_bow", "to_stern", "to_port", "to_starboard")
    if all(fields.get(name) == 0 for name in sides):
        fields.update(dict.fromkeys(sides))
    return fields


Message = tuple[dict[str, Any], list[Sentence]]


def messages(raw: bytes, account: Account, letters: list[tuple[str, bytes]]) -> Iterator[Message]:
    """Every accepted message of framed lines with its sentences; counts and keeps what is refused."""

    def refuse(reason: str, *lines: bytes) -> None:
        account.rejected[reason] += len(lines)
        letters.extend((reason, line) for line in lines[: max(0, LETTERS_MAX - len(letters))])

    waiting: list[Sentence] = []
    for line in raw.split(b"\n"):
        if not line:
            continue
        account.received += 1
        match = SENTENCE.search(line)
        part = parse(match[2], match[1]) if match else "not_ais"
        if isinstance(part, str):
            refuse(part, line)
            continue
        if waiting and (part.number != len(waiting) + 1 or part.total != waiting[0].total):
            refuse("incomplete", *[each.bare for each in waiting])
            waiting = []
        waiting.append(part)
        if len(waiting) < part.total:
            continue
        parts, waiting = waiting, []
        if parts[0].number != 1:
            refuse("incomplete", *[each.bare for each in parts])
            continue
        try:
            fields = read_message(parts)
        except Refused as reason:
            refuse(str(reason), *[each.bare for each in parts])
            continue
        account.accepted += len(parts)
        account.messages += 1
        account.ignored += fields["msg_type"] not in USED_TYPES
        yield fields, parts
    if waiting:
        refuse("incomplete", *[each.bare for each in waiting])


def observed_at(fields: dict[str, Any], tag: dict[str, str], received_at: float) -> float:
    """Epoch seconds of a message: the tag block's time; else its second resolved against reception; else reception."""
    told = tag_time(tag)
    if told is not None:
        return told
    second = fields.get("second")
    if second is None or fields["msg_type"] not in POSITION_TYPES:
        return received_at
    latest: float = received_at + FUTURE_SECOND_S  # of all minutes that it may belong to, the last possible one
    resolved: float = latest - (latest - second) % 60
    return resolved


def row_of(fields: dict[str, Any]) -> dict[str, Any]:
    """The vessel table's columns that one message carries."""
    msg_type = fields["msg_type"]
    row: dict[str, Any] = {"mmsi": fields["mmsi"]}
    if msg_type in POSITION_TYPES:
        row.update({name: fields.get(name) for name in FIX_FIELDS}, lon=fields.get("lon"), lat=fields.get("lat"))
    if msg_type in STATIC_TYPES:
        row.update({name: fields[name] for name in STATIC_FIELDS if fields.get(name) is not None})
        if msg_type == 21:
            row["shipname"] = ((fields.get("name") or "") + (fields.get("name_ext") or "")).strip("@ ") or None
        bow, stern = fields.get("to_bow"), fields.get("to_stern")
        port, starboard = fields.get("to_port"), fields.get("to_starboard")
        # A craft associated with a mothership (98MID) sends the mothership's MMSI where others send their size.
        if bow is not None and stern is not None and fields["mmsi"] // 10_000_000 != 98:
            row["length_m"] = float(bow + stern) or None
            row["beam_m"] = float((port or 0) + (starboard or 0)) or None
        if msg_type == 5 and fields.get("month") and fields.get("day"):
            row["eta"] = (
                f"{fields['month']:02d}-{fields['day']:02d} {fields['hour'] or 0:02d}:{fields['minute'] or 0:02d}"
            )
    if msg_type in (18, 19, 24):
        row["ais_class"] = "B"
    elif msg_type in (1, 2, 3, 5):
        row["ais_class"] = "A"
    if msg_type == 18:
        row["cs"] = bool(fields.get("cs"))
    if msg_type == 14:
        row["safety_text"] = (fields.get("text") or "")[:161] or None
        if DISTRESS_MIN <= fields["mmsi"] < DISTRESS_MAX:
            row["status"] = spoken_status(row["safety_text"] or "")
    return row


def spoken_status(text: str) -> int | None:
    """The status that a distress transmitter gives in words (IEC 61097-14: "SART ACTIVE", "SART TEST"): 14, 15."""
    words = text.upper()
    return 15 if "TEST" in words else 14 if "ACTIVE" in words else None


def decode(batch: RawBatch) -> Decoded:
    """Framed AIS sentences to a frame of vessel rows; see Feed.decode."""
    # Loaded here: the receiver knows feeds but never decodes, and does without numpy's and pandas' 75 MB.
    from ingest.vessel_frame import decode_batch

    return decode_batch(batch)


def sample() -> Iterable[bytes]:
    """A position and a name of one simulated boat off Thuận An, encoded now."""
    now = datetime.now(UTC)
    position: dict[str, str | int | float | bytes | bool] = {
        "msg_type": 18,
        "mmsi": 574000001,
        "lon": 107.75,
        "lat": 16.72,
        "speed": 4.2,
        "course": 47.0,
    }
    yield from (
        line.encode()
        for line in pyais.encode_dict({**position, "second": now.second}, talker_id="AI", sentence_type="VDM")
    )
    name: dict[str, str | int | float | bytes | bool] = {
        "msg_type": 24,
        "partno": 0,
        "mmsi": 574000001,
        "shipname": "TTH-90001-TS",
    }
    yield from (line.encode() for line in pyais.encode_dict(name, talker_id="AI", sentence_type="VDM"))


AIS = Feed(
    name="ais",
    addresses=("udp://127.0.0.1:10110", "tcp-listen://127.0.0.1:10110"),
    framer=NmeaFramer,
    decode=decode,
    sample=sample,
    expected_s=60.0,
)
