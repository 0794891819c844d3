"""What the card says about a camera: whose it is, where it looks, and whether its picture can be trusted."""

from collections.abc import Mapping
from typing import Any

from geo.camera import DEGRADED, FROZEN, KINDS, OFFLINE, ONLINE, points_of_compass
from pages.text import Text


def facts(t: Text, row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Name and value pairs in reading order; a pair without a value is left out by the card."""
    kind = KINDS.get(str(row.get("kind")))
    keeps = row.get("retention_days")
    return [
        (t("Tình trạng"), health(t, row)),
        (t("Nguyên nhân"), fault(t, row.get("fault"))),
        (t("Hướng nhìn"), looks(t, row)),
        (t("Tầm nhìn"), "" if row.get("range_m") is None else f"{t.number(row['range_m'])} m"),
        (t("Loại"), t.pick(*kind) if kind else str(row.get("kind") or "")),
        (t("Đơn vị quản lý"), str(row.get("owner") or "")),
        (t("Nhà cung cấp"), str(row.get("provider") or "")),
        (t("Lưu hình"), "" if keeps is None else t("{n} ngày", n=t.number(keeps))),
    ]


def health(t: Text, row: Mapping[str, Any]) -> str:
    """The health in words, with how fast it answered or since when it does not."""
    words = {
        ONLINE: t("Trực tuyến"), DEGRADED: t("Chập chờn"), FROZEN: t("Đứng hình"), OFFLINE: t("Mất kết nối"),
    }  # fmt: skip
    state = row.get("health")
    if state is None:
        return t("Chưa kiểm tra")
    since = "" if row.get("health_since") is None else t("từ {at}", at=t.when(row["health_since"]))
    quick = "" if row.get("answer_ms") is None else f"{t.number(row['answer_ms'])} ms"
    return " · ".join(part for part in (words.get(state, str(state)), since, quick) if part)


def looks(t: Text, row: Mapping[str, Any]) -> str:
    """Where it looks, in degrees and by the compass, and how wide."""
    azimuth, width = row.get("azimuth_deg"), row.get("field_of_view_deg")
    if width == 360:
        return t("mọi hướng")
    if azimuth is None:
        return "" if width is None else t("rộng {n}°", n=t.number(width))
    towards = f"{t.number(azimuth)}° ({t.pick(*points_of_compass(azimuth))})"
    return towards if width is None else f"{towards}, {t('rộng {n}°', n=t.number(width))}"


def fault(t: Text, told: Any) -> str:
    """Why there is no picture, in words."""
    if not told:
        return ""
    code = str(told)
    words = {
        "not_allowed": t("địa chỉ chưa được phép (HAIDANG_OUTGOING_ALLOWED)"),
        "unreachable": t("không kết nối được"),
        "late": t("không trả lời kịp 5 giây"),
        "slow": t("trả lời chậm"),
        "erratic": t("lúc được lúc không"),
        "address": t("địa chỉ ảnh sai"),
        "name": t("không phân giải được tên máy"),
        "not_image": t("trả về thứ không phải ảnh"),
        "too_long": t("ảnh lớn hơn 5 MB"),
        "same_picture": t("ảnh không đổi dù thời gian trôi"),
    }
    if code.startswith("status_"):
        return t("máy chủ trả lời {n}", n=code.removeprefix("status_"))
    return words.get(code, code)
