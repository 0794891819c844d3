"""The evidence pack over a real database: what is in it, byte for byte again whatever came since, masked, provable."""

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from shapely import box

from access import evidence
from access.evidence import Refused, assemble
from access.evidence_pack import Pack, zipped
from access.site import Site
from geo import canonical, desk
from geo.actor import SYSTEM, Actor
from geo.alarm import withdraw_alarm
from geo.archive import close_day
from geo.case_work import Deed, add_note, close_case, log_contact
from geo.contact import Contact
from geo.fence import Fence, fences, save_fence
from geo.fleet import boat_of, put_boat
from geo.handling import acknowledge
from geo.track import Past, every_fix
from layers import discover, seed
from layers.vms import VMS
from tests import boat_past
from tests.boat_past import NAME, WHO
from tests.connections import asked, connected

PDF = b"%PDF"
LAN = Actor("Lan")
# One number of nobody as people write it.
SPELLINGS = (
    "0987 654 321", "(0987) 654 321", "0987/654/321", "0987\u2013654\u2013321", "0987  654  321", "0987\xa0654\xa0321",
    "84987654321", "0084987654321",
)  # fmt: skip
AREA = Fence("cam_1", "area", "Khu cấm 1", "Closed 1", box(108.2, 17.0, 108.4, 17.2))


@dataclass
class Scene:
    """A centre with the boat's week; NOW is when it was laid, `known` half a minute after the last thing in it."""

    site: Site
    owner: sa.Engine
    now: datetime

    @property
    def known(self) -> datetime:
        return self.now + timedelta(minutes=3)

    def pack(self, as_of: datetime | None = None, days: float = 7, key: str = NAME) -> Pack:
        with self.site.engine.connect() as connection:
            span = (self.now - timedelta(days=days), self.now)
            return assemble(connection, self.site, key, *span, as_of or self.known, self.now + timedelta(hours=1))

    def zip(self, as_of: datetime | None = None) -> bytes:
        return zipped(self.site, self.pack(as_of), PDF)

    def later(self, minutes: float = 10) -> datetime:
        return self.known + timedelta(minutes=minutes)


@pytest.fixture
def scene(database: Any, tmp_path: Path) -> Iterator[Scene]:
    with connected(database.owner) as owner, connected(database.ingest) as ingest, connected(database.web) as web:
        with owner.begin() as connection:
            seed(connection, discover())
        now = datetime.now(UTC)
        boat_past.lay(owner, ingest, now)
        site = Site(web, "redis://127.0.0.1:1", discover(), "Huế", "Huế", (16.6, 107.9, 10), archive=tmp_path)
        with web.begin() as connection:
            deed = Deed(LAN, now + timedelta(minutes=1))
            log_contact(connection, 1, deed, "chủ tàu", "0912345678", f"Gọi lại qua {', '.join(SPELLINGS)}")
            save_fence(connection, AREA, LAN, now - timedelta(days=2), "hỏi 0912345678")
            save_fence(connection, replace(AREA, name_vi="Khu cấm 1 rộng"), LAN, now - timedelta(days=1))
        yield Scene(site, owner, now)


def files(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def rows(packed: bytes, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files(packed)[name].decode("utf-8-sig"))))


def test_what_is_in_a_pack(scene: Scene) -> None:
    packed = scene.zip()
    track = rows(packed, "track_vms.csv")
    assert len(track) == len(boat_past.fixes(scene.now))
    assert track[0] | {"row_sha256": ""} == {
        "observed_at": canonical.moment(scene.now - timedelta(days=7)),
        "received_at": canonical.moment(scene.now - timedelta(days=7) + timedelta(seconds=20)),
        "lon": "107.6400000", "lat": "16.5570000", "speed": "0.0", "course": "0.0", "heading": "", "status": "",
        "device": "VNT-91234", "provider": "vnpt", "manual": "false", "source": "vms.test", "anomaly": "[]",
        "counts": "true", "simulated": "false", "row_sha256": "",
    }  # fmt: skip
    lines, *points = json.loads(files(packed)["track_vms.geojson"])["features"]
    assert [len(points), lines["geometry"]["type"], len(lines["geometry"]["coordinates"])] == [
        len(track), "MultiLineString", 2,
    ]  # fmt: skip
    assert lines["properties"]["gap_after_min"] == 150
    (alarm,) = rows(packed, "alarms.csv")
    assert (alarm["rule"], alarm["cleared_at"]) == ("vms_loss", "")
    (case,) = rows(packed, "cases.csv")
    assert (case["kind"], case["stage"], case["contacts"], case["closed_at"]) == ("loss", "LOST", "1", "")
    assert [line["kind"] for line in rows(packed, "case_journal.csv")] == ["stage", "contact"]
    (register,) = json.loads(files(packed)["register.json"])[1:]
    assert (register["version"], register["value"]["power_kw"]) == (2, 420.0)
    assert [one.to_port for one in scene.pack().trips] == ["cang_thuan_an", None]


