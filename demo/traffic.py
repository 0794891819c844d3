"""Merchant ships on the lane off Huế, harbour craft, and the fixed voices: buoys and a base station."""

import random
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from demo.fleet import Hull, Radio
from demo.harbour import CHAN_MAY, THUAN_AN, Harbour
from demo.plan import Plan, Shuttle
from demo.sea import INSHORE_LINE, Place, is_clear, offset, route, seaward
from demo.track import Activity, Pen, Track, length_nm
from demo.voyage import cruise


@dataclass(frozen=True)
class Ship(Hull):
    """A merchant ship or harbour craft; `ports` are what it calls its two ends (UN/LOCODE)."""

    ports: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Beacon:
    """An aid to navigation (type 21; `aid_type` of M.1371 table 74) or, with aid_type 0, a base station (type 4)."""

    mmsi: int
    name: str
    place: Place
    aid_type: int
    virtual: bool = False


# Anchorages at either end of a voyage: UN/LOCODE and place.
_ROADS: dict[str, Place] = {
    "VNVAG": (106.62, 18.28),
    "VNUIH": (109.52, 13.68),
    "VNCMY": (108.15, 16.43),
    "VNDAD": (108.34, 16.26),
    "VNDQT": (108.88, 15.60),
}
_LANE: tuple[Place, ...] = ((106.95, 18.45), (107.75, 17.55), (108.60, 16.85), (109.70, 15.95), (110.00, 15.25),
                            (109.98, 14.30))  # fmt: skip
# Ends of the voyage, and how many ships trade between them.
_TRADES = (("VNVAG", "VNUIH", 17), ("VNVAG", "VNCMY", 4), ("VNVAG", "VNDAD", 4), ("VNCMY", "VNUIH", 4),
           ("VNDAD", "VNUIH", 3), ("VNVAG", "VNDQT", 2))  # fmt: skip
# Maritime identification digits and the first letters of call signs under that flag.
_FLAGS = {574: "3W", 636: "D5", 538: "V7", 352: "3E", 477: "VR", 563: "9V", 413: "B", 533: "9M", 440: "D7", 567: "HS"}
_FIRST = ("PACIFIC", "EASTERN", "GOLDEN", "LOTUS", "JADE", "CORAL", "SILVER", "NORTHERN", "BLUE", "ORIENT", "AMBER",
          "MORNING", "HARVEST", "BRIGHT", "MEKONG", "RIVER", "MONSOON")  # fmt: skip
_SECOND = ("HERON", "DAWN", "PIONEER", "CRANE", "HARMONY", "TRADER", "HORIZON", "PEARL", "FORTUNE", "CREST", "BREEZE",
           "VOYAGER", "LANTERN", "UNITY", "MERIDIAN")  # fmt: skip
_KINDS = (((70, 71, 74, 79), 22, (90, 225), 0.155, (10.5, 14.5)), ((80, 81, 82, 89), 9, (95, 240), 0.165, (10.0, 13.5)),
          ((60, 69), 3, (120, 260), 0.14, (14.5, 18.5)))  # fmt: skip

BEACONS = (
    Beacon(995741001, "PHAO 0 THUAN AN", (107.6560, 16.6060), 29),
    Beacon(995746002, "PHAO AO 0 CHAN MAY", (107.9850, 16.3860), 29, virtual=True),
    Beacon(5740701, "", (107.6363, 16.5688), 0),
)
"""Two aids to navigation, one of them virtual, and the base station by the Thuận An inlet."""


@lru_cache(maxsize=8)
def merchants(seed: int) -> tuple[tuple[Ship, Plan], ...]:
    """34 merchant ships of class A and what they do."""
    rng = random.Random(f"merchants/{seed}")
    names = [f"{first} {second}" for first in _FIRST for second in _SECOND]
    rng.shuffle(names)
    trades = [(a, b) for a, b, count in _TRADES for _ in range(count)]
    rng.shuffle(trades)
    found: list[tuple[Ship, Plan]] = []
    for types, count, lengths, slender, speeds in _KINDS:
        for _ in range(count):
            ports = trades[len(found)]
            ship = _ship(rng, len(found), names[len(found)], rng.choice(types), rng.randint(*lengths), slender, ports)
            found.append((ship, _trade(seed, ship, rng.uniform(*speeds), rng)))
    return tuple(found)


def _ship(
    rng: random.Random, index: int, name: str, kind: int, length: int, slender: float, ports: tuple[str, str]
) -> Ship:
    mid = 574 if rng.random() < 0.45 else rng.choice(list(_FLAGS)[1:])
    sign = _FLAGS[mid] + "".join(rng.choice("ABCDEFGHJKLMNPQRSTUVWXY") for _ in range(2)) + str(rng.randint(2, 9))
    # Vietnamese ships sit above the fishing boats' block of MMSIs; others need only differ.
    mmsi = mid * 1_000_000 + 900_000 + index * 100 + rng.randint(0, 99)
    return Ship(mmsi, name, sign, kind, float(length), round(length * slender, 1), round(length * 0.045 + 2, 1),
                Radio.A, _imo(rng, index), ports)  # fmt: skip


