"""The paper of a handover: a record in Vietnamese or English for two to sign, of a draft or of what was signed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from access.site import Site
from geo.handover import LISTED, digest
from geo.rule import SEVERITIES
from geo.shift import Shift, parse
from pages import shift as phrase
from pages.letterhead import letterhead
from pages.mark import SEVERITY_SHAPE, severity_word
from pages.print import Element, document, element, pdf
from pages.text import Text

ALARM_SECTIONS = ("open", "opened", "closed", "suppressed", "withdrawn", "escalated", "assigned")
_INK = {"critical": "#c8102e", "high": "#c2630a", "medium": "#9a7b00", "low": "#2f6f9f"}  # of the light theme
_SHAPE = {
    "diamond": {"tag": "path", "d": "M8 0 16 8 8 16 0 8Z"},
    "triangle": {"tag": "path", "d": "M8 1 16 15 0 15Z"},
    "square": {"tag": "path", "d": "M1 1H15V15H1Z"},
    "circle": {"tag": "path", "d": "M8 0a8 8 0 1 0 .01 0Z"},
}


def paper(site: Site, row: Mapping[str, Any], lang: str, made_at: datetime) -> bytes:
    """The PDF of a handover's row; one without `given_at` is a draft. Raises pages.print.PrintError."""
    return pdf(page(site, row, lang, made_at))


def page(site: Site, row: Mapping[str, Any], lang: str, made_at: datetime) -> str:
    """The paper as HTML."""
    t, content = Text(lang), row["content"]
    shift = parse(content["shift"])
    title = t("BIÊN BẢN BÀN GIAO CA TRỰC")
    return document(
        f"{title} · {phrase.title(t, shift)}",
        t.lang,
        _strings(t, row, shift, made_at),
        letterhead(t, site),
        element("h1", title),
        element("p", f"{phrase.title(t, shift)} ({phrase.bounds(t, shift)})", _class="subtitle"),
        _badge(t, content),
        _draft(t, row),
        _summary(t, content, shift),
        [_alarms(t, name, content[name], shift) for name in ALARM_SECTIONS[:3]],
        _shelved(t, content["shelved"], shift),
        [_alarms(t, name, content[name], shift) for name in ALARM_SECTIONS[3:] if content[name]["count"]],
        _feeds(t, content, shift),
        _mutes(t, content["mutes"], shift),
        element(
            "div",
            element("h2", t("Ghi chú của ca")),
            element("div", row.get("note") or t("Không có ghi chú."), _class="note-text"),
            _signatures(t, row),
            _sources(t, row, made_at),
            _class="closing",
        ),
    )


def _strings(t: Text, row: Mapping[str, Any], shift: Shift, made_at: datetime) -> Element:
    """What stands at the head and foot of every page."""
    source = t("Nguồn: nhật ký báo động Hải Đăng · số liệu lúc {at}", at=t.exact(phrase.at(row["content"]["as_of"])))
    return element(
        "div",
        element("span", source, _class="source-string"),
        element("span", t("Trang"), _class="page-string"),
        element("span", phrase.title(t, shift), _class="running-string"),
        element("span", t("DỮ LIỆU MÔ PHỎNG") if row["content"]["simulated"] else "", _class="badge-string"),
        _class="strings",
    )


def _badge(t: Text, content: Mapping[str, Any]) -> Element | None:
    if not content["simulated"]:
        return None
    return element("p", element("span", t("DỮ LIỆU MÔ PHỎNG"), _class="badge"), _class="center")


def _draft(t: Text, row: Mapping[str, Any]) -> Element | None:
    if row.get("given_at"):
        return None
    return element("p", element("b", t("BẢN NHÁP, CHƯA KÝ")), _class="center")


