import json

from tests.connections import asked, told

EMAIL = {
    "host": "smtp.hue.gov.vn", "sender": "haidang@hue.gov.vn", "recipients": ["truc@hue.gov.vn"],
    "username": "haidang", "password": "mail",
}  # fmt: skip
GIVEN = {"secret_names": frozenset({"mail"}), "outgoing_allowed": frozenset({"smtp.hue.gov.vn:587"})}


def channel(**changes) -> dict:
    return {"actor": "Lan", "kind": "email", "name": "Thư trực ban", "config": EMAIL, **changes}


def test_a_channel_is_put_routed_tested_and_switched_off(serve) -> None:
    site = serve(**GIVEN)
    assert site.get("/api/v1/channels") == (200, [])
    status, made = site.ask("PUT", "/api/v1/channels/mail", channel())
    assert (status, made["key"], made["config"]["port"], made["problems"]) == (200, "mail", 587, [])
    route = {"actor": "Lan", "rule": "distress", "severities": ["critical"], "transitions": ["raise"]}
    assert site.ask("PUT", "/api/v1/channels/mail/routes", route)[0] == 200
    status, answer = site.ask("PUT", "/api/v1/channels/mail/routes", {"actor": "Lan"})
    assert (status, answer["rule"], answer["transitions"]) == (200, None, ["raise", "step", "escalate", "release"])
    assert len(site.get("/api/v1/channels")[1][0]["routes"]) == 2
    assert site.ask("DELETE", "/api/v1/channels/mail/routes?rule=distress", {"actor": "Lan"})[0] == 200
    assert site.ask("DELETE", "/api/v1/channels/mail/routes?rule=distress", {"actor": "Lan"})[0] == 404
    takes = {"actor": "Lan", "takes": True}
    status, answer = site.ask("PUT", "/api/v1/channels/mail/warnings", takes)
    assert (status, answer["warnings_since"]) == (200, site.get("/api/v1/channels")[1][0]["warnings_since"])
    assert answer["warnings_since"] is not None
    assert site.ask("PUT", "/api/v1/channels/none/warnings", takes)[0] == 404
    status, answer = site.ask("POST", "/api/v1/channels/mail/test", {"actor": "Lan"})
    assert (status, answer["withheld"]) == (202, False)
    (row,) = site.get("/api/v1/deliveries?channel=mail&state=waiting")[1]
    assert (row["id"], row["asked_by"], row["transition"]) == (answer["delivery"], "Lan", "test")
    # Switched off, what waits on it waits no longer, and there is nothing to test.
    assert site.ask("PUT", "/api/v1/channels/mail", channel(enabled=False))[0] == 200
    (row,) = site.get("/api/v1/deliveries")[1]
    assert (row["state"], row["answer"]) == ("withheld", "disabled")
    assert site.ask("POST", "/api/v1/channels/mail/test", {"actor": "Lan"})[0] == 422
    who = asked(site.database.web, "SELECT DISTINCT actor, actor_kind FROM revision WHERE kind = 'channel'")
    assert who == [{"actor": "Lan", "actor_kind": "declared"}]


def test_what_is_wrong_is_named(serve) -> None:
    site = serve(**GIVEN)
    for body, field in (
        (channel(kind="fax"), "kind"),
        (channel(config={**EMAIL, "host": "a b"}), "host"),
        (channel(config={**EMAIL, "host": "a\x00b"}), "host"),
        (channel(config={**EMAIL, "recipients": ["x"]}), "recipients"),
        (channel(config={**EMAIL, "username": "a\ud800"}), "username"),
        (channel(name="\x07"), "name"),
    ):
        status, answer = site.ask("PUT", "/api/v1/channels/mail", body)
        assert (status, answer["detail"]["field"]) == (422, field), body
    for path, body in (
        ("mail/routes", {"actor": "Lan"}),
        ("mail/test", {"actor": "Lan"}),
    ):
        assert site.ask("PUT" if "routes" in path else "POST", f"/api/v1/channels/{path}", body)[0] == 404
    assert site.ask("PUT", "/api/v1/channels/mail", channel(actor=" "))[0] == 422
    assert site.ask("PUT", "/api/v1/channels/UP", channel())[0] == 422
    assert site.ask("PUT", "/api/v1/channels/mail", channel())[0] == 200
    for change in ({"rule": "nothing"}, {"severities": []}, {"transitions": ["mute"]}):
        assert site.ask("PUT", "/api/v1/channels/mail/routes", {"actor": "Lan", **change})[0] == 422
    assert site.get("/api/v1/deliveries?state=lost")[0] == 422


def test_a_secret_typed_where_its_name_belongs_is_neither_kept_nor_repeated(serve) -> None:
    site = serve(**GIVEN)
    status, answer = site.ask("PUT", "/api/v1/channels/mail", channel(config={**EMAIL, "password": "geheim123"}))
    assert status == 422
    assert "geheim123" not in json.dumps(answer)
    headers = {"Authorization": "Bearer geheim123"}
    sms = {"url": "https://sms.example/", "recipients": ["123"], "headers": headers, "body": "${text}"}
    status, answer = site.ask("PUT", "/api/v1/channels/sms", channel(kind="sms", config=sms))
    assert (status, answer["detail"]["field"]) == (422, "headers")
    assert "geheim123" not in json.dumps(answer)
    assert asked(site.database.web, "SELECT count(*) AS n FROM channel") == [{"n": 0}]
    assert asked(site.database.web, "SELECT count(*) AS n FROM revision WHERE kind = 'channel'") == [{"n": 0}]


def test_what_an_administrator_has_still_to_do_is_said(serve) -> None:
    site = serve(secret_names=frozenset({"mail"}))
    (problem,) = site.ask("PUT", "/api/v1/channels/mail", channel())[1]["problems"]
    assert problem == "smtp.hue.gov.vn:587 is not in HAIDANG_OUTGOING_ALLOWED"


def test_in_a_rehearsal_a_test_is_withheld_and_says_so(serve) -> None:
    site = serve(**GIVEN, withholding=True)
    assert site.ask("PUT", "/api/v1/channels/mail", channel())[1]["withholding"]
    assert site.ask("POST", "/api/v1/channels/mail/test", {"actor": "Lan"})[1]["withheld"]
    (row,) = site.get("/api/v1/deliveries")[1]
    assert (row["state"], row["answer"], row["due_at"]) == ("withheld", "rehearsal", None)


def test_a_change_of_routes_loses_nothing_that_was_before_it(serve) -> None:
    site = serve(**GIVEN)
    site.ask("PUT", "/api/v1/channels/mail", channel())
    site.ask("PUT", "/api/v1/channels/mail/routes", {"actor": "Lan"})
    told(
        site.database.owner,
        "WITH made AS (INSERT INTO alarm (rule_id, layer, object_key, severity, observed_at, raised_at) "
        "SELECT id, 'vessel', '970000001', 'critical', now(), now() FROM rule WHERE key = 'distress' RETURNING id) "
        "INSERT INTO alarm_journal (alarm_id, transition, at, actor, actor_kind) "
        "SELECT id, 'raise', now(), 'x', 'system' FROM made",
    )
    site.ask("PUT", "/api/v1/channels/mail/routes", {"actor": "Lan", "severities": ["low"]})
    (row,) = site.get("/api/v1/deliveries")[1]
    assert (row["state"], row["object_key"], row["severity"]) == ("waiting", "970000001", "critical")
