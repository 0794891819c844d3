"""The grid of cameras over HTTP: groups, pages that turn round, and what stays first."""

import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from geo import rule
from geo.actor import SYSTEM
from geo.alarm import raise_alarm
from geo.camera_review import store
from tests.connections import connected

NOW = datetime.now(UTC)
CAMERAS = """
INSERT INTO camera (id, geom, observed_at, received_at, source, name, kind, health, snapshot_url)
SELECT 'C-' || lpad(n::text, 4, '0'), ST_SetSRID(ST_MakePoint(107.4 + n * 0.0005, 16.4 + (n % 40) * 0.01), 4326), now(),
       now(), 'test', 'Camera ' || n, (ARRAY['traffic', 'river'])[1 + n % 2], n % 4, 'http://10.0.0.1/' || n
FROM generate_series(0, :n - 1) n
"""


@pytest.fixture
def site(serve):
    return serve()


def put_cameras(database: Any, count: int) -> None:
    with connected(database.owner) as owner, owner.begin() as connection:
        connection.execute(sa.text(CAMERAS), {"n": count})


def put_event(database: Any, camera: str, ago_s: float, number: str) -> None:
    row = {"record_id": number, "camera": camera, "type": "phone", "confidence": 0.9, "plate": "75A-123.45",
           "occurred_at": datetime.now(UTC) - timedelta(seconds=ago_s), "lane": None, "snapshot": None,
           "simulated": False}  # fmt: skip
    with connected(database.owner) as owner, owner.begin() as connection:
        store(connection, "vms", [row], datetime.now(UTC))


def put_alarm(database: Any, lon: float, lat: float, severity: str, key: str) -> None:
    given = rule.Rule(f"r_{key}", "inside", "vessel", "Vào khu vực cấm: x", "In a closed area: x", severity)  # type: ignore[arg-type]
    with connected(database.owner) as owner, owner.begin() as connection:
        rule.put_rules(connection, [given], SYSTEM)
        made = next(one for one in rule.rules(connection) if one.key == given.key)
        subject = {"object_key": key, "object_label": key, "lon": lon, "lat": lat, "observed_at": NOW}
        raise_alarm(connection, made, None, {**subject, "simulated": False, "evidence": {}}, NOW, NOW)


def ids(told: dict[str, Any]) -> list[str]:
    return [tile["id"] for tile in told["tiles"]]


def test_pages_show_every_camera_once_and_turn_round(site, database) -> None:
    put_cameras(database, 30)
    seen: list[str] = []
    for page in range(4):
        status, told = site.get(f"/api/v1/cameras/grid?size=9&page={page}")
        assert (status, told["page"], told["pages"], told["total"]) == (200, page, 4, 30)
        seen += ids(told)
    assert len(seen) == len(set(seen)) == 30
    assert ids(site.get("/api/v1/cameras/grid?size=9&page=4")[1]) == seen[:9]
    tile = site.get("/api/v1/cameras/grid?size=4")[1]["tiles"][1]
    assert (tile["health"], tile["picture"], tile["stream"]) == (1, True, False)
    assert (tile["pinned"], tile["events"]) == (None, 0)
    assert "10.0.0.1" not in str(site.get("/api/v1/cameras/grid?size=16"))  # addresses are for the server alone


def test_of_a_camera_that_nobody_looked_at_lately_no_health_is_told(site, database) -> None:
    put_cameras(database, 4)
    with connected(database.owner) as owner, owner.begin() as connection:
        connection.execute(sa.text("UPDATE camera SET health_since = now(), observed_at = now() - interval '1 hour'"))
        connection.execute(sa.text("UPDATE camera SET observed_at = now() WHERE id = 'C-0003'"))
        connection.execute(sa.text("UPDATE camera SET observed_at = NULL WHERE id = 'C-0002'"))
    tiles = site.get("/api/v1/cameras/grid?size=4")[1]["tiles"]
    assert [(tile["health"], bool(tile["health_since"])) for tile in tiles] == [(None, False)] * 3 + [(3, True)]


