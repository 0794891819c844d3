"""What the rule's form does on the server, with a real database: drafts told, refused, tried on the past and saved."""

from collections.abc import Iterator
from typing import Any

import pytest
from shapely import LineString, box

from access import rules as doing
from access.site import Site
from geo import lab_run
from geo.actor import SYSTEM, Actor
from geo.fence import Fence, put_fences
from geo.rule import Rule
from geo.rulebook import kept
from layers import discover, seed
from pages.roster_edit import changed as list_changed
from pages.rule_edit import changed, checked, opened
from pages.text import Text
from tests.connections import connected

VI, EN = Text("vi"), Text("en")
AREA = Fence("cam", "area", "Khu cấm", "Closed area", box(107.8, 16.7, 107.95, 16.8))
GATE = Fence("cong", "gate", "Cổng", "Gate", LineString([[107.6, 16.6], [107.7, 16.6]]))
RULE = Rule("lau", "inside", "vessel", "Ở lâu", "Stays long", "high", "cam", dwell_s=600)
begun: list[int] = []


@pytest.fixture
def site(database: Any, redis_server: str) -> Iterator[Site]:
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
        put_fences(connection, [AREA, GATE], SYSTEM)
    with connected(database.web) as engine:
        made = Site(engine, redis_server, discover(), "Huế", "Huế", (16.6, 107.9, 10), start_lab=begun.append)
        doing.save(made, RULE, None, Actor("Lan"))
        yield made


def draft(what: str = "save", **more: Any) -> dict[str, Any]:
    return {"what": what, "form": "rule", "key": "lau", "version": 1, "actor": "Lan", "fields": {}, **more}


def told(site: Site, t: Text, **more: Any) -> dict[str, Any]:
    with site.engine.connect() as connection:
        return checked(connection, site, t, {"n": 7, **more})


def test_a_draft_is_told_as_it_is_typed_and_its_faults_are_those_of_saving(site: Site) -> None:
    answer = told(site, VI, key="lau", fields={"dwell_min": "15", "severity": "low"})
    assert answer["sentence"] == "Báo động mức thấp khi tàu ở trong Khu cấm liên tục 15 phút."
    assert answer["more"] == "Giữ trên bàn đến khi có người xác nhận."
    assert (answer["n"], answer["errors"]) == (7, {})
    assert told(site, VI, key="lau", fields={"fence_key": "cong"})["errors"] == {
        "fence_key": "Đường không có bên trong: hãy chọn một vùng"
    }
    assert told(site, EN, key="lau", fields={"off_delay_min": "99999"})["errors"] == {
        "off_delay_min": "0 to 44,640 minutes (31 days)"
    }
    new = told(site, VI, preset="gate", fields={})
    assert "khi tàu vượt qua một tuyến" in new["sentence"]
    assert new["errors"] == {"fence_key": "Hãy chọn một tuyến"}
    assert told(site, VI, preset="speed", fields={})["errors"] == {}
    assert told(site, VI, key="khong", fields={})["sentence"] == "Quy tắc này không còn."


def test_a_draft_is_tried_beside_the_rule_as_it_is_kept_and_nothing_is_saved(site: Site) -> None:
    begun.clear()
    answer = changed(site, VI, draft("try", fields={"dwell_min": "15"}))
    assert begun == [answer["run"]]
    with site.engine.connect() as connection:
        row = dict(connection.execute(lab_run.table.lab_run.select()).mappings().one())
        known = kept(connection, "lau")
    assert [one["dwell_s"] for one in row["drafts"]] == [900, 600]
    assert (row["end_at"] - row["start_at"]).days == 30
    assert known is not None
    assert (known.dwell_s, known.version) == (600, 1)
    assert "run" in changed(site, VI, draft("try"))
    busy = changed(site, VI, draft("try"))
    assert "chờ xong" in busy["words"]
    assert "CHƯA thử" in changed(site, VI, draft("try", fields={"dwell_min": "x"}))["words"]


def test_what_is_done_is_answered_in_words(site: Site) -> None:
    assert changed(site, VI, draft(actor=" "))["nameless"]
    assert changed(site, VI, draft(fields={"dwell_min": "20"}, comment="êm hơn"))["saved"] == "lau"
    late = changed(site, VI, draft(fields={"dwell_min": "30"}))
    assert (late["conflict"], late["key"]) == (2, "lau")
    assert "Lan đã lưu phiên bản 2 lúc" in late["words"]
    assert changed(site, VI, draft("restore", version=2, restore=1))["words"] == "Đã khôi phục thành phiên bản 3."
    assert "không còn" in changed(site, VI, draft("restore", version=3, restore=9))["words"]
    assert "không còn" in changed(site, VI, draft(key="khong"))["words"]
    refused = changed(site, EN, draft("switch", key="distress", on=False))
    assert refused["errors"] == {"enabled": "a distress rule cannot be switched off"}
    new = {"key": None, "version": None, "preset": "closed", "fields": {"fence_key": "cam", "name_vi": "Ở lâu"}}
    first, second = (changed(site, VI, draft(**new)) for _ in range(2))
    assert (first["saved"], second["saved"]) == ("o_lau", "o_lau_2")
    assert first["again"]
    word = changed(site, VI, draft(**{**new, "fields": {**new["fields"], "name_vi": "Lab"}}))  # an address of its own
    assert word["saved"] == "lab_2"


def test_a_form_is_opened_with_what_it_shows(site: Site) -> None:
    with site.engine.connect() as connection:
        _, data = opened(connection, site, VI, {"rule": "lau", "n": 3, "typed": {"dwell_min": "7"}})
        assert (data["what"], data["version"], data["fields"]["dwell_min"]) == ("rule", 1, "7")
        _, data = opened(connection, site, VI, {"rule": "new", "preset": "home", "layer": "tram"})
        assert (data["key"], data["layer"], data["version"]) == (None, "vessel", None)
        for key, what in (("khong", "gone"), ("new", "presets")):
            assert opened(connection, site, VI, {"rule": key})[1]["what"] == what


def test_a_list_is_saved_refused_and_restored(site: Site) -> None:
    def put(**more: Any) -> dict[str, Any]:
        return list_changed(site, VI, {"what": "save", "actor": "Lan", **more})

    fields = {"name_vi": "Tàu nhà", "members": "574000001 574000002\n574000001"}
    assert put(fields=fields, version=0)["saved"] == "tau_nha"
    assert "MMSI" in put(fields={**fields, "members": "tàu"})["errors"]["members"]
    assert "name_vi" in put(fields={**fields, "name_vi": " "})["errors"]
    same = put(key="tau_nha", version=1, fields=fields)
    assert same["words"] == "Không có gì thay đổi."
    assert put(key="tau_nha", version=1, fields={**fields, "members": ""})["version"] == 2
    assert put(key="tau_nha", version=1, fields=fields)["conflict"] == 2
    assert put(what="restore", key="tau_nha", version=2, restore=1)["version"] == 3
    assert put(actor="")["nameless"]
