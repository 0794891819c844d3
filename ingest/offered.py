"""What a server that is polled sends by itself: where it offers a broker, we listen there beside the polls.

The polls go on: they tell what there is, and bring whatever came while the broker was away. A record that comes both
ways is one, since it says the same (ingest.push.lines_of).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urldefrag

import structlog

from geo.outgoing import SETTING, Outgoing, OutgoingError, place
from ingest.feed import AddressError, Note, OpenPeer, Row, Sending, Source, split_address
from ingest.lines import Refused
from ingest.mqtt import Session, Subscriber
from ingest.poll import ACCEPT
from ingest.push import TooMany, lines_of, read_json, unreadable

log = structlog.get_logger()
NOT_ALLOWED = "mqtt_not_allowed"
ROOT_BYTES_MAX = 1 << 20
TOPICS_MAX, TOPICS_EACH = 10_000, 200  # of a server; of one SUBSCRIBE
ASK_AGAIN_S_MAX = 900.0


@dataclass
class Listener(Subscriber):
    """A subscriber of topics that the polls tell of, each with what is known of it."""

    topics: dict[str, Row] = field(default_factory=dict)
    _session: Session | None = None

    def learn(self, topics: Mapping[str, Row]) -> None:
        """Know topics; those that are new are subscribed to at once, where there is a connection."""
        new = [topic for topic in topics if topic not in self.topics][: TOPICS_MAX - len(self.topics)]
        self.topics |= {topic: row for topic, row in topics.items() if topic in self.topics or topic in set(new)}
        if self._session is not None:
            _ask(self._session, new)

    def subscribe(self, session: Session) -> None:
        """Ask for every topic."""
        self._session = session
        _ask(session, list(self.topics))

    def lines(self, topic: str, payload: bytes, number: int | None = None, now: float = 0.0) -> list[bytes]:
        """A message's record as a poll would bring it; what is none is one line that the worker refuses and keeps."""
        push, form = self.source.feed.push, self.source.form
        assert push is not None
        assert form is not None
        assert form.sending is not None
        try:
            known = self.topics[topic]
            (told,) = read_json(payload, 1)
            said = {name: value for name, value in form.sending.read(told).items() if value is not None}
        except (Refused, TooMany, KeyError, ValueError):
            return [unreadable(b" ".join(payload[:1000].split()))]
        return [line for line, _ in lines_of(push, [{**self.source.given, **known, **said}])]


@dataclass
class Offer:
    """Whether a polled server offers a broker, and who listens there. Faults: those of Subscriber; NOT_ALLOWED."""

    source: Source
    sending: Sending
    outgoing: Outgoing
    note: Note
    _first: asyncio.Event = field(default_factory=asyncio.Event)
    _topics: dict[str, Row] = field(default_factory=dict)
    _listener: Listener | None = None

    def learn(self, topics: Mapping[str, Row]) -> None:
        """What a poll that was read to its end told of topics."""
        self._topics |= topics
        if topics:
            self._first.set()
        if self._listener is not None:
            self._listener.learn(topics)

    async def run(self, open_peer: OpenPeer) -> None:
        """Ask until it is known whether there is a broker, and listen there until cancelled; returns where none is."""
        # What the broker kept for us would come before anybody knew what its topics mean.
        await self._first.wait()
        broker = self._permitted(await self._brokers())
        if broker is None:
            return
        own = replace(self.source, address=broker, options={})
        self._listener = Listener(own, self.outgoing, self.note)
        self._listener.learn(self._topics)
        _, host, port = split_address(broker)
        log.info("the server sends by itself too", source=self.source.name, broker=broker, topics=len(self._topics))
        await self._listener.run(open_peer(f"mqtt {host}:{port}"))

    async def _brokers(self) -> list[str]:
        root = self.sending.root(urldefrag(self.source.address).url)
        pause_s = self.source.every_s
        while root is not None:
            try:
                answer = await asyncio.to_thread(self._ask, root)
                return [each for each in self.sending.brokers(answer) if _is_address(each)]
            except (OutgoingError, Refused, TooMany) as error:
                # Whether the server is there the polls tell; this question waits.
                log.info("not told whether the server sends by itself", source=self.source.name, error=str(error))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, max(ASK_AGAIN_S_MAX, self.source.every_s))
        return []

    def _ask(self, root: str) -> Any:
        own = self.source.options
        shown = {own["header"]: self.outgoing.secret(own["secret"])} if "header" in own else {}
        answer = self.outgoing.request("GET", root, {"Accept": ACCEPT, **shown}, None, ROOT_BYTES_MAX + 1)
        if answer.status != 200 or answer.cut_off or len(answer.body) > ROOT_BYTES_MAX:
            raise OutgoingError(f"{root} answered {answer.status} with {len(answer.body)} bytes")
        return next(iter(read_json(answer.body, 1)), None)

    def _permitted(self, offered: list[str]) -> str | None:
        """The first broker that may be called: a server must not lead us where no administrator has allowed it."""
        names = {each: place(*split_address(each)[1:]) for each in offered}
        found = next((each for each in offered if names[each] in self.outgoing.allowed), None)
        if offered and found is None:
            self.note(NOT_ALLOWED, 1)
            log.warning(
                f"the server offers MQTT at places that are not allowed; an administrator may add one to {SETTING}",
                source=self.source.name,
                places=sorted(set(names.values())),
            )
        return found


def _ask(session: Session, topics: list[str]) -> None:
    for first in range(0, len(topics), TOPICS_EACH):
        session.ask(topics[first : first + TOPICS_EACH])


def _is_address(text: str) -> bool:
    try:
        split_address(text)
    except AddressError:
        return False
    return True
