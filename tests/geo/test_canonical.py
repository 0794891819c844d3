"""One way of writing values, so that the same rows are the same bytes."""

import math
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from geo.canonical import digest, digest_of_rows, line, moment, plain, sheet


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (datetime(2026, 11, 28, 9, tzinfo=timezone(timedelta(hours=7))), "2026-11-28T02:00:00.000000Z"),
        (pd.Timestamp("2026-11-28T02:00:00.5Z"), "2026-11-28T02:00:00.500000Z"),
        (pd.NaT, None), (float("nan"), None), (math.inf, None), (date(2026, 11, 28), "2026-11-28"),
        (np.int64(3), 3), (np.float32(0.5), 0.5), (np.bool_(True), True), (True, True), (None, None), ("", ""),
        ({"b": (1, 2), "a": None}, {"b": [1, 2], "a": None}),
    ],
)  # fmt: skip
def test_values_of_every_kind_are_told_in_one_way(value: object, told: object) -> None:
    assert plain(value) == told
    assert type(plain(value)) is type(told)


def test_a_line_does_not_depend_on_the_order_or_kind_of_its_values() -> None:
    at = datetime(2026, 11, 28, 2, tzinfo=UTC)
    one = {"b": 1, "a": at, "ữ": 0.1}
    other = {"ữ": np.float64(0.1), "a": pd.Timestamp(at), "b": np.int16(1)}
    assert line(one) == line(other) == '{"a":"2026-11-28T02:00:00.000000Z","b":1,"ữ":0.1}'
    assert digest_of_rows([one, other]) == digest(f"{line(one)}\n" * 2)
    assert moment(at) == moment(at.astimezone(timezone(timedelta(hours=7))))


def test_a_sheet_holds_numbers_as_they_are_and_formulas_as_text() -> None:
    rows = [
        {"n": 0.1 + 0.2, "lon": 107.64, "text": "=1+1", "flag": True, "none": None, "more": {"b": 1}, "minus": -2.5}
    ]
    made = sheet(("n", "lon", "text", "flag", "none", "more", "minus"), rows, {"lon": 7}).decode("utf-8-sig")
    assert made.splitlines()[1] == '0.30000000000000004,107.6400000,\'=1+1,true,,"{""b"":1}",-2.5'
