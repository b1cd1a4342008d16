"""What happens to an open request in time: the steps of its ladder, the ends of its holds, its deadline.

A step is one transaction: its number in the row, guarded by the number before it, its entry in the audit log, and what
people are told. So each is taken once, whatever restarts, races or jumps of the clock there are; those that are due
together are told in one message.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile

from agent_runtime import holding, ladder, outbound
from agent_runtime.audit import INTERNAL, Event, record_request
from agent_runtime.chain import is_genuine_entry
from agent_runtime.closing import fall_due
from agent_runtime.context import Context
from agent_runtime.escalation import place
from agent_runtime.ladder import Step
from agent_runtime.rules import Rules, Stage
from agent_runtime.sealed import read_rules
from agent_runtime.selectors import Selector
from agent_runtime.toml_reader import span
from storage import audit, requests
from storage.models import Request
from storage.tx import Tx
from storage.types import SCHEDULER, SYSTEM


def happen(tx: Tx, context: Context, request: Request, due: datetime) -> None:
    """Do what is to happen next to an open request; `due` is now in unpaused time."""
    if request.next_at == request.due_at or request.held_until is not None:
        fall_due(tx, context, request)
        return
    rules = read_rules(context.seal, request)
    if rules is None or request.stage >= len(rules.stages):
        _broken(tx, context, request, "its rules were changed")
        requests.climb(tx, request, next_at=request.due_at)
        return
    stage = rules.stages[request.stage]
    if request.quiet_until is not None and request.quiet_until <= due:
        holding.end(tx, context, request, stage, due)
    elif stage.hours is not None and not stage.hours.is_open(context.now):
        opens = stage.hours.next_open(context.now) - (context.now - due)
        requests.climb(tx, request, next_at=min(opens, request.due_at) if request.due_at else opens)
    else:
        _climb(tx, context, request, rules, due)


def _climb(tx: Tx, context: Context, request: Request, rules: Rules, due: datetime) -> None:
    stage, shift = rules.stages[request.stage], context.now - due
    taken = _due_steps(request, stage, due, shift)
    if taken and not _is_old_enough(tx, context, request, taken[-1]):
        _broken(tx, context, request, "the beginning of its ladder was moved")
        request, taken = request.model_copy(update={"ladder_from": due}), ()
    after = request.model_copy(update={"rung": request.rung + len(taken)})
    following = ladder.next_at(after, stage, shift)
    values = {"rung": after.rung, "ladder_from": request.ladder_from, "next_at": following}
    if not requests.climb(tx, request, **values) or not taken:
        return
    seqs = [_record(tx, context, request, step) for step in taken]
    after = after.model_copy(update={"next_at": following})
    is_first = outbound.remind(tx, context, after, taken)
    outbound.want_card(tx, context, after)
    outbound.want_run(tx, context, request.run_id)
    if is_first and not stage.in_thread:  # there the reminder itself says it
        outbound.note(tx, context, request.run_id, seqs[-1], _line(request, taken))


def _due_steps(request: Request, stage: Stage, due: datetime, shift: timedelta) -> tuple[Step, ...]:
    """The steps that are due and not behind it; none while its ladder is held."""
    if request.quiet_until is not None or request.ladder_from is None:
        return ()
    left = ladder.steps(stage)[request.rung :]
    at = partial(ladder.step_due, stage, request.ladder_from, shift=shift)
    return tuple(takewhile(lambda step: (at(step.number) or due) <= due, left))


def _is_old_enough(tx: Tx, context: Context, request: Request, step: Step) -> bool:
    """Whether the stage has been open for so long, by the sealed audit log: more people may decide after this step."""
    entries = audit.of_request(tx, request.id, _OPENINGS)
    opened = [entry.at for entry in entries if is_genuine_entry(entry, context.seal)]
    return bool(opened) and context.now - max(opened) >= step.after


_OPENINGS = tuple(
    event.value for event in (Event.REQUEST_OPENED, Event.REQUEST_EDITED, Event.STAGE_PASSED, Event.STAGE_REOPENED)
)


def _record(tx: Tx, context: Context, request: Request, step: Step) -> int:
    event = Event.REQUEST_ESCALATED if step.escalate_to else Event.REQUEST_REMINDED
    text = {**place(request), "rung": step.number, "after": span(step.after), "to": list(step.escalate_to)}
    return record_request(tx, context, event, request, SCHEDULER, INTERNAL, text)


def _line(request: Request, taken: tuple[Step, ...]) -> str:
    """What the run's thread is told."""
    about = request.tool or request.kind.value
    to = list(dict.fromkeys(who for step in taken for who in step.escalate_to))
    if to:
        return f"{about}: nobody has decided so far; escalated to {_named(to)}, who may decide, too."
    return f"{about}: nobody has decided so far; those who are asked are reminded."


def _named(selectors: Sequence[Selector]) -> str:
    """Groups and channels by their names, and how many people beside them."""
    parted = [who.partition(":") for who in selectors]
    people = sum(kind in {"user", "email"} for kind, _, _ in parted)
    named = [name for kind, _, name in parted if kind not in {"user", "email"}]
    return " and ".join([*named, *(["1 person" if people == 1 else f"{people} people"] if people else [])])


def _broken(tx: Tx, context: Context, request: Request, problem: str) -> None:
    record_request(tx, context, Event.INTEGRITY_BROKEN, request, SYSTEM, INTERNAL, {"problem": problem})