def _summary(t: Text, content: Mapping[str, Any], shift: Shift) -> list[Element | None]:
    names = ("carried", "opened", "closed", "withdrawn")
    rows = [(severity_word(t, name), name, content["counts"].get(name)) for name in SEVERITIES]
    known = [(word, name, counts) for word, name, counts in rows if counts]
    sums = {name: sum(counts[name] for _, _, counts in known) for name in (*names, *phrase.STATES)}
    heads = [t("Mức"), *(phrase.count_title(t, name) for name in (*names, "standing", *phrase.STATES))]
    body = [
        element("tr", element("td", _mark(name), word), [_number(t, value) for value in _line(counts)])
        for word, name, counts in known
    ]
    total = element("tr", element("th", t("Tất cả")), [element("th", t.number(n), _class="n") for n in _line(sums)])
    head = element("tr", element("th", heads[0]), [element("th", each, _class="n") for each in heads[1:]])
    cols = element("colgroup", element("col", style="width: 17%"), [element("col") for _ in heads[1:]])
    table = element("table", cols, element("thead", head), element("tbody", body, total), _class="rows counts")
    early = phrase.at(content["from"]) != shift.starts_at
    since = t(
        "Gồm cả những gì xảy ra từ {at}, sau khi ca trước ký giao.",
        at=phrase.clock(t, content["from"], shift),
    )
    return [element("h2", t("Tổng hợp")), table, element("p", since, _class="more") if early else None]


def _line(counts: Mapping[str, int]) -> list[int]:
    flow = [counts[name] for name in ("carried", "opened", "closed", "withdrawn")]
    return [*flow, phrase.standing(counts), *(counts[name] for name in phrase.STATES)]


def _number(t: Text, value: int) -> Element:
    return element("td", t.number(value) if value else "–", _class="n")


def _mark(severity: str) -> Element:
    shape = dict(_SHAPE[SEVERITY_SHAPE.get(severity, "circle")])
    drawn = element(shape.pop("tag"), fill=_INK.get(severity, "#1c2833"), **shape)
    return element("span", element("svg", drawn, viewBox="0 0 16 16", width="8", height="8"), _class="sev")


def _heading(t: Text, name: str, count: int) -> Element:
    return element("h2", phrase.section_title(t, name), element("span", f" ({t.number(count)})", _class="count"))


def _table(heads: Sequence[tuple[str, str]], rows: Sequence[Element]) -> Element:
    """heads: each column's words and its width."""
    cols = element("colgroup", [element("col", style=f"width: {width}") for _, width in heads])
    head = element("thead", element("tr", [element("th", word) for word, _ in heads]))
    return element("table", cols, head, element("tbody", rows), _class="rows")


def _alarms(t: Text, name: str, section: Mapping[str, Any], shift: Shift) -> list[Element | None]:
    if not section["count"]:
        return [_heading(t, name, 0), element("p", phrase.nothing(t, name), _class="muted")]
    heads = [
        (t("Báo động"), "33%"),
        (t("Đối tượng"), "21%"),
        (t("Phát sinh"), "12%"),
        (t("Diễn biến"), "34%"),
    ]
    rows = [_alarm(t, name, item, shift) for item in section["items"]]
    return [_heading(t, name, section["count"]), _table(heads, rows), _more(t, section)]


def _more(t: Text, section: Mapping[str, Any]) -> Element | None:
    rest = section["count"] - len(section["items"])
    if rest <= 0:
        return None
    return element(
        "p",
        t("và {n} mục nữa: bảng chỉ nêu {most} mục đầu, nặng nhất trước.", n=t.number(rest), most=LISTED),
        _class="more",
    )


def _alarm(t: Text, name: str, item: Mapping[str, Any], shift: Shift) -> Element:
    fence = t.pick(item.get("fence_vi"), item.get("fence_en"))
    where = " · ".join(filter(None, [fence, t("số {n}", n=item["id"])]))
    what = [_mark(item["severity"]), element("b", phrase.rule(t, item)), _below(where)]
    label = phrase.thing(item)
    key = str(item["object_key"])
    simulated = t("mô phỏng") if item.get("simulated") else ""
    told = [element("div", line) for line in phrase.said(t, name, item, shift)]
    return element(
        "tr",
        element("td", what),
        element("td", label, _below(" · ".join(filter(None, [key if key != label else "", simulated])))),
        element("td", phrase.clock(t, item["raised_at"], shift)),
        element("td", told),
    )


def _below(text: str) -> Element | None:
    return element("div", text, _class="muted") if text else None


