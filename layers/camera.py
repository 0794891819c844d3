"""The city's cameras: whose each is, where it looks, how to see its picture, and whether it shows anything."""

import json
from collections.abc import Iterable

from sqlalchemy import Column, DateTime, Float, Integer, SmallInteger, Text

from geo.rule import Rule
from geo.table import station
from ingest.camera import keeping
from ingest.feed import Feed
from ingest.json_lines import json_lines, json_push
from ingest.lines import LineFramer
from layers.layer import Field, Icon, Kind, Kpi, Layer, Style

_DEGREES = {"least": 0, "most": 360}

CAMERA = station(
    "camera",
    # What is seen of it from here: 0 online, 1 degraded, 2 frozen picture, 3 offline; none: nobody has looked.
    [
        Column("health", SmallInteger, info={"least": 0, "most": 3}),
        Column("health_since", DateTime(timezone=True)),
        Column("answer_ms", Float, info={"least": 0}),
        Column("fault", Text),
    ],
    [
        Column("name", Text, info={"label": True, "search": True}),
        Column("owner", Text),
        Column("kind", Text),
        Column("provider", Text),
        Column("azimuth_deg", Float, info=_DEGREES),
        Column("field_of_view_deg", Float, info=_DEGREES),
        Column("range_m", Float, info={"least": 0, "most": 20_000}),
        Column("retention_days", Integer, info={"least": 0, "most": 36_500}),
        # Addresses are for the server alone: they may open a camera to whoever reads them.
        Column("snapshot_url", Text, info={"withheld": True}),
        Column("hls_url", Text, info={"withheld": True}),
    ],
)
# A picture that was not looked at for so long is not known to be live; and a camera that nobody looks at is no news.
# One that is offline is left alone for up to camera_rest_most (geo/figures.csv), and is none of these meanwhile.
STALE_S, UNSEEN_S = 1_800, 30 * 86_400
# What was seen of a camera counts as long as it is drawn as new.
_LOOKED_AT = f"health IS NOT NULL AND observed_at > now() - interval '{STALE_S} seconds'"


def sample() -> Iterable[bytes]:
    """One camera at the foot of the Trường Tiền bridge, and one of which only the health is told."""
    first = {
        "id": "HUE-CAM-001", "name": "Cầu Trường Tiền – bờ nam", "owner": "Trung tâm Điều hành đô thị thông minh",
        "kind": "traffic", "lon": 107.5897, "lat": 16.4676, "azimuth_deg": 15, "field_of_view_deg": 70, "range_m": 120,
        "retention_days": 75,
    }  # fmt: skip
    yield json.dumps(first).encode()
    yield json.dumps({"id": "HUE-CAM-002", "health": 0, "answer_ms": 85.0}).encode()


def _kind(name: str, vi: str, en: str, icon: Icon, color: str, health: int) -> Kind:
    return Kind(name, vi, en, icon, color, {"health": (float(health), health + 1.0)})


LAYER = Layer(
    vi="Camera",
    en="Cameras",
    group="city",
    shape=CAMERA,
    order=30,
    feeds=(Feed("camera", (), LineFramer, json_lines(CAMERA), sample, 300.0, json_push(CAMERA)),),
    identify=keeping(CAMERA, ("health", "health_since", "answer_ms", "fault")),
    style=Style(
        kinds=(
            _kind("online", "Trực tuyến", "Online", "wedge", "camera", 0),
            _kind("degraded", "Chập chờn", "Degraded", "wedge-slow", "medium", 1),
            _kind("frozen", "Đứng hình", "Frozen picture", "wedge-still", "high", 2),
            _kind("offline", "Mất kết nối", "Offline", "wedge-off", "ink-2", 3),
            Kind("unseen", "Chưa kiểm tra", "Not checked", "wedge-unseen", "ink-3", stale_s=UNSEEN_S),
        ),
        label="name",
        angle="azimuth_deg",
        value="field_of_view_deg",
        stale_s=STALE_S,
        lost_s=UNSEEN_S,
    ),
    rules=(
        Rule(
            key="camera_blind",
            kind="threshold",
            layer="camera",
            name_vi="Camera mất kết nối hoặc đứng hình",
            name_en="Camera offline or its picture frozen",
            severity="low",
            params={"column": "health", "above": 1.5},
            dwell_s=300,
            off_delay_s=300,
            latching=False,
            response_vi="Báo đơn vị quản lý kiểm tra nguồn điện, đường truyền và đầu ghi; dùng camera gần nhất nhìn về "
            "hướng đó.",
            response_en="Ask the owner to check power, line and recorder; use the nearest camera that looks that way.",
        ),
    ),
    fields=(
        Field("health", "", "Mức mất hình (2 đứng hình, 3 mất kết nối)", "Picture lost (2 frozen, 3 offline)"),
        Field("owner", "", "Đơn vị quản lý", "Owner"),
        Field("kind", "", "Loại", "Kind"),
        Field("provider", "", "Nhà cung cấp", "Provider"),
        Field("azimuth_deg", "°", "Hướng nhìn", "Looks towards"),
        Field("field_of_view_deg", "°", "Góc nhìn", "Field of view"),
        Field("range_m", "m", "Tầm nhìn", "Range"),
        Field("retention_days", "ngày", "Lưu hình", "Footage kept"),
        Field("answer_ms", "ms", "Thời gian trả ảnh", "Picture answered in"),
    ),
    kpis=(
        Kpi("total", "Camera", "Cameras", "count(*) FILTER (WHERE geom IS NOT NULL)"),
        Kpi("online", "Trực tuyến", "Online", f"count(*) FILTER (WHERE health = 0 AND {_LOOKED_AT})"),
        Kpi("degraded", "Chập chờn", "Degraded", f"count(*) FILTER (WHERE health = 1 AND {_LOOKED_AT})"),
        Kpi("frozen", "Đứng hình", "Frozen picture", f"count(*) FILTER (WHERE health = 2 AND {_LOOKED_AT})"),
        Kpi("offline", "Mất kết nối", "Offline", f"count(*) FILTER (WHERE health = 3 AND {_LOOKED_AT})"),
        Kpi("unseen", "Lâu chưa kiểm tra", "Not checked lately", f"count(*) FILTER (WHERE ({_LOOKED_AT}) IS NOT TRUE)"),
    ),
)
