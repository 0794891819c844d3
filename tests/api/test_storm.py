"""A storm over HTTP: bulletins in, whom it threatens, who was called and answered, what nobody may change or read."""

import csv
import io
import json
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from pyproj import Geod

from access.storm import Said, board, carry_out, listed
from geo import storm as store
from geo.actor import Actor
from geo.calendar import ZONE
from geo.heard import tell
from geo.storm import Stale
from geo.storm_area import Point
from geo.storm_file import typed
from pages.storm_map import open_ones, shapes
from pages.storm_words import picture
from pages.text import Text
from tests.connections import told
from tests.fleet import Fleet

GEOD = Geod(ellps="WGS84")
PHONE = "0912345678"
EAST, NORTH, WEST = 90, 0, 270


@pytest.fixture
def site(serve, database):
    with ExitStack() as stack:
        served = serve()
        served.fleet = Fleet(database, stack)
        yield served


def vn(hours: float) -> str:
    """A moment so far from now, as a person types it."""
    return f"{datetime.now(UTC) + timedelta(hours=7 + hours):%H:%M %d/%m/%Y}"


# It stands still over 112.0°E 16.5°N from an hour ago on: whoever comes into it does so by the boat's own way.
def rows(radius: str = "200", **more: str) -> list[dict[str, str]]:
    common = {"position": "16,5N 112,0E", "wind": "cấp 12, giật cấp 15", "radius_6_km": radius, "radius_10_km": "80"}
    return [{"valid_at": vn(-1), **common, **more}, {"valid_at": vn(40), **common, **more}]


def bulletin(points: list[dict[str, str]] | None = None, **more: Any) -> dict[str, Any]:
    about = {"source": "Trung tâm Dự báo KTTV quốc gia", "number": 12, "season": 2026, "name": "Fengshen"}
    return {"actor": "Lan", "points": points or rows(), **about, **more}


def entered(site: Any, **more: Any) -> int:
    status, told = site.ask("POST", "/api/v1/storms", bulletin(apply=True, **more))
    assert status == 200, told
    return int(told["applied"]["id"])


def place(site: Any, boat: int, bearing: float, km: float, minutes: float = 5, speed=None, course=None) -> None:
    """A fix of the boat's device, so far from the storm's middle."""
    lon, lat, _ = GEOD.fwd(112.0, 16.5, bearing, km * 1000)
    told(
        site.database.owner,
        "INSERT INTO vms (registration, geom, observed_at, received_at, source, speed, course, simulated) VALUES "
        "(:name, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :at, :at, 'test', :speed, :course, false)",
        name=site.fleet.name(boat), lon=lon, lat=lat, at=datetime.now(UTC) - timedelta(minutes=minutes), speed=speed,
        course=course,
    )  # fmt: skip