def test_fences_are_those_that_were_in_force_then_with_what_they_are_not(scene: Scene) -> None:
    found = {one["id"]: one for one in json.loads(files(scene.zip())["fences.geojson"])["features"]}
    first, second = (found[f"cam_1@{n}"]["properties"] for n in (1, 2))
    change = canonical.moment(scene.now - timedelta(days=1))
    assert (first["in_force_from"], first["in_force_to"]) == (None, change)
    assert (second["in_force_from"], second["in_force_to"], second["name_vi"]) == (change, None, "Khu cấm 1 rộng")
    assert found["tuyen_bo@1"]["properties"]["reference_note"] == "sơ đồ tham khảo, không phải căn cứ pháp lý"
    assert "reference_note" not in first
    with scene.site.engine.connect() as connection:  # of the last hours the first version was in force no more
        span = (scene.now - timedelta(hours=20), scene.now, scene.known, scene.known + timedelta(hours=1))
        late = assemble(connection, scene.site, NAME, *span)
    assert [row["version"] for row in late.fences if row["key"] == "cam_1"] == [2]


def test_the_same_request_gives_the_same_bytes_whatever_came_since(scene: Scene) -> None:
    before, later = scene.zip(), scene.later()
    assert scene.zip() == before
    # A late fix of the middle of the track, one of a second device, and the archive's move of a day.
    gap = scene.now - timedelta(hours=75)
    boat_past.hear(scene.owner, [{"at": gap, "lon": 108.5, "lat": 17.1}], received=later)
    day = (scene.now - timedelta(days=5)).date()
    assert close_day(scene.owner, scene.site.archive, VMS, day, later) is not None
    # A fence is redrawn, another one is new; the register has another MMSI and owner; rules change.
    with scene.site.engine.begin() as connection:
        save_fence(connection, replace(AREA, geom=box(108.0, 17.0, 108.5, 17.3)), LAN, later)
        save_fence(connection, Fence("cam_2", "area", "Khu 2", "2", box(108.5, 17.0, 108.6, 17.2)), LAN, later)
        boat = boat_of(connection, NAME)
        put_boat(connection, replace(boat, mmsi=574091235), WHO, later, people=[Contact("owner", "Khác", "0912000000")])
    # The alarm is acknowledged, then withdrawn; the case is worked on and closed.
    with scene.site.engine.begin() as connection:
        number = desk.alarms_of(connection, "vms", NAME, later)[0]["id"]
        assert acknowledge(connection, number, LAN, "đã rõ", later)
        assert withdraw_alarm(connection, number, SYSTEM, "dữ liệu đến muộn", later)
        add_note(connection, 1, Deed(LAN, later), "ghi thêm")
        close_case(connection, 1, Deed(LAN, later, boat_version(connection)), "device", "device_fault", "xong")
    assert scene.zip() == before
    after = scene.later(20)
    changed = files(scene.zip(after))
    assert {name for name, data in files(before).items() if changed[name] != data} == {
        "track_vms.csv", "track_vms.geojson", "alarms.csv", "alarm_journal.csv", "cases.csv", "case_journal.csv",
        "fences.geojson", "register.json", "manifest.json", "SHA256SUMS",
    }  # fmt: skip  # of fences and the register the end of what was in force then is known now
    (case,) = rows(scene.zip(after), "cases.csv")
    assert (case["cause"], case["outcome"], case["closed_by"]) == ("device", "device_fault", "Lan")
    assert rows(scene.zip(after), "alarms.csv")[0]["withdrawn_at"] == canonical.moment(later)


def boat_version(connection: sa.Connection) -> int:
    return connection.scalar(sa.text("SELECT version FROM boat_case WHERE id = 1")) or 0


