"""Channels for other systems: the ways out of the house, their routes, a test message, and the delivery log."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, HTTPException, Path, Query
from pydantic import BaseModel, Field

from access import channels
from access.site import Site
from geo import delivery_log
from geo.actor import Actor
from geo.carrier import ChannelError
from geo.channel import ANNOUNCED, Channel, Route
from geo.delivery_log import STATES
from geo.rule import SEVERITIES

T = TypeVar("T")
Key = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00]*$")]


class Acting(BaseModel):
    """Who acts."""

    actor: Name


class ChannelBody(Acting):
    """A channel; `config` by kind: email, webhook or sms. It names secrets (HAIDANG_SECRETS) and never holds one."""

    kind: str
    name: Name
    config: dict[str, Any]
    enabled: bool = True


class RouteBody(Acting):
    """Which alarms take the channel: of a rule (none: of every rule), of which severities, at which transitions."""

    rule: str | None = Field(None, max_length=120, pattern=r"^[^\x00]*$")
    severities: list[str] = list(SEVERITIES)
    transitions: list[str] = list(ANNOUNCED)


class WarningsBody(Acting):
    """Whether warnings that we issue are sent on it."""

    takes: bool


def mount(server: FastAPI, site: Site) -> None:
    """Add /api/v1/channels and /api/v1/deliveries."""

    @server.get("/api/v1/channels", tags=["channels"])
    def listed() -> list[dict[str, Any]]:
        """Every channel, with its routes, with what keeps it from sending, and what became of its messages lately."""
        return [_plain(one, site.withholding) for one in channels.overview(site)]

    @server.put("/api/v1/channels/{key}", tags=["channels"])
    def put(key: Key, body: ChannelBody) -> dict[str, Any]:
        """Add a channel or change the one of that key; 422 names the field that is wrong."""
        channel = Channel(key, body.kind, body.name, body.config, body.enabled)
        made = _checked(lambda: channels.put_channel(site, channel, _actor(body)))
        return next(_plain(one, site.withholding) for one in channels.overview(site) if one.channel.key == made.key)

    @server.put("/api/v1/channels/{key}/routes", tags=["channels"])
    def put_route(key: Key, body: RouteBody) -> dict[str, Any]:
        """Add the route of a rule to a channel, or change it; it counts from now on."""
        route = Route(body.rule, tuple(body.severities), tuple(body.transitions))
        return _route(_checked(lambda: channels.put_route(site, key, route, _actor(body))))

    @server.delete("/api/v1/channels/{key}/routes", tags=["channels"])
    def drop_route(key: Key, body: Acting, rule: Annotated[str | None, Query(max_length=120)] = None) -> dict[str, Any]:
        """Take the route of a rule (none: that of every rule) away."""
        if not _checked(lambda: channels.drop_route(site, key, rule, _actor(body))):
            raise HTTPException(404, f"channel {key} has no route of " + (f"rule {rule!r}" if rule else "every rule"))
        return {"dropped": rule}

    @server.put("/api/v1/channels/{key}/warnings", tags=["channels"])
    def put_warnings(key: Key, body: WarningsBody) -> dict[str, Any]:
        """Whether our warnings take the channel too; it counts from now on."""
        made = _checked(lambda: channels.take_warnings(site, key, body.takes, _actor(body)))
        return {"key": made.key, "warnings_since": made.warnings_since}

    @server.post("/api/v1/channels/{key}/test", tags=["channels"], status_code=202)
    def test(key: Key, body: Acting) -> dict[str, Any]:
        """Ask for a test message; what became of it stands in /api/v1/deliveries."""
        number = _checked(lambda: channels.test(site, key, _actor(body)))
        return {"delivery": number, "withheld": site.withholding}

    @server.get("/api/v1/deliveries", tags=["channels"])
    def deliveries(
        channel: Annotated[str | None, Query(max_length=40)] = None,
        state: Annotated[str | None, Query(description=", ".join(STATES))] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        before: Annotated[int | None, Query(ge=1, lt=1 << 63)] = None,
    ) -> list[dict[str, Any]]:
        """What left the house and what did not, newest first; `before` an id, to read on."""
        if state is not None and state not in STATES:
            raise HTTPException(422, f"state must be one of {', '.join(STATES)}")
        with site.engine.connect() as connection:
            return delivery_log.log(connection, channel, state, limit, before)


def _actor(body: Acting) -> Actor:
    try:
        return Actor(body.actor.strip())
    except ValueError as error:
        raise HTTPException(422, str(error)) from None


def _checked(change: Callable[[], T]) -> T:
    try:
        return change()
    except ChannelError as error:
        status = 404 if isinstance(error, channels.UnknownChannel) else 422
        raise HTTPException(status, {"field": error.field, "error": error.en}) from None


def _plain(one: channels.Overview, withholding: bool) -> dict[str, Any]:
    channel = asdict(one.channel)
    channel.pop("id")
    return {
        **channel,
        "routes": [_route(route) for route in one.routes],
        "problems": [problem.en for problem in one.problems],
        "withholding": withholding,
        "lately": {name: value for name, value in one.counts.items() if name != "key"},
    }


def _route(route: Route) -> dict[str, Any]:
    return {"rule": route.rule_key, "severities": route.severities, "transitions": route.transitions}
