import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from geo import track as reading
from geo.archive import close_day
from geo.track import Past, picture, track
from layers.vessel import VESSEL
from tests.connections import connected
from tests.geo.archived import fixes, put

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
DAYS = [date(2026, 11, 10), date(2026, 11, 11), date(2026, 11, 12)]
START, END = datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 13, tzinfo=UTC)
BOAT = 574000003


class Sea:
    """Three days of fixes, of which some may be archived, and how they are read."""

    def __init__(self, place: Any, owner: sa.Engine, ingest: sa.Engine, web: sa.Engine) -> None:
        self.place, self.owner, self.ingest, self.web = place, owner, ingest, web
        self.frame = pd.concat([fixes(day, 2_000, seed=n) for n, day in enumerate(DAYS)], ignore_index=True)
        put(ingest, self.frame)

    def close(self, *days: date) -> None:
        for day in days:
            assert close_day(self.owner, self.place, VESSEL, day, NOW) is not None

    def track(self, key: str = str(BOAT), start: datetime = START, end: datetime = END) -> Past:
        with self.web.connect() as connection:
            return track(connection, self.place, VESSEL, key, start, end)

    def picture(self, at: datetime, box: tuple[float, float, float, float] | None = None) -> Past:
        with self.web.connect() as connection:
            return picture(connection, self.place, VESSEL, at, box)

    def last(self, at: datetime) -> dict[int, tuple[Any, ...]]:
        """The last fix of each boat in the hour before, by pandas alone."""
        hour = self.frame[self.frame["observed_at"].between(at - reading.LOOK_BACK, at)]
        rows = hour.sort_values("observed_at").drop_duplicates("mmsi", keep="last")
        return {row.mmsi: (row.observed_at, row.lon, row.lat) for row in rows.itertuples()}


@pytest.fixture
def sea(database, tmp_path) -> Iterator[Sea]:
    with connected(database.owner) as owner, connected(database.ingest) as ingest, connected(database.web) as web:
        yield Sea(tmp_path / "archive", owner, ingest, web)


@pytest.mark.parametrize("archived", [[], DAYS[:1], DAYS[:2], DAYS], ids=["none", "one", "two", "all"])
def test_a_track_is_the_same_wherever_its_days_lie(sea: Sea, archived: list[date]) -> None:
    before = sea.track().rows()
    sea.close(*archived)
    found = sea.track()
    assert found.missing == ()
    assert found.rows() == before
    mine = sea.frame[sea.frame["mmsi"] == BOAT].sort_values("observed_at")
    assert len(mine) > 200
    assert [(row["observed_at"], row["lon"], row["lat"]) for row in before] == [
        (row.observed_at, row.lon, row.lat) for row in mine.itertuples()
    ]
    assert {type(row["heading"]) for row in found.rows()} == {int, type(None)}
    assert {row["track"] for row in found.rows()} == {2, None}


@pytest.mark.parametrize("archived", [[], DAYS[:1], DAYS], ids=["none", "one", "all"])
def test_the_picture_is_the_same_wherever_its_hour_lies(sea: Sea, archived: list[date]) -> None:
    sea.close(*archived)
    for at in (START + timedelta(hours=9, minutes=17), START + timedelta(days=1, minutes=20)):  # the second in two days
        found = sea.picture(at)
        got = {row["mmsi"]: (row["observed_at"], row["lon"], row["lat"]) for row in found.rows()}
        assert got == sea.last(at)
        assert len(got) > 10


def test_an_object_that_left_the_box_is_not_in_the_picture_of_it(sea: Sea) -> None:
    at = START + timedelta(hours=12)
    for archived in (False, True):
        if archived:
            sea.close(DAYS[0])
        everybody = sea.last(at)
        for box in ((105.0, 8.0, 108.0, 14.0), (110.0, 8.0, 106.0, 20.0)):
            west, south, east, north = box
            inside = {
                key for key, (_, lon, lat) in everybody.items()
                if south <= lat <= north and (west <= lon <= east if west <= east else lon >= west or lon <= east)
            }  # fmt: skip
            assert 0 < len(inside) < len(everybody)
            assert {row["mmsi"] for row in sea.picture(at, box).rows()} == inside


