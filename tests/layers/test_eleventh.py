"""Adding an eleventh service is adding one file: proven in a copy of the tree, with real servers and processes."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from layers import discover
from run.port import choose
from run.process import Program, Running, start, wait_for
from tests.connections import asked, told

ROOT = Path(__file__).resolve().parents[2]
SIREN = '''"""Sirens on poles: whether each is sounding, and how loud."""

import json
from collections.abc import Iterable

from sqlalchemy import Boolean, Column, Float, Text

from geo.rule import Rule
from geo.table import station
from ingest.feed import Feed
from ingest.json_lines import json_lines, json_push
from ingest.lines import LineFramer
from layers.layer import Field, Kind, Kpi, Layer, Style

SIREN = station(
    "siren",
    [Column("loud_db", Float), Column("sounding", Boolean)],
    [Column("name", Text, info={"label": True, "search": True})],
)


def sample() -> Iterable[bytes]:
    """One siren at the Perfume River."""
    yield json.dumps({"id": "s1", "name": "Còi Phú Xuân", "lon": 107.58, "lat": 16.47, "loud_db": 101.5}).encode()


LAYER = Layer(
    vi="Còi báo động",
    en="Sirens",
    group="city",
    shape=SIREN,
    order=20,
    feeds=(
        Feed("siren", ("udp://127.0.0.1:10811",), LineFramer, json_lines(SIREN), sample, 30.0, json_push(SIREN)),
    ),
    style=Style(
        kinds=(
            Kind("loud", "Đang hú", "Sounding", "diamond", "high", {"loud_db": (90, None)}),
            Kind("still", "Im", "Silent", "dot", "ink-3"),
        ),
        label="name",
        value="loud_db",
        stale_s=60,
        lost_s=600,
    ),
    rules=(
        Rule("siren_loud", "inside", "siren", "Còi hú trong vùng ven bờ", "Siren sounds in the coastal zone", "medium",
             "ven_bo", qualifies={"loud_db": (90, None)}),
    ),
    fields=(Field("loud_db", "dB", "Độ ồn", "Loudness"),),
    kpis=(Kpi("sounding", "Đang hú", "Sounding", "count(*) FILTER (WHERE loud_db >= 90)"),),
)
'''


@pytest.fixture
def copy(home_directory: Path) -> Path:
    """The tree with one more file in layers/."""
    tree = home_directory / "tree"
    kept = ("geo", "ingest", "layers", "access", "api", "pages", "run", "demo", "bench", "sql", "assets")
    for room in kept:
        if (ROOT / room).is_dir():
            shutil.copytree(ROOT / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "settings.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tree / name)
    (tree / "layers" / "siren.py").write_text(SIREN, "utf-8")
    return tree


@contextmanager
def running(tree: Path, environment: dict[str, str], *commands: str) -> Iterator[dict[str, Running]]:
    with ExitStack() as stack:
        children = {}
        for command in commands:
            program = Program(
                command, (sys.executable, "app.py", command), tree / f"{command}.log", environment, cwd=tree
            )
            children[command] = start(program)
            stack.callback(children[command].stop)
        yield children


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())


def pushed(url: str, token: str, records: Any) -> Any:
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    request = urllib.request.Request(url, json.dumps(records).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def first_word(port: int) -> dict[str, Any]:
    """The first message of the live stream, which is the hello."""
    from websockets.sync.client import connect

    with connect(f"ws://127.0.0.1:{port}/api/v1/live") as live:
        return json.loads(live.recv(timeout=20))


def test_an_eleventh_service_is_one_file(copy: Path, empty_database, redis_server: str) -> None:
    web, heard = choose(), choose(socket.SOCK_DGRAM)
    environment = {
        **empty_database.environment(),
        "REDIS_URL": redis_server,
        "HAIDANG_PORT": str(web),
        "HAIDANG_HOME": str(copy / "home"),
        "HAIDANG_FEED_SOURCES": json.dumps({"ais": [], "siren": [f"udp://127.0.0.1:{heard}"]}),
    }
    upgrade = [sys.executable, "app.py", "db", "upgrade"]
    done = subprocess.run(
        upgrade, cwd=copy, env={**os.environ, **environment}, capture_output=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"table siren" in done.stdout
    told(empty_database.owner, "UPDATE fence SET hysteresis_m = 100 WHERE key = 'ven_bo'")

    base = f"http://127.0.0.1:{web}/api/v1"
    lines = [
        {"id": "s1", "name": "Còi Thuận An", "lon": 107.75, "lat": 16.72, "loud_db": 104.0, "sounding": True},
        {"id": "s2", "name": "Còi Lăng Cô", "lon": 108.07, "lat": 16.25, "loud_db": 20.0},
        {"id": "s3", "lon": 999, "lat": 0},
    ]
    data = b"\n".join(json.dumps(line).encode() for line in lines)

    with running(copy, environment, "receive", "work", "web") as children:

        def all_alive() -> bool:
            dead = [name for name, child in children.items() if child.poll() is not None]
            assert not dead, {name: (copy / f"{name}.log").read_text()[-2000:] for name in dead}
            return True

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:

            def stored() -> bool:
                all_alive()
                sock.sendto(data, ("127.0.0.1", heard))
                return asked(empty_database.owner, "SELECT count(*) FROM siren") == [{"count": 2}]

            assert wait_for(stored, 90, every_s=0.2)

        # Its alarm, judged like any other's.
        (alarm,) = asked(empty_database.web, "SELECT layer, object_key, object_label, severity FROM alarm")
        assert alarm == {"layer": "siren", "object_key": "s1", "object_label": "Còi Thuận An", "severity": "medium"}
        (feed,) = asked(empty_database.web, "SELECT source, layer, received, accepted, rejected FROM feed")
        assert (feed["source"], feed["layer"]) == (f"siren.udp{heard}", "siren")
        assert feed["received"] == feed["accepted"] + feed["rejected"]["position"]

        # Its routes, docs and figures.
        def served() -> bool:
            all_alive()
            try:
                return bool(get(f"http://127.0.0.1:{web}/healthz"))
            except OSError:
                return False

        assert wait_for(served, 90, every_s=0.2)
        described = {layer["name"]: layer for layer in get(f"{base}/layers")}
        assert set(described) == {"siren", "warning", *(layer.name for layer in discover())}  # areas are told beside
        assert described["siren"]["kpi_values"] == {"sounding": 1}
        assert [kind["name"] for kind in described["siren"]["kinds"]] == ["loud", "still"]
        found = get(f"{base}/layers/siren/features?bbox=107,16,108,17")["features"]
        assert [(item["id"], item["properties"]["name"]) for item in found] == [("s1", "Còi Thuận An")]
        # Sirens know their communes, and their figures are told by commune, without a word about it in their file.
        every = get(f"{base}/layers/siren/features")["features"]
        communes = {item["id"]: (item["properties"]["commune"], item["properties"]["commune_name"]) for item in every}
        assert communes == {"s1": (None, None), "s2": ("20137", "Xã Chân Mây - Lăng Cô")}  # s1 stands at sea
        assert get(f"{base}/areas/values?kpi=siren.sounding")["unplaced"] == 1
        paths = get(f"http://127.0.0.1:{web}/api/openapi.json")["paths"]
        assert "/api/v1/layers/{layer}/features" in paths
        with urllib.request.urlopen(f"http://127.0.0.1:{web}/metrics", timeout=10) as answer:
            assert 'haidang_layer_kpi{kpi="sounding",layer="siren"} 1.0' in answer.read().decode()

        # Others push into it with a key, by the schema that its one file gives.
        record = get(f"http://127.0.0.1:{web}/api/openapi.json")["paths"]["/api/v1/layers/siren/records"]["post"]
        schema = record["requestBody"]["content"]["application/json"]["schema"]["anyOf"][0]
        assert schema["required"] == ["id"]
        assert set(schema["properties"]) == {
            "id", "loud_db", "sounding", "name", "observed_at", "lon", "lat", "record_id",
        }  # fmt: skip
        assert schema["properties"]["loud_db"]["description"] == "Độ ồn · Loudness · [dB]"
        key = [sys.executable, "app.py", "user", "token", "add", "tower", "--layer", "siren", "--json"]
        made = subprocess.run(key, cwd=copy, env={**os.environ, **environment}, capture_output=True, check=True)
        told_records = [{"id": "s4", "loud_db": 95}, {"id": "s5", "loud_db": "95"}]
        answer = pushed(f"{base}/layers/siren/records", json.loads(made.stdout)["token"], told_records)
        assert answer["accepted"] == 1
        assert (answer["rejected"][0]["index"], answer["rejected"][0]["field"]) == (1, "loud_db")
        loud = "SELECT loud_db, source FROM siren WHERE id = 's4'"
        assert wait_for(lambda: all_alive() and bool(asked(empty_database.owner, loud)), 30, every_s=0.2)
        assert asked(empty_database.owner, loud) == [{"loud_db": 95.0, "source": "siren.push.tower"}]

        # And it is drawn: the live stream says so in its first word.
        hello = first_word(web)
        assert hello["type"] == "hello"
        assert {layer["name"] for layer in hello["layers"]} == described.keys() - {"warning"}
