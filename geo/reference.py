"""What every installation starts with: the reference lines and zone, never a legal basis, and the units at hand."""

import json
from pathlib import Path

from shapely.geometry import shape

from geo.fence import REFERENCE_NOTE, Fence

ZONES = Path(__file__).with_name("reference_zones.geojson")
# VMS positions may be 500 m off (domain: Decree 26/2019 as applied), so leaving takes that much more.
HYSTERESIS_M = 500.0
# Whom an operations centre at Huế gives an alarm to: (key, Vietnamese, English), in the order of the desk's list.
UNITS = (
    ("fisheries", "Chi cục Thủy sản Huế", "Huế Fisheries Sub-department"),
    ("border_guard", "Đồn Biên phòng Cửa khẩu Cảng Thuận An", "Thuận An Port Border Guard Station"),
    ("coast_guard", "Cảnh sát biển", "Coast Guard"),
    ("surveillance", "Kiểm ngư", "Fisheries Surveillance"),
    ("coast_radio", "Đài thông tin duyên hải Huế", "Huế Coast Radio Station"),
    ("ioc", "Trung tâm Giám sát điều hành (IOC)", "Operations centre (IOC)"),
    ("disaster", "Ban Chỉ huy PCTT và TKCN", "Disaster Prevention and Search and Rescue Command"),
)


def reference_fences() -> list[Fence]:
    """Tuyến bờ, tuyến lộng, vùng lộng, and the two sides that have no polygon of their own (ven bờ, khơi)."""
    found = {}
    for item in json.loads(ZONES.read_text("utf-8"))["features"]:
        about = item["properties"]
        found[item["id"]] = Fence(
            key=item["id"],
            kind=about["kind"],
            name_vi=about["name_vi"],
            name_en=about["name_en"],
            geom=shape(item["geometry"]),
            note=about["note"],
            hysteresis_m=HYSTERESIS_M,
        )
    return [
        *found.values(),
        Fence(
            "ven_bo",
            "zone_coastal",
            "Vùng ven bờ",
            "Coastal zone",
            found["tuyen_bo"].geom,
            REFERENCE_NOTE,
            HYSTERESIS_M,
        ),
        Fence(
            "khoi",
            "zone_offshore",
            "Vùng khơi",
            "Offshore zone",
            found["tuyen_long"].geom,
            REFERENCE_NOTE,
            HYSTERESIS_M,
        ),
    ]
