"""Holidays over HTTP: a year's days with their grounds, one day written by name, and what cannot be."""

from datetime import UTC, datetime, tzinfo

import pytest

from api import holidays as room

PATH = "/api/v1/holidays"
DAY = {"actor": "Lan", "kind": "off", "name_vi": "Nghỉ bù", "legal_ref": "Thông báo 3/TB-BNV"}


def test_a_day_is_written_by_name_and_stands_in_its_year(serve) -> None:
    site = serve()
    before = site.get(f"{PATH}?year=2026")[1]
    assert {"2026-01-01", "2026-09-02"} <= {row["day"] for row in before}
    assert all(row["legal_ref"] for row in before)
    status, told = site.ask("PUT", f"{PATH}/2026-12-28", DAY)
    assert (status, told["updated_by"], told["name_en"]) == (200, "Lan", "Nghỉ bù")
    assert len(site.get(f"{PATH}?year=2026")[1]) == len(before) + 1
    assert site.ask("PUT", f"{PATH}/2026-12-28", {**DAY, "kind": "work"})[1]["kind"] == "work"
    for change in ({"legal_ref": " "}, {"kind": "maybe"}, {"actor": " "}, {"certainty": "Z"}):
        assert site.ask("PUT", f"{PATH}/2026-12-28", {**DAY, **change})[0] == 422
    assert site.ask("PUT", f"{PATH}/1999-12-28", DAY)[0] == 422
    assert site.ask("PUT", f"{PATH}/soon", DAY)[0] == 422


class NewYear(datetime):
    """In the first hours of a year at the centre, which has not begun in UTC."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime(2027, 12, 31, 18, tzinfo=UTC).astimezone(tz)


def test_this_year_is_that_of_the_centre(serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "datetime", NewYear)
    site = serve()
    assert site.ask("PUT", f"{PATH}/2028-01-25", DAY)[0] == 200
    assert [row["day"] for row in site.get(PATH)[1]] == ["2028-01-25"]
