"""Boats out of a list: what an import would do, row by row, and doing all that is good in one transaction."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from access.import_account import WHATS, What
from geo import device as devices
from geo import fleet
from geo.actor import Actor
from geo.boat_file import Draft, Fitting, merged
from geo.contact import Contact, contacts
from geo.device import Device
from geo.fleet import Boat
from geo.provider import Provider, by_name, plain, providers
from geo.registration import parse
from geo.wrong import Wrong

LENGTH_SAME_M = 0.05  # lists round to decimetres


@dataclass(frozen=True)
class Line:
    """What would become of one row: its number, the boat, the fields that change, or what is wrong with it."""

    number: int
    registration: str
    what: What
    fields: tuple[str, ...] = ()
    wrongs: tuple[Wrong, ...] = ()
    boat: Boat | None = field(default=None, repr=False)
    people: tuple[Contact, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Account:
    """What would become of every row, in the order of the file."""

    lines: tuple[Line, ...]

    @property
    def counts(self) -> dict[What, int]:
        """How many rows of each."""
        found = Counter(line.what for line in self.lines)
        return {what: found[what] for what in WHATS}


def carry_out(
    engine: sa.Engine, drafts: Sequence[Draft], overrule: bool, actor: Actor | None, comment: str | None
) -> tuple[Account, int | None]:
    """What an import would do; and with an actor, in the same transaction, doing what is good of it: how many boats.

    overrule: that the list's lengths and licences count where the register has others. Raises fleet.Outdated.
    """
    with engine.begin() as connection:
        now = datetime.now(UTC)
        if actor is None:
            return account(connection, drafts, now, overrule), None
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('haidang:fleet'), 0)"))
        found = account(connection, drafts, now, overrule)
        return found, apply(connection, found, actor, now, comment)


def apply(connection: sa.Connection, found: Account, actor: Actor, now: datetime, comment: str | None) -> int:
    """Keep every new and changed boat of an account that was made in this transaction; returns how many."""
    good = [(line.boat, line.people) for line in found.lines if line.what in ("new", "changed") and line.boat]
    if good:
        fleet.put_boats(connection, good, actor, now, comment)
    return len(good)


def account(
    connection: sa.Connection, drafts: Sequence[Draft], now: datetime, overrule: bool = False, simulated: bool = False
) -> Account:
    """What an import would do; nothing is written. simulated: that new boats are of the simulated fleet."""
    names = sorted({one.registration for one in drafts if one.registration})
    known = {boat.registration: boat for boat in fleet.boats(connection, names, every=True)}
    people = contacts(connection, names)
    ids = [fitting.id for one in drafts for fitting in one.devices]
    there = _There(
        known,
        {name: {one.part: one for one in found} for name, found in people.items()},
        devices.known(connection, ids),
        _bearers(connection, drafts),
        by_name(providers(connection)),
        _rows(drafts, lambda one: [one.registration]),
        _rows(drafts, lambda one: [one.said.get("mmsi")]),
        _rows(drafts, lambda one: [fitting.id for fitting in one.devices]),
    )
    return Account(tuple(_line(one, there, now, overrule, simulated) for one in drafts))


@dataclass(frozen=True)
class _There:
    """What the register has of the boats, people, devices and numbers that a list names, and which rows name them."""

    boats: Mapping[str, Boat]
    people: Mapping[str, Mapping[str, Contact]]
    devices: Mapping[str, Device]
    bearers: Mapping[int, str]
    providers: Mapping[str, Provider]
    rows: Mapping[Any, Sequence[int]]
    mmsi_rows: Mapping[Any, Sequence[int]]
    device_rows: Mapping[Any, Sequence[int]]


def _rows(drafts: Sequence[Draft], named: Any) -> Mapping[Any, Sequence[int]]:
    found: dict[Any, list[int]] = defaultdict(list)
    for one in drafts:
        for value in named(one):
            if value and one.number not in found[value]:
                found[value].append(one.number)
    return found


def _bearers(connection: sa.Connection, drafts: Sequence[Draft]) -> dict[int, str]:
    """Which boat bears an MMSI now."""
    wanted = {one.said["mmsi"] for one in drafts if one.said.get("mmsi")}
    return {boat.mmsi: boat.registration for boat in fleet.boats(connection) if boat.mmsi in wanted and boat.mmsi}


def _line(draft: Draft, there: _There, now: datetime, overrule: bool, simulated: bool) -> Line:
    told = Line(draft.number, draft.registration, "conflict")
    known = there.boats.get(draft.registration)
    wrongs = [*draft.faults, *_twice(draft, there), *_retired(draft, known)]
    if not overrule:
        wrongs += _disagreeing(draft, known)
    try:
        begun = known or _begun(draft, simulated)
        boat = fleet.boat_checked(replace(begun, **draft.said))
        boat = _fitted(draft, boat, there, now, wrongs)
    except Wrong as wrong:
        if draft.registration:
            wrongs.append(Wrong(draft.column(wrong.field), wrong.vi, wrong.en))
        return replace(told, wrongs=tuple(wrongs))
    if wrongs:
        return replace(told, wrongs=tuple(wrongs))
    people = _people(draft, there.people.get(draft.registration, {}))
    if known is None:
        return replace(told, what="new", boat=boat, people=people)
    fields = tuple(name for name in (*fleet.STORED, "devices") if getattr(known, name) != getattr(boat, name))
    fields += tuple(one.part for one in people)
    return replace(told, what="changed" if fields else "unchanged", fields=fields, boat=boat, people=people)


def _begun(draft: Draft, simulated: bool) -> Boat:
    """A new boat of which the row says at least the length; its province is its registration's unless it says one."""
    registration = parse(draft.registration)
    if registration is None:
        raise Wrong("registration", "Thiếu số đăng ký", "the registration is missing")
    if "length_m" not in draft.said:
        raise Wrong("length_m", "Tàu mới cần chiều dài lớn nhất", "a new boat needs its greatest length")
    home = draft.said.get("home_province") or (registration.province.now if registration.province else None)
    if home is None:
        raise Wrong(
            "registration",
            f"Không rõ tỉnh của đầu số {registration.prefix}: ghi cột tỉnh",
            f"the prefix {registration.prefix} is of no known province: say it in a column `home_province`",
        )
    return Boat(draft.registration, draft.said["length_m"], home, simulated=simulated)


