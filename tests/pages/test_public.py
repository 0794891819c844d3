"""The pages for citizens over HTTP: a plain form, a secret to follow it by, nothing shown that is not published."""

import html
import http.client
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import access.public
from geo import report_public
from geo.actor import Actor
from geo.photo import Photo
from geo.report import report, report_reporter
from geo.report_work import Step, act
from geo.table import feed
from pages import public_routes
from pages.multipart import NotAForm, read
from pages.text import ZONE
from tests.api import conftest
from tests.connections import connected
from tests.geo.test_photo import bomb, file, polyglot, scene

serve = conftest.serve
BOARD = "/public/reports"
TOLD = {"category": "lamp", "words": "Đèn đường tắt trước số 5 Lê Lợi", "lat": "16,4637", "lon": "107.5905",
        "address": "5 Lê Lợi", "attribute[fault]": "out", "name": "Nguyễn Bí Mật", "phone": "0912345678"}  # fmt: skip
EDGE = "----WebKitFormBoundary7MA4YWxk"


@pytest.fixture
def site(serve):
    return serve()


def packed(fields: dict[str, str], *photos: bytes) -> bytes:
    made = b""
    for name, value in fields.items():
        made += f'--{EDGE}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    for n, data in enumerate(photos or (b"",)):
        name = f"ảnh {n}.jpg" if data else ""
        made += f'--{EDGE}\r\nContent-Disposition: form-data; name="photo"; filename="{name}"\r\n'.encode()
        made += b"Content-Type: image/jpeg\r\n\r\n" + data + b"\r\n"
    return made + f"--{EDGE}--\r\n".encode()


def post(site: Any, fields: dict[str, str], *photos: bytes, **headers: str) -> tuple[int, str]:
    kind = f"multipart/form-data; boundary={EDGE}"
    return site.ask("POST", f"{BOARD}/new", packed(fields, *photos), content_type=kind, **headers)


def sent(site: Any, *photos: bytes, **change: str) -> tuple[str, str]:
    """The number and the secret, as the page tells them."""
    status, page = post(site, {**TOLD, **change}, *photos)
    assert status == 201, page
    return shown(page, "number"), shown(page, "secret")


def shown(page: str, name: str) -> str:
    found = re.search(rf'<dd id="{name}">([^<]+)</dd>', page)
    assert found is not None
    return html.unescape(found[1])


def asked(site: Any, path: str, **fields: str) -> tuple[int, str]:
    body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    return site.ask("POST", path, body, content_type="application/x-www-form-urlencoded")


def answer(site: Any, key: str, *deeds: str, words: str = "Đã thay bóng đèn.", unit: str = "urban_order") -> None:
    """Take a report on its way, each deed by somebody."""
    said: dict[str, dict[str, str]] = {"assign": {"unit": unit}, "reply": {"words": words},
                                       "reopen": {"reason": "chưa xong"}, "reject": {"choice": "abuse"}}  # fmt: skip
    with site.site.engine.connect() as connection:
        for deed in deeds or ("verify", "assign", "start", "reply", "publish"):
            with connection.begin():
                version = connection.scalar(sa.select(report.c.version).where(report.c.id == key))
                step = Step(deed, Actor("Hoa"), version, **said.get(deed, {}))
                act(connection, key, step, datetime.now(UTC))


def numbers(page: str) -> list[str]:
    return re.findall(r'<h2><a href="/public/reports/(PA[0-9]{2}-[A-Z0-9]{8})', page)


def fetched(site: Any, path: str) -> tuple[int, Any, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    try:
        connection.request("GET", path)
        told = connection.getresponse()
        return told.status, told.headers, told.read()
    finally:
        connection.close()


def rows(site: Any) -> int:
    with site.site.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(report)) or 0


