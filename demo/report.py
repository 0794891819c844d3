"""Citizens' reports of the days before: received, handled, answered step by step as real ones, with drawn photos."""

import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from PIL import Image, ImageDraw

from demo.pictures import BADGE, inscribe, lettering
from geo.actor import Actor
from geo.photo import Photo
from geo.report import RUNNING, report
from geo.report_photo import keep
from geo.report_receive import Sent, receive
from geo.report_work import Step, act, rate, tell_late

AGAIN = timedelta(hours=24)  # a demo that begins again so soon after another finds its reports there
WIDTH, HEIGHT, GROUND = 640, 480, 300
DESK, UNIT = Actor("Ca trước (mô phỏng)"), Actor("Cán bộ đơn vị (mô phỏng)")
# What each kind is about: unit, words, the reply.
ABOUT: dict[str, tuple[str, Sequence[str], str]] = {
    "waste": ("urban_order", ("Rác thải sinh hoạt chất đống đầu ngõ, bốc mùi đã ba ngày",
                              "Phế thải xây dựng đổ trộm ven đường"),
              "Đội vệ sinh đã thu gom, rửa mặt đường và đặt thêm thùng rác."),
    "lamp": ("urban_order", ("Đèn đường không sáng cả dãy phố", "Đèn chiếu sáng chập chờn suốt đêm"),
             "Đã thay bóng và bộ điều khiển, đèn sáng bình thường từ tối nay."),
    "road": ("urban_order", ("Ổ gà sâu giữa đường, xe máy dễ ngã khi trời mưa", "Nắp cống vỡ trên vỉa hè"),
             "Đã vá mặt đường và thay nắp cống; phần còn lại có trong kế hoạch tháng tới."),
    "water": ("urban_order", ("Vỡ ống nước, nước chảy tràn mặt đường", "Tắc cống, ngập sau mỗi trận mưa"),
              "Đã sửa ống và nạo vét hố ga."),
    "tree": ("urban_order", ("Cành cây gãy vắt trên dây điện trước trường học", "Cây nghiêng, có nguy cơ đổ"),
             "Đã cắt tỉa và chống đỡ, dọn sạch cành gãy."),
    "traffic": ("traffic_police", ("Đèn tín hiệu ở ngã tư không hoạt động", "Xe tải đỗ che khuất biển báo"),
                "Đã khôi phục đèn tín hiệu; trong lúc sửa có người điều tiết."),
    "order": ("urban_order", ("Hàng quán lấn chiếm hết vỉa hè", "Rao vặt dán kín tường trường học"),
              "Đã nhắc nhở, lập biên bản và trả lại vỉa hè."),
}  # fmt: skip
STREETS = ("Lê Lợi", "Hùng Vương", "Nguyễn Huệ", "Bà Triệu", "Trần Phú", "Điện Biên Phủ", "Nguyễn Trãi",
           "Mai Thúc Loan", "Đống Đa", "Phan Chu Trinh", "Kim Long", "Tố Hữu")  # fmt: skip
CENTRES = ((107.5905, 16.4605), (107.5790, 16.4700), (107.6010, 16.4560), (107.5650, 16.4610))
_WAY = ("verify", "assign", "start", "reply", "publish")
# How far each has come: its deeds, so many of them, and how many hours ago they began.
STAGES: Sequence[tuple[tuple[str, ...], int, tuple[float, float]]] = (
    ((), 7, (0.1, 30)), (("verify",), 4, (1, 40)), (("verify", "assign"), 6, (4, 120)),
    (("verify", "assign", "start"), 10, (20, 340)), (("verify", "assign", "return"), 2, (10, 60)),
    (_WAY[:4], 4, (30, 90)), (_WAY, 18, (40, 300)), ((*_WAY, "close"), 8, (80, 330)),
    ((*_WAY, "reopen"), 2, (100, 200)), (("reject",), 2, (20, 100)), (("merge",), 3, (3, 20)),
)  # fmt: skip


@dataclass(frozen=True)
class Story:
    """One report of the past: what it says, when it came, what was done, how it was rated."""

    category: str
    words: str
    lon: float
    lat: float
    address: str
    at: datetime
    deeds: tuple[str, ...]
    score: int | None
    pictured: bool


