"""Warnings in the database: two people before one goes out, what went out stands, and what is in force at a moment."""

import random
import re
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import shapely
import sqlalchemy as sa
import xmlschema

from geo import cap
from geo.actor import Actor
from geo.cap import Alert, Info, references
from geo.risk_level import levels
from geo.warning import STATES, NoWarning, Stale
from geo.warning_cap import LEVEL, Unfit, of_read
from geo.warning_content import Content, Words
from geo.warning_deed import Issuer, approve, cancel, discard, draft, edit, issue, send_back
from geo.warning_received import receive
from geo.warning_state import Wanted, in_force, issued_document, one_warning, shapes, warnings
from geo.wrong import Wrong
from tests.connections import connected
from tests.geo.test_database import refused

NOW = datetime(2026, 11, 29, 3, 0, 30, 250_000, tzinfo=UTC)
LAN, HOA, MINH = Actor("Lan"), Actor("Hoa"), Actor("Minh")
ISSUER = Issuer("ioc.hue.example", {"vi": "Trung tâm Huế", "en": "Huế centre"})
SQUARE = shapely.MultiPolygon([shapely.box(107.5, 16.4, 107.7, 16.6)])
CONTENT = Content(
    hazard="flood",
    status="Actual",
    urgency="Expected",
    severity="Severe",
    certainty="Likely",
    words={"vi": Words("Lũ trên sông Hương", "Trên BĐ3.\nCòn lên.", "Rời vùng thấp."), "en": Words("Flood")},
    area_words="Hạ lưu sông Hương",
    geom=SQUARE,
    expires_at=NOW + timedelta(hours=6),
    risk_level=3,
)
EXERCISE = replace(CONTENT, status="Exercise")
ENDING = timedelta(hours=24)


@pytest.fixture
def web(database):
    with connected(database.web) as engine, engine.connect() as connection:
        yield connection


@pytest.fixture
def ingest(database):
    with connected(database.ingest) as engine, engine.connect() as connection:
        yield connection


def issued(connection: sa.Connection, content: Content = CONTENT, now: datetime = NOW, **more: Any) -> int:
    made = draft(connection, content, LAN, now, **more)
    approve(connection, made, 1, HOA, now)
    issue(connection, made, 2, LAN, now, ISSUER)
    return made


def state(connection: sa.Connection, warning_id: int, now: datetime = NOW) -> str:
    return str(one_warning(connection, warning_id, now)["state"])


def test_a_warning_goes_from_draft_to_its_end_with_a_line_for_each_deed(web) -> None:
    with web.begin():
        made = draft(web, CONTENT, LAN, NOW)
        assert state(web, made) == "draft"
        edit(web, made, 1, replace(CONTENT, risk_level=4), MINH, NOW)
        approve(web, made, 2, HOA, NOW)
        assert state(web, made) == "approved"
        assert in_force(web, NOW) == []
        issue(web, made, 3, LAN, NOW, ISSUER)
        told = one_warning(web, made, NOW)
        assert (told["state"], told["risk_level"], told["sender"]) == ("issued", 4, "ioc.hue.example")
        assert told["geom"]["type"] == "MultiPolygon"
        lines = [(one["deed"], one["actor"], one["version"]) for one in told["log"]]
        assert lines == [("draft", "Lan", 1), ("edit", "Minh", 2), ("approve", "Hoa", 3), ("issue", "Lan", 4)]
        assert [one["content"] and one["content"]["risk_level"] for one in told["log"]] == [3, 4, None, None]
        assert [row["id"] for row in in_force(web, NOW)] == [made]
        assert list(shapes(web, [made])) == [made]


def test_it_ends_by_itself_at_the_moment_it_says(web) -> None:
    with web.begin():
        made = issued(web)
        end = CONTENT.expires_at
        assert [row["id"] for row in in_force(web, end - timedelta(seconds=1))] == [made]
        assert in_force(web, end) == []
        assert state(web, made, end) == "expired"
        with pytest.raises(Stale, match="run out"):
            cancel(web, made, LAN, end, "muộn", ISSUER)


