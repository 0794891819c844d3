"""The screen `/rules`: every rule in words with its switch; beside the list one rule, one list by name, or the load."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from access.site import Site
from geo.roster import rosters
from geo.rulebook import book
from pages import banner, header, roster_edit, rule_edit, rule_list, rule_load, stores
from pages.read import DatabaseAway, act, read
from pages.text import Text

STORES = ("opened", "typed", "checked", "draft", "answer")


def layout(site: Site, t: Text, search: str) -> html.Div:
    """`?rule=KEY`, `?rule=new` and `?roster=KEY` open beside the list; `on`, `sev`, `kind` and `q` filter it."""
    asked = {key.lower(): value for key, value in parse_qsl(search.lstrip("?"))}
    ask = {name: asked[name] for name in ("rule", "preset", "roster") if asked.get(name)}
    state = {"1": "on", "0": "off"}.get(asked.get("on", ""), "")
    sought = {
        "state": state,
        "sev": asked.get("sev", "").split(","),
        "kind": asked.get("kind", ""),
        "q": asked.get("q"),
    }
    return html.Div(
        [
            header.layout(site, t),
            rule_list.layout(site, t, sought),
            html.Aside(
                html.P(t("Đang đọc…"), className="empty"),
                id="rules-side",
                className="rules-side",
                **{"aria-label": t("Quy tắc đang mở")},
            ),
            dcc.Store(id="rules-ask", data=ask),
            *[dcc.Store(id=f"rules-{name}") for name in STORES],
            banner.layout(site, t),
            stores.apart(t),
        ],
        id="rules-screen",
        className="screen screen-rules",
    )


def _side(connection: sa.Connection, site: Site, t: Text, ask: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    if ask.get("rule"):
        return rule_edit.opened(connection, site, t, ask)
    if ask.get("roster"):
        return roster_edit.opened(connection, site, t, ask)
    entries = book(connection, datetime.now(UTC))
    shown = html.Div(
        [rule_load.overview(t, entries), roster_edit.overview(t, rosters(connection))], className="side-home"
    )
    return shown, {"n": ask.get("n"), "what": ""}


def register(app: Dash, site: Site) -> None:
    """Stores carry questions of rules.js to the server and its answers back; nothing here keeps a state."""
    rule_list.register(app, site)
    _reads(app, site)

    @app.callback(
        Output("rules-answer", "data"),
        Input("rules-draft", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def change(draft: dict[str, Any] | None, words: dict[str, Any]) -> Any:
        if not draft:
            return no_update
        t = Text(words["lang"])
        work = roster_edit.changed if draft.get("form") == "roster" else rule_edit.changed
        try:
            return {"n": draft.get("n"), **await act(site, work, t, draft)}
        except DatabaseAway:
            return {"n": draft.get("n"), "words": t("Cơ sở dữ liệu không trả lời: CHƯA lưu được.")}

    for name, store in (("opened", "opened"), ("checked", "checked"), ("answered", "answer")):
        app.clientside_callback(
            ClientsideFunction("haidang", f"rules_{name}"), Input(f"rules-{store}", "data"), prevent_initial_call=True
        )
    # With an output, since Dash first runs a callback for the sake of its outputs.
    app.clientside_callback(
        ClientsideFunction("haidang", "rules_start"),
        Output("rules-screen", "data-started"),
        Input("rules-filter", "data"),
    )


def _reads(app: Dash, site: Site) -> None:
    @app.callback(
        Output("rules-side", "children"),
        Output("rules-opened", "data"),
        Input("rules-ask", "data"),
        State("words", "data"),
    )
    async def open_one(ask: dict[str, Any] | None, words: dict[str, Any]) -> tuple[Any, Any]:
        t = Text(words["lang"])
        try:
            return await read(site, _side, site, t, ask or {})
        except DatabaseAway:
            return rule_edit.gone(t, t("Cơ sở dữ liệu không trả lời.")), {"n": (ask or {}).get("n"), "what": "gone"}

    @app.callback(
        Output("rules-checked", "data"),
        Input("rules-typed", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def check(typed: dict[str, Any] | None, words: dict[str, Any]) -> Any:
        if not typed:
            return no_update
        t = Text(words["lang"])
        try:
            return await read(site, rule_edit.checked, site, t, typed)
        except DatabaseAway:
            return no_update

    @app.callback(
        Output("rule-versions", "children"),
        Input("rules-answer", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def again(answer: dict[str, Any] | None, words: dict[str, Any]) -> Any:
        if not answer or not answer.get("saved") or answer.get("again") or answer.get("roster"):
            return no_update
        try:
            return await read(site, rule_edit.versions, site, Text(words["lang"]), str(answer["saved"]))
        except DatabaseAway:
            return no_update
