"""Caps against fatigue: how much may be asked of one person, and for one person. Whoever is asked too often says yes
without reading, so past a stated number nothing more is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from agent_runtime.context import Context
from agent_runtime.refusals import RefusalReason
from agent_runtime.rules import Rules
from agent_runtime.selectors import Selector
from storage import requests, runs
from storage.models import Request, Run
from storage.tx import Tx
from storage.types import Actor, RequestKind

HOUR = timedelta(hours=1)


def why_not_start(tx: Tx, context: Context, starter: Actor) -> RefusalReason | None:
    """Why this person may start nothing more for now."""
    caps = context.policies.caps
    most = caps.max_starts_per_hour
    if most is not None and runs.started_since(tx, starter, context.now - HOUR) >= most:
        return RefusalReason.TOO_MANY_STARTS
    most = caps.max_open_per_starter
    if most is not None and requests.open_of_starter(tx, starter) >= most:
        return RefusalReason.TOO_MANY_OPEN
    return None


def why_not_ask(tx: Tx, context: Context, run: Run, rules: Rules) -> str:
    """Why one more request would be too many, as a sentence that names the key; empty where it is not."""
    caps = context.policies.caps
    most = caps.max_open_per_starter
    if most is not None and requests.open_of_starter(tx, Actor.model_validate(run.starter)) >= most:
        words = "request of whoever started it is" if most == 1 else "requests of whoever started it are"
        return f"{most} {words} open, which is the cap (max_open_per_starter)"
    return _crowded(tx, context, _asked(rules))


def why_not_ask_instead(tx: Tx, context: Context, rules: Rules, changed: Rules) -> str:
    """Why a request by these rules may not ask those whom it would by the changed ones, as `why_not_ask` says it: only
    those count whom it does not ask already."""
    return _crowded(tx, context, [who for who in _asked(changed) if who not in _asked(rules)])


def _asked(rules: Rules) -> list[Selector]:
    """Everybody whom a chain asks, stage by stage."""
    return [who for stage in rules.stages for who in stage.approvers]


def _crowded(tx: Tx, context: Context, wanted: Sequence[Selector]) -> str:
    most = context.policies.caps.max_open_per_approver
    if most is None or requests.count_open(tx) < most:
        return ""
    asked = Counter(who for approvers in requests.open_approvers(tx) for who in approvers)
    crowded = next((who for who in wanted if asked[who] >= most), None)
    words = "open request asks" if most == 1 else "open requests ask"
    return "" if crowded is None else f"{most} {words} {crowded}, which is the cap (max_open_per_approver)"


def is_fast(context: Context, request: Request) -> bool:
    """Whether an approval given now comes sooner after its stage opened than anybody reads."""
    fast = context.policies.caps.fast_approval
    return fast is not None and request.kind is RequestKind.TOOL and context.now - request.stage_opened_at < fast
