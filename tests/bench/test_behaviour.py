"""What the measure of found behaviour counts, and that the simulated boats which play a part are found out."""

import pytest

from bench.behaviour import Span, measure, score

ONE, TWO = (574000001,), (574000002,)


def test_what_is_found_is_right_when_it_is_of_the_same_boat_and_of_about_the_same_time() -> None:
    true = [Span(ONE, 0, 100), Span(ONE, 200, 300), Span(TWO, 0, 100)]
    found = [Span(ONE, 10, 110), Span(ONE, 260, 330), Span(TWO, 500, 600)]
    told = score(true, found)
    assert (told.true, told.found, told.same) == (3, 3, 1)
    assert (told.precision, told.recall) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert (told.common_s, told.true_s, told.found_s) == (130, 300, 270)


def test_what_is_told_in_pieces_counts_once_at_most() -> None:
    told = score([Span(ONE, 0, 100)], [Span(ONE, 0, 60), Span(ONE, 60, 100)])
    assert (told.same, told.precision, told.recall) == (1, 0.5, 1.0)
    told = score([Span(ONE, 0, 100)], [Span(ONE, 0, 49), Span(ONE, 52, 100)])
    assert told.same == 0


def test_of_nothing_there_is_no_share() -> None:
    told = score([], [])
    assert told.precision != told.precision
    assert told.recall != told.recall


def test_the_simulated_boats_that_play_a_part_are_found_out() -> None:
    figures = measure(1, 5, lambda line: None, cast_alone=True).figures
    for kind in ("encounter", "gap", "possible_disabling"):
        assert figures[f"{kind}_precision"] == 1.0, kind
        assert figures[f"{kind}_recall"] == 1.0, kind
    for kind in ("loitering", "port_visit"):
        assert figures[f"{kind}_hours_precision"] > 0.8, kind
        assert figures[f"{kind}_hours_recall"] > 0.8, kind
