"""MQTT: a subscriber with QoS 1 and a session that the broker keeps, which acknowledges what is on disk and no sooner.

What was sent and not acknowledged, since we were killed or there was no room, the broker sends again; stored once it is
by its records' ids (ingest.push.lines_of, ingest.station).
"""

import asyncio
import random
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from typing import Any

import structlog

from geo.outgoing import Outgoing, OutgoingError
from ingest import mqtt_packet as packet
from ingest.feed import Note, Source, SurePeer, split_address
from ingest.json_lines import Members
from ingest.lines import Refused
from ingest.push import lines_of, read_json

log = structlog.get_logger()
FAILED, DENIED, MALFORMED, SESSION_LOST = "mqtt_failed", "mqtt_refused", "mqtt_malformed", "mqtt_session_lost"
BACKOFF_S, BACKOFF_S_MAX = 0.5, 60.0
ANSWER_S, BODY_S = 10.0, 30.0  # until a broker answers, and until a packet that has begun is there
PATIENCE = 1.5  # so many of its keep-alive times a broker may be silent
TURN_MESSAGES = 50  # before other sources have their turn


class Denied(Exception):
    """The broker will not have us; the message says why."""


@dataclass
class Line:
    """One connection to a broker, for as long as it stands."""

    writer: asyncio.StreamWriter
    full: bool = False  # there was no room for a message: it is to be sent again later
    open: bool = True

    def settle(self, number: int, kept: bool) -> None:
        """What became of a message: acknowledged when it is on disk. In the order of arrival, as 4.6 wants it."""
        if kept and self.open and not self.full:
            self.writer.write(packet.acknowledge(number))
        elif not kept:
            self.full = True

    def close(self) -> None:
        """Nothing is said any more: numbers are of one connection only."""
        self.open = False
        self.writer.close()


