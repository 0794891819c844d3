import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geo.classing import MOST, Class, class_of, classes


def test_few_whole_values_are_a_class_each_and_zero_has_none() -> None:
    known = classes([0, 3, 1, 1, 12])
    assert known == [Class(1, 1), Class(3, 3), Class(12, 12)]
    assert [class_of(value, known) for value in (None, 0, 1, 3, 12)] == [None, None, 0, 1, 2]
    assert classes([]) == classes([0, 0]) == []


def test_many_values_are_in_classes_with_round_limits_that_do_not_touch() -> None:
    known = classes(range(1, 1_001))
    assert known == [Class(1, 199), Class(200, 399), Class(400, 599), Class(600, 799), Class(800, 1000)]


@given(st.lists(st.floats(1e-6, 1e9) | st.integers(1, 10**6).map(float), min_size=1, max_size=200))
def test_every_value_is_in_one_class_that_holds_it(values: list[float]) -> None:
    known = classes(values)
    assert 1 <= len(known) <= MOST
    assert [one.low for one in known] == sorted({one.low for one in known})
    for value in values:
        own = class_of(value, known)
        assert own is not None
        assert known[own].low <= value
        assert own == len(known) - 1 or value < known[own + 1].low
    assert known[0].low == min(values)
    assert known[-1].high == np.max(values)
