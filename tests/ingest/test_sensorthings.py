"""OGC SensorThings and OpenAQ: what servers of these kinds answer, page by page, becomes records of stations."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from geo.outgoing import Answer, Outgoing, OutgoingError
from ingest import poll
from ingest.environment import FEED
from ingest.feed import AddressError, RawBatch, Source, sources_of
from ingest.openaq import read as openaq
from ingest.poll import Poller
from ingest.sensorthings import NOT_SENSORTHINGS, read, whole

NOW = datetime.now(UTC).replace(microsecond=0)
ROOT = "https://sta.example.vn/FROST/v1.1"


def stamp(minutes: int) -> str:
    return f"{NOW - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def thing(number: int, **more: Any) -> dict[str, Any]:
    place = {"type": "Point", "coordinates": [107.5596, 16.4539]}
    return {
        "@iot.id": number,
        "@iot.selfLink": f"{ROOT}/Things({number})",
        "name": f"Trạm {number}",
        "Locations": [{"@iot.id": 1, "encodingType": "application/geo+json", "location": place}],
        **more,
    }


def stream(name: str, symbol: str, *observations: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "@iot.id": 7,
        "name": f"{name} raw",
        "unitOfMeasurement": {"name": "", "symbol": symbol, "definition": ""},
        "ObservedProperty": {"name": name, "definition": f"http://example.org/{name}"},
        "Observations": list(observations),
        "Observations@iot.nextLink": f"{ROOT}/Datastreams(7)/Observations?$skip=30",
        **more,
    }


def seen(minutes: int, result: Any, **more: Any) -> dict[str, Any]:
    return {"phenomenonTime": stamp(minutes), "resultTime": None, "result": result, **more}


def frame(records: list[Any]) -> Any:
    raw = b"\n".join(json.dumps(each).encode() for each in records)
    return FEED.decode(RawBatch("environment.test", "boot", 1, NOW.timestamp(), raw))


def test_a_list_of_datastreams_becomes_a_record_for_each_observation() -> None:
    answer = {
        "value": [
            stream("Water level", "cm", seen(10, 256), seen(0, 262.5), Thing=thing(1)),
            stream("PM2.5", "ug/m3", seen(0, 31.5), Thing=thing(2, properties={"code": "HUE-AQ-01"})),
        ]
    }
    page = read(answer)
    assert page.following is None
    found = frame(list(page.records))
    assert not found.letters
    rows = found.frame
    assert rows["id"].tolist() == ["sta.example.vn/FROST/v1.1/Things(1)"] * 2 + ["HUE-AQ-01"]
    assert rows["water_m"].tolist()[:2] == pytest.approx([2.56, 2.625])
    assert rows["pm25"].tolist()[2] == 31.5
    assert (rows["lon"].iloc[0], rows["lat"].iloc[0]) == (107.5596, 16.4539)
    assert rows["observed_at"].tolist() == [NOW - timedelta(minutes=10), NOW, NOW]
    assert rows["name"].tolist()[0] == "Trạm 1"


def test_things_and_observations_are_read_the_other_way_round() -> None:
    by_thing = {"value": [thing(1, Datastreams=[stream("NO2", "ppb", seen(0, 10))])]}
    inner = {name: value for name, value in stream("NO2", "ppb").items() if not name.startswith("Observations")}
    by_observation = {"value": [seen(0, 10, Datastream={**inner, "Thing": thing(1)})]}
    one, other = (list(read(answer).records) for answer in (by_thing, by_observation))
    assert one == other
    assert frame(one).frame["no2"].tolist() == pytest.approx([18.82], abs=0.01)


def test_of_a_span_of_time_its_end_counts_and_a_result_time_stands_in() -> None:
    span = {"phenomenonTime": f"{stamp(60)}/{stamp(0)}", "result": 20}
    late = {"phenomenonTime": None, "resultTime": stamp(5), "result": 20}
    records = read(stream("pm25", "µg/m³", span, late, Thing=thing(1))).records
    assert [each["observed_at"] for each in records] == [stamp(0), stamp(5)]


def test_what_cannot_be_taken_is_refused_by_its_member_and_the_rest_is_taken() -> None:
    answer = {
        "value": [
            stream("Wind", "m/s", seen(0, 3), Thing=thing(1)),
            stream("PM2.5", "furlong", seen(0, 3), Thing=thing(1)),
            stream("PM2.5", "ug/m3", seen(0, "n/a"), seen(1, 30), Thing=thing(1)),
            stream("PM10", "ug/m3", seen(0, 44), Thing={}),
            17,
            {"odd": True},
        ]
    }
    found = frame(list(read(answer).records))
    assert found.account.received == 7
    assert found.frame["pm25"].tolist() == [30]
    refused = {"parameter": 1, "unit": 1, "value:value": 1, "key": 2, "not_json": 1}
    assert dict(found.account.rejected) == refused


@pytest.mark.parametrize("answer", [None, [], 5, "x", {"value": 5}, {"value": {"a": 1}}])
def test_what_is_no_answer_of_such_a_server_is_refused_as_a_whole(answer: Any) -> None:
    with pytest.raises(poll.Refused, match=NOT_SENSORTHINGS):
        read(answer)


@pytest.mark.parametrize("seed", range(10))
def test_any_json_in_any_place_does_no_harm(seed: int) -> None:
    from random import Random

    random = Random(seed)
    odd: list[Any] = [
        None,
        True,
        -1,
        1e300,
        "",
        "x",
        [],
        [[]],
        {},
        {"type": "Point"},
        {"type": "Point", "coordinates": 3},
    ]

    def mangled(value: Any) -> Any:
        if random.random() < 0.12:
            return random.choice(odd)
        if isinstance(value, dict):
            return {name: mangled(each) for name, each in value.items()}
        return [mangled(each) for each in value] if isinstance(value, list) else value

    whole_answer = {"value": [stream("Water level", "cm", seen(0, 256), Thing=thing(n)) for n in range(3)]}
    for _ in range(30):
        try:
            records = list(read(mangled(whole_answer)).records)
        except poll.Refused:
            continue
        found = frame(records)
        assert found.account.received == found.account.accepted + found.account.rejected.total() == len(records)


def test_a_services_root_is_asked_for_its_datastreams_and_any_other_address_as_it_is() -> None:
    asked = urlsplit(whole(f"{ROOT}/"))
    assert asked.path == "/FROST/v1.1/Datastreams"
    assert " " not in asked.query
    words = parse_qs(asked.query)["$expand"][0]
    assert words.startswith("ObservedProperty,Thing($expand=Locations),Observations($orderby=phenomenonTime desc;$top=")
    assert unquote(asked.query).count("(") == unquote(asked.query).count(")")
    for own in (f"{ROOT}/Things?$top=5", f"{ROOT}?x=1", "https://x.vn/api"):
        assert whole(own) == own


@dataclass
class Server:
    """Answers by address in turn; what it has no answer for is away."""

    pages: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sent: list[Mapping[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def secret(self, name: str) -> str:
        return Outgoing(secrets={"openaq": "openaq's own"}).secret(name)

    def request(self, method: str, url: str, headers: Mapping[str, str], body: None, most: int) -> Answer:
        self.asked.append(url)
        self.sent.append(headers)
        told = self.pages.get(url)
        if told is None:
            raise OutgoingError(f"{url} did not answer within 5 s")
        if isinstance(told, int):
            return Answer(told, b"", {})
        raw = told if isinstance(told, bytes) else json.dumps(told).encode()
        return Answer(200, raw, {"content-type": "application/json", **self.headers})


class Heard:
    """A peer that keeps what it is given."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def feed(self, data: bytes) -> None:
        raise AssertionError

    def datagram(self, data: bytes) -> None:
        self.lines.append(json.loads(data))

    def close(self) -> None:
        raise AssertionError


