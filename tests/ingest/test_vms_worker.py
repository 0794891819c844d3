"""Fixes of monitoring devices through a worker, Redis and PostGIS: whose they are, and which of them count."""

import json
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from geo.archive import close_day, partitions
from geo.fishery import boat, device, provider
from geo.past import Reader
from geo.track import picture
from geo.track import track as fixes
from ingest.feed import AddressError, Feed, Lane, RawBatch, Source
from ingest.naf import Report
from ingest.vms import naf
from layers import lanes
from layers.vessel import LAYER as VESSEL
from layers.vms import LAYER
from run.port import choose
from run.process import Program, start, wait_for
from tests.connections import connected
from tests.nmea import position
from tests.program import CLEAN, ROOT

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
OURS, OTHERS, UNFITTED = "TTH-91234-TS", "QNg-95518-TS", "TTH-92418-TS"
BOATS = (  # registration, length, MMSI, call sign
    (OURS, 24.5, 574_091_234, "XVA1234"),
    (OTHERS, 16.4, None, "XVB5518"),
    (UNFITTED, 14.2, None, None),
)
DEVICES = (("VNT1", OURS, "vnpt", 1, True), ("VTL2", OURS, "viettel", 2, False), ("VSP3", OTHERS, "vishipel", 1, True))
Work = Callable[..., int]


def lane(name: str = "vms.test", **given: str) -> Lane:
    source = Source(name, "udp://127.0.0.1:1", LAYER.feeds[0], given=given)
    return Lane(source, LAYER.shape, LAYER.style.label, LAYER.style.columns(), LAYER.identify)


@pytest.fixture
def sea(bench: Any) -> Any:
    with connected(bench.database.owner) as owner, owner.begin() as connection:
        told = [{"key": "vnpt", "name": "VNPT"}, {"key": "viettel", "name": "Viettel"},
                {"key": "vishipel", "name": "Vishipel"}, {"key": "binhanh", "name": "Bình Anh"}]  # fmt: skip
        connection.execute(sa.insert(provider), told)
        for registration, length, mmsi, callsign in BOATS:
            row = {"registration": registration, "length_m": length, "mmsi": mmsi, "callsign": callsign}
            own = {"home_province": "Huế", "updated_at": NOW, "updated_by": "test"}
            connection.execute(sa.insert(boat).values(**row, **own))
        names = ("id", "registration", "provider", "slot", "active")
        connection.execute(sa.insert(device), [dict(zip(names, one, strict=True)) for one in DEVICES])
    return bench


def fix(ago_min: float, lon: float = 108.0, lat: float = 16.8, **told: Any) -> bytes:
    """A fix of the boat's current device, as NAF, so many minutes ago."""
    values = {"kind": "POS", "registration": OURS, "callsign": None, "device": "VNT1", "shipname": None, "speed": 4.0,
              "course": 90.0, "sequence": None, "sent_by": "VNPT"}  # fmt: skip
    return naf(Report(observed_at=NOW - timedelta(minutes=ago_min), lon=lon, lat=lat, **{**values, **told}))


def batch(sea: Any, *lines: bytes, source: str = "vms.test") -> RawBatch:
    return sea.batch(datetime.now(UTC).timestamp(), *lines, source=source)


def state(sea: Any, registration: str = OURS) -> dict[str, Any]:
    query = "SELECT *, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM vms WHERE registration = :key"
    (row,) = sea.ask(query, key=registration)
    return row


def minutes_ago(at: datetime) -> float:
    return (NOW - at).total_seconds() / 60


def test_a_fix_makes_the_boat_s_latest_state_with_what_the_register_says_of_it(sea: Any, work: Work) -> None:
    work(batch(sea, fix(10, registration="tth 91234 ts")), lanes=(lane(),))
    row = state(sea)
    assert (row["lon"], row["lat"], row["speed"], row["course"]) == (108.0, 16.8, 4.0, 90.0)
    assert (row["device"], row["provider"], row["manual"], row["anomaly"]) == ("VNT1", "vnpt", False, 0)
    assert (row["mmsi"], row["length_m"], row["callsign"], row["role"]) == (574_091_234, 24.5, "XVA1234", "catching")
    assert minutes_ago(row["auto_at"]) == minutes_ago(row["observed_at"]) == 10
    (stored,) = sea.ask("SELECT registration, device, provider, manual FROM vms_history")
    assert stored == {"registration": OURS, "device": "VNT1", "provider": "vnpt", "manual": False}


