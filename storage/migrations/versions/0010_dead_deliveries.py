"""What was given up is found without reading every delivery."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    dead = sa.text("status = 'dead'")
    op.create_index("outbox_dead", "outbox", ["updated_at"], sqlite_where=dead, postgresql_where=dead)


def downgrade() -> None:
    op.drop_index("outbox_dead", table_name="outbox")
