"""Warnings, own ones and received ones alike: their tables, the closed lists of words, and what can be wrong."""

from collections.abc import Mapping
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from geo.table import core

Row = dict[str, Any]
OWN = "own"
# What we warn of, in Vietnamese and English, and its category of CAP 1.2 (3.2.2). The kinds of natural disaster are
# those to which Decision 18/2021/QĐ-TTg gives levels of risk.
HAZARDS: Mapping[str, tuple[str, str, str]] = {
    "storm": ("Bão, áp thấp nhiệt đới", "Tropical cyclone", "Met"),
    "storm_surge": ("Nước dâng", "Storm surge", "Met"),
    "strong_wind": ("Gió mạnh trên biển", "Strong wind at sea", "Met"),
    "high_waves": ("Sóng lớn", "High waves", "Met"),
    "heavy_rain": ("Mưa lớn", "Heavy rain", "Met"),
    "flood": ("Lũ", "River flood", "Met"),
    "inundation": ("Ngập lụt", "Inundation", "Met"),
    "flash_flood": ("Lũ quét", "Flash flood", "Met"),
    "landslide": ("Sạt lở đất, sụt lún đất", "Landslide, subsidence", "Geo"),
    "thunderstorm": ("Lốc, sét, mưa đá", "Tornado, lightning, hail", "Met"),
    "heat": ("Nắng nóng", "Heat", "Met"),
    "drought": ("Hạn hán", "Drought", "Met"),
    "salt_intrusion": ("Xâm nhập mặn", "Salt water intrusion", "Env"),
    "cold": ("Rét hại, sương muối", "Severe cold, frost", "Met"),
    "fog": ("Sương mù", "Fog", "Met"),
    "forest_fire": ("Cháy rừng", "Forest fire", "Fire"),
    "earthquake": ("Động đất", "Earthquake", "Geo"),
    "tsunami": ("Sóng thần", "Tsunami", "Geo"),
    "other": ("Loại khác", "Other", "Other"),
}
SEVERITIES: Mapping[str, tuple[str, str]] = {
    "Extreme": ("Đặc biệt nguy hiểm", "Extreme"),
    "Severe": ("Rất nguy hiểm", "Severe"),
    "Moderate": ("Nguy hiểm", "Moderate"),
    "Minor": ("Ít nguy hiểm", "Minor"),
    "Unknown": ("Chưa rõ", "Unknown"),
}
URGENCIES: Mapping[str, tuple[str, str]] = {
    "Immediate": ("Hành động ngay", "Act now"),
    "Expected": ("Trong giờ tới", "Within the hour"),
    "Future": ("Sắp tới", "In the near future"),
    "Past": ("Đã qua", "Past"),
    "Unknown": ("Chưa rõ", "Unknown"),
}
CERTAINTIES: Mapping[str, tuple[str, str]] = {
    "Observed": ("Đã quan trắc", "Observed"),
    "Likely": ("Có khả năng cao", "Likely"),
    "Possible": ("Có thể", "Possible"),
    "Unlikely": ("Ít khả năng", "Unlikely"),
    "Unknown": ("Chưa rõ", "Unknown"),
}
STATES: Mapping[str, tuple[str, str]] = {
    "draft": ("Dự thảo", "Draft"),
    "approved": ("Đã duyệt", "Approved"),
    "discarded": ("Đã bỏ", "Discarded"),
    "issued": ("Đang có hiệu lực", "In force"),
    "updated": ("Đã được cập nhật", "Updated"),
    "cancelled": ("Đã hủy", "Cancelled"),
    "expired": ("Hết hiệu lực", "Expired"),
    "notice": ("Thông báo kỹ thuật", "Not a warning"),  # a Cancel, Ack or Error; a Test, System or Draft message
}


class NoWarning(LookupError):
    """There is no such warning."""


class Stale(Exception):
    """Somebody was first, or it is not in a state for that: the message says what it is by now."""


def _stamp(name: str) -> Column[Any]:
    return Column(name, DateTime(timezone=True))