def test_a_fix_that_names_only_its_device_or_its_call_sign_is_its_boat_s(sea: Any, work: Work) -> None:
    alone = fix(5, registration=None, device="VSP3", sent_by=None)
    work(batch(sea, alone, fix(6, registration=None, device=None, callsign="XVA1234")), lanes=(lane(),))
    assert state(sea, OTHERS)["provider"] == "vishipel"  # the one that the device is registered with
    assert minutes_ago(state(sea)["auto_at"]) == 6


def test_what_the_register_does_not_know_is_counted_and_kept(sea: Any, work: Work) -> None:
    stranger = fix(5, registration="TTH-99999-TS", device="NEW9")
    work(batch(sea, stranger, fix(4), fix(3, registration=None, device="NEW8")), lanes=(lane(),))
    (feed,) = sea.ask("SELECT * FROM feed")
    assert (feed["received"], feed["accepted"], feed["rejected"]) == (3, 1, {"unknown_vessel": 2})
    assert (feed["messages"], feed["positions"], feed["rows"]) == (1, 1, 1)
    (ledger,) = sea.ask("SELECT received, accepted, rejected FROM ledger")
    assert ledger == {"received": 3, "accepted": 1, "rejected": {"unknown_vessel": 2}}
    letters = sea.ask("SELECT reason, raw FROM dead_letter ORDER BY id")
    assert [one["reason"] for one in letters] == ["unknown_vessel"] * 2
    first = bytes(letters[0]["raw"])
    assert json.loads(first)["registration"] == "TTH-99999-TS"
    # Once it is in the register, what was kept goes through the same door.
    with connected(sea.database.owner) as owner, owner.begin() as connection:
        connection.execute(sa.update(boat).where(boat.c.registration == UNFITTED).values(registration="TTH-99999-TS"))
    work(batch(sea, first), lanes=(lane(),))
    assert minutes_ago(state(sea, "TTH-99999-TS")["auto_at"]) == 5


def test_fact_05_a_fix_of_the_second_device_is_kept_flagged_and_counts_for_nothing(sea: Any, work: Work) -> None:
    second = fix(5, lon=109.9, device="VTL2", sent_by="VIETTEL")
    work(batch(sea, fix(60), second), batch(sea, fix(3, lon=109.9, device="VTL2")), lanes=(lane(),))
    row = state(sea)
    assert (row["lon"], row["device"]) == (108.0, "VNT1")
    assert minutes_ago(row["auto_at"]) == minutes_ago(row["observed_at"]) == 60
    stored = sea.ask("SELECT device, anomaly, track FROM vms_history ORDER BY observed_at")
    assert [(one["device"], one["anomaly"], one["track"]) for one in stored] == [
        ("VNT1", 0, 0), ("VTL2", 128, -1), ("VTL2", 128, -1),
    ]  # fmt: skip
    (odd,) = sea.ask("SELECT object_key, kind, count FROM anomaly")
    assert odd == {"object_key": OURS, "kind": "other_device", "count": 2}
    # Nor is it the boat's place in a past picture, though its own track has it, with its mark.
    with connected(sea.database.web) as web, web.connect() as connection:
        past = picture(connection, Path("/nowhere"), LAYER.shape, NOW, look_back=timedelta(hours=6))
        own = fixes(connection, Path("/nowhere"), LAYER.shape, OURS, NOW - timedelta(hours=6), NOW)
    assert past.fixes["lon"].tolist() == [108.0]
    assert own.fixes["lon"].tolist() == [108.0, 109.9, 109.9]
    # The current device, however far from where the other one said it was, goes on as if nothing had been.
    work(batch(sea, fix(1, lon=108.01)), lanes=(lane(),))
    assert (state(sea)["lon"], minutes_ago(state(sea)["auto_at"])) == (108.01, 1)
    assert sea.one("SELECT count(*) FROM vms_history WHERE track = 0 AND anomaly = 0") == 2


