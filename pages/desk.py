"""The alarm desk: its head with sound and duty officer, its filters, its rows as a list or as a table, the shelf."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from access.site import Site
from geo import desk
from geo.alarm import STATES, WAITING
from geo.rule import SEVERITIES
from geo.selection import NO_UNIT, SEVERAL, choose, facets, selection
from pages.board import Board, Reading
from pages.line import line, rule_title
from pages.mark import SEVERITY_SHAPE, entry, icon, severity_word
from pages.read import DatabaseAway, read
from pages.text import Text
from pages.view import View

PAGE = 20  # alarms of a flood at a time
SHOWN_STATES = STATES[:3]


def layout(site: Site, t: Text, view: View, wide: bool = False) -> html.Section:
    """The head and an empty list or, `wide`, a table; rows come with the first answer."""
    rows = _table(t) if wide else html.Ol([], id="desk", className="desk", **{"aria-label": t("Bàn báo động")})
    ask = {"n": 0, "filter": view.desk_filter(), "open": None, "wide": wide}
    return html.Section(
        [
            _head(t, wide),
            _chips(t, wide),
            html.Button("", id="desk-waiting", className="desk-waiting", hidden=True),
            html.P("", id="desk-left-out", className="desk-note", hidden=True),
            html.Div(
                [rows, html.P(t("Đang đọc danh sách báo động…"), id="desk-empty", className="empty")],
                className="desk-scroll",
            ),
            html.Div([], id="desk-shelf", className="desk-shelf"),
            html.Div("", id="desk-said", role="status", className="unseen", **{"aria-live": "assertive"}),
            dcc.Store(id="desk-ask", data=ask),
            dcc.Store(id="desk-answer"),
            dcc.Store(id="desk-changed"),
            dcc.Store(id="actor-text"),
        ],
        id="desk-part",
        className="part part-desk wide" if wide else "part part-desk",
        **{"aria-labelledby": "desk-title", "data-filter": json.dumps(view.desk_filter())},
    )


def _head(t: Text, wide: bool) -> html.Div:
    mute = html.Button(
        [icon("sound"), icon("mute"), html.Span("", id="mute-words"), html.Kbd("M")],
        id="mute",
        className="quiet mute",
        title=t("Tắt tiếng 5 phút; tắt tiếng không phải là xác nhận"),
        **{"aria-label": t("Tắt tiếng 5 phút"), "aria-pressed": "false", "aria-keyshortcuts": "M"},
    )
    officer = html.Label(
        [html.Span(t("Trực ban")), entry("actor", t("Họ tên hoặc mã số"), 60, "duty", remember=True)],
        className="desk-duty",
        title=t("Mọi việc làm ở bàn này mang tên này"),
    )
    flood = html.Strong("", id="desk-flood", className="desk-flood", hidden=True)
    title = html.H2(t("Báo động"), id="desk-title")
    csv = html.A("CSV", id="desk-csv", href="/api/v1/alarms/lines.csv", className="action", download="")
    if wide:
        csv.title = t("Tải những dòng đang hiện")
        return html.Div([title, flood, officer, csv, mute], className="part-head")
    return html.Div([html.Div([title, flood, mute], className="part-head"), officer])


def _chips(t: Text, wide: bool) -> html.Div:
    severities = [
        _chip("severity", name, severity_word(t, name), icon(SEVERITY_SHAPE[name], name), not wide)
        for name in SEVERITIES
    ]
    words = state_titles(t)
    groups = [html.Div(severities, className="chips", role="group", **{"aria-label": t("Mức độ")})]
    if wide:
        states = [_chip("state", name, words[name], None, False) for name in SHOWN_STATES]
        groups.append(html.Div(states, className="chips", role="group", **{"aria-label": t("Trạng thái")}))
        groups += [_picked("unit", t("Đơn vị"), t("Mọi đơn vị")), _picked("rule", t("Theo quy tắc"), t("Mọi quy tắc"))]
    else:
        groups.append(_chip("inview", "1", t("Trong khung nhìn"), None, False))
    clear = html.Button(t("Bỏ lọc"), id="desk-all", className="chip", hidden=True, **{"data-desk-all": "1"})
    return html.Div([*groups, clear], id="desk-filters", className="desk-filters")


def _chip(part: str, name: str, word: str, mark: Any, bare: bool) -> html.Button:
    shown = [] if mark is None else [mark]
    shown += [] if bare else [html.Span(word, className="word")]
    return html.Button(
        [*shown, html.Span("", className="chip-count")],
        className="chip",
        title=word,
        **{"aria-pressed": "false", "aria-label": word, "data-desk-part": part, "data-desk-name": name},
    )


def _picked(part: str, title: str, every: str) -> html.Label:
    return html.Label(
        [
            html.Span(title, className="unseen"),
            html.Select([], id=f"desk-{part}", className="picked", **{"data-desk-pick": part, "data-every": every}),
        ]
    )


def _table(t: Text) -> html.Table:
    columns = [
        ("severity", t("Mức")),
        ("rule", t("Theo quy tắc")),
        ("object", t("Đối tượng")),
        ("fence", t("Vùng")),
        ("raised", t("Lúc")),
        ("state", t("Trạng thái")),
        ("unit", t("Đơn vị")),
        ("comment", t("Ghi chú")),
    ]
    heads = [
        html.Th(
            html.Button(title, className="sort", **{"data-desk-sort": name}) if name != "comment" else title,
            scope="col",
            className=f"col-{name}",
            **{"aria-sort": "none"} if name != "comment" else {},
        )
        for name, title in columns
    ]
    return html.Table(
        [
            html.Caption(t("Bàn báo động"), className="unseen"),
            html.Thead(html.Tr(heads)),
            html.Tbody([], id="desk", className="desk"),
        ],
        className="desk-table",
    )


def state_titles(t: Text) -> dict[str, str]:
    """The states that stand on the desk, as the filter names them."""
    titles = (t("Chưa xác nhận"), t("Đã hết, chưa xác nhận"), t("Đã xác nhận"))
    return dict(zip(SHOWN_STATES, titles, strict=True))


def title(t: Text, lines: Sequence[Mapping[str, Any]]) -> str:
    """`Báo động · 2 chưa xác nhận`; a flood counts as many as wait in it."""
    waiting = sum(one["waiting"] if one["flood"] else one["state"] in WAITING for one in lines)
    if waiting:
        return f"{t('Báo động')} · {t('{n} chưa xác nhận', n=t.number(waiting))}"
    return f"{t('Báo động')} · {t('{n} đang mở', n=t.number(len(lines)))}"


def picture(t: Text, reading: Reading, ask: Mapping[str, Any], inner: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a station shows of a reading, by what it asked for; `print` changes when anything of it does."""
    wanted = selection(ask.get("filter") or {})
    if ask.get("box"):
        wanted = replace(wanted, box=tuple(ask["box"]))
    words = reading.words(t)
    keys = {id(one): key for one, key in zip(reading.lines, words, strict=True)}
    shown = [words[keys[id(one)]] for one in choose(reading.lines, wanted, t.lang)]
    chosen = {row["key"] for row in shown}
    left_out = [row for key, row in words.items() if key not in chosen]
    told = {
        "rows": shown,
        "others": left_out,
        "facets": _facets(t, reading.lines),
        "inner": inner,
        "title": title(t, reading.lines),
        "flood": _flood_words(t, reading),
        "left_out": _left_out(t, len(left_out), reading.beyond),
        "empty": "" if shown else _empty(t, bool(left_out)),
        "shelves": [_shelved(t, row) for row in reading.shelves],
        "shelf_title": t("Tạm hoãn: {n}", n=t.number(len(reading.shelves))),
    }
    return {**told, "print": _print(told)}


