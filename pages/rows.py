"""The list of what is in view: the same objects as on the map, for the keyboard and for screen readers, sortable."""

from dash import ClientsideFunction, Dash, Input, Output, html

from access.site import Site
from pages.text import Text


def layout(site: Site, t: Text) -> html.Details:
    """Folded by default: the drawing worker gathers rows only while somebody reads them."""
    columns = [("label", t("Tên")), ("kind", t("Loại")), ("speed", t("hl/giờ")), ("age", t("Tuổi"))]
    heads = [
        html.Button(
            [title], id=f"sort-{name}", className=f"sort col-{name}", **{"data-sort": name, "aria-pressed": "false"}
        )
        for name, title in columns
    ]
    return html.Details(
        [
            html.Summary(
                [
                    html.Span(t("Danh sách tàu trong khung nhìn"), className="summary-title"),
                    html.Span("", id="rows-count", className="count"),
                ]
            ),
            html.Div(heads, className="rows-head", role="group", **{"aria-label": t("Sắp xếp")}),
            html.Div(
                [],
                id="rows-list",
                className="rows-list",
                role="listbox",
                tabIndex=0,
                **{
                    "aria-label": t("Danh sách tàu trong khung nhìn"),
                    "data-empty": t("Không có tàu nào trong khung nhìn này."),
                    "data-marked": t("Có dấu hiệu bất thường"),
                },
            ),
            html.P(t("Danh sách đứng yên khi đang đọc"), id="rows-held", className="note", hidden=True),
        ],
        id="rows-panel",
        className="rows",
        open=False,
    )


def register(app: Dash, site: Site) -> None:
    """rows.js draws the rows itself: two hundred of them each two seconds would be too many components."""
    app.clientside_callback(
        ClientsideFunction("haidang", "rows"),
        Output("rows-count", "children"),
        Input("rows", "data"),
        prevent_initial_call=True,
    )
