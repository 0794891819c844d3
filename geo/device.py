"""Monitoring devices on boats: two on a boat at the most, one of them counted (Decree 41/2026/NĐ-CP); never a third."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo.fishery import device
from geo.wrong import Wrong

AT_MOST = 2
ID_MAX = 40


@dataclass(frozen=True)
class Device:
    """One device on a boat; active: the one that is counted; slot: 1 or 2. provider is a provider's key.

    fitted_at and removed_at are moments; seal is the number of the lead seal.
    """

    id: str
    registration: str
    provider: str
    slot: int = 0
    active: bool = False
    seal: str | None = None
    fitted_at: datetime | None = None
    removed_at: datetime | None = None

    def told(self) -> dict[str, Any]:
        """Its values as JSON can hold them, for the boat's history."""
        moments = {
            name: at.astimezone(UTC).isoformat() if (at := getattr(self, name)) else None
            for name in ("fitted_at", "removed_at")
        }
        return {**vars(self), **moments}


def fitted(connection: sa.Connection, registrations: Collection[str]) -> Mapping[str, Sequence[Device]]:
    """The devices that are on these boats now, by registration, the one that counts first."""
    found: dict[str, list[Device]] = defaultdict(list)
    column = device.c
    query = sa.select(device).where(column.registration.in_(registrations), column.removed_at.is_(None))
    for row in connection.execute(query.order_by(column.active.desc(), column.slot)).mappings():
        found[row["registration"]].append(Device(**row))
    return found


def known(connection: sa.Connection, ids: Collection[str]) -> Mapping[str, Device]:
    """Devices by their ids, also those that were taken off."""
    rows = connection.execute(sa.select(device).where(device.c.id.in_(ids))).mappings()
    return {row["id"]: Device(**row) for row in rows}


# What a change leaves on the boat: pure, so that a dry run and the change itself agree.


def with_fitted(present: Sequence[Device], new: Device, now: datetime, counted: bool) -> tuple[Device, ...]:
    """The boat's devices after one more; the only one always counts. Raises Wrong for a third and for one it has."""
    if any(one.id == new.id for one in present):
        raise Wrong("device", f"{new.registration} đã có thiết bị {new.id}", f"{new.registration} has {new.id} already")
    if len(present) >= AT_MOST:
        listed = ", ".join(f"{one.id} ({one.provider})" for one in present)
        raise Wrong(
            "device",
            f"{new.registration} đã có hai thiết bị: {listed}; tháo một rồi mới lắp {new.id}",
            f"{new.registration} has two devices already: {listed}; take one off before {new.id} is fitted",
        )
    free = next(slot for slot in (1, 2) if slot not in {one.slot for one in present})
    counts = counted or not present
    kept = tuple(replace(one, active=one.active and not counts) for one in present)
    return (
        *kept,
        replace(new, slot=free, active=counts, fitted_at=new.fitted_at or now, removed_at=None),
    )


def with_counted(present: Sequence[Device], id: str) -> tuple[Device, ...]:
    """The boat's devices when the one of that id is the one that counts. Raises Wrong for one it has not."""
    _has(present, id)
    return tuple(replace(one, active=one.id == id) for one in present)


def with_removed(present: Sequence[Device], id: str, now: datetime) -> tuple[Device, ...]:
    """The boat's devices when one is taken off, which stands last; the one that stays counts. Raises Wrong."""
    _has(present, id)
    stay = tuple(replace(one, active=True) for one in present if one.id != id)
    gone = next(one for one in present if one.id == id)
    return (*stay, replace(gone, active=False, removed_at=now))


def _has(present: Sequence[Device], id: str) -> None:
    if all(one.id != id for one in present):
        listed = ", ".join(one.id for one in present) or "-"
        raise Wrong(
            "device", f"Tàu không có thiết bị {id}; có: {listed}", f"the boat has no device {id}; has: {listed}"
        )


def put_devices(connection: sa.Connection, before: Sequence[Device], after: Sequence[Device]) -> None:
    """Write what differs, of many boats, in the order that the unique indexes allow; the caller holds the boats' rows.

    Raises Wrong for a device that is on another boat.
    """
    was = {one.id: one for one in before}
    changed = [one for one in after if was.get(one.id) != one]
    elsewhere = dict(known(connection, [one.id for one in changed]))
    for one in changed:
        other = elsewhere.setdefault(one.id, one)
        if other.registration != one.registration and other.removed_at is None:
            raise on_another(other)
    rows = [vars(one) for one in sorted(changed, key=lambda each: each.active)]  # what no longer counts makes way first
    if rows:
        statement = insert(device)
        same = {name: statement.excluded[name] for name in rows[0] if name != "id"}
        connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=same), rows)


def on_another(other: Device) -> Wrong:
    """The fault of whoever would fit a device that is on another boat (carrying another vessel's is an offence)."""
    return Wrong(
        "device",
        f"Thiết bị {other.id} đang ở tàu {other.registration}: tháo ở tàu đó trước",
        f"device {other.id} is on {other.registration}: take it off there first",
    )