def groups(site: Any, storm: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in site.get(f"/api/v1/storms/{storm}/boats")[1]["boats"]:
        found.setdefault(each["group"], []).append(each["registration"])
    return found


def test_a_bulletin_is_looked_at_first_then_kept_and_the_next_one_is_a_new_version(site) -> None:
    status, looked = site.ask("POST", "/api/v1/storms", bulletin())
    assert (status, looked["applied"], looked["before"], looked["faults"]) == (200, None, None, [])
    assert [one["what"] for one in looked["points"]] == ["new", "new"]
    assert site.get("/api/v1/storms")[1] == []
    storm = entered(site, plan=looked["plan"])
    again = site.ask("POST", "/api/v1/storms", bulletin(apply=True, points=rows(), issued_at=None))[1]
    assert again["applied"] is None or again["before"]["version"] == 1
    next_one = site.ask("POST", "/api/v1/storms", bulletin(rows("260"), apply=True))[1]
    assert next_one["applied"] == {"id": storm, "version": next_one["before"]["version"] + 1}
    one = site.get(f"/api/v1/storms/{storm}")[1]
    assert [each["version"] for each in one["bulletins"]][-1] == 1
    assert one["points"][0]["radii_km"] == {"6": 260, "10": 80}
    assert (one["fresh"], one["here"]["wind"], one["here"]["radii_km"]["6"]) == ("fresh", 12, 260)
    kinds = [(each["properties"]["what"], each["geometry"]["type"]) for each in one["geojson"]["features"]]
    assert kinds.count(("circle", "Polygon")) == 4
    assert ("track", "LineString") in kinds
    assert ("danger", "Polygon") in kinds
    kept = site.fleet.ask("SELECT version, radii_km->>'6' AS km FROM storm_point ORDER BY version, valid_at")
    assert {"version": 1, "km": "200.0"} in kept  # what was said before stands


def test_what_is_wrong_is_told_by_row_and_nothing_is_kept(site) -> None:
    points = rows()
    points[1]["radius_6_km"] = "rộng"
    status, looked = site.ask("POST", "/api/v1/storms", bulletin(points, source=None))
    assert status == 200
    assert [(one["row"], one["column"]) for one in looked["faults"]] == [(2, "radius_6_km"), (0, "source")]
    assert site.ask("POST", "/api/v1/storms", bulletin(points, apply=True))[0] == 422
    assert site.ask("POST", "/api/v1/storms", bulletin(apply=True, storm_id=99))[0] == 404
    assert site.ask("POST", "/api/v1/storms", bulletin(apply=True, actor=" "))[0] == 422
    storm = entered(site)
    old = (datetime.now(UTC) - timedelta(hours=9)).isoformat()
    status, refused = site.ask("POST", "/api/v1/storms", bulletin(apply=True, issued_at=old))
    assert (status, refused["detail"][0]["column"]) == (422, "issued_at")
    assert "cũ hơn" in refused["detail"][0]["vi"]
    stale = bulletin(rows("300"), apply=True, plan="another")
    assert site.ask("POST", "/api/v1/storms", stale)[0] == 409
    assert site.get(f"/api/v1/storms/{storm}")[1]["version"] == 1


def test_a_depression_takes_a_number_later_and_no_storm_takes_another_ones(site) -> None:
    first = entered(site, number=None, name=None)
    assert entered(site, number=None, name=None) != first  # nobody can know that it is the same
    again = bulletin(rows("240"), number=None, name=None, storm_id=first, apply=True)
    assert site.ask("POST", "/api/v1/storms", again)[1]["applied"] == {"id": first, "version": 2}
    third = bulletin(rows("250"), number=12, storm_id=first, apply=True)
    assert site.ask("POST", "/api/v1/storms", third)[1]["applied"] == {"id": first, "version": 3}
    assert site.get(f"/api/v1/storms/{first}")[1]["number"] == 12
    other = entered(site, number=13, name="Kalmaegi")
    for storm, number in ((other, 12), (first + 1, 12)):
        status, refused = site.ask("POST", "/api/v1/storms", bulletin(number=number, storm_id=storm, apply=True))
        assert (status, [one["column"] for one in refused["detail"]]) == (422, ["number"])


def test_files_come_in_by_the_same_door(site) -> None:
    at = [(datetime.now(UTC) + timedelta(hours=n)).isoformat() for n in (-1, 12)]
    line = {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": [[112, 16.5], [110, 16.6]]},
        "properties": {"times": at, "wind": [12, 11], "radius_6_km": [250, 200], "number": 13, "source": "JMA"},
    }
    path = "/api/v1/storms/import?apply=true&actor=Lan&name="
    status, kept = site.ask("POST", f"{path}bao.geojson", json.dumps(line).encode())
    assert (status, kept["applied"]["version"], kept["storm"]["number"]) == (200, 1, 13)
    text = "Thời gian;Vĩ độ;Kinh độ;Cấp gió;Bán kính cấp 6 (km)\n" + "\n".join(
        f"{vn(n)};16,5;{lon};12;250" for n, lon in ((-0.5, "112,5"), (12, "111"))
    )
    status, looked = site.ask("POST", "/api/v1/storms/import?name=bao.csv&number=13&source=NCHMF", text.encode())
    assert status == 200
    assert {one["column"] for one in looked["faults"]} == {"Thời gian"}  # no zone is stated
    asked = f"{path}bao.csv&number=13&source=NCHMF&zone=Asia/Ho_Chi_Minh"
    assert site.ask("POST", asked, text.encode())[1]["applied"]["version"] == 2
    status, refused = site.ask("POST", f"{path}bao.pdf", b"%PDF")
    assert (status, refused["detail"][0]["loc"]) == (422, ["body"])
    assert site.ask("POST", f"{path}bao.csv&zone=Mars", text.encode())[0] == 422


def test_whom_it_threatens_is_told_by_group_with_times_and_distances(site) -> None:
    site.fleet.register(range(1, 10))
    told(site.database.owner, "UPDATE boat SET shipname = 'Hải Âu' WHERE registration = :a", a=site.fleet.name(2))
    place(site, 1, NORTH, 50)  # inside, in the circle of level 10
    place(site, 2, NORTH, 300, speed=6, course=180)  # 100 km from the edge at six knots: nine hours
    place(site, 3, EAST, 205, speed=8, course=90)  # runs away from it
    place(site, 4, EAST, 250, minutes=400)  # older than six hours, 50 km from the edge
    place(site, 5, EAST, 900)  # far away
    place(site, 6, WEST, 190, speed=9, course=270)  # inside, on its way out
    place(site, 7, EAST, 330, minutes=400)  # old, and 130 km off: beyond the 60 miles
    storm = entered(site)
    found = groups(site, storm)
    name = site.fleet.name
    assert found == {"inside": [name(1), name(6)], "coming": [name(2)], "old": [name(4)]}
    answer = site.get(f"/api/v1/storms/{storm}/boats")[1]
    boats = {one["registration"]: one for one in answer["boats"]}
    with site.site.engine.connect() as connection:  # what is missing is None: JSON has no NaN
        told_of = board(connection, site.site, storm, datetime.now(UTC))["boats"]
        assert {one["shipname"] for one in told_of} == {None, "Hải Âu"}
    assert (boats[name(1)]["level_now"], boats[name(6)]["level_now"]) == (10, 6)
    enters = datetime.fromisoformat(boats[name(2)]["enters_at"]) - datetime.now(UTC)
    assert enters / timedelta(hours=1) == pytest.approx(100 / (6 * 1.852) - 5 / 60, abs=0.05)
    assert boats[name(2)]["distance_km"] == pytest.approx(300 - 6 * 1.852 * 5 / 60, abs=0.2)
    assert boats[name(4)]["edge_km"] == pytest.approx(50, abs=0.1)
    assert (answer["placed"], answer["unplaced"]) == (7, 2)
    assert answer["progress"] | {"groups": None} == {
        "boats": 4, "called": 0, "answered": 0, "unreached": 0, "to_call": 4, "staying": 0, "called_at": None,
        "answered_at": None, "groups": None,
    }  # fmt: skip


def test_a_boat_that_escapes_only_by_going_on_and_one_in_port_are_listed_apart(site) -> None:
    site.fleet.register([1, 2])
    place(site, 1, EAST, 230, speed=8, course=90)
    told(
        site.database.owner,
        "INSERT INTO vms (registration, geom, observed_at, received_at, source, speed, course) VALUES "
        "(:name, ST_SetSRID(ST_MakePoint(107.640, 16.557), 4326), :at, :at, 'test', 5, 90)",
        name=site.fleet.name(2), at=datetime.now(UTC) - timedelta(minutes=5),
    )  # fmt: skip
    # It goes westwards to Huế's coast; the other one eastwards, over where the first boat is now.
    points = rows()
    points[1] |= {"valid_at": vn(20), "position": "16,5N 108,5E"}
    points[0] |= {"position": "16,5N 112,0E"}
    storm = entered(site, points=points)
    assert groups(site, storm) == {"port": [site.fleet.name(2)]}
    points[1] |= {"position": "16,5N 113,5E"}
    other = entered(site, points=points, number=13)
    assert groups(site, other) == {"staying": [site.fleet.name(1)]}
    progress = site.get(f"/api/v1/storms/{other}/boats")[1]["progress"]
    assert (progress["boats"], progress["groups"]) == (0, {"staying": 1})


def test_ais_counts_where_it_is_newer_than_the_device(site) -> None:
    site.fleet.register([1])
    told(site.database.owner, "UPDATE boat SET mmsi = 574090001")
    place(site, 1, EAST, 900, minutes=120)
    lon, lat, _ = GEOD.fwd(112.0, 16.5, EAST, 100_000)
    told(
        site.database.owner,
        "INSERT INTO vessel (mmsi, geom, observed_at, received_at, source) VALUES "
        "(574090001, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :at, :at, 'test')",
        lon=lon, lat=lat, at=datetime.now(UTC) - timedelta(minutes=9),
    )  # fmt: skip
    with site.fleet.ingest.begin() as connection:
        assert tell(connection) == 1
    storm = entered(site)
    (boat,) = site.get(f"/api/v1/storms/{storm}/boats")[1]["boats"]
    assert (boat["group"], boat["layer"]) == ("inside", "vessel")
    assert boat["distance_km"] == pytest.approx(100, abs=0.1)


def test_calls_are_counted_masked_and_taken_back_only_by_another_line(site) -> None:
    site.fleet.register([1, 2, 3])
    for boat in (1, 2, 3):
        place(site, boat, NORTH, 40 + boat)
    with site.fleet.owner.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO boat_contact VALUES (:a, 'owner', 'Võ Tám', :phone)"),
            {"a": site.fleet.name(1), "phone": PHONE},
        )
    storm = entered(site)
    path = f"/api/v1/storms/{storm}/calls"

    def call(boat: int, outcome: str, **more: Any) -> tuple[int, Any]:
        return site.ask(
            "POST", path, {"actor": "Lan", "registration": site.fleet.name(boat), "outcome": outcome, **more}
        )

    assert call(1, "no_answer")[0] == 200
    status, kept = call(1, "to_port", note=f"gọi lại {PHONE}, vào Thuận An", seen=1)
    assert (status, kept) == (200, {"id": 2})
    assert call(2, "wrong_number", who="captain", number="0987 654 321")[0] == 200
    assert call(3, "staying")[0] == 200
    assert call(3, "to_port", seen=0)[0] == 409  # somebody called before
    assert call(3, "maybe")[0] == 422
    assert call(8, "to_port")[0] == 404
    assert call(3, "to_port", at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())[0] == 422
    answer = site.get(f"/api/v1/storms/{storm}/boats")[1]
    progress = answer["progress"]
    figures = {name: progress[name] for name in ("boats", "called", "answered", "unreached", "to_call", "staying")}
    assert figures == {"boats": 3, "called": 3, "answered": 2, "unreached": 1, "to_call": 0, "staying": 1}
    assert progress["answered_at"] == progress["called_at"]
    first = next(one for one in answer["boats"] if one["registration"] == site.fleet.name(1))
    assert (first["calls"], first["last"]["outcome"], first["seen"]) == (2, "to_port", 2)
    assert first["people"] == [{"part": "owner", "name": "Võ Tám", "phone": "•••••••678"}]
    assert "345678" not in json.dumps([answer, site.get(f"{path}/{site.fleet.name(1)}")], ensure_ascii=False)
    assert "654" not in json.dumps(answer["boats"], ensure_ascii=False)
    # The whole number is kept: that of the register where none was given.
    kept = site.fleet.ask("SELECT registration, number FROM storm_call ORDER BY id")
    assert [one["number"] for one in kept] == [PHONE, PHONE, "0987 654 321", None]
    # The last of them was a mistake.
    assert site.ask("POST", f"{path}/4/void", {"actor": "Lan", "note": " "})[0] == 422
    assert site.ask("POST", f"{path}/4/void", {"actor": "Lan", "note": "nhầm tàu"})[0] == 200
    assert site.ask("POST", f"{path}/4/void", {"actor": "Lan", "note": "nhầm tàu"})[0] == 409
    progress = site.get(f"/api/v1/storms/{storm}/boats")[1]["progress"]
    assert (progress["to_call"], progress["staying"]) == (1, 0)
    history = site.get(f"{path}/{site.fleet.name(3)}")[1]
    assert [(one["outcome"], one["voided"]) for one in history] == [("staying", True), ("void", False)]


