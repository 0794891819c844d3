"""Field reports over HTTP: entered, done, answered with photographs, and nothing told of who sent them."""

import http.client
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from geo.report import DEEDS, STATUSES
from tests.geo.test_photo import bomb, file, located, polyglot, scene

PATH = "/api/v1/reports"
TOLD = {"actor": "Lan", "channel": "hotline", "category": "lamp", "words": "Đèn tắt trước số 5 Lê Lợi",
        "lon": 107.5905, "lat": 16.4637, "name": "Nguyễn Bí Mật", "phone": "0912345678"}  # fmt: skip


@pytest.fixture
def site(serve):
    return serve()


def entered(site: Any, **change: Any) -> dict[str, Any]:
    status, told = site.ask("POST", PATH, {**TOLD, **change})
    assert status == 201, told
    return told


def do(site: Any, row: dict[str, Any], deed: str, **said: Any) -> dict[str, Any]:
    status, told = site.ask("POST", f"{PATH}/{row['id']}/{deed}", {"actor": "Hoa", "version": row["version"], **said})
    assert status == 200, told
    return told


def photo(site: Any, key: str, data: bytes, part: str = "report") -> tuple[int, Any]:
    return site.ask(
        "POST", f"/api/v1/report-photos?report={key}&part={part}&actor=Hoa", data, content_type="image/jpeg"
    )


