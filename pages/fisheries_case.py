"""One case beside the board: its clocks and facts, what can be done about it, and its log."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from access import cases
from access.site import Site
from geo import handling
from geo.boat_case import CAUSES, OUTCOMES
from geo.contact import Contact
from pages import boat_words, fisheries_deed, mark
from pages.fisheries_board import kind_words, level_words, place, stage_words
from pages.read import DatabaseAway, act, read
from pages.text import Text

WORDS_MOST, NAME_MOST = 500, 120
ENTRIES = ("who", "number", "result", "called", "place", "placed", "teller", "person", "why", "note", "remark")


def layout(site: Site, t: Text) -> html.Aside:
    """The forms stand still while what is said of the case is read again."""
    return html.Aside(
        [
            html.Div([html.P(t("Chọn một thẻ trên bảng để xem và xử lý vụ việc."), className="empty")], id="case-top"),
            html.Div(
                [
                    _toolbar(t),
                    _form(t, "contact", t("Ghi liên hệ"), _contact(t)),
                    _form(t, "position", t("Ghi vị trí"), _position(t)),
                    _form(t, "assign", t("Giao"), _assign(t)),
                    _form(t, "escalate", t("Chuyển cấp trên"), [_field(t, "why", t("Lý do"), WORDS_MOST)]),
                    _form(t, "note", t("Ghi chú"), [_field(t, "note", t("Điều cần nhớ"), WORDS_MOST)]),
                    _form(t, "close", t("Kết luận và đóng"), _close(t)),
                    html.P("", id="case-said", role="status", className="deed-words"),
                ],
                id="case-doing",
                className="doing",
                hidden=True,
            ),
            html.Div([], id="case-log", className="case-log"),
            dcc.Store(id="case-ask"),
            dcc.Store(id="case-opened"),
            dcc.Store(id="case-deed"),
            dcc.Store(id="case-answer"),
            dcc.Store(id="case-units"),
            *[dcc.Store(id=f"case-{name}-text") for name in ENTRIES],
        ],
        id="case-panel",
        className="right case-panel",
        **{"aria-label": t("Vụ việc đang mở")},
    )


def _toolbar(t: Text) -> html.Div:
    deeds = [
        ("contact", "C", t("Gọi")),
        ("position", "P", t("Vị trí")),
        ("assign", "G", t("Giao việc")),
        ("escalate", "E", t("Chuyển cấp")),
        ("note", "N", t("Ghi chú")),
        ("close", "X", t("Kết luận")),
    ]
    buttons = [
        html.Button(
            [word, html.Kbd(key)],
            id=f"case-do-{name}",
            className="action",
            **{"data-case-deed": name, "aria-keyshortcuts": key, "aria-expanded": "false"},
        )
        for name, key, word in deeds
    ]
    return html.Div(buttons, className="deed-buttons", role="toolbar", **{"aria-label": t("Việc với vụ việc này")})


def _form(t: Text, name: str, word: str, fields: Sequence[Any]) -> html.Div:
    press = html.Button([word, html.Kbd("Enter")], className="primary", **{"data-case-do": name})
    return html.Div([*fields, press], className="case-form", hidden=True, **{"data-case-form": name})


def _field(t: Text, name: str, title: str, most: int, hint: str = "", wide: bool = True) -> html.Div:
    return html.Div(
        [html.Label([html.Span(title), mark.entry(f"case-{name}", hint or title, most)]), _wrong(name)],
        className="case-field wide" if wide else "case-field",
    )


def _pick(t: Text, name: str, title: str, options: Sequence[tuple[str, str]]) -> html.Div:
    first = html.Option(t("Chọn…"), value="")
    made = [first, *[html.Option(word, value=key) for key, word in options]]
    return html.Div(
        [html.Label([html.Span(title), html.Select(made, id=f"case-{name}", className="picked")]), _wrong(name)],
        className="case-field",
    )


def _wrong(name: str) -> html.Div:
    return html.Div("", id=f"case-wrong-{name}", className="field-error", role="alert")


def _contact(t: Text) -> list[Any]:
    whom = [t("Chủ tàu"), t("Thuyền trưởng"), t("Người thân"), t("Đài duyên hải"), t("Biên phòng"), t("Xã, phường")]
    presets = [html.Button(word, className="chip", **{"data-case-who": word}) for word in whom]
    return [
        html.Div(presets, className="case-presets", role="group", **{"aria-label": t("Gọi ai")}),
        _field(t, "who", t("Gọi ai"), NAME_MOST, t("chủ tàu, đài, đồn…"), wide=False),
        _field(t, "number", t("Số máy, tần số"), 40, t("không bắt buộc"), wide=False),
        _field(t, "result", t("Kết quả"), WORDS_MOST, t("nghe máy, đang quay về…")),
        _field(t, "called", t("Lúc"), 20, t("bây giờ, hoặc 06:00 01/04/2027")),
    ]


def _position(t: Text) -> list[Any]:
    return [
        _field(t, "place", t("Vĩ độ, kinh độ"), 60, "16°54'N 108°18'E"),
        _field(t, "placed", t("Lúc"), 20, t("bây giờ, hoặc 06:00 01/04/2027"), wide=False),
        _field(t, "teller", t("Ai báo, bằng gì"), WORDS_MOST, wide=False),
    ]


def _assign(t: Text) -> list[Any]:
    return [
        _pick(t, "unit", t("Đơn vị"), []),
        _field(t, "person", t("Người nhận"), NAME_MOST, t("không bắt buộc"), wide=False),
    ]


def _close(t: Text) -> list[Any]:
    return [
        _pick(t, "cause", t("Nguyên nhân"), [(key, t.pick(vi, en)) for key, (vi, en) in CAUSES.items()]),
        _pick(t, "outcome", t("Kết quả xử lý"), [(key, t.pick(vi, en)) for key, (vi, en) in OUTCOMES.items()]),
        _field(t, "remark", t("Ghi thêm"), WORDS_MOST, t("không bắt buộc")),
        _wrong("contact"),
    ]


def top(t: Text, row: Mapping[str, Any], people: Sequence[Contact], now: datetime) -> list[Any]:
    """What is said of a case: whose, which stage, its clocks, its facts."""
    lang = "" if t.lang == "vi" else "?lang=en"
    links = [
        html.A(t("Bản đồ"), href=f"/?chosen=vms.{row['registration']}" + lang.replace("?", "&"), className="action"),
        html.A(
            t("Thông báo (PDF)"),
            id="case-notice",
            href=f"/api/v1/cases/{row['id']}/notice.pdf{lang}",
            target="_blank",
            className="action",
        ),
        html.Button(
            "×", className="quiet", title=t("Đóng"), **{"aria-label": t("Đóng vụ việc"), "data-case-close": "1"}
        ),
    ]
    own = boat_words.address(row["registration"], t.lang)
    boat = html.A(row["registration"], href=own, title=t("Hồ sơ tàu"))
    stage = t("Đã kết luận") if row["closed_at"] else stage_words(t, row["stage"])
    kind = kind_words(t, row["kind"])
    about = [t("vụ số {n}", n=row["id"]), *([kind] if kind != stage else []), level_words(t, row["owner_level"])]
    sim = [html.Span(t("mô phỏng"), className="badge small")] if row["simulated"] else []
    return [
        html.Div(
            [html.H2(boat, id="case-title", tabIndex="-1"), html.Div(links, className="case-links")],
            className="case-head",
        ),
        html.P([html.B(stage), " · ", " · ".join(about), *sim], className="case-about"),
        *_outage(t, row),
        html.Dl(_clocks(t, row, now), className="case-clocks"),
        mark.facts(_facts(t, row, people)),
    ]


def _outage(t: Text, row: Mapping[str, Any]) -> list[Any]:
    if not row["outage_id"]:
        return []
    name = row["provider_name"] or row["provider"]
    words = t("Thuộc sự cố nhà cung cấp {name}: báo động riêng được gom lại, các đồng hồ vẫn chạy.", name=name)
    return [html.P(words, className="case-outage")]


def _clocks(t: Text, row: Mapping[str, Any], now: datetime) -> list[Any]:
    if row["closed_at"]:
        return []
    due = [
        (t("Báo vị trí lần tới"), row["next_report_due_at"]),
        (t("Về bờ"), row["return_due_at"]),
        (t("Chuyển cấp trên"), None if row["escalated_at"] or row["ended_at"] else row["escalate_due_at"]),
    ]
    made = [
        [html.Dt(title), html.Dd([_until(t, at, now), html.Span(t.when(at), className="muted")])]
        for title, at in due
        if at is not None
    ]
    if row["escalated_at"]:
        made.append([html.Dt(t("Chuyển cấp trên")), html.Dd(t("đã chuyển lúc {at}", at=t.when(row["escalated_at"])))])
    return [part for pair in made for part in pair]


def _until(t: Text, at: datetime, now: datetime) -> html.Time:
    left = (at - now).total_seconds()
    words = t("còn {span}", span=t.age(left)) if left > 0 else t("quá {span}", span=t.age(-left))
    return html.Time(words, dateTime=at.isoformat(), className="until" if left > 0 else "until over")


def _facts(t: Text, row: Mapping[str, Any], people: Sequence[Contact]) -> list[tuple[str, Any]]:
    titles = {"owner": t("Chủ tàu"), "captain": t("Thuyền trưởng"), "relative": t("Người thân")}
    fix = place(t, row["fix_lat"], row["fix_lon"])
    told = ""
    if row["reported_at"]:
        told = f"{place(t, row['lat'], row['lon'])} · {t.when(row['reported_at'])}"
    begun = t("Tín hiệu tự động cuối") if row["kind"] == "loss" else t("Phát hiện")
    conclusion = [OUTCOMES.get(row["outcome"] or "", ("", "")), CAUSES.get(row["cause"] or "", ("", ""))]
    proposed = OUTCOMES.get(row["proposed"] or "", ("", ""))
    return [
        (t("Tên tàu"), row["shipname"] or ""),
        (t("Chiều dài"), f"{t.number(row['length_m'], 1)} m"),
        (t("Quê tàu"), ", ".join(filter(None, (row["commune"], row["home_province"])))),
        (t("Thiết bị"), " · ".join(filter(None, (row["device"], row["provider_name"] or row["provider"])))),
        (begun, [t.when(row["since"]), html.Br(), fix] if fix else t.when(row["since"])),
        (t("Vị trí báo tay"), told),
        (t("Đã qua sau"), t.age(row["minutes"] * 60) if row["minutes"] is not None else ""),
        *[
            (titles[one.part], " · ".join(filter(None, (one.name, one.phone))))
            for one in people
            if one.part in titles and (one.name or one.phone)
        ],
        (t("Đang phụ trách"), " · ".join(filter(None, (t.pick(row["unit_vi"], row["unit_en"]), row["person"])))
         or t("chưa giao")),
        (t("Kết quả đề nghị"), "" if row["closed_at"] else t.pick(*proposed)),
        (t("Kết luận"), ", ".join(filter(None, (t.pick(*each) for each in conclusion)))),
        (t("Người kết luận"), f"{row['closed_by']} · {t.when(row['closed_at'])}" if row["closed_at"] else ""),
    ]  # fmt: skip


def log(t: Text, lines: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The lines of a case's log, the newest first."""
    rows = [
        html.Li(
            [
                html.Div(
                    [html.B(_line(t, one)), html.Time(t.when(one["at"]), dateTime=one["at"].isoformat())],
                    className="log-head",
                ),
                *[html.P(words) for words in _said(t, one)],
                html.Span(t("hệ thống") if one["actor_kind"] == "system" else one["actor"], className="muted"),
            ],
            className=f"log-{one['kind']}",
        )
        for one in reversed(lines)
    ]
    title = html.H3([t("Sổ vụ việc"), html.Span(t("chỉ ghi thêm, không sửa"), className="note")])
    return [title, html.Ol(rows)]