def _twice(draft: Draft, there: _There) -> list[Wrong]:
    """Rows of the list that cannot both be right, and an MMSI that another boat bears."""
    found = []
    for name, value, rows in (
        ("registration", draft.registration, there.rows),
        ("mmsi", draft.said.get("mmsi"), there.mmsi_rows),
        *[(one.column, one.id, there.device_rows) for one in draft.devices],
    ):
        others = [row for row in rows.get(value, ()) if row != draft.number] if value else []
        # A list that repeats a boat has its number and its devices in both rows: that is told once.
        if others and not (name != "registration" and set(others) <= set(there.rows[draft.registration])):
            listed = ", ".join(map(str, others))
            found.append(
                Wrong(
                    draft.column(name),
                    f"{value} cũng ở dòng {listed}: chỉ giữ một",
                    f"{value} stands in row {listed} too: keep one",
                )
            )
    mmsi = draft.said.get("mmsi")
    bearer = there.bearers.get(mmsi) if mmsi else None
    if bearer is not None and bearer != draft.registration:
        found.append(
            Wrong(
                draft.column("mmsi"),
                f"MMSI {mmsi} đang là của tàu {bearer}: sửa tàu đó trước",
                f"{bearer} has the MMSI {mmsi}: correct that boat first",
            )
        )
    return found


def _retired(draft: Draft, known: Boat | None) -> list[Wrong]:
    if known is None or known.retired_at is None:
        return []
    return [
        Wrong(
            draft.column("registration"),
            f"{known.registration} đã xóa đăng ký ngày {known.retired_at:%d/%m/%Y}",
            f"{known.registration} was taken out of the register on {known.retired_at:%d/%m/%Y}",
        )
    ]


def _disagreeing(draft: Draft, known: Boat | None) -> list[Wrong]:
    """A length that is another, which changes a boat's duties; a licence that ends no later than the one known."""
    if known is None:
        return []
    found = []
    length = draft.said.get("length_m")
    if length is not None and abs(length - known.length_m) > LENGTH_SAME_M:
        found.append(
            Wrong(
                draft.column("length_m"),
                f"Chiều dài {length:g} m, sổ đăng ký có {known.length_m:g} m: kiểm tra, hoặc nhập với --overrule",
                f"a length of {length:g} m, the register has {known.length_m:g} m: look again, or add --overrule",
            )
        )
    until, licence = draft.said.get("licence_until"), draft.said.get("licence")
    older = until is not None and known.licence_until is not None and until < known.licence_until
    other = licence is not None and known.licence is not None and licence != known.licence
    renewed = until is not None and (known.licence_until is None or until > known.licence_until)
    if older or (other and not renewed):
        kept = f"{known.licence or '-'}, {known.licence_until.strftime('%d/%m/%Y') if known.licence_until else '-'}"
        found.append(
            Wrong(
                draft.column("licence_until" if older else "licence"),
                f"Giấy phép không mới hơn giấy phép trong sổ ({kept}): kiểm tra, hoặc nhập với --overrule",
                f"the licence is no newer than the register's ({kept}): look again, or add --overrule",
            )
        )
    return found


def _fitted(draft: Draft, boat: Boat, there: _There, now: datetime, wrongs: list[Wrong]) -> Boat:
    """The boat with the devices that the row names; what it does not name stays on it."""
    for n, fitting in enumerate(draft.devices):
        try:
            boat = _with(boat, fitting, n == 0, there, now)
        except Wrong as wrong:
            wrongs.append(Wrong(fitting.column, wrong.vi, wrong.en))
    return boat


def _with(boat: Boat, fitting: Fitting, counted: bool, there: _There, now: datetime) -> Boat:
    present = next((one for one in boat.devices if one.id == fitting.id), None)
    provider = there.providers.get(plain(fitting.provider)) if fitting.provider else None
    if fitting.provider and provider is None:
        listed = ", ".join(sorted({one.name for one in there.providers.values()}))
        raise Wrong(
            "provider",
            f"Không có nhà cung cấp {fitting.provider[:40]}; có: {listed}",
            f"there is no provider {fitting.provider[:40]}; there are: {listed}",
        )
    if present is not None:
        same = replace(present, provider=provider.key if provider else present.provider,
                       seal=fitting.seal or present.seal)  # fmt: skip
        boat = replace(boat, devices=tuple(same if one is present else one for one in boat.devices))
        return fleet.swap(boat, present.id) if counted and not present.active else boat
    other = there.devices.get(fitting.id)
    if other is not None and other.removed_at is None and other.registration != boat.registration:
        raise devices.on_another(other)
    if provider is None:
        raise Wrong("provider", f"Thiết bị {fitting.id} của nhà cung cấp nào?", f"whose device is {fitting.id}?")
    return fleet.fit(boat, Device(fitting.id, boat.registration, provider.key, seal=fitting.seal), now, counted)


def _people(draft: Draft, known: Mapping[str, Contact]) -> tuple[Contact, ...]:
    """The people of whom the row says something new."""
    wanted = [merged(known.get(one.part), one) for one in draft.people]
    return tuple(one for one in wanted if one != known.get(one.part))