def fetched(site: Any, name: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    try:
        connection.request("GET", f"/api/v1/report-photos/{name}")
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_step_5_from_the_hotline_to_a_rated_answer_with_photographs(site) -> None:
    row = entered(site)
    secret = row.pop("secret")
    assert row["status"] == "new"
    status, told = photo(site, row["id"], located((16.0, 27.0, 49.32), (107.0, 35.0, 25.8)))
    assert status == 201
    row = site.get(f"{PATH}/{row['id']}")[1]
    row = do(site, row, "verify")
    row = do(site, row, "assign", unit="urban_order")
    assert [one["id"] for one in site.get("/api/v1/units/urban_order/reports")[1]] == [row["id"]]
    assert site.get(f"{PATH}/standing")[1]["units"][0]["unit"] == "urban_order"
    row = do(site, row, "start")
    assert photo(site, row["id"], file(scene(), "PNG"), "result")[0] == 201
    row = site.get(f"{PATH}/{row['id']}")[1]
    row = do(site, row, "reply", words="Đã thay bóng.")
    row = do(site, row, "publish")
    assert [one["part"] for one in row["photos"]] == ["report", "result"]
    rating = {"secret": secret, "score": 5, "words": "Cảm ơn"}
    assert site.ask("POST", f"{PATH}/{row['id']}/rate", {**rating, "secret": "x"})[0] == 404
    assert site.ask("POST", f"{PATH}/{row['id']}/rate", rating) == (200, {"score": 5})
    assert site.ask("POST", f"{PATH}/{row['id']}/rate", rating)[0] == 409
    (public,) = site.get(f"/open311/v2/requests/{row['id']}.json")[1]
    assert public["media_url"].endswith(f"/public/reports/photos/{told['name']}")
    assert public["status_notes"] == "Đã công khai. Đã thay bóng."
    kept, headers, data = fetched(site, told["name"])
    assert (kept, headers["content-type"], headers["x-content-type-options"]) == (200, "image/jpeg", "nosniff")
    assert b"Exif" not in data
    assert site.get(f"{PATH}/{row['id']}")[1]["rating"] == 5


@pytest.mark.parametrize(
    "data", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", bomb(12_000, 12_000), file(scene())[:2_000]]
)
def test_promise_16_what_is_no_photograph_is_422_by_its_field_and_nothing_is_stored(site, data: bytes) -> None:
    row = entered(site)
    status, told = photo(site, row["id"], data)
    assert status == 422
    assert told["detail"][0]["loc"] == ["body", "photo"]
    assert site.get(f"{PATH}/{row['id']}")[1]["photos"] == []


def test_promise_16_too_long_a_body_is_refused_and_a_polyglot_is_only_a_picture(site) -> None:
    row = entered(site)
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    connection.putrequest("POST", f"/api/v1/report-photos?report={row['id']}&actor=Hoa")
    connection.putheader("content-length", str((8 << 20) + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    status, told = photo(site, row["id"], polyglot())
    assert status == 201
    assert b"<script" not in fetched(site, told["name"])[2]
    assert fetched(site, "a" * 32 + ".jpg")[0] == 404


def test_of_two_who_act_on_one_version_the_second_is_409(site) -> None:
    row = entered(site)
    do(site, row, "verify")
    status, told = site.ask("POST", f"{PATH}/{row['id']}/reject", {"actor": "Lan", "version": 1, "choice": "untrue"})
    assert status == 409
    assert "by Hoa" in told["detail"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lon": 108.6, "lat": 17.1}, "place"), ({"words": " "}, "words"), ({"category": "x"}, "category"),
        ({"sent_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}, "sent_at"),
        ({"lon": None, "lat": None}, "place"), ({"lat": None}, "place"),
        ({"sent_at": (datetime.now(UTC) - timedelta(days=31)).isoformat()}, "sent_at"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_422_by_its_field(site, change: dict[str, Any], field: str) -> None:
    status, told = site.ask("POST", PATH, {**TOLD, **change})
    assert status == 422
    assert told["detail"][0]["loc"] == ["body", field]
    assert told["detail"][0]["vi"]
    assert site.get(PATH)[1] == []


def test_what_no_database_can_hold_is_422_and_never_a_fault_of_the_server(site) -> None:
    at = quote(datetime.now(UTC).isoformat())
    for asked in ("unit=%00", "commune=%00", f"before_at={at}&before_id=%00"):
        assert site.get(f"{PATH}?{asked}")[0] == 422, asked
    assert site.get(f"{PATH}/counts?unit=%00")[0] == 422
    assert site.get(f"{PATH}/counts?commune=a%00")[0] == 422
    assert site.ask("POST", PATH, {**TOLD, "category": "la\0mp"})[0] == 422


def test_a_photograph_that_is_cut_off_is_400_and_too_long_a_one_too(site) -> None:
    row = entered(site)
    path = f"/api/v1/report-photos?report={row['id']}&actor=Hoa"
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    try:  # without its length, so that only its end tells that it is too long
        pieces = (b"\xff\xd8\xff" + bytes(1 << 20) for _ in range(9))
        connection.request("POST", path, pieces, {"content-type": "image/jpeg"}, encode_chunked=True)
        told = connection.getresponse()
        assert (told.status, b"8 MB" in told.read()) == (400, True)
    finally:
        connection.close()
    assert site.get(f"{PATH}/{row['id']}")[1]["photos"] == []


def test_a_report_that_somebody_holds_for_too_long_is_503_to_be_tried_again(site) -> None:
    row = entered(site)
    with site.site.engine.connect() as other, other.begin():
        other.execute(sa.text("SELECT 1 FROM report WHERE id = :id FOR UPDATE"), {"id": row["id"]})
        status, told = site.ask("POST", f"{PATH}/{row['id']}/verify", {"actor": "Hoa", "version": 1})
    assert status == 503
    assert told["detail"][0]["vi"] == "Có người khác đang giữ phản ánh này: hãy thử lại"
    do(site, row, "verify")


def test_promise_12_no_route_tells_who_sent_a_report(site) -> None:
    row = entered(site, words="Gọi 0912345678 giúp")
    do(site, row, "verify")
    for path in (
        PATH, f"{PATH}/{row['id']}", f"{PATH}/{row['id']}/near", f"{PATH}/standing",
        "/api/v1/search?q=b%C3%AD%20m%E1%BA%ADt", "/api/v1/layers/report/features", "/open311/v2/requests.json",
    ):  # fmt: skip
        text = json.dumps(site.get(path)[1], ensure_ascii=False)
        assert "Bí Mật" not in text, path
        assert "912345678" not in text, path


def test_the_machine_is_told_and_an_unknown_deed_is_404(site) -> None:
    words = site.get(f"{PATH}/words")[1]
    assert set(words["deeds"]) == set(DEEDS)
    assert set(words["statuses"]) == set(STATUSES)
    row = entered(site)
    assert site.ask("POST", f"{PATH}/{row['id']}/fly", {"actor": "Lan", "version": 1})[0] == 404
    assert site.ask("POST", f"{PATH}/PA26-NONE/verify", {"actor": "Lan", "version": 1})[0] == 404
    assert site.get(f"{PATH}?status=gone")[0] == 422


def test_what_may_be_the_same_is_told_with_its_score_and_why(site) -> None:
    first, second = entered(site), entered(site, words="Đèn trước số 5 Lê Lợi không sáng")
    (told,) = site.get(f"{PATH}/{second['id']}/near")[1]
    assert told["id"] == first["id"]
    assert told["score"] >= 0.5
    assert told["why"]["distance_m"] == 0
    assert told["why"]["same_category"] is True


def test_a_queue_by_what_is_due_first_goes_on_where_it_stopped_and_counts_by_status(site) -> None:
    rows = [entered(site, category=kind, words=f"Việc {n}") for n, kind in enumerate(("lamp", "traffic", "water"))]
    listed = site.get(f"{PATH}?order=due&limit=2")[1]
    assert [one["id"] for one in listed] == [rows[1]["id"], rows[2]["id"]]  # within 2 h, 24 h, working days
    place = f"before_at={quote(listed[-1]['due_at'])}&before_id={listed[-1]['id']}"
    assert [one["id"] for one in site.get(f"{PATH}?order=due&{place}")[1]] == [rows[0]["id"]]
    do(site, rows[0], "verify")
    counts = site.get(f"{PATH}/counts")[1]
    assert (counts["new"], counts["verified"], sum(counts.values())) == (2, 1, 3)
    assert site.get(f"{PATH}/counts?category=lamp")[1]["new"] == 0
    told = site.get(f"{PATH}/measures")[1]
    assert {kpi["name"]: kpi["value"] for kpi in told["kpis"]}["backlog"] == 3
    assert told["aims"] == {"on_time": 98.0, "satisfied": 90.0}


def test_the_terms_of_each_track_and_of_more_working_days_are_told_before_a_deed(site) -> None:
    row = entered(site)
    terms = site.get(f"{PATH}/{row['id']}/terms")[1]
    assert datetime.fromisoformat(terms["due_at"]) == datetime.fromisoformat(row["due_at"])
    assert terms["left_wd"] == 5  # of lamps; whatever day it is today
    assert datetime.fromisoformat(terms["tracks"]["timed"]) == datetime.fromisoformat(row["due_at"])
    later = do(site, row, "extend", due=terms["more"]["2"], reason="chờ vật tư")
    assert site.get(f"{PATH}/{row['id']}/terms")[1]["left_wd"] == 7
    assert do(site, later, "track", track="urgent", reason="nguy hiểm")["due_at"] == terms["tracks"]["urgent"]
    assert site.get(f"{PATH}/PA26-NONE/terms")[0] == 404


def test_a_units_inbox_holds_what_every_service_has_given_it(site) -> None:
    row = do(site, entered(site), "verify")
    do(site, row, "assign", unit="urban_order")
    told = site.get("/api/v1/units/urban_order/inbox")[1]
    assert told["unit"]["name_vi"]
    assert told["counts"] == {"report": 1, "alarm": 0, "case": 0, "event": 0}
    (item,) = told["items"]
    assert (item["service"], item["id"], item["due_at"]) == ("report", row["id"], row["due_at"])
    assert "Bí Mật" not in json.dumps(told, ensure_ascii=False)
    assert site.get("/api/v1/units/nobody/inbox")[0] == 404
