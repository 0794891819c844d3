"""The public board of field reports: what was answered, with its photographs and how its sender rated it."""

from collections.abc import Sequence
from typing import Any

from fastapi import Response

from access.public import PAGE
from access.site import Site
from geo.report_category import Category
from geo.report_public import STATES, Asked, Row
from pages.print import Child, Element, element
from pages.public import BOARD, FOLLOW, NEW, address, answer, commune, place, stars
from pages.report import ends
from pages.text import Text

WORDS_MOST = 100  # letters of a question
SMALL_SIDE = 480


def state_word(t: Text, status: str) -> tuple[str, str]:
    """How a published report stands, and the class of its badge."""
    if status == "closed":
        return t("Đã hoàn tất"), "done"
    return (t("Đã trả lời"), "done") if status == "published" else (t("Đang xử lý lại"), "again")


def board(site: Site, t: Text, asked: Asked, rows: Sequence[Row], totals: Row, kinds: Sequence[Category]) -> Response:
    """A page of the board; rows: one more than a page has, where there are more."""
    more, shown = len(rows) > PAGE, rows[:PAGE]
    chosen = {"q": asked.words, "category": asked.category, "commune": asked.commune, "state": asked.state}
    ways: list[Child] = []
    if asked.before:
        ways.append(element("a", t("Về trang đầu"), href=address(BOARD, t, **chosen), _class="press"))
    if more:
        last = f"{shown[-1]['published_at'].isoformat()}~{shown[-1]['id']}"
        ways.append(
            element("a", t("Cũ hơn"), href=address(BOARD, t, **chosen, before=last), _class="press", rel="next")
        )
    nothing = (
        t("Không có phản ánh nào như vậy. Bỏ bớt điều kiện lọc để xem nhiều hơn.")
        if any(chosen.values()) or asked.before
        else t("Chưa có phản ánh nào được công khai.")
    )
    listed = (
        element("ul", [_card(t, row) for row in shown], _class="cards")
        if shown
        else element("p", nothing, _class="empty")
    )
    return answer(
        site, t, t("Phản ánh hiện trường"), BOARD,
        element("div", element("h1", t("Phản ánh hiện trường")),
                element("a", t("Gửi phản ánh"), href=address(NEW, t), _class="action"), _class="top"),
        _totals(t, totals), _filters(t, chosen, totals, kinds), listed,
        element("nav", ways, _class="pages", **{"aria-label": t("Trang")}) if ways else None,
    )  # fmt: skip


def _totals(t: Text, told: Row) -> Element:
    def share(part: int, whole: int) -> str:
        return f"{t.number(100 * part / whole, 1)} %" if whole else "–"

    facts = [
        (t.number(told["received"]), t("tiếp nhận")),
        (share(told["on_time"], told["answered"]), t("trả lời đúng hạn")),
        (share(told["satisfied"], told["rated"]), t("hài lòng ({n} đánh giá)", n=t.number(told["rated"]))),
        (t.number(told["open"]), t("đang xử lý")),
        (t.number(told["late"]), t("quá hạn")),
    ]
    items = [element("div", element("dt", words), element("dd", number)) for number, words in facts]
    age = element("p", t("Mười hai tháng qua; tính lúc {at}.", at=t.when(told["at"])), _class="note")
    return element("section", element("dl", items), age, _class="totals", **{"aria-label": t("Số liệu")})


def _filters(t: Text, chosen: dict[str, str | None], totals: Row, kinds: Sequence[Category]) -> Element:
    """A form of GET, so that what is found can be passed on by its address."""
    fields = [(one.key, t.pick(one.name_vi, one.name_en)) for one in kinds if one.key in totals["categories"]]
    named = [(code, commune(t, one["kind"], one["name"]) or code) for code, one in totals["communes"].items()]
    states = {"answered": t("Đã trả lời"), "closed": t("Đã hoàn tất"), "again": t("Đang xử lý lại")}
    assert states.keys() == STATES.keys()
    lang = [element("input", type="hidden", name="lang", value=t.lang)] if t.lang != "vi" else []
    return element(
        "form",
        element("label", element("span", t("Tìm trong phản ánh")),
                element("input", type="search", name="q", value=chosen["q"] or "", maxlength=str(WORDS_MOST),
                        placeholder=t("từ, địa chỉ hoặc mã phản ánh")), _class="wide"),
        select(t, t("Lĩnh vực"), "category", fields, chosen["category"]),
        select(t, t("Xã, phường"), "commune", sorted(named, key=lambda one: one[1]), chosen["commune"]),
        select(t, t("Tình trạng"), "state", list(states.items()), chosen["state"]),
        lang, element("button", t("Lọc"), type="submit"),
        method="get", action=BOARD, role="search", _class="filters",
    )  # fmt: skip


