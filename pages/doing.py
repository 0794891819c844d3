"""What can be done with an alarm: acknowledge, assign, shelve, escalate, withdraw, comment, with an answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from access import desk as doing
from access.site import Site
from geo import desk, handling
from geo.actor import Actor
from geo.shelf import SPANS, TRIP, NotShelvable
from pages.mark import entry
from pages.read import DatabaseAway, act, read
from pages.text import Text

WORDS_MOST, NAME_MOST = 500, 60
MUTE_MIN = 5.0


@dataclass(frozen=True)
class Deed:
    """One thing that a station asks for; alarm is 0 where it is of no alarm."""

    action: str
    alarm: int
    name: str
    comment: str
    unit: str
    person: str
    span: str
    minutes: float

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> "Deed":
        """From what the page's script put together."""
        named = ("name", "comment", "unit", "person", "span")
        words = {name: str(asked.get(name) or "").replace("\0", "").strip() for name in named}
        return cls(
            action=str(asked.get("action")),
            alarm=int(asked.get("alarm") or 0),
            name=words["name"][:NAME_MOST],
            comment=words["comment"][:WORDS_MOST],
            unit=words["unit"],
            person=words["person"][:NAME_MOST],
            span=words["span"],
            minutes=min(max(float(asked.get("minutes") or 0), 0.0), MUTE_MIN),
        )


class Refused(Exception):
    """It was not done; `args[0]` says why, `want` is the field that is to be filled."""

    def __init__(self, words: str, want: str | None = None) -> None:
        super().__init__(words)
        self.want = want


def layout(site: Site, t: Text) -> html.Section:
    """Hidden until an alarm is in hand. It stands still while everything around it is read again."""
    buttons = [
        ("acknowledge", "A", t("Xác nhận")),
        ("assign", "G", t("Giao việc")),
        ("shelve", "S", t("Tạm hoãn")),
        ("escalate", "E", t("Chuyển cấp")),
        ("withdraw", "W", t("Rút lại")),
        ("comment", "N", t("Ghi chú")),
    ]
    return html.Section(
        [
            html.H2("", id="deed-what", className="deed-what"),
            entry("deed-comment", t("Ghi chú, hoặc lý do"), WORDS_MOST),
            html.Div(
                [_button(name, key, word) for name, key, word in buttons],
                className="deed-buttons",
                role="toolbar",
                **{"aria-label": t("Việc với báo động này")},
            ),
            *_more(t),
            html.P("", id="deed-words", role="status", className="deed-words"),
            dcc.Store(id="deed"),
            dcc.Store(id="deed-answer"),
            dcc.Store(id="deed-target"),
            dcc.Store(id="deed-units"),
            dcc.Store(id="deed-comment-text"),
            dcc.Store(id="deed-person-text"),
        ],
        id="doing",
        className="doing",
        hidden=True,
        **{"aria-labelledby": "deed-what"},
    )


def _button(name: str, key: str, word: str) -> html.Button:
    return html.Button(
        [word, html.Kbd(key)],
        id="ack" if name == "acknowledge" else f"do-{name}",
        className="primary" if name == "acknowledge" else "action",
        **{"data-deed": name, "aria-keyshortcuts": key, "aria-expanded": "false"}
        if name not in ("acknowledge", "comment")
        else {"data-deed": name, "aria-keyshortcuts": key},
    )


