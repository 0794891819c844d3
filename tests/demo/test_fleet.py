"""The fleet has Huế's real scale, lawful names and unmistakable numbers."""

import re
import unicodedata
from collections import Counter

import pytest

from demo.fleet import NAMED, Radio, ascii_name, careless, fleet, mmsi_of
from demo.traffic import BEACONS, craft, merchants
from geo.mmsi import station_kind

# The pattern that domain 1.6 gives, IGNORECASE after NFC.
REGISTRATION = re.compile(r"^([A-ZĐ]{1,4})[-. ]*(\d{4,5})(?:[-. ]*(TS|KN))?$", re.IGNORECASE)
SIX_BIT = re.compile(r"^[\x20-\x5f]+$")


@pytest.mark.parametrize("seed", [1, 2, 77])
def test_the_fleet_counts_437_boats_of_15_m_and_more_80_and_176(seed):
    boats = fleet(seed)
    classes = Counter("24" if b.length_m >= 24 else "15" if b.length_m >= 15 else "12" if b.length_m >= 12 else "6"
                      for b in boats)  # fmt: skip
    assert classes == {"24": 61, "15": 376, "12": 80, "6": 176}
    assert all(6 <= boat.length_m < 32 for boat in boats)


def test_434_of_437_are_visible_because_three_are_laid_up():
    big = [boat for boat in fleet(1) if boat.length_m >= 15]
    assert sum(not boat.laid_up for boat in big) == 434
    assert all(boat.radio is not Radio.NONE for boat in big)


def test_a_share_of_the_small_boats_has_class_b():
    small = [boat for boat in fleet(1) if boat.length_m < 12]
    assert 90 < sum(boat.radio is Radio.B_CS for boat in small) < 150


@pytest.mark.parametrize("seed", [1, 2])
def test_every_name_is_a_registration_and_fits_ais(seed):
    for boat in fleet(seed):
        assert unicodedata.is_normalized("NFC", boat.registration)
        assert REGISTRATION.match(boat.registration), boat.registration
        assert re.fullmatch(r"(TTH|QNg|ĐNa|QT|BĐ)-9\d{4}-TS", boat.registration)
        assert SIX_BIT.match(boat.shipname)
        assert len(boat.shipname) <= 20
        assert REGISTRATION.match(boat.shipname)
        assert SIX_BIT.match(boat.callsign)
        assert len(boat.callsign) <= 7


def test_ais_cannot_say_the_letters_that_only_vietnamese_has():
    assert ascii_name("BĐ-96986-TS") == "BD-96986-TS"
    assert ascii_name("QNg-97280-TS") == "QNG-97280-TS"


def test_no_two_share_a_number_a_name_or_a_call_sign():
    everybody = [*fleet(1), *(ship for ship, _ in merchants(1)), *(ship for ship, _ in craft(1))]
    numbers = [hull.mmsi for hull in everybody] + [beacon.mmsi for beacon in BEACONS]
    assert len(set(numbers)) == len(numbers)
    assert len({hull.shipname for hull in everybody}) == len(everybody)
    assert len({hull.callsign for hull in everybody}) == len(everybody)


def test_boats_are_vietnamese_and_ships_are_of_many_flags():
    assert all(boat.mmsi // 1_000_000 == 574 and boat.ship_type == 30 for boat in fleet(1))
    flags = Counter(ship.mmsi // 1_000_000 for ship, _ in merchants(1))
    assert flags[574] >= 5
    assert len(flags) >= 5
    assert all(201 <= flag <= 775 for flag in flags)


def test_merchant_ships_are_34_with_cargo_tankers_and_passengers():
    kinds = Counter(ship.ship_type // 10 for ship, _ in merchants(1))
    assert kinds == {7: 22, 8: 9, 6: 3}
    for ship, _ in merchants(1):
        digits = [int(digit) for digit in str(ship.imo)]
        assert sum(d * w for d, w in zip(digits, range(7, 1, -1), strict=False)) % 10 == digits[6]


def test_two_aids_to_navigation_and_a_base_station():
    assert [str(b.mmsi).zfill(9)[:5] for b in BEACONS] == ["99574", "99574", "00574"]


def test_a_length_never_grows_into_the_next_class_on_ais():
    for boat in fleet(1):
        bow, stern, port, starboard = boat.dimensions
        assert bow + stern == int(boat.length_m)
        assert port + starboard == max(2, int(boat.beam_m))


def test_the_named_boats_are_there_whatever_the_seed():
    for seed in (1, 5):
        by_name = {boat.registration: boat for boat in fleet(seed)}
        assert {name: by_name[name].length_m for name in NAMED} == {name: it[0] for name, it in NAMED.items()}
    trawler = by_name["TTH-91234-TS"]
    assert (trawler.mmsi, trawler.length_m, trawler.gear) == (574091234, 16.4, "trawl")
    assert mmsi_of("TTH-91234-TS") == 574091234


def test_the_same_seed_gives_the_same_fleet():
    first = fleet(3)
    fleet.cache_clear()
    assert fleet(3) == first
    assert fleet(4) != first


def test_fact_18_a_visitor_sends_the_number_of_a_boat_far_away_and_another_none_of_any_country():
    boats = {boat.mmsi: boat for boat in fleet(1)}
    (visitor, shared), (own, nobodys) = careless(1).items()
    assert boats[visitor].harbour != boats[shared].harbour
    assert boats[shared].length_m < 12 <= boats[visitor].length_m
    assert own in boats
    assert nobodys not in boats
    assert station_kind(nobodys) == "invalid"
    assert {visitor, shared, own}.isdisjoint(mmsi_of(name) for name in NAMED)