def stories(seed: int, now: datetime) -> Iterator[Story]:
    """The same ones each time, the oldest first, so many hours before `now`."""
    chance, found = random.Random(f"reports {seed}"), []
    for deeds, count, (least, most) in STAGES:
        for _ in range(count):
            category = chance.choice(list(ABOUT))
            lon, lat = chance.choice(CENTRES)
            found.append(
                Story(
                    category, chance.choice(ABOUT[category][1]),
                    lon + chance.gauss(0, 0.003), lat + chance.gauss(0, 0.002),
                    f"{chance.randint(1, 180)} {chance.choice(STREETS)}",
                    now - timedelta(hours=chance.uniform(least, most)), deeds,
                    chance.choice((3, 4, 4, 5, 5, 5, 2)) if "publish" in deeds and chance.random() < 0.7 else None,
                    chance.random() < 0.6,
                )
            )  # fmt: skip
    yield from sorted(found, key=lambda one: one.at)


def put_reports(engine: sa.Engine, seed: int, now: datetime) -> int:
    """Put them in by the functions of the real doors, each at its own time; how many: none where there are some."""
    with engine.begin() as connection:
        newest = connection.scalar(sa.select(sa.func.max(report.c.received_at)).where(report.c.simulated))
        if newest is not None and newest > now - AGAIN:
            return 0
        done = [_tell(connection, one, now) for one in stories(seed, now)]
        while tell_late(connection, now):
            pass
    return len(done)


def _tell(connection: sa.Connection, story: Story, now: datetime) -> str:
    channel = "hotline" if story.category == "traffic" else "web"
    sent = Sent(story.category, story.words, channel, story.at, story.lon, story.lat, story.address, simulated=True)
    key, secret = receive(connection, sent, DESK, story.at)
    if story.pictured:
        keep(connection, key, "report", _drawn(story, False), DESK, story.at)
    step = (now - story.at) * 0.85 / (len(story.deeds) + 1)
    for number, deed in enumerate(story.deeds, 1):
        at = story.at + step * number
        if deed == "reply" and story.pictured:
            keep(connection, key, "result", _drawn(story, True), UNIT, at)
        said = _said(connection, story, deed, key)
        if said is None:
            break
        version = connection.scalar(sa.select(report.c.version).where(report.c.id == key)) or 0
        by = UNIT if deed in ("start", "reply", "return") else DESK
        act(connection, key, Step(deed, by, version, **said), at)
    if story.score is not None and "reopen" not in story.deeds:
        rate(connection, key, secret, story.score, None, now - step * 0.5)
    return key


def _said(connection: sa.Connection, story: Story, deed: str, key: str) -> dict[str, Any] | None:
    """What is said with a deed; None where there is nothing to merge into."""
    unit, _, reply = ABOUT[story.category]
    if deed == "merge":
        other = sa.select(report.c.id).where(
            report.c.id != key, report.c.simulated, report.c.status.in_(RUNNING), report.c.category == story.category
        )
        into = connection.scalar(other.order_by(report.c.opened_at.desc()).limit(1))
        return None if into is None else {"into": into}
    told: dict[str, dict[str, Any]] = {
        "assign": {"unit": unit}, "reply": {"words": reply}, "return": {"reason": "Không thuộc địa bàn của đơn vị"},
        "reject": {"choice": "unclear"}, "reopen": {"reason": "Người dân báo sự việc lặp lại"},
    }  # fmt: skip
    return told.get(deed, {})


def _drawn(story: Story, after: bool) -> Photo:
    """A street with what is wrong in it, or without it: a drawing, and it says so."""
    chance = random.Random(f"{story.at} {story.address}")
    picture = Image.new("RGB", (WIDTH, HEIGHT), (150, 176, 194) if after else (112, 128, 142))
    pen = ImageDraw.Draw(picture)
    left = 0
    while left < WIDTH:
        width = chance.randint(70, 150)
        shade = chance.randint(120, 180)
        pen.rectangle(
            (left, GROUND - chance.randint(90, 200), left + width, GROUND), fill=(shade, shade - 8, shade - 22)
        )
        left += width
    pen.rectangle((0, GROUND, WIDTH, HEIGHT), fill=(86, 88, 92))
    pen.rectangle((0, GROUND, WIDTH, GROUND + 34), fill=(150, 146, 138))
    x, y = chance.randint(200, 440), GROUND + 90
    if not after:
        for _ in range(14):
            dx, dy, r = chance.randint(-70, 70), chance.randint(-28, 28), chance.randint(8, 26)
            colour = chance.choice(((66, 74, 60), (98, 84, 60), (48, 52, 58), (120, 112, 96)))
            pen.ellipse((x + dx - r, y + dy - r, x + dx + r, y + dy + r), fill=colour)
    words = f"{BADGE} · {'sau' if after else 'trước'} · {story.address}"
    pen.rectangle((0, HEIGHT - 34, WIDTH, HEIGHT), fill=(18, 24, 30))
    inscribe(pen, (12, HEIGHT - 28), words, lettering(18))
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=80)
    return Photo(made.getvalue(), WIDTH, HEIGHT)
