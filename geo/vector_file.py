"""Files of features (GeoJSON, KML, CSV, XLSX, GeoPackage, shapefile), read and written where it can do no harm.

The child (vector_child.py) sees a copy of the one file in an empty directory, has limits of time and memory, and takes
whatever breaks it with it.
"""

import gzip
import json
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

CHILD = Path(__file__).with_name("vector_child.py")
SUFFIXES = {
    ".geojson": ".geojson", ".json": ".geojson", ".kml": ".kml", ".csv": ".csv", ".xlsx": ".xlsx", ".gpkg": ".gpkg",
    ".shp": ".shp", ".zip": ".zip",
}  # fmt: skip
TABLES = (".csv", ".xlsx")
KNOWN = ".geojson .gpkg .shp .zip .kml .csv .xlsx"
BYTES_MAX = 32 << 20
LIMIT_S = 60.0
AT_ONCE = 2
_free = BoundedSemaphore(AT_ONCE)


class FileFault(ValueError):
    """A file that cannot be read at all: why, in both languages; layers: those of which one must be chosen."""

    def __init__(self, vi: str, en: str, layers: Sequence[str] = ()) -> None:
        super().__init__(en)
        self.vi, self.en, self.layers = vi, en, tuple(layers)


@dataclass(frozen=True)
class Row:
    """One feature of a file: its number there, its properties, its GeoJSON geometry in WGS84 or why there is none."""

    number: int
    properties: Mapping[str, Any]
    geometry: Any
    fault: tuple[str, str] | None


@dataclass(frozen=True)
class Rows:
    """The features of a file, and the reference system they came in."""

    rows: tuple[Row, ...]
    crs: str


def read_file(path: Path, crs: str | None = None, layer: str | None = None) -> Rows:
    """The rows of a file of this machine. Raises FileFault; what is no plain file (addresses, /vsi...) is not there.

    One that gzip packed (`.geojson.gz`) is unpacked first; it may hold as much as a plain file.
    """
    packed = path.suffix.lower() == ".gz"
    suffix = _suffix(path.stem if packed else path.name)
    if not path.is_file():
        raise FileFault(f"Không có tệp {path}", f"there is no file {path}; only files of this machine are read")
    with tempfile.TemporaryDirectory(prefix="haidang-file-") as folder:
        if packed:
            Path(folder, f"data{suffix}").write_bytes(_unpacked(path))
            return _read(folder, suffix, crs, layer, LIMIT_S)
        parts = [path]
        if suffix == ".shp":
            # Read-only media and other cases of letters: beside `a.shp` may lie `a.DBF`.
            parts = [one for one in path.parent.iterdir() if one.stem.lower() == path.stem.lower() and one.is_file()]
            parts = [one for one in parts if one.suffix.lower() in (".shp", ".shx", ".dbf", ".prj", ".cpg")]
        if sum(one.stat().st_size for one in parts) > BYTES_MAX:
            raise _too_large()
        for one in parts:
            shutil.copyfile(one, Path(folder, f"data{suffix if one == path else one.suffix.lower()}"))
        return _read(folder, suffix, crs, layer, LIMIT_S)


def read_bytes(name: str, data: bytes, crs: str | None = None, layer: str | None = None, limit_s: float = 20.0) -> Rows:
    """The rows of a file that was sent, under its name. Raises FileFault."""
    suffix = _suffix(name)
    if suffix == ".shp":
        raise FileFault("Hãy gửi shapefile trong một tệp .zip", "send a shapefile as one .zip")
    if len(data) > BYTES_MAX:
        raise _too_large()
    with tempfile.TemporaryDirectory(prefix="haidang-file-") as folder:
        Path(folder, f"data{suffix}").write_bytes(data)
        return _read(folder, suffix, crs, layer, limit_s)


@dataclass(frozen=True)
class Sheet:
    """A table of a file: its columns' names, and its rows by their numbers there, cells by column."""

    head: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, Any]], ...]


def read_sheet(path: Path, names: Collection[str], layer: str | None = None) -> Sheet:
    """The one table of a CSV or XLSX of this machine whose header has one of these columns (folded). Raises FileFault.

    The header is looked for in the first lines, since above it stand titles; blank rows are left out.
    """
    if not path.is_file():
        raise FileFault(f"Không có tệp {path}", f"there is no file {path}; only files of this machine are read")
    if path.stat().st_size > BYTES_MAX:
        raise _too_large()
    return sheet_bytes(path.name, path.read_bytes(), names, layer, LIMIT_S)