@pytest.mark.parametrize("who", ["Lan", " lan ", "LAN", "Minh"])
def test_whoever_wrote_of_it_cannot_approve_it(web, who: str) -> None:
    with web.begin():
        made = draft(web, CONTENT, LAN, NOW)
        edit(web, made, 1, CONTENT, MINH, NOW)
        with pytest.raises(Wrong, match="second person"):
            approve(web, made, 2, Actor(who), NOW)


def test_the_database_itself_wants_a_second_person(web, database) -> None:
    with web.begin():
        made = draft(web, CONTENT, Actor("Lê  Lan"), NOW)
        edit(web, made, 1, CONTENT, MINH, NOW)
    here = f"WHERE id = {made}"
    for who in ("Lê Lan", "LÊ LAN", "Le\u0302 Lan", "Minh", " "):
        for url in (database.web, database.owner):
            change = f"UPDATE warning_message SET approved_at = now(), approved_by = :who, version = 3 {here}"
            assert "second person" in refused(url, change, who=who), who
    at_once = "approved_at = now(), approved_by = 'Hoa', known_at = now(), issued_by = 'Hoa'"
    named = "identifier = 'x', sender = 'y', sent = now(), document = ''"
    assert "second person" in refused(
        database.web, f"UPDATE warning_message SET {at_once}, {named}, version = 3 {here}"
    )
    unapproved = f"UPDATE warning_message SET known_at = now(), issued_by = 'Hoa', {named}, version = 3 {here}"
    assert "second person" in refused(database.web, unapproved)
    with web.begin():
        approve(web, made, 2, HOA, NOW)
    other = "UPDATE warning_message SET risk_level = 5, edited_at = now(), edited_by = 'Lan', version = 4 "
    assert "not approved" in refused(database.web, other + here)
    assert "who approved" in refused(
        database.web, f"UPDATE warning_message SET approved_by = 'Minh', version = 4 {here}"
    )
    born = (
        "INSERT INTO warning_message (origin, status, msg_type, hazard, urgency, severity, certainty, words,"
        " area_words, geom, expires_at, ends_at, drafted_at, drafted_by, known_at, issued_by, identifier, sender, sent,"
        " document)"
        " SELECT origin, status, msg_type, hazard, urgency, severity, certainty, words, area_words, geom, expires_at,"
        f" ends_at, drafted_at, drafted_by, now(), 'Lan', 'x', 'y', now(), '' FROM warning_message {here}"
    )
    assert "second person" in refused(database.web, born)


def test_what_was_issued_and_done_stands(web, database) -> None:
    with web.begin():
        made = issued(web)
    for url in (database.web, database.owner):
        assert "is not changed" in refused(url, f"UPDATE warning_message SET version = 4 WHERE id = {made}")
    assert "permission denied" in refused(database.web, "DELETE FROM warning_message")
    assert "permission denied" in refused(database.ingest, "UPDATE warning_message SET version = 4")
    for name in ("warning_message", "warning_entry", "warning_reference"):
        assert "append-only" in refused(database.owner, f"DELETE FROM {name}")
        assert "append-only" in refused(database.owner, f"TRUNCATE {name} CASCADE")
    assert "permission denied" in refused(database.web, "UPDATE warning_entry SET actor = 'x'")
    assert "no feed brings" in refused(
        database.ingest,
        "INSERT INTO warning_message (origin, status, msg_type, urgency, severity, certainty, words, area_words)"
        " VALUES ('own', 'Actual', 'Alert', 'Past', 'Minor', 'Likely', '{}', '')",
    )


def test_only_who_saw_what_stands_there_decides_of_it(web) -> None:
    with web.begin():
        made = draft(web, CONTENT, LAN, NOW)
        edit(web, made, 1, CONTENT, LAN, NOW)
        for act in (
            lambda: approve(web, made, 1, HOA, NOW),
            lambda: edit(web, made, 1, CONTENT, LAN, NOW),
            lambda: discard(web, made, 1, LAN, NOW, "thừa"),
        ):
            with pytest.raises(Stale, match="version 2 by now"):
                act()
        with pytest.raises(Stale, match="not approved"):
            issue(web, made, 2, LAN, NOW, ISSUER)
        with pytest.raises(NoWarning):
            approve(web, made + 1, 1, HOA, NOW)


