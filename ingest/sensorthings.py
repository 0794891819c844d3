"""OGC SensorThings 1.1 (18-088): Things, Datastreams and Observations of a server's answer as records of stations.

Asked for is one list of Datastreams with their Things and newest Observations; what is expanded the other way round,
from Things or from Observations, is read as well. `@iot.nextLink` of the list is followed; that of a Datastream's
Observations, which leads into the past, where nothing of the newest was heard before (ingest.poll).

A server that offers MQTT says so at its root (18-088, 9.2.1: serverSettings) and sends each new Observation as it is,
without what it belongs to, under the topic of its Datastream (14.2): what that is the list of Datastreams has told.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from geo.parameter import parameter
from ingest.feed import SUBSCRIBED, Form, Newest, Page, Row, Sending
from ingest.lines import Refused

NOT_SENSORTHINGS = "not_sensorthings"
NEXT, OLDER = "@iot.nextLink", "Observations@iot.nextLink"
# Of each datastream so many of its newest observations; what was heard before is not handed on again (ingest.poll).
NEWEST = 30
QUERY = (
    "$expand=ObservedProperty,Thing($expand=Locations),"
    f"Observations($orderby=phenomenonTime desc;$top={NEWEST};$select=phenomenonTime,resultTime,result)"
)
ROOT = re.compile(r"/v1\.[01]/?$")
ROOT_WITHIN = re.compile(r".*?/v1\.[01](?=/|$)")
STREAM_WITHIN = re.compile(r"(?:^|/)(v1\.[01])/(Datastreams\([^()/#+]{1,200}\))$")
SETTINGS, BY_MQTT = "serverSettings", re.compile(r"/iot_sensing/1\.[01]/req/receive-updates-via-mqtt/[a-z-]+$")
Entity = Mapping[str, Any]


def whole(address: str) -> str:
    """The address to ask: of a service's root, its Datastreams with what is needed of each; any other as it is."""
    parts = urlsplit(address)
    if not ROOT.search(parts.path) or parts.query:
        return address
    path = f"{parts.path.rstrip('/')}/Datastreams"
    return urlunsplit((parts.scheme, parts.netloc, path, quote(QUERY, safe="$=,();/"), ""))


def read(answer: Any) -> Page:
    """The observations of an answer. Raises Refused (`not_sensorthings`)."""
    if not isinstance(answer, Mapping):
        raise Refused(NOT_SENSORTHINGS)
    if "value" in answer and not isinstance(answer["value"], list):
        raise Refused(NOT_SENSORTHINGS)
    entities = answer.get("value", [answer])
    following = answer.get(NEXT)
    records: list[Any] = []
    newest: list[Newest] = []
    for each in entities:
        begin = len(records)
        records += _records(each)
        older = each.get(OLDER) if isinstance(each, Mapping) and isinstance(each.get("Observations"), list) else None
        if isinstance(older, str) and older and len(records) > begin:
            newest.append(Newest(range(begin, len(records)), older, _record(_of(each, "Thing"), each, {})))
    topics = dict(topic for each in entities for topic in _topics(each))
    return Page(records, following if isinstance(following, str) and following else None, topics, newest)


def root(address: str) -> str | None:
    """A service's root, of any address below it."""
    parts = urlsplit(address)
    found = ROOT_WITHIN.match(parts.path)
    return urlunsplit((parts.scheme, parts.netloc, found[0], "", "")) if found else None


def brokers(answer: Any) -> list[str]:
    """The brokers that a root's answer names, each once, as mqtt or mqtts addresses (9.2.1; others are left out)."""
    told = _of(answer, SETTINGS)
    ends = [each for name in told if BY_MQTT.search(name) for each in _texts(_of(told, name), "endpoints")]
    return list(dict.fromkeys(each for each in ends if each.partition("://")[0] in SUBSCRIBED))


def sent(message: Any) -> Row:
    """What an Observation that was sent alone says: when and what. Raises Refused (`not_sensorthings`)."""
    if not (isinstance(message, Mapping) and "result" in message):
        raise Refused(NOT_SENSORTHINGS)
    return {"observed_at": _time(message), "value": message["result"]}


