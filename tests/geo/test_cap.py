import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import cap
from geo.cap import Alert, Area, Fault, Info, Named, NotCap, Read, Reference, Resource

HANOI = timezone(timedelta(hours=7))
SENT = datetime(2026, 11, 29, 7, 0, tzinfo=HANOI)
FLOOD = Alert(
    identifier="hue-2026-0042",
    sender="ubnd@hue.gov.vn",
    sent=SENT,
    status="Actual",
    msg_type="Alert",
    scope="Public",
    info=(
        Info(
            language="vi-VN",
            category=("Met", "Safety"),
            event="Lũ",
            response_type=("Prepare", "AllClear"),
            urgency="Expected",
            severity="Severe",
            certainty="Likely",
            effective=SENT,
            expires=SENT + timedelta(hours=12),
            sender_name="UBND thành phố Huế",
            headline="Lũ trên sông Hương",
            parameter=(Named(value_name="level", value="3"),),
            resource=(Resource(resource_desc="Bản đồ", mime_type="image/png", size=12),),
            area=(
                Area(
                    area_desc="Kim Long <hạ lưu>",
                    polygon=("16.40,107.50 16.50,107.50 16.50,107.60 16.40,107.50",),
                    circle=("16.45,107.55 5",),
                    geocode=(Named(value_name="commune", value="19750"),),
                    altitude="10.5",
                ),
            ),
        ),
    ),
)
PLAIN = cap.write(FLOOD).decode()


def refused(document: str | bytes) -> tuple[Fault, ...]:
    with pytest.raises(NotCap) as caught:
        cap.read(document.encode() if isinstance(document, str) else document)
    return caught.value.faults


@pytest.fixture(scope="session")
def schemas(shared_data: Path) -> dict[str, xmlschema.XMLSchema]:
    folder = shared_data / "cap" / "schema"
    return {
        version: xmlschema.XMLSchema(str(folder / f"cap{version.replace('.', '')}.xsd")) for version in cap.NAMESPACE
    }


def test_what_is_written_is_read_again_the_same() -> None:
    assert cap.read(cap.write(FLOOD)) == Read(FLOOD, "1.2", False, ())
    assert "<sent>2026-11-29T07:00:00+07:00</sent>" in PLAIN
    assert "Kim Long &lt;hạ lưu&gt;" in PLAIN


def test_every_real_alert_is_taken_or_refused_as_the_schemas_say(
    shared_data: Path, schemas: dict[str, xmlschema.XMLSchema]
) -> None:
    verdicts = {}
    for path in sorted((shared_data / "cap" / "alerts").glob("*.cap")):
        document = path.read_bytes()
        try:
            found = cap.read(document)
        except NotCap:
            verdicts[path.stem] = False
        else:
            verdicts[path.stem] = True
            root = ET.fromstring(document)
            for signature in root.findall(f"{{{cap.SIGNATURE}}}Signature"):  # which has a schema of its own
                root.remove(signature)
            assert schemas[found.version].is_valid(root), path
    assert {name for name, valid in verdicts.items() if not valid} == {
        "earthquake_signed",
        "invalid",
        "noaa_errors",
        "xee",
    }
    assert sum(verdicts.values()) == 12


def test_what_is_read_from_real_alerts_is_written_valid(
    shared_data: Path, schemas: dict[str, xmlschema.XMLSchema]
) -> None:
    for path in sorted((shared_data / "cap" / "alerts").glob("*.cap")):
        try:
            found = cap.read(path.read_bytes())
        except NotCap:
            continue
        if found.version == "1.2":
            written = cap.write(found.alert)
            schemas["1.2"].validate(ET.fromstring(written))
            assert cap.read(written).alert == found.alert


def test_a_signature_is_noted_and_errors_beyond_the_schema_are_told_and_borne(shared_data: Path) -> None:
    alerts = shared_data / "cap" / "alerts"
    assert cap.read((alerts / "canada_signed.cap").read_bytes()).signed
    assert [note.where for note in cap.read((alerts / "canada_errors.cap").read_bytes()).notes] == [
        "alert/references",
        "alert/references",
    ]
    old = cap.read((alerts / "earthquake.cap").read_bytes())
    assert (old.version, [str(note) for note in old.notes]) == ("1.1", ["alert: is of CAP 1.1, which came before 1.2"])