def test_fact_05_a_position_by_hand_shows_where_the_boat_is_and_is_no_signal(sea: Any, work: Work) -> None:
    work(batch(sea, fix(400), fix(5, lon=108.3, kind="MAN", device=None, speed=None)), lanes=(lane(),))
    row = state(sea)
    assert (row["lon"], row["manual"], row["speed"]) == (108.3, True, None)
    assert (minutes_ago(row["observed_at"]), minutes_ago(row["auto_at"])) == (5, 400)
    work(batch(sea, fix(1)), lanes=(lane(),))
    assert (state(sea)["manual"], minutes_ago(state(sea)["auto_at"])) == (False, 1)


def test_a_fix_that_comes_late_does_not_set_the_signal_back(sea: Any, work: Work) -> None:
    work(batch(sea, fix(10)), batch(sea, fix(200, lon=107.9)), batch(sea, fix(5, kind="MAN"), fix(7)), lanes=(lane(),))
    row = state(sea)
    assert (minutes_ago(row["observed_at"]), minutes_ago(row["auto_at"])) == (5, 7)
    assert sea.one("SELECT count(*) FROM vms_history") == 4


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        ({"device": None, "sent_by": None}, True),  # taken for the one that counts
        ({"device": None, "sent_by": "Viettel"}, False),
        ({"device": "NEW9"}, False),  # a third one, which cannot be registered
        ({"device": "VSP3"}, False),  # another boat's
        ({"registration": UNFITTED, "device": "NEW9"}, True),  # no device is registered for it yet
    ],
)
def test_which_fixes_are_of_the_device_that_counts(sea: Any, work: Work, told: dict[str, Any], counts: bool) -> None:
    work(batch(sea, fix(5, **told)), lanes=(lane(),))
    key = told.get("registration", OURS)
    assert sea.one("SELECT anomaly FROM vms_history WHERE registration = :key", key=key) == (0 if counts else 128)
    assert (state(sea, key)["auto_at"] is not None) == counts == (state(sea, key)["lon"] is not None)


def test_the_source_s_address_names_the_provider_of_what_does_not_say_it(sea: Any, work: Work) -> None:
    own = lane("vms.binhanh", provider="Bình Anh")
    lines = [fix(5, device=None, sent_by=None), fix(4, registration=OTHERS, device="VSP3", sent_by="VISHIPEL")]
    work(batch(sea, *lines, source="vms.binhanh"), lanes=(own,))
    found = {row["registration"]: row["provider"] for row in sea.ask("SELECT registration, provider FROM vms_history")}
    assert found == {OURS: "binhanh", OTHERS: "vishipel"}


def test_what_is_sent_again_or_by_a_second_way_is_stored_once(sea: Any, work: Work) -> None:
    again = f"{OURS},VNT1,{(NOW - timedelta(minutes=10)):%Y-%m-%dT%H:%M:%SZ},108.000,16.800".encode()
    work(batch(sea, fix(10), fix(10)), batch(sea, fix(5)), lanes=(lane(),))
    work(batch(sea, again, source="vms.other"), lanes=(lane("vms.other"),))
    assert sea.one("SELECT count(*) FROM vms_history") == 2
    assert [row["duplicates"] for row in sea.ask("SELECT duplicates FROM feed ORDER BY source")] == [1, 1]


def test_fact_19_ais_of_the_same_boat_leaves_its_monitoring_as_it_is(sea: Any, work: Work) -> None:
    work(batch(sea, fix(300)), lanes=(lane(),))
    before = state(sea)
    ais: Feed = VESSEL.feeds[0]
    own = Lane(Source("ais.test", "udp://127.0.0.1:1", ais), VESSEL.shape, "shipname", VESSEL.style.columns())
    work(sea.batch(datetime.now(UTC).timestamp(), position(574_091_234, 108.2, 16.9)), lanes=(own,))
    assert sea.one("SELECT count(*) FROM vessel WHERE geom IS NOT NULL") == 1
    assert state(sea) == before
    assert sea.one("SELECT count(*) FROM vms_history") == 1


