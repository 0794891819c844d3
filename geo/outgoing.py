"""What leaves the house: only to hosts that an administrator allows, at an address resolved once, in bounded time."""

import http.client
import io
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 64 << 10
SETTING, SECRETS_SETTING = "HAIDANG_OUTGOING_ALLOWED", "HAIDANG_SECRETS"
PORTS = {"http": 80, "https": 443}
AGENT = "HaiDang"
Resolve = Callable[[str, int], Sequence[str]]


class OutgoingError(Exception):
    """It may not be asked, or it did not answer as it should; the message says who, why and what to do."""


@dataclass(frozen=True)
class Answer:
    """What an HTTP server said: the beginning of its body, as much as was asked for; headers by lower-case names.

    cut_off: the body ended before the length that its header told. Whether that matters is for whoever asked: a short
    message that was sent stays sent though its receipt is cut.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_off: bool = False


class _Counted(io.BufferedReader):
    """Bytes by the number alone: http.client takes a chunk of "-1" bytes for all that ever comes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            raise http.client.HTTPException("a chunk of less than no bytes")
        return super().read(size)


class _Response(http.client.HTTPResponse):
    """An answer that is read no farther than it is asked for."""

    def __init__(self, sock: socket.socket, *given: Any, **named: Any) -> None:
        super().__init__(sock, *given, **named)
        self.fp = _Counted(self.fp.detach())


@dataclass(frozen=True)
class Line:
    """A connection that is cut when its time is over; `over` tells whether it was."""

    socket: socket.socket
    over: Callable[[], bool]


def place(host: str, port: int) -> str:
    """`host:port` as the list of allowed ones has it: lower case, IPv6 in brackets, no dot at the end."""
    name = host.strip().strip("[]").rstrip(".").lower()
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def allow(entries: Iterable[str]) -> frozenset[str]:
    """The list of allowed places; ValueError for an entry that is not host:port. No wildcards."""
    found = set()
    for entry in entries:
        host, _, port = entry.strip().rpartition(":")
        if not host.strip("[]") or not port.isdigit() or not 0 < int(port) < 65536 or set(host) & set("/*@ "):
            raise ValueError(f"{entry!r} is not host:port, for instance smtp.hue.gov.vn:587 (no wildcards)")
        found.add(place(host, int(port)))
    return frozenset(found)


def target(url: str) -> tuple[str, int]:
    """Host and port of an http or https address; ValueError for anything else, and for one that holds a password."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("the address must begin with https:// (or http://) and a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the address must not hold a user or a password")
    return parts.hostname, parts.port or PORTS[parts.scheme]


def resolve(host: str, port: int) -> list[str]:
    """The numeric addresses of a host, in the system's order."""
    return [str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True)
