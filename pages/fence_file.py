"""Fences from and to files, in the fence list: a file is chosen, what it would change is looked at, then it is done."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update

from geo.degrees import dms
from geo.fence_file import EXPORTS
from geo.fence_kind import KINDS
from geo.vector_file import KNOWN
from pages import mark
from pages.text import Text

TOLD_MAX = 300  # rows of a table that somebody reads
SYSTEMS = (("EPSG:9214", "VN-2000 TM-3 Huế"), ("EPSG:9218", "VN-2000 TM-3 Đắk Lắk"), ("EPSG:3405", "VN-2000 UTM 48N"),
           ("EPSG:3406", "VN-2000 UTM 49N"), ("EPSG:4326", "WGS84"))  # fmt: skip
ACCEPTED = KNOWN.replace(" ", ",").replace(".shp,", "") + ",.json"


def tools(t: Text) -> list[Any]:
    """What stands beside the button for a new fence: import, and a download for each kind of file."""
    links = [
        html.A(one.name, href=f"/api/v1/fences.{suffix}", download="", className="action")
        for suffix, one in EXPORTS.items()
    ]
    out = html.Details([html.Summary(t("Xuất ra tệp")), html.Div(links, className="fence-buttons")], id="fence-out")
    return [html.Button(t("Nhập từ tệp"), id="fence-in", className="action", **{"aria-expanded": "false"}), out]


def layout(t: Text) -> html.Div:
    """The room of an import, closed until the button opens it; fence_file.js puts the browser's file box in."""
    systems = [("", t("Theo tệp")), *((code, f"{name} ({code})") for code, name in SYSTEMS)]
    kinds = [("", t("Theo tệp")), *((kind.name, t.title(kind)) for kind in KINDS.values())]
    return html.Div(
        [
            html.P(t("Shapefile gửi trong một tệp .zip. Nhiều nhất 8 MB."), className="note"),
            html.Div([], id="fence-file-place", **{"data-accept": ACCEPTED, "data-label": t("Chọn tệp…")}),
            html.Div(
                [
                    _choice(t("Hệ tọa độ"), "fence-file-crs", systems),
                    _choice(t("Loại, khi tệp không nói"), "fence-file-kind", kinds),
                ],
                className="fence-pair",
            ),
            html.Div(
                _choice(t("Lớp trong tệp"), "fence-file-layer", [("", t("Chọn một lớp"))]),
                id="fence-file-layers",
                hidden=True,
            ),
            html.P("", id="fence-file-said", role="status"),
            html.Ol([], id="fence-file-rows", **{"aria-label": t("Những gì sẽ thay đổi")}),
            html.Div(
                [
                    html.Label(
                        [
                            html.Span(t("Cán bộ trực ban")),
                            mark.entry("fence-file-actor", t("Họ tên hoặc mã số"), 60, remember="actor"),
                        ]
                    ),
                    html.Button("", id="fence-file-apply", className="primary"),
                ],
                id="fence-file-foot",
                hidden=True,
            ),
            dcc.Store(id="fence-file-answer"),
            dcc.Store(id="fence-file-actor-text"),
        ],
        id="fence-file",
        hidden=True,
    )


def _choice(words: str, name: str, choices: Sequence[tuple[str, str]]) -> html.Label:
    options = [html.Option(title, value=value) for value, title in choices]
    return html.Label([html.Span(words), html.Select(options, id=name)], className="fence-row")


# What the answer says


def said(t: Text, answer: Mapping[str, Any]) -> str:
    """The account in a sentence: what was done, what would be, or why nothing can be."""
    fault = answer.get("fault")
    if fault:
        return str(fault)
    counts = answer["counts"]
    if answer.get("applied") is not None:
        return t("Đã nhập {n} vùng.", n=answer["applied"])
    told = t(
        "{added} thêm mới, {changed} thay đổi, {unchanged} giữ nguyên, {refused} bị từ chối.",
        **{name: t.number(counts[name], 0) for name in ("added", "changed", "unchanged", "refused")},
    )
    system = t("Hệ tọa độ: {name}.", name=answer["crs"])
    ignored = t("Cột bỏ qua: {names}.", names=", ".join(answer["ignored"][:12])) if answer["ignored"] else ""
    stale = t("Có người vừa lưu thay đổi khác: xem lại bảng này.") if answer.get("stale") else ""
    return " ".join(filter(None, (stale, told, system, ignored)))


def rows(t: Text, answer: Mapping[str, Any], fields: Mapping[str, str]) -> list[html.Li]:
    """A row of the file each, those that are refused first, each fault a button that goes to its place."""
    order = {"refused": 0, "changed": 1, "added": 2, "unchanged": 3}
    found = sorted(answer.get("rows") or (), key=lambda one: order[one["what"]])
    more = t("và {n} dòng nữa", n=len(found) - TOLD_MAX) if len(found) > TOLD_MAX else ""
    return [*[_row(t, one, fields) for one in found[:TOLD_MAX]], *([html.Li(more, className="empty")] if more else [])]


def _row(t: Text, one: Mapping[str, Any], fields: Mapping[str, str]) -> html.Li:
    words = {
        "added": t("thêm mới"), "changed": t("thay đổi"), "unchanged": t("giữ nguyên"), "refused": t("từ chối"),
    }  # fmt: skip
    names = [fields.get(name, name) for name in one["fields"]] + ([t("quy tắc")] if one["rules"] else [])
    about = ", ".join(dict.fromkeys(names)) if one["what"] == "changed" else ""
    parts = [t("dòng {n}", n=one["row"]), one["key"], about]
    return html.Li(
        [
            html.Div([html.Strong(words[one["what"]]), html.Span(one["name"] or one["key"], className="what")]),
            html.Span(" · ".join(filter(None, parts)), className="muted"),
            *[_fault(t, fault) for fault in one["refusals"]],
        ],
        className=f"file-row {one['what']}",
    )


def _fault(t: Text, fault: Mapping[str, Any]) -> Any:
    words, place = t.pick(fault["vi"], fault["en"]), fault["place"]
    if place is None:
        return html.P(words, className="file-fault")
    lon, lat = place
    go = {"data-file-lat": str(lat), "data-file-lon": str(lon), "data-file-words": words}
    return html.Button(f"{words} · {dms(lat, lon)}", className="file-fault", **go)


def applied_words(t: Text, answer: Mapping[str, Any]) -> str:
    """What the button does; empty when there is nothing that it could do."""
    counts = answer.get("counts")
    if not counts or answer.get("applied") is not None:
        return ""
    some, refused = counts["added"] + counts["changed"], counts["refused"]
    if not some:
        return ""
    return t("Nhập {n} vùng, bỏ {m} dòng", n=some, m=refused) if refused else t("Nhập {n} vùng", n=some)


def register(app: Dash, fields: Any) -> None:
    """fence_file.js sends the file and puts the answer into a store; here it becomes words.

    fields: gives the names of a fence's fields in a language.
    """

    @app.callback(
        Output("fence-file-said", "children"),
        Output("fence-file-said", "className"),
        Output("fence-file-rows", "children"),
        Output("fence-file-foot", "hidden"),
        Output("fence-file-apply", "children"),
        Input("fence-file-answer", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    def show(answer: dict[str, Any] | None, words: dict[str, Any]) -> Any:
        t = Text(words["lang"])
        if answer is None:
            return "", "", [], True, no_update
        button = applied_words(t, answer)
        how = "bad" if answer.get("fault") else "good" if answer.get("applied") is not None else ""
        return said(t, answer), how, rows(t, answer, fields(t)), not button, button or no_update
