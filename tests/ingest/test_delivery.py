from pathlib import Path

import pytest

from ingest import delivery
from ingest.ais import decode
from ingest.delivery import BACKLOG_FULL, SEND_BATCHES, Outbox, weight
from ingest.feed import Framed
from ingest.sentence import NmeaFramer
from ingest.spill import Spool
from tests.nmea import position


def lines(count: int, first: int = 574_000_000) -> list[bytes]:
    return [position(first + n, 107.5, 16.5) for n in range(count)]


def framed(*texts: bytes) -> Framed:
    framer = NmeaFramer()
    for text in texts:
        framer.datagram(text, 0.0)
    return framer.take()


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox("boot", Spool(tmp_path), 2_000)


def put(outbox: Outbox, *texts: bytes) -> None:
    outbox.put("ais.test", "udp 1", framed(*texts), 1.0)


def test_a_full_backlog_is_counted_in_the_next_batch_that_fits(outbox: Outbox) -> None:
    put(outbox, lines(1)[0])
    put(outbox, *lines(40))
    put(outbox, *lines(30), b"garbage")
    assert outbox.lost == {"ais.test": 71}
    assert len(outbox.waiting) == 1
    outbox.sent(1)
    assert (outbox.size, outbox.filled.is_set()) == (0, False)
    put(outbox, lines(1)[0])
    (batch,) = outbox.waiting
    assert batch.rejected == {BACKLOG_FULL: 71}
    assert batch.seq == 2
    assert decode(batch).account.received == 72
    assert outbox.size == weight(batch) > len(batch.raw)


def test_what_was_lost_is_told_though_its_sender_says_no_more(outbox: Outbox) -> None:
    put(outbox, *lines(40))
    outbox.tell(2.0)
    (batch,) = outbox.waiting
    assert (batch.rejected, batch.raw) == ({BACKLOG_FULL: 40}, b"")
    outbox.tell(3.0)
    assert len(outbox.waiting) == 1


def test_a_batch_carries_the_faults_of_its_own_source_once(outbox: Outbox) -> None:
    outbox.note("ais.test", "kernel_drop", 3)
    outbox.note("ais.test", "kernel_drop", 4)
    outbox.note("ais.other", "receiver_gap")
    put(outbox, lines(1)[0])
    put(outbox, lines(1)[0])
    outbox.tell(2.0)
    assert [(batch.source, batch.faults) for batch in outbox.waiting] == [
        ("ais.test", {"kernel_drop": 7}),
        ("ais.test", {}),
        ("ais.other", {"receiver_gap": 1}),
    ]


def test_what_waits_on_disk_counts_towards_the_bound(outbox: Outbox) -> None:
    put(outbox, lines(1)[0])
    outbox.spool.append(outbox.waiting)
    outbox.sent(1)
    outbox.spool.size = 1_900
    put(outbox, lines(1)[0])
    assert (outbox.lost, len(outbox.waiting)) == ({"ais.test": 1}, 0)


def test_the_memory_has_a_bound_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "MEMORY_BYTES_MAX", 1_000)
    outbox = Outbox("boot", Spool(tmp_path), 1 << 30)
    put(outbox, lines(1)[0])
    put(outbox, lines(1)[0])
    assert (outbox.lost, len(outbox.waiting)) == ({"ais.test": 1}, 1)


def test_one_round_trip_takes_a_bounded_group(tmp_path: Path) -> None:
    outbox = Outbox("boot", Spool(tmp_path), 1 << 30)
    for line in lines(SEND_BATCHES + 9):
        put(outbox, line)
    first = outbox.group()
    assert [batch.seq for batch in first] == list(range(1, SEND_BATCHES + 1))
    outbox.sent(len(first))
    assert outbox.group()[0].seq == SEND_BATCHES + 1


def test_who_asks_is_told_in_order_once_what_was_put_before_is_kept(outbox: Outbox) -> None:
    told: list[str] = []
    outbox.when_kept(lambda kept: told.append(f"nothing waits {kept}"))
    assert told == ["nothing waits True"]
    put(outbox, lines(1)[0])
    outbox.when_kept(lambda kept: told.append(f"first {kept}"))
    outbox.when_kept(lambda kept: told.append(f"again {kept}"))
    put(outbox, lines(1)[0])
    outbox.when_kept(lambda kept: told.append(f"second {kept}"))
    assert told[1:] == []
    outbox.sent(1)
    assert told[1:] == ["first True", "again True"]
    outbox.sent(1)
    assert told[3:] == ["second True"]


def test_what_there_is_no_room_for_is_not_kept(outbox: Outbox) -> None:
    assert outbox.put("ais.test", None, framed(lines(1)[0]), 1.0)
    assert not outbox.put("ais.test", None, framed(*lines(40)), 1.0)
