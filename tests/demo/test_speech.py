"""What is said decodes to what was meant: with pyais, and through the product's own door."""

import random

import numpy as np
import pyais
import pytest
from pyais.messages import MessageType1, MessageType18

from demo import speech
from demo.fleet import Radio, fleet
from demo.pack import pack
from demo.plan import Rounds, motion
from demo.radio import fix, fix_of, unrest
from demo.speech import Fix
from demo.traffic import BEACONS, merchants

AT = 1_795_300_123.456


def heard(message, at=AT):
    return pyais.decode(*[line.split(b"\\")[2] for line in speech.lines(message, at)])


def hull(radio):
    return next(boat for boat in fleet(1) if boat.radio is radio)


FIX = Fix(AT, 107.912345, 16.754321, 3.27, 123.46, 12.3, 7)


@pytest.mark.parametrize("radio", [Radio.A, Radio.B_CS, Radio.B_SO])
def test_a_position_is_what_was_meant(radio):
    boat = hull(radio)
    got = heard(speech.position(boat, FIX))
    assert (got.mmsi, got.speed, got.course, got.second) == (boat.mmsi, 3.3, 123.5, int(AT) % 60)
    assert (got.lon, got.lat) == pytest.approx((FIX.lon, FIX.lat), abs=1e-6)
    if radio is Radio.A:
        assert (got.msg_type, got.status, got.heading) == (1, 7, 123)
        assert got.turn == pytest.approx(12.3, abs=1.5)
    else:
        assert (got.msg_type, got.heading, bool(got.cs)) == (18, 511, radio is Radio.B_CS)


@pytest.mark.parametrize("radio", [Radio.A, Radio.B_CS, Radio.B_SO])
def test_names_and_sizes_are_what_was_meant(radio):
    boat = hull(radio)
    said = {}
    for message in speech.static(boat, FIX):
        got = heard(message)
        said |= {name: value for name, value in got.asdict().items() if value not in ("", None)}
        assert got.msg_type in {Radio.A: (5,), Radio.B_CS: (24,), Radio.B_SO: (19,)}[radio]
    assert said["mmsi"] == boat.mmsi
    assert said["shipname"] == boat.shipname
    assert said["ship_type"] == 30
    assert said["to_bow"] + said["to_stern"] == int(boat.length_m)
    if radio is not Radio.B_SO:
        assert said["callsign"] == boat.callsign


def test_a_ship_says_number_draught_and_destination():
    ship, _ = merchants(1)[0]
    got = heard(speech.static(ship, FIX)[0])
    assert (got.imo, got.draught, got.destination) == (ship.imo, ship.draught_m, ">".join(ship.ports))


def test_buoys_and_the_base_station():
    real, virtual, base = (heard(speech.beacon(what, AT)) for what in BEACONS)
    assert (real.msg_type, real.name, bool(real.virtual_aid)) == (21, "PHAO 0 THUAN AN", False)
    assert bool(virtual.virtual_aid)
    assert (base.msg_type, base.mmsi, base.year, base.hour) == (4, 5740701, 2026, 22)


def test_the_aircraft_and_the_man_overboard_test():
    plane = heard(speech.aircraft(111574001, FIX))
    assert (plane.msg_type, plane.mmsi, plane.alt) == (9, 111574001, 300)
    text, place = (heard(message) for message in speech.man_overboard(972574901, (107.8, 16.8), AT))
    assert (text.msg_type, text.text) == (14, "MOB TEST")
    assert (place.msg_type, place.status, place.mmsi) == (1, 15, 972574901)


def test_every_line_carries_a_tag_block_with_its_time():
    for message in speech.static(hull(Radio.A), FIX):
        lines = speech.lines(message, AT)
        assert len(lines) == 2
        for line in lines:
            _, tag, sentence = line.decode().split("\\")
            text, _, check = tag.partition("*")
            assert text == "s:SIM,c:1795300123456"
            assert check == speech.checksum(text)
            body, _, check = sentence[1:].partition("*")
            assert body.startswith("AIVDM,2,")
            assert check == speech.checksum(body)


def test_turns_keep_clear_of_the_values_that_mean_something_else():
    assert speech.turn_of(Fix(AT, 0, 0, 5, 5, 127.0, 0)) == 120.0
    assert speech.turn_of(Fix(AT, 0, 0, 5, 5, -400.0, 0)) == -120.0


@pytest.mark.parametrize(("radio", "message"), [(Radio.A, MessageType1), (Radio.B_CS, MessageType18)])
def test_packed_sentences_are_those_of_pyais_to_the_byte(radio, message):
    rng = random.Random(4)
    boat = hull(radio)
    fixes = [
        Fix(AT + rng.uniform(0, 9e4), rng.uniform(-180, 180), rng.uniform(-90, 90), rng.randrange(1023) / 10,
            rng.randrange(3600) / 10, rng.randrange(-1200, 1200) / 10, rng.randrange(15))
        for _ in range(2000)
    ]  # fmt: skip
    fields = [speech.position_fields(boat, each)[1] for each in fixes]
    columns = {name: np.array([float(each[name]) for each in fields]) for name in fields[0]}
    packed = list(pack(message, columns, np.array([each.at for each in fixes])))
    assert packed == [speech.lines(speech.position(boat, each), each.at)[0] for each in fixes]


def test_one_vessel_at_one_moment_is_the_row_of_many():
    boat = fleet(1)[50]
    moments = np.arange(AT, AT + 7200, 61.0)
    way = unrest(motion(Rounds(1, boat), moments), boat.mmsi)
    for row in (0, 17, 99):
        one = fix(Rounds(1, boat), boat.mmsi, float(moments[row]))
        many = fix_of(way, row)
        assert (one.lon, one.lat) == pytest.approx((many.lon, many.lat), abs=1e-9)
        assert one.speed == pytest.approx(many.speed, abs=1e-6)
