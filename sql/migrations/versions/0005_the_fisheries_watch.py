"""the fisheries watch: boats, devices, providers, cases and their log"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "boat",
        sa.Column("registration", sa.Text(), nullable=False),
        sa.Column("shipname", sa.Text(), nullable=True),
        sa.Column("mmsi", sa.BigInteger(), nullable=True),
        sa.Column("callsign", sa.Text(), nullable=True),
        sa.Column("length_m", sa.Float(), nullable=False),
        sa.Column("power_kw", sa.Float(), nullable=True),
        sa.Column("gear", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), server_default=sa.text("'catching'"), nullable=False),
        sa.Column("home_province", sa.Text(), nullable=False),
        sa.Column("commune", sa.Text(), nullable=True),
        sa.Column("licence", sa.Text(), nullable=True),
        sa.Column("licence_until", sa.Date(), nullable=True),
        sa.Column("laid_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('catching', 'logistics')", name="boat_role"),
        sa.CheckConstraint("length_m > 0 AND length_m < 100", name="boat_length"),
        sa.PrimaryKeyConstraint("registration"),
    )
    op.create_index(
        "boat_mmsi", "boat", ["mmsi"], unique=True, postgresql_where=sa.text("mmsi IS NOT NULL AND retired_at IS NULL")
    )
    op.create_table(
        "provider",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "boat_contact",
        sa.Column("registration", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.CheckConstraint("part IN ('owner', 'captain', 'relative')", name="boat_contact_part"),
        sa.ForeignKeyConstraint(
            ["registration"],
            ["boat.registration"],
        ),
        sa.PrimaryKeyConstraint("registration", "part"),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("registration", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=True),
        sa.Column("fitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("removed_at IS NULL OR NOT active", name="device_removed"),
        sa.CheckConstraint("slot IN (1, 2)", name="device_slot"),
        sa.ForeignKeyConstraint(
            ["provider"],
            ["provider.key"],
        ),
        sa.ForeignKeyConstraint(
            ["registration"],
            ["boat.registration"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("device_one_active", "device", ["registration"], unique=True, postgresql_where=sa.text("active"))
    op.create_index(
        "device_two_at_most",
        "device",
        ["registration", "slot"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "boat_case",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("registration", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("owner_level", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("stage_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalate_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("alarm_id", sa.BigInteger(), nullable=True),
        sa.Column("outage_id", sa.BigInteger(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("kind IN ('loss', 'crossing', 'zone')", name="boat_case_kind"),
        sa.CheckConstraint("owner_level IN ('national', 'provincial')", name="boat_case_level"),
        sa.CheckConstraint(
            "closed_at IS NULL OR (cause IS NOT NULL AND outcome IS NOT NULL AND closed_by IS NOT NULL)",
            name="boat_case_closed",
        ),
        sa.ForeignKeyConstraint(
            ["alarm_id"],
            ["alarm.id"],
        ),
        sa.ForeignKeyConstraint(
            ["outage_id"],
            ["alarm.id"],
        ),
        sa.ForeignKeyConstraint(
            ["registration"],
            ["boat.registration"],
        ),
        sa.ForeignKeyConstraint(
            ["unit"],
            ["unit.key"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("boat_case_closed_at", "boat_case", ["closed_at"], unique=False)
    op.create_index(
        "boat_case_open",
        "boat_case",
        ["kind", "registration"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL AND closed_at IS NULL"),
    )
    op.create_index(
        "boat_case_escalate_due_at",
        "boat_case",
        ["escalate_due_at"],
        unique=False,
        postgresql_where=sa.text("escalated_at IS NULL AND ended_at IS NULL AND closed_at IS NULL"),
    )
    op.create_index("boat_case_since", "boat_case", ["registration", "since"], unique=False)
    op.create_table(
        "boat_case_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["boat_case.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("boat_case_entry_of", "boat_case_entry", ["case_id", "at"], unique=False)
    op.create_table(
        "boat_signal",
        sa.Column("registration", sa.Text(), nullable=False),
        sa.Column("boat_version", sa.Integer(), nullable=False),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("auto_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("port", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outage_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["outage_id"],
            ["alarm.id"],
        ),
        sa.ForeignKeyConstraint(
            ["registration"],
            ["boat.registration"],
        ),
        sa.PrimaryKeyConstraint("registration"),
    )
    op.create_index("boat_signal_due_at", "boat_signal", ["due_at"], unique=False)
    op.create_index(
        "boat_signal_late",
        "boat_signal",
        ["provider", "late_at"],
        unique=False,
        postgresql_where=sa.text("late_at IS NOT NULL"),
    )
    op.create_table(
        "boat_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("other_key", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("object_label", sa.Text(), nullable=True),
        sa.Column("other_label", sa.Text(), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=False,
        ),
        sa.Column("confidence", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("criteria", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("confidence IN ('usual', 'low')", name="boat_event_confidence"),
        sa.CheckConstraint("ended_at >= began_at", name="boat_event_span"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "boat_event_once",
        "boat_event",
        ["layer", "object_key", "other_key", "kind", "began_at"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_index(
        "boat_event_other",
        "boat_event",
        ["layer", "other_key", "began_at"],
        unique=False,
        postgresql_where=sa.text("other_key <> ''"),
    )
    op.create_index("boat_event_began_at", "boat_event", ["began_at"], unique=False)
