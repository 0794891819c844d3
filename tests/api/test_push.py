"""POST /api/v1/layers/{layer}/records on the real server, with Redis, a worker and PostGIS behind it."""

import gzip
import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from access import push as door
from api import push as route
from geo import api_key
from geo.actor import Actor
from ingest.stream import from_entry
from tests.api.pushing import OTHERS, OURS, PATH, enrol, fix, key, push, working
from tests.connections import asked, connected, told


@pytest.fixture
def sea(serve, database) -> Any:
    site = serve()
    with connected(database.owner) as owner:
        enrol(owner, datetime.now(UTC))
    return site


@pytest.fixture
def work(database, redis_server) -> Iterator[Any]:
    with working(database, redis_server) as run:
        yield run


def feed(database: Any, source: str = "vms.push.vnpt") -> dict[str, Any]:
    names = "received, accepted, rejected, positions, rows, duplicates"
    (row,) = asked(database.web, f"SELECT {names} FROM feed WHERE source = :source", source=source)
    return row


def test_what_is_pushed_is_worked_off_and_seen(sea, database, work) -> None:
    token = key(database, provider_name="vnpt")
    sent = fix(3, speed=4.2, course=47, device="D1", record_id="a1", spead=9)
    status, answer, _ = push(sea.port, token, [sent, fix(2, speed="fast", record_id="a2")])
    assert status == 202
    assert {name: answer[name] for name in ("received", "accepted", "already", "ignored")} == {
        "received": 2, "accepted": 1, "already": 0, "ignored": ["spead"],
    }  # fmt: skip
    (rejected,) = answer["rejected"]
    assert (rejected["index"], rejected["record_id"], rejected["field"]) == (1, "a2", "speed")
    assert rejected["reason"] == "value:speed"
    assert rejected["msg"] == "must be a number, 0 – 102"
    assert rejected["vi"] == "phải là số, 0 – 102"
    work()
    status, vessel = sea.get(f"/api/v1/vessels/{OURS}?layer=vms")
    assert status == 200
    assert vessel["properties"]["speed"] == 4.2
    assert vessel["properties"]["provider"] == "vnpt"  # which the key says, where the record does not
    (point,) = sea.get(f"/api/v1/vessels/{OURS}/track?layer=vms")[1]["features"]
    assert point["geometry"]["coordinates"] == [108.0, 16.8]
    assert feed(database) == {
        "received": 2, "accepted": 1, "rejected": {"value:speed": 1}, "positions": 1, "rows": 1, "duplicates": 0,
    }  # fmt: skip
    (letter,) = asked(database.web, "SELECT source, reason, convert_from(raw, 'UTF8') AS raw FROM dead_letter")
    assert (letter["source"], letter["reason"]) == ("vms.push.vnpt", "value:speed")
    assert json.loads(letter["raw"])["speed"] == "fast"
    (ledger,) = asked(database.web, "SELECT peer, received FROM ledger")
    assert ledger == {"peer": f"key {token[3:11]}", "received": 2}
    assert asked(database.web, "SELECT used_at IS NOT NULL AS used FROM api_key") == [{"used": True}]


def test_a_list_that_is_all_wrong_is_422_and_counted_and_an_empty_one_is_nothing(sea, database, work) -> None:
    token = key(database)
    status, answer, _ = push(sea.port, token, [fix(lat=91), 7, fix(2, registration=None)])
    assert status == 422
    assert [(each["index"], each["field"]) for each in answer["rejected"]] == [
        (0, "lon, lat"), (1, ""), (2, "registration, device, callsign"),
    ]  # fmt: skip
    assert push(sea.port, token, [])[0] == 202
    work()
    counted = feed(database)
    assert counted["rejected"] == {"position": 1, "not_object": 1, "identity": 1}
    assert (counted["received"], counted["accepted"]) == (3, 0)
    assert asked(database.web, "SELECT count(*) FROM dead_letter") == [{"count": 3}]


