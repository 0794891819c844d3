"""Whose fix it is: the register of boats and devices asked for each fix of a monitoring device, in the transaction."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa

from geo.anomaly import OTHER_DEVICE
from geo.column import STAMP
from geo.fishery import boat, device
from geo.provider import Provider, by_name, plain, providers

OF_BOAT = ("shipname", "callsign", "mmsi", "length_m", "role", "gear", "home_province")


@dataclass(frozen=True)
class _Register:
    """What the register knows of the boats and devices that a batch names."""

    boats: dict[str, Any]
    owners: dict[str, str]  # device -> registration
    by_callsign: dict[str, str]
    fitted: dict[str, dict[str, Any]]  # registration -> its devices by their id
    providers: Mapping[str, Provider]  # by their keys and names (geo.provider.plain)

    def whose(self, told: Any) -> str | None:
        """The registration of the boat that a fix names: by its number, else by its device, else by its call sign."""
        ways = told.registration, self.owners.get(told.device or ""), self.by_callsign.get(told.callsign or "")
        return next((str(found) for found in ways if found in self.boats), None)

    def sent_by(self, told: Any) -> str | None:
        """Who carried it: as it says itself, else the provider that its device is registered with."""
        if told.provider:
            named = self.providers.get(plain(told.provider))
            return named.key if named else str(told.provider)
        owner = self.owners.get(told.device or "", "")
        return str(self.fitted[owner][told.device].provider) if owner in self.fitted else None

    def is_current(self, told: Any, registration: str, sent_by: str | None) -> bool:
        """Whether it is of the device that counts (Decree 41/2026: two on a boat at most, one counted at a time).

        Of a boat without a registered device whatever comes counts; a fix that names no device is taken for the current
        one's unless another provider sent it.
        """
        fitted = self.fitted.get(registration)
        if not fitted:
            return True
        active = next((one for one in fitted.values() if one.active), None)
        if active is None:
            return False
        return told.device == active.id if told.device else sent_by in (None, active.provider)


def identify(connection: sa.Connection, frame: pd.DataFrame) -> pd.DataFrame:
    """The fixes of ingest.vms with their boats: registration (empty: of none known), provider, OF_BOAT and auto_at.

    auto_at is the time of an automatic fix of the boat's current device, else none. A fix of another device is marked
    (geo.anomaly.OTHER_DEVICE): it is kept, and nowhere taken for where the boat is. One that is told by hand names a
    place and no device.
    """
    known = _register(connection, frame)
    found: list[dict[str, Any]] = []
    for told in frame.itertuples():
        registration = known.whose(told)
        if registration is None:
            found.append({"registration": "", "provider": told.provider, "aside": False})
            continue
        of_boat = known.boats[registration]
        sent_by = known.sent_by(told)
        aside = not told.manual and not known.is_current(told, registration, sent_by)
        facts = {name: getattr(of_boat, name) for name in OF_BOAT}
        facts["shipname"] = facts["shipname"] or told.shipname
        carrier = known.providers.get(plain(sent_by or ""))
        facts["provider_name"] = carrier.name if carrier else sent_by
        found.append({**facts, "registration": registration, "provider": sent_by, "aside": aside})
    facts_too = (*OF_BOAT, "provider_name")
    whose = pd.DataFrame(found, frame.index, ["registration", "provider", "aside", *facts_too], dtype=object)
    counts = (whose["registration"] != "") & ~whose["aside"].astype(bool) & ~frame["manual"].astype(bool)
    return frame.assign(
        **{name: whose[name] for name in ("registration", "provider", *facts_too)},
        anomaly=whose["aside"].astype(float) * OTHER_DEVICE,
        auto_at=frame["observed_at"].where(counts).astype(STAMP),
    )


def carriers(connection: sa.Connection, frame: pd.DataFrame) -> list[frozenset[str]]:
    """By whom each fix's boat is carried: the providers of its registered devices; none where there are none.

    frame: registration, device and callsign as they were told, empty where not.
    """
    known = _register(connection, frame)
    whose = [known.whose(told) for told in frame.itertuples()]
    return [frozenset(str(one.provider) for one in known.fitted.get(each or "", {}).values()) for each in whose]


def _register(connection: sa.Connection, frame: pd.DataFrame) -> _Register:
    """Four questions, whatever the number of fixes."""
    devices = _rows(connection, device, device.c.id, frame["device"])
    owners = {one.id: one.registration for one in devices}
    # A call sign that two boats bear says nothing.
    signs: dict[str, set[str]] = {}
    for one in _rows(connection, boat, boat.c.callsign, frame["callsign"]):
        signs.setdefault(one.callsign, set()).add(one.registration)
    by_callsign = {sign: next(iter(names)) for sign, names in signs.items() if len(names) == 1}
    names = {*frame["registration"], *owners.values(), *by_callsign.values()} - {""}
    boats = {one.registration: one for one in _rows(connection, boat, boat.c.registration, names)}
    fitted: dict[str, dict[str, Any]] = {}
    for one in _rows(connection, device, device.c.registration, names):
        fitted.setdefault(one.registration, {})[one.id] = one
    return _Register(boats, owners, by_callsign, fitted, by_name(providers(connection)))


def _rows(connection: sa.Connection, of: sa.Table, column: sa.Column[Any], values: Iterable[Any]) -> list[Any]:
    wanted = sorted({value for value in values if value})
    return list(connection.execute(sa.select(of).where(column == sa.func.any(wanted)))) if wanted else []
