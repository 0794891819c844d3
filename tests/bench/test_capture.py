from collections import Counter

import pyais

from bench.capture import World, capture
from ingest.ais import decode
from ingest.feed import RawBatch


def test_a_made_capture_is_sound_and_no_position_comes_twice() -> None:
    made = capture(8_000, vessels=900)
    decoded = decode(RawBatch("ais.test", "boot", 1, 1_764_000_000.0, made))
    assert 8_000 <= decoded.account.received == decoded.account.accepted <= 8_000 + 9
    positions = [line for line in made.splitlines() if line[14:15] in b"1234B"]
    assert len(set(positions)) == len(positions)
    seen = Counter(message.decode().msg_type for message in pyais.IterMessages(made.splitlines()))
    assert seen.total() == decoded.account.messages
    assert {1, 2, 3, 4, 5, 8, 18, 21, 24} <= set(seen)
    assert seen[1] > 0.7 * seen.total()


def test_a_world_moves_on_and_tells_its_time() -> None:
    world = World(50, start=1_764_000_000.0)
    first, second = (decode(RawBatch("a", "b", 1, 1_764_000_000.0, world.second(50))).frame for _ in range(2))
    assert set(first["observed_at"].dt.second) == {0}
    assert set(second["observed_at"].dt.second) == {1}
    both = first.merge(second, on="mmsi", suffixes=("", "_after"))
    moving = both[both["speed"] > 1]
    assert (moving[["lon", "lat"]].to_numpy() != moving[["lon_after", "lat_after"]].to_numpy()).any(axis=1).all()