def test_promise_11_who_has_no_key_gets_no_further(sea, database) -> None:
    token, elsewhere = key(database), key(database, "siren", ["vessel"])
    disabled, expired = key(database, "old"), key(database, "older")
    told(database.owner, "UPDATE api_key SET disabled_at = now() WHERE sender = 'old'")
    told(database.owner, "UPDATE api_key SET expires_at = now() WHERE sender = 'older'")
    bad = [None, "", "hd_", token[:-1], token + "A", disabled, expired, "đ".encode().decode("latin-1"), "x" * 4_000]
    answers = [push(sea.port, each, fix()) for each in bad]
    assert [status for status, _, _ in answers] == [401] * len(bad)
    assert len({json.dumps(answer) for _, answer, _ in answers}) == 1  # nothing tells which of them it was
    assert {headers["www-authenticate"] for _, _, headers in answers} == {"Bearer"}
    status, answer, _ = push(sea.port, elsewhere, fix())
    assert status == 403
    assert "vessel" in answer["detail"]
    assert push(sea.port, None, fix(), x_api_key=token)[0] == 202
    assert push(sea.port, None, fix(), authorization=f"Basic {token}")[0] == 401
    # A page of another site that knows a key gets no further either, and no host of another name.
    assert push(sea.port, token, fix(), origin="https://evil.example")[0] == 403
    assert push(sea.port, token, fix(), sec_fetch_site="cross-site")[0] == 403
    assert push(sea.port, token, fix(), host="evil.example")[0] == 400


def test_a_layer_that_takes_none_or_is_none_says_so(sea, database) -> None:
    token = key(database, layers=["vms", "vessel"])
    for path, words in (("vessel", "takes no records over HTTP"), ("nothing", "there is no layer")):
        status, answer, _ = push(sea.port, token, fix(), path=f"/api/v1/layers/{path}/records")
        assert status == 404
        assert words in answer["detail"]
        assert "vms" in answer["detail"]


def test_a_key_that_speaks_for_a_provider_speaks_for_no_other(sea, database, work) -> None:
    token = key(database, provider_name="VNPT")
    records = [fix(5, provider="Viettel"), fix(4, provider="vnpt"), fix(3, registration=OTHERS, device="D2"),
               fix(2, registration=OTHERS), fix(1, device="D9")]  # fmt: skip
    status, answer, _ = push(sea.port, token, records)
    assert status == 202
    assert [(each["index"], each["reason"], each["field"]) for each in answer["rejected"]] == [
        (0, "provider", "provider"), (2, "provider", "provider"), (3, "provider", "provider"),
    ]  # fmt: skip
    assert "(vnpt)" in answer["rejected"][0]["msg"]
    work()
    rows = asked(database.web, "SELECT registration, provider, anomaly FROM vms_history ORDER BY observed_at")
    # A device that the register does not know is not taken for where the boat is.
    assert [(row["registration"], row["provider"], row["anomaly"]) for row in rows] == [
        (OURS, "vnpt", 0), (OURS, "vnpt", 128),
    ]  # fmt: skip
    assert push(sea.port, key(database, "centre"), records)[1]["accepted"] == 5


def test_a_key_of_one_provider_moves_no_boat_of_another_by_hand(sea, database, work) -> None:
    told(database.owner, "UPDATE boat SET callsign = 'XV' || left(registration, 3)")
    told(
        database.owner,
        "INSERT INTO boat (registration, home_province, updated_at, updated_by, length_m)"
        " VALUES ('TTH-99001-TS', 'Huế', now(), 'test', 12)",
    )
    records = [fix(5, registration=OTHERS, manual=True, record_id="x"),
               fix(4, registration=None, callsign="XVQNg", manual=True),
               fix(3, registration=OTHERS, device="D1", manual=True),  # our device, their boat
               fix(2, manual=True), fix(2, registration=None, callsign="XVTTH", manual=True),
               fix(1, registration="TTH-99001-TS", manual=True),  # carried by nobody yet
               fix(1, registration="TTH-1-TS", manual=True), fix(1, provider="  ", manual=True)]  # fmt: skip
    status, answer, _ = push(sea.port, key(database, provider_name="VNPT"), records)
    assert status == 202
    assert [(each["index"], each["reason"]) for each in answer["rejected"]] == [(n, "provider") for n in range(3)]
    assert answer["rejected"][0]["record_id"] == "x"
    work()
    assert asked(database.web, "SELECT DISTINCT registration, provider FROM vms_history ORDER BY 1") == [
        {"registration": "TTH-91234-TS", "provider": "vnpt"}, {"registration": "TTH-99001-TS", "provider": "vnpt"},
    ]  # fmt: skip


