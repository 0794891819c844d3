"""The help dialog: every key, and how to keep a view as a link."""

from dash import html

from access.site import Site
from pages.text import Text


def layout(site: Site, t: Text) -> html.Dialog:
    """Opened by `?`; the browser's own dialog keeps the focus inside."""
    keys = [
        ("/", t("Tìm kiếm")),
        ("F", t("Bám theo đối tượng đang chọn")),
        ("L", t("Nhãn trên bản đồ")),
        ("T", t("Vệt 24 giờ")),
        ("H", t("Hành vi 24 giờ qua: gặp nhau, im lặng; của tàu đang chọn thì mọi việc")),
        ("V", t("Vùng: danh sách, vẽ và sửa")),
        ("C", t("Sao chép vị trí dưới con trỏ")),
        ("+ −", t("Phóng to, thu nhỏ")),
        ("← ↑ → ↓", t("Dời bản đồ, hoặc đi trong danh sách")),
        ("Enter", t("Chọn dòng đang đứng")),
        ("Esc", t("Đóng, bỏ chọn")),
        ("?", t("Bảng này")),
    ]
    desk = [
        ("J K", t("Đi trong danh sách báo động")),
        ("Enter", t("Mở báo động, hoặc mở nhóm")),
        ("A", t("Xác nhận: ghi chú rồi Enter")),
        ("G", t("Giao việc cho đơn vị")),
        ("S", t("Tạm hoãn, có lý do và hạn")),
        ("E", t("Chuyển cấp trên")),
        ("W", t("Rút lại báo động sai, có lý do")),
        ("N", t("Ghi chú vào nhật ký")),
        ("M", t("Tắt tiếng 5 phút, bật lại")),
        ("Esc", t("Áp dụng thay đổi đang chờ; đóng ô đang mở")),
    ]
    return html.Dialog(
        [
            html.H2(t("Phím tắt")),
            html.Div([_table(t("Bản đồ"), keys), _table(t("Bàn báo động"), desk)], className="help-tables"),
            html.P(
                t("Địa chỉ trang giữ nguyên khung nhìn, lớp, đối tượng, nền và ngôn ngữ: sao chép để gửi người khác.")
            ),
            html.Button(t("Đóng"), id="help-close", className="primary", **{"data-help": "0"}),
        ],
        id="help",
        className="help",
        **{"aria-label": t("Phím tắt")},
    )


def _table(title: str, keys: list[tuple[str, str]]) -> html.Table:
    rows = [html.Tr([html.Th(html.Kbd(key), scope="row"), html.Td(words)]) for key, words in keys]
    return html.Table([html.Caption(title), html.Tbody(rows)])
