"""The `approval` agent: a plan that people approve, reject with a reason, or skip."""

from __future__ import annotations

from agent_runtime.demo.approval import MAX_REVISIONS
from storage.types import RequestStatus, RunStatus
from tests.scenarios.effects import mails
from tests.scenarios.house import House
from tests.scenarios.logs import Logs

OVER_BOTH = True
TASK = "Send email to team about meeting"
BODY = "Hello team,\n\nthis is about: meeting.\n\nKind regards"
REVISED = "Hello team,\n\nthis is about: meeting.\n\nRevised: Say that it moved to Thursday\n\nKind regards"


async def reject(house: House, words: str, reason: str, who: str = "maria") -> None:
    """Press Reject on the newest card that says these words, and give a reason."""
    person = house.person(who)
    pressed = await person.click(house.card(words, "Reject"), "Reject")
    assert pressed.view is not None
    answer = await person.fill_and_submit(pressed.view, {"Reason": reason})
    assert answer.closed
    await house.settle()


async def test_an_approved_mail_is_sent_exactly_as_it_was_shown(house: House) -> None:
    """Nothing is sent before the click; after it, exactly the mail on the card is."""
    run = await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    assert mails(house.dir) == []
    for shown in ("team@example.com", "Meeting", *BODY.splitlines(), "started by @ana", "Sends a mail to"):
        assert shown in card.plain()
    await house.person("maria").click(card, "Approve")
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert mails(house.dir) == [("team@example.com", "Meeting", BODY)]


async def test_the_card_tells_its_whole_life(house: House) -> None:
    """Pending: buttons, deadline, whom it asks. Approved: who decided, that it ran, and no button any more."""
    await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    assert card.channel == "#approvals"
    assert card.labels == ["Approve", "Reject", "Edit", "More..."]
    assert card.mentions == {"@managers", "@ana"}
    assert "times out" in card.plain()
    assert "1 approval needed · times out" in card.plain()
    await house.person("maria").click(card, "Approve")
    await house.settle()
    closed = card.now()
    assert closed is not None
    assert closed.labels == []
    assert "Approved: send_email" in closed.plain()
    assert "@maria approved" in closed.plain()
    assert "Closed by" not in closed.plain()
    assert "Ran in" in closed.plain()
    assert "Sent “Meeting” to team@example.com." in closed.plain()


async def test_between_click_and_execution_the_card_says_approved_and_not_run(house: House) -> None:
    """A click closes the card before any worker has run anything."""
    await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    await house.person("maria").click(card, "Approve")
    assert mails(house.dir) == []
    while await house.bot.deliveries.worker.run_once():
        pass
    shown = card.now()
    assert shown is not None
    assert "Approved: send_email" in shown.plain()
    assert "Not run yet" in shown.plain()
    assert shown.labels == []


async def test_the_result_stands_where_the_run_was_started(house: House) -> None:
    """The run's own message goes from waiting to done, with the result; its thread says who decided."""
    run = await house.start("ana", "approval", TASK)
    root = house.root(run.id)
    assert root.channel == "#general"
    assert "Waiting" in root.plain()
    assert "@managers" in root.plain()
    await house.person("maria").click(house.card("Approve send_email?"), "Approve")
    await house.settle()
    done = root.now()
    assert done is not None
    assert "Finished" in done.plain()
    assert "no call was run" not in done.plain()
    assert "Sent “Meeting” to team@example.com." in done.plain()
    assert done.labels == ["Start again with changes"]
    decided, result = root.thread
    assert "approved by Maria Lindqvist" in decided.plain()
    assert result.plain() == "@ana: finished. The result is at the top of this thread."
    assert result.text == "Finished: Sent “Meeting” to team@example.com."


async def test_a_rejection_with_a_reason_brings_a_revised_plan(house: House) -> None:
    """The reason reaches the agent, which asks again; only what was approved in the end is sent, once."""
    run = await house.start("ana", "approval", TASK)
    first = house.card("Approve send_email?")
    await reject(house, "Approve send_email?", "Say that it moved to Thursday")
    closed = first.now()
    assert closed is not None
    assert "Rejected: send_email" in closed.plain()
    assert "Say that it moved to Thursday" in closed.plain()
    assert mails(house.dir) == []
    revised = house.card("Revised: Say that it moved to Thursday", "Approve")
    await house.person("maria").click(revised, "Approve")
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert mails(house.dir) == [("team@example.com", "Meeting", REVISED)]


