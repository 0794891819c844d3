"""A boat's inspections on its own page: those that there were, and a form to write one down."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update

from access.boat import Record
from access.inspection import write_down
from access.site import Site
from geo.actor import Actor
from geo.inspection import FINDINGS, NAME_MOST, RESULTS, TEXT_MOST, Inspection, checked
from geo.registration import parse
from geo.wrong import Wrong
from pages import mark, moment
from pages.read import DatabaseAway, act
from pages.text import Text

TYPED = ("at", "place", "unit", "inspectors", "document", "note")


def result_words(t: Text, one: Mapping[str, Any]) -> str:
    """What became of an inspection."""
    return t.pick(*RESULTS[one["result"]])


def finding_words(t: Text, one: Mapping[str, Any]) -> str:
    """What was found wrong, in words."""
    return "; ".join(t.pick(*FINDINGS[name]) for name in one["findings"])


def rows(t: Text, found: Record) -> list[html.Tr]:
    """The lines of the table, newest first."""
    return [
        html.Tr(
            [
                html.Td(t.when(one["at"]), title=t.exact(one["at"])),
                html.Td([one["place"], html.Br(), html.Span(one["unit"], className="muted")]),
                html.Td([html.B(result_words(t, one)), html.Br(), finding_words(t, one)]),
                html.Td(one["document"] or "–"),
                html.Td(
                    [
                        one["note"] or "",
                        html.Span(f" {t('ghi bởi')} {one['actor']}, {t('số')} {one['id']} ", className="muted"),
                        html.Button(
                            t("Sửa"),
                            id={"role": "inspection-correct", "line": one["id"]},
                            className="link",
                            title=t("Ghi một dòng thay cho dòng này"),
                        ),
                    ]
                ),
            ]
        )
        for one in found.inspections
    ]


def form(t: Text) -> html.Details:
    """The form, closed until it is wanted."""
    return html.Details(
        [
            html.Summary(t("Ghi một lần kiểm tra")),
            html.P([], id="inspection-correcting", className="inspection-correcting", role="status"),
            html.Div(_fields(t, 0), id="inspection-fields", className="inspection-fields"),
            dcc.Store(id="inspection-corrects"),
            html.Div(
                [
                    _typed("actor", t("Cán bộ ghi"), t("Họ tên hoặc mã số"), 60, remember="actor"),
                    html.Button(t("Ghi vào sổ"), id="inspection-save", className="primary", n_clicks=0),
                    html.P("", id="inspection-said", role="status", className="form-result"),
                ],
                className="inspection-foot",
            ),
        ],
        id="inspection-form",
        className="boat-part boat-inspection",
    )


def _fields(t: Text, number: int) -> list[Any]:
    """Empty fields; number: of how many were written here, so that they are new ones."""
    fields = [
        html.Div(
            [
                _typed("at", t("Lúc"), moment.write(datetime.now(UTC)), 16),
                _typed("place", t("Nơi kiểm tra"), t("ví dụ: Cảng cá Thuận An"), NAME_MOST),
                _typed("unit", t("Đơn vị kiểm tra"), t("ví dụ: Chi cục Thủy sản Huế"), NAME_MOST),
                _typed("inspectors", t("Người kiểm tra"), t("không bắt buộc"), NAME_MOST),
                _typed("document", t("Số biên bản"), t("không bắt buộc"), NAME_MOST),
            ],
            className="inspection-row",
        ),
        _group(t("Kết quả"), dcc.RadioItems(_options(t, RESULTS), None, id="inspection-result", className="choices")),
        _group(
            t("Lỗi đã thấy"), dcc.Checklist(_options(t, FINDINGS), [], id="inspection-findings", className="choices")
        ),
        _typed("note", t("Ghi chú"), t("số seal mới, yêu cầu khắc phục…"), TEXT_MOST, lines=True),
    ]
    return [html.Div(fields, className="inspection-fields", key=f"inspection-{number}")]


def _options(t: Text, words: Mapping[str, tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"label": t.pick(*each), "value": key} for key, each in words.items()]


def _group(label: str, inside: Any) -> html.Div:
    return html.Div([html.Span(label), inside], className="inspection-field", role="group", **{"aria-label": label})


def _typed(name: str, label: str, hint: str, most: int, lines: bool = False, remember: str = "") -> html.Div:
    box = mark.entry(f"inspection-{name}", hint, most, remember=remember, lines=lines)
    return html.Div(
        [html.Label([html.Span(label), box]), dcc.Store(id=f"inspection-{name}-text")],
        className="inspection-field",
    )


def register(app: Dash, site: Site) -> None:
    """Write it down; then the fields are empty again, and the page's next reading shows it."""

    @app.callback(
        Output("inspection-corrects", "data"),
        Output("inspection-correcting", "children"),
        Output("inspection-form", "open"),
        Input({"role": "inspection-correct", "line": ALL}, "n_clicks"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    def correct(clicks: Sequence[int | None], words: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        if not any(clicks) or not isinstance(ctx.triggered_id, dict):
            return no_update, no_update, no_update  # the table was drawn anew
        number = int(ctx.triggered_id["line"])
        return number, Text(words["lang"])("Dòng này thay cho dòng số {n}: ghi lại đủ các mục.", n=number), True

    @app.callback(
        Output("inspection-said", "children"),
        Output("inspection-fields", "children"),
        Output("boat-tick", "n_intervals"),
        Output("inspection-corrects", "data", allow_duplicate=True),
        Output("inspection-correcting", "children", allow_duplicate=True),
        Input("inspection-save", "n_clicks"),
        State("boat-asked", "data"),
        State("boat-written", "data"),
        State("words", "data"),
        State("boat-tick", "n_intervals"),
        State("inspection-actor-text", "data"),
        State("inspection-result", "value"),
        State("inspection-findings", "value"),
        State("inspection-corrects", "data"),
        *[State(f"inspection-{name}-text", "data") for name in TYPED],
        running=[(Output("inspection-save", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    async def saved(
        clicks: int,
        asked: Mapping[str, Any],
        written: str | None,
        words: Mapping[str, Any],
        ticks: int | None,
        actor: str | None,
        result: str | None,
        findings: Sequence[str] | None,
        corrects: int | None,
        *texts: str | None,
    ) -> tuple[Any, ...]:
        t = Text(words["lang"])
        typed = {name: (text or "").strip() for name, text in zip(TYPED, texts, strict=True)}
        try:
            item = _read(t, _registration(asked, written), typed, result, findings or ())
            item = checked(replace(item, corrects=corrects), datetime.now(UTC))
            if not (actor or "").strip():
                raise ValueError(t("Hãy ghi tên cán bộ trực ban trước."))
            number = await act(site, write_down, item, Actor(str(actor).strip()[:60]))
        except Wrong as error:
            where = _labels(t).get(error.field, error.field)
            return f"{t('CHƯA ghi')}: {where}: {t.pick(error.vi, error.en)}", *[no_update] * 4
        except ValueError as error:
            return f"{t('CHƯA ghi')}: {error}", *[no_update] * 4
        except DatabaseAway:
            return t("Cơ sở dữ liệu không trả lời: CHƯA lưu được."), *[no_update] * 4
        return t("Đã ghi vào sổ, số {n}.", n=number), _fields(t, clicks), (ticks or 0) + 1, None, []


def _labels(t: Text) -> dict[str, str]:
    return {
        "at": t("Lúc"), "place": t("Nơi kiểm tra"), "unit": t("Đơn vị kiểm tra"), "result": t("Kết quả"),
        "findings": t("Lỗi đã thấy"), "inspectors": t("Người kiểm tra"), "document": t("Số biên bản"),
        "note": t("Ghi chú"), "registration": t("Tàu"),
    }  # fmt: skip


def _registration(asked: Mapping[str, Any], written: str | None) -> str:
    """The boat that the page shows: its address, which the page wrote, names it."""
    shown = unquote(written or "").rsplit("/", 1)[-1]
    return str(parse(shown) or parse(str(asked["key"])) or asked["key"])


def _read(
    t: Text, registration: str, typed: Mapping[str, str], result: str | None, findings: Sequence[str]
) -> Inspection:
    at = moment.read(t, typed["at"]) or datetime.now(UTC)
    inspectors, document, note = (typed[name] or None for name in ("inspectors", "document", "note"))
    place, unit = typed["place"], typed["unit"]
    return Inspection(registration, at, place, unit, result or "", tuple(findings), inspectors, document, note)
