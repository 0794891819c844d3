"""The frame of the pages for citizens: drawn by the server, read without JavaScript, and nothing in them but text."""

from urllib.parse import urlencode

from fastapi import Response
from fastapi.responses import HTMLResponse

from access.site import Site
from geo.area import KINDS
from geo.report_public import Row
from pages.print import Child, Element, document_of, element
from pages.text import Text

BOARD, NEW, FOLLOW, RATE = (f"/public/reports{rest}" for rest in ("", "/new", "/follow", "/follow/rate"))
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {"content-security-policy": POLICY, "permissions-policy": "geolocation=(self), camera=(), microphone=()"}


def address(path: str, t: Text, **asked: str | None) -> str:
    """A path with what is asked for, in the language of the page."""
    given = {name: value for name, value in asked.items() if value}
    if t.lang != "vi":
        given["lang"] = t.lang
    return f"{path}?{urlencode(given)}" if given else path


def answer(
    site: Site, t: Text, title: str, here: str, *body: Child, status: int = 200, wait_s: int | None = None,
    private: bool = False,
) -> Response:  # fmt: skip
    """A whole page. here: the address of the same page without its language; private: nobody keeps it on the way."""
    other = Text("en" if t.lang == "vi" else "vi")
    word = {"vi": "Tiếng Việt", "en": "English"}[other.lang]
    switch = element("a", word, href=address(here, other), lang=other.lang, hreflang=other.lang, _class="language")
    badge = element("p", t("mô phỏng"), _class="badge", title=t("Dữ liệu mô phỏng")) if site.simulated else None
    head = element(
        "header",
        element(
            "div",
            element("a", element("b", "Hải Đăng"), element("span", t.pick(site.centre_vi, site.centre_en)),
                    href=address(BOARD, t), _class="brand"),
            badge,
            switch,
        ),
        element(
            "nav",
            [
                element("a", words, href=address(path, t), **({"aria-current": "page"} if path == here else {}))
                for path, words in ((BOARD, t("Phản ánh đã trả lời")), (NEW, t("Gửi phản ánh")),
                                    (FOLLOW, t("Tra cứu")))
            ],
            _class="ways", **{"aria-label": t("Phản ánh hiện trường")},
        ),
    )  # fmt: skip
    foot = element(
        "footer",
        element("p", t("Việc khẩn cấp: gọi 113 (công an), 114 (cháy, cứu nạn), 115 (cấp cứu). Tổng đài: 1022.")),
        element("p", t("Trang này không dùng cookie.")),
    )
    main = element("main", *body, id="main")
    skip = element("a", t("Tới nội dung"), href="#main", _class="skip")
    made = document_of(f"{title} · Hải Đăng", t.lang, _links(), skip, head, main, foot)
    more = {"cache-control": "no-store" if private else "no-cache"}
    if wait_s is not None:
        more["retry-after"] = str(wait_s)
    return HTMLResponse(made, status, {**HEADERS, **more})


def _links() -> list[Element]:
    return [
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="same-origin"),
        element("link", rel="icon", type="image/svg+xml", href="/assets/icon/favicon.svg"),
        element("link", rel="stylesheet", href="/assets/tokens.css"),
        element("link", rel="stylesheet", href="/assets/public/public.css"),
        element("script", src="/assets/public/theme.js"),
        element("script", src="/assets/public/public.js", type="module"),
    ]


def note(site: Site, t: Text, here: str, title: str, words: str, status: int, wait_s: int | None = None) -> Response:
    """A page that only says why there is nothing else, and where to go."""
    back = element("p", element("a", t("Về danh sách phản ánh"), href=address(BOARD, t), _class="press"))
    return answer(site, t, title, here, element("h1", title), element("p", words), back, status=status, wait_s=wait_s)


def commune(t: Text, kind: str | None, name: str | None) -> str | None:
    """A commune's whole name."""
    if name is None:
        return None
    vi, en = KINDS.get(kind or "", ("", ""))
    return f"{vi} {name}".strip() if t.lang == "vi" else f"{name} {en.lower()}".strip()


def place(t: Text, row: Row) -> str | None:
    """Where a report is: its address and its commune."""
    return ", ".join(filter(None, (row["address"], commune(t, row["commune_kind"], row["commune_name"])))) or None


def stars(t: Text, score: int) -> Element:
    """A rating, as stars and in words."""
    words = t("{n} trên 5", n=score)
    shapes = element("span", "★" * score, element("i", "★" * (5 - score)), **{"aria-hidden": "true"})
    return element("span", shapes, element("span", words, _class="unseen"), _class="stars", title=words)
