"""A camera's picture and stream through our own server, on real sockets."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urljoin

import pytest
import uvicorn
from fastapi import FastAPI

from access.cameras import media_type, rewritten
from access.site import Site
from api import cameras, features
from geo.outgoing import allow
from layers import discover
from run.port import choose
from run.process import wait_for
from tests.connections import connected, told
from tests.outgoing import Asked, Web, web

PICTURE = b"\xff\xd8\xff\xda\0\2picture"
PIECE = b"\x47" + b"\0" * 187 + b"\x47" + b"\1" * 187


@dataclass
class Answered:
    """What our own server answered."""

    status_code: int
    content: bytes
    headers: dict[str, str]

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Client:
    """Asks our own server."""

    port: int

    def get(self, path: str) -> Answered:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answered(answer.status, answer.read(), named)
        finally:
            connection.close()


@contextmanager
def standing(database: Any, *allowed: str) -> Iterator[Client]:
    with connected(database.web) as engine:
        site = Site(engine, "redis://127.0.0.1:1/0", discover(), "Huế", "Hue", (16.46, 107.59, 12))
        application = FastAPI()
        cameras.mount(application, replace(site, outgoing_allowed=allow(allowed)))
        features.mount(application, site)
        port = choose()
        server = uvicorn.Server(uvicorn.Config(application, port=port, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            assert wait_for(lambda: server.started, 30)
            yield Client(port)
        finally:
            server.should_exit = True
            thread.join(20)


def put(database: Any, id: str = "c1", snapshot: str | None = None, hls: str | None = None) -> None:
    told(
        database.owner,
        "INSERT INTO camera (id, name, geom, received_at, source, snapshot_url, hls_url, azimuth_deg,"
        """
         field_of_view_deg) VALUES (:id, :id, ST_SetSRID(ST_MakePoint(107.59, 16.46), 4326), now(),
        'test', :snapshot, :hls, 0, 90)
        """,
        id=id, snapshot=snapshot, hls=hls,
    )  # fmt: skip


def test_a_picture_comes_through_us_as_what_it_is_and_runs_nothing(database) -> None:
    with web() as server, standing(database, server.place) as client:
        server.body, server.headers = PICTURE, {"Content-Type": "text/html"}
        put(database, "Cầu 1/2", f"http://{server.place}/secret.jpg")
        answer = client.get(f"/api/v1/cameras/{quote('Cầu 1')}/snapshot")
        assert answer.status_code == 404
        assert client.get(f"/api/v1/cameras/{quote('Cầu 1')}%00/snapshot").status_code == 422
        told(database.owner, "UPDATE camera SET id = 'Cầu 1'")
        answer = client.get(f"/api/v1/cameras/{quote('Cầu 1')}/snapshot")
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PICTURE, "image/jpeg")
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        # However many look, the camera is asked once a second.
        for _ in range(20):
            client.get(f"/api/v1/cameras/{quote('Cầu 1')}/snapshot")
        assert len(server.asked) <= 2


@pytest.mark.parametrize(
    "answers",
    [
        lambda server: setattr(server, "body", b"<svg onload=alert(1)>"),
        lambda server: setattr(server, "status", 500),
        lambda server: (setattr(server, "status", 302), server.headers.update(Location="http://10.1.1.1/")),
        lambda server: setattr(server, "body", PICTURE + b"x" * (5 << 20)),
        lambda server: server.headers.update({"Content-Length": "999"}),
    ],
    ids=["svg", "500", "redirect", "large", "cut"],
)
def test_promise_17_what_is_no_picture_is_not_passed_on(database, answers: Callable[[Web], Any]) -> None:
    with web() as server, standing(database, server.place) as client:
        server.body = PICTURE
        answers(server)
        put(database, snapshot=f"http://{server.place}/a.jpg")
        answer = client.get("/api/v1/cameras/c1/snapshot")
        assert answer.status_code == 502
        assert str(server.port) not in answer.text  # nor does anybody learn where it is


def test_promise_17_a_picture_outside_the_list_is_never_asked_for(database) -> None:
    with web() as server, standing(database) as client:
        put(database, snapshot=f"http://{server.place}/a.jpg", hls=f"http://{server.place}/a.m3u8")
        for path in ("snapshot", "hls/playlist.m3u8"):
            answer = client.get(f"/api/v1/cameras/c1/{path}")
            assert answer.status_code == 502
            assert "administrator" in answer.text
            assert "127.0.0.1" not in answer.text
        assert server.asked == []


def test_who_would_wait_beside_those_that_wait_for_cameras_is_told_to_come_again(database, monkeypatch) -> None:
    """Else cameras that hang would take all the threads that answer everybody."""
    monkeypatch.setattr("access.cameras.WATCHING_MOST", 1)
    going = threading.Event()
    with web() as server, standing(database, server.place) as client, ThreadPoolExecutor(1) as pool:

        def before(one: Asked) -> bytes:
            going.wait(20)
            return PICTURE

        server.before = before
        for id in ("c1", "c2"):
            put(database, id, f"http://{server.place}/{id}.jpg", f"http://{server.place}/{id}.m3u8")
        first = pool.submit(client.get, "/api/v1/cameras/c1/snapshot")
        assert wait_for(lambda: bool(server.asked), 10)
        for path in ("c1/snapshot", "c2/snapshot", "c2/hls/playlist.m3u8"):
            answer = client.get(f"/api/v1/cameras/{path}")
            assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1")
        assert len(server.asked) == 1
        going.set()
        assert first.result().content == PICTURE
        assert client.get("/api/v1/cameras/c2/snapshot").content == PICTURE


def test_while_a_camera_that_failed_is_asked_again_the_others_are_told_how_it_failed(database, monkeypatch) -> None:
    monkeypatch.setattr("access.cameras.PICTURE_LASTS_S", 0.0)
    going, url = threading.Event(), "/api/v1/cameras/c1/snapshot"
    with web() as server, standing(database, server.place) as client, ThreadPoolExecutor(1) as pool:
        server.status = 500
        put(database, "c1", f"http://{server.place}/a.jpg")
        assert client.get(url).status_code == 502

        def before(one: Asked) -> bytes:
            going.wait(20)
            return PICTURE

        server.status, server.before = 200, before
        again = pool.submit(client.get, url)
        assert wait_for(lambda: len(server.asked) == 2, 10)
        answer = client.get(url)
        assert (answer.status_code, "it answered 500" in answer.text) == (502, True)
        assert len(server.asked) == 2
        going.set()
        assert again.result().content == PICTURE


def test_a_stream_is_walked_through_us_from_playlist_to_piece(database) -> None:
    with web() as server, web() as elsewhere, standing(database, server.place) as client:
        bodies = {
            "/live/master.m3u8": b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow/index?k=secret\n",
            "/live/low/index?k=secret": (
                '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:2,\n../seg1.ts\n#EXTINF:2,\n'
                f"http://{elsewhere.place}/seg2.ts\n"
            ).encode(),
            "/live/seg1.ts": PIECE,
            "/live/low/init.mp4": b"\0\0\0\x18ftypmp42",
        }

        def before(one: Asked) -> None:
            server.status, server.body = (200, bodies[one.path]) if one.path in bodies else (404, b"")

        server.before, elsewhere.body = before, PIECE
        put(database, hls=f"http://{server.place}/live/master.m3u8")
        address = "/api/v1/cameras/c1/hls/playlist.m3u8"
        master = client.get(address)
        assert master.headers["content-type"] == "application/vnd.apple.mpegurl"
        (low,) = [line for line in master.text.splitlines() if not line.startswith("#")]
        address = urljoin(address, low)  # as a player goes: from where each playlist was found
        index = client.get(address)
        inner = [line for line in index.text.splitlines() if not line.startswith("#")]
        for text in (master.text, index.text):
            assert "secret" not in text
            assert "127.0.0.1" not in text
        piece = client.get(urljoin(address, inner[0]))
        assert (piece.content, piece.headers["content-type"]) == (PIECE, "video/mp2t")
        name = index.text.partition('URI="')[2].partition('"')[0]
        assert client.get(urljoin(address, name)).headers["content-type"] == "video/mp4"
        # A piece that lies with somebody who is not allowed is not fetched.
        assert client.get(urljoin(address, inner[1])).status_code == 502
        assert elsewhere.asked == []
        # No name of a browser's own making leads anywhere.
        assert client.get(urljoin(address, "0" * 24)).status_code == 404
        assert client.get(address.rpartition("/")[0] + "/http:%2F%2F127.0.0.1").status_code in (404, 422)


def test_a_playlist_has_our_names_wherever_it_points() -> None:
    text = '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="k.key",IV=0x1\n\n#EXTINF:2,\na.ts\n'
    named = rewritten(text, lambda told: told.upper())
    assert named == '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="K.KEY",IV=0x1\n\n#EXTINF:2,\nA.TS\n'


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (PIECE, "video/mp2t"),
        (b"\0\0\0\x18styp....", "video/mp4"),
        (b"<html>", None),
        (b"", None),
        (b"WEBVTT\n", "text/vtt"),
    ],
)
def test_pieces_go_by_their_bytes(body: bytes, kind: str | None) -> None:
    assert media_type(body) == kind


def test_what_looks_at_a_place_and_what_nobody_is_told(database) -> None:
    with standing(database) as client:
        put(database, snapshot="http://10.9.8.7/secret.jpg")
        found = client.get("/api/v1/cameras/looking?lon=107.59&lat=16.4609").json()["cameras"]
        assert [(one["id"], one["picture"]) for one in found] == [("c1", True)]
        assert client.get("/api/v1/cameras/looking?lon=999&lat=0").status_code == 422
        told_all = client.get("/api/v1/layers/camera/features").text
        assert '"c1"' in told_all
        assert "10.9.8.7" not in told_all + str(found)


@pytest.mark.alone
def test_twelve_hundred_cameras_are_answered_for_within_a_tenth_of_a_second(database) -> None:
    told(
        database.owner,
        "INSERT INTO camera (id, name, geom, received_at, source, azimuth_deg, field_of_view_deg, health)"
        " SELECT 'c' || n, 'Camera ' || n,"
        """
         ST_SetSRID(ST_MakePoint(107.55 + random() * 0.08, 16.43 + random() * 0.08), 4326), now(),
        'test', random() * 360, 70, 0 FROM generate_series(1, 1200) n
        """,
    )
    told(database.owner, "ANALYZE camera")
    with standing(database) as client:
        for path in ("cameras/looking?lon=107.59&lat=16.46", "layers/camera/features?limit=1200&bbox=107,16,108,17"):
            took = []
            for _ in range(7):
                began = time.perf_counter()
                assert client.get(f"/api/v1/{path}").status_code == 200
                took.append(time.perf_counter() - began)
            assert min(took) < 0.1, (path, took)
