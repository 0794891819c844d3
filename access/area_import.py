"""Outlines of communes out of an authority's file: what an import would do, row by row, and doing it at once."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import shapely
import sqlalchemy as sa
from geoalchemy2.shape import from_shape

from access.fence_import import Refusal
from access.import_account import WHATS, What
from geo.actor import Actor
from geo.area import PROVINCES, Area, area, areas, save_areas
from geo.area_file import Draft
from geo.commune import cut_again, find_after, find_again
from geo.coverage import drawn, misfits
from geo.fence import METRES_PER_DEGREE
from geo.fence_history import same_place
from geo.outline import area_km2
from geo.ring import Fault, checked

AWAY_M = 5_000.0  # an outline so far from its commune's reference point is another commune's
SIZE_PARTS = 0.05  # by so much an outline may differ from the declared area without a word


@dataclass(frozen=True)
class Line:
    """What would become of one row: its number, the commune, the fields that change, or what is wrong with it."""

    number: int
    code: str
    name: str
    what: What
    fields: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[Refusal, ...] = ()
    after: Area | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Account:
    """Every row in the order of the file; notes: how neighbours fit; missing: by province, communes without a row."""

    lines: tuple[Line, ...]
    notes: tuple[Refusal, ...] = ()
    missing: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def counts(self) -> dict[What, int]:
        """How many rows of each."""
        found = Counter(line.what for line in self.lines)
        return {what: found[what] for what in WHATS}


@dataclass(frozen=True)
class Deed:
    """That an import is to be done: by whom, with which words, and whether although rows are in conflict."""

    actor: Actor
    comment: str
    skip_conflicts: bool = False


def carry_out(
    engine: sa.Engine,
    read: Callable[[Sequence[Area]], Sequence[Draft]],
    source: str,
    repair: bool = False,
    deed: Deed | None = None,
) -> tuple[Account, int | None]:
    """What an import would do; and with a deed, in the same transaction, doing it: how many communes changed.

    read: gives the drafts for the communes that there are. source: whose the outlines are. None when nothing was done,
    since nobody asked for it or since rows are in conflict.
    """
    with engine.begin() as connection:
        if deed is not None:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('haidang:area'), 0)"))
        known = areas(connection, geometry=True)
        now = datetime.now(UTC)
        found = account(known, read(known), source, now, repair)
        if deed is None or (found.counts["conflict"] and not deed.skip_conflicts):
            return found, None
        changed = apply(connection, known, found, deed, now)
    if changed:
        find_after(engine)
    return found, changed


def account(
    known: Sequence[Area], drafts: Sequence[Draft], source: str, now: datetime, repair: bool = False
) -> Account:
    """What an import would do; nothing is written. repair: that outlines may be kept as they are repaired."""
    lines = tuple(_line(one, source, now, repair) for one in drafts)
    touched = {one.known.province for one in drafts if one.known}
    named = {one.known.code for one in drafts if one.known}
    missing = tuple(
        (province.name, names)
        for province in PROVINCES
        if province.code in touched
        and (names := tuple(one.title_vi for one in known if one.province == province.code and one.code not in named))
    )
    return Account(lines, tuple(_fit(known, lines, touched)), missing)


def _line(draft: Draft, source: str, now: datetime, repair: bool) -> Line:
    before = draft.known
    told = Line(draft.number, before.code if before else "", before.title_vi if before else draft.named, "conflict")
    refusals = [Refusal(one.field, one.vi, one.en) for one in draft.faults]
    geom = None
    if draft.geometry is not None and not any(one.field == "geom" for one in draft.faults):
        looked = checked(draft.geometry, "area")
        geom = looked.geom
        grave = [one for one in looked.faults if one.weight == "refused" or (one.weight == "repaired" and not repair)]
        refusals += [_refusal(one) for one in grave]
    if before is not None and geom is not None:
        refusals += _elsewhere(before, geom)
    if refusals or before is None or geom is None:
        return replace(told, refusals=tuple(refusals))
    whole = shapely.multipolygons(shapely.get_parts(geom))
    size = before.area_km2 if draft.area_km2 is None else draft.area_km2
    people = before.population if draft.population is None else draft.population
    after = replace(before, geom=whole, source=source, area_km2=size, population=people)
    fields = [name for name in ("area_km2", "population") if getattr(before, name) != getattr(after, name)]
    if before.geom is None or not same_place(before.geom, whole):
        fields.append("geom")
    if not fields:
        return replace(told, what="unchanged")
    after = replace(after, version=before.version + 1, imported_at=now)
    what: What = "new" if before.geom is None else "changed"
    return replace(told, what=what, fields=tuple(fields), notes=tuple(_size(after)), after=after)


def _refusal(fault: Fault) -> Refusal:
    vi, en = ("", "") if fault.weight == "refused" else ("; hãy vẽ lại", "; draw it again, or take it with --repair")
    return Refusal("geom", fault.vi + vi, fault.en + en, fault.lon, fault.lat)


def _elsewhere(before: Area, geom: Any) -> list[Refusal]:
    """An outline that lies far from the commune whose it is said to be, for instance of a row that slipped."""
    away_m = shapely.distance(geom, shapely.Point(before.lon, before.lat)) * METRES_PER_DEGREE
    if away_m <= AWAY_M:
        return []
    km = f"{away_m / 1000:.0f}"
    return [
        Refusal(
            "geom",
            f"Ranh giới cách điểm tham khảo của {before.title_vi} {km} km: có lẽ của xã, phường khác",
            f"{km} km away from the reference point of {before.title_vi}: the outline of another commune?",
            before.lon,
            before.lat,
        )
    ]


def _size(after: Area) -> list[Refusal]:
    """That the outline is much larger or smaller than the declared area."""
    if after.area_km2 is None:
        return []
    size = area_km2(after.geom)
    parts = abs(size - after.area_km2) / after.area_km2
    if parts <= SIZE_PARTS:
        return []
    drawn_vi, declared_vi = (f"{value:.2f}".replace(".", ",") for value in (size, after.area_km2))
    return [
        Refusal(
            "area_km2",
            f"Ranh giới rộng {drawn_vi} km², khai báo {declared_vi} km² (lệch {parts:.0%})",
            f"the outline has {size:.2f} km², declared are {after.area_km2:.2f} km² ({parts:.0%} apart)",
        )
    ]


def _fit(known: Sequence[Area], lines: Sequence[Line], touched: set[str]) -> list[Refusal]:
    """Overlaps and gaps among the outlines as they would be, of the provinces that the file is about."""
    after = {line.code: line.after for line in lines if line.after is not None}
    whole = [after.get(one.code, one) for one in known if one.province in touched]
    standing = [one for one in whole if one.geom is not None]
    found = []
    for one in misfits([each.geom for each in standing]):
        names = ", ".join(standing[n].title_vi for n in one.whose)
        size = f"{one.km2:.2f}"
        size_vi = size.replace(".", ",")
        vi, en = (
            (f"{names} chồng lên nhau {size_vi} km²", f"{names} lie over each other, {size} km²")
            if one.kind == "overlap"
            else (f"Khoảng trống {size_vi} km² giữa {names}", f"a gap of {size} km² between {names}")
        )
        found.append(Refusal(one.kind, vi, en, one.lon, one.lat))
    return found


def apply(connection: sa.Connection, known: Sequence[Area], found: Account, deed: Deed, now: datetime) -> int:
    """Keep what is new or changed as the next versions, and find anew what stands in them; how many communes."""
    good = [line.after for line in found.lines if line.after is not None]
    if not good:
        return 0
    save_areas(connection, good, deed.actor, now, deed.comment)
    after = {one.code: one for one in good}
    provinces = sorted({one.province for one in good})
    for province in provinces:
        whole = [after.get(one.code, one) for one in known if one.province == province]
        standing = [one for one in whole if one.geom is not None]
        for one, outline in zip(standing, drawn([each.geom for each in standing]), strict=True):
            put = sa.update(area).where(area.c.code == one.code).values(outline=from_shape(outline, srid=4326))
            connection.execute(put)
    cut_again(connection, provinces)
    find_again(connection)
    return len(good)
