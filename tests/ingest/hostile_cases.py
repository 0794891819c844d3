"""Every input that once did harm, here or in a peer, kept so that it cannot do so again: (feed, bytes, rejects)."""

from ingest.sentence import checksum
from tests.nmea import message, position, tag

GOOD = position(574_000_001, 107.6, 16.5)
NAF = b"//SR//TM/POS//XR/TTH91234//LT/+16.5//LG/+107.6//DA/20251124//TI/1600//ER//"
FIRST, SECOND = message(5, 574_000_001, shipname="TTH-91234-TS", seq_id=3)

CASES: dict[str, tuple[str, bytes, dict[str, int]]] = {
    "nothing": ("ais", b"", {}),
    "blank lines": ("ais", b"\r\n \t\r\n\x0b\n", {}),
    "no line end": ("ais", GOOD, {}),
    "a checksum that is wrong": ("ais", GOOD[:-2] + b"00", {"checksum": 1}),
    "a payload of one character": ("ais", b"!AIVDM,1,1,,A,1,0*%02X" % checksum(b"AIVDM,1,1,,A,1,0"), {"length": 1}),
    "no payload": ("ais", b"!AIVDM,1,1,,A,,0*26", {"empty_payload": 1}),
    "a line without end": ("ais", b"y" * 100_000, {"too_long": 1}),
    "two sentences in one line": ("ais", GOOD + GOOD, {}),
    "a second part alone": ("ais", SECOND, {"incomplete": 1}),
    "a first part twice": ("ais", FIRST + b"\n" + FIRST + b"\n" + SECOND, {"incomplete": 1}),
    "a tag block that is not closed": ("ais", b"\\c:1764000000" + GOOD, {}),
    "a tag block without a sentence": ("ais", tag(c=1_764_000_000), {"not_ais": 1}),
    "a tag time that is no number": ("ais", tag(c="nan") + GOOD, {}),
    "a tag time without end": ("ais", tag(c="1e999") + GOOD, {}),
    "a checksum with a sign": ("ais", GOOD[:-2] + b"+5", {"malformed": 1}),
    "part nought of nought": ("ais", b"!AIVDM,0,0,,A,15Muq70001G?tTpE>Gbk0?wN0<0l,0*53", {"checksum": 1}),
    "objects without bottom": ("json", b'{"a":' * 13_000, {"not_json": 1}),
    "a number of 400 digits": ("json", b'{"mmsi": 1, "speed": %s}' % (b"9" * 400), {"value:speed": 1}),
    "a number of 5,000 digits": ("json", b'{"mmsi": 1, "speed": %s}' % (b"9" * 5_000), {"not_json": 1}),
    "a heading that no smallint holds": ("json", b'{"mmsi": 1, "heading": 40000}', {"value:heading": 1}),
    "half a character": ("json", b'{"mmsi": 1, "shipname": "\\ud800"}', {"value:shipname": 1}),
    "a character nought": ("json", b'{"mmsi": 1, "shipname": "a\\u0000"}', {"value:shipname": 1}),
    "not a number, as a place": ("json", b'{"mmsi": 1, "lon": NaN, "lat": 16.5}', {"position": 1}),
    "a time before all times": ("json", b'{"mmsi": 1, "observed_at": "0001-01-01T00:00:00+14:00"}', {"time_range": 1}),
    "a time of a million years": ("json", b'{"mmsi": 1, "observed_at": 1e999}', {"time": 1}),
    "a message that never ends": ("vms", b"//SR//" + b"TM/POS" * 2_000, {"too_long": 1}),
    "a message within a message": ("vms", b"//SR//TM/POS" + NAF, {"frame": 1}),
    "two messages in one breath": ("vms", NAF + NAF, {}),
    "a line of one quote": ("vms", b'"', {"not_csv": 1}),
    "a number of Arabic digits": ("vms", "TTH 91234,,1764000000,١٠٧.٦,16.5".encode(), {"position": 1}),
    "the same member twice": ("json", b'{"mmsi": 1, "mmsi": null}', {"member_twice": 1}),
}
