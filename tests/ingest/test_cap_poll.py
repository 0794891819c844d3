"""Polling of warnings over real HTTP into a real database: each alert once, each reject counted and kept."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from geo import cap
from geo.account import feeds
from geo.cap import Alert, Info
from geo.figure import put_figures, seeds
from geo.outgoing import Outgoing, allow
from geo.warning_received import receive
from geo.warning_state import Wanted, in_force, warnings
from ingest.cap import find
from ingest.cap_poll import AGAIN_AFTER, AWAY_A_TURN, LINKS_A_TURN, CapPoller, CapSource
from tests.connections import connected
from tests.ingest.test_cap import atom, deep, inside
from tests.outgoing import Asked, Web, web

START = datetime(2026, 11, 29, 3, tzinfo=UTC)


def alert(name: str, **more: Any) -> Alert:
    told = {"category": ("Met",), "event": "Rain", "urgency": "Expected", "severity": "Severe", "certainty": "Likely",
            "expires": START + timedelta(hours=6)}  # fmt: skip
    info = Info.model_validate(told)
    about = {"identifier": name, "sender": "met.example", "sent": START, "status": "Actual", "msg_type": "Alert",
             "scope": "Public", "info": (info,)}  # fmt: skip
    return Alert(**{**about, **more})


@dataclass
class House:
    """A server of warnings with its pages, and a poller of ours that asks it, with a clock of the test's own."""

    server: Web
    engine: sa.Engine
    pages: dict[str, bytes | int] = field(default_factory=dict)
    at: datetime = START
    poller: Any = None

    def __post_init__(self) -> None:
        self.server.before = self._turn_page
        self.poller = self.asking()
        self.poller.register()

    def asking(self, allowed: bool = True) -> CapPoller:
        outgoing = Outgoing(allow([self.server.place]) if allowed else frozenset(), timeout_s=2)
        source = CapSource("cap.met", f"http://{self.server.place}/feed.atom")
        return CapPoller(source, self.engine, outgoing, lambda: self.at)

    def _turn_page(self, asked: Asked) -> None:
        found = self.pages.get(asked.path, 404)
        self.server.headers = {}
        if isinstance(found, int):
            self.server.status, self.server.body = found, b""
            return
        tag = f'"{hash(found)}"'
        same = asked.headers.get("if-none-match") == tag
        self.server.status, self.server.body = (304, b"") if same else (200, found)
        self.server.headers["ETag"] = tag

    def linked(self, *names: str) -> bytes:
        return atom(*(f'<link href="http://{self.server.place}/{name}.xml"/>' for name in names))

    def asked(self) -> list[str]:
        paths = [one.path for one in self.server.asked]
        self.server.asked.clear()
        return paths

    @property
    def account(self) -> dict[str, Any]:
        with self.engine.connect() as connection:
            return next(one for one in feeds(connection) if one["source"] == "cap.met")

    @property
    def letters(self) -> list[tuple[str, bytes]]:
        with self.engine.connect() as connection:
            rows = connection.execute(sa.text("SELECT reason, raw FROM dead_letter ORDER BY id"))
            return [(row[0], bytes(row[1])) for row in rows]

    def states(self) -> dict[str, str]:
        with self.engine.connect() as connection:
            return {row["identifier"]: row["state"] for row in warnings(connection, Wanted(), self.at, 500)}


@contextmanager
def made(database: Any) -> Iterator[House]:
    with ExitStack() as stack:
        owner = stack.enter_context(connected(database.owner))
        with owner.begin() as connection:
            put_figures(connection, seeds())
        engine = stack.enter_context(connected(database.ingest))
        yield House(stack.enter_context(web()), engine)


@pytest.fixture
def house(database):
    with made(database) as found:
        yield found


def test_alerts_are_fetched_from_a_list_once_and_kept_as_they_came(house) -> None:
    documents = {name: cap.write(alert(name)) + b"\n" for name in ("a", "b")}
    house.pages = {"/feed.atom": house.linked("a", "b")} | {f"/{name}.xml": each for name, each in documents.items()}
    assert house.poller.turn() == 60
    assert house.asked() == ["/feed.atom", "/a.xml", "/b.xml"]
    with house.engine.connect() as connection:
        kept = connection.execute(sa.text("SELECT identifier, document, origin FROM warning_message")).all()
    assert {row[0]: bytes(row[1]) for row in kept} == documents
    assert {row[2] for row in kept} == {"cap.met"}
    assert house.poller.turn() == 60
    assert house.asked() == ["/feed.atom"]  # and it answered 304
    told = house.account
    assert (told["received"], told["accepted"], told["rows"], told["duplicates"]) == (2, 2, 2, 0)
    assert house.asking().turn() == 60  # after a restart
    assert (house.account["received"], house.account["rows"], house.account["duplicates"]) == (4, 2, 2)


