"""Slack is a view: while it is down nothing is lost, and afterwards it shows what the rows say."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import directory
from bot.listeners import commands, opening
from bot.workspace import Workspace, deliveries
from storage import outbox
from storage.outbox import Outcome
from storage.tx import Tx
from storage.types import DeliveryStatus, RunStatus
from tests.scenarios.effects import mails
from tests.scenarios.house import House, open_house

TASK = "Send email to team about meeting"
DAY = timedelta(days=1)
PATIENT = """
[slack]
approvals_channel = "#approvals"
[default]
timeout = "100h"
[default.stage]
approvers = ["usergroup:managers"]
"""


async def pass_time(house: House, span: timedelta, step: timedelta = timedelta(minutes=30)) -> None:
    """Let time pass while the workers go on trying."""
    for _ in range(int(span / step)):
        house.clock.advance(step)
        await house.bot.runtime.sweep()
        await house.bot.settle()


def copies(workspace: Workspace, words: str) -> int:
    """How many messages of the approvals channel say this."""
    return len(workspace.channel("#approvals").saying(words))


async def test_a_day_without_slack_loses_nothing(tmp_path: Path) -> None:
    """A run that was started just before the outage waits; afterwards its card is there once, and can be approved."""
    async with open_house(tmp_path, policy=PATIENT) as house:
        await house.person("ana").command("/agent", f"approval {TASK}")
        fault = house.ws.fail("*", status=503, times=None)
        await pass_time(house, DAY)
        assert fault.hits > 10
        assert house.messages() == []
        house.ws.heal()
        await pass_time(house, timedelta(minutes=10), timedelta(minutes=1))
        assert copies(house.ws, "Approve send_email?") == 1
        await house.person("maria").click(house.card("Approve send_email?"), "Approve")
        await house.settle()
        assert len(mails(house.dir)) == 1
        assert "Finished" in house.root((await house.audit("run.started"))[0].run_id).plain()


async def test_a_house_comes_to_rest_while_messages_fail_for_long(house: House) -> None:
    """Among many that are tried every five minutes one is always due soon; none of them is waited for."""
    before, waiting = house.clock.now(), timedelta(minutes=5)
    for ago in range(0, 300, 60):
        failed_at = before - timedelta(seconds=ago)
        await house.bot.runtime.db.transact(_has_failed, f"note:{ago}", failed_at, failed_at + waiting)
    await house.settle()
    assert house.clock.now() == before


def _has_failed(tx: Tx, key: str, at: datetime, due: datetime) -> None:
    outbox.tell(tx, key, "note", "R1", {"text": "lost"}, 40, at, None)
    delivery = outbox.get(tx, key)
    assert delivery is not None
    outbox.lease(tx, delivery, "B1", due)
    leased = outbox.get(tx, key)
    assert leased is not None
    outbox.settle(tx, leased, "B1", at, **Outcome(DeliveryStatus.DUE, "503", 8, due).values())


async def test_a_decision_counts_though_its_card_cannot_be_redrawn(house: House) -> None:
    """Updates fail for hours: the mail is sent at once, and the card catches up later."""
    run = await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    house.ws.fail("chat.update", status=500, times=None)
    answer = await house.person("maria").click(card, "Approve")
    assert answer.status == 200
    await pass_time(house, timedelta(hours=2))
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert len(mails(house.dir)) == 1
    stale = card.now()
    assert stale is not None
    assert "Approve" in stale.labels
    house.ws.heal()
    await pass_time(house, timedelta(minutes=10), timedelta(minutes=1))
    fresh = card.now()
    assert fresh is not None
    assert fresh.labels == []
    assert "Approved: send_email" in fresh.plain()


async def test_a_post_whose_answer_is_lost_stands_once(house: House) -> None:
    """The message was posted and the connection broke: it is found again, not posted twice, and its buttons work."""
    house.ws.fail("chat.postMessage", drop="after", times=1, channel="#approvals")
    run = await house.start("ana", "approval", TASK)
    assert copies(house.ws, "Approve send_email?") == 1
    await house.person("maria").click(house.card("Approve send_email?"), "Approve")
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert copies(house.ws, "Approved: send_email") == 1


async def test_a_post_that_never_arrived_is_made_again(house: House) -> None:
    """The connection broke before Slack had the message: after a wait it is posted, once."""
    house.ws.fail("chat.postMessage", drop="before", times=2, channel="#approvals")
    await house.start("ana", "approval", TASK)
    await house.settle()
    assert copies(house.ws, "Approve send_email?") == 1


async def test_rate_limits_are_waited_out(house: House) -> None:
    """Slack asks to wait: the card comes after that, once."""
    fault = house.ws.fail("chat.postMessage", status=429, retry_after=30, times=2)
    await house.start("ana", "approval", TASK)
    await house.settle()
    assert fault.hits == 2
    assert copies(house.ws, "Approve send_email?") == 1


async def test_a_card_that_somebody_deleted_comes_back(house: House) -> None:
    """Losing a message loses no state: when there is something to show, it is shown anew."""
    run = await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    channel = house.ws.world.channels[card.channel_id]
    channel.remove(card.stored)
    await house.person("ana").command("/agent", f"cancel {run.id}")
    await house.settle()
    assert copies(house.ws, "Cancelled: send_email") == 1


@pytest.mark.parametrize("fault", [{"error": "internal_error"}, {"status": 503}, {"drop": "before"}])
async def test_a_modal_that_slack_will_not_open_is_no_error(house: House, fault: dict[str, Any]) -> None:
    """views.open fails: the click is acknowledged, nothing was decided, and the next click opens it."""
    await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    maria = house.person("maria")
    house.ws.fail("views.open", times=1, **fault)
    first = await maria.click(card, "Reject")
    assert (first.status, first.view) == (200, None)
    assert (await maria.click(card, "Reject")).view is not None


async def test_a_slow_modal_does_not_cost_the_acknowledgement(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """views.open hangs: the click is acknowledged all the same."""
    await house.start("ana", "approval", TASK)
    fault = house.ws.fail("views.open", hang="before", times=1)
    monkeypatch.setattr(opening, "OPEN_SECONDS", 0.05)
    answer = await house.person("maria").click(house.card("Approve send_email?"), "Reject")
    fault.release()
    assert answer.status == 200


@pytest.mark.hurried
def test_what_a_listener_waits_for_leaves_time_for_the_acknowledgement() -> None:
    """A directory that says nothing and a modal that does not open, one after the other, or the place of a new run."""
    longest = directory.LIMIT.total_seconds() + max(opening.OPEN_SECONDS, commands.REACH_SECONDS)
    assert longest < deliveries.ACK_SECONDS
