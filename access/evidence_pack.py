"""What an evidence pack holds, its files, its manifest with the SHA-256 of each, and the ZIP of them all."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shapely.geometry import LineString, MultiLineString, mapping

from access.site import Site
from geo.anomaly import NO_TRACK
from geo.canonical import digest, page, sheet
from geo.duty import Duty
from geo.fence import REFERENCE_NOTE
from geo.fence_kind import REFERENCE
from geo.port_call import PortCall, Trip

Row = dict[str, Any]
PAPER = "ho-so.pdf"
FORM = 2  # of the pack; another number when the same rows would give other files
DECIMALS = {"lon": 7, "lat": 7}
FIX_COLUMNS = (
    "observed_at", "received_at", "lon", "lat", "speed", "course", "heading", "status", "device", "provider", "manual",
    "source", "anomaly", "counts", "simulated", "row_sha256",
)  # fmt: skip
ALARM_COLUMNS = (
    "id", "rule", "layer", "object_key", "object_label", "other_key", "fence", "raised_at", "cleared_at",
    "withdrawn_at", "acknowledged_at", "acknowledged_by", "escalated_at", "observed_at", "evidence", "simulated",
)  # fmt: skip
JOURNAL_COLUMNS = (
    "id", "alarm_id", "transition", "at", "observed_at", "actor", "actor_kind", "comment", "data", "row_sha256",
)  # fmt: skip
CASE_COLUMNS = (
    "id", "kind", "registration", "owner_level", "device", "provider", "since", "opened_at", "stage", "stage_at",
    "ended_at", "escalated_at", "unit", "contacts", "cause", "outcome", "closed_at", "closed_by", "simulated",
)  # fmt: skip
LOG_COLUMNS = (
    "id", "case_id", "kind", "at", "entered_at", "actor", "actor_kind", "text", "data", "row_sha256",
)  # fmt: skip
INSPECTION_COLUMNS = (
    "id", "at", "place", "unit", "inspectors", "result", "findings", "document", "note", "corrects", "entered_at",
    "actor", "actor_kind", "row_sha256",
)  # fmt: skip
NAMES = {"vms": "track_vms", "vessel": "track_ais"}
MASKED = {
    "vi": "Hệ thống Hải Đăng đã che số điện thoại trong nhật ký và ghi chú, chỉ để lại ba số cuối, vì hồ sơ được lập"
    " không có quyền đọc liên hệ. Họ tên, số điện thoại chủ tàu và thuyền trưởng trong sổ đăng ký không có trong hồ sơ,"
    " vì sổ không giữ lịch sử của chúng.",
    "en": "The system masked telephone numbers in logs and notes down to their last three digits: the pack is made"
    " without the right to read contacts. The register's names and numbers of owner and captain are not in it, since it"
    " keeps no history of them.",
}


@dataclass(frozen=True)
class Track:
    """One layer's fixes of the boat; rows are those that the file has, gap after how long nothing is known of it."""

    layer: str
    key: str
    rows: Sequence[Row]
    gap: timedelta

    @property
    def counted(self) -> list[Row]:
        """The fixes that tell where the boat was."""
        return [row for row in self.rows if row["counts"]]


@dataclass(frozen=True)
class Pack:
    """All that a pack holds: what was asked, the boat as the register had it at the end of the period, and the files.

    files: the data files by name; sources: of each table the number of its rows and their SHA-256.
    """

    registration: str
    start: datetime
    end: datetime
    as_of: datetime
    boat: Mapping[str, Any]
    boat_versions: Sequence[Row]
    duty: Duty
    tracks: Sequence[Track]
    calls: Sequence[PortCall]
    trips: Sequence[Trip]
    fences: Sequence[Row]
    alarms: Sequence[Row]
    journal: Sequence[Row]
    rules: Mapping[str, Mapping[str, Any]]
    cases: Sequence[Row]
    log: Sequence[Row]
    inspections: Sequence[Row]
    files: Mapping[str, bytes]
    sources: Mapping[str, Mapping[str, Any]]

    @property
    def name(self) -> str:
        """What its file is called, in letters that every system takes."""
        plain_name = self.registration.replace("Đ", "D")
        return f"ho-so-{plain_name}-{self.start:%Y%m%dT%H%MZ}-{self.end:%Y%m%dT%H%MZ}"

    @property
    def simulated(self) -> bool:
        """Whether any of it is made up."""
        fixes = any(row["simulated"] for track in self.tracks for row in track.rows)
        return fixes or bool(self.boat.get("simulated")) or any(row["simulated"] for row in (*self.alarms, *self.cases))


