"""The command `reporter`: who sent one report, to somebody by name, for a reason, with a line that stays."""

import json
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
import typer
from typer.testing import CliRunner

from geo.report_receive import receive
from layers import discover, seed
from run import disclosure
from run import reporter as room
from tests.connections import connected
from tests.geo.test_report_work import LAN, NOW, SENT


@pytest.fixture
def asked(database, monkeypatch):
    """A function that runs the command against the test's database."""
    monkeypatch.setattr(disclosure, "addresses", lambda _: {"DATABASE_URL": database.owner})
    app = typer.Typer()
    app.registered_commands.extend(room.app.registered_commands)
    app.callback()(_with_settings)
    return lambda *words: CliRunner().invoke(app, ["reporter", *words])


def _with_settings(context: typer.Context) -> None:
    context.obj = SimpleNamespace()


def test_a_sender_is_told_with_a_line_and_what_is_not_there_in_one_sentence(asked, database) -> None:
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
        key, _ = receive(connection, SENT, LAN, NOW)
    told = asked(key, "--actor", "Lan", "--reason", "hồ sơ 12")
    assert told.exit_code == 0
    assert json.loads(told.stdout)["phone"] == "0912345678"
    assert asked(key, "--actor", "Lan").exit_code == 2
    assert asked(key, "--actor", " ", "--reason", "x").exit_code == 1
    none = asked("PA26-NONE", "--actor", "Lan", "--reason", "x")
    assert (none.exit_code, "no report" in none.output, "Traceback" in none.output) == (1, True, False)
    with connected(database.owner) as owner, owner.begin() as connection:
        looks = connection.execute(sa.text("SELECT report_id, actor, reason FROM report_look")).all()
    assert [tuple(one) for one in looks] == [(key, "Lan", "hồ sơ 12")]
