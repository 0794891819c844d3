"""The evidence pack of a boat: track, fences as they were, alarms, cases and their log, each file with its SHA-256.

It holds what had come by a moment (`as_of`) out of tables to which rows are only added, so that the same request gives
the same data files byte for byte, whatever came since.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import shapely
import sqlalchemy as sa
from shapely.geometry import shape

from access.boat import GAP, registration_of
from access.evidence_pack import Pack, Row, Track, data_files
from access.site import Site
from geo.anomaly import counts, kinds_of
from geo.canonical import digest, digest_of_rows, line
from geo.contact import mask, without_numbers
from geo.duty import Duty, duty
from geo.evidence import Incomplete, TooMany, alarms_by, cases_by, fixes_by, rules_by, versions_by
from geo.fence import PORT, Fence, of_json
from geo.fence_kind import REFERENCE
from geo.figure import figures
from geo.inspection import inspections_by
from geo.port_call import voyages
from layers.layer import Layer

SPAN_MOST = timedelta(days=31)
FIXES_MOST = 50_000
# What is received now is written within moments; by then nothing of a minute ago is still on its way.
SETTLED_AFTER = timedelta(minutes=1)
FREE_TEXTS = ("note", "response_vi", "response_en")  # of versions, into which people write what they like
NEAR_DEG = 0.25  # fences so near to the track are in the pack


class Refused(Exception):
    """Why there is no pack, in Vietnamese and English; `missing`: there is no such boat."""

    def __init__(self, vi: str, en: str, missing: bool = False) -> None:
        super().__init__(en)
        self.vi, self.en, self.missing = vi, en, missing


def assemble(
    connection: sa.Connection, site: Site, key: str, start: datetime, end: datetime, as_of: datetime, now: datetime
) -> Pack:
    """The pack of a boat (registration in any spelling, or MMSI) for [start, end], of what had come by as_of.

    Raises Refused: an unknown boat, a period that is too long or has too many fixes, an as_of that is not over yet, a
    file of the archive that cannot be read.
    """
    _possible(start, end, as_of, now)
    registration = registration_of(connection, key)
    versions = versions_by(connection, "boat", start, end, as_of, registration) if registration else []
    if not versions or registration is None:
        raise Refused(
            f"Sổ đăng ký không có tàu {key[:40]} vào lúc {as_of:%d/%m/%Y}",
            f"the register had no boat {key[:40]!r} at {as_of.isoformat()}",
            missing=True,
        )
    boat = versions[-1]["value"]
    known = figures(connection)
    own = duty(boat["length_m"], known, end, boat["role"])
    tracks = _tracks(connection, site, registration, boat, (start, end, as_of), own, known.at("vms_grace", end).span)
    objects = [(one.layer, one.key) for one in tracks]
    alarms, journal = alarms_by(connection, objects, start, end, as_of)
    cases, log = cases_by(connection, registration, start, end, as_of)
    journal, log = [_journal(row) for row in journal], [_entry(row) for row in log]
    rules = [_version(row) for row in rules_by(connection, alarms, as_of)]
    every = versions_by(connection, "fence", start, end, as_of)
    fences = _near(every, tracks, {one["fence"] for one in alarms})
    heard = next((one.counted for one in tracks if one.counted), [])
    calls, trips = voyages(heard, _ports(every))
    register = [_version(row) for row in versions]
    looked = [_hashed(row) for row in inspections_by(connection, registration, start, end, as_of)]
    files = data_files(tracks, fences, alarms, journal, rules, cases, log, register, looked)
    sources = {
        **{f"{one.layer}_history": one.rows for one in tracks},
        "alarm_journal": journal, "boat_case_entry": log, "boat_inspection": looked,
        "revision": [*register, *fences, *rules],
    }  # fmt: skip
    return Pack(
        registration, start, end, as_of, boat, register, own, tracks, calls, trips, fences, alarms, journal,
        {row["key"]: row["value"] for row in rules}, cases, log, looked, files,
        {name: {"rows": len(rows), "sha256": _of(rows)} for name, rows in sources.items()},
    )  # fmt: skip


def _possible(start: datetime, end: datetime, as_of: datetime, now: datetime) -> None:
    if not timedelta(0) < end - start <= SPAN_MOST:
        raise Refused(
            f"Khoảng thời gian phải dài hơn 0 và không quá {SPAN_MOST.days} ngày: hãy chia thành nhiều hồ sơ",
            f"`from` must lie before `to`, and at most {SPAN_MOST.days} days before it: make several packs",
        )
    if as_of > now - SETTLED_AFTER:
        raise Refused(
            "as_of phải cách hiện tại ít nhất 1 phút, để những gì đang được ghi không làm hồ sơ khác đi",
            "as_of must lie at least a minute back, so that nothing that is still being written can change the pack",
        )


def _tracks(
    connection: sa.Connection,
    site: Site,
    registration: str,
    boat: Mapping[str, Any],
    span: tuple[datetime, datetime, datetime],
    own: Duty,
    grace: timedelta,
) -> list[Track]:
    """By its device always, by AIS where the register had its MMSI."""
    keys = [("vms", registration)] + ([("vessel", str(boat["mmsi"]))] if boat.get("mmsi") else [])
    found = []
    for name, key in keys:
        layer = site.layer(name)
        if layer is None:
            continue
        try:
            rows = fixes_by(connection, site.archive, layer.shape, key, span, FIXES_MOST)
        except Incomplete as error:
            raise Refused(f"Thiếu dữ liệu lưu trữ: {error}", f"files of the archive are missing: {error}") from None
        except TooMany as error:
            raise Refused(
                f"{error.count} vị trí trong khoảng này, nhiều nhất {FIXES_MOST}: hãy chọn khoảng ngắn hơn",
                f"{error.count} positions in this period, of which {FIXES_MOST} are the most: ask for a shorter one",
            ) from None
        by_device = name == "vms" and own.interval is not None
        gap = own.interval.span + grace if by_device and own.interval else _gap(layer)
        found.append(Track(name, key, [_fix(row) for row in rows], gap))
    return found


def _gap(layer: Layer) -> timedelta:
    return max(GAP, timedelta(seconds=layer.style.stale_s))


def _fix(row: Row) -> Row:
    """A fix as the file has it, with the SHA-256 of the whole row that the database has."""
    told = {**row, "anomaly": [kind.name for kind in kinds_of(row.get("anomaly"))]}
    return {**told, "counts": bool(counts(row.get("anomaly"))), "row_sha256": digest(line(row))}


def _hashed(row: Row) -> Row:
    return {**row, "row_sha256": digest(line(row))}


def _journal(row: Row) -> Row:
    """A line of the alarms' journal with the telephone numbers in it masked; its SHA-256 is of the masked one."""
    return _hashed({**row, "comment": _masked(row["comment"]), "data": _masked(row["data"])})


