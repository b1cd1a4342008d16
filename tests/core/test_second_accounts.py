"""Where addresses are read, accounts with one address are one person: they count once, and cover nothing their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent_runtime.approvals import Accepted, Refused
from agent_runtime.audit import Event
from agent_runtime.digest import Seal
from agent_runtime.people import Member, person_of
from agent_runtime.policy import GrantRule, Policy, Stage
from agent_runtime.refusals import RefusalReason
from agent_runtime.sealed import is_genuine, seal_decision
from agent_runtime.wishes import Wish
from bot.offers import Offers
from storage.models import Decision
from storage.types import Actor, DecisionKind, GrantScope, RunStatus
from tests.core.agent import one
from tests.core.test_absences import away
from tests.core.world import ANA, BOB, CLEO, EVE, HOURS, NO, OPS, SAM, YES, World, policy_set, stage

BUY = one("buy", {"amount": 10})


def account(actor: Actor, person: str) -> Actor:
    """An account as the directory tells it where addresses are read."""
    return actor.model_copy(update={"person": person})


ANNE, ANNE_TOO, CHRIS = account(ANA, "anne"), account(BOB, "anne"), account(CLEO, "chris")


def policies(*stages: Stage, **fields: Any) -> Any:
    return policy_set(Policy(tools=("buy",), stages=stages, **fields))


def reason(verdict: Accepted | Refused) -> RefusalReason | None:
    return verdict.reason if isinstance(verdict, Refused) else None


@pytest.mark.parametrize("kind", [YES, NO])
async def test_two_accounts_fill_no_quorum(worlds: Any, kind: DecisionKind) -> None:
    """Two must say yes, or no: the second account of whoever said so is refused and told why; another person counts."""
    asked = Stage(name="two", approvers=stage(ANA, BOB, CLEO).approvers, quorum=2, reject_quorum=2)
    world: World = await worlds(BUY, policies=policies(asked))
    await world.waiting()
    assert reason(await world.decide(ANNE, kind)) is None
    assert reason(await world.decide(ANNE_TOO, kind)) is RefusalReason.OTHER_ACCOUNT
    assert not (await world.request(await world.pending())).closed_at
    verdict = await world.decide(CHRIS, kind)
    assert isinstance(verdict, Accepted)
    assert verdict.closed


async def test_two_accounts_are_not_two_stages(worlds: Any) -> None:
    """Unless the policy lets one person speak in both."""
    for allowed in (False, True):
        both = policies(stage(ANA, name="a"), stage(BOB, name="b"), allow_same_person=allowed)
        world: World = await worlds(BUY, policies=both)
        run = await world.waiting()
        await world.decide(ANNE)
        assert (reason(await world.decide(ANNE_TOO)) is None) is allowed
        await world.settle()
        assert (await world.status(run) is RunStatus.SUCCEEDED) is allowed


async def test_votes_of_two_accounts_are_counted_once_when_the_call_starts(worlds: Any) -> None:
    """However the second vote came into the rows, under a good seal: the last check counts people, not accounts."""
    world: World = await worlds(BUY, policies=policies(stage(ANA, BOB, quorum=2)))
    await world.waiting()
    await world.decide(ANNE)
    verdict = await world.decide(account(BOB, "somebody"))
    assert isinstance(verdict, Accepted)
    assert verdict.closed
    later = (await world.votes(verdict.request))[1]
    forged = Decision(**{**later.model_dump(), "actor": ANNE_TOO.model_dump(mode="json")})
    forged.mac = seal_decision(world.seal, forged)
    await world.sql("update decision set actor = ?, mac = ? where number = 2", json.dumps(forged.actor), forged.mac)
    await world.settle()
    assert world.effects == []
    assert await world.count(Event.INTEGRITY_BROKEN) == 1


async def test_whose_account_voted_is_sealed(worlds: Any) -> None:
    """Taking the hash out of a vote, or putting another there, leaves no vote; a row without one is as it ever was."""
    world: World = await worlds(BUY, policies=policies(stage(ANA, CLEO, quorum=2)))
    await world.waiting()
    await world.decide(ANNE)
    verdict = await world.decide(CLEO)
    known, unknown = await world.votes(verdict.request)
    for actor in (ANA, account(ANA, "chris")):
        changed = Decision(**{**known.model_dump(), "actor": actor.model_dump(mode="json")})
        assert not is_genuine(world.seal, changed)
    assert "person" not in unknown.actor
    assert is_genuine(world.seal, unknown)


async def test_nobody_votes_with_another_account_in_somebodys_stead(worlds: Any) -> None:
    """Neither for themselves by way of a delegate, nor as the delegate of somebody else after a vote of their own."""
    world: World = await worlds(BUY, policies=policies(stage(ANA, BOB, CLEO, quorum=2)))
    await world.waiting()
    await away(world, BOB, EVE)
    await world.decide(ANNE)
    instead = world.member(EVE, person="eve", stands_for=(world.member(ANNE_TOO),))
    assert reason(await world.decide_as(instead)) is RefusalReason.DECIDED_BY_THEM
    own = world.member(EVE, person="anne", stands_for=(world.member(account(BOB, "bob")),))
    assert reason(await world.decide_as(own)) is RefusalReason.OTHER_ACCOUNT


GRANTED = {"grant": GrantRule(scopes=(GrantScope.AGENT,), max_count=5, max_age=HOURS)}
WISH = Wish(GrantScope.AGENT, 5, HOURS)


async def test_a_grant_covers_no_call_of_its_givers_other_account(worlds: Any) -> None:
    """It does cover the calls of others; and its givers' where nobody minds who approves their own."""
    for allowed in (False, True):
        rules = policies(stage(ANA), allow_self_approval=allowed, **GRANTED)
        world: World = await worlds(BUY, policies=rules)
        await world.waiting(CHRIS)
        assert isinstance(await world.decide(ANNE, wish=WISH), Accepted)
        await world.settle()
        assert await world.status(await world.waiting(EVE)) is RunStatus.SUCCEEDED
        assert (await world.status(await world.waiting(ANNE_TOO)) is RunStatus.SUCCEEDED) is allowed


