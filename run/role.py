"""The four login roles of the database, each with a password of its own, and the addresses they connect by."""

from dataclasses import dataclass

from psycopg import sql

from run.home import Home
from run.postgres import SUPERUSER, Postgres

DATABASE = "haidang"
# What each role may do beyond its grants. COPY and pg_dump are refused under row-level security to all but those
# who bypass it, so ingest and backup do; web never does.
ROLES = {
    "owner": "CREATEDB",
    "ingest": "BYPASSRLS",
    "web": "",
    "backup": "BYPASSRLS",
}


@dataclass(frozen=True)
class Urls:
    """One database, by each of its four roles (SQLAlchemy addresses for psycopg 3)."""

    owner: str
    ingest: str
    web: str
    backup: str

    def environment(self) -> dict[str, str]:
        """Under the names that settings.py reads."""
        return {
            "DATABASE_URL": self.owner,
            "DATABASE_URL_INGEST": self.ingest,
            "DATABASE_URL_WEB": self.web,
            "DATABASE_URL_BACKUP": self.backup,
        }


def urls(server: Postgres, database: str = DATABASE) -> Urls:
    """The addresses of `database` on a private server."""
    return urls_at(server.home, server.port, database)


def urls_at(home: Home, port: int, database: str = DATABASE) -> Urls:
    """The addresses of `database` on the server of `home` that listens on `port`."""
    return Urls(*(_url(port, f"haidang_{role}", home.secret(role), database) for role in ROLES))


def superuser_url(server: Postgres, database: str = "postgres") -> str:
    """The address of the server's superuser: for set-up and tests, never for the running program."""
    return _url(server.port, SUPERUSER, server.home.secret("postgres"), database)


def make_roles(server: Postgres) -> None:
    """Create the four roles, or bring their passwords and attributes back to what the home says."""
    with server.connect() as connection:
        for role, attributes in ROLES.items():
            name = f"haidang_{role}"
            there = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
            # Hashed here: a password in a statement could end up in the server's log.
            password = connection.pgconn.encrypt_password(
                server.home.secret(role).encode(), name.encode(), b"scram-sha-256"
            )
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEROLE {} PASSWORD {}").format(
                    sql.SQL("ALTER" if there else "CREATE"),
                    sql.Identifier(name),
                    sql.SQL(attributes),
                    sql.Literal(password.decode()),
                )
            )


def make_database(server: Postgres, database: str = DATABASE) -> None:
    """Create the owner's database with PostGIS in it, if it is not there yet."""
    with server.connect() as connection:
        there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
        if not there:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER haidang_owner TEMPLATE template0 ENCODING 'UTF8'").format(
                    sql.Identifier(database)
                )
            )
    with server.connect(database) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")  # not a trusted extension: the owner may not


def _url(port: int, user: str, password: str, database: str) -> str:
    # Generated passwords are URL-safe as they are.
    return f"postgresql+psycopg://{user}:{password}@127.0.0.1:{port}/{database}"
