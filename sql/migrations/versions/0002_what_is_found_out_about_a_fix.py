"""what is found out about a fix: duplicates, anomalies, tracks; and where closed days are kept"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "anomaly",
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("layer", "object_key", "kind"),
    )
    op.create_index("anomaly_last_at", "anomaly", ["last_at"], unique=False)
    op.create_table(
        "archive",
        sa.Column("history", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("history", "day", "part"),
    )
    op.add_column("dead_letter", sa.Column("replayed_at", sa.DateTime(timezone=True), nullable=True))
    count = {"server_default": sa.text("0"), "nullable": False}
    op.add_column("ledger", sa.Column("duplicates", sa.Integer(), **count))
    op.add_column("feed", sa.Column("duplicates", sa.BigInteger(), **count))
    # Layers' own tables are made from their declarations; those that an earlier release made are changed here.
    for name in ("vessel", "vessel_history"):
        for column, kind in (("fingerprint", "bigint"), ("anomaly", "smallint"), ("track", "smallint")):
            op.execute(f"ALTER TABLE IF EXISTS {name} ADD COLUMN IF NOT EXISTS {column} {kind}")
    # A vessel's latest state changes every few seconds: without these indexes an update is made in place.
    op.execute("DROP INDEX IF EXISTS vessel_geom, vessel_received_at")
    op.execute("ALTER TABLE IF EXISTS vessel SET (fillfactor = 50)")
