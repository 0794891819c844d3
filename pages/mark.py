"""The small marks every part uses: tinted icons, ticking ages, severity shapes, and what a press goes to."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dash import html

from pages.text import Text

SEVERITY_SHAPE = {"critical": "diamond", "high": "triangle", "medium": "square", "low": "circle"}


def severity_word(t: Text, severity: str) -> str:
    """A severity in words, for people who do not see its colour or shape."""
    words = {"critical": t("Khẩn cấp"), "high": t("Cao"), "medium": t("Trung bình"), "low": t("Thấp")}
    return words.get(severity, severity)


def icon(name: str, color: str | None = None, hollow: bool = False) -> html.Span:
    """The shape `assets/icon/<name>.svg` in the colour of a design token; decoration for the words beside it."""
    style = {"color": f"var(--{color})"} if color else {}
    shape = f"icon icon-{name}" + (" hollow" if hollow else "")
    return html.Span(className=shape, style=style, **{"aria-hidden": "true"})


def severity(t: Text, name: str) -> html.Span:
    """The severity's shape and colour, named for a screen reader."""
    word = severity_word(t, name)
    return html.Span(
        className=f"icon icon-{SEVERITY_SHAPE.get(name, 'circle')} sev",
        style={"color": f"var(--{name})"},
        title=word,
        role="img",
        **{"aria-label": word},
    )


def age(t: Text, at: datetime | None, now: datetime, className: str = "age") -> html.Time:
    """How long ago, with the exact time on hover; screen.js keeps it ticking by its `dateTime`."""
    if at is None:
        return html.Time("–", className=className)
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    words = t.age((now - aware).total_seconds())
    return html.Time(words, dateTime=aware.isoformat(), title=t.exact(aware), className=f"{className} tick")


def target(**values: object) -> dict[str, Any]:
    """`data-` attributes that screen.js reads when the element is pressed: lat, lon, zoom, layer, key, alarm."""
    return {f"data-{name}": str(value) for name, value in values.items() if value is not None}


def entry(
    name: str,
    hint: str,
    most: int,
    className: str = "field",
    remember: bool | str = False,
    lines: bool = False,
    value: str = "",
) -> html.Div:
    """A text box with the id `name`; what is typed comes to the store `<name>-text` when the fingers rest.

    screen.js puts the browser's own input in here: Dash's writes its value and caret back while somebody types, and on
    a busy machine that loses and scrambles letters. `remember` keeps the text in this browser, under the box's name or
    the one given; `lines` makes room for several lines; `value` stands in it from the beginning.
    """
    kept = name if remember is True else remember or ""
    data = {"data-entry": name, "data-hint": hint, "data-most": str(most), "data-remember": kept, "data-value": value}
    return html.Div(
        [], id=f"{name}-place", className=f"entry-box {className}", **data, **({"data-lines": "1"} if lines else {})
    )


def facts(rows: Sequence[tuple[str, Any]]) -> html.Dl:
    """Name and value pairs; pairs without a value are left out."""
    cells = [[html.Dt(name), html.Dd(value)] for name, value in rows if value not in (None, "", "–")]
    return html.Dl([cell for pair in cells for cell in pair], className="facts")


def main_kind(kinds: Sequence[Any]) -> Any:
    """The kind whose mark stands for the whole layer: the first that is no emergency."""
    return next((kind for kind in kinds if kind.icon != "distress"), kinds[0])


def kind_of(kinds: Sequence[Any], row: Mapping[str, Any]) -> Any:
    """The first Kind whose every condition `column -> [low, high)` holds for this row; the last one has none."""
    for kind in kinds:
        if all(_holds(row.get(column), low, high) for column, (low, high) in kind.where.items()):
            return kind
    return kinds[-1]


def _holds(value: Any, low: float | None, high: float | None) -> bool:
    return value is not None and (low is None or float(value) >= low) and (high is None or float(value) < high)
