from datetime import UTC, datetime
from pathlib import Path

import pytest

from geo import cap
from geo.cap import Alert, Fault, NotCap
from ingest.cap import MOST_ALERTS, Document, find

ADDRESS = "http://warnings.example/cap/feed.atom"
ALERT = Alert(
    identifier="hue-1",
    sender="ubnd@hue.gov.vn",
    sent=datetime(2026, 11, 29, tzinfo=UTC),
    status="Actual",
    msg_type="Alert",
    scope="Public",
)
HEAD = '<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id><title>t</title><updated>2026-11-29T00:00:00Z</updated>'
ENTRY = "<entry><id>e</id><title>t</title><updated>2026-11-29T00:00:00Z</updated>{}</entry>"


def atom(*entries: str) -> bytes:
    return f"{HEAD}{''.join(ENTRY.format(entry) for entry in entries)}</feed>".encode()


def inside(alert: Alert) -> str:
    return f'<content type="text/xml">{cap.write(alert).decode().partition("?>")[2]}</content>'


def test_every_real_feed_gives_what_is_in_it_or_is_refused(shared_data: Path) -> None:
    verdicts: dict[str, tuple[int, int, int] | str] = {}
    for path in sorted((shared_data / "cap" / "feeds").iterdir()):
        try:
            found = find(path.read_bytes(), ADDRESS)
        except NotCap as error:
            verdicts[path.name] = error.faults[0].what
        else:
            verdicts[path.name] = (len(found.alerts), len(found.links), len(found.faults))
    assert verdicts == {
        "amber.atom": (1, 0, 0),
        "amber.rss": (0, 1, 0),
        "canada_signed.atom": (1, 0, 0),
        "earthquake.atom": (1, 0, 0),
        "earthquake_index.atom": (0, 1, 0),
        "empty_weather_index.atom": (0, 0, 0),
        "invalid.rss": "has no title",
        "invalid_element.atom": "has an element foo that Atom does not have",
        "no_entries.atom": (0, 0, 0),
        "no_id.atom": "has no id",
        "no_link.atom": "has neither content nor link",
        "no_title.atom": "has no title",
        "ny_index.rss": (0, 2, 0),
        "weather.atom": (1, 0, 0),
        "weather_index.atom": (0, 2, 0),
        "weather_invalid.atom": (1, 0, 0),
        "xee.atom": "declares what is never resolved (DTDForbidden)",
    }


def test_of_a_real_edxl_envelope_the_valid_alerts_are_taken_and_the_others_named(shared_data: Path) -> None:
    alerts = shared_data / "cap" / "alerts"
    assert len(find((alerts / "bushfire_valid.edxlde").read_bytes(), ADDRESS).alerts) == 7
    found = find((alerts / "bushfire_invalid.edxlde").read_bytes(), ADDRESS)
    assert len(found.alerts) == 5
    assert {fault.where.split("/")[1] for fault in found.faults} == {"contentObject[2]", "contentObject[3]"}


def test_a_single_alert_is_a_document_too() -> None:
    assert [read.alert for read in find(cap.write(ALERT), ADDRESS).alerts] == [ALERT]


def test_one_alert_that_is_none_costs_only_itself() -> None:
    broken = inside(ALERT).replace("Actual", "actual")
    found = find(atom(broken, inside(ALERT), "<content/>"), ADDRESS)
    assert [read.alert for read in found.alerts] == [ALERT]
    assert [fault.where for fault in found.faults] == ["feed/entry[1]/alert/status", "feed/entry[3]"]


def test_links_are_whole_and_of_the_web_and_told_once() -> None:
    found = find(
        atom(
            '<link href="1.xml"/>',
            '<link rel="self" href="no.xml"/><link rel="alternate" href="/2.xml"/>',
            '<link href="1.xml"/>',
            '<link href="file:///etc/passwd"/>',
            '<link href="ftp://warnings.example/3.xml"/>',
        ),
        ADDRESS,
    )
    assert found.links == ("http://warnings.example/cap/1.xml", "http://warnings.example/2.xml")
    assert [fault.where for fault in found.faults] == ["feed/entry[4]", "feed/entry[5]"]


def test_the_link_that_says_it_is_cap_is_taken_whatever_its_relation(shared_data: Path) -> None:
    found = find((shared_data / "cap" / "feeds" / "earthquake_index.atom").read_bytes(), ADDRESS)
    assert found.links == ("http://earthquake.usgs.gov/earthquakes/catalogs/cap/us2010apcd",)
    page = '<link rel="alternate" type="text/html" href="page.html"/>'
    found = find(
        atom(
            page + '<link rel="enclosure" type="application/CAP+xml; charset=utf-8" href="1.xml"/>',
            page + '<link rel="related" type="application/cap+xml"/>',
        ),
        ADDRESS,
    )
    assert found.links == ("http://warnings.example/cap/1.xml", "http://warnings.example/cap/page.html")
    item = '<item><title>t</title><link>page.html</link><enclosure type="audio/mpeg" url="a.mp3" length="1"/>{}</item>'
    items = item.format('<enclosure type="application/cap+xml" url="2.xml" length="1"/>') + item.format("")
    rss = f"<rss><channel><title>t</title><link>l</link><description>d</description>{items}</channel></rss>"
    links = find(rss.encode(), ADDRESS).links
    assert links == ("http://warnings.example/cap/2.xml", "http://warnings.example/cap/page.html")


def deep() -> str:
    """An alert that is valid but for how deep its signature lies, which nobody looks at."""
    signature = f'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">{"<a>" * 5_000}{"</a>" * 5_000}</Signature>'
    return inside(ALERT).replace("</alert>", f"{signature}</alert>")


def test_an_alert_too_deep_or_a_link_that_is_no_address_costs_only_itself() -> None:
    found = find(atom(deep(), '<link href="http://[/1.xml"/>', inside(ALERT)), ADDRESS)
    assert [read.alert for read in found.alerts] == [ALERT]
    assert [fault.where for fault in found.faults] == ["feed/entry[1]", "feed/entry[2]"]


def test_a_list_without_end_is_read_up_to_a_thousand() -> None:
    found = find(atom(*[f'<link href="{i}.xml"/>' for i in range(MOST_ALERTS + 5)]), ADDRESS)
    assert len(found.links) == MOST_ALERTS
    assert [fault.where for fault in found.faults] == [f"feed/entry[{MOST_ALERTS + 1}]"]


def test_an_alert_of_more_than_256_kb_in_a_feed_is_refused_alone() -> None:
    long = ALERT.model_copy(update={"note": "x" * cap.MOST_BYTES})
    found = find(atom(inside(long), inside(ALERT)), ADDRESS)
    assert [read.alert for read in found.alerts] == [ALERT]
    assert "more than 256000" in found.faults[0].what


@pytest.mark.parametrize("document", [b"<html/>", b"{}", b"<rss/>", b"x" * (6 << 20), HEAD.encode()])
def test_what_is_no_list_is_refused(document: bytes) -> None:
    with pytest.raises(NotCap):
        find(document, ADDRESS)


def test_an_empty_feed_is_one() -> None:
    assert find(atom(), ADDRESS) == Document()
    assert find(atom("<content/>"), ADDRESS).faults == (
        Fault("feed/entry[1]", "has neither an alert in its content nor a link to one"),
    )
