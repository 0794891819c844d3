"""What is said of a boat in words: states of its signal, kinds of cases, roles, gears, the register's fields."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from geo.fleet import STORED
from geo.registration import parse
from pages.fisheries_board import column_title
from pages.text import Text

# States in which somebody has to do something, and those that are worth a look.
BAD = ("LOST", "MANUAL_REPORTING", "OVERDUE_REPORT", "OVERDUE_10D", "ASTRAY")
NEAR = ("LATE",)


def state(t: Text, name: str) -> str:
    """A state of the lost-signal clock as it is now; in the board's words where it has a column for it."""
    words = {
        "OK": t("Tín hiệu đúng hạn"),
        "AT_PORT": t("Trong cảng"),
        "NOT_REQUIRED": t("Không thuộc diện giám sát"),
    }
    return words.get(name) or column_title(t, name)


def role(t: Text, name: str) -> str:
    """What a boat is for."""
    return {"catching": t("Tàu khai thác"), "logistics": t("Tàu hậu cần")}.get(name, name)


def gear(t: Text, name: str | None) -> str:
    """What it fishes with; the register's own word where it is none of ours."""
    words = {
        "trawl": t("lưới kéo"),
        "gillnet": t("lưới rê"),
        "seine": t("lưới vây"),
        "longline": t("câu vàng"),
        "handline": t("câu tay"),
        "squid": t("câu mực, chụp mực"),
    }
    return words.get(name or "", name or "")


def part(t: Text, name: str) -> str:
    """What a person is to a boat."""
    return {"owner": t("Chủ tàu"), "captain": t("Thuyền trưởng"), "relative": t("Người thân")}.get(name, name)


def zones(t: Text, names: tuple[str, ...]) -> str:
    """The zones that a boat may work in."""
    words = {"coastal": t("Vùng ven bờ"), "inshore": t("Vùng lộng"), "offshore": t("Vùng khơi")}
    return ", ".join(words.get(name, name) for name in names)


def fields(t: Text) -> Mapping[str, str]:
    """The register's fields."""
    return {
        "shipname": t("Tên tàu"),
        "mmsi": "MMSI",
        "callsign": t("Hô hiệu"),
        "length_m": t("Chiều dài"),
        "power_kw": t("Công suất"),
        "gear": t("Nghề"),
        "role": t("Loại tàu"),
        "home_province": t("Tỉnh"),
        "commune": t("Xã, phường"),
        "licence": t("Giấy phép"),
        "licence_until": t("Hạn giấy phép"),
        "laid_up_at": t("Nằm bờ"),
        "note": t("Ghi chú"),
        "retired_at": t("Xóa đăng ký"),
        "devices": t("Thiết bị"),
    }


def changed(t: Text, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    """Which fields a version of the register changed; that it was entered, of the first."""
    if before is None:
        return t("Đưa vào sổ đăng ký")
    names = fields(t)
    own = [name for name in (*STORED, "devices") if name in names and before.get(name) != after.get(name)]
    return ", ".join(names[name] for name in own) or t("người liên hệ")


def address(registration: str, lang: str = "vi", **query: object) -> str:
    """The boat's own page, under its registration as it is written."""
    more = {name: value for name, value in query.items() if value is not None} | (
        {} if lang == "vi" else {"lang": lang}
    )
    return f"/fisheries/{quote(str(parse(registration) or registration))}" + (f"?{urlencode(more)}" if more else "")
