"""What a demo starts with: its drawn areas, its rules, and the day before, put in through the feed's own door."""

from datetime import UTC, datetime, timedelta

import redis
import sqlalchemy as sa
from shapely.geometry import Polygon

from demo import station, vms
from demo.area import APPROACH, BAN, areas
from demo.past import history
from geo import desk, flood
from geo.account import feeds
from geo.actor import Actor
from geo.fence import Fence, put_fences
from geo.handling import acknowledge
from geo.rule import Rule, put_rules
from ingest.feed import Source
from ingest.stream import Writer

DEMO = Actor("mô phỏng", "system")
LAST_SHIFT = Actor("Ca trước (mô phỏng)")
DAY_S = 86_400.0
BATCH_BYTES = 1 << 18
FISHING = {"ship_type": (30, 31)}
BUFFER_M = 150.0  # the trawler of the script works up to the area's edge; farther off it would be told before it begins

RULES = (
    Rule(
        key="demo_ban",
        kind="inside",
        layer="vessel",
        fence_key=BAN.name,
        name_vi="Vào khu vực cấm khai thác quá 1 phút",
        name_en="Inside the no-fishing area for over 1 minute",
        severity="critical",
        dwell_s=60,
        applies_to=FISHING,
        escalate_s=300,
        response_vi="Gọi thuyền trưởng qua Đài duyên hải yêu cầu rời khu vực; sau 30 phút báo Kiểm ngư.",
        response_en="Call the captain by coast radio to leave; after 30 minutes tell the surveillance force.",
    ),
    Rule(
        key="demo_ban.approach",
        kind="approach",
        layer="vessel",
        fence_key=BAN.name,
        name_vi="Đến gần khu vực cấm khai thác: tàu cá còn cách dưới 150 m",
        name_en="Near the no-fishing area: a fishing boat within 150 m of it",
        severity="high",
        applies_to=FISHING,
        params={"steps_nm": [BUFFER_M / 1852]},
        latching=False,
        response_vi="Gọi nhắc thuyền trưởng ranh giới khu vực cấm.",
        response_en="Remind the captain of the area's border.",
    ),
    Rule(
        key="demo_approach",
        kind="inside",
        layer="vessel",
        fence_key=APPROACH.name,
        name_vi="Tàu cá vào vùng đón trả hoa tiêu",
        name_en="Fishing boat in the pilot boarding area",
        severity="high",
        applies_to=FISHING,
        latching=False,
        response_vi="Gọi nhắc thuyền trưởng nhường đường cho tàu hoa tiêu.",
        response_en="Ask the captain to give way to the pilot boats.",
    ),
    Rule(
        key="demo_wrong_zone",
        kind="inside",
        layer="vessel",
        fence_key="vung_long",
        name_vi="Sai vùng khai thác: tàu từ 15 m làm việc chậm dưới 4 hải lý/giờ trong vùng lộng quá 20 phút",
        name_en="Wrong fishing zone: a boat of 15 m or more works below 4 kn in the inshore zone for over 20 minutes",
        severity="high",
        dwell_s=1200,
        escalate_s=900,
        response_vi="Gọi chủ tàu, ghi sổ trực ban; quá 12 giờ không khắc phục thì báo cáo bằng văn bản.",
        response_en="Call the owner and note it in the duty log; report in writing if not put right within 12 hours.",
        applies_to={**FISHING, "length_m": (15, None)},
        qualifies={"speed": (None, 4)},
    ),
)


def seed_places(connection: sa.Connection) -> None:
    """The two drawn areas as fences, and the rules about them; marked as simulated."""
    fences = [
        Fence(
            area.name,
            "area",
            area.name_vi,
            area.name_en,
            Polygon(area.ring),
            area.note,
            50.0,
            simulated=True,
            buffer_m=BUFFER_M if area is BAN else 0.0,
            owner="Chi cục Thủy sản Huế (mô phỏng)",
        )
        for area in areas()
    ]
    put_fences(connection, fences, DEMO)
    put_rules(connection, RULES, DEMO)


def missing_since(connection: sa.Connection, source: str, now: float) -> float:
    """From when on the day before is missing (epoch seconds): 24 h ago, or the last message of an earlier demo."""
    known = next((row["last_message_at"] for row in feeds(connection) if row["source"] == source), None)
    return max(now - DAY_S, known.timestamp()) if known else now - DAY_S


def seed_history(client: redis.Redis, source: Source, seed: int, start: float, end: float) -> int:
    """Put [start, end) of the simulated day into the source's stream, as its receiver would; returns the records."""
    told = {"vms": vms.history, "environment": station.history}.get(source.feed.name, history)
    stream, framer, count = Writer(client, source, peer="seed"), source.feed.framer(), 0
    for line in told(seed, start, end):
        framer.feed(line + b"\n", 0.0)
        if framer.ready.size > BATCH_BYTES:
            count += len(framer.ready.lines)
            stream.add(framer.take())
    framer.close()
    count += len(framer.ready.lines)
    stream.add(framer.take())
    return count


def settle(connection: sa.Connection, before: datetime) -> int:
    """The shift before this one acknowledged what was over by then, so that the desk begins with what is open.

    It read the day as the day went, and not within the minute in which it was put in.
    """
    flood.as_of_its_day(connection)
    done = 0
    for row in desk.desk(connection, datetime.now(UTC), limit=10_000):
        over = row["cleared_at"] is not None and row["cleared_at"] < before
        if row["simulated"] and (over or row["raised_at"] < before - timedelta(hours=2)):
            done += acknowledge(connection, row["id"], LAST_SHIFT, "ca trước đã xử lý", before) is not None
    return done