# One message. origin: `own`, or the source that brought it. words: by language (vi, en, what else a sender has) the
# event, headline, description and instruction. known_at: since when it counts here, issued or received; none: a draft.
# ends_at: when it ends by itself. document: the bytes that came or were issued. Sealed once known (sql/warning.sql).
message = Table(
    "warning_message",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("origin", Text, nullable=False),
    Column("identifier", Text),
    Column("sender", Text),
    _stamp("sent"),
    Column("status", Text, nullable=False),
    Column("msg_type", Text, nullable=False),
    Column("of_id", BigInteger, ForeignKey("warning_message.id")),  # of an own Update or Cancel: what it follows
    Column("hazard", Text),
    Column("risk_level", SmallInteger),
    Column("urgency", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("certainty", Text, nullable=False),
    Column("words", JSONB, nullable=False),
    Column("area_words", Text, nullable=False),
    Column("geom", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)),
    _stamp("onset_at"),
    _stamp("expires_at"),
    _stamp("ends_at"),
    Column("simulated", Boolean, nullable=False, server_default=text("false")),
    Column("signed", Boolean, nullable=False, server_default=text("false")),  # noted, not checked
    Column("notes", JSONB, nullable=False, server_default=text("'[]'")),
    Column("document", LargeBinary),
    _stamp("drafted_at"),
    Column("drafted_by", Text),
    _stamp("edited_at"),
    Column("edited_by", Text),
    _stamp("approved_at"),
    Column("approved_by", Text),
    _stamp("discarded_at"),
    Column("discarded_by", Text),
    _stamp("known_at"),
    Column("issued_by", Text),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("status IN ('Actual', 'Exercise', 'System', 'Test', 'Draft')", name="warning_message_status"),
    CheckConstraint("msg_type IN ('Alert', 'Update', 'Cancel', 'Ack', 'Error')", name="warning_message_type"),
    CheckConstraint("risk_level BETWEEN 1 AND 5", name="warning_message_level"),
    CheckConstraint("length(identifier) <= 300 AND length(sender) <= 300", name="warning_message_identity"),
    CheckConstraint(
        "known_at IS NULL OR num_nulls(identifier, sender, sent, ends_at, document) = 0", name="warning_message_known"
    ),
    CheckConstraint(
        "CASE WHEN origin = 'own' THEN num_nulls(drafted_at, drafted_by, geom, expires_at, hazard) = 0"
        " AND words -> 'vi' IS NOT NULL AND status IN ('Actual', 'Exercise')"
        " AND msg_type IN ('Alert', 'Update', 'Cancel')"
        " AND (msg_type = 'Alert') = (of_id IS NULL) AND (known_at IS NULL) = (issued_by IS NULL)"
        # What was made up for a demonstration must never look true anywhere else.
        " AND NOT (simulated AND status = 'Actual')"
        " ELSE known_at IS NOT NULL AND num_nonnulls(drafted_at, approved_at, discarded_at, issued_by, of_id) = 0 END",
        name="warning_message_own",
    ),
    CheckConstraint(
        "(approved_at IS NULL) = (approved_by IS NULL) AND (discarded_at IS NULL) = (discarded_by IS NULL)"
        " AND (edited_at IS NULL) = (edited_by IS NULL)",
        name="warning_message_who",
    ),
    Index(
        "warning_message_once", "origin", "sender", "identifier", "sent", unique=True,
        postgresql_where=text("known_at IS NOT NULL"),
    ),
    Index(
        "warning_message_name", "identifier", unique=True,
        postgresql_where=text("origin = 'own' AND known_at IS NOT NULL"),
    ),
    # Of one warning one successor at a time is written.
    Index(
        "warning_message_next", "of_id", unique=True,
        postgresql_where=text("known_at IS NULL AND discarded_at IS NULL"),
    ),
    Index("warning_message_ends", "ends_at", postgresql_where=text("known_at IS NOT NULL")),
    Index("warning_message_geom", "geom", postgresql_using="gist"),
)  # fmt: skip

# What a message refers to (CAP 1.2, 3.2.1), as it names it: that may come later than the message, or never.
reference = Table(
    "warning_reference",
    core,
    Column("message_id", BigInteger, ForeignKey("warning_message.id"), primary_key=True),
    Column("sender", Text, primary_key=True),
    Column("identifier", Text, primary_key=True),
    Column("sent", DateTime(timezone=True), primary_key=True),
    Index("warning_reference_to", "identifier", "sender", "sent"),
)

# Who did what with a warning, when and why; append-only. content: what it said from then on.
entry = Table(
    "warning_entry",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("message_id", BigInteger, ForeignKey("warning_message.id"), nullable=False),
    Column("deed", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("note", Text),
    Column("content", JSONB(none_as_null=True)),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    CheckConstraint(
        "deed IN ('draft', 'edit', 'approve', 'return', 'discard', 'issue', 'cancel', 'receive')",
        name="warning_entry_deed",
    ),
    CheckConstraint("deed NOT IN ('return', 'discard', 'cancel') OR note IS NOT NULL", name="warning_entry_note"),
    Index("warning_entry_of", "message_id", "id"),
)
