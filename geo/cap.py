"""An alert of the Common Alerting Protocol (OASIS CAP 1.2; 1.1 is read too), in and out of XML."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, get_args, get_origin
from xml.etree import ElementTree as ET

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidationInfo, model_validator
from pydantic.alias_generators import to_camel

NAMESPACE: Mapping[str, str] = MappingProxyType({v: f"urn:oasis:names:tc:emergency:cap:{v}" for v in ("1.1", "1.2")})
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
MOST_BYTES = 256_000
MOST_FAULTS = 20

Version = Literal["1.1", "1.2"]
Status = Literal["Actual", "Exercise", "System", "Test", "Draft"]
MsgType = Literal["Alert", "Update", "Cancel", "Ack", "Error"]
Scope = Literal["Public", "Restricted", "Private"]
Category = Literal[
    "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"
]  # fmt: skip
ResponseType = Literal[
    "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"
]  # fmt: skip
Urgency = Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
Severity = Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
Certainty = Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]

_SINCE_1_2 = ("Avoid", "AllClear")  # responses that CAP 1.1 does not have
# 3.3.2 of CAP 1.2: the zone as hours and minutes, never Z. Its schema's pattern has a comma for the sign as well, which
# the type of the time itself rules out.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
_MOMENT_1_1 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)?")
_LANGUAGE = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")
_DECIMAL = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)")
_INTEGER = re.compile(r"[-+]?\d+")


@dataclass(frozen=True)
class Fault:
    """What is wrong in a document: the path of the element, and in words what is wrong with it."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class NotCap(ValueError):
    """A document that is no valid CAP alert, with up to 20 faults of it."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


def _version(info: ValidationInfo) -> Version:
    version: Version = (info.context or {}).get("version", "1.2")
    return version


def _moment(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip()  # white space around a time means nothing (XML Schema part 2, 3.2.7)
    if not (_MOMENT if _version(info) == "1.2" else _MOMENT_1_1).fullmatch(text):
        raise ValueError("is no time of the form 2026-11-29T07:00:00+07:00")
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _matching(pattern: re.Pattern[str], kind: str) -> BeforeValidator:
    def checked(value: object) -> object:
        if isinstance(value, str) and not pattern.fullmatch(value.strip()):
            raise ValueError(f"is no {kind}")
        return value.strip() if isinstance(value, str) else value

    return BeforeValidator(checked)


Moment = Annotated[datetime, BeforeValidator(_moment)]


class Part(BaseModel):
    """An element with elements in it: its fields in the order of the schema, which is the order in the document."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True)


class Named(Part):
    """A value under a name of the sender's own (eventCode, parameter, geocode)."""

    value_name: str
    value: str


class Resource(Part):
    """A file that goes with an alert (3.2.3). Only its address is kept; nothing is fetched."""

    resource_desc: str
    mime_type: str | None = None
    size: Annotated[int, _matching(_INTEGER, "whole number")] | None = None
    uri: str | None = None
    deref_uri: str | None = None
    digest: str | None = None

    @model_validator(mode="after")
    def _complete(self, info: ValidationInfo) -> Self:
        if self.mime_type is None and _version(info) == "1.2":
            raise ValueError("mimeType is missing")
        return self


class Area(Part):
    """Where an alert holds (3.2.4): polygons and circles as written ("lat,lon lat,lon ..." in WGS 84), and codes."""

    area_desc: str
    polygon: tuple[str, ...] = ()
    circle: tuple[str, ...] = ()
    geocode: tuple[Named, ...] = ()
    altitude: str | None = None  # feet above mean sea level, as written
    ceiling: str | None = None

    @model_validator(mode="after")
    def _levels(self, info: ValidationInfo) -> Self:
        for name, value in (("altitude", self.altitude), ("ceiling", self.ceiling)):
            if value is not None and _version(info) == "1.2" and not _DECIMAL.fullmatch(value.strip()):
                raise ValueError(f"{name} is no decimal number")
        return self


class Info(Part):
    """What is announced, in one language (3.2.2)."""

    language: Annotated[str, _matching(_LANGUAGE, "language (RFC 3066)")] = "en-US"
    category: tuple[Category, ...]
    event: str
    response_type: tuple[ResponseType, ...] = ()
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    audience: str | None = None
    event_code: tuple[Named, ...] = ()
    effective: Moment | None = None
    onset: Moment | None = None
    expires: Moment | None = None
    sender_name: str | None = None
    headline: str | None = None
    description: str | None = None
    instruction: str | None = None
    web: str | None = None
    contact: str | None = None
    parameter: tuple[Named, ...] = ()
    resource: tuple[Resource, ...] = ()
    area: tuple[Area, ...] = ()

    @model_validator(mode="after")
    def _of_its_version(self, info: ValidationInfo) -> Self:
        if not self.category:
            raise ValueError("category is missing")
        newer = [response for response in self.response_type if response in _SINCE_1_2]
        if newer and _version(info) == "1.1":
            raise ValueError(f"responseType {newer[0]} is not of CAP 1.1")
        return self


