"""What earlier requests of the same run say about a call: whose rejection it follows and what changed since, and who
approved which calls before it. One look at the rows; no text in here is the agent's account of them."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from agent_runtime.arguments import changes, is_same
from agent_runtime.hidden import redaction_of, secrets_of, shown_change
from agent_runtime.redaction import Redaction, mask
from agent_runtime.rules import Rules
from agent_runtime.views import ApprovedBefore, AskedAgain
from storage import history, requests
from storage.models import Decision, Request
from storage.tx import Tx
from storage.types import Actor, ActorKind, DecisionKind, Json, RequestKind, RequestStatus

MOST_APPROVED = 3
_LOOKED_AT = 20
_PEOPLE = frozenset({ActorKind.SLACK, ActorKind.CLI, ActorKind.TOKEN})


def what_came_before(
    tx: Tx, request: Request, rules: Rules, secrets: tuple[str, ...]
) -> tuple[AskedAgain | None, tuple[ApprovedBefore, ...]]:
    """The rejection that a call follows, if it follows one, and the last approvals before it, the latest first.
    `secrets` are those of the whole run."""
    if request.kind is not RequestKind.TOOL:
        return None, ()
    found = history.decided_before(tx, request.run_id, request.pause, _LOOKED_AT)
    rejected = _followed(request, found)
    approved = [one for one in found if one.status is RequestStatus.APPROVED][:MOST_APPROVED]
    wanted = [*approved, *([rejected] if rejected else [])]
    votes = requests.votes(tx, [one.id for one in wanted]) if wanted else []
    again = _asked_again(request, rules, rejected, votes, secrets) if rejected else None
    before = (_approved_before(request, rules, one, votes) for one in approved)
    return again, tuple(one for one in before if one is not None)


def _followed(request: Request, found: Sequence[Request]) -> Request | None:
    """Of the latest pause in which the same tool was asked for: the call that was rejected in the same place, else the
    last one that was rejected. None where all of them were decided otherwise."""
    same_tool = [one for one in found if one.tool == request.tool]
    rejected = [one for one in same_tool if one.pause == same_tool[0].pause and one.status is RequestStatus.REJECTED]
    in_place = (one for one in rejected if one.ordinal == request.ordinal)
    return next(in_place, rejected[0] if rejected else None)


def _asked_again(
    request: Request, rules: Rules, rejected: Request, votes: Sequence[Decision], of_run: tuple[str, ...]
) -> AskedAgain | None:
    noes = _standing(rejected, votes, DecisionKind.REJECTED)
    both = _both(request, rules, rejected)
    if not noes or both is None:
        return None  # time, a policy or Signoff itself said no
    redaction, secrets = both
    changed = changes(rejected.args or {}, request.args or {})
    # Whoever is asked only now was never meant to read the call that others rejected.
    may_read = _asked(rules) <= _asked(Rules.model_validate(rejected.rules))
    return AskedAgain(
        request_id=rejected.id,
        actor=Actor.model_validate(noes[-1].actor),
        at=noes[-1].at,
        reason=mask(noes[-1].reason, (*secrets, *of_run)),
        changes=tuple(shown_change(one, redaction, secrets) for one in changed) if may_read else None,
    )


def _asked(rules: Rules) -> frozenset[str]:
    return frozenset(selector for stage in rules.stages for selector in stage.everybody)


def _approved_before(
    request: Request, rules: Rules, approved: Request, votes: Sequence[Decision]
) -> ApprovedBefore | None:
    yeses = _standing(approved, votes, DecisionKind.APPROVED)
    both = _both(request, rules, approved)
    if not yeses or both is None:
        return None
    readable = _readable(approved.args or {}, *both).keys() & _readable(request.args or {}, *both).keys()
    shared = [name for name in request.args or {} if name in readable]
    same = tuple(name for name in shared if is_same(approved.args[name], request.args[name]))
    return ApprovedBefore(
        request_id=approved.id,
        tool=approved.tool,
        actors=tuple(Actor.model_validate(one.actor) for one in yeses),
        at=yeses[-1].at,
        same=same,
        other=tuple(name for name in shared if name not in same),
    )


def _standing(request: Request, votes: Sequence[Decision], kind: DecisionKind) -> list[Decision]:
    """The votes of people that made a request what it is, in the order they were given."""
    return [
        one
        for one in votes
        if one.request_id == request.id
        and one.revision == request.revision
        and one.kind is kind
        and one.withdrawn_at is None
        and Actor.model_validate(one.actor).kind in _PEOPLE
    ]


def _both(request: Request, rules: Rules, before: Request) -> tuple[Redaction, tuple[str, ...]] | None:
    """What either request hides; None where the earlier one's rules cannot be read, and so not what they hide."""
    try:
        then = Rules.model_validate(before.rules)
    except ValidationError:
        return None
    now, earlier_on = redaction_of(rules), redaction_of(then)
    redaction = Redaction((*now.pointers, *earlier_on.pointers), (*now.keys, *earlier_on.keys))
    found = (*secrets_of(rules, request), *secrets_of(then, before))
    # What one of them hides may stand openly in the other one's arguments.
    found += tuple(secret for args in (request.args, before.args) for secret in redaction.secrets(args))
    return redaction, tuple(dict.fromkeys(found))


def _readable(args: Json, redaction: Redaction, secrets: tuple[str, ...]) -> Json:
    """The arguments of which nothing is hidden: whether two hidden ones are the same is nobody's business either."""
    return {name: value for name, value in args.items() if redaction.apply({name: value}, secrets) == {name: value}}
