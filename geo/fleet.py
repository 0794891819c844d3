"""The register of boats: each with its devices and people as one thing of one version, every version kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo import fishery, revision
from geo.actor import Actor
from geo.contact import Contact, put_contacts
from geo.device import Device, fitted, put_devices, with_counted, with_fitted, with_removed
from geo.duty import ZONES, Role, duty
from geo.figure import Figures
from geo.mmsi import station_kind
from geo.registration import PROVINCES, parse
from geo.wrong import Wrong

LENGTH_MAX_M, POWER_MAX_KW = 100.0, 20_000.0
TEXT_MAX, NOTE_MAX = 120, 2_000
HOMES = frozenset(province.now for province in PROVINCES)
ROLES: tuple[Role, ...] = tuple(ZONES)


class Outdated(Exception):
    """Somebody else changed the boat in between (or put one of this registration in): the version that counts now."""

    def __init__(self, registration: str, version: int) -> None:
        super().__init__(f"{registration}: version {version} counts now; look at it and begin from there")
        self.registration, self.version = registration, version


@dataclass(frozen=True)
class Boat:
    """One boat. registration as geo.registration writes it; home_province the one of today; version 0: not kept yet.

    laid_up_at: out of use since; it is registered, but nobody waits for its signal. retired_at: no longer registered.
    devices: those that are on it now, the one that counts first.
    """

    registration: str
    length_m: float
    home_province: str
    shipname: str | None = None
    mmsi: int | None = None
    callsign: str | None = None
    power_kw: float | None = None
    gear: str | None = None
    role: Role = "catching"
    commune: str | None = None
    licence: str | None = None
    licence_until: date | None = None
    laid_up_at: datetime | None = None
    note: str | None = None
    simulated: bool = False
    retired_at: datetime | None = None
    version: int = 0
    devices: tuple[Device, ...] = field(default=())

    @property
    def in_use(self) -> bool:
        """Whether it counts: neither laid up nor retired."""
        return self.laid_up_at is None and self.retired_at is None

    @property
    def device(self) -> Device | None:
        """The device that counts."""
        return next((one for one in self.devices if one.active), None)

    def told(self) -> dict[str, Any]:
        """Its values as JSON can hold them, for its history; nothing of its people is among them."""
        values = {name: _plain(getattr(self, name)) for name in (*STORED, "version")}
        return {**values, "devices": [one.told() for one in self.devices]}


STORED = tuple(one.name for one in fields(Boat) if one.name not in ("version", "devices"))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def boat_checked(boat: Boat) -> Boat:
    """The boat with its registration as it is written. Raises Wrong for a value that cannot be."""
    registration = parse(boat.registration)
    if registration is None:
        raise Wrong("registration", f"{boat.registration[:30]} không phải số đăng ký", "is no registration")
    boat = replace(boat, registration=str(registration))
    if not 0 < boat.length_m < LENGTH_MAX_M:
        raise Wrong("length_m", "Chiều dài lớn nhất tính bằng mét, dưới 100", "the length is in metres, under 100")
    if boat.power_kw is not None and not 0 < boat.power_kw < POWER_MAX_KW:
        raise Wrong("power_kw", "Công suất tính bằng kW", "the power is in kW")
    if boat.mmsi is not None and station_kind(boat.mmsi) != "ship":
        raise Wrong("mmsi", f"{boat.mmsi} không phải MMSI của tàu", f"{boat.mmsi} is no ship's MMSI")
    if boat.role not in ROLES:
        raise Wrong("role", "Loại tàu: khai thác hoặc hậu cần", f"the role is one of {', '.join(ROLES)}")
    if boat.home_province not in HOMES:
        raise Wrong("home_province", f"Không rõ tỉnh {boat.home_province[:40]}", "an unknown province")
    for name in ("shipname", "callsign", "gear", "commune", "licence"):
        if len(getattr(boat, name) or "") > TEXT_MAX:
            raise Wrong(name, f"Dài quá {TEXT_MAX} chữ", f"longer than {TEXT_MAX} letters")
    if len(boat.note or "") > NOTE_MAX:
        raise Wrong("note", f"Dài quá {NOTE_MAX} chữ", f"longer than {NOTE_MAX} letters")
    return boat


# Reading


def boats(connection: sa.Connection, registrations: Collection[str] | None = None, every: bool = False) -> list[Boat]:
    """All boats with their devices, or those of these registrations, by registration; `every`: retired ones too."""
    query = sa.select(fishery.boat).order_by(fishery.boat.c.registration)
    if registrations is not None:
        query = query.where(fishery.boat.c.registration.in_(registrations))
    return _read(connection, query, every)


def boat_of(connection: sa.Connection, registration: str) -> Boat | None:
    """The boat of a registration in any spelling, retired or not; None for no registration and for one not kept."""
    known = parse(registration)
    return _only(boats(connection, [str(known)], every=True)) if known else None


def boat_by_mmsi(connection: sa.Connection, mmsi: int) -> Boat | None:
    """The boat that bears this MMSI in the register."""
    return _only(_read(connection, sa.select(fishery.boat).where(fishery.boat.c.mmsi == mmsi)))


def boat_by_device(connection: sa.Connection, device: str) -> Boat | None:
    """The boat that this device is on."""
    column = fishery.device.c
    on = sa.select(column.registration).where(column.id == device, column.removed_at.is_(None))
    return _only(_read(connection, sa.select(fishery.boat).where(fishery.boat.c.registration.in_(on)), every=True))


def _read(connection: sa.Connection, query: "sa.Select[Any]", every: bool = False) -> list[Boat]:
    if not every:
        query = query.where(fishery.boat.c.retired_at.is_(None))
    rows = connection.execute(query).mappings().all()
    devices = fitted(connection, [row["registration"] for row in rows])
    names = (*STORED, "version")
    return [
        Boat(**{name: row[name] for name in names}, devices=tuple(devices.get(row["registration"], ()))) for row in rows
    ]


def _only(found: Sequence[Boat]) -> Boat | None:
    return found[0] if found else None


def must_be_seen(boat: Boat, figures: Figures, moment: datetime) -> bool:
    """Whether the boat counts among those whose signal is waited for: long enough (geo.duty), and in use (fact 7)."""
    return boat.in_use and duty(boat.length_m, figures, moment, boat.role).monitored


# Changing: all of one boat at once, begun from a version


def put_boat(
    connection: sa.Connection,
    boat: Boat,
    actor: Actor,
    now: datetime,
    comment: str | None = None,
    people: Sequence[Contact] = (),
) -> Boat:
    """Keep a boat with its devices as the next version of the one it was begun from; returns it as it is kept.

    people: those that are to take the place of the ones of the same part; their history says that they changed, and
    neither name nor number, which could never be taken out of it again.

    Raises Wrong for a value that cannot be, a third device, a device or an MMSI of another boat; Outdated.
    """
    return put_boats(connection, [(boat, people)], actor, now, comment)[0]


def put_boats(
    connection: sa.Connection,
    items: Sequence[tuple[Boat, Sequence[Contact]]],
    actor: Actor,
    now: datetime,
    comment: str | None = None,
) -> list[Boat]:
    """What put_boat does for each of many, all or none, in as many statements as for a few."""
    checked = [boat_checked(boat) for boat, _ in items]
    _free(connection, checked)
    before = fitted(connection, [boat.registration for boat in checked])
    versions = _next(connection, checked, {"updated_at": now, "updated_by": actor.name})
    kept = [replace(boat, version=versions[boat.registration]) for boat in checked]
    was = [device for boat in kept for device in before.get(boat.registration, ())]
    put_devices(connection, was, [device for boat in kept for device in boat.devices])
    told = [(boat.registration, boat.version, boat.told()) for boat in kept]
    revision.keep_all(connection, "boat", told, now, actor, comment)
    people = {boat.registration: found for boat, (_, found) in zip(kept, items, strict=True) if found}
    put_contacts(connection, people)
    parts = [(name, versions[name], {"parts": [one.part for one in found]}) for name, found in people.items()]
    revision.keep_all(connection, "boat_contact", parts, now, actor, comment)
    return [replace(boat, devices=tuple(one for one in boat.devices if one.removed_at is None)) for boat in kept]


def _free(connection: sa.Connection, wanted: Sequence[Boat]) -> None:
    """Refuse an MMSI that another boat bears; of two who take one at once the database refuses the second."""
    takers = {boat.mmsi: boat.registration for boat in wanted if boat.mmsi is not None and boat.retired_at is None}
    column = fishery.boat.c
    query = sa.select(column.mmsi, column.registration).where(column.mmsi.in_(takers), column.retired_at.is_(None))
    for mmsi, bearer in connection.execute(query):
        if bearer != takers[mmsi]:
            raise Wrong("mmsi", f"MMSI {mmsi} đang là của tàu {bearer}", f"{bearer} has the MMSI {mmsi}")


def _next(connection: sa.Connection, wanted: Sequence[Boat], common: Mapping[str, Any]) -> dict[str, int]:
    """Write the boats' own rows, which are held until the end of the transaction; their versions. Raises Outdated."""
    of, column = fishery.boat, fishery.boat.c
    rows = {boat.registration: {**{name: getattr(boat, name) for name in STORED}, **common} for boat in wanted}
    done: dict[str, int] = {}
    if new := [{**rows[boat.registration], "version": 1} for boat in wanted if boat.version == 0]:
        statement = insert(of).on_conflict_do_nothing(index_elements=["registration"])
        done |= dict.fromkeys(connection.scalars(statement.returning(column.registration), new), 1)
    # In one order, so that of two lists that are imported at once one waits for the other.
    for boat in sorted((boat for boat in wanted if boat.version), key=lambda each: each.registration):
        change = sa.update(of).where(column.registration == boat.registration, column.version == boat.version)
        own = {name: value for name, value in rows[boat.registration].items() if name != "registration"}
        version = connection.scalar(change.values(**own, version=column.version + 1).returning(column.version))
        done |= {boat.registration: version} if version is not None else {}
    for name in rows:
        if name not in done:
            now = connection.scalar(sa.select(column.version).where(column.registration == name))
            raise Outdated(name, now or 0)
    return done


