"""One boat from all sides, as screens and routes are given it: register, duties, signal, track, cases, alarms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from access.fleet import Card, card
from access.site import Site
from geo import case_list, desk, feature, fence, fishery, fleet, zone
from geo.anomaly import counts
from geo.basemap import is_land
from geo.boat_event import events_of_boat
from geo.duty import Duty, duty
from geo.fence import Fence
from geo.figure import Figures, figures
from geo.fleet import Boat, boat_by_mmsi
from geo.heard import boat_heard
from geo.inspection import inspections
from geo.port_call import PortCall, Trip, voyages
from geo.provider import providers
from geo.registration import parse
from geo.track import Past, track
from layers.layer import Layer

CASES_MOST, ALARMS_MOST = 100, 50
GAP = timedelta(minutes=30)
TRACK_MOST = timedelta(days=31)


@dataclass(frozen=True)
class Record:
    """A boat as it is now, and what is known of it between two moments.

    signal: what the clock remembers of it (geo.course), None while it never watched it; place: its last position by its
    device, with its fishing zone; layer: whose fixes the track is made of, AIS where there are none of a device; gap:
    after how long without a fix nothing is known of the way; fixes: those that count, in order of time; calls and
    trips: of them; cases and inspections: of any time, events (geo.boat_event): of the period, versions: of the
    register, each the newest first; providers: names by key.
    """

    card: Card
    duty: Duty
    signal: Mapping[str, Any] | None
    place: Mapping[str, Any] | None
    layer: Layer
    track: Past
    fixes: Sequence[Mapping[str, Any]]
    gap: timedelta
    fences: Sequence[Fence]
    start: datetime
    end: datetime
    calls: Sequence[PortCall]
    trips: Sequence[Trip]
    cases: Sequence[Mapping[str, Any]]
    alarms: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]
    versions: Sequence[Mapping[str, Any]]
    inspections: Sequence[Mapping[str, Any]]
    providers: Mapping[str, str]

    @property
    def boat(self) -> Boat:
        """The boat as the register has it."""
        return self.card.boat

    @property
    def simulated(self) -> bool:
        """Whether the boat, or any fix of it, is made up."""
        return self.boat.simulated or any(row["simulated"] for row in self.track.rows())


def registration_of(connection: sa.Connection, key: str) -> str | None:
    """How the boat is written in the register that a registration in any spelling, or an MMSI, names; None for none."""
    written = parse(key)
    if written is not None:
        return str(written)
    plain = key.strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) == 9):
        return None
    found = boat_by_mmsi(connection, int(plain)) or boat_heard(connection, int(plain))
    return found.registration if found else None


def record(
    connection: sa.Connection,
    site: Site,
    key: str,
    start: datetime,
    end: datetime,
    now: datetime,
    may_read_contacts: bool = False,
) -> Record | None:
    """All of one boat, in one transaction; None when the register has none of that registration or MMSI.

    may_read_contacts: whether the caller's role lets it read telephone numbers; whoever does not say is not.
    """
    registration = registration_of(connection, key)
    found = card(connection, registration, may_read_contacts) if registration else None
    if found is None:
        return None
    boat, known = found.boat, figures(connection)
    fences = fence.fences(connection)
    layer, past = _track(connection, site, found, start, end)
    fixes = [row for row in past.rows() if counts(row.get("anomaly"))]
    calls, trips = voyages(fixes, fences)
    own = duty(boat.length_m, known, now, boat.role)
    every = case_list.Wanted("all", registrations=(boat.registration,))
    cases = case_list.cases(connection, every, known, now, CASES_MOST)
    return Record(
        found,
        own,
        _signal(connection, boat),
        _place(connection, site, boat, fences),
        layer,
        past,
        fixes,
        _gap(layer, own, known, now),
        fences,
        start,
        end,
        calls,
        trips,
        sorted(cases, key=lambda one: (one["since"], one["id"]), reverse=True),
        _alarms(connection, found, now),
        events_of_boat(connection, boat.registration, start, end),
        [dict(row) for row in fleet.history(connection, boat.registration)],
        inspections(connection, boat.registration),
        {one.key: one.name for one in providers(connection)},
    )


def _track(connection: sa.Connection, site: Site, found: Card, start: datetime, end: datetime) -> tuple[Layer, Past]:
    vms, ais = _layer(site, "vms"), _layer(site, "vessel")
    past = track(connection, site.archive, vms.shape, found.boat.registration, start, end)
    if found.heard is None or len(past.fixes):
        return vms, past
    heard = track(connection, site.archive, ais.shape, str(found.heard.mmsi), start, end)
    return (ais, heard) if len(heard.fixes) else (vms, past)


def _gap(layer: Layer, own: Duty, known: Figures, now: datetime) -> timedelta:
    """What reports every two or three hours is not lost in between."""
    if layer.name == "vms" and own.interval is not None:
        return own.interval.span + known.at("vms_grace", now).span
    return max(GAP, timedelta(seconds=layer.style.stale_s))


def _layer(site: Site, name: str) -> Layer:
    layer = site.layer(name)
    assert layer is not None  # the two that boats stand in belong to every centre
    return layer


def _place(connection: sa.Connection, site: Site, boat: Boat, fences: Sequence[Fence]) -> Mapping[str, Any] | None:
    """Its last position by its device and the fishing zone it is in (domain fact 8; none on land)."""
    row = feature.one(connection, _layer(site, "vms").shape, boat.registration)
    if row is None or row["lat"] is None or is_land([row["lon"]], [row["lat"]])[0]:
        return row
    zones = zone.zones_of(fences)
    return {**row, "zone": zone.NAMES_VI[zones.classify(row["lon"], row["lat"])[0]]} if zones else row


def _alarms(connection: sa.Connection, found: Card, now: datetime) -> list[Mapping[str, Any]]:
    """Alarms of the boat under either of its names, the newest first."""
    own = [("vms", found.boat.registration)] + ([("vessel", str(found.heard.mmsi))] if found.heard else [])
    rows = [row for name, key in own for row in desk.alarms_of(connection, name, key, now, ALARMS_MOST)]
    return sorted(rows, key=lambda row: (row["raised_at"], row["id"]), reverse=True)


def summary(found: Card, own: Duty, signal: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the register says of a boat, its duties and the state of its signal, as JSON can hold it."""
    known = {name: value for name, value in found.boat.told().items() if name not in ("devices", "note")}
    return {
        **known,
        "devices": [one.told() for one in found.boat.devices],
        "people": [vars(one) for one in found.people],
        "heard": vars(found.heard) if found.heard else None,
        "duty": {
            "monitored": own.monitored,
            "interval_min": own.interval.span.total_seconds() / 60 if own.interval else None,
            "interval_ref": own.interval.legal_ref if own.interval else None,
            "zones": list(own.zones),
            "licensed": own.licensed,
            "owner_level": own.owner_level,
        },
        "signal": dict(signal) if signal else None,
    }


