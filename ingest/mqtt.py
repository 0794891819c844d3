"""MQTT: a subscriber with QoS 1 and a session that the broker keeps, which acknowledges what is on disk and no sooner.

What was sent and not acknowledged, since we were killed or there was no room, the broker sends again; stored once it is
by its records' ids (ingest.push.lines_of, ingest.station). Packets are paho's; bytes, TLS and time are asyncio's, so
that a broker is reached by geo.outgoing alone and no thread is needed.
"""

import asyncio
import json
import random
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from geo.outgoing import Outgoing, OutgoingError
from ingest.feed import RECORD_ID, Note, Source, SurePeer, split_address
from ingest.json_lines import Members
from ingest.lines import RETAINED_UNDATED, Refused
from ingest.push import TooMany, lines_of, read_json, unreadable

log = structlog.get_logger()
FAILED, DENIED, MALFORMED, SESSION_LOST = "mqtt_failed", "mqtt_refused", "mqtt_malformed", "mqtt_session_lost"
FAULT = "mqtt_fault"
BACKOFF_S, BACKOFF_S_MAX = 0.5, 60.0
ANSWER_S = 10.0  # until a broker answers to our name
KEEP_ALIVE_S, SESSION_S = 30, 7 * 86_400  # how long a broker keeps what comes while we are away
FLYING_MAX, PACKET_MAX = 2_000, 1 << 20  # messages on the way without our acknowledgement; bytes of a packet
RECORDS_MAX = 10_000  # of one message
READ_BYTES = 1 << 14
REFUSED_TOLD = 5  # topics that the log names
UNDATED_S = 3600  # a message that says no time is taken for itself again within the clock's hour


class Denied(Exception):
    """The broker will not have us; the message says why."""


class Malformed(Exception):
    """What the broker says is no MQTT, or more than was agreed on; the message says what is wrong."""


@dataclass
class Wire:
    """A connection as paho sees it: bytes that are here already, and a way out."""

    writer: asyncio.StreamWriter
    unread: bytearray = field(default_factory=bytearray)

    def recv(self, size: int) -> bytes:
        """So many bytes at most. Raises Malformed for what is longer than any packet that was agreed on."""
        if size > PACKET_MAX:
            raise Malformed(f"a packet of {size} bytes; {PACKET_MAX} are the most")
        if not self.unread:
            raise BlockingIOError
        found = bytes(self.unread[:size])
        del self.unread[:size]
        return found

    def send(self, data: bytes | bytearray) -> int:
        """Hand bytes over; asyncio sends them."""
        self.writer.write(bytes(data))
        return len(data)

    def close(self) -> None:
        """The connection's end."""
        self.writer.close()

    def fileno(self) -> int:
        """None is needed: nobody waits for this one."""
        return -1

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""


class Session(Client):
    """paho's client over a wire that is there already; what the broker says is noted, and read by whoever feeds it."""

    def __init__(self, name: str, five: bool, wire: Wire) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=None if five else False,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self.wire, self.five = wire, five
        self.greeting: tuple[bool, ReasonCode] | None = None  # whether it kept our session, and whether it has us
        self.asked: dict[int, list[str]] = {}  # subscriptions by number that the broker has not answered yet
        self.granted: list[tuple[str, ReasonCode]] = []
        self.hearing = 0  # topics that it granted
        self.heard: list[MQTTMessage] = []
        self.farewell: ReasonCode | None = None
        self.on_connect = lambda _, __, flags, code, ___: self._greeted(flags, code)
        self.on_subscribe = lambda _, __, number, codes, ____: self._granted(number, codes)
        self.on_message = lambda _, __, message: self.heard.append(message)
        self.on_disconnect = lambda _, __, flags, code, ___: self._left(flags, code)

    def _greeted(self, flags: ConnectFlags, code: ReasonCode) -> None:
        self.greeting = flags.session_present, code

    def _granted(self, number: int, codes: Sequence[ReasonCode]) -> None:
        """One code a topic, in their order (3.9.3)."""
        topics = self.asked.pop(number, None)
        if topics is None or len(topics) != len(codes):
            raise Malformed("an answer to no subscription of ours")
        self.granted += zip(topics, codes, strict=True)

    def ask(self, topics: list[str]) -> None:
        """Subscribe with QoS 1."""
        _, number = self.subscribe([(topic, 1) for topic in topics])
        if number is not None:
            self.asked[number] = topics

    def _left(self, flags: DisconnectFlags, code: ReasonCode) -> None:
        if flags.is_disconnect_packet_from_server:
            self.farewell = code

    def _create_socket(self) -> Wire:
        return self.wire  # paho's own would ask any resolver for any host

    def enter(self, host: str, port: int) -> None:
        """Say CONNECT (3.1), with a session that goes on."""
        if not self.five:
            self.connect(host, port, KEEP_ALIVE_S)
            return
        wanted = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho left it so
        wanted.SessionExpiryInterval, wanted.ReceiveMaximum, wanted.MaximumPacketSize = (
            SESSION_S,
            FLYING_MAX,
            PACKET_MAX,
        )
        self.connect(host, port, KEEP_ALIVE_S, clean_start=False, properties=wanted)

    def read(self, data: bytes) -> None:
        """Take bytes as they came, note what is whole and answer to it. Raises Malformed."""
        self.wire.unread += data
        while self.wire.unread and self.socket() is not None:
            try:
                code = self.loop_read()
            except Malformed:
                raise
            except Exception as error:  # of paho's reading, by whatever name
                raise Malformed(f"a packet that cannot be read ({type(error).__name__})") from error
            refused = self.greeting is not None and self.greeting[1].is_failure  # which is no fault of the packet's
            if code == MQTTErrorCode.MQTT_ERR_PROTOCOL and not refused:
                raise Malformed("a packet that no subscriber is sent")
            if self._in_messages:
                raise Malformed("a message with QoS 2, which was not asked for")
        self.loop_write()


