"""The paper notice of a case: what a boat's owner is told, what the law asks of the boat, and by when."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from access.site import Site
from geo.contact import Contact
from geo.duty import duty
from geo.figure import Figure, Figures
from geo.zone import NAMES_EN, NAMES_VI
from pages.fisheries_board import place
from pages.letterhead import letterhead, signatures
from pages.print import Element, document, element, pdf
from pages.text import Text

CALLS_MOST = 6


def paper(
    site: Site, row: Mapping[str, Any], people: Sequence[Contact], figures: Figures, lang: str, made_at: datetime
) -> bytes:
    """The PDF of a case's notice. Raises pages.print.PrintError."""
    return pdf(page(site, row, people, figures, lang, made_at))


def page(
    site: Site, row: Mapping[str, Any], people: Sequence[Contact], figures: Figures, lang: str, made_at: datetime
) -> str:
    """The notice as HTML; figures are those in force when the case began."""
    t = Text(lang)
    loss, name = row["kind"] == "loss", row["registration"]
    about = (
        t("V/v tàu cá mất kết nối giám sát hành trình trên biển")
        if loss
        else t("V/v tàu cá hoạt động sai vùng hoặc vượt ranh giới vùng được phép khai thác")
    )
    asks = _asks_loss(t, row, figures) if loss else _asks_zone(t, row)
    return document(
        f"{t('THÔNG BÁO')} · {name}",
        t.lang,
        _strings(t, row, made_at),
        letterhead(t, site, t("Số: ........../TB-........")),
        element("h1", t("THÔNG BÁO")),
        element("p", about, _class="subtitle"),
        _badge(t) if row["simulated"] else None,
        element("p", element("b", f"{t('Kính gửi')}: "), t("chủ tàu và thuyền trưởng tàu cá {name}", name=name)),
        element("h2", t("Tàu")),
        _table(_boat(t, row, people)),
        element("h2", t("Sự việc")),
        _table(_facts(t, row, made_at)),
        element("h2", t("Căn cứ")),
        element("ul", [element("li", words) for words in _grounds(t, row, figures)]),
        element("h2", t("Yêu cầu")),
        element("ol", [element("li", words) for words in asks]),
        _calls(t, row),
        element("div", signatures(t), _sources(t, row, made_at), _class="closing"),
    )  # fmt: skip


def _badge(t: Text) -> Element:
    return element("p", element("span", t("DỮ LIỆU MÔ PHỎNG"), _class="badge"), _class="center")


def _strings(t: Text, row: Mapping[str, Any], made_at: datetime) -> Element:
    source = t("Hải Đăng · vụ số {n} · in lúc {at}", n=row["id"], at=t.exact(made_at))
    return element(
        "div",
        element("span", source, _class="source-string"),
        element("span", t("Trang"), _class="page-string"),
        element("span", row["registration"], _class="running-string"),
        element("span", t("DỮ LIỆU MÔ PHỎNG") if row["simulated"] else "", _class="badge-string"),
        _class="strings",
    )  # fmt: skip


def _table(rows: Sequence[tuple[str, str]]) -> Element:
    cols = element("colgroup", element("col", style="width: 32%"), element("col"))
    made = [element("tr", element("th", name), element("td", value)) for name, value in rows if value]
    return element("table", cols, element("tbody", made), _class="rows told")


def _boat(t: Text, row: Mapping[str, Any], people: Sequence[Contact]) -> list[tuple[str, str]]:
    level = t("cơ quan quản lý thủy sản quốc gia") if row["owner_level"] == "national" else t("cơ quan thủy sản tỉnh")
    titles = {"owner": t("Chủ tàu"), "captain": t("Thuyền trưởng")}
    named = [
        (titles[one.part], " · ".join(filter(None, (one.name, one.phone)))) for one in people if one.part in titles
    ]
    return [
        (t("Số đăng ký"), row["registration"]),
        (t("Tên tàu"), row["shipname"] or ""),
        (t("Chiều dài lớn nhất"), f"{t.number(row['length_m'], 1)} m"),
        (t("Quê tàu"), ", ".join(filter(None, (row["commune"], row["home_province"])))),
        (t("Thiết bị"), " · ".join(filter(None, (row["device"], row["provider_name"] or row["provider"])))),
        *named,
        (t("Cấp xử lý"), level),
    ]


def _facts(t: Text, row: Mapping[str, Any], made_at: datetime) -> list[tuple[str, str]]:
    fix = place(t, row["fix_lat"], row["fix_lon"]) or t("không rõ")
    ended = row["ended_at"] or row["closed_at"]
    span = t.age(((ended or made_at) - row["since"]).total_seconds())
    told = f"{t.when(row['reported_at'])}, {place(t, row['lat'], row['lon'])}" if row["reported_at"] else ""
    if row["kind"] == "loss":
        facts = [
            (t("Tín hiệu tự động cuối"), t.when(row["since"])),
            (t("Vị trí khi đó"), fix),
            (t("Đã im tiếng"), t("{span} tính đến {at}", span=span, at=t.when(ended or made_at))),
        ]
    else:
        allowed = ", ".join(_zone(t, each) for each in row["allowed"] or ())
        facts = [
            (t("Phát hiện lúc"), t.when(row["since"])),
            (t("Vị trí khi đó"), fix),
            (t("Vùng (sơ đồ tham khảo)"), _zone(t, row["zone"]) if row["zone"] else ""),
            (t("Vùng được phép"), allowed),
            (t("Kéo dài"), t("{span} tính đến {at}", span=span, at=t.when(ended or made_at))),
        ]
    if ended:
        facts.append((t("Kết thúc"), t.when(ended)))
    return [*facts, (t("Vị trí báo tay gần nhất"), told)]