def _topics(entity: Any) -> Iterator[tuple[str, Row]]:
    """Of a Datastream, or those of a Thing, the topic of what is new and what is known of each."""
    if not isinstance(entity, Mapping) or "result" in entity:
        return
    pairs = [(_of(entity, "Thing"), entity)] if "Thing" in entity else []
    pairs += [(entity, stream) for stream in _list(entity, "Datastreams")]
    for thing, stream in pairs:
        link = stream.get("@iot.selfLink")
        if isinstance(link, str) and (found := STREAM_WITHIN.search(link)):
            yield f"{found[1]}/{found[2]}/Observations", _record(thing, stream, {})


def _records(entity: Any) -> Iterator[Any]:
    """What an entity of any of the three kinds tells; what is none of them is handed on as it is, to be refused."""
    if not isinstance(entity, Mapping):
        yield entity
    elif "result" in entity:
        stream = _of(entity, "Datastream")
        yield _record(_of(stream, "Thing"), stream, entity)
    elif isinstance(entity.get("Observations"), list):
        yield from (_record(_of(entity, "Thing"), entity, each) for each in entity["Observations"])
    elif isinstance(entity.get("Datastreams"), list):
        for stream in entity["Datastreams"]:
            for each in _list(stream, "Observations"):
                yield _record(entity, stream, each)
    elif "@iot.id" not in entity:
        yield entity


def _record(thing: Entity, stream: Entity, observation: Any) -> Any:
    if not isinstance(observation, Mapping):
        return observation
    named, unit = _named(stream)
    found: dict[str, Any] = {
        "id": _key(thing),
        "name": thing.get("name"),
        "observed_at": _time(observation),
        "parameter": named,
        "value": observation.get("result"),
        "unit": unit,
        **_place(thing, stream, observation),
    }
    return {name: value for name, value in found.items() if value is not None}


def _key(thing: Entity) -> Any:
    """A station's id: the code among its properties, else the address of the Thing, which no other server has."""
    code = _of(thing, "properties").get("code")
    if isinstance(code, str | int) and not isinstance(code, bool):
        return code
    link = thing.get("@iot.selfLink")
    if isinstance(link, str) and "//" in link:
        return link.partition("//")[2]
    return thing.get("@iot.id")


def _named(stream: Entity) -> tuple[Any, Any]:
    """The parameter as one of its names that is known, and its unit as one that the parameter can have."""
    measured = _of(stream, "ObservedProperty")
    definition = str(measured.get("definition") or "").rstrip("/")
    names = [measured.get("name"), re.split(r"[/#]", definition)[-1], stream.get("name")]
    told = [name for name in names if isinstance(name, str) and name]
    name = next((one for one in told if parameter(one) is not None), told[0] if told else None)
    of = parameter(name or "")
    unit = _of(stream, "unitOfMeasurement")
    units = [one for one in (unit.get("symbol"), unit.get("name")) if isinstance(one, str) and one.strip()]
    good = next((one for one in units if of is not None and of.factor(one) is not None), None)
    return name, good if good is not None else (units[0] if units else None)


def _time(observation: Entity) -> Any:
    """When it was measured; of a span (`begin/end`) its end."""
    told = observation.get("phenomenonTime") or observation.get("resultTime")
    return told.rpartition("/")[2] if isinstance(told, str) else told


def _place(thing: Entity, stream: Entity, observation: Entity) -> dict[str, Any]:
    """The first point that is told: of the Thing, of the Datastream, of what was observed."""
    places = [each.get("location") for each in _list(thing, "Locations")]
    places += [stream.get("observedArea"), _of(observation, "FeatureOfInterest").get("feature")]
    for each in places:
        if isinstance(each, Mapping) and each.get("type") == "Feature":
            each = each.get("geometry")
        if isinstance(each, Mapping) and each.get("type") == "Point":
            point = each.get("coordinates")
            if isinstance(point, list) and len(point) >= 2:
                return {"lon": point[0], "lat": point[1]}
    return {}


def _of(entity: Any, name: str) -> Entity:
    value = entity.get(name) if isinstance(entity, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _list(entity: Any, name: str) -> list[Any]:
    value = entity.get(name) if isinstance(entity, Mapping) else None
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _texts(entity: Entity, name: str) -> list[str]:
    value = entity.get(name)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


SENSORTHINGS = Form(read, whole, Sending(root, brokers, sent))
