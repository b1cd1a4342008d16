"""The `multi-step` agent and its purchasing rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent_runtime.demo import planner
from agent_runtime.demo.purchasing import purchase_tools
from tests.demo.play import Edited, Refused, lines, play

LAPTOPS = {"item": "laptops", "quantity": 3, "amount": 4500}


def bought(data_dir: Path) -> list[dict[str, Any]]:
    return [record["args"] for record in lines(data_dir / "purchases.jsonl")]


@pytest.mark.parametrize(
    ("text", "tools", "amount"),
    [
        ("Buy a mouse for 999", ["buy_small"], 999),
        ("Buy a desk for 1000", ["manager_signoff", "finance_purchase"], 1000),
        ("Buy 3 desks for $9,999", ["manager_signoff", "finance_purchase"], 9999),
        ("Order a van for 10000", ["director_signoff", "finance_purchase"], 10000),
        ("please purchase 2 vans for 1,250,000 USD in total.", ["director_signoff", "finance_purchase"], 1_250_000),
    ],
)
async def test_the_amount_decides_who_is_asked(tmp_path: Path, text: str, tools: list[str], amount: int) -> None:
    """Each threshold has its checkpoint, finance comes last, and what was asked for is bought once."""
    run = play(tmp_path, "multi-step")
    ending = await run.start(text)
    assert [call[2] for call in await run.calls()] == tools
    assert [args["amount"] for args in bought(tmp_path)] == [amount]
    assert ending.result.startswith("Bought ")


@pytest.mark.parametrize("text", ["Buy 3 desks for €9,999", "Buy 3 desks for 9999 GBP"])
async def test_another_currency_is_not_read_as_dollars(tmp_path: Path, text: str) -> None:
    """Nothing is bought for a price that would be another one; it says what it needs, and people read dollars."""
    ending = await play(tmp_path, "multi-step").start(text)
    assert "US dollars in total" in ending.result
    assert bought(tmp_path) == []
    assert str(planner.purchase("Buy 3 desks for 9999")) == "3 × desks for USD 9999 in total"


@pytest.mark.parametrize("decision", ["rejected", "skipped", "expired", "denied"])
@pytest.mark.parametrize("passed", [0, 1])
async def test_a_checkpoint_that_is_not_passed_buys_nothing(tmp_path: Path, decision: str, passed: int) -> None:
    """Neither leaving a checkpoint out nor silence counts as a yes, at the first checkpoint and at the second."""
    run = play(tmp_path, "multi-step", *[None] * passed, Refused(decision, "too dear"))
    ending = await run.start("Buy 3 laptops for 4500")
    assert ending.result.startswith(f"Nothing was bought, at the {['manager', 'finance'][passed]} step: ")
    assert ending.result.endswith(": too dear.")
    assert len(await run.calls()) == passed + 1
    assert bought(tmp_path) == []


async def test_finance_is_asked_about_what_the_manager_signed(tmp_path: Path) -> None:
    """An edit at the first checkpoint is what the second one sees and what is bought."""
    run = play(tmp_path, "multi-step", Edited({"quantity": 2, "amount": 3000}))
    await run.start("Buy 3 laptops for 4500")
    assert [(args["quantity"], args["amount"]) for args in bought(tmp_path)] == [(2, 3000)]


@pytest.mark.parametrize(
    ("checkpoint", "edit"),
    [
        (0, {"amount": 10_000}),
        (0, {"amount": 999}),
        (0, {"amount": 0}),
        (0, {"quantity": 0}),
        (0, {"item": " "}),
        (0, {"amount": "dear"}),
        (1, {"amount": 4499}),
        (1, {"item": "yachts"}),
        (1, {"receipt": "S-000000000000"}),
    ],
)
async def test_an_edit_cannot_leave_the_route_of_its_amount(
    tmp_path: Path, checkpoint: int, edit: dict[str, Any]
) -> None:
    """The tools check amount and receipt themselves."""
    run = play(tmp_path, "multi-step", *[None] * checkpoint, Edited(edit))
    ending = await run.start("Buy 3 laptops for 4500")
    assert ending.result.startswith("Nothing was bought, at the ")
    assert bought(tmp_path) == []


def call(data_dir: Path, name: str, run: str = "R1", **args: Any) -> Any:
    tool = next(tool for tool in purchase_tools(data_dir) if tool.name == name)
    config: Any = {"configurable": {"thread_id": run}}
    return tool.invoke({"name": name, "args": args, "id": "call_0", "type": "tool_call"}, config)


def test_a_receipt_buys_once_and_only_in_its_run(tmp_path: Path) -> None:
    """A sign-off cannot be spent twice, nor by another run."""
    receipt = call(tmp_path, "manager_signoff", **LAPTOPS).artifact["receipt"]
    with pytest.raises(Exception, match="is not for 3 × laptops for USD 4500 in total"):
        call(tmp_path, "finance_purchase", run="R2", **LAPTOPS, receipt=receipt)
    call(tmp_path, "finance_purchase", **LAPTOPS, receipt=receipt)
    with pytest.raises(Exception, match="has already bought something"):
        call(tmp_path, "finance_purchase", **LAPTOPS, receipt=receipt)
    assert bought(tmp_path) == [{**LAPTOPS, "receipt": receipt}]


def test_no_tool_spends_an_amount_that_is_not_its_own(tmp_path: Path) -> None:
    """Large amounts do not pass as small ones, nor a director's as a manager's."""
    for name, amount in [("buy_small", 1000), ("manager_signoff", 10_000), ("director_signoff", 9999)]:
        with pytest.raises(Exception, match=f"{name} is not the way to spend USD {amount}"):
            call(tmp_path, name, item="desk", quantity=1, amount=amount)
    assert not list(tmp_path.iterdir())
