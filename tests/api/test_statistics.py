"""The fleet's statistics and monthly report over HTTP and by command: JSON, CSV, workbook, paper, refusals."""

import csv
import io
import urllib.request
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pypdf import PdfReader
from typer.testing import CliRunner

from geo.boat_case import Opening, open_case
from geo.calendar import ZONE, local_day
from geo.fleet_count import COLUMNS
from geo.vector_file import read_sheet
from run.exporting import app as exporting
from settings import Settings
from tests.fleet import Fleet

ROOT = "/api/v1/fisheries"


@pytest.fixture
def site(serve, database):
    """Five boats: one heard, one lost for seven hours with its case, one never heard, one laid up, one of 14 m."""
    with ExitStack() as stack:
        served = serve()
        fleet = served.fleet = Fleet(database, stack)
        fleet.register([1, 2], length_m=25)
        fleet.register([3, 4], provider="viettel")
        fleet.register([5], length_m=14)
        now = datetime.now(UTC)
        with fleet.owner.begin() as connection:
            connection.execute(sa.text("UPDATE boat SET laid_up_at = :at WHERE registration = :name"),
                               {"at": now - timedelta(days=75), "name": fleet.name(4)})  # fmt: skip
            connection.execute(
                sa.text(
                    "INSERT INTO boat_signal (registration, boat_version, auto_at, place_at, state, state_at)"
                    " VALUES (:name, 1, :at, :at, 'OK', :at)"
                ),
                [{"name": fleet.name(boat), "at": now - timedelta(hours=ago)} for boat, ago in ((1, 1), (2, 7))],
            )
        with fleet.ingest.begin() as connection:
            lost = max(now - timedelta(hours=1), local_day(now)[0])  # of today, also an hour after midnight
            opening = Opening("loss", fleet.name(2), "national", "LOST", lost - timedelta(hours=6), lost, None)
            open_case(connection, opening, lost)
        yield served


def fetched(site: Any, path: str) -> tuple[bytes, str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}{ROOT}/{path}") as answer:
        return answer.read(), answer.headers["content-disposition"]


def test_todays_figures_by_class_and_by_provider(site) -> None:
    status, found = site.get(f"{ROOT}/statistics")
    assert (status, found["by"], found["live"], found["unknown"]) == (200, "length", True, [])
    assert found["day"] == str(datetime.now(ZONE).date())
    rows = {row["key"]: row for row in found["rows"]}
    names = ("registered", "monitored", "laid_up", "required", "visible", "lost_6h_10d", "unheard")
    assert [rows[">=24"][name] for name in names] == [2, 2, 0, 2, 1, 1, 0]
    assert [rows["15-<24"][name] for name in names] == [2, 2, 1, 1, 0, 0, 1]
    assert [rows["12-<15"][name] for name in names] == [1, 0, 0, 0, 0, 0, 0]
    assert [found["total"][name] for name in names] == [5, 4, 1, 3, 1, 1, 1]
    by_provider = site.get(f"{ROOT}/statistics?by=provider")[1]
    assert [(row["key"], row["name"], row["required"]) for row in by_provider["rows"]] == [
        ("viettel", "Viettel", 1), ("vnpt", "VNPT", 2),
    ]  # fmt: skip


def test_the_days_of_a_month_and_what_is_unknown_of_them(site) -> None:
    found = site.get(f"{ROOT}/statistics?by=day")[1]
    today = datetime.now(ZONE).date()
    assert [row["day"] for row in found["rows"]] == [str(today.replace(day=n)) for n in range(1, today.day + 1)]
    assert found["rows"][-1]["late"] == 0
    past = site.get(f"{ROOT}/statistics?day=2026-01-31&by=commune")[1]
    assert (past["live"], past["total"]["required"], past["total"]["late"]) == (False, None, None)
    assert {"late", "required", "visible"} < set(past["unknown"])
    for odd in ("day=2026-02-30", "day=2999-01-01", "by=gear", "by=day&month=2026-13", "by=day&month=2999-01"):
        assert site.get(f"{ROOT}/statistics?{odd}")[0] == 422, odd
    assert site.get(f"{ROOT}/statistics?day=1990-01-01")[0] == 422  # no figure was in force then
    for odd, named in (("day=0001-01-01", "day: "), ("by=day&month=0001-01", "month: "), ("day=1969-12-31", "day: ")):
        status, answer = site.get(f"{ROOT}/statistics?{odd}")
        assert (status, answer["detail"][0]["msg"].startswith(named)) == (422, True), odd
    assert site.get(f"{ROOT}/report.pdf?month=0001-01")[1]["detail"][0]["vi"] == "Tháng: Năm phải từ 1970 đến 9998"
    assert site.get(f"{ROOT}/report.pdf?month=x")[1]["detail"][0]["vi"] == "Tháng viết như 2026-11"


