"""A redacted value is nowhere to be read: not in read models, cards, notes or the audit log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent_runtime.agents import ToolCall
from agent_runtime.approvals import Refused
from agent_runtime.context import Asking
from agent_runtime.event_body import read_message
from agent_runtime.judging import CallFacts, Require, evaluate
from agent_runtime.policy import Action, GrantRule, Policy
from agent_runtime.reading import read_request, read_run
from agent_runtime.redaction import MARK
from agent_runtime.wishes import Wish
from bot.cards.request import card
from bot.cards.run import run_card
from storage import audit, outbox
from storage.models import Run
from storage.tx import Tx
from storage.types import DecisionKind, GrantScope, Json, RequestKind, RunStatus
from tests.core.agent import Calls, Questions, call, one
from tests.core.test_callback import PATH, Answer
from tests.core.world import ANA, BOB, HOURS, NO, SAM, YES, World, policy_set

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
LOOK = Policy(tools=("look",), action=Action.ALLOW)
RULE = Policy(tools=("pay",), redact=("/card",), note="Pays {args.amount} with {args.card.number}", confirm=True)
EDITABLE = RULE.model_copy(update={"decisions": (YES, NO, DecisionKind.EDITED)})


def policies(rule: Policy = RULE) -> Any:
    return policy_set(rule, LOOK, redact_keys=("*pass*word*",))


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


PAY: Any = {
    "type": "object",
    "properties": {
        "card": {"type": "object", "properties": {"number": {"pattern": "^[0-9]+$"}, "pins": {"maxItems": 0}}},
        "login": {"minProperties": 2},
        "memo": {"maxLength": 50},
        "amount": {"type": "integer"},
    },
    "required": ["amount"],
    "maxProperties": 5,
}
UNFIT = "does not fit the tool's own rules"
WELL = {"card": {"number": "1", "pins": []}, "login": {"a": 1, "b": 2}, "amount": 6}


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        ({}, f"card {UNFIT} (pattern)"),
        ({**WELL, "card": {"number": "1", "pins": [PIN]}}, f"card {UNFIT} (maxItems)"),
        ({**WELL, "login": {"password": "hunter2hunter2"}}, f"login {UNFIT} (minProperties)"),
        (
            {**WELL, "memo": f"no card but {TOKEN}, for whoever reads it again, and again"},
            f"memo {UNFIT} (maxLength)",
        ),
        (
            {**WELL, "x": 1, "y": 2, "password": "hunter2hunter2"},
            f"This {UNFIT} (maxProperties)",
        ),
        ({**WELL, "amount": "five"}, "amount: 'five' is not of type 'integer'"),
        ({"card": {"number": "1"}, "password": "hunter2hunter2"}, "'amount' is a required property"),
    ],
)
async def test_the_fault_of_an_edit_quotes_nothing_that_is_redacted(worlds: Any, args: Json, fault: str) -> None:
    """Whoever edits a call is told which argument its tool would not take, and reads its value only where they may."""
    world: World = await worlds(one("pay", ARGS), policies=policies(EDITABLE))
    await world.waiting()
    request = await world.pending()
    view = await world.db.read(read_request, request.id)
    assert view is not None
    assert view.args is not None
    refused = await world.edit(ANA, args or {**view.args, "amount": 6}, request, schema=PAY)
    assert isinstance(refused, Refused)
    assert fault in refused.message
    assert not any(secret in refused.message for secret in SECRETS), refused.message


def test_a_note_does_not_show_what_its_policy_redacts() -> None:
    """A placeholder for a redacted argument is filled with the mark."""
    facts = CallFacts(agent="a", tool="pay", kind=RequestKind.TOOL, args=ARGS, starter=SAM)
    judgement = evaluate(policies(), facts)
    assert isinstance(judgement, Require)
    assert judgement.rules.note == f"Pays 5 with {MARK}"


RULED = EDITABLE.model_copy(
    update={
        "callback": PATH,
        "grant": GrantRule(scopes=(GrantScope.AGENT,)),
        "sets": {"place": "here"},
    }
)
TELLING = f"charged {CARD} with pin {PIN} and hunter2hunter2, {TOKEN}"
BY_NAME = ("hunter2hunter2", TOKEN)
"""What is redacted where no policy names places in the arguments."""


async def asked(worlds: Any) -> World:
    world: World = await worlds(one("pay", ARGS), policies=policies(RULED))
    world.agent.at = lambda point, _: None
    return world


async def granted(worlds: Any) -> World:
    world = await asked(worlds)
    await world.waiting()
    await world.decide(ANA, YES, wish=Wish(GrantScope.AGENT, 3, HOURS))
    await world.settle()
    return world


async def called_back(worlds: Any, answer: str = "approved") -> World:
    world = await asked(worlds)
    world.runtime.callbacks = {PATH: lambda request: Answer(answer, f"for {request.args['card']['number']}")}
    return world


async def refused_by_callback(worlds: Any) -> World:
    return await called_back(worlds, "rejected")


async def failing_callback(worlds: Any) -> World:
    world = await asked(worlds)
    world.runtime.callbacks = {PATH: lambda request: {}[request.args["card"]["number"]]}
    return world


async def logged(worlds: Any) -> World:
    world = await asked(worlds)
    world.runtime.asking = Asking.LOG_ONLY
    return world


async def approved_for_tests(worlds: Any) -> World:
    world = await asked(worlds)
    world.runtime.asking = Asking.AUTO_APPROVE
    return world


async def allowed(worlds: Any) -> World:
    world: World = await worlds(one("pay", ARGS), policies=policies(Policy(action=Action.ALLOW, show=True)))
    return world


async def denied(worlds: Any) -> World:
    world: World = await worlds(one("pay", ARGS), policies=policies(Policy(action=Action.DENY, reason="Nobody pays.")))
    return world


WITHOUT_A_REQUEST = [
    (granted, True, SECRETS),
    (called_back, True, SECRETS),
    (refused_by_callback, False, SECRETS),
    (failing_callback, False, SECRETS),
    (logged, True, SECRETS),
    (approved_for_tests, True, SECRETS),
    (allowed, True, BY_NAME),
    (denied, False, BY_NAME),
]


async def everything_of(world: World, run: Run) -> str:
    """All that anybody could read about a run: what is stored to be sent or shown, and what is made of the rows."""
    sent = await world.look("select body from outbox")
    kept = await world.look("select body from audit_text")
    (last,) = await world.look("select max(seq) from audit")
    told = [(await world.db.read(read_message, world.seal, seq)).body for seq in range(1, last[0] + 1)]
    rows = [str(text) for (text,) in (*sent, *kept)]
    texts = [await surfaces(world, run.id, [one.id for one in await world.requests(run)]), *rows, *told]
    return "\n".join(texts).replace("\\u2022", "•")


@pytest.mark.parametrize(("way", "runs", "secrets"), WITHOUT_A_REQUEST)
@pytest.mark.parametrize("fails", [False, True])
async def test_what_was_redacted_when_a_call_was_judged_stays_so(
    worlds: Any, logs: list[Any], way: Any, runs: bool, secrets: tuple[str, ...], fails: bool
) -> None:
    """However a call was let through or refused without people: its result, its error, the words of a callback and
    what its run says at the end are told without what was redacted of it."""
    world: World = await way(worlds)
    world.agent.result, world.agent.output = TELLING, {"receipt": TELLING}
    logs.clear()
    if fails:
        world.agent.failing = frozenset({"pay"})
        world.agent.steps = (*world.agent.steps, one("look", step="m2"))
        world.agent.at = raise_at_look
    run = await world.waiting()
    assert await world.status(run) is (RunStatus.FAILED if fails else RunStatus.SUCCEEDED)
    assert [effect["args"]["card"] for effect in world.effects if effect["run"] == run.id] == [ARGS["card"]] * runs
    everything = f"{await everything_of(world, run)}\n{logs}"
    for secret in secrets:
        assert secret not in everything, secret
    assert ("RuntimeError: charged" in str(logs)) == fails
    assert f"charged {MARK}" in everything or secrets is BY_NAME
    assert (await world.verify()).broken_at is None


def raise_at_look(point: str, reached: ToolCall) -> None:
    if reached.tool == "look":
        raise RuntimeError(TELLING)


async def test_what_a_changed_policy_redacts_no_more_stays_redacted(worlds: Any) -> None:
    """The file was changed while a granted call ran: what was redacted when it was judged holds."""
    world = await granted(worlds)
    world.agent.result, world.agent.output = TELLING, {"receipt": TELLING}
    world.agent.at = lambda point, _: world.use(policy_set(LOOK)) if point == "acted" else None
    run = await world.waiting()
    assert await world.status(run) is RunStatus.SUCCEEDED
    everything = await everything_of(world, run)
    for secret in SECRETS:
        assert secret not in everything, secret


@pytest.mark.parametrize("way", [granted, called_back, logged])
async def test_the_question_what_became_of_a_call_shows_nothing_that_was_redacted(worlds: Any, way: Any) -> None:
    """Nobody knows how a call ended that ran without a request: whoever is asked about it reads it redacted."""
    world: World = await way(worlds)
    callbacks, asking = world.runtime.callbacks, world.runtime.asking
    run = await world.start()
    await world.killed_at("acted")
    world.runtime.callbacks, world.runtime.asking = callbacks, asking
    await world.settle()
    view = await world.db.read(read_request, (await world.pending()).id)
    assert view is not None
    assert (view.kind, (view.args or {})["card"]) == (RequestKind.OUTCOME, MARK)
    everything = await everything_of(world, run)
    for secret in SECRETS:
        assert secret not in everything, secret


async def test_a_later_question_does_not_tell_what_was_redacted_of_a_call_before_it(worlds: Any) -> None:
    """What an agent asks, and what a person answers, after a call that ran by a grant."""
    world = await granted(worlds)
    world.agent.steps = (one("pay", ARGS), Questions({"q": {"question": f"I {TELLING}. Go on?"}}))
    run = await world.waiting()
    request = await world.pending()
    view = await world.db.read(read_request, request.id)
    assert view is not None
    assert view.remarks == ("Not all of it is shown: it repeats what is redacted in a call of this run.",)
    await world.answer(SAM, f"Yes, with {CARD}", request)
    await world.settle()
    assert await world.status(run) is RunStatus.SUCCEEDED
    everything = await everything_of(world, run)
    assert "Go on?" in everything
    for secret in SECRETS:
        assert secret not in everything, secret


@pytest.mark.parametrize(("tool", "secrets"), [("pay", SECRETS), ("look", BY_NAME)])
async def test_a_call_that_waits_behind_another_is_not_told_by_that_ones_reason(
    worlds: Any, tool: str, secrets: tuple[str, ...]
) -> None:
    """Of the calls of one step nobody is asked about the first, by a grant or a policy, and it has not run yet; the
    agent's words about the second quote it."""
    world = await granted(worlds)
    waiting, asked = call(tool, ARGS), call("buy", {"amount": 1}, call_id="c2", reason=TELLING)
    world.agent.steps = (Calls((waiting, asked)),)
    run = await world.waiting()
    (request,) = await world.requests(run)
    assert (request.tool, [effect for effect in world.effects if effect["run"] == run.id]) == ("buy", [])
    everything = await surfaces(world, run.id, [request.id])
    assert f"charged {MARK}" in everything or secrets is BY_NAME
    for secret in secrets:
        assert secret not in everything, secret


@pytest.mark.parametrize("written", ['{"pointers": 5}', "[]", '"/card"'])
async def test_a_redaction_that_was_changed_by_hand_hides_what_it_can(worlds: Any, written: str) -> None:
    """What every file redacts, then; and the run can still be read."""
    world = await granted(worlds)
    world.agent.output = {"receipt": TELLING}
    run = await world.waiting()
    assert await world.sql("update redacted_call set redaction = ?", written) > 0
    view = await world.db.read(read_run, run.id)
    assert view is not None
    assert MARK in str(view.output)
    assert not any(secret in str(view.output) for secret in BY_NAME)
