"""What the card says about a vessel beyond what every layer says: navigation status, ship type and voyage in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from geo.ais_interval import expected_s
from pages.text import Text


def status(t: Text, code: int | None) -> str:
    """ITU-R M.1371 navigation status in words; empty for not defined."""
    words = {
        0: t("Đang chạy máy"),
        1: t("Đang neo"),
        2: t("Mất khả năng điều động"),
        3: t("Hạn chế khả năng điều động"),
        4: t("Bị mớn nước khống chế"),
        5: t("Đang buộc cầu"),
        6: t("Mắc cạn"),
        7: t("Đang đánh cá"),
        8: t("Đang chạy buồm"),
        11: t("Đang lai kéo"),
        12: t("Đang lai đẩy"),
        14: t("Thiết bị cấp cứu đang phát"),
    }
    return words.get(code, "") if code is not None else ""


def ship_type(t: Text, code: int | None) -> str:
    """ITU-R M.1371 ship and cargo type in words; empty for not available."""
    if not code:
        return ""
    exact = {
        30: t("Tàu cá"),
        31: t("Tàu lai kéo"),
        32: t("Tàu lai kéo"),
        33: t("Tàu nạo vét"),
        34: t("Tàu lặn"),
        35: t("Tàu quân sự"),
        36: t("Thuyền buồm"),
        37: t("Du thuyền"),
        50: t("Tàu hoa tiêu"),
        51: t("Tàu tìm kiếm cứu nạn"),
        52: t("Tàu lai"),
        53: t("Tàu phục vụ cảng"),
        54: t("Tàu chống ô nhiễm"),
        55: t("Tàu tuần tra"),
        58: t("Tàu y tế"),
    }
    tens = {
        2: t("Tàu cánh ngầm, đệm khí"),
        4: t("Tàu cao tốc"),
        6: t("Tàu khách"),
        7: t("Tàu hàng"),
        8: t("Tàu dầu"),
        9: t("Tàu khác"),
    }
    return exact.get(code) or tens.get(code // 10, t("Tàu khác"))


def classes(t: Text) -> dict[tuple[float, float], str]:
    """Ranges of ship types [low, high) that rules speak of, as nouns in a sentence."""
    return {
        (30, 31): t("tàu cá"),
        (70, 80): t("tàu hàng"),
        (80, 90): t("tàu dầu"),
        (60, 70): t("tàu khách"),
        (31, 33): t("tàu lai kéo"),
        (36, 38): t("thuyền buồm, du thuyền"),
    }


def who(t: Text, where: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Of whom a rule with these conditions speaks, as a noun, and the conditions that the noun does not say."""
    rest = dict(where)
    kind = rest.get("ship_type")
    noun = classes(t).get(tuple(kind)) if isinstance(kind, list | tuple) else None
    if noun is not None:
        del rest["ship_type"]
    return noun or t("tàu"), rest


def facts(t: Text, row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Name and value pairs in reading order; a pair without a value is left out by the card."""
    return [
        (
            t("Loại, chiều dài"),
            _joined(ship_type(t, row.get("ship_type")), _metres(t, row.get("length_m"), row.get("beam_m"))),
        ),
        (t("Tốc độ, hướng đi"), _joined(knots(t, row.get("speed")), _degrees(t, row.get("course")))),
        (t("Hướng mũi tàu"), _degrees(t, row.get("heading"))),
        (t("Trạng thái"), status(t, row.get("status"))),
        (t("Chu kỳ phát"), _interval(t, row)),
        (t("Vùng"), zone(t, row.get("zone"))),
        (t("Điểm đến"), _joined(str(row.get("destination") or ""), _eta(t, row.get("eta")))),
        (t("Hô hiệu, số IMO"), _joined(str(row.get("callsign") or ""), f"IMO {row['imo']}" if row.get("imo") else "")),
        (t("Mớn nước"), f"{t.number(row['draught'], 1)} m" if row.get("draught") else ""),
    ]


def _interval(t: Text, row: Mapping[str, Any]) -> str:
    """How often it is to be heard, by its class and speed; what is heard less often is no fault of the boat's."""
    seconds = expected_s(row)
    if seconds is None:
        return ""
    name = row.get("ais_class")
    spoken = t("{n} phút", n=t.number(seconds / 60)) if seconds >= 60 else t("{n} giây", n=t.number(seconds))
    return _joined(spoken, t("hạng {name}", name=name) if name else "")


def knots(t: Text, speed: float | None) -> str:
    """`2,1 hl/giờ`; empty when unknown."""
    return t("{v} hl/giờ", v=t.number(speed, 1)) if speed is not None else ""


def zone(t: Text, name: str | None) -> str:
    """The fishing zone in words; the lines are a reference drawing and no legal ground."""
    words = {
        "ven bờ": t("Vùng ven bờ"),
        "lộng": t("Vùng lộng"),
        "khơi": t("Vùng khơi"),
        "không xác định": t("Không xác định"),
    }
    return f"{words.get(name, name)} ({t('sơ đồ tham khảo')})" if name else ""


def _degrees(t: Text, value: float | None) -> str:
    return f"{t.number(value)}°" if value is not None else ""


def _metres(t: Text, length: float | None, beam: float | None) -> str:
    if not length:
        return ""
    return f"{t.number(length, 1)} × {t.number(beam, 1)} m" if beam else f"{t.number(length, 1)} m"


def _eta(t: Text, eta: Any) -> str:
    if not eta:
        return ""
    return t("dự kiến {at}", at=t.when(eta) if isinstance(eta, datetime) else str(eta))


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