def test_a_closed_day_of_devices_is_read_out_of_its_file_as_it_was(sea: Any, work: Work, tmp_path: Path) -> None:
    days = [24 * 60 * number for number in (9, 9.1, 9.2)]
    lines = fix(days[2], lon=107.9), fix(days[1], lon=109.9, device="VTL2", sent_by=None), fix(days[0], lon=108.1)
    work(batch(sea, *lines), lanes=(lane(),))
    start, end = NOW - timedelta(days=10), NOW - timedelta(days=8)
    with connected(sea.database.owner) as owner, owner.connect() as connection:

        def read() -> tuple[Any, Any, Any]:
            own = fixes(connection, tmp_path, LAYER.shape, OURS, start, end).fixes
            past = picture(connection, tmp_path, LAYER.shape, end, look_back=end - start).fixes
            pieces = list(Reader(connection, tmp_path, LAYER.shape, ("device", "manual")).pieces(start, end))
            return own, past, pd.concat([piece.fixes for piece in pieces], ignore_index=True)

        before = read()
        connection.rollback()
        for day in partitions(connection, LAYER.shape):
            connection.rollback()
            close_day(owner, tmp_path, LAYER.shape, day, NOW)
        assert partitions(connection, LAYER.shape) == []
        connection.rollback()
        after = read()
    assert before[0]["lon"].tolist() == after[0]["lon"].tolist() == [107.9, 109.9, 108.1]
    assert before[0]["device"].tolist() == after[0]["device"].tolist() == ["VNT1", "VTL2", "VNT1"]
    for told in (before, after):  # the other device's fix is in the boat's track, and in nothing else
        assert told[1]["lon"].tolist() == [108.1]
        assert told[2]["lon"].tolist() == [107.9, 108.1]
        assert set(told[2]["registration"]) == {OURS}


def test_a_provider_s_bytes_come_in_through_a_real_socket(sea: Any, redis_server: str, tmp_path: Path) -> None:
    port = choose()
    address = f"tcp-listen://127.0.0.1:{port}?provider=Bình%20Anh"
    environment = {
        **CLEAN,
        **sea.database.environment(),
        "REDIS_URL": redis_server,
        "HAIDANG_HOME": str(tmp_path),
        "HAIDANG_FEED_SOURCES": json.dumps({"ais": [], "vms": [address]}),
    }
    when = f"{NOW - timedelta(minutes=9):%Y-%m-%dT%H:%M:%SZ}"
    told = json.dumps({"registration": UNFITTED, "observed_at": when, "lon": 107.9, "lat": 16.7}).encode() + b"\n"
    other = f"qng 95518,VSP3,{when},108.5,16.9\n".encode()
    stranger = fix(3, registration="KH-90000-TS", device="X")
    with ExitStack() as stack:
        for name in ("receive", "work"):
            program = Program(name, (sys.executable, "app.py", name), tmp_path / f"{name}.log", environment, cwd=ROOT)
            stack.callback(start(program).stop)

        def connected_to() -> socket.socket | None:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=1)
            except OSError:
                return None

        assert wait_for(lambda: bool((sock := connected_to()) and sock.close() is None), 120, every_s=0.2)
        with socket.create_connection(("127.0.0.1", port)) as sock:
            stream = fix(10) + fix(5, lon=108.01) + told + b"rubbish\n" + other + stranger
            for at in range(0, len(stream), 50):
                sock.sendall(stream[at : at + 50])
                time.sleep(0.01)
        assert wait_for(lambda: sea.one("SELECT coalesce(sum(received), 0) FROM feed") == 6, 120, every_s=0.2)
    (feed,) = sea.ask("SELECT source, received, accepted, rejected FROM feed")
    assert feed == {"source": f"vms.tcp{port}", "received": 6, "accepted": 4,
                    "rejected": {"not_csv": 1, "unknown_vessel": 1}}  # fmt: skip
    assert (state(sea)["lon"], state(sea)["provider"]) == (108.01, "vnpt")
    assert (state(sea, UNFITTED)["provider"], state(sea, UNFITTED)["provider_name"]) == ("binhanh", "Bình Anh")
    assert state(sea, OTHERS)["lon"] == 108.5
    assert sea.one("SELECT count(*) FROM dead_letter") == 2


def test_an_address_that_names_what_no_record_has_is_refused() -> None:
    with pytest.raises(AddressError, match="no text column 'supplier'"):
        lanes([LAYER], {"vms": ["udp://127.0.0.1:1?supplier=vnpt"]}, {})
