"""Provider outages: many boats of one provider that fall silent together are one alarm, and not one for each boat."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from geo import table
from geo.alarm import clear_alarm, raise_alarm, release, suppress
from geo.figure import Figures
from geo.fishery import boat, boat_case, boat_signal, provider
from geo.rule import Rule, stored_rules

ASHORE = ("AT_PORT", "NOT_REQUIRED")


@dataclass(frozen=True)
class Found:
    """An outage: when the first of its boats became late, when there were enough of them, and how many of how many."""

    since: datetime
    at: datetime
    boats: int
    fleet: int


def find(late: Sequence[datetime], fleet: int, figures: Figures, now: datetime) -> Found | None:
    """Whether so many became late within the window that it is their provider's fault; the first time it was so.

    late: when each of its silent boats became late, those of earlier outages left out; fleet: its boats at sea. Enough
    are the figure's number of boats, or its share of the fleet and a least number of them (fact 6).
    """
    enough = needed(fleet, figures, now)
    window, ordered = figures.at("outage_window", now).span, sorted(late)
    for first, last in zip(ordered, ordered[enough - 1 :], strict=False):
        if last - first <= window:
            return Found(first, last, sum(at >= first for at in ordered), fleet)
    return None


def needed(fleet: int, figures: Figures, now: datetime) -> int:
    """How many boats of a provider that has so many at sea make an outage."""
    share = -(-fleet * figures.at("outage_share", now).value // 100)
    least = figures.at("outage_share_least", now).value
    return int(min(figures.at("outage_boats", now).value, max(share, least)))


def settle(
    connection: sa.Connection,
    rules: Sequence[Rule],
    layer: str,
    figures: Figures,
    now: datetime,
    touched: Collection[str],
) -> int:
    """Raise, widen, end and reconcile outages; returns how many alarms changed.

    touched: the providers of whose boats something is new. What is still silent when an outage has been over for the
    figure's time is given back to the desk, each boat with its own alarm.
    """
    own = next((rule for rule in rules if rule.kind == "outage" and rule.layer == layer and rule.in_hours(now)), None)
    changed = 0
    for key in sorted(filter(None, touched)):
        standing = _standing(connection, key)
        if standing is None and own is not None:
            standing, raised = _raise(connection, own, key, figures, now)
            changed += raised
        if standing is not None:
            changed += _widen(connection, standing, key, now)
            changed += _end(connection, standing, key, figures, now)
    return changed + _reconcile(connection, figures, now)


def _standing(connection: sa.Connection, key: str) -> Mapping[Any, Any] | None:
    alarm, rule = table.alarm.c, table.rule.c
    query = (
        sa.select(alarm.id, alarm.rule_id, alarm.observed_at, alarm.raised_at)
        .join(table.rule)
        .where(rule.kind == "outage", alarm.object_key == key)
        .where(alarm.cleared_at.is_(None), alarm.withdrawn_at.is_(None))
    )
    return connection.execute(query).mappings().first()


def _raise(
    connection: sa.Connection, rule: Rule, key: str, figures: Figures, now: datetime
) -> tuple[Mapping[Any, Any] | None, int]:
    known = boat_signal.c
    own = (known.provider == key) & known.state.not_in(ASHORE)
    fleet = connection.scalar(sa.select(sa.func.count()).where(own)) or 0
    late = sa.select(known.late_at).where(own, known.late_at.is_not(None), known.late_at > _last_over(connection, key))
    found = find([at for at in connection.scalars(late) if at is not None], fleet, figures, now)
    if found is None:
        return None, 0
    name = connection.scalar(sa.select(provider.c.name).where(provider.c.key == key)) or key
    made = sa.select(sa.func.bool_and(boat.c.simulated)).join(boat_signal, known.registration == boat.c.registration)
    subject = {
        "object_key": key, "object_label": name, "lon": None, "lat": None, "observed_at": found.since,
        "simulated": bool(connection.scalar(made.where(own))),
        "evidence": {"boats": found.boats, "fleet": found.fleet},
    }  # fmt: skip
    number = raise_alarm(connection, rule, None, subject, found.at, now, value=float(found.boats))
    return (_standing(connection, key), 1) if number is not None else (None, 0)


def _last_over(connection: sa.Connection, key: str) -> datetime:
    """When the provider's last outage was over or taken back: whoever was silent before it has been told of."""
    alarm = table.alarm.c
    over = sa.select(sa.func.max(sa.func.coalesce(alarm.withdrawn_at, alarm.cleared_at))).join(table.rule)
    found: datetime | None = connection.scalar(over.where(table.rule.c.kind == "outage", alarm.object_key == key))
    return found or datetime.min.replace(tzinfo=UTC)