def test_an_approval_is_lost_by_a_change_or_withdrawn_with_a_reason(web) -> None:
    with web.begin():
        made = draft(web, CONTENT, LAN, NOW)
        approve(web, made, 1, HOA, NOW)
        edit(web, made, 2, CONTENT, LAN, NOW)
        assert state(web, made) == "draft"
        approve(web, made, 3, HOA, NOW)
        with pytest.raises(Wrong, match="say why"):
            send_back(web, made, 4, HOA, NOW, " ")
        send_back(web, made, 4, HOA, NOW, "sai vùng")
        assert state(web, made) == "draft"
        discard(web, made, 5, LAN, NOW, "không cần nữa")
        assert state(web, made) == "discarded"
        with pytest.raises(Stale, match="discarded already"):
            edit(web, made, 6, CONTENT, LAN, NOW)
        assert [one["note"] for one in one_warning(web, made, NOW)["log"]][-2:] == ["sai vùng", "không cần nữa"]


def test_an_update_and_a_cancellation_take_the_place_of_what_they_follow(web) -> None:
    later = NOW + timedelta(minutes=5)
    with web.begin():
        first = issued(web)
        second = draft(web, CONTENT, MINH, later, of_id=first)
        with pytest.raises(Stale, match="being written already"):
            draft(web, CONTENT, LAN, later, of_id=first)
        assert state(web, first, later) == "issued"
        approve(web, second, 1, HOA, later)
        issue(web, second, 2, MINH, later, ISSUER)
        assert [row["id"] for row in in_force(web, later)] == [second]
        assert state(web, first, later) == "updated"
        assert state(web, first, NOW) == "issued"  # as it was then
        third = draft(web, CONTENT, LAN, later, of_id=second)
        ended = cancel(web, second, HOA, later, "báo nhầm", ISSUER)
        assert in_force(web, later) == []
        states = [state(web, one, later) for one in (first, second, third, ended)]
        assert states == ["cancelled", "cancelled", "discarded", "notice"]
        for act in (
            lambda: cancel(web, second, LAN, later, "x", ISSUER),
            lambda: draft(web, CONTENT, LAN, later, False, second),
        ):
            with pytest.raises(Stale, match="cancelled already"):
                act()
        for one in (first, second):
            assert one_warning(web, one, later)["next"] == ended


def test_what_went_out_under_an_earlier_name_is_ended_under_it(web) -> None:
    renamed = Issuer("new.hue.example")
    with web.begin():
        first = issued(web)
        second = draft(web, CONTENT, LAN, NOW, of_id=first)
        approve(web, second, 1, HOA, NOW)
        issue(web, second, 2, LAN, NOW, renamed)
        assert [row["id"] for row in in_force(web, NOW)] == [second]
        cancel(web, second, HOA, NOW, "báo nhầm", renamed)
        assert in_force(web, NOW) == []


