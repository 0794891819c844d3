"""The simulated reports: every status is there, some are late, all are badged, and the board has its pictures."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from demo.report import ABOUT, put_reports, stories
from geo.report import OVERDUE, STATUSES, report, report_photo
from geo.report_public import Asked, page, totals
from layers import discover, seed
from tests.connections import connected

NOW = datetime(2026, 11, 28, 6, 30, 20, tzinfo=UTC)


def test_each_time_they_are_the_same_and_all_of_the_past() -> None:
    told = list(stories(1, NOW))
    assert told == list(stories(1, NOW))
    assert told != list(stories(2, NOW))
    assert all(one.at < NOW for one in told)
    assert {one.category for one in told} == set(ABOUT)


@pytest.mark.parametrize("number", [1, 2])
def test_every_status_is_there_some_are_late_and_the_board_is_alive(database, number: int) -> None:
    with connected(database.owner) as engine:
        with engine.begin() as connection:
            seed(connection, discover())
        count = put_reports(engine, number, NOW)
        assert count == len(list(stories(number, NOW)))
        assert put_reports(engine, number, NOW + timedelta(hours=3)) == 0
        with engine.connect() as connection:
            rows = connection.execute(sa.select(report)).mappings().all()
            assert len(rows) == count
            assert {row["status"] for row in rows} == set(STATUSES)
            assert all(row["simulated"] and row["commune"] for row in rows)
            assert sum(row["late"] == OVERDUE for row in rows) >= 3
            shown = page(connection, Asked(), 50)
            assert len(shown) >= 20
            assert sum(bool(row["rating"]) for row in shown) >= 8
            assert sum({one["part"] for one in row["photos"]} == {"report", "result"} for row in shown) >= 8
            assert all(row["answer"] for row in shown)
            assert totals(connection, NOW)["late"] >= 3
            assert (connection.scalar(sa.select(sa.func.max(sa.func.length(report_photo.c.data)))) or 0) < 100_000
