"""Polling over real HTTP: conditional requests, what is new of an answer, back-off, and the rules of the way out."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from geo.heartbeat import Heartbeat
from geo.outgoing import Outgoing, allow
from ingest import poll
from ingest.ais import AIS
from ingest.feed import AddressError, RawBatch, Source, sources_of
from ingest.poll import Poller, retry_after_s
from ingest.receiver import Flush, receive
from ingest.stream import from_entry
from ingest.vms import VMS
from layers import lanes
from layers.vms import LAYER
from run.process import wait_for
from tests.ingest.test_vms_worker import OURS, lane, sea  # noqa: F401 # a fixture
from tests.outgoing import Web, web

NOW = datetime.now(UTC).replace(microsecond=0)


class Heard:
    """A peer that keeps what it is given."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def feed(self, data: bytes) -> None:
        raise AssertionError

    def datagram(self, data: bytes) -> None:
        assert b"\n" not in data
        self.lines.append(json.loads(data))

    def close(self) -> None:
        self.lines.append({"closed": True})


def fix(number: int, **more: Any) -> dict[str, Any]:
    at = (NOW - timedelta(minutes=60 - number)).isoformat()
    return {"registration": OURS, "observed_at": at, "lon": 108.0, "lat": 16.8, **more}


def poller(server: Web, path: str = "/fixes", allowed: bool = True) -> tuple[Poller, Heard, Counter[str]]:
    faults: Counter[str] = Counter()
    outgoing = Outgoing(allow([server.place]) if allowed else frozenset(), timeout_s=2)
    source = Source("vms.http", f"http://{server.place}{path}", VMS, every_s=60)
    return Poller(source, outgoing, lambda name, count: faults.update({name: count})), Heard(), faults


def turns(asking: Poller, heard: Heard, count: int = 1) -> list[float]:
    return [asyncio.run(asking._turn(heard)) for _ in range(count)]


def test_what_is_new_of_each_answer_is_handed_on_and_what_has_not_changed_is_not_sent_again() -> None:
    with web() as server:
        asking, heard, faults = poller(server, "/fixes?limit=10#provider=vnpt")
        server.headers = {"Content-Type": "application/json; charset=utf-8", "ETag": '"1"', "Last-Modified": "then"}
        server.body = json.dumps([fix(1), fix(2), fix(3, colour="red")]).encode()
        assert turns(asking, heard) == [60]
        assert [each["observed_at"] for each in heard.lines] == [fix(n)["observed_at"] for n in (1, 2, 3)]
        assert len({each["record_id"] for each in heard.lines}) == 3
        server.status, server.body = 304, b""
        assert turns(asking, heard) == [60]
        assert len(heard.lines) == 3
        # One more, and those of before once again.
        server.status, server.headers = 200, {"Content-Type": "application/json", "ETag": '"2"'}
        server.body = json.dumps([fix(2), fix(3), fix(4, record_id="own")]).encode()
        turns(asking, heard)
        assert [each["record_id"] for each in heard.lines[3:]] == ["own"]
        turns(asking, heard)
        assert len(heard.lines) == 4
    first, second, third, fourth = server.asked
    assert {one.path for one in server.asked} == {"/fixes?limit=10"}  # the fragment is ours alone
    assert "if-none-match" not in first.headers
    assert (second.headers["if-none-match"], second.headers["if-modified-since"]) == ('"1"', "then")
    assert third.headers["if-none-match"] == '"1"'
    assert (fourth.headers["if-none-match"], "if-modified-since" in fourth.headers) == ('"2"', False)
    assert not faults


def test_csv_is_read_by_its_header_and_a_record_that_tells_no_time_is_one_of_each_answer() -> None:
    with web() as server:
        asking, heard, _ = poller(server)
        server.headers = {"Content-Type": "text/csv"}
        server.body = f"device,observed_at,lon,lat,x\nD1,{fix(1)['observed_at']},108,16.8,9\nD2,,108,16.8,9\n".encode()
        turns(asking, heard, 2)
    assert [each["device"] for each in heard.lines] == ["D1", "D2", "D2"]
    assert "x" not in heard.lines[0]


