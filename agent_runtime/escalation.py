"""To whom a request has been escalated, by the audit log: they may decide as its approvers may. The row alone is not
believed, because it says no more than how many steps are behind it."""

from __future__ import annotations

from agent_runtime.audit import Event, is_genuine_text
from agent_runtime.chain import is_genuine_entry
from agent_runtime.digest import Seal
from agent_runtime.ladder import steps, widened
from agent_runtime.rules import Rules
from agent_runtime.selectors import Selector
from storage import audit
from storage.models import AuditEntry, AuditText, Request
from storage.tx import Tx
from storage.types import Json


def in_force(tx: Tx, seal: Seal, request: Request, rules: Rules) -> Rules:
    """The rules by which people may decide now: those of the request, with the ones to whom its stage was escalated."""
    return widened(rules, request.stage, escalated(tx, seal, request, rules))


def escalated(tx: Tx, seal: Seal, request: Request, rules: Rules) -> tuple[Selector, ...]:
    """To whom the present asking of this revision and stage was escalated, as the log was written then."""
    ladder = steps(rules.stages[request.stage])
    if not any(step.escalate_to for step in ladder):
        return ()
    entries = audit.of_request(tx, request.id, (Event.REQUEST_ESCALATED.value,))
    texts = audit.texts(tx, [entry.seq or 0 for entry in entries])
    genuine = [one for one in entries if _is_of(request, one, texts.get(one.seq or 0), seal)]
    told = {texts[entry.seq or 0].body.get("rung") for entry in genuine}
    return tuple(dict.fromkeys(who for step in ladder if step.number in told for who in step.escalate_to))


def place(request: Request) -> Json:
    """Which opening of which stage an entry about a ladder belongs to."""
    return {"revision": request.revision, "stage": request.stage, "asking": request.asking}


def _is_of(request: Request, entry: AuditEntry, text: AuditText | None, seal: Seal) -> bool:
    if text is None or not is_genuine_entry(entry, seal) or not is_genuine_text(entry, text):
        return False
    same = {name: text.body.get(name) for name in place(request)} == place(request)
    return same and entry.digest == request.digest
