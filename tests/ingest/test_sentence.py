import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.account import Account
from ingest.ais import messages
from ingest.sentence import (
    LINE_BYTES_MAX,
    PART_TIMEOUT_S,
    SLOTS_MAX,
    NmeaFramer,
    Sentence,
    parse,
    read_tag,
    tag_time,
)
from tests.nmea import position, sentences, tag

LONG_NAME = {"shipname": "LONG NAME OF SHIP", "callsign": "XVAB", "destination": "THUAN AN", "ship_type": 30}


def static(mmsi: int, seq_id: int = 3, channel: str = "A") -> list[bytes]:
    return sentences(5, mmsi, seq_id=seq_id, channel=channel, **LONG_NAME)


def counted(framer: NmeaFramer) -> int:
    return len(framer.ready.lines) + sum(framer.ready.rejected.values())


def test_a_sentence_is_taken_apart() -> None:
    bare = position(574000001, 107.7, 16.6)
    part = parse(bare, b"c:1")
    assert isinstance(part, Sentence)
    assert (part.total, part.number, part.channel, part.tag) == (1, 1, b"A", b"c:1")
    assert part.bare == bare


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda line: line[:-2] + b"00", "checksum"),
        (lambda line: line[:-3], "checksum"),
        (lambda line: line.replace(b"!AIVDM,1,1", b"!AIVDM,1,2"), "malformed_or_checksum"),
        (lambda line: line.replace(b"!AI", b"!XX"), "talker"),
        (lambda line: line.replace(b"VDM", b"ALR"), "not_ais"),
        (lambda line: line + b"7", "malformed"),
    ],
)
def test_what_is_no_sentence_has_a_reason(change, reason: str) -> None:
    found = parse(change(position(574000001, 107.7, 16.6)), None)
    assert isinstance(found, str)
    assert found in reason


@pytest.mark.parametrize("talker", [b"AI", b"AB", b"AD", b"AN", b"AR", b"AS", b"AT", b"AX", b"BS", b"SA"])
@pytest.mark.parametrize("form", [b"VDM", b"VDO"])
def test_every_talker_of_the_contract_is_accepted(talker: bytes, form: bytes) -> None:
    body = talker + form + position(574000001, 107.7, 16.6)[6:-3]
    from ingest.sentence import checksum

    assert isinstance(parse(b"!%s*%02X" % (body, checksum(body)), None), Sentence)


def test_a_tag_block_with_a_wrong_checksum_tells_nothing_but_its_sentence_counts() -> None:
    right = tag(c=1_700_000_000, s="A")
    wrong = right.replace(b"c:17", b"c:18")
    assert read_tag(right.strip(b"\\")) == {"c": "1700000000", "s": "A"}
    assert read_tag(wrong.strip(b"\\")) == {}
    framer = NmeaFramer()
    framer.datagram(wrong + position(574000001, 107.7, 16.6), 0.0)
    account = Account()
    assert len(list(messages(b"\n".join(framer.take().lines), account, []))) == 1
    assert account.received == account.accepted == 1


def test_a_tag_blocks_time_may_be_in_milliseconds() -> None:
    assert tag_time({"c": "1700000000123"}) == 1_700_000_000.123
    assert tag_time({"c": "1700000000"}) == 1_700_000_000
    assert tag_time({"c": "soon"}) is None
    assert tag_time({"c": "nan"}) is None


def test_a_line_may_hold_1024_bytes_and_not_one_more() -> None:
    line = position(574000001, 107.7, 16.6)
    framer = NmeaFramer()
    framer.feed(line + b"," + b"x" * (LINE_BYTES_MAX - len(line) - 1) + b"\n", 0.0)
    assert len(framer.take().lines) == 1
    framer.feed(line + b"," + b"x" * (LINE_BYTES_MAX - len(line)) + b"\n", 0.0)
    assert framer.take().rejected == {"too_long": 1}


def test_a_line_of_ten_megabytes_is_one_reject_and_the_next_line_is_whole() -> None:
    framer = NmeaFramer()
    for _ in range(160):
        framer.feed(b"!AIVDM,1,1,,A," + b"w" * 65_522, 0.0)
        assert len(framer._tail) <= LINE_BYTES_MAX
    framer.feed(b"\n" + position(574000001, 107.7, 16.6) + b"\n", 0.0)
    assert framer.ready.rejected == {"too_long": 1}
    assert len(framer.ready.lines) == 1
    assert sum(len(raw) for _, raw in framer.ready.letters) <= 1024


def test_an_empty_datagram_and_binary_garbage_do_nothing_else() -> None:
    framer = NmeaFramer()
    framer.datagram(b"", 0.0)
    assert counted(framer) == 0
    framer.datagram(random.Random(1).randbytes(900).replace(b"\n", b"").replace(b"!", b""), 0.0)
    assert framer.ready.rejected == {"not_ais": 1}
    framer.datagram(position(574000001, 107.7, 16.6), 0.0)
    assert len(framer.ready.lines) == 1


def test_a_datagram_of_two_lines_needs_no_last_line_end() -> None:
    framer = NmeaFramer()
    framer.datagram(position(574000001, 107.7, 16.6) + b"\r\n" + position(574000002, 107.7, 16.6), 0.0)
    assert len(framer.ready.lines) == 2


def test_two_sentences_on_one_line_are_two_records() -> None:
    first, second = static(574000001)
    framer = NmeaFramer()
    framer.feed(tag(c=1) + first + tag(c=1) + second + b"\n", 0.0)
    account = Account()
    found = list(messages(b"\n".join(framer.take().lines), account, []))
    assert [fields["msg_type"] for fields, _ in found] == [5]
    assert account.received == account.accepted == 2


