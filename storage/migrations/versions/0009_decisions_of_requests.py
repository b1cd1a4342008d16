"""The decisions on a request are found by the request, those that were taken back, too."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_decision_request_id", "decision", ["request_id"])


def downgrade() -> None:
    op.drop_index("ix_decision_request_id", table_name="decision")
