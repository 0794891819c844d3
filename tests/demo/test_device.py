from collections import Counter

from demo.device import PROVIDERS, devices
from demo.fleet import fleet


def test_every_boat_of_15_m_and_more_has_one_device_that_counts_and_no_other_boat_has_any() -> None:
    fitted = {boat.registration: devices(boat) for boat in fleet(1) if devices(boat)}
    assert set(fitted) == {boat.registration for boat in fleet(1) if boat.length_m >= 15}
    assert len(fitted) == 437
    for found in fitted.values():
        assert [one.active for one in found] == [True, False][: len(found)]
        assert len({one.provider for one in found}) == len(found)
    ids = [one.id for found in fitted.values() for one in found]
    assert len(set(ids)) == len(ids)
    assert 5 <= sum(len(found) == 2 for found in fitted.values()) <= 40


def test_providers_have_the_shares_of_the_fleet_that_they_should() -> None:
    counts = Counter(devices(boat)[0].provider for boat in fleet(1) if devices(boat))
    assert set(counts) == {one.key for one in PROVIDERS}
    for one in PROVIDERS:
        assert abs(counts[one.key] / 437 - one.share / 100) < 0.06, one
