"""The routes of the open channel: which alarms take it, by rule, severity and what happens to them."""

from collections.abc import Sequence
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update

from access import channels
from access.site import Site
from geo.actor import Actor
from geo.carrier import ChannelError
from geo.channel import ANNOUNCED, TOLD, Route
from geo.rule import SEVERITIES, Rule, rules
from pages import mark
from pages.channel_form import nameless
from pages.read import DatabaseAway, act, read
from pages.text import Text

EVERY = "*"  # stands for the route of every rule


def layout(site: Site, t: Text) -> html.Section:
    """The list, and the editor of one route below it."""
    severities = [
        {"label": html.Span([mark.severity(t, one), mark.severity_word(t, one)]), "value": one} for one in SEVERITIES
    ]
    transitions = [
        {"label": transition_word(t, one), "value": one} for one in sorted(TOLD, key=lambda one: one not in ANNOUNCED)
    ]
    return html.Section(
        [
            html.H2(t("Báo động nào đi kênh này"), id="routes-title"),
            html.Ul([], id="route-list", className="route-list"),
            html.Button(
                t("Gửi cả cảnh báo thiên tai của trung tâm"),
                id="channel-warnings",
                className="chip",
                n_clicks=0,
                disabled=True,
                title=t("Cảnh báo phát từ bây giờ đi cả kênh này; diễn tập ghi rõ, mô phỏng không gửi"),
                **{"aria-pressed": "false"},
            ),
            html.Div(
                [
                    html.Div(
                        [
                            html.Label(t("Luật"), htmlFor="route-rule"),
                            dcc.Dropdown(
                                [{"label": t("Mọi luật"), "value": EVERY}],
                                EVERY,
                                id="route-rule",
                                clearable=False,
                                className="picked",
                                labels={"search": t("Tìm"), "no_options_found": t("Không có luật nào như vậy")},
                            ),
                        ],
                        className="form-field",
                    ),
                    _many(t("Mức"), "route-severities", severities, SEVERITIES),
                    _many(t("Khi nào báo"), "route-transitions", transitions, ANNOUNCED),
                    html.Div(
                        [
                            html.Button(t("Lưu tuyến"), id="route-save", className="action", n_clicks=0),
                            html.P("", id="route-result", role="status", className="form-result"),
                        ],
                        className="form-foot",
                    ),
                ],
                className="route-editor",
            ),
            html.Ul(
                [
                    html.Li(t("Một đợt báo động dồn dập chỉ gửi một tin; cấp cứu luôn gửi.")),
                    html.Li(t("Báo động đang tạm gác, tạm ẩn hay mô phỏng thì không gửi.")),
                ],
                className="note notes",
            ),
            dcc.Store(id="route-asked"),
        ],
        className="channel-routes",
        **{"aria-labelledby": "routes-title"},
    )


def _many(label: str, name: str, options: Sequence[Any], chosen: Sequence[str]) -> html.Div:
    picked = dcc.Checklist(list(options), list(chosen), id=name, className="choices", inline=True)
    return html.Div([html.Span(label), picked], className="form-field", role="group", **{"aria-label": label})


def transition_word(t: Text, transition: str) -> str:
    """What happened to an alarm, in a word or two."""
    words = {
        "raise": t("báo động mới"), "step": t("đến gần thêm"), "escalate": t("leo thang"), "release": t("hết tạm ẩn"),
        "clear": t("đã hết"), "acknowledge": t("xác nhận"), "assign": t("giao việc"), "comment": t("ghi chú"),
        "shelve": t("tạm gác"), "unshelve": t("hết tạm gác"), "suppress": t("tạm ẩn"), "withdraw": t("rút lại"),
        "test": t("tin thử"), "warning_alert": t("cảnh báo"), "warning_update": t("cập nhật cảnh báo"),
        "warning_cancel": t("hủy cảnh báo"),
    }  # fmt: skip
    return words.get(transition, transition)


def rule_word(t: Text, rule_key: str | None, known: Sequence[Rule]) -> str:
    """A rule's short name, or that it is every rule."""
    if rule_key is None:
        return t("Mọi luật")
    found = next((rule for rule in known if rule.key == rule_key), None)
    return t.pick(found.name_vi, found.name_en).partition(":")[0] if found else rule_key


def rows(t: Text, routes: Sequence[Route], known: Sequence[Rule]) -> list[html.Li]:
    """One row a route, in words; without any, what that means."""
    if not routes:
        return [html.Li(t("Chưa có tuyến nào: không báo động nào đi kênh này."), className="empty")]
    return [_row(t, route, rule_word(t, route.rule_key, known)) for route in routes]


def _row(t: Text, route: Route, name: str) -> html.Li:
    every = len(route.severities) == len(SEVERITIES)
    levels = t("mọi mức") if every else ", ".join(mark.severity_word(t, one) for one in route.severities)
    words = ", ".join(transition_word(t, one) for one in route.transitions)
    key = {"data-rule": route.rule_key or EVERY}
    drop = t("Bỏ tuyến {name}", name=name)
    return html.Li(
        [
            html.Button(
                [
                    html.Span(name, className="what"),
                    html.Span(f"{levels} · {words}", className="muted"),
                ],
                className="route-row",
                title=t("Sửa tuyến này"),
                **{"data-route": "edit"},
                **key,
            ),
            html.Button("×", className="quiet", title=drop, **{"data-route": "drop", "aria-label": drop}, **key),
        ]
    )


