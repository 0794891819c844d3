from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from geoalchemy2 import alembic_helpers

from geo import (
    camera_event,  # noqa: F401  its tables are of the core, and nothing else here asks for them
    history,
)
from geo import database as schema
from geo.database import DatabaseError, alembic_scope, engine, role_url, upgrade
from geo.table import core
from layers import discover
from tests.connections import connected

SHAPES = [layer.shape for layer in discover()]


def refused(url: str, statement: str, **values: object) -> str:
    """The words with which the database refuses a statement; empty when it does not."""
    opened = engine(url)
    try:
        with opened.begin() as connection:
            connection.execute(sa.text(statement), values)
    except sa.exc.DBAPIError as error:
        return str(error.orig)
    finally:
        opened.dispose()
    return ""


def difference(url: str) -> list[object]:
    opened = engine(url)
    with opened.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_name": lambda name, kind, parents: kind != "table" or alembic_scope(name),
                "include_object": alembic_helpers.include_object,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        found = list(compare_metadata(context, core))
    opened.dispose()
    return found


def test_the_migrated_schema_is_the_declared_one(database) -> None:
    assert difference(database.owner) == []


def test_a_difference_would_be_found(database) -> None:
    opened = engine(database.owner)
    with opened.begin() as connection:
        connection.execute(sa.text("ALTER TABLE fence ADD COLUMN other text"))
    opened.dispose()
    assert len(difference(database.owner)) == 1


def test_layers_tables_have_their_declared_columns(database) -> None:
    opened = engine(database.owner)
    inspector = sa.inspect(opened)
    for shape in SHAPES:
        for table in (each for each in (shape.latest, shape.history) if each is not None):
            found = {column["name"] for column in inspector.get_columns(table.name)}
            assert found == set(table.c.keys())
            names = {index["name"] for index in inspector.get_indexes(table.name)}
            assert {index.name for index in table.indexes} <= names
    opened.dispose()


def test_an_upgrade_may_run_twice_and_at_the_same_time(empty_database) -> None:
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda _: upgrade(empty_database.owner, SHAPES), range(3)))
    assert sorted(map(len, made)) == [0, 0, len(SHAPES)]
    assert upgrade(empty_database.owner, SHAPES) == []
    assert difference(empty_database.owner) == []


def test_a_server_that_is_not_there_is_said_in_one_line() -> None:
    with pytest.raises(DatabaseError, match="cannot reach the database at 127") as caught:
        upgrade("postgresql://nobody@127.0.0.1:9/none", SHAPES)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://host/db", "no address at all", "://"])
def test_an_address_of_something_else_is_named(url: str) -> None:
    with pytest.raises(DatabaseError, match="postgresql://"):
        engine(url)


def test_one_login_becomes_the_role_it_is_asked_to_be(database) -> None:
    opened = engine(role_url(database.superuser, "haidang_web"))
    with opened.connect() as connection:
        assert connection.scalar(sa.text("SELECT current_user")) == "haidang_web"
        assert connection.scalar(sa.text("SHOW timezone")) == "UTC"
    opened.dispose()


def test_ingest_adds_history_and_changes_none_of_it(database) -> None:
    shape = next(shape for shape in SHAPES if shape.history is not None)
    assert shape.history is not None
    table = shape.history.name
    opened = engine(database.ingest)
    with opened.begin() as connection:
        connection.execute(sa.text("SELECT ensure_partition(:name, :day)"), {"name": table, "day": date(2026, 11, 20)})
        connection.execute(
            sa.text(
                f"INSERT INTO {table} ({shape.key}, observed_at, received_at, source) VALUES (1, :at, :at, 'test')"
            ),
            {"at": datetime(2026, 11, 20, 12, tzinfo=UTC)},
        )
    opened.dispose()
    for name in (table, f"{table}_20261120", "alarm_journal", "dead_letter"):
        column = "observed_at" if "history" in name else "at"
        assert "permission denied" in refused(database.ingest, f"UPDATE {name} SET {column} = now()"), name
        assert "permission denied" in refused(database.ingest, f"DELETE FROM {name}"), name
        assert "permission denied" in refused(database.ingest, f"TRUNCATE {name}"), name
    for column in ("received", "accepted", "messages", "positions", "seq"):
        assert "permission denied" in refused(database.ingest, f"UPDATE ledger SET {column} = 0"), column
    assert "permission denied" in refused(database.ingest, "DELETE FROM ledger")
    assert "permission denied" in refused(database.ingest, "UPDATE fence SET note = ''")
    assert "permission denied" in refused(database.ingest, "CREATE TABLE mine ()")


