"""The prober on real sockets: what it may ask, frozen told from live, and a round of a city's cameras."""

import io
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from PIL import ImageDraw

from demo.camera import simulated
from demo.pictures import scene
from geo.calendar import ZONE
from geo.camera import FROZEN, OFFLINE, ONLINE
from geo.outgoing import Outgoing, allow
from ingest.blame import decode
from ingest.feed import RawBatch
from ingest.worker import Worker
from layers import discover, seed
from layers.camera import CAMERA, LAYER
from run.prober import Camera, Prober, fault_of, prober_lanes
from tests.connections import asked, connected, told
from tests.outgoing import Asked, Web, web

START = datetime(2026, 11, 29, 3, tzinfo=UTC)
PICTURE = b"\xff\xd8\xff\xda\0\2"


class Looking:
    """A prober whose time and allow-list the test sets; what it tells is kept in `said`."""

    def __init__(self, database: Any, engine: sa.Engine, outgoing: Outgoing) -> None:
        self.time, self.said, self.batches = START, list[dict[str, Any]](), list[RawBatch]()
        self.prober = Prober(CAMERA, LAYER.feeds[0], engine, outgoing, self.keep, now=lambda: self.time)

    def keep(self, batch: RawBatch) -> None:
        self.batches.append(batch)
        self.said += [json.loads(line) for line in batch.raw.split(b"\n")]

    def round(self) -> None:
        """A minute later: everything that is due is looked at."""
        with self.prober.engine.connect() as connection:
            self.prober.read(connection)
        with ThreadPoolExecutor(16) as pool:
            while (self.prober._due and self.prober._due[0][0] <= self.time) or self.prober._busy:
                self.prober.turn(pool)
        self.prober.tell()
        self.time += timedelta(minutes=1)

    def rounds(self, count: int) -> None:
        for _ in range(count):
            self.round()


def put(database: Any, *cameras: tuple[str, str]) -> None:
    for id, url in cameras:
        told(
            database.owner,
            "INSERT INTO camera (id, name, geom, received_at, observed_at, source, snapshot_url) VALUES"
            " (:id, :id, ST_SetSRID(ST_MakePoint(107.59, 16.46), 4326), now(), now(), 'test', :address)",
            id=id,
            address=url,
        )


@contextmanager
def looking(database: Any, server: Web | None = None, **given: Any) -> Iterator[Looking]:
    places = [server.place] if server else []
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
    with connected(database.ingest) as engine:
        made = Looking(database, engine, given.get("outgoing") or Outgoing(allow(places), timeout_s=2))
        with made.prober.reader:
            yield made


def counting() -> Callable[[Any], bytes]:
    """Each answer is another picture, but for the address /frozen, which has the same one with another note."""
    numbers = itertools.count()

    def before(one: Any) -> bytes:
        number = next(numbers)
        still = b"\xff\xd8\xff\xfe\0\6%04d" % number + b"\xff\xda\0\2still"
        return still if "frozen" in one.path else PICTURE + str(number).encode()

    return before


def test_a_frozen_picture_is_told_from_a_live_one_and_one_that_is_gone(database) -> None:
    with web() as server, looking(database, server) as at:
        server.before = counting()
        put(database, ("live", f"http://{server.place}/live"), ("still", f"http://{server.place}/frozen"),
            ("gone", "http://127.0.0.1:1/x"))  # fmt: skip
        at.prober.outgoing = Outgoing(allow([server.place, "127.0.0.1:1"]), timeout_s=2)
        at.rounds(8)
        states = {name: state.health for name, state in at.prober.states.items()}
        assert states == {"live": ONLINE, "still": FROZEN, "gone": OFFLINE}
        last = {one["id"]: one for one in at.said}
        assert last["still"]["fault"] == "same_picture"
        assert last["gone"]["fault"] == "unreachable"
        # It moves again.
        told(
            database.owner,
            "UPDATE camera SET snapshot_url = :address WHERE id = 'still'",
            address=f"http://{server.place}/a",
        )
        at.rounds(3)
        assert at.prober.states["still"].health == ONLINE


def test_a_recorders_clock_does_not_hide_that_the_picture_stands_still(database) -> None:
    (camera, *_) = simulated()

    def before(one: Any) -> bytes:
        at_second = datetime.fromtimestamp(next(seconds), ZONE)
        seen = scene(camera, START if "still" in one.path else at_second)
        draw = ImageDraw.Draw(seen)
        draw.text((10, 8), f"{at_second:%H:%M:%S}", fill=(250, 250, 0))
        made = io.BytesIO()
        seen.save(made, "JPEG")
        return made.getvalue()

    seconds = itertools.count(round(START.timestamp()), 17)
    with web() as server, looking(database, server) as at:
        server.before = before
        put(database, *((name, f"http://{server.place}/{name}") for name in ("live", "still")))
        at.rounds(8)
        assert {name: state.health for name, state in at.prober.states.items()} == {"live": ONLINE, "still": FROZEN}