def test_of_two_who_cancel_at_once_one_does(web, database) -> None:
    with web.begin():
        made = issued(web)
    with web.begin(), connected(database.web) as engine, engine.connect() as other:
        cancel(web, made, LAN, NOW, "báo nhầm", ISSUER)
        other.exec_driver_sql("SET lock_timeout = 50")
        with pytest.raises(sa.exc.OperationalError):
            cancel(other, made, HOA, NOW, "báo nhầm", ISSUER)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("hazard", {"hazard": "aliens"}),
        ("status", {"status": "Test"}),
        ("risk_level", {"risk_level": 6}),
        ("expires_at", {"expires_at": NOW}),
        ("expires_at", {"expires_at": NOW + timedelta(days=11)}),
        ("onset_at", {"onset_at": CONTENT.expires_at}),
        ("area", {"geom": None}),
        ("area", {"geom": shapely.MultiPolygon([shapely.box(0, 0, 9, 9) - shapely.box(1, 1, 2, 2)])}),
        ("area", {"geom": shapely.MultiPolygon([shapely.Point(0, 0).buffer(1, quad_segs=400)])}),
        ("area_words", {"area_words": " \u200b"}),
        ("words", {"words": {"en": Words("Flood")}}),
        ("words.en.headline", {"words": {"vi": Words("Lũ"), "en": Words("")}}),
        ("words.vi.description", {"words": {"vi": Words("Lũ", "x" * 4001)}}),
    ],
)  # fmt: skip
def test_what_cannot_be_warned_is_said_by_its_field(web, field: str, change: dict[str, Any]) -> None:
    with web.begin(), pytest.raises(Wrong) as caught:
        draft(web, replace(CONTENT, **change), LAN, NOW)
    assert caught.value.field == field


def test_what_is_simulated_is_never_meant(web, database) -> None:
    with web.begin():
        with pytest.raises(Wrong):
            draft(web, CONTENT, LAN, NOW, simulated=True)
        made = issued(web, EXERCISE, simulated=True)
        with pytest.raises(Wrong):
            draft(web, replace(CONTENT, status="Actual"), LAN, NOW, simulated=True, of_id=made)


def test_what_is_issued_is_valid_and_says_all_of_it(web, shared_data: Path) -> None:
    schema = xmlschema.XMLSchema(str(shared_data / "cap" / "schema" / "cap12.xsd"))
    with web.begin():
        first = issued(web, EXERCISE)
        second = issued(web, EXERCISE, NOW + timedelta(minutes=1), of_id=first)
        ended = cancel(web, second, HOA, NOW + timedelta(minutes=2), "hết diễn tập", ISSUER)
        named = [str(one_warning(web, one, NOW)["identifier"]) for one in (first, second, ended)]
        documents = [found[0] for name in named if (found := issued_document(web, name))]
    assert len(set(named)) == len(documents) == 3
    for document in documents:
        schema.validate(ET.fromstring(document))
    told = [cap.read(document) for document in documents]
    assert [one.notes for one in told] == [(), (), ()]
    assert [one.alert.msg_type for one in told] == ["Alert", "Update", "Cancel"]
    assert [len(references(one.alert)) for one in told] == [0, 1, 2]
    alert = told[0].alert
    assert "DIỄN TẬP" in (alert.note or "")
    assert (alert.status, alert.sent.utcoffset()) == ("Exercise", timedelta(hours=7))
    assert [one.language for one in alert.info] == ["vi-VN", "en-US"]
    assert alert.info[0].event == "Lũ"
    assert [(one.value_name, one.value) for one in alert.info[0].parameter] == [(LEVEL, "3")]
    assert alert.info[0].area[0].polygon[0].split()[0].startswith("16.")  # the latitude first
    row, _ = of_read(told[0], ENDING)
    assert row["geom"].equals_exact(SQUARE.normalize(), 1e-5) or row["geom"].equals(SQUARE)
    assert (row["risk_level"], row["words"]["vi"]["headline"]) == (3, "Lũ trên sông Hương")


def test_fact_22_the_levels_of_risk_have_their_legal_colours() -> None:
    held = levels(NOW)
    assert [held[n].colour_vi for n in range(1, 6)] == ["xanh dương nhạt", "vàng nhạt", "da cam", "đỏ", "tím"]
    assert levels(datetime(2021, 6, 30, 16, 59, tzinfo=UTC)) == {}


# Warnings of others


def alert(name: str, kind: str = "Alert", refers: str | None = None, minute: int = 0, **more: Any) -> Alert:
    info = Info.model_validate(
        {"category": ("Met",), "event": "Rain", "urgency": "Expected", "severity": "Severe", "certainty": "Likely",
         "expires": NOW + timedelta(hours=6)}
    )  # fmt: skip
    told = {"identifier": name, "sender": "met.example", "sent": NOW.replace(microsecond=0) + timedelta(minutes=minute),
            "status": "Actual", "msg_type": kind, "scope": "Public", "references": refers, "info": (info,)}  # fmt: skip
    return Alert(**{**told, **more})


