"""Approvals may count for further calls, and people may hand over to a delegate."""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "absence",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("person", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("person_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("delegate", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("delegate_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("began_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("ended_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("mac", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("absence", schema=None) as batch_op:
        batch_op.create_index(
            "absence_delegate",
            ["delegate_key"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(
            "absence_person",
            ["person_key"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "approval_grant",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("agent", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("tool", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column(
            "scope",
            sa.Enum(
                "run", "requester", "agent", name="grant_scope", native_enum=False, create_constraint=True, length=16
            ),
            nullable=False,
        ),
        sa.Column("run_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("starter_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("keys", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("likeness", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("chain", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("request_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("granted_by", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("approvers", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("revoked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("revoked_by", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("mac", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["request.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("approval_grant", schema=None) as batch_op:
        batch_op.create_index("grant_look", ["agent", "tool", "expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_approval_grant_request_id"), ["request_id"], unique=False)

    with op.batch_alter_table("audit", schema=None, recreate="never") as batch_op:
        batch_op.create_index(
            "audit_subject",
            ["digest"],
            unique=False,
            sqlite_where=sa.text("run_id = '' AND digest <> ''"),
            postgresql_where=sa.text("run_id = '' AND digest <> ''"),
        )

    with op.batch_alter_table("decision", schema=None, recreate="never") as batch_op:
        batch_op.add_column(sa.Column("on_behalf_of", sa.JSON(none_as_null=True), nullable=True))

    with op.batch_alter_table("journal", schema=None, recreate="never") as batch_op:
        batch_op.add_column(sa.Column("grant_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.drop_column("grant_id")

    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_column("on_behalf_of")

    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index(
            "audit_subject",
            sqlite_where=sa.text("run_id = '' AND digest <> ''"),
            postgresql_where=sa.text("run_id = '' AND digest <> ''"),
        )

    with op.batch_alter_table("approval_grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_approval_grant_request_id"))
        batch_op.drop_index("grant_look")

    op.drop_table("approval_grant")
    with op.batch_alter_table("absence", schema=None) as batch_op:
        batch_op.drop_index(
            "absence_person", sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL")
        )
        batch_op.drop_index(
            "absence_delegate", sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL")
        )

    op.drop_table("absence")
