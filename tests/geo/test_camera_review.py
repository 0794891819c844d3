"""Cameras' events in the database: stored once, plates where nobody reads them, one reviewer at a time."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from geo.actor import Actor
from geo.camera_event import holds, mask, without, without_plates
from geo.camera_review import DEEDS, NoEvent, Stale, Wanted, counts, decide, events, one_event, store
from geo.handling import put_units
from geo.reference import UNITS
from geo.wrong import Wrong
from tests.connections import connected
from tests.geo.test_database import refused

NOW = datetime(2026, 11, 28, 3, tzinfo=UTC)
PLATE = "75A-123.45"
LAN, HOA = Actor("Lan"), Actor("Hoa")


def event(number: int, **more: object) -> dict[str, object]:
    row = {"record_id": f"e{number}", "camera": "hue:1", "type": "red_light", "confidence": 0.9, "plate": PLATE,
           "occurred_at": NOW - timedelta(minutes=number), "lane": "2", "snapshot": None,
           "simulated": False}  # fmt: skip
    return {**row, **more}


@pytest.fixture
def web(database):
    with connected(database.owner) as owner, owner.begin() as connection:
        put_units(connection, UNITS)
    with connected(database.web) as engine, engine.connect() as connection:
        yield connection


def ids(connection: sa.Connection, wanted: Wanted, limit: int = 50) -> list[int]:
    return [row["id"] for row in events(connection, wanted, limit)]


@pytest.mark.parametrize(
    ("plate", "shown"),
    [("75A-123.45", "75••••45"), ("29-MĐ1 123.45", "29••••••45"), ("51F12345", "51••••45"), ("AB12", "••••")],
)
def test_of_a_plate_the_ends_alone_are_shown(plate: str, shown: str) -> None:
    assert mask(plate) == shown


@pytest.mark.parametrize(
    "text", ["xe 75A-123.45 rẽ trái", "75a12345", "75-B1 234.56;", "biển 29LD 12345", "80NG-123-45", "75A–123–45"]
)
def test_a_plate_that_somebody_wrote_into_a_text_is_masked(text: str) -> None:
    assert "•" in without_plates(text)
    assert "23" not in without_plates(text)


@pytest.mark.parametrize(
    "text", ["lúc 14:20 28/11/2026", "2 xe máy, làn 3", "QL1A km 812+500", "0912345678", "hue:cam-17"]
)
def test_what_is_no_plate_stays(text: str) -> None:
    assert without_plates(text) == text


def test_a_plate_is_found_and_masked_in_any_spelling() -> None:
    assert holds("/e/20261128_75a12345.jpg", PLATE)
    assert holds("x75A.123-45", PLATE)
    assert not holds("/e/20261128_000017.jpg", PLATE)
    assert "12345" not in without('{"record_id":"cam75A12345","plate":"75a 123 45"}', PLATE).replace(" ", "")


def test_promise_15_whole_plates_are_read_by_no_role_of_the_programs(web, database) -> None:
    with web.begin():
        assert store(web, "vms", [event(1), event(2, plate=None)], NOW) == 2
    for url in (database.web, database.ingest):
        assert "permission denied" in refused(url, "SELECT plate FROM camera_plate")
        assert "permission denied" in refused(url, "SELECT tell_plate(1, 'Lan', 'hồ sơ')")
    assert "permission denied" in refused(database.web, "UPDATE camera_event SET plate = '75A12345•'")
    assert "camera_event_masked" in refused(database.owner, f"UPDATE camera_event SET plate = '{PLATE}'")
    text = str(web.execute(sa.text("SELECT to_jsonb(e) FROM camera_event e")).all())
    assert "12345" not in text
    assert "123.45" not in text


def test_the_owner_is_told_a_plate_only_with_a_line_that_stays(web, database) -> None:
    with web.begin():
        store(web, "vms", [event(1), event(2, plate=None)], NOW)
        first, second = sorted(ids(web, Wanted()))
    with connected(database.owner) as owner, owner.begin() as connection:
        tell = sa.text("SELECT tell_plate(:event, :who, :why)")
        assert connection.scalar(tell, {"event": first, "who": "Lan", "why": "hồ sơ 12"}) == PLATE
        assert connection.scalar(tell, {"event": second, "who": "Lan", "why": "hồ sơ 12"}) is None
        looks = connection.execute(sa.text("SELECT event_id, actor, reason FROM camera_plate_look")).all()
    assert [tuple(look) for look in looks] == [(first, "Lan", "hồ sơ 12")]
    assert "by name, for a reason" in refused(database.owner, f"SELECT tell_plate({first}, 'Lan', ' ')")
    assert "append-only" in refused(database.owner, "DELETE FROM camera_plate_look")


def test_an_event_is_stored_once_by_its_senders_id(web) -> None:
    with web.begin():
        assert store(web, "vms", [event(1), event(2)], NOW) == 2
        assert store(web, "vms", [event(2, camera="hue:9"), event(3)], NOW) == 1
        assert store(web, "other", [event(1)], NOW) == 1
        assert {row["camera"] for row in events(web, Wanted(), 50)} == {"hue:1"}


def test_a_list_is_filtered_and_read_page_by_page_without_gaps(web) -> None:
    rows = [event(n, occurred_at=NOW - timedelta(minutes=n // 3), type="speeding" if n % 2 else "red_light",
                  camera=f"hue:{n % 4}") for n in range(60)]  # fmt: skip
    with web.begin():
        store(web, "vms", rows, NOW)
        seen: list[int] = []
        before = None
        while page := events(web, Wanted(before=before), 7):
            seen += [row["id"] for row in page]
            before = (page[-1]["occurred_at"], page[-1]["id"])
        assert len(seen) == len(set(seen)) == 60
        assert seen == ids(web, Wanted(), 100)
        assert len(ids(web, Wanted(type="speeding"))) == 30
        assert len(ids(web, Wanted(camera="hue:2", since=NOW - timedelta(minutes=9)))) == 7
        found = counts(web, Wanted(type="speeding"))
        assert found["states"]["detected"] == 30
        assert (found["types"]["red_light"], found["total"], found["more"]) == (30, 60, False)


def test_a_review_goes_step_by_step_and_its_lines_stand(web, database) -> None:
    with web.begin():
        store(web, "vms", [event(1)], NOW)
        (number,) = ids(web, Wanted())
        decide(web, number, "confirm", 1, LAN, NOW, note="xe 75A-123.45, gọi 0912345678")
        decide(web, number, "forward", 2, HOA, NOW, unit=UNITS[0][0])
        told = one_event(web, number)
    assert [(one["deed"], one["actor"]) for one in told["log"]] == [
        ("review", "Lan"),
        ("confirm", "Lan"),
        ("forward", "Hoa"),
    ]
    assert (told["state"], told["unit"], told["version"], told["state_by"]) == ("forwarded", UNITS[0][0], 3, "Hoa")
    assert told["log"][1]["note"] == "xe 75••••45, gọi •••••••678"
    assert "append-only" in refused(database.owner, "UPDATE camera_event_entry SET actor = 'x'")
    assert "permission denied" in refused(database.web, "DELETE FROM camera_event_entry")


def test_the_second_of_two_reviewers_is_told_who_was_first(web) -> None:
    with web.begin():
        store(web, "vms", [event(1)], NOW)
        (number,) = ids(web, Wanted())
        decide(web, number, "false", 1, LAN, NOW, reason="unclear")
        with pytest.raises(Stale, match="false already, by Lan at 2026-11-28T03:00:00Z"):
            decide(web, number, "confirm", 1, HOA, NOW)
        assert len(one_event(web, number)["log"]) == 2


STEPS = [(state, deed) for state in ("detected", "reviewed", "confirmed", "false", "forwarded") for deed in DEEDS]


@pytest.mark.parametrize(("state", "deed"), STEPS)
def test_a_deed_is_done_only_from_the_states_it_follows(web, state: str, deed: str) -> None:
    way = {"detected": (), "reviewed": ("review",), "confirmed": ("confirm",), "false": ("false",),
           "forwarded": ("confirm", "forward")}[state]  # fmt: skip
    given = {"reason": "other", "note": "vì thế", "unit": UNITS[0][0]}
    with web.begin():
        store(web, "vms", [event(1)], NOW)
        (number,) = ids(web, Wanted())
        for version, step in enumerate(way, 1):
            decide(web, number, step, version, LAN, NOW, **given)
        before, after = DEEDS[deed]
        if state in before:
            decide(web, number, deed, len(way) + 1, LAN, NOW, **given)
            assert one_event(web, number)["state"] == after
        else:
            with pytest.raises(Stale):
                decide(web, number, deed, len(way) + 1, LAN, NOW, **given)


@pytest.mark.parametrize(
    ("deed", "given", "field"),
    [
        ("false", {}, "reason"),
        ("false", {"reason": "because"}, "reason"),
        ("false", {"reason": "other"}, "note"),
        ("forward", {}, "unit"),
        ("forward", {"unit": "nobody"}, "unit"),
        ("reopen", {}, "note"),
        ("review", {"note": "x" * 301}, "note"),
    ],
)
def test_what_a_deed_lacks_is_named(web, deed: str, given: dict[str, str], field: str) -> None:
    with web.begin():
        store(web, "vms", [event(1)], NOW)
        with pytest.raises(Wrong) as wrong:
            decide(web, ids(web, Wanted())[0], deed, 1, LAN, NOW, **given)
        assert wrong.value.field == field
        with pytest.raises(NoEvent):
            decide(web, 999, "review", 1, LAN, NOW)
