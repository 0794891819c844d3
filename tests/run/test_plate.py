"""The command `plate`: one plate, to somebody by name, for a reason, with a line that stays."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
import typer
from typer.testing import CliRunner

from geo.camera_review import Wanted, events, store
from run import disclosure
from run import plate as room
from tests.connections import connected

NOW = datetime(2026, 11, 28, 3, tzinfo=UTC)


@pytest.fixture
def asked(database, monkeypatch):
    """A function that runs the command against the test's database."""
    monkeypatch.setattr(disclosure, "addresses", lambda _: {"DATABASE_URL": database.owner})
    app = typer.Typer()
    app.registered_commands.extend(room.app.registered_commands)
    app.callback()(_with_settings)
    return lambda *words: CliRunner().invoke(app, ["plate", *words])


def _with_settings(context: typer.Context) -> None:
    context.obj = SimpleNamespace()


def test_a_plate_is_told_with_a_line_and_what_is_not_there_in_one_sentence(asked, database) -> None:
    row = {"record_id": "1", "camera": "A", "type": "phone", "confidence": None, "plate": "75A-123.45", "lane": None,
           "occurred_at": NOW, "snapshot": None, "simulated": False}  # fmt: skip
    with connected(database.owner) as owner, owner.begin() as connection:
        store(connection, "vms", [row], NOW)
        (number,) = (one["id"] for one in events(connection, Wanted(), 9))
    told = asked(str(number), "--actor", "Lan", "--reason", "hồ sơ 12")
    assert (told.exit_code, told.stdout.strip()) == (0, "75A-123.45")
    assert asked(str(number), "--actor", "Lan").exit_code == 2
    assert asked(str(number), "--actor", " ", "--reason", "x").exit_code == 1
    none = asked("999", "--actor", "Lan", "--reason", "x")
    assert (none.exit_code, "is not there" in none.output, "Traceback" in none.output) == (1, True, False)
    with connected(database.owner) as owner, owner.begin() as connection:
        looks = connection.execute(sa.text("SELECT event_id, actor, reason FROM camera_plate_look")).all()
    assert [tuple(one) for one in looks] == [(number, "Lan", "hồ sơ 12")]
