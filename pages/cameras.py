"""The screen `/cameras`: a group's cameras side by side, page after page; those near an alarm or event stay first."""

import json
from urllib.parse import parse_qsl

from dash import Dash, html

from access.site import Site
from geo.camera import DEGRADED, FROZEN, KINDS, OFFLINE, ONLINE
from geo.camera_event import TYPES
from pages import banner, header, stores
from pages.text import Text

SETTINGS = ("group", "size", "every", "page", "paused")
EVERY_S = (5, 10, 20, 30, 60)


def layout(site: Site, t: Text, search: str) -> html.Div:
    """`group size every page paused` are in the address: a wall's grid is a bookmark."""
    asked = {key.lower(): value for key, value in parse_qsl(search.lstrip("?"))}
    wanted = {name: asked[name][:120] for name in SETTINGS if asked.get(name)}
    health = {ONLINE: t("Trực tuyến"), DEGRADED: t("Chập chờn"), FROZEN: t("Đứng hình"), OFFLINE: t("Mất kết nối")}
    words = {
        "health": {str(state): name for state, name in health.items()},
        "kinds": {key: t.pick(*both) for key, both in KINDS.items()},
        "types": {key: t.pick(*both) for key, both in TYPES.items()},
    }
    return html.Div(
        [
            html.A(t("Tới lưới camera"), href="#grid-tiles", className="skip"),
            header.layout(site, t),
            html.Main(
                [
                    _head(t),
                    html.P("", id="grid-said", role="status", className="cases-said"),
                    html.Div([], id="grid-tiles", className="grid-tiles", tabIndex="-1"),
                ],
                className="cases-main",
            ),
            banner.layout(site, t),
            stores.apart(t),
        ],
        id="grid-screen",
        className="screen screen-cases screen-grid",
        **{"data-wanted": json.dumps(wanted, ensure_ascii=False), "data-words": json.dumps(words, ensure_ascii=False)},
    )


def _head(t: Text) -> html.Div:
    keys = [part for key in ("2", "3", "4", "←", "→", "Space") for part in (html.Kbd(key), " ")]
    sizes = [
        html.Button(f"{n}×{n}", id=f"grid-size-{n * n}", className="chip", **{"data-grid-size": str(n * n)})
        for n in (2, 3, 4)
    ]
    every = [html.Option(t("mỗi {n} giây", n=n), value=str(n)) for n in EVERY_S]
    lang = "" if t.lang == "vi" else f"?lang={t.lang}"
    return html.Div(
        [
            html.H1(t("Lưới camera")),
            html.Label(
                [
                    html.Span(t("Nhóm camera"), className="unseen"),
                    html.Select([], id="grid-group", className="picked", title=t("Nhóm camera")),
                ]
            ),
            html.Div(sizes, className="chips", role="group", **{"aria-label": t("Cỡ lưới")}),
            html.Label(
                [
                    html.Span(t("Đổi trang"), className="unseen"),
                    html.Select(every, id="grid-every", className="picked", title=t("Đổi trang")),
                ]
            ),
            html.Button(t("Dừng"), id="grid-pause", className="action", **{"aria-pressed": "false"}),
            html.Strong("", id="grid-count", className="cases-count"),
            html.P(keys, className="cases-keys", title=t("Cỡ lưới, trang trước, trang sau, dừng hoặc chạy tiếp")),
            html.A(t("Sự kiện camera"), href=f"/cameras/events{lang}", className="action"),
        ],
        className="cases-head",
    )


def register(app: Dash, site: Site) -> None:
    """Nothing of Dash's: camera_grid.js asks the API as the pages turn."""
