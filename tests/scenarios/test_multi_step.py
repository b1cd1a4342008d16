"""The `multi-step` agent: who must sign depends on the amount, and nothing is bought without each signature."""

from __future__ import annotations

import pytest

from storage.types import RequestStatus, RunStatus
from tests.scenarios.effects import records
from tests.scenarios.house import House

SIGNED = {"manager_signoff": "maria", "director_signoff": "dora", "finance_purchase": "fred"}

OVER_BOTH = True


def bought(house: House) -> list[tuple[str, int]]:
    """What was bought: by which tool, for how much."""
    return [(record["tool"], record["args"]["amount"]) for record in records(house.dir, "purchases")]


@pytest.mark.parametrize(
    ("amount", "checkpoint"),
    [
        (1, None), (250, None), (999, None),
        (1000, "manager_signoff"), (4500, "manager_signoff"), (9999, "manager_signoff"),
        (10000, "director_signoff"), (25000, "director_signoff"),
    ],
)  # fmt: skip
async def test_each_amount_goes_through_its_checkpoints(house: House, amount: int, checkpoint: str | None) -> None:
    """Small amounts ask nobody; from 1000 a manager, from 10000 a director, and then finance."""
    run = await house.start("ana", "multi-step", f"Buy 2 chairs for {amount}")
    for tool in (checkpoint, "finance_purchase") if checkpoint else ():
        assert bought(house) == []
        card = house.card(f"Approve {tool}?", "Approve")
        assert str(amount) in card.plain()
        await house.person(SIGNED[tool]).click(card, "Approve")
        await house.settle()
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert bought(house) == [("finance_purchase" if checkpoint else "buy_small", amount)]
    asked = [request.tool for request in await house.requests(run.id)]
    assert asked == ([checkpoint, "finance_purchase"] if checkpoint else [])


@pytest.mark.parametrize(
    ("amount", "tool", "may_not"),
    [
        (4500, "manager_signoff", ("ana", "fred", "ines", "dora", "sam")),
        (25000, "director_signoff", ("ana", "maria", "fred", "ines", "sam")),
    ],
)
async def test_only_the_named_group_may_sign_the_checkpoint(
    house: House, amount: int, tool: str, may_not: tuple[str, ...]
) -> None:
    """Everybody else is refused, on the first checkpoint and at finance, the first signer included: nothing moves."""
    run = await house.start("ana", "multi-step", f"Buy 1 desk for {amount}")
    first = house.card(f"Approve {tool}?", "Approve")
    for name in may_not:
        await house.person(name).click(first, "Approve")
    await house.settle()
    assert [request.status for request in await house.requests(run.id)] == [RequestStatus.PENDING]
    assert records(house.dir, "signoffs") == []
    await house.person(SIGNED[tool]).click(first, "Approve")
    await house.settle()
    finance = house.card("Approve finance_purchase?", "Approve")
    for name in ("ana", "maria", "dora", "sam"):
        await house.person(name).click(finance, "Approve")
    await house.settle()
    assert bought(house) == []
    assert len(await house.audit("decision.refused")) == len(may_not) + 4
    await house.person("fred").click(finance, "Approve")
    await house.settle()
    assert bought(house) == [("finance_purchase", amount)]


async def test_a_no_at_the_checkpoint_never_reaches_finance(house: House) -> None:
    """Rejected by the manager, nothing is signed, asked or bought any more."""
    run = await house.start("ana", "multi-step", "Buy 1 sofa for 3000")
    maria = house.person("maria")
    pressed = await maria.click(house.card("manager_signoff", "Reject"), "Reject")
    assert pressed.view is not None
    await maria.fill_and_submit(pressed.view, {"Reason": "We have one"})
    await house.settle()
    assert [request.tool for request in await house.requests(run.id)] == ["manager_signoff"]
    assert "at the manager step: a person said no: We have one" in str((await house.run(run.id)).output)
    assert (records(house.dir, "signoffs"), bought(house)) == ([], [])


async def test_a_no_at_finance_buys_nothing(house: House) -> None:
    """The sign-off stays on record, and nothing is bought with it."""
    run = await house.start("ana", "multi-step", "Buy 1 sofa for 3000")
    await house.person("maria").click(house.card("manager_signoff", "Approve"), "Approve")
    await house.settle()
    fred = house.person("fred")
    pressed = await fred.click(house.card("finance_purchase", "Reject"), "Reject")
    assert pressed.view is not None
    await fred.fill_and_submit(pressed.view, {"Reason": "Not this quarter"})
    await house.settle()
    assert "at the finance step" in str((await house.run(run.id)).output)
    assert (len(records(house.dir, "signoffs")), bought(house)) == (1, [])


async def test_finance_is_asked_about_the_receipt_of_this_very_purchase(house: House) -> None:
    """The card at finance shows the receipt that the sign-off gave, and the purchase is recorded with it."""
    await house.start("ana", "multi-step", "Buy 3 laptops for 4500")
    await house.person("maria").click(house.card("manager_signoff", "Approve"), "Approve")
    await house.settle()
    (signoff,) = records(house.dir, "signoffs")
    card = house.card("finance_purchase", "Approve")
    assert signoff["receipt"] in card.plain()
    await house.person("fred").click(card, "Approve")
    await house.settle()
    (purchase,) = records(house.dir, "purchases")
    assert purchase["args"] == {"item": "laptops", "quantity": 3, "amount": 4500, "receipt": signoff["receipt"]}
