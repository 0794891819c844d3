import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingest import spill
from ingest.feed import RawBatch
from ingest.spill import HEAD, Spool, SpoolError, pack, unpack
from ingest.stream import from_entry


def batch(seq: int, raw: bytes = b"!AIVDM", source: str = "ais.test") -> RawBatch:
    return RawBatch(source, "boot", seq, 1.5, raw, "udp 1", {"checksum": 2}, [("checksum", b"\xff\n")], {"gap": 1})


def drained(spool: Spool) -> list[int]:
    found = []
    while spool:
        entries, damaged = spool.oldest()
        assert damaged == 0
        found += [read(entry).seq for entry in entries]
        spool.drop()
    return found


def read(entry: spill.Entry) -> RawBatch:
    source, fields = entry
    return from_entry(source, {name.encode(): value for name, value in fields.items()})


@pytest.fixture
def spool(tmp_path: Path) -> Any:
    opened = Spool(tmp_path / "spool", ("ais.test",))
    opened.start()
    yield opened
    opened.close()


def segments(spool: Spool) -> list[Path]:
    return sorted(spool.place.rglob("*.segment"))


def test_what_goes_in_comes_out_the_same_and_in_order(spool: Spool, monkeypatch) -> None:
    monkeypatch.setattr(spill, "SEGMENT_BYTES", 1_000)
    sent = [batch(seq, b"x" * seq, f"ais.{seq % 3}") for seq in range(60)]
    for first in range(0, 60, 6):
        spool.append(sent[first : first + 6])
    assert len(segments(spool)) > 3
    assert spool.size == sum(path.stat().st_size for path in segments(spool))
    found = []
    while spool:
        found += [read(entry) for entry in spool.oldest()[0]]
        spool.drop()
    assert found == sent
    assert (spool.size, segments(spool)) == (0, [])


def test_a_segment_that_is_read_grows_no_more(spool: Spool) -> None:
    spool.append([batch(1)])
    entries, _ = spool.oldest()
    spool.append([batch(2)])
    spool.drop()
    assert len(entries) == 1
    assert drained(spool) == [2]


def test_an_end_as_it_should_be_leaves_nothing_and_no_gap(tmp_path: Path) -> None:
    spool = Spool(tmp_path, ("ais.test",))
    spool.start()
    spool.close()
    assert os.listdir(tmp_path) == ["lock"]


def test_batches_of_a_clean_end_wait_for_the_successor(tmp_path: Path) -> None:
    first = Spool(tmp_path, ("ais.test",))
    first.start()
    first.append([batch(1), batch(2)])
    first.close()
    second = Spool(tmp_path, ("ais.test",))
    second.start()
    second.append([batch(3)])
    assert second.gaps == []
    assert drained(second) == [1, 2, 3]
    second.close()
    assert os.listdir(tmp_path) == ["lock"]


def died(place: Path, code: str) -> None:
    """What a receiver does in a process of its own until it is killed there and then."""
    words = f"""
import os, signal
from pathlib import Path
from ingest.spill import Spool
from tests.ingest.test_spill import batch
spool = Spool(Path({str(place)!r}), ("ais.a", "ais.b"))
spool.start()
{code}
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", words], cwd=Path(__file__).parents[2], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL


def test_promise_01_a_killed_receivers_batches_are_its_successors_first(tmp_path: Path) -> None:
    died(tmp_path, "spool.append([batch(1), batch(2)])")
    died(tmp_path, "spool.append([batch(3)])")
    spool = Spool(tmp_path, ("ais.a",))
    spool.start()
    assert [gap.sources for gap in spool.gaps] == [("ais.a", "ais.b")] * 2
    assert spool.gaps[0].since <= spool.gaps[1].since
    spool.append([batch(4)])
    spool.told()
    assert drained(spool) == [1, 2, 3, 4]
    spool.close()
    assert os.listdir(tmp_path) == ["lock"]


def test_a_gap_is_told_once_it_is_kept_and_then_never_again(tmp_path: Path) -> None:
    died(tmp_path, "spool.append([batch(1)])")
    died(tmp_path, "assert len(spool.gaps) == 1")  # dies before it could tell
    spool = Spool(tmp_path, ("ais.a",))
    spool.start()
    assert len(spool.gaps) == 2
    spool.told()
    spool.close()
    last = Spool(tmp_path, ("ais.a",))
    last.start()
    assert last.gaps == []
    assert drained(last) == [1]
    last.close()


def test_a_receiver_that_lives_keeps_what_is_its_own(tmp_path: Path) -> None:
    first, second = Spool(tmp_path, ("ais.a",)), Spool(tmp_path, ("ais.b",))
    first.start()
    first.append([batch(1)])
    second.start()
    assert (second.gaps, drained(second)) == ([], [])
    assert drained(first) == [1]
    first.close()
    second.close()


def test_a_torn_last_record_is_noticed_and_costs_no_other() -> None:
    data = pack(batch(1)) + pack(batch(2))
    last = len(pack(batch(1)))
    for cut in range(last + 1, len(data)):
        entries, damaged = unpack(data[:cut])
        assert ([read(entry).seq for entry in entries], damaged) == ([1], 1)


def test_a_damaged_record_is_passed_over() -> None:
    records = [pack(batch(seq)) for seq in (1, 2, 3)]
    for at in range(len(records[1])):
        spoilt = bytearray(records[1])
        spoilt[at] ^= 0x55
        entries, damaged = unpack(records[0] + bytes(spoilt) + records[2])
        assert ([read(entry).seq for entry in entries], damaged) == ([1, 3], 1)


def test_bytes_that_are_no_segment_are_one_damaged_place() -> None:
    assert unpack(b"\0" * 5_000) == ([], 1)
    assert unpack(b"") == ([], 0)
    assert HEAD.size < 20


def test_promise_21_a_full_disk_keeps_none_of_a_batch_and_takes_the_next(spool: Spool, monkeypatch) -> None:
    spool.append([batch(1)])
    room = 40
    write = os.write

    def small(file: int, data: bytes) -> int:
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(file, data[:room])
        room -= written
        return written

    monkeypatch.setattr(os, "write", small)
    with pytest.raises(OSError, match="No space"):
        spool.append([batch(2)])
    with pytest.raises(OSError, match="No space"):
        spool.append([batch(2)])
    monkeypatch.setattr(os, "write", write)
    spool.append([batch(2)])
    assert spool.size == sum(path.stat().st_size for path in segments(spool))
    assert drained(spool) == [1, 2]


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match=r"file/spool.*HAIDANG_HOME"):
        Spool(tmp_path / "file" / "spool").start()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_device_that_is_full_says_so() -> None:
    file = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(OSError, match="No space"):
        spill._write(file, b"x")
    os.close(file)
