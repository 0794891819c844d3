import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(("HAIDANG_", "DATABASE", "REDIS"))}


def run(*words: str, **given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "app.py", *words],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=150, env={**PLAIN, **given},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HAIDANG_PORT", "http"),
        ("HAIDANG_PORT", "70000"),
        ("HAIDANG_LOG_LEVEL", "loud"),
        ("HAIDANG_VIEW_LAT", "91"),
        ("HAIDANG_FLUSH_MS", "1000"),
        ("HAIDANG_FEED_SOURCES", "udp://127.0.0.1:1"),
        ("HAIDANG_HOST", "0.0.0.0"),
        ("HAIDANG_SECRETS", '{"mail": ["geheim"]}'),
        ("HAIDANG_SECRETS", '{"my mail": "geheim"}'),
        ("HAIDANG_SECRETS", '{"mail": "geheim"'),
        ("HAIDANG_OUTGOING_ALLOWED", '["smtp.hue.gov.vn"]'),
        ("HAIDANG_OUTGOING_ALLOWED", '["*:587"]'),
        ("HAIDANG_PUBLIC_URL", "haidang.hue"),
        ("HAIDANG_WARNING_SOURCES", '{"met": "ftp://met.example/feed"}'),
        ("HAIDANG_WARNING_SOURCES", '{"met": "https://me:geheim@met.example/feed"}'),
        ("HAIDANG_WARNING_SOURCES", '{"own warnings": "https://met.example/feed"}'),
        ("HAIDANG_CAP_SENDER", "Trung tâm Huế"),
        ("DATABASE_URL", "mysql://root:geheim@db/x"),
        ("DATABASE_URL_WEB", "nonsense"),
        ("REDIS_URL", "http://127.0.0.1"),
        ("REDIS_URL", "redis://127.0.0.1:port"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it_and_exit_code_1(name: str, value: str) -> None:
    done = run("status", **{name: value})
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert name.removeprefix("HAIDANG_").lower() in line.lower()
    assert "Traceback" not in line
    assert "geheim" not in line


@pytest.mark.parametrize(
    ("command", "given", "words"),
    [
        ("receive", {"HAIDANG_FEED_SOURCES": '{"aiss": ["udp://127.0.0.1:1"]}'}, "aiss"),
        ("receive", {"HAIDANG_FEED_SOURCES": '{"ais": ["udp:/x"]}'}, "udp:/x"),
        ("receive", {"HAIDANG_FEED_SOURCES": '{"ais": ["file:/none/here"]}'}, "/none/here"),
        ("work", {"DATABASE_URL_INGEST": ""}, "DATABASE_URL"),
    ],
)
def test_what_a_process_cannot_use_is_one_line_too(command: str, given: dict[str, str], words: str) -> None:
    redis = {"REDIS_URL": "redis://127.0.0.1:9/0"}
    done = run(command, **{**redis, **{name: value for name, value in given.items() if value}})
    assert done.returncode == 1
    complaint = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(complaint) == 1, done.stderr
    assert words in complaint[0]


def test_nothing_that_runs_is_one_line(tmp_path) -> None:
    done = run("status", HAIDANG_HOME=str(tmp_path))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert str(tmp_path) in done.stderr


def test_the_defaults_are_those_of_one_machine(monkeypatch) -> None:
    for name in [name for name in os.environ if name.startswith(("HAIDANG_", "DATABASE", "REDIS"))]:
        monkeypatch.delenv(name)
    plain = Settings()
    assert (plain.host, plain.port) == ("127.0.0.1", 8050)
    assert plain.secret("database_url") is None
    with pytest.raises(ValidationError):
        plain.port = 1  # type: ignore[misc]


def test_a_secret_is_not_shown(monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:geheim@127.0.0.1/x")
    given = Settings()
    assert "geheim" not in repr(given)
    monkeypatch.setenv("HAIDANG_SECRETS", '{"mail": "geheim"}')
    assert "geheim" not in repr(Settings())
    assert Settings().secrets["mail"].get_secret_value() == "geheim"
    assert given.secret("database_url") == "postgresql://me:geheim@127.0.0.1/x"


def test_nothing_leaves_the_house_while_something_is_simulated(monkeypatch) -> None:
    assert not Settings().withholding
    monkeypatch.setenv("HAIDANG_SIMULATED_SOURCES", '{"ais": ["udp://127.0.0.1:1"]}')
    assert Settings().withholding
    monkeypatch.setenv("HAIDANG_SIMULATED_SOURCES", "{}")
    monkeypatch.setenv("HAIDANG_OUTGOING_WITHHELD", "1")
    assert Settings().withholding


def test_beyond_this_machine_only_behind_a_proxy(monkeypatch) -> None:
    monkeypatch.setenv("HAIDANG_HOST", "0.0.0.0")
    monkeypatch.setenv("HAIDANG_BEHIND_PROXY", "1")
    assert Settings().host == "0.0.0.0"
