"""The screen `/handover`: what a shift gives to the next one, the note, two signatures, and the shifts before."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from dash import Dash, Input, Output, State, dcc, html, no_update
from sqlalchemy import Connection

from access import handover as signing
from access.site import Site
from geo import handover
from geo.actor import Actor
from geo.handover import Refused, digest
from geo.shift import Shift, parse, shift_of
from pages import banner, header, mark, stores
from pages import shift as phrase
from pages.handover_body import body
from pages.read import DatabaseAway, act, read
from pages.text import Text

POLL_MS = 5_000
EARLIER = 12  # shifts listed beside the one that is read
NOTE_MOST = 10_000


def asked(search: str) -> Shift | None:
    """The shift that an address asks for, now's without one; None for what is no shift."""
    query = {name.lower(): value for name, value in parse_qsl(search.lstrip("?"))}
    try:
        return parse(query["shift"]) if query.get("shift") else shift_of(datetime.now(UTC))
    except ValueError:
        return None


def layout(site: Site, t: Text, search: str) -> html.Div:
    """Arrangement; what the shift says is filled in by the first reading, and again while it is a draft."""
    shift = asked(search)
    inside = [_unknown(t)] if shift is None else [_main(t, shift), _side(t, shift), dcc.Store(id="handover-print")]
    return html.Div(
        [
            header.layout(site, t),
            *inside,
            banner.layout(site, t),
            stores.apart(t),
        ],
        className="screen screen-handover",
    )


def _unknown(t: Text) -> html.Main:
    words = html.P(t("Không có ca trực nào mang tên này. Tên một ca có dạng 2026-11-25.2."), className="empty")
    return html.Main([words, html.A(t("Ca hiện tại"), href=phrase.address(t, "/handover"), className="back")])


def _main(t: Text, shift: Shift) -> html.Main:
    before, after = shift.previous, shift.next
    steps = [
        html.A("‹", href=_href(t, before), title=phrase.title(t, before), **{"aria-label": t("Ca trước")}),
        html.H2([html.Span(phrase.title(t, shift)), html.Span(phrase.bounds(t, shift), className="muted")]),
        html.A("›", href=_href(t, after), title=phrase.title(t, after), **{"aria-label": t("Ca sau")}),
    ]
    links = [
        html.A(t("Bản in PDF"), id="handover-pdf", href=_pdf(t, shift, None), target="_blank", className="press"),
        html.A(t("Chỉ số báo động"), href=phrase.address(t, "/alarms/metrics"), className="press"),
        html.A(t("Bản đồ"), href=phrase.address(t, "/"), className="press"),
    ]
    return html.Main(
        [
            html.Div(
                [html.Nav(steps, className="shift-steps", **{"aria-label": t("Các ca")}), html.Div(links)],
                className="handover-head",
            ),
            html.P("", id="handover-state", className="handover-state", role="status"),
            html.Div(html.P(t("Đang đọc nhật ký…"), className="empty"), id="handover-body"),
            dcc.Store(id="handover-shift", data=shift.name),
            dcc.Store(id="handover-row"),
            dcc.Store(id="handover-done"),
            dcc.Interval(id="handover-tick", interval=POLL_MS),
        ],
        className="handover",
    )


def _href(t: Text, shift: Shift) -> str:
    return phrase.address(t, "/handover", shift=shift.name)


def _pdf(t: Text, shift: Shift, number: int | None) -> str:
    if number is None:
        return phrase.address(t, "/api/v1/handover.pdf", shift=shift.name)
    return phrase.address(t, f"/api/v1/handover/{number}.pdf")


def _side(t: Text, shift: Shift) -> html.Aside:
    note = mark.entry(
        "handover-note",
        t("Điều ca sau cần biết"),
        NOTE_MOST,
        className="field note-box",
        remember=f"handover-note-{shift.name}",
        lines=True,
    )
    give = html.Div(
        [
            html.Label([html.Span(t("Ghi chú của ca")), note]),
            html.Label([html.Span(t("Người giao ca")), mark.entry("giver", t("Họ tên hoặc mã số"), 60)]),
            html.P("", id="handover-early", className="note"),
            html.Button(t("Ký giao ca"), id="handover-give", className="primary", n_clicks=0),
            dcc.Store(id="handover-note-text"),
            dcc.Store(id="giver-text"),
        ],
        id="handover-giving",
        className="sign",
        hidden=True,
    )
    take = html.Div(
        [
            html.Label([html.Span(t("Người nhận ca")), mark.entry("taker", t("Họ tên hoặc mã số"), 60)]),
            html.Button(t("Ký nhận ca"), id="handover-take", className="primary", n_clicks=0),
            html.Button(t("Sửa và ký giao lại"), id="handover-amend", className="quiet", n_clicks=0),
            dcc.Store(id="taker-text"),
        ],
        id="handover-taking",
        className="sign",
        hidden=True,
    )
    return html.Aside(
        [
            html.H2(t("Ký giao nhận")),
            html.Div([], id="handover-signed"),
            give,
            take,
            html.P("", id="handover-said", className="said", role="status"),
            html.H2(t("Các ca gần đây")),
            html.Ul([], id="handover-earlier", className="earlier"),
        ],
        className="right",
        **{"aria-label": t("Ký giao nhận")},
    )


