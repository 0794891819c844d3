"""Warnings over HTTP: from a drawn area to a CAP document that others read, and what is refused on the way."""

import json
import math
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen
from xml.etree import ElementTree as ET

import pytest
import sqlalchemy as sa
import xmlschema

from geo import cap, delivery
from geo.actor import Actor
from geo.cap import references
from geo.channel import Channel, put_channel, take_warnings
from geo.warning_received import receive
from ingest.cap import find
from tests.connections import connected
from tests.geo.test_warning import ENDING, FIRST

AREA = {"type": "Polygon", "coordinates": [[[107.5, 16.4], [107.7, 16.4], [107.7, 16.6], [107.5, 16.6], [107.5, 16.4]]]}
WARNINGS = "/api/v1/warnings"


@pytest.fixture
def site(serve):
    return serve(cap_sender="ioc.hue.example")


def written(**more: Any) -> dict[str, Any]:
    ends = (datetime.now(UTC) + timedelta(hours=6)).isoformat()
    body = {"actor": "Lan", "hazard": "flood", "status": "Exercise", "urgency": "Expected", "severity": "Severe",
            "certainty": "Likely", "risk_level": 3, "vi": {"headline": "Lũ trên sông Hương"}, "area": AREA,
            "area_words": "Hạ lưu sông Hương", "expires_at": ends}  # fmt: skip
    return {**body, **more}


def posted(site: Any, path: str, body: dict[str, Any]) -> dict[str, Any]:
    status, told = site.ask("POST", f"{WARNINGS}{path}", body)
    assert status == 200, told
    return dict(told)


def issued(site: Any, path: str = "", **more: Any) -> dict[str, Any]:
    made = posted(site, path, written(**more))
    posted(site, f"/{made['id']}/approve", {"actor": "Hoa", "version": 1})
    return posted(site, f"/{made['id']}/issue", {"actor": "Lan", "version": 2})


