"""The city's environment stations: air, water quality, rain and river levels."""

from sqlalchemy import Column, DateTime, Float, SmallInteger, Text

from geo.aqi import BANDS
from geo.parameter import PARAMETERS
from geo.rule import Rule
from geo.table import station
from ingest.environment import FEED
from ingest.station import completion
from layers.layer import Field, Kind, Kpi, Layer, Style

ENVIRONMENT = station(
    "environment",
    [
        *[Column(one.name, Float) for one in PARAMETERS],
        # What follows from the station's own history at the time of the observation (ingest.station).
        Column("aqi", SmallInteger),
        Column("aqi_of", Text),
        Column("aqi_until", DateTime(timezone=True)),
        Column("pm25_12h", Float),
        Column("pm10_12h", Float),
        Column("rise_m_h", Float),
        Column("stage", SmallInteger),
        Column("nearest_level", SmallInteger),
        Column("above_m", Float),
        Column("rain_1h_mm", Float),
        Column("rain_24h_mm", Float),
        # Which parameters this very record told, in which unit if it said so; and what is odd, of it or still.
        Column("measured", Text),
        Column("units", Text),
        Column("quality", Text),
    ],
    [
        Column("name", Text, info={"label": True, "search": True}),
        Column("kind", Text),
        Column("river", Text),  # whose alarm levels hold here: river_<it>_bd1 to bd3 among the figures
        Column("owner", Text),
    ],
)

# The decision's own bright colours stand in the index's own legend; on the map, where red and orange are alarms',
# its bands have subdued ones. What does not speak for twice its usual interval is stale.
RIVER_STALE_S, AIR_STALE_S = 1_800, 8_100
RIVER_SILENT_S, OTHER_SILENT_S = 3_600, 3 * 3_600
_LOWEST = (0, *[band.highest + 1 for band in BANDS])


# What a station that is silent said last is no figure of now: it is counted as long as the map shows it as living.
_RIVER_FRESH, _AIR_FRESH = (
    f"observed_at > now() - interval '{seconds} seconds'" for seconds in (RIVER_STALE_S, AIR_STALE_S)
)
_FRESH = f"CASE WHEN kind = 'river' THEN {_RIVER_FRESH} ELSE {_AIR_FRESH} END"


def _river(name: str, vi: str, en: str, color: str, least: int, below: int | None) -> Kind:
    where = {"stage": (float(least), None if below is None else float(below))}
    return Kind(name, f"Mực nước sông {vi}", f"River level {en}", "square", color, where, "river", RIVER_STALE_S)


def _beyond(level: int, severity: str) -> Rule:
    return Rule(
        key=f"river_bd{level}",
        kind="threshold",
        layer="environment",
        name_vi=f"Mực nước sông trên báo động {level}",
        name_en=f"River above alarm level {level}",
        severity=severity,
        params={"column": "stage", "above": level - 0.5},
        off_delay_s=1_800,
        escalate_s=1_800 if level == 3 else None,
        response_vi="Báo Ban Chỉ huy Phòng thủ dân sự thành phố và các phường, xã ven sông; xem mưa và mức lên ở trạm "
        "phía trên.",
        response_en="Tell the city's civil defence command and the communes along the river; look at rain and rise at "
        "the stations upstream.",
    )


def _air(key: str, highest: int, severity: str, band: str, band_en: str) -> Rule:
    return Rule(
        key=key,
        kind="threshold",
        layer="environment",
        name_vi=f"Chất lượng không khí {band} (VN_AQI giờ trên {highest})",
        name_en=f"Air quality {band_en} (hourly VN_AQI over {highest})",
        severity=severity,
        params={"column": "aqi", "above": float(highest), "deadband": 5.0},
        off_delay_s=3_600,
        response_vi="Kiểm tra trạm và các trạm lân cận, tìm nguồn; báo Sở Nông nghiệp và Môi trường khuyến cáo "
        "người dân.",
        response_en="Check the station and its neighbours, look for the source; tell the environment department to "
        "advise people.",
    )


def _silent(key: str, vi: str, en: str, silence_s: int, kinds: dict[str, list[str]]) -> Rule:
    return Rule(
        key=key,
        kind="silence",
        layer="environment",
        name_vi=f"{vi} không có số liệu",
        name_en=f"{en} without observations",
        severity="low",
        params={"silence_s": float(silence_s)},
        applies_to={"kind": kinds},
        latching=False,
        response_vi="Gọi đơn vị quản lý trạm; số liệu trên bản đồ của trạm này là cũ.",
        response_en="Call who runs the station; what the map shows of it is old.",
    )