def data_files(
    tracks: Sequence[Track], fences: Sequence[Row], alarms: Sequence[Row], journal: Sequence[Row],
    rules: Sequence[Row], cases: Sequence[Row], log: Sequence[Row], register: Sequence[Row],
    inspections: Sequence[Row],
) -> dict[str, bytes]:  # fmt: skip
    """The data files by name; rows as they may leave the house."""
    found: dict[str, bytes] = {}
    for one in tracks:
        found[f"{NAMES[one.layer]}.csv"] = sheet(FIX_COLUMNS, one.rows, DECIMALS)
        found[f"{NAMES[one.layer]}.geojson"] = page(track_json(one))
    found["fences.geojson"] = page(fences_json(fences))
    found["alarms.csv"] = sheet(ALARM_COLUMNS, alarms)
    found["alarm_journal.csv"] = sheet(JOURNAL_COLUMNS, journal)
    found["rules.json"] = page(rules)
    found["cases.csv"] = sheet(CASE_COLUMNS, cases)
    found["case_journal.csv"] = sheet(LOG_COLUMNS, log)
    found["inspections.csv"] = sheet(INSPECTION_COLUMNS, inspections)
    found["register.json"] = page(register)
    return found


def legs(track: Track) -> list[list[Row]]:
    """The stretches of the track between which nothing is known for longer than its gap."""
    found: list[list[Row]] = []
    for row in track.counted:
        if row.get("track") == NO_TRACK:
            continue
        if found and row["observed_at"] - found[-1][-1]["observed_at"] <= track.gap:
            found[-1].append(row)
        else:
            found.append([row])
    return found


def track_json(track: Track) -> dict[str, Any]:
    """The track as GeoJSON (RFC 7946): its stretches as lines, interrupted where nothing is known, and each fix."""
    lines = [LineString([(row["lon"], row["lat"]) for row in leg]) for leg in legs(track) if len(leg) > 1]
    gap = {"gap_after_min": track.gap.total_seconds() / 60}
    about = {"kind": "track", "layer": track.layer, "key": track.key, **gap}
    features = [
        {"type": "Feature", "geometry": mapping(MultiLineString(lines)) if lines else None, "properties": about}
    ]
    for row in track.rows:
        told = {name: row.get(name) for name in FIX_COLUMNS if name not in ("lon", "lat")}
        point = {"type": "Point", "coordinates": [round(row["lon"], 7), round(row["lat"], 7)]}
        features.append({"type": "Feature", "geometry": point, "properties": {"kind": "fix", **told}})
    return {"type": "FeatureCollection", "features": features}


def fences_json(fences: Sequence[Row]) -> dict[str, Any]:
    """The versions of fences as GeoJSON; reference lines say that they are no legal basis."""
    features = []
    for row in fences:
        about = {name: value for name, value in row["value"].items() if name != "geom"}
        told = {name: row[name] for name in ("entered_at", "in_force_from", "in_force_to", "actor", "comment")}
        reference = {"reference_note": REFERENCE_NOTE} if row["value"]["kind"] in REFERENCE else {}
        features.append(
            {"type": "Feature", "id": f"{row['key']}@{row['version']}", "geometry": row["value"]["geom"],
             "properties": {**about, **told, **reference, "version": row["version"]}}
        )  # fmt: skip
    return {"type": "FeatureCollection", "features": features}


def manifest(site: Site, pack: Pack, paper: bytes) -> bytes:
    """What was asked, what is in it, and the SHA-256 of each file and of the rows of each table."""
    files = {**pack.files, PAPER: paper}
    return page(
        {
            "product": "Hải Đăng",
            "form": FORM,
            "centre": site.centre_vi,
            "registration": pack.registration,
            "from": pack.start,
            "to": pack.end,
            "as_of": pack.as_of,
            "simulated": pack.simulated,
            "masked": MASKED,
            "reference": REFERENCE_NOTE,
            "sources": dict(pack.sources),
            "files": {name: {"bytes": len(data), "sha256": digest(data)} for name, data in files.items()},
        }
    )


def zipped(site: Site, pack: Pack, paper: bytes) -> bytes:
    """The pack as one ZIP: data files, the PDF, manifest.json, and SHA256SUMS for `sha256sum -c`; it bears no time."""
    files = {**pack.files, PAPER: paper, "manifest.json": manifest(site, pack, paper)}
    sums = "".join(f"{digest(files[name])}  {name}\n" for name in sorted(files))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for name, data in sorted({**files, "SHA256SUMS": sums.encode()}.items()):
            about = zipfile.ZipInfo(name)  # of 1980, as the format has it
            about.compress_type, about.create_system, about.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            made.writestr(about, data)
    return packed.getvalue()
