"""Fishing vessels and everything else that sails and speaks AIS."""

from sqlalchemy import BigInteger, Boolean, Column, Float, SmallInteger, Text

from geo.mmsi import DISTRESS_MAX, DISTRESS_MIN
from geo.rule import Rule
from geo.table import moving
from ingest.ais import AIS
from layers.layer import Field, Kind, Kpi, Layer, Style

VESSEL = moving(
    "vessel",
    key=Column("mmsi", BigInteger, nullable=False),
    fix=[
        Column("speed", Float),
        Column("course", Float),
        Column("heading", SmallInteger),
        Column("turn", Float),
        Column("status", SmallInteger),
        Column("accuracy", Boolean),
        Column("msg_type", SmallInteger),
    ],
    description=[
        Column("shipname", Text, info={"label": True, "search": True}),
        Column("callsign", Text, info={"search": True}),
        Column("imo", BigInteger),
        Column("ship_type", SmallInteger),
        Column("length_m", Float),
        Column("beam_m", Float),
        Column("draught", Float),
        Column("destination", Text),
        Column("eta", Text),
        Column("ais_class", Text),
        Column("cs", Boolean),
        Column("aid_type", SmallInteger),
        Column("virtual_aid", Boolean),
        Column("safety_text", Text),
        # What the register says of the fishing boat that it is (geo.heard), which no message of AIS tells.
        Column("registration", Text, info={"search": True}),
        Column("register_length_m", Float),
        Column("role", Text),
        Column("gear", Text),
        Column("home_province", Text),
    ],
)

# ITU-R M.1371-5 table 53: 30 fishing, 6x passenger, 7x cargo, 8x tanker.
FISHING = {"ship_type": (30.0, 31.0)}
DISTRESS = {"mmsi": (float(DISTRESS_MIN), float(DISTRESS_MAX))}
AT_SEA = "observed_at > now() - interval '6 minutes'"

LAYER = Layer(
    vi="Tàu cá và tàu khác",
    en="Vessels",
    group="sea",
    shape=VESSEL,
    order=10,
    feeds=(AIS,),
    style=Style(
        kinds=(
            Kind("distress", "Cấp cứu", "Distress", "distress", "critical", DISTRESS, stale_s=3600),
            # Lengths are the duty classes of Decree 26/2019 Art. 43.
            Kind(
                "fishing_24",
                "Tàu cá từ 24 m",
                "Fishing, 24 m and over",
                "arrow",
                "fishing",
                {**FISHING, "length_m": (24, None)},
                "fishing",
            ),
            Kind(
                "fishing_15",
                "Tàu cá 15 – dưới 24 m",
                "Fishing, 15 to under 24 m",
                "arrow",
                "fishing",
                {**FISHING, "length_m": (15, 24)},
                "fishing",
            ),
            Kind(
                "fishing_12",
                "Tàu cá 12 – dưới 15 m",
                "Fishing, 12 to under 15 m",
                "arrow",
                "fishing",
                {**FISHING, "length_m": (12, 15)},
                "fishing",
            ),
            Kind(
                "fishing_small",
                "Tàu cá dưới 12 m, chưa rõ cỡ",
                "Fishing, under 12 m or unknown",
                "arrow",
                "fishing",
                FISHING,
                "fishing",
            ),
            Kind("cargo", "Tàu hàng", "Cargo", "arrow", "cargo", {"ship_type": (70, 80)}),
            Kind("tanker", "Tàu dầu", "Tanker", "arrow", "tanker", {"ship_type": (80, 90)}),
            Kind("passenger", "Tàu khách", "Passenger", "arrow", "accent", {"ship_type": (60, 70)}),
            Kind(
                "station",
                "Phao tiêu, trạm bờ",
                "Aids and base stations",
                "cross",
                "ink-3",
                {"msg_type": (21, 22)},
                stale_s=1080,
            ),
            Kind("base", "Trạm bờ AIS", "AIS base stations", "square", "ink-3", {"msg_type": (4, 5)}, stale_s=1080),
            Kind("other", "Tàu khác", "Other", "arrow", "ink-2"),
        ),
        label="shipname",
        angle="course",
        value="speed",
        # 6 x the longest interval under way (M.1371-5), at least 6 min; out of range after 1 h.
        stale_s=360,
        lost_s=3600,
    ),
    rules=(
        Rule(
            key="distress",
            kind="distress",
            layer="vessel",
            name_vi="Thiết bị cấp cứu đang phát (SART, MOB, EPIRB)",
            name_en="Distress transmitter active (SART, MOB, EPIRB)",
            severity="critical",
            applies_to=DISTRESS,
            qualifies={"status": (14, 15)},
            escalate_s=120,
            response_vi="Báo Trung tâm Phối hợp tìm kiếm cứu nạn hàng hải và Bộ đội Biên phòng; gọi các tàu gần nhất.",
            response_en="Tell the maritime rescue coordination centre and the Border Guard; call the nearest vessels.",
        ),
        Rule(
            key="distress_test",
            kind="distress_test",
            layer="vessel",
            name_vi="TEST: thiết bị cấp cứu đang thử",
            name_en="TEST: distress transmitter under test",
            severity="low",
            applies_to=DISTRESS,
            qualifies={"status": (15, 16)},
        ),
        Rule(
            key="ais_wrong_zone",
            kind="wrong_zone",
            layer="vessel",
            name_vi="Sai vùng khai thác (AIS): tàu nhỏ, tốc độ như đang khai thác, ở vùng không dành cho tàu",
            name_en="Wrong fishing zone (AIS): a small boat at the speed of fishing in a zone that is not for it",
            severity="high",
            # Boats that need no monitoring device are heard by AIS alone; of the others their device tells.
            params={"by_gear": True, "unmonitored": True},
            # AIS speaks every few seconds, and a boat in transit slows down for a minute.
            dwell_s=600,
            off_delay_s=600,
            escalate_s=3600,
            response_vi="Gọi chủ tàu, thuyền trưởng yêu cầu về đúng vùng; ghi sổ trực ban; quá 12 giờ không khắc phục "
            "thì báo cáo bằng văn bản.",
            response_en="Call owner and captain to return to their zone; note it in the duty log; report in writing if "
            "not put right within 12 hours.",
        ),
    ),
    fields=(
        Field("registration", "", "Số đăng ký", "Registration"),
        Field("mmsi", "", "MMSI", "MMSI"),
        Field("callsign", "", "Hô hiệu", "Call sign"),
        Field("length_m", "m", "Chiều dài", "Length"),
        Field("speed", "kn", "Tốc độ", "Speed"),
        Field("course", "°", "Hướng đi (COG)", "Course over ground"),
        Field("heading", "°", "Hướng mũi tàu", "Heading"),
        Field("destination", "", "Điểm đến", "Destination"),
        Field("draught", "m", "Mớn nước", "Draught"),
    ),
    kpis=(
        Kpi("total", "Tàu đang theo dõi", "Vessels tracked", "count(*) FILTER (WHERE geom IS NOT NULL)"),
        Kpi("fresh", "Có tín hiệu", "Transmitting", f"count(*) FILTER (WHERE {AT_SEA})"),
        Kpi("fishing", "Tàu cá", "Fishing vessels", "count(*) FILTER (WHERE ship_type = 30)"),
        Kpi("under_way", "Đang chạy", "Under way", f"count(*) FILTER (WHERE {AT_SEA} AND speed >= 0.5)"),
    ),
)