async def test_a_closed_card_does_not_wait_for_the_next_question(house: House) -> None:
    """A rejected card speaks of decisions of its own pause only, not of the revised plan's."""
    await house.start("ana", "approval", TASK)
    first = house.card("Approve send_email?")
    await reject(house, "Approve send_email?", "Shorter")
    closed = first.now()
    assert closed is not None
    assert "more decision" not in closed.plain()


async def test_the_agent_stops_asking_after_three_revisions(house: House) -> None:
    """Every revision can be rejected; after the last one the run ends and nothing was sent."""
    run = await house.start("ana", "approval", TASK)
    for number in range(MAX_REVISIONS + 1):
        await reject(house, "Approve send_email?", f"No number {number}")
    ended = await house.run(run.id)
    assert ended.status is RunStatus.SUCCEEDED
    assert f"not sent after {MAX_REVISIONS} revisions" in str(ended.output)
    assert [one.status for one in await house.requests(run.id)] == [RequestStatus.REJECTED] * (MAX_REVISIONS + 1)
    assert mails(house.dir) == []


async def test_a_rejection_without_a_reason_ends_it(house: House) -> None:
    """A plain no is a no: the agent does not guess what to change."""
    run = await house.start("ana", "approval", TASK)
    await reject(house, "Approve send_email?", "")
    ended = await house.run(run.id)
    assert "not sent: a person said no" in str(ended.output)
    assert "Finished: no call was run" in house.root(run.id).plain()
    assert f"Task: {TASK}" in house.root(run.id).plain()
    assert len(await house.requests(run.id)) == 1
    assert mails(house.dir) == []


async def test_a_skipped_step_is_left_out(house: House) -> None:
    """Skip, behind More..., tells the agent to go on without the call, which is not the same as a no."""
    run = await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    maria = house.person("maria")
    opened = await maria.click(card, "More...")
    assert opened.view is not None
    assert "This step is left out; the run goes on." in opened.view.plain()
    await maria.click(opened.view, "Skip")
    assert maria.view is not None
    assert maria.view.title == "Recorded"
    await house.settle()
    ended = await house.run(run.id)
    assert ended.status is RunStatus.SUCCEEDED
    assert "left this step out" in str(ended.output)
    assert mails(house.dir) == []
    shown = card.now()
    assert shown is not None
    assert "Skipped: send_email" in shown.plain()


async def test_each_run_has_its_own_card(house: House) -> None:
    """Of two runs of one agent, approving one sends one mail."""
    first = await house.start("ana", "approval", "Send email to team about apples")
    second = await house.start("fred", "approval", "Send email to team about pears")
    await house.person("maria").click(house.card("about: pears", "Approve"), "Approve")
    await house.settle()
    assert (await house.run(first.id)).status is RunStatus.WAITING
    assert (await house.run(second.id)).status is RunStatus.SUCCEEDED
    assert [subject for _, subject, _ in mails(house.dir)] == ["Pears"]


async def test_the_log_names_who_decided_what(house: House, logs: Logs) -> None:
    """Each decision is one line of the log, once it is durable: tool, decision, person, run, request."""
    run = await house.start("ana", "approval", TASK)
    await house.person("maria").click(house.card("Approve send_email?"), "Approve")
    (entry,) = logs.saying("HITL decision")
    (request,) = await house.requests(run.id)
    assert (entry["tool"], entry["decision"], entry["run"], entry["request"]) == (
        "send_email", "approved", run.id, request.id
    )  # fmt: skip
    assert house.person("maria").id in entry["approver"]


async def test_the_audit_tells_the_run_from_start_to_end(house: House) -> None:
    """The entries of a run read as its story, and the chain holds."""
    run = await house.start("ana", "approval", TASK)
    await house.person("maria").click(house.card("Approve send_email?"), "Approve")
    await house.settle()
    story = [entry.event for entry in await house.audit() if entry.run_id == run.id]
    assert story == [
        "run.started", "request.opened", "run.paused", "decision.made", "request.closed", "call.started",
        "call.finished", "run.succeeded",
    ]  # fmt: skip
