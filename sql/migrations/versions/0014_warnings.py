"""warnings: what was issued and received, and who did what with them"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

AREA = Geometry(
    geometry_type="MULTIPOLYGON",
    srid=4326,
    dimension=2,
    spatial_index=False,
    from_text="ST_GeomFromEWKT",
    name="geometry",
)


def _stamp(name: str, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "warning_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=True),
        sa.Column("sender", sa.Text(), nullable=True),
        _stamp("sent"),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("msg_type", sa.Text(), nullable=False),
        sa.Column("of_id", sa.BigInteger(), nullable=True),
        sa.Column("hazard", sa.Text(), nullable=True),
        sa.Column("risk_level", sa.SmallInteger(), nullable=True),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("certainty", sa.Text(), nullable=False),
        sa.Column("words", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("area_words", sa.Text(), nullable=False),
        sa.Column("geom", AREA, nullable=True),
        _stamp("onset_at"),
        _stamp("expires_at"),
        _stamp("ends_at"),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("signed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("notes", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        _stamp("drafted_at"),
        sa.Column("drafted_by", sa.Text(), nullable=True),
        _stamp("edited_at"),
        sa.Column("edited_by", sa.Text(), nullable=True),
        _stamp("approved_at"),
        sa.Column("approved_by", sa.Text(), nullable=True),
        _stamp("discarded_at"),
        sa.Column("discarded_by", sa.Text(), nullable=True),
        _stamp("known_at"),
        sa.Column("issued_by", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "status IN ('Actual', 'Exercise', 'System', 'Test', 'Draft')", name="warning_message_status"
        ),
        sa.CheckConstraint("msg_type IN ('Alert', 'Update', 'Cancel', 'Ack', 'Error')", name="warning_message_type"),
        sa.CheckConstraint("risk_level BETWEEN 1 AND 5", name="warning_message_level"),
        sa.CheckConstraint("length(identifier) <= 300 AND length(sender) <= 300", name="warning_message_identity"),
        sa.CheckConstraint(
            "known_at IS NULL OR num_nulls(identifier, sender, sent, ends_at, document) = 0",
            name="warning_message_known",
        ),
        sa.CheckConstraint(
            "CASE WHEN origin = 'own' THEN num_nulls(drafted_at, drafted_by, geom, expires_at, hazard) = 0"
            " AND words -> 'vi' IS NOT NULL AND status IN ('Actual', 'Exercise')"
            " AND msg_type IN ('Alert', 'Update', 'Cancel')"
            " AND (msg_type = 'Alert') = (of_id IS NULL) AND (known_at IS NULL) = (issued_by IS NULL)"
            " AND NOT (simulated AND status = 'Actual')"
            " ELSE known_at IS NOT NULL"
            " AND num_nonnulls(drafted_at, approved_at, discarded_at, issued_by, of_id) = 0 END",
            name="warning_message_own",
        ),
        sa.CheckConstraint(
            "(approved_at IS NULL) = (approved_by IS NULL) AND (discarded_at IS NULL) = (discarded_by IS NULL)"
            " AND (edited_at IS NULL) = (edited_by IS NULL)",
            name="warning_message_who",
        ),
        sa.ForeignKeyConstraint(["of_id"], ["warning_message.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    known = "known_at IS NOT NULL"
    op.create_index(
        "warning_message_once",
        "warning_message",
        ["origin", "sender", "identifier", "sent"],
        unique=True,
        postgresql_where=sa.text(known),
    )
    op.create_index(
        "warning_message_name",
        "warning_message",
        ["identifier"],
        unique=True,
        postgresql_where=sa.text(f"origin = 'own' AND {known}"),
    )
    op.create_index(
        "warning_message_next",
        "warning_message",
        ["of_id"],
        unique=True,
        postgresql_where=sa.text("known_at IS NULL AND discarded_at IS NULL"),
    )
    op.create_index(
        "warning_message_ends", "warning_message", ["ends_at"], unique=False, postgresql_where=sa.text(known)
    )
    op.create_index("warning_message_geom", "warning_message", ["geom"], unique=False, postgresql_using="gist")
    op.create_table(
        "warning_reference",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        _stamp("sent", nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["warning_message.id"]),
        sa.PrimaryKeyConstraint("message_id", "sender", "identifier", "sent"),
    )
    op.create_index("warning_reference_to", "warning_reference", ["identifier", "sender", "sent"], unique=False)
    op.create_table(
        "warning_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("deed", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        _stamp("at", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "deed IN ('draft', 'edit', 'approve', 'return', 'discard', 'issue', 'cancel', 'receive')",
            name="warning_entry_deed",
        ),
        sa.CheckConstraint(
            "deed NOT IN ('return', 'discard', 'cancel') OR note IS NOT NULL", name="warning_entry_note"
        ),
        sa.ForeignKeyConstraint(["message_id"], ["warning_message.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("warning_entry_of", "warning_entry", ["message_id", "id"], unique=False)


def downgrade() -> None:
    for name in ("warning_entry", "warning_reference", "warning_message"):
        op.drop_table(name)
