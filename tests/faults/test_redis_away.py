"""Redis dies, fills up or forgets to answer while messages come in: nothing is lost, and all of it stays in order."""

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from ingest.spill import unpack
from ingest.stream import from_entry
from run.home import make_home
from run.process import Running, start, wait_for
from run.redis import Redis
from run.servers import start_redis
from tests.receiving import Receiver, numbered, numbers, receiving

RATE = 1_000  # messages a second
CAUGHT_UP_S = 10.0


class PrivateRedis:
    """A durable Redis that may be killed and brought back with the same data."""

    def __init__(self, server: Redis, running: Running) -> None:
        self.server, self.running = server, running

    def kill(self) -> None:
        self.running.kill()
        assert self.running.wait(10)

    def back(self) -> None:
        self.running = start(self.server.program())
        assert wait_for(self.server.answers, 60)


@pytest.fixture
def private_redis(home_directory: Path) -> Iterator[PrivateRedis]:
    made = PrivateRedis(*start_redis(make_home(home_directory), lambda line: None))
    yield made
    made.running.send(signal.SIGCONT)
    made.running.stop()


@pytest.fixture
def receiver(home_directory: Path, private_redis: PrivateRedis) -> Iterator[Receiver]:
    with receiving(home_directory, private_redis.server.url) as made:
        yield made


