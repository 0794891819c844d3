"""An alarm or a warning in words for somebody away from the desk: in Vietnamese, as a letter, a line, an SMS."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from geo.degrees import dms
from geo.delivery import TEST, Delivery
from geo.warning import HAZARDS, SEVERITIES

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SIMULATED = "MÔ PHỎNG"
EXERCISE = "DIỄN TẬP, không phải thật"
GRAVITY = {"Extreme": "critical", "Severe": "high", "Moderate": "medium"}  # a warning's severity as an alarm's
SEVERITY = {"critical": "KHẨN CẤP", "high": "CAO", "medium": "TRUNG BÌNH", "low": "THẤP"}
HAPPENED = {
    "raise": "báo động mới",
    "step": "đến gần thêm một mức",
    "escalate": "LEO THANG, chưa ai xử lý",
    "release": "báo động đang đứng, hết lý do tạm ẩn",
    "clear": "đã hết",
    "acknowledge": "đã có người xác nhận",
    "assign": "đã giao xử lý",
    "comment": "có ghi chú mới",
    "shelve": "đã tạm gác",
    "unshelve": "hết tạm gác",
    "suppress": "tạm ẩn theo báo động chính",
    "withdraw": "ĐÃ RÚT, báo động không đúng",
}
LABEL_MOST, NAME_MOST, LINE_MOST = 60, 120, 400

# GSM 03.38: what one SMS of 160 may hold; those of the second table count twice. Anything else makes it UCS-2, of 70.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = frozenset("^{}\\[~]|€\f")
GSM_ONE, GSM_MORE, UCS2_ONE, UCS2_MORE = 160, 153, 70, 67


@dataclass(frozen=True)
class Message:
    """One message in every form. line: one sentence; letter: several lines; sms_parts: what an SMS may be made of."""

    subject: str
    line: str
    letter: str
    link: str
    severity: str
    rule: str
    label: str
    when: str
    sms_parts: tuple[str, str, str]  # before the rule, the rule (which may be shortened), after it


def plain(text: Any, most: int = LINE_MOST) -> str:
    """Text of somebody else's as one line: no control, bidi or invisible characters, composed, of bounded length."""
    composed = unicodedata.normalize("NFC", str(text or ""))
    kept = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Zs") else c for c in composed)
    visible = "".join(c for c in kept if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    words = " ".join(visible.split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def when(at: datetime) -> str:
    """`HH:mm dd/MM/yyyy` in Asia/Ho_Chi_Minh."""
    return at.astimezone(ZONE).strftime("%H:%M %d/%m/%Y")


def compose(delivery: Delivery, centre: str, public_url: str | None) -> Message:
    """The message of a delivery. centre: who sends; public_url: where the desk is reached, for the link."""
    if delivery.transition == TEST:
        return _test(delivery, centre)
    if delivery.warning_id is not None:
        return _warning(delivery, centre, public_url)
    line = delivery.line
    severity = SEVERITY.get(line["severity"], plain(line["severity"], 20))
    rule = plain(line["name_vi"], NAME_MOST)
    short = rule.partition(":")[0]
    label = plain(line["object_label"] or line["object_key"], LABEL_MOST)
    at, link = when(line["happened_at"]), _link(line, public_url)
    happened = HAPPENED.get(delivery.transition, plain(delivery.transition, 20))
    if delivery.flood_id is not None:
        happened = f"báo động dồn dập, {line['flood_size']} báo động; các báo động sau cùng đợt không gửi riêng"
        short = short if line["flood_rule_id"] is not None else "Nhiều luật cùng lúc"
    mark = [SIMULATED] if line["simulated"] else []
    title = " · ".join([*mark, severity, short, label])
    subject = f"[Hải Đăng] {title}" + ("" if delivery.transition == "raise" else f" – {happened}")
    spot = None if line["lat"] is None else f"{line['lat']:.5f}, {line['lon']:.5f}"
    sentence = "; ".join(filter(None, [title, happened, spot, at]))
    letter = _letter(delivery, centre, [*mark, severity], rule, label, happened, at, link)
    tail = ". ".join(filter(None, [f"{happened}" if delivery.transition != "raise" else "", label, spot, at]))
    parts = (" ".join([*mark, f"{severity}:"]), short, tail)
    return Message(plain(subject, 200), plain(sentence), letter, link, line["severity"], rule, label, at, parts)


def _warning(delivery: Delivery, centre: str, public_url: str | None) -> Message:
    """One of our warnings; an exercise says so before anything else, in every form."""
    row, said = delivery.line, delivery.line["words"]["vi"]
    level = f"CẤP {row['risk_level']}" if row["risk_level"] else SEVERITIES[row["severity"]][0].upper()
    mark = [*([EXERCISE] if row["status"] == "Exercise" else []), *([SIMULATED] if row["simulated"] else [])]
    what = {"Alert": "CẢNH BÁO", "Update": "CẬP NHẬT CẢNH BÁO", "Cancel": "HỦY CẢNH BÁO"}[row["msg_type"]]
    headline, area = plain(said["headline"], NAME_MOST), plain(row["area_words"], NAME_MOST)
    cancel = row["msg_type"] == "Cancel"
    until = "" if cancel else f"đến {when(row['expires_at'])}"
    link = f"{public_url.rstrip('/')}/cap/{quote(row['identifier'], safe='')}.xml" if public_url else ""
    title = " · ".join([*mark, what, level, headline])
    pairs = [
        ("Loại", " – ".join([*mark, what, level])),
        ("Tiêu đề", headline),
        ("Thiên tai", HAZARDS[row["hazard"]][0]),
        ("Vùng", plain(row["area_words"], 500)),
        ("Hiệu lực", f"từ {when(row['onset_at'] or row['known_at'])} {until} (giờ Việt Nam)" if until else ""),
        ("Lý do hủy", plain(row["note"], 500) if cancel else ""),
        ("Nội dung", plain(said.get("description"), 2_000) if not cancel else ""),
        ("Cần làm", plain(said.get("instruction"), 2_000) if not cancel else ""),
        ("Bản CAP", link),
    ]
    foot = f"Thư tự động của Hải Đăng, mã {delivery.message_id}. Nhận hai lần cùng một mã là một cảnh báo."
    letter = "\n".join([*(f"{name}: {value}" for name, value in pairs if value), "", plain(centre, NAME_MOST), foot])
    sentence = "; ".join(filter(None, [title, area, until]))
    parts = (" ".join([*mark, what, f"{level}:"]), headline, ". ".join(filter(None, [area, until])))
    severity = GRAVITY.get(row["severity"], "low")
    return Message(plain(f"[Hải Đăng] {title}", 200), plain(sentence), letter, link, severity,
                   HAZARDS[row["hazard"]][0], area, when(row["known_at"]), parts)  # fmt: skip


def _letter(
    delivery: Delivery, centre: str, head: list[str], rule: str, label: str, happened: str, at: str, link: str
) -> str:
    line = delivery.line
    key = plain(line["object_key"], LABEL_MOST)
    pairs = [
        ("Mức", " – ".join(reversed(head))),
        ("Luật", rule),
        ("Đối tượng", label if key == label else f"{label} ({key})"),
        ("Vùng", plain(line["fence_vi"], NAME_MOST)),
        ("Vị trí", _position(line)),
        ("Lúc", f"{at} (giờ Việt Nam)"),
        ("Diễn biến", happened),
        ("Xác nhận", _answered(line)),
        ("Việc cần làm", plain(line["response_vi"], 600)),
        ("Bàn báo động", link),
    ]
    lines = [f"{name}: {value}" for name, value in pairs if value]
    return "\n".join([*lines, "", *_foot(centre, delivery)])


def _position(line: Mapping[str, Any]) -> str:
    if line["lat"] is None:
        return "chưa rõ"
    decimal = f"{line['lat']:.5f}; {line['lon']:.5f}".replace(".", ",")
    return f"{dms(line['lat'], line['lon'])} ({decimal})"


def _answered(line: Mapping[str, Any]) -> str:
    if line["acknowledged_at"] is None:
        return "chưa có"
    return f"{plain(line['acknowledged_by'], LABEL_MOST)}, {when(line['acknowledged_at'])}"


def _foot(centre: str, delivery: Delivery) -> list[str]:
    return [
        plain(centre, NAME_MOST),
        f"Thư tự động của Hải Đăng, mã {delivery.message_id}. Nhận hai lần cùng một mã là một báo động.",
    ]


def _link(line: Mapping[str, Any], public_url: str | None) -> str:
    """The map with the object chosen; where the object has no position, the desk."""
    if not public_url:
        return ""
    if line["lat"] is None:
        return f"{public_url.rstrip('/')}/alarms"
    view = {"lat": f"{line['lat']:.5f}", "lon": f"{line['lon']:.5f}", "z": "11"}
    return f"{public_url.rstrip('/')}/?{urlencode({'chosen': line['layer'] + '.' + line['object_key'], **view})}"


def _test(delivery: Delivery, centre: str) -> Message:
    who, at = plain(delivery.asked_by, LABEL_MOST), when(delivery.made_at)
    line = f"TIN THỬ, không phải báo động; {who} gửi lúc {at}"
    letter = "\n".join([f"Đây là tin thử, không phải báo động. {who} gửi lúc {at}.", "", *_foot(centre, delivery)])
    parts = ("Hải Đăng:", "TIN THỬ, không phải báo động", f"{who} gửi. {at}")
    return Message(f"[Hải Đăng] Tin thử – {who}", line, letter, "", "", "", "", at, parts)


def sms(message: Message, accents: bool, segments: int) -> str:
    """The message in at most so many segments; without accents it is GSM text of 160, else UCS-2 of 70 a segment.

    The rule's name gives way first, then the rest; severity and what follows it stay.
    """
    before, rule, after = (part if accents else _ascii(part) for part in message.sms_parts)
    text = f"{before} {rule}. {after}"
    while rule and _size(text) > segments:
        rule = rule[:-1]
        text = f"{before} {rule.rstrip()}... {after}" if rule else f"{before} {after}"
    while _size(text) > segments:
        text = text[:-1]
    return text


def _size(text: str) -> int:
    """How many segments a text takes (3GPP TS 23.038 and 23.040)."""
    if all(c in _GSM or c in _GSM_TWICE for c in text):
        length, one, more = sum(2 if c in _GSM_TWICE else 1 for c in text), GSM_ONE, GSM_MORE
    else:
        length, one, more = len(text.encode("utf-16-le")) // 2, UCS2_ONE, UCS2_MORE
    return 1 if length <= one else -(-length // more)


def _ascii(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", re.sub("[–—]", "-", text.replace("đ", "d").replace("Đ", "D")))
    bare = "".join(c for c in decomposed if not unicodedata.combining(c)).replace("·", ",").replace("…", "...")
    return bare.encode("ascii", "replace").decode().replace("`", "'")