def test_csv_is_taken_and_gzip(sea, database, work) -> None:
    token, at = key(database), datetime.now(UTC).replace(microsecond=0)
    rows = [f"{OURS},{(at - timedelta(minutes=n)).isoformat()},108.{n},16.8,{n}" for n in range(5)]
    text = "\n".join(["registration,observed_at,lon,lat,speed", *rows, f"{OURS},x,108,16.8,1"]).encode()
    status, answer, _ = push(sea.port, token, text, content_type="text/csv; charset=utf-8")
    assert (status, answer["accepted"], [each["field"] for each in answer["rejected"]]) == (202, 5, ["observed_at"])
    status, answer, _ = push(sea.port, token, text, content_type="text/csv", content_encoding="gzip")
    assert (status, answer["accepted"]) == (202, 5)
    work()
    counted = feed(database)
    assert (counted["received"], counted["rows"], counted["duplicates"]) == (12, 5, 5)  # the same fixes, told twice


@pytest.mark.parametrize(
    ("body", "headers", "status", "words"),
    [
        (b"{", {}, 400, "JSON"),
        (b"[" * 40_000, {}, 400, "JSON"),
        (b"\xff\xfe", {}, 400, "JSON"),
        (b"a,b\n\xff", {"content_type": "text/csv"}, 400, "CSV"),
        (b"no gzip", {"content_encoding": "gzip"}, 400, "gzip"),
        (gzip.compress(b"[]" * 5_000)[:-9], {"content_encoding": "gzip"}, 400, "gzip"),
        (gzip.compress(b" " * (9 << 20)), {"content_encoding": "gzip"}, 413, "unpacked"),
        (b" " * ((1 << 20) + 1), {}, 413, "1048576 bytes"),
        (b"[" + b",".join([b"1"] * 5_001) + b"]", {}, 413, "5000 records"),
        (gzip.compress(b"[" + b"{}," * 2_000_000 + b"1]"), {"content_encoding": "gzip"}, 413, "5000 records"),
        (b"lon,lat\r" + b"1,1\r" * 5_001, {"content_type": "text/csv"}, 413, "5000 records"),
        (b"[]", {"content_type": "text/plain"}, 415, "application/json"),
        (b"[]", {"content_type": "application/json; charset=utf-16"}, 415, "UTF-8"),
        (b"[]", {"content_encoding": "br"}, 415, "gzip"),
        (b"[]", {"idempotency_key": "a b"}, 400, "Idempotency-Key"),
        (b"[]", {"idempotency_key": "x" * 129}, 400, "Idempotency-Key"),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_is_refused_as_a_whole(sea, database, work, body, headers, status, words) -> None:
    own = {name: value for name, value in headers.items() if name != "content_encoding"}
    connection = http.client.HTTPConnection("127.0.0.1", sea.port, timeout=30)
    given = {"content-type": "application/json", "authorization": f"Bearer {key(database)}"}
    given |= {name.replace("_", "-"): value for name, value in own.items()}
    if encoding := headers.get("content_encoding"):
        given["content-encoding"] = encoding
    connection.request("POST", PATH, body, given)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == status
    assert words in text
    work()
    counted = asked(database.web, "SELECT received, rejected FROM feed")
    unreadable = status == 413 or (status == 400 and "Idempotency" not in words)
    assert [sum(row["rejected"].values()) for row in counted] == ([1] if unreadable else [0] * len(counted))


def test_what_is_refused_is_in_the_log_with_its_key_and_never_with_its_token(sea, database, monkeypatch) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(route, "log", SimpleNamespace(warning=lambda event, **said: seen.append(said)))
    token, elsewhere = key(database), key(database, "siren", ["vessel"])
    forged = f"hd_{'0' * 8}_{'x' * 43}"
    assert push(sea.port, token, fix())[0] == 202
    for each in (None, "a guess", forged, elsewhere):
        push(sea.port, each, fix())
    push(sea.port, token, b"[]", content_type="text/plain")
    push(sea.port, token, b" " * ((1 << 20) + 1))
    expected = (
        (401, None),
        (401, None),
        (401, "0" * 8),
        (403, elsewhere[3:11]),
        (415, token[3:11]),
        (413, token[3:11]),
    )
    assert [(said["status"], said["key"]) for said in seen] == list(expected)
    assert {(said["layer"], said["client"]) for said in seen} == {("vms", "127.0.0.1")}
    assert not any(secret in str(seen) for secret in (token, elsewhere, forged, "a guess"))


def test_a_member_s_name_that_nobody_reads_is_told_in_short(sea, database) -> None:
    answer = push(sea.port, key(database), fix(**{"x" * 100_000: 1}))[1]
    assert answer["ignored"] == ["x" * 64]


def test_a_record_nested_as_deep_as_can_just_be_read_is_an_answer_all_the_same(sea, database) -> None:
    token = key(database)
    for depth in range(930, 1_000, 2):
        body = b'[{"x":' + b"[" * depth + b"]" * depth + b"}]"
        assert push(sea.port, token, body, idempotency_key=f"d{depth}")[0] in (400, 422)


def test_a_body_of_no_told_length_is_cut_off_where_it_is_too_long(sea, database) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key(database)}\r\n"
    head += "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", sea.port), timeout=30) as sock:
        sock.sendall(head.encode())
        for _ in range(17):
            sock.sendall(b"10000\r\n" + b" " * (1 << 16) + b"\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_body_that_never_comes_is_waited_for_a_while(sea, database, monkeypatch) -> None:
    monkeypatch.setattr(route, "BODY_WITHIN_S", 0.3)
    head = f"POST {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key(database)}\r\n"
    head += "content-type: application/json\r\ncontent-length: 100\r\n\r\n[1,"
    with socket.create_connection(("127.0.0.1", sea.port), timeout=30) as sock:
        sock.sendall(head.encode())
        assert sock.recv(4096).startswith(b"HTTP/1.1 408")


def test_a_key_may_ask_so_often_in_a_minute_and_others_are_not_kept_waiting(sea, database) -> None:
    token, other = key(database, per_minute=3), key(database, "viettel")
    found = [push(sea.port, token, fix(n)) for n in range(8)]  # two minutes at the most
    limited = [(status, headers) for status, _, headers in found if status == 429]
    assert 2 <= len(limited) <= 5
    assert all(1 <= int(headers["retry-after"]) <= 60 for _, headers in limited)
    assert push(sea.port, other, fix())[0] == 202


def test_the_same_id_again_is_told_to_be_there_and_stored_once(sea, database, work) -> None:
    token = key(database)
    first = push(sea.port, token, [fix(5, record_id="a"), fix(4, record_id="a"), fix(3)])[1]
    assert (first["accepted"], first["already"]) == (2, 1)
    # Not worked off yet: taken again, and stored once all the same.
    assert push(sea.port, token, fix(2, record_id="a"))[1]["accepted"] == 1
    work()
    again = push(sea.port, token, [fix(1, record_id="a"), fix(0.5, record_id="b")])[1]
    assert (again["received"], again["accepted"], again["already"]) == (2, 1, 1)
    # Of another sender it is another record.
    assert push(sea.port, key(database, "viettel"), fix(0.2, record_id="a"))[1]["accepted"] == 1
    # A second key of the same sender knows what was told by the first.
    assert push(sea.port, key(database), fix(0.1, record_id="a"))[1]["already"] == 1
    work()
    assert asked(database.web, "SELECT count(*) FROM vms_history") == [{"count": 4}]
    assert asked(database.web, "SELECT sum(rows) AS rows, sum(duplicates) AS twice FROM feed") == [
        {"rows": 4, "twice": 1}
    ]  # fmt: skip


def test_the_same_request_by_its_idempotency_key_is_one_batch(sea, database, work) -> None:
    token = key(database)
    body = [fix(5), fix(4), fix(3, speed="x")]
    assert push(sea.port, token, body, idempotency_key="r1")[1]["accepted"] == 2
    assert push(sea.port, token, body, idempotency_key="r1")[0] == 202  # before it is worked off
    work()
    status, answer, _ = push(sea.port, token, body, idempotency_key="r1")
    assert (status, answer["accepted"], answer["already"], len(answer["rejected"])) == (202, 0, 2, 1)
    work()
    assert feed(database) == {
        "received": 3, "accepted": 2, "rejected": {"value:speed": 1}, "positions": 2, "rows": 2, "duplicates": 0,
    }  # fmt: skip
    status, answer, _ = push(sea.port, token, [fix(1)], idempotency_key="r1")
    assert status == 409
    assert "Idempotency-Key" in answer["detail"]


def test_two_servers_that_hear_the_same_at_once_store_it_once(sea, serve, database, work) -> None:
    other, token = serve(), key(database)
    # Each try is another fix, so that nothing but its id could tell.
    tries = [(port, n) for n in range(40) for port in (sea.port, other.port)]

    def send(one: tuple[int, int]) -> int:
        port, n = one
        lon = 108.0 + (port == sea.port) * 0.001
        return push(port, token, [fix(60 - n, record_id=f"r{n}", lon=lon)])[0]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, tries)) == {202}
    work()
    assert asked(database.web, "SELECT count(*), count(DISTINCT observed_at) AS n FROM vms_history")[0]["count"] == 40
    counted = feed(database)
    assert counted["received"] == 80
    assert counted["rows"] + counted["duplicates"] == 80
    assert asked(database.web, "SELECT count(*) FROM told_record") == [{"count": 40}]


