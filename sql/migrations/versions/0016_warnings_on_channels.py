"""warnings on the channels by which alarms leave the house"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("channel", sa.Column("warnings_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("delivery", sa.Column("warning_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "delivery_warning",
        "delivery",
        ["channel_id", "warning_id"],
        unique=True,
        postgresql_where=sa.text("warning_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("delivery_warning", table_name="delivery")
    op.drop_column("delivery", "warning_id")
    op.drop_column("channel", "warnings_since")
