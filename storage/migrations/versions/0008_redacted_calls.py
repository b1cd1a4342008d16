"""What is redacted of a call that nobody was asked about is kept, so that it stays redacted in all that follows."""

from __future__ import annotations

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "redacted_call",
        sa.Column("run_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("call_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("digest", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("args", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("redaction", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"]),
        sa.PrimaryKeyConstraint("run_id", "call_key", "digest"),
    )
    # Which policy judged an older call is not known any more: what is redacted in every file is redacted of it.
    op.execute(
        "INSERT INTO redacted_call (run_id, call_key, digest, args, redaction)"
        """ SELECT run_id, call_key, digest, args, '{"pointers": [], "keys": []}' FROM journal"""
        " WHERE request_id IS NULL AND args IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_table("redacted_call")
