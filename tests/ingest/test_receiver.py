import asyncio
import os
import socket
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from geo.account import Account
from geo.heartbeat import Heartbeat
from ingest.ais import AIS, decode
from ingest.feed import RawBatch, Source
from ingest.receiver import Flush, receive
from ingest.stream import from_entry
from ingest.transport import PortTaken
from run.port import choose
from run.process import start, wait_for
from run.servers import servers
from tests.nmea import position, sentences

FLUSH = Flush(0.02, 1 << 20, 64 << 20)


def lines(count: int, first: int = 574_000_000) -> list[bytes]:
    return [position(first + n, 107.5, 16.5) for n in range(count)]


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.05)


@asynccontextmanager
async def receiving(redis_url: str, *sources: Source, flush: Flush = FLUSH, clients_max: int = 100) -> Any:
    stop = asyncio.Event()
    with tempfile.TemporaryDirectory() as home:
        spool = Path(home, "spool")
        task = asyncio.create_task(receive(sources, redis_url, spool, flush, 1 << 20, clients_max, Heartbeat(), stop))
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(task, 20)
        assert os.listdir(spool) == ["lock"]


def batches(redis_url: str, source: Source) -> list[RawBatch]:
    """Each once, as the ledger sees to it: on a busy machine an answer may come too late and a batch be sent again."""
    with redis.Redis.from_url(redis_url) as client:
        found = [from_entry(source.name, fields) for _, fields in client.xrange(source.stream)]
    return list({(batch.boot, batch.seq): batch for batch in found}.values())


def account(redis_url: str, source: Source) -> Account:
    total = Account()
    for batch in batches(redis_url, source):
        total.add(decode(batch).account)
    return total


def udp() -> Source:
    return Source("ais.udp", f"udp://127.0.0.1:{choose(socket.SOCK_DGRAM)}", AIS)


def tcp() -> Source:
    return Source("ais.tcp", f"tcp-listen://127.0.0.1:{choose()}", AIS)


def port(source: Source) -> int:
    return int(source.address.rpartition(":")[2])


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))  # type: ignore[arg-type]


async def dial(source: Source) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for _ in range(500):
        try:
            return await asyncio.open_connection("127.0.0.1", port(source))
        except ConnectionError:
            await asyncio.sleep(0.01)
    raise AssertionError("nobody listens")


@asynccontextmanager
async def datagrams(source: Source) -> Any:
    loop = asyncio.get_running_loop()
    address = ("127.0.0.1", port(source))
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=address)
    try:
        yield transport.sendto
    finally:
        transport.close()


def test_promise_07_datagrams_without_a_line_end_empty_ones_and_garbage(redis_server) -> None:
    source = udp()

    async def scenario() -> None:
        async with receiving(redis_server, source), datagrams(source) as send:
            first, second, third = lines(3)

            async def arrived() -> None:
                while account(redis_server, source).received == 0:
                    send(first)  # until the socket is open
                    await asyncio.sleep(0.02)

            await arrived()
            for data in (b"", second, b"\xff\xfe\x00 garbage", b"", third + b"\r\n", b"!" * 60_000):
                send(data)
            await until(lambda: account(redis_server, source).rejected.total() >= 2)

    run(scenario)
    total = account(redis_server, source)
    assert dict(total.rejected) == {"not_ais": 1, "too_long": 1}
    assert total.received == total.accepted + 2
    assert {decode(batch).frame["mmsi"].max() for batch in batches(redis_server, source)} >= {574_000_002}
    assert {batch.peer.split(":")[0] for batch in batches(redis_server, source)} == {"udp 127.0.0.1"}


def test_promise_07_a_line_of_ten_megabytes_is_one_reject(redis_server) -> None:
    source = tcp()

    async def scenario() -> None:
        async with receiving(redis_server, source):
            _, writer = await dial(source)
            writer.write(b"!AIVDM,1,1,,A," + b"w" * 10_000_000 + b"\n" + lines(1)[0] + b"\n")
            await writer.drain()
            writer.close()
            await until(lambda: account(redis_server, source).received == 2)

    run(scenario)
    total = account(redis_server, source)
    assert (total.accepted, dict(total.rejected)) == (1, {"too_long": 1})


def test_promise_08_senders_with_the_same_sequence_ids_mix_no_message(redis_server) -> None:
    source = tcp()

    async def scenario() -> None:
        async with receiving(redis_server, source):
            writers = [(await dial(source))[1] for _ in range(8)]
            for n in range(20):
                for part in (0, 1):
                    for number, writer in enumerate(writers):
                        parts = sentences(5, 574_000_000 + number, seq_id=n % 10, shipname=f"BOAT {number}", imo=number)
                        writer.write(parts[part] + b"\n")
                        await writer.drain()
            for writer in writers:
                writer.close()
            await until(lambda: account(redis_server, source).received == 320)

    run(scenario)
    for batch in batches(redis_server, source):
        for row in decode(batch).frame.to_dict("records"):
            assert row["shipname"] == f"BOAT {row['mmsi'] - 574_000_000}"
    assert account(redis_server, source).accepted == 320