def test_a_span_begins_and_ends_where_it_is_asked_to(sea: Sea) -> None:
    sea.close(*DAYS[:2])
    times = [row["observed_at"] for row in sea.track().rows()]
    found = sea.track(start=times[10].to_pydatetime(), end=times[-10].to_pydatetime())
    assert [row["observed_at"] for row in found.rows()] == times[10:-9]


@pytest.mark.parametrize("damage", ["gone", "cut", "garbage"])
def test_a_file_that_cannot_be_read_is_named_and_the_rest_answers(sea: Sea, damage: str) -> None:
    whole = sea.track().rows()
    sea.close(*DAYS[:2])
    (file,) = (sea.place / "vessel_history" / f"day={DAYS[0]}").glob("part-1.parquet")
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(content[:-100] if damage == "cut" else b"\xff" * len(content))
    found = sea.track()
    assert [str(file) in words for words in found.missing] == [True]
    assert found.rows() == [row for row in whole if row["observed_at"].date() != DAYS[0]]
    assert found.geojson(VESSEL)["missing"] == list(found.missing)


def test_without_the_copy_in_order_of_time_the_picture_is_read_from_the_file_itself(sea: Sea) -> None:
    at = START + timedelta(hours=9)
    sea.close(DAYS[0])
    (copy,) = sea.place.glob("vessel_history/*/*.by-time.parquet")
    copy.unlink()
    assert {row["mmsi"] for row in sea.picture(at).rows()} == set(sea.last(at))


def test_a_file_of_before_a_column_was_there_is_read_too(sea: Sea) -> None:
    import pyarrow.parquet as pq

    from geo.register import by_time

    sea.close(*DAYS[:2])
    file = sea.place / "vessel_history" / f"day={DAYS[0]}" / "part-1.parquet"
    pq.write_table(pq.read_table(file, partitioning=None).drop_columns(["track", "anomaly"]), file)
    by_time(file).unlink()
    with sea.owner.begin() as connection:
        connection.execute(sa.text("UPDATE archive SET size_bytes = :size WHERE day = :day"),
                           {"size": file.stat().st_size, "day": DAYS[0]})  # fmt: skip
    found = sea.track()
    assert found.missing == ()
    assert len(found.fixes) == (sea.frame["mmsi"] == BOAT).sum()
    assert {row["track"] for row in found.rows() if row["observed_at"].date() == DAYS[0]} == {None}


def test_a_day_that_moves_between_the_two_questions_is_counted_once(sea: Sea, monkeypatch) -> None:
    whole = sea.track().rows()
    real, asked = reading.registered, []

    def moving(*args: Any) -> Any:
        found = real(*args)
        asked.append(len(found))
        if len(asked) == 1:
            threading.Thread(target=sea.close, args=DAYS[:1]).start()
            for thread in threading.enumerate():
                if thread is not threading.current_thread() and thread.name.endswith("(close)"):
                    thread.join(60)
        return found

    monkeypatch.setattr(reading, "registered", moving)
    with sea.web.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        found = track(connection, sea.place, VESSEL, str(BOAT), START, END)
    assert asked == [0, 1, 1]
    assert found.rows() == whole


def test_many_threads_read_at_once(sea: Sea) -> None:
    sea.close(*DAYS)
    expected = {key: sea.track(key).rows() for key in (str(BOAT), "574000004")}
    wrong: list[str] = []

    def ask(key: str) -> None:
        for _ in range(5):
            if sea.track(key).rows() != expected[key]:
                wrong.append(key)

    threads = [threading.Thread(target=ask, args=(key,)) for key in expected for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_a_track_is_in_time_order_and_thinned_with_its_ends_kept(sea: Sea, monkeypatch) -> None:
    sea.close(DAYS[1])
    times = [row["observed_at"] for row in sea.track().rows()]
    assert times == sorted(times)
    monkeypatch.setattr(reading, "TRACK_POINTS_MAX", 10)
    thinned = [row["observed_at"] for row in sea.track().rows()]
    assert (thinned[0], thinned[-1]) == (times[0], times[-1])
    assert 5 <= len(thinned) <= 11


@pytest.mark.parametrize("key", ["none", "", "999999999", "1e3"])
def test_who_was_never_heard_has_no_track(sea: Sea, key: str) -> None:
    sea.close(DAYS[0])
    assert sea.track(key).rows() == []