def _line(t: Text, one: Mapping[str, Any]) -> str:
    data = one["data"] or {}
    words = {
        "contact": t("Gọi {who}", who=data.get("who", "")),
        "position": t("Vị trí báo tay"),
        "assign": t("Giao việc"),
        "escalation": t("Chuyển cấp trên"),
        "note": t("Ghi chú"),
        "close": t("Kết luận"),
        "stage": stage_words(t, str(data.get("stage", ""))),
    }
    return words.get(one["kind"]) or str(one["kind"])


def _said(t: Text, one: Mapping[str, Any]) -> list[str]:
    data, said = one["data"] or {}, []
    if data.get("number"):
        said.append(data["number"])
    if data.get("lon") is not None:
        said.append(place(t, data["lat"], data["lon"]))
    if data.get("unit"):
        unit = t.pick(data.get("unit_vi"), data.get("unit_en")) or data["unit"]
        said.append(" · ".join(filter(None, (unit, data.get("person")))))
    if one["kind"] == "close":
        pairs = (CAUSES.get(data.get("cause", ""), ("", "")), OUTCOMES.get(data.get("outcome", ""), ("", "")))
        said.append(", ".join(filter(None, (t.pick(*each) for each in pairs))))
    if one["text"]:
        said.append(str(one["text"]))
    return said


