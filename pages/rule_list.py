"""The list of rules: filters with counts, each rule in words, how often it raised, and its switch."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from sqlalchemy import Connection

from access.site import Site
from geo.actor import SYSTEM
from geo.fence import Fence, fences
from geo.rule import DISTRESS, KINDS, SEVERITIES, UNFENCED
from geo.rulebook import Entry, book
from pages import mark
from pages.place import fold
from pages.read import DatabaseAway, read
from pages.rule_load import title
from pages.text import Text
from pages.words import kind_words, words

REFRESH_MS = 10_000


@dataclass(frozen=True)
class Filter:
    """What is to be seen: state `on`, `off` or either, severities (none: all), a kind, and words without accents."""

    state: str = ""
    severities: frozenset[str] = frozenset()
    kind: str = ""
    words: str = ""

    def takes(self, entry: Entry, told: str) -> bool:
        """Whether a rule belongs to what is to be seen; told: all that is said of it, folded."""
        rule = entry.rule
        return (
            self.state in ("", "on" if rule.enabled else "off")
            and (not self.severities or rule.severity in self.severities)
            and self.kind in ("", rule.kind)
            and all(word in told for word in self.words.split())
        )


@dataclass(frozen=True)
class Line:
    """One rule with its sentence, and all that is said of it without accents."""

    entry: Entry
    sentence: str
    told: str


def filter_of(data: Mapping[str, Any] | None, words_: str | None) -> Filter:
    """The filter as rules.js holds it; whatever is unknown counts as not said."""
    data = data or {}
    state, kind = str(data.get("state") or ""), str(data.get("kind") or "")
    return Filter(
        state if state in ("on", "off") else "",
        frozenset(data.get("sev") or ()) & frozenset(SEVERITIES),
        kind if kind in KINDS else "",
        fold(words_ or ""),
    )


def lines(t: Text, site: Site, entries: Sequence[Entry], places: Mapping[str, Fence]) -> list[Line]:
    """Every rule in words, the gravest first."""
    found = []
    for entry in sorted(entries, key=lambda one: SEVERITIES.index(one.rule.severity)):
        rule = entry.rule
        sentence = words(t, rule, places.get(rule.fence_key or ""), site.layer(rule.layer))
        names = (rule.name_vi, rule.name_en, kind_words(t, rule.kind), rule.key, sentence)
        found.append(Line(entry, sentence, fold(" ".join(names))))
    return found


def counts(found: Sequence[Line], asked: Filter) -> dict[str, int]:
    """How many rules each choice of the filter would show, the other choices as they are."""

    def count(other: Filter) -> int:
        return sum(other.takes(one.entry, one.told) for one in found)

    states = {name: count(replace(asked, state=name)) for name in ("", "on", "off")}
    return {**states, **{name: count(replace(asked, severities=frozenset({name}))) for name in SEVERITIES}}


def layout(site: Site, t: Text, asked: Mapping[str, Any]) -> html.Main:
    """The search box and the kinds stand here; the rest comes with what is read."""
    kinds = [html.Option(t("Mọi loại"), value=""), *[html.Option(kind_words(t, kind), value=kind) for kind in KINDS]]
    return html.Main(
        [
            html.Div(
                [
                    html.H1(t("Quy tắc")),
                    html.Button(["+ ", t("Quy tắc mới")], className="primary", **{"data-rule-open": "new"}),
                    html.Label(
                        [
                            html.Span(t("Trực ban")),
                            mark.entry("rules-actor", t("Họ tên hoặc mã số"), 60, remember="haidang-actor"),
                        ]
                    ),
                ],
                className="rules-head",
            ),
            html.Div(
                [
                    mark.entry("rules-search", t("Tìm quy tắc"), 80, "search-rules"),
                    html.Select(kinds, id="rules-kind", **{"aria-label": t("Loại quy tắc")}),
                    html.Div([], id="rules-bar", className="rules-bar"),
                ],
                className="rules-filter",
            ),
            html.P("", id="rules-said", role="status", className="rules-said"),
            html.Div(html.P(t("Đang đọc…"), className="empty"), id="rules-table"),
            dcc.Store(id="rules-actor-text"),
            dcc.Store(id="rules-search-text"),
            dcc.Store(id="rules-filter", data=dict(asked)),
            dcc.Store(id="rules-print"),
            dcc.Interval(id="rules-tick", interval=REFRESH_MS),
        ],
        className="rules-main",
    )


def bar(t: Text, told: Mapping[str, int], asked: Filter) -> list[Any]:
    """The buttons of the filter, each with how many rules it would show."""
    states = (("", t("Tất cả")), ("on", t("Đang bật")), ("off", t("Đang tắt")))
    first = [_button([word], "state", name, told[name], asked.state == name) for name, word in states]
    rest = [_button([mark.severity(t, name)], "sev", name, told[name], name in asked.severities) for name in SEVERITIES]
    return [
        html.Div(first, className="sieves", role="group", **{"aria-label": t("Trạng thái")}),
        html.Div(rest, className="sieves", role="group", **{"aria-label": t("Mức")}),
    ]


def _button(face: Sequence[Any], group: str, value: str, count: int, pressed: bool) -> html.Button:
    data = {"data-filter": group, "data-value": value, "aria-pressed": str(pressed).lower()}
    return html.Button([*face, html.Span(str(count), className="count")], className="sieve", **data)


def table(t: Text, found: Sequence[Line], every: int, chosen: str | None, now: datetime) -> html.Div:
    """A row a rule: how grave, what it says, since when, how often it raised, on or off."""
    if not found:
        empty = t("Không có quy tắc nào như vậy.") if every else t("Chưa có quy tắc nào.")
        return html.Div(html.P(empty, className="empty"))
    heads = [
        html.Th(html.Span(t("Mức"), className="unseen")),
        html.Th(t("Quy tắc")),
        html.Th(t("30 ngày"), className="number", title=t("Số báo động trong 30 ngày qua")),
        html.Th(t("Đang mở"), className="number"),
        html.Th(t("Phiên bản")),
        html.Th(html.Span(t("Bật, tắt"), className="unseen")),
    ]
    rows = [_row(t, one, one.entry.rule.key == chosen, now) for one in found]
    return html.Div(html.Table([html.Thead(html.Tr(heads)), html.Tbody(rows)], className="rules-table"))


def _row(t: Text, line: Line, chosen: bool, now: datetime) -> html.Tr:
    entry, rule = line.entry, line.entry.rule
    lang = "" if t.lang == "vi" else f"&lang={t.lang}"
    current = {"aria-current": "true"} if chosen else {}
    name = html.A(title(t, entry), href=f"/rules?rule={rule.key}{lang}", **{"data-rule-open": rule.key}, **current)
    who = t("hệ thống") if entry.updated_by == SYSTEM.name else entry.updated_by
    saved = [html.Span(f"{rule.version} · {who}"), mark.age(t, entry.updated_at, now)]
    return html.Tr(
        [
            html.Td(mark.severity(t, rule.severity)),
            html.Td([name, html.P(line.sentence, className="note")]),
            html.Td(t.number(entry.raised), className="number"),
            html.Td(t.number(entry.open), className="number"),
            html.Td(saved, className="saved"),
            html.Td([_switch(t, entry), *_lab(t, rule.key, lang, rule.kind)], className="doings"),
        ],
        className=" ".join(filter(None, ["" if rule.enabled else "off", "chosen" if chosen else ""])),
    )


def _switch(t: Text, entry: Entry) -> html.Span | html.Button:
    rule = entry.rule
    if rule.kind in DISTRESS:
        return html.Span(t("luôn bật"), className="muted", title=t("Quy tắc cấp cứu không tắt được"))
    word = t("Đang bật") if rule.enabled else t("Đang tắt")
    name = title(t, entry)
    label = t("Tắt quy tắc {name}", name=name) if rule.enabled else t("Bật quy tắc {name}", name=name)
    data = {"data-switch": rule.key, "data-version": str(rule.version), "data-on": "" if rule.enabled else "1"}
    return html.Button(
        [html.I(className="knob"), word],
        className="switch",
        role="switch",
        **data,
        title=label,
        **{"aria-checked": str(rule.enabled).lower(), "aria-label": name},
    )


def _lab(t: Text, key: str, lang: str, kind: str) -> list[Any]:
    tried = kind not in UNFENCED
    return [html.A(t("Thử trên quá khứ"), href=f"/rules/lab?a={key}{lang}", className="note")] if tried else []


def known(connection: Connection, now: datetime, /) -> tuple[list[Entry], dict[str, Fence]]:
    """Every rule with what is known about it, and all fences by key."""
    return book(connection, now), {fence.key: fence for fence in fences(connection, every=True)}


def register(app: Dash, site: Site) -> None:
    """Read again each few seconds, after a change, and when another filter or rule is chosen."""

    @app.callback(
        Output("rules-table", "children"),
        Output("rules-bar", "children"),
        Output("rules-print", "data"),
        Output("database", "data", allow_duplicate=True),
        Input("rules-tick", "n_intervals"),
        Input("rules-answer", "data"),
        Input("rules-filter", "data"),
        Input("rules-search-text", "data"),
        Input("rules-ask", "data"),
        State("rules-print", "data"),
        State("words", "data"),
        State("database", "data"),
        prevent_initial_call="initial_duplicate",
    )
    async def show(
        _: Any,
        __: Any,
        given: dict[str, Any] | None,
        typed: str | None,
        ask: dict[str, Any] | None,
        last: str | None,
        texts: dict[str, Any],
        database: dict[str, Any],
    ) -> tuple[Any, ...]:
        t, now, asked = Text(texts["lang"]), datetime.now(UTC), filter_of(given, typed)
        try:
            entries, places = await read(site, known, now)
        except DatabaseAway:
            return no_update, no_update, no_update, no_update if database.get("away") else {"away": True}
        back: Any = {"away": False} if database.get("away") else no_update
        every = lines(t, site, entries, places)
        found = [one for one in every if asked.takes(one.entry, one.told)]
        chosen = str((ask or {}).get("rule") or "") or None
        told = counts(every, asked)
        print_ = hashlib.sha256(repr((found, told, asked, chosen, t.lang)).encode()).hexdigest()[:16]
        if print_ == last:
            return no_update, no_update, no_update, back
        return table(t, found, len(every), chosen, now), bar(t, told, asked), print_, back