def test_promise_08_eight_interleaved_receivers_with_the_same_sequence_ids_mix_no_message() -> None:
    senders = {number: NmeaFramer() for number in range(8)}
    order = random.Random(8)
    waiting = {number: [static(574_000_000 + number, seq_id=n % 10) for n in range(50)] for number in senders}
    queues = {number: [part for message in parts for part in message] for number, parts in waiting.items()}
    while any(queues.values()):
        number = order.choice([number for number, queue in queues.items() if queue])
        senders[number].datagram(queues[number].pop(0), 0.0)
    for number, framer in senders.items():
        account = Account()
        found = list(messages(b"\n".join(framer.take().lines), account, []))
        assert {fields["mmsi"] for fields, _ in found} == {574_000_000 + number}
        assert (account.messages, account.received, account.accepted) == (50, 100, 100)


def test_promise_08_channels_of_one_sender_mix_no_message() -> None:
    a, b = static(574000001, channel="A"), static(574000002, channel="B")
    framer = NmeaFramer()
    for part in (a[0], b[0], b[1], a[1]):
        framer.datagram(part, 0.0)
    found = list(messages(b"\n".join(framer.take().lines), Account(), []))
    assert [fields["mmsi"] for fields, _ in found] == [574000002, 574000001]


def test_promise_08_a_hub_that_groups_by_tag_block_mixes_no_message() -> None:
    a, b = static(574000001), static(574000002)
    framer = NmeaFramer()
    lines = [tag(g="1-2-77") + a[0], tag(g="1-2-78") + b[0], tag(g="2-2-77") + a[1], tag(g="2-2-78") + b[1]]
    for line in lines:
        framer.datagram(line, 0.0)
    found = list(messages(b"\n".join(framer.take().lines), Account(), []))
    assert [fields["mmsi"] for fields, _ in found] == [574000001, 574000002]


def test_parts_may_come_in_any_order_and_a_repeated_one_starts_anew() -> None:
    first, second = static(574000001)
    framer = NmeaFramer()
    framer.datagram(second, 0.0)
    framer.datagram(first, 0.0)
    assert framer.take().lines == [first, second]
    framer.datagram(first, 0.0)
    framer.datagram(first, 0.0)
    framer.datagram(second, 0.0)
    taken = framer.take()
    assert taken.lines == [first, second]
    assert taken.rejected == {"incomplete": 1}


def test_a_part_waits_ten_seconds() -> None:
    first, second = static(574000001)
    framer = NmeaFramer()
    framer.datagram(first, 100.0)
    framer.datagram(b"", 100.0 + PART_TIMEOUT_S)
    assert counted(framer) == 0
    framer.datagram(b"", 100.1 + PART_TIMEOUT_S)
    assert framer.ready.rejected == {"incomplete": 1}
    framer.datagram(second, 111.0)
    framer.close()
    assert framer.ready.rejected == {"incomplete": 2}


def test_no_more_than_64_messages_wait_at_once() -> None:
    framer = NmeaFramer()
    for number in range(10_000):
        first = sentences(5, 574_000_000 + number, seq_id=number % 10, channel="AB"[number % 2], **LONG_NAME)[0]
        framer.datagram(tag(g=f"1-2-{number}") + first, 0.0)
        assert len(framer._slots) <= SLOTS_MAX
    assert framer.ready.rejected == {"incomplete": 10_000 - SLOTS_MAX}
    assert len(framer.ready.letters) <= 64


def test_a_part_with_a_broken_checksum_completes_no_message() -> None:
    first, second = static(574000001)
    framer = NmeaFramer()
    framer.datagram(first, 0.0)
    framer.datagram(second[:-2] + b"ZZ", 0.0)
    framer.datagram(second.replace(b",A,", b",A,8", 1), 0.0)
    framer.close()
    assert framer.ready.lines == []
    assert sum(framer.ready.rejected.values()) == 3


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                position(574000001, 107.7, 16.6) + b"\r\n",
                tag(c=5) + position(574000002, 107.7, 16.6) + b"\n",
                static(574000003)[0] + b"\n",
                static(574000003)[1] + b"\n",
                b" " * 1100 + position(574000004, 107.7, 16.6) + b"\n",
                position(574000005, 107.7, 16.6) + b"," + b"y" * 980 + b"\r\n",
                b"x" * 1023 + b"\r\n",
                b"\n",
                b"\r",
                b"!AIVDM,\n",
            ]
        ),
        st.binary(max_size=40),
    ),
    max_size=14,
).map(b"".join)


@settings(deadline=None, max_examples=300)
@given(PIECES, st.lists(st.integers(0, 6000), max_size=12))
def test_any_split_of_a_stream_gives_the_same_result(data: bytes, cuts: list[int]) -> None:
    whole, cut = NmeaFramer(), NmeaFramer()
    whole.feed(data, 0.0)
    edges = [0, *sorted(min(at, len(data)) for at in cuts), len(data)]
    for start, end in pairwise(edges):
        cut.feed(data[start:end], 0.0)
    whole.close()
    cut.close()
    assert cut.ready == whole.ready


@settings(deadline=None, max_examples=200)
@given(st.lists(st.binary(max_size=60), max_size=20))
def test_whatever_comes_is_counted_once_and_never_throws(datagrams: list[bytes]) -> None:
    framer = NmeaFramer()
    for data in datagrams:
        framer.datagram(data, 0.0)
    framer.close()
    account = Account()
    lines = framer.ready.lines
    list(messages(b"\n".join(lines), account, []))
    assert account.received == len(lines) == account.accepted + sum(account.rejected.values())
