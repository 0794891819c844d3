"""The values of the way in: Feed, Source, the raw batch that a receiver makes and what decoding makes of it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from geo.account import Account
from geo.table import Shape

if TYPE_CHECKING:
    import pandas as pd
    import sqlalchemy as sa

SCHEMES = ("udp", "tcp", "tcp-listen", "file")
POLLED = {"http": 80, "https": 443}  # scheme -> its usual port
SUBSCRIBED = {"mqtt": 1883, "mqtts": 8883}
# How a broker is spoken to, in an address's fragment: as which client, sharing with which group, by which version of
# the protocol, as which user with which secret; and which members of a record the levels of its topic are
# (`levels=-/-/id/parameter`).
OPTIONS = ("client", "share", "version", "user", "secret", "levels")
# How a server is asked: in which header it is shown which secret.
ASKED_WITH = ("header", "secret")
EVERY = "every"  # seconds between two polls, in an address's fragment
FORM = "form"  # in which of a feed's forms the server answers, there too
# A record outside [now - 36 months, now + 1 day] has no partition to go to.
PAST_S_MAX, FUTURE_S_MAX = 36 * 30.44 * 86_400, 86_400.0
LINE_BYTES_MAX = 1 << 16
PUSHED = ".push."
RECORD_ID_MAX = 128
Row = dict[str, Any]


class AddressError(ValueError):
    """A feed's address cannot be used; the message names it and says what is accepted."""


@dataclass(frozen=True)
class RawBatch:
    """Whole messages of one source as they came: one record a line; parts of one message stand next to each other.

    (source, boot, seq) is the receiver's own identity of the batch, the key of the ledger. received_at: epoch seconds.
    faults: what the receiver has to say about the feed's health since its last batch, by name; a batch may carry
    nothing else.
    """

    source: str
    boot: str
    seq: int
    received_at: float
    raw: bytes
    peer: str | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)
    letters: Sequence[tuple[str, bytes]] = ()
    faults: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Decoded:
    """What a feed's decode makes of a raw batch.

    frame: one row a record in the order heard, with the layer's key, observed_at (UTC), lon, lat (NaN = none) and any
    columns of its table. account: without `rows`, which the worker knows. letters: (reason, raw bytes) of rejects.
    """

    frame: "pd.DataFrame"
    account: Account
    letters: Sequence[tuple[str, bytes]] = ()


class Framer(Protocol):
    """Cuts one sender's bytes into whole records; `ready` is what is whole so far."""

    ready: "Framed"

    def feed(self, data: bytes, now: float) -> None:
        """Take bytes as they came; `now` is a monotonic time in seconds."""

    def datagram(self, data: bytes, now: float) -> None:
        """Take one datagram, whose end is the end of a record."""

    def refuse(self, reason: str, raw: bytes) -> None:
        """Count and keep what is no record, though it could be read as one."""

    def close(self) -> None:
        """The sender is gone: what is unfinished is rejected."""

    def take(self) -> "Framed":
        """Hand over what is whole so far."""


class Peer(Protocol):
    """One sender of bytes, as the receiver keeps it."""

    def feed(self, data: bytes) -> None:
        """Take bytes of a stream."""

    def datagram(self, data: bytes) -> None:
        """Take one datagram."""

    def close(self) -> None:
        """The sender is gone."""


class SurePeer(Peer, Protocol):
    """One sender who wants to know what became of what it sent."""

    def refuse(self, reason: str, raw: bytes) -> None:
        """Count and keep what is no record, though it could be read as one."""

    def when_kept(self, call: Callable[[bool], None]) -> None:
        """Call once all that was handed over so far is in Redis or on disk (True), or was refused for want of room."""


OpenPeer = Callable[[str | None], SurePeer]
Note = Callable[[str, int], None]  # a fault of the source, and how often


@dataclass
class Framed:
    """Whole records that a Framer has ready, and what it refused."""

    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    letters: list[tuple[str, bytes]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lines or self.rejected)