@pytest.mark.parametrize(
    ("status", "headers", "body", "fault"),
    [
        (500, {}, b"", "poll_500"),
        (404, {}, b"no", "poll_404"),
        (302, {"Location": "http://127.0.0.1:9/"}, b"", "poll_302"),  # never followed
        (200, {}, b" " * (poll.ANSWER_BYTES_MAX + 1), "poll_too_long"),
    ],
)
def test_what_fails_is_told_of_and_asked_for_more_and_more_seldom(status, headers, body, fault) -> None:
    with web() as server:
        asking, heard, faults = poller(server)
        server.status, server.headers, server.body = status, headers, body
        assert turns(asking, heard, 6) == [60, 120, 240, 480, 900, 900]
        assert faults == {fault: 6}
        assert heard.lines == []
        server.status, server.headers, server.body = 200, {}, json.dumps(fix(1)).encode()
        assert turns(asking, heard, 1) == [60]
        assert len(heard.lines) == 1
        server.status = 503
        assert turns(asking, heard) == [60]  # and from the beginning again


def test_a_server_says_when_it_wants_to_be_asked_again() -> None:
    with web() as server:
        asking, heard, _ = poller(server)
        server.status, server.headers = 429, {"Retry-After": "600"}
        assert turns(asking, heard) == [600]
        server.headers = {"Retry-After": "99999999999"}
        assert turns(asking, heard) == [3600]
    soon = datetime(2026, 11, 28, 12, tzinfo=UTC)
    assert retry_after_s(format_datetime(soon + timedelta(minutes=2), usegmt=True), soon) == 120
    assert [retry_after_s(told, soon) for told in ("", "soon", "-5", "٣", format_datetime(soon))] == [0] * 5
    absurd = ("Mon, 01 Jan 99999999999999 00:00:00 GMT", f"Mon, 01 Jan 2026 00:00:00 +{'9' * 12}00")
    assert [retry_after_s(told, soon) for told in absurd] == [0, 0]


def test_whatever_an_answer_does_to_us_the_poller_goes_on(monkeypatch) -> None:
    real, calls = poll.lines_of, list[int]()

    def once_broken(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("a case nobody thought of")
        return real(*given)

    monkeypatch.setattr(poll, "lines_of", once_broken)

    async def while_it_runs(asking: Poller, heard: Heard) -> None:
        running = asyncio.create_task(asking.run(heard))
        await asyncio.to_thread(lambda: wait_for(lambda: bool(heard.lines), 10))
        assert not running.done()
        running.cancel()

    with web() as server:
        asking, heard, faults = poller(server)
        asking = replace(asking, source=replace(asking.source, every_s=0.01))
        server.headers, server.body = {"Content-Type": "application/json"}, json.dumps(fix(1)).encode()
        asyncio.run(while_it_runs(asking, heard))
    assert faults == {"poll_fault": 1}
    assert heard.lines[0]["registration"] == OURS


def test_a_body_nested_as_deep_as_can_just_be_read_is_refused_like_any_other() -> None:
    with web() as server:
        asking, _, faults = poller(server)
        kept: list[bytes] = []
        peer = SimpleNamespace(datagram=kept.append)
        for depth in range(960, 1_000):  # where the one still goes and the other does not
            server.body = (
                b"[" + b"[" * depth + b"]" * depth + b',{"registration":' + b"[" * depth + b"]" * depth + b"}]"
            )
            asyncio.run(asking._turn(peer))  # type: ignore[arg-type] # all that is asked of it
    assert not faults
    lines = [line for line in kept if not line.startswith(b'{"registration"')]
    assert len(lines) >= 40
    assert any(b"nested deeper" in line for line in lines)
    reasons = VMS.decode(RawBatch("vms.http", "b", 1, NOW.timestamp(), b"\n".join(lines))).account.rejected
    assert reasons == {"not_json": len(lines)}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"[" + b",".join([b"{}"] * (poll.RECORDS_MAX + 1)) + b"]"),
        ("text/csv", b"device,lon\n" + b"D1,1\n" * (poll.RECORDS_MAX + 1)),
    ],
)
def test_an_answer_of_too_many_records_is_a_fault_and_none_of_it_is_taken(kind, body) -> None:
    with web() as server:
        asking, heard, faults = poller(server)
        server.headers, server.body = {"Content-Type": kind, "ETag": '"1"'}, body
        turns(asking, heard, 2)
    assert (faults, heard.lines) == ({"poll_too_many": 2}, [])
    assert "if-none-match" not in server.asked[1].headers