def source(address: str) -> Source:
    return sources_of(FEED, {"environment": [address]}, {})[0]


@dataclass
class Asking:
    """A poller of a server that the test plays."""

    server: Server
    heard: Heard = field(default_factory=Heard)
    faults: Counter[str] = field(default_factory=Counter)
    poller: Any = None

    def turn(self) -> float:
        return asyncio.run(self.poller._turn(self.heard))


def asking(server: Server, address: str = f"{ROOT}#form=sensorthings&every=60") -> Asking:
    made = Asking(server)
    of: Any = server
    made.poller = Poller(source(address), of, lambda name, count: made.faults.update({name: count}))
    return made


FIRST = whole(ROOT)
SECOND, THIRD = f"{FIRST}&$skip=1", f"{FIRST}&$skip=2"


def page(number: int, following: str | None = None, minutes: int = 0) -> dict[str, Any]:
    alone = stream("pm25", "ug/m3", seen(minutes, 20 + number), Thing=thing(number))
    del alone["Observations@iot.nextLink"]
    told: dict[str, Any] = {"value": [alone]}
    return told | ({"@iot.nextLink": following} if following else {})


def test_pages_are_read_to_their_end_and_what_was_read_before_is_not_handed_on_again() -> None:
    server = Server({FIRST: page(1, SECOND), SECOND: page(2, THIRD), THIRD: page(3)}, headers={"etag": '"1"'})
    one = asking(server)
    assert one.turn() == 60
    assert [each["value"] for each in one.heard.lines] == [21, 22, 23]
    assert len({each["record_id"] for each in one.heard.lines}) == 3
    assert one.turn() == 60
    assert len(one.heard.lines) == 3
    assert server.asked == [FIRST, SECOND, THIRD] * 2
    # Of several pages the first one's standing still says nothing of the others.
    assert all("If-None-Match" not in sent for sent in server.sent)
    server.pages[SECOND] = page(2, THIRD, minutes=-1)
    one.turn()
    assert len(one.heard.lines) == 4
    assert not one.faults