def _more(t: Text) -> list[html.Div]:
    """What is asked besides, of the deed that was begun: a unit, a time, or that it is meant."""
    spans = [("30m", t("30 phút")), ("1h", t("1 giờ")), ("6h", t("6 giờ")), ("trip", t("chuyến này"))]
    return [
        _asked(
            "assign",
            t("Giao"),
            html.Label([html.Span(t("Đơn vị")), html.Select([], id="deed-unit", className="picked")]),
            html.Label([html.Span(t("Người nhận")), entry("deed-person", t("không bắt buộc"), NAME_MOST)]),
        ),
        _asked(
            "shelve",
            t("Tạm hoãn"),
            html.Label(
                [
                    html.Span(t("Trong")),
                    html.Select(
                        [html.Option(word, value=name) for name, word in spans], id="deed-span", className="picked"
                    ),
                ]
            ),
            html.P(t("Cần lý do; tự trở lại bàn khi hết hạn."), className="note"),
        ),
        _asked("escalate", t("Chuyển cấp trên"), html.P(t("Báo cho cấp trên ngay, không chờ."), className="note")),
        _asked(
            "withdraw",
            t("Rút lại báo động"),
            html.P(t("Chỉ khi báo động sai. Cần lý do; nhật ký vẫn giữ."), className="note"),
        ),
    ]


def _asked(name: str, word: str, *fields: Any) -> html.Div:
    press = html.Button(word, className="primary", **{"data-deed-do": name})
    return html.Div([*fields, press], className="deed-more", hidden=True, **{"data-deed-of": name})