class Outgoing:
    """The way out. allowed: `host:port` places; nothing else is connected to, and no redirect is followed.

    timeout_s: from the first look-up to the last byte of the answer. tls: trusts the system's authorities (and
    SSL_CERT_FILE, for a house with one of its own). secrets: what is shown at the other side, by names.
    """

    allowed: frozenset[str] = frozenset()
    timeout_s: float = TIMEOUT_S
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    resolve: Resolve = resolve
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def secret(self, name: str) -> str:
        """The secret of that name. Raises OutgoingError."""
        if name not in self.secrets:
            raise OutgoingError(f"there is no secret {name!r}; an administrator may add it to {SECRETS_SETTING}")
        return self.secrets[name]

    @contextmanager
    def connection(self, host: str, port: int) -> Iterator[Line]:
        """A TCP connection to an allowed place, which is cut when timeout_s are over. Raises OutgoingError."""
        name = place(host, port)
        self._permit(name)
        deadline = time.monotonic() + self.timeout_s
        connected = self._connect(host, port, self._addresses(host, port), deadline)
        with connected, _cut_at(connected, deadline) as over:
            try:
                yield Line(connected, over)
            except OSError as error:
                kind = "no secure connection: " if isinstance(error, ssl.SSLError) else ""
                raise OutgoingError(self._late(name) if over() else f"{name}: {kind}{_words(error)}") from error

    def reach(self, host: str, port: int) -> socket.socket:
        """A TCP connection to an allowed place that lasts, for whoever minds its time. Raises OutgoingError."""
        self._permit(place(host, port))
        deadline = time.monotonic() + self.timeout_s
        return self._connect(host, port, self._addresses(host, port), deadline)

    def _permit(self, name: str) -> None:
        if name not in self.allowed:
            raise OutgoingError(f"{name} is not allowed; an administrator may add it to {SETTING}")

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        most_bytes: int = ANSWER_BYTES_MAX,
    ) -> Answer:
        """One HTTP request and its answer, whatever its status (a redirect is an answer). Raises OutgoingError."""
        try:
            host, port = target(url)
        except ValueError as error:
            raise OutgoingError(str(error)) from None
        parts, name = urlsplit(url), place(host, port)
        with self.connection(host, port) as line:
            try:
                asked = self._http(parts.scheme, host, port, line)
                wanted = {"User-Agent": AGENT, **headers, "Connection": "close"}
                asked.request(method, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, wanted)
                with asked.getresponse() as response:
                    named = {name.lower(): value for name, value in response.getheaders()}
                    read = response.read(most_bytes)
                    answer = Answer(response.status, read, named, bool(response.length) and len(read) < most_bytes)
            except OSError:  # some of which are ValueErrors as well
                raise
            except (http.client.HTTPException, ValueError) as error:
                # Never their own words: they repeat what was sent, and that may hold a secret.
                words = self._late(name) if line.over() else f"{name}: no HTTP answer ({type(error).__name__})"
                raise OutgoingError(words) from None
            if line.over():  # what looks like the end of an answer was our own cut
                raise OutgoingError(self._late(name))
            return answer

    def _http(self, scheme: str, host: str, port: int, line: Line) -> http.client.HTTPConnection:
        asked: http.client.HTTPConnection
        if scheme == "https":
            asked = http.client.HTTPSConnection(host, port, context=self.tls)
            asked.sock = self.tls.wrap_socket(line.socket, server_hostname=host)
        else:
            asked = http.client.HTTPConnection(host, port)
            asked.sock = line.socket
        asked.response_class = _Response
        asked.auto_open = 0  # it is connected already, and shall connect to nothing else
        return asked

    def _late(self, name: str) -> str:
        return f"{name} did not answer within {self.timeout_s:g} s"

    def _addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, looked up once. A name that points into this very machine is not followed."""
        name, found, faults = place(host, port), list[str](), list[str]()

        def ask() -> None:
            try:
                found.extend(self.resolve(host, port))
            except OSError as error:
                faults.append(_words(error))

        # The system's resolver knows no deadline; a thread that it keeps is left to it.
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(self.timeout_s)
        if asking.is_alive():
            raise OutgoingError(f"the name {host} was not resolved within {self.timeout_s:g} s")
        if faults or not found:
            raise OutgoingError(f"the name {host} cannot be resolved: {faults[0] if faults else 'no address'}")
        usable = [address for address in found if _outside(host, address)]
        if not usable:
            raise OutgoingError(f"{name} is an address of this machine itself; allow that address, not a name for it")
        return usable

    def _connect(self, host: str, port: int, addresses: Sequence[str], deadline: float) -> socket.socket:
        fault = self._late(place(host, port))
        for address in addresses:
            rest = deadline - time.monotonic()
            if rest <= 0:
                break
            try:
                return socket.create_connection((address, port), timeout=rest)
            except TimeoutError:
                continue
            except OSError as error:
                fault = f"{place(host, port)} cannot be reached: {_words(error)}"
        raise OutgoingError(fault)


@contextmanager
def _cut_at(connected: socket.socket, deadline: float) -> Iterator[Callable[[], bool]]:
    """Shut the connection down at the deadline: a time limit on each read alone would let an answer drip for ever."""
    handle = connected.dup()  # TLS takes the socket itself over
    over = threading.Event()

    def cut() -> None:
        over.set()
        with suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield over.is_set
    finally:
        timer.cancel()
        timer.join()
        handle.close()


def _outside(host: str, address: str) -> bool:
    """Whether an address may be what a name stands for: whoever keeps the name must not lead us to ourselves."""
    numeric = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(numeric, ipaddress.IPv6Address) and numeric.ipv4_mapped is not None:
        numeric = numeric.ipv4_mapped
    if host.strip("[]").lower() in ("localhost", address.lower()):
        return True  # it was allowed as what it is
    return not (numeric.is_loopback or numeric.is_link_local or numeric.is_multicast or numeric.is_unspecified)


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return error.strerror or str(error) or type(error).__name__