def test_promise_17_a_camera_outside_the_list_is_never_called(database) -> None:
    with web() as server, looking(database) as at:
        put(database, ("c", f"http://{server.place}/a.jpg"))
        at.rounds(4)
        assert server.asked == []
        assert at.said[-1]["fault"] == "not_allowed"


def test_promise_17_a_cameras_redirect_is_not_followed(database) -> None:
    with web() as server, web() as other, looking(database, server) as at:
        server.status, server.headers = 302, {"Location": f"http://{other.place}/a.jpg"}
        other.body = PICTURE
        at.prober.outgoing = Outgoing(allow([server.place, other.place]), timeout_s=2)
        put(database, ("c", f"http://{server.place}/a.jpg"))
        at.rounds(3)
        assert other.asked == []
        assert at.said[-1]["fault"] == "status_302"


def test_promise_17_a_name_whose_answer_changes_leads_nowhere_else(database) -> None:
    """First the camera, then this machine itself: the second answer is refused, and each look resolves once."""
    answers: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        answers.append("203.0.113.7" if not answers else "127.0.0.1")
        return answers[-1:]

    with web() as server, looking(database) as at:
        server.body = PICTURE
        outgoing = Outgoing(allow([f"cam.example:{server.port}"]), timeout_s=0.3, resolve=resolve)
        at.prober.outgoing = outgoing
        put(database, ("c", f"http://cam.example:{server.port}/a.jpg"))
        at.rounds(3)
        assert server.asked == []  # though it listens where the second answer points
        assert len(answers) == 3
        assert at.said[-1]["fault"] == "not_allowed"


@pytest.mark.parametrize(
    ("body", "fault"),
    [(b"<svg onload=alert(1)>", "not_image"), (b"", "not_image"), (PICTURE + b"x" * (5 << 20), "too_long")],
    ids=["svg", "empty", "large"],
)
def test_promise_17_only_pictures_of_five_megabytes(database, body: bytes, fault: str) -> None:
    with web() as server, looking(database, server) as at:
        server.body = body
        put(database, ("c", f"http://{server.place}/a.jpg"))
        at.rounds(3)
        assert at.said[-1]["fault"] == fault


def test_a_camera_that_is_long_away_is_not_old_between_two_looks(database) -> None:
    with looking(database) as at:
        put(database, ("gone", "http://127.0.0.1:1/x"))  # nobody allows it
        at.rounds(60)
        assert at.prober.limits is not None
        times = [datetime.fromisoformat(one["observed_at"]) for one in at.said]
        between = [(later - before).total_seconds() for before, later in itertools.pairwise(times)]
        assert max(between) == at.prober.limits.rest_most.total_seconds()
        assert max(between) < LAYER.style.stale_s - 60


def test_a_look_that_missed_does_not_make_what_was_seen_before_look_new(database) -> None:
    with web() as server, looking(database, server) as at:
        server.before = counting()
        put(database, ("c", f"http://{server.place}/a.jpg"))
        at.rounds(4)
        server.status = 500
        at.rounds(3)  # the second of them, five minutes after it was told, would tell it again
        assert [(one["health"], one["observed_at"]) for one in at.said] == [
            (ONLINE, START.isoformat()),
            (OFFLINE, (START + timedelta(minutes=6)).isoformat()),
        ]


def test_what_was_missed_and_seen_again_is_told_when_it_was_seen(database) -> None:
    with web() as server, looking(database, server) as at:
        server.before = counting()
        put(database, ("c", f"http://{server.place}/a.jpg"))
        at.rounds(4)
        server.status = 500
        at.rounds(2)
        server.status = 200
        at.round()
        assert [(one["health"], one["observed_at"]) for one in at.said] == [
            (ONLINE, START.isoformat()),
            (ONLINE, (START + timedelta(minutes=6)).isoformat()),
        ]


def test_what_drips_is_cut(database) -> None:
    with web() as server, looking(database, server, outgoing=Outgoing(allow([server.place]), timeout_s=0.3)) as at:
        server.body, server.dripping_s = PICTURE * 20, 0.1
        look = at.prober.look(Camera("c", f"http://{server.place}/", False))
        assert look.fault == "late"


def test_what_was_known_before_a_restart_counts_on(database) -> None:
    with web() as server, looking(database, server) as at:
        server.body = PICTURE
        put(database, ("c", f"http://{server.place}/a.jpg"))
        told(database.owner, "UPDATE camera SET health = 3, health_since = '2026-11-28T00:00Z', fault = 'late'")
        at.round()
        assert at.prober.states["c"].health == OFFLINE
        assert at.said[0]["health_since"].startswith("2026-11-28")
        server.body = PICTURE + b"2"
        at.rounds(2)
        assert at.said[-1]["health"] == ONLINE


def test_a_redis_that_is_away_costs_no_news(database) -> None:
    with web() as server, looking(database, server) as at:
        server.body = PICTURE
        put(database, ("c", f"http://{server.place}/a.jpg"))

        def away(batch: RawBatch) -> None:
            raise redis.ConnectionError("away")

        at.prober.keep = away
        at.round()
        assert at.said == []
        at.prober.keep = at.keep
        at.prober.tell()
        assert [one["id"] for one in at.said] == ["c"]


