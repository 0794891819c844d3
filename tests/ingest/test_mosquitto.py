"""A real broker, our receiver as its own process, killed in the middle: all that was sent is observed, once."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from geo.figure import put_figures, seeds
from ingest.environment import FEED
from ingest.feed import Lane, sources_of
from layers.environment import LAYER
from run.process import wait_for
from tests.connections import connected
from tests.ingest.conftest import FLYING
from tests.receiving import Receiver

COUNT, STATIONS, UNDATED = 20_000, 40, 500

pytestmark = pytest.mark.alone
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def receiver(home_directory: Path, broker: int, redis_server: str) -> Iterator[Receiver]:
    made = Receiver(home_directory, redis_server)
    address = f"mqtt://127.0.0.1:{broker}/hue/+/%23#share=centre"
    made.settings = {
        "HAIDANG_FEED_SOURCES": json.dumps({"ais": [f"tcp-listen://127.0.0.1:{made.tcp}"], "environment": [address]}),
        "HAIDANG_OUTGOING_ALLOWED": json.dumps([f"127.0.0.1:{broker}"]),
        "HAIDANG_FLUSH_BYTES": "8192",
    }
    made.begin()
    yield made
    if made.process is not None:
        made.process.stop()


def message(number: int) -> tuple[str, bytes]:
    """A reading of a station at a moment of its own; of the last ones each is of another station and says no moment."""
    if number >= COUNT - UNDATED:
        return f"hue/env/U{number}", json.dumps({"id": f"U{number}", "kind": "water", "ph": 7}).encode()
    at = NOW - timedelta(seconds=30 * (number // STATIONS))
    told = {"id": f"S{number % STATIONS}", "kind": "water", "observed_at": at.isoformat(), "ph": number % 80 / 10}
    return f"hue/env/S{number % STATIONS}", json.dumps(told).encode()


def test_of_20_000_messages_of_a_broker_each_is_one_observation_though_the_receiver_was_killed(
    bench: Any, work: Callable[..., int], broker: int, receiver: Receiver
) -> None:
    (source,) = sources_of(
        FEED, {"environment": [json.loads(receiver.settings["HAIDANG_FEED_SOURCES"])["environment"][0]]}, {}
    )
    assert wait_for(lambda: "subscribed" in receiver.log(), 30), receiver.log()

    def lines() -> list[bytes]:
        return [line for batch in receiver.batches(source.name) for line in batch.raw.split(b"\n") if line]

    sender = Client(CallbackAPIVersion.VERSION2)
    sender.max_inflight_messages_set(FLYING)
    sender.connect("127.0.0.1", broker)
    sender.loop_start()
    told = [sender.publish(*message(number), qos=1) for number in range(COUNT)]
    assert wait_for(lambda: len(lines()) >= COUNT // 4, 60, every_s=0.01), receiver.log()
    receiver.kill()
    before = len(lines())
    assert before < COUNT - FLYING  # in the middle
    for each in told:
        each.wait_for_publish(60)
    sender.disconnect()
    sender.loop_stop()

    receiver.begin()
    assert wait_for(lambda: len(set(_ids(lines()))) >= COUNT, 60, every_s=0.2), receiver.log()
    found = Counter(_ids(lines()))
    assert len(found) == COUNT
    assert '"session_kept": true' in receiver.log() or "session_kept=True" in receiver.log()
    assert not receiver.faults(source.name) - Counter({"receiver_gap": 1})

    with connected(bench.database.owner) as owner, owner.begin() as connection:
        put_figures(connection, seeds())
    work(lanes=(Lane(source, LAYER.shape, LAYER.style.label, LAYER.style.columns(), LAYER.identify),))
    assert bench.one("SELECT count(*) FROM environment_history") == COUNT
    assert bench.one("SELECT count(*) FROM environment") == STATIONS + UNDATED
    (feed,) = bench.ask("SELECT received, accepted, rejected FROM feed WHERE source = :name", name=source.name)
    assert feed["received"] == found.total()


def _ids(lines: list[bytes]) -> list[str]:
    return [str(json.loads(line)["record_id"]) for line in lines]
