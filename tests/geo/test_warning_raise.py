"""Several hazards at once: what meets what, and by how much a level may be raised (Decision 18/2021/QĐ-TTg)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import shapely
import sqlalchemy as sa

from geo import figure
from geo.warning_deed import cancel, draft, edit
from geo.warning_raise import meeting
from geo.warning_state import one_warning
from geo.wrong import Wrong
from tests.connections import connected
from tests.geo.test_warning import CONTENT, EXERCISE, HOA, ISSUER, LAN, NOW, SQUARE, issued, web

__all__ = ["web"]  # a fixture
STORM = replace(CONTENT, hazard="storm", geom=shapely.MultiPolygon([shapely.box(107.6, 16.5, 108.4, 17.0)]))
FAR = shapely.MultiPolygon([shapely.box(109.0, 16.0, 109.5, 16.5)])


@pytest.fixture(autouse=True)
def figures(database: Any) -> None:
    with connected(database.owner) as engine, engine.begin() as connection:
        figure.put_figures(connection, figure.seeds())


def met(connection: sa.Connection, hours: float = 6, **more: Any) -> list[int]:
    given = {"area": SQUARE, "hazard": "flood", "status": "Actual", "since": NOW,
             "until": NOW + timedelta(hours=hours), "now": NOW, **more}  # fmt: skip
    return [row["id"] for row in meeting(connection, **given)]


def test_what_meets_is_of_another_hazard_in_force_there_and_then(web) -> None:
    with web.begin():
        storm = issued(web, STORM)
        issued(web, replace(CONTENT, area_words="Lũ khác"))  # of the same hazard
        issued(web, replace(STORM, geom=FAR))
        later = issued(web, replace(STORM, onset_at=NOW + timedelta(hours=3), expires_at=NOW + timedelta(hours=9)))
        exercise = issued(web, replace(STORM, status="Exercise"))
        assert set(met(web)) == {storm, later}
        assert met(web, hours=2) == [storm]
        assert met(web, hours=2, but=storm) == []
        assert set(met(web, status="Exercise")) == {storm, later, exercise}  # an exercise may practise with both
        assert met(web, since=NOW + timedelta(hours=7), hours=8) == [later]
        cancel(web, storm, LAN, NOW, "nhầm", ISSUER)
        assert met(web, hours=2) == []


def test_a_level_is_raised_only_because_of_what_it_meets_and_the_journal_keeps_why(web) -> None:
    with web.begin():
        storm = issued(web, STORM)
        raised = replace(CONTENT, risk_level=5, raised=2, raised_for=(storm,))
        made = draft(web, raised, LAN, NOW)
        said = one_warning(web, made, NOW)
        assert said["risk_level"] == 5
        assert (said["log"][0]["content"]["raised"], said["log"][0]["content"]["raised_for"]) == (2, [storm])
        edit(web, made, 1, replace(CONTENT, risk_level=4, raised=1, raised_for=(storm,)), HOA, NOW)
        assert [line["content"]["raised"] for line in one_warning(web, made, NOW)["log"]] == [2, 1]
        for wrong in (
            {"raised": 3}, {"raised": 2, "risk_level": 2}, {"raised": 1, "risk_level": None}, {"raised_for": ()},
            {"raised_for": (storm + 999,)}, {"geom": FAR}, {"raised": 0},
        ):  # fmt: skip
            with pytest.raises(Wrong) as refused:
                draft(web, replace(raised, **wrong), LAN, NOW)
            assert refused.value.field == "raised"
        cancel(web, storm, LAN, NOW, "nhầm", ISSUER)
        with pytest.raises(Wrong, match="meets none"):
            edit(web, made, 2, raised, LAN, NOW)
        assert draft(web, replace(EXERCISE, risk_level=3), LAN, NOW)
