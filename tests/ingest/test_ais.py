from pathlib import Path

import pyais
import pytest

from geo.account import Account
from ingest.ais import AIS, decode, messages, observed_at, read_message, sample
from ingest.feed import RawBatch
from ingest.offline import framed
from ingest.sentence import NmeaFramer, Sentence, parse
from tests.nmea import position, sentences

ALL_SENTINELS = b"!AIVDO,1,1,,A,18SJ;POP?w<tSF0l4Q@>4?wqP000,0*7F"
NAME = b"!AIVDO,1,1,,A,H8SJ;PQA@RoW7;?BmA<000000000,0*4D"
NOW = 1_764_000_000.0
NOT_CAPTURES = (".json", ".chk", ".json.gz")


def fields_of(*lines: bytes) -> dict[str, object]:
    parts = [parse(line, None) for line in lines]
    assert all(isinstance(part, Sentence) for part in parts)
    return read_message(parts)  # type: ignore[arg-type]


def batch(*lines: bytes, received_at: float = NOW) -> RawBatch:
    return RawBatch("ais.test", "boot", 1, received_at, b"\n".join(lines))


def captures(shared_data: Path) -> list[Path]:
    files = [path for path in sorted((shared_data / "ais").rglob("*")) if path.is_file()]
    return [path for path in files if not path.name.endswith(NOT_CAPTURES)]


def test_fact_16_sentinels_are_null_and_make_no_position() -> None:
    fields = fields_of(ALL_SENTINELS)
    assert fields["mmsi"] == 574000001
    for name in ("lon", "lat", "speed", "course", "heading", "turn", "status", "second"):
        assert fields[name] is None, name
    decoded = decode(batch(ALL_SENTINELS))
    assert (decoded.account.accepted, decoded.account.positions) == (1, 0)
    assert decoded.frame["lon"].isna().all()


def test_fact_16_type_27_counts_63_knots_and_511_degrees_as_not_available() -> None:
    fields = fields_of(*sentences(27, 574000001, lon=107.7, lat=16.7, speed=63, course=511))
    assert (fields["speed"], fields["course"]) == (None, None)
    assert fields["lon"] == pytest.approx(107.7, abs=0.01)
    assert fields_of(*sentences(27, 574000001, lon=107.7, lat=16.7, speed=62, course=359))["speed"] == 62


def test_fact_16_102_2_knots_is_a_floor_and_is_kept() -> None:
    assert fields_of(position(574000001, 107.7, 16.7, speed=102.2))["speed"] == 102.2
    assert fields_of(position(574000001, 107.7, 16.7, speed=102.3))["speed"] is None


def test_fact_16_a_position_off_the_globe_is_none() -> None:
    for lon, lat in ((181.0, 16.7), (107.7, 91.0)):
        fields = fields_of(position(574000001, lon, lat))
        assert (fields["lon"], fields["lat"]) == (None, None)


def test_a_name_is_read_without_its_padding() -> None:
    frame = decode(batch(NAME)).frame
    assert frame["shipname"].tolist() == ["TTH-91234-TS"]
    assert frame["mmsi"].tolist() == [574000002]


def test_fact_17_mmsis_of_nobody_are_rejected() -> None:
    lines = [position(mmsi, 107.7, 16.7) for mmsi in (111_111_111, 123_456_789, 0, 574_000_001)]
    decoded = decode(batch(*lines))
    assert decoded.account.rejected == {"mmsi": 3}
    assert decoded.frame["mmsi"].tolist() == [574_000_001]
    assert [reason for reason, _ in decoded.letters] == ["mmsi"] * 3


def test_a_distress_transmitter_may_speak_in_words() -> None:
    for text, status in (("SART ACTIVE", 14), ("MOB TEST", 15)):
        frame = decode(batch(*sentences(14, 972_574_001, text=text))).frame
        assert frame["status"].tolist() == [status]
        assert frame["safety_text"].tolist() == [text]
    assert decode(batch(*sentences(14, 574_000_001, text="SART ACTIVE"))).frame.get("status") is None


@pytest.mark.parametrize(
    ("received", "second", "observed"),
    [
        (120.0 * 60 + 30.2, 29, 120.0 * 60 + 29),  # the ordinary case
        (120.0 * 60 + 1.0, 59, 119.0 * 60 + 59),  # the minute rolled over on the way
        (120.0 * 60 + 59.5, 0, 121.0 * 60),  # the sender's clock is half a second ahead, over the minute
        (120.0 * 60 + 59.5, 2, 120.0 * 60 + 2),  # two and a half would be too much: it is late instead
        (120.0 * 60 + 0.0, 2, 120.0 * 60 + 2),
        (120.0 * 60 + 0.0, 3, 119.0 * 60 + 3),
    ],
)
def test_the_ais_second_is_resolved_to_its_minute(received: float, second: int, observed: float) -> None:
    fields = {"msg_type": 1, "second": second}
    assert observed_at(fields, {}, received) == observed
    assert received - 58 <= observed_at(fields, {}, received) <= received + 2


