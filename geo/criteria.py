"""Conditions as data: which rows of a frame a kind, a rule or a fence speaks of."""

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pandas import NA

if TYPE_CHECKING:
    import pandas as pd

Range = tuple[float | None, float | None]
LISTS = ("include", "exclude")  # of object keys; `include` also lets in what no other condition does
ALL = "all"  # conditions that must hold together and that one object cannot express, as `both` makes them
WORDS = ("in", "not_in", "prefix", "not_prefix")


def matches(frame: "pd.DataFrame", where: Mapping[str, Any], keys: Any = None) -> NDArray[np.bool_]:
    """Which rows satisfy every condition; an array of shape (len(frame),).

    column -> [low, high), None for an open end, or {"in" | "not_in" | "prefix" | "not_prefix": [texts]}. A missing
    value, or a column that the frame lacks, satisfies none but the `not_` ones. `include` and `exclude` list keys of
    objects: those named by `include` belong in any case, those by `exclude` in none; `keys` are the rows' keys.
    """
    columns = {name: value for name, value in where.items() if name not in (*LISTS, ALL)}
    listed = {name: {str(key) for key in where.get(name) or ()} for name in LISTS}
    hits = np.ones(len(frame), dtype=bool)
    for part in where.get(ALL, ()):
        hits &= matches(frame, part, keys)
    for column, condition in columns.items():
        hits &= _hits(frame, column, condition)
    if listed["include"] or listed["exclude"]:
        own = np.array([str(key) for key in (frame.index if keys is None else keys)], dtype=object)
        if listed["include"]:
            hits = (hits & bool(columns)) | np.isin(own, list(listed["include"]))
        hits &= ~np.isin(own, list(listed["exclude"]))
    return hits


def _hits(frame: "pd.DataFrame", column: str, condition: Any) -> NDArray[np.bool_]:
    if isinstance(condition, Mapping):
        values = frame[column].to_numpy(object) if column in frame else np.full(len(frame), None, object)
        known = [_text(value) for value in values]
        told = [all(_word(value, word, texts) for word, texts in condition.items()) for value in known]
        return np.array(told, dtype=bool)
    if column not in frame:
        return np.zeros(len(frame), dtype=bool)
    low, high = condition
    numbers = frame[column].to_numpy(dtype=float, na_value=np.nan)
    hits: NDArray[np.bool_] = ~np.isnan(numbers)
    if low is not None:
        hits &= numbers >= low
    if high is not None:
        hits &= numbers < high
    return hits


def _text(value: Any) -> str | None:
    """A value as conditions write it; whole numbers without a decimal point, however their column holds them."""
    if value is None or value is NA or value != value:
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _word(value: str | None, word: str, texts: Any) -> bool:
    wanted = [_text(text) or "" for text in texts]
    if word.endswith("in"):
        found = value in wanted
    else:
        found = value is not None and value.upper().startswith(tuple(text.upper() for text in wanted))
    return not found if word.startswith("not_") else found


def both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Conditions that hold where those of `one` and those of `other` do: a fence's and its rule's."""
    if not one or not other:
        return dict(one or other)
    same = (one.keys() & other.keys()) - {"exclude"}
    if same or "include" in one or "include" in other or ALL in one or ALL in other:
        return {ALL: [dict(one), dict(other)]}
    exclude = [*one.get("exclude", ()), *other.get("exclude", ())]
    return {**one, **other} | ({"exclude": exclude} if exclude else {})


def columns_of(where: Mapping[str, Any]) -> set[str]:
    """The columns that conditions speak of."""
    named = {name for name in where if name not in (*LISTS, ALL)}
    return named.union(*(columns_of(part) for part in where.get(ALL, ())))


def check(where: Any, name: str) -> None:
    """Raise ValueError that says which condition of `name` (applies_to, qualifies) is wrong and how it is written."""
    if not isinstance(where, Mapping):
        raise ValueError(f"{name}: {where!r} is not an object of conditions")
    for column, condition in where.items():
        if column in LISTS:
            good = isinstance(condition, list | tuple) and all(isinstance(key, str | int) for key in condition)
            form = "a list of object keys"
        elif isinstance(condition, Mapping):
            good = bool(condition) and all(
                word in WORDS and isinstance(texts, list | tuple) and texts for word, texts in condition.items()
            )
            form = f"one of {', '.join(WORDS)} with a list of texts"
        else:
            good = isinstance(condition, list | tuple) and len(condition) == 2 and all(map(_bound, condition))
            form = "[low, high), null for an open end"
        if not good:
            raise ValueError(f"{name}, {column}: {condition!r} is not {form}")


def _bound(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value))
