"""A lease: of several processes that could do a thing, the one that does it; the others wait for their turn."""

import sqlalchemy as sa


def leased(connection: sa.Connection, name: str) -> bool:
    """Whether this connection holds the lease of that name, taking it if it is free; it is kept until the connection
    ends, however that comes about.
    """
    with connection.begin():
        held = sa.text(
            "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() "
            "AND classid = hashtext(:lease)::oid"
        )
        if connection.scalar(held, {"lease": name}):
            return True
        lock = sa.text("SELECT pg_try_advisory_lock(hashtext(:lease), 0)")
        return bool(connection.scalar(lock, {"lease": name}))
