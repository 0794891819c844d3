import json
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
import sqlalchemy as sa

from geo import feature
from ingest.blame import decode
from ingest.feed import Lane, RawBatch, Source
from ingest.json_lines import json_push
from ingest.lines import Refused
from ingest.worker import Worker
from layers import discover, seed
from layers.camera import CAMERA, LAYER
from tests.connections import asked, connected

LANE = Lane(
    Source("camera.push.test", "", LAYER.feeds[0]),
    CAMERA,
    LAYER.style.label,
    LAYER.style.columns(),
    LAYER.identify,
)
PLACED = {"id": "c1", "name": "Ngã sáu", "lon": 107.59, "lat": 16.46, "azimuth_deg": 90, "owner": "Công an thành phố",
          "snapshot_url": "http://10.1.2.3/secret.jpg", "hls_url": "http://10.1.2.3/secret.m3u8"}  # fmt: skip


def batch(seq: int, *records: dict[str, Any]) -> RawBatch:
    lines = b"\n".join(json.dumps(record).encode() for record in records)
    return RawBatch(LANE.source.name, "boot", seq, datetime.now(UTC).timestamp(), lines)


def work(database, redis_server: str, *batches: RawBatch) -> None:
    with connected(database.ingest) as engine, redis.Redis.from_url(redis_server) as client:
        worker = Worker([LANE], engine, client)
        with engine.connect() as connection:
            worker._claim(connection)
            worker._reload(connection)
            for each in batches:
                worker.process(connection, LANE, [(each, decode(LANE, each))])


@pytest.fixture
def seeded(database):
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
    return database


def test_the_register_sent_again_leaves_the_health_and_a_health_leaves_the_register(seeded, redis_server: str) -> None:
    found = {"id": "c1", "health": 2, "answer_ms": 80.5, "fault": "same_picture"}
    renamed = {**PLACED, "name": "Ngã sáu Hùng Vương", "azimuth_deg": 100}
    work(seeded, redis_server, batch(1, PLACED), batch(2, found), batch(3, renamed, {"id": "c2", "lon": 1, "lat": 2}))
    rows = asked(seeded.owner, "SELECT id, name, azimuth_deg, owner, health, answer_ms, fault FROM camera ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [
        ("c1", "Ngã sáu Hùng Vương", 100.0, "Công an thành phố", 2, 80.5, "same_picture"),
        ("c2", None, None, None, None, None, None),
    ]


def test_a_health_of_its_own_replaces_the_one_before_as_a_whole(seeded, redis_server: str) -> None:
    blind, back = {"id": "c1", "health": 3, "fault": "late"}, {"id": "c1", "health": 0, "answer_ms": 9}
    work(seeded, redis_server, batch(1, PLACED), batch(2, blind), batch(3, back))
    assert asked(seeded.owner, "SELECT health, answer_ms, fault FROM camera") == [
        {"health": 0, "answer_ms": 9, "fault": None}
    ]


def test_addresses_are_in_no_feature(seeded, redis_server: str) -> None:
    work(seeded, redis_server, batch(1, PLACED))
    with connected(seeded.web) as web, web.connect() as connection:
        one = feature.one(connection, CAMERA, "c1")
        every = feature.features(connection, CAMERA)
    assert one is not None
    assert one["label"] == "Ngã sáu"
    assert "secret" not in f"{one} {every}"


@pytest.mark.parametrize(
    ("name", "value"),
    [("azimuth_deg", 361), ("azimuth_deg", -1), ("field_of_view_deg", 400), ("range_m", 1e6), ("health", 4),
     ("retention_days", -1)],
)  # fmt: skip
def test_what_no_camera_can_be_is_refused_by_its_name(name: str, value: float) -> None:
    push = json_push(CAMERA)
    with pytest.raises(Refused, match=f"value:{name}"):
        push.read(json.dumps({**PLACED, name: value}).encode(), 0.0)
    member = push.member(name)
    assert member is not None
    assert None not in (member.least, member.most) or name in ("range_m",)
    assert push.read(json.dumps({**PLACED, name: 0}).encode(), 0.0)[name] == 0


def test_blind_cameras_are_an_alarm_rule_of_the_layer(seeded) -> None:
    assert asked(seeded.owner, "SELECT params FROM rule WHERE key = 'camera_blind'")[0]["params"] == {
        "column": "health",
        "above": 1.5,
    }


def test_the_commune_is_found_by_the_database(seeded, redis_server: str) -> None:
    work(seeded, redis_server, batch(1, PLACED))
    with connected(seeded.owner) as owner, owner.connect() as connection:
        code = connection.scalar(sa.select(CAMERA.latest.c.commune))
        assert code is not None
