"""A shift's handover in words, the same on the screen and on paper: titles, what became of an alarm, and addresses."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from geo.shift import Shift
from pages.print import printable
from pages.text import ZONE, Text

STATES = ("unacknowledged", "returned", "acknowledged", "shelved", "suppressed")


def title(t: Text, shift: Shift) -> str:
    """`Ca 2, 25/11/2026`."""
    return t("Ca {n}, {day}", n=shift.number, day=shift.day.strftime("%d/%m/%Y"))


def bounds(t: Text, shift: Shift) -> str:
    """`14:00 – 22:00`, with the next day's date for the night."""
    ends = shift.ends_at.astimezone(ZONE)
    tail = "" if ends.date() == shift.day else f" {ends:%d/%m/%Y}"
    return f"{shift.starts_at.astimezone(ZONE):%H:%M} – {ends:%H:%M}{tail}"


def address(t: Text, path: str, **query: Any) -> str:
    """A path of ours that keeps the page's language."""
    asked = {**{name: value for name, value in query.items() if value is not None}}
    if t.lang != "vi":
        asked["lang"] = t.lang
    return f"{path}?{urlencode(asked)}" if asked else path


def at(value: str | None) -> datetime | None:
    """A time of a content, which holds ISO 8601."""
    return datetime.fromisoformat(value) if value else None


def clock(t: Text, value: str | None, shift: Shift) -> str:
    """`14:05` on the day of the shift, `14:05 24/11` on another, in the centre's time."""
    moment = at(value)
    if moment is None:
        return "–"
    local = moment.astimezone(ZONE)
    return f"{local:%H:%M}" if local.date() == shift.day else f"{local:%H:%M %d/%m}"


def section_title(t: Text, name: str) -> str:
    """What a section of the handover is called."""
    return {
        "open": t("Còn mở trên bàn"),
        "opened": t("Phát sinh trong ca"),
        "closed": t("Đã đóng trong ca"),
        "shelved": t("Tạm hoãn"),
        "suppressed": t("Nén theo thiết kế"),
        "withdrawn": t("Thu hồi"),
        "escalated": t("Chuyển cấp trên"),
        "assigned": t("Giao việc"),
        "feeds": t("Nguồn dữ liệu gián đoạn"),
        "mutes": t("Tắt tiếng"),
    }[name]


def nothing(t: Text, name: str) -> str:
    """What an empty section says."""
    return {
        "open": t("Không còn báo động nào mở."),
        "opened": t("Không có báo động nào phát sinh."),
        "closed": t("Không có báo động nào đóng."),
        "shelved": t("Không có đối tượng nào được tạm hoãn."),
        "suppressed": t("Không có báo động nào bị nén."),
        "withdrawn": t("Không có báo động nào bị thu hồi."),
        "escalated": t("Không có báo động nào phải chuyển cấp trên."),
        "assigned": t("Không có báo động nào được giao."),
        "feeds": t("Không có nguồn nào gián đoạn."),
        "mutes": t("Không ai tắt tiếng."),
    }[name]


def count_title(t: Text, name: str) -> str:
    """What a column of the counts is called."""
    return {
        "carried": t("Từ ca trước"),
        "opened": t("Phát sinh"),
        "closed": t("Đã đóng"),
        "withdrawn": t("Thu hồi"),
        "standing": t("Còn lại"),
        "unacknowledged": t("chưa xác nhận"),
        "returned": t("đã hết, chưa xác nhận"),
        "acknowledged": t("đã xác nhận"),
        "shelved": t("tạm hoãn"),
        "suppressed": t("nén"),
    }[name]


def standing(counts: Mapping[str, int]) -> int:
    """How many alarms of a row of counts stand at the end."""
    return sum(counts[name] for name in STATES)


def state(t: Text, item: Mapping[str, Any]) -> str:
    """How an alarm stands at the end of the shift, in words."""
    return {
        "closed": t("đã đóng"),
        "withdrawn": t("đã thu hồi"),
        **{name: count_title(t, name) for name in STATES},
    }.get(str(item["state"]), str(item["state"]))


def rule(t: Text, item: Mapping[str, Any]) -> str:
    """The rule's short name: what stands before the colon of its full wording."""
    return t.pick(item.get("rule_vi"), item.get("rule_en")).partition(":")[0]


def thing(item: Mapping[str, Any]) -> str:
    """The object by the name it is known under, and the other one of a pair."""
    label, key, other = item.get("object_label") or "", str(item["object_key"]), str(item.get("other_key") or "")
    return printable(" ↔ ".join(filter(None, [label or key, other])))


def said(t: Text, section: str, item: Mapping[str, Any], shift: Shift) -> list[str]:
    """What became of an alarm, line by line: its state, who did what and when, what they said, who looks after it."""
    done = ""
    if item.get("actor"):
        who, when = {"name": item["actor"], "at": clock(t, item["at"], shift)}, item.get("level")
        done = {
            "suppressed": t("nén lúc {at}", at=who["at"]),
            "withdrawn": t("{name} thu hồi lúc {at}", **who),
            "escalated": t("{name} chuyển cấp trên, lần {level}, lúc {at}", level=when or "", **who),
            "assigned": t("{name} giao việc lúc {at}", **who),
        }.get(section, t("{name} xác nhận lúc {at}", **who))
    unit = " · ".join(filter(None, [t.pick(item.get("unit_vi"), item.get("unit_en")), item.get("person") or ""]))
    lines = [
        state(t, item),
        done,
        f"“{printable(item['comment'])}”" if item.get("comment") else "",
        t("theo báo động số {n}", n=item["parent_id"]) if section == "suppressed" and item.get("parent_id") else "",
        t("giao {unit}", unit=unit) if unit else "",
    ]
    return [line for line in lines if line]


def feed_name(t: Text, source: str) -> str:
    """`AIS mô phỏng` for `ais.sim`: as the feed strip says it."""
    head, *rest = source.split(".")
    words = {"sim": t("mô phỏng"), "demo": t("mô phỏng")}
    return " ".join([head.upper() if len(head) <= 4 else head, *(words.get(part, part.upper()) for part in rest)])


def spell(t: Text, one: Mapping[str, Any], end: str, shift: Shift) -> str:
    """From when to when a feed was silent, and how long."""
    since, until = at(one["since"]), at(one["until"])
    over = t("{n} đến {m}", n=clock(t, one["since"], shift), m=clock(t, one["until"], shift))
    still = t("từ {n}, đến cuối ca chưa có lại", n=clock(t, one["since"], shift))
    last = until or at(end)
    seconds = (last - since).total_seconds() if last and since else None
    return f"{over if until else still} ({t.age(seconds)})"
