"""A subscriber and a broker over a pair of sockets: nothing is acknowledged that is not kept, and nothing gets lost.

The broker here is the test's own and keeps a session as the standard has it (4.4); mosquitto's is for the fault runs.
"""

import asyncio
import json
import socket
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from geo.outgoing import Outgoing, OutgoingError, allow
from ingest.ais import AIS
from ingest.delivery import Outbox
from ingest.environment import FEED
from ingest.feed import AddressError, Source, sources_of
from ingest.mqtt import Subscriber
from ingest.offered import Listener
from ingest.receiver import Flush, SourcePeer

CONNECT, PUBACK, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 4, 8, 12, 14  # kinds of packets
NOW = datetime.now(UTC).replace(microsecond=0)
ADDRESS = "mqtt://broker.hue.vn/hue/env/%23#share=haidang"


def source(address: str = ADDRESS) -> Source:
    return sources_of(FEED, {"environment": [address]}, {})[0]


def message(number: int) -> tuple[str, bytes]:
    at = (NOW - timedelta(seconds=number)).isoformat()
    return f"hue/env/S{number % 7}", json.dumps(
        {"id": f"S{number % 7}", "observed_at": at, "pm25": number % 90}
    ).encode()


@dataclass
class Broker:
    """Keeps one session: what waits, and what is on its way by number. version 5."""

    waiting: deque[tuple[str, bytes]] = field(default_factory=deque)
    flying: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    kept: bool = False
    limit: int = 0
    most: int = 0
    repeated: int = 0
    wrong: list[str] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)
    connects: list[bytes] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    retained: set[str] = field(default_factory=set)
    connack: bytes = b""
    tail: bytes = b""  # said after the subscription
    _number: int = 0

    async def serve(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=sock)
        try:
            with suppress(asyncio.IncompleteReadError, OSError):
                await self._serve(reader, writer)
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            (first,) = await reader.readexactly(1)
            length, place, byte = 0, 0, 0x80
            while byte & 0x80:
                (byte,) = await reader.readexactly(1)
                length, place = length | (byte & 0x7F) << place, place + 7
            body = await reader.readexactly(length)
            kind = first >> 4
            if kind == CONNECT:
                self.connects.append(body)
                self.limit = int.from_bytes(body[body.index(b"\x21") + 1 :][:2], "big")
                writer.write(self.connack or b"\x20\x03" + bytes([self.kept]) + b"\0\0")
                self.kept = True
            elif kind == SUBSCRIBE:
                topics, at = list[str](), 3
                while at < len(body):
                    end = at + 2 + int.from_bytes(body[at : at + 2], "big")
                    topics.append(body[at + 2 : end].decode())
                    at = end + 1
                self.filters += topics
                codes = bytes(0x87 if topic in self.refused else 1 for topic in topics)
                writer.write(b"\x90" + bytes([3 + len(codes)]) + body[:2] + b"\0" + codes)
                for number, (topic, payload) in self.flying.items():
                    self.repeated += 1
                    writer.write(self._publish(0x3A, number, topic, payload))
                self._more(writer)
                writer.write(self.tail)
            elif kind == PUBACK:
                number = int.from_bytes(body[:2], "big")
                if number != next(iter(self.flying), None):
                    self.wrong.append(f"{number} is acknowledged out of its turn")
                self.flying.pop(number, None)
                self._more(writer)
            elif kind == PINGREQ:
                writer.write(b"\xd0\x00")
            elif kind == DISCONNECT:
                return

    def _more(self, writer: asyncio.StreamWriter) -> None:
        while self.waiting and len(self.flying) < self.limit:
            self._number = self._number % 0xFFFF + 1
            self.flying[self._number] = self.waiting.popleft()
            topic, payload = self.flying[self._number]
            writer.write(self._publish(0x33 if topic in self.retained else 0x32, self._number, topic, payload))
        self.most = max(self.most, len(self.flying))

    def _publish(self, first: int, number: int, topic: str, payload: bytes) -> bytes:
        body = len(topic).to_bytes(2, "big") + topic.encode() + number.to_bytes(2, "big") + b"\0" + payload
        size, length = bytearray(), len(body)
        while length > 0x7F:
            size.append(length & 0x7F | 0x80)
            length >>= 7
        return bytes([first, *size, length]) + body


class Room:
    """A spool that has room."""

    size = 0