def test_step_5_a_citizen_sends_a_report_with_a_photograph_follows_it_and_rates_the_answer(site) -> None:
    status, page = site.get(f"{BOARD}/new?category=lamp")
    assert status == 200
    assert 'enctype="multipart/form-data"' in page
    key, secret = sent(site, file(scene()))
    assert numbers(site.get(BOARD)[1]) == []
    assert site.get(f"{BOARD}/{key}")[0] == 404
    assert 'aria-current="step">Mới tiếp nhận' in asked(site, f"{BOARD}/follow", number=key.lower(), secret=secret)[1]
    assert asked(site, f"{BOARD}/follow", number=key, secret="x" * 24)[0] == 404
    assert asked(site, f"{BOARD}/follow/rate", number=key, secret=secret, score="5")[0] == 409
    answer(site, key)
    status, page = site.get(f"{BOARD}/{key}")
    assert status == 200
    assert "Đã thay bóng đèn." in page
    name = re.search(r"/public/reports/photos/([\w-]{32}\.jpg)", page)
    assert name is not None
    assert numbers(site.get(BOARD)[1]) == [key]
    status, page = asked(site, f"{BOARD}/follow/rate", number=key, secret=secret, score="6")
    assert (status, "Hãy chọn từ 1 đến 5." in page) == (422, True)
    status, page = asked(site, f"{BOARD}/follow/rate", number=key, secret=secret, score="5", said="a" * 1_001)
    assert (status, "Nhiều nhất 1000 ký tự" in page) == (422, True)
    status, page = asked(site, f"{BOARD}/follow/rate", number=key, secret=secret, score="4", said="t%E1%BB%91t")
    assert status == 200
    assert "4 trên 5" in page
    assert asked(site, f"{BOARD}/follow/rate", number=key, secret=secret, score="1")[0] == 409
    assert 'title="4 trên 5"' in site.get(f"{BOARD}/{key}")[1]


def test_promise_12_no_page_for_citizens_tells_who_sent_a_report(site) -> None:
    key, secret = sent(site, words="Gọi 0912345678 cho tôi, Nguyễn Bí Mật", email="bimat@example.vn")
    answer(site, key)
    pages = [site.get(path)[1] for path in (BOARD, f"{BOARD}/{key}", f"{BOARD}?q=b%C3%AD%20m%E1%BA%ADt")]
    pages.append(asked(site, f"{BOARD}/follow", number=key, secret=secret)[1])
    for page in pages:
        assert "912345678" not in page
        assert "bimat@" not in page
    with connected(site.database.owner) as owner, owner.connect() as connection:
        kept = connection.execute(sa.select(report_reporter)).mappings().one()
        assert (kept["name"], kept["phone"], kept["email"]) == ("Nguyễn Bí Mật", "0912345678", "bimat@example.vn")
        assert secret not in str(dict(kept))


def test_what_came_after_the_publishing_or_is_withheld_is_not_shown_before_it_is_published_again(site) -> None:
    key, _ = sent(site, file(scene()))
    answer(site, key)
    first = photos(site, key)
    assert len(first) == 1
    status, told = site.ask(
        "POST", f"/api/v1/report-photos?report={key}&part=result&actor=Hoa", file(scene()), content_type="image/jpeg"
    )
    assert status == 201
    assert photos(site, key) == first
    assert site.get(f"{BOARD}/photos/{told['name']}")[0] == 404
    answer(site, key, "reopen", "assign", "reply", words="Lời thứ hai")
    page = site.get(f"{BOARD}/{key}")[1]
    assert "Lời thứ hai" not in page
    assert "Đang xử lý lại" in page
    answer(site, key, "publish")
    assert "Lời thứ hai" in site.get(f"{BOARD}/{key}")[1]
    assert photos(site, key) == [*first, told["name"]]
    assert fetched(site, f"{BOARD}/photos/{first[0]}?small=1")[0] == 200
    path = f"/api/v1/report-photos/{first[0]}/withhold"
    assert site.ask("POST", path, {"actor": "Hoa"}) == (200, {"withheld": True})
    assert photos(site, key) == [told["name"]]
    for small in ("", "?small=1"):  # nor what was kept at hand
        assert fetched(site, f"{BOARD}/photos/{first[0]}{small}")[0] == 404
    assert site.ask("POST", path, {"actor": "Hoa", "withheld": False})[0] == 200
    assert photos(site, key) == [*first, told["name"]]
    answer(site, key, "reopen", "reject")
    assert site.get(f"{BOARD}/{key}")[0] == 404
    assert site.get(f"{BOARD}/photos/{told['name']}")[0] == 404
    assert numbers(site.get(BOARD)[1]) == []


