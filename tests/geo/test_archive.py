import re
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from geo import account, archive, geoparquet
from geo.archive import ArchiveError, close_day, expire, partitions, sweep
from geo.figure import put_figures, seeds
from geo.history import append
from geo.register import Part, registered
from geo.retention import Policy, retain
from layers.vessel import VESSEL
from settings import Settings
from tests.connections import asked, connected, told
from tests.geo.archived import fixes, in_table, put

NOW = datetime(2026, 11, 21, 19, tzinfo=UTC)
DAY = date(2026, 11, 10)
LONG_AGO, EVER_AFTER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Port:
    """A database, its archive's directory, and the two roles at work there."""

    def __init__(self, url: Any, place: Path, owner: sa.Engine, ingest: sa.Engine) -> None:
        self.url, self.place, self.owner, self.ingest = url, place, owner, ingest

    def close(self, day: date = DAY) -> Part | None:
        return close_day(self.owner, self.place, VESSEL, day, NOW)

    def parts(self) -> list[Part]:
        with self.owner.connect() as connection:
            return registered(connection, VESSEL, LONG_AGO, EVER_AFTER)

    def counted(self) -> int:
        """Fixes that readers count: those in the table and those in registered files."""
        files = sum(pq.read_metadata(self.place / part.file).num_rows for part in self.parts())
        return len(in_table(self.owner)) + files

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.place)) for path in self.place.glob("vessel_history/*/*"))

    def run(self, policy: Policy | None = None, now: datetime = NOW, dry_run: bool = False) -> list[str]:
        return list(retain(self.owner, self.place, [VESSEL], policy or Policy(), now, dry_run))


@pytest.fixture
def port(database, tmp_path) -> Iterator[Port]:
    with connected(database.owner) as owner, connected(database.ingest) as ingest:
        yield Port(database, tmp_path / "archive", owner, ingest)


def test_a_closed_day_is_in_the_file_row_by_row_as_it_was_in_the_table(port: Port) -> None:
    put(port.ingest, fixes(DAY, 5_000))
    before = in_table(port.owner)
    part = port.close()
    assert part is not None
    assert (part.rows, part.file) == (5_000, "vessel_history/day=2026-11-10/part-1.parquet")
    assert in_table(port.owner) == []
    with port.owner.connect() as connection:
        assert partitions(connection, VESSEL) == []
    names = [c.name for c in VESSEL.latest.c if c.name in VESSEL.fix_columns()]
    found = pq.read_table(port.place / part.file).select(names).to_pylist()
    assert [tuple(row.values()) for row in found] == before  # every value to its last bit, nulls and odd texts too
    assert (part.first_at, part.last_at) == (min(r["observed_at"] for r in found), max(r["observed_at"] for r in found))
    assert part.size_bytes == (port.place / part.file).stat().st_size
    assert port.parts() == [part]


def test_a_file_is_geoparquet_that_others_read(port: Port) -> None:
    frame = fixes(DAY, 300)
    put(port.ingest, frame)
    part = port.close()
    assert part is not None
    found = geopandas.read_parquet(port.place / part.file)
    assert found.crs.to_epsg() == 4326
    assert set(found.geom_type) == {"Point"}
    assert (found.geometry.x == found["lon"]).all()
    assert (found.geometry.y == found["lat"]).all()
    assert found[["mmsi", "observed_at"]].apply(tuple, axis=1).is_monotonic_increasing
    assert tuple(found.total_bounds) == (frame["lon"].min(), frame["lat"].min(), frame["lon"].max(), frame["lat"].max())