def _zone(t: Text, name: str) -> str:
    known = dict(zip(NAMES_EN, NAMES_VI, strict=True))
    return name if t.lang == "en" else known.get(name, name)


def _grounds(t: Text, row: Mapping[str, Any], figures: Figures) -> list[str]:
    """Each figure that the notice rests on, with its legal ground as the register of figures has it."""
    since, length = row["since"], row["length_m"]
    if row["kind"] != "loss":
        keys = (
            ("zone_inshore_least_length", t("Vùng lộng: tàu dài từ")),
            ("zone_offshore_least_length", t("Vùng khơi: tàu dài từ")),
        )
        found = [_ground(t, words, figures.at(key, since)) for key, words in keys]
        return [*found, t("Ranh giới các vùng ở đây: sơ đồ tham khảo, không phải căn cứ pháp lý.")]
    interval = duty(length, figures, since).interval
    first = [] if interval is None else [_ground(t, t("Chu kỳ báo của thiết bị"), interval)]
    clocks = (
        ("lost_after", t("Coi là mất kết nối sau")),
        ("manual_report_every", t("Báo vị trí bằng phương tiện khác mỗi")),
        ("return_within", t("Đưa tàu về cảng trong")),
    )
    return [*first, *(_ground(t, words, figures.at(key, since)) for key, words in clocks)]


def _ground(t: Text, words: str, figure: Figure) -> str:
    units = {"min": t("phút"), "h": t("giờ"), "d": t("ngày"), "m": "m"}
    value = f"{t.number(figure.value, 1)} {units.get(figure.unit, figure.unit)}"
    return f"{words} {value}: {figure.legal_ref}."


def _asks_loss(t: Text, row: Mapping[str, Any], figures: Figures) -> list[str]:
    every = t.number(figures.at("manual_report_every", row["since"]).span.total_seconds() / 3600, 1)
    days = t.number(figures.at("return_within", row["since"]).span.days)
    report, home = row["next_report_due_at"], row["return_due_at"]
    over = t(" Tín hiệu đã có lại; các thời hạn trên không còn chạy.") if report is None else ""
    first = t("Báo vị trí tàu bằng phương tiện khác mỗi {n} giờ cho đến khi có tín hiệu lại", n=every)
    second = t("Đưa tàu về cảng trong {n} ngày kể từ tín hiệu cuối nếu thiết bị chưa khôi phục", n=days)
    return [
        first + (t("; lần kế tiếp chậm nhất {at}.", at=t.when(report)) if report else "."),
        second + (t(", chậm nhất {at}.", at=t.when(home)) if home else ".") + over,
        t("Giữ nguyên thiết bị và kẹp chì; xuất trình để kiểm tra khi về cảng và giải trình nguyên nhân."),
    ]


def _asks_zone(t: Text, row: Mapping[str, Any]) -> list[str]:
    first = (
        t("Tàu đã rời vùng này; không quay lại khai thác ở đó.")
        if row["ended_at"]
        else t("Dừng khai thác và đưa tàu ra khỏi vùng này ngay; báo lại khi đã rời vùng.")
    )
    return [first, t("Giữ nguyên nhật ký và dữ liệu hành trình; giải trình khi được yêu cầu.")]


def _calls(t: Text, row: Mapping[str, Any]) -> list[Element | None]:
    calls = [one for one in row["log"] if one["kind"] == "contact"]
    if not calls:
        return []
    words = [
        f"{t.when(one['at'])} · {one['data'].get('who') or ''}: {one['text'] or ''} ({one['actor']})"
        for one in calls[-CALLS_MOST:]
    ]
    rest = len(calls) - len(words)
    more = element("p", t("và {n} lần trước đó.", n=t.number(rest)), _class="more") if rest else None
    return [element("h2", t("Đã liên hệ")), element("ul", [element("li", each) for each in words]), more]


def _sources(t: Text, row: Mapping[str, Any], made_at: datetime) -> Element:
    lines = [
        t("Lập từ sổ vụ việc số {n} và sổ đăng ký tàu; giờ Việt Nam (UTC+7), vị trí WGS84 độ-phút.", n=row["id"]),
        t("Số điện thoại được che."),
        t("Số liệu pháp lý là của ngày bắt đầu vụ việc; chỗ ghi “chưa đối chiếu” chờ cơ quan có thẩm quyền xác nhận."),
        t("In lúc {at}.", at=t.exact(made_at)),
    ]  # fmt: skip
    return element("p", " ".join(lines), _class="foot-note")
