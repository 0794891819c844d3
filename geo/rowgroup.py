"""Reading a file of the archive: only the row groups that can hold what is asked for, by footers kept in memory."""

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

FOOTERS = 40  # a track's 31 days; some 5 MB each for a day of 3.3 million fixes


def rows(path: Path, column: str, low: Any, high: Any, wanted: Collection[str] | None = None) -> pa.Table:
    """A file's rows with `column` in [low, high] and a position, without geom, in the file's order.

    wanted: the columns that are read, `column` and lon among them, as far as the file has them; None for all.

    By Arrow and not by DuckDB, which plans and looks at every column of every row group again at each question: a
    track out of 29 days took it three times as long, whatever the size of the row groups.

    Raises:
        OSError, pyarrow.ArrowException: the file cannot be read.
    """
    state = path.stat()
    about, lowest, highest = _footer(path, state.st_size, state.st_mtime_ns, column)
    groups = np.flatnonzero((lowest <= high) & (highest >= low)).tolist()
    with pq.ParquetFile(path, metadata=about) as file:
        names = [name for name in file.schema_arrow.names if name != "geom" and (wanted is None or name in wanted)]
        # Threads for the many groups of an hour; for the one or two of a vessel's day they cost more than they bring.
        threads = len(groups) > 2
        # One by one: where the copy in order of time is lost, a whole day is looked through for one hour.
        read = (file.read_row_group(group, columns=names, use_threads=threads) for group in groups)
        found = [_within(table, column, low, high) for table in read]
        return pa.concat_tables(found) if found else file.schema_arrow.empty_table().select(names)


def _within(table: pa.Table, column: str, low: Any, high: Any) -> pa.Table:
    inside = pc.and_(pc.greater_equal(table[column], low), pc.less_equal(table[column], high))
    return table.filter(pc.and_(inside, table["lon"].is_valid()))


@lru_cache(maxsize=FOOTERS)
def _footer(
    path: Path, size_bytes: int, mtime_ns: int, column: str
) -> tuple[pq.FileMetaData, NDArray[Any], NDArray[Any]]:
    """A file's footer, and each row group's least and greatest value of a column; a changed file is a different one."""
    about = pq.read_metadata(path)
    at = about.schema.names.index(column)
    spans = [about.row_group(group).column(at).statistics for group in range(about.num_row_groups)]
    return about, np.array([span.min for span in spans]), np.array([span.max for span in spans])