async def test_a_grant_given_in_somebodys_stead_covers_no_call_of_their_other_account(worlds: Any) -> None:
    """It was their yes."""
    world: World = await worlds(BUY, policies=policies(stage(ANA), **GRANTED))
    await world.waiting(SAM)
    await away(world, ANA, EVE)
    given = await world.decide_as(world.member(EVE, stands_for=(world.member(ANNE),)), YES, wish=WISH)
    assert isinstance(given, Accepted)
    await world.settle()
    assert await world.status(await world.waiting(ANNE_TOO)) is RunStatus.WAITING


async def test_a_starter_stays_who_they_were_and_are(worlds: Any) -> None:
    """Whoever changes their address after the start is barred with the account of the old one, and of the new."""
    world: World = await worlds(BUY, policies=policies(stage(ANA, OPS)))
    await world.waiting(account(SAM, "old"))
    for person in ("old", "new"):
        other: Member = world.member(ANA, person=person, starter_person="new")
        assert reason(await world.decide_as(other)) is RefusalReason.OWN_REQUEST
    assert reason(await world.decide_as(world.member(ANA, person="ana", starter_person="new"))) is None


def test_an_address_is_kept_as_a_hash_that_only_this_host_can_make() -> None:
    """One for each address, in whatever case and with whatever follows a plus sign; none for no address."""
    one, other = Seal(b"one"), Seal(b"other")
    known = person_of(one, "ana@x.example")
    assert known == person_of(one, "Ana@X.example") == person_of(one, "ana+admin@x.example")
    assert len({person_of(one, f"{name}@x.example") for name in ("ana", "bob", "+bob", "+ana", "anab")}) == 5
    assert known != person_of(one, "ana@y.example")
    assert person_of(one, "ana@x.example") != person_of(other, "ana@x.example")
    assert person_of(one, "") == ""


class _Seen:
    """A directory that knows whose account each is."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def look_up(self, actor: Actor, _selectors: Any, **_: Any) -> Member:
        return self._world.member(ANNE_TOO if actor.key == BOB.key else actor)


async def test_what_one_account_decided_does_not_wait_for_the_other(worlds: Any) -> None:
    """Bob's is Anne's other account: her vote is not asked of it again, nor a call that she started."""
    world: World = await worlds(BUY, policies=policies(stage(ANA, BOB, CLEO, quorum=2)))
    seen = _Seen(world)
    offers = Offers(world.runtime, seen, seen)  # type: ignore[arg-type]

    async def waits_for(actor: Actor) -> int:
        found = await offers.decidable(actor, await offers.open_requests(), 10)
        assert found is not None
        return len(found)

    await world.waiting()
    assert await waits_for(BOB) == 1
    await world.decide(ANNE)
    assert (await waits_for(BOB), await waits_for(CLEO)) == (0, 1)
    await world.waiting(ANNE)
    assert (await waits_for(BOB), await waits_for(CLEO)) == (0, 2)


@pytest.mark.parametrize("forged", [BOB, SAM, account(BOB, "bob")])
async def test_a_run_that_somebody_else_is_said_to_have_started_has_no_grants(worlds: Any, forged: Actor) -> None:
    """Anne's other account started it, and whoever has a hand on the file says otherwise: nothing starts in it."""
    world: World = await worlds(BUY, policies=policies(stage(ANA), **GRANTED))
    await world.waiting(CHRIS)
    assert isinstance(await world.decide(ANNE, wish=WISH), Accepted)
    await world.settle()
    run = await world.start(ANNE_TOO)
    row = json.dumps(forged.model_dump(mode="json"))
    await world.sql("update run set starter = ?, starter_key = ? where id = ?", row, forged.key, run.id)
    effects = len(world.effects)
    await world.settle()
    assert (len(world.effects), await world.count(Event.INTEGRITY_BROKEN)) == (effects, 1)
