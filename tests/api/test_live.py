"""The live stream as a client sees it: snapshot, deltas, hints; nothing missed, nobody foreign, nobody kept waiting."""

import asyncio
import base64
import json
import struct
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from fastapi import FastAPI
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from access.site import Site
from api.broadcast import DROP_AFTER_S, MAGIC, OUTBOX_BYTES, Broadcast, Client, Message
from api.live import PATH, foreign, mount
from bench.stage import Fleet, running
from geo.database import engine
from geo.live import encode
from layers import discover
from tests.geo.test_warning import alert, to, took


@pytest.fixture
def site(database: Any, redis_server: str) -> Iterator[Site]:
    web = engine(database.web)
    yield Site(web, redis_server, discover(), "Huế", "Huế", (16.6, 108.2, 10), simulated=True, tick_ms=50)
    web.dispose()


@pytest.fixture
def url(site: Site) -> Iterator[str]:
    server = FastAPI()
    mount(server, site)
    with running(server) as (address, _, _):
        yield address


class Browser:
    """What a browser's worker keeps: everything it was told."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.messages: list[dict[str, Any]] = []
        self.names: dict[int, str] = {}
        self.points: dict[int, tuple[float, float]] = {}
        self.seq: int | None = None
        self.gaps = 0

    def until(self, wanted: Callable[["Browser"], Any], seconds: float = 20) -> Any:
        end = time.monotonic() + seconds
        while not (found := wanted(self)):
            self.take(self.connection.recv(timeout=max(0.01, end - time.monotonic())))
        return found

    def take(self, message: str | bytes) -> None:
        if isinstance(message, str):
            told = json.loads(message)
            self.messages.append(told)
            if told["type"] == "hello":
                self.seq = told["seq"]
            if told["type"] == "names":
                self.names |= {handle: key for handle, key, _, _ in told["rows"]}
            return
        magic, version, kind, _, _, seq, count, _ = struct.unpack_from("<IBBBBIId", message)
        assert (magic, version) == (MAGIC, 1)
        if kind != 1 and self.seq is not None and seq != self.seq + 1:
            self.gaps += 1
        self.seq = seq
        if kind == 3:
            for handle in struct.unpack_from(f"<{count}I", message, 24):
                self.points.pop(handle, None)
            return
        assert len(message) == 24 + 16 * count
        for i in range(count):
            head, lon, lat, _ = struct.unpack_from("<IiiI", message, 24 + 16 * i)
            self.points[head & 0xFFFFFF] = (lon / 1e7, lat / 1e7)

    def told(self, kind: str) -> dict[str, Any] | None:
        return next((message for message in reversed(self.messages) if message["type"] == kind), None)

    def at(self, key: str) -> tuple[float, float] | None:
        handle = next((handle for handle, name in self.names.items() if name == key), None)
        return None if handle is None else self.points.get(handle)


@pytest.fixture
def browser(url: str) -> Iterator[Browser]:
    with connect(url.replace("http", "ws") + PATH, origin=url, max_size=None) as connection:  # type: ignore[arg-type]
        yield Browser(connection)


def store(database: Any, mmsi: int, lon: float, lat: float, name: str = "TTH-91234-TS") -> None:
    """A committed latest row, as the worker leaves it."""
    owner = engine(database.owner)
    with owner.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO vessel (mmsi, geom, observed_at, received_at, source, shipname, ship_type) VALUES"
                " (:mmsi, ST_SetSRID(ST_Point(:lon, :lat), 4326), :now, :now, 'test', :name, 30)"
                " ON CONFLICT (mmsi) DO UPDATE SET geom = excluded.geom, observed_at = excluded.observed_at,"
                " received_at = excluded.received_at"
            ),
            {"mmsi": mmsi, "lon": lon, "lat": lat, "now": datetime.now(UTC), "name": name},
        )
    owner.dispose()


def test_the_greeting_describes_the_layers_and_the_snapshot_follows(database: Any, site: Site) -> None:
    store(database, 574091234, 107.64, 16.573)
    server = FastAPI()
    mount(server, site)
    with running(server) as (url, _, _), connect(url.replace("http", "ws") + PATH) as connection:
        browser = Browser(connection)
        assert browser.until(lambda b: b.at("574091234")) == pytest.approx((107.64, 16.573))
        hello = browser.told("hello")
        assert hello is not None
        vessel = next(layer for layer in hello["layers"] if layer["name"] == "vessel")
        assert {"name", "index", "vi", "en", "style"} <= set(vessel)
        assert vessel["style"]["kinds"][0]["icon"] == "distress"
        assert vessel["style"]["value"]["unit"] == "kn"
        assert hello["simulated"] is True


def test_a_published_hint_becomes_a_delta(browser: Browser, site: Site) -> None:
    browser.until(lambda b: b.told("feeds"))
    rows = Fleet(3).rows()
    with redis.Redis.from_url(site.redis_url) as publisher:
        browser.until(lambda b: publisher.publish("haidang:live:vessel", encode(rows)) or None)
    assert browser.until(lambda b: b.at("574000002")) == pytest.approx((rows["lon"][2], rows["lat"][2]), abs=1e-6)
    assert browser.gaps == 0


def test_a_lost_hint_is_made_good_from_the_database(browser: Browser, database: Any) -> None:
    browser.until(lambda b: b.told("feeds"))
    store(database, 574000777, 107.9, 16.4)  # committed, but nothing is published
    assert browser.until(lambda b: b.at("574000777")) == pytest.approx((107.9, 16.4))


def test_a_warning_that_comes_and_goes_is_told_to_every_map(browser: Browser, database: Any) -> None:
    before = browser.until(lambda b: (b.told("feeds") or {}).get("warnings"))
    now = datetime.now(UTC)
    ingest = engine(database.ingest)
    with ingest.begin() as connection:
        (kept,) = took(connection, alert("told", sent=now.replace(microsecond=0)), now=now)
    assert kept
    after = browser.until(lambda b: (mark := b.told("feeds")["warnings"]) != before and mark)  # type: ignore[index]
    with ingest.begin() as connection:
        first = alert("told", sent=now.replace(microsecond=0))
        took(connection, alert("gone", "Cancel", to(first), sent=now.replace(microsecond=0)), now=datetime.now(UTC))
    ingest.dispose()
    assert browser.until(lambda b: b.told("feeds")["warnings"] != after)  # type: ignore[index]


def test_a_hint_that_is_garbage_changes_nothing(browser: Browser, site: Site) -> None:
    browser.until(lambda b: b.told("feeds"))
    good = encode(Fleet(1).rows())
    with redis.Redis.from_url(site.redis_url) as publisher:
        browser.until(lambda b: publisher.publish("haidang:live:vessel", b"\x00garbage") or None)
        publisher.publish("haidang:live:vessel", good[: len(good) // 2])
        publisher.publish("haidang:live:vessel", good)
    assert browser.until(lambda b: b.at("574000000"))


def test_a_resync_brings_everything_again(browser: Browser, database: Any) -> None:
    store(database, 574000777, 107.9, 16.4)
    browser.until(lambda b: b.at("574000777"))
    browser.points.clear()
    browser.messages.clear()
    browser.connection.send('{"type":"resync"}')
    browser.until(lambda b: b.told("hello"))
    assert browser.until(lambda b: b.at("574000777"))


def test_a_journal_line_is_told_at_the_hint_and_without_it(browser: Browser, database: Any) -> None:
    browser.until(lambda b: b.told("alarm"))
    first = browser.told("alarm")
    assert first is not None
    journal(database)
    browser.until(lambda b: b.told("alarm")["seq"] > first["seq"])


def test_who_asks_for_news_only_is_told_of_alarms_and_feeds_and_sent_no_objects(url: str, database: Any) -> None:
    store(database, 574000777, 107.7, 16.6)
    with connect(url.replace("http", "ws") + f"{PATH}?only=news", max_size=None) as connection:
        screen = Browser(connection)
        screen.until(lambda b: b.told("alarm"))
        first = screen.told("alarm")
        assert first is not None
        journal(database)
        screen.until(lambda b: b.told("alarm")["seq"] > first["seq"])
        screen.until(lambda b: b.told("feeds") and b.told("heartbeat"))
    assert (screen.points, screen.names) == ({}, {})


def journal(database: Any) -> None:
    owner = engine(database.owner)
    with owner.begin() as connection:
        rule = connection.scalar(
            sa.text(
                "INSERT INTO rule (key, kind, layer, name_vi, name_en, severity, updated_at, updated_by)"
                " VALUES ('t', 'enter', 'vessel', 't', 't', 'high', now(), 'test') RETURNING id"
            )
        )
        alarm = connection.scalar(
            sa.text(
                "INSERT INTO alarm (rule_id, layer, object_key, severity, observed_at, raised_at)"
                " VALUES (:rule, 'vessel', '1', 'high', now(), now()) RETURNING id"
            ),
            {"rule": rule},
        )
        connection.execute(
            sa.text(
                "INSERT INTO alarm_journal (alarm_id, transition, at, actor, actor_kind)"
                " VALUES (:alarm, 'raise', now(), 'test', 'system')"
            ),
            {"alarm": alarm},
        )
    owner.dispose()


def test_feeds_say_when_the_database_is_away(browser: Browser, private_servers: Any, database: Any) -> None:
    assert browser.until(lambda b: b.told("feeds"))["database"] == "ok"
    with private_servers.postgres.connect() as connection:
        connection.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database.name])
        browser.until(lambda b: b.told("feeds")["database"] == "away")
        connection.execute(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true")
    browser.until(lambda b: b.told("feeds")["database"] == "ok")


def test_a_heartbeat_comes_within_five_seconds(browser: Browser) -> None:
    browser.until(lambda b: b.told("heartbeat"), seconds=5)


def test_a_foreign_origin_is_refused(url: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(url.replace("http", "ws") + PATH, origin="https://evil.example")  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403
    assert status_of(url, {"Origin": "https://evil.example", "Accept": "text/event-stream"}) == 403


def status_of(url: str, headers: dict[str, str]) -> int:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(url + PATH, headers=headers), timeout=10)
    refused.value.close()
    return refused.value.code


@pytest.mark.parametrize(
    ("origin", "host", "is_foreign"),
    [
        (None, "127.0.0.1:8050", False),
        ("http://127.0.0.1:8050", "127.0.0.1:8050", False),
        ("http://127.0.0.1:9999", "127.0.0.1:8050", True),
        ("null", "127.0.0.1:8050", True),
        ("http://127.0.0.1:8050.evil.example", "127.0.0.1:8050", True),
        ("http://a", None, True),
    ],
)
def test_what_counts_as_foreign(origin: str | None, host: str | None, is_foreign: bool) -> None:
    assert foreign(origin, host) is is_foreign


def test_events_carry_the_same_frames(url: str, database: Any) -> None:
    store(database, 574000777, 107.9, 16.4)
    browser = Browser(None)  # type: ignore[arg-type]
    request = urllib.request.Request(url + PATH, headers={"Accept": "text/event-stream"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        framed = False
        for raw in answer:
            line = raw.decode().rstrip("\n")
            if line.startswith("data: "):
                browser.take(base64.b64decode(line[6:]) if framed else line[6:])
            framed = line == "event: frame"
            if browser.at("574000777"):
                break
    assert browser.at("574000777") == pytest.approx((107.9, 16.4))
    assert status_of(url, {}) == 406


def test_a_full_house_says_so(database: Any, redis_server: str) -> None:
    web = engine(database.web)
    server = FastAPI()
    mount(server, Site(web, redis_server, discover(), "", "", (0, 0, 2), live_clients_max=1))
    with running(server) as (url, _, _):
        address = url.replace("http", "ws") + PATH
        with connect(address) as first:
            Browser(first).until(lambda b: b.told("hello"))
            with pytest.raises(InvalidStatus) as refused:
                connect(address)
            assert refused.value.response.status_code == 503
    web.dispose()


def test_a_client_that_does_not_read_gets_a_fresh_snapshot_instead_of_a_queue() -> None:
    async def run() -> None:
        taken = 0

        def snapshot() -> list[Message]:
            nonlocal taken
            taken += 1
            return [f"snapshot {taken}"]

        client = Client(snapshot)
        messages = client.messages()
        assert await anext(messages) == "snapshot 1"
        client.offer(["a", "b"])
        assert [await anext(messages), await anext(messages)] == ["a", "b"]
        for _ in range(20):
            client.offer([bytes(OUTBOX_BYTES // 10)])
        assert client._bytes <= OUTBOX_BYTES
        assert await anext(messages) == "snapshot 2"
        client.offer(["c"])
        assert await anext(messages) == "c"
        assert not client.stuck(time.monotonic())
        assert client.stuck(time.monotonic() + DROP_AFTER_S + 1)

    asyncio.run(run())


def test_what_is_left_of_a_batch_is_not_sent_when_a_snapshot_is_due() -> None:
    async def run() -> None:
        client = Client(lambda: ["one", "two"])
        messages = client.messages()
        assert await anext(messages) == "one"
        client.resync()
        assert [await anext(messages), await anext(messages)] == ["one", "two"]

    asyncio.run(run())


def test_every_client_gets_the_same_bytes() -> None:
    async def run() -> None:
        broadcast = Broadcast(list, 10)
        readers = [broadcast.join().messages() for _ in range(3)]
        first = [asyncio.ensure_future(anext(reader)) for reader in readers]
        await asyncio.sleep(0)
        told = b"the same"
        broadcast.tell([told])
        assert all([(await message) is told for message in first])

    asyncio.run(run())
