"""The database: connections for the four roles, and the upgrade that brings any schema to the newest."""

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from geo import api_key, area, fishery, report, warning, workday  # noqa: F401 # their tables are part of what an upgrade makes
from geo.table import Shape, layered

SQL = Path(__file__).resolve().parent.parent / "sql"
ROLES = ("haidang_owner", "haidang_ingest", "haidang_web", "haidang_backup")
# A database host that vanished without a word is noticed within half a minute.
VANISHED = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
UPGRADE_LOCK = 7_105_119_001  # any constant: two upgrades at once wait for each other here


class DatabaseError(Exception):
    """The database is missing, unreachable or too old; the message says where and what to do."""


def engine(url: str) -> Engine:
    """An Engine on `url` (psycopg 3), in UTC, whose pooled connections are tested before use."""
    try:
        target = make_url(url)
    except sa.exc.ArgumentError:  # its message would repeat the password
        raise DatabaseError("DATABASE_URL is not an address: it must look like postgresql://user@host/name") from None
    if target.get_backend_name() not in ("postgresql", "postgres"):
        raise DatabaseError(
            f"{target.get_backend_name()} is not PostgreSQL: DATABASE_URL must begin with postgresql://"
        )
    given = target.query.get("options", "")
    # What is given here replaces what stands in the address, and that may say which role to become (`role_url`).
    options = " ".join([*([given] if isinstance(given, str) else given), "-c timezone=UTC"]).strip()
    return create_engine(
        target.set(drivername="postgresql+psycopg"),
        hide_parameters=True,  # an error of the driver goes to the log, and phone numbers do not
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=8,
        connect_args={"connect_timeout": 5, "options": options, "application_name": "haidang", **VANISHED},
    )


def role_url(url: str, role: str) -> str:
    """`url` for a login that becomes `role` at connection; for servers where only one login was given."""
    return make_url(url).update_query_dict({"options": f"-c role={role}"}).render_as_string(hide_password=False)


def upgrade(owner_url: str, shapes: Sequence[Shape]) -> list[str]:
    """Bring the schema to the newest: Alembic's migrations, then missing layers' tables, then functions and grants.

    Idempotent, safe to run twice and at the same time. Returns what was made, in words.

    Raises:
        DatabaseError: the server cannot be reached or lacks PostGIS.
    """
    owner = engine(owner_url)
    try:
        with owner.connect() as connection:
            connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": UPGRADE_LOCK})
            connection.commit()
            try:
                return _upgrade(connection, shapes)
            finally:
                connection.rollback()
                connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": UPGRADE_LOCK})
                connection.commit()
    except sa.exc.OperationalError as error:
        raise DatabaseError(f"cannot reach the database at {make_url(owner_url).host}: {_words(error)}") from error
    except sa.exc.DBAPIError as error:
        raise DatabaseError(
            f"cannot bring the database at {make_url(owner_url).host} to the newest schema: {_words(error)}"
        ) from error
    finally:
        owner.dispose()


def _words(error: sa.exc.DBAPIError) -> str:
    """What the server said, in one line."""
    return " ".join(str(error.orig).split())


def _upgrade(connection: sa.Connection, shapes: Sequence[Shape]) -> list[str]:
    from alembic import command  # half a second, which every process of the program would spend as it starts
    from alembic.config import Config

    done = []
    connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS postgis"))
    connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS unaccent"))
    _make_roles(connection)
    connection.commit()
    config = Config()
    config.set_main_option("script_location", str(SQL / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()
    existing = set(sa.inspect(connection).get_table_names())
    for shape in shapes:
        tables = [table for table in (shape.latest, shape.history) if table is not None and table.name not in existing]
        if tables:
            layered.create_all(connection, tables=tables)
            done.append(f"table {shape.name}")
    for script in sorted(SQL.glob("*.sql")):
        # Through the driver itself: SQLAlchemy would read a "%" in a script as a parameter's place.
        connection.connection.cursor().execute(script.read_text("utf-8"))
    connection.exec_driver_sql("SELECT grant_roles()")
    connection.commit()
    return done


def _make_roles(connection: sa.Connection) -> None:
    """Make the four roles where a server of somebody else's lacks them; the private server brings its own."""
    present = set(connection.scalars(sa.text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'haidang%'")))
    for role in ROLES:
        if role not in present:
            bypass = "BYPASSRLS" if role in ("haidang_ingest", "haidang_backup") else "NOBYPASSRLS"
            connection.exec_driver_sql(f"CREATE ROLE {role} NOLOGIN {bypass}")
            connection.exec_driver_sql(f"GRANT {role} TO CURRENT_USER")


def alembic_scope(name: str | None) -> bool:
    """Whether Alembic looks after the table: not PostGIS's own, not a layer's and not a layer's partitions."""
    return name is not None and name not in ("spatial_ref_sys",) and name.split("_history")[0] not in layered.tables
