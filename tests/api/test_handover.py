import io
from datetime import UTC, datetime, timedelta

import pytest
from pypdf import PdfReader

from geo.shift import ZONE, shift_of
from tests.connections import connected
from tests.watch import Watch, afternoon

YESTERDAY = (datetime.now(UTC).astimezone(ZONE) - timedelta(days=1)).date()
SHIFT = f"{YESTERDAY.isoformat()}.2"


@pytest.fixture
def site(serve):
    made = serve(centre_vi="Trung tâm điều hành Huế")
    with connected(made.database.owner) as engine:
        made.watch = Watch(engine, YESTERDAY.isoformat()).prepare()
        made.made = afternoon(made.watch)
        yield made


def pdf(site, path: str) -> tuple[int, str]:
    """Status, and the paper's words without spaces."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=90)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        return answer.status, body.decode()
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'inline; filename="ban-giao-{SHIFT}.pdf"'
    return 200, "".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages).split())


def test_step_8_a_shift_is_read_signed_by_two_and_printed(site) -> None:
    status, draft = site.get(f"/api/v1/handover?shift={SHIFT}")
    assert (status, draft["given_at"], draft["content"]["open"]["count"]) == (200, None, 7)
    body = {"shift": SHIFT, "actor": "Lan", "note": "Canh tàu 6:\nchủ tàu hẹn gọi lại"}
    status, row = site.ask("POST", "/api/v1/handover", body)
    assert (status, row["given_by"], row["taken_by"]) == (200, "Lan", None)
    assert site.ask("POST", "/api/v1/handover", {**body, "actor": "Minh"})[0] == 409
    path = f"/api/v1/handover/{row['id']}/sign"
    assert site.ask("POST", path, {"actor": " lan "})[0] == 409
    status, row = site.ask("POST", path, {"actor": "Minh"})
    assert (status, row["taken_by"]) == (200, "Minh")
    assert site.ask("POST", path, {"actor": "Bé"})[0] == 409
    assert site.get(f"/api/v1/handover?shift={SHIFT}")[1] == row
    (listed,) = site.get("/api/v1/handovers")[1]
    assert (listed["id"], listed["given_by"], listed["taken_by"]) == (row["id"], "Lan", "Minh")
    status, words = pdf(site, f"/api/v1/handover/{row['id']}.pdf")
    assert status == 200
    for line in (
        "Trung tâm điều hành Huế", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "BIÊN BẢN BÀN GIAO CA TRỰC",
        "Còn mở trên bàn (7)", "Sai vùng", "TTH-00006-TS", "Minh xác nhận lúc 16:10", "“đã gọi chủ tàu”",
        "giao Chi cục Thủy sản · Trần Văn Bé", "đang kiểm tra", "Nguồn dữ liệu gián đoạn (2)", "15:05 đến 15:40",
        "Canh tàu 6:", "chủ tàu hẹn gọi lại", "NGƯỜI GIAO CA", "NGƯỜI NHẬN CA", "đã ký trên hệ thống lúc", "Trang",
        "Nguồn: nhật ký báo động",
    ):  # fmt: skip
        assert "".join(line.split()) in words, line
    assert "MÔPHỎNG" not in words
    assert "BẢNNHÁP" not in words


def test_a_draft_says_so_and_simulated_data_are_badged_and_hostile_names_are_text(site) -> None:
    site.watch.raised("19:30", boat="574000666", object_label="<SVG/ONLOAD=A()>\u202e", simulated=True)
    status, words = pdf(site, f"/api/v1/handover.pdf?shift={SHIFT}")
    assert status == 200
    for line in ("BẢN NHÁP, CHƯA KÝ", "DỮ LIỆU MÔ PHỎNG", "(ký, ghi rõ họ tên)", "<SVG/ONLOAD=A()>"):
        assert "".join(line.split()) in words, line
    status, words = pdf(site, f"/api/v1/handover.pdf?shift={SHIFT}&lang=en")
    assert "SHIFTHANDOVERRECORD" in words


def test_what_cannot_be_read_or_signed_is_said(site) -> None:
    ahead = shift_of(datetime.now(UTC)).next.name
    for path, status in (
        ("/api/v1/handover?shift=x", 422), (f"/api/v1/handover?shift={ahead}", 409), ("/api/v1/handover/999.pdf", 404),
        ("/api/v1/handover/0.pdf", 422), ("/api/v1/handover.pdf?shift=2026-02-30.1", 422),
        (f"/api/v1/handover.pdf?shift={SHIFT}&lang=fr", 422), ("/api/v1/metrics/alarms?from=x", 422),
        ("/api/v1/metrics/alarms?from=2026-11-25&to=2026-11-24", 422), ("/api/v1/metrics/alarms?from=2001-01-01", 422),
        ("/api/v1/handovers?limit=0", 422),
    ):  # fmt: skip
        assert site.get(path)[0] == status, path
    for body in ({}, {"shift": SHIFT}, {"shift": SHIFT, "actor": " "}, {"shift": "x", "actor": "Lan"},
                 {"shift": SHIFT, "actor": "a\0"}, {"shift": SHIFT, "actor": "a", "note": "x" * 10_001}):  # fmt: skip
        assert site.ask("POST", "/api/v1/handover", body)[0] == 422, body
    assert site.ask("POST", "/api/v1/handover/999/sign", {"actor": "Lan"})[0] == 404
    assert site.get("/api/v1/handovers")[1] == []


def test_the_figures_of_a_period_and_prometheus_stays_where_it_was(site) -> None:
    day, after = YESTERDAY.isoformat(), (YESTERDAY + timedelta(days=1)).isoformat()
    status, found = site.get(f"/api/v1/metrics/alarms?from={day}&to={after}")
    assert status == 200
    assert found["alarms"] == 14  # all of the afternoon's, whatever became of them
    assert found["figures"]["hour_mean"]["acceptable"] == 6
    same = site.get(f"/api/v1/metrics/alarms?from={day}T00:00:00%2B07:00&to={day}T17:00:00Z")[1]
    assert same["alarms"] == found["alarms"]
    assert site.get("/api/v1/metrics/alarms")[1]["alarms"] == 14
    assert "haidang" in site.get("/metrics")[1]