def to(*earlier: Alert) -> str:
    return " ".join(f"{one.sender},{one.identifier},{one.sent.isoformat()}" for one in earlier)


def took(connection: sa.Connection, *alerts: Alert, origin: str = "cap.met", now: datetime = NOW) -> list[str]:
    found = []
    for one in alerts:
        document = cap.write(one)
        found.append(receive(connection, origin, cap.read(document), document, now, ENDING))
    return found


def states(connection: sa.Connection, now: datetime = NOW + timedelta(hours=1)) -> dict[str, str]:
    return {row["identifier"]: row["state"] for row in warnings(connection, Wanted(), now, 100)}


FIRST = alert("a")
SECOND = alert("b", "Update", to(FIRST), 1)
THIRD = alert("c", "Update", to(FIRST, SECOND), 2)
LAST = alert("d", "Cancel", to(THIRD), 3)
ENDED = {"a": "updated", "b": "updated", "c": "cancelled", "d": "notice"}


@pytest.mark.parametrize("order", list(permutations((FIRST, SECOND, THIRD, LAST))))
def test_in_whatever_order_messages_come_the_end_is_the_same(ingest, order: tuple[Alert, ...]) -> None:
    with ingest.begin():
        took(ingest, *order)
        assert took(ingest, *order) == ["known"] * 4
        assert states(ingest) == ENDED
        assert in_force(ingest, NOW + timedelta(hours=1)) == []


def test_a_late_update_and_one_of_what_never_came_stand_by_themselves(ingest) -> None:
    with ingest.begin():
        took(ingest, SECOND)
        assert states(ingest) == {"b": "issued"}
        took(ingest, FIRST, now=NOW + timedelta(minutes=30))
        assert states(ingest) == {"a": "updated", "b": "issued"}


def test_nobody_ends_the_warning_of_another_and_no_exercise_a_true_one(ingest, web) -> None:
    with web.begin():
        own = issued(web)
        told = one_warning(web, own, NOW)
    named = f"{told['sender']},{told['identifier']},{told['sent'].isoformat()}"
    with ingest.begin():
        took(ingest, FIRST)
        took(ingest, alert("e", "Cancel", to(FIRST), sender="other.example"))
        took(ingest, alert("f", "Cancel", to(FIRST), status="Exercise"))
        took(ingest, alert("g", "Cancel", to(FIRST)), origin="cap.other")
        took(ingest, alert("h", "Cancel", named, sender="ioc.hue.example"))
        took(ingest, alert("i", "Cancel", to(alert("i")), 0))
        assert states(ingest)["a"] == "issued"
    with web.begin():
        assert state(web, own) == "issued"


def test_what_is_no_warning_is_never_in_force(ingest) -> None:
    with ingest.begin():
        for status in ("Test", "System", "Draft"):
            took(ingest, alert(status, status=status))
        took(ingest, alert("ack", "Ack", to(FIRST)), alert("error", "Error", to(FIRST)))
        assert set(states(ingest).values()) == {"notice"}


def test_another_alert_under_the_same_names_changes_nothing(ingest) -> None:
    with ingest.begin():
        took(ingest, FIRST)
        assert took(ingest, replace_note(FIRST)) == ["other"]
        assert len(states(ingest)) == 1


def replace_note(one: Alert) -> Alert:
    return one.model_copy(update={"note": "khác"})


def test_every_valid_file_is_kept_as_it_came(ingest, shared_data: Path) -> None:
    kept = {}
    with ingest.begin():
        for path in sorted((shared_data / "cap" / "alerts").glob("*.cap")):
            document = path.read_bytes()
            try:
                found = cap.read(document)
            except cap.NotCap:
                continue
            assert receive(ingest, path.stem, found, document, NOW, ENDING) == "new"  # two bear the same names
            kept[path.stem] = document
        rows = ingest.execute(sa.text("SELECT origin, document, geom IS NOT NULL, signed FROM warning_message")).all()
    assert {row[0]: bytes(row[1]) for row in rows} == kept
    assert len(kept) == 12
    assert {row[0] for row in rows if row[3]} == {"canada_signed", "earthquake-iso8859-1"}
    assert sum(row[2] for row in rows) >= 5


