"""requests have revisions, votes may be taken back, and the policies of then are kept."""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STANDING = sa.text("withdrawn_at IS NULL")


def _kinds(*more: str) -> sa.Enum:
    return sa.Enum(
        "approved", "rejected", "skipped", "answered", *more,
        name="decision_kind", native_enum=False, create_constraint=True, length=16,
    )  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "policy_set",
        sa.Column("digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("body", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_index("decision_once")
    with op.batch_alter_table("decision", schema=None, recreate="auto") as batch_op:
        batch_op.add_column(sa.Column("number", sa.Integer(), server_default="0", nullable=False))
        batch_op.alter_column("kind", existing_type=_kinds(), type_=_kinds("edited"), existing_nullable=False)
        batch_op.create_index(
            "decision_once",
            ["request_id", "revision", "stage", "actor_key"],
            unique=True,
            sqlite_where=STANDING,
            postgresql_where=STANDING,
        )
    with op.batch_alter_table("journal", schema=None, recreate="never") as batch_op:
        batch_op.add_column(
            sa.Column("changed", sqlmodel.sql.sqltypes.AutoString(), server_default=sa.text("''"), nullable=False)
        )
    # Decisions point to this table, so it cannot be made anew while it is filled.
    with op.batch_alter_table("request", schema=None, recreate="never") as batch_op:
        batch_op.add_column(sa.Column("asked_args", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(
            sa.Column("asked_digest", sqlmodel.sql.sqltypes.AutoString(), server_default=sa.text("''"), nullable=False)
        )
        batch_op.add_column(sa.Column("policy_set", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
        batch_op.add_column(sa.Column("held_until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    # Until now nobody could change what an agent had asked for.
    op.execute("UPDATE request SET asked_args = args, asked_digest = digest")


def downgrade() -> None:
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.drop_column("held_until")
        batch_op.drop_column("policy_set")
        batch_op.drop_column("asked_digest")
        batch_op.drop_column("asked_args")
    with op.batch_alter_table("journal", schema=None) as batch_op:
        batch_op.drop_column("changed")
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_index("decision_once")
    with op.batch_alter_table("decision", schema=None, recreate="auto") as batch_op:
        batch_op.drop_column("number")
        batch_op.alter_column("kind", existing_type=_kinds("edited"), type_=_kinds(), existing_nullable=False)
        batch_op.create_index(
            "decision_once",
            ["request_id", "revision", "actor_key"],
            unique=True,
            sqlite_where=STANDING,
            postgresql_where=STANDING,
        )
    op.drop_table("policy_set")