def _print(told: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:16]


def _left_out(t: Text, filtered: int, beyond: int) -> str:
    said = [t("Bộ lọc đang ẩn {n} dòng", n=t.number(filtered))] if filtered else []
    said += [t("Còn {n} dòng nhẹ hơn hoặc cũ hơn chưa hiện hết", n=t.number(beyond))] if beyond else []
    return " · ".join(said)


def _empty(t: Text, filtered: bool) -> str:
    return t("Không có báo động nào khớp với bộ lọc.") if filtered else t("Không có báo động nào đang mở.")


def _flood_words(t: Text, reading: Reading) -> str:
    if not reading.floods:
        return ""
    grouped = sum(one["total"] for one in reading.lines if one["flood"] and one["ended_at"] is None)
    return t("Dồn dập: {n} báo động được gom nhóm", n=t.number(grouped))


def _facets(t: Text, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    counted: dict[str, Any] = facets(lines)
    units = {one["unit"]: t.pick(one["unit_vi"], one["unit_en"]) for one in lines if one["unit"]}
    names = {**units, NO_UNIT: t("Chưa giao")}
    counted["unit"] = [[key, names[key], n] for key, n in counted["unit"].items()]
    rules = {one["rule"]: rule_title(t, one) for one in lines}
    names = {**rules, SEVERAL: t("Nhiều quy tắc")}
    counted["rule"] = [[key, names[key], n] for key, n in counted["rule"].items()]
    return counted


def _shelved(t: Text, row: Mapping[str, Any]) -> dict[str, Any]:
    rule = t.pick(row["rule_vi"], row["rule_en"]).partition(":")[0] or t("Mọi quy tắc")
    trip = row["kind"] == "trip"
    until = t("đến khi tàu về cảng") if trip else t("đến {at}", at=t.when(row["until"]))
    return {
        "key": f"shelf-{row['id']}",
        "alarm": row["alarm_id"],
        "title": f"{row['object_label'] or row['object_key']} · {rule}",
        "more": f"{row['actor']}: “{row['reason']}” · {until}",
    }


async def _inner(site: Site, t: Text, opened: Mapping[str, Any] | None, now: datetime) -> dict[str, Any] | None:
    """A page of what the opened line holds: a flood's alarms, or those that an alarm keeps from the desk."""
    if not opened:
        return None
    page, of = max(0, int(opened.get("page") or 0)), str(opened.get("of"))
    kind, _, number = of.partition("-")
    ask = {"flood": desk.members, "alarm": desk.children}.get(kind)
    if ask is None or not number.isdigit():
        return None
    rows = await read(site, ask, int(number), now, PAGE, PAGE * page)
    return {"of": of, "page": page, "size": PAGE, "rows": [line(t, row, now) for row in rows]}


def register(app: Dash, site: Site) -> None:
    """One question at a time, asked by the page's script: on a hint, each few seconds, and when the operator asks."""
    board = Board(site)

    @app.callback(
        Output("desk-answer", "data"),
        Output("database", "data"),
        Input("desk-ask", "data"),
        State("words", "data"),
        State("database", "data"),
    )
    async def answer(ask: dict[str, Any], words: dict[str, Any], database: dict[str, Any]) -> tuple[Any, Any]:
        t, now = Text(words["lang"]), datetime.now(UTC)
        try:
            reading = await board.reading()
            inner = await _inner(site, t, ask.get("open"), now)
        except DatabaseAway:
            away = no_update if database.get("away") else {"away": True, "since": now.isoformat()}
            return {"n": ask["n"], "away": True}, away
        back: Any = {"away": False} if database.get("away") else no_update
        told = picture(t, reading, ask, inner)
        rings = [] if ask.get("wide") else reading.rings
        ringed = _print({"rings": rings})
        if told["print"] == ask.get("print") and ringed == ask.get("ringed"):
            return {"n": ask["n"], "same": True}, back
        shown = {} if ringed == ask.get("ringed") else {"rings": rings}
        return {"n": ask["n"], **told, "ringed": ringed, **shown}, back

    app.clientside_callback(ClientsideFunction("haidang", "desk_answered"), Input("desk-answer", "data"))
    app.clientside_callback(ClientsideFunction("haidang", "desk_chosen"), Input("chosen", "data"))