def test_a_table_of_the_list_has_no_formula_and_no_number(site) -> None:
    site.fleet.register([1])
    place(site, 1, NORTH, 40)
    with site.fleet.owner.begin() as connection:
        connection.execute(sa.text("UPDATE boat SET shipname = '=1+1'"))
        connection.execute(sa.text("INSERT INTO boat_contact SELECT registration, 'owner', 'Võ Tám', :a FROM boat"),
                           {"a": PHONE})  # fmt: skip
    storm = entered(site)
    body = {"actor": "@Lan", "registration": site.fleet.name(1), "outcome": "no_answer", "note": "-2"}
    assert site.ask("POST", f"/api/v1/storms/{storm}/calls", body)[0] == 200
    text = site.get(f"/api/v1/storms/{storm}/boats.csv")[1].removeprefix("\ufeff")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["shipname"], row["last_by"], row["last_note"]) == ("'=1+1", "'@Lan", "'-2")
    assert (row["owner_phone"], row["last_vi"], row["group"]) == ("•••••••678", "Không nghe máy", "inside")
    assert "345678" not in text


def test_a_closed_storm_takes_nothing_more_and_keeps_who_was_called(site) -> None:
    site.fleet.register([1, 2])
    place(site, 1, NORTH, 40)
    place(site, 2, NORTH, 40)
    storm = entered(site)
    call = {"actor": "Lan", "registration": site.fleet.name(1), "outcome": "to_port"}
    assert site.ask("POST", f"/api/v1/storms/{storm}/calls", call)[0] == 200
    status, closed = site.ask("POST", f"/api/v1/storms/{storm}/close", {"actor": "Minh", "note": "đã tan"})
    assert (status, closed["closed_by"], closed["closed_note"]) == (200, "Minh", "đã tan")
    assert site.ask("POST", f"/api/v1/storms/{storm}/close", {"actor": "Minh"})[0] == 409
    assert site.ask("POST", f"/api/v1/storms/{storm}/calls", call)[0] == 409
    assert site.ask("POST", "/api/v1/storms", bulletin(rows("300"), apply=True))[0] == 422
    assert groups(site, storm) == {"closed": [site.fleet.name(1)]}
    assert site.get(f"/api/v1/storms/{storm}/boats")[1]["progress"] is None  # of a closed storm nobody has to be called


