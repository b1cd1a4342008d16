"""What the stories of grants are about: an agent that buys what its run was started for, and who must agree to that."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from agent_runtime.agents import Completed, Paused, Turn
from agent_runtime.policy import GrantRule, Policy, PolicySet
from agent_runtime.wishes import Wish
from storage.types import Actor, GrantScope
from tests.core.agent import ScriptedAgent, one
from tests.core.world import ANA as _ANA
from tests.core.world import BOB, CLEO, EDIT, EVE, HOURS, NO, OPS, SAM, YES, policy_set, stage

ANA = _ANA.model_copy(update={"person": "ana"})
TOO = ANA.model_copy(update={"id": "UTOO", "name": "Ana, too"})
"""Ana's second account: one address, one person."""
EVERYBODY = {actor.key: actor for actor in (ANA, TOO, BOB, CLEO, EVE, OPS, SAM)}
RULE = GrantRule(scopes=tuple(GrantScope), max_count=3, max_age=4 * HOURS)
TIMEOUT, VALID = 8 * HOURS, 2 * HOURS
BIG = 100
"""From this amount on others must agree."""


@dataclass(frozen=True)
class Desk:
    """Who must agree to a purchase, how many of them, and whether they may agree to the next ones, too."""

    people: tuple[Actor, ...]
    quorum: int
    grants: bool = True

    @property
    def policy(self) -> Policy:
        return Policy(
            tools=("buy",), stages=(stage(*self.people, quorum=self.quorum),), decisions=(YES, NO, EDIT),
            timeout=TIMEOUT, valid_for=VALID, grant=RULE if self.grants else None,
        )  # fmt: skip


DESKS = (
    (Desk((ANA, TOO, BOB, CLEO), 2), Desk((BOB, CLEO, OPS), 2)),
    (Desk((ANA, CLEO), 1), Desk((BOB, CLEO, OPS), 2, grants=False)),
)
"""For small purchases and big ones: as it was first, and after somebody changed the file."""


def _written(small: Desk, big: Desk) -> PolicySet:
    return policy_set(big.policy.model_copy(update={"when": f"args.amount >= {BIG}"}), small.policy)


POLICIES = tuple(_written(*desks) for desks in DESKS)


def desk(amount: int, version: int) -> Desk:
    """Who must agree to this amount, by that version of the policies."""
    return DESKS[version][amount >= BIG]


def person(key: str) -> str:
    """Whose account it is."""
    return ANA.key if key == TOO.key else key


class Buyer(ScriptedAgent):
    """Buys for the amounts that its run was started with, one after the other."""

    async def advance(self, turn: Turn) -> Completed | Paused:
        amounts = enumerate(turn.input["amounts"], start=1)
        self.steps = [one("buy", {"amount": amount}, step=f"m{number}") for number, amount in amounts]
        return await super().advance(turn)


@dataclass(frozen=True)
class Voice:
    """A yes that stands: whose, in whose stead, and what was wished with it."""

    actor: str
    behind: str | None = None
    wish: Wish | None = None

    @property
    def keys(self) -> set[str]:
        return {self.actor} if self.behind is None else {self.actor, self.behind}


@dataclass
class Asked:
    """What the model knows of one request."""

    id: str
    run: str
    subject: str
    starter: str
    version: int
    agents: int
    """The amount that the agent asked for."""
    amount: int
    due: datetime
    revision: int = 1
    stage: int = 0
    votes: list[Voice] = field(default_factory=list)
    over: bool = False

    @property
    def desk(self) -> Desk:
        return desk(self.amount, self.version)

    @property
    def spoken(self) -> set[str]:
        """The people whose word was given."""
        return {person(key) for vote in self.votes for key in vote.keys}


@dataclass
class Given:
    """What the model knows of one grant."""

    id: str
    scope: GrantScope
    run: str
    starter: str
    amount: int
    desk: Desk
    approvers: set[str]
    uses: int
    ends: datetime
    used: int = 0
    revoked: bool = False
