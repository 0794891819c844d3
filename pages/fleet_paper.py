"""The monthly report of the fisheries watch on paper: each day, each class, commune and provider, notes and grounds."""

from collections.abc import Mapping, Sequence
from typing import Any

from access.fleet_report import Month
from access.site import Site
from geo.boat_case import CAUSES, OUTCOMES
from geo.fleet_count import FLOW
from pages.fleet_sheets import asof, day_words, ground_lines, group_title, month_name, name, notes, titles
from pages.letterhead import letterhead, signatures
from pages.print import Element, document, element, pdf
from pages.text import Text

DAYS = (
    "required", "visible", "lost_6h_10d", "lost_10d", "opened", "resumed", "ended", "concluded", "crossing", "zone",
    "returned_quickly",
)  # fmt: skip
GROUPS = (
    "registered", "monitored", "laid_up", "required", "visible", "late", "lost_6h_10d", "lost_10d", "opened", "ended",
    "concluded", "crossing", "zone", "returned_quickly",
)  # fmt: skip


def paper(site: Site, month: Month, lang: str) -> bytes:
    """The PDF of a month. Raises pages.print.PrintError."""
    return pdf(page(site, month, lang))


def page(site: Site, month: Month, lang: str) -> str:
    """The report as HTML."""
    t = Text(lang)
    title = t("Báo cáo giám sát tàu cá {month}", month=month_name(t, month))
    return document(
        title,
        t.lang,
        _strings(t, month, title),
        letterhead(t, site, t("Số: ........../BC-........")),
        element("h1", t("BÁO CÁO THÁNG")),
        element("p", t("Giám sát hành trình tàu cá, {month}", month=month_name(t, month)), _class="subtitle"),
        element("p", element("span", t("DỮ LIỆU MÔ PHỎNG"), _class="badge"), _class="center")
        if month.simulated
        else None,
        element("h2", t("Tóm tắt")),
        element("ul", [element("li", words) for words in _summary(t, month)]),
        element("h2", t("Theo ngày")),
        _days(t, month),
        [[element("h2", group_title(t, by)), _of_when(t, month), _group(t, month, by)] for by in month.groups],
        _conclusions(t, month),
        element("h2", t("Chú thích")),
        element("ul", [element("li", words) for words in notes(t, month.grounds)], _class="small"),
        element("h2", t("Căn cứ")),
        element("ul", [element("li", words) for words in ground_lines(t, month.grounds)], _class="small"),
        element("div", signatures(t), _class="closing"),
    )  # fmt: skip


def _strings(t: Text, month: Month, title: str) -> Element:
    source = t("Nguồn: sổ đăng ký, VMS và nhật ký vụ việc Hải Đăng · lập lúc {at}", at=t.exact(month.made_at))
    return element(
        "div",
        element("span", source, _class="source-string"),
        element("span", t("Trang"), _class="page-string"),
        element("span", title, _class="running-string"),
        element("span", t("DỮ LIỆU MÔ PHỎNG") if month.simulated else "", _class="badge-string"),
        _class="strings",
    )  # fmt: skip