def test_a_storm_that_was_closed_too_early_is_opened_again_with_a_reason_and_both_stand(site) -> None:
    site.fleet.register([1])
    place(site, 1, NORTH, 40)
    storm = entered(site)
    path = f"/api/v1/storms/{storm}"
    assert site.ask("POST", f"{path}/reopen", {"actor": "Lan", "note": "nhầm"})[0] == 409  # it is open
    note = f"tan rồi, báo {PHONE}"
    status, closed = site.ask("POST", f"{path}/close", {"actor": "Minh", "note": note})
    assert (status, "345678" in json.dumps([closed, site.get("/api/v1/storms")[1]])) == (200, False)
    assert site.ask("POST", f"{path}/reopen", {"actor": "Lan", "note": " "})[0] == 422
    assert site.ask("POST", "/api/v1/storms/99/reopen", {"actor": "Lan", "note": "nhầm"})[0] == 404
    status, again = site.ask("POST", f"{path}/reopen", {"actor": "Lan", "note": "đóng nhầm"})
    assert (status, again["closed_at"], again["closed_by"], again["closed_note"]) == (200, None, None, None)
    assert [(one["deed"], one["actor"], one["note"]) for one in again["log"]] == [
        ("close", "Minh", "tan rồi, báo •••••••678"), ("reopen", "Lan", "đóng nhầm"),
    ]  # fmt: skip
    assert groups(site, storm) == {"inside": [site.fleet.name(1)]}
    assert entered(site, points=rows("300")) == storm  # its number is its own again
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), site.fleet.owner.begin() as connection:
        connection.execute(sa.text("DELETE FROM storm_log"))


