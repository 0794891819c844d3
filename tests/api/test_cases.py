"""Boats' cases over HTTP and as a file: which there are, their clocks, and what can be done about one."""

import csv
import io
import urllib.request
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

import app as front_door
from geo.boat_case import Opening, end_case, hold, open_case
from geo.contact import Contact, put_contacts
from pages.text import Text
from run.exporting import app as exporting
from settings import Settings
from tests.connections import asked, told
from tests.fleet import Fleet


@pytest.fixture
def site(serve, database):
    with ExitStack() as stack:
        served = serve()
        served.fleet = Fleet(database, stack)
        yield served


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def opened(site: Any, boat: int, since: datetime, **more: Any) -> int:
    lost = since + timedelta(hours=6)
    given = {"kind": "loss", "owner_level": "provincial", "stage": "LOST", "provider": "vnpt", "lon": 108.3,
             "lat": 16.9, "escalate_due_at": lost + timedelta(days=1), **more}  # fmt: skip
    with site.fleet.ingest.begin() as connection:
        number = open_case(connection, Opening(registration=site.fleet.name(boat), since=since, at=lost, **given), lost)
    assert number is not None
    return number


@pytest.fixture
def three(site) -> list[int]:
    """A loss of 8 hours, one of 11 days with the nation, and a crossing that is over."""
    site.fleet.register([1, 2, 3])
    numbers = [
        opened(site, 1, ago(hours=8)),
        opened(site, 2, ago(days=11), owner_level="national", provider="viettel", stage="OVERDUE_10D"),
        opened(site, 3, ago(hours=7), kind="crossing", stage="OPEN"),
    ]
    with site.fleet.ingest.begin() as connection:
        row = hold(connection, [numbers[2]])[numbers[2]]
        end_case(connection, row, "RETURNED", row["since"] + timedelta(minutes=90), datetime.now(UTC))
    return numbers


def listed(site, query: str = "") -> list[int]:
    status, rows = site.get(f"/api/v1/cases?{query}")
    assert status == 200, rows
    return [row["id"] for row in rows]


def test_the_cases_are_chosen_by_what_they_are(site, three) -> None:
    first, old, crossed = three
    assert listed(site) == [old, first, crossed]
    for query, found in {
        "status=running": [old, first], "status=ended": [crossed], "status=closed": [], "kind=crossing,zone": [crossed],
        "stage=LOST": [first], "level=national": [old], "provider=vnpt": [first, crossed], "province=X": [],
        "registration=tth%2090002": [old], "bucket=10d": [old], "bucket=6h-10d": [first], "escalated=true": [],
        "status=all&limit=1": [old],
    }.items():  # fmt: skip
        assert listed(site, query) == found, query
    for odd in ("status=lost", "bucket=9d", "limit=0", "outage=x", "since=yesterday"):
        assert site.get(f"/api/v1/cases?{odd}")[0] == 422, odd


def test_fact_04_each_loss_that_goes_on_has_its_clocks_and_one_bucket(site, three) -> None:
    rows = {row["id"]: row for row in site.get("/api/v1/cases")[1]}
    first, old, crossed = (rows[number] for number in three)
    since = datetime.fromisoformat(first["since"])
    assert datetime.fromisoformat(first["return_due_at"]) == since + timedelta(days=10)
    assert datetime.fromisoformat(first["next_report_due_at"]) == since + timedelta(hours=12)
    assert (first["bucket"], old["bucket"], crossed["bucket"]) == ("6h-10d", "10d", None)
    assert (crossed["minutes"], crossed["proposed"], crossed["return_due_at"]) == (90, "returned", None)