def _summary(t: Text, month: Month) -> list[str]:
    sums = {one: sum(row[one] for row in month.days) for one in FLOW}
    head, total = titles(t, month.grounds), month.total
    seen = [(row["visible"], row["required"]) for row in month.days if row["visible"] is not None]
    share = 100 * sum(one for one, _ in seen) / sum(most for _, most in seen) if any(most for _, most in seen) else None
    span = t("{a} đến {b}", a=day_words(month.first), b=day_words(month.last))
    lines = [
        t("Kỳ báo cáo: {span}. {asof}.", span=span, asof=asof(t, month.live, month.at)),
        t(
            "Mất tín hiệu: {n} vụ mới, bình quân {mean} vụ một ngày; {back} vụ hết; {closed} vụ việc được kết luận.",
            n=t.number(sums["opened"]), mean=t.number(sums["opened"] / len(month.days), 1),
            back=t.number(sums["ended"]), closed=t.number(sums["concluded"]),
        ),
        t(
            "Vượt ranh giới: {a} vụ; sai vùng: {b} vụ; trong đó {c}: {n} vụ.",
            a=t.number(sums["crossing"]), b=t.number(sums["zone"]), c=head["returned_quickly"].lower(),
            n=t.number(sums["returned_quickly"]),
        ),
    ]  # fmt: skip
    if total["required"] is None:
        return [*lines, t("Cuối kỳ: sổ đăng ký khi đó chưa có tàu nào.")]
    lines.append(
        t(
            "Cuối kỳ: {m} tàu phải lắp thiết bị, {l} tàu nằm bờ, {r} tàu phải hiển thị; {a}: {x} tàu, {b}: {y} tàu.",
            m=t.number(total["monitored"]), l=t.number(total["laid_up"]), r=t.number(total["required"]),
            a=_lower(head["lost_6h_10d"]), x=t.number(total["lost_6h_10d"]), b=_lower(head["lost_10d"]),
            y=t.number(total["lost_10d"]),
        )
    )  # fmt: skip
    if share is not None:
        words = t("Tỷ lệ hiển thị trung bình của {n} ngày biết được: {share} %.", n=len(seen), share=t.number(share, 1))
        lines.append(words)
    return lines


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _days(t: Text, month: Month) -> Element:
    head = titles(t, month.grounds)
    rows = [[day_words(row["day"]), *(row[one] for one in DAYS)] for row in month.days]
    sums = [sum(row[one] for row in month.days) if one in FLOW else None for one in DAYS]
    return _table(t, [t("Ngày"), *(head[one] for one in DAYS)], rows, [t("Cộng"), *sums], "13%", blank="")


def _of_when(t: Text, month: Month) -> Element:
    words = t("{asof}; các cột vụ việc, từ “Vụ mới” trở đi, tính cả kỳ.", asof=asof(t, month.live, month.at))
    return element("p", words, _class="more")


def _group(t: Text, month: Month, by: Any) -> Element:
    head, shown = titles(t, month.grounds), [one for one in GROUPS if month.total[one] is not None]
    rows = [[name(t, by, row), *(row[one] for one in shown)] for row in month.groups[by]]
    sums = [t("Cộng"), *(month.total[one] for one in shown)]
    return _table(t, [group_title(t, by), *(head[one] for one in shown)], rows, sums, "15%")


def _table(
    t: Text, head: Sequence[str], rows: Sequence[Sequence[Any]], sums: Sequence[Any], first: str, blank: str = "–"
) -> Element:
    """A table of numbers; blank: what stands for a sum that would say nothing."""

    def cells(tag: str, row: Sequence[Any], none: str) -> list[Element]:
        numbers = [element(tag, none if one is None else t.number(one), _class="n") for one in row[1:]]
        return [element(tag, str(row[0])), *numbers]

    cols = element("colgroup", element("col", style=f"width: {first}"), [element("col") for _ in head[1:]])
    top = element("tr", element("th", head[0]), [element("th", each, _class="n") for each in head[1:]])
    body = [element("tr", cells("td", row, "–")) for row in rows]
    last = element("tr", cells("th", sums, blank), _class="sum")
    return element("table", cols, element("thead", top), element("tbody", body, last), _class="rows figures")


def _conclusions(t: Text, month: Month) -> list[Element]:
    made: list[Element] = []
    tables: list[tuple[str, Mapping[str, int], Mapping[str, tuple[str, str]]]] = [
        (t("Nguyên nhân"), month.causes, CAUSES),
        (t("Kết quả xử lý"), month.outcomes, OUTCOMES),
    ]
    for title, found, known in tables:
        if found:
            words = "; ".join(f"{t.pick(*known[key])}: {t.number(times)}" for key, times in found.items())
            made.append(element("p", element("b", f"{title}: "), words, "."))
    return [element("h2", t("Vụ việc được kết luận")), *made] if made else []