def _imo(rng: random.Random, index: int) -> int:
    """An IMO number with a right check digit, in a range that has never been given out."""
    digits = 200_000 + index * 100 + rng.randint(0, 99)
    check = sum(int(digit) * weight for digit, weight in zip(str(digits), range(7, 1, -1), strict=True)) % 10
    return digits * 10 + check


def _anchor(rng: random.Random, road: str) -> Place:
    while True:
        place = offset(_ROADS[road], rng.gauss(0, 1.0), rng.gauss(0, 1.0))
        if is_clear(place, 0.3):
            return place


def _sea_way(start: Place, end: Place, beside_nm: float) -> tuple[Place, ...]:
    """From anchorage to anchorage by the lane, keeping to the right of it by `beside_nm`."""
    south = start[1] > end[1]
    side = -beside_nm if south else beside_nm
    low, high = sorted((start[1], end[1]))
    lane = [offset(p, side * 0.66, side * 0.75) for p in _LANE if low + 0.25 < p[1] < high + 0.2]
    stops = [start, *(lane if south else lane[::-1]), end]
    way: list[Place] = [start]
    for a, b in pairwise(stops):
        way += route(a, b)[1:]
    return tuple(way)


def _trade(seed: int, ship: Ship, speed_kn: float, rng: random.Random) -> Shuttle:
    beside_nm, lie_s = rng.uniform(1.0, 4.0), rng.uniform(3, 8) * 3600
    ends = _anchor(rng, ship.ports[0]), _anchor(rng, ship.ports[1])
    # Both ways are nearly as long; a tenth more time is enough for either, the rest is spent at anchor.
    period = length_nm(_sea_way(*ends, beside_nm)) / speed_kn * 3600 * 1.1 + lie_s

    def draw(number: int, start: float) -> Track:
        here, there = ends if number % 2 == 0 else ends[::-1]
        pen = Pen(start, here, Activity.ANCHORED)
        way = _sea_way(here, there, beside_nm)[1:]
        cruise(pen, way, speed_kn, random.Random(f"trade/{seed}/{ship.mmsi}/{number}"))
        pen.stay(pen.at + 60, Activity.ANCHORED)
        return pen.track(window_s=360.0)

    return Shuttle(period, rng.uniform(0, period), draw)


# Harbour craft: name, MMSI, ship type, length, speed, home, the places of a tour, hours between tours.
_CRAFT: tuple[tuple[str, int, int, float, float, Harbour, tuple[Place, ...], float], ...] = (
    ("CHAN MAY TUG 1", 574880101, 52, 28.0, 8.0, CHAN_MAY, ((108.000, 16.420), (107.975, 16.415)), 5.0),
    ("CHAN MAY TUG 2", 574880102, 52, 26.0, 8.0, CHAN_MAY, ((107.985, 16.425), (108.010, 16.435)), 7.0),
    ("CHAN MAY PILOT", 574880103, 50, 17.0, 12.0, CHAN_MAY, ((107.970, 16.430), (108.030, 16.460)), 5.0),
    ("THUAN AN PILOT", 574880104, 50, 14.5, 10.0, THUAN_AN, ((107.690, 16.640), (107.660, 16.650)), 6.0),
    ("THUAN AN TUG", 574880105, 52, 22.0, 7.5, THUAN_AN, ((107.660, 16.610), (107.675, 16.628)), 9.0),
    ("CUU NAN HUE 01", 574880106, 51, 31.0, 14.0, THUAN_AN, ((107.780, 16.700), (107.700, 16.760)), 8.0),
    ("VN-96911-KN", 574880107, 55, 41.0, 12.0, THUAN_AN, (seaward(INSHORE_LINE, 0.12, -6.0),
     seaward(INSHORE_LINE, 0.30, -5.0), seaward(INSHORE_LINE, 0.30, 4.0), seaward(INSHORE_LINE, 0.12, 4.0)), 22.0),
)  # fmt: skip


@lru_cache(maxsize=8)
def craft(seed: int) -> tuple[tuple[Ship, Plan], ...]:
    """Tugs, pilot boats, a rescue boat and a fisheries patrol boat with their tours."""
    rng = random.Random(f"craft/{seed}")
    found: list[tuple[Ship, Plan]] = []
    for name, mmsi, kind, length, speed, home, places, every_h in _CRAFT:
        sign = f"XVK{mmsi % 10_000:04d}"
        ship = Ship(mmsi, name, sign, kind, length, round(length / 3.6, 1), round(length / 9, 1), Radio.A)
        found.append((ship, _tour(ship, speed, home, places, every_h * 3600, rng)))
    return tuple(found)


def _tour(
    ship: Ship, speed_kn: float, home: Harbour, places: tuple[Place, ...], every_s: float, rng: random.Random
) -> Shuttle:
    berth = home.berth(rng)
    gate = home.channel[-1]
    stops = (gate, *places, gate)

    def draw(number: int, start: float) -> Track:
        chance = random.Random(f"tour/{ship.mmsi}/{number}")
        pen = Pen(start + chance.uniform(0, 0.2) * every_s, berth)
        pen.follow(home.channel, 5.0)
        for a, b in pairwise(stops):
            cruise(pen, route(a, b)[1:], speed_kn, chance)
        pen.follow((*home.channel[::-1][1:], berth), 5.0)
        pen.stay(pen.at + 60, Activity.MOORED)
        return pen.track()

    return Shuttle(every_s, rng.uniform(0, every_s), draw)
