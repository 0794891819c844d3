"""The head of the screen: product, centre, search, feeds, simulation badge, clock, shift, language and theme."""

from dash import Dash, html

from access.site import Site
from pages import feeds, menu, search
from pages.mark import icon
from pages.text import Text


def layout(site: Site, t: Text) -> html.Header:
    """One row of 52; what does not fit a narrow screen gives way from the middle outwards."""
    other = "en" if t.lang == "vi" else "vi"
    return html.Header(
        [
            menu.layout(site, t),
            html.Span(t.pick(site.centre_vi, site.centre_en), className="centre"),
            search.layout(site, t),
            feeds.layout(site, t),
            html.Strong(
                t("DỮ LIỆU MÔ PHỎNG"),
                id="badge",
                className="badge",
                hidden=not site.simulated,
                title=t("Một phần dữ liệu trên màn hình do chương trình mô phỏng tạo ra"),
            ),
            html.Time("--:--:--", id="clock", className="clock", title=t("Giờ máy chủ, múi giờ Asia/Ho_Chi_Minh")),
            html.Span("", id="shift", className="shift", title=t("Ca trực")),
            html.Button(
                other.upper(),
                id="switch-lang",
                className="quiet",
                lang=other,
                title="Switch to English" if other == "en" else "Chuyển sang tiếng Việt",
                **{"data-lang": other},
            ),
            html.Button(
                [icon("sun"), icon("moon")],
                id="switch-theme",
                className="quiet",
                title=t("Đổi nền sáng, nền tối"),
                **{"aria-label": t("Đổi nền sáng, nền tối")},
            ),
        ],
        className="head",
    )


def register(app: Dash, site: Site) -> None:
    """What asks the server; feeds.js draws the strip, and shows the badge when simulated data come later."""
    search.register(app, site)
