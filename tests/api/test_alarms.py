import csv
import io

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


def several(site) -> list[int]:
    """Four alarms of the same rule, of which the second has passed; their numbers."""
    told(
        site.database.owner,
        "INSERT INTO alarm (rule_id, layer, object_key, object_label, severity, observed_at, raised_at, listed_at) "
        "SELECT id, 'vessel', (974000000 + n)::text, label, 'low', now(), now() - n * interval '1 second', now() "
        "FROM rule, unnest(ARRAY['EPIRB 1', '=HYPERLINK(\"x\")', 'Ă, \"B\"', E'C\\nD']) WITH ORDINALITY AS o(label, n) "
        "WHERE key = 'distress_test' ORDER BY n",
    )
    numbers = [int(row["id"]) for row in asked(site.database.owner, "SELECT id FROM alarm ORDER BY id")]
    told(site.database.owner, f"UPDATE alarm SET cleared_at = now() WHERE id = {numbers[1]}")
    return numbers


def test_the_lines_are_chosen_ordered_and_taken_home_as_a_table(serve) -> None:
    site = serve()
    numbers = several(site)
    told_lines = site.get("/api/v1/alarms/lines")[1]
    assert [line["id"] for line in told_lines] == [
        numbers[0],
        numbers[2],
        numbers[3],
        numbers[1],
    ]  # what has passed last
    returned = site.get("/api/v1/alarms/lines?state=returned")[1]
    assert [line["id"] for line in returned] == [numbers[1]]
    assert site.get("/api/v1/alarms/lines?severity=high")[1] == []
    by_object = site.get("/api/v1/alarms/lines?sort=-object")[1]
    assert [line["object_label"] for line in by_object] == ["EPIRB 1", "C\nD", 'Ă, "B"', '=HYPERLINK("x")']
    assert site.get("/api/v1/alarms/lines?lang=fr")[0] == 422
    status, text = site.get("/api/v1/alarms/lines.csv?sort=raised")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert (status, len(rows)) == (200, 4)
    assert [row["id"] for row in rows] == [str(number) for number in reversed(numbers)]
    assert {row["object_label"] for row in rows} == {"EPIRB 1", '\'=HYPERLINK("x")', 'Ă, "B"', "C\nD"}


def test_what_is_put_aside_is_listed_with_who_and_why_and_taken_back(serve) -> None:
    site = serve()
    told(
        site.database.owner,
        "UPDATE rule SET kind = 'silence', params = '{\"silence_s\": 60}' WHERE key = 'distress_test'",
    )
    number = several(site)[0]
    path = f"/api/v1/alarms/{number}"
    assert site.ask("POST", f"{path}/shelve", {"actor": "Lan"})[0] == 422  # no reason
    assert site.ask("POST", f"{path}/shelve", {"actor": "Lan", "comment": "neo", "span": "9h"})[0] == 422
    status, answer = site.ask("POST", f"{path}/shelve", {"actor": "Lan", "comment": "neo tránh gió", "span": "30m"})
    assert (status, answer["id"]) == (200, number)
    (shelf,) = site.get("/api/v1/alarms/shelves")[1]
    assert (shelf["alarm_id"], shelf["actor"], shelf["reason"]) == (number, "Lan", "neo tránh gió")
    assert number not in [line["id"] for line in site.get("/api/v1/alarms/lines")[1]]
    assert site.ask("POST", f"{path}/unshelve", {"actor": "Minh"})[0] == 200
    assert site.ask("POST", f"{path}/unshelve", {"actor": "Minh"})[0] == 409
    assert site.get("/api/v1/alarms/shelves")[1] == []
    assert number in [line["id"] for line in site.get("/api/v1/alarms/lines")[1]]
    journal = site.get(path)[1]["journal"]
    assert [(line["transition"], line["actor"]) for line in journal] == [("shelve", "Lan"), ("unshelve", "Minh")]


def test_a_distress_is_never_put_aside_and_every_other_deed_is_answered(serve) -> None:
    site = serve()
    number = raised(site)
    path = f"/api/v1/alarms/{number}"
    status, answer = site.ask("POST", f"{path}/shelve", {"actor": "Lan", "comment": "thử", "span": "1h"})
    assert status == 422, answer
    assert site.ask("POST", f"{path}/assign", {"actor": "Lan", "unit": "nobody"})[0] == 422
    assert site.ask("POST", f"{path}/comment", {"actor": "Lan", "comment": " "})[0] == 422
    assert site.ask("POST", f"{path}/comment", {"actor": "Lan", "comment": "đã gọi"})[0] == 200
    assert [site.ask("POST", f"{path}/escalate", {"actor": "Lan"})[0] for _ in range(4)] == [200, 200, 200, 409]
    assert site.ask("POST", f"{path}/withdraw", {"actor": "Lan"})[0] == 422  # no reason
    assert site.ask("POST", f"{path}/withdraw", {"actor": "Lan", "comment": "phao thử"})[0] == 200
    assert site.ask("POST", f"{path}/withdraw", {"actor": "Lan", "comment": "phao thử"})[0] == 409
    transitions = [line["transition"] for line in site.get(path)[1]["journal"]]
    assert transitions == ["comment", "escalate", "escalate", "escalate", "withdraw"]
    assert site.get("/api/v1/alarms/999999")[0] == 404
