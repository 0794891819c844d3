"""photographs of field reports that nobody outside is shown"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("report_photo", sa.Column("withheld_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("report_photo", sa.Column("withheld_by", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("report_photo", "withheld_by")
    op.drop_column("report_photo", "withheld_at")