def test_the_same_as_a_table_and_as_a_workbook(site, tmp_path: Path) -> None:
    made, named = fetched(site, "statistics.csv?by=length")
    rows = list(csv.DictReader(io.StringIO(made.decode("utf-8-sig"))))
    assert list(rows[0]) == ["key", "name", *COLUMNS]
    assert (rows[0]["key"], rows[0]["required"], "-length.csv" in named) == (">=24", "2", True)
    for lang, head, sums in (("vi", "Phải hiển thị", "Cộng"), ("en", "To be seen", "Total")):
        path = tmp_path / f"{lang}.xlsx"
        path.write_bytes(fetched(site, f"statistics.xlsx?lang={lang}")[0])
        sheet = read_sheet(path, ["phai hien thi", "to be seen"])
        (total,) = (row for _, row in sheet.rows if row[sheet.head[0]] == sums)
        assert str(total[head]) == "3"


def test_the_months_report_on_paper_and_as_a_workbook(site, tmp_path: Path) -> None:
    made, named = fetched(site, "report.pdf")
    assert f"bao-cao-tau-ca-{datetime.now(ZONE):%Y-%m}.pdf" in named
    pages = PdfReader(io.BytesIO(made)).pages
    words = " ".join("".join(page.extract_text() for page in pages).split())
    for each in ("BÁO CÁO THÁNG", "Huế", "1 vụ mới", "từ 24 m", "Viettel", "Nghị định 41/2026", "sơ đồ tham khảo",
                 "4 tàu phải lắp thiết bị, 1 tàu nằm bờ, 3 tàu phải hiển thị"):  # fmt: skip
        assert each in words, each
    assert "MÔ PHỎNG" not in words
    english = "".join(
        page.extract_text() for page in PdfReader(io.BytesIO(fetched(site, "report.pdf?lang=en")[0])).pages
    )
    assert "MONTHLY REPORT" in english
    assert "Phải hiển thị" not in english
    path = tmp_path / "a.xlsx"
    path.write_bytes(fetched(site, "report.xlsx")[0])
    sheet = read_sheet(path, ["phai hien thi"], layer="Theo ngày")
    (today,) = (row for _, row in sheet.rows if row["Ngày"] == f"{datetime.now(ZONE):%Y/%m/%d}")
    assert (str(today["Phải hiển thị"]), str(today["Vụ mới"])) == ("3", "1")


def test_the_command_writes_either_form_and_says_what_it_cannot(site, tmp_path: Path, monkeypatch) -> None:
    for name in ("DATABASE_URL", "DATABASE_URL_INGEST", "DATABASE_URL_WEB"):
        monkeypatch.setenv(name, site.database.web)
    monkeypatch.setenv("REDIS_URL", site.site.redis_url)

    def run(*words: str) -> Any:
        return CliRunner().invoke(exporting, ["fisheries-report", *words], obj=Settings())

    for name, head in (("a.pdf", b"%PDF"), ("a.xlsx", b"PK")):
        done = run("--out", str(tmp_path / name))
        assert done.exit_code == 0, done.output
        assert "1 new losses" in done.output
        assert (tmp_path / name).read_bytes().startswith(head)
    assert run("--out", str(tmp_path / "a.doc")).exit_code == 2
    assert run("--month", "2026-13", "--out", str(tmp_path / "b.pdf")).exit_code == 1
    assert not (tmp_path / "b.pdf").exists()
