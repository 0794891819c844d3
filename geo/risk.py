"""Who to look at first: what speaks for looking at a boat, each reason by itself, weighted by dated figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from geo import table
from geo.boat_event import AIS, VMS
from geo.calendar import ZONE
from geo.duty import duty
from geo.figure import Figures
from geo.fishery import boat, boat_case, boat_event, device
from geo.heard import vessel

FILED = ("violation_file", "fined")  # outcomes after which a boat is looked at again (geo.boat_case.OUTCOMES)


@dataclass(frozen=True)
class Reason:
    """One thing that speaks for it. key: as the figure risk_<key>; facts: what there is to it, as JSON can hold it."""

    key: str
    points: float
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Risk:
    """One boat with its reasons, the weightiest first."""

    registration: str
    shipname: str | None
    length_m: float
    home_province: str
    commune: str | None
    simulated: bool
    reasons: tuple[Reason, ...]

    @property
    def score(self) -> float:
        """The sum of its reasons' points."""
        return sum(reason.points for reason in self.reasons)


def risks(connection: sa.Connection, figures: Figures, now: datetime, limit: int = 100) -> list[Risk]:
    """The boats in use that anything speaks for, the highest score first.

    A silence that is its provider's outage counts against no boat, and no silence is called a deed.
    """
    found = []
    for row in connection.execute(_rows(figures, now)).mappings():
        if reasons := weighed(dict(row), figures, now):
            about = {name: row[name] for name in ("registration", "shipname", "length_m", "home_province", "commune")}
            found.append(Risk(**about, simulated=row["simulated"], reasons=reasons))
    return sorted(found, key=lambda one: (-one.score, one.registration))[:limit]


def weighed(row: Mapping[str, Any], figures: Figures, now: datetime) -> tuple[Reason, ...]:
    """What speaks for a boat, the weightiest first.

    row: length_m, role, licence_until, fitted (it has a device that counts), lost_since (of the loss that goes on),
    astray_since, losses, zones, filed, approaches, disablings: how often in the figures' spans.
    """

    def points(key: str, times: int = 1) -> float:
        most = int(figures.at("risk_times", now).value)
        return figures.at(f"risk_{key}", now).value * min(times, most)

    own, today, found = duty(row["length_m"], figures, now, row["role"]), now.astimezone(ZONE).date(), []
    until = row["licence_until"]
    if own.licensed and until is not None:
        if until < today:
            found.append(Reason("licence_expired", points("licence_expired"), {"until": until.isoformat()}))
        elif until - today <= figures.at("risk_licence_span", now).span:
            found.append(Reason("licence_ends", points("licence_ends"), {"until": until.isoformat()}))
    if own.monitored and not row["fitted"]:
        found.append(Reason("no_device", points("no_device")))
    if row["lost_since"] is not None:
        overdue = now - row["lost_since"] >= figures.at("return_within", now).span
        key = "lost_overdue" if overdue else "lost_now"
        found.append(Reason(key, points(key), {"since": row["lost_since"].isoformat()}))
    if row["astray_since"] is not None:
        found.append(Reason("astray_now", points("astray_now"), {"since": row["astray_since"].isoformat()}))
    # One loss may happen to anybody; what comes again and again is what the list is for.
    counted = {"loss": row["losses"] - 1, "zone": row["zones"], "filed": row["filed"],
               "approach": row["approaches"], "disabling": row["disablings"]}  # fmt: skip
    for key, times in counted.items():
        if times > 0:
            told = times + 1 if key == "loss" else times
            days = figures.at(f"risk_{key}_span", now).span / timedelta(days=1)
            found.append(Reason(key, points(key, times), {"times": told, "days": round(days)}))
    kept = [reason for reason in found if reason.points > 0]
    return tuple(sorted(kept, key=lambda one: (-one.points, one.key)))


def wording(reason: Reason) -> tuple[str, str]:
    """What a reason says, in Vietnamese and English; times and days are put in by whoever shows them."""
    return {
        "licence_expired": ("Giấy phép hết hạn ngày {until}", "Licence expired on {until}"),
        "licence_ends": ("Giấy phép sắp hết hạn: {until}", "Licence ends soon: {until}"),
        "no_device": ("Chưa có thiết bị giám sát hành trình đang tính", "No monitoring device that counts"),
        "lost_now": ("Đang mất tín hiệu từ {since}", "Signal lost since {since}"),
        "lost_overdue": ("Mất tín hiệu quá hạn về bờ, từ {since}", "Signal lost past the days to port, since {since}"),
        "astray_now": (
            "Đang có vụ sai vùng, vượt ranh giới từ {since}",
            "In a wrong zone or across a line since {since}",
        ),
        "loss": ("Mất tín hiệu {times} lần trong {days} ngày", "Signal lost {times} times in {days} days"),
        "zone": (
            "Sai vùng hoặc vượt ranh giới {times} lần trong {days} ngày",
            "Wrong zone or crossing {times} times in {days} days",
        ),
        "filed": ("{times} hồ sơ vi phạm trong {days} ngày", "{times} violation files in {days} days"),
        "approach": (
            "Đến gần ranh giới trên biển {times} lần trong {days} ngày",
            "Near the sea boundary {times} times in {days} days",
        ),
        "disabling": (
            "Có dấu hiệu tắt thiết bị {times} lần trong {days} ngày",
            "Signs of a device switched off {times} times in {days} days",
        ),
    }[reason.key]


