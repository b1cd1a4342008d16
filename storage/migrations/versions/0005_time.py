"""Requests have ladders and may share a card, stuck things raise alerts, and one agent alone can be paused."""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PENDING = sa.text("status = 'pending'")
OPEN = sa.text("resolved_at IS NULL")


def upgrade() -> None:
    # Decisions point to this table, so it cannot be made anew while it is filled.
    with op.batch_alter_table("request", schema=None, recreate="never") as batch_op:
        batch_op.add_column(sa.Column("asking", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(
            sa.Column("card", sqlmodel.sql.sqltypes.AutoString(), server_default=sa.text("''"), nullable=False)
        )
        batch_op.add_column(sa.Column("rung", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("ladder_from", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("next_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("quiet_until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("quiet", sa.JSON(none_as_null=True), nullable=True))
        batch_op.create_index(
            "request_next", ["next_at", "id"], unique=False, sqlite_where=PENDING, postgresql_where=PENDING
        )
        batch_op.create_index("request_closed", ["closed_at", "id"], unique=False)
    # Until now there was one timer.
    op.execute("UPDATE request SET next_at = due_at")
    with op.batch_alter_table("outbox", schema=None, recreate="never") as batch_op:
        batch_op.create_index("outbox_subject", ["subject"], unique=False)
    with op.batch_alter_table("pause", schema=None, recreate="never") as batch_op:
        batch_op.add_column(sa.Column("stopped_by", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(
            sa.Column("why", sqlmodel.sql.sqltypes.AutoString(), server_default=sa.text("''"), nullable=False)
        )
    op.create_table(
        "agent_pause",
        sa.Column("agent", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("since", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("stands_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("stopped_by", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("why", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("agent"),
    )
    op.create_table(
        "alert",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("cause", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("thing", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("agent", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("run_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("request_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("severity", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("since", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("raised_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("acknowledged_by", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("acknowledged_until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("muted_by", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("muted_until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("resolved_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("resolved_why", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index("alert_open", ["cause", "thing"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
        batch_op.create_index("alert_recent", ["raised_at"], unique=False)


def downgrade() -> None:
    op.drop_table("alert")
    op.drop_table("agent_pause")
    with op.batch_alter_table("pause", schema=None) as batch_op:
        batch_op.drop_column("why")
        batch_op.drop_column("stopped_by")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("outbox_subject")
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.drop_index("request_closed")
        batch_op.drop_index("request_next")
        for name in ("quiet", "quiet_until", "next_at", "ladder_from", "rung", "card", "asking"):
            batch_op.drop_column(name)