def test_while_redis_or_the_database_is_away_the_sender_is_told_so(serve, database, redis_server) -> None:
    site, token = serve(redis_url="redis://127.0.0.1:9/0"), key(database)
    status, answer, headers = push(site.port, token, fix())
    assert (status, headers["retry-after"]) == (503, "5")
    assert "send it again" in answer["detail"]
    with connected("postgresql://nobody@127.0.0.1:9/none") as nowhere:
        away = serve(engine=nowhere)
        status, answer, _ = push(away.port, token, fix())
    assert status == 503
    assert "database" in answer["detail"]


def test_what_one_sender_piles_up_is_bounded(sea, database, redis_server, monkeypatch) -> None:
    import redis

    monkeypatch.setattr(door, "BACKLOG_BYTES_MAX", 20_000)
    token, statuses = key(database), []
    while 503 not in statuses and len(statuses) < 40:
        statuses.append(push(sea.port, token, [fix(n) for n in range(30)])[0])
    assert set(statuses) == {202, 503}
    assert push(sea.port, key(database, "viettel"), fix())[0] == 202
    with redis.Redis.from_url(redis_server) as client:
        kept = client.xrange("haidang:raw:vms.push.vnpt")
    assert len(kept) == statuses.count(202)
    assert from_entry("vms.push.vnpt", kept[0][1]).peer == f"key {token[3:11]}"


