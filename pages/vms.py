"""What the card says about a boat as its monitoring device reports it: the device, and what counts as a signal."""

from collections.abc import Mapping
from typing import Any

from pages.text import Text
from pages.vessel import knots, zone


def facts(t: Text, row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Name and value pairs in reading order; a pair without a value is left out by the card."""
    roles = {"catching": t("khai thác"), "logistics": t("hậu cần")}
    length = f"{t.number(row['length_m'], 1)} m" if row.get("length_m") else ""
    course = f"{t.number(row['course'])}°" if row.get("course") is not None else ""
    told = t("do người báo, không tính là tín hiệu") if row.get("manual") else ""
    signal = t.when(row["auto_at"]) if row.get("auto_at") else t("chưa có")
    return [
        (t("Tên tàu"), str(row.get("shipname") or "")),
        (t("Chiều dài, nghề"), _joined(length, roles.get(str(row.get("role")), ""))),
        (t("Tốc độ, hướng đi"), _joined(knots(t, row.get("speed")), course)),
        (t("Vị trí này"), told),
        (t("Tín hiệu tự động cuối"), signal),
        (
            t("Thiết bị"),
            _joined(str(row.get("device") or ""), str(row.get("provider_name") or row.get("provider") or "")),
        ),
        (t("Hô hiệu, MMSI"), _joined(str(row.get("callsign") or ""), str(row.get("mmsi") or ""))),
        (t("Vùng"), zone(t, row.get("zone"))),
    ]


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