def test_alerts_within_a_list_need_no_further_request(house) -> None:
    house.pages = {"/feed.atom": atom(inside(alert("a")), inside(alert("b", status="Test")))}
    house.poller.turn()
    assert house.asked() == ["/feed.atom"]
    assert house.states() == {"a": "issued", "b": "notice"}


def test_an_update_and_a_cancellation_of_a_later_list_take_effect(house) -> None:
    first = alert("a")
    refers = f"met.example,a,{START.isoformat()}"
    house.pages = {"/feed.atom": atom(inside(first))}
    house.poller.turn()
    house.pages = {"/feed.atom": atom(inside(alert("b", msg_type="Update", references=refers)))}
    house.poller.turn()
    assert house.states() == {"a": "updated", "b": "issued"}
    refers = f"met.example,b,{START.isoformat()}"
    house.pages = {"/feed.atom": atom(inside(alert("c", msg_type="Cancel", references=refers)))}
    house.poller.turn()
    assert house.states() == {"a": "updated", "b": "cancelled", "c": "notice"}
    house.at += timedelta(hours=7)
    with house.engine.connect() as connection:
        assert in_force(connection, house.at) == []


def test_promise_6_each_refused_alert_is_counted_and_kept_once(house) -> None:
    long = b"<alert>" + b"x" * cap.MOST_BYTES
    bad = cap.write(alert("bad")).replace(b"Actual", b"actual")
    house.pages = {
        "/feed.atom": house.linked("good", "bad", "long", "gone", "list", "names"),
        "/good.xml": cap.write(alert("good")), "/bad.xml": bad, "/long.xml": long, "/list.xml": atom(),
        "/names.xml": cap.write(alert("x" * 301)),
    }  # fmt: skip
    for _ in range(3):
        house.poller.turn()
        house.at += AGAIN_AFTER
    told = house.account
    wanted = {"cap_invalid": 2, "cap_too_long": 1, "cap_404": 1, "cap_identity": 1}
    assert told["rejected"] == wanted
    assert told["received"] == told["accepted"] + sum(wanted.values())
    assert sorted(reason for reason, _ in house.letters) == sorted(
        reason for reason, n in wanted.items() for _ in range(n)
    )
    assert bad[:1000] in [raw[:1000] for _, raw in house.letters]
    assert house.states() == {"good": "issued"}


def test_another_alert_under_the_same_names_is_refused(house) -> None:
    house.pages = {"/feed.atom": house.linked("a"), "/a.xml": cap.write(alert("a"))}
    house.poller.turn()
    house.pages["/a.xml"] = cap.write(alert("a", note="khác"))
    house.at += AGAIN_AFTER
    house.poller.turn()
    assert house.account["rejected"] == {"cap_other": 1}


