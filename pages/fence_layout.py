"""What the fence editor's drawer is made of: the list, the form with its sections, the versions; no callbacks."""

from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from access.site import Site
from geo.fence_kind import KINDS
from pages import fence_file
from pages.mark import severity_word
from pages.text import Text
from pages.view import View


def layout(site: Site, t: Text, view: View) -> html.Aside:
    """Closed until V, the button or the address asks for it; fence.js puts the browser's own inputs into the form."""
    return html.Aside(
        [
            html.Div(
                [
                    html.Button("‹", id="fence-back", className="quiet", hidden=True, title=t("Về danh sách vùng")),
                    html.H2(t("Vùng"), id="fence-title", tabIndex=-1, **{"data-list": t("Vùng")}),
                    html.Button(
                        "×", id="fence-close", className="quiet", title=t("Đóng (V)"), **{"aria-label": t("Đóng")}
                    ),
                ],
                className="fence-head",
            ),
            _list_view(t),
            _form_view(t),
            *[dcc.Store(id=f"fence-{name}") for name in STORES],
            dcc.Store(id="fence-start", data={"ask": view.fence} if view.fence else None),
        ],
        id="fence-panel",
        className="fence-panel",
        hidden=True,
        **{"aria-label": t("Vùng")},
    )


STORES = ("ask", "data", "shape", "checked", "draft", "answer", "look", "looked", "shown")


def _list_view(t: Text) -> html.Div:
    return html.Div(
        [
            html.Div(
                [
                    html.Button(t("Vẽ vùng mới"), id="fence-new", className="primary", **{"data-fence-new": "area"}),
                    *fence_file.tools(t),
                ],
                className="fence-tools",
            ),
            fence_file.layout(t),
            html.Ol([html.Li(t("Đang đọc danh sách vùng…"), className="empty")], id="fence-list"),
        ],
        id="fence-list-view",
    )


def _form_view(t: Text) -> html.Div:
    return html.Div(
        [
            html.Div([*_outline(t), *_sections(t), _versions(t)], className="fence-scroll"),
            html.Div(
                [
                    _box(t("Cán bộ trực ban"), "actor", t("Họ tên hoặc mã số")),
                    _box(t("Lý do, ghi chú"), "comment", t("không bắt buộc")),
                    html.Button([t("Lưu"), html.Kbd("Ctrl S")], id="fence-save", className="primary"),
                    html.Button(t("Bỏ vùng này"), id="fence-retire", className="action"),
                    html.P("", id="fence-result", role="status"),
                ],
                className="fence-foot",
            ),
        ],
        id="fence-form-view",
        hidden=True,
    )


def _outline(t: Text) -> list[Any]:
    tools = [
        ("polygon", t("Đa giác"), "area"),
        ("circle", t("Vòng tròn"), "area"),
        ("corridor", t("Hành lang"), "area"),
        ("line", t("Đường"), "gate boundary"),
    ]
    buttons = [
        html.Button(words, className="action", **{"data-fence-tool": name, "data-for": kinds, "aria-pressed": "false"})
        for name, words, kinds in tools
    ]
    return [
        html.Div(
            [
                html.Div(buttons, className="fence-buttons", role="toolbar", **{"aria-label": t("Vẽ")}),
                html.Div(
                    [
                        html.Button([t("Hoàn tác"), html.Kbd("Ctrl Z")], id="fence-undo", className="action"),
                        html.Button(t("Vẽ lại từ đầu"), id="fence-clear", className="action"),
                    ],
                    className="fence-buttons",
                ),
                html.P("", id="fence-hint", className="note", role="status"),
                html.Div(
                    [
                        _box(t("Bán kính (m)"), "radius_m", "1000", tool="circle"),
                        _box(t("Bề rộng hành lang (m)"), "width_m", "1000", tool="corridor"),
                    ],
                    className="fence-pair",
                ),
                html.P("", id="fence-size", className="fence-size"),
                html.Div([], id="fence-faults", role="alert"),
                html.Details(
                    [
                        html.Summary(t("Tọa độ bằng chữ")),
                        html.P(
                            t("Mỗi dòng một điểm: vĩ độ kinh độ, thập phân hoặc độ phút giây. Dòng trống: vòng khác."),
                            className="note",
                        ),
                        html.Textarea(
                            id="fence-text", rows=6, spellCheck="false", **{"aria-label": t("Tọa độ bằng chữ")}
                        ),
                    ],
                    id="fence-words",
                ),
            ],
            className="fence-section",
        )
    ]