def test_each_file_and_each_row_is_proven_by_its_sha256(scene: Scene) -> None:
    packed = scene.zip()
    found = files(packed)
    sums = dict(line.split("  ")[::-1] for line in found["SHA256SUMS"].decode().splitlines())
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in found.items() if name != "SHA256SUMS"}
    told = json.loads(found["manifest.json"])
    assert {name: one["sha256"] for name, one in told["files"].items()} == {
        name: sums[name] for name in sums if name != "manifest.json"
    }
    with scene.owner.connect() as connection:
        span = (scene.now - timedelta(days=7), scene.now)
        kept = every_fix(connection, scene.site.archive, VMS, NAME, *span).rows()
    digests = [canonical.digest(canonical.line(row)) for row in kept]
    assert [row["row_sha256"] for row in rows(packed, "track_vms.csv")] == digests
    whole = hashlib.sha256("".join(f"{one}\n" for one in digests).encode()).hexdigest()
    assert told["sources"]["vms_history"] == {"rows": len(kept), "sha256": whole}
    assert (told["from"], told["as_of"]) == tuple(map(canonical.moment, (scene.now - timedelta(days=7), scene.known)))


def test_no_number_of_anybody_is_in_it_and_it_says_who_masked_them(scene: Scene) -> None:
    found = files(scene.zip())
    for name, data in found.items():
        text = data.decode("utf-8", "replace")
        for number in ("0912345678", "0987654321", "912345678", "987654321", *SPELLINGS[:-2]):
            assert number not in text, name
    (_, call) = rows(scene.zip(), "case_journal.csv")
    assert json.loads(call["data"])["number"] == "•••••••678"
    assert re.fullmatch(r"Gọi lại qua (•{7,10}321(, )?){8}", call["text"])
    assert "Hải Đăng đã che số điện thoại" in json.loads(found["manifest.json"])["masked"]["vi"]


def test_what_cannot_be_made_is_refused_in_words(scene: Scene) -> None:
    for fault, tried in (
        ("31 days", lambda: scene.pack(days=31.01)),
        ("31 days", lambda: scene.pack(days=-1)),
        ("at least a minute back", lambda: scene.pack(as_of=scene.now + timedelta(minutes=59, seconds=1))),
        ("the register had no boat 'TTH-99999'", lambda: scene.pack(key="TTH-99999")),
        ("the register had no boat 'xyz'", lambda: scene.pack(key="xyz")),
        ("the register had no boat 'TTH-91234-TS' at", lambda: scene.pack(as_of=scene.now - timedelta(days=200))),
    ):
        with pytest.raises(Refused, match=fault):
            tried()


def test_too_many_fixes_and_a_file_that_is_gone_are_no_pack(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    day = (scene.now - timedelta(days=5)).date()
    part = close_day(scene.owner, scene.site.archive, VMS, day, scene.now)
    (scene.site.archive / part.file).unlink()
    with pytest.raises(Refused, match="files of the archive are missing"):
        scene.pack()
    monkeypatch.setattr(evidence, "FIXES_MOST", 10)
    with pytest.raises(Refused, match="ask for a shorter one"):
        scene.pack(days=2)


def test_of_too_many_fixes_none_is_made_a_row_of(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "FIXES_MOST", 10)
    monkeypatch.setattr(Past, "rows", lambda past: pytest.fail(f"{len(past.fixes)} rows were made"))
    with pytest.raises(Refused, match=r"^\d+ positions in this period, of which 10 are the most"):
        scene.pack(days=2)


def test_a_case_concluded_while_the_boat_is_silent_is_in_no_later_pack(scene: Scene) -> None:
    closed = scene.now + timedelta(minutes=5)
    with scene.site.engine.begin() as connection:
        close_case(connection, 1, Deed(LAN, closed, boat_version(connection)), "device", "device_fault", "xong")
    found = {}
    with scene.site.engine.connect() as connection:
        for name, begin in (("until", scene.now), ("after", closed + timedelta(minutes=1))):
            span = (begin, scene.now + timedelta(minutes=20), scene.later(30), scene.now + timedelta(hours=1))
            found[name] = [row["id"] for row in assemble(connection, scene.site, NAME, *span).cases]
        known_before = (scene.now, scene.now + timedelta(minutes=20), scene.known, scene.now + timedelta(hours=1))
        open_then = [row["closed_at"] for row in assemble(connection, scene.site, NAME, *known_before).cases]
    assert (found, open_then) == ({"until": [1], "after": []}, [None])


def test_a_fence_that_was_put_in_later_than_the_period_says_so(scene: Scene, database: Any) -> None:
    with scene.owner.connect() as connection:
        assert any(one.key == "tuyen_bo" for one in fences(connection))
    (row,) = [row for row in scene.pack().fences if row["key"] == "tuyen_bo"]
    entered = asked(database.owner, "SELECT at FROM revision WHERE kind = 'fence' AND key = 'tuyen_bo'")[0]["at"]
    assert (row["in_force_from"], row["entered_at"]) == (None, entered)