@dataclass
class Desk:
    """One life of a receiver beside a broker: its outbox, the lines that were made durable, its faults."""

    broker: Broker
    limit: int = 1 << 30
    address: str = ADDRESS
    secrets: dict[str, str] = field(default_factory=dict)
    made: list[dict[str, Any]] = field(default_factory=list)
    letters: list[tuple[str, bytes]] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    serving: set[Any] = field(default_factory=set)
    ends: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        room: Any = Room()
        self.outbox = Outbox("boot", room, self.limit)
        of = source(self.address)
        self.peer = SourcePeer(of, "mqtt", self.outbox, Flush(0.01, 1 << 14, self.limit))
        way: Any = self
        self.subscriber = Subscriber(of, way, lambda name, count: self.faults.update({name: count}), self.wait)

    def secret(self, name: str) -> str:
        return Outgoing(secrets=self.secrets).secret(name)

    def reach(self, host: str, port: int) -> socket.socket:
        ours, theirs = socket.socketpair()
        self.ends += [ours, theirs]
        asyncio.run_coroutine_threadsafe(self._serve(theirs), self.loop)
        return ours

    async def _serve(self, sock: socket.socket) -> None:
        task = asyncio.create_task(self.broker.serve(sock))
        self.serving.add(task)

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0.001)

    def keep(self, count: int) -> None:
        """So many batches are on disk."""
        for batch in list(self.outbox.waiting)[:count]:
            self.made += [json.loads(line) for line in batch.raw.split(b"\n") if line]
            self.letters += batch.letters
        self.outbox.sent(min(count, len(self.outbox.waiting)))

    async def live(self, until: Callable[[], bool], keeps: bool = True, seconds: float = 20) -> None:
        """Run until something holds; then the process is gone from one moment to the next."""
        self.loop = asyncio.get_running_loop()
        running = asyncio.create_task(self.subscriber.run(self.peer))
        try:
            async with asyncio.timeout(seconds):
                while not until():
                    if keeps:
                        self.keep(3)
                    await asyncio.sleep(0.002)
        finally:
            running.cancel()
            for task in self.serving:
                task.cancel()
            await asyncio.gather(running, *self.serving, return_exceptions=True)
            await asyncio.sleep(0.05)
            for end in self.ends:
                end.close()


def ids(made: list[dict[str, Any]]) -> Counter[str]:
    return Counter(str(each["record_id"]) for each in made)


