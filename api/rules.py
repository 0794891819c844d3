"""Rules and the lists they speak of, for other systems: read, save, restore; every version as it was."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NoReturn

from fastapi import FastAPI, HTTPException, Path
from pydantic import BaseModel, ConfigDict, Field

from access import rules as doing
from access.editing import Conflict, Missing
from access.rules import Saved
from access.site import Site
from geo.actor import Actor
from geo.fence_kind import Wrong
from geo.roster import Roster, roster_history, rosters
from geo.rule import KINDS, STORED, Rule
from geo.rulebook import Entry, book, rule_history

Key = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_.-]{0,79}$")]
Words = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]
Name = Annotated[str, Field(max_length=120, pattern=r"^[^\x00]*$")]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Day = Annotated[int, Field(ge=1, le=7)]


class Deed(BaseModel):
    """Who does it, from which version it was begun (none for a new rule), and why."""

    model_config = ConfigDict(extra="forbid")
    actor: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00]*$")
    comment: Words | None = None
    version: int | None = Field(None, ge=1)

    def by(self) -> Actor:
        """The actor; 422 for a name of nothing but spaces."""
        try:
            return Actor(self.actor.strip())
        except ValueError as error:
            raise HTTPException(422, str(error)) from None


class Span(BaseModel):
    """Hours on some days of the week, Monday is 1; a span that ends at or before it begins goes over midnight."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    days: list[Day] = Field(min_length=1, max_length=7)
    begin: Clock = Field(alias="from")
    end: Clock = Field(alias="to")


class RuleBody(Deed):
    """A rule as it is to be; whatever is not known is refused, since a misspelt field would be another rule."""

    kind: Literal[KINDS]  # type: ignore[valid-type]  # the kinds are named once, in geo.rule
    layer: str = Field("vessel", max_length=40)
    name_vi: Name
    name_en: Name = ""
    severity: Literal["critical", "high", "medium", "low"]
    fence_key: str | None = Field(None, max_length=60)
    dwell_s: Seconds = 0
    off_delay_s: Seconds = 0
    applies_to: dict[str, Any] = {}
    qualifies: dict[str, Any] = {}
    params: dict[str, Any] = {}
    schedule: list[Span] = Field([], max_length=50)
    latching: bool = True
    escalate_s: Seconds | None = None
    response_vi: Words | None = None
    response_en: Words | None = None
    enabled: bool = True

    def rule(self, key: str) -> Rule:
        """As the engine's own value."""
        own = set(STORED) - {"key", "version", "schedule", "name_en"}
        values = {name: getattr(self, name) for name in own}
        schedule = [one.model_dump(by_alias=True) for one in self.schedule]
        return Rule(key=key, schedule=schedule, name_en=self.name_en or self.name_vi, **values)


class Restoring(Deed):
    """Which of the older versions is to count again."""

    restore: int = Field(ge=1)


class RosterBody(BaseModel):
    """A list by name: the keys of its members, for vessels their MMSI.

    version: the one it was begun from, 0 for a new list; without it whatever is there gives way.
    """

    model_config = ConfigDict(extra="forbid")
    actor: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00]*\S[^\x00]*$")
    layer: str = Field("vessel", max_length=40)
    name_vi: Name
    name_en: Name = ""
    members: list[Annotated[str, Field(max_length=80)]] = Field(max_length=20_000)
    comment: Words | None = None
    version: int | None = Field(None, ge=0)


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/rules, a rule's own address with its versions, and /api/v1/rosters."""
    _rules(server, site)
    _rosters(server, site)