def test_a_bulletin_waits_for_who_is_closing_its_storm(site) -> None:
    storm = entered(site)
    now, by = datetime.now(UTC), Actor("Lan")
    with site.site.engine.connect() as closing, site.site.engine.connect() as entering:
        one = store.storm_of(entering, storm)
        entering.rollback()
        store.close(closing, storm, by, now, None)  # and does not commit yet
        done: list[Any] = []

        def enter() -> None:
            try:
                done.append(store.put_bulletin(entering, one, one.bulletin, by, now, one))
            except Stale as error:
                done.append(error.reason)

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join(0.5)
        assert done == []
        closing.commit()
        thread.join(20)
    assert done == ["closed"]


def test_of_boats_that_were_called_nothing_is_known_once_the_bulletin_has_run_out(site) -> None:
    site.fleet.register([1])
    place(site, 1, NORTH, 40)
    storm = entered(site)
    call = {"actor": "Lan", "registration": site.fleet.name(1), "outcome": "to_port"}
    assert site.ask("POST", f"/api/v1/storms/{storm}/calls", call)[0] == 200
    with site.site.engine.connect() as connection:
        for hours, group in ((0, "inside"), (41, "unknown")):
            found = board(connection, site.site, storm, datetime.now(UTC) + timedelta(hours=hours))
            assert ([one["group"] for one in found["boats"]], found["progress"] is None) == ([group], hours > 0)


