"""A boat's track on a small map: coloured by speed, dotted where nothing is known, hollow where somebody told it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import log2
from typing import Any

import dash_leaflet as dl
from dash import html

from access.boat import Record
from geo.fence import REFERENCE_NOTE
from pages.chart import SPEED_STEPS_KN, trail, zones
from pages.text import Text

MARGIN = 0.15  # of the track's extent, around it
LEAST_DEG = 0.05  # so that a boat in port is not shown at the scale of its berth
ROOM_PX = (520, 320)  # of the map at its smallest
MARKED_MOST = 400  # fixes that stand as points of their own


def fingerprint(found: Record) -> str:
    """Changes when the track does, or a fence that is drawn beside it."""
    last = found.fixes[-1]["observed_at"].isoformat() if found.fixes else ""
    places = [(one.id, one.version) for one in found.fences]
    return f"{found.layer.name} {len(found.track.fixes)} {last} {hash(tuple(places))}"


def gaps(fixes: Sequence[Mapping[str, Any]], gap: timedelta) -> list[tuple[datetime, datetime]]:
    """Where nothing is known of the way for longer than `gap`."""
    ends = [(before["observed_at"], after["observed_at"]) for before, after in pairwise(fixes)]
    return [(since, until) for since, until in ends if until - since > gap]


def layout(t: Text, found: Record, now: datetime) -> html.Section:
    """The map with its key and what it rests on; in words why there is none."""
    title = html.H3([t("Vệt di chuyển"), html.Span(_source(t, found), className="count")])
    if not found.fixes:
        return html.Section([title, html.P(_nothing(t, found), className="empty")], className="boat-part")
    silent = gaps(found.fixes, found.gap)
    told = [t("{n} vị trí", n=t.number(len(found.track.fixes)))]
    if silent:
        longest = max(until - since for since, until in silent)
        told.append(
            t("{n} khoảng không có vị trí, dài nhất {span}", n=len(silent), span=t.age(longest.total_seconds()))
        )
    told.append(t("khoảng trống nối bằng nét chấm"))
    told += [t("có tệp lưu trữ không đọc được: vệt còn thiếu")] if found.track.missing else []
    steps = ["0", *(t.number(step, 1) for step in SPEED_STEPS_KN)]
    key = [html.Span([html.I(className=f"swatch speed-{n}"), words]) for n, words in enumerate(steps)]
    return html.Section(
        [
            title,
            html.Div(_map(t, found, now), **{"data-bounds": json.dumps(_bounds(found))}),  # boat.js fits them in
            html.Div([html.Span(t("hl/giờ:")), *key], className="speed-key"),
            html.P(" · ".join(told), className="note"),
            html.P(f"{t('Tuyến bờ, tuyến lộng')}: {t(REFERENCE_NOTE)}.", className="note"),
        ],
        className="boat-part",
    )


def _source(t: Text, found: Record) -> str:
    if found.layer.name == "vms":
        return t("giám sát hành trình (VMS)")
    return t("AIS, không phải giám sát hành trình")


def _nothing(t: Text, found: Record) -> str:
    since = t.when(found.start)
    return t("Không có vị trí nào từ {at}: chọn khoảng dài hơn, hoặc xem tín hiệu cuối ở bên trái.", at=since)


def _bounds(found: Record) -> list[list[float]]:
    """South-west and north-east of the track, with room around it."""
    lats, lons = ([one[name] for one in found.fixes] for name in ("lat", "lon"))
    room = max((max(lats) - min(lats)) * MARGIN, (max(lons) - min(lons)) * MARGIN, LEAST_DEG)
    return [[min(lats) - room, min(lons) - room], [max(lats) + room, max(lons) + room]]


def _map(t: Text, found: Record, now: datetime) -> dl.Map:
    (south, west), (north, east) = _bounds(found)
    outlines, _ = zones(t, found.fences, now)
    return dl.Map(
        [
            dl.LayerGroup(outlines),
            dl.LayerGroup(trail(found.track.rows(), found.gap)),
            dl.LayerGroup(_marks(found.fixes)),
            dl.ZoomControl(position="topleft"),
        ],
        id="boat-map",
        center=[(south + north) / 2, (west + east) / 2],
        zoom=_zoom(east - west, north - south),
        zoomSnap=0.5,
        className="boat-map",
        minZoom=3,
        maxZoom=16,
        zoomControl=False,
        attributionControl=False,
        maxBounds=[[-85, -540], [85, 540]],
    )


def _zoom(wide: float, high: float) -> float:
    """The nearest zoom, in halves, at which so many degrees find room; 360 take 256 pixels at zoom 0."""
    most = min(ROOM_PX[0] / wide, ROOM_PX[1] / high * 0.95) * 360 / 256  # latitudes lie wider here
    return max(3.0, min(13.0, int(2 * log2(most)) / 2))


def _marks(fixes: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The newest fixes as points, those that were told by hand hollow, and the last one by itself."""
    marks = [
        dl.CircleMarker(
            center=[one["lat"], one["lon"]],
            radius=3.5 if one.get("manual") else 2,
            className="boat-told" if one.get("manual") else "boat-fix",
            interactive=False,
        )
        for one in fixes[-MARKED_MOST:-1]
    ]
    last = fixes[-1]
    name = "boat-last told" if last.get("manual") else "boat-last"
    return [*marks, dl.CircleMarker(center=[last["lat"], last["lon"]], radius=6, className=name, interactive=False)]