def _sections(t: Text) -> list[Any]:
    kinds = [(kind.name, t.title(kind)) for kind in KINDS.values()]
    levels = [(name, severity_word(t, name)) for name in ("critical", "high", "medium", "low")]
    ways = [("both", t("Cả hai chiều")), ("to_left", t("Sang trái đường vẽ")), ("to_right", t("Sang phải đường vẽ"))]
    return [
        _section(
            t("Tên và loại"),
            _box(t("Tên (tiếng Việt)"), "name_vi", ""),
            _box(t("Tên (tiếng Anh)"), "name_en", t("không bắt buộc")),
            _choice(t("Loại"), "kind", kinds),
            _area(t("Ghi chú về vùng"), "note"),
        ),
        _section(
            t("Báo động"),
            _choice(t("Mức độ khi vi phạm"), "severity", levels),
            html.Div(
                [
                    _tick(t("Ở trong vùng"), "watch_inside", "area"),
                    _tick(t("Ở ngoài vùng (phải ở trong)"), "watch_outside", "area"),
                    _tick(t("Đi vào"), "watch_enter", "area"),
                    _tick(t("Rời khỏi"), "watch_exit", "area"),
                    _tick(t("Đi qua cổng"), "watch_crossing", "gate"),
                    _tick(t("Đến gần ranh giới"), "watch_approach", "boundary"),
                ],
                className="fence-ticks",
                role="group",
                **{"aria-label": t("Theo dõi")},
            ),
            html.P("", id="fence-wrong-kinds", className="field-error"),
            html.Div(
                [
                    _box(t("Đệm vàng, báo đến gần (m)"), "buffer_m", t("0 là không"), "area"),
                    _box(t("Ở trong bao lâu (phút)"), "dwell_min", "0", "area"),
                    _box(t("Trễ khi rời (m)"), "hysteresis_m", "50"),
                    _box(t("Hết sau (phút)"), "off_delay_min", "0"),
                    _box(t("Các nấc khoảng cách (hải lý)"), "steps_nm", "15 10 6 3", "boundary"),
                ],
                className="fence-pair",
            ),
            _choice(t("Chiều"), "direction", ways, "gate"),
            _area(t("Việc cần làm"), "response_vi"),
            _area(t("Việc cần làm (tiếng Anh)"), "response_en"),
        ),
        _section(
            t("Áp dụng cho"),
            html.Div(
                [
                    _box(t("Chiều dài từ (m)"), "length_from", ""),
                    _box(t("đến dưới (m)"), "length_to", ""),
                ],
                className="fence-pair",
            ),
            _tick(t("Chỉ tàu cá"), "fishing"),
            _box(t("Tỉnh đăng ký (đầu số)"), "prefixes", "TTH, QT"),
            _box(t("Luôn áp dụng cho"), "include", t("MMSI hoặc @danh-sách")),
            _box(t("Không áp dụng cho"), "exclude", t("MMSI hoặc @danh-sách")),
            html.P("", id="fence-rosters", className="note"),
            opened=False,
        ),
        _section(
            t("Hiệu lực và quản lý"),
            html.Div(
                [
                    _box(t("Có hiệu lực từ"), "valid_from", "06:00 01/04/2027"),
                    _box(t("đến trước"), "valid_to", "06:00 01/07/2027"),
                ],
                className="fence-pair",
            ),
            _area(t("Mùa trong năm, mỗi dòng một mùa"), "season", "01/04 - 30/06"),
            html.Div(
                [_box(t("Người phụ trách"), "owner", ""), _box(t("Xem lại trước ngày"), "review_by", "31/12/2027")],
                className="fence-pair",
            ),
            opened=False,
        ),
    ]


def _versions(t: Text) -> html.Details:
    return html.Details(
        [html.Summary(t("Các phiên bản")), html.Ol([], id="fence-versions", className="fence-versions")],
        className="fence-section",
        open=False,
    )


def _section(name: str, *parts: Any, opened: bool = True) -> html.Details:
    return html.Details([html.Summary(name), *parts], className="fence-section", open=opened)


def _row(words: str, name: str, control: Any, kinds: str | None, tool: str | None = None) -> html.Div:
    more = {**({"data-for": kinds} if kinds else {}), **({"data-tool": tool} if tool else {})}
    error = html.P("", id=f"fence-wrong-{name}", className="field-error")
    return html.Div([html.Label([html.Span(words), control]), error], className="fence-row", **more)


def _box(words: str, name: str, hint: str, kinds: str | None = None, tool: str | None = None) -> html.Div:
    blank = html.Div([], className="entry-box", **{"data-blank": name, "data-hint": hint})
    return _row(words, name, blank, kinds, tool)


def _area(words: str, name: str, hint: str = "") -> html.Div:
    return _row(words, name, html.Textarea(rows=2, placeholder=hint, **{"data-field": name}), None)


def _choice(words: str, name: str, choices: Sequence[tuple[str, str]], kinds: str | None = None) -> html.Div:
    options = [html.Option(title, value=value) for value, title in choices]
    return _row(words, name, html.Select(options, **{"data-field": name}), kinds)


def _tick(words: str, name: str, kinds: str | None = None) -> html.Label:
    more = {"data-for": kinds} if kinds else {}
    return html.Label([html.Span([], className="tick-box", **{"data-check": name}), words], className="tick", **more)
