from collections import Counter
from datetime import UTC, datetime, timedelta

from geo.account import (
    Account,
    feeds,
    keep_letters,
    minutes,
    minutes_by_source,
    record,
    record_fault,
    record_minutes,
    register_feed,
)
from tests.connections import asked, connected

NOW = datetime(2026, 11, 21, 3, 0, 30, tzinfo=UTC)


def test_accounts_add_up() -> None:
    total = Account(received=3, accepted=2, rejected=Counter(checksum=1))
    total.add(Account(received=2, rejected=Counter(checksum=1, mmsi=1), rows=1))
    assert total.as_dict() == {
        "received": 5, "accepted": 2, "rejected": {"checksum": 2, "mmsi": 1}, "ignored": 0, "messages": 0,
        "positions": 0, "rows": 1,
        "duplicates": 0,
    }  # fmt: skip


def test_a_source_is_known_before_its_first_message_and_keeps_its_counts(database) -> None:
    account = Account(received=10, accepted=8, messages=7, positions=6, rows=5, rejected=Counter(checksum=2))
    with connected(database.ingest) as opened:
        with opened.begin() as connection:
            register_feed(connection, "ais.a", "ais", "vessel", False, 60.0)
            assert [row["last_message_at"] for row in feeds(connection)] == [None]
        for late in (0, 40, 10):
            with opened.begin() as connection:
                record(connection, "ais.a", account, NOW + timedelta(seconds=late))
        with opened.begin() as connection:
            record_fault(connection, "ais.a", "rule slow")
            register_feed(connection, "ais.a", "ais", "vessel", True, 30.0)
            (row,) = feeds(connection)
            assert (row["received"], row["accepted"], row["rejected"]) == (30, 24, {"checksum": 6})
            assert row["last_message_at"] == NOW + timedelta(seconds=40)
            assert (row["faults"], row["simulated"], row["expected_s"]) == ({"rule slow": 1}, True, 30.0)
            at = NOW.replace(second=0)
            record_minutes(connection, "ais.a", {at: 7, at + timedelta(minutes=1): 7})
            record_minutes(connection, "ais.a", {at: 7})
            record_minutes(connection, "ais.a", {})
            assert minutes(connection, at, at + timedelta(minutes=5)) == [
                {"at": at, "messages": 14},
                {"at": at + timedelta(minutes=1), "messages": 7},
            ]
            assert minutes_by_source(connection, at, at + timedelta(minutes=1)) == {"ais.a": 14}


def test_promise_06_a_dead_letter_keeps_the_first_kilobyte(database) -> None:
    with connected(database.ingest) as opened, opened.begin() as connection:
        keep_letters(connection, "ais.a", [("checksum", b"\0\xff" * 1000), ("mmsi", b"!AIVDM")], NOW)
        keep_letters(connection, "ais.a", [], NOW)
    rows = asked(database.web, "SELECT source, reason, raw, at FROM dead_letter ORDER BY id")
    assert [(row["source"], row["reason"], len(row["raw"]), row["at"]) for row in rows] == [
        ("ais.a", "checksum", 1024, NOW),
        ("ais.a", "mmsi", 6, NOW),
    ]
