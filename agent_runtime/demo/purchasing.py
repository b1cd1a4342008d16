"""The tools of the `multi-step` agent. Each checks its own part of the rules, so that no route around a checkpoint buys
anything: small amounts at once, larger ones only against the receipt of a manager's or director's sign-off."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, tool

from agent_runtime.demo.conversation import ToolError, one_line, run_id
from agent_runtime.demo.planner import Purchase, dollars
from agent_runtime.demo.records import Record, RecordFile

MANAGER_FROM = 1_000
DIRECTOR_FROM = 10_000

Item = Annotated[str, "What is bought"]
Quantity = Annotated[int, "How many"]
Amount = Annotated[int, "Price of all of it together, in whole US dollars"]


def checkpoint_for(amount: int) -> str | None:
    """The tool of the first checkpoint that an amount needs; None where it needs none."""
    if amount < MANAGER_FROM:
        return None
    return "manager_signoff" if amount < DIRECTOR_FROM else "director_signoff"


def purchase_tools(data_dir: Path) -> list[BaseTool]:
    """The four tools. Sign-offs are appended to `signoffs.jsonl`, purchases to `purchases.jsonl`."""
    signoffs, purchases = RecordFile(data_dir / "signoffs.jsonl"), RecordFile(data_dir / "purchases.jsonl")

    @tool
    def buy_small(item: Item, quantity: Quantity, amount: Amount, config: RunnableConfig) -> str:
        """Buy something that costs less than 1000 US dollars."""
        bought = checked("buy_small", item, quantity, amount)
        purchases.append(_record(config, "buy_small", bought))
        return f"Bought {bought}."

    @tool(response_format="content_and_artifact")
    def manager_signoff(item: Item, quantity: Quantity, amount: Amount, config: RunnableConfig) -> tuple[str, Record]:
        """Sign off, as a manager, a purchase from 1000 to 9999 US dollars. Buys nothing: gives a receipt."""
        return sign(signoffs, _record(config, "manager_signoff", checked("manager_signoff", item, quantity, amount)))

    @tool(response_format="content_and_artifact")
    def director_signoff(item: Item, quantity: Quantity, amount: Amount, config: RunnableConfig) -> tuple[str, Record]:
        """Sign off, as a director, a purchase from 10000 US dollars on. Buys nothing: gives a receipt."""
        return sign(signoffs, _record(config, "director_signoff", checked("director_signoff", item, quantity, amount)))

    @tool
    def finance_purchase(
        item: Item,
        quantity: Quantity,
        amount: Amount,
        receipt: Annotated[str, "Receipt of the sign-off for exactly this purchase"],
        config: RunnableConfig,
    ) -> str:
        """Buy something that a manager or director signed off. Each receipt buys once."""
        wanted = Purchase(item, quantity, amount)
        redeem(signoffs, purchases, _record(config, "finance_purchase", wanted), receipt)
        return f"Bought {wanted}."

    return [buy_small, manager_signoff, director_signoff, finance_purchase]


def checked(name: str, item: str, quantity: int, amount: int) -> Purchase:
    """The purchase, if this tool is the one for its amount."""
    if not item.strip() or quantity < 1 or amount < 1:
        raise ToolError("A purchase needs an item, a quantity and an amount above zero.")
    right = checkpoint_for(amount) or "buy_small"
    if right != name:
        raise ToolError(f"{name} is not the way to spend {dollars(amount)}; that is {right}.")
    return Purchase(item, quantity, amount)


def sign(signoffs: RecordFile, record: Record) -> tuple[str, Record]:
    """Writes a sign-off down: a sentence with its receipt, and the receipt with what it is for. The receipt is made
    from the record, so that signing the same purchase twice in one run gives one receipt."""
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    receipt = f"S-{digest[:12]}"
    signoffs.append({**record, "receipt": receipt})
    args = record["args"]
    return f"Signed off: {Purchase(**args)}. Receipt {receipt}.", {**args, "receipt": receipt}


def redeem(signoffs: RecordFile, purchases: RecordFile, record: Record, receipt: str) -> None:
    """Records the purchase if its receipt is for exactly it, and was not used before."""
    args = record["args"]
    needed = checkpoint_for(args["amount"])
    signed = [entry for entry in signoffs.read() if entry.get("receipt") == receipt and entry["run"] == record["run"]]
    if not any(entry["tool"] == needed and entry["args"] == args for entry in signed):
        raise ToolError(f"Receipt {one_line(receipt, 40)} is not for {Purchase(**args)}.")
    with purchases.locked() as file:
        if any(entry["args"].get("receipt") == receipt for entry in file.read()):
            raise ToolError(f"Receipt {receipt} has already bought something.")
        file.append({**record, "args": {**args, "receipt": receipt}})


def _record(config: RunnableConfig, name: str, bought: Purchase) -> dict[str, Any]:
    args = {"item": bought.item, "quantity": bought.quantity, "amount": bought.amount}
    return {"run": run_id(config), "tool": name, "args": args}