@pytest.mark.parametrize("body", [b"<html/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"\xff\x00", b""])
def test_what_is_no_list_is_a_fault_with_a_growing_pause(house, body: bytes) -> None:
    house.pages = {"/feed.atom": body}
    assert [house.poller.turn() for _ in range(6)] == [60, 120, 240, 480, 900, 900]
    assert house.account["faults"] == {"cap_list": 6}
    assert house.account["rejected"] == {"cap_list": 1}
    house.pages = {"/feed.atom": atom()}
    assert house.poller.turn() == 60


def test_a_server_that_is_away_is_a_fault_and_its_alerts_are_asked_for_again(house) -> None:
    house.pages = {"/feed.atom": 503}
    assert house.poller.turn() == 60
    assert house.account["faults"] == {"cap_503": 1}
    house.pages = {"/feed.atom": house.linked("a"), "/a.xml": 503}
    house.poller.turn()
    house.pages["/a.xml"] = cap.write(alert("a"))
    house.poller.turn()
    assert house.states() == {}  # not at every turn
    house.at += timedelta(seconds=60)
    house.poller.turn()
    assert house.states() == {"a": "issued"}


def test_promise_17_only_allowed_places_are_asked_and_no_redirect_is_followed(house) -> None:
    asking = house.asking(allowed=False)
    asking.turn()
    assert house.asked() == []
    assert house.account["faults"] == {"cap_away": 1}
    with web() as other:
        other.body = cap.write(alert("a"))
        house.pages = {
            "/feed.atom": atom(f'<link href="http://{other.place}/a.xml"/>', '<link href="file:///etc/passwd"/>')
        }
        house.poller.turn()
        assert other.asked == []
    assert house.account["rejected"] == {"cap_away": 1, "cap_entry": 1}
    house.pages = {"/feed.atom": 302}
    assert house.asking().turn() == 60
    assert house.account["faults"] == {"cap_away": 1, "cap_302": 1}


def test_a_long_list_is_asked_for_by_parts_without_waiting(house) -> None:
    names = [f"n{i}" for i in range(LINKS_A_TURN + 3)]
    house.pages = {"/feed.atom": house.linked(*names)} | {f"/{name}.xml": cap.write(alert(name)) for name in names}
    assert house.poller.turn() == 1
    assert house.poller.turn() == 60
    assert len(house.states()) == len(names)


def test_whatever_one_alert_does_the_others_of_its_list_are_kept(house, monkeypatch) -> None:
    """Also what nobody thought of: it is counted and kept as refused, once, and the turn goes on."""

    def broken(*given: Any) -> str:
        if given[2].alert.identifier == "bad":
            raise OverflowError("date value out of range")
        return receive(*given)

    def unreadable(document: bytes, address: str) -> Any:
        if document.startswith(b"<deep"):
            raise RecursionError("maximum recursion depth exceeded")
        return find(document, address)

    monkeypatch.setattr("ingest.cap_poll.receive", broken)
    monkeypatch.setattr("ingest.cap_poll.find", unreadable)
    linked = '<link href="/deep.xml"/>', '<link href="/c.xml"/>'
    house.pages = {"/feed.atom": atom(inside(alert("bad")), inside(alert("a")), deep(), *linked),
                   "/deep.xml": b"<deep/>", "/c.xml": cap.write(alert("c"))}  # fmt: skip
    for _ in range(2):
        assert house.poller.turn() == 60
        house.at += AGAIN_AFTER
    assert set(house.states()) == {"a", "c"}
    told = house.account
    assert told["rejected"] == {"cap_refused": 1, "cap_entry": 1, "cap_invalid": 1}
    assert told["faults"] == {}
    assert (b"<deep/>" in [raw for _, raw in house.letters], len(house.letters)) == (True, 3)
    house.pages["/feed.atom"] = b"<deep/>"
    assert house.poller.turn() == 60
    assert house.account["faults"] == {"cap_list": 1}


def test_alerts_that_cannot_be_reached_end_a_turn_and_each_of_the_others_has_its_turn(house) -> None:
    gone = [f'<link href="http://127.0.0.1:1/{n}.xml"/>' for n in range(AWAY_A_TURN + 2)]
    good = f'<link href="http://{house.server.place}/a.xml"/>'
    house.pages = {"/feed.atom": atom(*gone, good), "/a.xml": cap.write(alert("a"))}
    house.poller.outgoing = Outgoing(allow([house.server.place, "127.0.0.1:1"]), timeout_s=2)
    assert house.poller.turn() == 1  # there are more, and it does not wait for all that are gone
    assert house.account["rejected"] == {"cap_away": AWAY_A_TURN}
    assert house.states() == {}
    assert house.poller.turn() == 60
    assert house.states() == {"a": "issued"}
    assert house.account["rejected"] == {"cap_away": AWAY_A_TURN + 2}


def test_known_links_beyond_a_turns_have_theirs(house) -> None:
    names = [f"n{i}" for i in range(LINKS_A_TURN + 10)]
    house.pages = {"/feed.atom": house.linked(*names)}  # none of the others is there
    for _ in range(4):
        house.poller.turn()
        house.at += timedelta(seconds=60)
    asked = Counter(house.asked())
    assert min(asked[f"/{name}.xml"] for name in names) == 2


def test_whoever_is_told_to_stop_asks_for_no_further_link(house) -> None:
    house.pages = {"/feed.atom": house.linked("a", "b", "c")} | {
        f"/{name}.xml": cap.write(alert(name)) for name in ("a", "b", "c")
    }
    house.poller.stopping = lambda: len(house.server.asked) >= 2
    assert house.poller.turn() == 1
    assert house.asked() == ["/feed.atom", "/a.xml"]


def test_every_real_feed_is_taken_or_refused_and_the_account_adds_up(house, shared_data: Path) -> None:
    for path in sorted((shared_data / "cap").glob("*/*")):
        if path.suffix in (".atom", ".rss", ".cap", ".edxlde"):
            house.pages = {"/feed.atom": path.read_bytes()}
            house.poller.turn()
    told = house.account
    assert told["accepted"] == told["rows"] + told["duplicates"] > 20
    assert told["received"] == told["accepted"] + sum(told["rejected"].values())
    assert told["rejected"]["cap_list"] >= 8
