"""Who sent a field report stands in no answer, no stream, no log line, and nothing that a program reads."""

import http.client
import logging
import re
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from websockets.sync.client import connect

from geo.fold import fold
from tests.api.pushing import key
from tests.connections import connected
from tests.geo.test_photo import file, located, scene

NAME, PHONE, EMAIL, ACCOUNT, DEVICE = "Trần Kín Tiếng", "0987 654 321", "kin@example.vn", "tk-4711", "may-8812"
MEDIA = "https://nha-toi.example/anh.jpg"
SECRETS = (
    "kintieng",
    "987654321",
    "kinexample",
    "tk4711",
    "may8812",
    "nhatoiexample",
    "75h112345",
)
WORDS = "Đèn tắt trước số 5, xe 75H1-123.45, gọi tôi 0987.654.321 hoặc kin@example.vn"
FILLED = {"unit": "urban_order", "lang": "vi", "year": "2026", "layer": "report", "identifier": "x"}


def plain(text: str) -> str:
    """Without what a number or a name can be spelled apart by; an accent may be written as JSON's escape."""
    told = re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)
    return re.sub(r"[^0-9a-z]", "", fold(told))


def shown(text: str) -> list[str]:
    """Which secrets are in a text."""
    told = plain(text)
    return [one for one in SECRETS if one in told]


