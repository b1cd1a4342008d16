"""One scenario for each thing that a policy file can say and no other scenario plays: from the text of the file,
through Slack, to what was done. Their agent, `act`, makes the one call that it is told to make."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from agent_runtime.callback import CallbackRequest
from agent_runtime.context import Asking
from agent_runtime.policy_file import load_policy_file
from agent_runtime.policy_watch import PolicyWatch
from agent_runtime.views import RunView
from bot.workspace import Message
from storage.types import RequestStatus, RunStatus
from tests.scenarios.agents import acting
from tests.scenarios.house import MANAGERS_DECIDE, House, open_house

HOUR = timedelta(hours=1)
TOOLS = ("veto", "fixed", "own", "twice", "contract", "order", "soon", "ruled", "spelled", "free", "timed", "plain")
POLICY = (
    MANAGERS_DECIDE
    + """
[caps]
fast_approval = "3s"

[[policy]]
tool = "veto"
[[policy.stage]]
approvers = ["usergroup:managers", "usergroup:finance"]
reject_quorum = 2

[[policy]]
tool = "fixed"
set = { n = 7 }

[[policy]]
tool = "own"
allow_self_approval = true

[[policy]]
tool = "twice"
allow_same_person = true
[[policy.stage]]
name = "first"
approvers = ["usergroup:managers"]
[[policy.stage]]
name = "second"
approvers = ["usergroup:managers"]

[[policy]]
tool = "contract"
allow_guests = true
[[policy.stage]]
approvers = ["channel:#approvals"]
allow_public = true

[[policy]]
tool = "order"
[[policy.stage]]
approvers = ["channel:#approvals"]
allow_public = true

[[policy]]
tool = "soon"
valid_for = "1h"

[[policy]]
tool = "ruled"
callback = "rules:decide"

[[agent]]
name = "act"
[agent.interrupt_on]
free = false
spelled = { allowed_decisions = ["approve", "reject"], description = "In their words" }
[agent.tool_configs.timed.hitl]
timeout_seconds = 30
[agent.agent_config]
hitl_enabled = true
"""
)

Done = list[tuple[str, int]]
"""Each call that ran: its tool and its number."""
Opening = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def done() -> Done:
    return []


@pytest.fixture
def opening(tmp_path: Path, transport: str, done: Done) -> Opening:
    """Opens a house whose agent does as it is told, on a policy file."""

    @asynccontextmanager
    async def opened(policy: str = POLICY) -> AsyncIterator[House]:
        async with open_house(tmp_path, policy=policy, agents={"act": acting(TOOLS, done)}, transport=transport) as one:
            yield one

    return opened


async def press(house: House, who: str, card: Message, button: str, reason: str = "") -> None:
    """Press a button of a card, fill in the reason where one is asked for, and let everything happen."""
    person = house.person(who)
    answer = await person.click(card, button)
    if reason:
        assert answer.view is not None
        await person.fill_and_submit(answer.view, {"Reason": reason})
    await house.settle()


async def status(house: House, run: RunView) -> RequestStatus:
    """That of the run's latest request."""
    return (await house.requests(run.id))[-1].status


async def test_a_stage_is_rejected_by_so_many_as_it_says(opening: Opening, done: Done) -> None:
    """`reject_quorum`: one no of two changes nothing, the second one ends it."""
    async with opening() as house:
        run = await house.start("ana", "act", "veto 1")
        card = house.card("Approve veto?", "Reject")
        await press(house, "fred", card, "Reject", "Too soon")
        assert await status(house, run) is RequestStatus.PENDING
        await press(house, "ines", card, "Reject", "Too dear")
        assert (await status(house, run), done) == (RequestStatus.REJECTED, [])


async def test_an_argument_that_a_policy_fixes_is_shown_and_runs(opening: Opening, done: Done) -> None:
    """`set`: the card says which argument was fixed, and with it the call runs."""
    async with opening() as house:
        run = await house.start("ana", "act", "fixed 1")
        card = house.card("Approve fixed?", "Approve")
        assert "fixes n" in card.plain()
        await press(house, "maria", card, "Approve")
        assert done == [("fixed", 7)]
        assert "changed the argument" in str((await house.run(run.id)).output)


async def test_whoever_started_it_approves_where_the_policy_lets_them(opening: Opening, done: Done) -> None:
    """`allow_self_approval`: Maria's yes to her own run counts there, and nowhere else."""
    async with opening() as house:
        await house.start("maria", "act", "plain 1")
        await press(house, "maria", house.card("Approve plain?", "Approve"), "Approve")
        assert "nobody approves their own" in house.person("maria").ephemerals[-1].plain()
        await house.start("maria", "act", "own 2")
        await press(house, "maria", house.card("Approve own?", "Approve"), "Approve")
        assert done == [("own", 2)]


async def test_one_person_votes_in_every_stage_where_the_policy_lets_them(opening: Opening, done: Done) -> None:
    """`allow_same_person`: the second stage asks Maria anew, and her yes counts again."""
    async with opening() as house:
        await house.start("ana", "act", "twice 1")
        for _ in range(2):
            assert done == []
            await press(house, "maria", house.card("Approve twice?", "Approve"), "Approve")
        assert done == [("twice", 1)]


async def test_a_guest_decides_where_the_policy_lets_them(opening: Opening, done: Done) -> None:
    """`allow_guests`: Gus is in the channel that both policies name, and a guest."""
    async with opening() as house:
        await house.start("ana", "act", "order 1")
        await press(house, "gus", house.card("Approve order?", "Approve"), "Approve")
        assert "Guests may not decide here" in house.person("gus").ephemerals[-1].plain()
        await house.start("ana", "act", "contract 2")
        await press(house, "gus", house.card("Approve contract?", "Approve"), "Approve")
        assert done == [("contract", 2)]


