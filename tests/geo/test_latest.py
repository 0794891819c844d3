import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from geo import latest
from geo.column import STAMP, conform
from layers.vessel import VESSEL
from run.process import wait_for
from tests.connections import asked, connected

T0 = datetime(2026, 11, 21, 1, tzinfo=UTC)
BOAT, OTHER = 574_000_001, 574_000_002
COLUMNS = ("speed", "shipname", "ship_type", "imo", "simulated", "accuracy")


def when(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    """Rows as the pipeline has them: of one source, received a second after the newest was observed."""
    made = pd.DataFrame([{"lon": np.nan, "lat": np.nan, **row} for row in rows])
    made["observed_at"] = pd.to_datetime([when(row["at"]) for row in rows]).astype(STAMP)
    made["received_at"] = (made["observed_at"].max() + pd.Timedelta(seconds=1)).as_unit("us")
    return conform(made.drop(columns="at").assign(source="ais.test", simulated=False), VESSEL.latest)


def fix(at: float, mmsi: int = BOAT, lon: float = 107.5, **fields: Any) -> dict[str, Any]:
    return {"at": at, "mmsi": mmsi, "lon": lon, "lat": 16.5, **fields}


@pytest.fixture
def connection(database) -> Iterator[sa.Connection]:
    with connected(database.ingest) as opened, opened.connect() as made:
        yield made


def store(connection: sa.Connection, batch: pd.DataFrame, columns: tuple[str, ...] = COLUMNS) -> tuple[Any, Any]:
    with connection.begin():
        before = latest.lock(connection, VESSEL, batch["mmsi"].to_numpy(), "ais.test", T0, columns)
        return before, latest.write(connection, VESSEL, batch, columns)


def test_a_new_boat_has_an_empty_state_before_and_its_fix_after(connection) -> None:
    before, after = store(connection, frame(fix(10, speed=7.5, accuracy=True), fix(12, OTHER)))
    assert before.index.tolist() == after.index.tolist() == before["mmsi"].tolist() == [BOAT, OTHER]
    assert before[["observed_at", "lon", "lat", "speed", "shipname", "imo"]].isna().all(axis=None)
    state = after.loc[BOAT]
    assert (state["observed_at"], state["lon"], state["lat"], state["speed"]) == (when(10), 107.5, 16.5, 7.5)
    assert (state["received_at"], state["source"]) == (when(13), "ais.test")
    assert (state["simulated"], state["accuracy"]) == (False, True)
    assert after["observed_at"].dtype == before["observed_at"].dtype == STAMP
    assert after["speed"].dtype == before["speed"].dtype == "float64"


def test_only_what_is_asked_for_is_read(connection) -> None:
    before, after = store(connection, frame(fix(10)), columns=("shipname", "no_such_column", "mmsi"))
    always = ["mmsi", "observed_at", "received_at", "source", "simulated", "shipname", "lon", "lat"]
    assert list(before) == list(after) == always


def test_a_fix_replaces_the_one_before_as_a_whole_and_an_older_one_nothing(connection) -> None:
    store(connection, frame(fix(10, speed=7.5, heading=90)))
    before, after = store(connection, frame(fix(11, lon=107.6, heading=91)))
    assert before.loc[BOAT, "speed"] == 7.5
    assert np.isnan(after.loc[BOAT, "speed"])
    _, after = store(connection, frame(fix(5, lon=100.0, speed=1.0)))
    assert (after.loc[BOAT, "observed_at"], after.loc[BOAT, "lon"]) == (when(11), 107.6)
    assert after.loc[BOAT, "received_at"] == when(6)  # it was heard, and when
    _, after = store(connection, frame(fix(11, lon=107.7)))  # as old as the one there: the one that came last
    assert after.loc[BOAT, "lon"] == 107.7


def test_of_one_batch_the_newest_fix_and_of_equals_the_last_stays(connection) -> None:
    rows = [fix(10, lon=107.1), fix(11, OTHER), fix(12, lon=107.2), fix(12, lon=107.3), {"at": 13, "mmsi": BOAT}]
    _, after = store(connection, frame(*rows))
    assert (after.loc[BOAT, "observed_at"], after.loc[BOAT, "lon"]) == (when(12), 107.3)


def test_descriptions_are_kept_column_by_column(connection) -> None:
    named = {"at": 10, "mmsi": BOAT, "shipname": "TTH-91234-TS", "ship_type": 30, "imo": 9_074_729}
    _, after = store(connection, frame(named, {"at": 11, "mmsi": BOAT, "shipname": None, "ship_type": 31}))
    state = after.loc[BOAT]
    assert (state["shipname"], state["ship_type"], state["imo"]) == ("TTH-91234-TS", 31, 9_074_729)
    assert pd.isna(state["observed_at"])
    _, after = store(connection, frame(fix(20, speed=3.0), fix(21, OTHER, shipname="OTHER")))
    assert after["shipname"].tolist() == ["TTH-91234-TS", "OTHER"]
    assert after["ship_type"].tolist()[0] == 31
    (row,) = connection.execute(sa.text("SELECT described_at FROM vessel WHERE mmsi = :mmsi"), {"mmsi": BOAT}).all()
    assert row.described_at == when(11)


def test_a_batch_whose_every_row_was_dropped_changes_nothing(connection) -> None:
    store(connection, frame(fix(10)))
    _, after = store(connection, frame(fix(20)).iloc[:0])
    assert after.empty
    assert list(after) == ["mmsi", *latest.ALWAYS, *[name for name in COLUMNS if name != "simulated"], "lon", "lat"]


def test_whole_numbers_of_64_bits_are_exact(connection) -> None:
    prints = pd.array([2**62 + 1, None], "Int64")
    _, after = store(connection, frame(fix(10), fix(10, OTHER)).assign(fingerprint=prints), ("fingerprint",))
    assert after["fingerprint"].tolist() == [2**62 + 1, pd.NA]


def test_the_merge_is_that_of_one_record_after_the_other(connection) -> None:
    """Batches at random against a plain dictionary that is told record by record."""
    random = np.random.default_rng(5)
    state: dict[int, dict[str, Any]] = {}
    compared = ("lon", "speed", "shipname", "ship_type")
    for number in range(12):
        rows = []
        for at in np.sort(random.integers(number * 5, number * 5 + 20, 40)).tolist():
            row: dict[str, Any] = {"at": at, "mmsi": BOAT + int(random.integers(15)), "shipname": None}
            if random.random() < 0.7:
                row |= fix(at, row["mmsi"], float(random.integers(100, 110)))
                row |= {"speed": float(random.integers(20)) if random.random() < 0.8 else None}
            if random.random() < 0.4:
                row |= {"shipname": f"N{random.integers(9)}" if random.random() < 0.5 else None, "ship_type": 30.0}
            rows.append(row)
        batch = frame(*rows)
        _, after = store(connection, batch)
        for row in rows:
            own = state.setdefault(row["mmsi"], dict.fromkeys(("at", "lon", "speed", "shipname", "ship_type")))
            if "lon" in row and (own["at"] is None or row["at"] >= own["at"]):
                own |= {"at": row["at"], "lon": row["lon"], "speed": row["speed"]}
            own |= {name: row[name] for name in ("shipname", "ship_type") if row.get(name) is not None}
        assert set(after.index) == set(batch["mmsi"])
        told = after.astype(object).where(after.notna(), None)
        for mmsi, row in told.iterrows():
            want = state[int(str(mmsi))]
            assert {name: row[name] for name in compared} == {name: want[name] for name in compared}
            assert row["observed_at"] == (None if want["at"] is None else when(want["at"]))


def test_the_state_of_a_rolled_back_batch_is_forgotten(connection) -> None:
    with connection.begin() as transaction:
        latest.lock(connection, VESSEL, np.array([BOAT, OTHER]), "ais.test", T0)
        transaction.rollback()
    _, after = store(connection, frame(fix(10), fix(10, OTHER)))
    assert len(after) == 2
    with connection.begin(), connection.begin_nested() as part:
        latest.lock(connection, VESSEL, np.array([BOAT + 9]), "ais.test", T0)
        part.rollback()
    _, after = store(connection, frame(fix(10, BOAT + 9)))
    assert after.index.tolist() == [BOAT + 9]


def test_the_second_batch_reads_what_the_first_has_committed(database) -> None:
    with connected(database.ingest) as opened, opened.connect() as first, opened.connect() as second:
        store(second, frame(fix(1)))
        transaction = first.begin()
        latest.lock(first, VESSEL, np.array([BOAT, OTHER]), "ais.test", T0)
        got: list[Any] = []
        thread = threading.Thread(target=lambda: got.extend(store(second, frame(fix(20, OTHER), fix(20)))))
        thread.start()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        assert wait_for(lambda: asked(database.superuser, waiting)[0]["count"] > 0, 20)
        latest.write(first, VESSEL, frame(fix(10), fix(11, OTHER)))
        transaction.commit()
        thread.join(20)
    before, after = got
    assert before["observed_at"].tolist() == [when(10), when(11)]
    assert after["observed_at"].tolist() == [when(20), when(20)]


def test_many_who_hear_the_same_new_boats_wait_in_no_ring(database) -> None:
    """Each batch knows some of the boats already and brings new ones below and above them, in every order."""
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        random = np.random.default_rng(seed)
        try:
            with connected(database.ingest) as opened, opened.connect() as connection:
                for at in range(25):
                    boats = BOAT + random.choice(20 + 8 * at, 20 + 4 * at, replace=False)
                    store(connection, frame(*[fix(at, int(boat)) for boat in boats]))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert asked(database.owner, "SELECT count(*) FROM vessel WHERE geom IS NULL")[0]["count"] == 0
