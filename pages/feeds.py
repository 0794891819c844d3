"""The feed strip: each feed's name, how long ago its last message came, and on hover its rate and what was rejected."""

import json

from dash import html

from access.camera_event import EVENTS
from access.site import Site
from pages.text import Text


def layout(site: Site, t: Text) -> html.Ul:
    """An empty strip; feeds.js fills it from the server's feed messages, and keeps it."""
    waiting = html.Li(t("Đang chờ nguồn dữ liệu"), className="feed muted")
    # By what a source's name begins with; AIS and VMS are said as they are written.
    names = {layer.name: t.title(layer) for layer in site.layers} | {EVENTS: t("Sự kiện camera")}
    told = {"aria-label": t("Nguồn dữ liệu"), "data-names": json.dumps(names, ensure_ascii=False)}
    return html.Ul([waiting], id="feeds", className="feeds", **told)