def test_fact_13_what_a_conclusion_lacks_is_said(site, three) -> None:
    path = f"/api/v1/cases/{three[0]}"
    assert site.ask("POST", f"{path}/close", {"actor": "Lan", "cause": "power", "outcome": "returned"})[0] == 422
    status, answer = site.ask("POST", f"{path}/close", {"actor": "Lan", "version": 1})
    assert (status, answer["detail"][0]["vi"]) == (422, "thiếu nguyên nhân, kết quả, dòng liên hệ")
    call = {"actor": "Lan", "who": "chủ tàu (0905 000 222)", "number": "0905000111", "result": "đang quay về"}
    status, row = site.ask("POST", f"{path}/contact", call)
    assert (status, row["contacts"], row["log"][-1]["data"]["who"]) == (200, 1, "chủ tàu (•••••••222)")
    assert "0905000111" not in str(row)
    assert "0905000111" not in str(site.get(path)[1])
    assert "000 222" not in str(site.get(path)[1])
    status, answer = site.ask("POST", f"{path}/close", {"actor": "Lan", "cause": "power", "version": row["version"]})
    assert (status, answer["detail"][0]["vi"]) == (422, "thiếu kết quả")
    body = {"actor": "Lan", "cause": "power", "outcome": "returned", "version": row["version"] - 1}
    assert site.ask("POST", f"{path}/close", body)[0] == 409
    status, row = site.ask("POST", f"{path}/close", {**body, "version": row["version"]})
    assert (status, row["cause"], row["outcome"], row["closed_by"]) == (200, "power", "returned", "Lan")
    assert site.ask("POST", f"{path}/note", {"actor": "Lan", "text": "x"})[0] == 409
    assert site.get("/api/v1/cases/words")[1]["causes"]["power"] == {"vi": "Nguồn điện", "en": "Power"}


def test_each_deed_is_kept_and_what_is_wrong_is_said(site, three) -> None:
    path = f"/api/v1/cases/{three[0]}"
    status, row = site.ask("POST", f"{path}/position", {"actor": "Lan", "lon": 108.1, "lat": 16.8, "text": "đài báo"})
    assert (status, row["lon"], row["lat"]) == (200, 108.1, 16.8)
    due = datetime.fromisoformat(row["next_report_due_at"]) - datetime.fromisoformat(row["reported_at"])
    assert due == timedelta(hours=6)
    assert site.ask("POST", f"{path}/assign", {"actor": "Lan", "unit": "coast_guard"})[1]["unit_vi"] == "Cảnh sát biển"
    assert site.ask("POST", f"{path}/escalate", {"actor": "Lan"})[0] == 200
    assert site.ask("POST", f"{path}/escalate", {"actor": "Lan"})[0] == 409
    for name, body in (
        ("note", {"actor": "Lan", "text": " "}),
        ("note", {"actor": " ", "text": "x"}),
        ("note", {"text": "x"}),
        ("note", {"actor": "Lan", "text": "a\0"}),
        ("position", {"actor": "Lan", "lon": 190, "lat": 16}),
        ("position", {"actor": "Lan", "lon": 108, "lat": 16, "at": "2035-01-01T00:00:00Z"}),
        ("position", {"actor": "Lan", "lon": 108, "lat": 16, "at": "2026-01-01T00:00:00"}),
        ("assign", {"actor": "Lan", "unit": "nobody"}),
        ("close", {"actor": "Lan", "cause": "aliens", "outcome": "fined", "version": 4}),
    ):
        assert site.ask("POST", f"{path}/{name}", body)[0] == 422, (name, body)
    assert site.ask("POST", "/api/v1/cases/999/note", {"actor": "Lan", "text": "x"})[0] == 404
    assert site.get("/api/v1/cases/999")[0] == 404
    kinds = [line["kind"] for line in site.get(path)[1]["log"]]
    assert sorted(kinds) == ["assign", "escalation", "position", "stage"]


