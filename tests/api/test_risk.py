"""The list of who to look at first over HTTP and as a table."""

import csv
import io
import urllib.request
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from tests.fleet import Fleet


@pytest.fixture
def site(serve, database):
    with ExitStack() as stack:
        served = serve()
        served.fleet = Fleet(database, stack)
        yield served


def test_boats_come_with_their_reasons_in_words(site) -> None:
    site.fleet.register([1, 2])
    with site.fleet.owner.begin() as connection:
        until = {"a": site.fleet.name(2)}
        connection.execute(sa.text("UPDATE boat SET licence_until = '2026-01-31' WHERE registration = :a"), until)
    status, rows = site.get("/api/v1/risks")
    assert status == 200
    (row,) = rows
    assert (row["registration"], row["score"]) == (site.fleet.name(2), 30)
    (reason,) = row["reasons"]
    assert reason["vi"] == "Giấy phép hết hạn ngày 31/01/2026"
    assert reason["en"] == "Licence expired on 31/01/2026"
    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/api/v1/risks.csv") as answer:
        text = answer.read().decode("utf-8-sig")
    (line,) = csv.DictReader(io.StringIO(text))
    assert line["reasons"] == "Giấy phép hết hạn ngày 31/01/2026"
    assert site.get("/api/v1/risks?limit=0")[0] == 422
