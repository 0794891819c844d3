"""the communes and the pieces they are found by"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def shape(kind: str, name: str, nullable: bool) -> sa.Column:
    return sa.Column(
        name,
        Geometry(
            geometry_type=kind,
            srid=4326,
            dimension=2,
            spatial_index=False,
            from_text="ST_GeomFromEWKT",
            name="geometry",
        ),
        nullable=nullable,
    )


def upgrade() -> None:
    op.create_table(
        "area",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        shape("POINT", "point", nullable=False),
        shape("MULTIPOLYGON", "geom", nullable=True),
        shape("MULTIPOLYGON", "outline", nullable=True),
        sa.Column("area_km2", sa.Float(), nullable=True),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("district_old", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('ward', 'commune')", name="area_kind"),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("area_province", "area", ["province"], unique=False)
    op.create_table(
        "area_piece",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        shape("POLYGON", "geom", nullable=False),
        sa.ForeignKeyConstraint(["code"], ["area.code"]),
    )
    op.create_index("area_piece_code", "area_piece", ["code"], unique=False)
    op.create_index("area_piece_geom", "area_piece", ["geom"], unique=False, postgresql_using="gist")
