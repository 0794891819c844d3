from pathlib import Path

import pytest

from run.log import Log, short


def test_news_are_complete_lines_since_the_last_look(tmp_path: Path) -> None:
    file = tmp_path / "work.log"
    file.write_text("before\n")
    log = Log(file)
    with file.open("a") as out:
        out.write("one\ntw")
        out.flush()
        assert log.news() == ["one"]
        out.write("o\n")
        out.flush()
        assert log.news() == ["two"]
    assert log.news() == []


def test_a_long_log_is_set_aside_and_its_writer_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "work.log"
    log = Log(file, keep_bytes=10)
    with file.open("a") as out:
        for text in ("first long line\n", "second long line\n", "third\n"):
            out.write(text)
            out.flush()
            assert log.news() == [text.strip()]
            log.rotate()
    assert file.read_text() == "third\n"
    assert (tmp_path / "work.log.1").read_text() == "second long line\n"
    assert (tmp_path / "work.log.2").read_text() == "first long line\n"


@pytest.mark.parametrize(
    ("line", "server", "words"),
    [
        ('{"event": "spilling", "level": "warning", "bytes": 12}', False, "spilling bytes=12"),
        ('{"event": "flushed", "level": "info"}', False, None),
        ("ValueError: no such thing", False, "ValueError: no such thing"),
        ('  File "app.py", line 3, in main', False, None),
        ("2026-11-21 [7] LOG:  checkpoint complete", True, None),
        ("2026-11-21 [7] FATAL:  could not write lock file", True, "2026-11-21 [7] FATAL:  could not write lock file"),
        ("2026-11-21 [7] FATAL:  the database system is starting up", True, None),
    ],
)
def test_the_console_shows_what_matters(line: str, server: bool, words: str | None) -> None:
    assert short(line, server) == words
