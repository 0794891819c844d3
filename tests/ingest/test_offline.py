import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.nmea import position, sentences, tag

ROOT = Path(__file__).resolve().parents[2]
LINES = (
    tag(c=1_700_000_000, s="hue") + position(574000001, 107.5, 16.5),
    *sentences(5, 574000002, shipname="=SUM(A1)", destination="THUAN AN"),
    position(574000003, 181, 91),
    b"!AIVDM,1,1,,A,broken,0*00",
)


def decode(*words: str, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": "/usr/bin:/bin", "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    return subprocess.run(
        [sys.executable, "app.py", "decode", *words],
        cwd=ROOT, input=data, capture_output=True, check=False, timeout=120, env=environment,
    )  # fmt: skip


@pytest.fixture
def capture(tmp_path) -> Path:
    path = tmp_path / "capture.nmea"
    path.write_bytes(b"\n".join(LINES) + b"\n")
    return path


def test_one_object_a_message_and_the_account_on_stderr(capture) -> None:
    done = decode(str(capture))
    assert done.returncode == 0
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["msg_type"], row["mmsi"], row["repeat"]) for row in rows] == [
        (1, 574000001, 0),
        (5, 574000002, 0),
        (1, 574000003, 0),
    ]
    assert (rows[0]["source"], rows[0]["received_at"]) == ("hue", "2023-11-14T22:13:20+00:00")
    assert [row["lon"] for row in rows] == [pytest.approx(107.5), None, None]
    account = json.loads(done.stderr.splitlines()[-1])
    assert (account["received"], account["accepted"], account["rejected"]) == (5, 4, {"checksum": 1})
    assert (account["messages"], account["positions"]) == (3, 1)
    assert set(account) == {
        "received", "accepted", "rejected", "ignored", "messages", "positions", "rows", "duplicates",
        "seconds",
    }  # fmt: skip


def test_csv_is_plain_text_for_a_spreadsheet(capture, tmp_path) -> None:
    out = tmp_path / "out.csv"
    assert decode(str(capture), "--format", "csv", "--out", str(out)).returncode == 0
    frame = pd.read_csv(out)
    assert frame["mmsi"].tolist() == [574000001, 574000002, 574000003]
    assert "'=SUM(A1)" in frame["shipname"].tolist()


def test_parquet_from_gzip(tmp_path) -> None:
    path = tmp_path / "capture.gz"
    path.write_bytes(gzip.compress(b"\n".join(LINES)))
    done = decode(str(path), "--format", "parquet")
    assert done.returncode == 0
    assert pd.read_parquet(io.BytesIO(done.stdout))["mmsi"].tolist() == [574000001, 574000002, 574000003]


def test_standard_input_zipped_or_not() -> None:
    for data in (b"\n".join(LINES), gzip.compress(b"\n".join(LINES))):
        done = decode("-", data=data)
        assert (done.returncode, len(done.stdout.splitlines())) == (0, 3)
    assert json.loads(decode("-", data=b"").stderr.splitlines()[-1])["received"] == 0


def test_what_cannot_be_read_is_said_in_one_line(tmp_path, capture) -> None:
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(b"\n".join(LINES))[:-20] + b"\xff" * 9)
    for words in ([str(tmp_path / "none")], [str(tmp_path)], [str(broken)], [str(capture), "--out", "/none/here"]):
        done = decode(*words)
        assert done.returncode == 1, words
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert b"Traceback" not in done.stderr
    assert decode(str(capture), "--format", "xml").returncode == 2
    assert decode().returncode in (0, 2)
