"""Head and foot of a Vietnamese official paper: whose it is, the nation and its motto; who signs it."""

from access.site import Site
from pages.print import Element, element
from pages.text import Text


def letterhead(t: Text, site: Site, number: str = "") -> Element:
    """The centre, and the two lines that head every official paper."""
    below = element("div", number, _class="small") if number else None
    rule = element("div", _class="rule")
    centre = element("td", element("b", t.pick(site.centre_vi, site.centre_en)), element("div", _class="rule"), below)
    nation = element(
        "td",
        element("b", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
        element("div", element("b", "Độc lập - Tự do - Hạnh phúc")),
        rule,
    )
    return element("table", element("tr", centre, nation), _class="letterhead")


def signatures(t: Text) -> Element:
    """Room for two names: who made the paper, and the head of the unit."""
    empty = element("div", t("(ký, ghi rõ họ tên)"), _class="muted small")
    cells = [
        element("td", element("b", title), empty, element("div", _class="line"))
        for title in (t("NGƯỜI LẬP"), t("THỦ TRƯỞNG ĐƠN VỊ"))
    ]
    return element("table", element("tr", cells), _class="signatures")