@dataclass
class Line:
    """One connection to a broker, for as long as it stands."""

    session: Session
    full: bool = False  # there was no room for a message: it is to be sent again later
    open: bool = True

    def settle(self, number: int, kept: bool) -> None:
        """What became of a message: acknowledged when it is on disk. In the order of arrival, as 4.6 wants it."""
        if not self.open:
            return
        if kept:
            self.session.ack(number, 1)
        else:
            self.full = True
            self.close()

    def close(self) -> None:
        """Nothing is said any more: numbers are of one connection only."""
        self.open = False
        self.session.wire.close()


@dataclass
class Subscriber:
    """One source that a broker sends to. Faults: FAILED, DENIED, MALFORMED, SESSION_LOST; FAULT where it is ours."""

    source: Source
    outgoing: Outgoing
    note: Note
    wait: Callable[[float], Any] = asyncio.sleep
    name: str = field(init=False)
    _known: bool = False  # the broker has, or had, our session
    _failures: int = 0
    _said: str = ""

    def __post_init__(self) -> None:
        # A receiver has the same name after it was killed: to that the broker's session belongs.
        digest = blake2b(f"{socket.gethostname()} {self.source.name}".encode(), digest_size=6).hexdigest()
        self.name = self.source.options.get("client", f"haidang-{digest}")

    async def run(self, peer: SurePeer) -> None:
        """Subscribe and listen until cancelled, with back-off from 0.5 s to a minute."""
        try:
            while True:
                try:
                    await self._connection(peer)
                except (OutgoingError, OSError, TimeoutError) as error:
                    self._failed(FAILED, _words(error))
                except Denied as error:
                    self._failed(DENIED, str(error))
                except Malformed as error:
                    self._failed(MALFORMED, str(error))
                except Exception as error:  # must not end the receiver, which hears the others
                    self._failed(FAULT, repr(error)[:200])
                pause_s = min(BACKOFF_S * 2.0 ** min(self._failures, 10), BACKOFF_S_MAX)
                self._failures += 1
                await self.wait(pause_s * random.uniform(0.8, 1.2))
        finally:
            peer.close()

    async def _connection(self, peer: SurePeer) -> None:
        scheme, host, port = split_address(self.source.address)
        own = self.source.options
        password = self.outgoing.secret(own["secret"]) if "secret" in own else None
        reached = await asyncio.to_thread(self.outgoing.reach, host, port)
        reached.setblocking(False)
        tls: dict[str, Any] = {"ssl": self.outgoing.tls, "server_hostname": host} if scheme == "mqtts" else {}
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await asyncio.open_connection(sock=reached, **tls)
        except BaseException:
            reached.close()
            raise
        session = Session(self.name, own.get("version", "5") == "5", Wire(writer))
        line = Line(session)
        minding: asyncio.Task[None] | None = None
        try:
            if "user" in own:
                session.username_pw_set(own["user"], password)
            session.enter(host, port)
            minding = asyncio.create_task(_mind(session))
            async with asyncio.timeout(ANSWER_S):
                await self._enter(reader, session)
            while True:
                self._take(peer, line)
                await writer.drain()
                await asyncio.sleep(0)
                await self._read(reader, line)
        finally:
            if minding is not None:
                minding.cancel()
            if line.open:
                with suppress(OSError):
                    session.disconnect()
            line.close()

    async def _read(self, reader: asyncio.StreamReader, line: Line) -> None:
        """Some bytes more. Raises OSError at their end, Malformed."""
        data = await reader.read(READ_BYTES)
        if line.full:
            raise OSError("no room for more messages; the broker keeps them")
        if not data:
            silent = line.session.socket() is None
            raise OSError("the broker is silent" if silent else "the broker closed the connection")
        line.session.read(data)

    async def _enter(self, reader: asyncio.StreamReader, session: Session) -> None:
        """Wait until the broker has us, and subscribe."""
        line = Line(session)
        while session.greeting is None:
            await self._read(reader, line)
            if session.greeting is None and (session.heard or session.granted):
                raise Malformed("something else where CONNACK was due")
        kept, code = session.greeting
        if code.is_failure:
            raise Denied(f"the broker refuses us: {code}")
        if self._known and not kept:
            # What it kept for us while we were away, if it did, is gone.
            self.note(SESSION_LOST, 1)
            log.error("the broker has lost our session", source=self.source.name)
        self._known = True
        self.subscribe(session)
        log.info("subscribed", source=self.source.name, session_kept=kept)
        self._failures, self._said = 0, ""

    def subscribe(self, session: Session) -> None:
        """Ask for what the source's topic filter covers."""
        share = self.source.options.get("share")
        session.ask([f"$share/{share}/{self.source.topic}" if share else self.source.topic])

    def _take(self, peer: SurePeer, line: Line) -> None:
        """What was noted since: messages, whether the topic is ours, and whether we are sent away. Raises Denied."""
        session = line.session
        heard, session.heard = session.heard, []
        for each in heard:
            try:
                topic = each.topic
            except UnicodeDecodeError:
                raise Malformed("a topic that is no UTF-8") from None
            number = each.mid if each.qos else None
            if not topic or number == 0:
                raise Malformed("a message without a topic or a number")
            for told in self.lines(topic, bytes(each.payload), number, time.time()):
                if each.retain and _is_undated(told):
                    peer.refuse(RETAINED_UNDATED, told)
                else:
                    peer.datagram(told)
            if number is not None:
                peer.when_kept(partial(line.settle, number))
        self._subscribed(session)
        if session.farewell is not None:
            raise Denied(f"the broker sends us away: {session.farewell}")

    def _subscribed(self, session: Session) -> None:
        """What the broker answered to subscriptions: a topic that it refuses costs that one. Raises Denied for all."""
        granted, session.granted = session.granted, []
        refused = [(topic, code) for topic, code in granted if code.is_failure]
        session.hearing += len(granted) - len(refused)
        if refused and not session.hearing and not session.asked:
            raise Denied(f"the broker refuses the topic: {refused[0][1]}")
        if refused:
            self.note(DENIED, len(refused))
            told = [f"{topic}: {code}" for topic, code in refused[:REFUSED_TOLD]]
            log.warning("the broker refuses topics", source=self.source.name, count=len(refused), topics=told)

    def lines(self, topic: str, payload: bytes, number: int | None = None, now: float = 0.0) -> list[bytes]:
        """A message's records, one a line, with what its topic and the source's address say of them.

        number: the broker's own of the message, None under QoS 0. A record that says neither its time nor an id gets
        one of number, topic, payload and hour, since the same message may come again. What is no JSON is one line,
        which the worker refuses, counts and keeps.
        """
        push = self.source.feed.push
        assert push is not None
        named = zip(self.source.options.get("levels", "").split("/"), topic.split("/"), strict=False)
        given = {**self.source.given, **{name: level for name, level in named if name not in ("", "-")}}
        try:
            found = read_json(payload, RECORDS_MAX)
        except (Refused, TooMany):
            return [unreadable(b" ".join(payload[:1000].split()))]
        meant = [_meant(each, given) for each in found]
        if number is not None:
            seen = blake2b(f"{int(now // UNDATED_S)} {number} {topic} ".encode() + payload, digest_size=16).hexdigest()
            meant = [_undated(each, f"{seen}.{place}") for place, each in enumerate(meant)]
        return [line for line, _ in lines_of(push, meant)]

    def _failed(self, fault: str, words: str) -> None:
        self.note(fault, 1)
        if words != self._said:
            log.warning("mqtt failed", source=self.source.name, error=words)
        self._said = words