def test_one_page_is_asked_for_conditionally() -> None:
    server = Server({FIRST: page(1)}, headers={"etag": '"1"'})
    one = asking(server)
    one.turn()
    server.pages[FIRST] = 304
    assert one.turn() == 60
    assert server.sent[1]["If-None-Match"] == '"1"'
    assert not one.faults


def test_a_server_that_errs_or_hangs_in_the_middle_is_survived_and_told_of() -> None:
    server = Server({FIRST: page(1, SECOND), SECOND: 500, THIRD: page(3)})
    one = asking(server)
    assert [one.turn() for _ in range(3)] == [60, 120, 240]
    assert [each["value"] for each in one.heard.lines] == [21]  # what was there is not lost, and told once
    del server.pages[SECOND]
    one.turn()
    assert one.faults == {"poll_500": 3, "poll_failed": 1}
    server.pages[SECOND] = page(2, THIRD)
    assert one.turn() == 60
    assert [each["value"] for each in one.heard.lines] == [21, 22, 23]
    assert one.poller._failures == 0


@pytest.mark.parametrize(
    ("following", "fault"),
    [
        ("https://evil.example.vn/FROST/v1.1/Datastreams?$skip=1", "poll_next_elsewhere"),
        ("http://sta.example.vn/FROST/v1.1/Datastreams?$skip=1", "poll_next_elsewhere"),
        ("https://sta.example.vn:8443/x", "poll_next_elsewhere"),
        ("file:///etc/passwd", "poll_next_elsewhere"),
        ("//[", "poll_next_elsewhere"),
        (FIRST, "poll_endless"),
    ],
)
def test_pages_lead_nowhere_else_and_not_in_a_ring(following: str, fault: str) -> None:
    server = Server({FIRST: page(1, following)})
    one = asking(server)
    one.turn()
    assert one.faults == {fault: 1}
    assert server.asked == [FIRST]
    assert len(one.heard.lines) == 1


def test_a_server_whose_pages_never_end_is_left_at_some_point(monkeypatch) -> None:
    monkeypatch.setattr(poll, "PAGES_MAX", 5)
    server = Server(
        {FIRST: page(0, f"{FIRST}&n=1")} | {f"{FIRST}&n={n}": page(n, f"{FIRST}&n={n + 1}") for n in range(1, 9)}
    )
    one = asking(server)
    one.turn()
    assert one.faults == {"poll_endless": 1}
    assert len(server.asked) == 5


PAST = f"{ROOT}/Datastreams(7)/Observations?$skip="


def minutes(first: int) -> list[dict[str, Any]]:
    """Thirty observations, a minute apart, the newest first."""
    return [seen(minute, minute) for minute in range(first, first + 30)]