@dataclass(frozen=True)
class Member:
    """One member of a record as its reader takes it; the documentation says so in its words.

    least, most: bounds of a number, or of a text's length. number_too: a text that may also come as a whole number.
    """

    name: str
    kind: Literal["text", "number", "whole", "flag", "time"]
    needed: bool = False
    least: float | None = None
    most: float | None = None
    number_too: bool = False
    vi: str = ""
    en: str = ""


# The sender's own name of one record: under it the record is stored once, however often it is sent.
RECORD_ID = Member(
    "record_id",
    "text",
    least=1,
    most=RECORD_ID_MAX,
    number_too=True,
    vi="mã của bản ghi do bên gửi đặt; gửi lại cùng mã thì chỉ lưu một lần",
    en="the sender's own name of this record; sent again, it is stored once",
)


@dataclass(frozen=True)
class Push:
    """How a feed takes single records: their members, and the reader that its `decode` reads lines by.

    one_of: members of which one at least must be there; order: of the values of a CSV line without a header.
    """

    members: tuple[Member, ...]
    read: Callable[[bytes, float], Row]
    one_of: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    line_bytes_max: int = LINE_BYTES_MAX

    @property
    def names(self) -> tuple[str, ...]:
        """The members that are read, the sender's id of the record last."""
        return (*(member.name for member in self.members), RECORD_ID.name)

    def member(self, name: str) -> Member | None:
        """The member of that name, or None."""
        return next((each for each in (*self.members, RECORD_ID) if each.name == name), None)


@dataclass(frozen=True)
class Newest:
    """Of a list that a page tells the newest records of alone: which of the page's records they are, the address of the
    older ones, and what is known of each of those besides what it says itself (Sending.read).
    """

    rows: range
    older: str
    known: Row


@dataclass(frozen=True)
class Page:
    """What one answer of a polled server holds: records as they would be pushed, and where those that follow are.

    topics: under which topic of its own broker the server sends what is new, with what a message there does not say.
    newest: lists in it of which there is more. cut: it says itself that there is more than it tells.
    """

    records: Sequence[Any]
    following: str | None = None
    topics: Mapping[str, Row] = field(default_factory=dict)
    newest: Sequence[Newest] = ()
    cut: bool = False


@dataclass(frozen=True)
class Sending:
    """How the servers of a form tell that they send what is new by themselves, and what they send then.

    root: the address at which that is told, of the one that was given; None where none can be made of it. brokers: of
    the answer, the addresses at which it sends. read: what a message's JSON adds to what its topic says; it raises
    ingest.lines.Refused for what is no such message.
    """

    root: Callable[[str], str | None]
    brokers: Callable[[Any], Sequence[str]]
    read: Callable[[Any], Row]


@dataclass(frozen=True)
class Form:
    """A way in which servers tell records, other than the feed's own.

    read: an answer's JSON to a page; it raises ingest.lines.Refused for what is no such answer at all. whole: the
    address to ask, of the one that was given. sending: where such servers may also send by themselves.
    """

    read: Callable[[Any], Page]
    whole: Callable[[str], str] = str
    sending: Sending | None = None


@dataclass(frozen=True)
class Feed:
    """One kind of input: where it comes from, how its bytes become records, and what the demo plays.

    addresses: default transports; framer: makes a Framer for one sender; decode: raw batch -> columns;
    sample: a few raw lines that decode without a reject; expected_s: silence beyond it is a fact about the feed;
    push: how it takes single records over HTTP, if it does; forms: by name, how servers that are polled tell them.
    """

    name: str
    addresses: tuple[str, ...]
    framer: Callable[[], Framer]
    decode: Callable[[RawBatch], Decoded]
    sample: Callable[[], Iterable[bytes]]
    expected_s: float = 60.0
    push: Push | None = None
    forms: Mapping[str, Form] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Source:
    """One transport of a feed: the unit that is received, streamed, locked and counted.

    given: what its address says of every record that does not say it itself (`?provider=vnpt`). every_s: between polls.
    form: of the server's answers; none for the feed's own. topic: a broker's filter. options: OPTIONS, ASKED_WITH.
    """

    name: str
    address: str
    feed: Feed
    simulated: bool = False
    given: Mapping[str, str] = field(default_factory=dict, hash=False)
    every_s: float = 60.0
    form: Form | None = None
    topic: str = ""
    options: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def stream(self) -> str:
        """The Redis Stream that carries the source's raw batches."""
        return stream_name(self.name)