def register(app: Dash, site: Site) -> None:
    """A case is read when it is opened, and again when it has another version."""

    @app.callback(
        Output("case-top", "children"),
        Output("case-log", "children"),
        Output("case-opened", "data"),
        Input("case-ask", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def open_one(ask: dict[str, Any] | None, words: dict[str, Any]) -> tuple[Any, Any, Any]:
        t, number = Text(words["lang"]), str((ask or {}).get("case") or "")
        own = {"n": (ask or {}).get("n"), "case": number}
        if not number:
            empty = html.P(t("Chọn một thẻ trên bảng để xem và xử lý vụ việc."), className="empty")
            return empty, [], {**own, "id": None}
        now = datetime.now(UTC)
        try:
            known = number.isascii() and number.isdigit() and len(number) < 18
            found = await act(site, cases.opened, int(number), now) if known else None
        except DatabaseAway:
            if ask and ask.get("again"):
                return no_update, no_update, no_update
            gone = html.P(t("Cơ sở dữ liệu không trả lời."), className="empty")
            return gone, [], {**own, "id": None}
        if found is None:
            gone = html.P(t("Không có vụ việc số {n}.", n=number[:20]), className="empty")
            return gone, [], {**own, "id": None}
        row, people = found
        held = {**own, "id": row["id"], "version": row["version"], "closed": row["closed_at"] is not None,
                "escalated": row["escalated_at"] is not None, "proposed": row["proposed"] or "",
                "unit": row["unit"] or "", "what": row["registration"]}  # fmt: skip
        return top(t, row, people, now), log(t, row["log"]), held

    @app.callback(
        Output("case-answer", "data"),
        Input("case-deed", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def done(asked: dict[str, Any] | None, words: dict[str, Any]) -> Any:
        if not asked:
            return no_update
        return {"n": asked.get("n"), **await fisheries_deed.do(site, Text(words["lang"]), asked)}

    @app.callback(Output("case-units", "data"), Input("case-doing", "id"), State("words", "data"))
    async def units(_: str, words: dict[str, Any]) -> Any:
        t = Text(words["lang"])
        try:
            found = await read(site, handling.units)
        except DatabaseAway:
            return no_update
        return [[row["key"], t.pick(row["name_vi"], row["name_en"])] for row in found]

    for name, store in (("opened", "opened"), ("units", "units"), ("answered", "answer")):
        app.clientside_callback(
            ClientsideFunction("haidang", f"case_{name}"), Input(f"case-{store}", "data"), prevent_initial_call=True
        )
