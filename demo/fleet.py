"""The fishing fleet at Huế's real scale: 437 boats of 15 m and more, 80 of 12 to under 15 m, 176 of 6 to under 12 m."""

import random
import unicodedata
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from demo.harbour import CHAN_MAY, CUA_VIET, DA_NANG, LY_SON, TAM_GIANG, THUAN_AN, TU_HIEN, Harbour


class Radio(StrEnum):
    """The AIS transponder that a vessel carries (M.1371): class A, class B SOTDMA, class B CSTDMA, or none."""

    A = "A"
    B_SO = "B-SO"
    B_CS = "B-CS"
    NONE = ""


@dataclass(frozen=True)
class Hull:
    """What a vessel says of itself. Lengths in metres; shipname and callsign in AIS's 6-bit ASCII."""

    mmsi: int
    shipname: str
    callsign: str
    ship_type: int
    length_m: float
    beam_m: float
    draught_m: float
    radio: Radio
    imo: int = 0

    @property
    def dimensions(self) -> tuple[int, int, int, int]:
        """AIS to_bow, to_stern, to_port, to_starboard in whole metres.

        Lengths are cut, not rounded: a boat of 14.9 m that said 15 would come under another class's duties.
        """
        length, beam = int(self.length_m), max(2, int(self.beam_m))
        bow = int(length * 0.7)
        return bow, length - bow, beam // 2, beam - beam // 2


@dataclass(frozen=True)
class Boat(Hull):
    """A fishing boat; `registration` keeps Đ and the small letters that AIS cannot say."""

    registration: str = ""
    gear: str = ""
    harbour: Harbour = THUAN_AN
    laid_up: bool = False


# Registrations that the scripted events, the design and the documentation name, with length, gear and radio.
NAMED: dict[str, tuple[float, str, Radio]] = {
    "TTH-91234-TS": (16.4, "trawl", Radio.B_CS),
    "TTH-90417-TS": (17.8, "trawl", Radio.B_CS),
    "TTH-90933-TS": (18.6, "gillnet", Radio.B_CS),
    "QNg-95518-TS": (21.2, "squid", Radio.B_CS),
    "QNg-95123-TS": (19.5, "longline", Radio.B_CS),
    "TTH-92418-TS": (14.2, "gillnet", Radio.B_CS),
    "TTH-92605-TS": (13.6, "trawl", Radio.B_CS),
    "TTH-92731-TS": (14.6, "trawl", Radio.B_CS),
    "TTH-92857-TS": (12.8, "trawl", Radio.B_CS),
    "TTH-93309-TS": (9.5, "gillnet", Radio.B_CS),
}
# Class: how many, shortest and longest in decimetres, registering provinces with their numbers, gears with weights.
_CLASSES: tuple[tuple[int, int, int, dict[str, int], dict[str, int]], ...] = (
    (61, 240, 319, {"TTH": 49, "QNg": 6, "ĐNa": 3, "BĐ": 3}, {"trawl": 30, "seine": 20, "squid": 25, "longline": 25}),
    (376, 150, 239, {"TTH": 322, "QNg": 22, "ĐNa": 14, "QT": 13, "BĐ": 5},
     {"trawl": 25, "gillnet": 35, "squid": 20, "longline": 10, "seine": 10}),
    (80, 120, 149, {"TTH": 74, "ĐNa": 3, "QT": 3}, {"trawl": 20, "gillnet": 50, "squid": 30}),
    (176, 60, 119, {"TTH": 176}, {"gillnet": 70, "handline": 30}),
)  # fmt: skip
_PREFIX_CODE = {"TTH": 0, "QNg": 1, "ĐNa": 2, "QT": 3, "BĐ": 4}
_VISITORS_HARBOUR = {"QNg": LY_SON, "BĐ": LY_SON, "ĐNa": DA_NANG, "QT": CUA_VIET}
_LAID_UP = 3


def ascii_name(registration: str) -> str:
    """A registration as AIS can say it: upper case, Đ as D (M.1371's 6-bit alphabet has no Đ)."""
    plain = unicodedata.normalize("NFC", registration).replace("Đ", "D").replace("đ", "d").upper()
    plain.encode("ascii")
    return plain


def mmsi_of(registration: str) -> int:
    """The MMSI of a simulated boat: 574, a digit for the province, the registration's five digits."""
    prefix, digits, _ = registration.split("-")
    return 574_000_000 + _PREFIX_CODE[prefix] * 100_000 + int(digits)