def test_of_a_called_boat_without_a_position_it_is_not_said_that_it_is_safe(site) -> None:
    site.fleet.register([1, 2, 3])
    place(site, 1, EAST, 900)
    storm = entered(site)
    for boat in (1, 2):
        call = {"actor": "Lan", "registration": site.fleet.name(boat), "outcome": "told_on"}
        assert site.ask("POST", f"/api/v1/storms/{storm}/calls", call)[0] == 200
    assert groups(site, storm) == {"gone": [site.fleet.name(1)], "unplaced": [site.fleet.name(2)]}
    answer = site.get(f"/api/v1/storms/{storm}/boats")[1]
    assert (answer["placed"], answer["unplaced"], answer["progress"]["boats"]) == (1, 2, 0)


def test_a_boat_that_said_it_stays_and_then_did_not_pick_up_still_stays(site) -> None:
    site.fleet.register([1])
    place(site, 1, NORTH, 40)
    storm = entered(site)
    for outcome in ("staying", "no_answer"):
        call = {"actor": "Lan", "registration": site.fleet.name(1), "outcome": outcome}
        assert site.ask("POST", f"/api/v1/storms/{storm}/calls", call)[0] == 200
    answer = site.get(f"/api/v1/storms/{storm}/boats")[1]
    assert (answer["progress"]["answered"], answer["progress"]["staying"]) == (1, 1)
    assert (answer["boats"][0]["answer"], answer["boats"][0]["last"]["outcome"]) == ("staying", "no_answer")


