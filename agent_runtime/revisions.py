"""Revisions: what is up for decision after people or a policy changed the arguments of a call.

The first revision is the agent's own call. Each later one has a digest and rules of its own and starts at the first
stage; votes on earlier ones bind to their digest and count for nothing any more.
"""

from __future__ import annotations

import hashlib

from pydantic import ValidationError

from agent_runtime import ladder, outbound
from agent_runtime.agents import ToolCall
from agent_runtime.arguments import changes
from agent_runtime.audit import Event, Origin, record_request
from agent_runtime.clean_text import clean
from agent_runtime.context import Context
from agent_runtime.decisions import write_decision
from agent_runtime.digest import digest_call
from agent_runtime.facts import facts_of
from agent_runtime.hidden import redaction_of
from agent_runtime.judging import Judgement, evaluate
from agent_runtime.policy import PolicySet
from agent_runtime.redaction import mask
from agent_runtime.rules import Rules
from agent_runtime.sealed import seal_rules
from storage import pauses, requests
from storage.models import Decision, KeptPolicies, Request, Run
from storage.tx import Tx
from storage.types import Actor, ActorKind, DecisionKind, Json, RequestStatus

LONGEST_NAMES = 200
"""Characters of the names of changed arguments that a run's thread tells."""


def keep_policies(tx: Tx, policies: PolicySet) -> str:
    """Keep the whole policy set, once, under the digest of its text; the digest."""
    body = policies.model_dump_json()
    digest = hashlib.sha256(body.encode()).hexdigest()
    requests.keep_policies(tx, KeptPolicies(digest=digest, body=body))
    return digest


def kept_policies(tx: Tx, request: Request) -> PolicySet | None:
    """The policy set that was in force when a request opened; None where it was not kept, was changed by hand, or is
    none that this version can read."""
    kept = requests.kept_policies(tx, request.policy_set) if request.policy_set else None
    if kept is None or hashlib.sha256(kept.body.encode()).hexdigest() != request.policy_set:
        return None
    try:
        return PolicySet.model_validate_json(kept.body)
    except ValidationError:
        return None


def judge_edit(policies: PolicySet, run: Run, request: Request, args: Json) -> Judgement:
    """What the policies say of a request's call with other arguments."""
    return evaluate(policies, facts_of(run, request.kind, _call(request, args)))


def revise(
    tx: Tx,
    context: Context,
    request: Request,
    args: Json,
    rules: Rules,
    actor: Actor,
    origin: Origin,
    reason: str = "",
) -> Request | None:
    """Put other arguments up for decision, by these rules, from the first stage on; None where this person's vote on
    the present ones stands. Raises NotJson."""
    timers = ladder.opening(
        rules, 0, context.now, pauses.elapsed(tx, context.now, request.agent), pauses.stopped_for(tx)
    )
    after = request.model_copy(
        update={
            "revision": request.revision + 1,
            "args": dict(args),
            "rules": rules.model_dump(mode="json"),
            "on_timeout": rules.on_timeout,
            **timers,
            # What a policy changes, it changes before anybody is asked.
            "asking": request.asking + (actor.kind is not ActorKind.POLICY),
        }
    )
    after.digest = digest_call(request.agent, request.run_id, _call(request, args), after.revision)
    after.rules_mac = seal_rules(context.seal, after)
    if not write_decision(tx, context, request, DecisionKind.EDITED, actor, reason=reason, value=after.args):
        return None
    columns = ("revision", "args", "digest", "rules", "rules_mac", "on_timeout", "asking", *timers)
    values = {name: getattr(after, name) for name in columns}
    changed = requests.change(tx, request, RequestStatus.PENDING, **values)
    assert changed, "one writer: nobody can be between"
    _tell(tx, context, request, after, actor, origin, reason)
    return after


def _tell(tx: Tx, context: Context, before: Request, after: Request, actor: Actor, origin: Origin, reason: str) -> None:
    """Record what was changed, and say so in the run's thread."""
    old, new = Rules.model_validate(before.rules), Rules.model_validate(after.rules)
    text: Json = {
        "revision": after.revision,
        "before": redaction_of(old).args(before.args),
        "after": redaction_of(new).args(after.args),
        "reason": reason,
        "policy": new.policy,
    }
    seq = record_request(tx, context, Event.REQUEST_EDITED, after, actor, origin, text)
    names = mask(clean(", ".join(change.name for change in changes(before.args or {}, after.args))))
    line = f"{after.tool}: {actor.label} changed {names[:LONGEST_NAMES]}; {new.stages[0].name} is asked now."
    outbound.note(tx, context, after.run_id, seq, line)


def editors(request: Request, decisions: list[Decision]) -> list[Actor]:
    """Who changed the arguments, each once, in order."""
    edits = [one for one in decisions if one.kind is DecisionKind.EDITED and one.revision < request.revision]
    return list({edit.actor_key: Actor.model_validate(edit.actor) for edit in edits}.values())


def changed_names(request: Request) -> list[str]:
    """The arguments in which what is up for decision differs from what the agent asked."""
    return [change.name for change in changes(request.asked_args or {}, request.args or {})]


def _call(request: Request, args: Json) -> ToolCall:
    return ToolCall(step=request.step, id=request.call_id, tool=request.tool, args=args)
