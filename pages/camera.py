"""What the card says about a camera: whose it is, where it looks, and whether its picture can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from dash import html
from sqlalchemy import Connection

from access.cameras import has_view, unseen_events
from access.site import Site
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


@dataclass(frozen=True)
class More:
    """What the card says besides the row: whether there is a picture and a stream, how many events nobody has looked
    at, and a number that grows with time, by which the picture is asked anew."""

    picture: bool
    stream: bool
    events: int
    number: int


def read_more(connection: Connection, site: Site, layer: Any, row: Mapping[str, Any], now: datetime) -> More:
    """Read with the card."""
    id = str(row["key"])
    return More(*has_view(connection, site, id), unseen_events(connection, id, now), int(now.timestamp()))


def more(t: Text, row: Mapping[str, Any], found: More) -> list[Any]:
    """Its picture through our own server, the way to its stream and to its events; camera.js loads what it shows."""
    key, name = quote(str(row["key"]), safe=""), str(row["label"])
    parts: list[Any] = []
    if found.picture:
        source = f"/api/v1/cameras/{key}/snapshot?at={found.number}"
        image = html.Img(src=source, alt=t("Ảnh của {name}", name=name), className="camera-picture")
        blind = html.P(t("Camera không trả về ảnh lúc này."), className="camera-blind")
        parts.append(html.Div([image, blind], className="camera-view"))
    if found.stream:
        told = {
            "data-camera-stream": f"/api/v1/cameras/{key}/hls/playlist.m3u8",
            "data-title": name,
            "data-close": t("Đóng"),
            "data-fails": t("Không xem được luồng: camera không trả lời, hoặc trình duyệt không đọc được."),
        }
        parts.append(html.Button(t("Xem trực tiếp"), className="action", **told))
    if not parts:
        parts.append(html.P(t("Chưa đăng ký địa chỉ ảnh của camera này."), className="muted"))
    if found.events:
        words = t("{n} sự kiện chưa xem trong 24 giờ", n=t.number(found.events))
        lang = "" if t.lang == "vi" else f"&lang={t.lang}"
        parts.append(html.A(words, href=f"/cameras/events?state=detected&camera={key}{lang}", className="press"))
    return parts
