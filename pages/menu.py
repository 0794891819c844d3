"""The menu under the product's name: every screen, and where the engineers look."""

from dash import html

from access.site import Site
from pages.mark import icon
from pages.text import Text


def layout(site: Site, t: Text) -> html.Details:
    """The browser's own disclosure; menu.js closes it again and marks the screen that is open."""
    screens = [
        ("/", t("Bản đồ")),
        ("/alarms", t("Bàn báo động")),
        ("/fisheries", t("Bảng mất tín hiệu")),
        ("/fisheries/risk", t("Tàu cần xem trước")),
        ("/fisheries/storm", t("Bão, áp thấp nhiệt đới")),
        ("/flood", t("Lũ: sông và mưa")),
        ("/warnings", t("Cảnh báo thiên tai")),
        ("/cameras", t("Lưới camera")),
        ("/cameras/events", t("Sự kiện camera")),
        ("/services/report", t("Phản ánh hiện trường")),
        ("/inbox", t("Hộp việc đơn vị")),
        ("/alarms/metrics", t("Chỉ số báo động")),
        ("/handover", t("Bàn giao ca")),
        ("/rules", t("Quy tắc")),
        ("/rules/lab", t("Thử quy tắc")),
        ("/channels", t("Kênh gửi báo động")),
        ("/public/reports", t("Phản ánh: trang công khai")),
    ]
    lang = "" if t.lang == "vi" else f"?lang={t.lang}"
    links = [html.Li(html.A(words, href=path + lang)) for path, words in screens]
    docs = html.Li(html.A(t("Giao diện lập trình (API)"), href="/api/docs"), className="apart")
    return html.Details(
        [
            html.Summary([html.H1("Hải Đăng", className="product"), icon("chevron")], title=t("Các màn hình")),
            html.Nav(html.Ul([*links, docs]), **{"aria-label": t("Các màn hình")}),
        ],
        id="menu",
        className="menu",
    )
