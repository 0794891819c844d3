"""Fishing boats as their monitoring devices (VMS) report them: the last known place by law, beside AIS's vessels."""

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Float, Text

from geo.figure import Figures, seeds
from geo.rule import Rule
from geo.table import moving
from ingest.boat import identify
from ingest.vms import VMS as FEED
from layers.layer import Field, Kind, Kpi, Layer, Style

VMS = moving(
    "vms",
    key=Column("registration", Text, nullable=False),
    fix=[
        Column("speed", Float),
        Column("course", Float),
        Column("device", Text),
        Column("provider", Text),
        Column("manual", Boolean),  # told by a person, since the device is silent
    ],
    # What the register says of the boat, as of its last fix.
    description=[
        Column("shipname", Text, info={"search": True}),
        Column("callsign", Text, info={"search": True}),
        Column("mmsi", BigInteger),
        Column("length_m", Float),
        Column("role", Text),
        Column("gear", Text),
        Column("home_province", Text),
        Column("provider_name", Text),
        # The last automatic fix of its current device: what counts for the duty (geo.signal). A fix by hand, of another
        # device or of AIS does not move it, and one that comes late does not set it back.
        Column("auto_at", DateTime(timezone=True), info={"greatest": True}),
    ],
)

# How the picture pales and which class a boat is shown in follow the figures of the day on which the program started;
# the duty itself is judged by the figures of its moment (geo.duty, geo.signal).
_FIGURES, _STARTED = Figures(seeds()), datetime.now(UTC)


def _figure(key: str) -> float:
    return _FIGURES.at(key, _STARTED).value


def _seconds(key: str) -> int:
    return round(_FIGURES.at(key, _STARTED).span.total_seconds())


_MONITORED_M, _NATIONAL_M = _figure("vms_least_length"), _figure("national_least_length")
_GRACE_S, _LOST_S = _seconds("vms_grace"), _seconds("lost_after")
_INTERVAL_24_S, _INTERVAL_15_S = _seconds("vms_interval_24"), _seconds("vms_interval_15")

LAYER = Layer(
    vi="VMS – giám sát hành trình",
    en="VMS – vessel monitoring",
    group="sea",
    shape=VMS,
    order=11,
    feeds=(FEED,),
    identify=identify,
    style=Style(
        # A diamond, which no vessel of AIS is, and no course: hours old, it would point where the boat no longer goes.
        kinds=(
            Kind(
                "vms_24",
                f"Tàu từ {_NATIONAL_M:g} m",
                f"Boats of {_NATIONAL_M:g} m and over",
                "diamond",
                "accent",
                {"length_m": (_NATIONAL_M, None)},
                stale_s=_INTERVAL_24_S + _GRACE_S,
            ),
            Kind(
                "vms_15",
                f"Tàu {_MONITORED_M:g} – dưới {_NATIONAL_M:g} m",
                f"Boats of {_MONITORED_M:g} to under {_NATIONAL_M:g} m",
                "diamond",
                "accent",
                {"length_m": (_MONITORED_M, _NATIONAL_M)},
                stale_s=_INTERVAL_15_S + _GRACE_S,
            ),
            Kind(
                "vms_other",
                f"Tàu dưới {_MONITORED_M:g} m, chưa rõ cỡ",
                f"Boats under {_MONITORED_M:g} m or unknown",
                "diamond",
                "accent",
            ),
        ),
        label="registration",
        value="speed",
        estimated="manual",
        stale_s=_INTERVAL_15_S + _GRACE_S,
        lost_s=_LOST_S,
    ),
    rules=(
        Rule(
            key="vms_wrong_zone",
            kind="wrong_zone",
            layer="vms",
            name_vi="Sai vùng khai thác: tốc độ như đang khai thác, ở vùng không dành cho tàu",
            name_en="Wrong fishing zone: at the speed of fishing in a zone that is not for the boat",
            severity="high",
            # A boat in transit is faster than its gear is worked; two or three hours pass between fixes, so that one
            # such fix is all there is.
            params={"by_gear": True},
            off_delay_s=600,
            escalate_s=3600,
            response_vi="Gọi chủ tàu, thuyền trưởng yêu cầu về đúng vùng; ghi sổ trực ban; quá 12 giờ không khắc phục "
            "thì báo cáo bằng văn bản.",
            response_en="Call owner and captain to return to their zone; note it in the duty log; report in writing if "
            "not put right within 12 hours.",
        ),
        Rule(
            key="vms_loss",
            kind="loss",
            layer="vms",
            name_vi="Tàu cá mất kết nối giám sát hành trình trên biển",
            name_en="Fishing boat's monitoring signal lost at sea",
            severity="high",
            escalate_s=1800,
            response_vi="Gọi chủ tàu, thuyền trưởng: khôi phục thiết bị, báo vị trí 6 giờ một lần hoặc quay về cảng; "
            "ghi từng cuộc gọi vào vụ việc; báo Bộ đội Biên phòng.",
            response_en="Call owner and captain: restore the device, report the position every 6 hours or return to "
            "port; log each call in the case; tell the Border Guard.",
        ),
        Rule(
            key="vms_outage",
            kind="outage",
            layer="vms",
            name_vi="Sự cố nhà cung cấp: nhiều tàu cùng mất tín hiệu",
            name_en="Provider outage: many boats lost together",
            severity="high",
            escalate_s=1800,
            response_vi="Gọi nhà cung cấp, hỏi nguyên nhân và giờ khôi phục; báo Chi cục Thủy sản. Các tàu vẫn phải "
            "báo vị trí 6 giờ một lần.",
            response_en="Call the provider: the cause, and when it will be back; tell the Fisheries Sub-department. "
            "The boats must still report their position every 6 hours.",
        ),
    ),
    fields=(
        Field("registration", "", "Số đăng ký", "Registration"),
        Field("shipname", "", "Tên tàu", "Name"),
        Field("length_m", "m", "Chiều dài", "Length"),
        Field("speed", "kn", "Tốc độ", "Speed"),
        Field("course", "°", "Hướng đi", "Course"),
        Field("device", "", "Thiết bị", "Device"),
        Field("provider_name", "", "Nhà cung cấp", "Provider"),
        Field("auto_at", "", "Tín hiệu tự động cuối", "Last automatic fix"),
    ),
    kpis=(
        Kpi("total", "Tàu có VMS", "Boats with VMS", "count(*) FILTER (WHERE geom IS NOT NULL)"),
        Kpi(
            "fresh",
            f"Có tín hiệu tự động trong {_LOST_S // 3600} giờ",
            f"Automatic fix within {_LOST_S // 3600} hours",
            f"count(*) FILTER (WHERE auto_at > now() - interval '{_LOST_S} seconds')",
        ),
        Kpi("manual", "Vị trí do người báo", "Positions told by hand", "count(*) FILTER (WHERE manual)"),
    ),
)
