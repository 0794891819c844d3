"""what recognition systems see through cameras"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "camera_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("camera", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("plate", sa.Text(), nullable=True),
        sa.Column("lane", sa.Text(), nullable=True),
        sa.Column("snapshot", sa.Text(), nullable=True),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'detected'"), nullable=False),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state_by", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "state IN ('detected', 'reviewed', 'confirmed', 'false', 'forwarded')", name="camera_event_state"
        ),
        sa.CheckConstraint("confidence >= 0 AND confidence <= 1", name="camera_event_confidence"),
        sa.CheckConstraint("plate IS NULL OR plate LIKE '%•%'", name="camera_event_masked"),
        sa.ForeignKeyConstraint(["unit"], ["unit.key"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sender", "record_id", name="camera_event_once"),
    )
    op.create_index("camera_event_at", "camera_event", ["occurred_at", "id"], unique=False)
    op.create_index("camera_event_by_state", "camera_event", ["state", "occurred_at", "id"], unique=False)
    op.create_index("camera_event_by_type", "camera_event", ["type", "occurred_at", "id"], unique=False)
    op.create_index("camera_event_by_camera", "camera_event", ["camera", "occurred_at", "id"], unique=False)
    op.create_table(
        "camera_plate",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("plate", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["camera_event.id"]),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_table(
        "camera_event_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("deed", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "deed IN ('review', 'confirm', 'false', 'forward', 'reopen')", name="camera_event_entry_deed"
        ),
        sa.CheckConstraint("deed <> 'false' OR reason IS NOT NULL", name="camera_event_entry_reason"),
        sa.CheckConstraint("deed <> 'forward' OR unit IS NOT NULL", name="camera_event_entry_unit"),
        sa.ForeignKeyConstraint(["event_id"], ["camera_event.id"]),
        sa.ForeignKeyConstraint(["unit"], ["unit.key"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("camera_event_entry_of", "camera_event_entry", ["event_id", "id"], unique=False)
    op.create_table(
        "camera_plate_look",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["camera_event.id"]),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    for name in ("camera_plate_look", "camera_event_entry", "camera_plate", "camera_event"):
        op.drop_table(name)
