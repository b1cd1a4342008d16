"""A redacted value is nowhere to be read: not in read models, cards, notes or the audit log."""

from __future__ import annotations

import json
from typing import Any

from agent_runtime.judging import CallFacts, Require, evaluate
from agent_runtime.policy import Policy
from agent_runtime.reading import read_request, read_run
from agent_runtime.redaction import MARK
from bot.cards.request import card
from bot.cards.run import run_card
from storage import audit, outbox
from storage.tx import Tx
from storage.types import RequestKind
from tests.core.agent import one
from tests.core.world import ANA, BOB, NO, SAM, YES, World, policy_set

CARD = "4111-2222-3333-4444"
PIN = 987654321
TOKEN = "xoxb-17-abcdef"
SECRETS = (CARD, str(PIN), TOKEN, "hunter2hunter2")
ARGS = {
    "card": {"number": CARD, "pins": [PIN]},
    "memo": f"paid with {CARD}",
    "header": f"Bearer {TOKEN}",
    "login": {"Pass-Word": "hunter2hunter2"},
    "amount": 5,
}
RULE = Policy(tools=("pay",), redact=("/card",), note="Pays {args.amount} with {args.card.number}", confirm=True)


def policies() -> Any:
    return policy_set(RULE, redact_keys=("*pass*word*",))


async def surfaces(world: World, run_id: str, request_ids: list[str]) -> str:
    """Everything that anybody could read about a run, as one text."""
    views = [await world.db.read(read_request, one) for one in request_ids]
    run = await world.db.read(read_run, run_id)
    assert run is not None
    texts = [repr(run), repr(views), repr(run_card(run).blocks)]
    for view in views:
        assert view is not None
        shown = card(view, now=world.clock.now())
        texts += [repr(shown.blocks), shown.text]
    return "\n".join([*texts, *await world.db.read(_rows)])


def _rows(tx: Tx) -> list[str]:
    entries = audit.entries(tx, 0, 100_000)
    written = [json.dumps(text.body) for text in audit.texts(tx, [entry.seq or 0 for entry in entries]).values()]
    deliveries = [key for entry in entries for key in (f"note:{entry.seq}",)]
    return [*written, *(json.dumps(row.body) for key in deliveries if (row := outbox.get(tx, key)) is not None)]


async def test_a_redacted_value_is_nowhere_to_be_read(worlds: Any) -> None:
    """Asked, rejected with it in the reason, asked again, approved, and returned by the tool: it shows nowhere."""
    reason = f"the card {CARD} and {TOKEN} are good, {PIN} is its pin"
    world: World = await worlds(
        one("pay", ARGS, reason=reason), one("pay", ARGS, step="m2", reason=reason), policies=policies()
    )
    run = await world.waiting()
    first = await world.pending()
    await world.decide(ANA, NO, first, reason=f"not with {CARD}")
    await world.settle()
    second = await world.pending()
    await world.decide(BOB, YES, second, reason=f"fine, {PIN}")
    world.agent.output = {"receipt": f"{CARD} charged", "token": TOKEN}
    await world.settle()
    everything = await surfaces(world, run.id, [first.id, second.id])
    for secret in SECRETS:
        assert secret not in everything, secret
    assert everything.count(MARK) > 10
    assert (await world.verify()).broken_at is None
    assert world.effects[-1]["args"] == ARGS, "what runs is what was asked"


async def test_a_run_that_fails_with_a_secret_in_its_words_keeps_it(worlds: Any) -> None:
    """An error that quotes a redacted argument is told without it."""
    world: World = await worlds(one("pay", ARGS), policies=policies())
    run = await world.waiting()
    request = await world.pending()
    await world.decide(ANA, YES, request)
    world.agent.raises = RuntimeError(f"card {CARD} was refused, {TOKEN}")
    await world.settle()
    everything = await surfaces(world, run.id, [request.id])
    assert "RuntimeError: card" in everything
    for secret in SECRETS:
        assert secret not in everything, secret


def test_a_note_does_not_show_what_its_policy_redacts() -> None:
    """A placeholder for a redacted argument is filled with the mark."""
    facts = CallFacts(agent="a", tool="pay", kind=RequestKind.TOOL, args=ARGS, starter=SAM)
    judgement = evaluate(policies(), facts)
    assert isinstance(judgement, Require)
    assert judgement.rules.note == f"Pays 5 with {MARK}"
