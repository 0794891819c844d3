"""The evidence pack over HTTP and from the command line: the same ZIP, its headers, and what is refused."""

import hashlib
import http.client
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from access import evidence
from geo.canonical import moment
from run.exporting import app as exporting
from settings import Settings
from tests import boat_past
from tests.boat_past import NAME
from tests.connections import connected

ASKED = f"/api/v1/vessels/{quote('tth 91234')}/evidence"


@pytest.fixture
def boat(serve: Any) -> Any:
    """A served centre with the boat's week."""
    site = serve()
    now = datetime.now(UTC)
    with connected(site.database.owner) as owner, connected(site.database.ingest) as ingest:
        boat_past.lay(owner, ingest, now, shipname="Đại Dương")
    return site, now


def span(now: datetime, **more: datetime) -> dict[str, str]:
    times = {"from": now - timedelta(days=7), "to": now, "as_of": now}
    return {name: moment(at) for name, at in (times | more).items()}


def fetched(port: int, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", f"{ASKED}?{urlencode(query)}")
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_one_zip_over_http_and_from_the_command_line(
    boat: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, now = boat
    monkeypatch.setattr(evidence, "SETTLED_AFTER", timedelta(0))  # what is asked of was laid just now
    status, headers, packed = fetched(site.port, span(now))
    assert (status, headers["content-type"], headers["cache-control"]) == (200, "application/zip", "no-store")
    assert f'filename="ho-so-{NAME}-' in headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        found = {name: opened.read(name) for name in opened.namelist()}
    assert headers["x-manifest-sha256"] == hashlib.sha256(found["manifest.json"]).hexdigest()
    told = json.loads(found["manifest.json"])
    assert {name: hashlib.sha256(found[name]).hexdigest() for name in told["files"]} == {
        name: one["sha256"] for name, one in told["files"].items()
    }
    paper = "".join("".join(page.extract_text() for page in PdfReader(io.BytesIO(found["ho-so.pdf"])).pages).split())
    for words in (
        "HỒ SƠ CHỨNG CỨ TÀU CÁ", NAME, "Đại Dương", "sơ đồ tham khảo, không phải căn cứ pháp lý", "Hoàng Sa",
        "Trường Sa", "(Việt Nam)", "VNT-91234 (VNPT, đang tính, kẹp chì KC-778)", "bắt buộc, 2 giờ một lần",
        "(đến hết khoảng chưa có)", "Tàu cá mất kết nối giám sát hành trình", "Mất tín hiệu số 1",
        told["files"]["track_vms.csv"]["sha256"], told["sources"]["vms_history"]["sha256"], "đã che số điện thoại",
    ):  # fmt: skip
        assert "".join(words.split()) in paper, words

    for name, value in site.database.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("REDIS_URL", site.site.redis_url)
    monkeypatch.setenv("HAIDANG_CENTRE_VI", site.site.centre_vi)
    out, times = tmp_path / "hồ sơ.zip", span(now)
    words = ["evidence", "TTH.91234", "--out", str(out)]
    for name in ("from", "to", "as_of"):
        words += [f"--{name.replace('_', '-')}", times[name].removesuffix("Z")]
    done = CliRunner().invoke(exporting, words, obj=Settings())
    assert done.exit_code == 0, done.output
    assert headers["x-manifest-sha256"] in done.output
    assert out.read_bytes() == packed  # the PDF too
    words[1] = "TTH-99999"
    refused = CliRunner().invoke(exporting, words, obj=Settings())
    assert (refused.exit_code, "the register had no boat 'TTH-99999'" in refused.output) == (1, True)


def test_what_cannot_be_made_is_answered_with_its_reason(boat: Any) -> None:
    site, now = boat
    status, answer = site.get(f"{ASKED}?{urlencode(span(now, **{'from': now - timedelta(days=32)}))}")
    assert (status, "31 days" in answer["detail"][0]["msg"], "31 ngày" in answer["detail"][0]["vi"]) == (
        422,
        True,
        True,
    )
    status, answer = site.get(f"{ASKED}?{urlencode(span(now, as_of=now + timedelta(hours=1)))}")
    assert (status, "a minute back" in answer["detail"][0]["msg"]) == (422, True)
    assert site.get(f"{ASKED}?from=2026-11-01")[0] == 422  # a moment without an offset would be a guess
    for odd in ("to=0001-01-01T00:00:00Z", "from=1969-12-31T23:59:59Z", "as_of=0001-01-01T00:00:00Z",
                "to=9999-12-31T23:59:59Z"):  # fmt: skip
        status, answer = site.get(f"{ASKED}?{odd}")
        assert (status, answer["detail"][0]["loc"]) == (422, ["query", odd.split("=")[0]]), odd
    status, answer = site.get("/api/v1/vessels/TTH-99999/evidence")
    assert (status, "the register had no boat 'TTH-99999'" in answer["detail"]) == (404, True)
