"""The fields of the rule's form, laid out for one kind of rule."""

from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from access.site import Site
from geo.fence import Fence
from geo.roster import Roster
from geo.rule import DISTRESS, NEEDS_FENCE, SEVERITIES, Rule
from pages import mark, rule_form
from pages.mark import severity_word
from pages.rule_choice import column_choices, fence_fits, has, type_choices
from pages.rule_form import ROWS_MORE, SPANS_MORE, shown
from pages.text import Text

TEXT_MAX, NAME_MAX = 2_000, 120


def sections(t: Text, site: Site, rule: Rule, places: Sequence[Fence], lists: Sequence[Roster]) -> list[Any]:
    """All sections of the form of a rule; what a kind cannot have is not there."""
    groups = shown(rule.kind)
    found = [_what(t, site, rule, places)]
    if "who" in groups:
        found.append(_who(t, site, rule, lists))
    if "qualifies" in groups:
        found.append(_qualifies(t, site, rule))
    if "schedule" in groups:
        found.append(_schedule(t, rule))
    kept = rule_form.unshown(t, rule, site.layer(rule.layer))
    if kept:
        words = t("Giữ nguyên những điều kiện khác mà mẫu này không hiện: {list}.", list="; ".join(kept))
        found.append(html.P(words, className="note rule-kept"))
    return [*found, _desk(t, rule)]


def _what(t: Text, site: Site, rule: Rule, places: Sequence[Fence]) -> html.Details:
    levels = [(name, severity_word(t, name)) for name in SEVERITIES]
    layers = [(one.name, t.title(one)) for one in site.layers]
    several = [choice(t("Lớp"), "layer", layers)] if not rule.key and len(layers) > 1 else []
    groups = shown(rule.kind)
    times = [
        *([box(t("Kéo dài ít nhất (phút)"), "dwell_min", "0", 12)] if "dwell" in groups else []),
        *([box(t("Hết sau (phút)"), "off_delay_min", "0", 12)] if "off_delay" in groups else []),
    ]
    return section(
        t("Báo động gì"),
        pair(box(t("Tên (tiếng Việt)"), "name_vi", "", NAME_MAX), box(t("Tên (tiếng Anh)"), "name_en", "", NAME_MAX)),
        *several,
        pair(
            choice(t("Mức"), "severity", levels),
            *([_fence(t, rule, places)] if "fence" in groups else []),
            *_params(t, site, rule),
            *times,
        ),
        *([tick(t("Quy tắc đang bật"), "enabled")] if "enabled" in groups else []),
        *([html.P(t("Quy tắc cấp cứu luôn bật."), className="note")] if rule.kind in DISTRESS else []),
    )


def _fence(t: Text, rule: Rule, places: Sequence[Fence]) -> html.Div:
    line = rule.kind == "crossing"
    fitting = [
        one for one in places if fence_fits(rule.kind, one) and (not one.retired_at or one.key == rule.fence_key)
    ]
    gone = t("(đã bỏ)")
    named = [
        (one.key, f"{t.pick(one.name_vi, one.name_en)} {gone if one.retired_at else ''}".strip()) for one in fitting
    ]
    named.sort(key=lambda each: each[1].casefold())
    if rule.fence_key and rule.fence_key not in {key for key, _ in named}:
        named.append((rule.fence_key, rule.fence_key))
    none = t("– hãy chọn –") if rule.kind in NEEDS_FENCE else t("ở mọi nơi")
    words = t("Tuyến, cổng") if line else t("Vùng hoặc tuyến") if rule.kind == "approach" else t("Vùng")
    return choice(words, "fence_key", [("", none), *named])


def _params(t: Text, site: Site, rule: Rule) -> list[Any]:
    if rule.kind == "threshold":
        columns = column_choices(t, site.layer(rule.layer), [str(rule.params.get("column", ""))])
        sides = [("above", t("trên")), ("below", t("dưới"))]
        return [
            choice(t("Giá trị"), "column", columns),
            html.Div(
                [choice(t("Khi"), "side", sides), box(t("Giới hạn"), "limit", "12", 16)], className="rule-pair small"
            ),
            box(t("Hết khi trở lại quá (dải chết)"), "deadband", "0", 16),
        ]
    if rule.kind == "crossing":
        ways = [
            ("both", t("Cả hai chiều")),
            ("to_left", t("Sang trái đường vẽ")),
            ("to_right", t("Sang phải đường vẽ")),
        ]
        return [choice(t("Chiều"), "direction", ways)]
    boxes: dict[str, list[Any]] = {
        "approach": [box(t("Các nấc khoảng cách (hải lý)"), "steps_nm", "15 / 10 / 6 / 3", 80)],
        "silence": [box(t("Im lặng quá (giờ)"), "silence_h", "6", 12)],
        "proximity": [
            box(t("Gần hơn (m)"), "distance_m", "200", 12),
            box(t("Hết khi xa thêm (m)"), "hysteresis_m", t("như của vùng"), 12),
        ],
        "wrong_zone": [
            box(t("Cách vùng được phép ít nhất (m)"), "buffer_m", t("sai số vị trí VMS"), 12),
            tick(t("Chỉ khi tốc độ như đang khai thác, theo nghề của tàu"), "by_gear"),
        ],
        "feed": [box(t("Im lặng quá mấy lần chu kỳ"), "factor", "3", 12)],
    }
    return boxes.get(rule.kind, [])