def state_words(t: Text, row: Mapping[str, Any], now: datetime) -> str:
    """Whether it is a draft, given or taken, in one sentence."""
    if row["taken_at"]:
        return t("Đã ký giao và nhận: biên bản số {n} không đổi được nữa.", n=row["id"])
    if row["given_at"]:
        return t("{name} đã ký giao lúc {at}; chờ người nhận ký.", name=row["given_by"], at=t.when(row["given_at"]))
    if now < row["ends_at"]:
        return t("Bản nháp của ca đang trực, số liệu tự cập nhật; chưa ai ký.")
    return t("Bản nháp: ca đã hết lúc {at}, chưa ai ký giao.", at=t.when(row["ends_at"]))


def signatures(t: Text, row: Mapping[str, Any]) -> list[Any]:
    """Who has signed and when, the note as it was signed, and the content's code."""
    if not row["given_at"]:
        return []
    names = [
        (t("Người giao ca"), row["given_by"], row["given_at"]),
        (t("Người nhận ca"), row["taken_by"], row["taken_at"]),
    ]
    lines = [
        html.Div(
            [html.Span(title), html.B(name), html.Time(t.exact(at), dateTime=at.isoformat())], className="signature"
        )
        for title, name, at in names
        if name
    ]
    note = html.Blockquote(row["note"] or t("Không có ghi chú."), className="note-signed")
    code = digest(row["content"])
    seal = html.P(
        [t("Mã kiểm nội dung"), " ", html.Code(code[:16], title=f"SHA-256 {code}")],
        className="note",
    )
    return [html.H3(t("Ghi chú của ca")), note, *lines, seal]


def earlier(t: Text, shift: Shift, signed: Sequence[Mapping[str, Any]], now: datetime) -> list[html.Li]:
    """The shifts up to now's, the latest first, each with how far it is signed; the one that is read is marked."""
    by_start = {row["starts_at"]: row for row in signed}
    one = max(shift, shift_of(now))
    rows = []
    for _ in range(EARLIER):
        row = by_start.get(one.starts_at)
        if row is None:
            words, kind = (t("đang trực"), "running") if now < one.ends_at else (t("chưa ký"), "unsigned")
        elif row["taken_at"]:
            words, kind = f"{row['given_by']} → {row['taken_by']}", "taken"
        else:
            words, kind = t("{name} giao, chờ nhận", name=row["given_by"]), "given-only"
        link = html.A(phrase.title(t, one), href=_href(t, one), **({"aria-current": "page"} if one == shift else {}))
        rows.append(html.Li([link, html.Span(words, className=kind)]))
        one = one.previous
    return rows


def fingerprint(row: Mapping[str, Any], signed: Sequence[Mapping[str, Any]], amending: bool) -> str:
    """Changes when anything on the screen changes: a draft is read anew all the time, and seldom says something new."""
    said = {name: value for name, value in row["content"].items() if name != "as_of" or row["given_at"]}
    others = [(one["id"], str(one["taken_at"])) for one in signed]
    return f"{digest(said)} {row['id']} {row['taken_at']} {amending} {others}"