@pytest.mark.parametrize(
    ("reason", "more"),
    [
        ("cap_identity", {"identifier": "x" * 301}),
        ("cap_identity", {"sender": " "}),
        ("cap_time", {"sent": datetime(1, 1, 1, tzinfo=UTC)}),
        ("cap_time", {"sent": datetime(9999, 12, 31, 23, tzinfo=UTC)}),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_reason(ingest, reason: str, more: dict[str, Any]) -> None:
    with ingest.begin(), pytest.raises(Unfit) as caught:
        took(ingest, alert("a", **more))
    assert caught.value.reason == reason


def test_one_that_names_no_end_ends_after_the_centres_own_time(ingest) -> None:
    info = FIRST.info[0].model_copy(update={"expires": None})
    with ingest.begin():
        took(ingest, alert("a", info=(info,)))
        assert len(in_force(ingest, NOW + ENDING - timedelta(minutes=1))) == 1
        assert in_force(ingest, NOW + ENDING) == []


def test_all_states_have_words() -> None:
    assert all(vi and en for vi, en in STATES.values())


def test_promise_5_of_a_spoilt_alert_there_is_a_warning_or_a_refusal_and_never_a_fault(shared_data: Path) -> None:
    """What the XML may hold and its schema admits, a warning must bear: places, times, numbers, texts."""
    chance = random.Random(7)
    odd = ["", " ", "9" * 400,
           "nan,nan", "1e400,0", "90,180 90,180 90,180 90,180", "0,0 1,1 1,0 0,1 0,0", "0,0 20038", "5 5",
           "0,0 0,0 0,0 0,0", "-90,-180 -90,180 90,180 90,-180 -90,-180", "9999-12-31T23:59:59+00:00",
           "0001-01-01T00:00:00+14:00", "a,b,2026-01-01T00:00:00Z", "\u202e", "Extreme", "Cancel"]  # fmt: skip
    seen = 0
    for path in sorted((shared_data / "cap" / "alerts").glob("*.cap")):
        text = path.read_bytes().decode("utf-8", "replace")
        places = [found.span(1) for found in re.finditer(r">([^<>]+)<", text)]
        for _ in range(150):
            begin, end = chance.choice(places or [(0, 1)])
            try:
                found = cap.read((text[:begin] + chance.choice(odd) + text[end:]).encode())
            except cap.NotCap:
                continue
            seen += 1
            with suppress(Unfit):
                row, _ = of_read(found, ENDING)
                assert row["geom"] is None or (row["geom"].is_valid and row["geom"].geom_type == "MultiPolygon")
    assert seen > 200


def test_places_that_cross_each_other_ten_thousand_times_cost_little() -> None:
    teeth = [(y, x / 1000) for x in reversed(range(1000)) for y in ((0.9, 0.1) if x % 2 else (0.1, 0.9))]
    comb = [(0.0, 0.0), (0.0, 1.0), *teeth]
    there = " ".join(f"{a:.4f},{b:.4f}" for a, b in [*comb, comb[0]])
    across = " ".join(f"{b:.4f},{a:.4f}" for a, b in [*comb, comb[0]])
    area = cap.Area(area_desc="Răng lược", polygon=(there, across), circle=("0,179.9 100", "16,107 0.001", "16,107 10"))
    info = FIRST.info[0].model_copy(update={"area": (area,)})
    began = time.perf_counter()
    row, _ = of_read(cap.read(cap.write(alert("a", info=(info,)))), ENDING)
    assert time.perf_counter() - began < 5
    assert row["geom"].is_valid
    assert any("as a box" in note for note in row["notes"])
    assert any("2 places" in note for note in row["notes"])
    assert row["geom"].covers(shapely.Point(107, 16))
