"""What the register says of the boat that a vessel of AIS is, beside what the vessel says of itself."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    told = ("registration text", "register_length_m double precision", "role text", "gear text", "home_province text")
    for column in told:
        op.execute(f"ALTER TABLE IF EXISTS vessel ADD COLUMN IF NOT EXISTS {column}")


def downgrade() -> None:
    for column in ("registration", "register_length_m", "role", "gear", "home_province"):
        op.execute(f"ALTER TABLE IF EXISTS vessel DROP COLUMN IF EXISTS {column}")