def test_an_answer_stands_with_the_unit_and_the_time_it_came_from_while_another_unit_works_on_it(site) -> None:
    key, _ = sent(site)
    answer(site, key)
    with site.site.engine.connect() as connection:
        at = connection.scalar(sa.select(report.c.replied_at).where(report.c.id == key))
    (first,), other = units(site, "urban_order"), units(site, "traffic_police")[0]
    answer(site, key, "reopen", "assign", "reply", words="Lời thứ hai", unit="traffic_police")
    when = at.astimezone(ZONE).strftime("%H:%M %d/%m/%Y")
    for page in (site.get(BOARD)[1], site.get(f"{BOARD}/{key}")[1]):
        assert first in page
        assert other not in page.replace(f">{other}</option>", "")
        assert "Lời thứ hai" not in page
    assert f"<dd>{when}</dd></div><div><dt>Công khai lúc" in page  # the new term does not judge it
    answer(site, key, "publish")
    page = site.get(f"{BOARD}/{key}")[1]
    assert other in page
    assert first not in page
    assert "(đúng hạn)" in page


def units(site: Any, key: str) -> list[str]:
    with site.site.engine.connect() as connection:
        return list(connection.scalars(sa.text("SELECT name_vi FROM unit WHERE key = :key"), {"key": key}))


def test_when_it_was_seen_is_told_and_begins_no_term(site) -> None:
    began = datetime.now(UTC)
    seen = (began - timedelta(days=20)).astimezone(ZONE).replace(second=0, microsecond=0, tzinfo=None)
    key, _ = sent(site, seen_at=seen.isoformat(timespec="minutes"))
    row = site.get(f"/api/v1/reports/{key}")[1]
    assert datetime.fromisoformat(row["opened_at"]) >= began
    assert datetime.fromisoformat(row["log"][0]["data"]["seen_at"]) == seen.replace(tzinfo=ZONE)


def test_a_term_that_ends_at_midnight_is_told_by_its_last_day(site) -> None:
    key, secret = sent(site)
    answer(site, key)
    due = datetime.fromisoformat(site.get(f"/api/v1/reports/{key}")[1]["due_at"]).astimezone(ZONE)
    assert due.strftime("%H:%M") == "00:00"
    told = f"24:00 {due - timedelta(days=1):%d/%m/%Y}"
    assert f"<dd>{told}</dd>" in site.get(f"{BOARD}/{key}")[1]
    assert f"<dd>{told}</dd>" in asked(site, f"{BOARD}/follow", number=key, secret=secret)[1]


def photos(site: Any, key: str) -> list[str]:
    found = re.findall(r'href="/public/reports/photos/([\w-]{32}\.jpg)"', site.get(f"{BOARD}/{key}")[1])
    return list(dict.fromkeys(found))


