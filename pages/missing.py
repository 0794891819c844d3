"""The screen for an address that is none of ours: it says so and shows the way back."""

from dash import html

from access.site import Site
from pages.text import Text


def layout(site: Site, t: Text, path: str) -> html.Main:
    """Names the address that was asked for."""
    return html.Main(
        [
            html.H1("Hải Đăng", className="product"),
            html.H2(t("Không có trang này")),
            html.P([html.Code(path), " ", t("không phải là một trang của hệ thống.")]),
            html.A(t("Về bản đồ"), href="/", className="back"),
        ],
        className="missing",
    )