STEPS = ["write", "content", "write_by_time", "describe", "_register_and_drop", "_swap", "sha256"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_broken_off_at_any_step_a_day_is_in_the_table_or_registered_and_the_next_run_finishes(
    port: Port, monkeypatch, step: str, when: str
) -> None:
    put(port.ingest, fixes(DAY, 500))
    real = getattr(archive, step)

    def broken(*args: Any) -> Any:
        if when == "after":
            real(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(archive, step, broken)
        with pytest.raises(KeyboardInterrupt):
            port.close()
    assert port.counted() == 500
    port.run()
    assert port.counted() == 500
    assert in_table(port.owner) == []
    assert [part.rows for part in port.parts()] == [500]
    name = port.parts()[0].file
    assert port.files() == sorted([name, name.replace(".parquet", ".by-time.parquet")])


def test_a_disk_that_is_full_in_mid_copy_leaves_the_day_in_its_table(port: Port, monkeypatch) -> None:
    put(port.ingest, fixes(DAY, 60_000))  # more than one block of the COPY

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(geoparquet, "ROW_GROUP", 1_000)
    with monkeypatch.context() as patch:
        patch.setattr(pq.ParquetWriter, "write_table", full)
        with pytest.raises(OSError, match="No space"):
            port.close()
    assert (len(in_table(port.owner)), port.parts()) == (60_000, [])
    port.run()
    assert port.counted() == 60_000
    assert len(port.files()) == 2


def test_a_late_fix_goes_to_a_new_table_and_then_to_a_second_part(port: Port) -> None:
    put(port.ingest, fixes(DAY, 200))
    port.close()
    put(port.ingest, fixes(DAY, 3, seed=2))
    assert len(in_table(port.owner)) == 3
    second = port.close()
    assert second is not None
    assert (second.part, second.rows) == (2, 3)
    assert port.counted() == 203
    assert len(port.files()) == 4


def test_a_fix_that_comes_while_the_day_is_copied_is_copied_too(port: Port, monkeypatch) -> None:
    put(port.ingest, fixes(DAY, 200))
    real = archive.describe

    def late(*args: Any) -> Part:
        monkeypatch.setattr(archive, "describe", real)
        put(port.ingest, fixes(DAY, 1, seed=3))
        return real(*args)

    monkeypatch.setattr(archive, "describe", late)
    part = port.close()
    assert part is not None
    assert part.rows == port.counted() == 201


def test_a_worker_that_found_the_days_table_waits_for_no_dropped_one(port: Port) -> None:
    """Between a worker's look for the partition and its COPY the day is archived: a conflict, and then it is redone."""
    put(port.ingest, fixes(DAY, 200))
    port.close()
    with pytest.raises(sa.exc.OperationalError, match="archived in between"), port.ingest.begin() as connection:
        append(connection, VESSEL, fixes(DAY, 1, seed=4))
    put(port.ingest, fixes(DAY, 1, seed=4))
    assert port.counted() == 201


def test_a_worker_in_mid_transaction_holds_up_the_drop_and_loses_nothing(port: Port) -> None:
    put(port.ingest, fixes(DAY, 200))
    worker = port.ingest.connect()
    transaction = worker.begin()
    append(worker, VESSEL, fixes(DAY, 7, seed=5))
    closing = threading.Thread(target=port.close)
    closing.start()
    closing.join(1.0)
    assert closing.is_alive()
    transaction.commit()
    worker.close()
    closing.join(60)
    assert not closing.is_alive()
    assert port.counted() == 207
    assert in_table(port.owner) == []


def test_a_file_that_differs_from_the_table_is_not_registered(port: Port, monkeypatch) -> None:
    put(port.ingest, fixes(DAY, 200))
    real = archive.write

    def spoilt(path: Path, shape: Any, tables: Any) -> int:
        return real(path, shape, (table.set_column(table.column_names.index("speed"), "speed", table["lon"])
                                  for table in tables))  # fmt: skip

    monkeypatch.setattr(archive, "write", spoilt)
    with pytest.raises(ArchiveError, match="checksum"):
        port.close()
    assert port.parts() == []
    assert len(in_table(port.owner)) == 200
    assert any("NOT archived" in line for line in port.run())


def test_a_run_archives_what_is_old_enough_and_says_so(port: Port) -> None:
    for back in (9, 8, 7, 0):
        put(port.ingest, fixes((NOW - timedelta(days=back)).date(), 50, seed=back))
    due = port.run(dry_run=True)
    assert [line[-40:] for line in due] == [
        "vessel_history 2026-11-12 is due to be archived"[-40:],
        "vessel_history 2026-11-13 is due to be archived"[-40:],
    ]
    assert port.parts() == []
    assert len(port.run()) == 2
    assert [part.day.day for part in port.parts()] == [12, 13]
    assert port.run() == []
    assert port.counted() == 200


def test_files_are_deleted_after_36_months_and_never_younger_ones(port: Port) -> None:
    ages = [date(2023, 11, 20), date(2023, 11, 21), date(2023, 11, 22)]
    for day in ages:
        put(port.ingest, fixes(day, 20))
        port.close(day)
    said = port.run()
    assert [re.findall(r"day=\S+", line) for line in said] == [["day=2023-11-20/part-1.parquet"]]
    assert [part.day for part in port.parts()] == ages[1:]
    assert not any("2023-11-20" in name for name in port.files())
    gone = asked(port.url.owner, "SELECT day, rows, deleted_at FROM archive WHERE deleted_at IS NOT NULL")
    assert gone == [{"day": ages[0], "rows": 20, "deleted_at": NOW}]
    with port.owner.connect() as connection:
        assert sweep(connection, port.place, VESSEL) == ([], [])


def test_fewer_than_36_months_are_refused_with_the_reason(port: Port, monkeypatch) -> None:
    with pytest.raises(ValueError, match="Decree 41/2026"):
        Policy(retention_months=35)
    with pytest.raises(ValueError, match="Decree 41/2026"):
        expire(port.owner, port.place, VESSEL, 35, NOW)
    monkeypatch.setenv("HAIDANG_RETENTION_MONTHS", "35")
    with pytest.raises(ValidationError, match="Decree 41/2026"):
        Settings()


def test_a_finished_file_of_another_database_is_left_alone(port: Port) -> None:
    strange = port.place / "vessel_history" / "day=2026-01-01" / "part-1.parquet"
    strange.parent.mkdir(parents=True)
    strange.write_bytes(b"evidence")
    assert [line for line in port.run() if "left alone" in line] == [
        f"{strange} left alone: it is not registered in this database"
    ]
    assert strange.exists()
    put(port.ingest, fixes(date(2026, 1, 1), 5))
    with port.owner.connect() as connection:
        assert sweep(connection, port.place, VESSEL) == ([strange], [])


def test_only_one_run_at_a_time(port: Port) -> None:
    put(port.ingest, fixes(DAY, 20))
    first = retain(port.owner, port.place, [VESSEL], Policy(), NOW)
    assert "20 rows" in next(first)
    with pytest.raises(ArchiveError, match="another run"):
        port.run()
    assert list(first) == []
    assert port.run() == []


def test_promise_06_dead_letters_are_bounded_by_age_and_number_and_then_only_counted(port: Port, monkeypatch) -> None:
    monkeypatch.setattr(account, "LETTERS_MAX", 100)
    with port.ingest.begin() as connection:
        account.keep_letters(connection, "ais.a", [("old", b"x")] * 10, NOW - timedelta(days=31))
        account.keep_letters(connection, "ais.a", [("checksum", b"x")] * 70, NOW)
        account.keep_letters(connection, "ais.a", [("mmsi", b"x")] * 70, NOW)
        account.keep_letters(connection, "ais.a", [("mmsi", b"x")], NOW)

    def kept() -> dict[str, int]:
        rows = asked(port.url.web, "SELECT reason, count(*) AS number FROM dead_letter GROUP BY reason")
        return {row["reason"]: row["number"] for row in rows}

    assert kept() == {"old": 10, "checksum": 70, "mmsi": 20}
    port.run()
    assert kept() == {"checksum": 70, "mmsi": 20}
    port.run(Policy(dead_letter_rows=30))
    assert kept() == {"checksum": 10, "mmsi": 20}
    with port.ingest.begin() as connection:
        account.keep_letters(connection, "ais.a", [("time_range", b"x")] * 90, NOW)
    assert kept() == {"checksum": 10, "mmsi": 20, "time_range": 70}


def test_the_ledger_keeps_each_sources_last_week_of_work_however_long_ago(port: Port) -> None:
    for source, ages in {"ais.busy": (0, 6, 8, 20), "ais.silent": (40, 46, 48)}.items():
        for number, age in enumerate(ages):
            told(
                port.url.owner,
                "INSERT INTO ledger (source, boot, seq, received, accepted, ignored, messages, positions, rows, "
                "rejected, committed_at) VALUES (:source, 'b', :seq, 1, 1, 0, 1, 1, 1, '{}', :at)",
                source=source, seq=number, at=NOW - timedelta(days=age),
            )  # fmt: skip
    assert port.run() == ["3 rows of ledger deleted"]
    rows = asked(port.url.owner, "SELECT source, seq FROM ledger ORDER BY source, seq")
    assert [(row["source"], row["seq"]) for row in rows] == [
        ("ais.busy", 0), ("ais.busy", 1), ("ais.silent", 0), ("ais.silent", 1),
    ]  # fmt: skip


def test_minutes_are_kept_as_long_as_positions(port: Port) -> None:
    with port.ingest.begin() as connection:
        account.record_minutes(connection, "ais.a", {NOW - timedelta(days=1100): 1, NOW - timedelta(days=1090): 2})
    assert port.run() == ["1 rows of minute deleted"]


def test_plates_of_events_that_led_to_nothing_go_first_and_the_events_later(port: Port) -> None:
    def event(name: str, days: int, state: str = "detected") -> None:
        told(
            port.url.owner,
            "WITH one AS (INSERT INTO camera_event"
            " (sender, record_id, camera, type, occurred_at, received_at, plate, state, state_at)"
            " VALUES ('s', :name, 'c', 'red_light', :at, :at, '75•45', :state, :at) RETURNING id)"
            " INSERT INTO camera_plate (event_id, plate) SELECT id, '75A12345' FROM one",
            name=name,
            at=NOW - timedelta(days=days),
            state=state,
        )

    for name, days, state in (
        ("new", 80, "detected"), ("old", 100, "detected"), ("refused", 100, "false"), ("fined", 400, "confirmed"),
        ("ancient", 400, "detected"), ("seen", 400, "reviewed"),
    ):  # fmt: skip
        event(name, days, state)
    told(
        port.url.owner,
        "INSERT INTO camera_event_entry (event_id, deed, at, actor, actor_kind)"
        " SELECT id, 'review', now(), 'An', 'user' FROM camera_event WHERE record_id = 'seen'",
    )
    assert port.run() == []  # without figures nothing is known of how long
    with port.owner.begin() as connection:
        put_figures(connection, seeds())
    assert port.run(dry_run=True)[0] == "4 rows of camera_plate are due to be deleted"
    assert port.run() == ["4 rows of camera_plate deleted", "1 rows of camera_event deleted"]
    left = asked(
        port.url.owner,
        "SELECT record_id, plate.plate FROM camera_event LEFT JOIN camera_plate AS plate ON event_id = id ORDER BY id",
    )
    assert {row["record_id"]: row["plate"] for row in left} == {
        "new": "75A12345", "old": None, "refused": None, "fined": "75A12345", "seen": None,
    }  # fmt: skip