def _meant(record: Any, given: dict[str, str]) -> Any:
    """A record with what is meant where it says nothing; a mere number is the value of what the topic names."""
    if isinstance(record, int | float) and not isinstance(record, bool) and "parameter" in given:
        return {**given, "value": record}
    if not isinstance(record, dict) or (isinstance(record, Members) and record.pairs):
        return record
    return {**record, **{name: value for name, value in given.items() if record.get(name) in (None, "")}}


def _undated(record: Any, seen: str) -> Any:
    if not isinstance(record, dict) or (isinstance(record, Members) and record.pairs):
        return record
    if record.get("observed_at") is not None or record.get(RECORD_ID.name) is not None:
        return record
    return {**record, RECORD_ID.name: seen}


def _is_undated(line: bytes) -> bool:
    """Whether a record says no time. What a broker retained and sends with each subscription (3.3.1.3) may be weeks
    old: taken as of its reception, a dead sensor would live again each time that we come back.
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):  # the worker refuses it
        return False
    return isinstance(record, dict) and record.get("observed_at") is None


async def _mind(session: Session) -> None:
    """Say that we are here, and let a broker go that says nothing."""
    while True:
        await asyncio.sleep(KEEP_ALIVE_S / 10)
        session.loop_misc()


def _words(error: Exception) -> str:
    return "no answer of the broker in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
