"""Fences out of a file: what an import would do, row by row, and doing all of it in one transaction."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

import shapely
import sqlalchemy as sa

from access.editing import alone, announce
from access.fences import Plan, keep, planned
from geo.actor import Actor
from geo.fence import Fence
from geo.fence_file import Draft
from geo.fence_history import changes
from geo.fence_kind import KINDS, NAME_MAX, REFERENCE, Wrong
from geo.ring import Fault, checked
from geo.watch import Held, held

What = Literal["added", "changed", "unchanged", "refused"]
WHATS: tuple[What, ...] = ("added", "changed", "unchanged", "refused")
AREAS = ("zone_inshore",)  # of the reference kinds; all others are lines
# The zones are told by these three together (geo/zone.py), so the lines must be the edges of the zone.
TRIO = ("coast_line", "inshore_line", "zone_inshore")
SIDES = {"coast_line": "zone_coastal", "inshore_line": "zone_offshore"}  # drawn along the same line
EDGE_DEG = 0.005  # half a kilometre, the error of a position
COMMENT = "nhập từ tệp {name}"


@dataclass(frozen=True)
class Refusal:
    """One thing that is wrong with a row: the field, words, and of a geometry where and at which corner."""

    field: str
    vi: str
    en: str
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True)
class Line:
    """What would become of one row: its number in the file, the fence, the fields and rules that change, or why not."""

    number: int
    key: str
    name: str
    what: What
    fields: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    version: int | None = None
    plan: Plan | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Account:
    """What would become of every row, in the order of the file."""

    lines: tuple[Line, ...]

    @property
    def counts(self) -> dict[What, int]:
        """How many rows of each."""
        found = Counter(line.what for line in self.lines)
        return {what: found[what] for what in WHATS}

    @property
    def digest(self) -> str:
        """A mark of everything that would be done, from which versions: the same only while nothing else changed."""
        told = [(one.number, one.key, one.what, one.fields, one.rules, one.version) for one in self.lines]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Deed:
    """That an import is to be done: by whom, why, and whether although rows are refused.

    digest: of the account that was looked at; when something else has changed since, nothing is done.
    """

    actor: Actor
    comment: str
    skip_refused: bool = False
    digest: str | None = None


class Stale(Exception):
    """What was looked at is not what would be done any more; `args[0]` is the new account."""


def carry_out(
    engine: sa.Engine,
    redis_url: str,
    drafts: Sequence[Draft],
    repair: bool = False,
    authority: str = "",
    deed: Deed | None = None,
) -> tuple[Account, int | None]:
    """What an import would do; and with a deed, in the same transaction, doing it: how many fences changed.

    None when nothing was done, since nobody asked for it or since rows are refused. Raises Stale.
    """
    with engine.begin() as connection:
        if deed is None:
            return account(connection, drafts, repair, authority), None
        alone(connection)
        found = account(connection, drafts, repair, authority)
        if deed.digest is not None and deed.digest != found.digest:
            raise Stale(found)
        if found.counts["refused"] and not deed.skip_refused:
            return found, None
        done = apply(connection, found, deed.actor, datetime.now(UTC), deed.comment)
    announce(redis_url)
    return found, done


def account(connection: sa.Connection, drafts: Sequence[Draft], repair: bool = False, authority: str = "") -> Account:
    """What an import would do; nothing is written.

    repair: that outlines which cross themselves may be kept as they are repaired. authority: whose the reference lines
    and zones of the file are (an agency, a document); without it those may not change.
    """
    known = {one.fence.key: one for one in held(connection, every=True)}
    wanted = {one.key for one in drafts if one.kind in REFERENCE}
    lines = [
        _reference(one, known, authority)
        if one.key in wanted or _kept_kind(known, one.key) in REFERENCE
        else _line(one, known.get(one.key), repair)
        for one in drafts
    ]
    return Account(tuple(_consistent(lines, known)))


def apply(connection: sa.Connection, found: Account, actor: Actor, now: datetime, comment: str | None) -> int:
    """Keep what was planned in the same transaction, after `alone`; returns how many fences changed."""
    done = 0
    for line in found.lines:
        if line.plan is not None and line.what in ("added", "changed"):
            keep(connection, line.plan, actor, now, comment)
            done += 1
            done += _along(connection, line.plan.fence, actor, now, comment)
    return done


def _line(draft: Draft, known: Held | None, repair: bool) -> Line:
    name = str(draft.said.get("name_vi") or (known.fence.name_vi if known else ""))[:NAME_MAX]
    version = known.fence.version if known else None
    told = Line(draft.number, draft.key, name, "refused", version=version)
    if draft.faults:
        return replace(told, refusals=tuple(Refusal(one.field, one.vi, one.en) for one in draft.faults))
    try:
        fence, watch = draft.onto(known)
        kind = KINDS.get(fence.kind)
        looked = checked(fence.geom, kind.shape if kind else None)
        grave = [one for one in looked.faults if one.weight == "refused" or (one.weight == "repaired" and not repair)]
        if grave:
            return replace(told, refusals=tuple(_refusal(one) for one in grave))
        plan = planned(known, replace(fence, geom=looked.geom), watch)
    except Wrong as wrong:
        return replace(told, refusals=(Refusal(wrong.field, wrong.vi, wrong.en),))
    return _told(told, plan, draft)


def _told(told: Line, plan: Plan, draft: Draft) -> Line:
    rules = tuple(rule.kind for rule in plan.rules)
    if plan.known is None:
        return replace(told, what="added", rules=rules, plan=plan)
    if plan.nothing:
        return replace(told, what="unchanged", plan=plan)
    now = plan.known.fence.version
    if draft.version is not None and draft.version != now:
        old = Refusal(
            "version",
            f"Tệp làm từ phiên bản {draft.version}, nay đã là {now}: xuất lại rồi sửa, hoặc bỏ cột version",
            f"made from version {draft.version}, but {now} counts now: export again, or leave out the column version",
        )
        return replace(told, refusals=(old,))
    return replace(told, what="changed", fields=plan.changed, rules=rules, plan=plan)


def _refusal(fault: Fault) -> Refusal:
    vi, en = ("", "") if fault.weight == "refused" else ("; hãy vẽ lại", "; draw it again, or take it with --repair")
    return Refusal("geom", fault.vi + vi, fault.en + en, fault.lon, fault.lat)


# The reference lines and zones: an authority's own take their place


def _kept_kind(known: Mapping[str, Held], key: str) -> str | None:
    one = known.get(key)
    return one.fence.kind if one else None


def _reference(draft: Draft, known: Mapping[str, Held], authority: str) -> Line:
    """A row about a reference line or zone: the one of its key, else the one of its kind, of which there is one."""
    by_kind = {one.fence.kind: one for one in known.values() if one.fence.kind in REFERENCE}
    own = known.get(draft.key)
    kept = own if own is not None and own.fence.kind in REFERENCE else by_kind.get(draft.kind or "")
    told = Line(draft.number, draft.key, str(draft.said.get("name_vi") or ""), "refused")
    if kept is None or (draft.kind or kept.fence.kind) != kept.fence.kind or (own is not None and own is not kept):
        words = "Mã hoặc loại không khớp đường tham khảo", "the key and the kind are not of one reference line"
        return replace(told, refusals=(Refusal("kind", *words),))
    fence = kept.fence
    told = replace(told, key=fence.key, name=fence.name_vi, version=fence.version)
    if draft.faults:
        return replace(told, refusals=tuple(Refusal(one.field, one.vi, one.en) for one in draft.faults))
    looked = checked(draft.geometry, "area" if fence.kind in AREAS else "line")
    grave = [one for one in looked.faults if one.weight != "tidied"]
    if grave:
        return replace(told, refusals=tuple(_refusal(one) for one in grave))
    moved = "geom" in changes(fence, replace(fence, geom=looked.geom))
    if not moved:
        return replace(told, what="unchanged", plan=Plan(kept, fence, (), ()))
    if not authority.strip():
        return replace(told, refusals=(_unsaid(),))
    if draft.version is not None and draft.version != fence.version:
        return _told(told, Plan(kept, fence, (), ("geom",)), draft)
    after = replace(fence, geom=looked.geom, note=f"theo {authority.strip()[:NAME_MAX]}")
    return replace(
        told, what="changed", fields=changes(fence, after), plan=Plan(kept, after, (), changes(fence, after))
    )


def _unsaid() -> Refusal:
    return Refusal(
        "kind",
        "Đường tham khảo chỉ thay bằng bản của cơ quan có thẩm quyền: lệnh import fences với --authority",
        "a reference line gives way only to the authority's own: say whose and which document with --authority",
    )


def _consistent(lines: Sequence[Line], known: Mapping[str, Held]) -> list[Line]:
    """The lines, those of the zones refused together when a line would not be an edge of the zone between them."""
    moving = [one for one in lines if one.what == "changed" and one.plan and one.plan.fence.kind in TRIO]
    if not moving:
        return list(lines)
    after = {one.fence.kind: one.fence for one in known.values() if one.fence.kind in TRIO}
    after |= {one.plan.fence.kind: one.plan.fence for one in moving if one.plan}
    zone = after.get("zone_inshore")
    far = [at for kind in TRIO[:2] if zone and kind in after if (at := _off(after[kind].geom, zone.geom)) is not None]
    twice = len({one.key for one in moving}) < len(moving)
    if not far and not twice:
        return list(lines)
    lon, lat = far[0] if far else (None, None)
    words = Refusal(
        "geom",
        "Tuyến bờ, tuyến lộng và vùng lộng phải khớp nhau: nhập cả ba trong một tệp",
        "the two lines must be edges of the inshore zone (within 0.5 km): bring all three in one file",
        lon,
        lat,
    )
    refused = {one.number: replace(one, what="refused", plan=None, fields=(), refusals=(words,)) for one in moving}
    return [refused.get(one.number, one) for one in lines]


def _off(line: Any, zone: Any) -> tuple[float, float] | None:
    """Where a line is farther from the zone's edge than a position may be wrong, None when it is not."""
    edge = shapely.boundary(zone)
    corners = shapely.get_coordinates(shapely.segmentize(line, 20 * EDGE_DEG))
    away = shapely.distance(edge, shapely.points(corners))
    worst = int(away.argmax())
    return None if away[worst] <= EDGE_DEG else (float(corners[worst][0]), float(corners[worst][1]))


def _along(connection: sa.Connection, fence: Fence, actor: Actor, now: datetime, comment: str | None) -> int:
    """A side that is drawn along a replaced line goes with it, unless the file has moved it elsewhere itself."""
    side = SIDES.get(fence.kind)
    done = 0
    for one in held(connection, every=True) if side else ():
        if one.fence.kind == side:
            after = replace(one.fence, geom=fence.geom, note=fence.note)
            plan = Plan(one, after, (), changes(one.fence, after))
            done += not plan.nothing
            keep(connection, plan, actor, now, comment)
    return done
