"""What every installation starts with: reference lines, zone and ports, never a legal basis, and the units at hand."""

import json
from pathlib import Path

from shapely.geometry import Point, Polygon, shape

from geo.fence import REFERENCE_NOTE, Fence, widen
from geo.fence_kind import COASTAL_HOME

ZONES = Path(__file__).with_name("reference_zones.geojson")
# VMS positions may be 500 m off (domain: Decree 26/2019 as applied), so leaving takes that much more.
HYSTERESIS_M = 500.0
# In port from 3 km on, out of it beyond 4 km (Global Fishing Watch's port visits); places for reference: key, name in
# Vietnamese and English, lon, lat.
PORT_ENTER_M, PORT_LEAVE_M = 3_000.0, 4_000.0
PORT_NOTE = "vị trí tham khảo: vào cảng khi dưới 3 km, rời cảng khi trên 4 km (định nghĩa của Global Fishing Watch)"
PORTS = (
    ("cang_thuan_an", "Cảng cá Thuận An", "Thuận An fishing port", 107.640, 16.557),
    ("cang_tam_giang", "Bến Tam Giang", "Tam Giang landing", 107.672, 16.530),
    ("cang_tu_hien", "Cảng cá Tư Hiền", "Tư Hiền fishing port", 107.907, 16.335),
    ("cang_canh_duong", "Bến Cảnh Dương – Chân Mây", "Cảnh Dương – Chân Mây landing", 108.000, 16.331),
    ("cang_da_nang", "Vịnh Đà Nẵng", "Đà Nẵng bay", 108.190, 16.135),
    ("cang_tho_quang", "Cảng cá Thọ Quang", "Thọ Quang fishing port", 108.246, 16.098),
    ("cang_cua_viet", "Cảng cá Cửa Việt", "Cửa Việt fishing port", 107.212, 16.920),
    ("cang_ly_son", "Cảng cá Lý Sơn", "Lý Sơn fishing port", 109.085, 15.362),
)
# Of Huế's coastal waters the shore, drawn from cape to cape from its border with Quảng Trị to that with Đà Nẵng, and
# where the shortest ways from these two borders meet tuyến bờ: the law says nothing of how far a province reaches
# sideways.
HUE = "Huế"
HUE_SHORE = (
    (107.388, 16.746), (107.577, 16.603), (107.702, 16.534), (107.896, 16.375), (107.962, 16.342), (107.977, 16.322),
    (108.006, 16.314), (108.026, 16.342), (108.040, 16.334), (108.057, 16.286), (108.103, 16.224), (108.125, 16.215),
    (108.193, 16.214),
)  # fmt: skip
HUE_SEAWARD = ((108.24516, 16.26556), (107.57361, 16.93203))
HUE_NOTE = f"{REFERENCE_NOTE}; hai đường bên là cấu hình, đường ngắn nhất từ ranh giới tỉnh trên bờ ra tuyến bờ"
# Whom an operations centre at Huế gives an alarm to: (key, Vietnamese, English), in the order of the desk's list.
UNITS = (
    ("fisheries", "Chi cục Thủy sản Huế", "Huế Fisheries Sub-department"),
    ("border_guard", "Đồn Biên phòng Cửa khẩu Cảng Thuận An", "Thuận An Port Border Guard Station"),
    ("coast_guard", "Cảnh sát biển", "Coast Guard"),
    ("surveillance", "Kiểm ngư", "Fisheries Surveillance"),
    ("coast_radio", "Đài thông tin duyên hải Huế", "Huế Coast Radio Station"),
    ("ioc", "Trung tâm Giám sát điều hành (IOC)", "Operations centre (IOC)"),
    ("traffic_police", "Phòng Cảnh sát giao thông", "Traffic Police"),
    ("urban_order", "Đội Quản lý trật tự đô thị", "Urban Order Team"),
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


def reference_ports() -> list[Fence]:
    """The ports that the fleet of Huế lies in, as circles: inside them a boat's silence is no loss."""
    return [
        Fence(key, "port", vi, en, widen(Point(lon, lat), PORT_ENTER_M), PORT_NOTE, PORT_LEAVE_M - PORT_ENTER_M)
        for key, vi, en, lon, lat in PORTS
    ]


def reference_waters() -> list[Fence]:
    """Huế's own coastal waters, where boats under 12 m of other provinces may not fish (Decree 26/2019/NĐ-CP Art. 43).

    Whom it concerns stands in its conditions: a province that has an agreement with Huế is added to the list there.
    """
    return [
        Fence(
            "ven_bo_hue",
            COASTAL_HOME,
            "Vùng ven bờ của Huế (tham khảo)",
            "Coastal waters of Huế (reference)",
            Polygon([*HUE_SHORE, *HUE_SEAWARD]),
            HUE_NOTE,
            HYSTERESIS_M,
            applies_to={"home_province": {"not_in": [HUE]}},
        )
    ]