def test_calls_are_found_by_any_spelling_and_what_is_not_there_is_404(site) -> None:
    site.fleet.register([1])
    storm = entered(site)
    name = site.fleet.name(1)
    call = {"actor": "Lan", "registration": name, "outcome": "to_port"}
    assert site.ask("POST", f"/api/v1/storms/{storm}/calls", call)[0] == 200
    spelled = name.lower().removesuffix("-ts").replace("-", "%20")
    for text, status in ((name, 200), (spelled, 200), ("%00", 404), ("x", 404), (site.fleet.name(9), 404)):
        found = site.get(f"/api/v1/storms/{storm}/calls/{text}")
        assert (found[0], text) == (status, text)
        assert status == 404 or [one["outcome"] for one in found[1]] == ["to_port"]
    assert site.get(f"/api/v1/storms/99/calls/{name}")[0] == 404


def test_only_a_number_or_a_name_that_both_have_makes_a_bulletin_one_of_a_storm(site) -> None:
    depression = entered(site, number=None, name=None)
    numbered = entered(site, number=12, name=None)
    assert numbered != depression  # a storm without a name is no depression without one
    named = entered(site, number=None, name="Fengshen")
    assert len({depression, numbered, named}) == 3
    assert entered(site, number=13, name="FENGSHEN", points=rows("240")) == named  # it has got its number
    assert entered(site, number=14, name="Fengshen") not in (depression, numbered, named)
    assert entered(site, number=13, name="Kalmaegi", points=rows("260")) == named


def test_a_number_or_a_name_can_be_added_by_the_same_bulletin(site) -> None:
    points = rows()
    storm = entered(site, number=None, name=None, points=points)
    same = {"points": points, "storm_id": storm}
    looked = site.ask("POST", "/api/v1/storms", bulletin(number=None, name=None, **same))[1]
    assert looked["unchanged"]
    assert entered(site, number=12, name=None, **same) == storm
    assert entered(site, number=12, name="Fengshen", **same) == storm
    looked = site.ask("POST", "/api/v1/storms", bulletin(number=12, name="FENGSHEN", **same))[1]
    assert looked["unchanged"]
    one = site.get(f"/api/v1/storms/{storm}")[1]
    assert (one["number"], one["name"], one["version"]) == (12, "Fengshen", 3)


def test_a_storm_goes_on_over_the_new_year_while_it_is_open(site) -> None:
    def looked(at: datetime, **more: Any) -> Any:
        draft = typed([{**one, "valid_at": f"{at + timedelta(hours=12 * n):%H:%M %d/%m/%Y}"}
                       for n, one in enumerate(rows())])  # fmt: skip
        said = Said(**{"source": "NCHMF", "number": 12, **more})
        return carry_out(site.site.engine, draft, said, Actor("Lan"))[1]

    december = looked(datetime(2025, 12, 31, 13, tzinfo=ZONE))
    assert (december.season, december.version) == (2025, 1)
    january = looked(datetime(2026, 1, 1, 1, tzinfo=ZONE))
    assert (january.id, january.season, january.version) == (december.id, 2025, 2)
    assert (
        looked(datetime(2026, 1, 1, 7, tzinfo=ZONE), season=2026).id != december.id
    )  # somebody says of which season it is
    other = looked(datetime(2025, 12, 31, 13, tzinfo=ZONE), number=1)
    assert looked(datetime(2026, 1, 20, 1, tzinfo=ZONE), number=1).id != other.id  # told of for the last time weeks ago
    done = looked(datetime(2025, 12, 31, 13, tzinfo=ZONE), number=3)
    assert site.ask("POST", f"/api/v1/storms/{done.id}/close", {"actor": "Lan"})[0] == 200
    assert looked(datetime(2026, 1, 1, 1, tzinfo=ZONE), number=3).id != done.id


