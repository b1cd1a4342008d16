"""The whole of Slack goes away in the middle of everything and comes back at the same address: nothing is lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from storage.types import RunStatus
from tests.patience import PATIENCE
from tests.scenarios.effects import mails
from tests.scenarios.house import House
from tests.socket.conftest import Gate, decisions, waiting_card, whole


async def come_back(house: House) -> None:
    """Slack listens again where it did, and the bot finds it by itself. Somebody else on this machine may have the port
    for a moment."""
    port = urlsplit(house.ws.url).port or 0
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await house.ws.listen(port=port)
            except OSError:
                await house.ws.vanish()
                await asyncio.sleep(0.05)
            else:
                break
    await whole(house)


async def test_clicks_during_an_outage_are_repeated_and_count_once(house: House) -> None:
    """The person sees an error, presses again when Slack is back, and it is decided once; the card catches up."""
    card = await waiting_card(house)
    maria = house.person("maria")
    await house.ws.vanish()
    assert (await maria.click(card, "Approve")).error == "dispatch_failed"
    await come_back(house)
    assert (await maria.click(card, "Approve")).ok
    await house.settle()
    closed = card.now()
    assert closed is not None
    assert "Approved: send_email" in closed.plain()
    assert (decisions(house), len(mails(house.dir))) == (1, 1)


async def test_a_decision_whose_acknowledgement_was_lost_stands(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack goes away while the listener runs: the decision is made, the person sees an error and presses again, which
    changes nothing; what was approved is done, and every card shows it."""
    card, other = await waiting_card(house), await waiting_card(house)
    maria = house.person("maria")
    assert (await maria.click(card, "Reject")).ok  # she is known, and the managers are, from now on
    gate = Gate(house, monkeypatch)
    house.ws.sender.ack_seconds = 0.2
    clicks = [asyncio.create_task(maria.click(one, "Approve")) for one in (card, other)]
    for _ in clicks:
        await gate.reached()
    await house.ws.vanish()
    gate.opened.set()
    assert [(await click).error for click in clicks] == ["operation_timeout"] * 2
    house.ws.sender.ack_seconds = PATIENCE
    async with asyncio.timeout(PATIENCE):
        while decisions(house) < 2:  # noqa: ASYNC110 - it is made in another task, and nobody is told
            await asyncio.sleep(0.01)
    while await house.bot.runtime.worker.run_once():
        pass
    assert len(mails(house.dir)) == 2, "what was approved needs no Slack"
    await come_back(house)
    assert (await maria.click_stale(card, "Approve")).ok
    await house.settle()
    assert (decisions(house), len(mails(house.dir))) == (2, 2)
    for one in (card, other):
        shown = one.now()
        assert shown is not None
        assert "Approved: send_email" in shown.plain()
        assert shown.labels == []


async def test_a_late_acknowledgement_is_not_needed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack no longer waits when the acknowledgement comes: the decision was durable before it, and stands."""
    card = await waiting_card(house)
    gate = Gate(house, monkeypatch)
    house.ws.sender.ack_seconds = 0.05
    assert (await house.person("maria").click(card, "Approve")).error == "operation_timeout"
    gate.opened.set()
    await house.ws.wait_for(lambda: house.ws.sockets.late)
    assert decisions(house) == 1


async def test_events_of_an_outage_come_again(house: House) -> None:
    """Slack redelivers what it could not deliver, and every event is acknowledged in the end."""
    await house.ws.vanish()
    await house.person("ana").mention("hello")
    await house.person("ana").open_home()
    await come_back(house)
    house.clock.advance(timedelta(minutes=1))
    assert await house.ws.run_due_retries() == len(house.ws.deliveries) >= 2
    assert {delivery.reply.status for delivery in house.ws.deliveries if delivery.reply} == {200}


async def test_a_scenario_with_an_outage_between_any_two_steps_ends_as_without(house: House) -> None:
    """Every step meets an outage: the command is typed again, the cards are posted when Slack is back, and one purchase
    is made after both approvals."""

    async def outage() -> None:
        await house.ws.vanish()
        await house.bot.settle()
        await come_back(house)
        await house.settle()

    ana = house.person("ana")
    await house.ws.vanish()
    assert (await ana.command("/agent", "multi-step Buy 3 laptops for 4500")).error == "dispatch_failed"
    await come_back(house)
    started = await ana.command("/agent", "multi-step Buy 3 laptops for 4500")
    assert started.ok
    await outage()
    for who, words in (("maria", "manager_signoff"), ("fred", "finance_purchase")):
        card = house.card(words, "Approve")
        await outage()
        assert (await house.person(who).click(card, "Approve")).ok
        await outage()
    (run,) = {entry.run_id for entry in await house.audit() if entry.run_id}
    assert (await house.run(run)).status is RunStatus.SUCCEEDED
    assert decisions(house) == 2
    assert all("Approve" not in message.labels for message in house.messages())