def register(app: Dash, site: Site) -> None:
    """A deed comes whole in one store and is answered in another."""

    @app.callback(
        Output("deed-answer", "data"),
        Output("database", "data", allow_duplicate=True),
        Input("deed", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def done(asked: dict[str, Any] | None, words: dict[str, Any]) -> tuple[Any, Any]:
        if not asked:
            return no_update, no_update
        t, deed = Text(words["lang"]), Deed.of(asked)
        own = {"n": asked.get("n"), "action": deed.action, "alarm": deed.alarm}
        try:
            said = await do(site, t, deed)
        except Refused as error:
            return {**own, "ok": False, "words": str(error), "want": error.want}, no_update
        except DatabaseAway:
            return {**own, "ok": False, "words": not_done(t, deed.action), "want": None}, {"away": True}
        return {**own, "ok": True, "words": said, "want": None}, no_update

    @app.callback(Output("deed-units", "data"), Input("doing", "id"), State("words", "data"))
    async def units(_: str, words: dict[str, Any]) -> Any:
        t = Text(words["lang"])
        try:
            found = await read(site, handling.units)
        except DatabaseAway:
            return no_update
        return [[row["key"], t.pick(row["name_vi"], row["name_en"])] for row in found]

    app.clientside_callback(ClientsideFunction("haidang", "deed_units"), Input("deed-units", "data"))
    app.clientside_callback(ClientsideFunction("haidang", "deed_target"), Input("deed-target", "data"))
    app.clientside_callback(ClientsideFunction("haidang", "deed_answered"), Input("deed-answer", "data"))


async def do(site: Site, t: Text, deed: Deed) -> str:
    """Do it, and say what was done. Raises Refused with the reason in words, and DatabaseAway."""
    if not deed.name:
        raise Refused(t("Hãy ghi tên cán bộ trực ban trước."), "actor")
    if deed.action in NEEDS_WORDS and not deed.comment:
        raise Refused(t("Hãy ghi lý do trước.") if deed.action != "comment" else t("Hãy ghi điều cần nói."), "comment")
    if deed.action not in DEEDS:
        raise Refused(t("Không có việc này."))
    return await DEEDS[deed.action](site, t, deed, Actor(deed.name))


async def _acknowledge(site: Site, t: Text, deed: Deed, actor: Actor) -> str:
    if await act(site, doing.acknowledge, deed.alarm, actor, deed.comment or None):
        return t("Đã xác nhận lúc {at}.", at=t.when(datetime.now(UTC)))
    row = await read(site, desk.one, deed.alarm, datetime.now(UTC))
    if row and row["withdrawn_at"]:
        raise Refused(t("Báo động này đã được rút lại."))
    if row and row["acknowledged_at"]:
        raise Refused(
            t("{name} đã xác nhận trước, lúc {at}.", name=row["acknowledged_by"], at=t.when(row["acknowledged_at"]))
        )
    raise Refused(t("Không còn báo động này."))


async def _assign(site: Site, t: Text, deed: Deed, actor: Actor) -> str:
    found = {row["key"]: row for row in await read(site, handling.units)}
    if deed.unit not in found:
        raise Refused(t("Hãy chọn đơn vị."), "unit")
    given = await act(site, doing.assign, deed.alarm, deed.unit, deed.person or None, actor, deed.comment or None)
    if not given:
        raise Refused(t("Báo động này đã được rút lại."))
    row = found[deed.unit]
    return t("Đã giao {unit}.", unit=t.pick(row["name_vi"], row["name_en"]))


async def _shelve(site: Site, t: Text, deed: Deed, actor: Actor) -> str:
    if deed.span not in (*SPANS, TRIP):
        raise Refused(t("Hãy chọn thời gian."), "span")
    try:
        until = await act(site, doing.shelve, deed.alarm, deed.span, actor, deed.comment)
    except NotShelvable:
        raise Refused(t("Báo động cấp cứu không được tạm hoãn.")) from None
    if until is None:
        raise Refused(t("Báo động này không còn trên bàn."))
    if deed.span == TRIP:
        return t("Đã tạm hoãn đến khi tàu về cảng.")
    return t("Đã tạm hoãn đến {at}.", at=t.when(until))


async def _unshelve(site: Site, t: Text, deed: Deed, actor: Actor) -> str:
    if not await act(site, doing.unshelve, deed.alarm, actor):
        raise Refused(t("Không còn được tạm hoãn."))
    return t("Đã đưa trở lại bàn.")


async def _escalate(site: Site, t: Text, deed: Deed, actor: Actor) -> str:
    if await act(site, doing.escalate, deed.alarm, actor, deed.comment or None):
        return t("Đã chuyển cấp trên.")
    row = await read(site, desk.one, deed.alarm, datetime.now(UTC))
    if row and row["withdrawn_at"] is None and row["escalations"] >= handling.ESCALATIONS_MOST:
        raise Refused(t("Đã ở cấp cao nhất."))
    raise Refused(t("Báo động này không còn trên bàn."))


async def _withdraw(site: Site, t: Text, deed: Deed, actor: Actor) -> str:
    if await act(site, doing.withdraw, deed.alarm, actor, deed.comment) is None:
        raise Refused(t("Báo động này đã được rút lại."))
    return t("Đã rút lại; nhật ký vẫn giữ.")


async def _comment(site: Site, t: Text, deed: Deed, actor: Actor) -> str:
    if not await act(site, doing.remark, deed.alarm, actor, deed.comment):
        raise Refused(t("Không còn báo động này."))
    return t("Đã ghi.")


async def _mute(site: Site, t: Text, deed: Deed, actor: Actor) -> str:
    await act(site, doing.mute, actor, deed.minutes)
    return t("Tắt tiếng 5 phút.") if deed.minutes else t("Đã bật tiếng.")


DEEDS: Mapping[str, Callable[[Site, Text, Deed, Actor], Awaitable[str]]] = {
    "acknowledge": _acknowledge,
    "assign": _assign,
    "shelve": _shelve,
    "unshelve": _unshelve,
    "escalate": _escalate,
    "withdraw": _withdraw,
    "comment": _comment,
    "mute": _mute,
}
NEEDS_WORDS = ("shelve", "withdraw", "comment")


def not_done(t: Text, action: str) -> str:
    """That the database is away and so nothing was done, each deed by its name."""
    words = {
        "acknowledge": t("CHƯA xác nhận được."),
        "assign": t("CHƯA giao được."),
        "shelve": t("CHƯA tạm hoãn được."),
        "unshelve": t("CHƯA đưa trở lại được."),
        "escalate": t("CHƯA chuyển được."),
        "withdraw": t("CHƯA rút lại được."),
        "comment": t("CHƯA ghi được."),
        "mute": t("CHƯA tắt tiếng được."),
    }
    return f"{t('Cơ sở dữ liệu không trả lời.')} {words.get(action, '')}".strip()
