from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geo.rowgroup import rows


def written(path: Path, keys: list, lons: list | None = None) -> Path:
    at = pa.array(range(len(keys)), pa.timestamp("us", "UTC"))
    lon = pa.array(lons or [107.0] * len(keys), pa.float64())
    pq.write_table(pa.table({"key": keys, "observed_at": at, "lon": lon, "geom": lon}), path, row_group_size=2)
    return path


@pytest.mark.parametrize(
    "keys", [[1, 1, 3, 3, 3, 5, 9], [5, 3, 1, 9, 3, 1, 3], ["e", "é", "E", "e", "", "e", "z"]]
)  # fmt: skip
def test_every_row_of_a_key_is_found_in_whatever_order_the_file_is(tmp_path: Path, keys: list) -> None:
    path = written(tmp_path / "a.parquet", keys)
    for key in {*keys, keys[0] * 100}:
        found = rows(path, "key", key, key)
        assert found["observed_at"].cast(pa.int64()).to_pylist() == [n for n, k in enumerate(keys) if k == key]
        assert found.schema.names == ["key", "observed_at", "lon"]


def test_a_span_has_both_its_ends_and_no_row_without_a_position(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", [1, 2, 3, 4, 5, 6], [1.0, 2.0, None, 4.0, 5.0, 6.0])
    assert rows(path, "key", 2, 5)["key"].to_pylist() == [2, 4, 5]


def test_row_groups_that_cannot_hold_the_key_are_not_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", list(range(1000)))
    about = pq.read_metadata(path)
    first = about.row_group(10).column(0).dictionary_page_offset or about.row_group(10).column(0).data_page_offset
    content = bytearray(path.read_bytes())
    content[4:first] = b"\xff" * (first - 4)
    path.write_bytes(content)
    assert rows(path, "key", 500, 501)["key"].to_pylist() == [500, 501]
    with pytest.raises((OSError, pa.ArrowException)):
        rows(path, "key", 0, 1)


def test_a_file_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    assert len(rows(written(path, [1, 2, 3]), "key", 1, 1)) == 1
    assert len(rows(written(path, [1, 1, 1, 1, 2]), "key", 1, 1)) == 4
