"""The simulated recognition system: the same each time, believable, no plate of anybody's, a key of its own."""

import stat
from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from demo.camera import simulated
from demo.camera_event import CAMERAS, KEPT, SENDER, events, pictured, put_key
from demo.pictures import served
from geo import api_key
from geo.actor import Actor
from geo.calendar import ZONE
from geo.camera_event import TYPES
from ingest.camera_event import NAME, PUSH
from ingest.push import judge
from tests.connections import connected

DAY = datetime(2026, 11, 27, 17, tzinfo=UTC)  # midnight in Viet Nam


def test_a_day_is_the_same_each_time_and_every_record_is_taken() -> None:
    seen = list(events(1, DAY, DAY + timedelta(days=1)))
    half = [*events(1, DAY, DAY + timedelta(hours=12)), *events(1, DAY + timedelta(hours=12), DAY + timedelta(days=1))]
    assert seen == half
    assert seen != list(events(2, DAY, DAY + timedelta(days=1)))
    now = (DAY + timedelta(days=1)).timestamp()
    assert all(judge(PUSH, row, {}, now).row is not None for row in seen)
    assert all(row["simulated"] and row["plate"].startswith("00") for row in seen if "plate" in row)
    assert len({row["record_id"] for row in seen}) == len(seen)
    assert 600 < len(seen) < 1_600
    hours = Counter(datetime.fromisoformat(row["occurred_at"]).astimezone(ZONE).hour for row in seen)
    assert hours[7] + hours[17] > 10 * (hours[2] + hours[3])
    assert {row["type"] for row in seen} <= set(TYPES)
    live = {one.id for one in simulated() if one.behaves == "live"}
    assert len({row["camera"] for row in seen}) == CAMERAS
    assert {row["camera"] for row in seen} <= live


def test_an_event_has_the_picture_of_its_moment() -> None:
    now = datetime.now(UTC)
    with served() as port:
        rows = [pictured(row, port) for row in events(1, now - timedelta(hours=24), now)][-3:]
        assert all(judge(PUSH, row, {}, now.timestamp()).row is not None for row in rows)
        found = [urlopen(row["snapshot"], timeout=10).read() for row in rows]
        assert all(body.startswith(b"\xff\xd8\xff") for body in found)
        assert len(set(found)) == len(rows)
        assert urlopen(rows[0]["snapshot"], timeout=10).read() == found[0]
        with pytest.raises(HTTPError):
            urlopen(rows[0]["snapshot"].replace(".jpg", "0.jpg"), timeout=10)


def test_each_demo_has_a_key_of_its_own_and_closes_the_ones_before(database, tmp_path) -> None:
    now = datetime.now(UTC)
    with connected(database.owner) as owner, owner.begin() as connection:
        for hours in range(2):
            put_key(connection, tmp_path / "demo", Actor("mô phỏng"), now + timedelta(hours=hours))
        known = api_key.keys(connection)
        file = tmp_path / "demo" / KEPT
        opened = api_key.of_token(connection, file.read_text(), now + timedelta(hours=1))
    assert [(key.sender, key.layers) for key in known] == [(SENDER, (NAME,))] * 2
    assert sorted(key.state(now + timedelta(hours=1)) for key in known) == ["disabled", "in use"]
    assert opened is not None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