def test_what_it_tells_reaches_the_table_by_the_way_of_all_records(database, redis_server: str) -> None:
    with web() as server, looking(database, server) as at:
        server.body = PICTURE
        put(database, ("real", f"http://{server.place}/a.jpg"), ("made", f"http://{server.place}/b.jpg"))
        told(database.owner, "UPDATE camera SET simulated = true WHERE id = 'made'")
        at.time = datetime.now(UTC)
        at.rounds(2)
        with connected(database.ingest) as ingest, redis.Redis.from_url(redis_server) as client:
            with ingest.connect() as connection:
                lanes = {lane.source.name: lane for lane in prober_lanes(connection, discover())}
            worker = Worker(list(lanes.values()), ingest, client)
            with ingest.connect() as connection:
                worker._claim(connection)
                worker._reload(connection)
                for batch in at.batches:
                    lane = lanes[batch.source]
                    worker.process(connection, lane, [(batch, decode(lane, batch))])
    rows = asked(database.owner, "SELECT id, name, health, simulated, snapshot_url <> '' AS u FROM camera ORDER BY id")
    assert rows == [
        {"id": "made", "name": "made", "health": 0, "simulated": True, "u": True},
        {"id": "real", "name": "real", "health": 0, "simulated": False, "u": True},
    ]


def test_a_few_at_once_and_fewer_at_one_place(database) -> None:
    most = {"now": 0, "most": 0}
    with web() as server, looking(database, server) as at:
        server.body = PICTURE

        def before(one: Any) -> None:
            most["now"] += 1
            most["most"] = max(most["most"], most["now"])
            time.sleep(0.05)
            most["now"] -= 1

        server.before = before
        put(database, *[(f"c{n}", f"http://{server.place}/{n}.jpg") for n in range(12)])
        at.time += timedelta(minutes=1)
        at.round()
        at.round()
        assert at.prober.limits is not None
        assert 1 < most["most"] <= at.prober.limits.at_once_a_place
        assert len({one.path for one in server.asked}) == 12


def test_a_place_with_many_cameras_that_hang_does_not_keep_others_from_being_looked_at(database) -> None:
    going = threading.Event()

    def before(one: Asked) -> bytes:
        going.wait(20)
        return PICTURE

    def put_all(server: Web, count: int, name: str) -> None:
        told(
            database.owner,
            f"INSERT INTO camera (id, geom, received_at, source, snapshot_url) SELECT '{name} ' || n,"
            f" ST_SetSRID(ST_MakePoint(107.59, 16.46), 4326), now(), 'test', 'http://{server.place}/' || n"
            f" FROM generate_series(1, {count}) n",
        )
        with at.prober.engine.connect() as connection:
            at.prober.read(connection)
        at.time += timedelta(minutes=1)

    with web() as hanging, web() as server, looking(database) as at, ThreadPoolExecutor(16) as pool:
        at.prober.outgoing = Outgoing(allow([hanging.place, server.place]), timeout_s=5)
        hanging.before, server.body = before, PICTURE
        put_all(hanging, 250, "hanging")  # all of them due before any other
        put_all(server, 10, "other")
        began = time.monotonic()
        while len(server.asked) < 10 and time.monotonic() - began < 4:
            at.prober.turn(pool)
        assert len({one.path for one in server.asked}) == 10
        assert at.prober.limits is not None
        assert len(hanging.asked) == at.prober.limits.at_once_a_place
        going.set()
        while len({one.path for one in hanging.asked}) < 250:  # nor is one of those forgotten
            at.prober.turn(pool)
        assert len(hanging.asked) == 250


@pytest.mark.timeout(120)
def test_twelve_hundred_cameras_take_less_than_their_minute(database) -> None:
    with web() as server, looking(database, server) as at:
        server.body = PICTURE
        rows = ", ".join(
            f"('c{n}', 'c{n}', ST_SetSRID(ST_MakePoint(107.59, 16.46), 4326), now(), 'test', 'http://{server.place}/{n}')"
            for n in range(1200)
        )
        told(database.owner, f"INSERT INTO camera (id, name, geom, received_at, source, snapshot_url) VALUES {rows}")
        with at.prober.engine.connect() as connection:
            at.prober.read(connection)
        at.time += timedelta(minutes=1)
        began = time.monotonic()
        at.round()
        took = time.monotonic() - began
        assert len({one["id"] for one in at.said}) == 1200
        assert len(server.asked) == 1200
        assert took < 60


def test_faults_of_the_way_out_have_names() -> None:
    assert fault_of("cam:80 is not allowed; an administrator may add it to X") == "not_allowed"
    assert fault_of("the name cam cannot be resolved: no address") == "name"
    assert fault_of("cam:80 did not answer within 5 s") == "late"
    assert fault_of("the address must not hold a user or a password") == "address"
    assert fault_of("cam:80 cannot be reached: Connection refused") == "unreachable"