def select(t: Text, words: str, name: str, offered: Sequence[tuple[str, str]], chosen: str | None) -> Element:
    """A choice of one or all."""
    options = [element("option", t("Tất cả"), value="")]
    for value, word in offered:
        picked = {"selected": "selected"} if value == chosen else {}
        options.append(element("option", word, value=value, **picked))
    return element("label", element("span", words), element("select", options, name=name))


def _card(t: Text, row: Row) -> Element:
    here = address(f"{BOARD}/{row['id']}", t)
    first = [next((one for one in row["photos"] if one["part"] == part), None) for part in ("report", "result")]
    pictures = [
        _picture(t, one, part)
        for one, part in zip(first, (t("Trước khi xử lý"), t("Sau khi xử lý")), strict=True)
        if one is not None
    ]
    facts = [t.pick(row["category_vi"], row["category_en"]), place(t, row), t.when(row["published_at"])]
    unit = t.pick(row["answered_vi"], row["answered_en"]) or t("Trả lời")
    reply = row["answer"] and element("p", element("b", unit), f": {row['answer']}", _class="reply")
    return element(
        "li",
        element("article",
                element("h2", element("a", row["title"], href=here)),
                element("p", " · ".join(filter(None, facts)), _class="facts"),
                element("a", pictures, href=here, _class="pictures", tabindex="-1", **{"aria-hidden": "true"})
                if pictures else None,
                reply or None, _marks(t, row)),
    )  # fmt: skip


def _marks(t: Text, row: Row) -> Element:
    word, name = state_word(t, row["status"])
    marks: list[Child] = [element("span", word, _class=f"state {name}")]
    if row["rating"]:
        marks.append(stars(t, row["rating"]))
    if row["simulated"]:
        marks.append(element("span", t("mô phỏng"), _class="badge"))
    return element("p", marks, _class="marks")


def _picture(t: Text, one: Row, words: str, small: bool = True) -> Element:
    scale = min(1.0, SMALL_SIDE / max(one["width"], one["height"])) if small else 1.0
    size = {"width": str(round(one["width"] * scale)), "height": str(round(one["height"] * scale))}
    source = f"{BOARD}/photos/{one['name']}" + ("?small=1" if small else "")
    image = element("img", src=source, alt=words, loading="lazy", decoding="async", **size)
    return element("figure", image, element("figcaption", words))


def one_report(site: Site, t: Text, row: Row) -> Response:
    """One published report, whole."""
    parts = (("report", t("Ảnh người dân gửi")), ("result", t("Ảnh kết quả xử lý")))
    pictures = []
    for part, title in parts:
        shown = [one for one in row["photos"] if one["part"] == part]
        figures = [
            element("a", _picture(t, one, f"{title} {number}"), href=f"{BOARD}/photos/{one['name']}")
            for number, one in enumerate(shown, 1)
        ]
        if figures:
            pictures.append(element("section", element("h2", title), element("div", figures, _class="gallery")))
    facts = [
        (t("Mã phản ánh"), row["id"]), (t("Lĩnh vực"), t.pick(row["category_vi"], row["category_en"])),
        (t("Nơi"), place(t, row)), (t("Tiếp nhận"), t.when(row["opened_at"])),
        (t("Hạn trả lời"), ends(t, row["due_at"]) if row["due_at"] else None),
        (t("Trả lời"), _answered(t, row)), (t("Công khai lúc"), t.when(row["published_at"])),
        (t("Đơn vị xử lý"), t.pick(row["answered_vi"], row["answered_en"])),
    ]  # fmt: skip
    told = [element("div", element("dt", name), element("dd", value)) for name, value in facts if value]
    reply = element(
        "section", element("h2", t("Trả lời")), element("p", row["answer"], _class="words"), _class="answer"
    )
    return answer(
        site, t, row["title"], f"{BOARD}/{row['id']}",
        element("article",
                element("h1", row["title"]), _marks(t, row),
                element("p", row["words"], _class="words"),
                pictures[:1] if row["photos"] and row["photos"][0]["part"] == "report" else None,
                reply if row["answer"] else None,
                pictures[1:] if row["photos"] and row["photos"][0]["part"] == "report" else pictures,
                element("dl", told, _class="about"),
                element("p", t("Bạn gửi phản ánh này? Đánh giá câu trả lời bằng mã bí mật đã nhận khi gửi. "),
                        element("a", t("Theo dõi, đánh giá"), href=address(FOLLOW, t, number=row["id"])),
                        _class="note"),
                _class="whole"),
        element("p", element("a", t("Về danh sách phản ánh"), href=address(BOARD, t), _class="press")),
    )  # fmt: skip


def _answered(t: Text, row: dict[str, Any]) -> str | None:
    if row["answered_at"] is None:
        return None
    said = t.when(row["answered_at"])
    # Of a report that is worked on again the term is another one: an answer from before is not judged by it.
    if row["due_at"] is None or row["answered_at"] != row["replied_at"]:
        return said
    return f"{said} ({t('đúng hạn') if row['answered_at'] <= row['due_at'] else t('quá hạn')})"