def notice(site, number: int, query: str = "") -> str:
    address = f"http://127.0.0.1:{site.port}/api/v1/cases/{number}/notice.pdf{query}"
    with urllib.request.urlopen(address) as answer:
        assert answer.headers["content-type"] == "application/pdf"
        pages = PdfReader(io.BytesIO(answer.read())).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_the_notice_names_boat_silence_ground_and_terms_and_no_whole_number(site, three) -> None:
    with site.fleet.owner.begin() as connection:
        put_contacts(connection, {site.fleet.name(1): [Contact("owner", "Nguyễn Văn Ba", "0905123456")]})
    path = f"/api/v1/cases/{three[0]}"
    call = {"actor": "Lan", "who": "chủ tàu", "number": "0905123456", "result": "đang quay về"}
    assert site.ask("POST", f"{path}/contact", call)[0] == 200
    row, text = site.get(path)[1], notice(site, three[0])
    due = Text().when(datetime.fromisoformat(row["next_report_due_at"]))
    home = Text().when(datetime.fromisoformat(row["return_due_at"]))
    for words in (
        "THÔNG BÁO", site.fleet.name(1), "Nguyễn Văn Ba", "16°54,0'N 108°18,0'E", "8 giờ tính đến", "đang quay về",
        "Báo vị trí bằng phương tiện khác mỗi 6 giờ: Nghị định 41/2026/NĐ-CP", f"chậm nhất {due}", f"chậm nhất {home}",
        "Đưa tàu về cảng trong 10 ngày: Nghị định 41/2026/NĐ-CP", "độ-phút",
    ):  # fmt: skip
        assert words in text, (words, text)
    assert "0905" not in text
    crossed = notice(site, three[2])
    assert "sơ đồ tham khảo, không phải căn cứ pháp lý" in crossed
    assert "Tàu đã rời vùng này" in crossed
    assert "16°54.0'N" in notice(site, three[0], "?lang=en")
    assert site.get("/api/v1/cases/999/notice.pdf")[0] == 404


def test_the_table_and_the_command_tell_the_same_cases(site, three, monkeypatch) -> None:
    status, text = site.get("/api/v1/cases.csv?status=all")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert (status, [int(row["id"]) for row in rows]) == (200, [three[1], three[0], three[2]])
    assert rows[2]["minutes"] == "90"
    for name in ("DATABASE_URL", "DATABASE_URL_WEB"):
        monkeypatch.setenv(name, site.database.web)
    monkeypatch.setenv("REDIS_URL", site.site.redis_url)
    shell = CliRunner()
    done = shell.invoke(exporting, ["cases", "--kind", "loss"], obj=Settings())
    assert done.exit_code == 0, done.output
    made = list(csv.DictReader(io.StringIO(done.stdout.removeprefix("\ufeff"))))
    assert [row["registration"] for row in made] == [site.fleet.name(2), site.fleet.name(1)]
    assert shell.invoke(exporting, ["cases", "--status", "lost"], obj=Settings()).exit_code == 2
    assert "export" in [name for names in front_door.ROOMS.values() for name in names]


@pytest.mark.alone
def test_5000_cases_are_answered_within_200_ms_whatever_is_chosen(site) -> None:
    site.fleet.register(range(5000))
    told(site.database.owner, "INSERT INTO boat_case (kind, registration, provider, owner_level, since, opened_at, "
         "stage, stage_at) SELECT 'loss', registration, 'vnpt', 'provincial', now() - random() * interval '12 days', "
         "now(), 'LOST', now() FROM boat")  # fmt: skip
    told(site.database.owner, "INSERT INTO boat_case_entry (case_id, kind, at, entered_at, actor, actor_kind) "
         "SELECT id, 'contact', now(), now(), 'Lan', 'declared' FROM boat_case")  # fmt: skip
    told(site.database.owner, "ANALYZE")
    assert asked(site.database.owner, "SELECT count(*) FROM boat_case") == [{"count": 5000}]
    for query in ("limit=200", "limit=200&bucket=10d", "limit=200&provider=vnpt&stage=LOST", "registration=TTH-90007"):
        spent = []
        for _ in range(5):
            began = perf_counter()
            assert listed(site, query)
            spent.append(perf_counter() - began)
        assert sorted(spent)[2] < 0.2, (query, spent)
