"""Fences for other systems: read as GeoJSON, check a geometry, save, retire, restore; every version as it was."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, NoReturn

from fastapi import FastAPI, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from shapely.geometry import LineString, mapping

from access import fences as doing
from access.fences import Base, Conflict, Missing, Saved
from access.site import Site
from geo.actor import Actor
from geo.calendar import ZONE
from geo.fence import Fence
from geo.fence_history import history
from geo.fence_json import feature
from geo.fence_kind import KINDS, Wrong
from geo.outline import area_km2, circle, corridor, length_km
from geo.ring import Checked, Fault, checked
from geo.watch import Watch, held

Key = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_.-]{0,59}$")]
Words = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]
Name = Annotated[str, Field(max_length=120, pattern=r"^[^\x00]*$")]
Metres = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Body(BaseModel):
    """Whatever is not known is refused: a misspelt field would otherwise be a fence with other values than meant."""

    model_config = ConfigDict(extra="forbid")


class Circle(Body):
    """A place and the distance around it."""

    lon: Number
    lat: Number
    radius_m: Number


class Corridor(Body):
    """A line, [[lon, lat], ...], and the width of the strip along it."""

    line: list[tuple[Number, Number]] = Field(min_length=2, max_length=2_000)
    width_m: Number


class Outline(Body):
    """Where a fence is: one of a GeoJSON geometry, a circle and a corridor."""

    geometry: dict[str, Any] | None = None
    circle: Circle | None = None
    corridor: Corridor | None = None

    @model_validator(mode="after")
    def _one(self) -> "Outline":
        if sum(each is not None for each in (self.geometry, self.circle, self.corridor)) != 1:
            raise ValueError("give one of geometry, circle and corridor")
        return self

    def shape(self) -> Any:
        """What was given as a geometry. Raises Wrong for a circle or a corridor that cannot be."""
        try:
            if self.circle:
                return circle(self.circle.lon, self.circle.lat, self.circle.radius_m)
            if self.corridor:
                return corridor(_line(self.corridor.line), self.corridor.width_m)
        except ValueError as error:
            raise Wrong("circle" if self.circle else "corridor", "Không vẽ được hình này", str(error)) from None
        return self.geometry


class Question(Outline):
    """An outline to be looked at, for a kind of fence if that is known."""

    kind: str | None = Field(None, max_length=40)


class WatchBody(Body):
    """Which rules the fence has, and what they share."""

    kinds: list[Literal["inside", "outside", "enter", "exit", "approach", "crossing"]] = []
    severity: Literal["critical", "high", "medium", "low"] = "high"
    off_delay_s: float = Field(0, ge=0, le=31 * 86_400)
    direction: Literal["both", "to_left", "to_right"] = "both"
    steps_nm: list[float] = Field([15, 10, 6, 3], min_length=1, max_length=20)
    response_vi: Words | None = None
    response_en: Words | None = None
    layer: str = Field("vessel", max_length=40)

    def watch(self) -> Watch:
        """As the rules' own value."""
        return Watch(
            frozenset(self.kinds),
            self.severity,
            self.off_delay_s,
            self.direction,
            tuple(self.steps_nm),
            self.response_vi,
            self.response_en,
            self.layer,
        )


class Deed(Body):
    """Who does it, from which version it was begun, and why."""

    actor: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00]*$")
    comment: Words | None = None
    version: int | None = Field(None, ge=1)

    def by(self) -> Actor:
        """The actor; 422 for a name of nothing but spaces."""
        try:
            return Actor(self.actor.strip())
        except ValueError as error:
            raise HTTPException(422, str(error)) from None


class FenceBody(Outline, Deed):
    """A fence as it is to be; version: the one it was begun from, none for a new fence.

    repair: that an outline which crosses itself may be kept as it was repaired. watch: left out, the rules stay.
    """

    kind: str = Field("area", max_length=40)
    name_vi: Name
    name_en: Name = ""
    note: Words | None = None
    hysteresis_m: Metres = 50.0
    buffer_m: Metres = 0.0
    dwell_s: Metres = 0.0
    applies_to: dict[str, Any] = {}
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    season: list[tuple[str, str]] = []
    owner: Name | None = None
    review_by: date | None = None
    watch: WatchBody | None = None
    repair: bool = False

    def fence(self, key: str) -> Fence:
        """As the fence's own value, its geometry as it was given."""
        return Fence(
            key=key,
            kind=self.kind,
            name_vi=self.name_vi.strip(),
            name_en=self.name_en.strip(),
            geom=self.shape(),
            note=self.note or None,
            hysteresis_m=self.hysteresis_m,
            valid_from=_aware(self.valid_from),
            valid_to=_aware(self.valid_to),
            buffer_m=self.buffer_m,
            dwell_s=self.dwell_s,
            applies_to=self.applies_to,
            season=[list(span) for span in self.season],
            owner=self.owner or None,
            review_by=self.review_by,
        )