@pytest.mark.parametrize("kind", ["application/json", "text/csv"])
def test_an_answer_that_was_cut_off_is_asked_for_again_as_a_whole(kind) -> None:
    csv = f"device,observed_at,lon,lat\nD1,{fix(1)['observed_at']},108,16.8\nD2,{fix(2)['observed_at']},108,16.815\n"
    whole = csv.encode() if kind == "text/csv" else json.dumps([fix(1), fix(2)]).encode()
    with web() as server:
        asking, heard, faults = poller(server)
        server.headers = {"Content-Type": kind, "ETag": '"1"', "Content-Length": str(len(whole))}
        server.body = whole[:-4]  # of CSV the last latitude is 16.8 now
        turns(asking, heard)
        assert (faults, heard.lines) == ({"poll_failed": 1}, [])
        server.body = whole
        turns(asking, heard)
    assert "if-none-match" not in server.asked[1].headers
    assert [each["lat"] for each in heard.lines] == [16.8, 16.815 if kind == "text/csv" else 16.8]


def test_what_could_not_be_read_is_not_left_out_as_unchanged() -> None:
    with web() as server:
        asking, _, _ = poller(server)
        server.headers, server.body = {"Content-Type": "application/json", "ETag": '"1"'}, b'[{"a": 1}, {"b"'
        for _ in range(2):
            asyncio.run(asking._turn(SimpleNamespace(datagram=lambda line: None)))  # type: ignore[arg-type]
    assert "if-none-match" not in server.asked[1].headers


def test_no_reader_takes_for_a_record_what_is_none() -> None:
    at = fix(1)["observed_at"]
    cut = f'["{OURS}","VNT1","{at}",108,16.8,4]'
    swapped = f"registration,observed_at,device,lon,lat,course,speed\n{OURS},{at},D1,108,16.8,47,4,extra\n"
    kept: list[bytes] = []
    with web() as server:
        asking, _, _ = poller(server)
        for kind, body in (("application/json", f"[{cut},7]"), ("application/json", f"{cut}]"), ("text/csv", swapped)):
            server.headers, server.body = {"Content-Type": kind}, body.encode()
            asyncio.run(asking._turn(SimpleNamespace(datagram=kept.append)))  # type: ignore[arg-type]
    account = VMS.decode(RawBatch("vms.http", "b", 1, NOW.timestamp(), b"\n".join(kept))).account
    assert (account.received, account.rejected) == (4, {"not_json": 4})
    assert all(b"108,16.8" in line or b"7" in line for line in kept)  # the letter shows what came


def test_a_comma_at_the_end_of_csv_lines_is_no_cell() -> None:
    with web() as server:
        asking, heard, _ = poller(server)
        server.headers = {"Content-Type": "text/csv"}
        server.body = f"device,observed_at,course,speed,lon,lat\nD1,{fix(1)['observed_at']},47,4,108,16.8, ,\n".encode()
        turns(asking, heard)
    (line,) = heard.lines
    assert (line["course"], line["speed"], line["lat"]) == (47, 4, 16.8)


def test_promise_17_a_place_that_is_not_allowed_is_never_asked() -> None:
    with web() as server:
        asking, heard, faults = poller(server, allowed=False)
        assert turns(asking, heard, 2) == [60, 120]
        assert (server.asked, faults) == ([], {"poll_failed": 2})


def test_an_answer_that_drips_is_cut_off() -> None:
    with web() as server:
        asking, heard, faults = poller(server)
        asking = replace(asking, outgoing=Outgoing(allow([server.place]), timeout_s=0.5))
        server.dripping_s, server.body = 0.1, b" " * 100
        turns(asking, heard)
        assert faults == {"poll_failed": 1}


def test_a_body_that_is_no_json_is_one_record_that_the_worker_refuses() -> None:
    with web() as server:
        asking, _, _ = poller(server)
        kept: list[bytes] = []

        class Lines(Heard):
            def datagram(self, data: bytes) -> None:
                kept.append(data)

        for body in (b"<html>\n<p>gone</html>", b"", b"\xff"):
            server.body = body
            turns(asking, Lines())
    assert kept == [b'{"<html> <p>gone</html>"', b'{""', b'{"\\\\xff"']
    decoded = VMS.decode(RawBatch("vms.http", "b", 1, NOW.timestamp(), b"\n".join(kept)))
    assert decoded.account.rejected == {"not_json": 3}