def test_what_a_file_cannot_say_is_refused_with_its_field(site) -> None:
    head = "Thời gian;Vĩ độ;Kinh độ;Cấp gió;Bán kính cấp 6 (km)\n"
    text = (head + "\n".join(f"{vn(n)};16,5;{lon};12;250" for n, lon in ((-1, "112,5"), (12, "111")))).encode()
    path = "/api/v1/storms/import?name=bao.csv&number=13&source=NCHMF&zone="
    for zone in ("%2B99:00", "%2B24:00"):
        status, refused = site.ask("POST", path + zone, text)
        assert (status, refused["detail"][0]["loc"]) == (422, ["query", "zone"])
    path += "Asia/Ho_Chi_Minh&issued_at="
    for spelled in ("13 giờ ngày 28/11/2025", "28/11/2025 13h00", "2025-11-28T06:00:00Z"):
        status, looked = site.ask("POST", path + quote(spelled), text)
        assert (status, datetime.fromisoformat(looked["issued_at"])) == (200, datetime(2025, 11, 28, 6, tzinfo=UTC))
    named = text.replace("Thời gian".encode(), "Thời gian (giờ VN)".encode())  # the column itself says its zone
    assert site.ask("POST", "/api/v1/storms/import?name=bao.csv&number=13&source=NCHMF", named)[1]["faults"] == []
    status, refused = site.ask("POST", path + "13h", text)
    assert (status, refused["detail"][0]["loc"]) == (422, ["query", "issued_at"])


def test_a_bulletin_without_a_circle_that_is_there_already_breaks_nothing(site) -> None:
    site.fleet.register([1])
    place(site, 1, NORTH, 40)
    status, refused = site.ask("POST", "/api/v1/storms", bulletin(rows("", radius_10_km="", wind="cấp 5"), apply=True))
    assert (status, "no danger area" in refused["detail"][0]["msg"]) == (422, True)
    now = datetime.now(UTC)
    bare = tuple(Point(now + timedelta(hours=n), 112.0, 16.5, {}, 5) for n in (-1, 12))
    with site.site.engine.begin() as connection:
        wanted = store.Storm(2026, None, None, False)
        store.put_bulletin(connection, wanted, store.Bulletin("NCHMF", now, bare), Actor("Lan"), now, None)
    for end in ("", "/boats", "/boats.csv"):
        assert site.get(f"/api/v1/storms/1{end}")[0] == 200
    with site.site.engine.connect() as connection:
        known = board(connection, site.site, 1, now)
        told_of = picture(Text("vi"), listed(connection, now), known)
        drawn = shapes(Text("vi"), open_ones(connection, now), now)
    assert (told_of["rows"], told_of["storm"]["radii"], len(drawn) > 0) == ([], "", True)


def test_real_storms_come_before_exercises(site) -> None:
    real = entered(site)
    exercise = entered(site, number=None, name="Diễn tập", simulated=True)
    assert [one["id"] for one in site.get("/api/v1/storms")[1]] == [real, exercise]


def test_bulletins_and_calls_can_be_added_to_and_nothing_else_and_workers_read_no_numbers(site) -> None:
    site.fleet.register([1])
    storm = entered(site)
    call = {"actor": "Lan", "registration": site.fleet.name(1), "outcome": "to_port"}
    assert site.ask("POST", f"/api/v1/storms/{storm}/calls", call)[0] == 200
    for table in ("storm_bulletin", "storm_point", "storm_call"):
        for deed in (f"DELETE FROM {table}", f"UPDATE {table} SET storm_id = storm_id", f"TRUNCATE {table} CASCADE"):
            for engine in (site.fleet.web, site.fleet.owner):
                with pytest.raises(sa.exc.DBAPIError), engine.begin() as connection:
                    connection.execute(sa.text(deed))
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), site.fleet.ingest.begin() as connection:
        connection.execute(sa.text("SELECT number FROM storm_call"))
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), site.fleet.ingest.begin() as connection:
        connection.execute(sa.text("UPDATE storm SET version = 9"))