def an_hour_later() -> tuple[Server, Asking]:
    """A server that was read an hour ago and not since."""
    server = Server({FIRST: {"value": [stream("pm25", "ug/m3", *minutes(60), Thing=thing(1))]}})
    one = asking(server, f"{ROOT}#form=sensorthings&every=60&river=kim_long")
    one.turn()
    server.pages[FIRST] = {"value": [stream("pm25", "ug/m3", *minutes(0), Thing=thing(1))]}
    server.pages[f"{PAST}30"] = {"value": minutes(30), "@iot.nextLink": f"{PAST}60"}
    server.pages[f"{PAST}60"] = {"value": minutes(60), "@iot.nextLink": f"{PAST}90"}
    return server, one


def test_what_was_measured_while_nobody_asked_is_read_back_to_what_is_known_and_no_further() -> None:
    server, one = an_hour_later()
    assert server.asked == [FIRST]  # of a server that is new the past is not asked for
    assert one.turn() == 60
    assert server.asked[1:] == [FIRST, f"{PAST}30", f"{PAST}60"]
    assert sorted(each["value"] for each in one.heard.lines) == list(range(90))
    assert len({each["record_id"] for each in one.heard.lines}) == 90
    assert {(each["id"], each["parameter"], each["river"]) for each in one.heard.lines} == {
        ("sta.example.vn/FROST/v1.1/Things(1)", "pm25", "kim_long")
    }
    one.turn()
    assert server.asked[4:] == [FIRST]
    assert len(one.heard.lines) == 90
    assert not one.faults


@pytest.mark.parametrize("older", [500, None, b"<html>", {"value": minutes(30), "@iot.nextLink": "https://evil.vn/"}])
def test_what_is_missed_of_the_past_is_told_of_and_costs_no_more(older: Any) -> None:
    server, one = an_hour_later()
    one.heard.datagram = lambda data: None  # type: ignore[method-assign] # of one of them it is no JSON
    server.pages[f"{PAST}30"] = older
    assert one.turn() == 60
    assert one.faults == {"poll_gap": 1}
    one.turn()
    assert server.asked[2:] == [f"{PAST}30", FIRST]


def test_of_the_past_no_more_is_asked_for_at_once_than_so_many_pages(monkeypatch) -> None:
    monkeypatch.setattr(poll, "OLDER_PAGES_MAX", 1)
    server, one = an_hour_later()
    one.turn()
    assert server.asked[1:] == [FIRST, f"{PAST}30"]
    assert one.faults == {"poll_gap": 1}


@pytest.mark.parametrize(
    ("meta", "cut"),
    [
        ({"page": 1, "limit": 100, "found": 8}, False),
        ({"page": 1, "limit": 1, "found": 158}, True),
        ({"page": 2, "limit": 100, "found": 200}, False),
        ({"page": 1, "limit": 100, "found": ">100"}, True),
        ({"page": None, "limit": "x", "found": 8}, False),
        (None, False),
    ],
)
def test_an_answer_of_openaq_that_tells_a_part_alone_is_told_of(meta: Any, cut: bool) -> None:
    one = asking(Server({"https://x.vn/y": {"meta": meta, "results": []}}), "https://x.vn/y#form=openaq&every=60")
    assert one.turn() == 60
    assert one.faults == ({"poll_cut": 1} if cut else {})


def test_an_answer_that_is_none_is_one_line_that_is_refused_and_kept() -> None:
    one = asking(Server({FIRST: b"<html>gone</html>"}))
    heard: list[bytes] = []
    one.heard.datagram = heard.append  # type: ignore[method-assign] # it is no JSON
    one.turn()
    assert heard == [b'{"<html>gone</html>"']


def test_openaq_answers_of_both_versions_become_records() -> None:
    place = {"latitude": 16.46, "longitude": 107.59}
    two = {"results": [{"location": "Huế", "coordinates": place, "measurements": [
        {"parameter": "pm25", "value": 31, "lastUpdated": stamp(0), "unit": "µg/m³"},
        {"parameter": "o3", "value": 0.03, "lastUpdated": stamp(0), "unit": "ppm"},
    ]}]}  # fmt: skip
    measured = {"results": [{"locationId": 8, "location": "Huế", "parameter": "pm25", "value": 30, "unit": "µg/m³",
                             "date": {"utc": stamp(5), "local": "x"}, "coordinates": place}]}  # fmt: skip
    hour = {"datetimeFrom": {"utc": stamp(60)}, "datetimeTo": {"utc": stamp(0)}}
    named = {"id": 2, "name": "pm25", "units": "µg/m³"}
    three = {"results": [{"value": 29, "parameter": named, "coordinates": None, "period": hour}]}
    server = Server()
    address = "https://api.example.org/v3/sensors/5/hours"
    one = asking(server, f"{address}#form=openaq&id=HUE-US-01&name=Lãnh sự")
    for told in (two, measured, three):
        server.pages[address] = told
        one.turn()
    found = frame(one.heard.lines)
    assert not found.letters
    rows = found.frame
    assert rows["id"].tolist() == ["Huế", "Huế", "8", "HUE-US-01"]
    assert rows["pm25"].dropna().tolist() == [31, 30, 29]
    assert rows["o3"].dropna().tolist() == pytest.approx([58.9], abs=0.1)
    assert rows["observed_at"].tolist()[3] == NOW


