"""What a rule's form offers: fences of a fitting shape, columns by name, types of ship; and how a value is written."""

from collections.abc import Sequence

import sqlalchemy as sa

from geo.fence import Fence
from geo.fence_kind import KINDS as FENCE_KINDS
from geo.rule import Rule
from layers.layer import Layer
from pages import who_form
from pages.text import Text
from pages.vessel import classes
from pages.who_form import NAME, TYPE, who_fields
from pages.words import column_words, unit_words


def label_column(layer: Layer | None) -> str:
    """The column whose beginning the form asks for: the one that names an object."""
    return layer.style.label if layer else NAME


def has(layer: Layer | None, column: str) -> bool:
    """Whether a layer has that column."""
    return layer is not None and column in layer.shape.latest.c


def numeric(layer: Layer | None) -> list[str]:
    """The columns with a number that people know by name; none that only tells one object from another."""
    if layer is None:
        return []
    columns = layer.shape.latest.c
    named = [field.name for field in layer.fields if field.name in columns and not columns[field.name].primary_key]
    return [name for name in named if isinstance(columns[name].type, sa.Integer | sa.Float | sa.Numeric)]


def fence_fits(kind: str, fence: Fence) -> bool:
    """Whether a rule of that kind can be about that fence."""
    known = FENCE_KINDS.get(fence.kind)
    line = known.shape == "line" if known else fence.geom.geom_type.endswith("LineString")
    return line if kind == "crossing" else kind == "approach" or not line


def column_choices(t: Text, layer: Layer | None, used: Sequence[str] = ()) -> list[tuple[str, str]]:
    """The columns that a condition on a fix can speak of, with their names and units."""
    found = []
    for column in dict.fromkeys([*numeric(layer), *filter(None, used)]):
        name, unit = column_words(t, column, layer)
        found.append((column, f"{name} ({unit_words(t, unit)})" if unit else name))
    return found


def type_choices(t: Text, rule: Rule) -> list[tuple[str, str]]:
    """The types of ship that the form has words for; one that it has none for can only stay."""
    found = [("", t("mọi loại")), *[(f"{low:g}:{high:g}", words) for (low, high), words in classes(t).items()]]
    other = who_fields(t, rule.applies_to, tuple(classes(t)))["ship_type"] == who_form.OTHER
    return [*found, (who_form.OTHER, t("như đang có"))] if other and TYPE in rule.applies_to else found


def how(t: Text, field: str) -> str:
    """How a field is written, for one that was refused; empty when there is no more to say than that."""
    days = t("Từ 0 đến 44.640 phút (31 ngày)")
    return {
        "dwell_min": days,
        "off_delay_min": days,
        "escalate_min": t("Ít nhất 10 giây (0,17 phút), hoặc bỏ trống"),
        "steps_nm": t("Từ 0,01 đến 200 hải lý, ví dụ 15 / 10 / 6 / 3"),
        "silence_h": t("Từ 1 giây đến 8.784 giờ (366 ngày)"),
        "distance_m": t("Từ 1 đến 100.000 m"),
        "hysteresis_m": t("Từ 0 đến 100.000 m"),
        "buffer_m": t("Từ 0 đến 50.000 m; ít nhất bằng sai số vị trí VMS"),
        "factor": t("Từ 1 đến 1.000 lần"),
    }.get(field, "")