def fetched(site: Any, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    asked = Request(f"http://127.0.0.1:{site.port}{path}", headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urlopen(asked, timeout=10) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except HTTPError as error:
        with error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


def feed(site: Any) -> list[str]:
    """The documents that the feed names, as our own reader of feeds finds them."""
    body = fetched(site, "/cap/feed.atom")[2]
    base = f"http://127.0.0.1:{site.port}"
    return [link.removeprefix(base) for link in find(body, f"{base}/cap/feed.atom").links]


def test_step_6_a_warning_is_drawn_approved_issued_read_by_others_and_cancelled(site, shared_data: Path) -> None:
    schema = xmlschema.XMLSchema(str(shared_data / "cap" / "schema" / "cap12.xsd"))
    status, inside = site.ask("POST", f"{WARNINGS}/inside", {"area": AREA})
    assert (status, inside["boats"]) == (200, 0)
    assert {one["layer"] for one in inside["layers"]} >= {"vessel", "vms", "camera", "environment"}
    assert inside["communes"]
    assert all(0 < one["share"] <= 1 for one in inside["communes"])
    assert feed(site) == []
    first = issued(site)
    assert (first["state"], first["status"]) == ("issued", "Exercise")
    (path,) = feed(site)
    status, headers, document = fetched(site, path)
    assert (status, headers["content-type"]) == (200, "application/cap+xml; charset=utf-8")
    schema.validate(ET.fromstring(document))
    read = cap.read(document)
    assert (read.alert.sender, read.alert.status, read.notes) == ("ioc.hue.example", "Exercise", ())
    assert "[DIỄN TẬP]" in fetched(site, "/cap/feed.atom")[2].decode()
    (shape,) = site.get(f"{WARNINGS}/in-force")[1]["features"]
    assert (shape["id"], shape["geometry"]["type"]) == (first["id"], "MultiPolygon")
    second = issued(site, f"/{first['id']}/update", risk_level=4)
    (path,) = feed(site)
    assert len(references(cap.read(fetched(site, path)[2]).alert)) == 1
    ended = posted(site, f"/{second['id']}/cancel", {"actor": "Hoa", "note": "hết diễn tập"})
    assert site.get(f"{WARNINGS}/in-force")[1]["features"] == []
    (path,) = feed(site)  # the cancellation, so that whoever knows of the warning hears of its end
    last = cap.read(fetched(site, path)[2]).alert
    schema.validate(ET.fromstring(fetched(site, path)[2]))
    assert (last.msg_type, last.identifier, len(references(last))) == ("Cancel", ended["identifier"], 2)
    states = {one["id"]: one["state"] for one in site.get(WARNINGS)[1]}
    assert states == {first["id"]: "cancelled", second["id"]: "cancelled", ended["id"]: "notice"}
    assert [one["id"] for one in site.get(f"{WARNINGS}?state=cancelled&limit=1")[1]] == [second["id"]]
    assert [one["id"] for one in site.get(f"{WARNINGS}?state=cancelled&before={second['id']}")[1]] == [first["id"]]


def test_a_map_that_asks_again_is_told_that_nothing_has_changed_until_it_has(site) -> None:
    path = f"{WARNINGS}/in-force"
    tag = fetched(site, path)[1]["etag"]
    assert fetched(site, path, **{"if-none-match": tag})[0] == 304
    first = issued(site)
    status, headers, _ = fetched(site, path, **{"if-none-match": tag})
    assert (status, headers["etag"] != tag) == (200, True)
    tag = headers["etag"]
    posted(site, "", written())  # a draft is in force nowhere
    assert fetched(site, path, **{"if-none-match": tag})[0] == 304
    posted(site, f"/{first['id']}/cancel", {"actor": "Hoa", "note": "nhầm"})
    assert fetched(site, path, **{"if-none-match": tag})[0] == 200
    soon = issued(site, expires_at=(datetime.now(UTC) + timedelta(seconds=3)).isoformat())
    tag = fetched(site, path)[1]["etag"]
    time.sleep(max(0.0, datetime.fromisoformat(soon["ends_at"]).timestamp() - time.time()) + 0.1)
    assert fetched(site, path, **{"if-none-match": tag})[0] == 200


def test_where_a_warning_went_is_told(site) -> None:
    now, hook = datetime.now(UTC), {"url": "https://hooks.example/a", "secret": "key"}
    with connected(site.database.owner) as engine, engine.begin() as connection:
        made = put_channel(connection, Channel("hook", "webhook", "Báo Huế", hook), Actor("Lan"), now)
        take_warnings(connection, made, True, Actor("Lan"), now)
    draft = posted(site, "", written())
    assert site.get(f"{WARNINGS}/{draft['id']}/sent") == (200, {"feed": None, "channels": []})
    warning = issued(site)
    with connected(site.database.web) as engine, engine.begin() as connection:
        delivery.enqueue(connection, datetime.now(UTC))
    told = site.get(f"{WARNINGS}/{warning['id']}/sent")[1]
    assert (told["feed"]["path"], told["feed"]["since"]) == ("/cap/feed.atom", warning["known_at"])
    (way,) = told["channels"]
    assert (way["channel_name"], way["state"], way["transition"]) == ("Báo Huế", "waiting", "warning_alert")
    assert site.get(f"{WARNINGS}/999999/sent")[0] == 404


def test_nobody_approves_what_he_wrote_and_nothing_goes_out_unapproved(site) -> None:
    made = posted(site, "", written())
    status, told = site.ask("POST", f"{WARNINGS}/{made['id']}/approve", {"actor": " lan ", "version": 1})
    assert (status, told["detail"][0]["loc"]) == (422, ["body", "actor"])
    assert "người thứ hai" in told["detail"][0]["vi"]
    status, told = site.ask("POST", f"{WARNINGS}/{made['id']}/issue", {"actor": "Lan", "version": 1})
    assert (status, "not approved" in told["detail"]) == (409, True)
    posted(site, f"/{made['id']}/approve", {"actor": "Hoa", "version": 1})
    edited = posted(site, f"/{made['id']}/edit", {**written(risk_level=5), "version": 2})
    assert (edited["state"], edited["risk_level"]) == ("draft", 5)
    posted(site, f"/{made['id']}/return", {"actor": "Hoa", "version": 3, "note": "sai cấp"})
    told = posted(site, f"/{made['id']}/discard", {"actor": "Hoa", "version": 4, "note": "sai cấp"})
    assert [one["deed"] for one in told["log"]] == ["draft", "approve", "edit", "return", "discard"]
    assert feed(site) == []


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("area", {"area": {"type": "Point", "coordinates": [107, 16]}}),
        ("area", {"area": {"type": "Polygon", "coordinates": [[[16, 107], [16, 108], [17, 108], [16, 107]]]}}),
        ("expires_at", {"expires_at": "2020-01-01T00:00:00Z"}),
        ("expires_at", {"expires_at": "2020-01-01T00:00:00"}),
        ("hazard", {"hazard": "aliens"}),
        ("status", {"status": "System"}),
        ("words.vi.headline", {"vi": {"headline": " "}}),
        ("risk_level", {"risk_level": 0}),
        ("actor", {"actor": " "}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_by_its_field(site, field: str, more: dict[str, Any]) -> None:
    status, told = site.ask("POST", WARNINGS, written(**more))
    assert status == 422
    assert told["detail"][0]["loc"] == ["body", field]


@pytest.mark.parametrize(
    ("path", "field", "hostile"),
    [
        ("", "risk_level", b'"risk_level": NaN'),
        ("", "area", b'"area": {"type": "\\ud800"}'),
        ("/inside", "area", b'"area": {"type": "\\ud800"}'),
        ("", "hazard", b'"hazard": "\\ud800"'),
        ("", "area", b'"area": {"type": "Polygon", "coordinates": [[[NaN, 16], [107, 16], [107, 17]]]}'),
        ("", "expires_at", b'"expires_at": Infinity'),
    ],
)
def test_what_json_cannot_repeat_is_refused_in_the_usual_form(site, path: str, field: str, hostile: bytes) -> None:
    body = json.dumps({name: value for name, value in written().items() if name != field}).encode()
    status, told = site.ask("POST", f"{WARNINGS}{path}", body[:-1] + b", " + hostile + b"}")
    assert status == 422
    (one,) = told["detail"]
    assert one["loc"] == ["body", field]
    assert one["msg"]
    assert "input" not in one


def test_an_area_that_would_take_too_long_is_refused(site, monkeypatch) -> None:
    around = [math.tau * n / 20_100 for n in range(20_100)]
    many = [[107.6 + math.cos(turn) / 10, 16.5 + math.sin(turn) / 10] for turn in around]
    status, told = site.ask("POST", f"{WARNINGS}/inside", {"area": {"type": "Polygon", "coordinates": [many]}})
    assert (status, told["detail"][0]["loc"]) == (422, ["body", "area"])
    assert told["detail"][0]["msg"].startswith("Too many vertices")
    monkeypatch.setattr("access.warning.REACH_MS", 1)
    with connected(site.database.owner) as engine, engine.begin() as connection:
        connection.execute(sa.text("LOCK TABLE area_piece IN ACCESS EXCLUSIVE MODE"))
        status, told = site.ask("POST", f"{WARNINGS}/inside", {"area": AREA})
    assert (status, told["detail"][0]["loc"]) == (422, ["body", "area"])
    assert "takes too long" in told["detail"][0]["msg"]
    monkeypatch.undo()
    assert site.ask("POST", f"{WARNINGS}/inside", {"area": AREA})[0] == 200


def test_an_area_of_which_a_part_would_be_cut_out_is_refused_with_its_place(site) -> None:
    turns = [math.radians(90 + 144 * n) for n in range(5)]
    star = [[107.6 + math.cos(turn) / 10, 16.5 + math.sin(turn) / 10] for turn in turns]
    crossing = {"type": "Polygon", "coordinates": [[*star, star[0]]]}
    for path, body in (("", written(area=crossing)), ("/inside", {"area": crossing})):
        status, told = site.ask("POST", f"{WARNINGS}{path}", body)
        assert (status, told["detail"][0]["loc"]) == (422, ["body", "area"])
        assert re.match(r"Đường biên tự cắt \(16\.\d{5} 107\.\d{5}\): hãy vẽ lại", told["detail"][0]["vi"])
        assert told["detail"][0]["msg"].startswith("The outline crosses itself (16.")
    # Parts over each other leave nobody out.
    shifted = [[[lon + 0.1, lat] for lon, lat in AREA["coordinates"][0]]]
    made = posted(site, "", written(area={"type": "MultiPolygon", "coordinates": [AREA["coordinates"], shifted]}))
    assert [len(rings) for rings in made["geom"]["coordinates"]] == [1]


def test_where_data_are_simulated_only_an_exercise_goes_out(serve) -> None:
    site = serve(simulated=True)
    status, told = site.ask("POST", WARNINGS, written(status="Actual"))
    assert (status, told["detail"][0]["loc"]) == (422, ["body", "status"])
    assert issued(site)["simulated"] is True
    assert "[MÔ PHỎNG]" in fetched(site, "/cap/feed.atom")[2].decode()


def test_who_has_the_feed_or_a_document_is_told_so(site) -> None:
    issued(site)
    (path,) = feed(site)
    for address in ("/cap/feed.atom", path):
        status, headers, body = fetched(site, address)
        assert status == 200
        assert body
        tag = headers["etag"]
        for asked in (tag, f'"other", W/{tag}', "*"):
            status, headers, body = fetched(site, address, if_none_match=asked)
            assert (status, body, headers["etag"]) == (304, b"", tag)
        assert fetched(site, address, if_none_match='"other"')[0] == 200
        assert fetched(site, address, if_modified_since="Mon, 01 Jan 2024 00:00:00 GMT")[0] == 200
        assert fetched(site, address, if_modified_since="nonsense")[0] == 200
        later = (datetime.now(UTC) + timedelta(minutes=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        assert fetched(site, address, if_modified_since=later)[0] == 304
        assert fetched(site, address, if_modified_since=later, if_none_match='"other"')[0] == 200
    before = fetched(site, "/cap/feed.atom")[1]["etag"]
    issued(site)
    assert fetched(site, "/cap/feed.atom", if_none_match=before)[0] == 200


def test_what_never_was_is_not_found(site) -> None:
    for path in ("/cap/nothing.xml", "/cap/", "/cap/a/b", f"{WARNINGS}/7", f"{WARNINGS}/7/document"):
        assert fetched(site, path)[0] == 404, path
    for deed in ("approve", "issue"):
        assert site.ask("POST", f"{WARNINGS}/7/{deed}", {"actor": "Lan", "version": 1})[0] == 404
    assert site.get(f"{WARNINGS}?state=burning")[0] == 422


def test_received_warnings_are_listed_as_they_came_and_not_told_on_as_ours(site) -> None:
    document = cap.write(FIRST.model_copy(update={"sent": datetime.now(UTC).replace(microsecond=0)}))
    hostile = document.replace(b"Rain", "<script>alert(1)</script>".replace("<", "&lt;").encode())
    with connected(site.database.ingest) as engine, engine.begin() as connection:
        receive(connection, "cap.met", cap.read(hostile), hostile, datetime.now(UTC), ENDING)
    (one,) = site.get(f"{WARNINGS}?origin=cap.met")[1]
    assert (one["state"] in ("issued", "expired"), one["words"]["en"]["event"]) == (True, "<script>alert(1)</script>")
    assert feed(site) == []
    assert fetched(site, f"/cap/{one['identifier']}.xml")[0] == 404
    status, headers, body = fetched(site, f"{WARNINGS}/{one['id']}/document")
    assert (status, body) == (200, hostile)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"].startswith("attachment")
    assert site.ask("POST", f"{WARNINGS}/{one['id']}/cancel", {"actor": "Lan", "note": "x"})[0] == 404


def test_received_warnings_push_none_of_our_own_off_the_list_and_the_map(site) -> None:
    mine = [issued(site)["id"] for _ in range(2)]
    now = datetime.now(UTC)
    with connected(site.database.ingest) as engine, engine.begin() as connection:
        for n in range(3):
            told = FIRST.model_copy(update={"identifier": f"far-{n}", "sent": now.replace(microsecond=0)})
            document = cap.write(told.model_copy(update={"info": (told.info[0].model_copy(update={"expires": None}),)}))
            receive(connection, "cap.far", cap.read(document), document, now, ENDING)
    features = site.get(f"{WARNINGS}/in-force?limit=3")[1]["features"]
    assert [one["id"] for one in features][:2] == mine[::-1]
    pages, path = list[int](), f"{WARNINGS}?state=issued&limit=2"
    while found := [one["id"] for one in site.get(path + (f"&before={pages[-1]}" if pages else ""))[1]]:
        pages += found
    assert pages[:2] == mine[::-1]
    assert len(pages) == len(set(pages)) == 5
    assert pages[2:] == sorted(pages[2:], reverse=True)
    newest = [one["id"] for one in site.get(f"{WARNINGS}?limit=5")[1]]
    assert newest == sorted(newest, reverse=True)


def test_the_feed_has_what_atom_wants(site) -> None:
    issued(site)
    root = ET.fromstring(fetched(site, "/cap/feed.atom")[2])
    names = [child.tag.rpartition("}")[2] for child in root]
    assert {"id", "title", "updated", "author", "link", "entry"} == set(names)
    entry = root.find("{http://www.w3.org/2005/Atom}entry")
    assert entry is not None
    assert {child.tag.rpartition("}")[2] for child in entry} >= {"id", "title", "updated", "link", "summary"}


def test_fact_22_the_levels_are_told_with_their_colours(site) -> None:
    told = site.get(f"{WARNINGS}/words")[1]
    assert [told["levels"][str(n)]["colour_en"] for n in range(1, 6)] == [
        "pale blue", "pale yellow", "orange", "red", "purple",
    ]  # fmt: skip
    assert told["states"]["issued"] == {"vi": "Đang có hiệu lực", "en": "In force"}


def test_warnings_stand_among_the_layers_with_their_areas_now_and_in_the_past(site) -> None:
    path = "/api/v1/layers/warning/features"
    first = issued(site)
    at = quote(datetime.now(UTC).isoformat())
    (told,) = [one for one in site.get("/api/v1/layers")[1] if one["name"] == "warning"]
    assert told["kpi_values"] == {"in_force": 0, "exercises": 1}
    assert [one["name"] for one in told["kinds"]] == [f"level_{n}" for n in (1, 2, 3, 4, 5)]
    (one,) = site.get(f"{path}?bbox=107.6,16.5,107.9,16.9")[1]["features"]
    assert (one["id"], one["geometry"]["type"], one["properties"]["risk_level"]) == (first["id"], "MultiPolygon", 3)
    assert site.get(f"{path}?bbox=108,16.5,108.2,16.9")[1]["features"] == []
    assert site.get(f"{path}?bbox=1,2,3")[0] == 422
    posted(site, f"/{first['id']}/cancel", {"actor": "Hoa", "note": "hết diễn tập"})
    assert site.get(path)[1]["features"] == []
    assert [one["id"] for one in site.get(f"{path}?at={at}")[1]["features"]] == [first["id"]]
