import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from geo.account import keep_letters, register_feed
from ingest.pipeline import REFUSED
from ingest.worker import NO_BATCH
from run.letters import visible
from tests.connections import asked, connected
from tests.ingest.conftest import (
    bench,  # noqa: F401 # a fixture
    drain,
)
from tests.nmea import position, sentences
from tests.program import CLEAN, ROOT

EARLIER = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


def test_what_could_harm_a_terminal_is_shown_and_not_obeyed() -> None:
    assert visible(b"!AIVDM\x1b[2J\r\n\0") == r"!AIVDM\x1b[2J\r\n\x00"
    assert visible("tàu \u202exyz\u2066\u200b\u2028".encode()) == r"tàu \u202exyz\u2066\u200b\u2028"
    assert visible(b"\xff\xfe\x80") == r"\xff\xfe\x80"
    assert visible("\x85\U000e0041".encode()) == r"\x85\U000e0041"


def letters(bench, *words: str) -> "subprocess.Popen[str]":  # noqa: F811 # the fixture's value
    return subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), "dead-letters", *words],
        env={**CLEAN, **bench.database.environment(), "REDIS_URL": bench.redis_url},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def told(program: "subprocess.Popen[str]") -> dict:
    out, err = program.communicate(timeout=120)
    assert program.returncode == 0, err
    return json.loads(out)


@pytest.fixture
def refused(bench):  # noqa: F811
    """A boat's position and a name in two parts, refused by mistake; and what can never be put back."""
    name = sentences(5, 574_000_002, shipname="TTH-90002-TS", seq_id=3)
    with connected(bench.database.ingest) as opened, opened.begin() as connection:
        register_feed(connection, "ais.test", "ais", "vessel", False, 60.0)
        once = [("mistake", position(574_000_001, 107.5, 16.5)), *(("incomplete", part) for part in name)]
        keep_letters(connection, "ais.test", [*once, ("checksum", b"!AIVDM,1,1,,A,\x1b[2Jx,0*00")], EARLIER)
        for reason, raw in ((REFUSED, b'{"mmsi": 1}'), (NO_BATCH, b"{}"), ("too_long", b"y" * 5000)):
            keep_letters(connection, "ais.test", [(reason, raw)], EARLIER)
        keep_letters(connection, "gone.away", [("checksum", b"x")], EARLIER)
    return bench


def test_what_a_key_was_refused_for_another_s_is_never_put_back(bench) -> None:  # noqa: F811
    at = "2026-11-20T02:59:00Z"
    record = f'{{"registration": "TTH-91234-TS", "observed_at": "{at}", "lon": 108.0, "lat": 16.8}}'.encode()
    line = f"TTH-91234-TS,,{at},108,16.8".encode()
    with connected(bench.database.ingest) as opened, opened.begin() as connection:
        register_feed(connection, "vms.push.vnpt", "vms", "vms", False, 60.0)
        refused = [("provider", record), ("not_csv", line + b",,,,,,"), ("not_csv", line + b"\n" + line),
                   ("not_object", b"[1]"), ("not_json", record + b"\n" + record),
                   ("unknown_vessel", record)]  # fmt: skip
        keep_letters(connection, "vms.push.vnpt", refused, EARLIER)
    counted = told(letters(bench, "replay", "--json"))
    assert counted == {
        "letters": 6, "no record by itself": 4, "not for its key to say": 1, "replayable": 1, "replayed": 0,
    }  # fmt: skip


def test_what_a_broker_retained_without_a_time_is_never_put_back(bench) -> None:  # noqa: F811
    with connected(bench.database.ingest) as opened, opened.begin() as connection:
        register_feed(connection, "environment.mqtt", "environment", "environment", False, 60.0)
        keep_letters(connection, "environment.mqtt", [("retained_undated", b'{"id": "S1", "pm25": 1}')], EARLIER)
    assert told(letters(bench, "replay", "--json")) == {"letters": 1, "says no time": 1, "replayed": 0}


def test_letters_are_listed_by_source_and_reason(refused) -> None:
    everything = told(letters(refused, "list", "--json"))
    assert (everything["number"], len(everything["letters"])) == (8, 8)
    assert [row["text"] for row in everything["letters"] if row["reason"] == "checksum"] == [
        r"!AIVDM,1,1,,A,\x1b[2Jx,0*00", "x",
    ]  # fmt: skip
    assert [row["reason"] for row in everything["letters"] if row["cut"]] == ["too_long"]
    some = told(letters(refused, "list", "--reason", "incomplete", "--limit", "1", "--json"))
    assert (some["number"], len(some["letters"])) == (2, 1)
    assert told(letters(refused, "list", "--since", "2026-11-20T03:00:01", "--json"))["number"] == 0
    out, err = letters(refused).communicate(timeout=60)
    assert len(out.splitlines()) == 8
    assert "2026-11-20 03:00:00Z  ais.test" in out
    assert err == "8 of 8 dead letters\n"


def test_letters_are_put_back_once_each_and_accounted_for(refused) -> None:
    worker = refused.worker(refused.lane())
    expected = {"letters": 8, "replayable": 4, "cut": 1, "not the sender's bytes": 2, "of no known source": 1}
    assert told(letters(refused, "replay", "--json")) == {**expected, "replayed": 0}
    assert drain(worker) == 0

    words = ("replay", "--apply", "--json")
    together = (*words, "--reason", "incomplete")
    with letters(refused, *together) as first, letters(refused, *together) as second:
        while first.poll() is None or second.poll() is None:
            drain(worker)
        assert sorted(told(each)["replayed"] for each in (first, second)) == [0, 2]
    with letters(refused, *words) as rest:
        while rest.poll() is None:
            drain(worker)
        answer = told(rest)
    assert answer["replayed"] == 2
    account = answer["accounts"]["ais.test"]
    assert (account["received"], account["accepted"], account["rejected"]) == (2, 1, {"checksum": 1})

    assert refused.one("SELECT count(*) FROM dead_letter WHERE replayed_at IS NOT NULL") == 4
    boats = refused.ask("SELECT mmsi, shipname, received_at FROM vessel ORDER BY mmsi")
    assert [(boat["mmsi"], boat["shipname"]) for boat in boats] == [(574_000_001, None), (574_000_002, "TTH-90002-TS")]
    assert {boat["received_at"] for boat in boats} == {EARLIER}  # not taken for heard today
    assert drain(worker) == 0

    with letters(refused, "replay", "--reason", "mistake", "--apply", "--again", "--json") as third:
        while third.poll() is None:
            drain(worker)
        assert told(third)["replayed"] == 1
    (feed,) = asked(refused.database.web, "SELECT received, accepted, rejected FROM feed WHERE source = 'ais.test'")
    assert feed == {"received": 5, "accepted": 4, "rejected": {"checksum": 1}}