def test_a_sender_whose_keys_are_closed_is_not_waited_for(sea, database, work) -> None:
    from geo.rule import rules
    from ingest.silence import judge_feeds

    token = key(database)
    assert push(sea.port, token, fix())[0] == 202
    work()
    later = datetime.now(UTC) + timedelta(hours=2)
    with connected(database.ingest) as ingest, ingest.begin() as connection:
        assert judge_feeds(connection, {}, rules(connection), later) == 1
        assert judge_feeds(connection, {}, rules(connection), later) == 0
    with connected(database.owner) as owner, owner.begin() as connection:
        api_key.disable(connection, token[3:11], Actor("Lan"), datetime.now(UTC))
    with connected(database.ingest) as ingest, ingest.begin() as connection:
        assert judge_feeds(connection, {}, rules(connection), later) == 1
        assert judge_feeds(connection, {}, rules(connection), later) == 0
    assert asked(database.web, "SELECT count(*) FROM alarm WHERE cleared_at IS NULL") == [{"count": 0}]


def test_the_documentation_has_the_one_schema_of_each_layer(sea) -> None:
    document = sea.get("/api/openapi.json")[1]
    found = document["paths"][PATH]["post"]
    assert "/api/v1/layers/vessel/records" not in document["paths"]
    content = found["requestBody"]["content"]
    one, several = content["application/json"]["schema"]["anyOf"]
    assert push(sea.port, key(sea.database), content["application/json"]["example"])[0] == 202  # what it shows is taken
    assert several["items"] == one
    assert set(one["required"]) == {"observed_at", "lon", "lat"}
    assert set(one["properties"]) == {
        "registration", "device", "observed_at", "lon", "lat", "speed", "course", "manual", "provider", "shipname",
        "callsign", "record_id",
    }  # fmt: skip
    assert one["properties"]["lat"]["minimum"] == -90
    assert "At least one of registration, device, callsign" in one["description"]
    assert {"202", "401", "403", "413", "415", "422", "429", "503"} <= set(found["responses"])
    schemes = document["components"]["securitySchemes"]
    assert {(each["type"], each.get("scheme"), each.get("name")) for each in schemes.values()} == {
        ("http", "bearer", None), ("apiKey", None, "X-API-Key"),
    }  # fmt: skip
