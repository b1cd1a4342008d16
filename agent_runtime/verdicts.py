"""What a closed request tells the agent: one stated sentence each. People's words are delimited, because to a model
they are data and not instructions."""

from __future__ import annotations

from collections.abc import Sequence

from agent_runtime.agents import Refuse
from storage.models import Request
from storage.types import Actor, ActorKind, DecisionKind, OnTimeout, RequestStatus

LONGEST_QUOTE = 1000
_RANK = {ActorKind.POLICY: "policy"}


def quote(words: str) -> str:
    """A person's words as data: one line, clipped, in marks that the words themselves cannot close."""
    line = " ".join(words.split())[:LONGEST_QUOTE]
    return "«" + line.replace("«", "‹").replace("»", "›") + "»"


def refusal(request: Request) -> Refuse:
    """What the agent is told about a call that people did not approve."""
    tool, reason = request.tool, request.close_reason
    if request.status is RequestStatus.SKIPPED or _skipped_in_time(request):
        why = f" The person's words: {quote(reason)}" if reason and request.status is RequestStatus.SKIPPED else ""
        return Refuse(f"This step was skipped: {tool} was not executed. Go on without it.{why}", "skipped", reason)
    if request.status is RequestStatus.EXPIRED:
        return Refuse(f"Nobody decided about {tool} in time, so it was not executed.", "expired", reason)
    if request.status is RequestStatus.CANCELLED:
        return Refuse(f"The request for {tool} was cancelled, so it was not executed.", "cancelled", reason)
    said = f": {quote(reason)}" if reason else "."
    return Refuse(f"A person said no to {tool}, and it was not executed{said}", "rejected", reason)


def denied(tool: str, policy: str, reason: str) -> Refuse:
    """What the agent is told about a call that a policy denies."""
    because = f": {quote(reason)}" if reason else "."
    return Refuse(f"A policy does not allow {tool}, and it was not executed{because}", "denied", reason or policy)


def edited(tool: str, names: Sequence[str], by: Sequence[Actor]) -> str:
    """What the agent is told beside the result of a call that ran with other arguments than its own; empty where it ran
    with its own after all."""
    if not names:
        return ""
    which = f"the argument {quote(names[0])}" if len(names) == 1 else f"the arguments {_listed(names)}"
    who = " and ".join(f"a {_RANK.get(actor.kind, 'person')} ({quote(actor.label)})" for actor in by)
    return f"Before {tool} ran, {who} changed {which}; this is the result of the changed call."


def by_callback(tool: str, decision: DecisionKind, reason: str) -> Refuse:
    """What the agent is told about a call that a callback did not approve."""
    because = f": {quote(reason)}" if reason else "."
    if decision is DecisionKind.SKIPPED:
        return Refuse(f"This step was skipped: {tool} was not executed. Go on without it.", "skipped", reason)
    return Refuse(f"A rule of this system said no to {tool}, and it was not executed{because}", "rejected", reason)


def changed(tool: str) -> Refuse:
    """What the agent is told about a call that is not the one people approved."""
    reason = "the call is not the one that was approved"
    return Refuse(f"{tool} was not executed: {reason}.", "denied", reason)


def _skipped_in_time(request: Request) -> bool:
    return request.status is RequestStatus.EXPIRED and request.on_timeout is OnTimeout.SKIP


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(quote(name) for name in names[:-1])} and {quote(names[-1])}"