def test_a_tag_blocks_time_wins_and_a_missing_second_leaves_the_reception() -> None:
    assert observed_at({"msg_type": 1, "second": 5}, {"c": "1700000000"}, NOW) == 1_700_000_000
    assert observed_at({"msg_type": 1, "second": None}, {}, NOW) == NOW
    assert observed_at({"msg_type": 5}, {}, NOW) == NOW


def test_a_time_that_no_partition_takes_is_rejected() -> None:
    lines = [position(574000001, 107.7, 16.7, at) for at in (NOW - 4 * 365 * 86_400, NOW + 2 * 86_400, NOW)]
    decoded = decode(batch(*lines))
    assert decoded.account.rejected == {"time_range": 2}
    assert decoded.account.received == 3
    assert len(decoded.frame) == 1


def test_types_that_nobody_uses_are_accepted_and_counted_as_ignored() -> None:
    lines = sentences(8, 574000001, dac=1, fid=11, data=b"\x01\x02")
    decoded = decode(batch(*lines))
    assert decoded.account.accepted == len(lines)
    assert (decoded.account.messages, decoded.account.ignored, len(decoded.frame)) == (1, 1, 0)


def test_sizes_and_voyage() -> None:
    lines = sentences(
        5,
        574000001,
        shipname="TTH-91234-TS",
        callsign="XVAB",
        ship_type=30,
        to_bow=10,
        to_stern=6,
        to_port=2,
        to_starboard=3,
        draught=2.5,
        destination="THUAN AN",
        month=11,
        day=20,
        hour=5,
        minute=30,
        imo=9_074_729,
    )
    row = decode(batch(*lines)).frame.iloc[0]
    assert (row["length_m"], row["beam_m"], row["draught"]) == (16.0, 5.0, 2.5)
    assert (row["shipname"], row["destination"], row["eta"]) == ("TTH-91234-TS", "THUAN AN", "11-20 05:30")
    assert (row["imo"], row["ais_class"]) == (9_074_729, "A")


def test_the_sample_decodes_without_a_reject() -> None:
    framer = NmeaFramer()
    for line in sample():
        framer.datagram(line, 0.0)
    decoded = AIS.decode(batch(*framer.take().lines))
    assert decoded.account.received == decoded.account.accepted > 0
    assert not decoded.letters


def _same(name: str, ours: object, theirs: object, all_ours: dict[str, object]) -> bool:
    if ours is None:  # a sentinel became null; that each one is really one is proven above
        return True
    if isinstance(theirs, bytes | bytearray):
        return ours == theirs.hex()
    if name == "mmsi":
        return ours == int(theirs)  # type: ignore[call-overload]
    return bool(ours == theirs)


NULLED = {
    "lon": lambda v: abs(v) > 180, "lat": lambda v: abs(v) > 90, "speed": lambda v: v >= 62.9,
    "course": lambda v: v >= 360, "heading": lambda v: v >= 360, "turn": lambda v: v == -128,
    "second": lambda v: v >= 60, "status": lambda v: v == 15, "hour": lambda v: v >= 24, "minute": lambda v: v >= 60,
    **dict.fromkeys(("to_bow", "to_stern", "to_port", "to_starboard"), lambda v: v == 0),
    **dict.fromkeys(("ship_type", "imo", "draught", "month", "day"), lambda v: v == 0),
    **dict.fromkeys(("shipname", "name", "callsign", "destination"), lambda v: not v.strip("@ ")),
}  # fmt: skip


def test_every_capture_agrees_with_pyais_and_accounts_for_every_line(shared_data: Path) -> None:
    seen = 0
    for path in captures(shared_data):
        account = Account()
        for part in framed([str(path)]):
            account.received += sum(part.rejected.values())
            account.rejected.update(part.rejected)
            for fields, parts in messages(b"\n".join(part.lines), account, []):
                theirs = pyais.decode(*[each.bare for each in parts]).asdict(enum_as_int=True)
                seen += 1
                for name, value in theirs.items():
                    ours = fields[name]
                    assert _same(name, ours, value, fields), (path.name, name, ours, value, parts[0].bare)
                    if ours is None and value is not None:
                        half = name in ("lon", "lat") and None in (fields["lon"], fields["lat"])
                        assert half or NULLED[name](value), (path.name, name, value, parts[0].bare)
        assert account.received == account.accepted + sum(account.rejected.values()), path.name
        sentences_in = path.read_bytes() if path.suffix != ".gz" else b""
        assert account.received > 0 or not sentences_in.strip(), path.name
    assert seen > 85_000


def test_the_world_sample_is_accepted_but_for_its_few_faults(shared_data: Path) -> None:
    account = Account()
    for part in framed([str(shared_data / "ais" / "aishub_sample.nmea.gz")]):
        account.received += sum(part.rejected.values())
        account.rejected.update(part.rejected)
        for _ in messages(b"\n".join(part.lines), account, []):
            pass
    assert account.received == 85_194
    assert account.accepted > 0.985 * account.received
