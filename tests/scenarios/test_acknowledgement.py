"""What Slack is told, and when: a decision is durable before its 200, and a fault is a 500 at once."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from storage.types import RunStatus
from tests.scenarios.effects import mails
from tests.scenarios.house import House
from tests.scenarios.logs import Logs

TASK = "Send email to team about meeting"


def decisions(house: House) -> int:
    """How many decisions another process would find in the file."""
    with sqlite3.connect(house.dir / "signoff.db") as connection:
        (count,) = connection.execute("select count(*) from decision").fetchone()
    connection.close()
    return int(count)


async def test_a_decision_is_on_disk_when_the_click_is_acknowledged(house: House) -> None:
    """Without any worker having run, another process sees the decision in the file."""
    await house.start("ana", "approval", TASK)
    assert decisions(house) == 0
    answer = await house.person("maria").click(house.card("Approve send_email?"), "Approve")
    assert answer.status == 200
    assert decisions(house) == 1


async def test_a_decision_needs_no_slack_to_count(house: House) -> None:
    """Every call to Slack fails from the click on: it is acknowledged, and what it allowed is done."""
    run = await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    await house.person("fred").click(card, "Approve")  # the directory knows the managers from now on
    house.ws.fail("chat.update", drop="before", times=None)
    house.ws.fail("chat.postMessage", drop="before", times=None)
    answer = await house.person("maria").click(card, "Approve")
    assert answer.status == 200
    while await house.bot.runtime.worker.run_once():
        pass
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert len(mails(house.dir)) == 1
    house.ws.heal()
    await house.settle()


@pytest.mark.parametrize("what", ["Approve", "Reject", "command"])
async def test_a_listener_that_raises_is_a_500_at_once(
    house: House, logs: Logs, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Not a 404 after three seconds, and not a 200 for something that did not happen; trying again works."""
    logs.expect("slack_bolt.AsyncApp")
    await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")

    async def raises(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug")

    async def act() -> int | None:
        if what == "command":
            return (await house.person("maria").command("/agent", "runs")).status
        return (await house.person("maria").click(card, what)).status

    with monkeypatch.context() as broken:
        house.ws.sender.ack_seconds = 2.0
        for name in ("decide", "may_decide", "runs_of"):
            broken.setattr(house.bot.desk, name, raises)
        assert await act() == 500
    assert decisions(house) == 0
    assert await act() == 200


async def test_a_form_whose_listener_raises_stays_open(
    house: House, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words a person typed are still there, and sending them again counts once."""
    logs.expect("slack_bolt.AsyncApp")
    await house.start("ana", "approval", TASK)
    maria = house.person("maria")
    pressed = await maria.click(house.card("Approve send_email?"), "Reject")
    assert pressed.view is not None

    async def raises(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as broken:
        broken.setattr(house.bot.desk, "decide", raises)
        answer = await maria.fill_and_submit(pressed.view, {"Reason": "Too early"})
        assert (answer.status, answer.closed) == (500, False)
    shown = pressed.view.now()
    assert shown is not None
    assert shown.entered("Reason") == "Too early"
    assert (await maria.submit(pressed.view)).closed
    assert decisions(house) == 1


async def test_a_store_that_takes_nothing_is_never_a_200(house: House, logs: Logs) -> None:
    """The disk's file cannot be written: the click is refused with an error, so that the person tries again."""
    logs.expect("slack_bolt.AsyncApp")
    await house.start("ana", "approval", TASK)
    card = house.card("Approve send_email?")
    other = sqlite3.connect(house.dir / "signoff.db", isolation_level=None)
    other.execute("create trigger full before insert on decision begin select raise(abort, 'disk full'); end")
    assert (await house.person("maria").click(card, "Approve")).status == 500
    other.execute("drop trigger full")
    other.close()
    assert (await house.person("maria").click(card, "Approve")).status == 200
    await house.settle()
    assert len(mails(house.dir)) == 1


async def test_everything_that_people_can_do_is_acknowledged(house: House) -> None:
    """Mentions, direct messages, App Home, shortcuts of older versions: nobody sees a warning sign."""
    ana = house.person("ana")
    await ana.mention("hello")
    await ana.dm("hello")
    await ana.open_home()
    await ana.shortcut("start_agent")
    await house.settle()
    answered = [delivery.reply.status for delivery in house.ws.deliveries if delivery.reply]
    assert len(answered) == len(house.ws.deliveries) >= 4
    assert set(answered) == {200}
    assert ana.errors == []
