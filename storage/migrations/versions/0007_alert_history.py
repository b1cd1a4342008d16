"""The newest alert about a thing is found by the thing, however long ago it was raised."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("alert_recent", table_name="alert")
    op.create_index("alert_of_thing", "alert", ["cause", "thing", "raised_at"])


def downgrade() -> None:
    op.drop_index("alert_of_thing", table_name="alert")
    op.create_index("alert_recent", "alert", ["raised_at"])
