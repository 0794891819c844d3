"""MQTT packets of a subscriber, version 5 (OASIS, 2019) and 3.1.1 (2014): bytes to values and values to bytes.

Numbers in brackets are sections of the version 5 standard. Only what a client needs that subscribes with QoS 1 is here.
"""

import struct
from dataclasses import dataclass, field

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 13, 14
# What each property is made of (2.2.2.2): bytes of a number, a text or data, a pair of texts, a number of 1 to 4 bytes.
_TEXT, _PAIR, _VARIABLE = -1, -2, -3
_PROPERTIES = {
    0x01: 1, 0x02: 4, 0x03: _TEXT, 0x08: _TEXT, 0x09: _TEXT, 0x0B: _VARIABLE, 0x11: 4, 0x12: _TEXT, 0x13: 2,
    0x15: _TEXT, 0x16: _TEXT, 0x17: 1, 0x18: 4, 0x19: 1, 0x1A: _TEXT, 0x1C: _TEXT, 0x1F: _TEXT, 0x21: 2, 0x22: 2,
    0x23: 2, 0x24: 1, 0x25: 1, 0x26: _PAIR, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1,
}  # fmt: skip
SESSION_EXPIRY, KEEP_ALIVE, RECEIVE_MAXIMUM, PACKET_MAXIMUM, ALIAS_MAXIMUM = 0x11, 0x13, 0x21, 0x27, 0x22
SUBSCRIBED_MAX = 2  # higher return codes of a SUBACK are refusals
REASONS = {
    1: "unacceptable protocol version", 2: "client id refused", 3: "server unavailable", 4: "bad user or password",
    5: "not authorised", 0x84: "unsupported protocol version", 0x85: "client id refused",
    0x86: "bad user or password", 0x87: "not authorised", 0x88: "server unavailable", 0x89: "server busy",
    0x8A: "banned", 0x8E: "session taken over", 0x8F: "topic filter refused", 0x95: "packet too large",
    0x97: "quota exceeded", 0x9E: "shared subscriptions not supported",
}  # fmt: skip


class Malformed(ValueError):
    """The bytes are no packet of the protocol; the message says what is wrong."""


@dataclass(frozen=True)
class Session:
    """How a subscriber wants its session to be. five: by version 5; else by 3.1.1, which has no limits of its own.

    expiry_s: how long the server keeps what comes while we are away. receive_max: messages that may be on the way to us
    without our acknowledgement. packet_max: bytes of a packet.
    """

    client: str
    keep_alive_s: int = 30
    expiry_s: int = 7 * 86_400
    receive_max: int = 2_000
    packet_max: int = 1 << 20
    user: str | None = None
    password: bytes | None = field(default=None, repr=False)
    five: bool = True


@dataclass(frozen=True)
class Publish:
    """One message; number: by which it is acknowledged, None under QoS 0. again: it may have been sent before."""

    topic: str
    payload: bytes
    number: int | None = None
    again: bool = False


def connect(session: Session) -> bytes:
    """CONNECT [3.1] that goes on with a session which the server has kept."""
    flags, tail = 0, _text(session.client)
    if session.user is not None:
        flags, tail = flags | 0x80, tail + _text(session.user)
    if session.password is not None:
        flags, tail = flags | 0x40, tail + struct.pack(">H", len(session.password)) + session.password
    head = _text("MQTT") + struct.pack(">BBH", 5 if session.five else 4, flags, session.keep_alive_s)
    own = b""
    if session.five:
        own += struct.pack(">BI", SESSION_EXPIRY, session.expiry_s)
        own += struct.pack(">BH", RECEIVE_MAXIMUM, session.receive_max)
        own += struct.pack(">BI", PACKET_MAXIMUM, session.packet_max)
        own = _length(len(own)) + own
    return _packet(CONNECT, 0, head + own + tail)


def subscribe(number: int, topic: str, five: bool = True) -> bytes:
    """SUBSCRIBE [3.8] to one filter with QoS 1; what is retained is sent to a new subscription only."""
    head = struct.pack(">H", number) + (b"\0" if five else b"")
    return _packet(SUBSCRIBE, 2, head + _text(topic) + (b"\x11" if five else b"\x01"))


def acknowledge(number: int) -> bytes:
    """PUBACK [3.4]: what was published under this number is ours now."""
    return _packet(PUBACK, 0, struct.pack(">H", number))


def ping() -> bytes:
    """PINGREQ [3.12]."""
    return _packet(PINGREQ, 0, b"")


