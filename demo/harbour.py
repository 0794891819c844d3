"""The harbours of the simulated day: where boats lie and the channel by which they reach the open sea."""

import random
from dataclasses import dataclass

from demo.sea import Place, is_clear, offset


@dataclass(frozen=True)
class Harbour:
    """A harbour: `basin` is a convex ring of berths, `channel` leads from the basin to the open sea."""

    name: str
    basin: tuple[Place, ...]
    channel: tuple[Place, ...]

    def berth(self, rng: random.Random) -> Place:
        """A place inside the basin: a random mix of its corners."""
        weights = [rng.expovariate(1.0) for _ in self.basin]
        total = sum(weights)
        return (
            sum(w * p[0] for w, p in zip(weights, self.basin, strict=True)) / total,
            sum(w * p[1] for w, p in zip(weights, self.basin, strict=True)) / total,
        )

    def gate(self, rng: random.Random) -> Place:
        """A place about the channel's sea end: boats spread out there instead of all turning at one buoy."""
        while True:
            place = offset(self.channel[-1], rng.gauss(0, 0.7), rng.gauss(0, 0.7))
            if is_clear(place, 0.1):
                return place


THUAN_AN = Harbour(
    "Thuận An",
    ((107.6290, 16.5612), (107.6375, 16.5612), (107.6440, 16.5565), (107.6500, 16.5538), (107.6400, 16.5527),
     (107.6335, 16.5550)),
    ((107.6372, 16.5628), (107.6362, 16.5643), (107.6349, 16.5657), (107.6332, 16.5673), (107.6317, 16.5687),
     (107.6298, 16.5708), (107.6285, 16.5760), (107.6400, 16.5860), (107.6700, 16.6200)),
)  # fmt: skip
TAM_GIANG = Harbour(
    "Tam Giang",
    ((107.6580, 16.5330), (107.6700, 16.5370), (107.6760, 16.5310), (107.6860, 16.5290), (107.6720, 16.5220)),
    ((107.6610, 16.5380), (107.6602, 16.5490), (107.6545, 16.5512), (107.6495, 16.5532), (107.6420, 16.5580),
     *THUAN_AN.channel),
)  # fmt: skip
TU_HIEN = Harbour(
    "Tư Hiền",
    ((107.8930, 16.3360), (107.9150, 16.3370), (107.9200, 16.3300), (107.9150, 16.3180), (107.8950, 16.3180)),
    ((107.9210, 16.3400), (107.9232, 16.3470), (107.9237, 16.3508), (107.9249, 16.3528), (107.9257, 16.3538),
     (107.9263, 16.3558), (107.9280, 16.3590),
     (107.9450, 16.3900)),
)  # fmt: skip
CHAN_MAY = Harbour(
    "Chân Mây",
    ((107.9870, 16.3240), (108.0080, 16.3190), (108.0150, 16.3260), (108.0100, 16.3400), (107.9860, 16.3400)),
    ((107.9950, 16.3450), (107.9950, 16.3750)),
)
DA_NANG = Harbour(
    "Đà Nẵng",
    ((108.1700, 16.1200), (108.2050, 16.1200), (108.2050, 16.1500), (108.1700, 16.1500)),
    ((108.1950, 16.1650), (108.2400, 16.1900), (108.2900, 16.2300)),
)
CUA_VIET = Harbour(
    "Cửa Việt",
    ((107.2050, 16.9260), (107.2200, 16.9130), (107.2350, 16.9250), (107.2200, 16.9380)),
    ((107.2450, 16.9350), (107.2700, 16.9500)),
)
LY_SON = Harbour(
    "Lý Sơn",
    ((109.0500, 15.3380), (109.0800, 15.3380), (109.0800, 15.3560), (109.0500, 15.3560)),
    ((109.0450, 15.3650), (109.0200, 15.4000)),
)
HARBOURS = (THUAN_AN, TAM_GIANG, TU_HIEN, CHAN_MAY, DA_NANG, CUA_VIET, LY_SON)