def test_promise_08_datagrams_of_eight_senders_with_the_same_sequence_ids_mix_no_message(redis_server) -> None:
    source = udp()

    async def scenario() -> None:
        async with receiving(redis_server, source), AsyncExitStack() as stack:
            senders = [await stack.enter_async_context(datagrams(source)) for _ in range(8)]
            while account(redis_server, source).received == 0:
                senders[0](lines(1)[0])  # until the socket is open
                await asyncio.sleep(0.02)
            before = account(redis_server, source).received
            for n in range(20):
                for part in (0, 1):
                    for number, send in enumerate(senders):
                        words = {"shipname": f"BOAT {number}", "destination": f"PORT OF BOAT {number}"}
                        send(sentences(5, 574_000_000 + number, seq_id=n % 10, **words)[part])
                await asyncio.sleep(0.01)
            await until(lambda: account(redis_server, source).received >= before + 320)

    run(scenario)
    found = [row for batch in batches(redis_server, source) for row in decode(batch).frame.to_dict("records")]
    named = [row for row in found if isinstance(row.get("shipname"), str)]
    assert len(named) == 160
    for row in named:
        name = f"BOAT {row['mmsi'] - 574_000_000}"
        assert (row["shipname"], row["destination"]) == (name, f"PORT OF {name}")  # in the first part, and the second
    assert account(redis_server, source).rejected == {}


def test_what_the_kernel_still_holds_at_a_stop_is_taken(redis_server) -> None:
    source = udp()

    async def scenario() -> None:
        async with receiving(redis_server, source):
            await until(lambda: listening(source))
            # No turn of the loop between these and the stop.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                for line in lines(200):
                    sock.sendto(line, ("127.0.0.1", port(source)))

    run(scenario)
    assert account(redis_server, source).accepted == 200


def listening(source: Source) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("127.0.0.1", port(source)))
        except OSError:
            return True
    return False


def test_a_stop_hands_over_what_was_read_though_its_client_stays(redis_server) -> None:
    source = tcp()

    async def scenario() -> None:
        slow = Flush(30.0, 1 << 20, 64 << 20)
        async with receiving(redis_server, source, flush=slow):
            reader, writer = await dial(source)
            writer.write(lines(1)[0] + b"\n")  # goes out at once: the first after a pause
            await until(lambda: account(redis_server, source).received == 1)
            writer.write(b"\n".join(lines(50)) + b"\n" + lines(1)[0])  # would wait for 30 s
            await writer.drain()
            second = (await dial(source))[1]  # once this one is served, what came before has been read
            second.write(lines(1)[0] + b"\n")
            await until(lambda: account(redis_server, source).received == 2)
        assert await reader.read() == b""
        for each in (writer, second):
            each.close()

    run(scenario)
    assert account(redis_server, source).accepted == 53


def test_more_clients_than_allowed_are_refused_and_the_others_served(redis_server) -> None:
    source = tcp()

    async def scenario() -> None:
        async with receiving(redis_server, source, clients_max=2):
            idle = [await dial(source) for _ in range(2)]
            refused, writer = await dial(source)
            assert await asyncio.wait_for(refused.read(), 10) == b""
            writer.close()
            idle[0][1].write(lines(1)[0] + b"\n")
            await until(lambda: account(redis_server, source).received == 1)
            for _, each in idle:
                each.close()

    run(scenario)


def test_a_taken_port_is_named(redis_server, tmp_path) -> None:
    source = tcp()
    with socket.create_server(("127.0.0.1", port(source))), pytest.raises(PortTaken, match=source.address):
        run(
            lambda: receive(
                [source], redis_server, tmp_path / "spool", FLUSH, 1 << 20, 10, Heartbeat(), asyncio.Event()
            )
        )


def test_an_upstream_that_closes_is_dialled_again(redis_server) -> None:
    source = Source("ais.client", f"tcp://127.0.0.1:{choose()}", AIS)
    served: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(1)
        writer.write(lines(1, 574_000_000 + len(served))[0] + b"\n")
        await writer.drain()
        writer.close()

    async def scenario() -> None:
        async with receiving(redis_server, source):
            server = await asyncio.start_server(serve, "127.0.0.1", port(source))
            async with server:
                await until(lambda: account(redis_server, source).accepted >= 2)

    run(scenario)


def test_a_file_is_read_to_its_end(redis_server, tmp_path) -> None:
    path = tmp_path / "capture.nmea"
    path.write_bytes(b"\n".join(lines(3000)))
    source = Source("ais.file", f"file:{path}", AIS)

    async def scenario() -> None:
        async with receiving(redis_server, source):
            await until(lambda: account(redis_server, source).received == 3000)

    run(scenario)


def test_promise_03_redis_may_go_and_come_back(home_directory) -> None:
    source = udp()
    with servers(home_directory, "test of the receiver", durable=True) as running:
        child = start(running.redis.program())  # adopts the one that runs

        async def scenario() -> None:
            nonlocal child
            async with receiving(running.redis.url, source), datagrams(source) as send:
                sent = lines(900)
                while account(running.redis.url, source).received == 0:
                    send(sent[0])
                    await asyncio.sleep(0.02)
                before = account(running.redis.url, source).received
                for line in sent[:300]:
                    send(line)
                    await asyncio.sleep(0)
                await asyncio.to_thread(child.kill)
                await asyncio.to_thread(child.wait, 10)
                for line in sent[300:]:
                    send(line)
                    await asyncio.sleep(0)
                child = await asyncio.to_thread(start, running.redis.program())
                assert await asyncio.to_thread(wait_for, running.redis.answers, 20)
                await until(lambda: found() >= 900 + before)

        def found() -> int:
            unique = {(batch.boot, batch.seq): batch for batch in batches(running.redis.url, source)}
            total = Account()
            for batch in unique.values():
                total.add(decode(batch).account)
            return total.accepted

        run(scenario)
        child.stop()
