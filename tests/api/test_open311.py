"""Open311 GeoReport v2, by the specification's own examples, asked as a client of another maker would ask."""

import http.client
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa

from api.open311_form import Fault, answer, fields, listed, moment
from tests.api.pushing import key
from tests.connections import connected, told

V2 = "/open311/v2"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
# The specification's example of a POST, with a place and a service of here.
EXAMPLE = {
    "jurisdiction_id": "city.gov", "service_code": "lamp", "lat": "16.4637", "long": "107.5905",
    "address_string": "1234 5th street", "email": "smit333@sfgov.edu", "device_id": "tt222111", "account_id": "123456",
    "first_name": "john", "last_name": "smith", "phone": "0911111111",
    "description": "A large sinkhole is destroying the street",
    "media_url": "http://farm3.static.flickr.com/2002/2212426634_5ed477a060.jpg", "attribute[fault]": "out",
    "attribute[pole]": "T12/3",
}  # fmt: skip
PERSONAL = ("smit333", "tt222111", "123456", "john", "smith", "0911111111", "911111111", "farm3")
# Members of each answer, as the specification lists them.
SERVICE = {"service_code", "service_name", "description", "metadata", "type", "keywords", "group"}
ATTRIBUTE = {"variable", "code", "datatype", "required", "datatype_description", "order", "description"}
REQUEST = {
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description", "agency_responsible",
    "service_notice", "requested_datetime", "updated_datetime", "expected_datetime", "address", "address_id", "zipcode",
    "lat", "long", "media_url",
}  # fmt: skip
W3 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def site(serve):
    return serve()


@pytest.fixture
def token(database, site):
    return key(database, "hue-s", ["report"])


def ask(site: Any, method: str, path: str, body: bytes | None = None, kind: str = FORM) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    try:
        connection.request(method, V2 + path, body, {"content-type": kind} if body is not None else {})
        told = connection.getresponse()
        return told.status, told.headers["content-type"], told.read()
    finally:
        connection.close()


def got(site: Any, path: str) -> Any:
    status, kind, body = ask(site, "GET", path)
    assert (status, kind) == (200, "application/json; charset=utf-8"), body
    return json.loads(body)


def send(site: Any, token: str | None, fmt: str = "json", **change: str | None) -> tuple[int, str, bytes]:
    given = {**({"api_key": token} if token else {}), **EXAMPLE, **change}
    body = urlencode({name: value for name, value in given.items() if value is not None}).encode()
    return ask(site, "POST", f"/requests.{fmt}", body)


def sent(site: Any, token: str, **change: str | None) -> str:
    status, _, body = send(site, token, **change)
    assert status == 200, body
    return str(json.loads(body)[0]["service_request_id"])


def errors(fmt: str, body: bytes) -> list[dict[str, Any]]:
    if fmt == "json":
        return list(json.loads(body))
    root = ElementTree.fromstring(body)
    assert root.tag == "errors"
    return [{child.tag: child.text for child in error} for error in root]


def test_discovery_names_the_endpoint_in_both_formats(site) -> None:
    assert site.get("/open311/discovery.json")[1] == got(site, "/discovery.json")
    status, kind, body = ask(site, "GET", "/discovery.xml")
    assert (status, kind) == (200, "text/xml; charset=utf-8")
    root = ElementTree.fromstring(body)
    assert [child.tag for child in root] == ["changeset", "contact", "key_service", "endpoints"]
    (endpoint,) = root.findall("endpoints/endpoint")
    assert endpoint.findtext("specification") == "http://wiki.open311.org/GeoReport_v2"
    assert [one.text for one in endpoint.findall("formats/format")] == ["text/xml", "application/json"]
    told = got(site, "/discovery.json")
    assert told["endpoints"][0]["url"].endswith("/open311/v2")
    assert told["endpoints"][0]["type"] in ("production", "test")


def test_services_and_a_definition_have_the_members_of_the_specification(site) -> None:
    services = got(site, "/services.json")
    assert len(services) >= 10
    assert all(set(one) == SERVICE and one["type"] == "realtime" for one in services)
    status, _, body = ask(site, "GET", "/services.xml?jurisdiction_id=hue.gov.vn")
    root = ElementTree.fromstring(body)
    assert body.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    assert (status, root.tag, {one.tag for one in root}) == (200, "services", {"service"})
    assert [one.findtext("service_code") for one in root] == [one["service_code"] for one in services]
    assert {one.findtext("metadata") for one in root} == {"true", "false"}
    definition = got(site, "/services/lamp.json")
    assert definition["service_code"] == "lamp"
    assert all(ATTRIBUTE <= set(one) <= ATTRIBUTE | {"values"} for one in definition["attributes"])
    assert [one["order"] for one in definition["attributes"]] == [1, 2]
    root = ElementTree.fromstring(ask(site, "GET", "/services/lamp.xml")[2])
    assert root.tag == "service_definition"
    assert [one.text for one in root.findall("attributes/attribute/values/value/key")] == [
        "out",
        "blink",
        "day",
        "down",
    ]
    for service in services:
        assert got(site, f"/services/{service['service_code']}.json")["attributes"] or not service["metadata"]