def raw(site: Any, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def do(site: Any, row: dict[str, Any], deed: str, **said: Any) -> dict[str, Any]:
    status, told = site.ask("POST", f"/api/v1/reports/{row['id']}/{deed}",
                            {"actor": "Hoa", "version": row["version"], **said})  # fmt: skip
    assert status == 200, told
    return told


@pytest.fixture
def lived(serve, database) -> tuple[Any, list[dict[str, Any]]]:
    """A site, and reports of every way in and in every state, each with all that can be told of its sender."""
    site = serve()
    who = {"name": NAME, "phone": PHONE, "email": EMAIL}
    told = {"actor": "Lan", "channel": "hotline", "category": "lamp", "words": WORDS, "address": f"nhà {PHONE}",
            "lon": 107.5905, "lat": 16.4637, **who}  # fmt: skip
    rows = [site.ask("POST", "/api/v1/reports", {**told, "lat": 16.4637 + 0.0001 * n})[1] for n in range(6)]
    token = key(database, "hue-s", ["report"])
    form = {"service_code": "lamp", "lat": "16.4637", "long": "107.5905", "description": WORDS, "email": EMAIL,
            "device_id": DEVICE, "account_id": ACCOUNT, "first_name": "Tiếng", "last_name": "Trần Kín", "phone": PHONE,
            "media_url": MEDIA, "attribute[fault]": "out", "attribute[pole]": PHONE, "api_key": token}  # fmt: skip
    kind = {"content_type": "application/x-www-form-urlencoded"}
    status, brought = site.ask("POST", "/open311/v2/requests.json", urlencode(form).encode(), **kind)
    assert status == 200, brought
    refused = urlencode({**form, "lat": "17.2", "long": "109.1"}).encode()  # in the sea: a dead letter
    assert site.ask("POST", "/open311/v2/requests.json", refused, **kind)[0] == 400
    rows.append(site.get(f"/api/v1/reports/{brought[0]['service_request_id']}")[1])
    picture = located((16.0, 27.0, 49.32), (107.0, 35.0, 25.8))
    photo = f"/api/v1/report-photos?report={rows[0]['id']}&actor=Hoa"
    assert site.ask("POST", photo, picture, content_type="image/jpeg")[0] == 201
    row = do(site, site.get(f"/api/v1/reports/{rows[0]['id']}")[1], "verify")
    row = do(site, row, "assign", unit="urban_order")
    assert site.ask("POST", f"{photo}&part=result", file(scene()), content_type="image/jpeg")[0] == 201
    row = site.get(f"/api/v1/reports/{row['id']}")[1]
    row = do(site, row, "reply", words=f"Đã báo anh Kín, {PHONE}")
    do(site, row, "publish")
    rating = {"secret": rows[0]["secret"], "score": 5, "words": f"Cảm ơn, {PHONE}"}
    assert site.ask("POST", f"/api/v1/reports/{row['id']}/rate", rating)[0] == 200
    do(site, do(site, rows[1], "verify"), "assign", unit="urban_order")
    do(site, rows[2], "merge", into=rows[1]["id"])
    do(site, rows[3], "reject", choice="other", reason=f"gọi lại {PHONE} không được")
    do(site, rows[6], "note", reason=f"đã gọi {PHONE}")
    return site, [site.get(f"/api/v1/reports/{one['id']}")[1] for one in rows]


def test_promise_12_no_route_stream_log_line_or_role_shows_who_sent_a_report(
    lived, database, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    site, rows = lived
    caplog.set_level(logging.DEBUG)
    photo = next(one["name"] for one in rows[0]["photos"])
    answered: dict[str, int] = {}
    for path, methods in site.get("/api/openapi.json")[1]["paths"].items():
        if "get" not in methods or path == "/api/v1/live":
            continue
        for row in rows if "/reports/{key}" in path else rows[:1]:
            filled = {**FILLED, "key": row["id"], "name": photo, "identifier": row["id"], "request_id": row["id"]}
            asked = re.sub(r"\{(\w+)\}", lambda found, known=filled: known.get(found[1], "1"), path)
            for query in ("", "?limit=100&q=k%C3%ADn", f"?q={PHONE.replace(' ', '')}&lang=en"):
                status, text = raw(site, asked + query)
                answered[path] = min(status, answered.get(path, 999))
                assert not shown(text), (asked + query, shown(text))
    wanted = ("/api/v1/reports", "/api/v1/reports/{key}", "/api/v1/reports/{key}/near", "/api/v1/reports/{key}/terms",
              "/api/v1/reports/standing", "/api/v1/reports/counts", "/api/v1/reports/measures",
              "/api/v1/units/{unit}/reports", "/api/v1/units/{unit}/inbox", "/metrics")  # fmt: skip
    assert {path: answered.get(path) for path in wanted} == dict.fromkeys(wanted, 200)
    assert sum(status == 200 for status in answered.values()) > 40
    for row in rows:
        for path in (f"/open311/v2/requests/{row['id']}.json", f"/open311/v2/requests/{row['id']}.xml",
                     "/open311/v2/requests.xml", f"/api/v1/layers/report/features?q={row['id']}", "/services/report",
                     f"/inbox?unit=urban_order&report={row['id']}", f"/?chosen=report.{row['id']}", "/public/reports",
                     "/public/reports/map.json", f"/public/reports/{row['id']}"):  # fmt: skip
            status, text = raw(site, path)
            assert status == 200 or path.endswith(row["id"]), path  # what is not published has no page
            assert not shown(text), (path, shown(text))
    with connect(f"ws://127.0.0.1:{site.port}/api/v1/live", origin=f"http://127.0.0.1:{site.port}") as live:
        for _ in range(3):
            frame = live.recv(timeout=20)
            assert not shown(frame if isinstance(frame, str) else frame.decode("utf-8", "replace"))
    said = capfd.readouterr()
    assert not shown(caplog.text + said.out + said.err)
    for url in (database.web, database.ingest):
        assert_no_table_shows(url)
    with connected(database.owner) as owner, owner.begin() as connection:  # what was looked for is there
        kept = connection.scalars(sa.text("SELECT to_jsonb(r)::text FROM report_reporter r")).all()
    assert set(shown(" ".join(kept))) == set(SECRETS)


def assert_no_table_shows(url: str) -> None:
    """Of every table that this role may read."""
    tables = sa.text("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace ="
                     " 'public'::regnamespace AND has_table_privilege(oid, 'SELECT')")  # fmt: skip
    with connected(url) as engine, engine.begin() as connection:
        names = connection.scalars(tables).all()
        assert "report" in names
        assert "report_reporter" not in names
        for name in names:
            for row in connection.execute(sa.text(f'SELECT to_jsonb(t)::text FROM "{name}" t')).scalars():
                assert not shown(row), (name, shown(row))
