from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB

from geo import column as columns
from geo.column import STAMP, conform, copy_frame, empty_columns
from geo.table import layered
from ingest.blame import blames_record
from layers import discover
from tests.connections import connected

EVERY = sa.Table(
    "every",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("number", sa.Integer),
    sa.Column("small", sa.SmallInteger),
    sa.Column("real", sa.Float),
    sa.Column("truth", sa.Boolean),
    sa.Column("at", sa.DateTime(timezone=True)),
    sa.Column("day", sa.Date),
    sa.Column("words", sa.Text),
    sa.Column("document", JSONB),
    sa.Column("raw", sa.LargeBinary),
    sa.Column("geom", Geometry("POINT", srid=4326, spatial_index=False)),
)
NAMES = [column.name for column in EVERY.c if column.name != "geom"]
FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)
NOW = datetime(2026, 11, 21, 1, 2, 3, 456789, UTC)
VALUES: list[list[Any]] = [
    [1, 2, 3, 4.5, True, NOW, date(2026, 11, 21), "Tàu cá Thuận An", [1], b"x"],
    [-(2**63), -(2**31), -(2**15), -0.0, False, FIRST, date(1, 1, 1), "", {}, b""],
    [
        2**63 - 1,
        2**31 - 1,
        2**15 - 1,
        float("inf"),
        True,
        LAST,
        date(9999, 12, 31),
        "\t\\N\n\\.'\"",
        "[null]",
        b"\0\xff\\",
    ],
    [2**53 + 1, 0, 0, -float("inf"), False, NOW, date(2000, 1, 1), "🚢" * 400, {"ế": "ố"}, b"\n"],
    [0, None, None, None, None, None, None, None, None, None],
    [5, 0, -1, 5e-324, None, datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), None, "x", None, b"\\x"],
    [6, None, 7, 1.7976931348623157e308, True, None, date(1970, 1, 1), None, 1.5, None],
]
PLACES = [(108.0, 16.5), (-180.0, -90.0), (180.0, 90.0), (np.nan, 16.0), (108.0, np.nan), (np.nan, np.nan), (-0.0, 0.0)]


@pytest.fixture
def connection(database) -> Iterator[sa.Connection]:
    with connected(database.owner) as opened, opened.connect() as made:
        for name in ("every", "other"):
            EVERY.to_metadata(sa.MetaData(), name=name).create(made)
        yield made


def frame_of(values: list[list[Any]], places: list[tuple[float, float]]) -> pd.DataFrame:
    frame = pd.DataFrame(values, columns=NAMES, dtype=object)
    return frame.assign(lon=[lon for lon, _ in places], lat=[lat for _, lat in places])


def copied_as_text(connection: sa.Connection, target: str) -> None:
    places = [None if np.isnan(lon + lat) else f"SRID=4326;POINT({lon!r} {lat!r})" for lon, lat in PLACES]
    with connection.connection.cursor().copy(f"COPY {target} FROM STDIN") as copy:
        for row, place in zip(VALUES, places, strict=True):
            document = row[8] if row[8] is None or isinstance(row[8], str) else psycopg.types.json.Jsonb(row[8])
            copy.write_row([*row[:8], document, *row[9:], place])


def test_every_type_is_stored_as_text_would_have_been(connection) -> None:
    copy_frame(connection, "every", list(EVERY.c), frame_of(VALUES, PLACES))
    copied_as_text(connection, "other")
    for one, other in (("every", "other"), ("other", "every")):
        assert connection.scalar(sa.text(f"SELECT count(*) FROM {one}")) == len(VALUES)
        different = f"SELECT id FROM (SELECT t::text, id FROM {one} t EXCEPT ALL SELECT t::text, id FROM {other} t) x"
        assert connection.scalars(sa.text(different)).all() == []
    rows = connection.execute(sa.select(*[EVERY.c[name] for name in NAMES if name != "document"])).all()
    assert [list(row) for row in rows] == [[*row[:8], row[9]] for row in VALUES]


