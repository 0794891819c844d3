"""Duties of a fishing boat by its greatest length: the monitoring device and its interval, and who looks after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from geo.figure import Figure, Figures

Role = Literal["catching", "logistics"]
# Decree 26/2019/NĐ-CP Art. 43: of a boat that is small, of the inshore class and of the offshore class; where the
# classes begin are the figures zone_inshore_least_length and zone_offshore_least_length.
ZONES: Mapping[Role, tuple[tuple[str, ...], ...]] = {
    "catching": (("coastal",), ("inshore",), ("offshore",)),
    "logistics": (("coastal",), ("coastal", "inshore"), ("coastal", "inshore", "offshore")),
}


@dataclass(frozen=True)
class Duty:
    """What the law asks of a boat. interval: how often its device must report, None where it needs none."""

    interval: Figure | None
    zones: tuple[str, ...]
    licensed: bool
    owner_level: Literal["national", "provincial"] | None

    @property
    def monitored(self) -> bool:
        """Whether it must carry a monitoring device."""
        return self.interval is not None


def duty(length_m: float, figures: Figures, moment: datetime, role: Role = "catching") -> Duty:
    """The duties of a boat of that greatest length (Lmax, metres) at a moment; domain.md 1.1, facts 1 and 14."""
    monitored = length_m >= figures.at("vms_least_length", moment).value
    national = length_m >= figures.at("national_least_length", moment).value
    interval = figures.at("vms_interval_24" if national else "vms_interval_15", moment) if monitored else None
    level: Literal["national", "provincial"] = "national" if national else "provincial"
    licensed = length_m >= figures.at("licence_least_length", moment).value
    return Duty(interval, zones_of(length_m, figures, moment, role), licensed, level if monitored else None)


def zones_of(length_m: float, figures: Figures, moment: datetime, role: Role = "catching") -> tuple[str, ...]:
    """The fishing zones that a boat of that length and role may work in, by their names in geo.zone.NAMES_EN."""
    begins = (figures.at(key, moment).value for key in ("zone_inshore_least_length", "zone_offshore_least_length"))
    return ZONES[role][sum(length_m >= begin for begin in begins)]
