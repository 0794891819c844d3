"""A record that its sender tells again is stored once, by the sender's own id of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from tests.connections import connected
from tests.ingest.test_vms_worker import OURS, UNFITTED, batch, lane, sea  # noqa: F401 # a fixture

NOW = datetime.now(UTC).replace(microsecond=0)


def fix(ago_min: float, record_id: str | None = None, lon: float = 108.0, registration: str = OURS) -> bytes:
    own = f', "record_id": "{record_id}"' if record_id else ""
    at = f"{NOW - timedelta(minutes=ago_min):%Y-%m-%dT%H:%M:%SZ}"
    return f'{{"registration": "{registration}", "observed_at": "{at}", "lon": {lon}, "lat": 16.8{own}}}'.encode()


def stored(sea: Any) -> list[float]:  # noqa: F811 # the fixture's value
    return [row["lon"] for row in sea.ask("SELECT ST_X(geom) AS lon FROM vms_history ORDER BY observed_at")]


def test_the_same_id_is_stored_once_in_one_batch_in_two_and_after_all_is_committed(sea: Any, work: Any) -> None:  # noqa: F811
    # Each is another fix, so that nothing but its id could tell.
    first = batch(sea, fix(30, "a", 108.0), fix(29, "a", 108.1), fix(28, None, 108.2))
    second = batch(sea, fix(27, "a", 108.3), fix(26, "b", 108.4), fix(25, None, 108.5))
    work(first, second, lanes=(lane(),))
    assert stored(sea) == [108.0, 108.2, 108.4, 108.5]
    work(batch(sea, fix(24, "b", 108.6), fix(23, "c", 108.7)), lanes=(lane(),))
    assert stored(sea) == [108.0, 108.2, 108.4, 108.5, 108.7]
    (feed,) = sea.ask("SELECT received, accepted, positions, rows, duplicates, rejected FROM feed")
    assert feed == {"received": 8, "accepted": 8, "positions": 8, "rows": 5, "duplicates": 3, "rejected": {}}


def test_another_sender_s_id_is_another_id(sea: Any, work: Any) -> None:  # noqa: F811
    work(batch(sea, fix(30, "a")), lanes=(lane(),))
    work(batch(sea, fix(29, "a", 108.1), source="vms.push.other"), lanes=(lane("vms.push.other"),))
    assert stored(sea) == [108.0, 108.1]


def test_what_was_refused_has_not_used_up_its_id(sea: Any, work: Any) -> None:  # noqa: F811
    work(batch(sea, fix(30, "a", registration="TTH-99999-TS"), fix(29, "b")), lanes=(lane(),))
    assert sea.ask("SELECT record_id FROM told_record") == [{"record_id": "b"}]
    work(batch(sea, fix(30, "a", registration=UNFITTED)), lanes=(lane(),))
    assert len(stored(sea)) == 2


def test_what_the_database_refused_has_not_used_up_its_id(sea: Any, work: Any) -> None:  # noqa: F811
    check = "ALTER TABLE vms ADD CONSTRAINT odd CHECK (shipname IS DISTINCT FROM 'odd') NOT VALID"
    odd = fix(29, "b", 108.1).replace(b"{", b'{"shipname": "odd", ', 1)
    with connected(sea.database.owner) as owner, owner.begin() as connection:
        connection.execute(sa.text(check))
    try:
        work(batch(sea, fix(30, "a"), odd, fix(28, "c", 108.2)), lanes=(lane(),))
        assert stored(sea) == [108.0, 108.2]
        assert sea.ask("SELECT record_id FROM told_record ORDER BY 1") == [{"record_id": "a"}, {"record_id": "c"}]
    finally:
        with connected(sea.database.owner) as owner, owner.begin() as connection:
            connection.execute(sa.text("ALTER TABLE vms DROP CONSTRAINT odd"))
    work(batch(sea, fix(30, "a"), odd), lanes=(lane(),))
    assert stored(sea) == [108.0, 108.1, 108.2]
    (feed,) = sea.ask("SELECT rows, duplicates, faults FROM feed")
    assert feed == {"rows": 3, "duplicates": 1, "faults": {"refused_by_database": 1}}


def test_a_batch_that_comes_again_after_a_crash_is_known_by_the_ledger_first(sea: Any, work: Any) -> None:  # noqa: F811
    one = batch(sea, fix(30, "a"))
    work(one, one, lanes=(lane(),))
    work(one, lanes=(lane(),))
    assert sea.ask("SELECT received, duplicates FROM feed") == [{"received": 1, "duplicates": 0}]
