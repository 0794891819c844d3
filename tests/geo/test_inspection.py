"""Inspections: what is right with one, and lines that are added and never changed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from geo.actor import Actor
from geo.fleet import Boat, put_boat
from geo.inspection import Inspection, add_inspection, inspections, inspections_by
from geo.wrong import Wrong
from tests.connections import connected

NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
WHO = Actor("Trần Thị Hoa")
SEAL = Inspection("TTH-91234-TS", NOW - timedelta(hours=2), "Cảng cá Thuận An", "Chi cục Thủy sản Huế", "filed",
                  ("seal", "device"), "Lê Văn An", "12/BB-VPHC", "đã thay kẹp chì, gọi 0905 123 456")  # fmt: skip


@pytest.fixture
def book(database: Any) -> Iterator[sa.Connection]:
    with connected(database.web) as web, web.connect() as connection:
        put_boat(connection, Boat("TTH-91234-TS", 16, "Huế"), WHO, NOW)
        connection.commit()
        yield connection


def test_an_inspection_is_kept_and_told_with_its_numbers_masked(book: Any) -> None:
    number = add_inspection(book, SEAL, WHO, NOW)
    (found,) = inspections(book, "TTH-91234-TS")
    assert (found["id"], found["at"], found["findings"]) == (number, SEAL.at, ["seal", "device"])
    assert "123 456" not in found["note"]
    assert found["note"].startswith("đã thay kẹp chì")
    assert (found["actor"], found["entered_at"]) == ("Trần Thị Hoa", NOW)


def test_a_mistake_is_put_right_by_another_line(book: Any) -> None:
    first = add_inspection(book, SEAL, WHO, NOW)
    right = replace(SEAL, result="reminded", corrects=first)
    second = add_inspection(book, right, WHO, NOW + timedelta(minutes=5))
    assert [row["id"] for row in inspections(book, "TTH-91234-TS")] == [second]
    with pytest.raises(Wrong, match="corrected already"):
        add_inspection(book, replace(right, note="khác"), WHO, NOW)
    whole = NOW - timedelta(days=1), NOW
    assert [row["id"] for row in inspections_by(book, "TTH-91234-TS", *whole, NOW)] == [first]
    later = NOW + timedelta(minutes=5)
    assert [row["id"] for row in inspections_by(book, "TTH-91234-TS", *whole, later)] == [first, second]


def test_with_a_line_of_the_period_go_those_that_it_replaces_or_that_replace_it(book: Any) -> None:
    wrong = add_inspection(book, SEAL, WHO, NOW)
    moved = add_inspection(book, replace(SEAL, at=SEAL.at - timedelta(days=3), corrects=wrong), WHO, NOW)
    other = add_inspection(book, replace(SEAL, at=SEAL.at - timedelta(days=9)), WHO, NOW)
    for start in (SEAL.at - timedelta(hours=1), SEAL.at - timedelta(days=3, hours=1)):
        found = inspections_by(book, "TTH-91234-TS", start, start + timedelta(hours=2), NOW)
        assert [row["id"] for row in found] == [wrong, moved]
    assert other not in {row["id"] for row in found}


def test_one_press_is_one_line_however_often_it_came(book: Any) -> None:
    first = add_inspection(book, SEAL, WHO, NOW)
    assert (
        add_inspection(book, replace(SEAL, at=SEAL.at + timedelta(seconds=5)), WHO, NOW + timedelta(seconds=9)) == first
    )
    assert add_inspection(book, SEAL, Actor("Lê Văn An"), NOW) != first
    assert add_inspection(book, SEAL, WHO, NOW + timedelta(minutes=2)) != first


def test_its_words_are_kept_without_unseen_characters(book: Any) -> None:
    add_inspection(book, replace(SEAL, place="Cảng \u202eThuận\u200b An", unit="gọi 0905 123 456"), WHO, NOW)
    (found,) = inspections(book, "TTH-91234-TS")
    assert found["place"] == "Cảng Thuận An"
    assert "123 456" not in found["unit"]


@pytest.mark.parametrize("statement", ["UPDATE boat_inspection SET result = 'clean'", "DELETE FROM boat_inspection"])
@pytest.mark.parametrize("role", ["web", "owner"])
def test_the_database_refuses_to_change_one(database: Any, book: Any, statement: str, role: str) -> None:
    add_inspection(book, SEAL, WHO, NOW)
    book.commit()
    with (
        connected(getattr(database, role)) as engine,
        engine.connect() as connection,
        pytest.raises(sa.exc.DBAPIError, match=r"append-only|permission denied"),
    ):
        connection.execute(sa.text(statement))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"at": NOW + timedelta(minutes=3)}, "at"),
        ({"place": " "}, "place"),
        ({"unit": "x" * 121}, "unit"),
        ({"result": "fine"}, "result"),
        ({"result": "clean"}, "result"),
        ({"findings": ()}, "findings"),
        ({"findings": ("rust",)}, "findings"),
        ({"note": "a\0b"}, "note"),
        ({"at": datetime(1, 1, 1, tzinfo=UTC)}, "at"),
        ({"unit": "\u202e\u200b"}, "unit"),
        ({"corrects": 99}, "corrects"),
        ({"registration": "TTH-99999-TS"}, "registration"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(book: Any, change: dict[str, Any], field: str) -> None:
    with pytest.raises(Wrong) as error:
        add_inspection(book, replace(SEAL, **change), WHO, NOW)
    assert error.value.field == field
    assert error.value.vi != error.value.en
