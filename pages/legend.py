"""The legend: layers by group with live counts, classes to hide by a click, freshness, opacity and a search over it.

legend.js writes counts and freshness and answers presses, without waking the page's other parts.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from dash import dcc, html

from access.site import Site
from pages import areas
from pages.mark import entry, icon, main_kind
from pages.text import Text
from pages.view import View

ZONE = "zone"  # the reference lines are not a layer of points, but are shown and hidden like one
STORM = "storm"  # nor are open storms
WARNING = "warning"  # nor warnings in force


def layout(site: Site, t: Text, view: View) -> html.Nav:
    """The left panel; at 1366 it folds to icons and opens over the map."""
    groups = [(name, list(layers)) for name, layers in groupby(site.layers, key=lambda layer: layer.group)]
    return html.Nav(
        [
            html.Button(
                icon("panel"),
                id="fold",
                className="quiet fold",
                title=t("Mở rộng, thu gọn danh sách lớp"),
                **{
                    "aria-label": t("Mở rộng, thu gọn danh sách lớp"),
                    "aria-expanded": "false",
                    "aria-controls": "legend",
                },
            ),
            html.Div(entry("layer-search", t("Lọc lớp…"), 40, "layer-search"), className="layer-find"),
            *[_group(t, name, layers, view, index == 0) for index, (name, layers) in enumerate(groups)],
            areas.layout(site, t, view),
            html.P(t("Không có lớp nào khớp"), id="layer-none", className="empty", hidden=True),
        ],
        id="legend",
        className="legend",
        **{"aria-label": t("Chú giải và lớp bản đồ")},
    )


def _group(t: Text, name: str, layers: list[Any], view: View, first: bool) -> html.Section:
    entries = [_layer(t, layer, view) for layer in layers] + (
        [_zone(t, view), _storm(t, view), _warning(t, view)] if first else []
    )
    return html.Section([html.H2(_group_title(t, name)), html.Ul(entries, className="layers")], className="group")


def _group_title(t: Text, name: str) -> str:
    words = {"sea": t("Biển"), "city": t("Đô thị"), "base": t("Nền"), "biển": t("Biển"), "đô thị": t("Đô thị")}
    return words.get(name.lower(), t(name))


def _layer(t: Text, layer: Any, view: View) -> html.Li:
    off = view.off.get(layer.name, ())
    title = t.title(layer)
    own = main_kind(layer.style.kinds)
    more = html.Button(
        icon("more"),
        className="quiet more",
        title=t("Độ đậm"),
        **{"aria-label": f"{title}: {t('Độ đậm')}", "aria-expanded": "false", "data-more": layer.name},
    )
    row = html.Div(
        [
            _toggle(layer.name, "*", title, icon(own.icon, own.color), "*" not in off, strong=True),
            more,
            _count(layer.name, "*"),
            _fresh(t, layer.name),
        ],
        className="entry",
    )
    slider = html.Div(
        [
            html.Label(
                [
                    t("Độ đậm"),
                    dcc.Input(
                        type="range",
                        min=10,
                        max=100,
                        step=5,
                        value=round(view.opacity.get(layer.name, 1) * 100),
                        className="range",
                    ),
                ]
            ),
        ],
        className="opacity",
        hidden=True,
        **{"data-opacity": layer.name},
    )
    kinds = [
        _family(t, layer.name, parent, list(some), off)
        for parent, some in groupby(layer.style.kinds, key=lambda kind: kind.parent)
    ]
    lines = [line for family in kinds for line in family] if len(layer.style.kinds) > 1 else []
    noted = "anomaly" in layer.shape.latest.c
    odd = [html.P([icon("note"), t("Có dấu hiệu bất thường")], className="odd")] if noted else []
    return html.Li(
        [row, slider, html.Ul(lines, className="kinds"), *odd],
        className="layer",
        **{"data-layer-kinds": " ".join([layer.name, *[kind.name for kind in layer.style.kinds]])},
    )


def _family(t: Text, layer: str, parent: str | None, kinds: list[Any], off: Sequence[str]) -> list[html.Li]:
    """Kinds of one parent under a line of their own, which bears the words that all their titles begin with."""
    if parent is None:
        return [_kind(layer, kind.name, t.title(kind), kind, kind.name not in off) for kind in kinds]
    shared = common_words([t.title(kind) for kind in kinds])
    members = " ".join([parent, *[kind.name for kind in kinds]])
    head = _kind(layer, parent, shared or parent, kinds[0], parent not in off, **{"data-family": members})
    rest = [t.title(kind)[len(shared) :].lstrip(" ,·") or t.title(kind) for kind in kinds]
    on = [parent not in off and kind.name not in off for kind in kinds]
    return [
        head,
        *[
            _kind(layer, kind.name, words, kind, shown, t.title(kind))
            for kind, words, shown in zip(kinds, rest, on, strict=True)
        ],
    ]


def common_words(titles: Sequence[str]) -> str:
    """The whole words all titles begin with, without a comma: `Tàu cá` of `Tàu cá từ 24 m` and `Tàu cá 12 m`."""
    shared: list[str] = []
    for words in zip(*[title.split(" ") for title in titles], strict=False):
        if len({word.rstrip(",") for word in words}) > 1:
            break
        shared.append(words[0].rstrip(","))
    return " ".join(shared)


def _kind(layer: str, name: str, title: str, kind: Any, on: bool, full: str = "", **data: str) -> html.Li:
    toggle = _toggle(layer, name, title, icon(kind.icon, kind.color), on, full=full)
    child = "child" if full else ""
    key = {"data-kind-key": f"{layer}.{name}", **data}
    return html.Li(html.Div([toggle, _count(layer, name)], className="entry"), className=f"kind {child}".strip(), **key)


def _zone(t: Text, view: View) -> html.Li:
    toggle = _toggle(
        ZONE, "*", t("Vùng ven bờ · lộng · khơi"), icon("line", "zone"), "*" not in view.off.get(ZONE, ()), strong=True
    )
    note = html.P(t("sơ đồ tham khảo, không phải căn cứ pháp lý"), className="note")
    return html.Li(
        [html.Div([toggle, html.Span("", id="zone-count", className="count")], className="entry"), note],
        className="layer",
    )


def _storm(t: Text, view: View) -> html.Li:
    """Hidden until storm_map finds a storm that is open."""
    on = "*" not in view.off.get(STORM, ())
    toggle = _toggle(STORM, "*", t("Bão, vùng nguy hiểm"), icon("storm", "storm"), on, strong=True)
    lang = "" if t.lang == "vi" else f"?lang={t.lang}"
    note = html.P(html.A(t("danh sách tàu phải gọi"), href=f"/fisheries/storm{lang}"), className="note")
    return html.Li(
        [html.Div([toggle, html.Span("", id="storm-count", className="count")], className="entry"), note],
        id="storm-entry",
        className="layer",
        hidden=True,
    )


def _warning(t: Text, view: View) -> html.Li:
    """Hidden until warning.js finds one in force."""
    on = "*" not in view.off.get(WARNING, ())
    toggle = _toggle(WARNING, "*", t("Cảnh báo đang có hiệu lực"), icon("warning", "ink"), on, strong=True)
    lang = "" if t.lang == "vi" else f"?lang={t.lang}"
    note = html.P(html.A(t("soạn, duyệt, phát cảnh báo"), href=f"/warnings{lang}"), className="note")
    return html.Li(
        [html.Div([toggle, html.Span("", id="warning-count", className="count")], className="entry"), note],
        id="warning-entry",
        className="layer",
        hidden=True,
    )


def _toggle(
    layer: str, kind: str, title: str, mark: html.Span, on: bool, strong: bool = False, full: str = ""
) -> html.Button:
    return html.Button(
        [mark, html.Span(title, className="title")],
        className="toggle" + (" strong" if strong else ""),
        title=full or title,
        **{"aria-pressed": "true" if on else "false", "data-toggle": f"{layer} {kind}"},
    )


def _count(layer: str, kind: str) -> html.Span:
    return html.Span("", className="count", **{"data-count": f"{layer} {kind}"})


def _fresh(t: Text, layer: str) -> html.Span:
    return html.Span(
        className="fresh waiting",
        role="img",
        title=t("Chưa có dữ liệu"),
        **{"aria-label": t("Chưa có dữ liệu"), "data-fresh-of": layer},
    )
