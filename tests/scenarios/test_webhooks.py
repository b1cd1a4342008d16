"""Another program follows what people decide in Slack; operators see what it lacks, and send it again."""

from __future__ import annotations

from pathlib import Path

from agent_runtime.clock import MovableClock, SystemClock
from tests.scenarios.house import open_house
from tests.scenarios.logs import Logs
from tests.scenarios.test_alerts import look
from tests.webhooks.receiver import HOST, SECRET, TAKEN, endpoint_of, open_receiver, webhook


async def test_a_receiver_hears_of_a_decision_and_operators_look_after_what_it_lacks(
    tmp_path: Path, logs: Logs
) -> None:
    """The story of a run in order; then the receiver wants no more, which is an alert; then it gets what it lacks."""
    clock = MovableClock(SystemClock().now())  # the library's verifier knows no other time
    logs.expect("webhook")
    async with open_receiver() as receiver:
        crm = webhook(url=receiver.url.replace(HOST, "127.0.0.1"), events=("run.*", "request.*", "alert.*"))
        async with open_house(tmp_path, clock=clock, endpoints=[endpoint_of(crm, SECRET)]) as house:
            run = await house.start("ana", "approval", "Send email to team about meeting")
            await house.person("maria").click(house.card("Approve send_email?"), "Approve")
            receiver.mood = lambda: 410
            await house.settle()
            assert [told["type"] for told in receiver.taken] == ["run.started", "request.opened", "run.paused"]
            assert {told["data"]["run_id"] for told in receiver.taken} == {run.id}
            assert "the receiver answered 410" in house.card("A webhook does not take an event").plain()

            maria, sam = house.person("maria"), house.person("sam")
            for line in ("webhooks", "webhooks replay crm", "webhooks replay nothing"):
                assert "Only operators" in (await maria.command("/approvals", line)).text
            told = (await sam.command("/approvals", "webhooks")).text
            assert "*crm*: 3 arrived · 3 given up" in " ".join(told.split()), told
            assert "it wants no more events" in told
            receiver.mood = lambda: TAKEN
            assert "No webhook is called" in (await sam.command("/approvals", "webhooks replay cmr")).text
            assert "not understood" in (await sam.command("/approvals", "webhooks resend crm")).text
            sent = (await sam.command("/approvals", "webhooks replay crm")).text
            assert "3 events for `crm`: sent now" in sent
            await house.settle()
            of_run = [told["type"] for told in receiver.taken if told["data"]["run_id"] == run.id]
            assert of_run[:5] == ["run.started", "request.opened", "run.paused", "request.closed", "run.succeeded"]


async def test_send_again_on_the_alert_of_a_webhook_sends_all_that_it_lacks(tmp_path: Path, logs: Logs) -> None:
    """Not only the event that was lost first; only then is the alert over."""
    clock = MovableClock(SystemClock().now())
    logs.expect("webhook")
    async with open_receiver() as receiver:
        crm = webhook(url=receiver.url.replace(HOST, "127.0.0.1"), events=("run.*", "request.*"))
        async with open_house(tmp_path, clock=clock, endpoints=[endpoint_of(crm, SECRET)]) as house:
            receiver.mood = lambda: 410
            await house.start("ana", "approval", "Send email to team about meeting")
            card = house.card("A webhook does not take an event", "Send again")
            receiver.mood = lambda: TAKEN
            await house.person("sam").click(card, "Send again")
            await look(house)
            told = (await house.person("sam").command("/approvals", "webhooks")).text
            assert "given up" not in told, told
            assert "Over:" in card.now().plain()