def _who(t: Text, site: Site, rule: Rule, lists: Sequence[Roster]) -> html.Details:
    layer = site.layer(rule.layer)
    names = ", ".join(f"@{one.key} ({t.pick(one.name_vi, one.name_en)})" for one in lists if one.layer == rule.layer)
    length = [
        box(t("Chiều dài từ (m)"), "length_from", "", 12),
        box(t("đến dưới (m)"), "length_to", "", 12),
    ]
    hint = t("MMSI hoặc @danh-sách") if has(layer, "mmsi") else t("mã hoặc @danh-sách")
    return section(
        t("Áp dụng cho"),
        pair(
            *([choice(t("Loại tàu"), "ship_type", type_choices(t, rule))] if has(layer, "ship_type") else []),
            *([html.Div(length, className="rule-pair small")] if has(layer, "length_m") else []),
            box(t("Tên, số đăng ký bắt đầu bằng"), "prefixes", "TTH, QT", 400),
            box(t("Luôn áp dụng cho"), "include", hint, TEXT_MAX),
            box(t("Không áp dụng cho"), "exclude", hint, TEXT_MAX),
        ),
        html.P(t("Danh sách có sẵn: {names}", names=names), className="note") if names else "",
    )


def _qualifies(t: Text, site: Site, rule: Rule) -> html.Details:
    used = list(rule_form.ranges(rule))
    columns = [("", "–"), *column_choices(t, site.layer(rule.layer), used)]
    count = len(used) + ROWS_MORE
    rows = [
        html.Div(
            [
                choice(t("Chỉ tính khi"), f"q{n}_column", columns),
                box(t("từ"), f"q{n}_from", "", 16),
                box(t("đến dưới"), f"q{n}_to", "", 16),
            ],
            className="rule-trio",
            hidden=n > len(used) - (1 if used else 0),
            **{"data-rule-row": "q"},
        )
        for n in range(count)
    ]
    return section(t("Điều kiện tại mỗi vị trí"), *rows, more(t("Thêm điều kiện"), "q"), opened=bool(used))


def _schedule(t: Text, rule: Rule) -> html.Details:
    days = (t("T2"), t("T3"), t("T4"), t("T5"), t("T6"), t("T7"), t("CN"))
    used = len(rule.schedule)
    rows = [
        html.Div(
            [
                html.Div(
                    [tick(word, f"s{n}_d{day}") for day, word in enumerate(days, 1)],
                    className="rule-days",
                    role="group",
                    **{"aria-label": t("Các ngày")},
                ),
                box(t("từ giờ"), f"s{n}_from", "06:00", 5),
                box(t("đến giờ"), f"s{n}_to", "18:00", 5),
            ],
            className="rule-span",
            hidden=n > max(0, used - 1),
            **{"data-rule-row": "s"},
        )
        for n in range(used + SPANS_MORE)
    ]
    note = t("Không ghi gì: mọi lúc. Khung kết thúc trước giờ bắt đầu thì kéo sang hôm sau.")
    return section(
        t("Giờ áp dụng"), *rows, more(t("Thêm khung giờ"), "s"), html.P(note, className="note"), opened=bool(used)
    )


def _desk(t: Text, rule: Rule) -> html.Details:
    return section(
        t("Trên bàn báo động và việc cần làm"),
        tick(t("Giữ trên bàn đến khi có người xác nhận"), "latching"),
        box(t("Không ai xác nhận thì chuyển cấp trên sau (phút)"), "escalate_min", t("không chuyển"), 12),
        pair(
            box(t("Việc cần làm"), "response_vi", "", TEXT_MAX, lines=True),
            box(t("Việc cần làm (tiếng Anh)"), "response_en", "", TEXT_MAX, lines=True),
        ),
        opened=bool(rule.escalate_s or rule.response_vi or not rule.key),
    )


# The pieces


def section(name: str, *pieces: Any, opened: bool = True) -> html.Details:
    """A part of the form that can be folded away."""
    return html.Details([html.Summary(name), *pieces], className="rule-section", open=opened)


def pair(*pieces: Any) -> html.Div:
    """Fields in two columns."""
    return html.Div(list(pieces), className="rule-pair")


def more(words: str, rows: str) -> html.Button:
    """Shows the next row of those that are kept ready."""
    return html.Button(words, className="action", **{"data-rule-more": rows})


def _field(name: str, words: str, control: Any) -> html.Div:
    error = html.P("", id=f"rule-wrong-{name}", className="field-error")
    return html.Div([html.Label([html.Span(words), control]), error], className="rule-field")


def box(words: str, name: str, hint: str, most: int, lines: bool = False) -> html.Div:
    """A text box with its name over it and room for what is wrong with it below."""
    place = _field(name, words, mark.entry(f"rule-{name}", hint, most, lines=lines))
    return html.Div([place, dcc.Store(id=f"rule-{name}-text")])


def choice(words: str, name: str, choices: Sequence[tuple[str, str]]) -> html.Div:
    """The browser's own list of choices."""
    options = [html.Option(title, value=value) for value, title in choices]
    return _field(name, words, html.Select(options, id=f"rule-{name}", **{"data-field": name}))


def tick(words: str, name: str) -> html.Label:
    """A box to tick, which rules.js puts in."""
    return html.Label([html.Span([], className="tick-box", **{"data-check": name}), words], className="tick")
