"""What a server of warnings answers: one CAP alert, or a list of them as Atom (RFC 4287), RSS 2.0 or EDXL-DE 1.0."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree as ET

from geo.cap import MOST_BYTES, NAMESPACE, Fault, NotCap, Read, of_element, parse

ATOM = "{http://www.w3.org/2005/Atom}"
EDXL = "{urn:oasis:names:tc:emergency:EDXL:DE:1.0}"
MEDIA_TYPE = "application/cap+xml"
MOST_DOCUMENT_BYTES = 5 << 20
MOST_ALERTS = 1_000
_ALERTS = tuple(f"{{{namespace}}}alert" for namespace in NAMESPACE.values())
# RFC 4287, 4.1.1 and 4.1.2: what a feed and an entry consist of, and what they cannot be without.
_SHARED = {"author", "category", "contributor", "id", "link", "rights", "title", "updated"}
_FEED = frozenset(_SHARED | {"entry", "generator", "icon", "logo", "subtitle"})
_ENTRY = frozenset(_SHARED | {"content", "published", "source", "summary"})
_NEEDED = ("id", "title", "updated")


@dataclass(frozen=True)
class Document:
    """What stands in a document: alerts that are valid, addresses of more, and what could not be taken, place by place.

    documents: of each alert the bytes of it alone, which are those that came where it is the whole document. A fault of
    one alert costs that alert; a list that is none itself is refused as a whole (NotCap).
    """

    alerts: tuple[Read, ...] = ()
    documents: tuple[bytes, ...] = ()
    links: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


def find(document: bytes, address: str) -> Document:
    """The alerts of a document of at most 5 MB that was fetched from an address; NotCap where it is none of the kinds.

    An alert may have 256,000 bytes and a list 1,000 entries. Links are told in full, http and https only, and not
    followed here.
    """
    if len(document) > MOST_DOCUMENT_BYTES:
        raise NotCap(Fault("document", f"has {len(document)} bytes, more than {MOST_DOCUMENT_BYTES}"))
    root = parse(document)
    if root.tag in _ALERTS:
        if len(document) > MOST_BYTES:
            raise NotCap(Fault("alert", f"has {len(document)} bytes, more than {MOST_BYTES}"))
        return Document((of_element(root),), (document,))
    read = _KINDS.get(root.tag)
    if read is None:
        raise NotCap(Fault("document", f"is no CAP alert, Atom, RSS or EDXL-DE but {root.tag[:80]!r}"))
    alerts: list[Read] = []
    documents: list[bytes] = []
    links: list[str] = []
    faults: list[Fault] = []
    for path, found in read(root):
        if len(alerts) + len(links) + len(faults) >= MOST_ALERTS:
            faults.append(Fault(path, f"and what follows is more than {MOST_ALERTS} entries"))
            break
        if isinstance(found, Fault):
            faults.append(found)
        elif isinstance(found, str):
            link = _whole(address, found)
            if link is not None:
                links.append(link)
            else:
                faults.append(Fault(path, f"has a link that is neither http nor https: {found[:80]!r}"))
        else:
            try:
                alert, own = _alert(found)
                alerts.append(alert)
                documents.append(own)
            except NotCap as error:
                faults.extend(Fault(f"{path}/{fault.where}", fault.what) for fault in error.faults)
            except RecursionError:  # of writing it: what a signature holds may lie as deep as its sender likes
                faults.append(Fault(path, "has elements too deep in one another"))
    return Document(tuple(alerts), tuple(documents), tuple(dict.fromkeys(links)), tuple(faults))


def _whole(address: str, link: str) -> str | None:
    """A link in full, if it is one of the web; None for any other, and for what is no address at all."""
    try:
        whole = urljoin(address, link.strip())
        return whole if urlsplit(whole).scheme in ("http", "https") else None
    except ValueError:  # as of http://[
        return None


Found = tuple[str, ET.Element | str | Fault]  # where, and an alert, a link to one, or what is wrong


def _alert(element: ET.Element) -> tuple[Read, bytes]:
    element.tail = None  # what stands behind it in the list is not of it
    document = ET.tostring(element, encoding="utf-8", xml_declaration=True)
    if len(document) > MOST_BYTES:
        raise NotCap(Fault("alert", f"has {len(document)} bytes, more than {MOST_BYTES}"))
    return of_element(element), document


def _atom(root: ET.Element) -> Iterator[Found]:
    _hold(_atom_faults(root, _FEED, "feed"))
    for i, entry in enumerate(root.findall(f"{ATOM}entry"), 1):
        path = f"feed/entry[{i}]"
        _hold(_atom_faults(entry, _ENTRY, path))
        content = entry.find(f"{ATOM}content")
        inside = [] if content is None else [child for child in content if child.tag in _ALERTS]
        all_links = entry.findall(f"{ATOM}link")
        # What says that it is CAP is, whatever its relation; the alternate beside it is a page for people.
        own = [one for one in all_links if _is_cap(one)]
        alternate = [one for one in all_links if one.get("rel", "alternate") == "alternate"]
        link = next((one.get("href") for one in (*own, *alternate) if one.get("href")), None)
        if inside:
            yield from ((path, alert) for alert in inside)
        elif link:
            yield path, link
        else:
            yield path, Fault(path, "has neither an alert in its content nor a link to one")


def _is_cap(link: ET.Element) -> bool:
    return link.get("type", "").partition(";")[0].strip().lower() == MEDIA_TYPE


def _atom_faults(element: ET.Element, allowed: frozenset[str], path: str) -> Iterator[Fault]:
    names = [child.tag.removeprefix(ATOM) for child in element if child.tag.startswith(ATOM)]
    yield from (Fault(path, f"has no {name}") for name in _NEEDED if name not in names)
    yield from (Fault(path, f"has an element {name} that Atom does not have") for name in names if name not in allowed)
    # 4.1.2: an entry without content has a link to what it stands for.
    if allowed is _ENTRY and "content" not in names and "link" not in names:
        yield Fault(path, "has neither content nor link")


def _rss(root: ET.Element) -> Iterator[Found]:
    channel = root.find("channel")
    if channel is None:
        raise NotCap(Fault("rss", "has no channel"))
    missing = [name for name in ("title", "link", "description") if channel.find(name) is None]
    _hold(Fault("rss/channel", f"has no {name}") for name in missing)
    for i, item in enumerate(channel.findall("item"), 1):
        path = f"rss/channel/item[{i}]"
        if item.find("title") is None and item.find("description") is None:
            raise NotCap(Fault(path, "has neither title nor description"))
        own = next((one.get("url") for one in item.findall("enclosure") if _is_cap(one) and one.get("url")), None)
        link = (own or item.findtext("link") or "").strip()
        yield path, link or Fault(path, "has no link")


def _edxl(root: ET.Element) -> Iterator[Found]:
    # EDXL-DE 1.0, 3.2.3: XML content stands in embeddedXMLContent of a contentObject's xmlContent.
    contents = root.findall(f"{EDXL}contentObject")
    for i, content in enumerate(contents, 1):
        path = f"EDXLDistribution/contentObject[{i}]"
        inside = content.findall(f"{EDXL}xmlContent/{EDXL}embeddedXMLContent/*")
        alerts = [element for element in inside if element.tag in _ALERTS]
        yield from ((path, alert) for alert in alerts)
        if not alerts:
            yield path, Fault(path, "has no CAP alert in it")


def _hold(faults: Iterable[Fault]) -> None:
    if found := tuple(faults):
        raise NotCap(*found)


_KINDS: Mapping[str, Callable[[ET.Element], Iterator[Found]]] = MappingProxyType(
    {f"{ATOM}feed": _atom, "rss": _rss, f"{EDXL}EDXLDistribution": _edxl}
)