def test_of_twenty_thousand_messages_none_is_lost_when_the_receiver_is_killed_in_the_middle() -> None:
    count = 20_000
    broker = Broker(deque(message(number) for number in range(count)))
    first = Desk(broker)
    asyncio.run(first.live(lambda: len(first.made) >= count // 2))
    flying = len(broker.flying)
    assert flying > 0  # what it had read and not kept is not acknowledged
    second = Desk(broker)
    asyncio.run(second.live(lambda: not broker.waiting and not broker.flying))
    found = ids(first.made) + ids(second.made)
    assert len(found) == count
    assert broker.repeated == flying
    # What came twice bears the same id, by which the worker stores it once.
    assert sum(found.values()) - count <= flying
    assert not broker.wrong
    assert broker.most >= 1_000  # at least so many are in flight
    assert not first.faults
    assert not second.faults


def test_nothing_is_acknowledged_before_it_is_kept() -> None:
    broker = Broker(deque(message(number) for number in range(5_000)))
    desk = Desk(broker)
    asyncio.run(desk.live(lambda: len(broker.flying) == 2_000 and desk.outbox.size > 50_000, keeps=False))
    assert broker._number == 2_000  # the broker sends no more than that without an acknowledgement
    assert len(broker.waiting) == 3_000


def test_without_room_the_broker_keeps_what_it_has() -> None:
    broker = Broker(deque(message(number) for number in range(300)))
    full = Desk(broker, limit=1)
    asyncio.run(full.live(lambda: len(full.outbox.lost) > 0 and full.outbox.lost.total() >= 300, keeps=False))
    assert len(broker.flying) == 300
    roomy = Desk(broker)
    asyncio.run(roomy.live(lambda: not broker.flying))
    assert len(ids(roomy.made)) == 300


def test_the_subscription_is_shared_and_made_again_after_each_connection() -> None:
    broker = Broker()
    desk = Desk(broker)
    asyncio.run(desk.live(lambda: bool(broker.filters)))
    assert broker.filters == ["$share/haidang/hue/env/#"]
    asyncio.run(Desk(broker).live(lambda: len(broker.filters) == 2))


def test_what_a_broker_retained_is_taken_where_it_says_its_time_and_else_refused_and_kept() -> None:
    told: dict[str, dict[str, Any]] = {"S1": {}, "S2": {"observed_at": NOW.isoformat()}, "S3": {}}
    messages = [(f"hue/env/{key}", json.dumps({"id": key, "pm25": 1, **said}).encode()) for key, said in told.items()]
    broker = Broker(deque(messages), retained={"hue/env/S1", "hue/env/S2"})
    desk = Desk(broker)
    asyncio.run(desk.live(lambda: not broker.waiting and not broker.flying))
    assert {one["id"] for one in desk.made} == {"S2", "S3"}
    assert [(reason, json.loads(raw)["id"]) for reason, raw in desk.letters] == [("retained_undated", "S1")]
    assert not broker.wrong


def test_a_password_is_named_in_the_address_and_kept_elsewhere() -> None:
    broker = Broker()
    address = "mqtt://broker.hue.vn/a#user=hd&secret=broker"
    desk = Desk(broker, address=address, secrets={"broker": "s3cret"})
    asyncio.run(desk.live(lambda: bool(broker.filters)))
    assert broker.connects[0].endswith(b"\x00\x02hd\x00\x06s3cret")
    without = Desk(broker, address=address)
    asyncio.run(without.live(lambda: without.faults["mqtt_failed"] > 1))
    assert len(broker.connects) == 1


def test_a_session_that_the_broker_has_lost_is_told_of() -> None:
    broker = Broker()
    desk = Desk(broker)

    async def life() -> None:
        desk.subscriber._known = True
        await desk.live(lambda: bool(broker.filters))

    asyncio.run(life())
    assert desk.faults == {"mqtt_session_lost": 1}


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ({"connack": b"\x20\x03\x00\x87\x00"}, "mqtt_refused"),
        ({"refused": {"$share/haidang/hue/env/#"}}, "mqtt_refused"),
        ({"tail": b"\xe0\x01\x8e"}, "mqtt_refused"),
        ({"tail": b"\x34\x06\x00\x01t\x00\x01\x00"}, "mqtt_malformed"),  # QoS 2
        ({"tail": b"\x30\xff\xff\xff\x7f"}, "mqtt_malformed"),  # 256 MB
        ({"tail": b"\x30\xff\xff\xff\xff\x7f"}, "mqtt_malformed"),
        ({"tail": b"\xf0\x00"}, "mqtt_malformed"),
        ({"connack": b"\x90\x04\x00\x01\x00\x01"}, "mqtt_malformed"),
    ],
)
def test_a_broker_that_refuses_or_talks_nonsense_is_tried_more_and_more_seldom(
    told: dict[str, Any], fault: str
) -> None:
    desk = Desk(Broker(**told))
    asyncio.run(desk.live(lambda: len(desk.waits) >= 3))
    assert set(desk.faults) == {fault}
    assert desk.faults[fault] >= 3
    if "connack" in told:
        assert desk.waits[0] < desk.waits[1] < desk.waits[2]


@pytest.mark.parametrize(("refused", "heard"), [({"t0", "t1", "t3"}, True), ({f"t{n}" for n in range(5)}, False)])
def test_a_topic_that_the_broker_refuses_costs_that_topic_alone(monkeypatch, refused: set[str], heard: bool) -> None:
    monkeypatch.setattr("ingest.offered.TOPICS_EACH", 2)
    observed = {"phenomenonTime": NOW.isoformat(), "result": 5}
    broker = Broker(deque([("t2", json.dumps(observed).encode())]), refused=refused)
    desk = Desk(broker)
    (polled,) = sources_of(FEED, {"environment": ["http://sta.hue.vn/v1.1#form=sensorthings"]}, {})
    own = replace(polled, address="mqtt://broker.hue.vn", options={})
    way: Any = desk
    listener = Listener(own, way, lambda name, count: desk.faults.update({name: count}), desk.wait)
    listener.learn({f"t{n}": {"id": f"s{n}", "kind": "water", "parameter": "level"} for n in range(5)})
    desk.subscriber = listener
    if heard:
        asyncio.run(desk.live(lambda: bool(desk.made) and len(broker.filters) == 5 and desk.faults.total() == 3))
        assert {one["id"] for one in desk.made} == {"s2"}
        assert (desk.faults, desk.waits) == ({"mqtt_refused": 3}, [])
    else:
        asyncio.run(desk.live(lambda: len(desk.waits) >= 2))
        assert set(desk.faults) == {"mqtt_refused"}


def test_who_cannot_be_reached_is_tried_again_within_a_minute_at_most() -> None:
    desk = Desk(Broker())

    def away(host: str, port: int) -> socket.socket:
        raise OutgoingError("away")

    desk.reach = away  # type: ignore[method-assign] # nobody listens
    asyncio.run(desk.live(lambda: len(desk.waits) >= 12))
    assert desk.faults["mqtt_failed"] >= 12
    assert max(desk.waits) <= 72
    assert desk.waits[11] >= 48