class Sender(threading.Thread):
    """Numbered messages at a steady rate, one a datagram, until it is told to stop."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.sent, self._port, self._asked = 0, port, threading.Event()

    def run(self) -> None:
        began = time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", self._port))
            while not self._asked.wait(0.005):
                while self.sent < (time.monotonic() - began) * RATE:
                    sock.send(numbered(self.sent))
                    self.sent += 1

    def stop(self) -> int:
        self._asked.set()
        self.join(10)
        return self.sent


def send(port: int, first: int, last: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in range(first, last):
            sock.sendto(numbered(number), ("127.0.0.1", port))
            time.sleep(0.0005)


def newest(receiver: Receiver) -> int:
    """The last number in the stream, -1 without any."""
    with redis.Redis.from_url(receiver.redis_url) as client:
        for _, fields in client.xrevrange(f"haidang:raw:{receiver.names[0]}", count=10):  # type: ignore[union-attr]
            if found := numbers([from_entry("ais", fields)]):
                return found[-1]
    return -1


def on_disk(receiver: Receiver) -> int:
    """How many messages its segments hold."""
    entries = [entry for path in receiver.home.rglob("*.segment") for entry in unpack(path.read_bytes())[0]]
    return sum(len(fields["raw"].split(b"\n")) for _, fields in entries if fields["raw"])


def in_order(receiver: Receiver, count: int) -> None:
    assert numbers(receiver.batches()) == list(range(count))
    assert not list(receiver.home.rglob("*.segment"))


def away(receiver: Receiver, private_redis: PrivateRedis, seconds: float) -> None:
    sender = Sender(receiver.udp)
    sender.start()
    assert wait_for(lambda: newest(receiver) > RATE, 30)
    private_redis.kill()
    time.sleep(seconds)
    private_redis.back()
    waiting = sender.sent
    caught_up = wait_for(lambda: newest(receiver) >= waiting, CAUGHT_UP_S)
    sent = sender.stop()
    assert wait_for(lambda: newest(receiver) == sent - 1, 20)
    assert sent > seconds * RATE
    assert caught_up
    in_order(receiver, sent)


def test_promise_03_redis_is_away_for_20_s_at_1000_messages_a_second(receiver, private_redis) -> None:
    away(receiver, private_redis, 20)


@pytest.mark.long
def test_promise_03_redis_is_away_for_a_minute(receiver, private_redis) -> None:
    away(receiver, private_redis, 60)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_promise_03_redis_is_away_for_ten_minutes(receiver, private_redis) -> None:
    away(receiver, private_redis, 600)


def test_promise_03_a_redis_that_does_not_answer_is_away(receiver, private_redis) -> None:
    send(receiver.udp, 0, 100)
    assert wait_for(lambda: newest(receiver) == 99, 20)
    private_redis.running.send(signal.SIGSTOP)
    send(receiver.udp, 100, 300)
    assert wait_for(lambda: on_disk(receiver) == 200, 20)
    private_redis.running.send(signal.SIGCONT)
    assert wait_for(lambda: newest(receiver) == 299, 20)
    in_order(receiver, 300)


def test_promise_03_a_redis_that_is_full_is_away(receiver, private_redis) -> None:
    with redis.Redis.from_url(receiver.redis_url) as client:
        client.config_set("maxmemory", 1)
        send(receiver.udp, 0, 300)
        assert wait_for(lambda: on_disk(receiver) == 300, 20)
        client.config_set("maxmemory", 256 << 20)
    assert wait_for(lambda: newest(receiver) == 299, 20)
    in_order(receiver, 300)


def test_promise_01_a_receiver_killed_while_redis_is_away(receiver, private_redis) -> None:
    private_redis.kill()
    send(receiver.udp, 0, 300)
    assert wait_for(lambda: on_disk(receiver) == 300, 20)
    receiver.kill()
    receiver.begin()
    send(receiver.udp, 300, 600)
    assert wait_for(lambda: on_disk(receiver) == 600, 20)
    receiver.kill()
    torn = max(receiver.home.rglob("*.segment"))
    with torn.open("ab") as file:  # as if it had died while it wrote
        file.write(torn.read_bytes()[:50])
    receiver.begin()
    send(receiver.udp, 600, 700)
    private_redis.back()
    assert wait_for(lambda: newest(receiver) == 699, 20)
    in_order(receiver, 700)
    for source in receiver.names:
        assert wait_for(lambda source=source: receiver.faults(source).total() == 3, 10), receiver.faults(source)
        assert receiver.faults(source) == {"receiver_gap": 2, "spool_damaged": 1}
    assert '"event": "receiver gap"' in receiver.log()


def test_an_end_while_redis_is_away_keeps_everything_and_is_no_gap(receiver, private_redis) -> None:
    private_redis.kill()
    send(receiver.udp, 0, 300)
    assert receiver.process.stop()
    assert on_disk(receiver) == 300
    private_redis.back()
    receiver.begin()
    send(receiver.udp, 300, 310)
    assert wait_for(lambda: newest(receiver) == 309, 20)
    in_order(receiver, 310)
    assert receiver.faults() == {}


def test_promise_21_a_full_disk_is_counted_and_mends_itself(home_directory: Path, private_redis) -> None:
    volume = home_directory / "spool"
    volume.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(volume)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small volume cannot be mounted here")
    try:
        with receiving(home_directory, private_redis.server.url) as receiver:
            private_redis.kill()
            line = b"!AIVDM,1,1,,A," + b"w" * 900 + b",0*00\n"
            with socket.create_connection(("127.0.0.1", receiver.tcp)) as sock:
                for _ in range(50):  # 46 MB: more than the volume and the memory may hold
                    sock.sendall(line * 1_000)
            assert wait_for(lambda: "cannot keep batches on disk" in receiver.log(), 20)
            private_redis.back()
            send(receiver.udp, 0, 50)
            assert wait_for(lambda: newest(receiver) == 49, 20)
            tcp = receiver.names[1]

            def counted() -> tuple[int, int]:
                found = receiver.batches(tcp)
                kept = sum(batch.raw.count(b"!") for batch in found)
                return kept, sum(batch.rejected.get("backlog_full", 0) for batch in found)

            assert wait_for(lambda: sum(counted()) == 50_000, 20), counted()
            assert min(counted()) > 1_000
            in_order(receiver, 50)
    finally:
        subprocess.run(["umount", str(volume)], check=True)


def test_what_the_kernel_drops_is_counted(home_directory: Path, redis_server: str) -> None:
    with receiving(home_directory, redis_server, HAIDANG_UDP_BUFFER_BYTES="4096") as receiver:
        receiver.process.send(signal.SIGSTOP)
        send(receiver.udp, 0, 500)
        receiver.process.send(signal.SIGCONT)
        assert wait_for(lambda: len(numbers(receiver.batches())) + receiver.faults()["kernel_drop"] == 500, 20)
        assert receiver.faults()["kernel_drop"] > 400