def test_a_key_is_shown_in_the_header_that_the_address_names_and_kept_elsewhere() -> None:
    server = Server({"https://x.vn/y": {"results": []}})
    one = asking(server, "https://x.vn/y#form=openaq&header=X-API-Key&secret=openaq")
    one.turn()
    assert server.sent[0]["X-API-Key"] == "openaq's own"
    missing = asking(server, "https://x.vn/y#form=openaq&header=X-API-Key&secret=other")
    missing.turn()
    assert missing.faults == {"poll_failed": 1}
    assert len(server.sent) == 1
    for wrong in ("header=X-API-Key", "secret=openaq", "header=a:b&secret=openaq"):
        with pytest.raises(AddressError, match="header"):
            source(f"https://x.vn/y#{wrong}")


def test_a_form_that_a_feed_does_not_know_is_named_with_those_that_it_knows() -> None:
    with pytest.raises(AddressError, match=r"no #form=soap; it knows: sensorthings, openaq"):
        source("https://x.vn/y#form=soap")
    assert source("https://x.vn/y#form=openaq&river=kim_long").given == {"river": "kim_long"}
    assert source("https://x.vn/y").form is None


def real(shared_data: Path, name: str) -> Any:
    return json.loads((shared_data / "sensors" / name).read_text("utf-8"))


def test_real_answers_of_openaq_are_read(shared_data: Path) -> None:
    at = datetime(2024, 8, 27, tzinfo=UTC).timestamp()
    measured = openaq(real(shared_data, "openaq/responses_measurements.json")).records
    sensors = openaq(real(shared_data, "openaq/responses_sensors.json")).records
    raw = b"\n".join(json.dumps({"id": "DEL-NORTE", **each}).encode() for each in [*measured, *sensors])
    found = FEED.decode(RawBatch("environment.test", "boot", 1, at, raw))
    # Nitric oxide and all nitrogen oxides together are nothing that the index asks for.
    assert dict(found.account.rejected) == {"parameter": 2}
    rows = found.frame
    assert rows["pm25"].dropna().tolist() == [6.0, 7.5, 4.1]
    assert rows["observed_at"].tolist()[:2] == [datetime(2023, 10, 16, hour, tzinfo=UTC) for hour in (13, 14)]
    assert rows["no2"].dropna().tolist() == pytest.approx([1.317], abs=0.001)  # 0.0007 ppm
    assert rows["lat"].dropna().unique().tolist() == [35.1353]
    assert rows[["so2", "co", "o3", "pm10"]].notna().sum().tolist() == [1, 1, 1, 1]


def test_real_entities_of_a_sensorthings_server_are_read(shared_data: Path) -> None:
    thing = real(shared_data, "frost/entitiesDefault.json")
    records = list(read({"value": [{"@iot.id": 1, **thing}]}).records)
    assert [each["value"] for each in records] == [3, 4, 5, 6]
    assert {(each["lon"], each["lat"]) for each in records} == {(-117.05, 51.05)}
    assert {each["id"] for each in records} == {1}
    found = frame(records)
    assert dict(found.account.rejected) == {"parameter": 4}  # light, and a temperature that is misspelt
    guide = real(shared_data, "frost/example_entities.json")
    stream = {**guide["Datastream"], "ObservedProperty": guide["ObservedProperty"], "Thing": {"@iot.id": 999}}
    (one,) = read({**guide["Observation"], "Datastream": stream}).records
    assert (one["parameter"], one["unit"], one["value"]) == ("Temperature", "°C", 49)
