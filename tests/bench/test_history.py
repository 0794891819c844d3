import sqlalchemy as sa

from bench.history import HISTORY, VESSEL, _append, _executemany, dictionaries, fixes
from geo import history
from tests.connections import connected


def test_both_contenders_store_the_same_rows(database) -> None:
    batch = fixes(500, seed=3)
    with connected(database.owner) as opened, opened.begin() as connection:
        history.ensure_days(connection, VESSEL, batch)
        _append(connection, batch)
        _executemany(HISTORY, connection, dictionaries(batch))
        twice = f"SELECT count(*) FROM (SELECT 1 FROM {HISTORY.name} t GROUP BY t::text HAVING count(*) = 2) x"
        assert connection.scalar(sa.text(twice)) == 500