def test_a_broker_that_is_not_allowed_is_never_called() -> None:
    with pytest.raises(OutgoingError, match="not allowed"):
        Outgoing(allow(["other.hue.vn:1883"]), resolve=lambda host, port: pytest.fail("asked")).reach(
            "broker.hue.vn", 1883
        )


def line(address: str, topic: str, payload: bytes) -> list[Any]:
    any_way: Any = None
    found = Subscriber(source(address), any_way, lambda name, count: None).lines(topic, payload)
    assert all(b"\n" not in each for each in found)
    return [json.loads(each) if each.startswith((b"{", b"[")) else each for each in found]


def test_a_topics_levels_say_what_the_message_does_not() -> None:
    address = "mqtt://b.vn/hue/+/+/+#levels=-/-/id/parameter&kind=air"
    assert line(address, "hue/env/S1/pm25", b"31.5") == [
        {"id": "S1", "parameter": "pm25", "kind": "air", "value": 31.5}
    ]
    at = NOW.isoformat()
    (told,) = line(address, "hue/env/S1/pm25", json.dumps({"value": 3, "id": "own", "observed_at": at}).encode())
    assert told.pop("record_id")
    assert told == {"id": "own", "parameter": "pm25", "kind": "air", "value": 3, "observed_at": at}


def test_a_payload_of_several_lines_or_records_is_cut_into_records() -> None:
    pretty = json.dumps([{"id": "a", "pm25": 1}, {"id": "b", "pm25": 2}], indent=2).encode()
    assert [each["id"] for each in line(ADDRESS, "t", pretty)] == ["a", "b"]
    any_way: Any = None
    reader = Subscriber(source(), any_way, lambda name, count: None)
    assert reader.lines("t", b"ON\nOFF") == [b'{"ON OFF"']  # none of these does the worker take for a record
    assert reader.lines("t", b"") == [b'{""']
    twice = reader.lines("t", b'{"id": "a", "id": "b"}', 1)
    assert twice == [b'{"id":"a","id":"b"}']  # for the worker to refuse


def test_a_message_without_a_time_that_comes_again_within_the_hour_bears_the_same_id() -> None:
    any_way: Any = None
    reader = Subscriber(source(), any_way, lambda name, count: None)
    hour = 1_800_000_000.0 // 3600 * 3600

    def told(
        number: int | None, topic: str = "t", payload: bytes = b'[{"pm25": 1}, {"pm25": 1}]', at: float = hour
    ) -> Any:
        return [json.loads(each).get("record_id") for each in reader.lines(topic, payload, number, at)]

    first = told(7)
    assert len(set(first)) == 2  # two records of one message are two
    assert told(7, at=hour + 3599) == first
    # Another message, and the one that has the number after all others had theirs.
    assert not set(first) & {*told(8), *told(7, "u"), *told(7, payload=b'{"pm25": 2}'), *told(7, at=hour + 3600)}
    assert told(None) == [None, None]  # QoS 0 never comes again
    own = json.dumps({"pm25": 1, "record_id": "own"}).encode()
    assert told(7, payload=own) == ["own"]


@pytest.mark.parametrize(
    "address",
    ["mqtt://b.vn", "mqtt://b.vn/", "mqtt://b.vn/a/%23/b", "mqtt://b.vn/a%23", "mqtt://b.vn/a+/b", "mqtt://b.vn/a?x=1",
     "mqtt://u:p@b.vn/a", "mqtt:///a", "mqtt://b.vn/a#version=4", "mqtt://b.vn/a#levels=-/colour"],
)  # fmt: skip
def test_an_address_that_is_wrong_is_told_of(address: str) -> None:
    with pytest.raises(AddressError):
        source(address)


def test_an_address_tells_topic_options_and_what_is_meant() -> None:
    one = source("mqtts://b.vn:8884/hue/%2B/env#client=c1&version=3&owner=Sở%20NNMT")
    assert (one.topic, one.options, one.given) == ("hue/+/env", {"client": "c1", "version": "3"}, {"owner": "Sở NNMT"})
    assert source("mqtt://b.vn/hue/env").name == "environment.mqtt1883.b.vn.hue-env"
    names = {source(f"mqtt://b.vn/{topic}").name for topic in ("hue/env", "hue-env", "hue/%2B/env", "hue/env/%23")}
    assert len(names) == 4  # two filters are two sources
    with pytest.raises(AddressError, match="broker"):
        sources_of(AIS, {"ais": ["mqtt://b.vn/a"]}, {})
