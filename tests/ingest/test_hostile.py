import gc
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import pytest

from geo.account import Account
from ingest.blame import decode
from ingest.feed import Feed, Framer, Lane, RawBatch, Source
from ingest.lines import DECODER_FAULT, LETTERS_MAX
from layers.vessel import LAYER
from layers.vms import LAYER as VMS
from run.port import choose
from run.process import Program, start, wait_for
from tests.connections import asked
from tests.ingest.hostile_cases import CASES
from tests.ingest.mutants import FEEDS, NOW, ais_lines, json_documents, mutants, records_in, vms_records
from tests.program import CLEAN, ROOT

SEED, BATCH, GROWTH_BYTES_MAX = 20_261_121, 5_000, 50 << 20


class Door:
    """What stands between a sender and the database: a feed's framer, and its decode as the worker calls it."""

    def __init__(self, feed: Feed) -> None:
        layer = VMS if feed in VMS.feeds else LAYER
        self.lane = Lane(Source("test", "", feed), layer.shape, layer.style.label, layer.style.columns())
        self.framer: Framer = feed.framer()
        self.account, self.letters = Account(), 0

    def decode(self) -> None:
        framed = self.framer.take()
        raw = b"\n".join(framed.lines)
        decoded = decode(self.lane, RawBatch("test", "b", 1, NOW, raw, None, framed.rejected, framed.letters))
        self.account.add(decoded.account)
        self.letters += len(decoded.letters)
        frame = decoded.frame
        assert frame[["lon", "lat"]].isna().all(axis=1).eq(frame[["lon", "lat"]].isna().any(axis=1)).all()
        assert (frame["lon"].isna() | frame["lon"].between(-180, 180)).all()
        assert (frame["lat"].isna() | frame["lat"].between(-90, 90)).all()

    def close(self) -> Account:
        self.framer.close()
        self.decode()
        return self.account


def good_lines(name: str) -> list[bytes]:
    captures = ROOT.parent / "shared" / "data"
    if name == "ais":
        return ais_lines(captures if captures.is_dir() else None)
    return vms_records() if name == "vms" else json_documents()


def resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def attack(name: str, count: int) -> None:
    """Half of the mutants as datagrams, half as a stream cut anywhere."""
    feed = FEEDS[name]
    datagrams, stream = Door(feed), Door(feed)
    order, made, expected, before = random.Random(SEED), 0, 0, 0
    flow = mutants(order, good_lines(name), count)
    while batch := list(islice(flow, BATCH)):
        expected += sum(records_in(feed, mutant) for mutant in batch)
        now = made / 1000
        for mutant in batch[::2]:
            datagrams.framer.datagram(mutant, now)
        data = b"".join(mutant + b"\n" for mutant in batch[1::2])
        for start_ in range(0, len(data), 4_099):
            stream.framer.feed(data[start_ : start_ + 4_099], now)
        datagrams.decode()
        stream.decode()
        made += len(batch)
        if made == 4 * BATCH:  # what is loaded and kept once for all is there by now
            before = resident_bytes()
    grown = resident_bytes() - before
    account = datagrams.close()
    account.add(stream.close())
    assert account.received == expected
    assert account.received == account.accepted + sum(account.rejected.values())
    assert DECODER_FAULT not in account.rejected
    assert grown < GROWTH_BYTES_MAX, f"{grown / (1 << 20):.0f} MiB"
    assert account.accepted > count / 100
    assert len(account.rejected) > 5


@pytest.mark.parametrize(("name", "count"), [("ais", 70_000), ("json", 30_000), ("vms", 30_000)])
def test_promise_05_mutants_do_no_harm_and_are_all_accounted_for(name: str, count: int) -> None:
    attack(name, count)


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize(("name", "count"), [("ais", 7_000_000), ("json", 3_000_000), ("vms", 1_000_000)])
def test_promise_05_ten_million_mutants(name: str, count: int) -> None:
    attack(name, count)


@pytest.mark.parametrize("case", CASES)
def test_promise_05_what_once_did_harm_does_none(case: str) -> None:
    name, data, rejects = CASES[case]
    for as_datagram in (True, False):
        door = Door(FEEDS[name])
        if as_datagram:
            door.framer.datagram(data, 0.0)
        else:
            for byte in data:
                door.framer.feed(bytes([byte]), 0.0)
        account = door.close()
        assert account.rejected == rejects
        assert account.received == account.accepted + sum(account.rejected.values())
        assert account.received == sum(records_in(FEEDS[name], data) for _ in "1")
        assert door.letters == sum(rejects.values())


@pytest.fixture
def door(database, redis_server, tmp_path) -> Iterator[tuple[int, dict[str, str]]]:
    """A receiver and a worker of their own: the port, and the environment of a second command."""
    port = choose()
    environment = {
        **CLEAN,
        **database.environment(),
        "REDIS_URL": redis_server,
        "HAIDANG_FEED_SOURCES": json.dumps({"ais": [f"tcp-listen://127.0.0.1:{port}"]}),
    }
    with ExitStack() as stack:
        for name in ("receive", "work"):
            program = Program(name, (sys.executable, "app.py", name), tmp_path / f"{name}.log", environment, cwd=ROOT)
            stack.callback(start(program).stop)

        def listening() -> bool:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                return False
            return asked(database.owner, "SELECT count(*) FROM feed") == [{"count": 1}]

        assert wait_for(listening, 120, every_s=0.1), [path.read_text() for path in tmp_path.glob("*.log")]
        yield port, environment


def send(port: int, batch: Sequence[bytes]) -> None:
    """Small groups, each of its own moment, as a station under attack would pass them on."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        for at in range(0, len(batch), 100):
            sock.sendall(b"".join(mutant + b"\n" for mutant in batch[at : at + 100]))
            time.sleep(0.05)


@pytest.mark.timeout(400)
def test_promise_05_and_06_every_reject_through_a_real_socket_is_kept_or_counted(door, database) -> None:
    port, environment = door
    batch = list(mutants(random.Random(SEED + 1), ais_lines(), 5_000))
    expected = sum(records_in(FEEDS["ais"], mutant) for mutant in batch)
    send(port, batch)

    def received() -> int:
        return int(asked(database.web, "SELECT received FROM feed")[0]["received"])

    assert wait_for(lambda: received() >= expected, 120, every_s=0.2), (received(), expected)
    (feed,) = asked(database.web, "SELECT received, accepted, rejected, faults FROM feed")
    rejected = feed["rejected"]
    assert feed["received"] == expected == feed["accepted"] + sum(rejected.values())
    assert feed["faults"] == {}
    assert len(rejected) > 5

    rows = asked(database.web, "SELECT reason, count(*) AS n FROM dead_letter GROUP BY reason")
    letters = {row["reason"]: row["n"] for row in rows}
    assert all(number <= rejected[reason] for reason, number in letters.items())
    ledger = asked(database.web, "SELECT rejected FROM ledger")
    kept = sum(min(LETTERS_MAX, sum(row["rejected"].values())) for row in ledger)
    assert kept <= sum(letters.values()) <= sum(rejected.values())

    done = subprocess.run(
        [sys.executable, "app.py", "status", "--json"], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    assert json.loads(done.stdout)["rejected"] == rejected
