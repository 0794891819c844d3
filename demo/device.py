"""The monitoring devices of the simulated fleet: whose they are, who carries their fixes, and which one counts."""

import random
from functools import lru_cache
from typing import NamedTuple

from demo.fleet import Boat, mmsi_of

LEAST_LENGTH_M = 15.0
"""From this length on a boat of the demo is fitted, as all 437 of Huế are (domain.md 1.5)."""
_SECOND_SHARE = 0.04


class Provider(NamedTuple):
    """Who carries fixes: its key in the register, first letters of its devices, share of the fleet in per cent."""

    key: str
    letters: str
    share: int


PROVIDERS = (
    Provider("vnpt", "VNT", 45),
    Provider("viettel", "VTL", 25),
    Provider("vishipel", "VSP", 15),
    Provider("binhanh", "BAN", 10),
    Provider("bachkhoa", "BKA", 5),
)


class Device(NamedTuple):
    """A device as the register has it; provider is a Provider's key. One of a boat's is active."""

    id: str
    provider: str
    active: bool


@lru_cache(maxsize=1024)
def devices(boat: Boat) -> tuple[Device, ...]:
    """The boat's devices, the one that counts first: none under 15 m, two on a few boats that changed provider."""
    if boat.length_m < LEAST_LENGTH_M:
        return ()
    rng = random.Random(f"device/{boat.registration}")
    first = rng.choices(PROVIDERS, [one.share for one in PROVIDERS])[0]
    chosen = [first]
    if rng.random() < _SECOND_SHARE:
        chosen.append(rng.choice([one for one in PROVIDERS if one is not first]))
    own = mmsi_of(boat.registration) % 1_000_000  # a digit for the province and the registration's five
    return tuple(
        Device(f"{provider.letters}{own:06d}{slot}", provider.key, slot == 1)
        for slot, provider in enumerate(chosen, start=1)
    )
