"""who closed a storm and who opened it again"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "storm_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("storm_id", sa.BigInteger(), nullable=False),
        sa.Column("deed", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.CheckConstraint("deed = 'close' OR deed = 'reopen' AND note IS NOT NULL", name="storm_log_deed"),
        sa.ForeignKeyConstraint(["storm_id"], ["storm.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("storm_log_of", "storm_log", ["storm_id", "id"], unique=False)
    op.execute(
        "INSERT INTO storm_log (storm_id, deed, note, at, actor, actor_kind) "
        "SELECT id, 'close', closed_note, closed_at, closed_by, 'declared' FROM storm WHERE closed_at IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_table("storm_log")