@lru_cache(maxsize=8)
def fleet(seed: int) -> tuple[Boat, ...]:
    """The 693 boats in the order of their classes, longest first; the same for the same seed."""
    rng = random.Random(f"fleet/{seed}")
    boats: list[Boat] = []
    used = set(NAMED)
    for count, low, high, provinces, gears in _CLASSES:
        named = [name for name, (length, _, _) in NAMED.items() if low <= length * 10 <= high]
        boats += [_boat(rng, name, *NAMED[name]) for name in named]
        prefixes = [prefix for prefix, number in provinces.items() for _ in range(number)]
        for name in named:
            prefixes.remove(name.split("-")[0])
        for prefix in prefixes:
            length = rng.randint(low, high) / 10
            gear = rng.choices(list(gears), list(gears.values()))[0]
            boats.append(_boat(rng, _registration(rng, prefix, used), length, gear, _radio(rng, length)))
        assert len(named) + len(prefixes) == count
    return tuple(_lay_up(rng, boats))


@lru_cache(maxsize=8)
def careless(seed: int) -> dict[int, int]:
    """Boats whose transponder sends another MMSI than their own, and which: a visitor's was bought with a number that a
    small boat of Huế bears too, and a small boat's was never given a country's digits (domain 2.5).
    """
    plain = [boat for boat in fleet(seed) if boat.registration not in NAMED and not boat.laid_up]
    small = [boat.mmsi for boat in plain if boat.length_m < 12 and boat.radio is Radio.B_CS]
    visitor = next(boat.mmsi for boat in plain if boat.harbour is LY_SON and boat.radio is Radio.B_CS)
    return {visitor: small[0], small[1]: 200_000_000 + small[1] % 1_000_000}


def _registration(rng: random.Random, prefix: str, used: set[str]) -> str:
    while True:
        name = f"{prefix}-9{rng.randint(0, 9999):04d}-TS"
        if name not in used:
            used.add(name)
            return name


def _radio(rng: random.Random, length: float) -> Radio:
    if length >= 24:
        return rng.choices((Radio.A, Radio.B_SO, Radio.B_CS), (45, 15, 40))[0]
    if length >= 12:
        return rng.choices((Radio.B_SO, Radio.B_CS), (8, 92))[0]
    return rng.choices((Radio.B_CS, Radio.NONE), (65, 35))[0]


def _harbour(rng: random.Random, prefix: str, length: float) -> Harbour:
    if prefix in _VISITORS_HARBOUR:
        return _VISITORS_HARBOUR[prefix]
    if length >= 24:
        return rng.choices((THUAN_AN, TAM_GIANG), (70, 30))[0]
    if length >= 12:
        return rng.choices((THUAN_AN, TAM_GIANG, TU_HIEN), (40, 28, 32))[0]
    return rng.choices((THUAN_AN, TAM_GIANG, TU_HIEN, CHAN_MAY), (25, 25, 32, 18))[0]


def _boat(rng: random.Random, registration: str, length: float, gear: str, radio: Radio) -> Boat:
    prefix = registration.split("-")[0]
    mmsi = mmsi_of(registration)
    harbour = _harbour(rng, prefix, length)
    if registration in NAMED:
        # The scripts reckon with the way from the inlet, whatever the seed.
        harbour = _VISITORS_HARBOUR.get(prefix, TU_HIEN if length < 12 else THUAN_AN)
    return Boat(
        mmsi,
        ascii_name(registration),
        f"XV{'ABCDE'[_PREFIX_CODE[prefix]]}{mmsi % 10_000:04d}",
        30,
        length,
        round(length / rng.uniform(3.3, 3.9), 1),
        round(length / 10.5, 1),
        radio,
        registration=registration,
        gear=gear,
        harbour=harbour,
    )


def _lay_up(rng: random.Random, boats: list[Boat]) -> list[Boat]:
    """Mark three boats of 15 m and more as laid up: Huế counts 434 visible of 437."""
    candidates = [i for i, boat in enumerate(boats) if boat.length_m >= 15 and boat.registration not in NAMED]
    chosen = set(rng.sample([i for i in candidates if boats[i].registration.startswith("TTH")], _LAID_UP))
    return [replace(boat, laid_up=True, radio=Radio.B_CS) if i in chosen else boat for i, boat in enumerate(boats)]