def stream_name(source: str) -> str:
    """The Redis Stream of a source's name."""
    return f"haidang:raw:{source}"


def pushed_source(feed: Feed, sender: str) -> str:
    """The source's name of what a sender pushes over HTTP: each has its own, which is worked and counted by itself."""
    return f"{feed.name}{PUSHED}{sender}"


# Asked in the worker's transaction whose each record of a decoded frame is: the frame with the layer's key, which is
# empty where the record is nobody's, and whatever else is known of the thing or follows from its past. It may set right
# the latest state of a thing whose record comes late.
Identify = Callable[["sa.Connection", "pd.DataFrame"], "pd.DataFrame"]


@dataclass(frozen=True)
class Lane:
    """A source together with where its records go: what the worker is given, so that it need not know layers."""

    source: Source
    shape: Shape
    label: str
    live_columns: tuple[str, ...]
    identify: Identify | None = None

    @property
    def layer(self) -> str:
        """The layer's name."""
        return self.shape.name


def split_address(address: str) -> tuple[str, str, int]:
    """Scheme, host and port of a feed's address (`file:` gives its path as host and port 0).

    Raises:
        AddressError: an unknown scheme, or no host or port.
    """
    try:
        parts = urlsplit(address)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError as error:
        raise AddressError(f"feed address {address!r}: {error}") from error
    if scheme == "file" and (parts.netloc + parts.path):
        return scheme, parts.netloc + parts.path, 0
    usual = {**POLLED, **SUBSCRIBED}
    if scheme in usual and host and parts.username is None and parts.password is None:
        return scheme, host, port or usual[scheme]
    if scheme not in SCHEMES or not host or port is None:
        wanted = "udp://host:port, tcp://host:port, tcp-listen://host:port, file:path, https://host/path or mqtt://host/topic"
        raise AddressError(f"feed address {address!r} is not one of {wanted}")
    return scheme, host, port


def sources_of(
    feed: Feed, configured: Mapping[str, Sequence[str]], simulated: Mapping[str, Sequence[str]]
) -> tuple[Source, ...]:
    """The sources of a feed: its configured addresses (or its own defaults) and its simulated ones."""
    found = []
    for address in configured.get(feed.name, feed.addresses):
        scheme, host, port = split_address(address)
        if scheme in POLLED:
            found.append(_polled(feed, address, scheme, host, port))
            continue
        if scheme in SUBSCRIBED:
            found.append(_subscribed(feed, address, scheme, host, port))
            continue
        tail = f"{scheme.removesuffix('-listen')}{port}" if port else host.rsplit("/", 1)[-1]
        client = f".{host}" if scheme == "tcp" else ""  # several upstream servers may share one port number
        found.append(
            Source(f"{feed.name}.{tail}{client}", address, feed, given=dict(parse_qsl(urlsplit(address).query)))
        )
    for number, address in enumerate(simulated.get(feed.name, ())):
        split_address(address)
        found.append(Source(f"{feed.name}.sim{number or ''}", address, feed, simulated=True))
    return tuple(found)