@pytest.mark.parametrize(
    ("change", "photos", "field"),
    [
        ({"lat": "17.1", "lon": "108.6"}, (), "address"),  # at sea
        ({"lat": "", "lon": "", "address": " "}, (), "address"),
        ({"lat": "x"}, (), "address"), ({"lat": "nan"}, (), "address"), ({"words": " \n"}, (), "words"),
        ({"words": "a" * 4_001}, (), "words"), ({"phone": "1" * 121}, (), "phone"),
        ({"seen_at": (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")}, (), "seen_at"),
        ({"seen_at": "2019-01-01T00:00"}, (), "seen_at"), ({"seen_at": "0001-01-01T00:00"}, (), "seen_at"),
        ({"attribute[fault]": ""}, (), "attribute[fault]"), ({"attribute[fault]": "x"}, (), "attribute[fault]"),
        ({}, (b"<svg xmlns='http://www.w3.org/2000/svg'/>",), "photo"), ({}, (bomb(12_000, 12_000),), "photo"),
        ({}, (file(scene()), file(scene())[:2_000]), "photo"), ({}, (file(scene()),) * 6, "photo"),
    ],
)  # fmt: skip
def test_promise_16_what_cannot_be_is_told_at_its_field_and_nothing_is_stored(
    site, change: dict[str, str], photos: tuple[bytes, ...], field: str
) -> None:
    status, page = post(site, {**TOLD, **change}, *photos)
    assert status == 422
    assert f'<a href="#{field}">' in page
    assert f'id="{field}-fault"' in page
    assert 'aria-invalid="true"' in page
    assert ">Đèn đường tắt" in page or field == "words"  # what was filled in stays
    assert rows(site) == 0
    with site.site.engine.connect() as connection:
        (told,) = connection.execute(sa.select(feed).where(feed.c.source == "report.push.public")).mappings()
        assert (told["received"], told["accepted"], sum(told["rejected"].values())) == (1, 0, 1)
        letters = connection.execute(sa.text("SELECT raw FROM dead_letter")).scalars().all()
        assert len(letters) == 1
        assert b"912345678" not in bytes(letters[0])


def test_promise_16_of_a_polyglot_the_picture_alone_is_left(site) -> None:
    key, _ = sent(site, polyglot())
    answer(site, key)
    status, headers, data = fetched(site, f"{BOARD}/photos/{photos(site, key)[0]}")
    assert status == 200
    assert headers["content-type"] == "image/jpeg"
    assert headers["x-content-type-options"] == "nosniff"
    assert b"<script" not in data


def test_a_second_press_of_the_same_form_is_the_same_report(site) -> None:
    once = {**TOLD, "once": "a" * 16}
    found: list[str] = []

    def press() -> None:
        found.append(shown(post(site, once, file(scene()))[1], "number"))

    presses = [threading.Thread(target=press) for _ in range(3)]
    for one in presses:
        one.start()
    for one in presses:
        one.join()
    press()
    assert len(set(found)) == 1
    assert rows(site) == 1


def test_a_form_that_is_changed_after_it_was_sent_is_another_report(site) -> None:
    once = {**TOLD, "once": "a" * 16}
    forms = [(once, ()), ({**once, "words": "Cây đổ trước số 7"}, ()), (once, (file(scene()),))]
    found = [shown(post(site, told, *photos)[1], "number") for told, photos in forms]
    assert len(set(found)) == 3
    assert shown(post(site, once)[1], "number") == found[0]
    assert rows(site) == 3


def test_forms_of_other_sites_are_refused_and_what_is_no_form_is_told_so(site) -> None:
    assert post(site, TOLD, origin="https://evil.example")[0] == 403
    assert post(site, TOLD, sec_fetch_site="cross-site")[0] == 403
    assert site.ask("POST", f"{BOARD}/new", b"a=b", content_type="application/x-www-form-urlencoded")[0] == 400
    assert site.ask("POST", f"{BOARD}/new", b"--x\r\nbroken", content_type="multipart/form-data; boundary=x")[0] == 400
    assert post(site, {**TOLD, "category": "gone"})[0] == 200  # it may choose again
    assert rows(site) == 0
    assert site.get("/public/nowhere")[0] == 404


@pytest.mark.parametrize("path", [BOARD, f"{BOARD}/new", f"{BOARD}/new?category=lamp", f"{BOARD}/follow", f"{BOARD}/X"])
def test_no_page_runs_or_shows_anything_of_elsewhere(site, path: str) -> None:
    _, headers, data = fetched(site, path)
    policy, page = headers["content-security-policy"], data.decode()
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert not re.search(r'(?:src|href|action)="(?!/|#)', page)
    assert "<script>" not in page


def test_it_is_found_by_words_without_accents_number_category_commune_and_state_page_after_page(site) -> None:
    keys = []
    for n in range(9):  # within what one address may send in a minute
        kind = {"category": "waste", "words": f"Rác thải chất đống ở ngõ {n}"} if n % 3 == 0 else {}
        key, _ = sent(site, **kind)
        answer(site, key)
        keys.append(key)
    assert numbers(site.get(BOARD)[1]) == keys[::-1]
    assert numbers(site.get(f"{BOARD}?q=rac%20thai")[1]) == [keys[6], keys[3], keys[0]]
    assert numbers(site.get(f"{BOARD}?q={keys[4].lower()}")[1]) == [keys[4]]
    assert numbers(site.get(f"{BOARD}?category=waste&q=ngo%203")[1]) == [keys[3]]
    assert numbers(site.get(f"{BOARD}?state=closed")[1]) == []
    assert numbers(site.get(f"{BOARD}?commune=00000")[1]) == []
    for hostile in ("%00", "'", "a:*%26", "%F0%9F%98%80", "()|!", "x" * 120):
        assert site.get(f"{BOARD}?q={hostile}&before={hostile}&lang=en")[0] == 200
    with site.site.engine.connect() as connection:
        at = connection.scalar(sa.select(report.c.published_at).where(report.c.id == keys[5]))
    before = f"{at.isoformat()}~{keys[5]}".replace("+", "%2B")
    assert numbers(site.get(f"{BOARD}?before={before}")[1]) == keys[4::-1]


@pytest.mark.parametrize("looked_at", [1, 4, 400])
def test_words_find_the_same_among_the_newest_and_by_their_index(site, monkeypatch, looked_at: int) -> None:
    keys = []
    for n in range(8):
        key, _ = sent(site, words="Rác thải chất đống" if n % 2 == 0 else "Ổ gà sâu giữa đường")
        answer(site, key)
        keys.append(key)
    monkeypatch.setattr(report_public, "LOOKED_AT", looked_at)
    with site.site.engine.connect() as connection:
        found: list[Any] = []
        for _ in range(4):
            before = (found[-1]["published_at"], found[-1]["id"]) if found else None
            found += report_public.page(connection, report_public.Asked(words="rac thai", before=before), 1)
        assert [row["id"] for row in found] == [keys[6], keys[4], keys[2], keys[0]]
        together = report_public.page(connection, report_public.Asked(words="rac thai"), 3)
        assert [row["id"] for row in together] == [keys[6], keys[4], keys[2]]
        (one,) = report_public.page(connection, report_public.Asked(words=keys[1].lower()), 5)
        assert one["id"] == keys[1]


def test_ten_thousand_reports_of_one_address_are_refused_counted_and_slow_nobody_else(site) -> None:
    body, kind = packed(TOLD), f"multipart/form-data; boundary={EDGE}"
    statuses: list[int] = []

    def flood(times: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
        for _ in range(times):
            headers = {"content-type": kind, "x-forwarded-for": "203.0.113.9"}
            connection.request("POST", f"{BOARD}/new", body, headers)
            told = connection.getresponse()
            told.read()
            statuses.append(told.status)
        connection.close()

    floods = [threading.Thread(target=flood, args=(2_500,)) for _ in range(4)]
    for one in floods:
        one.start()
    waits = []
    while any(one.is_alive() for one in floods):
        began = time.perf_counter()
        assert post(site, {**TOLD, "lat": "x"}, x_forwarded_for=f"198.51.100.{len(waits) % 250}")[0] == 422
        assert site.get(BOARD)[0] == 200
        waits.append(time.perf_counter() - began)
        time.sleep(0.2)
    assert statuses.count(201) <= 20  # ten a minute, and it may take two
    assert set(statuses) <= {201, 429}
    assert sorted(waits)[len(waits) // 2] < 1.0
    time.sleep(6)
    with site.site.engine.connect() as connection:
        told = connection.execute(sa.select(feed).where(feed.c.source == "report.push.public")).mappings().one()
    assert told["rejected"]["pace"] == statuses.count(429)
    assert told["received"] == 10_000 + len(waits)


def test_all_addresses_of_one_connection_share_its_limit(site) -> None:
    def status(address: str) -> int:
        return post(site, {**TOLD, "category": "gone"}, x_forwarded_for=address)[0]

    assert [status(f"2001:db8:1:2:{n:x}::1") for n in range(11)] == [200] * 10 + [429]
    assert status("2001:db8:1:3::1") == 200  # the neighbour
    assert [status("203.0.113.7") for _ in range(10)] == [200] * 10
    assert status("::ffff:203.0.113.7") == 429


def test_who_sends_slowly_takes_two_places_and_those_who_follow_a_report_have_their_own(
    site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_routes, "AT_ONCE", 3)
    monkeypatch.setattr(public_routes, "TURN_S", 0.5)
    slow = [opened(site, "203.0.113.9") for _ in range(5)]
    try:
        time.sleep(1)
        assert post(site, TOLD, x_forwarded_for="203.0.113.9")[0] == 503
        assert post(site, TOLD, x_forwarded_for="198.51.100.1")[0] == 201
        slow.append(opened(site, "198.51.100.2"))
        time.sleep(0.3)
        assert post(site, TOLD, x_forwarded_for="198.51.100.3")[0] == 503  # now it is full
        assert asked(site, f"{BOARD}/follow", number="PA26-NONE", secret="x")[0] == 404
    finally:
        for one in slow:
            one.close()


def test_who_waits_for_photographs_to_be_drawn_holds_up_nobody_else_and_too_many_are_told_to_wait(
    site, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, statuses = threading.Event(), []

    def drawing(data: bytes) -> Photo:
        assert held.wait(60)
        return Photo(data, 320, 240)

    def send(n: int) -> None:
        statuses.append(post(site, TOLD, file(scene()), x_forwarded_for=f"203.0.113.{n}")[0])

    monkeypatch.setattr(access.public, "drawn", drawing)
    monkeypatch.setattr(public_routes, "AT_ONCE", 100)
    forms = [threading.Thread(target=send, args=(n,)) for n in range(45)]  # more than there are threads to answer
    try:
        for one in forms:
            one.start()
        until = time.monotonic() + 20
        while len(statuses) < 35 and time.monotonic() < until:
            time.sleep(0.1)
        assert statuses == [503] * 35  # two are drawn, eight wait
        began = time.perf_counter()
        assert site.get(BOARD)[0] == 200
        assert time.perf_counter() - began < 5
    finally:
        held.set()
        for one in forms:
            one.join(60)
    assert sorted(statuses) == [201] * 10 + [503] * 35


def test_a_form_is_judged_before_its_photographs_are_drawn(site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access.public, "drawn", None)  # it is not called
    status, page = post(site, {**TOLD, "words": " "}, file(scene()))
    assert status == 422
    assert 'id="words-fault"' in page
    assert post(site, {**TOLD, "phone": "1" * 121}, file(scene()))[0] == 422


def opened(site: Any, address: str) -> http.client.HTTPConnection:
    """A form whose body does not come."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    connection.putrequest("POST", f"{BOARD}/new")
    connection.putheader("content-type", f"multipart/form-data; boundary={EDGE}")
    connection.putheader("content-length", "1000")
    connection.putheader("x-forwarded-for", address)
    connection.endheaders(b"--")
    return connection


def test_a_form_is_read_as_browsers_send_it() -> None:
    form = read(
        f'multipart/form-data; charset=utf-8; boundary="{EDGE}"', packed({"a": "x\r\ny", "b": ""}, b"\r\n--", b"1")
    )
    assert form.fields == {"a": ["x\r\ny"], "b": [""]}
    assert form.files == [("photo", b"\r\n--"), ("photo", b"1")]


@pytest.mark.parametrize(
    "body",
    [b"", b"--x", b"--x\r\n\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--", b"junk--x--",
     b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"a" * 70_000 + b"\r\n--x--",
     b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 200 + b"--x--", b"--x\r\n" + b"a" * 9_000],
)  # fmt: skip
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(NotAForm):
        read("multipart/form-data; boundary=x", body)
