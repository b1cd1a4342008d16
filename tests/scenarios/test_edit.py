"""A person changes a call before it runs: a field for each argument, what changes, and whom the changed call asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import tool

from agent_runtime.demo.conversation import PlannedCall
from agent_runtime.redaction import MARK
from bot.workspace import Person, View
from storage.types import RequestStatus, RunStatus
from tests.scenarios.agents import calling
from tests.scenarios.house import IN_LONG_TESTS, MANAGERS_DECIDE, House, open_house

OVER_BOTH = IN_LONG_TESTS
POLICY = (
    MANAGERS_DECIDE
    + """
[[policy]]
tool = "buy"
when = "args.amount > 100000"
action = "deny"
reason = "Nobody spends that much."

[[policy]]
tool = "buy"
when = "args.amount >= 10000"
decisions = ["approve", "edit", "reject"]
redact = ["/card"]

[[policy.stage]]
name = "manager"
approvers = ["usergroup:managers"]

[[policy.stage]]
name = "director"
approvers = ["usergroup:directors"]

[[policy]]
tool = "buy"
decisions = ["approve", "edit", "reject"]
redact = ["/card"]
"""
)
CARD = "4111-1111-1111-1111"
ARGS = {"item": "a laptop", "amount": 900, "card": CARD, "places": ["Oslo"]}


def buying(done: list[dict[str, Any]]) -> Any:
    """A tool whose effect is what it was called with."""

    @tool
    def buy(item: str, amount: int, card: str, places: list[str]) -> str:
        """Buy something."""
        done.append({"item": item, "amount": amount, "card": card, "places": places})
        return "Bought."

    return buy


@pytest.fixture
def done() -> list[dict[str, Any]]:
    """What was bought."""
    return []


@pytest.fixture
async def house(tmp_path: Path, transport: str, done: list[dict[str, Any]]) -> AsyncIterator[House]:
    """A house in which a laptop for 900 waits for the managers."""
    agents = {"buyer": calling(PlannedCall("buy", ARGS), tools=[buying(done)])}
    async with open_house(tmp_path, policy=POLICY, agents=agents, transport=transport) as opened:
        opened.ws.admin.set_group("managers", ["maria", "dora"])
        await opened.start("ana", "buyer", "go")
        yield opened


async def form(house: House, who: str = "maria") -> tuple[Person, View]:
    """Press Edit on the card."""
    person = house.person(who)
    pressed = await person.click(house.card("Approve buy?", "Edit"), "Edit")
    assert pressed.view is not None
    return person, pressed.view


async def change(house: House, who: str = "maria", **values: Any) -> View:
    """Fill in the form and send it twice: what it says then."""
    person, view = await form(house, who)
    assert not (await person.fill_and_submit(view, values)).errors
    assert person.view is not None
    assert not (await person.submit(person.view)).errors
    await house.settle()
    assert person.view is not None
    return person.view


async def only_run(house: House) -> str:
    return (await house.audit("run.started"))[0].run_id or ""


async def test_what_was_changed_is_shown_and_then_runs(house: House, done: list[dict[str, Any]]) -> None:
    """The first submission shows the difference and whom it asks, the second one approves what then runs exactly."""
    maria, view = await form(house)
    await maria.fill_and_submit(view, {"amount": "950", "places": '["Oslo", "Rome"]'})
    assert maria.view is not None
    shown = maria.view.plain()
    for words in ("- amount: 900", "+ amount: 950", '+   "Rome"', "Your own approval is enough"):
        assert words in shown
    assert done == []
    assert maria.view.submit_label == "Approve this"
    await maria.submit(maria.view)
    assert maria.view is not None
    assert "recorded and approved" in maria.view.plain()
    await house.settle()
    assert done == [{**ARGS, "amount": 950, "places": ["Oslo", "Rome"]}]
    card = house.card("Approved: buy")
    for words in ("amount: 950", "Changed by Maria Lindqvist", "- amount: 900", "+ amount: 950", "revision 2"):
        assert words in card.plain()
    (edited,) = await house.audit("request.edited")
    text = await house.text_of(edited)
    assert (text["before"]["amount"], text["after"]["amount"]) == (900, 950)


async def test_a_dearer_call_waits_for_the_director(house: House, done: list[dict[str, Any]]) -> None:
    """A manager who makes 50,000 of 900 has signed the first stage; nothing runs before the director has the second."""
    maria, view = await form(house)
    await maria.fill_and_submit(view, {"amount": "50000"})
    assert maria.view is not None
    assert "Asks stage 1 of 2: @managers. Your own approval counts." in maria.view.plain()
    await maria.submit(maria.view)
    await house.settle()
    assert done == []
    assert (await house.run(await only_run(house))).status is RunStatus.WAITING
    card = house.card("Approve buy?", "Approve")
    assert "Stage 2 of 2" in card.plain()
    await house.person("maria").click(card, "Approve")
    await house.settle()
    assert done == []
    await house.person("dora").click(card, "Approve")
    await house.settle()
    assert [one["amount"] for one in done] == [50000]


async def test_who_is_in_both_stages_signs_one_of_them(house: House, done: list[dict[str, Any]]) -> None:
    """Dora edits as a manager; as a director she may not sign the same call again, and another one must."""
    house.ws.admin.set_group("directors", ["dora", "sam"])
    await change(house, "dora", amount="50000")
    card = house.card("Approve buy?", "Approve")
    await house.person("dora").click(card, "Approve")
    await house.settle()
    assert done == []
    assert "already decided" in house.person("dora").ephemerals[-1].plain()
    await house.person("sam").click(card, "Approve")
    await house.settle()
    assert [one["amount"] for one in done] == [50000]


async def test_an_old_card_signs_nothing(house: House, done: list[dict[str, Any]]) -> None:
    """Approve on a copy from before the change is refused, and the person is told."""
    old = house.card("Approve buy?", "Approve")
    await change(house, amount="50000")
    await house.person("dora").click_stale(old, "Approve")
    await house.settle()
    assert done == []
    assert "older version" in house.person("dora").ephemerals[-1].plain()


async def test_what_a_policy_denies_is_refused_in_the_form(house: House, done: list[dict[str, Any]]) -> None:
    """The form stays, says why, and takes other arguments."""
    maria, view = await form(house)
    await maria.fill_and_submit(view, {"amount": "200000"})
    assert maria.view is not None
    assert "Nobody spends that much." in maria.view.plain()
    await maria.fill_and_submit(maria.view, {"amount": "800"})
    assert maria.view is not None
    await maria.submit(maria.view)
    await house.settle()
    assert [one["amount"] for one in done] == [800]


async def test_other_arguments_than_those_shown_are_shown_first(house: House, done: list[dict[str, Any]]) -> None:
    """Whoever changes a field after the difference was shown sees the new difference; nothing is recorded before."""
    maria, view = await form(house)
    await maria.fill_and_submit(view, {"amount": "950"})
    assert maria.view is not None
    await maria.fill_and_submit(maria.view, {"amount": "960"})
    assert maria.view is not None
    assert "+ amount: 960" in maria.view.plain()
    assert await house.audit("request.edited") == []
    await maria.submit(maria.view)
    await house.settle()
    assert [one["amount"] for one in done] == [960]


async def test_a_redacted_value_is_not_in_the_form_and_keeps_its_value(
    house: House, done: list[dict[str, Any]]
) -> None:
    """Its field is empty; left so, the call runs with the value that nobody saw."""
    _, view = await form(house)
    assert CARD not in str(view.stored.blocks)
    assert MARK not in str(view.stored.blocks)
    await change(house, amount="901")
    assert [one["card"] for one in done] == [CARD]
    assert all(CARD not in message.plain() for message in house.messages())


async def test_a_redacted_value_can_be_replaced_unseen(house: House, done: list[dict[str, Any]]) -> None:
    """What is typed there runs, and no message and no audit text shows it."""
    maria, view = await form(house)
    await maria.fill_and_submit(view, {"card": "4222-2222-2222-2222"})
    assert maria.view is not None
    assert MARK in maria.view.plain()
    assert "4222" not in str(maria.view.stored.blocks)
    await maria.submit(maria.view)
    await house.settle()
    assert [one["card"] for one in done] == ["4222-2222-2222-2222"]
    assert all("4222" not in message.plain() for message in house.messages())
    (edited,) = await house.audit("request.edited")
    assert "4222" not in str(await house.text_of(edited))


async def test_a_fault_stands_on_its_field(house: House) -> None:
    """JSON that is none is said where it stands, and nothing is recorded."""
    maria, view = await form(house)
    answer = await maria.fill_and_submit(view, {"places": "[Oslo"})
    (said,) = answer.errors.values()
    assert "not JSON" in said
    unchanged = await maria.fill_and_submit(view, {"places": '["Oslo"]'})
    assert "Nothing is changed yet" in next(iter(unchanged.errors.values()))
    assert await house.audit("request.edited") == []


async def test_a_form_of_a_request_that_closed_meanwhile_says_so(house: House, done: list[dict[str, Any]]) -> None:
    """It says who closed it, and changes nothing."""
    maria, view = await form(house)
    await house.person("dora").click(house.card("Approve buy?", "Approve"), "Approve")
    await maria.fill_and_submit(view, {"amount": "1"})
    assert maria.view is not None
    assert maria.view.title == "Already closed"
    assert "@dora" in maria.view.plain()
    await house.settle()
    assert [one["amount"] for one in done] == [900]


async def test_a_form_of_a_call_that_somebody_else_changed_says_so(house: House) -> None:
    """Two people edit: the second one is told that the call is another one now."""
    maria, view = await form(house)
    await change(house, "dora", amount="50000")
    await maria.fill_and_submit(view, {"amount": "1"})
    assert maria.view is not None
    assert maria.view.title == "Changed meanwhile"
    assert "@dora" in maria.view.plain()
    (request,) = await house.requests(await only_run(house))
    assert (request.status, (request.args or {})["amount"]) == (RequestStatus.PENDING, 50000)


@pytest.mark.parametrize("who", ["ana", "fred"])
async def test_only_who_may_decide_may_change(house: House, who: str) -> None:
    """The requester, and who is no approver, are told privately; no form opens."""
    person = house.person(who)
    await person.click(house.card("Approve buy?", "Edit"), "Edit")
    await house.settle()
    assert person.view is None
    assert "Nothing was changed" in person.ephemerals[-1].plain()
