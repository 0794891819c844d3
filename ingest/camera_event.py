"""The record of a recognition system's event: what it must hold, read one JSON object at a time."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from geo.camera_event import CAMERA_MOST, LANE_MOST, PLATE_MOST, SNAPSHOT_MOST, TYPES, holds, plain, without_plates
from ingest.feed import RECORD_ID, Member, Push, Row
from ingest.json_lines import is_text, read_object, record_id, seconds
from ingest.lines import Refused

NAME = "camera_event"  # where it is pushed to, and what a key is for
PLATE_ELSEWHERE, PLATE_AS_CAMERA = "plate_elsewhere", "plate_as_camera"
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def _read(line: bytes, received_at: float) -> Row:
    """Raises Refused: `not_json`, `member_twice`, `time`, `value:<member>`, `plate_elsewhere`."""
    given = read_object(line)
    own = record_id(given)
    if own is None:
        raise Refused(f"value:{RECORD_ID.name}")
    kind = given.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        raise Refused("value:type")
    if given.get("occurred_at") is None:
        raise Refused("time")
    plate = _text(given, "plate", PLATE_MOST)
    if plate is not None and len(plain(plate)) < 4:
        raise Refused("value:plate")
    row = {
        RECORD_ID.name: own,
        "camera": _text(given, "camera", CAMERA_MOST),
        "type": kind,
        "observed_at": seconds(given["occurred_at"], "time"),
        "confidence": _share(given.get("confidence")),
        "plate": plate,
        "lane": _text(given, "lane", LANE_MOST),
        "snapshot": _address(given),
        "simulated": given.get("simulated") or False,
    }
    if row["camera"] is None:
        raise Refused("value:camera")
    if not isinstance(row["simulated"], bool):
        raise Refused("value:simulated")
    # A plate in a file's name or a remark would be read by all who may not read it.
    if plate and any(holds(str(row[name] or ""), plate) for name in (RECORD_ID.name, "camera", "lane", "snapshot")):
        raise Refused(PLATE_ELSEWHERE)
    # So would one that is not this record's own, which no member tells.
    row["lane"] = without_plates(str(row["lane"] or "")) or None
    return row


def _text(given: Mapping[str, Any], name: str, most: int) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    if not is_text(value) or len(value) > most:
        raise Refused(f"value:{name}")
    return " ".join(UNSEEN.sub(" ", value).split()) or None


def _share(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise Refused("value:confidence")
    return float(value)


def _address(given: Mapping[str, Any]) -> str | None:
    value = _text(given, "snapshot", SNAPSHOT_MOST)
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
        usable = usable and (parts.port is None or parts.port > 0) and value.isascii() and " " not in value
    except ValueError:
        usable = False
    if not usable:
        raise Refused("value:snapshot")
    return value


PUSH = Push(
    (
        Member(
            "camera", "text", True, 1, CAMERA_MOST,
            vi="khoá của camera trong danh mục", en="the camera's key in the register",
        ),
        Member("type", "text", True, 1, 40, vi=f"loại: {', '.join(TYPES)}", en=f"one of {', '.join(TYPES)}"),
        Member("occurred_at", "time", True, vi="lúc xảy ra", en="when it happened"),
        Member("confidence", "number", least=0, most=1, vi="độ tin cậy, 0 đến 1", en="confidence, 0 to 1"),
        Member(
            "plate", "text", least=1, most=PLATE_MOST,
            vi="biển số, giữ kín; không được lặp lại ở mục khác, kể cả tên tệp hình",
            en="number plate, kept closed; it must stand in no other member, nor in the picture's name",
        ),
        Member("lane", "text", most=LANE_MOST, vi="làn, hướng, vệt", en="lane, direction, track"),
        Member(
            "snapshot", "text", most=SNAPSHOT_MOST,
            vi="địa chỉ http(s) của hình; máy chủ phải có trong danh sách được phép",
            en="http(s) address of the picture; its host must be among those allowed",
        ),
        Member("simulated", "flag", vi="sự kiện thử, mô phỏng", en="a test or a simulation"),
    ),
    _read,
    line_bytes_max=4096,
)  # fmt: skip
EXAMPLE: Mapping[str, Any] = {
    "record_id": "20261128-000001", "camera": "HUE-CAM-001", "type": "red_light",
    "occurred_at": "2026-11-28T07:31:00Z", "confidence": 0.91, "plate": "75A-123.45", "lane": "2",
    "snapshot": "https://vms.example.vn/e/000001.jpg",
}  # fmt: skip