def test_groups_are_lists_and_kinds(site, database) -> None:
    put_cameras(database, 10)
    body = {
        "actor": "Lan",
        "layer": "camera",
        "name_vi": "Ngã tư",
        "name_en": "Junctions",
        "members": ["C-0003", "C-0007", "?"],
    }
    assert site.ask("PUT", "/api/v1/rosters/nga-tu", body)[0] == 200
    groups = {one["key"]: one["cameras"] for one in site.get("/api/v1/cameras/groups")[1]}
    assert groups == {"all": 10, "list:nga-tu": 3, "kind:river": 5, "kind:traffic": 5}
    assert ids(site.get("/api/v1/cameras/grid?group=list:nga-tu")[1]) == ["C-0003", "C-0007"]
    assert len(ids(site.get("/api/v1/cameras/grid?group=kind:river")[1])) == 5
    for group in ("list:none", "x", "kind"):
        assert site.get(f"/api/v1/cameras/grid?group={group}")[0] == 404
    assert site.get("/api/v1/cameras/grid?size=5")[0] == 422
    assert site.get("/api/v1/cameras/grid?group=kind:none")[1]["tiles"] == []


def test_what_happens_now_stays_first_whatever_page_is_shown(site, database) -> None:
    put_cameras(database, 30)
    put_event(database, "C-0020", 30, "a")
    put_event(database, "C-0021", 600, "b")  # no news any more, but waiting
    put_event(database, "C-9999", 30, "c")  # of a camera that nobody registered
    put_alarm(database, 107.4 + 25 * 0.0005, 16.4 + 25 * 0.01, "high", "boat-1")
    put_alarm(database, 107.4 + 26 * 0.0005, 16.4 + 26 * 0.01, "low", "boat-2")
    put_alarm(database, 109.0, 18.0, "critical", "boat-3")  # no camera near
    for page in range(4):
        told = site.get(f"/api/v1/cameras/grid?size=9&page={page}")[1]
        pins = [
            (tile["id"], tile["pinned"]["why"], tile["pinned"]["words"]) for tile in told["tiles"] if tile["pinned"]
        ]
        assert pins == [("C-0025", "alarm", "boat-1"), ("C-0020", "event", "phone")]
        assert ids(told)[:2] == ["C-0025", "C-0020"]
        assert told["pages"] == 4
    waiting = {tile["id"]: tile["events"] for page in range(4)
               for tile in site.get(f"/api/v1/cameras/grid?size=9&page={page}")[1]["tiles"]}  # fmt: skip
    assert {key: n for key, n in waiting.items() if n} == {"C-0020": 1, "C-0021": 1}


def test_half_of_the_tiles_at_most_are_held(site, database) -> None:
    put_cameras(database, 30)
    for n in range(12):
        put_event(database, f"C-{n:04d}", 10 + n, str(n))
    told = site.get("/api/v1/cameras/grid?size=4")[1]
    assert [bool(tile["pinned"]) for tile in told["tiles"]] == [True, True, False, False]
    assert ids(told)[:2] == ["C-0000", "C-0001"]


@pytest.mark.alone
def test_1200_cameras_and_their_events_answer_in_under_a_tenth_of_a_second(site, database) -> None:
    put_cameras(database, 1_200)
    fill = sa.text(
        "INSERT INTO camera_event (sender, record_id, camera, type, occurred_at, received_at, state, state_at)"
        " SELECT 'vms', n::text, 'C-' || lpad((n % 1200)::text, 4, '0'), 'phone', now() - n * interval '1.728 s',"
        " now(), 'detected', now() FROM generate_series(1, 50000) n"
    )
    with connected(database.owner) as owner, owner.begin() as connection:
        connection.execute(fill)
        connection.execute(sa.text("ANALYZE camera"))
        connection.execute(sa.text("ANALYZE camera_event"))
    for n in range(40):
        put_alarm(database, 107.4 + n * 0.01, 16.4 + n * 0.005, "high", f"boat-{n}")
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # how many share each core with what is measured
    for question in ("grid?size=16&page=7", "grid?size=4", "grid?size=9&group=kind:river", "groups"):
        times = []
        for _ in range(7):
            began = time.perf_counter()
            assert site.get(f"/api/v1/cameras/{question}")[0] == 200
            times.append(time.perf_counter() - began)
        assert min(times) < 0.1 * busy, (question, times, busy)
