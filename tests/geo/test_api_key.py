from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from geo import api_key
from geo.actor import Actor
from geo.api_key import KeyFault
from geo.provider import PROVIDERS, put_providers
from tests.connections import asked, connected

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LAN = Actor("Lan")


@pytest.fixture
def owner(database):
    with connected(database.owner) as opened, opened.begin() as connection:
        put_providers(connection, PROVIDERS)
        yield connection


def test_a_token_opens_its_key_and_is_kept_nowhere(owner, database) -> None:
    key, token = api_key.make(owner, "vnpt", ["vms"], "VNPT", LAN, NOW)
    assert (key.provider, key.layers, key.state(NOW)) == ("vnpt", ("vms",), "in use")
    found = api_key.of_token(owner, token, NOW)
    assert found is not None
    assert (found.prefix, found.provider_names) == (key.prefix, {"vnpt"})
    secret = token.rpartition("_")[2] if token.count("_") == 2 else token[12:]
    everything = [
        owner.scalar(sa.text(f"SELECT string_agg(t::text, ' ') FROM {name} t")) or ""
        for name in ("api_key", "revision")
    ]
    assert not any(secret in text or token in text for text in everything)
    assert key.prefix in token


def test_what_is_not_the_token_opens_nothing(owner) -> None:
    key, token = api_key.make(owner, "vnpt", ["vms"], None, LAN, NOW)
    other, _ = api_key.make(owner, "viettel", ["vms"], None, LAN, NOW)
    swapped = token.replace(key.prefix, other.prefix)
    wrong = (
        swapped,
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token + "A",
        "",
        "hd_",
        "x" * 10_000,
        "hd_\0",
        "đ",
    )
    assert [api_key.of_token(owner, each, NOW) for each in wrong] == [None] * len(wrong)


def test_a_disabled_and_an_expired_key_open_nothing_and_their_sender_is_over(owner) -> None:
    key, token = api_key.make(owner, "vnpt", ["vms"], None, LAN, NOW)
    _, short = api_key.make(owner, "vnpt", ["vms"], None, LAN, NOW, expires_at=NOW + timedelta(hours=1))
    assert api_key.ended(owner, NOW) == set()
    done = api_key.disable(owner, key.prefix, Actor("Minh"), NOW)
    assert (done.state(NOW), done.disabled_by) == ("disabled", "Minh")
    assert api_key.of_token(owner, token, NOW) is None
    assert api_key.of_token(owner, short, NOW) is not None
    assert api_key.ended(owner, NOW) == set()
    later = NOW + timedelta(hours=1)
    assert api_key.of_token(owner, short, later) is None
    assert api_key.ended(owner, later) == {"vnpt"}
    assert api_key.senders(owner) == [("vnpt", "vms")]  # what it pushed before is worked off all the same
    with pytest.raises(KeyFault, match="disabled already, by Minh"):
        api_key.disable(owner, key.prefix, LAN, NOW)
    versions = owner.execute(
        sa.text("SELECT version, value->>'disabled', actor FROM revision WHERE key = :key ORDER BY 1"),
        {"key": key.prefix},
    )
    assert [tuple(each) for each in versions] == [(1, "false", "Lan"), (2, "true", "Minh")]


@pytest.mark.parametrize(
    ("sender", "provider", "expires_at", "said"),
    [
        ("VNPT!", None, None, "a-z"),
        ("", None, None, "a-z"),
        ("vnpt", "Nobody", None, "no provider 'Nobody'.*vnpt"),
        ("vnpt", None, NOW, "expired already"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(owner, sender, provider, expires_at, said) -> None:
    with pytest.raises(KeyFault, match=said):
        api_key.make(owner, sender, ["vms"], provider, LAN, NOW, expires_at)
    with pytest.raises(KeyFault, match="no key 'nothing'"):
        api_key.disable(owner, "nothing", LAN, NOW)


def test_its_use_is_noted_once_a_minute(owner) -> None:
    _, token = api_key.make(owner, "vnpt", ["vms"], None, LAN, NOW)
    for after, noted in ((0, 0), (59, 0), (60, 60)):
        now = NOW + timedelta(seconds=after)
        api_key.used(owner, api_key.of_token(owner, token, now), now)
        assert api_key.of_token(owner, token, now).used_at == NOW + timedelta(seconds=noted)


def test_the_web_process_makes_no_key_and_opens_none_that_is_closed(database) -> None:
    with connected(database.owner) as opened, opened.begin() as connection:
        api_key.make(connection, "vnpt", ["vms"], None, LAN, NOW)
    statements = (
        "UPDATE api_key SET disabled_at = NULL", "UPDATE api_key SET layers = '[]'", "DELETE FROM api_key",
        "INSERT INTO api_key SELECT * FROM api_key", "INSERT INTO told_record VALUES ('a', 'b', now())",
    )  # fmt: skip
    for role in (database.web, database.ingest):
        for statement in statements:
            if role == database.ingest and "told_record" in statement:
                continue
            with connected(role) as opened, opened.begin() as connection:
                with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                    connection.execute(sa.text(statement))
                connection.rollback()
    with connected(database.web) as opened, opened.begin() as connection:
        connection.execute(sa.text("UPDATE api_key SET used_at = now()"))
    assert asked(database.web, "SELECT count(*) FROM api_key WHERE used_at IS NOT NULL") == [{"count": 1}]
