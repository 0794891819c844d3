import redis

from run.process import wait_for
from tests.connections import asked, told


def raised(site) -> int:
    told(
        site.database.owner,
        "INSERT INTO alarm (rule_id, layer, object_key, severity, observed_at, raised_at) "
        "SELECT id, 'vessel', '970000001', 'critical', now(), now() FROM rule WHERE key = 'distress'",
    )
    return int(asked(site.database.owner, "SELECT max(id) AS id FROM alarm")[0]["id"])


def test_promise_02_the_second_who_acknowledges_is_told_409(serve) -> None:
    site = serve()
    number = raised(site)
    (row,) = site.get("/api/v1/alarms")[1]
    assert (row["id"], row["state"], row["severity"]) == (number, "unacknowledged", "critical")
    path = f"/api/v1/alarms/{number}/acknowledge"
    with redis.Redis.from_url(site.site.redis_url) as client, client.pubsub() as listener:
        listener.subscribe("haidang:alarm")
        assert wait_for(lambda: (listener.get_message() or {}).get("type") == "subscribe", 10)
        status, answer = site.ask("POST", path, {"actor": "Lan", "comment": "đã gọi chủ tàu"})
        assert (status, answer["acknowledged_by"], answer["comment"]) == (200, "Lan", "đã gọi chủ tàu")
        assert wait_for(lambda: (listener.get_message() or {}).get("type") == "message", 10)
    assert site.ask("POST", path, {"actor": "Minh"})[0] == 409
    assert site.get("/api/v1/alarms")[1][0]["state"] == "acknowledged"
    (line,) = asked(site.database.web, "SELECT transition, actor, actor_kind FROM alarm_journal")
    assert line == {"transition": "acknowledge", "actor": "Lan", "actor_kind": "declared"}


def test_what_cannot_be_acknowledged_is_said(serve) -> None:
    site = serve()
    number = raised(site)
    path = f"/api/v1/alarms/{number}/acknowledge"
    for body in (
        {},
        {"actor": ""},
        {"actor": "  "},
        {"actor": "x" * 81},
        {"actor": "a\0"},
        [],
        {"actor": "a", "comment": "\0"},
    ):
        assert site.ask("POST", path, body)[0] == 422, body
    assert site.ask("POST", path, b"{")[0] == 422
    assert site.ask("POST", "/api/v1/alarms/999999/acknowledge", {"actor": "Lan"})[0] == 409
    for odd in ("0", "-1", "x", str(1 << 63)):
        assert site.ask("POST", f"/api/v1/alarms/{odd}/acknowledge", {"actor": "Lan"})[0] == 422, odd
    assert asked(site.database.web, "SELECT count(*) FROM alarm_journal") == [{"count": 0}]


def test_an_acknowledgement_needs_no_redis(serve) -> None:
    site = serve(redis_url="redis://127.0.0.1:9/0")
    number = raised(site)
    assert site.ask("POST", f"/api/v1/alarms/{number}/acknowledge", {"actor": "Lan"})[0] == 200