def _entry(row: Row) -> Row:
    data = {name: _masked(value) for name, value in row["data"].items()}
    if data.get("number"):
        data["number"] = mask(row["data"]["number"])
    return _hashed({**row, "text": _masked(row["text"]), "data": data})


def _version(row: Row) -> Row:
    """A version of the register, of a fence or a rule, with the numbers in its free texts masked."""
    value = {name: _masked(each) if name in FREE_TEXTS else each for name, each in row["value"].items()}
    return {**row, "value": value, "comment": _masked(row["comment"])}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return without_numbers(value)
    if isinstance(value, Mapping):
        return {name: _masked(each) for name, each in value.items()}
    return [_masked(each) for each in value] if isinstance(value, list) else value


def _of(rows: Sequence[Row]) -> str:
    """SHA-256 of rows; of those that have their own, of these: who has a row can prove its part."""
    if rows and "row_sha256" in rows[0]:
        return digest("".join(f"{row['row_sha256']}\n" for row in rows))
    return digest_of_rows(rows)


def _near(every: Sequence[Row], tracks: Sequence[Track], named: set[str | None]) -> list[Row]:
    """The versions of fences that are reference lines, that alarms speak of, or that lie near the track."""
    places = [(row["lon"], row["lat"]) for track in tracks for row in track.counted]
    area = shapely.MultiPoint(places).envelope.buffer(NEAR_DEG).envelope if places else None
    found = []
    for row in every:
        kind = row["value"]["kind"]
        near = area is not None and shapely.intersects(shape(row["value"]["geom"]), area)
        if kind in REFERENCE or row["key"] in named or near:
            found.append(_version(row))
    return found


def _ports(every: Sequence[Row]) -> list[Fence]:
    """The ports as they were at the end of the period."""
    newest = {row["key"]: row["value"] for row in every if row["value"]["kind"] == PORT}
    return [of_json(value) for value in newest.values()]
