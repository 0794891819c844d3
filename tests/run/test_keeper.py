import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from geo.heartbeat import Heartbeat
from run import keeper
from run.process import wait_for
from tests.connections import asked, connected
from tests.geo.archived import fixes, put
from tests.test_settings import run


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ((2026, 11, 21, 12, 0), (2026, 11, 21, 19, 30)),
        ((2026, 11, 21, 19, 29), (2026, 11, 21, 19, 30)),
        ((2026, 11, 21, 19, 30), (2026, 11, 22, 19, 30)),
        ((2026, 12, 31, 23, 0), (2027, 1, 1, 19, 30)),
    ],
)
def test_the_night_is_half_past_two_in_viet_nam(now: tuple[int, ...], expected: tuple[int, ...]) -> None:
    def utc(parts: tuple[int, ...]) -> datetime:
        return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]

    assert keeper.next_night(utc(now)) == utc(expected)


def test_the_keeper_runs_soon_after_the_start_and_then_each_night(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(keeper.os, "nice", lambda _: 0)  # the tests' own process stays as eager as it is
    monkeypatch.setattr(keeper, "TICK_S", 0.01)
    ran, stop, clock = tmp_path / "ran", threading.Event(), [datetime(2026, 11, 21, 12, tzinfo=UTC)]
    code = f"open({str(ran)!r}, 'a').write('x')"
    words = (sys.executable, "-c", code)
    beat = Heartbeat(None)
    thread = threading.Thread(target=keeper.keep, args=(words, beat, stop.is_set, 0.0, lambda: clock[0]))
    thread.start()
    try:
        assert wait_for(lambda: ran.exists() and ran.read_text() == "x", 30)
        clock[0] = datetime(2026, 11, 21, 19, 30, tzinfo=UTC)
        assert wait_for(lambda: ran.read_text() == "xx", 30)
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def test_db_retain_says_what_is_due_does_it_and_has_then_nothing_to_do(database, redis_server, tmp_path: Path) -> None:
    with connected(database.ingest) as ingest:
        put(ingest, fixes(datetime(2026, 1, 5, tzinfo=UTC).date(), 40))
    given = {
        "DATABASE_URL": database.owner.replace("+psycopg", ""), "REDIS_URL": redis_server,
        "HAIDANG_HOME": str(tmp_path),
    }  # fmt: skip
    due = run("db", "retain", "--dry-run", **given)
    assert (due.returncode, due.stdout) == (0, "vessel_history 2026-01-05 is due to be archived\n")
    done = run("db", "retain", **given)
    assert done.returncode == 0, done.stderr
    name = "vessel_history/day=2026-01-05/part-1.parquet"
    assert done.stdout == f"vessel_history 2026-01-05: 40 rows in {name}\n"
    assert (tmp_path / "archive" / name).exists()
    assert asked(database.web, "SELECT rows FROM archive") == [{"rows": 40}]
    assert run("db", "retain", **given).stdout == "nothing to do\n"
    refused = run("db", "retain", HAIDANG_RETENTION_MONTHS="12", **given)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Decree 41/2026" in refused.stderr