# What people do with a boat: each gives the boat as it is to be kept


def fit(boat: Boat, device: Device, now: datetime, counted: bool = True) -> Boat:
    """With one more device, which counts from now on unless it is a spare. Raises Wrong for a third."""
    return replace(
        boat, devices=with_fitted(boat.devices, replace(device, registration=boat.registration), now, counted)
    )


def swap(boat: Boat, id: str) -> Boat:
    """With the device of that id as the one that counts. Raises Wrong for one it has not."""
    return replace(boat, devices=with_counted(boat.devices, id))


def take_off(boat: Boat, id: str, now: datetime) -> Boat:
    """Without that device; of two, the other one counts. Raises Wrong for one it has not."""
    return replace(boat, devices=with_removed(boat.devices, id, now))


def lay_up(boat: Boat, since: datetime) -> Boat:
    """Out of use since a moment: it leaves the number of those that must be seen."""
    return replace(boat, laid_up_at=boat.laid_up_at or since)


def take_into_use(boat: Boat) -> Boat:
    """In use again."""
    return replace(boat, laid_up_at=None)


def retire(boat: Boat, now: datetime) -> Boat:
    """No longer registered: its devices are taken off, and its MMSI is free for another one."""
    off = tuple(replace(one, active=False, removed_at=now) for one in boat.devices)
    return replace(boat, retired_at=boat.retired_at or now, devices=off)


def history(connection: sa.Connection, registration: str) -> Sequence[sa.RowMapping]:
    """All versions of a boat, newest first: value, at, actor, actor_kind, comment."""
    return revision.versions(connection, "boat", registration)