def test_web_owns_nothing_and_brings_no_positions(database) -> None:
    opened = engine(database.owner)
    with opened.connect() as connection:
        owned = sa.text(
            "SELECT count(*) FROM pg_class JOIN pg_roles r ON r.oid = relowner WHERE rolname = 'haidang_web'"
        )
        assert connection.scalar(owned) == 0
        for role in ("haidang_web", "haidang_ingest", "haidang_backup", "haidang_owner"):
            assert not connection.scalar(sa.text("SELECT rolsuper FROM pg_roles WHERE rolname = :role"), {"role": role})
    opened.dispose()
    tables = [table.name for shape in SHAPES for table in (shape.latest, shape.history) if table is not None]
    edited = ("fence", "rule", "shelf", "handover", "lab_run", "channel", "report")  # by people, and never removed
    for name in (*tables, "ledger", "feed", "presence", "flood", *edited):
        if name not in edited:
            assert "permission denied" in refused(database.web, f"INSERT INTO {name} DEFAULT VALUES"), name
        assert "permission denied" in refused(database.web, f"DELETE FROM {name}"), name
    assert "permission denied" in refused(database.web, "UPDATE alarm SET severity = 'low'")
    assert "permission denied" in refused(database.web, "SELECT ensure_partition('vessel_history', current_date)")
    assert "permission denied" in refused(database.web, "SELECT grant_roles()")
    assert refused(database.web, "UPDATE alarm SET acknowledged_at = now(), acknowledged_by = 'A'") == ""


def test_the_journal_refuses_change_even_to_its_owner(database) -> None:
    for name in ("alarm_journal", "revision"):
        for statement in (f"UPDATE {name} SET actor = 'x'", f"DELETE FROM {name}", f"TRUNCATE {name}"):
            assert "append-only" in refused(database.owner, statement)


def test_backup_reads_every_table_and_every_partition(database) -> None:
    opened = engine(database.ingest)
    with opened.begin() as connection:
        connection.execute(sa.text("SELECT ensure_partition('vessel_history', '2026-11-20')"))
    opened.dispose()
    opened = engine(database.backup)
    with opened.connect() as connection:
        names = connection.scalars(sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        assert "vessel_history_20261120" in names
        for name in names:
            connection.execute(sa.text(f"SELECT 1 FROM {name} LIMIT 1"))
    opened.dispose()
    assert "permission denied" in refused(database.backup, "INSERT INTO fence DEFAULT VALUES")


def test_partitions_are_made_on_demand_and_only_for_histories(database) -> None:
    import pandas as pd

    shape = next(shape for shape in SHAPES if shape.history is not None)
    times = pd.to_datetime(["2026-11-20T23:59:59Z", "2026-11-21T00:00:00Z"], utc=True)
    frame = pd.DataFrame({"observed_at": times})
    opened = engine(database.ingest)
    for _ in range(2):
        with opened.begin() as connection:
            history.ensure_days(connection, shape, frame)
    with opened.connect() as connection:
        made = connection.scalars(
            sa.text("SELECT relid::text FROM pg_partition_tree(:name) WHERE isleaf"), {"name": shape.history.name}
        ).all()
    opened.dispose()
    assert sorted(made) == [f"{shape.history.name}_20261120", f"{shape.history.name}_20261121"]
    assert "is not a history table" in refused(database.ingest, "SELECT ensure_partition('alarm', current_date)")


def test_a_partition_whose_making_was_rolled_back_is_made_again(database) -> None:
    import pandas as pd

    shape = next(shape for shape in SHAPES if shape.history is not None)
    frame = pd.DataFrame({"observed_at": pd.to_datetime(["2026-11-20T12:00:00Z"], utc=True)})
    opened = engine(database.ingest)
    with opened.connect() as connection:
        history.ensure_days(connection, shape, frame)
        connection.rollback()
        history.ensure_days(connection, shape, frame)
        connection.commit()
        assert connection.scalar(sa.text("SELECT to_regclass(:name)"), {"name": f"{shape.history.name}_20261120"})
    opened.dispose()


def test_of_many_who_want_a_new_day_at_once_all_get_it(database) -> None:
    barrier = Barrier(6)

    def want(_: int) -> None:
        with connected(database.ingest) as opened, opened.connect() as connection:
            for day in range(1, 11):
                barrier.wait()
                query = sa.text("SELECT ensure_partition('vessel_history', :day)")
                connection.execute(query, {"day": date(2026, 3, day)})
                connection.commit()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(want, range(6)))


def test_counts_are_added_key_by_key(database) -> None:
    opened = engine(database.owner)
    with opened.connect() as connection:
        query = sa.text("""SELECT add_counts('{"a": 1, "b": 2}', '{"a": 2, "c": 5}')""")
        assert connection.scalar(query) == {"a": 3, "b": 2, "c": 5}
        assert connection.scalar(sa.text("SELECT add_counts('{}', '{}')")) == {}
    opened.dispose()


def test_roles_match_what_the_schema_grants_to() -> None:
    text = (schema.SQL / "roles.sql").read_text("utf-8")
    assert all(role in text for role in schema.ROLES if role != "haidang_owner")
