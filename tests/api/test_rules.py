"""Rules for other systems: saved, read, refused with the reason, versions, restored, and lists by name."""

from typing import Any

BODY: dict[str, Any] = {
    "actor": "Lan",
    "kind": "silence",
    "name_vi": "Mất tín hiệu trên 6 giờ",
    "severity": "high",
    "params": {"silence_s": 21_600},
    "applies_to": {"ship_type": [30, 31], "length_m": [15, None]},
    "schedule": [{"days": [1, 2], "from": "06:00", "to": "18:00"}],
}
PATH = "/api/v1/rules/im_lang"


def test_a_rule_is_saved_read_changed_and_restored(serve: Any) -> None:
    site = serve()
    assert site.get(PATH)[0] == 404
    assert site.ask("PUT", PATH, BODY) == (200, {"key": "im_lang", "version": 1, "changed": ["key"]})
    status, rule = site.get(PATH)
    assert (status, rule["version"], rule["updated_by"], rule["alarms_open"]) == (200, 1, "Lan", 0)
    assert {name: rule[name] for name in BODY if name != "actor"} == {k: v for k, v in BODY.items() if k != "actor"}
    change = {**BODY, "actor": "Minh", "version": 1, "severity": "medium", "comment": "nhẹ hơn"}
    assert site.ask("PUT", PATH, change)[1] == {"key": "im_lang", "version": 2, "changed": ["severity"]}
    status, answer = site.ask("PUT", PATH, {**BODY, "version": 1})
    assert (status, answer["detail"]["version"], answer["detail"]["actor"]) == (409, 2, "Minh")
    assert "saved by Minh at 20" in answer["detail"]["msg"]
    status, answer = site.ask("POST", f"{PATH}/restore", {"actor": "Lan", "version": 2, "restore": 1})
    assert (status, answer["version"], answer["changed"]) == (200, 3, ["severity"])
    told = [(one["version"], one["actor"], one["changed"]) for one in site.get(f"{PATH}/versions")[1]]
    assert told == [(3, "Lan", ["severity"]), (2, "Minh", ["severity"]), (1, "Lan", [])]
    assert {"im_lang", "distress"} <= {one["key"] for one in site.get("/api/v1/rules")[1]}
    assert site.get("/api/v1/rules/khong/versions")[0] == 404
    assert site.ask("PUT", "/api/v1/rules/khong", {**BODY, "version": 4})[0] == 404


def test_what_is_wrong_is_said_in_words(serve: Any) -> None:
    site = serve()
    for change, field, words in (
        ({"params": {}}, "silence_s", "needs silence_s: seconds"),
        ({"fence_key": "khong"}, "fence_key", "no fence 'khong'"),
        ({"kind": "quiet"}, "kind", "silence"),
        ({"schedule": [{"days": [1], "from": "06:00:00+07:00", "to": "18:00"}]}, "from", "pattern"),
        ({"schedule": [{"days": [], "from": "06:00", "to": "18:00"}]}, "days", "at least 1"),
        ({"lenght": 3}, "lenght", "not permitted"),
        ({"actor": " "}, None, "name is needed"),
        ({"params": {"silence_s": 10, "horizon_s": "long"}}, "horizon_s", "seconds"),
        ({"applies_to": {"shipname": {"prefix": ["\0"]}}}, "applies_to", "zero byte"),
    ):
        status, answer = site.ask("PUT", PATH, {**BODY, **change})
        assert status == 422, change
        assert words in str(answer["detail"]), answer
        if field:
            assert field in answer["detail"][0]["loc"], answer
    assert site.ask("PUT", PATH, b'{"params": NaN')[0] == 422
    assert site.get(PATH)[0] == 404


def test_lists_by_name_are_put_and_read(serve: Any) -> None:
    site = serve()
    path = "/api/v1/rosters/nha"
    assert site.get(path)[0] == 404
    body = {"actor": "Lan", "name_vi": "Tàu nhà", "members": ["574000001", "574000002"]}
    status, answer = site.ask("PUT", path, body)
    assert (status, answer["members"]) == (200, 2)
    assert site.get(path)[1]["members"] == ["574000001", "574000002"]
    rule = {**BODY, "applies_to": {"include": ["@nha"]}}
    assert site.ask("PUT", PATH, rule)[0] == 200
    assert site.ask("PUT", PATH, {**rule, "version": 1, "applies_to": {"include": ["@khac"]}})[0] == 422
    assert site.ask("PUT", path, {**body, "layer": "tram"})[0] == 422
    assert site.ask("PUT", path, {**body, "actor": " "})[0] == 422


def test_a_list_has_versions_and_a_late_editor_is_told(serve: Any) -> None:
    site = serve()
    path = "/api/v1/rosters/nha"
    assert site.get(f"{path}/versions")[0] == 404
    body = {"actor": "Lan", "name_vi": "Tàu nhà", "members": ["574000001"], "version": 0, "comment": "mới"}
    assert site.ask("PUT", path, body)[1]["version"] == 1
    status, answer = site.ask("PUT", path, {**body, "actor": "Minh"})
    assert (status, answer["detail"]["version"], answer["detail"]["actor"]) == (409, 1, "Lan")
    assert site.ask("PUT", path, {**body, "version": 1, "members": ["574000002"]})[1]["version"] == 2
    told = [(one["version"], one["came"], one["went"]) for one in site.get(f"{path}/versions")[1]]
    assert told == [(2, ["574000002"], ["574000001"]), (1, ["574000001"], [])]


def test_a_distress_rule_is_not_switched_off(serve: Any) -> None:
    site = serve()
    path = "/api/v1/rules/distress"
    rule = site.get(path)[1]
    named = ("kind", "layer", "name_vi", "severity", "applies_to", "qualifies", "version")
    body = {name: rule[name] for name in named} | {"actor": "Lan", "enabled": False}
    status, answer = site.ask("PUT", path, body)
    assert (status, answer["detail"][0]["loc"]) == (422, ["body", "enabled"])
    assert site.get(path)[1]["enabled"] is True