def _read(connection: Connection, shift: Shift, now: datetime) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The signed row, or the draft, and the handovers before."""
    row = handover.find(connection, shift) or handover.draft(connection, shift, now)
    return row, handover.handovers(connection, max(shift, shift_of(now)).ends_at, EARLIER)


def refusal(t: Text, error: Refused) -> str:
    """Why a signature was not taken."""
    return {
        "not_begun": t("Ca này chưa bắt đầu."),
        "given": t("Người khác đã ký giao ca này."),
        "taken": t("Ca này đã ký giao và nhận xong."),
        "replaced": t("Bản này vừa được ký giao lại: hãy đọc bản mới rồi ký."),
        "same": t("Người giao không được tự nhận: người khác phải ký nhận."),
        "gone": t("Không còn biên bản này."),
    }[error.reason]


def register(app: Dash, site: Site) -> None:
    """Read again while it may change; each signature is one press with a name."""

    @app.callback(
        Output("handover-state", "children"),
        Output("handover-body", "children"),
        Output("handover-signed", "children"),
        Output("handover-giving", "hidden"),
        Output("handover-taking", "hidden"),
        Output("handover-early", "children"),
        Output("handover-pdf", "href"),
        Output("handover-earlier", "children"),
        Output("handover-row", "data"),
        Output("handover-print", "data"),
        Output("database", "data", allow_duplicate=True),
        Input("handover-tick", "n_intervals"),
        Input("handover-done", "data"),
        Input("handover-amend", "n_clicks"),
        State("handover-shift", "data"),
        State("handover-print", "data"),
        State("handover-row", "data"),
        State("words", "data"),
        State("database", "data"),
        prevent_initial_call="initial_duplicate",
    )
    async def show(
        _: int,
        done: Any,
        amends: int | None,
        name: str,
        last: str | None,
        known: dict[str, Any] | None,
        words: dict[str, Any],
        database: dict[str, Any],
    ) -> tuple[Any, ...]:
        t, now, shift = Text(words["lang"]), datetime.now(UTC), parse(name)
        nothing = (no_update,) * 10
        try:
            row, signed = await read(site, _read, shift, now)
        except DatabaseAway:
            away = no_update if database.get("away") else {"away": True, "since": now.isoformat()}
            return *nothing, away
        except Refused as error:
            return refusal(t, error), [], *(no_update,) * 8, no_update
        back: Any = {"away": False} if database.get("away") else no_update
        # Amending lasts until the row is another one.
        amending = bool(amends) and (known or {}).get("id") == row["id"] and not row["taken_at"]
        content = row["content"]
        fresh = fingerprint(row, signed, amending)
        if fresh == last:
            return *nothing, back
        ahead = row["ends_at"] - now
        early = t(
            "Ca còn {span} nữa mới hết: những gì xảy ra sau khi ký sẽ nằm trong biên bản ca sau.",
            span=t.age(ahead.total_seconds()),
        )
        return (
            state_words(t, row, now),
            body(t, content, now),
            signatures(t, row),
            bool(row["given_at"]) and not amending,
            not row["given_at"] or bool(row["taken_at"]) or amending,
            early if ahead > timedelta(minutes=30) else "",
            _pdf(t, shift, row["id"]),
            earlier(t, shift, signed, now),
            {"id": row["id"], "note": row["note"]},
            fresh,
            back,
        )

    @app.callback(
        Output("handover-said", "children"),
        Output("handover-done", "data"),
        Input("handover-give", "n_clicks"),
        State("handover-shift", "data"),
        State("giver-text", "data"),
        State("handover-note-text", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def give(
        clicks: int, name: str, giver: str | None, note: str | None, words: dict[str, Any]
    ) -> tuple[Any, Any]:
        t = Text(words["lang"])
        return await _sign(t, giver, lambda actor: act(site, signing.give, parse(name), note or "", actor), clicks)

    @app.callback(
        Output("handover-said", "children", allow_duplicate=True),
        Output("handover-done", "data", allow_duplicate=True),
        Input("handover-take", "n_clicks"),
        State("handover-row", "data"),
        State("taker-text", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def take(
        clicks: int, row: dict[str, Any] | None, taker: str | None, words: dict[str, Any]
    ) -> tuple[Any, Any]:
        t, number = Text(words["lang"]), (row or {}).get("id") or 0
        return await _sign(t, taker, lambda actor: act(site, signing.take, number, actor), clicks)


async def _sign(t: Text, name: str | None, sign: Any, clicks: int) -> tuple[Any, Any]:
    if not clicks:
        return no_update, no_update
    try:
        actor = Actor(" ".join((name or "").split()))
    except ValueError:
        return t("Hãy ghi tên rồi ký."), no_update
    try:
        row = await sign(actor)
    except DatabaseAway:
        return t("Cơ sở dữ liệu không trả lời: CHƯA ký được."), no_update
    except Refused as error:
        return refusal(t, error), datetime.now(UTC).isoformat()
    words = t("{name} đã ký nhận.", name=actor.name) if row["taken_at"] else t("{name} đã ký giao.", name=actor.name)
    return words, datetime.now(UTC).isoformat()
