"""The screen `/warnings`: warnings by their state, the area of one on a map, and each step from draft to end."""

import json
from urllib.parse import parse_qsl

import dash_leaflet as dl
from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from access.site import Site
from pages import banner, header, mark, stores
from pages.text import Text

POLL_MS = 4_000


def layout(site: Site, t: Text, search: str) -> html.Div:
    """`?id=NUMBER` opens one, `?new=1` the form of a new one."""
    asked = {key.lower(): value for key, value in parse_qsl(search.lstrip("?"))}
    wanted = {name: asked[name][:20] for name in ("id", "new") if asked.get(name)}
    lat, lon, zoom = site.view
    return html.Div(
        [
            html.A(t("Tới danh sách cảnh báo"), href="#warnings-list", className="skip"),
            header.layout(site, t),
            _head(t),
            html.Main(
                [
                    html.P("", id="warnings-said", role="status", className="cases-said"),
                    html.Div(
                        html.P(t("Đang đọc…"), className="empty"), id="warnings-list", className="warnings-list",
                        tabIndex="-1",
                    ),
                ],
                className="warnings-main",
            ),
            html.Div(
                [
                    dl.Map(
                        [dl.ZoomControl(position="topleft")],
                        id="warnings-map",
                        center=[lat, lon],
                        zoom=zoom,
                        minZoom=3,
                        maxZoom=18,
                        zoomSnap=0.5,
                        zoomControl=False,
                        attributionControl=False,
                        className="map",
                        keyboard=True,
                    ),
                    html.P("", id="warnings-hint", className="warnings-hint", role="status", hidden=True),
                ],
                className="warnings-chart",
            ),
            html.Aside([], id="warnings-one", className="right warnings-one", **{"aria-label": t("Cảnh báo đang xem")}),
            html.Div([], id="warnings-frame", className="warnings-frame", hidden=True),
            banner.layout(site, t),
            stores.apart(t),
            dcc.Store(id="warnings-actor-text"),
            dcc.Store(id="warnings-answer"),
            dcc.Interval(id="warnings-tick", interval=POLL_MS),
        ],
        id="warnings-screen",
        className="screen screen-warnings",
        **{"data-wanted": json.dumps(wanted), "data-simulated": "1" if site.simulated else ""},
    )  # fmt: skip


def _head(t: Text) -> html.Div:
    keys = [part for key in ("J", "K", "Enter", "N", "Esc") for part in (html.Kbd(key), " ")]
    return html.Div(
        [
            html.H1(t("Cảnh báo thiên tai")),
            html.Strong("", id="warnings-count", className="cases-count"),
            html.P(keys, className="cases-keys", title=t("Đi giữa các cảnh báo, mở, soạn mới, đóng")),
            html.Label(
                [html.Span(t("Trực ban")), mark.entry("warnings-actor", t("Họ tên hoặc mã số"), 60, remember="actor")],
                className="cases-duty",
                title=t("Mọi việc làm ở bảng này mang tên này"),
            ),
            html.A("CAP (Atom)", href="/cap/feed.atom", className="action", title=t("Bảng tin CAP cho mọi người")),
            html.Button([t("Soạn cảnh báo"), html.Kbd("N")], id="warnings-new", className="action"),
        ],
        className="cases-head warnings-head",
    )


def register(app: Dash, site: Site) -> None:
    """The browser asks the API itself; the tick is all that it needs of Dash."""
    app.clientside_callback(
        ClientsideFunction("haidang", "warnings_tick"),
        Output("warnings-answer", "data"),
        Input("warnings-tick", "n_intervals"),
    )