LAYER = Layer(
    vi="Môi trường",
    en="Environment",
    group="city",
    shape=ENVIRONMENT,
    order=40,
    feeds=(FEED,),
    identify=completion(ENVIRONMENT),
    style=Style(
        kinds=(
            _river("river_3", "trên báo động 3", "above alarm level 3", "critical", 3, None),
            _river("river_2", "trên báo động 2", "above alarm level 2", "high", 2, 3),
            _river("river_1", "trên báo động 1", "above alarm level 1", "river", 1, 2),
            _river("river_0", "dưới báo động 1", "below alarm level 1", "low", 0, 1),
            Kind(
                "river_free",
                "Mực nước sông chưa có mức báo động",
                "River level without alarm levels",
                "square",
                "ink-3",
                {"water_m": (None, None)},
                "river",
                RIVER_STALE_S,
            ),
            *[
                Kind(
                    f"aqi_{number}",
                    f"Không khí {band.vi}",
                    f"Air {band.en}",
                    "dot",
                    f"aqi-{number}",
                    {"aqi": (float(low), float(band.highest + 1) if number < len(BANDS) else None)},
                    "air",
                    AIR_STALE_S,
                )
                for number, (band, low) in enumerate(zip(BANDS, _LOWEST, strict=False), 1)
            ],
            Kind(
                "aqi_none",
                "Không khí chưa đủ số liệu",
                "Air without enough data",
                "dot",
                "ink-3",
                {"pm25": (None, None)},
                "air",
                AIR_STALE_S,
            ),
            Kind("rain", "Mưa", "Rain", "pin", "accent", {"rain_24h_mm": (None, None)}, stale_s=RIVER_STALE_S),
            Kind("water", "Trạm khác", "Other stations", "flag", "ink-2"),
        ),
        label="name",
        stale_s=AIR_STALE_S,
        lost_s=6 * 3_600,
    ),
    rules=(
        _beyond(3, "high"),
        _beyond(2, "medium"),
        _beyond(1, "low"),
        Rule(
            key="river_rise",
            kind="threshold",
            layer="environment",
            name_vi="Nước sông lên nhanh",
            name_en="River rising fast",
            severity="medium",
            # Half a metre an hour: decided by us, to be set by the authority for each river.
            params={"column": "rise_m_h", "above": 0.5, "deadband": 0.2},
            dwell_s=600,
            off_delay_s=1_800,
            response_vi="Xem mưa và hồ chứa phía trên; báo các phường, xã ven sông.",
            response_en="Look at rain and reservoirs upstream; tell the communes along the river.",
        ),
        _air("air_very_bad", BANDS[3].highest, "high", "Rất xấu", "very bad"),
        _air("air_bad", BANDS[2].highest, "medium", "Xấu", "bad"),
        _silent("river_silent", "Trạm mực nước", "River station", RIVER_SILENT_S, {"in": ["river"]}),
        _silent("station_silent", "Trạm quan trắc", "Environment station", OTHER_SILENT_S, {"not_in": ["river"]}),
    ),
    fields=(
        Field("aqi", "", "VN_AQI giờ", "Hourly VN_AQI"),
        Field("aqi_of", "", "Thông số quyết định", "Deciding pollutant"),
        *[Field(one.name, one.unit, one.vi, one.en) for one in PARAMETERS],
        Field("stage", "", "Cấp báo động lũ", "Flood alarm level"),
        Field("rise_m_h", "m/h", "Mức lên", "Rise"),
        Field("rain_1h_mm", "mm", "Mưa 1 giờ", "Rain in 1 hour"),
        Field("rain_24h_mm", "mm", "Mưa 24 giờ", "Rain in 24 hours"),
        Field("quality", "", "Số liệu nghi ngờ", "Doubtful data"),
        Field("owner", "", "Đơn vị quản lý", "Run by"),
    ),
    kpis=(
        Kpi("total", "Trạm quan trắc", "Stations", "count(*) FILTER (WHERE geom IS NOT NULL)"),
        Kpi("fresh", "Đang gửi số liệu", "Sending", f"count(*) FILTER (WHERE {_FRESH})"),
        Kpi(
            "suspect",
            "Có số liệu nghi ngờ",
            "With doubtful data",
            f"count(*) FILTER (WHERE quality IS NOT NULL AND {_FRESH})",
        ),
        Kpi(
            "above_bd1",
            "Trên báo động 1",
            "Above alarm level 1",
            f"count(*) FILTER (WHERE stage >= 1 AND {_RIVER_FRESH})",
        ),
        Kpi("aqi_most", "VN_AQI cao nhất", "Highest VN_AQI", f"max(aqi) FILTER (WHERE {_AIR_FRESH})"),
    ),
)