def test_the_columns_dtypes_of_a_batch_are_taken_as_they_are(connection) -> None:
    frame = frame_of(VALUES, PLACES).drop(index=0)
    typed = conform(frame.assign(id=frame["id"].astype("int64")), EVERY)
    assert (typed["number"].dtype, typed["at"].dtype, typed["id"].dtype) == ("float64", STAMP, "int64")
    copy_frame(connection, "every", list(EVERY.c), typed)
    copy_frame(connection, "other", list(EVERY.c), frame)
    assert connection.scalar(sa.text("SELECT count(*) FROM every")) == len(frame)
    different = "SELECT count(*) FROM (SELECT t::text FROM every t EXCEPT SELECT t::text FROM other t) x"
    assert connection.scalar(sa.text(different)) == 0


def test_rows_of_any_number_are_sent_in_blocks(connection, monkeypatch) -> None:
    monkeypatch.setattr(columns, "BLOCK_ROWS", 7)
    monkeypatch.setattr(columns, "BLOCK_BYTES", 4096)  # a long text makes a block too wide: it is halved
    few = [EVERY.c.id, EVERY.c.words, EVERY.c.truth]
    texts = [None if n % 5 == 0 else "ă" * (n * 40 if n % 11 == 0 else n % 3) for n in range(100)]
    copy_frame(connection, "every", few, pd.DataFrame({"id": range(100), "words": texts, "truth": True}))
    assert connection.execute(sa.select(*few).order_by(EVERY.c.id)).all() == [(n, texts[n], True) for n in range(100)]


def test_a_frame_without_rows_is_no_rows(connection) -> None:
    copy_frame(connection, "every", list(EVERY.c), frame_of(VALUES, PLACES).iloc[:0])
    assert connection.scalar(sa.text("SELECT count(*) FROM every")) == 0


def test_columns_that_a_batch_lacks_are_null(connection) -> None:
    lacking = [column for column in EVERY.c if column.name not in ("id", "geom")]
    frame = pd.DataFrame({"id": [1, 2], "lon": np.nan, "lat": np.nan})
    copy_frame(connection, "every", list(EVERY.c), frame.assign(**empty_columns(lacking, 2)))
    row = connection.execute(sa.text("SELECT * FROM every WHERE id = 2")).one()
    assert list(row) == [2, *[None] * (len(EVERY.c) - 1)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("words", "a\0b"),
        ("words", "a\0"),
        ("words", "\ud800"),
        ("small", 2**15),
        ("small", -(2**15) - 1),
        ("small", float("inf")),
        ("number", 2**31),
        ("id", 2**63),
        ("id", float(2**63)),
        ("id", "none"),
        ("real", "fast"),
        ("truth", "perhaps"),
        ("at", "soon"),
        ("document", "{"),
        ("document", object()),
    ],
)
def test_what_a_column_cannot_hold_is_the_records_fault(connection, name: str, value: object) -> None:
    frame = frame_of(VALUES[:1], PLACES[:1])
    frame[name] = pd.Series([value], dtype=object)
    with pytest.raises(Exception) as caught, connection.begin_nested():
        copy_frame(connection, "every", list(EVERY.c), frame)
    assert blames_record(caught.value), caught.value
    copy_frame(connection, "every", list(EVERY.c), frame_of(VALUES[:1], PLACES[:1]))


def test_every_column_of_every_layers_tables_has_a_binary_form() -> None:
    assert discover()
    for table in layered.tables.values():
        for column in table.c:
            if not isinstance(column.type, Geometry):
                column_frame = pd.DataFrame({column.name: [None]})
                assert columns._field(column, column_frame)[1].tolist() == [-1], column


def test_a_type_without_a_binary_form_is_no_records_fault() -> None:
    with pytest.raises(NotImplementedError) as caught:
        columns._field(sa.Column("span", sa.Interval), pd.DataFrame({"span": [timedelta(1)]}))
    assert not blames_record(caught.value)