def disconnect() -> bytes:
    """DISCONNECT [3.14] that leaves the session with the server."""
    return _packet(DISCONNECT, 0, b"")


@dataclass(frozen=True)
class Accepted:
    """What a server says to a connection [3.2]: 0, or why not; whether it has kept our session."""

    code: int
    kept: bool
    keep_alive_s: int | None = None


def connack(body: bytes, five: bool) -> Accepted:
    """The server's answer to CONNECT. Raises Malformed."""
    if len(body) < 2:
        raise Malformed("CONNACK of less than two bytes")
    told = _properties(body, 2)[0] if five and len(body) > 2 else {}
    keep_alive = told.get(KEEP_ALIVE)
    return Accepted(body[1], bool(body[0] & 1), keep_alive)


def suback(body: bytes, five: bool) -> tuple[int, int]:
    """The number of our SUBSCRIBE, and what became of its one filter [3.9]. Raises Malformed."""
    number, at = _number(body, 0)
    if five:
        at = _properties(body, at)[1]
    if len(body) != at + 1:
        raise Malformed("SUBACK for another number of filters")
    return number, body[at]


def publish(flags: int, body: bytes, five: bool) -> Publish:
    """A message [3.3]. Raises Malformed."""
    quality = flags >> 1 & 3
    if quality > 1:
        raise Malformed(f"PUBLISH with QoS {quality}, which was not asked for")
    topic, at = _read_text(body, 0)
    number = None
    if quality:
        number, at = _number(body, at)
        if number == 0:
            raise Malformed("PUBLISH under the number 0")
    if five:
        at = _properties(body, at)[1]
    if not topic:
        raise Malformed("PUBLISH without a topic, though no alias was agreed on")
    return Publish(topic, body[at:], number, bool(flags & 8))


def remaining(data: bytes) -> int | None:
    """The length that follows a packet's first byte [1.5.5], None while it is not complete. Raises Malformed."""
    if data and not data[-1] & 0x80:
        return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(data))
    if len(data) >= 4:
        raise Malformed("a length of more than four bytes")
    return None


def _packet(kind: int, flags: int, body: bytes) -> bytes:
    return bytes([kind << 4 | flags]) + _length(len(body)) + body


def _length(value: int) -> bytes:
    found = bytearray()
    while True:
        value, rest = divmod(value, 128)
        found.append(rest | (0x80 if value else 0))
        if not value:
            return bytes(found)


def _text(value: str) -> bytes:
    raw = value.encode()
    if len(raw) > 0xFFFF:
        raise Malformed("a text of more than 65,535 bytes")
    return struct.pack(">H", len(raw)) + raw


def _number(body: bytes, at: int) -> tuple[int, int]:
    if len(body) < at + 2:
        raise Malformed("the packet ends too soon")
    return int.from_bytes(body[at : at + 2], "big"), at + 2


def _read_text(body: bytes, at: int) -> tuple[str, int]:
    length, at = _number(body, at)
    if len(body) < at + length:
        raise Malformed("the packet ends within a text")
    try:
        return body[at : at + length].decode(), at + length
    except UnicodeDecodeError:
        raise Malformed("a text that is no UTF-8") from None


def _variable(body: bytes, at: int) -> tuple[int, int]:
    for end in range(at + 1, at + 5):
        if len(body) < end:
            break
        if (found := remaining(body[at:end])) is not None:
            return found, end
    raise Malformed("the packet ends within a number")


def _properties(body: bytes, at: int) -> tuple[dict[int, int], int]:
    """The numbers among a packet's properties, and where they end."""
    length, at = _variable(body, at)
    end = at + length
    if len(body) < end:
        raise Malformed("the packet ends within its properties")
    found: dict[int, int] = {}
    while at < end:
        name = body[at]
        form = _PROPERTIES.get(name)
        if form is None:
            raise Malformed(f"an unknown property 0x{name:02x}")
        at = _property(body[:end], at + 1, name, form, found)
    return found, end


def _property(body: bytes, at: int, name: int, form: int, found: dict[int, int]) -> int:
    if form == _VARIABLE:
        found[name], at = _variable(body, at)
    elif form in (_TEXT, _PAIR):
        for _ in range(2 if form == _PAIR else 1):
            length, at = _number(body, at)
            at += length
    else:
        found[name], at = int.from_bytes(body[at : at + form], "big"), at + form
    if at > len(body):
        raise Malformed("the packet ends within a property")
    return at