class Alert(Part):
    """A CAP message (3.2.1)."""

    identifier: str
    sender: str
    sent: Moment
    status: Status
    msg_type: MsgType
    source: str | None = None
    scope: Scope
    restriction: str | None = None
    addresses: str | None = None
    code: tuple[str, ...] = ()
    note: str | None = None
    references: str | None = None
    incidents: str | None = None
    info: tuple[Info, ...] = ()


@dataclass(frozen=True)
class Read:
    """A valid document: the alert, its version, whether it carries a signature (noted, not checked), and what in it
    goes against the text of the standard though not against its schema, path by path."""

    alert: Alert
    version: Version
    signed: bool
    notes: tuple[Fault, ...]


def read(document: bytes) -> Read:
    """A CAP alert that is the whole document; NotCap says all that is wrong with it.

    At most 256,000 bytes. Nothing that the document points to is fetched: a document type or an entity refuses it.
    """
    if len(document) > MOST_BYTES:
        raise NotCap(Fault("alert", f"has {len(document)} bytes, more than {MOST_BYTES}"))
    return of_element(parse(document))


def parse(document: bytes) -> ET.Element:
    """The root of an XML document of strangers; NotCap where it is none, or has a document type or entities."""
    try:
        root: ET.Element = fromstring(document, forbid_dtd=True)
    except DefusedXmlException as error:
        raise NotCap(Fault("document", f"declares what is never resolved ({type(error).__name__})")) from error
    except (ET.ParseError, LookupError, ValueError) as error:
        raise NotCap(Fault("document", f"is no XML: {error}")) from error
    return root


def of_element(root: ET.Element) -> Read:
    """The alert that an element of a larger document (a feed's entry) is; NotCap as `read` does."""
    version: Version | None = next((v for v in get_args(Version) if root.tag == f"{{{NAMESPACE[v]}}}alert"), None)
    if version is None:
        raise NotCap(Fault(_local(root), "is no alert of CAP 1.2 or 1.1"))
    signed = version == "1.2" and any(child.tag.startswith(f"{{{SIGNATURE}}}") for child in root)
    faults: list[Fault] = []
    values = _values(root, Alert, "alert", NAMESPACE[version], faults, signed)
    if faults:
        raise NotCap(*faults[:MOST_FAULTS])
    try:
        alert = Alert.model_validate(values, context={"version": version})
    except ValidationError as error:
        raise NotCap(*_told(error)) from error
    return Read(alert, version, signed, tuple(_notes(alert, version)))


def write(alert: Alert) -> bytes:
    """The document of an alert as CAP 1.2, which its schema holds valid; times keep their zone, to the second."""
    ET.register_namespace("", NAMESPACE["1.2"])
    root = _element(alert, "alert")
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _kind(model: type[Part], name: str) -> tuple[bool, type[Part] | None]:
    """Whether a field may occur several times, and what it is made of if not of text."""
    annotation = model.model_fields[name].annotation
    many = get_origin(annotation) is tuple
    inner = get_args(annotation)[0] if many else annotation
    return many, inner if isinstance(inner, type) and issubclass(inner, Part) else None


def _values(
    element: ET.Element, model: type[Part], path: str, namespace: str, faults: list[Fault], signed: bool = False
) -> dict[str, Any]:
    """The children's values by field, in lists where there may be several; what breaks the order is put to faults."""
    order = {field.alias: (position, name) for position, (name, field) in enumerate(model.model_fields.items())}
    found: dict[str, Any] = {}
    last, ended = -1, False
    if any(piece and piece.strip() for piece in (element.text, *(child.tail for child in element))):
        faults.append(Fault(path, "has text between its elements"))
    for child in element:
        if signed and child.tag.startswith(f"{{{SIGNATURE}}}"):
            ended = True
            continue
        local = _local(child)
        if child.tag != f"{{{namespace}}}{local}" or local not in order:
            faults.append(Fault(path, f"has an element {local} that does not belong there"))
            continue
        position, name = order[local]
        many, part = _kind(model, name)
        at = f"{path}/{local}" + (f"[{len(found.get(name, ())) + 1}]" if many else "")
        if ended or position < last or (position == last and not many):
            faults.append(Fault(at, "stands at the wrong place" if position != last else "stands twice"))
            continue
        last = position
        value = _values(child, part, at, namespace, faults) if part else _text(child, at, faults)
        if many:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


def _text(element: ET.Element, path: str, faults: list[Fault]) -> str:
    if len(element):
        faults.append(Fault(path, f"has an element {_local(element[0])} in it"))
    return element.text or ""


