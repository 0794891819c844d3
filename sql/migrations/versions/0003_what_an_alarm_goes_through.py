"""what an alarm goes through, fences and rules with versions, floods, shelves, handovers, lab runs and channels"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channel",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("config", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_table(
        "handover",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("handover_ends_at", "handover", ["ends_at"], unique=False)
    op.create_table(
        "lab_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("drafts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("progress", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("stop_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "revision",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("revision_of", "revision", ["kind", "key", "version"], unique=True)
    op.create_table(
        "roster",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("name_vi", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("members", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "unit",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name_vi", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), server_default=sa.text("100"), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "flood",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["rule_id"],
            ["rule.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("flood_open", "flood", ["started_at"], unique=False, postgresql_where=sa.text("ended_at IS NULL"))
    op.create_table(
        "route",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("rule_key", sa.Text(), nullable=True),
        sa.Column("severities", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("transitions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["rule_key"], ["rule.key"], onupdate="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("route_of", "route", ["channel_id", "rule_key"], unique=True, postgresql_nulls_not_distinct=True)
    op.create_table(
        "shelf",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=True),
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["rule_id"],
            ["rule.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "shelf_open", "shelf", ["layer", "object_key"], unique=False, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("journal_id", sa.BigInteger(), nullable=True),
        sa.Column("alarm_id", sa.BigInteger(), nullable=True),
        sa.Column("transition", sa.Text(), nullable=True),
        sa.Column("flood_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withheld_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reached", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["alarm_id"],
            ["alarm.id"],
        ),
        sa.ForeignKeyConstraint(
            ["flood_id"],
            ["flood.id"],
        ),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("delivery_due_at", "delivery", ["due_at"], unique=False)
    op.create_index("delivery_made_at", "delivery", ["made_at"], unique=False)
    op.create_index("delivery_once", "delivery", ["channel_id", "journal_id"], unique=True)
    op.create_index(
        "delivery_flood",
        "delivery",
        ["channel_id", "flood_id", "transition"],
        unique=True,
        postgresql_where=sa.text("flood_id IS NOT NULL"),
    )
    op.add_column("alarm", sa.Column("other_key", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("alarm", sa.Column("latching", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.add_column("alarm", sa.Column("value", sa.Float(), nullable=True))
    op.add_column("alarm", sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("alarm", sa.Column("suppressed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("alarm", sa.Column("parent_id", sa.BigInteger(), nullable=True))
    op.add_column("alarm", sa.Column("flood_id", sa.BigInteger(), nullable=True))
    op.add_column("alarm", sa.Column("unit", sa.Text(), nullable=True))
    op.add_column("alarm", sa.Column("person", sa.Text(), nullable=True))
    op.add_column("alarm", sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("alarm", sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("alarm", sa.Column("escalations", sa.SmallInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("alarm", sa.Column("escalate_due_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_index("alarm_episode", table_name="alarm")
    op.drop_index("alarm_desk", table_name="alarm")
    op.create_index(
        "alarm_desk",
        "alarm",
        ["raised_at"],
        unique=False,
        postgresql_where=sa.text(
            "withdrawn_at IS NULL AND (cleared_at IS NULL OR (acknowledged_at IS NULL AND latching))"
        ),
    )
    op.create_index(
        "alarm_episode",
        "alarm",
        ["rule_id", "layer", "object_key", "other_key", "fence_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("cleared_at IS NULL AND withdrawn_at IS NULL"),
    )
    op.create_index(
        "alarm_escalate_due_at",
        "alarm",
        ["escalate_due_at"],
        unique=False,
        postgresql_where=sa.text("acknowledged_at IS NULL AND withdrawn_at IS NULL"),
    )
    op.create_index(
        "alarm_flood", "alarm", ["flood_id"], unique=False, postgresql_where=sa.text("flood_id IS NOT NULL")
    )
    op.create_index(
        "alarm_listed_at", "alarm", ["listed_at"], unique=False, postgresql_where=sa.text("listed_at IS NOT NULL")
    )
    op.create_index("alarm_object", "alarm", ["layer", "object_key", "raised_at"], unique=False)
    op.create_index(
        "alarm_parent", "alarm", ["parent_id"], unique=False, postgresql_where=sa.text("parent_id IS NOT NULL")
    )
    op.create_foreign_key(None, "alarm", "alarm", ["parent_id"], ["id"])
    op.create_foreign_key(None, "alarm", "unit", ["unit"], ["key"])
    op.create_foreign_key(None, "alarm", "flood", ["flood_id"], ["id"])
    op.add_column("alarm_journal", sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.alter_column("alarm_journal", "alarm_id", existing_type=sa.BIGINT(), nullable=True)
    op.create_index("alarm_journal_at", "alarm_journal", ["at"], unique=False)
    op.add_column("fence", sa.Column("buffer_m", sa.Float(), server_default=sa.text("0"), nullable=False))
    op.add_column("fence", sa.Column("dwell_s", sa.Float(), server_default=sa.text("0"), nullable=False))
    op.add_column(
        "fence",
        sa.Column(
            "applies_to", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    op.add_column(
        "fence",
        sa.Column("season", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    )
    op.add_column("fence", sa.Column("owner", sa.Text(), nullable=True))
    op.add_column("fence", sa.Column("review_by", sa.Date(), nullable=True))
    op.add_column("fence", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column("fence", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("presence", sa.Column("other_key", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("presence", sa.Column("left_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("presence", sa.Column("value", sa.Float(), nullable=True))
    op.add_column("rule", sa.Column("off_delay_s", sa.Float(), server_default=sa.text("0"), nullable=False))
    op.add_column(
        "rule",
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column(
        "rule",
        sa.Column("schedule", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    )
    op.add_column("rule", sa.Column("latching", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.add_column("rule", sa.Column("escalate_s", sa.Float(), nullable=True))
    op.add_column("rule", sa.Column("response_vi", sa.Text(), nullable=True))
    op.add_column("rule", sa.Column("response_en", sa.Text(), nullable=True))
    op.add_column("rule", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.execute("ALTER TABLE presence DROP CONSTRAINT presence_pkey, ADD PRIMARY KEY (rule_id, object_key, other_key)")
