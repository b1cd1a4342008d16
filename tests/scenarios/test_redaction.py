"""What a policy redacts is read nowhere in the workspace, also where nobody is asked any more."""

from __future__ import annotations

from pathlib import Path

from langchain_core.tools import BaseTool, tool
from pydantic import Field

from agent_runtime.demo.conversation import PlannedCall
from agent_runtime.redaction import MARK
from storage.types import RunStatus
from tests.scenarios.agents import calling
from tests.scenarios.house import MANAGERS_DECIDE, House, open_house

CARD = "4111-2222-3333-4444"
POLICIES = (
    MANAGERS_DECIDE
    + """
[[policy]]
tool = "pay"
redact = ["/card"]
decisions = ["approve", "edit", "reject"]
grants = { scopes = ["agent"] }
"""
)


def paying(done: list[int], cards: str | None = None) -> BaseTool:
    """A tool that repeats its arguments in its result, and takes cards of this pattern."""

    @tool
    def pay(amount: int, card: str = Field(pattern=cards)) -> str:
        """Pay."""
        done.append(amount)
        return f"Charged {card}: {amount}."

    return pay


async def test_a_call_that_runs_by_a_grant_tells_nothing_that_was_redacted(tmp_path: Path) -> None:
    """The first call is asked about and its approval counts for the second: neither run's messages, nor what is kept of
    them, hold the card that the tool repeats."""
    done: list[int] = []
    agents = {"payer": calling(PlannedCall("pay", {"amount": 5, "card": CARD}), tools=[paying(done)])}
    async with open_house(tmp_path, policy=POLICIES, agents=agents) as house:
        await house.start("ana", "payer", "go")
        maria = house.person("maria")
        more = await maria.click(house.card("Approve pay?", "More..."), "More...")
        await maria.click(more.view, "Approve this and the next")
        await maria.fill_and_submit(maria.view, {})
        await house.settle()
        granted = await house.start("ana", "payer", "go")
        assert (granted.status, done) == (RunStatus.SUCCEEDED, [5, 5])
        assert await house.requests(granted.id) == []
        assert f"Charged {MARK}: 5." in house.root(granted.id).plain()
        assert CARD not in await everything(house, granted.id)


async def test_an_edit_that_does_not_fit_quotes_no_redacted_value(tmp_path: Path) -> None:
    """What the agent gave does not fit its tool, and whoever edits the call may not read it: the form names it."""
    agents = {"payer": calling(PlannedCall("pay", {"amount": 5, "card": CARD}), tools=[paying([], "^[0-9]+$")])}
    async with open_house(tmp_path, policy=POLICIES, agents=agents) as house:
        await house.start("ana", "payer", "go")
        maria = house.person("maria")
        form = await maria.click(house.card("Approve pay?", "Edit"), "Edit")
        answer = await maria.fill_and_submit(form.view, {"amount": "6"})
        assert maria.view is not None
        told = f"{answer.errors} {maria.view.plain()}"
        assert "card does not fit the tool's own rules (pattern)" in told
        assert CARD not in told


async def everything(house: House, run_id: str) -> str:
    """All messages there are, the run as it is read, and the texts of the audit log."""
    told = [message.plain() for message in house.messages()]
    kept = [repr(await house.text_of(entry)) for entry in await house.audit()]
    return "\n".join([*told, *kept, repr(await house.run(run_id))])
