"""Field reports in the database: received once, one deed after the other, and who sent one read by no program."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from geo.actor import Actor
from geo.photo import Photo
from geo.report import DEEDS, OVERDUE, RUNNING, STATUSES, WARNED, report, report_entry
from geo.report_list import Wanted, answers, counted, inbox, one_report, reports, standing
from geo.report_photo import keep
from geo.report_receive import Reporter, Sent, receive
from geo.report_text import plain, shown, titled
from geo.report_work import NoReport, Stale, Step, act, rate, tell_late
from geo.wrong import Wrong
from layers import discover, seed
from tests.connections import connected
from tests.geo.test_database import refused

NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)  # a Friday, 10:00 at the centre
LAN, HOA = Actor("Lan"), Actor("Hoa")
HUE = (107.5905, 16.4637)
SENT = Sent("lamp", "Đèn trước nhà số 5 tắt, gọi tôi 0912 345 678", "web", NOW, *HUE, "5 Lê Lợi",
            Reporter("Nguyễn Thị Bí Mật", "0912345678", "bimat@example.vn", "vneid-1", "máy-1"))  # fmt: skip
SECRETS = ("Bí Mật", "912345678", "912 345 678", "bimat@", "vneid-1", "máy-1")


@pytest.fixture
def web(database):
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
    with connected(database.web) as engine, engine.connect() as connection:
        yield connection


def sent(web: sa.Connection, given: Sent = SENT, now: datetime = NOW) -> str:
    with web.begin():
        return receive(web, given, LAN, now)[0]


def do(web: sa.Connection, key: str, deed: str, now: datetime = NOW, actor: Actor = LAN, **said: object) -> None:
    with web.begin():
        version = web.scalar(sa.select(report.c.version).where(report.c.id == key)) or 0
        act(web, key, Step(deed, actor, version, **said), now)  # type: ignore[arg-type]  # keywords by name


def at(web: sa.Connection, key: str) -> dict[str, object]:
    with web.begin():
        return one_report(web, key)


def test_the_machine_reaches_every_status_and_leaves_every_one(web) -> None:
    reached = {deed.after for deed in DEEDS.values()} - {None}
    assert reached == set(STATUSES) - {"new"}
    left = {status for name, deed in DEEDS.items() if name != "note" for status in deed.before}
    assert left == set(STATUSES)


def test_the_whole_way_from_a_citizen_to_a_rating(web) -> None:
    with web.begin():
        key, secret = receive(web, SENT, LAN, NOW)
    row = at(web, key)
    assert (row["status"], row["track"], row["late"], row["version"]) == ("new", "timed", 0, 1)
    assert row["due_at"] == datetime(2026, 12, 4, 17, tzinfo=UTC)  # lamps: five working days, the first is Monday
    assert row["commune"] is not None
    do(web, key, "verify")
    do(web, key, "assign", unit="urban_order")
    assert [each["id"] for each in _inbox(web, "urban_order")] == [key]
    do(web, key, "start", NOW + timedelta(hours=1), HOA)
    do(web, key, "reply", NOW + timedelta(hours=2), HOA, words="Đã thay bóng đèn.")
    assert _inbox(web, "urban_order") == []
    do(web, key, "publish", NOW + timedelta(hours=3))
    with web.begin():
        rate(web, key, secret, 5, "Nhanh", NOW + timedelta(hours=4))
    do(web, key, "close", NOW + timedelta(hours=5))
    row = at(web, key)
    assert (row["status"], row["rating"], row["late"]) == ("closed", 5, 0)
    assert [line["deed"] for line in row["log"]] == [
        "receive", "verify", "assign", "start", "reply", "publish", "rate", "close",
    ]  # fmt: skip
    assert {line["actor"] for line in row["log"]} == {"Lan", "Hoa", "người phản ánh"}
    with web.begin():
        assert answers(web, [key]) == {key: "Đã thay bóng đèn."}


def _inbox(web: sa.Connection, unit: str) -> list[dict[str, object]]:
    with web.begin():
        return inbox(web, unit)


@pytest.mark.parametrize("deed", sorted(DEEDS))
def test_a_deed_is_done_from_its_own_statuses_alone(web, deed: str) -> None:
    other = sent(web)
    said = {"reason": "vì", "choice": "unclear", "unit": "ioc", "words": "Đã làm", "track": "urgent", "into": other,
            "due": NOW + timedelta(days=30), "lon": HUE[0], "lat": HUE[1]}  # fmt: skip
    for status in STATUSES:
        key = sent(web)
        _put(web, key, status)
        if status in DEEDS[deed].before:
            do(web, key, deed, **said)
            assert at(web, key)["status"] == ("new" if deed == "unmerge" else DEEDS[deed].after or status), status
        else:
            with pytest.raises(Stale, match=f"is {status}"):
                do(web, key, deed, **said)


def _put(web: sa.Connection, key: str, status: str) -> None:
    """Bring a report to a status by the way that leads there."""
    ways = {
        "verified": ["verify"], "assigned": ["verify", "assign"], "in_progress": ["verify", "assign", "start"],
        "returned": ["verify", "assign", "return"], "replied": ["verify", "assign", "reply"],
        "published": ["verify", "assign", "reply", "publish"], "closed": ["verify", "assign", "reply", "close"],
        "rejected": ["reject"], "reopened": ["reject", "reopen"], "merged": ["merge"], "new": [],
    }  # fmt: skip
    said = {"unit": "ioc", "reason": "vì", "words": "Đã làm", "choice": "unclear"}
    for deed in ways[status]:
        do(web, key, deed, **{**said, **({"into": sent(web)} if deed == "merge" else {})})


def test_of_two_who_saw_one_version_the_second_is_told_who_was_first(web) -> None:
    key = sent(web)
    with web.begin():
        act(web, key, Step("verify", HOA, 1), NOW)
    with (
        pytest.raises(Stale, match=f"report {key} is verified in version 2, by Hoa at 2026-11-27T03:00:00Z"),
        web.begin(),
    ):
        act(web, key, Step("reject", LAN, 1, choice="untrue"), NOW)
    with pytest.raises(NoReport), web.begin():
        act(web, "PA26-NONE", Step("verify", LAN, 1), NOW)


@pytest.mark.parametrize(
    ("deed", "said", "field"),
    [
        ("transfer", {"unit": "ioc"}, "reason"), ("transfer", {"unit": "none", "reason": "x"}, "unit"),
        ("return", {"reason": "  "}, "reason"), ("reply", {}, "words"), ("reply", {"words": "x" * 4_001}, "words"),
        ("track", {"track": "soon", "reason": "x"}, "track"), ("extend", {"reason": "x", "due": NOW}, "due"),
        ("extend", {"reason": "x", "due": NOW + timedelta(days=367)}, "due"),
        ("merge", {}, "into"), ("merge", {"into": "PA26-NONE"}, "into"), ("place", {}, "place"),
        ("place", {"lon": 108.5, "lat": 17.0}, "place"),
    ],
)  # fmt: skip
def test_what_a_deed_lacks_is_named_and_nothing_is_done(web, deed: str, said: dict[str, object], field: str) -> None:
    key = sent(web)
    _put(web, key, "assigned")
    before = at(web, key)
    with pytest.raises(Wrong) as caught:
        do(web, key, deed, **said)
    assert caught.value.field == field
    assert at(web, key) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"words": " \u202e "}, "words"), ({"words": "x" * 4_001}, "words"), ({"category": "none"}, "category"),
        ({"sent_at": NOW + timedelta(minutes=3)}, "sent_at"), ({"lon": 108.6, "lat": 17.1}, "place"),
        ({"lon": 0.0, "lat": 0.0}, "place"), ({"lon": float("nan"), "lat": 16.0}, "place"), ({"lat": None}, "place"),
        ({"lon": None, "lat": None, "address": " "}, "place"), ({"channel": "fax"}, "channel"),
        ({"address": "x" * 301}, "address"), ({"reporter": Reporter(name="x" * 121)}, "name"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_field_and_nothing_is_kept(web, change: dict[str, object], field: str) -> None:
    with pytest.raises(Wrong) as caught:
        sent(web, replace(SENT, **change))  # type: ignore[arg-type]  # fields by name
    assert caught.value.field == field
    with web.begin():
        assert sum(counted(web).values()) == 0
        assert web.scalar(sa.select(sa.func.count()).select_from(report_entry)) == 0


def test_an_address_without_a_place_is_kept_and_placed_by_the_desk(web) -> None:
    key = sent(web, replace(SENT, lon=None, lat=None))
    assert (at(web, key)["lon"], at(web, key)["commune"]) == (None, None)
    do(web, key, "place", lon=HUE[0], lat=HUE[1])
    row = at(web, key)
    assert row["lon"] == pytest.approx(HUE[0])
    assert row["commune"] is not None


def test_promise_12_who_sent_a_report_is_read_by_no_role_of_the_programs(web, database) -> None:
    key = sent(web)
    _put(web, key, "replied")
    for url in (database.web, database.ingest):
        assert "permission denied" in refused(url, "SELECT name FROM report_reporter")
        assert "permission denied" in refused(url, "SELECT count(*) FROM report_reporter")
        assert "permission denied" in refused(url, f"SELECT tell_reporter('{key}', 'Lan', 'hồ sơ 1')")
    # Not in any column of any table that the web role reads, either.
    with web.begin():
        names = web.scalars(sa.text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace ="
                                    " 'public'::regnamespace AND has_table_privilege(oid, 'SELECT')"))  # fmt: skip
        for name in list(names):
            for row in web.execute(sa.text(f'SELECT to_jsonb(t)::text FROM "{name}" t')).scalars():
                assert not [secret for secret in SECRETS if secret in row], name


def test_who_sent_a_report_is_told_with_a_line_that_nobody_changes(web, database) -> None:
    key = sent(web)
    with connected(database.owner) as owner, owner.begin() as connection:
        said = connection.scalar(sa.text("SELECT tell_reporter(:key, 'Lan', 'hồ sơ 1')"), {"key": key})
        assert said["name"] == "Nguyễn Thị Bí Mật"
        assert said["words"].endswith("0912 345 678")
        assert "secret" not in said
        line = connection.execute(sa.text("SELECT actor, reason, report_id FROM report_look")).one()
        assert tuple(line) == ("Lan", "hồ sơ 1", key)
    assert "by name, for a reason" in refused(database.owner, f"SELECT tell_reporter('{key}', ' ', 'x')")
    for name in ("report_look", "report_entry", "report_reply", "report_rating"):
        for statement in (f"DELETE FROM {name}", f"TRUNCATE {name}"):
            assert "append-only" in refused(database.owner, statement), statement
    assert "append-only" in refused(database.owner, "UPDATE report_entry SET actor = 'Ai đó'")


def test_a_rating_needs_the_senders_secret_and_is_given_once(web) -> None:
    with web.begin():
        key, secret = receive(web, SENT, LAN, NOW)
    with pytest.raises(Stale, match="only what was answered"), web.begin():
        rate(web, key, secret, 4, None, NOW)
    _put(web, key, "published")
    for wrong in ("", "x", secret[:-1]):
        with pytest.raises(NoReport), web.begin():
            rate(web, key, wrong, 4, None, NOW)
    for score in (0, 6, -1):
        with pytest.raises(Wrong), web.begin():
            rate(web, key, secret, score, None, NOW)
    with web.begin():
        rate(web, key, secret, 1, None, NOW)
    with pytest.raises(Stale, match="rated already"), web.begin():
        rate(web, key, secret, 5, None, NOW)


def test_warned_at_eighty_percent_and_overdue_each_once(web, database) -> None:
    key = sent(web, replace(SENT, category="traffic"))  # instant: two hours
    with connected(database.ingest) as engine, engine.connect() as clock:
        for minutes, told_now, late in (
            (95, 0, 0),
            (96, 1, WARNED),
            (97, 0, WARNED),
            (120, 1, OVERDUE),
            (500, 0, OVERDUE),
        ):
            with clock.begin():
                assert tell_late(clock, NOW + timedelta(minutes=minutes)) == told_now
            assert at(web, key)["late"] == late
    row = at(web, key)
    assert row["version"] == 1  # time passing puts nobody's look out of date
    assert [line["deed"] for line in row["log"]] == ["receive", "warn", "overdue"]
    do(web, key, "verify", NOW + timedelta(hours=9))
    do(web, key, "assign", NOW + timedelta(hours=9), unit="traffic_police")
    with web.begin():
        (line,) = standing(web)
    assert (line["unit"], line["open"], line["overdue"]) == ("traffic_police", 1, 1)
    do(web, key, "extend", NOW + timedelta(hours=9), due=NOW + timedelta(hours=90), reason="chờ vật tư")
    row = at(web, key)
    assert (row["late"], row["due_at"]) == (0, NOW + timedelta(hours=90))
    assert row["log"][-1]["data"]["due_was"] == (NOW + timedelta(hours=2)).isoformat()
    do(web, key, "reply", NOW + timedelta(hours=91), words="Xong")
    assert at(web, key)["late"] == OVERDUE  # it was answered too late, and stays so
    do(web, key, "publish", NOW + timedelta(hours=92))
    assert at(web, key)["late"] == OVERDUE


def test_a_hand_over_moves_it_to_the_other_inbox_with_the_reason(web) -> None:
    key = sent(web)
    _put(web, key, "in_progress")
    do(web, key, "transfer", unit="urban_order", reason="Cột đèn của phường")
    assert _inbox(web, "ioc") == []
    assert [row["id"] for row in _inbox(web, "urban_order")] == [key]
    do(web, key, "return", reason="Không phải việc của đội, gọi 0935 111 222")
    row = at(web, key)
    assert (row["status"], row["log"][-1]["reason"]) == ("returned", "Không phải việc của đội, gọi •••••••222")
    assert _inbox(web, "urban_order") == []
    do(web, key, "assign", unit="ioc")
    do(web, key, "reply", words="Đã làm")
    do(web, key, "send_back", reason="Chưa có ảnh")
    assert [row["id"] for row in _inbox(web, "ioc")] == [key]


def test_merged_and_taken_apart_nothing_is_lost(web) -> None:
    first, second, third = sent(web), sent(web), sent(web)
    _put(web, second, "in_progress")
    before = at(web, second)
    do(web, second, "merge", into=first)
    assert at(web, first)["merged"] == [second]
    assert _inbox(web, "ioc") == []
    for into, why in ((second, "is merged"), (third, "no other report")):
        with pytest.raises(Wrong, match=why):
            do(web, third, "merge", into=into)
    with pytest.raises(Wrong, match="others are merged into this one"):
        do(web, first, "merge", into=third)
    do(web, second, "unmerge", reason="Hai cột khác nhau")
    after = at(web, second)
    assert len(after["log"]) == len(before["log"]) + 2
    changing = ("version", "received_at", "log")
    assert {k: v for k, v in after.items() if k not in changing} == {
        k: v for k, v in before.items() if k not in changing
    }
    assert [row["id"] for row in _inbox(web, "ioc")] == [second]
    assert at(web, first)["merged"] == []


def test_a_list_goes_page_by_page_through_all_of_them(web) -> None:
    keys = [sent(web, replace(SENT, sent_at=NOW - timedelta(minutes=n // 2))) for n in range(7)]
    found, before = [], None
    while True:
        with web.begin():
            page = reports(web, Wanted(statuses=("new",), before=before), 2)
        if not page:
            break
        found += [row["id"] for row in page]
        before = page[-1]["opened_at"], page[-1]["id"]
    assert sorted(found) == sorted(keys)
    assert len(set(found)) == 7


def test_the_database_refuses_what_no_deed_does(web, database) -> None:
    key = sent(web)
    for statement in (
        f"UPDATE report SET words = 'khác' WHERE id = '{key}'", f"DELETE FROM report WHERE id = '{key}'",
        f"UPDATE report SET opened_at = now() WHERE id = '{key}'", "UPDATE report_reporter SET name = NULL",
    ):  # fmt: skip
        assert "permission denied" in refused(database.web, statement), statement
    assert "permission denied" in refused(database.ingest, f"UPDATE report SET status = 'closed' WHERE id = '{key}'")
    assert "permission denied" in refused(database.ingest, "INSERT INTO report (id) VALUES ('x')")


@given(st.text(max_size=300))
def test_a_text_is_kept_without_what_is_not_seen(text: str) -> None:
    said = plain(text, "words", 4_000, lines=True)
    assert said is None or (said.strip() == said and "\0" not in said and "\u202e" not in said)
    assert said == (plain(said, "words", 4_000, lines=True) if said else None)


@given(st.text(max_size=300), st.integers(10, 80))
def test_a_title_is_one_short_line(text: str, most: int) -> None:
    assert len(titled(text, most)) <= most
    assert "\n" not in titled(text, most)


def test_numbers_plates_and_addresses_of_mail_are_masked() -> None:
    assert shown("Gọi 0912345678, xe 75A-123.45, a.b@c.vn") == "Gọi •••••••678, xe 75••••45, •••@•••"
    assert shown("Hố ga 12/3 Lê Lợi lúc 14:20 27/11/2026") == "Hố ga 12/3 Lê Lợi lúc 14:20 27/11/2026"


def test_every_running_status_comes_before_the_others() -> None:
    assert tuple(STATUSES)[: len(RUNNING)] == RUNNING


def test_a_change_whose_time_is_older_than_the_rows_is_still_the_newer_one(web) -> None:
    key = sent(web)
    do(web, key, "verify", NOW + timedelta(days=20))
    with web.begin():
        query = sa.select(report.c.observed_at, report.c.received_at).where(report.c.id == key)
        before = web.execute(query).one()
        # A tick that began before the deed, and came to the row after it.
        assert tell_late(web, NOW + timedelta(days=19)) == 1
        after = web.execute(query).one()
    assert after.observed_at > before.observed_at
    assert after.received_at == before.received_at
    with web.begin():
        keep(web, key, "report", Photo(b"x", 1, 1), LAN, NOW + timedelta(days=18))
        assert web.execute(query).one().observed_at > after.observed_at


def test_the_number_bears_the_year_of_the_centre(web) -> None:
    assert sent(web, now=datetime(2026, 12, 31, 18, tzinfo=UTC)).startswith("PA27-")
