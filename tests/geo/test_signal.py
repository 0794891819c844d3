from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from geo.duty import duty
from geo.figure import Figures, NoFigure, figures, put_figures, seeds
from geo.signal import ALARMS, signal
from tests.connections import connected

LAW = Figures(seeds())
T0 = datetime(2026, 11, 21, 3, tzinfo=UTC)  # the boat's last automatic fix


def told(length_m: float, hours: float, at_sea: bool = True, laid_up: bool = False, reports: tuple[float, ...] = ()):
    reported = [T0 + timedelta(hours=each) for each in reports]
    boat = duty(length_m, LAW, T0)
    return signal(boat, LAW, T0 + timedelta(hours=hours), T0, at_sea, laid_up, reported)


@pytest.mark.parametrize(("length_m", "minutes"), [(14.9, None), (15.0, 180), (23.9, 180), (24.0, 120), (40.0, 120)])
def test_fact_01_the_interval_goes_by_length(length_m: float, minutes: float | None) -> None:
    interval = duty(length_m, LAW, T0).interval
    assert (None if interval is None else interval.value) == minutes


def test_fact_01_a_boat_under_15_m_is_never_lost_and_one_of_15_m_is() -> None:
    assert told(14.9, 1000).state == "NOT_REQUIRED"
    assert told(15.0, 1000).state in ALARMS


def test_fact_02_lost_begins_at_six_hours_and_late_is_no_alarm() -> None:
    late = told(16, 5 + 59 / 60)
    assert late.state == "LATE"
    assert late.state not in ALARMS
    assert told(16, 6).state == "LOST"
    assert told(16, 6, at_sea=False).state == "AT_PORT"
    assert told(16, 3).state == told(16, 3.5).state == "OK"
    assert told(16, 3.51).state == told(24, 2.51).state == "LATE"


def test_fact_03_a_report_by_hand_restarts_its_own_clock_and_ends_no_loss() -> None:
    reported = told(16, 8, reports=(7,))
    assert reported.state == "MANUAL_REPORTING"
    assert reported.lost_since == T0
    assert reported.next_report_due_at == T0 + timedelta(hours=13)
    assert told(16, 13, reports=(7,)).state == "MANUAL_REPORTING"
    assert told(16, 13 + 1 / 60, reports=(7,)).state == "OVERDUE_REPORT"
    assert told(16, 13.5, reports=(7, 13)).state == "MANUAL_REPORTING"


def test_fact_04_the_days_to_port_count_from_the_loss_whatever_is_reported() -> None:
    reports = tuple(6.0 * n for n in range(1, 40))
    for each in (told(16, 12), told(16, 12, reports=reports)):
        assert each.return_due_at == T0 + timedelta(days=10)
    assert told(16, 239.99, reports=reports).bucket == "6h-10d"
    assert told(16, 240, reports=reports).bucket == "10d"
    assert told(16, 240, reports=reports).state == "OVERDUE_10D"


@given(st.floats(0, 2000), st.floats(15, 60), st.lists(st.floats(0, 2000), max_size=8))
def test_fact_04_the_two_buckets_hold_every_open_loss_once(hours: float, length_m: float, reports: list[float]) -> None:
    one = told(length_m, hours, reports=tuple(reports))
    assert (one.bucket is not None) == (hours >= 6) == (one.state in ALARMS)
    assert (one.bucket == "10d") == (hours >= 240)


def test_fact_07_in_port_and_laid_up_nobody_is_lost() -> None:
    assert told(16, 500, at_sea=False).state == "AT_PORT"
    assert told(16, 500, laid_up=True).state == "NOT_REQUIRED"


def test_fact_14_a_case_belongs_to_the_nation_from_24_m_on() -> None:
    assert duty(24, LAW, T0).owner_level == "national"
    assert duty(23.9, LAW, T0).owner_level == "provincial"
    assert duty(14.9, LAW, T0).owner_level is None


def test_fact_09_zones_go_by_length_and_role() -> None:
    assert duty(13, LAW, T0).zones == ("inshore",)
    assert duty(13, LAW, T0, "logistics").zones == ("coastal", "inshore")
    assert duty(16, LAW, T0).zones == ("offshore",)
    assert duty(16, LAW, T0, "logistics").zones == ("coastal", "inshore", "offshore")
    assert duty(11.9, LAW, T0).zones == duty(5, LAW, T0).zones == ("coastal",)
    assert (duty(5.9, LAW, T0).licensed, duty(6, LAW, T0).licensed) == (False, True)


def test_a_figure_is_the_one_of_its_day() -> None:
    # Decree 41/2026 is in force from 25 January 2026, a day that begins at 17:00Z the day before.
    eve, day = datetime(2026, 1, 24, 16, 59, tzinfo=UTC), datetime(2026, 1, 24, 17, tzinfo=UTC)
    assert LAW.at("lost_after", eve).certainty == "C"
    assert LAW.at("lost_after", day).certainty == "CFG"
    assert LAW.at("lost_after", day).effective_from == date(2026, 1, 25)
    with pytest.raises(NoFigure, match="'vms_interval_15' is in force on 2010-01-01"):
        LAW.at("vms_interval_15", datetime(2010, 1, 1, tzinfo=UTC))


def test_figures_are_put_in_once_and_what_the_authority_changed_stays(database) -> None:
    with connected(database.owner) as owner, owner.begin() as connection:
        assert put_figures(connection, seeds()) == len(seeds())
        connection.execute(sa.text("UPDATE figure SET value = 5 WHERE key = 'lost_after' AND effective_to IS NULL"))
        assert put_figures(connection, seeds()) == 0
        law = figures(connection)
    assert law.at("lost_after", T0).span == timedelta(hours=5)