def _rows(figures: Figures, now: datetime) -> "sa.Select[Any]":
    """One row a boat in use, with what `weighed` asks for."""
    case, event, alarm = boat_case.c, boat_event.c, table.alarm.c
    since = {key: now - figures.at(f"risk_{key}_span", now).span for key in _SPANS}

    def cases(key: str, *kinds: str, ended: tuple[Any, ...] = ()) -> Any:
        own = (case.kind.in_(kinds), case.since >= since[key], *ended)
        query = sa.select(case.registration, sa.func.count().label("times")).where(*own)
        return query.group_by(case.registration).subquery(key)

    def running(*kinds: str) -> Any:
        # The innermost query of a boat's own row: one at most goes on of each kind.
        query = sa.select(sa.func.min(case.since)).where(case.registration == boat.c.registration)
        query = query.where(case.kind.in_(kinds), case.ended_at.is_(None), case.closed_at.is_(None))
        return query.where(case.outage_id.is_(None)).correlate(boat).scalar_subquery()

    losses = cases("loss", "loss", ended=(case.outage_id.is_(None), case.outcome.is_distinct_from("provider_outage")))
    over = sa.or_(case.ended_at.is_not(None), case.closed_at.is_not(None))  # one that goes on counts by itself
    zones = cases("zone", "zone", "crossing", ended=(over, case.outcome.is_distinct_from("device_fault")))
    filed = cases("filed", "loss", "zone", "crossing", ended=(case.outcome.in_(FILED),))
    near = (
        sa.select(alarm.layer, alarm.object_key, sa.func.count().label("times"))
        .select_from(table.alarm.join(table.rule).join(table.fence, table.fence.c.id == alarm.fence_id))
        .where(table.rule.c.kind == "approach", table.fence.c.kind == "boundary")
        .where(alarm.raised_at >= since["approach"], alarm.withdrawn_at.is_(None))
        .group_by(alarm.layer, alarm.object_key)
        .subquery("approach")
    )
    off = (
        sa.select(event.layer, event.object_key, sa.func.count().label("times"))
        .where(event.kind == "possible_disabling", event.began_at >= since["disabling"], event.withdrawn_at.is_(None))
        .group_by(event.layer, event.object_key)
        .subquery("disabling")
    )
    on = sa.select(device.c.registration).where(device.c.active, device.c.removed_at.is_(None)).subquery("fitted")

    def times(*found: Any) -> Any:
        return sum((sa.func.coalesce(one.c.times, 0) for one in found[1:]), sa.func.coalesce(found[0].c.times, 0))

    def by_ais(counted: Any, name: str) -> Any:
        # Which boat a vessel is: by its MMSI, or by a name that is its registration (geo.heard.tell).
        pair = counted.join(vessel, sa.cast(vessel.c.mmsi, sa.Text) == counted.c.object_key)
        query = sa.select(
            vessel.c.registration, sa.cast(sa.func.sum(counted.c.times), sa.BigInteger).label("times")
        ).select_from(pair)
        query = query.where(counted.c.layer == AIS, vessel.c.registration.is_not(None))
        return query.group_by(vessel.c.registration).subquery(name)

    near_vms, off_vms = near.alias(), off.alias()
    near_ais, off_ais = by_ais(near.alias(), "approach_ais"), by_ais(off.alias(), "disabling_ais")
    joined: sa.FromClause = boat
    for one in (losses, zones, filed):
        joined = joined.outerjoin(one, one.c.registration == boat.c.registration)
    for one in (near_vms, off_vms):
        joined = joined.outerjoin(one, (one.c.layer == VMS) & (one.c.object_key == boat.c.registration))
    for one in (near_ais, off_ais):
        joined = joined.outerjoin(one, one.c.registration == boat.c.registration)
    joined = joined.outerjoin(on, on.c.registration == boat.c.registration)
    plain = ("registration", "shipname", "length_m", "role", "home_province", "commune", "licence_until", "simulated")
    return (
        sa.select(
            *[boat.c[name] for name in plain],
            on.c.registration.is_not(None).label("fitted"),
            running("loss").label("lost_since"),
            running("zone", "crossing").label("astray_since"),
            times(losses).label("losses"),
            times(zones).label("zones"),
            times(filed).label("filed"),
            # A boat's transponder and its device may both tell of one approach: the more of the two counts.
            sa.func.greatest(times(near_vms), times(near_ais)).label("approaches"),
            sa.func.greatest(times(off_vms), times(off_ais)).label("disablings"),
        )
        .select_from(joined)
        .where(boat.c.retired_at.is_(None), boat.c.laid_up_at.is_(None))
    )


_SPANS = ("loss", "zone", "filed", "approach", "disabling")
