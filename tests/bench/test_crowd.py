"""The light live clients of the benchmark: what they count on a real live stream."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pandas as pd
import pytest

from bench.crowd import BEACONS, LON_PER_MS, Crowd, Listener
from bench.stage import Fleet, Stage, stage


@asynccontextmanager
async def listening(port: int, crowd: Crowd) -> AsyncIterator[Listener]:
    loop = asyncio.get_running_loop()
    _, listener = await loop.create_connection(lambda: Listener(crowd, port), "127.0.0.1", port)
    await asyncio.wait_for(listener.joined, 20)
    yield listener
    listener.transport.close()
    await until(lambda: listener.lost)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  # a listener counts, and has no event for each number
            await asyncio.sleep(0.01)


def test_every_tick_is_counted_and_aged_by_its_oldest_beacon() -> None:
    fleet, epoch = Fleet(2_000), time.time() - 5
    crowd = Crowd(epoch, counting=True)

    def tell(sea: Stage, *seconds_ago: float) -> None:
        rows = fleet.move(0.5)
        told = [
            rows.iloc[:1].assign(key=BEACONS[n], lat=16.0, lon=(time.time() - ago - epoch) * 1e3 * LON_PER_MS)
            for n, ago in enumerate(seconds_ago)
        ]
        sea.put(pd.concat([rows, *told]))

    async def run(sea: Stage, port: int) -> Listener:
        async with listening(port, crowd) as listener:
            for n, ago in enumerate(((1.0,), (0.0, 3.0), ())):
                await asyncio.to_thread(tell, sea, *ago)
                await until(lambda n=n: listener.ticks == n + 1)
        return listener

    with stage() as sea:
        sea.put(fleet.rows())
        tell(sea, 0.0, 0.0)
        time.sleep(0.3)
        listener = asyncio.run(run(sea, urlsplit(sea.url).port or 0))
    assert (listener.ticks, listener.gaps, listener.snapshots) == (3, 0, 1)
    assert len(listener.ages_ms) == 2  # the third telling had no beacon
    assert listener.ages_ms[0] >= 1000
    assert listener.ages_ms[1] >= 3000


def test_a_missing_tick_is_a_gap() -> None:
    async def run(port: int, sea: Stage) -> Listener:
        async with listening(port, Crowd(time.time())) as listener:
            sea.hub.broadcast.seq += 1  # a number that is never told
            await asyncio.to_thread(sea.put, Fleet(3).rows())
            await until(lambda: listener.seq == 2)
        return listener

    with stage() as sea:
        listener = asyncio.run(run(urlsplit(sea.url).port or 0, sea))
    assert listener.gaps == 1


def test_a_client_that_is_refused_says_so() -> None:
    async def run(port: int) -> None:
        async with listening(port, Crowd(time.time())):
            pass

    with stage() as sea:
        sea.hub.broadcast._clients_max = 0
        with pytest.raises(ConnectionError, match="refused"):
            asyncio.run(run(urlsplit(sea.url).port or 0))
