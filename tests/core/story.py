"""What the machine's stories are about: the policies, the agent's steps, and what a bystander knows of both."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from agent_runtime.policy import Action, Policy, Rung, Stage
from storage.types import Actor, DecisionKind, OnTimeout
from tests.core.agent import Calls, Questions, call, one
from tests.core.world import ANA, BOB, CLEO, EDIT, MINUTES, NO, OPS, YES, policy_set, stage, who
from tests.stores import put_store

HOLD = 10 * MINUTES
DENIED = Policy(tools=("pay",), when="args.amount < 0", action=Action.DENY)
REMINDED, ESCALATED = 10 * MINUTES, 20 * MINUTES
"""When those who are asked about a mail or a note are called again, and when Cleo may decide, too."""
LADDER = (Rung(after=REMINDED, remind=True), Rung(after=ESCALATED, escalate_to=who(CLEO)))
NOTE = Policy(
    tools=("note",), timeout=45 * MINUTES, on_timeout=OnTimeout.KEEP,
    stages=(Stage(name="default", approvers=who(ANA, BOB), rungs=LADDER),),
)  # fmt: skip


def _pay(*stages: Stage, **more: Any) -> Policy:
    offers = (YES, NO, EDIT)
    return Policy(tools=("pay",), stages=stages, timeout=60 * MINUTES, valid_for=90 * MINUTES, decisions=offers, **more)


def _mail(*stages: Stage) -> Policy:
    stages = tuple(one.model_copy(update={"rungs": LADDER}) for one in stages)
    return Policy(tools=("mail",), stages=stages, timeout=30 * MINUTES, on_timeout=OnTimeout.FAIL, hold=HOLD)


POLICIES = policy_set(
    DENIED,
    _pay(stage(ANA, BOB, CLEO, quorum=2), stage(CLEO, OPS, name="two"), when="args.amount < 100"),
    _pay(
        Stage(name="one", approvers=who(ANA, BOB, CLEO), quorum=2, reject_quorum=2),
        stage(BOB, OPS, name="two"), stage(CLEO, OPS, name="three"),
        sets={"checked": True},
    ),
    _mail(stage(ANA, BOB)),
    NOTE,
)  # fmt: skip
RELOADED = policy_set(
    DENIED,
    _pay(stage(ANA, BOB, CLEO), stage(OPS, name="two"), when="args.amount < 100"),
    _pay(stage(BOB, CLEO, quorum=2), stage(ANA, OPS, name="two"), sets={"checked": True}),
    _mail(stage(OPS)),
    NOTE,
)
"""What the file says after somebody changed it: what is open keeps the rules it was opened by."""
STEPS = (
    Calls((call("pay", {"amount": 10}, call_id="c1"), call("mail", {"to": "x"}, call_id="c2"))),
    Questions({"q": "Which?"}),
    one("note", {"text": "y"}, step="m2"),
)


@dataclass(frozen=True)
class Seat:
    """One stage, as the model knows it: who sits there, how many yeses and how many noes decide."""

    people: frozenset[Actor]
    yes: int = 1
    no: int = 1


def seat(*people: Actor, yes: int = 1, no: int = 1) -> Seat:
    return Seat(frozenset(people), yes, no)


CHAINS = (
    {
        "small": (seat(ANA, BOB, CLEO, yes=2), seat(CLEO, OPS)),
        "big": (seat(ANA, BOB, CLEO, yes=2, no=2), seat(BOB, OPS), seat(CLEO, OPS)),
        "mail": (seat(ANA, BOB),),
        "note": (seat(ANA, BOB),),
    },
    {
        "small": (seat(ANA, BOB, CLEO), seat(OPS)),
        "big": (seat(BOB, CLEO, yes=2), seat(ANA, OPS)),
        "mail": (seat(OPS),),
        "note": (seat(ANA, BOB),),
    },
)
"""By the policies as they were first, and as they were reloaded."""


def chain(tool: str, args: dict[str, Any], version: int) -> tuple[Seat, ...]:
    """Who must decide about this call, by that version of the policies."""
    return CHAINS[version][tool if tool != "pay" else "small" if args["amount"] < 100 else "big"]


@dataclass(frozen=True)
class Ballot:
    """A vote that a bystander saw being accepted."""

    actor: Actor
    stage: int
    kind: DecisionKind
    at: datetime


def climbed(seats: tuple[Seat, ...], rung: int) -> tuple[Seat, ...]:
    """The seats of a mail or a note after so many steps of its ladder."""
    return (replace(seats[0], people=seats[0].people | {CLEO}),) if rung > 1 else seats


def count(votes: list[Ballot], stage: int, kind: DecisionKind) -> int:
    """How many people said so in a stage."""
    return len({vote.actor.key for vote in votes if (vote.stage, vote.kind) == (stage, kind)})


def are_enough(votes: list[Ballot], tool: str, args: dict[str, Any], version: int, now: datetime) -> bool:
    """Whether these votes, which stand at this moment, let this call run."""
    seats = list(enumerate(chain(tool, args, version)))
    hold = HOLD if tool == "mail" else 0 * MINUTES
    return (
        all(count(votes, number, YES) >= one.yes for number, one in seats)
        and not any(count(votes, number, NO) >= one.no for number, one in seats)
        and all(vote.at + hold <= now for vote in votes if vote.kind is YES)
    )


def empty_store() -> Path:
    """A migrated store, in a folder of its own."""
    return put_store(Path(tempfile.mkdtemp()))
