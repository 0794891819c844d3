"""KML 2.2 (OGC 07-147r2), as much of it as fences need: placemarks in, placemarks out; text stays text."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

NAMESPACE = "http://www.opengis.net/kml/2.2"
SHAPES = ("Polygon", "LineString", "LinearRing", "Point", "MultiGeometry", "Model", "Track", "MultiTrack")
Element = ElementTree.Element


def placemarks(data: bytes) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """The properties and the GeoJSON geometry of each placemark, in the order of the file, whatever folder it is in.

    Raises ElementTree.ParseError for what is not XML, ValueError for XML that is no KML.
    """
    root = ElementTree.fromstring(data)
    if _name(root) != "kml":
        raise ValueError(f"the outermost element is <{_name(root)[:40]}>, not <kml>")
    for one in root.iter():
        if _name(one) == "Placemark":
            shapes = [child for child in one if _name(child) in SHAPES]
            yield _properties(one), _geometry(shapes[0]) if shapes else None


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]  # old files have other namespaces, or none


def _properties(placemark: Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in placemark:
        if _name(child) in ("name", "description"):
            found[_name(child)] = (child.text or "").strip()
        elif _name(child) == "ExtendedData":
            found |= _extended(child)
    return found


def _extended(data: Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in data.iter():
        if _name(one) == "Data":
            value = next((child for child in one if _name(child) == "value"), None)
            found[one.get("name", "")] = "" if value is None else value.text or ""
        elif _name(one) == "SimpleData":
            found[one.get("name", "")] = one.text or ""
    return found


def _geometry(shape: Element) -> dict[str, Any]:
    kind = _name(shape)
    if kind == "Polygon":
        rings = [_ring(one) for side in ("outerBoundaryIs", "innerBoundaryIs") for one in shape if _name(one) == side]
        return {"type": "Polygon", "coordinates": rings}
    if kind in ("LineString", "LinearRing"):
        return {"type": "LineString", "coordinates": _positions(shape)}
    if kind == "Point":
        positions = _positions(shape)
        return {"type": "Point", "coordinates": positions[0] if positions else []}
    if kind != "MultiGeometry":
        return {"type": kind}
    parts = [_geometry(child) for child in shape if _name(child) in SHAPES]
    kinds = {part["type"] for part in parts}
    if len(kinds) == 1 and kinds <= {"Polygon", "LineString", "Point"}:
        return {"type": f"Multi{kinds.pop()}", "coordinates": [part["coordinates"] for part in parts]}
    return {"type": "GeometryCollection", "geometries": parts}


def _ring(boundary: Element) -> list[list[Any]]:
    ring = next((one for one in boundary if _name(one) == "LinearRing"), None)
    return [] if ring is None else _positions(ring)


def _positions(element: Element) -> list[list[Any]]:
    text = next((one.text or "" for one in element if _name(one) == "coordinates"), "")
    return [[_number(number) for number in word.split(",")[:2]] for word in text.split()]


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # whoever checks the geometry tells which corner it is


# Out


def document(title: str, features: Sequence[Mapping[str, Any]]) -> bytes:
    """GeoJSON features of polygons and lines as a KML file.

    A placemark is named by `name_vi`, described by `note`, and holds every property as text.
    """
    root = Element("kml", xmlns=NAMESPACE)
    inside = ElementTree.SubElement(root, "Document")
    _add(inside, "name", title)
    for one in features:
        about = one["properties"]
        mark = ElementTree.SubElement(inside, "Placemark")
        _add(mark, "name", str(about.get("name_vi") or ""))
        _add(mark, "description", str(about.get("note") or ""))
        data = ElementTree.SubElement(mark, "ExtendedData")
        for name, value in about.items():
            _add(ElementTree.SubElement(data, "Data", name=name), "value", "" if value is None else str(value))
        mark.append(_shape(one["geometry"]))
    ElementTree.indent(root)
    made: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return made


def _add(parent: Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = _printable(text)


def _printable(text: str) -> str:
    """What XML may hold (XML 1.0, production 2), composed."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(c for c in composed if c in "\t\n" or unicodedata.category(c) not in ("Cc", "Cs", "Cn"))


def _shape(geometry: Mapping[str, Any]) -> Element:
    kind, places = geometry["type"], geometry["coordinates"]
    if kind.startswith("Multi"):
        many = Element("MultiGeometry")
        many.extend(_shape({"type": kind.removeprefix("Multi"), "coordinates": part}) for part in places)
        return many
    made = Element(kind)
    if kind == "LineString":
        _add(made, "tessellate", "1")
        _add(made, "coordinates", _written(places))
        return made
    for number, ring in enumerate(places):
        side = ElementTree.SubElement(made, "innerBoundaryIs" if number else "outerBoundaryIs")
        _add(ElementTree.SubElement(side, "LinearRing"), "coordinates", _written(ring))
    return made


def _written(places: Sequence[Sequence[float]]) -> str:
    return " ".join(f"{lon!r},{lat!r}" for lon, lat, *_ in places)
