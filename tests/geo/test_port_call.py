"""Port calls and trips out of fixes, at the edges of the circles in which the clock lets a boat lie too."""

from datetime import UTC, datetime, timedelta

import pytest
from shapely import Point

from geo.fence import Fence, widen
from geo.port_call import PortCall, Trip, ports_at, voyages

T0 = datetime(2026, 11, 21, 3, tzinfo=UTC)
LON, LAT = 107.64, 16.557
PORT = Fence("thuan_an", "port", "Cảng cá Thuận An", "Thuan An", widen(Point(LON, LAT), 3_000), hysteresis_m=1_000)
OTHER = Fence("tu_hien", "port", "Tư Hiền", "Tu Hien", widen(Point(LON, LAT + 1), 3_000), hysteresis_m=1_000)
AREA = Fence("area", "area", "Vùng", "Area", widen(Point(LON, LAT), 50_000))


def fixes(*north_km: float) -> list[dict[str, object]]:
    """An hour apart, so many kilometres north of the port."""
    return [
        {"observed_at": T0 + timedelta(hours=n), "lon": LON, "lat": LAT + km / 111.195} for n, km in enumerate(north_km)
    ]


def at(hour: int) -> datetime:
    return T0 + timedelta(hours=hour)


def test_fact_07_in_at_less_than_3_km_and_out_beyond_4() -> None:
    ports = ports_at(fixes(5, 3.1, 2.9, 3.5, 3.9, 4.1, 3.5, 2.9), [PORT, AREA])
    assert ports == [None, None, "thuan_an", "thuan_an", "thuan_an", None, None, "thuan_an"]


def test_trips_and_calls_of_one_track() -> None:
    calls, trips = voyages(fixes(1, 1, 10, 20, 10, 2, 1, 30, 108, 110.5, 111), [PORT, OTHER])
    assert calls == [
        PortCall("thuan_an", None, at(2)),
        PortCall("thuan_an", at(5), at(7)),
        PortCall("tu_hien", at(9), None),
    ]
    first, second = trips
    assert (first.left_at, first.back_at, first.from_port, first.to_port, first.fixes) == (
        at(2), at(5), "thuan_an", "thuan_an", 3,
    )  # fmt: skip
    assert first.miles == pytest.approx((9 + 10 + 10 + 8) / 1.852, abs=0.1)
    assert second == Trip(at(7), at(9), "thuan_an", "tu_hien", 2, second.miles)


def test_what_the_track_does_not_hold_is_left_open() -> None:
    assert voyages([], [PORT]) == ([], [])
    calls, (trip,) = voyages(fixes(10, 20, 30), [PORT])
    assert calls == []
    assert (trip.left_at, trip.back_at, trip.from_port, trip.to_port) == (None, None, None, None)
    assert voyages(fixes(1, 2, 1), [PORT]) == ([PortCall("thuan_an", None, None)], [])


def test_a_port_that_was_taken_out_is_none() -> None:
    gone = Fence("thuan_an", "port", "Cảng", "Port", PORT.geom, hysteresis_m=1_000, retired_at=T0)
    assert ports_at(fixes(1, 2), [gone]) == [None, None]
