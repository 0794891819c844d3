"""A process of its own that reads one file of features, or writes one: GDAL meets strangers' bytes only here.

    python -I vector_child.py read FILE '{"crs": null, "layer": null}'  -> rows as JSON on stdout
    python -I vector_child.py table FILE '{"layer": null, "names": []}' -> rows of a table without geometry
    python -I vector_child.py write < rows as JSON                      -> a GeoPackage on stdout

Nothing but the file is opened: no address, no other format than the one its name says, nothing that it points to.
"""

import csv
import io
import json
import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROWS_MAX, VERTICES_MAX = 2_000, 500_000
LIST_ROWS_MAX = 20_000  # of a table without geometry
HEAD_WITHIN = 20  # above the header of a list people put its title, their office and the day
UNPACKED_MAX = 128 << 20  # what a zip or a workbook may hold
DRIVERS = ("GPKG", "ESRI Shapefile", "XLSX")
WKT_COLUMNS = ("geometry", "wkt", "geom", "the_geom", "wkt_geom")
SHAPE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
SHAPE_HEAD, DBF_HEAD = 100, 32
CODEPAGES = {"65001": "utf-8", "1258": "cp1258", "1252": "cp1252", "88591": "latin-1"}

Options = Mapping[str, Any]
Row = tuple[dict[str, Any], Any]  # properties, and a GeoJSON geometry, a WKT text or None


class Refused(Exception):
    """Why a file is not read, in Vietnamese and English; layers: those of which one must be chosen."""

    def __init__(self, vi: str, en: str, layers: Sequence[str] = ()) -> None:
        super().__init__(en)
        self.vi, self.en, self.layers = vi, en, list(layers)


class Content:
    """What a file says: its rows, its reference system if it names one, and the number of its first row."""

    def __init__(self, rows: Iterator[Row] | list[Row], crs: str | None = None, first: int = 1) -> None:
        self.rows, self.crs, self.first = rows, crs, first


# The formats