def _shelved(t: Text, section: Mapping[str, Any], shift: Shift) -> list[Element | None]:
    if not section["count"]:
        return [_heading(t, "shelved", 0), element("p", phrase.nothing(t, "shelved"), _class="muted")]
    heads = [(t("Đối tượng"), "26%"), (t("Báo động"), "24%"), (t("Lý do"), "28%"), (t("Ai, đến bao giờ"), "22%")]
    rows = [
        element(
            "tr",
            element("td", phrase.thing(item)),
            element("td", phrase.rule(t, item) or t("mọi quy tắc")),
            element("td", item["reason"]),
            element("td", [element("div", line) for line in shelf_lines(t, item, shift)]),
        )
        for item in section["items"]
    ]
    return [_heading(t, "shelved", section["count"]), _table(heads, rows), _more(t, section)]


def shelf_lines(t: Text, item: Mapping[str, Any], shift: Shift) -> list[str]:
    """Who put it aside and when, and until when it is or was."""
    who = t("{name}, lúc {at}", name=item["actor"], at=phrase.clock(t, item["at"], shift))
    if item["stands"]:
        return [who, t("đến {at}", at=phrase.clock(t, item["until"], shift))]
    ended = item["ended_at"] or item["until"]
    return [who, t("đã hết lúc {at}", at=phrase.clock(t, ended, shift))]


def _feeds(t: Text, content: Mapping[str, Any], shift: Shift) -> list[Element | None]:
    spells = content["feeds"]
    if not spells:
        return [_heading(t, "feeds", 0), element("p", phrase.nothing(t, "feeds"), _class="muted")]
    rows = [
        element(
            "tr",
            element("td", element("b", phrase.feed_name(t, one["source"])), _below(one["source"])),
            element("td", phrase.spell(t, one, content["as_of"], shift)),
        )
        for one in spells
    ]
    return [_heading(t, "feeds", len(spells)), _table([(t("Nguồn"), "40%"), (t("Gián đoạn"), "60%")], rows)]


def _mutes(t: Text, mutes: Sequence[Mapping[str, Any]], shift: Shift) -> list[Element | None]:
    if not mutes:
        return []
    return [
        _heading(t, "mutes", len(mutes)),
        element("ul", [element("li", mute_line(t, one, shift)) for one in mutes], _class="small"),
    ]


def mute_line(t: Text, one: Mapping[str, Any], shift: Shift) -> str:
    """Who silenced a desk, when and for how long."""
    minutes = t.number(float(one["minutes"])) if one.get("minutes") else ""
    tail = t("{n} phút", n=minutes) if minutes else ""
    return " · ".join(
        filter(None, [phrase.clock(t, one["at"], shift), str(one["actor"]), tail, one.get("comment") or ""])
    )


def _signatures(t: Text, row: Mapping[str, Any]) -> Element:
    return element(
        "table",
        element(
            "tr",
            _signature(t, t("NGƯỜI GIAO CA"), row.get("given_by"), row.get("given_at")),
            _signature(t, t("NGƯỜI NHẬN CA"), row.get("taken_by"), row.get("taken_at")),
        ),
        _class="signatures",
    )


def _signature(t: Text, title: str, name: str | None, at: datetime | None) -> Element:
    if not name:
        empty = element("div", t("(ký, ghi rõ họ tên)"), _class="muted small")
        return element("td", element("b", title), empty, element("div", _class="line"))
    signed = element("div", t("đã ký trên hệ thống lúc {at}", at=t.exact(at)), _class="muted small")
    return element("td", element("b", title), signed, element("div", name, _class="name"))


def _sources(t: Text, row: Mapping[str, Any], made_at: datetime) -> Element:
    content = row["content"]
    lines = [
        t("Lập từ nhật ký báo động, bảng tạm hoãn và nhật ký nguồn dữ liệu; giờ Việt Nam (UTC+7)."),
        t("In lúc {at}.", at=t.exact(made_at)),
        t("Biên bản số {n}.", n=row["id"]) if row.get("id") else "",
        t("Mã kiểm nội dung (SHA-256): {code}", code=digest(content)),
    ]
    return element("p", " ".join(filter(None, lines)), _class="foot-note")
