"""The delivery log: each message with what it told, how often it was tried, what became of it and what was answered."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dash import Dash, Input, Output, State, ctx, dcc, html, no_update

from access.site import Site
from geo import channel as ways
from geo import delivery_log
from geo.delivery import LOST, TEST
from geo.delivery_log import STATES
from geo.warning_delivery import TOLD
from pages import mark
from pages.channel_routes import transition_word
from pages.read import DatabaseAway, read
from pages.text import Text

POLL_MS, PAGE, MOST = 2_000, 50, 500
ALL = ""


def layout(site: Site, t: Text) -> html.Section:
    """The filters and the table; rows come with the first poll."""
    states = [{"label": t("Tất cả"), "value": ALL}]
    states += [{"label": state_word(t, one), "value": one} for one in STATES]
    names = (t("Khi"), t("Kênh"), t("Tin"), t("Kết quả"), t("Lần"), t("Trả lời"))
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in names]))
    return html.Section(
        [
            html.Header(
                [
                    html.H2(t("Nhật ký gửi"), id="delivery-title"),
                    dcc.RadioItems(states, ALL, id="delivery-state", className="choices chips", inline=True),
                    html.Label(t("Kênh"), htmlFor="delivery-channel", className="unseen"),
                    dcc.Dropdown([], ALL, id="delivery-channel", clearable=False, searchable=False, className="picked"),
                ],
                className="form-head",
            ),
            html.Table([head, html.Tbody([], id="delivery-rows")], className="deliveries"),
            html.P("", id="delivery-empty", className="empty", hidden=True),
            html.Button(t("Xem thêm"), id="delivery-more", className="action", n_clicks=0, hidden=True),
            dcc.Store(id="delivery-print"),
            dcc.Store(id="delivery-count", data=PAGE),
            dcc.Interval(id="delivery-tick", interval=POLL_MS),
        ],
        className="channel-log",
        **{"aria-labelledby": "delivery-title"},
    )


def state_word(t: Text, state: str) -> str:
    """What became of a message, in a word or two."""
    words = {
        "delivered": t("đã gửi"), "failed": t("không gửi được"), "withheld": t("giữ lại"),
        "retrying": t("đang gửi lại"), "waiting": t("đang chờ"),
    }  # fmt: skip
    return words.get(state, state)


def reason(t: Text, why: str) -> str:
    """Why a message stayed in the house."""
    words = {
        "rehearsal": t("hệ thống đang mô phỏng, không gửi ra ngoài"),
        "simulated": t("báo động mô phỏng không gửi ra ngoài"),
        "withdrawn": t("báo động đã được rút"),
        "shelved": t("đối tượng đang tạm gác"),
        "suppressed": t("tạm ẩn theo báo động chính"),
        "late": t("chuyện đã qua hơn 6 giờ"),
        "flood": t("cùng một đợt dồn dập, đã báo một lần"),
        "disabled": t("kênh đã tắt"),
        "simulated_warning": t("cảnh báo mô phỏng không gửi ra ngoài"),
        "ended": t("cảnh báo đã hủy, đã thay hoặc hết hạn trước khi gửi"),
    }
    return words.get(why, why)


# What our own side says, which the log keeps in English as every log does: pattern -> the words for it.
_OWN: Sequence[tuple[str, Callable[[Text], str]]] = (
    (r"(?P<place>\S+) is not allowed; .*", lambda t: t("{place} chưa có trong HAIDANG_OUTGOING_ALLOWED")),
    (r"(?P<place>\S+) did not answer within (?P<n>\S+) s", lambda t: t("{place} không trả lời trong {n} s")),
    (r"(?P<place>\S+) cannot be reached: (?P<why>.*)", lambda t: t("không nối được tới {place}: {why}")),
    (r"(?P<place>\S+): no secure connection: (?P<why>.*)", lambda t: t("{place}: không có kết nối an toàn: {why}")),
    (r"the name (?P<place>\S+) (?:cannot be|was not) resolved.*", lambda t: t("không tra được tên máy {place}")),
    (r"there is no secret '(?P<name>.*)' in .*", lambda t: t("không có bí mật “{name}” trong HAIDANG_SECRETS")),
    (re.escape(LOST), lambda t: t("bị ngắt giữa chừng và đã hết số lần gửi")),
)


def answer_words(t: Text, answer: str) -> str:
    """What was answered: the other side's words as they are, our own in the reader's language."""
    for pattern, words in _OWN:
        found = re.fullmatch(pattern, answer)
        if found is not None:
            return words(t).format(**found.groupdict())
    return answer


def rows(t: Text, found: Sequence[Mapping[str, Any]], now: datetime) -> list[html.Tr]:
    """One row a message, newest first."""
    return [_row(t, one, now) for one in found]


def _row(t: Text, one: Mapping[str, Any], now: datetime) -> html.Tr:
    state = str(one["state"])
    outcome: list[Any] = [html.I(className=f"lamp {state}"), state_word(t, state)]
    if state == "retrying" and one["due_at"] is not None:
        at = t.exact(one["due_at"]).partition(" ")[0]
        outcome.append(html.Span(t("lần nữa lúc {at}", at=at), className="muted"))
    answer = reason(t, str(one["answer"])) if state == "withheld" else answer_words(t, str(one["answer"] or ""))
    cells = [
        html.Td(mark.age(t, one["made_at"], now)),
        html.Td(one["channel_name"], className="from"),
        html.Td(_what(t, one), className="about"),
        html.Td(html.Span(outcome, className="fares")),
        html.Td(t.number(one["attempts"]) if one["attempts"] else "–", className="number"),
        html.Td(answer, className="answer", title=answer),
    ]
    return html.Tr(cells, className=state)


def _what(t: Text, one: Mapping[str, Any]) -> html.Span:
    if one["transition"] == TEST:
        return html.Span([t("tin thử"), html.Span(f" · {one['asked_by']}", className="muted")], className="told")
    if str(one["transition"]) in TOLD.values():
        said = t.pick(one["warning_words"]["vi"]["headline"], (one["warning_words"].get("en") or {}).get("headline"))
        exercise = [html.Span(t("DIỄN TẬP"), className="badge small")] if one["warning_status"] == "Exercise" else []
        what = [html.Span(f"{transition_word(t, one['transition'])} · ", className="muted"), said]
        return html.Span([*exercise, html.Span(what)], className="told")
    flood = [html.Span(" · " + t("cả đợt dồn dập"), className="muted")] if one["flood_id"] is not None else []
    rule = t.pick(one["rule_vi"], one["rule_en"]).partition(":")[0]
    label = one["object_label"] or one["object_key"] or ""
    words = html.Span(
        [html.Span(f"{transition_word(t, one['transition'])} · ", className="muted"), f"{rule} · {label}"]
    )
    return html.Span([mark.severity(t, str(one["severity"])), words, *flood], className="told")


def register(app: Dash, site: Site) -> None:
    """Read again each two seconds; drawn again only when a row changed."""

    @app.callback(
        Output("delivery-rows", "children"),
        Output("delivery-empty", "children"),
        Output("delivery-empty", "hidden"),
        Output("delivery-more", "hidden"),
        Output("delivery-channel", "options"),
        Output("delivery-print", "data"),
        Output("delivery-count", "data"),
        Input("delivery-tick", "n_intervals"),
        Input("channel-news", "data"),
        Input("delivery-state", "value"),
        Input("delivery-channel", "value"),
        Input("delivery-more", "n_clicks"),
        State("delivery-count", "data"),
        State("delivery-print", "data"),
        State("words", "data"),
    )
    async def refresh(
        _: int, __: Any, state: str, channel: str, ___: int, count: int, last: str | None, words: dict[str, Any]
    ) -> tuple[Any, ...]:
        t, now = Text(words["lang"]), datetime.now(UTC)
        if ctx.triggered_id == "delivery-more":
            count = min(count + PAGE, MOST)
        elif ctx.triggered_id in ("delivery-state", "delivery-channel"):
            count = PAGE
        try:
            found = await read(site, delivery_log.log, channel or None, state or None, count + 1)
            known = await read(site, ways.channels)
        except DatabaseAway:
            return (no_update,) * 7
        names = [(one.key, one.name) for one in known]
        print_ = hashlib.sha256(repr((found, names, state, channel, count, t.lang)).encode()).hexdigest()[:16]
        if print_ == last:
            return *(no_update,) * 6, count
        options = [{"label": t("Mọi kênh"), "value": ALL}, *({"label": name, "value": key} for key, name in names)]
        more = len(found) <= count or count >= MOST
        return (
            rows(t, found[:count], now),
            _empty(t, state, channel, bool(known)),
            bool(found),
            more,
            options,
            print_,
            count,
        )


def _empty(t: Text, state: str, channel: str, known: bool) -> str:
    if state or channel:
        return t("Không có tin nào như vậy.")
    return t("Chưa có tin nào.") if known else t("Chưa có tin nào, vì chưa có kênh nào.")