@dataclass
class Subscriber:
    """One source that a broker sends to. Faults: FAILED, DENIED, MALFORMED, SESSION_LOST."""

    source: Source
    outgoing: Outgoing
    note: Note
    wait: Callable[[float], Any] = asyncio.sleep
    session: packet.Session = field(init=False)
    _known: bool = False  # the broker has, or had, our session
    _failures: int = 0
    _said: str = ""

    def __post_init__(self) -> None:
        own = self.source.options
        # A receiver has the same name after it was killed: to that the broker's session belongs.
        digest = blake2b(f"{socket.gethostname()} {self.source.name}".encode(), digest_size=6).hexdigest()
        self.session = packet.Session(
            own.get("client", f"haidang-{digest}"), user=own.get("user"), five=own.get("version", "5") == "5"
        )

    async def run(self, peer: SurePeer) -> None:
        """Subscribe and listen until cancelled, with back-off from 0.5 s to a minute."""
        try:
            while True:
                try:
                    await self._connection(peer)
                except (OutgoingError, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                    self._failed(FAILED, _words(error))
                except Denied as error:
                    self._failed(DENIED, str(error))
                except packet.Malformed as error:
                    self._failed(MALFORMED, str(error))
                pause_s = min(BACKOFF_S * 2.0 ** min(self._failures, 10), BACKOFF_S_MAX)
                self._failures += 1
                await self.wait(pause_s * random.uniform(0.8, 1.2))
        finally:
            peer.close()

    async def _connection(self, peer: SurePeer) -> None:
        scheme, host, port = split_address(self.source.address)
        own = self.source.options
        if "secret" in own:
            self.session = replace(self.session, password=self.outgoing.secret(own["secret"]).encode())
        reached = await asyncio.to_thread(self.outgoing.reach, host, port)
        reached.setblocking(False)
        tls: dict[str, Any] = {"ssl": self.outgoing.tls, "server_hostname": host} if scheme == "mqtts" else {}
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await asyncio.open_connection(sock=reached, **tls)
        except BaseException:
            reached.close()
            raise
        line = Line(writer)
        pinging: asyncio.Task[None] | None = None
        try:
            keep_alive_s = await self._enter(reader, line)
            pinging = asyncio.create_task(_ping(line, keep_alive_s / 2))
            await self._listen(peer, reader, line, keep_alive_s * PATIENCE)
        finally:
            if pinging is not None:
                pinging.cancel()
            if line.open:
                with suppress(OSError):
                    writer.write(packet.disconnect())
            line.close()

    async def _enter(self, reader: asyncio.StreamReader, line: Line) -> float:
        """Connect and subscribe; returns the keep-alive time."""
        own = self.session
        line.writer.write(packet.connect(own))
        kind, _, body = await self._packet(reader, ANSWER_S)
        if kind != packet.CONNACK:
            raise packet.Malformed(f"packet {kind} where CONNACK was due")
        told = packet.connack(body, own.five)
        if told.code:
            raise Denied(f"the broker refuses us: {packet.REASONS.get(told.code, told.code)}")
        if self._known and not told.kept:
            # What it kept for us while we were away, if it did, is gone.
            self.note(SESSION_LOST, 1)
            log.error("the broker has lost our session", source=self.source.name)
        self._known = True
        share = self.source.options.get("share")
        topic = f"$share/{share}/{self.source.topic}" if share else self.source.topic
        line.writer.write(packet.subscribe(1, topic, own.five))
        log.info("subscribed", source=self.source.name, topic=topic, session_kept=told.kept)
        self._failures, self._said = 0, ""
        return float(told.keep_alive_s or own.keep_alive_s)

    async def _listen(self, peer: SurePeer, reader: asyncio.StreamReader, line: Line, quiet_s: float) -> None:
        heard = 0
        while not line.full:
            kind, flags, body = await self._packet(reader, quiet_s)
            if kind == packet.PUBLISH:
                self._take(peer, line, packet.publish(flags, body, self.session.five))
                heard += 1
                if heard % TURN_MESSAGES == 0:
                    await line.writer.drain()
                    await asyncio.sleep(0)
            elif kind == packet.SUBACK:
                _, code = packet.suback(body, self.session.five)
                if code > packet.SUBSCRIBED_MAX:
                    raise Denied(f"the broker refuses the topic: {packet.REASONS.get(code, code)}")
            elif kind == packet.DISCONNECT:
                code = body[0] if body else 0
                raise Denied(f"the broker sends us away: {packet.REASONS.get(code, code)}")
            elif kind != packet.PINGRESP:
                raise packet.Malformed(f"packet {kind}, which no subscriber is sent")
        raise OSError("no room for more messages; the broker keeps them")

    def _take(self, peer: SurePeer, line: Line, told: packet.Publish) -> None:
        for each in self.lines(told):
            peer.datagram(each)
        if told.number is not None:
            peer.when_kept(partial(line.settle, told.number))

    def lines(self, told: packet.Publish) -> list[bytes]:
        """A message's records, one a line, with what its topic and the source's address say of them.

        What is no JSON is one line, which the worker refuses, counts and keeps.
        """
        push = self.source.feed.push
        assert push is not None
        named = zip(self.source.options.get("levels", "").split("/"), told.topic.split("/"), strict=False)
        given = {**self.source.given, **{name: level for name, level in named if name not in ("", "-")}}
        try:
            found = read_json(told.payload)
        except Refused:
            return [b" ".join(told.payload[:1024].split()) or b"-"]
        return [line for line, _ in lines_of(push, [_meant(each, given) for each in found])]

    async def _packet(self, reader: asyncio.StreamReader, within_s: float) -> tuple[int, int, bytes]:
        """One packet: its kind, flags and body. Raises TimeoutError, IncompleteReadError, Malformed."""
        async with asyncio.timeout(within_s):
            (first,) = await reader.readexactly(1)
        async with asyncio.timeout(BODY_S):
            told = b""
            while (length := packet.remaining(told)) is None:
                told += await reader.readexactly(1)
            if length > self.session.packet_max:
                raise packet.Malformed(f"a packet of {length} bytes; {self.session.packet_max} are the most")
            return first >> 4, first & 15, await reader.readexactly(length)

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
    return {**given, **record}


async def _ping(line: Line, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        line.writer.write(packet.ping())


def _words(error: Exception) -> str:
    if isinstance(error, asyncio.IncompleteReadError):
        return "the broker closed the connection"
    return "no answer of the broker in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
