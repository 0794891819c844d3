"""What a SensorThings server sends by itself: it says at its root where, and each message becomes a whole record."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from geo.outgoing import Outgoing, allow
from ingest.environment import FEED
from ingest.feed import sources_of
from ingest.lines import Refused
from ingest.offered import NOT_ALLOWED
from ingest.sensorthings import NOT_SENSORTHINGS, brokers, root, sent
from ingest.transport import open_transport
from tests.outgoing import Asked, Web, web

NOW = datetime.now(UTC).replace(microsecond=0)
BY_MQTT = "http://www.opengis.net/spec/iot_sensing/1.1/req/receive-updates-via-mqtt/receive-updates"


def stamp(minutes: int) -> str:
    return f"{NOW - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def seen(minutes: int, result: Any) -> dict[str, Any]:
    return {"phenomenonTime": stamp(minutes), "resultTime": None, "result": result}


@dataclass
class Heard:
    """Peers that keep what they are given, whoever gives it."""

    lines: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)

    def open(self, name: str | None) -> Any:
        self.names.append(name)
        return self

    def datagram(self, data: bytes) -> None:
        self.lines.append(data)

    def when_kept(self, call: Callable[[bool], None]) -> None:
        call(True)

    def close(self) -> None:
        pass

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines if not line.startswith(b'{"{')]


@dataclass
class Service:
    """A SensorThings server: what its root says, and its Datastreams with what was measured."""

    server: Web
    streams: dict[int, list[dict[str, Any]]] = field(default_factory=lambda: {7: [seen(10, 256)]})
    settings: dict[str, Any] = field(default_factory=dict)

    def answer(self, asked: Asked) -> bytes:
        path = urlsplit(asked.path).path
        told = {"value": [], "serverSettings": self.settings} if path == "/sta/v1.1" else {"value": self._listed()}
        return json.dumps(told).encode()

    def _listed(self) -> list[dict[str, Any]]:
        base = f"http://{self.server.place}/sta/v1.1"
        point = {"type": "Point", "coordinates": [107.5596, 16.4539]}
        return [
            {
                "@iot.id": number,
                "@iot.selfLink": f"{base}/Datastreams({number})",
                "name": f"stream {number}",
                "unitOfMeasurement": {"name": "centimetre", "symbol": "cm", "definition": ""},
                "ObservedProperty": {"name": "Water level", "definition": "http://example.org/level"},
                "Thing": {
                    "@iot.id": number,
                    "@iot.selfLink": f"{base}/Things({number})",
                    "name": f"Trạm {number}",
                    "Locations": [{"encodingType": "application/geo+json", "location": point}],
                },
                "Observations": found,
            }
            for number, found in self.streams.items()
        ]


@asynccontextmanager
async def polled(service: Service, *allowed: str) -> AsyncIterator[tuple[Heard, Counter[str]]]:
    """A source that polls the service each second."""
    heard, faults = Heard(), Counter[str]()
    address = f"http://{service.server.place}/sta/v1.1#form=sensorthings&every=1"
    (source,) = sources_of(FEED, {"environment": [address]}, {})
    outgoing = Outgoing(allow([service.server.place, *allowed]), timeout_s=2)
    task = await open_transport(source, heard.open, lambda name, count: faults.update({name: count}), 0, 0, outgoing)
    try:
        yield heard, faults
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(found: Callable[[], Any]) -> None:
    """Wait until it is so, 20 s at most."""
    for _ in range(400):
        if found():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


@pytest.fixture
def sender(broker: int) -> Any:
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


def test_a_server_that_offers_mqtt_is_heard_at_once_and_each_observation_is_one_record(
    broker: int, sender: Any
) -> None:
    async def follow(service: Service) -> None:
        async with polled(service, f"127.0.0.1:{broker}") as (heard, faults):
            await until(lambda: f"mqtt 127.0.0.1:{broker}" in heard.names and heard.records())

            async def sent_until_heard(number: int, minutes: int, result: Any) -> dict[str, Any]:
                message = json.dumps({"@iot.id": minutes, **seen(minutes, result)})
                known = len(heard.lines)
                for turn in range(400):
                    if turn % 10 == 0:  # until we have subscribed a message has nobody to go to
                        sender.publish(f"v1.1/Datastreams({number})/Observations", message, qos=1)
                    await asyncio.sleep(0.05)
                    if len(heard.lines) > known:
                        break
                return heard.records()[-1]

            alone = await sent_until_heard(7, 5, 258.5)
            by_poll = heard.records()[0]
            assert by_poll["value"] == 256
            assert alone == by_poll | {
                "observed_at": stamp(5), "value": 258.5, "record_id": alone["record_id"],
            }  # fmt: skip
            assert (alone["name"], alone["lon"], alone["unit"]) == ("Trạm 7", 107.5596, "cm")
            # What the polls bring later is the same record, by its id.
            asked = len(service.server.asked)
            service.streams[7] = [seen(5, 258.5), seen(10, 256)]
            await until(lambda: len(service.server.asked) > asked + 1)
            again = [each for each in heard.records() if each["value"] == 258.5]
            assert len({each["record_id"] for each in again}) == 1
            # A station that was set up meanwhile is heard as soon as a poll has told of it.
            service.streams[8] = [seen(10, 100)]
            await until(lambda: heard.records()[-1]["name"] == "Trạm 8")
            assert (await sent_until_heard(8, 1, 101))["name"] == "Trạm 8"
            # What is no observation is one line that will be refused and kept; what comes after is heard.
            lines = len(heard.lines)
            sender.publish("v1.1/Datastreams(8)/Observations", b"[1", qos=1)
            await until(lambda: len(heard.lines) > lines)
            assert heard.lines[-1].startswith(b'{"')
            with pytest.raises(ValueError):
                json.loads(heard.lines[-1])
            assert not faults

    with web() as server:
        endpoints = ["ws://127.0.0.1:1/mqtt", f"mqtt://127.0.0.1:{broker}"]
        service = Service(server, settings={"conformance": [BY_MQTT], BY_MQTT: {"endpoints": endpoints}})
        server.before = service.answer
        asyncio.run(follow(service))


def test_a_broker_that_nobody_allowed_is_told_of_and_never_called() -> None:
    called: list[object] = []

    async def follow(service: Service) -> None:
        listening = await asyncio.start_server(lambda *ends: called.append(ends), "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        service.settings = {BY_MQTT: {"endpoints": [f"mqtt://127.0.0.1:{port}", f"mqtt://localhost:{port}"]}}
        async with polled(service) as (heard, faults):
            await until(lambda: faults[NOT_ALLOWED])
            service.streams[7] = [seen(1, 300)]
            await until(lambda: heard.records()[-1]["value"] == 300)  # the polls go on
            assert faults == {NOT_ALLOWED: 1}
        listening.close()

    with web() as server:
        service = Service(server)
        server.before = service.answer
        asyncio.run(follow(service))
    assert not called


def test_a_server_that_offers_none_is_polled() -> None:
    async def follow(service: Service) -> None:
        async with polled(service) as (heard, faults):
            await until(lambda: any(urlsplit(each.path).path == "/sta/v1.1" for each in service.server.asked))
            service.streams[7] = [seen(1, 300)]
            await until(lambda: heard.records()[-1]["value"] == 300)
            assert len(heard.names) == 1
            assert not faults

    with web() as server:
        service = Service(server)
        server.before = service.answer
        asyncio.run(follow(service))


def test_a_root_tells_its_brokers_and_an_address_its_root() -> None:
    told = {"serverSettings": {BY_MQTT: {"endpoints": ["mqtt://a:1883", "wss://a/mqtt", 5, "mqtts://b:8883"]}}}
    assert brokers(told) == ["mqtt://a:1883", "mqtts://b:8883"]
    for none in (None, [], {}, {"serverSettings": []}, {"serverSettings": {BY_MQTT: {"endpoints": "mqtt://a"}}}):
        assert brokers(none) == []
    assert root("https://sta.vn/FROST/v1.1/Things?$top=5") == "https://sta.vn/FROST/v1.1"
    assert root("https://sta.vn/v1.0") == "https://sta.vn/v1.0"
    assert root("https://sta.vn/api") is None


@pytest.mark.parametrize("message", [None, 5, [], {}, {"phenomenonTime": stamp(0)}])
def test_a_message_that_is_no_observation_is_refused(message: Any) -> None:
    with pytest.raises(Refused, match=NOT_SENSORTHINGS):
        sent(message)
    assert sent(seen(0, 5)) == {"observed_at": stamp(0), "value": 5}