@pytest.mark.parametrize("fmt", ["xml", "json"])
def test_the_specifications_own_post_is_answered_with_a_number(site, token, fmt: str) -> None:
    status, kind, body = send(site, token, fmt)
    assert status == 200
    if fmt == "xml":
        assert kind == "text/xml; charset=utf-8"
        root = ElementTree.fromstring(body)
        (request,) = root.findall("request")
        assert (root.tag, [one.tag for one in request]) == (
            "service_requests", ["service_request_id", "service_notice", "account_id"],
        )  # fmt: skip
        number = request.findtext("service_request_id")
    else:
        (request,) = json.loads(body)
        assert set(request) == {"service_request_id", "service_notice", "account_id"}
        number = request["service_request_id"]
    (row,) = got(site, f"/requests/{number}.json")
    assert set(row) == REQUEST
    assert (row["service_request_id"], row["status"], row["service_code"]) == (number, "open", "lamp")
    assert all(W3.fullmatch(row[name]) for name in ("requested_datetime", "updated_datetime", "expected_datetime"))
    assert got(site, f"/tokens/{number}.json") == [{"service_request_id": number, "token": number}]


def test_what_nobody_has_published_is_told_without_its_words_and_place(site, token, database) -> None:
    number = sent(site, token)
    (row,) = got(site, f"/requests/{number}.json")
    assert [row[name] for name in ("description", "address", "lat", "long")] == [None] * 4
    told(database.owner, "UPDATE report SET published_at = now(), status = 'published', stage = 7")
    (row,) = got(site, f"/requests/{number}.json")
    assert row["status"] == "closed"
    assert row["description"] == EXAMPLE["description"]
    assert (row["lat"], row["long"]) == (16.4637, 107.5905)
    root = ElementTree.fromstring(ask(site, "GET", f"/requests/{number}.xml")[2])
    assert [one.tag for one in root.find("request")] == list(row)  # type: ignore[union-attr]  # it is there


def test_promise_12_no_answer_here_tells_who_sent_it(site, token, database) -> None:
    number = sent(site, token, description="Gọi cho tôi 0911111111, smit333@sfgov.edu")
    told(database.owner, "UPDATE report SET published_at = now()")
    for path in ("/requests", f"/requests/{number}", f"/tokens/{number}"):
        for fmt in ("xml", "json"):
            body = ask(site, "GET", f"{path}.{fmt}")[2].decode()
            assert not [secret for secret in PERSONAL if secret in body.replace(" ", "")], (path, fmt)
    for path in ("/api/v1/layers/report/features", f"/api/v1/layers/report/features/{number}", "/api/v1/search?q=john"):
        text = json.dumps(site.get(path)[1], ensure_ascii=False)
        assert not [secret for secret in PERSONAL if secret in text], path


@pytest.mark.parametrize("fmt", ["xml", "json"])
@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"api_key": "hd_wrong"}, 403, "api_key"), ({"service_code": None}, 400, "service_code was not provided"),
        ({"service_code": "033"}, 404, "service_code 033 was not found"),
        ({"lat": None}, 400, "lat"), ({"lat": "north"}, 400, "lat must be degrees"),
        ({"lat": "17.2", "long": "108.6"}, 400, "lat and long"), ({"lat": "nan"}, 400, "lat"),
        ({"lat": None, "long": None, "address_string": " "}, 400, "address_string"),
        ({"description": ""}, 400, "description"), ({"description": "x" * 4_001}, 400, "at most 4000"),
        ({"attribute[fault]": ""}, 400, "attribute[fault]"), ({"attribute[fault]": "on"}, 400, "one of out"),
        ({"media_url": "javascript:alert(1)"}, 400, "media_url"), ({"email": "x" * 200}, 400, "email"),
    ],
)  # fmt: skip
def test_an_error_is_shaped_by_the_specification_and_names_the_argument(
    site, token, fmt: str, change: dict[str, str | None], status: int, words: str
) -> None:
    answered, _, body = send(site, token, fmt, **change)
    (error,) = errors(fmt, body)
    assert set(error) == {"code", "description"}
    assert (answered, str(error["code"])) == (status, str(status))
    assert words in error["description"]
    assert got(site, "/requests.json") == []


