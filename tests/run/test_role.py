import psycopg
import pytest

from run.role import Urls


def _scalar(url: str, statement: str) -> object:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("role", ["owner", "ingest", "web", "backup"])
def test_each_role_logs_in_as_itself(database: Urls, role: str) -> None:
    assert _scalar(getattr(database, role), "SELECT current_user") == f"haidang_{role}"


@pytest.mark.parametrize("role", ["owner", "ingest", "web", "backup"])
def test_no_role_is_a_superuser_and_only_two_bypass_row_security(database: Urls, role: str) -> None:
    url = getattr(database, role)
    assert _scalar(url, "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user") is False
    bypasses = _scalar(url, "SELECT rolbypassrls FROM pg_roles WHERE rolname = current_user")
    assert bypasses is (role in {"ingest", "backup"})


def test_the_owner_owns_the_database_and_may_make_others(database: Urls) -> None:
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    assert _scalar(database.owner, owner) == "haidang_owner"
    assert _scalar(database.owner, "SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user") is True


def test_postgis_is_there_and_time_is_utc(empty_database: Urls) -> None:
    assert _scalar(empty_database.web, "SELECT ST_X(ST_Point(107.64, 16.573))") == 107.64
    assert _scalar(empty_database.web, "SHOW timezone") == "UTC"


def test_a_wrong_password_does_not_get_in(database: Urls) -> None:
    scheme, _, place = database.web.partition("@")
    user = scheme.rsplit(":", 1)[0].replace("+psycopg", "")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"{user}:wrong@{place}")