@pytest.mark.parametrize(
    ("pattern", "instead", "where", "what"),
    [
        (r"<identifier>.*</identifier>", "", "alert/identifier", "is missing"),
        (r"<scope>Public</scope>", "", "alert/scope", "is missing"),
        ("<status>Actual", "<status>actual", "alert/status", "'Actual'"),
        ("<sent>[^<]*", "<sent>2026-11-29T07:00:00Z", "alert/sent", "is no time of the form"),
        ("<sent>[^<]*", "<sent>2026-11-29T07:00:00", "alert/sent", "is no time of the form"),
        ("<sent>[^<]*", "<sent>2026-02-30T07:00:00+07:00", "alert/sent", "day"),
        ("<severity>[^<]*", "<severity>", "alert/info[1]/severity", "'Extreme'"),
        ("<category>Met", "<category>Weather", "alert/info[1]/category[1]", "'Geo'"),
        ("<size>12", "<size>a dozen", "alert/info[1]/resource[1]/size", "is no whole number"),
        ("<mimeType>.*</mimeType>", "", "alert/info[1]/resource[1]", "mimeType is missing"),
        ("<altitude>10.5", "<altitude>high", "alert/info[1]/area[1]", "altitude is no decimal number"),
        ("<areaDesc>.*</areaDesc>", "", "alert/info[1]/area[1]/areaDesc", "is missing"),
        ("<language>vi-VN", "<language>tiếng Việt", "alert/info[1]/language", "is no language"),
        ("<event>Lũ", "<event>Lũ<b/>", "alert/info[1]/event", "has an element b in it"),
        ("</scope>", "</scope>!", "alert", "has text between its elements"),
        ("<scope>", "<colour>red</colour><scope>", "alert", "has an element colour that does not belong there"),
        ("<scope>Public</scope>", "<scope>Public</scope><scope>Public</scope>", "alert/scope", "stands twice"),
        (
            r"(<identifier>.*</identifier>)\s*(<sender>.*</sender>)",
            r"\2\1",
            "alert/identifier",
            "stands at the wrong place",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_path(
    pattern: str, instead: str, where: str, what: str, schemas: dict[str, xmlschema.XMLSchema]
) -> None:
    document, changed = re.subn(pattern, instead, PLAIN, count=1)
    assert changed == 1
    faults = refused(document)
    assert any(fault.where == where and what in fault.what for fault in faults), faults
    assert not schemas["1.2"].is_valid(ET.fromstring(document))  # the schema agrees that it is wrong


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"not xml",
        b"<alert/>",
        b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.0"/>',
        b'<?xml version="1.0" encoding="no-such"?><alert/>',
        b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "http://127.0.0.1:9/x"><a/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><a>&b;</a>',
        b"<a>" * 50_000,
        b"<a>" * 30_000 + b"</a>" * 30_000,
        b"\xff\xfe" + b"<alert/>",
    ],
)
def test_what_is_no_alert_is_refused_in_words(document: bytes) -> None:
    (fault,) = refused(document)
    assert fault.what


def test_a_document_of_more_than_256_kb_is_refused_before_it_is_read() -> None:
    (fault,) = refused(PLAIN.replace("Lũ trên", "Lũ " * 90_000))
    assert "more than 256000" in fault.what


def test_responses_of_1_2_are_no_responses_of_1_1() -> None:
    old = PLAIN.replace(cap.NAMESPACE["1.2"], cap.NAMESPACE["1.1"])
    assert any("AllClear is not of CAP 1.1" in fault.what for fault in refused(old))
    zoneless = old.replace("<responseType>AllClear</responseType>", "").replace(
        "07:00:00+07:00</sent>", "00:00:00Z</sent>"
    )
    assert cap.read(zoneless.encode()).alert.sent == datetime(2026, 11, 29, tzinfo=UTC)


def test_faults_are_told_up_to_twenty() -> None:
    assert len(refused(PLAIN.replace("<scope>", "<x/>" * 50 + "<scope>"))) == cap.MOST_FAULTS


def test_references_are_senders_identifiers_and_times() -> None:
    update = FLOOD.model_copy(
        update={
            "msg_type": "Update",
            "references": "a@x.vn,1,2026-11-28T07:00:00+07:00 b,c,d broken http://x/,y,2026-11-28T00:00:00-00:00",
        }
    )
    earlier = datetime(2026, 11, 28, tzinfo=UTC)
    assert cap.references(update) == (Reference("a@x.vn", "1", earlier), Reference("http://x/", "y", earlier))
    assert cap.read(cap.write(update)).notes == ()
    lone = update.model_copy(update={"references": None})
    assert [note.where for note in cap.read(cap.write(lone)).notes] == ["alert/references"]


def test_a_polygon_has_its_latitude_first() -> None:
    assert cap.ring("16.4,107.5 16.5,107.5 16.5,107.6 16.4,107.5")[0] == (107.5, 16.4)
    assert cap.disc("16.45,107.55 5") == (107.55, 16.45, 5.0)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("16,107 16,108 16,107", "fewer than three"),
        ("16,107 16,108 17,108 17,107", "does not end where it begins"),
        ("107,16 108,16 108,17 107,16", "outside the Earth"),
        ("16 107 16 108", "no place"),
        ("nan,nan 1,1 2,2 nan,nan", "outside the Earth"),
        ("", "fewer than three"),
    ],
)
def test_a_polygon_that_is_none_is_told_and_the_alert_stands(text: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        cap.ring(text)
    area = Area(area_desc="x", polygon=(text,))
    alert = FLOOD.model_copy(update={"info": (FLOOD.info[0].model_copy(update={"area": (area,)}),)})
    (note,) = cap.read(cap.write(alert)).notes
    assert (note.where, what in note.what) == ("alert/info[1]/area[1]/polygon[1]", True)


@pytest.mark.parametrize("text", ["16,107", "16,107 -1", "16,107 nan", "16,107 inf", "16,107 30000", "95,107 5", "x 5"])
def test_a_circle_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"radius|place"):
        cap.disc(text)


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=30
)


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXT, min_size=6, max_size=6), hours=st.integers(-14, 14), more=st.integers(0, 3))
def test_whatever_is_said_is_written_valid_and_read_the_same(
    schemas: dict[str, xmlschema.XMLSchema], texts: list[str], hours: int, more: int
) -> None:
    info = FLOOD.info[0].model_copy(
        update={
            "event": texts[0],
            "headline": texts[1],
            "description": texts[2],
            "area": (Area(area_desc=texts[3]),) * more,
        }
    )
    sent = SENT.astimezone(timezone(timedelta(hours=hours)))
    alert = FLOOD.model_copy(update={"note": texts[4], "code": tuple(texts), "sent": sent, "info": (info,) * more})
    written = cap.write(alert)
    schemas["1.2"].validate(ET.fromstring(written))
    assert cap.read(written).alert == alert