def _rules(server: FastAPI, site: Site) -> None:
    @server.get("/api/v1/rules", tags=["rules"])
    def listed() -> list[dict[str, Any]]:
        """Every rule as it is kept, with who saved it when and what it raised."""
        with site.engine.connect() as connection:
            return [told(one) for one in book(connection, datetime.now(UTC))]

    @server.get("/api/v1/rules/{key}", tags=["rules"])
    def one(key: Key) -> dict[str, Any]:
        """One rule, switched on or off."""
        with site.engine.connect() as connection:
            found = book(connection, datetime.now(UTC), key)
        if not found:
            raise HTTPException(404, f"there is no rule {key!r}")
        return told(found[0])

    @server.get("/api/v1/rules/{key}/versions", tags=["rules"])
    def versions(key: Key) -> list[dict[str, Any]]:
        """Every version, newest first: who, when, why, what it changed, and the rule as it was."""
        with site.engine.connect() as connection:
            found = rule_history(connection, key)
        if not found:
            raise HTTPException(404, f"there is no rule {key!r}")
        about = ("version", "at", "actor", "actor_kind", "comment", "changed")
        return [{**{name: getattr(one, name) for name in about}, "rule": _values(one.rule)} for one in found]

    @server.put("/api/v1/rules/{key}", tags=["rules"])
    def save(key: Key, body: RuleBody) -> dict[str, Any]:
        """Keep a rule as a new version; live in the workers within a second.

        409 when somebody saved it since `version`; 422 names the field and says how it is written.
        """
        actor = body.by()
        try:
            return _saved(doing.save(site, body.rule(key), body.version, actor, body.comment))
        except (Wrong, Conflict, Missing) as error:
            _answer(error)

    @server.post("/api/v1/rules/{key}/restore", tags=["rules"])
    def restore(key: Key, body: Restoring) -> dict[str, Any]:
        """Keep an older version as a new one."""
        actor = body.by()
        try:
            return _saved(doing.restore(site, key, body.restore, body.version, actor, body.comment))
        except (Wrong, Conflict, Missing) as error:
            _answer(error)


def _rosters(server: FastAPI, site: Site) -> None:
    @server.get("/api/v1/rosters/{key}", tags=["rules"])
    def roster(key: Key) -> dict[str, Any]:
        """A list by name, which rules and fences include or exclude as `@key`."""
        with site.engine.connect() as connection:
            found = next((each for each in rosters(connection) if each.key == key), None)
        if found is None:
            raise HTTPException(404, f"there is no roster {key!r}")
        return {each.name: getattr(found, each.name) for each in fields(Roster)}

    @server.get("/api/v1/rosters/{key}/versions", tags=["rules"])
    def versions(key: Key) -> list[dict[str, Any]]:
        """Every version, newest first: who, when, why, who came and who went, and the members as they were."""
        with site.engine.connect() as connection:
            found = roster_history(connection, key)
        if not found:
            raise HTTPException(404, f"there is no version of a roster {key!r}")
        about = ("version", "at", "actor", "comment", "came", "went")
        return [{**{name: getattr(one, name) for name in about}, "members": one.roster.members} for one in found]

    @server.put("/api/v1/rosters/{key}", tags=["rules"])
    def put(key: Key, body: RosterBody) -> dict[str, Any]:
        """Put a list in place of the one of that name, or as a new one; 409 when somebody saved it since `version`."""
        made = Roster(key, body.layer, body.name_vi, body.name_en or body.name_vi, tuple(body.members))
        try:
            version, at = doing.save_roster(site, made, Actor(body.actor.strip()), body.comment, body.version)
        except (Wrong, Conflict) as error:
            _answer(error)
        return {"key": key, "members": len(set(made.members)), "version": version, "at": at}


def told(one: Entry) -> dict[str, Any]:
    """A rule and what is known about it, for other systems."""
    about = {"updated_at": one.updated_at, "updated_by": one.updated_by}
    return {**_values(one.rule), **about, "alarms_30d": one.raised, "alarms_open": one.open}


def _values(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in STORED}


def _saved(done: Saved) -> dict[str, Any]:
    return {"key": done.key, "version": done.version, "changed": done.changed}


def _answer(error: Wrong | Conflict | Missing) -> NoReturn:
    if isinstance(error, Wrong):
        raise HTTPException(422, [{"loc": ["body", error.field], "msg": error.en, "vi": error.vi}]) from None
    if isinstance(error, Missing):
        raise HTTPException(404, str(error)) from None
    now = {"version": error.version, "actor": error.actor, "at": error.at.isoformat() if error.at else None}
    raise HTTPException(409, {"msg": str(error), **now}) from None
