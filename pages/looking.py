"""The words of the map's right click: which cameras look at the place (assets/camera.js asks and shows)."""

from dash import html

from access.site import Site
from pages.text import Text


def layout(site: Site, t: Text) -> html.Div:
    """Nothing to see; without a layer of cameras a right click does nothing."""
    if site.layer("camera") is None:
        return html.Div(hidden=True)
    words = {
        "title": t("Camera nhìn về đây"),
        "waits": t("Đang tìm…"),
        "none": t("Không có camera nào trong 2 km nhìn về đây."),
        "report": t("Phản ánh ở đây"),
        "fails": t("Không hỏi được máy chủ; thử lại."),
        "far": t("ngoài tầm nhìn"),
        "health0": t("Trực tuyến"),
        "health1": t("Chập chờn"),
        "health2": t("Đứng hình"),
        "health3": t("Mất kết nối"),
        "health": t("Chưa kiểm tra"),
    }
    return html.Div(id="looking-words", hidden=True, **{f"data-{name}": text for name, text in words.items()})
