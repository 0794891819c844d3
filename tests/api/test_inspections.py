"""Inspections of a boat over HTTP."""

from contextlib import ExitStack

import pytest

from tests.fleet import Fleet

SEAL = {"actor": "Trần Thị Hoa", "place": "Cảng cá Thuận An", "unit": "Chi cục Thủy sản Huế", "result": "filed",
        "findings": ["seal"], "document": "12/BB"}  # fmt: skip


@pytest.fixture
def site(serve, database):
    with ExitStack() as stack:
        served = serve()
        served.fleet = Fleet(database, stack)
        served.fleet.register([1])
        yield served


def test_a_line_is_written_and_stands_in_the_boats_list_and_record(site) -> None:
    path = "/api/v1/vessels/tth 90001/inspections".replace(" ", "%20")
    status, made = site.ask("POST", path, SEAL)
    assert status == 201
    status, rows = site.get(path)
    assert (status, [row["id"] for row in rows], rows[0]["findings"]) == (200, [made["id"]], ["seal"])
    record = site.get(f"/api/v1/vessels/{site.fleet.name(1)}/record?from=2026-11-20T00:00:00Z&to=2026-11-21T00:00:00Z")
    assert [row["document"] for row in record[1]["inspections"]] == ["12/BB"]
    status, words = site.get("/api/v1/inspections/words")
    assert {one["key"] for one in words["results"]} == {"clean", "reminded", "filed"}


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"result": "clean"}, 422, "result"),
        ({"findings": []}, 422, "findings"),
        ({"at": "2999-01-01T00:00:00Z"}, 422, "at"),
        ({"at": "yesterday"}, 422, "at"),
        ({"actor": ""}, 422, "actor"),
        ({"actor": "  "}, 422, "actor"),
        ({"at": "0001-01-01T00:00:00+07:00"}, 422, "at"),
        ({"note": "x" * 2_001}, 422, "note"),
        ({"corrects": 5}, 422, "corrects"),
    ],
)
def test_a_refusal_names_the_field(site, change, status, field) -> None:
    answered, told = site.ask("POST", f"/api/v1/vessels/{site.fleet.name(1)}/inspections", {**SEAL, **change})
    assert answered == status
    assert told["detail"][0]["loc"][-1] == field
    assert site.get(f"/api/v1/vessels/{site.fleet.name(1)}/inspections")[1] == []


def test_a_boat_that_nobody_registered_has_none(site) -> None:
    assert site.get("/api/v1/vessels/TTH-99999-TS/inspections")[0] == 404
    assert site.ask("POST", "/api/v1/vessels/TTH-99999-TS/inspections", SEAL)[0] == 404
