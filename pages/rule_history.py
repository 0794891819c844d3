"""The versions of a rule: who saved it, when and why, and what each changed, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from geo.fence import Fence
from geo.rule import Rule
from geo.rulebook import RuleVersion
from layers.layer import Layer
from pages.mark import severity_word
from pages.rule_form import param_fields
from pages.text import Text
from pages.words import column_words, conditions, duration, hours

TOLD_MOST = 70  # of a text only its beginning is told


def versions(t: Text, found: Sequence[RuleVersion], places: Mapping[str, Fence], layer: Layer | None) -> list[Any]:
    """The versions, newest first, and the way back to each older one."""
    pairs = zip(found, [*found[1:], None], strict=True)
    rows = [_version(t, one, before, places, layer, n == 0) for n, (one, before) in enumerate(pairs)]
    return rows or [html.Li(t("Chưa lưu lần nào."), className="empty")]


def _version(
    t: Text,
    one: RuleVersion,
    before: RuleVersion | None,
    places: Mapping[str, Fence],
    layer: Layer | None,
    newest: bool,
) -> html.Li:
    told = changes_told(t, before.rule, one.rule, one.changed, places, layer) if before else []
    if before and not told:
        told = [t("không đổi gì")]
    elif not before:
        told = [t("bản đầu tiên")]
    who = t("hệ thống") if one.actor_kind == "system" else one.actor
    back: list[Any] = []
    if not newest:
        label = t("Khôi phục phiên bản {n}", n=one.version)
        back = [html.Button(t("Khôi phục"), className="action", title=label, **{"data-restore": str(one.version)})]
    return html.Li(
        [
            html.Strong(t("Phiên bản {n}", n=one.version)),
            html.Span(f"{who} · {t.when(one.at)}", className="muted"),
            *back,
            html.Ul([html.Li(words) for words in told]),
            *([html.P(f"“{one.comment}”", className="muted")] if one.comment else []),
        ]
    )


def changes_told(
    t: Text, before: Rule, after: Rule, changed: Sequence[str], places: Mapping[str, Fence], layer: Layer | None
) -> list[str]:
    """What lies between two versions, a line a change: `mức: cao → khẩn cấp`."""
    found = []
    for field in changed:
        if field == "params":
            found += _params_told(t, before, after, layer)
            continue
        old, new = (_value(t, field, one, places, layer) for one in (before, after))
        found.append(f"{_field_words(t).get(field, field)}: {old} → {new}")
    return found


def _field_words(t: Text) -> dict[str, str]:
    return {
        "name_vi": t("tên"), "name_en": t("tên tiếng Anh"), "severity": t("mức"), "layer": t("lớp"),
        "fence_key": t("vùng hoặc tuyến"), "dwell_s": t("kéo dài ít nhất"), "off_delay_s": t("hết sau"),
        "applies_to": t("áp dụng cho"), "qualifies": t("điều kiện tại mỗi vị trí"), "schedule": t("giờ áp dụng"),
        "latching": t("trên bàn"), "escalate_s": t("chuyển cấp trên sau"), "response_vi": t("việc cần làm"),
        "response_en": t("việc cần làm (tiếng Anh)"), "enabled": t("trạng thái"), "kind": t("loại"),
    }  # fmt: skip


def _value(t: Text, field: str, rule: Rule, places: Mapping[str, Fence], layer: Layer | None) -> str:
    value = getattr(rule, field)
    if field == "severity":
        return severity_word(t, value).lower()
    if field == "fence_key":
        fence = places.get(value or "")
        return t.pick(fence.name_vi, fence.name_en) if fence else value or t("không có")
    if field in ("dwell_s", "off_delay_s", "escalate_s"):
        return duration(t, value) if value else t("không có")
    if field == "latching":
        return t("giữ đến khi xác nhận") if value else t("tự rời khi hết")
    if field == "enabled":
        return t("đang bật") if value else t("đang tắt")
    if field == "schedule":
        return hours(t, value) if value else t("mọi lúc")
    if field in ("applies_to", "qualifies"):
        return "; ".join(conditions(t, value, layer)) or t("không có")
    text = str(value or t("không có"))
    return text if len(text) <= TOLD_MOST else text[:TOLD_MOST] + "…"


def _params_told(t: Text, before: Rule, after: Rule, layer: Layer | None) -> list[str]:
    names = {
        "direction": t("chiều"), "steps_nm": t("các nấc khoảng cách (hải lý)"), "column": t("giá trị"),
        "side": t("khi"), "limit": t("giới hạn"), "deadband": t("dải chết"), "silence_h": t("im lặng quá (giờ)"),
        "distance_m": t("gần hơn (m)"), "hysteresis_m": t("hết khi xa thêm (m)"), "factor": t("số lần chu kỳ"),
    }  # fmt: skip
    own = {
        "both": t("cả hai chiều"), "to_left": t("sang trái"), "to_right": t("sang phải"), "above": t("trên"),
        "below": t("dưới"), "": t("không có"),
    }  # fmt: skip
    old, new = param_fields(t, before), param_fields(t, after)

    def told(name: str, text: str) -> str:
        return column_words(t, text, layer)[0] if name == "column" else own.get(text, text)

    found = [
        f"{names.get(name, name)}: {told(name, old.get(name, ''))} → {told(name, text)}"
        for name, text in new.items()
        if old.get(name, "") != text
    ]
    return found or [t("giá trị riêng của loại quy tắc")]
