"""What may be the same: nearer, sooner and in like words is likelier, and each suggestion says why."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.figure import Figures, seeds
from geo.photo import Photo
from geo.report_list import one_report
from geo.report_near import WEIGHTS, alike, likeness, suggestions
from geo.report_photo import keep, picture
from geo.wrong import Wrong
from tests.geo.test_report_work import HUE, LAN, NOW, SENT, at, do, sent, web

LAW = Figures(seeds())
METRE = 1 / 110_600  # degrees of latitude
WITHIN = timedelta(days=14)
__all__ = ["web"]


def near(web, key: str) -> list[str]:
    with web.begin():
        return [one.id for one in suggestions(web, key, LAW, NOW)]


def test_step_5_a_report_near_an_existing_one_is_suggested_merged_and_taken_apart(web) -> None:
    first = sent(web, replace(SENT, words="Đèn đường trước số 5 Lê Lợi bị tắt từ tối qua"))
    same = replace(
        SENT, words="den duong truoc so 5 le loi tat", lat=HUE[1] + 40 * METRE, sent_at=NOW - timedelta(hours=2)
    )
    second = sent(web, same)
    sent(web, replace(same, lat=HUE[1] + 400 * METRE))  # too far
    sent(web, replace(same, sent_at=NOW - timedelta(days=20)))  # too long ago
    sent(web, replace(same, category="order", words="Quán nhậu ồn ào", lat=HUE[1] + 120 * METRE))  # of something else
    sent(web, replace(same, lon=None, lat=None))
    assert near(web, first) == [second]
    assert near(web, second) == [first]
    with web.begin():
        (told,) = suggestions(web, second, LAW, NOW)
    assert told.likeness.distance_m == pytest.approx(40, abs=1)
    assert told.likeness.apart == timedelta(hours=2)
    assert told.likeness.category == 1
    assert 0.5 <= told.likeness.score < 1
    do(web, second, "merge", into=first)
    assert near(web, first) == []
    do(web, second, "unmerge", reason="Khác cột")
    assert near(web, first) == [second]


@given(st.text(max_size=60), st.text(max_size=60))
def test_how_alike_two_texts_are_is_the_same_from_both_sides(one: str, other: str) -> None:
    assert alike(one, other) == alike(other, one)
    assert 0 <= alike(one, other) <= 1


@given(st.floats(0, 150), st.floats(0, 150), st.integers(0, 14), st.integers(0, 14))
def test_what_is_nearer_and_sooner_is_never_less_likely(d1: float, d2: float, t1: int, t2: int) -> None:
    def score(distance: float, days: int) -> float:
        one = {"words": "ổ gà", "opened_at": NOW, "category": "road"}
        return likeness(one, {**one, "opened_at": NOW + timedelta(days=days)}, distance, 150, WITHIN).score

    assert score(min(d1, d2), min(t1, t2)) >= score(max(d1, d2), max(t1, t2))
    assert 0 <= score(d1, t1) <= 1 + 1e-9


def test_the_weights_are_shares_and_none_alone_suggests() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1)
    assert max(WEIGHTS.values()) < LAW.at("report_near_score", NOW).value / 100


def test_a_photograph_tells_how_far_it_was_taken_and_never_where(web) -> None:
    key = sent(web)
    made = Photo(b"\xff\xd8\xff1", 4, 3, HUE[0], HUE[1] + 47 * METRE)
    with web.begin():
        name = keep(web, key, "report", made, LAN, NOW)
        assert picture(web, name) == b"\xff\xd8\xff1"
    line = at(web, key)["log"][-1]
    assert line["data"] == {"photo": name, "part": "report", "away_m": 50}
    with web.begin():
        for _ in range(4):
            keep(web, key, "report", made, LAN, NOW)
        keep(web, key, "result", made, LAN, NOW)
    with pytest.raises(Wrong, match="there are 5 already"), web.begin():
        keep(web, key, "report", made, LAN, NOW)
    with web.begin():
        assert len(one_report(web, key)["photos"]) == 6


def test_a_report_without_a_place_takes_the_photographs_if_that_is_ours(web) -> None:
    key = sent(web, replace(SENT, lon=None, lat=None))
    with web.begin():
        keep(web, key, "report", Photo(b"\xff\xd8\xff", 4, 3, 2.35, 48.85), LAN, NOW)
    assert at(web, key)["lon"] is None
    with web.begin():
        keep(web, key, "report", Photo(b"\xff\xd8\xff", 4, 3, *HUE), LAN, NOW)
    assert at(web, key)["lon"] == pytest.approx(HUE[0])
    assert at(web, key)["commune"] is not None