def register(app: Dash, site: Site) -> None:
    """Read with the channel, after each change; a route is saved by its rule, so that a rule has one at most."""

    @app.callback(
        Output("route-list", "children"),
        Output("route-rule", "options"),
        Output("route-save", "disabled"),
        Output("channel-warnings", "disabled"),
        Output("channel-warnings", "aria-pressed"),
        Input("channel-chosen", "data"),
        Input("channel-news", "data"),
        State("words", "data"),
    )
    async def listed(chosen: dict[str, Any] | None, _: Any, words: dict[str, Any]) -> tuple[Any, ...]:
        t, key = Text(words["lang"]), (chosen or {}).get("key")
        try:
            known = await read(site, rules)
            found = await act(site, channels.overview)
        except DatabaseAway:
            return (no_update,) * 5
        one = next((each for each in found if each.channel.key == key), None)
        options = [{"label": t("Mọi luật"), "value": EVERY}]
        options += [{"label": rule_word(t, rule.key, known), "value": rule.key} for rule in known]
        if one is None:
            unsaved = html.Li(t("Lưu kênh trước, rồi thêm tuyến."), className="empty")
            return [unsaved], options, True, True, "false"
        takes = one.channel.warnings_since is not None
        return rows(t, one.routes, known), options, False, False, "true" if takes else "false"

    @app.callback(
        Output("route-result", "children", allow_duplicate=True),
        Output("channel-news", "data", allow_duplicate=True),
        Input("channel-warnings", "n_clicks"),
        State("channel-warnings", "aria-pressed"),
        State("channel-chosen", "data"),
        State("actor-text", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def taken(
        clicks: int, pressed: str, chosen: dict[str, Any] | None, name: str | None, words: dict[str, Any]
    ) -> tuple[Any, Any]:
        t, key, takes = Text(words["lang"]), str((chosen or {}).get("key") or ""), pressed != "true"
        if not (name or "").strip():
            return nameless(t), no_update
        try:
            await act(site, channels.take_warnings, key, takes, Actor(str(name).strip()[:60]))
        except ChannelError as error:
            return t.pick(error.vi, error.en), no_update
        except DatabaseAway:
            return t("Cơ sở dữ liệu không trả lời: CHƯA lưu được."), no_update
        said = t("Cảnh báo phát từ bây giờ đi cả kênh này.") if takes else t("Cảnh báo không còn đi kênh này.")
        return said, f"warnings {clicks} {takes}"

    @app.callback(
        Output("route-result", "children"),
        Output("channel-news", "data", allow_duplicate=True),
        Input("route-save", "n_clicks"),
        State("channel-chosen", "data"),
        State("route-rule", "value"),
        State("route-severities", "value"),
        State("route-transitions", "value"),
        State("actor-text", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def saved(
        clicks: int, chosen: dict[str, Any] | None, rule: str, severities: list[str], transitions: list[str],
        name: str | None, words: dict[str, Any],
    ) -> tuple[Any, Any]:  # fmt: skip
        t, key = Text(words["lang"]), str((chosen or {}).get("key") or "")
        if not (name or "").strip():
            return nameless(t), no_update
        route = Route(None if rule == EVERY else rule, tuple(severities or ()), tuple(transitions or ()))
        try:
            await act(site, channels.put_route, key, route, Actor(str(name).strip()[:60]))
        except ChannelError as error:
            return t.pick(error.vi, error.en), no_update
        except DatabaseAway:
            return t("Cơ sở dữ liệu không trả lời: CHƯA lưu được."), no_update
        return t("Đã lưu tuyến; tuyến tính từ bây giờ."), f"route {clicks}"

    @app.callback(
        Output("route-rule", "value"),
        Output("route-severities", "value"),
        Output("route-transitions", "value"),
        Output("route-result", "children", allow_duplicate=True),
        Output("channel-news", "data", allow_duplicate=True),
        Input("route-asked", "data"),
        State("channel-chosen", "data"),
        State("actor-text", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def asked(
        given: dict[str, Any] | None, chosen: dict[str, Any] | None, name: str | None, words: dict[str, Any]
    ) -> tuple[Any, ...]:
        t, key = Text(words["lang"]), str((chosen or {}).get("key") or "")
        if not given:
            return (no_update,) * 5
        rule = None if given["rule"] == EVERY else str(given["rule"])
        try:
            if given["do"] == "drop":
                if not (name or "").strip():
                    return *(no_update,) * 3, nameless(t), no_update
                await act(site, channels.drop_route, key, rule, Actor(str(name).strip()[:60]))
                return *(no_update,) * 3, t("Đã bỏ tuyến."), f"drop {given['at']}"
            found = await act(site, channels.overview)
        except ChannelError as error:
            return *(no_update,) * 3, t.pick(error.vi, error.en), no_update
        except DatabaseAway:
            return *(no_update,) * 3, t("Cơ sở dữ liệu không trả lời: CHƯA làm được."), no_update
        own = [route for one in found if one.channel.key == key for route in one.routes if route.rule_key == rule]
        if not own:
            return (no_update,) * 5
        return given["rule"], list(own[0].severities), list(own[0].transitions), "", no_update
