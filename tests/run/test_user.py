"""The commands `user token`: as a person types them, against a real database."""

import json
import re
import subprocess
import sys

import pytest

from geo.provider import PROVIDERS, put_providers
from tests.connections import asked, connected
from tests.program import CLEAN, ROOT


@pytest.fixture
def token(database, redis_server):
    with connected(database.owner) as owner, owner.begin() as connection:
        put_providers(connection, PROVIDERS)

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(ROOT / "app.py"), "user", "token", *words]
        environment = {**CLEAN, **database.environment(), "REDIS_URL": redis_server}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_a_key_is_made_shown_once_listed_and_closed(token, database) -> None:
    made = token("add", "vnpt", "--layer", "vms", "--provider", "VNPT", "--expires", "2100-01-01", "--actor", "Lan")
    assert made.returncode == 0, made.stderr
    about, secret = made.stdout.splitlines()
    prefix = secret[3:11]
    assert about == f"Key {prefix} of vnpt for vms, for vnpt alone. Its token, shown only now:"
    assert re.fullmatch(r"hd_[0-9a-f]{8}_[\w-]{43}", secret)
    listed = token("list").stdout
    assert prefix in listed
    assert secret[12:] not in listed
    (row,) = json.loads(token("list", "--json").stdout)["keys"]
    assert (row["sender"], row["provider"], row["state"], row["created_by"]) == ("vnpt", "vnpt", "in use", "Lan")
    assert "digest" not in row
    closed = token("disable", prefix)
    assert (closed.returncode, closed.stdout) == (0, f"Key {prefix} of vnpt is disabled.\n")
    assert "disabled" in token("list").stdout
    again = token("disable", prefix)
    assert (again.returncode, len(again.stderr.splitlines())) == (1, 1)
    assert "disabled already" in again.stderr
    assert asked(database.web, "SELECT count(*) FROM revision WHERE kind = 'api_key'") == [{"count": 2}]


def test_what_cannot_be_is_said_in_one_line(token) -> None:
    for words, code, said in (
        (("add", "vnpt", "--layer", "vms", "--provider", "Ai đó"), 1, "no provider"),
        (("add", "VNPT!", "--layer", "vms"), 1, "a-z"),
        (("add", "vnpt", "--layer", "vessel"), 2, "takes no records"),
        (("disable", "00000000"), 1, "no key"),
    ):
        done = token(*words)
        assert done.returncode == code, words
        assert said in done.stderr
        assert "Traceback" not in done.stderr
