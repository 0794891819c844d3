"""MQTT's packets byte by byte, as the standard's sections have them."""

from collections.abc import Callable
from random import Random

import pytest

from ingest.mqtt_packet import (
    Accepted,
    Malformed,
    Publish,
    Session,
    acknowledge,
    connack,
    connect,
    disconnect,
    ping,
    publish,
    remaining,
    suback,
    subscribe,
)


def test_a_connection_goes_on_with_the_session_and_tells_its_limits() -> None:
    assert connect(Session("hd", 30, 3600, 1000, 65536)) == (
        b"\x10\x1c"  # CONNECT, 28 bytes
        b"\x00\x04MQTT\x05\x00\x00\x1e"  # version 5, no clean start, 30 s
        b"\x0d"  # 13 bytes of properties
        b"\x11\x00\x00\x0e\x10"  # session expiry 3,600 s
        b"\x21\x03\xe8"  # receive maximum 1,000
        b"\x27\x00\x01\x00\x00"  # maximum packet size 65,536
        b"\x00\x02hd"
    )


def test_version_3_has_no_properties_and_a_user_stands_last() -> None:
    assert connect(Session("hd", 30, user="u", password=b"pw", five=False)) == (
        b"\x10\x15\x00\x04MQTT\x04\xc0\x00\x1e\x00\x02hd\x00\x01u\x00\x02pw"
    )


def test_what_a_subscriber_says_besides() -> None:
    assert subscribe(7, "a/+") == b"\x82\x09\x00\x07\x00\x00\x03a/+\x11"
    assert subscribe(7, "a/+", five=False) == b"\x82\x08\x00\x07\x00\x03a/+\x01"
    assert acknowledge(0x1234) == b"\x40\x02\x12\x34"
    assert ping() == b"\xc0\x00"
    assert disconnect() == b"\xe0\x00"
    assert subscribe(1, "x" * 200)[:3] == b"\x82\xce\x01"  # 206 bytes follow


def test_a_server_says_whether_it_has_kept_the_session_and_how_often_it_wants_to_hear_of_us() -> None:
    assert connack(b"\x01\x00\x00", True) == Accepted(0, True)
    assert connack(b"\x00\x00\x06\x13\x00\x0a\x21\x00\x14", True) == Accepted(0, False, 10)
    assert connack(b"\x00\x05", False) == Accepted(5, False)
    assert connack(b"\x00\x87", True).code == 0x87


def test_messages_of_both_versions() -> None:
    assert publish(0b0010, b"\x00\x03a/b\x00\x05\x00{}", True) == Publish("a/b", b"{}", 5)
    assert publish(0b1010, b"\x00\x03a/b\x00\x05{}", False) == Publish("a/b", b"{}", 5, True)
    assert publish(0b0001, b"\x00\x03a/b\x00x", True) == Publish("a/b", b"x")
    # Content type, a user's pair, a subscription's number and an expiry stand before the payload.
    told = b"\x03\x00\x04json" + b"\x26\x00\x01k\x00\x01v" + b"\x0b\x80\x01" + b"\x02\x00\x00\x00\x3c"
    assert publish(0b0010, b"\x00\x01t\x00\x01" + bytes([len(told)]) + told + b"p", True) == Publish("t", b"p", 1)


def test_what_became_of_a_subscription() -> None:
    assert suback(b"\x00\x07\x00\x01", True) == (7, 1)
    assert suback(b"\x00\x07\x80", False) == (7, 0x80)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", None),
        (b"\x00", 0),
        (b"\x7f", 127),
        (b"\x80", None),
        (b"\x80\x01", 128),
        (b"\xff\xff\xff\x7f", 268_435_455),
    ],
)
def test_a_length_has_one_to_four_bytes(data: bytes, found: int | None) -> None:
    assert remaining(data) == found


@pytest.mark.parametrize(
    ("flags", "body"),
    [
        (0b0100, b"\x00\x01t\x00\x01\x00"),  # QoS 2
        (0b0110, b"\x00\x01t\x00\x01\x00"),  # QoS 3, which there is not
        (0b0010, b"\x00\x01t\x00\x00\x00"),  # the number 0
        (0b0010, b"\x00\x09t"),
        (0b0010, b"\x00\x01t\x00"),
        (0b0010, b"\x00\x02\xff\xfe\x00\x01\x00"),
        (0b0010, b"\x00\x00\x00\x01\x03\x23\x00\x01"),  # an alias
        (0b0010, b"\x00\x01t\x00\x01\x05\x03\x00"),
        (0b0010, b"\x00\x01t\x00\x01\x02\x7f\x00"),  # an unknown property
        (0b0010, b"\x00\x01t\x00\x01\x03\x03\x00\x09"),  # a text that reaches beyond the properties
    ],
)
def test_what_is_no_message_is_malformed(flags: int, body: bytes) -> None:
    with pytest.raises(Malformed):
        publish(flags, body, True)


def test_any_bytes_do_no_harm() -> None:
    random = Random(21)
    good = 0
    reads: list[Callable[[bytes], object]] = [
        lambda body: publish(random.randrange(16), body, True),
        lambda body: connack(body, True),
        lambda body: suback(body, True),
        lambda body: remaining(body[:4]),
    ]
    for _ in range(60_000):
        body = random.randbytes(random.randrange(24))
        for read in reads:
            try:
                read(body)
                good += 1
            except Malformed:
                continue
    assert good > 1000
    with pytest.raises(Malformed):
        remaining(b"\x80\x80\x80\x80")
