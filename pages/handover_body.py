"""What a handover says, drawn for the screen: the counts, then every section with its rows as on the desk."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import html

from geo.handover import LISTED
from geo.rule import SEVERITIES
from geo.shift import Shift, parse
from pages import mark
from pages import shift as phrase
from pages.handover_paper import ALARM_SECTIONS, mute_line, shelf_lines
from pages.print import printable
from pages.text import Text


def body(t: Text, content: Mapping[str, Any], now: datetime) -> list[Any]:
    """What the handover says: the counts, then each section with its rows."""
    shift = parse(content["shift"])
    return [
        *_early(t, content, shift),
        _counts(t, content),
        *(_section(t, name, content[name], shift, now) for name in ALARM_SECTIONS[:3]),
        _shelved(t, content["shelved"], shift),
        *(_section(t, name, content[name], shift, now) for name in ALARM_SECTIONS[3:]),
        _lines(t, "feeds", [_feed(t, one, content["as_of"], shift) for one in content["feeds"]]),
        _lines(t, "mutes", [html.Li(mute_line(t, one, shift)) for one in content["mutes"]]),
        _rules(t, content["rules"]),
    ]


def _early(t: Text, content: Mapping[str, Any], shift: Shift) -> list[Any]:
    if phrase.at(content["from"]) == shift.starts_at:
        return []
    since = phrase.clock(t, content["from"], shift)
    return [html.P(t("Gồm cả những gì xảy ra từ {at}, sau khi ca trước ký giao.", at=since), className="note")]


def _counts(t: Text, content: Mapping[str, Any]) -> html.Table:
    """How many alarms there were, came, went and are left, by severity: each row adds up."""
    flow = ("carried", "opened", "closed", "withdrawn")
    names = (*flow, "standing", *phrase.STATES)
    known = [(name, content["counts"][name]) for name in SEVERITIES if name in content["counts"]]
    total = {name: sum(counts[name] for _, counts in known) for name in (*flow, *phrase.STATES)}

    def cells(counts: Mapping[str, int]) -> list[html.Td]:
        whole = {**counts, "standing": phrase.standing(counts)}
        return [html.Td(t.number(whole[n]) if whole[n] else "–", className=f"n col-{n}") for n in names]

    heads = [html.Th(phrase.count_title(t, name), className=f"n col-{name}", scope="col") for name in names]
    rows = [
        html.Tr([html.Th([mark.severity(t, name), mark.severity_word(t, name)], scope="row"), *cells(counts)])
        for name, counts in known
    ]
    foot = html.Tr([html.Th(t("Tất cả"), scope="row"), *cells(total)], className="total")
    head = html.Thead(html.Tr([html.Th(t("Mức"), scope="col"), *heads]))
    return html.Table([head, html.Tbody([*rows, foot])], className="counts")


def _section(t: Text, name: str, section: Mapping[str, Any], shift: Shift, now: datetime) -> html.Section:
    rows = [_alarm(t, name, item, shift, now) for item in section["items"]]
    return _part(t, name, section["count"], rows)


def _part(t: Text, name: str, count: int, rows: Sequence[Any]) -> html.Section:
    head = html.H3([phrase.section_title(t, name), html.Span(t.number(count), className="count")])
    if not rows:
        return html.Section([head, html.P(phrase.nothing(t, name), className="empty")], className="bare")
    rest = count - len(rows)
    more = t("và {n} mục nữa: bảng chỉ nêu {most} mục đầu, nặng nhất trước.", n=t.number(rest), most=LISTED)
    return html.Section([head, html.Ol(rows), *([html.P(more, className="note")] if rest > 0 else [])])


def _lines(t: Text, name: str, rows: Sequence[Any]) -> html.Section:
    return _part(t, name, len(rows), rows)


def _alarm(t: Text, name: str, item: Mapping[str, Any], shift: Shift, now: datetime) -> html.Li:
    fence = t.pick(item.get("fence_vi"), item.get("fence_en"))
    badge = [html.Span(t("mô phỏng"), className="badge small")] if item.get("simulated") else []
    standing = item["state"] in phrase.STATES
    raised = phrase.at(item["raised_at"])
    when = [html.Span(phrase.clock(t, item["raised_at"], shift), title=t.exact(raised))]
    if standing and raised is not None:
        when.append(mark.age(t, raised, now, className="age"))
    cells = [
        mark.severity(t, str(item["severity"])),
        html.Span(
            [html.B(phrase.rule(t, item), title=t.pick(item["rule_vi"], item["rule_en"])), html.Span(fence)],
            className="what",
        ),
        html.Span([_thing(t, item), *badge], className="thing"),
        html.Span(when, className="when"),
        html.Span([html.Span(line) for line in phrase.said(t, name, item, shift)], className="told"),
    ]
    return html.Li(cells, className=f"given {item['state']}")


def _thing(t: Text, item: Mapping[str, Any]) -> html.A:
    """The object's name, which leads to the map with it chosen."""
    where = {"lat": f"{item['lat']:.5f}", "lon": f"{item['lon']:.5f}", "z": 11} if item.get("lat") is not None else {}
    href = phrase.address(t, "/", chosen=f"{item['layer']}.{item['object_key']}", **where)
    return html.A(phrase.thing(item), href=href, title=phrase.thing(item))


def _shelved(t: Text, section: Mapping[str, Any], shift: Shift) -> html.Section:
    rows = [
        html.Li(
            [
                html.Span(className="icon icon-mute", **{"aria-hidden": "true"}),
                html.Span([html.B(phrase.rule(t, item) or t("mọi quy tắc"))], className="what"),
                html.Span(_thing(t, item), className="thing"),
                html.Span([html.Span(line) for line in shelf_lines(t, item, shift)], className="told"),
                html.Span(f"“{printable(item['reason'])}”", className="told"),
            ],
            className="given shelf" + ("" if item["stands"] else " over"),
        )
        for item in section["items"]
    ]
    return _part(t, "shelved", section["count"], rows)


def _feed(t: Text, one: Mapping[str, Any], end: str, shift: Shift) -> html.Li:
    name = html.B(phrase.feed_name(t, one["source"]), title=one["source"])
    return html.Li(
        [name, html.Span(phrase.spell(t, one, end, shift))], className="spell" + ("" if one["until"] else " still")
    )


def _rules(t: Text, rules: Sequence[Mapping[str, Any]]) -> html.Section | html.Div:
    if not rules:
        return html.Div()
    names = ("carried", "opened", "closed", "withdrawn", "standing")
    heads = [html.Th(phrase.count_title(t, name), className="n", scope="col") for name in names]
    rows = []
    for one in rules:
        whole = {**one, "standing": phrase.standing(one)}
        numbers = [html.Td(t.number(whole[name]) if whole[name] else "–", className="n") for name in names]
        rows.append(html.Tr([html.Th(phrase.rule(t, one), scope="row"), *numbers]))
    table = html.Table(
        [html.Thead(html.Tr([html.Th(t("Quy tắc"), scope="col"), *heads])), html.Tbody(rows)], className="counts"
    )
    return html.Section([html.H3(t("Theo quy tắc")), table])
