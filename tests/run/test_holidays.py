"""The command `holidays`: a year's notice is read, shown first, written by name, and due times go by it."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
import typer
from typer.testing import CliRunner

from geo.figure import figures
from geo.workday import calendar, kept
from layers import discover, seed
from run import holidays as room
from tests.api.test_holidays import NewYear
from tests.connections import connected

HEAD = "day,kind,name_vi,name_en,legal_ref,certainty\n"
LINES = (
    "2028-01-25,off,Tết Âm lịch,Lunar New Year,Thông báo 1/TB-BNV,C\n"
    "2028-02-05,work,Làm bù,Worked for 28 January,Thông báo 1/TB-BNV,C\n"
)


@pytest.fixture
def asked(database, monkeypatch):
    """A function that runs the command against the test's database."""
    monkeypatch.setattr(room, "addresses", lambda _: {"DATABASE_URL": database.owner})
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
    app = typer.Typer()
    app.add_typer(room.app, name="holidays")
    app.callback()(_with_settings)
    return lambda *words: CliRunner().invoke(app, ["holidays", *map(str, words)])


def _with_settings(context: typer.Context) -> None:
    context.obj = SimpleNamespace()


def test_a_years_notice_is_shown_first_and_then_written_by_name(asked, database, tmp_path: Path) -> None:
    file = tmp_path / "2028.csv"
    file.write_text(HEAD + LINES, "utf-8")
    dry = asked("import", file)
    assert (dry.exit_code, "2 of 2 days would be written" in dry.output) == (0, True)
    assert "no day of 2028" in asked("list", "--year", 2028).output
    done = asked("import", file, "--apply", "--actor", "Lan")
    assert (done.exit_code, "2 of 2 days written" in done.output) == (0, True)
    assert "0 of 2 days" in asked("import", file).output
    one = asked("set", "2028-01-26", "off", "Tết Âm lịch", "--ground", "Thông báo 2/TB-BNV", "--actor", "Hoa")
    assert one.exit_code == 0, one.output
    assert "2028-01-26" in asked("list", "--year", 2028).output
    with connected(database.owner) as owner, owner.begin() as connection:
        assert [row["updated_by"] for row in kept(connection, 2028)] == ["Lan", "Hoa", "Lan"]
        days = calendar(connection, figures(connection), datetime(2028, 1, 1, tzinfo=UTC))
        worked = [days.is_worked(datetime(2028, month, day, tzinfo=UTC).date()) for month, day in ((1, 26), (2, 5))]
    assert worked == [False, True]


def test_this_year_is_that_of_the_centre(asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "datetime", NewYear)
    assert "no day of 2028" in asked("list").output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("day,kind\n", "lacks name_vi"), (HEAD + "2028-13-01,off,A,A,B,C\n", "line 2"),
        (HEAD + LINES.splitlines()[0] + "\n" + LINES, "stands there twice"),
        (HEAD + "2028-01-01,maybe,A,A,B,C\n", "neither off nor work"), (HEAD + "2028-01-01,off,A,A,B,Z\n", "certainty"),
        (HEAD + "2028-01-01,off,A,A,,C\n", "ground"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_said_by_its_line_and_nothing_is_written(
    asked, database, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "2028.csv"
    file.write_text(text, "utf-8")
    told = asked("import", file, "--apply")
    assert (told.exit_code, said in told.output, "Traceback" in told.output) == (1, True, False), told.output
    with connected(database.owner) as owner, owner.begin() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM holiday WHERE day >= '2028-01-01'")) == 0