def _polled(feed: Feed, address: str, scheme: str, host: str, port: int) -> Source:
    """A source that is asked: what is meant for us stands in the fragment, since the query is the server's.

    Its name has the path, and of a query, which may hold a password, some letters of its digest; of the path too where
    the name does not have all of it.
    """
    if feed.push is None:
        raise AddressError(
            f"feed {feed.name!r} cannot be polled ({address!r}): give it udp://host:port or tcp://host:port"
        )
    parts = urlsplit(address)
    path = re.sub(r"[^A-Za-z0-9]+", "-", parts.path).strip("-")[:60]
    rest = parts.query if f"/{path.replace('-', '/')}" == (parts.path or "/") else f"{parts.path}?{parts.query}"
    digest = blake2b(rest.encode(), digest_size=3).hexdigest() if rest else ""
    own = dict(parse_qsl(parts.fragment))
    try:
        every_s = float(own.pop(EVERY, feed.expected_s / 2))
    except ValueError:
        every_s = 0.0
    if not 1 <= every_s <= 86_400:
        raise AddressError(f"feed address {address!r}: #{EVERY}= is a number of seconds from 1 to 86400")
    named = own.pop(FORM, None)
    if named is not None and named not in feed.forms:
        known = ", ".join(feed.forms) or "none"
        raise AddressError(f"feed address {address!r}: feed {feed.name!r} knows no #{FORM}={named}; it knows: {known}")
    options = {each: own.pop(each) for each in ASKED_WITH if each in own}
    if options and not (options.keys() == set(ASKED_WITH) and re.fullmatch(r"[A-Za-z0-9-]{1,60}", options["header"])):
        raise AddressError(f"feed address {address!r}: #header= is a header's name, with #secret= the name of a secret")
    name = ".".join(filter(None, (feed.name, f"{scheme}{port}", host, path, digest)))
    form = feed.forms[named] if named else None
    return Source(name, address, feed, given=own, every_s=every_s, form=form, options=options)


def _subscribed(feed: Feed, address: str, scheme: str, host: str, port: int) -> Source:
    """A source that a broker sends to: the topic filter is the path, whose # and ? are written %23 and %3F."""
    if feed.push is None:
        raise AddressError(f"feed {feed.name!r} takes no messages of a broker ({address!r})")
    parts = urlsplit(address)
    topic = unquote(parts.path.removeprefix("/"))
    levels = topic.split("/")
    wild = any(("#" in level and (level != "#" or place < len(levels) - 1)) or ("+" in level and level != "+")
               for place, level in enumerate(levels))  # fmt: skip
    if not topic or wild or parts.query or "\0" in topic:
        raise AddressError(f"feed address {address!r}: the path is one topic filter, as in mqtt://host/hue/env/%23")
    own = dict(parse_qsl(parts.fragment))
    options = {name: own.pop(name) for name in OPTIONS if name in own}
    named = [level for level in options.get("levels", "").split("/") if level not in ("", "-")]
    if options.get("version", "5") not in ("5", "3") or not set(named) <= set(feed.push.names):
        raise AddressError(f"feed address {address!r}: #version= is 5 or 3, #levels= members of a record, or -")
    path = re.sub(r"[^A-Za-z0-9]+", "-", topic).strip("-")[:60]
    digest = "" if path.replace("-", "/") == topic else blake2b(topic.encode(), digest_size=3).hexdigest()
    name = ".".join(filter(None, (feed.name, f"{scheme}{port}", host, path, digest)))
    return Source(name, address, feed, given=own, topic=topic, options=options)


def in_time_range(at: float, received_at: float) -> bool:
    """Whether a record's time (epoch seconds) is one that can be kept; else it is rejected as `time_range`."""
    return received_at - PAST_S_MAX <= at <= received_at + FUTURE_S_MAX


def empty_frame(columns: Iterable[str] = ()) -> "pd.DataFrame":
    """A frame without rows that still has the columns every batch must have."""
    # Loaded here: the receiver knows feeds but never decodes, and does without pandas' 75 MB.
    import pandas as pd

    stamps: Any = pd.Series([], dtype="datetime64[us, UTC]")
    return pd.DataFrame({"observed_at": stamps, "lon": pd.Series(dtype=float), "lat": pd.Series(dtype=float)}).reindex(
        columns=["observed_at", "lon", "lat", *columns]
    )