async def test_an_approval_that_waited_too_long_is_asked_anew(opening: Opening, done: Done) -> None:
    """`valid_for`: approved while everything was paused, and worth nothing when it goes on two hours later."""
    async with opening() as house:
        run = await house.start("ana", "act", "soon 1")
        await house.person("sam").command("/approvals", "pause")
        await press(house, "maria", house.card("Approve soon?", "Approve"), "Approve")
        await house.advance(2 * HOUR)
        await house.person("sam").command("/approvals", "resume")
        await house.settle()
        assert done == []
        assert [one.status for one in await house.requests(run.id)] == [RequestStatus.LAPSED, RequestStatus.PENDING]
        await press(house, "maria", house.card("Approve soon?", "Approve"), "Approve")
        assert done == [("soon", 1)]


async def test_a_function_decides_in_the_place_of_people(opening: Opening, done: Done) -> None:
    """`callback`: nobody is asked, its no is told to the agent and in the thread, and its yes runs the call."""

    def decide(request: CallbackRequest) -> bool:
        return bool(request.args["n"] == 2)

    async with opening() as house:
        house.bot.runtime.callbacks = {"rules:decide": decide}
        refused = await house.start("ana", "act", "ruled 1")
        assert "A rule of this system said no to ruled" in str(refused.output)
        assert any("rejected by the callback" in one.plain() for one in house.root(refused.id).thread)
        await house.start("ana", "act", "ruled 2")
        assert (done, await house.audit("request.opened")) == ([("ruled", 2)], [])


@pytest.mark.parametrize("asking", [Asking.LOG_ONLY, Asking.AUTO_APPROVE])
async def test_a_setting_takes_the_place_of_people(opening: Opening, done: Done, asking: Asking) -> None:
    """Log-only and auto-approve: the call runs, and its run's thread says who would have been asked."""
    async with opening() as house:
        house.bot.runtime.asking = asking
        run = await house.start("ana", "act", "plain 1")
        assert done == [("plain", 1)]
        assert any(asking.sentence in one.plain() for one in house.root(run.id).thread)
        (entry,) = await house.audit("call.unasked")
        assert (await house.text_of(entry))["approvers"] == [["usergroup:managers"]]


async def test_the_words_of_other_frameworks_hold(opening: Opening, done: Done) -> None:
    """`interrupt_on` asks with its words or lets run, and a time of `tool_configs` that is over skips the step."""
    async with opening() as house:
        await house.start("ana", "act", "free 1")
        await house.start("ana", "act", "spelled 2")
        card = house.card("Approve spelled?", "Approve")
        assert "In their words" in card.plain()
        await press(house, "maria", card, "Approve")
        assert done == [("free", 1), ("spelled", 2)]
        run = await house.start("ana", "act", "timed 3")
        await house.advance(timedelta(seconds=31))
        assert "skipped" in str((await house.run(run.id)).output)
        assert len(done) == 2


async def test_an_approval_that_nobody_can_have_read_is_marked(opening: Opening) -> None:
    """`fast_approval`: within three seconds the card says so, and after them it does not."""
    async with opening() as house:
        await house.start("ana", "act", "plain 1")
        await press(house, "maria", house.card("Approve plain?", "Approve"), "Approve")
        assert "sooner than anybody reads" in house.card("Approved: plain").plain()
        await house.start("ana", "act", "plain 2")
        house.clock.advance(timedelta(seconds=4))
        await press(house, "maria", house.card("Approve plain?", "Approve"), "Approve")
        assert "sooner than anybody reads" not in house.card("Approved: plain").plain()
        assert len(await house.audit("approved.fast")) == 1


async def test_a_changed_file_holds_at_once_and_its_caps_with_it(opening: Opening, done: Done, tmp_path: Path) -> None:
    """A reload: the open request keeps its rules, the next call is judged by the new file; each cap of it is told to
    whoever meets it, and a file with a fault changes nothing."""
    path = tmp_path / "signoff.toml"
    path.write_text(MANAGERS_DECIDE)
    async with opening(MANAGERS_DECIDE) as house:
        watch = PolicyWatch(house.bot.runtime, path, load_policy_file(path, needs_agents=False))

        async def save(text: str) -> None:
            path.write_text(MANAGERS_DECIDE + text)
            os.utime(path, ns=(0, len(text)))
            await watch.poll()
            await watch.poll()

        open_still = await house.start("ana", "act", "plain 1")
        await save('[[policy]]\ntool = "plain"\naction = "allow"\n')
        await house.start("ana", "act", "plain 2")
        assert (done, await status(house, open_still)) == ([("plain", 2)], RequestStatus.PENDING)

        await save("[caps]\nmax_open_per_approver = 1\n")
        crowded = await house.start("fred", "act", "plain 3")
        assert crowded.status is RunStatus.FAILED
        assert "max_open_per_approver" in house.root(crowded.id).plain()

        await save("[caps]\nmax_open_per_starter = 1\n")
        assert "open" in (await house.person("ana").command("/agent", "act plain 4")).text
        assert (await house.start("fred", "act", "plain 5")).status is RunStatus.WAITING

        await save("[caps]\nmax_starts_per_hour = 2\n")
        assert "hour" in (await house.person("fred").command("/agent", "act plain 6")).text
        assert done == [("plain", 2)]