def brief(connection: sa.Connection, key: str, now: datetime) -> dict[str, Any] | None:
    """The summary of the boat that a registration or an MMSI names; None when the register has none."""
    registration = registration_of(connection, key)
    found = card(connection, registration) if registration else None
    if found is None:
        return None
    own = duty(found.boat.length_m, figures(connection), now, found.boat.role)
    return summary(found, own, _signal(connection, found.boat))


def told(found: Record) -> dict[str, Any]:
    """The record as JSON can hold it; its track is asked for by itself."""
    place = {name: value for name, value in (found.place or {}).items() if name not in ("fingerprint", "anomaly")}
    return {
        **summary(found.card, found.duty, found.signal),
        "place": place or None,
        "track": found.layer.name,
        "from": found.start,
        "to": found.end,
        "port_calls": [vars(one) for one in found.calls],
        "trips": [vars(one) for one in found.trips],
        "cases": [dict(one) for one in found.cases],
        "alarms": [_alarm(one) for one in found.alarms],
        "inspections": [dict(one) for one in found.inspections],
        "missing": list(found.track.missing),
    }


def _signal(connection: sa.Connection, boat: Boat) -> Mapping[str, Any] | None:
    known = fishery.boat_signal
    query = sa.select(known).where(known.c.registration == boat.registration)
    row = connection.execute(query).mappings().one_or_none()
    return dict(row) if row else None


def _alarm(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "layer", "rule", "severity", "state", "raised_at", "cleared_at", "fence", "simulated")
    return {name: row[name] for name in names}