def test_without_a_key_or_with_one_for_something_else_nothing_is_taken(site, token, database) -> None:
    assert send(site, None)[0] == 403
    assert send(site, key(database, "cam", ["camera_event"]))[0] == 403
    assert send(site, token)[0] == 200


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff=\xfe", FORM), (b"{}", FORM), (b"a&b", FORM), (b"x=1&" * 300, FORM), (b"a=" + b"x" * 70_000, FORM),
        (b"{}", "application/json"), (b"", FORM), (b"api_key=%00&service_code=%00", FORM),
    ],
)  # fmt: skip
def test_a_body_that_is_no_form_is_an_error_and_nothing_breaks(site, token, body: bytes, kind: str) -> None:
    status, _, told_body = ask(site, "POST", "/requests.xml", body, kind)
    assert status in (400, 403)
    assert errors("xml", told_body)


@pytest.mark.parametrize(
    "path",
    ["/services/033.xml", "/requests/638344.xml", "/tokens/123.json", "/services.csv", "/services", "/nothing.xml",
     "/requests/%00.xml", "/tokens/%00.json"],
)  # fmt: skip
def test_what_is_not_there_is_404_in_the_specifications_shape(site, path: str) -> None:
    status, _, body = ask(site, "GET", path)
    assert status == 404
    assert errors("json" if path.endswith("json") else "xml", body)


def test_a_question_is_answered_by_span_service_status_and_numbers(site, token, database) -> None:
    now = datetime.now(UTC)
    lamps = [sent(site, token, account_id=None, device_id=None) for _ in range(3)]
    tree = sent(site, token, service_code="tree", account_id=None, device_id=None)
    ages = dict(zip([*lamps, tree], (1, 40, 200, 2), strict=True))
    for number, days in ages.items():
        told(
            database.owner, "UPDATE report SET opened_at = :at WHERE id = :id", at=now - timedelta(days=days), id=number
        )
    told(
        database.owner, "UPDATE report SET status = 'closed', stage = 8, closed_at = now() WHERE id = :id", id=lamps[1]
    )

    def numbers(**asked: str) -> list[str]:
        return [row["service_request_id"] for row in got(site, "/requests.json?" + urlencode(asked))]

    assert numbers() == [lamps[0], tree, lamps[1]]  # the most recent 90 days
    assert numbers(service_code="tree") == [tree]
    assert numbers(service_code="tree,lamp", status="open") == [lamps[0], tree]
    assert numbers(status="closed") == [lamps[1]]
    assert numbers(status="open,closed", service_code="") == [lamps[0], tree, lamps[1]]
    assert numbers(
        start_date=f"{now - timedelta(days=210):%FT%TZ}", end_date=f"{now - timedelta(days=190):%FT%TZ}"
    ) == [lamps[2]]
    assert numbers(start_date=f"{now - timedelta(days=210):%FT%TZ}") == [lamps[2]]
    assert numbers(end_date=f"{now - timedelta(days=39):%FT%T}+00:00") == [lamps[1]]
    assert sorted(numbers(service_request_id=f"{lamps[2]}, {tree}", status="closed")) == sorted([lamps[2], tree])


@pytest.mark.parametrize(
    "query",
    ["start_date=2010-05-24", "end_date=yesterday", "start_date=2026-13-01T00:00:00Z", "status=done",
     "start_date=2026-01-01T00:00:00Z&end_date=2026-06-01T00:00:00Z",
     "start_date=2026-02-01T00:00:00Z&end_date=2026-01-01T00:00:00Z", "start_date=0001-01-01T00:00:00%2B23:59",
     "end_date=1969-01-01T00:00:00Z", "start_date=9999-12-31T00:00:00Z"],
)  # fmt: skip
def test_a_question_that_cannot_be_answered_says_why(site, query: str) -> None:
    status, _, body = ask(site, "GET", f"/requests.xml?{query}")
    assert status == 400
    assert errors("xml", body)[0]["description"]


def test_at_most_a_thousand_are_told(site, token, database) -> None:
    sent(site, token)
    copy = ("INSERT INTO report SELECT (jsonb_populate_record(r, jsonb_build_object('id', 'X' || n))).* FROM report r,"
            " generate_series(1, 1200) AS n")  # fmt: skip
    told(database.owner, copy)
    assert len(got(site, "/requests.json")) == 1_000


