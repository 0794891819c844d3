import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.criteria import both, check, columns_of, matches

FRAME = pd.DataFrame(
    {
        "length_m": [12.0, 15.0, 24.0, np.nan],
        "ship_type": pd.array([30, 70, None, 30], dtype="Int64"),
        "gear": ["trawl", "line", None, "Trawl twin"],
    },
    index=pd.Index([1, 2, 3, 4], name="mmsi"),
)


def who(where: dict, keys: object = None) -> list[int]:
    return FRAME.index[matches(FRAME, where, keys)].tolist()


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({}, [1, 2, 3, 4]),
        ({"length_m": [15, None]}, [2, 3]),
        ({"length_m": [None, 15]}, [1]),
        ({"length_m": [12, 24]}, [1, 2]),  # [low, high)
        ({"length_m": [None, None]}, [1, 2, 3]),  # known at all
        ({"length_m": [15, None], "ship_type": [70, 80]}, [2]),
        ({"nothing": [1, 2]}, []),
        ({"gear": {"in": ["trawl"]}}, [1]),
        ({"gear": {"not_in": ["trawl"]}}, [2, 3, 4]),
        ({"gear": {"prefix": ["TRAWL"]}}, [1, 4]),
        ({"gear": {"not_prefix": ["trawl"]}}, [2, 3]),
        ({"gear": {"prefix": ["trawl", "line"], "not_in": ["line"]}}, [1, 4]),
        ({"nothing": {"in": ["x"]}}, []),
        ({"nothing": {"not_in": ["x"]}}, [1, 2, 3, 4]),
        ({"ship_type": {"in": [30]}}, [1, 4]),
        ({"ship_type": {"in": ["30"]}}, [1, 4]),
        ({"ship_type": {"not_in": [30]}}, [2, 3]),
        ({"length_m": {"in": [15]}}, [2]),  # a whole number, however its column holds it
        ({"include": [1, "3"]}, [1, 3]),
        ({"exclude": ["1", 3]}, [2, 4]),
        ({"include": [1, 2], "exclude": [2]}, [1]),
        ({"length_m": [24, None], "include": [1]}, [1, 3]),
        ({"include": []}, [1, 2, 3, 4]),
        ({"exclude": []}, [1, 2, 3, 4]),
        ({"all": [{"include": [1, 2]}, {"length_m": [15, None]}]}, [2]),
        ({"all": [{"length_m": [15, None]}], "exclude": [3]}, [2]),
    ],
    ids=str,
)
def test_conditions_choose_rows(where: dict, found: list[int]) -> None:
    assert who(where) == found


def test_keys_may_be_given_beside_the_frame() -> None:
    assert who({"include": ["b"]}, ["a", "b", "c", "d"]) == [2]
    assert matches(FRAME.iloc[:0], {"length_m": [1, 2], "include": [1]}).tolist() == []


PARTS = st.dictionaries(
    st.sampled_from(["length_m", "ship_type", "gear", "include", "exclude"]), st.integers(0, 2), max_size=5
).map(lambda chosen: {name: CHOICES[name][number] for name, number in chosen.items()})
CHOICES = {
    "length_m": [[15, None], [None, 24], [12, 13]],
    "ship_type": [[30, 31], {"in": [30, 70]}, {"not_in": [30]}],
    "gear": [{"prefix": ["trawl"]}, {"not_in": ["line"]}, {"in": ["line"]}],
    "include": [[1], [2, 3], [4]],
    "exclude": [[1], [2, 3], [4]],
}


@given(PARTS, PARTS)
def test_both_is_what_each_of_two_lets_through(one: dict, other: dict) -> None:
    joined = both(one, other)
    assert who(joined) == [key for key in who(one) if key in who(other)]
    assert columns_of(joined) == columns_of(one) | columns_of(other)
    assert not columns_of(joined) & {"include", "exclude", "all"}
    assert who(both(joined, one)) == who(joined)


@pytest.mark.parametrize(
    ("where", "form"),
    [
        ([], "not an object of conditions"),
        (None, "not an object of conditions"),
        ({"speed": 4}, r"\[low, high\), null for an open end"),
        ({"speed": [1]}, r"\[low, high\)"),
        ({"speed": [1, 2, 3]}, r"\[low, high\)"),
        ({"speed": ["1", None]}, r"\[low, high\)"),
        ({"speed": [True, None]}, r"\[low, high\)"),
        ({"speed": [float("nan"), None]}, r"\[low, high\)"),
        ({"speed": [float("-inf"), None]}, r"\[low, high\)"),
        ({"gear": {}}, "one of in, not_in, prefix, not_prefix with a list of texts"),
        ({"gear": {"like": ["x"]}}, "one of in, not_in"),
        ({"gear": {"in": []}}, "one of in, not_in"),
        ({"gear": {"in": "trawl"}}, "one of in, not_in"),
        ({"include": "1"}, "a list of object keys"),
        ({"exclude": [1.5]}, "a list of object keys"),
    ],
    ids=str,
)
def test_a_condition_that_is_wrong_is_refused_with_its_name_and_how_it_is_written(where, form: str) -> None:
    with pytest.raises(ValueError, match=form) as told:
        check(where, "rule x, applies_to")
    assert str(told.value).startswith("rule x, applies_to")


def test_what_is_right_is_let_through() -> None:
    for where in ({}, {"speed": [None, 4.5]}, {"gear": {"in": ["a"], "not_prefix": ("b",)}}, {"include": [1, "@x"]}):
        check(where, "x")