class Restoring(Deed):
    """Which of the older versions is to count again."""

    restore: int = Field(ge=1)


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/fences, a fence's own address with its versions, and what can be done with one."""

    @server.get("/api/v1/fences", tags=["fences"])
    def fences(retired: Annotated[bool, Query(description="Retired ones too")] = False) -> dict[str, Any]:
        """Every fence as a GeoJSON FeatureCollection (RFC 7946), with its rules under `watch`."""
        with site.engine.connect() as connection:
            found = held(connection, every=retired)
        now = datetime.now(UTC)
        return {"type": "FeatureCollection", "features": [feature(one, now) for one in found]}

    @server.post("/api/v1/fences/check", tags=["fences"])
    def check(body: Question) -> dict[str, Any]:
        """A geometry as it would be kept, repaired where that is plain; every fault with its place.

        `geometry` is null when it is refused; `repaired` means that what lies inside may differ from what was given.
        """
        kind = KINDS.get(body.kind or "")
        try:
            found = checked(body.shape(), kind.shape if kind else None)
        except Wrong as wrong:
            raise _wrong(wrong) from None
        return told(found)

    @server.get("/api/v1/fences/{key}", tags=["fences"])
    def fence(key: Key) -> dict[str, Any]:
        """One fence, retired or not, as a GeoJSON Feature."""
        with site.engine.connect() as connection:
            known = doing.current(connection, key)
        if known is None:
            raise HTTPException(404, f"there is no fence {key!r}")
        return feature(known, datetime.now(UTC))

    @server.get("/api/v1/fences/{key}/versions", tags=["fences"])
    def versions(key: Key) -> list[dict[str, Any]]:
        """Every version, newest first: who, when, why, what it changed, and the fence as it was."""
        with site.engine.connect() as connection:
            found = history(connection, key)
        if not found:
            raise HTTPException(404, f"there is no fence {key!r}")
        return [
            {
                "version": one.version,
                "at": one.at,
                "actor": one.actor,
                "actor_kind": one.actor_kind,
                "comment": one.comment,
                "changed": one.changed,
                "rules": one.rules,
                "geometry": mapping(one.fence.geom),
                "area_km2": area_km2(one.fence.geom),
                "retired_at": one.fence.retired_at,
            }
            for one in found
        ]

    @server.put("/api/v1/fences/{key}", tags=["fences"])
    def save(key: Key, body: FenceBody) -> dict[str, Any]:
        """Keep a fence as a new version; live in the workers within a second.

        409 when somebody saved it since `version`; 422 names the field, and of an outline the place of the fault and,
        under `repaired`, what it would be with `repair`.
        """
        actor = body.by()
        try:
            given = body.fence(key)
            kind = KINDS.get(given.kind)
            found = checked(given.geom, kind.shape if kind else None)
            if found.geom is None or (found.repaired and not body.repair):
                raise _faulty(found)
            watch = body.watch.watch() if body.watch else None
            done = doing.save(site, given, watch, Base(body.version), actor, body.comment)
        except (Wrong, Conflict, Missing) as error:
            _answer(error)
        return _saved(done)

    @server.delete("/api/v1/fences/{key}", tags=["fences"])
    def retire(key: Key, body: Deed) -> dict[str, Any]:
        """Take a fence out of force, with a reason (`comment`); it is kept with its versions and can be restored."""
        actor = body.by()
        try:
            done = doing.retire(site, key, Base(body.version), actor, body.comment or "")
        except (Wrong, Conflict, Missing) as error:
            _answer(error)
        return _saved(done)

    @server.post("/api/v1/fences/{key}/restore", tags=["fences"])
    def restore(key: Key, body: Restoring) -> dict[str, Any]:
        """Keep an older version as a new one, with its rules as they were then."""
        actor = body.by()
        try:
            done = doing.restore(site, key, body.restore, Base(body.version), actor, body.comment)
        except (Wrong, Conflict, Missing) as error:
            _answer(error)
        return _saved(done)


def told(found: Checked) -> dict[str, Any]:
    """What a check found, for other systems."""
    geom = found.geom
    sizes = {} if geom is None else {"area_km2": area_km2(geom), "length_km": length_km(geom)}
    return {
        "geometry": None if geom is None else mapping(geom),
        "repaired": found.repaired,
        "faults": [_fault(one) for one in found.faults],
        **sizes,
    }


def _fault(one: Fault) -> dict[str, Any]:
    return {
        "code": one.code,
        "weight": one.weight,
        "vi": one.vi,
        "en": one.en,
        "place": None if one.lon is None else [one.lon, one.lat],
        "vertex": one.vertex,
    }


def _faulty(found: Checked) -> HTTPException:
    """422: what is wrong with an outline, and how it would be kept if it may be repaired."""
    grave = [one for one in found.faults if one.weight != "tidied"]
    detail = [{"loc": ["body", "geometry"], "msg": one.en, **_fault(one)} for one in grave]
    return HTTPException(422, [*detail, {"repaired": told(found)["geometry"]}] if found.geom is not None else detail)


def _wrong(wrong: Wrong) -> HTTPException:
    return HTTPException(422, [{"loc": ["body", wrong.field], "msg": wrong.en, "vi": wrong.vi}])


def _answer(error: Wrong | Conflict | Missing) -> NoReturn:
    if isinstance(error, Wrong):
        raise _wrong(error) from None
    if isinstance(error, Missing):
        raise HTTPException(404, str(error)) from None
    now = {"version": error.version, "actor": error.actor, "at": error.at.isoformat() if error.at else None}
    raise HTTPException(409, {"msg": str(error), **now}) from None


def _saved(done: Saved) -> dict[str, Any]:
    return {"key": done.key, "version": done.version, "changed": done.changed, "rules": done.rules}


def _line(places: list[tuple[float, float]]) -> LineString:
    found = checked({"type": "LineString", "coordinates": [list(place) for place in places]}, "line")
    if found.geom is None:
        raise ValueError(found.faults[-1].en)
    return found.geom


def _aware(at: datetime | None) -> datetime | None:
    """A time without a zone is the centre's own."""
    return at if at is None or at.tzinfo else at.replace(tzinfo=ZONE)