def _told(error: ValidationError) -> Iterator[Fault]:
    for one in error.errors(include_url=False, include_input=False, include_context=False)[:MOST_FAULTS]:
        path = ["alert"]
        for step in one["loc"]:
            if isinstance(step, int):
                path[-1] += f"[{step + 1}]"
            else:
                path.append(to_camel(step))
        what = "is missing" if one["type"] == "missing" else one["msg"].removeprefix("Value error, ")
        yield Fault("/".join(path), what[:1].lower() + what[1:])


_IDENTITY = re.compile(r"[^\s,<&]+")  # 3.2.1: no spaces, commas or restricted characters


def _notes(alert: Alert, version: Version) -> Iterator[Fault]:
    """What the text of the standard asks and its schema does not: kept, since the sender's warning still stands."""
    if version != "1.2":
        yield Fault("alert", f"is of CAP {version}, which came before 1.2")
    for name, value in (("identifier", alert.identifier), ("sender", alert.sender)):
        if not _IDENTITY.fullmatch(value):
            yield Fault(f"alert/{name}", "is empty or has a space, a comma, < or &")
    if alert.references is not None and not references(alert):
        yield Fault("alert/references", "names no message as sender,identifier,sent")
    if alert.msg_type in ("Update", "Cancel", "Ack", "Error") and not references(alert):
        yield Fault("alert/references", f"is missing, though the message is of type {alert.msg_type}")
    for i, info in enumerate(alert.info, 1):
        if not info.event.strip():
            yield Fault(f"alert/info[{i}]/event", "is empty")
        for k, area in enumerate(info.area, 1):
            yield from _place_notes(area, f"alert/info[{i}]/area[{k}]")


def _place_notes(area: Area, path: str) -> Iterator[Fault]:
    for name, texts, made in (("polygon", area.polygon, ring), ("circle", area.circle, disc)):
        for i, text in enumerate(texts, 1):
            try:
                made(text)
            except ValueError as error:
                yield Fault(f"{path}/{name}[{i}]", str(error))


@dataclass(frozen=True)
class Reference:
    """An earlier message: who sent it, its identifier, when it was sent."""

    sender: str
    identifier: str
    sent: datetime


def references(alert: Alert) -> tuple[Reference, ...]:
    """The earlier messages that an alert names (3.2.1, references); what is not of the form is left out."""
    found = []
    for word in (alert.references or "").split():
        sender, _, rest = word.partition(",")
        identifier, _, sent = rest.rpartition(",")
        try:
            moment = datetime.fromisoformat(sent)
        except ValueError:
            continue
        if sender and identifier and moment.tzinfo:
            found.append(Reference(sender, identifier, moment))
    return tuple(found)


def ring(text: str) -> tuple[tuple[float, float], ...]:
    """The corners (lon, lat) of a polygon as written, "lat,lon lat,lon ...": closed, of at least three corners.

    ValueError says what is wrong with it. The text has the latitude first (3.2.4), unlike GeoJSON and PostGIS.
    """
    corners = tuple(_place(word) for word in text.split())
    if len(corners) < 4:
        raise ValueError("has fewer than three corners")
    if corners[0] != corners[-1]:
        raise ValueError("does not end where it begins")
    return corners


def disc(text: str) -> tuple[float, float, float]:
    """Centre (lon, lat) and radius (km) of a circle as written, "lat,lon radius"; ValueError says what is wrong."""
    centre, _, radius = text.strip().partition(" ")
    lon, lat = _place(centre)
    try:
        radius_km = float(radius)
    except ValueError:
        raise ValueError(f"has no radius in km but {radius[:20]!r}") from None
    if not 0 <= radius_km <= MOST_RADIUS_KM:
        raise ValueError(f"has a radius of {radius_km:g} km")
    return lon, lat, radius_km


MOST_RADIUS_KM = 20_038  # half the equator: a circle of more covers the Earth


def _place(word: str) -> tuple[float, float]:
    lat, _, lon = word.partition(",")
    try:
        place = float(lon), float(lat)
    except ValueError:
        raise ValueError(f"has no place lat,lon but {word[:40]!r}") from None
    if not (-180 <= place[0] <= 180 and -90 <= place[1] <= 90):  # not a number is outside too
        raise ValueError(f"has a place outside the Earth: {word[:40]}")
    return place


def _element(part: Part, name: str) -> ET.Element:
    element = ET.Element(f"{{{NAMESPACE['1.2']}}}{name}")
    for key, field in type(part).model_fields.items():
        value = getattr(part, key)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Part):
                element.append(_element(one, str(field.alias)))
            elif one is not None:
                child = ET.SubElement(element, f"{{{NAMESPACE['1.2']}}}{field.alias}")
                child.text = one.isoformat(timespec="seconds") if isinstance(one, datetime) else str(one)
    return element
