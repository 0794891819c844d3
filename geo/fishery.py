"""The tables of the fisheries watch: boats, people, devices and their providers, cases and their log, storms."""

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from geo.table import core


def _stamp(name: str, nullable: bool = True) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


# Who carries the devices' fixes: VNPT, Viettel, Vishipel and so on.
provider = Table(
    "provider",
    core,
    Column("key", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("phone", Text),
)

# The register, by registration as geo.registration writes it. home_province is the one of today (after the mergers).
boat = Table(
    "boat",
    core,
    Column("registration", Text, primary_key=True),
    Column("shipname", Text),
    Column("mmsi", BigInteger),
    Column("callsign", Text),
    Column("length_m", Float, nullable=False),
    Column("power_kw", Float),
    Column("gear", Text),
    Column("role", Text, nullable=False, server_default=text("'catching'")),
    Column("home_province", Text, nullable=False),
    Column("commune", Text),
    Column("licence", Text),
    Column("licence_until", Date),
    _stamp("laid_up_at"),  # sealed or out of use since; none: in use
    Column("note", Text),
    Column("simulated", Boolean, nullable=False, server_default=text("false")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    _stamp("updated_at", nullable=False),
    Column("updated_by", Text, nullable=False),
    _stamp("retired_at"),
    CheckConstraint("length_m > 0 AND length_m < 100", name="boat_length"),
    CheckConstraint("role IN ('catching', 'logistics')", name="boat_role"),
    Index("boat_mmsi", "mmsi", unique=True, postgresql_where=text("mmsi IS NOT NULL AND retired_at IS NULL")),
)

# Owner and captain, apart from the boat: personal data (Law 91/2025/QH15), which not everybody may read.
boat_contact = Table(
    "boat_contact",
    core,
    Column("registration", Text, ForeignKey("boat.registration"), primary_key=True),
    Column("part", Text, primary_key=True),
    Column("name", Text),
    Column("phone", Text),
    CheckConstraint("part IN ('owner', 'captain', 'relative')", name="boat_contact_part"),
)

# Decree 41/2026/NĐ-CP: two devices on a boat at the most, one of them counted at a time. A third finds no free slot.
device = Table(
    "device",
    core,
    Column("id", Text, primary_key=True),
    Column("registration", Text, ForeignKey("boat.registration"), nullable=False),
    Column("provider", Text, ForeignKey("provider.key"), nullable=False),
    Column("slot", SmallInteger, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("seal", Text),
    _stamp("fitted_at"),
    _stamp("removed_at"),
    CheckConstraint("slot IN (1, 2)", name="device_slot"),
    CheckConstraint("removed_at IS NULL OR NOT active", name="device_removed"),
    Index("device_two_at_most", "registration", "slot", unique=True, postgresql_where=text("removed_at IS NULL")),
    Index("device_one_active", "registration", unique=True, postgresql_where=text("active")),
)

# A loss of signal, a crossing or a wrong zone, from its opening to its end. kind: loss, crossing, zone.
boat_case = Table(
    "boat_case",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("registration", Text, ForeignKey("boat.registration"), nullable=False),
    Column("device", Text),
    Column("provider", Text),
    Column("owner_level", Text, nullable=False),
    _stamp("since", nullable=False),  # of a loss: its last automatic fix; of a crossing: when it crossed
    _stamp("opened_at", nullable=False),
    Column("geom", Geometry("POINT", srid=4326, spatial_index=False)),
    Column("stage", Text, nullable=False),
    _stamp("stage_at", nullable=False),
    _stamp("reported_at"),  # the newest position that was told by hand
    _stamp("escalate_due_at"),
    _stamp("escalated_at"),
    _stamp("ended_at"),  # the thing itself is over: a fix came, the boat is in port or back
    Column("cause", Text),
    Column("outcome", Text),
    _stamp("closed_at"),
    Column("closed_by", Text),
    Column("alarm_id", BigInteger, ForeignKey("alarm.id")),
    Column("outage_id", BigInteger, ForeignKey("alarm.id")),  # the outage of its provider that it belongs to
    Column("unit", Text, ForeignKey("unit.key")),
    Column("person", Text),
    Column("facts", JSONB, nullable=False, server_default=text("'{}'")),
    Column("simulated", Boolean, nullable=False, server_default=text("false")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("kind IN ('loss', 'crossing', 'zone')", name="boat_case_kind"),
    CheckConstraint("owner_level IN ('national', 'provincial')", name="boat_case_level"),
    CheckConstraint(
        "closed_at IS NULL OR (cause IS NOT NULL AND outcome IS NOT NULL AND closed_by IS NOT NULL)",
        name="boat_case_closed",
    ),
    # One at a time goes on; those that are over wait for their conclusion, each for its own.
    Index(
        "boat_case_open",
        "kind",
        "registration",
        unique=True,
        postgresql_where=text("ended_at IS NULL AND closed_at IS NULL"),
    ),
    Index(
        "boat_case_escalate_due_at",
        "escalate_due_at",
        postgresql_where=text("escalated_at IS NULL AND ended_at IS NULL AND closed_at IS NULL"),
    ),
    Index("boat_case_since", "registration", "since"),
    Index("boat_case_closed_at", "closed_at"),
)

# What was done about a case: calls, positions told by hand, stages, notices. Append-only, by a trigger.
boat_case_entry = Table(
    "boat_case_entry",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("case_id", BigInteger, ForeignKey("boat_case.id"), nullable=False),
    Column("kind", Text, nullable=False),  # contact, position, stage, escalation, notice, note
    _stamp("at", nullable=False),  # when it happened
    _stamp("entered_at", nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("text", Text),
    Column("data", JSONB, nullable=False, server_default=text("'{}'")),
    Index("boat_case_entry_of", "case_id", "at"),
)

# Inspections in port and at sea; a mistake is put right by a line that names the one it takes the place of.
boat_inspection = Table(
    "boat_inspection",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("registration", Text, ForeignKey("boat.registration"), nullable=False),
    _stamp("at", nullable=False),
    Column("place", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("inspectors", Text),
    Column("result", Text, nullable=False),
    Column("findings", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("document", Text),
    Column("note", Text),
    Column("corrects", BigInteger, ForeignKey("boat_inspection.id")),
    _stamp("entered_at", nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    UniqueConstraint("corrects", name="boat_inspection_corrected_once"),
    Index("boat_inspection_of", "registration", "at"),
)

# What the clock remembers of each boat that it watches (geo.course); written when it changes.
boat_signal = Table(
    "boat_signal",
    core,
    Column("registration", Text, ForeignKey("boat.registration"), primary_key=True),
    Column("boat_version", Integer, nullable=False),  # of the register, by which it was judged
    Column("device", Text),
    Column("provider", Text),
    _stamp("auto_at", nullable=False),  # the last automatic fix of its current device
    _stamp("place_at", nullable=False),  # the last position of any kind
    Column("port", Text),  # the key of the fence in which it lies
    Column("state", Text, nullable=False),
    _stamp("state_at", nullable=False),
    _stamp("reported_at"),
    _stamp("late_at"),  # silent for longer than it may be, since then
    _stamp("due_at"),  # when its state may change by time alone
    Column("outage_id", BigInteger, ForeignKey("alarm.id")),
    Index("boat_signal_due_at", "due_at"),
    Index("boat_signal_late", "provider", "late_at", postgresql_where=text("late_at IS NOT NULL")),
)

# What a boat did (geo.behaviour), judged again whenever its fixes are: a row is revised, or withdrawn, never removed.
boat_event = Table(
    "boat_event",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("layer", Text, nullable=False),
    Column("object_key", Text, nullable=False),
    Column("other_key", Text, nullable=False, server_default=text("''")),  # of an encounter, told once for both
    Column("object_label", Text),
    Column("other_label", Text),
    _stamp("began_at", nullable=False),
    _stamp("ended_at"),  # none: it goes on
    Column("geom", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
    Column("confidence", Text, nullable=False),
    Column("parameters", JSONB, nullable=False),
    Column("criteria", JSONB, nullable=False),  # the figures by which it was judged, as they were in force
    Column("simulated", Boolean, nullable=False, server_default=text("false")),
    _stamp("judged_at", nullable=False),  # when it was found or changed last
    _stamp("withdrawn_at"),  # later fixes refuted it
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("confidence IN ('usual', 'low')", name="boat_event_confidence"),
    CheckConstraint("ended_at >= began_at", name="boat_event_span"),
    Index(
        "boat_event_once",
        "layer",
        "object_key",
        "other_key",
        "kind",
        "began_at",
        unique=True,
        postgresql_where=text("withdrawn_at IS NULL"),
    ),
    Index("boat_event_other", "layer", "other_key", "began_at", postgresql_where=text("other_key <> ''")),
    Index("boat_event_began_at", "began_at"),
)

# A storm as long as it is watched. simulated: a made one or an exercise. version: of the bulletin that counts.
storm = Table(
    "storm",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("season", SmallInteger, nullable=False),
    Column("number", SmallInteger),  # "bão số 12"; none: a depression, which has no number yet
    Column("name", Text),
    Column("simulated", Boolean, nullable=False, server_default=text("false")),
    _stamp("opened_at", nullable=False),
    Column("opened_by", Text, nullable=False),
    _stamp("closed_at"),
    Column("closed_by", Text),
    Column("closed_note", Text),
    Column("version", Integer, nullable=False),
    CheckConstraint("number BETWEEN 1 AND 99", name="storm_number"),
    CheckConstraint("season BETWEEN 1950 AND 2100", name="storm_season"),
    CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="storm_closed"),
    Index("storm_once", "season", "number", "simulated", unique=True, postgresql_where=text("number IS NOT NULL")),
)

# Who closed a storm and who opened it again, when and why. Append-only; what holds now stands in `storm`.
storm_log = Table(
    "storm_log",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("storm_id", BigInteger, ForeignKey("storm.id"), nullable=False),
    Column("deed", Text, nullable=False),
    Column("note", Text),
    _stamp("at", nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    CheckConstraint("deed = 'close' OR deed = 'reopen' AND note IS NOT NULL", name="storm_log_deed"),
    Index("storm_log_of", "storm_id", "id"),
)

# A bulletin of it: each is a new version, and none is changed (by a trigger).
storm_bulletin = Table(
    "storm_bulletin",
    core,
    Column("storm_id", BigInteger, ForeignKey("storm.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),  # whose bulletin
    _stamp("issued_at", nullable=False),
    _stamp("entered_at", nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("comment", Text),
)

# Where it was, is and will be by a bulletin. Append-only. radii_km: by the wind's level, {"6": 250, "10": 100}.
storm_point = Table(
    "storm_point",
    core,
    Column("storm_id", BigInteger, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("valid_at", DateTime(timezone=True), primary_key=True),
    Column("geom", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
    Column("wind", SmallInteger),  # Beaufort, as its bulletins count (to 17)
    Column("gust", SmallInteger),
    Column("radii_km", JSONB, nullable=False),
    Column("observed", Boolean, nullable=False),  # else forecast
    ForeignKeyConstraint(["storm_id", "version"], ["storm_bulletin.storm_id", "storm_bulletin.version"]),
    CheckConstraint("wind BETWEEN 0 AND 17 AND gust BETWEEN 0 AND 20", name="storm_point_wind"),
)

# Who was called about a boat, at which number, and what came of it. Append-only: a mistake is voided by another line.
storm_call = Table(
    "storm_call",
    core,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("storm_id", BigInteger, ForeignKey("storm.id"), nullable=False),
    Column("registration", Text, ForeignKey("boat.registration"), nullable=False),
    Column("who", Text, nullable=False),  # owner, captain, relative, radio, other
    Column("number", Text),
    Column("outcome", Text, nullable=False),
    Column("note", Text),
    Column("voids", BigInteger, ForeignKey("storm_call.id"), unique=True),
    _stamp("at", nullable=False),
    _stamp("entered_at", nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    CheckConstraint("who IN ('owner', 'captain', 'relative', 'radio', 'other')", name="storm_call_who"),
    CheckConstraint(
        "outcome IN ('to_port', 'sheltered', 'moving_away', 'told_on', 'staying', 'no_answer', 'unreachable', "
        "'wrong_number', 'void')",
        name="storm_call_outcome",
    ),
    CheckConstraint("(outcome = 'void') = (voids IS NOT NULL)", name="storm_call_voids"),
    Index("storm_call_of", "storm_id", "registration", "id"),
)
