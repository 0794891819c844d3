"""storms: their bulletins, tracks and danger circles, and who was called"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "storm",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("season", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_note", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("number BETWEEN 1 AND 99", name="storm_number"),
        sa.CheckConstraint("season BETWEEN 1950 AND 2100", name="storm_season"),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="storm_closed"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "storm_once",
        "storm",
        ["season", "number", "simulated"],
        unique=True,
        postgresql_where=sa.text("number IS NOT NULL"),
    )
    op.create_table(
        "storm_bulletin",
        sa.Column("storm_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["storm_id"],
            ["storm.id"],
        ),
        sa.PrimaryKeyConstraint("storm_id", "version"),
    )
    op.create_table(
        "storm_point",
        sa.Column("storm_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("valid_at", sa.DateTime(timezone=True), nullable=False),
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
        sa.Column("wind", sa.SmallInteger(), nullable=True),
        sa.Column("gust", sa.SmallInteger(), nullable=True),
        sa.Column("radii_km", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("observed", sa.Boolean(), nullable=False),
        sa.CheckConstraint("wind BETWEEN 0 AND 17 AND gust BETWEEN 0 AND 20", name="storm_point_wind"),
        sa.ForeignKeyConstraint(
            ["storm_id", "version"],
            ["storm_bulletin.storm_id", "storm_bulletin.version"],
        ),
        sa.PrimaryKeyConstraint("storm_id", "version", "valid_at"),
    )
    op.create_table(
        "storm_call",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("storm_id", sa.BigInteger(), nullable=False),
        sa.Column("registration", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("voids", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.CheckConstraint("who IN ('owner', 'captain', 'relative', 'radio', 'other')", name="storm_call_who"),
        sa.CheckConstraint(
            "outcome IN ('to_port', 'sheltered', 'moving_away', 'told_on', 'staying', 'no_answer', 'unreachable', "
            "'wrong_number', 'void')",
            name="storm_call_outcome",
        ),
        sa.CheckConstraint("(outcome = 'void') = (voids IS NOT NULL)", name="storm_call_voids"),
        sa.ForeignKeyConstraint(
            ["registration"],
            ["boat.registration"],
        ),
        sa.ForeignKeyConstraint(
            ["storm_id"],
            ["storm.id"],
        ),
        sa.ForeignKeyConstraint(
            ["voids"],
            ["storm_call.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("voids"),
    )
    op.create_index("storm_call_of", "storm_call", ["storm_id", "registration", "id"], unique=False)