def _widen(connection: sa.Connection, standing: Mapping[Any, Any], key: str, now: datetime) -> int:
    """Give the outage whoever became late since it began, with their alarms and cases; how many it suppressed."""
    known, case, alarm = boat_signal.c, boat_case.c, table.alarm.c
    theirs = (known.provider == key) & known.late_at.is_not(None) & (known.late_at >= standing["observed_at"])
    statement = (
        sa.update(boat_signal)
        .where(theirs, known.outage_id.is_distinct_from(standing["id"]))
        .values(outage_id=standing["id"])
    )
    new = list(connection.scalars(statement.returning(known.registration)))
    if not new:
        return 0
    going = case.registration.in_(new) & (case.kind == "loss") & case.ended_at.is_(None) & case.closed_at.is_(None)
    connection.execute(sa.update(boat_case).where(going).values(outage_id=standing["id"], version=case.version + 1))
    told = sa.select(alarm.id).join(boat_case, case.alarm_id == alarm.id).where(going, alarm.cleared_at.is_(None))
    return suppress(connection, list(connection.scalars(told.order_by(alarm.id))), standing["id"], now)


def _end(connection: sa.Connection, standing: Mapping[Any, Any], key: str, figures: Figures, now: datetime) -> int:
    """End the outage when enough of its boats have been heard again; 1 when it did."""
    known = boat_signal.c
    rows = connection.execute(sa.select(known.late_at, known.auto_at).where(known.outage_id == standing["id"])).all()
    heard = sorted(row.auto_at for row in rows if row.late_at is None)
    share = figures.at("outage_over_share", now).value / 100
    enough = max(1, -(-len(rows) * share // 1))
    if len(heard) < enough:
        return 0
    rule = next(one for one in stored_rules(connection) if one.id == standing["rule_id"])
    over = max(heard[int(enough) - 1], standing["raised_at"])
    return int(clear_alarm(connection, rule, key, over, now) is not None)


def _reconcile(connection: sa.Connection, figures: Figures, now: datetime) -> int:
    """Let go of what is over: at once of an outage that was taken back, else after the figure's time."""
    known, alarm = boat_signal.c, table.alarm.c
    long_over = alarm.cleared_at <= now - figures.at("outage_release", now).span
    query = (
        sa.select(alarm.id)
        .where(alarm.id.in_(sa.select(known.outage_id).where(known.outage_id.is_not(None)).distinct()))
        .where(long_over | alarm.withdrawn_at.is_not(None))
        .order_by(alarm.id)
    )
    changed = 0
    for number in connection.scalars(query).all():
        connection.execute(sa.update(boat_signal).where(known.outage_id == number).values(outage_id=None))
        held = sa.select(alarm.id).where(alarm.parent_id == number, alarm.suppressed_at.is_not(None))
        connection.execute(held.order_by(alarm.id).with_for_update())
        changed += release(connection, number, now)
    return changed


def alarms_at_stake(connection: sa.Connection, keys: Collection[str | None]) -> list[int]:
    """The alarms of the losses that go on under these providers, which an outage may suppress."""
    case = boat_case.c
    query = sa.select(case.alarm_id).where(
        case.provider.in_([key for key in keys if key]), case.alarm_id.is_not(None), case.kind == "loss",
        case.ended_at.is_(None), case.closed_at.is_(None),
    )  # fmt: skip
    return [number for number in connection.scalars(query) if number is not None]


def parents(connection: sa.Connection, registrations: Collection[str]) -> dict[str, int]:
    """By boat the outage that keeps its alarm from the desk: one that stands, or is over and not yet reconciled."""
    known = boat_signal.c
    query = sa.select(known.registration, known.outage_id).where(
        known.registration == sa.func.any(list(registrations)), known.outage_id.is_not(None)
    )
    return {row.registration: row.outage_id for row in connection.execute(query)} if registrations else {}