def test_one_person_who_floods_is_stopped_and_others_are_not(site, token) -> None:
    told_codes = [send(site, token)[0] for _ in range(12)]
    assert told_codes == [200] * 10 + [400] * 2
    status, _, body = send(site, token)
    assert (status, errors("json", body)[0]["code"]) == (400, 429)
    assert send(site, token, account_id="another")[0] == 200


def test_text_of_strangers_is_text_in_both_formats(site, token, database) -> None:
    words = "<script>alert(1)</script> & ]]> \x0b\x00 \ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")
    number = sent(site, token, description=words)
    told(database.owner, "UPDATE report SET published_at = now()")
    root = ElementTree.fromstring(ask(site, "GET", f"/requests/{number}.xml")[2])
    assert root.findtext("request/description") == "<script>alert(1)</script> & ]]> 😀"
    (row,) = got(site, f"/requests/{number}.json")
    assert row["description"] == "<script>alert(1)</script> & ]]> 😀"


def test_the_forms_of_a_question() -> None:
    plain, answers = fields(b"a=1&attribute[x]=2&attribute[y][]=3&attribute[y][]=4&b=", "api_key=k&a=0")
    assert (plain, answers) == ({"api_key": "k", "a": "1"}, {"x": ["2"], "y": ["3", "4"]})
    assert listed(" a,,b ,a\0") == ["a", "b"]
    assert listed(" , ") is None
    assert moment("2010-01-01T07:00:00+07:00", "x") == datetime(2010, 1, 1, tzinfo=UTC)
    assert moment("2010-01-01T07:00:00 07:00", "x") == datetime(2010, 1, 1, tzinfo=UTC)
    assert moment(" ", "x") is None
    with pytest.raises(Fault):
        moment("2010-01-01T07:00:00", "x")


def test_an_answer_in_xml_is_well_formed_whatever_is_in_it() -> None:
    made = answer("xml", "services", "service", [{"a": "\x01\x08\ufffe<&>", "b": None, "c": True, "d": 1.5}])
    (service,) = ElementTree.fromstring(bytes(made.body))
    assert {one.tag: one.text for one in service} == {"a": "<&>", "b": None, "c": "true", "d": "1.5"}


def test_the_key_of_a_report_says_nothing_of_how_many_there_are(site, token, database) -> None:
    numbers = [sent(site, token, account_id=None, device_id=None) for _ in range(3)]
    assert all(re.fullmatch(r"PA\d\d-[2-9B-DF-HJKMNP-TV-Z]{8}", number) for number in numbers)
    assert quote(numbers[0]) == numbers[0]
    with connected(database.owner) as owner, owner.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(DISTINCT secret) FROM report_reporter")) == 3


def test_promise_06_every_report_is_counted_and_of_what_is_refused_no_person_is_kept(site, token, database) -> None:
    sent(site, token)
    for change in ({"service_code": "033"}, {"lat": "17.2", "long": "108.6"}, {"description": ""}):
        assert send(site, token, **change)[0] in (400, 404)
    with connected(database.owner) as owner, owner.connect() as connection:
        row = connection.execute(sa.text("SELECT * FROM feed WHERE source = 'report.push.hue-s'")).mappings().one()
        letters = connection.execute(sa.text("SELECT reason, convert_from(raw, 'UTF8') AS raw FROM dead_letter")).all()
    assert row["rejected"] == {"value:category": 1, "value:place": 1, "value:words": 1}
    assert (row["received"], row["accepted"]) == (4, 1)
    assert sorted(letter.reason for letter in letters) == sorted(row["rejected"])
    assert not [secret for secret in PERSONAL for letter in letters if secret in letter.raw]


@pytest.mark.parametrize("fmt", ["json", "xml"])
def test_who_asks_for_extensions_is_told_by_what_its_sender_follows_and_rates_it(site, token, fmt: str) -> None:
    body = urlencode({**EXAMPLE, "api_key": token, "extensions": "true"}).encode()
    status, _, data = ask(site, "POST", f"/requests.{fmt}", body)
    assert status == 200
    if fmt == "json":
        (told,) = json.loads(data)
        number, more = told["service_request_id"], told["extended_attributes"]
    else:
        request = ElementTree.fromstring(data)[0]
        number = request.findtext("service_request_id")
        more = {one.tag: one.text for one in request.find("extended_attributes") or ()}
    assert more["follow_url"].endswith(f"/public/reports/follow?number={number}")
    form = urlencode({"number": number, "secret": more["secret"]}).encode()
    status, page = site.ask("POST", "/public/reports/follow", form, content_type="application/x-www-form-urlencoded")
    assert status == 200
    assert 'aria-current="step"' in page
    assert more["secret"] not in ask(site, "GET", f"/requests/{number}.{fmt}?extensions=true")[2].decode()
