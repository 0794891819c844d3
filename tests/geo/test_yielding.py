import threading
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from geo import yielding
from geo.yielding import CLOCK_WAITS_MS, DESK_WAITS_MS, deed, giving_way, in_the_way
from tests.connections import asked, connected, told

ONE, OTHER = (f"UPDATE thing SET touched = touched + 1 WHERE id = {number}" for number in (1, 2))
BOTH = [{"id": 1, "touched": 2}, {"id": 2, "touched": 2}]


@pytest.fixture
def things(database) -> Iterator[sa.Engine]:
    told(database.owner, "CREATE TABLE thing (id integer PRIMARY KEY, touched integer NOT NULL)")
    told(database.owner, "INSERT INTO thing VALUES (1, 0), (2, 0)")
    with connected(database.owner) as engine:
        yield engine


def test_a_deed_that_meets_a_worker_in_a_circle_gives_way_and_is_done_after_it(database, things) -> None:
    tried, holding, crossed = [], threading.Event(), threading.Event()

    def change(connection: sa.Connection, now) -> str:
        tried.append(now)
        connection.exec_driver_sql(OTHER)
        crossed.set()
        connection.exec_driver_sql(ONE)
        return "done"

    answers: list[str] = []
    desk = threading.Thread(target=lambda: (holding.wait(10), answers.append(deed(things, change))))
    desk.start()
    with things.begin() as worker:
        worker.exec_driver_sql(ONE)
        holding.set()
        assert crossed.wait(10)
        worker.exec_driver_sql(OTHER)  # waits for the desk, which waits for us
    desk.join(10)
    assert answers == ["done"]
    assert len(tried) > 1
    assert asked(database.owner, "SELECT * FROM thing ORDER BY id") == BOTH
    time.sleep(1)  # PostgreSQL tells its figures once a second
    told_of = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert asked(database.owner, told_of) == [{"deadlocks": 0}]


def test_what_is_not_free_in_time_is_refused_with_the_servers_words(things, monkeypatch) -> None:
    monkeypatch.setattr(yielding, "PATIENCE_S", 0.6)
    with things.begin() as worker:
        worker.exec_driver_sql(ONE)
        with pytest.raises(sa.exc.OperationalError, match="lock timeout") as refused:
            deed(things, lambda connection, now: connection.exec_driver_sql(ONE))
    assert in_the_way(refused.value)


def test_any_other_refusal_is_told_at_once(things) -> None:
    tried = []
    with pytest.raises(sa.exc.IntegrityError) as refused:
        deed(
            things,
            lambda connection, now: (tried.append(now), connection.exec_driver_sql("INSERT INTO thing VALUES (1, 0)")),
        )
    assert len(tried) == 1
    assert not in_the_way(refused.value)


def test_everybody_who_gives_way_does_so_before_the_server_looks_for_circles(database, things) -> None:
    (row,) = asked(database.owner, "SELECT setting::integer AS ms FROM pg_settings WHERE name = 'deadlock_timeout'")
    assert DESK_WAITS_MS < CLOCK_WAITS_MS < row["ms"]
    with things.connect() as connection:
        with giving_way(connection, 123):
            assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "123ms"
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "0"  # the next transaction waits as before
