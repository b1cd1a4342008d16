"""Every asking of a request has a card of its own: the keys of the cards there are say which asking they belong to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

DIGITS = "0123456789"


def upgrade() -> None:
    request = sa.table("request", sa.column("id", sa.String), sa.column("stage", sa.Integer))
    now = sa.select("card:" + request.c.id + ":" + sa.cast(request.c.stage, sa.String))
    for name in ("message", "outbox"):
        table = sa.table(name, sa.column("key", sa.String))
        key = table.c.key
        before_stage = sa.func.rtrim(key, DIGITS, type_=sa.String)
        stage = sa.func.replace(key, before_stage, "", type_=sa.String)
        # All are in their first asking. The cards of their other stages are from before it.
        asking = sa.case((key.in_(now), "1:"), else_="0:")
        op.execute(sa.update(table).where(key.like("card:%")).values(key=before_stage + asking + stage))


def downgrade() -> None:
    raise NotImplementedError("an older store has no room for several cards of one stage; restore a backup")