def sheet_bytes(
    name: str, data: bytes, names: Collection[str], layer: str | None = None, limit_s: float = 20.0
) -> Sheet:
    """The same of a file that was sent, under its name. Raises FileFault."""
    suffix = _suffix(name)
    if suffix not in TABLES:
        raise FileFault("Danh sách đọc từ .xlsx hoặc .csv", "a list is read from .xlsx or .csv")
    if len(data) > BYTES_MAX:
        raise _too_large()
    with tempfile.TemporaryDirectory(prefix="haidang-file-") as folder:
        copy = Path(folder, f"data{suffix}")
        copy.write_bytes(data)
        options = json.dumps({"layer": layer, "names": list(names)})
        # Which row is the header is found by its words, so none is taken for it beforehand.
        said = _run(["table", str(copy), options], folder, limit_s, more={"OGR_XLSX_HEADERS": "DISABLE"})
    answer = _answer(said)
    return Sheet(tuple(answer["head"]), tuple((one["row"], _clean(one["cells"])) for one in answer["rows"]))


def geopackage(features: Sequence[Mapping[str, Any]]) -> bytes:
    """GeoJSON features with flat properties as a GeoPackage of one layer. Raises FileFault."""
    with tempfile.TemporaryDirectory(prefix="haidang-file-") as folder:
        done = _run(["write"], folder, LIMIT_S, json.dumps(list(features)).encode())
    if not done.startswith(b"SQLite format 3"):
        raise FileFault("Không ghi được GeoPackage", "the GeoPackage could not be written")
    return done


def _unpacked(path: Path) -> bytes:
    """What gzip packed. Raises FileFault."""
    try:
        with gzip.open(path) as file:
            data = file.read(BYTES_MAX + 1)
    except (OSError, EOFError, zlib.error):
        raise FileFault("Tệp nén hỏng hoặc bị cắt", "a damaged or cut off gzip file") from None
    if len(data) > BYTES_MAX:
        raise _too_large()
    return data


def _suffix(name: str) -> str:
    suffix = SUFFIXES.get(Path(name).suffix.lower())
    if suffix is None:
        raise FileFault(
            f"Không đọc loại tệp này; đọc được: {KNOWN}", f"this kind of file is not read; read are {KNOWN}"
        )
    return suffix


def _too_large() -> FileFault:
    return FileFault(f"Tệp quá lớn: nhiều nhất {BYTES_MAX >> 20} MB", f"too large: at most {BYTES_MAX >> 20} MB")


def _read(folder: str, suffix: str, crs: str | None, layer: str | None, limit_s: float) -> Rows:
    options = json.dumps({"crs": crs, "layer": layer})
    said = _run(["read", str(Path(folder, f"data{suffix}")), options], folder, limit_s)
    answer = _answer(said)
    rows = [Row(one["row"], _clean(one["properties"]), one["geometry"], _pair(one["fault"])) for one in answer["rows"]]
    return Rows(tuple(rows), answer["crs"])


def _answer(said: bytes) -> Any:
    """What the child said. Raises FileFault for its refusal, and when it broke."""
    try:
        answer = json.loads(said)
    except ValueError:
        raise FileFault("Không đọc được tệp này", "the file could not be read: it broke its reader") from None
    if "fault" in answer:
        fault = answer["fault"]
        raise FileFault(fault["vi"], fault["en"], fault.get("layers", ()))
    return answer


def _clean(value: Any) -> Any:
    """Without the one character that no database keeps."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {_clean(name): _clean(one) for name, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list) else value


def _pair(fault: Mapping[str, str] | None) -> tuple[str, str] | None:
    return (fault["vi"], fault["en"]) if fault else None


def _run(
    words: Sequence[str], folder: str, limit_s: float, given: bytes = b"", more: Mapping[str, str] | None = None
) -> bytes:
    if not _free.acquire(timeout=limit_s):
        raise FileFault("Đang đọc nhiều tệp khác: thử lại sau", "too many files are being read; try again in a moment")
    surroundings = {"HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    quiet = {
        "PROJ_NETWORK": "OFF",
        "SHAPE_RESTORE_SHX": "YES",
        "OPENBLAS_NUM_THREADS": "1",
        "OGR_XLSX_HEADERS": "FORCE",
        "OGR_XLSX_FIELD_TYPES": "STRING",
    }
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(CHILD), *words], input=given, capture_output=True, timeout=limit_s, cwd=folder,
            env={**surroundings, **quiet, **(more or {})},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise FileFault(
            f"Không đọc xong trong {limit_s:g} giây", f"it could not be read within {limit_s:g} s"
        ) from None
    finally:
        _free.release()
    return done.stdout if done.returncode == 0 else b""
