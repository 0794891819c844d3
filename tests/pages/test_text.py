"""Words, numbers, times and ages in both languages, and that nothing was left untranslated."""

import ast
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pages.text import Text, catalogue, language

ROOT = Path(__file__).resolve().parents[2]
VI, EN = Text("vi"), Text("en")


def messages() -> set[str]:
    """Every literal given to t(...) in pages/ and in the scripts of the screens."""
    found: set[str] = set()
    scripts = [
        ROOT / "assets" / f"{name}.js"
        for name in (
            "screen",
            "feeds",
            "legend",
            "desk",
            "search",
            "rows",
            "chart",
            "fence",
            "fence_file",
            "rules",
            "camera_events",
            "camera_grid",
            "inbox",
            "report_deed",
            "report_queue",
        )
    ]
    for path in (ROOT / "pages").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and getattr(node.func, "id", None) in ("t", "self")
            if called and node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                found.add(node.args[0].value)
    for path in scripts:
        text = path.read_text(encoding="utf-8")
        found |= {match[1] for match in re.finditer(r"""(?<![\w.])(?:haidang\.)?t\(\s*"((?:[^"\\]|\\.)*)\"""", text)}
        found |= {match[1] for match in re.finditer(r"""(?<![\w.])t\(\s*'((?:[^'\\]|\\.)*)'""", text)}
    return found


def test_every_message_has_an_english_text_with_the_same_places() -> None:
    english = catalogue("en")
    assert len(messages()) > 100
    assert messages() - set(english) == set()
    for vi, en in english.items():
        assert set(re.findall(r"\{\w+\}", vi)) == set(re.findall(r"\{\w+\}", en)), vi


def test_vietnamese_is_the_source_text_and_unknown_words_stay() -> None:
    assert VI("Xác nhận") == "Xác nhận"
    assert EN("Xác nhận") == "Acknowledge"
    assert EN("chữ chưa dịch") == "chữ chưa dịch"
    assert EN("{n} chưa xác nhận", n=2) == "2 unacknowledged"


@pytest.mark.parametrize(
    ("value", "digits", "vi", "en"),
    [
        (1234567, 0, "1.234.567", "1,234,567"),
        (16.4, 1, "16,4", "16.4"),
        (2.0, 1, "2", "2"),
        (0.05, 2, "0,05", "0.05"),
        (-3.25, 1, "-3,2", "-3.2"),
        (None, 1, "–", "–"),
    ],
)
def test_numbers(value: float | None, digits: int, vi: str, en: str) -> None:
    assert (VI.number(value, digits), EN.number(value, digits)) == (vi, en)


@pytest.mark.parametrize(
    ("seconds", "vi", "en"),
    [
        (-5, "0 s", "0 s"),
        (0.9, "0 s", "0 s"),
        (59.9, "59 s", "59 s"),
        (60, "1 phút", "1 min"),
        (3599, "59 phút", "59 min"),
        (3600, "1 giờ", "1 h"),
        (4321, "1 giờ 12", "1 h 12"),
        (7560, "2 giờ 06", "2 h 06"),
        (86399, "23 giờ 59", "23 h 59"),
        (86400, "1 ngày", "1 d"),
        (None, "–", "–"),
    ],
)
def test_ages(seconds: float | None, vi: str, en: str) -> None:
    assert (VI.age(seconds), EN.age(seconds)) == (vi, en)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Ho_Chi_Minh", "America/New_York"])
def test_times_are_vietnamese_wherever_the_server_stands(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    at = datetime(2026, 12, 31, 17, 0, 5, tzinfo=UTC)
    assert VI.when(at) == EN.when(at) == "00:00 01/01/2027"
    assert VI.exact(at) == "00:00:05 01/01/2027"
    assert VI.when(at.replace(tzinfo=None)) == "00:00 01/01/2027"
    assert VI.when(None) == "–"


@pytest.mark.parametrize(
    ("value", "expected"), [("EN", "en"), (" en-GB", "en"), ("vi", "vi"), ("fr", "vi"), (None, "vi")]
)
def test_language_is_told_in_any_case_and_falls_back_to_vietnamese(value: str | None, expected: str) -> None:
    assert language(value) == expected