def test_an_address_says_how_often_and_what_is_meant_and_names_its_source() -> None:
    def one(address: str) -> Source:
        (found,) = sources_of(VMS, {"vms": [address]}, {})
        return found

    found = one("https://api.example.vn/v1/fixes?token=geheim#every=30&provider=vnpt")
    assert (found.every_s, found.given) == (30, {"provider": "vnpt"})
    assert found.name.startswith("vms.https443.api.example.vn.v1-fixes.")
    assert "geheim" not in found.name
    assert one("http://x:81/").name == "vms.http81.x"
    assert one("http://x/a").every_s == VMS.expected_s / 2
    assert one("http://x/v1/fixes").name == "vms.http80.x.v1-fixes"
    long = "y" * 70
    paths = ["", "a", "b", "a?c=1", "a?c=2", "a/b", "a-b", "a_b", "a/b/", "/a/b", "á", "à"]
    paths += [long, f"{long}z", f"{long}?z"]
    assert len({one(f"http://x/{path}").name for path in paths}) == len(paths)
    for first, second in (("http://x/a", "http://x/a#every=9"), ("udp://x:1?provider=a", "udp://y:1?provider=b")):
        with pytest.raises(AddressError, match=r"are one source, vms\."):
            lanes([LAYER], {"vms": [first, second]}, {})
    assert len(lanes([LAYER], {"vms": ["udp://x:1", "udp://y:1", "http://x/a", "http://x/b"]}, {})) == 4
    for wrong in ("http://x/a#every=0", "http://x/a#every=often", "http://me:it@x/", "http:///a"):
        with pytest.raises(AddressError):
            one(wrong)
    with pytest.raises(AddressError, match=r"cannot be polled.*udp://"):
        sources_of(AIS, {"ais": ["http://x/"]}, {})


async def _received(
    sources: list[Source], redis_url: str, spool: Path, outgoing: Outgoing, done: Callable[[], bool]
) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(
        receive(sources, redis_url, spool, Flush(0.02, 1 << 16, 1 << 20), 1 << 16, 4, Heartbeat(), stop, outgoing)
    )
    await asyncio.to_thread(lambda: wait_for(done, 30))
    stop.set()
    with suppress(TimeoutError):
        await asyncio.wait_for(running, 20)


def test_what_is_polled_is_stored_once_also_after_a_restart(sea: Any, work: Any, tmp_path: Path) -> None:  # noqa: F811
    with web() as server:
        server.headers = {"Content-Type": "application/json"}
        server.body = json.dumps([fix(1), fix(2), {"registration": "?", "lon": 1}]).encode()
        sources = list(sources_of(VMS, {"vms": [f"http://{server.place}/fixes#every=1&provider=vnpt"]}, {}))
        outgoing = Outgoing(allow([server.place]))
        for turn in range(2):
            before = len(server.asked)
            asked = lambda before=before: len(server.asked) >= before + 3  # noqa: E731
            asyncio.run(_received(sources, sea.redis_url, tmp_path / f"spool{turn}", outgoing, asked))
        with redis.Redis.from_url(sea.redis_url) as client:
            batches = [from_entry("x", fields) for _, fields in client.xrange(sources[0].stream)]
        assert len([each for each in batches if b"observed_at" in each.raw]) == 2  # one of each start
        polled = replace(lane(sources[0].name), source=sources[0])
        work(lanes=(polled,))
    assert sea.one("SELECT count(*) FROM vms_history") == 2
    assert sea.ask("SELECT DISTINCT provider FROM vms_history") == [{"provider": "vnpt"}]
    (feed,) = sea.ask("SELECT received, accepted, rejected, rows, duplicates FROM feed")
    assert (feed["rows"], feed["duplicates"]) == (2, 2)
    assert feed["rejected"]["position"] >= 2  # told in every answer without a time: each time it is another one
    assert feed["received"] == feed["accepted"] + sum(feed["rejected"].values())