def read_geojson(path: Path, options: Options) -> Content:
    """A FeatureCollection, a Feature or a bare geometry (RFC 7946); a `crs` counts if it is there."""
    try:
        value = json.loads(path.read_bytes().decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise Refused(
            f"GeoJSON hỏng hoặc bị cắt ở dòng {error.lineno}, cột {error.colno}",
            f"not JSON, or cut off, at line {error.lineno}, column {error.colno}: {error.msg}",
        ) from None
    except (UnicodeDecodeError, RecursionError):
        raise Refused("Tệp không phải là GeoJSON (UTF-8)", "not GeoJSON in UTF-8") from None
    kind = value.get("type") if isinstance(value, dict) else None
    features = value.get("features") if kind == "FeatureCollection" else [value] if kind == "Feature" else None
    if features is None and isinstance(kind, str) and ("coordinates" in value or "geometries" in value):
        features = [{"type": "Feature", "properties": {}, "geometry": value}]
    if not isinstance(features, list):
        raise Refused("JSON này không phải là GeoJSON", "this JSON is no GeoJSON FeatureCollection")
    named = value.get("crs")
    name = str((named.get("properties") or {}).get("name")) if isinstance(named, dict) else ""
    number = re.search(r"EPSG:(?:[\d.]*:)?(\d+)$", name)
    return Content([_feature(one) for one in features], f"EPSG:{number[1]}" if number else None)


def _feature(one: Any) -> Row:
    if not isinstance(one, dict):
        return {}, None
    about = one.get("properties")
    own = {"id": one["id"]} if "id" in one else {}
    return {**own, **(about if isinstance(about, dict) else {})}, one.get("geometry")


def read_kml(path: Path, options: Options) -> Content:
    """Placemarks, always WGS84."""
    from xml.etree import ElementTree

    from geo.kml import placemarks

    try:
        return Content(list(placemarks(path.read_bytes())), "EPSG:4326")
    except ElementTree.ParseError as error:
        line, column = error.position
        raise Refused(
            f"KML hỏng hoặc bị cắt ở dòng {line}, cột {column}",
            f"not XML, or cut off, at line {line}, column {column}: {error}",
        ) from None
    except ValueError as error:
        raise Refused("Tệp này không phải là KML", f"no KML: {error}") from None


def read_csv(path: Path, options: Options) -> Content:
    """Comma, semicolon or tab; a column of WKT. The header is row 1."""
    return _sheet(_csv(path, 1))


def _csv(path: Path, head_lines: int) -> list[list[str]]:
    """The cells of a CSV; its delimiter is the one that its first lines have most of."""
    text = _text(path.read_bytes())
    csv.field_size_limit(32 << 20)
    head = "\n".join(text.split("\n", head_lines)[:head_lines])
    delimiter = max(",;\t", key=head.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise Refused("CSV hỏng", f"no CSV: {error}") from None


def _text(data: bytes) -> str:
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused("Tệp này không phải là CSV", "no CSV: it holds bytes that are no text")
    for encoding in ("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig", "cp1258"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("Không rõ bảng mã của CSV: hãy lưu bằng UTF-8", "unknown encoding: save the CSV in UTF-8")


def _sheet(table: list[list[Any]]) -> Content:
    """A header and rows; the geometry is the column of that name."""
    head = [str(cell or "").strip() for cell in table[0]] if table else []
    place = next((n for n, name in enumerate(head) if name.lower() in WKT_COLUMNS), None)
    if place is None:
        raise Refused(
            "Không có cột hình học: cần cột `geometry` hoặc `wkt` viết bằng WKT",
            "no column of geometry: a column `geometry` or `wkt` with WKT is needed",
        )
    rows: list[Row] = []
    for cells in table[1:]:
        values = {name: cell for n, (name, cell) in enumerate(zip(head, cells, strict=False)) if n != place and name}
        wkt = cells[place] if place < len(cells) else None
        empty = not any(str(cell or "").strip() for cell in cells)
        rows.append(({}, Ellipsis) if empty else (values, str(wkt).strip() if wkt else None))
    return Content(rows, None, first=2)


def read_xlsx(path: Path, options: Options) -> Content:
    """The sheet of a workbook that has a column of WKT; its first row is the header."""
    _measure(path, "xl/workbook.xml")
    named = [options["layer"]] if options["layer"] else _layers(path, shapes=False)
    sheets = {name: _ogr(path, {**options, "layer": name}) for name in named[:20]}
    good = [name for name, (fields, _, _) in sheets.items() if any(one.lower() in WKT_COLUMNS for one in fields)]
    if len(good) > 1:
        raise _several(good)
    fields, rows, _ = sheets[good[0] if good else named[0]]
    return _sheet([fields, *([about.get(name) for name in fields] for about, _ in rows)])


def read_gpkg(path: Path, options: Options) -> Content:
    """A layer of a GeoPackage; its file must be as long as its own header says."""
    head = path.read_bytes()[:100]
    page = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    if len(head) < 100 or path.stat().st_size < pages * (65_536 if page == 1 else page):
        raise _cut("GeoPackage")
    _, rows, crs = _ogr(path, options)
    return Content(rows, crs)


def read_shp(path: Path, options: Options) -> Content:
    """A shapefile with its .dbf, .prj and .cpg beside it; without .cpg, text is UTF-8 or else Vietnamese Windows."""
    head = path.read_bytes()[:SHAPE_HEAD]
    if len(head) < SHAPE_HEAD or path.stat().st_size < 2 * int.from_bytes(head[24:28], "big"):
        raise _cut("shapefile")
    table = path.with_suffix(".dbf")
    if not table.exists():
        raise Refused("Thiếu tệp .dbf đi cùng .shp", "the .dbf that belongs to the .shp is missing")
    head = table.read_bytes()[:DBF_HEAD]
    size = int.from_bytes(head[8:10], "little") + int.from_bytes(head[4:8], "little") * int.from_bytes(
        head[10:12], "little"
    )
    if len(head) < DBF_HEAD or table.stat().st_size < size:
        raise _cut(".dbf")
    page = path.with_suffix(".cpg")
    codec = _codec(page.read_text("latin-1") if page.exists() else "")
    page.unlink(missing_ok=True)  # all bytes come as they are, and are decoded here
    _, rows, crs = _ogr(path, options, encoding="ISO-8859-1")
    mended = [({_decoded(name, codec): _decoded(one, codec) for name, one in about.items()}, at) for about, at in rows]
    return Content(mended, crs)


def _codec(page: str) -> str | None:
    import codecs

    name = re.sub(r"^(ANSI|OEM|ISO)\s*", "", page.strip(), flags=re.IGNORECASE).replace(" ", "")
    try:
        return codecs.lookup(CODEPAGES.get(name.replace("-", ""), name)).name if name else None
    except LookupError:
        return None


def _decoded(value: Any, codec: str | None) -> Any:
    if not isinstance(value, str):
        return value
    raw = value.encode("latin-1", "ignore")
    for encoding in (codec, "utf-8", "cp1258"):
        for end in range(len(raw), max(len(raw) - 4, -1), -1):  # a field may end in the middle of a letter
            try:
                if encoding and (end == len(raw) or len(raw) > 9):
                    return raw[:end].decode(encoding)
            except (UnicodeDecodeError, LookupError):
                continue
    return value


def read_zip(path: Path, options: Options) -> Content:
    """The one shapefile in a zip, or the one that `layer` names."""
    _measure(path, None)
    with zipfile.ZipFile(path) as archive:
        names = [one for one in archive.infolist() if not one.is_dir() and "__MACOSX" not in one.filename]
        shapes = [Path(one.filename) for one in names if one.filename.lower().endswith(".shp")]
        chosen = [path for path in shapes if options["layer"] in (None, path.stem)]
        if len(chosen) != 1:
            stems = sorted(path.stem for path in shapes)
            listed = ", ".join(stems[:10])
            raise Refused(
                f"Tệp zip cần đúng một shapefile; có: {listed or 'không có'}",
                f"the zip holds {f'shapefiles {listed}: say --layer-name' if listed else 'no shapefile (.shp)'}",
                stems,
            )
        for one in names:
            inner = Path(one.filename)
            same = str(inner.with_suffix("")).lower() == str(chosen[0].with_suffix("")).lower()
            if same and inner.suffix.lower() in SHAPE_PARTS:
                _unpack(archive, one, path.with_name(f"data{inner.suffix.lower()}"))
    return read_shp(path.with_name("data.shp"), {**options, "layer": None})


def _measure(path: Path, needed: str | None) -> None:
    """Refuse what is no zip, or unpacks to too much."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise Refused("Tệp nén hỏng hoặc bị cắt", "a damaged or cut off zip") from None
    if len(inside) > 10_000 or sum(one.file_size for one in inside) > UNPACKED_MAX:
        raise _bomb()
    if any(one.flag_bits & 1 for one in inside):
        raise Refused("Tệp nén có mật khẩu", "the zip has a password")
    if needed and needed not in {one.filename for one in inside}:
        raise Refused("Tệp này không phải là XLSX", "no XLSX workbook")
    try:  # what its directory says may be a lie
        with zipfile.ZipFile(path) as archive:
            for one in inside if needed else ():
                _unpack(archive, one, None)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise Refused("Tệp nén hỏng hoặc bị cắt", "a damaged or cut off zip") from None


def _unpack(archive: zipfile.ZipFile, one: zipfile.ZipInfo, to: Path | None) -> None:
    left = UNPACKED_MAX
    try:
        with archive.open(one) as packed, open(to or os.devnull, "wb") as out:
            while piece := packed.read(1 << 20):
                left -= len(piece)
                if left < 0:
                    raise _bomb()
                out.write(piece)
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise Refused("Tệp nén hỏng hoặc bị cắt", f"a damaged zip: {error}") from None


def _bomb() -> Refused:
    most = UNPACKED_MAX >> 20
    return Refused(f"Tệp nén mở ra hơn {most} MB", f"the zip unpacks to more than {most} MB")


def _cut(what: str) -> Refused:
    return Refused(f"Tệp {what} bị cắt hoặc hỏng", f"the {what} is cut off or damaged")


def _ogr(path: Path, options: Options, most: int = ROWS_MAX, **more: Any) -> tuple[list[str], list[Row], str | None]:
    """Names of the fields, rows and the reference system, of one layer that GDAL reads."""
    import pyogrio
    import shapely

    layers, wanted = _layers(path, shapes=path.suffix != ".xlsx"), options["layer"]
    if wanted is None and len(layers) > 1:
        raise _several(layers)
    if not layers or (wanted is not None and wanted not in layers):
        listed = ", ".join(layers[:10]) or "-"
        raise Refused(f"Không có lớp này; có: {listed}", f"there is no such layer; there is: {listed}", layers)
    try:
        meta, _, shapes, values = pyogrio.raw.read(
            path, layer=wanted or layers[0], max_features=most + 1, datetime_as_string=True, force_2d=True, **more
        )
        geoms = [None] * len(values[0] if values else ()) if shapes is None else shapely.from_wkb(shapes).tolist()
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError) as error:
        raise _unreadable(path, error) from None
    except (shapely.errors.ShapelyError, UnicodeDecodeError) as error:
        raise Refused("Tệp hỏng: hình học hoặc chữ không đọc được", f"damaged geometry or text: {error}") from None
    names = [str(name) for name in meta["fields"]]
    rows = [
        ({name: _value(column[n]) for name, column in zip(names, values, strict=True)}, _mapped(geom))
        for n, geom in enumerate(geoms)
    ]
    return names, rows, meta["crs"]


def _layers(path: Path, shapes: bool) -> list[str]:
    """The names of the layers; of those alone that have shapes: other tables hold styles and the like."""
    import pyogrio

    try:
        found = pyogrio.list_layers(path)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise _unreadable(path, error) from None
    return [str(name) for name, kind in found if kind is not None or not shapes]


def _several(layers: Sequence[str]) -> Refused:
    listed = ", ".join(layers[:10])
    return Refused(f"Tệp có nhiều lớp: {listed}", f"several layers, say --layer-name: {listed}", layers)


def _unreadable(path: Path, error: Exception) -> Refused:
    first = (str(error).splitlines() or [""])[0].replace(str(path), "it")[:200]
    return Refused("GDAL không đọc được tệp này", f"GDAL cannot read it: {first}")


def _mapped(geom: Any) -> Any:
    from shapely.geometry import mapping

    return None if geom is None else mapping(geom)


def _value(value: Any) -> Any:
    plain = value.item() if hasattr(value, "item") else value
    return None if plain != plain else plain  # NaN where a number is missing


MAGIC: Mapping[str, tuple[Callable[[Path, Options], Content], Callable[[bytes], bool], str]] = {
    ".geojson": (read_geojson, lambda head: head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["), "GeoJSON"),
    ".kml": (read_kml, lambda head: b"<" in head[:8] or head[:2] in (b"\xff\xfe", b"\xfe\xff"), "KML"),
    ".csv": (read_csv, lambda head: not head.startswith((b"PK\x03\x04", b"SQLite format 3")), "CSV"),
    ".gpkg": (read_gpkg, lambda head: head.startswith(b"SQLite format 3\0"), "GeoPackage"),
    ".xlsx": (read_xlsx, lambda head: head.startswith(b"PK"), "XLSX"),
    ".zip": (read_zip, lambda head: head.startswith(b"PK"), "zip"),
    ".shp": (read_shp, lambda head: head.startswith(b"\x00\x00\x27\x0a"), "shapefile"),
}


# To WGS84


def read(path: Path, options: Options) -> dict[str, Any]:
    """The rows of a file in WGS84. Raises Refused."""
    reader, looks, name = MAGIC[path.suffix]
    if not path.stat().st_size:
        raise Refused("Tệp rỗng", "the file is empty")
    with path.open("rb") as file:
        if not looks(file.read(64)):
            raise Refused(f"Đuôi tệp nói là {name} nhưng nội dung không phải", f"named as {name}, but it holds none")
    content = reader(path, options)
    rows = list(content.rows)
    if len(rows) > ROWS_MAX:
        raise Refused(f"Quá nhiều dòng: nhiều nhất {ROWS_MAX}", f"too many rows: at most {ROWS_MAX}")
    numbered = [(n, about, _geometry(at)) for n, (about, at) in enumerate(rows, content.first) if at is not Ellipsis]
    if not numbered:
        raise Refused("Tệp không có vùng nào", "the file holds no features")
    if sum(_count(at) for _, _, at in numbered if isinstance(at, dict)) > VERTICES_MAX:
        raise Refused(f"Quá nhiều đỉnh: nhiều nhất {VERTICES_MAX}", f"too many vertices: at most {VERTICES_MAX}")
    from geo.projection import Unclear, plan

    try:
        crs, move = plan(options["crs"] or content.crs, [at for _, _, at in numbered])
    except Unclear as error:
        raise Refused(error.vi, error.en) from None
    return {"crs": crs, "rows": [{"row": n, "properties": about, **move(at)} for n, about, at in numbered]}


def _geometry(value: Any) -> Any:
    """GeoJSON out of WKT; what cannot be read stays a text, which is refused row by row."""
    import shapely

    if not isinstance(value, str):
        return value
    try:
        return _mapped(shapely.force_2d(shapely.from_wkt(re.sub(r"^SRID=\d+;", "", value))))
    except shapely.errors.ShapelyError as error:
        return f"WKT: {str(error).splitlines()[0][:120]}"


def _count(geometry: Mapping[str, Any]) -> int:
    stack, found = [geometry.get("coordinates"), *(geometry.get("geometries") or ())], 0
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            stack += [one.get("coordinates"), *(one.get("geometries") or ())]
        elif isinstance(one, list | tuple):
            if one and not isinstance(one[0], list | tuple | dict):
                found += 1
            else:
                stack += one
    return found


# Tables without geometry


def table(path: Path, options: Options) -> dict[str, Any]:
    """The header and rows of the CSV or of the one sheet that has a column of `names` (folded). Raises Refused."""
    from geo.fold import fold

    _, looks, name = MAGIC[path.suffix]
    with path.open("rb") as file:
        if not looks(file.read(64)):
            raise Refused(f"Đuôi tệp nói là {name} nhưng nội dung không phải", f"named as {name}, but it holds none")
    found: dict[str, tuple[int, list[list[Any]]]] = {}
    for sheet, cells in _sheets(path, options):
        for n, row in enumerate(cells[:HEAD_WITHIN]):
            if any(fold(str(cell or "")) in options["names"] for cell in row):
                found[sheet] = n, cells
                break
    if not found:
        listed = ", ".join(options["names"][:3])
        raise Refused(f"Không thấy dòng tiêu đề có cột: {listed}", f"no header is found that has a column of: {listed}")
    if len(found) > 1:
        raise _several(list(found))
    ((at, cells),) = found.values()
    head = [str(cell or "").strip() for cell in cells[at]]
    rows = [
        {"row": n, "cells": {name: cell for name, cell in zip(head, row, strict=False) if name}}
        for n, row in enumerate(cells[at + 1 :], at + 2)
        if any(str(cell if cell is not None else "").strip() for cell in row)
    ]
    if not rows:
        raise Refused("Dưới tiêu đề không có dòng nào", "there are no rows under the header")
    if len(rows) > LIST_ROWS_MAX:
        raise Refused(f"Quá nhiều dòng: nhiều nhất {LIST_ROWS_MAX}", f"too many rows: at most {LIST_ROWS_MAX}")
    return {"head": [name for name in head if name], "rows": rows}


def _sheets(path: Path, options: Options) -> Iterator[tuple[str, list[list[Any]]]]:
    """The tables of a file by their names, each as rows of cells; row 1 is the first."""
    if path.suffix == ".csv":
        yield "", _csv(path, HEAD_WITHIN)
        return
    _measure(path, "xl/workbook.xml")
    for sheet in [options["layer"]] if options["layer"] else _layers(path, shapes=False)[:20]:
        fields, rows, _ = _ogr(path, {**options, "layer": sheet}, LIST_ROWS_MAX + HEAD_WITHIN)
        yield sheet, [[about[name] for name in fields] for about, _ in rows]


# A GeoPackage


def write(features: list[dict[str, Any]]) -> bytes:
    """One layer `fences`, WGS84; every property is text or a number, as it comes."""
    import tempfile

    import numpy as np
    import pyogrio
    import shapely
    from shapely.geometry import shape

    names = list(dict.fromkeys(name for one in features for name in one["properties"]))
    columns, masks = [], []
    for name in names:
        cells = [one["properties"].get(name) for one in features]
        masks.append(np.array([cell is None for cell in cells]))
        numeric = any(isinstance(cell, float) for cell in cells)
        told = [(0.0 if cell is None else cell) if numeric else (cell if cell is None else str(cell)) for cell in cells]
        columns.append(np.array(told, dtype=float if numeric else object))
    geoms = np.array([shapely.to_wkb(shape(one["geometry"])) for one in features], dtype=object)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fences.gpkg"
        pyogrio.raw.write(
            path, geoms, columns, names, field_mask=masks, layer="fences", driver="GPKG", geometry_type="Unknown",
            crs="EPSG:4326",
        )  # fmt: skip
        return path.read_bytes()


def alone() -> None:
    """Start again without the formats that nobody asked for: among them are such as open other files and addresses."""
    import pyogrio

    others = [name for name in pyogrio.list_drivers() if name not in DRIVERS]
    if others:
        if os.environ.get("GDAL_SKIP"):
            raise Refused("GDAL không tắt được định dạng khác", f"GDAL would not do without {', '.join(others[:5])}")
        os.environ["GDAL_SKIP"] = ",".join(others)
        os.execv(sys.executable, [sys.executable, "-I", *sys.argv])


def main() -> None:
    """Read or write; a refusal is an answer, too."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    try:
        path = Path(sys.argv[2]) if sys.argv[1] != "write" else None
        if path is None or path.suffix in (".gpkg", ".shp", ".zip", ".xlsx"):
            alone()
        if path is None:
            sys.stdout.buffer.write(write(json.load(sys.stdin)))
            return
        answer = (table if sys.argv[1] == "table" else read)(path, json.loads(sys.argv[3]))
    except Refused as refused:
        answer = {"fault": {"vi": refused.vi, "en": refused.en, "layers": refused.layers}}
    except MemoryError:
        answer = {"fault": {"vi": "Tệp quá lớn để đọc", "en": "the file is too large to be read"}}
    # Halves of letters, as JSON may hold them, are no text.
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"))


if __name__ == "__main__":
    import resource
    import warnings

    warnings.simplefilter("ignore")  # GDAL's remarks: what matters is checked here
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * UNPACKED_MAX, 2 * UNPACKED_MAX))
    main()
