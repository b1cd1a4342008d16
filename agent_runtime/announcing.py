"""Handing audit entries to the webhooks that want them, in the transaction that wrote the entry."""

from __future__ import annotations

from agent_runtime.context import Context
from storage import webhooks
from storage.models import AuditEntry
from storage.tx import Tx


def announce(tx: Tx, context: Context, entry: AuditEntry) -> None:
    """One row in the outbox for each webhook that wants this entry. What is sent is read from the log when it is sent;
    a run's entries, or those about one thing outside of any run, stay in order."""
    assert entry.seq is not None, "it was just written"
    about = entry.run_id or entry.digest or entry.event.partition(".")[0]
    for webhook in context.webhooks:
        if webhook.wants(entry.event):
            webhooks.add(tx, webhook.name, entry.seq, about, context.now)
