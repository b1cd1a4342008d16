"""What people do arrives over Socket Mode as it does over HTTP: answered, once, and after it is durable."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cards.ids import FieldId
from bot.workspace.attempts import TIMEOUT, Retried
from storage.types import RunStatus
from tests.patience import PATIENCE
from tests.scenarios.agents import MANAGERS, asking
from tests.scenarios.effects import mails, records
from tests.scenarios.house import House, open_house
from tests.scenarios.logs import Logs
from tests.socket.conftest import Gate, decisions, waiting_card


async def test_nothing_comes_over_http_and_all_of_it_over_a_socket(house: House) -> None:
    """A whole approval with both connections in use; the address of HTTP deliveries is not there."""
    card = await waiting_card(house)
    assert (await house.person("maria").click(card, "Approve")).ok
    await house.settle()
    assert len(mails(house.dir)) == 1
    assert all(attempt.envelope for delivery in house.ws.deliveries for attempt in delivery.attempts)
    assert (await house.ws.send(b"ssl_check=1", {})).status == 404


async def test_a_decision_is_on_disk_when_the_click_is_acknowledged(house: House) -> None:
    """Without any worker having run, another process sees the decision in the file."""
    card = await waiting_card(house)
    assert decisions(house) == 0
    assert (await house.person("maria").click(card, "Approve")).ok
    assert decisions(house) == 1


async def test_a_command_is_answered_in_its_acknowledgement(house: House) -> None:
    """The reply is the acknowledgement's payload; the word that breaks Bolt's reading of forms breaks nothing."""
    answer = await house.person("ana").command("/agent", "status payload")
    assert "Nothing was changed" in answer.text


async def test_a_wrong_answer_stays_on_its_field(tmp_path: Path) -> None:
    """What the agent's schema refuses goes into the form with the acknowledgement, and the right answer closes it."""
    question = {"question": "How many?", "answer_schema": {"type": "integer", "minimum": 1}}
    agents = {"asker": asking(number=question)}
    async with open_house(tmp_path, policy=MANAGERS, agents=agents, transport="socket") as house:
        run = await house.start("ana", "asker", "go")
        ana = house.person("ana")
        pressed = await ana.click(house.card("How many?", "Answer"), "Answer")
        assert pressed.view is not None
        refused = await ana.fill_and_submit(pressed.view, {"Answer": "none"})
        assert (set(refused.errors), refused.closed) == ({FieldId.ANSWER.value}, False)
        assert (await ana.fill_and_submit(pressed.view, {"Answer": "3"})).closed
        await house.settle()
        assert (await house.run(run.id)).output == "{'number': 3}"


@pytest.mark.parametrize("same", [True, False], ids=["the same envelope", "a new envelope"])
async def test_a_command_that_comes_twice_starts_one_run(house: House, same: bool) -> None:
    """Both are acknowledged with the same words, whether Slack repeats the envelope or only what is in it."""
    first = await house.person("ana").command("/agent", "multi-step Buy 1 mouse for 250")
    delivery = house.ws.deliveries[-1]
    again = await (house.ws.replay() if same else house.ws.deliver(delivery.kind, delivery.payload))
    await house.settle()
    assert first.reply is not None
    assert first.reply.json() == again.json()
    assert len(records(house.dir, "purchases")) == 1


@pytest.mark.parametrize("same", [True, False], ids=["the same envelope", "a new envelope"])
async def test_a_click_and_a_form_that_come_twice_count_once(house: House, same: bool) -> None:
    """Each is acknowledged again, and there is one decision for each."""

    async def again() -> None:
        delivery = house.ws.deliveries[-1]
        reply = await (house.ws.replay() if same else house.ws.deliver(delivery.kind, delivery.payload))
        assert reply.status == 200

    card = await waiting_card(house)
    maria = house.person("maria")
    pressed = await maria.click(card, "Reject")
    assert pressed.view is not None
    assert (await maria.fill_and_submit(pressed.view, {"Reason": "Shorter"})).closed
    await again()
    await house.settle()
    assert (await maria.click(house.card("Revised: Shorter", "Approve"), "Approve")).ok
    await again()
    await house.settle()
    assert len(await house.audit("decision.made")) == 2
    assert len(mails(house.dir)) == 1
    assert maria.ephemerals == [], "a repetition of one's own click is not told"


async def test_an_envelope_that_comes_while_it_is_being_answered_runs_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one, over the other connection, is acknowledged with the first."""
    card = await waiting_card(house)
    gate = Gate(house, monkeypatch)
    first = asyncio.create_task(house.person("maria").click(card, "Approve"))
    await gate.reached()
    delivery = house.ws.deliveries[-1]
    (envelope,) = house.ws.sockets.unanswered
    again = asyncio.create_task(
        house.ws.sockets.deliver(delivery.kind, delivery.payload, Retried(), PATIENCE, envelope)
    )
    for _ in house.ws.sockets.open:  # both connections have been read up to here
        assert (await house.person("ana").command("/agent", "list")).ok
    gate.opened.set()
    assert (await first).ok
    assert (await again).reply.status == 200
    assert (gate.come, decisions(house)) == (1, 1)


async def test_an_envelope_that_was_acknowledged_is_only_acknowledged_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its listener does not run a second time."""
    card = await waiting_card(house)
    gate = Gate(house, monkeypatch)
    gate.opened.set()
    assert (await house.person("maria").click(card, "Approve")).ok
    for _ in house.ws.sockets.open:
        assert (await house.ws.replay()).status == 200
    assert gate.come == 1


async def test_an_event_that_nobody_heard_comes_again(house: House) -> None:
    """With no connection at all an event is redelivered, with its number, and acknowledged then."""
    house.ws.fail("apps.connections.open", status=503, times=None)
    house.ws.sockets.drop()
    await house.ws.wait_for(lambda: len(house.ws.sockets) == 0)
    await house.person("ana").open_home()
    (delivery,) = house.ws.deliveries
    assert delivery.reply is not None
    assert delivery.reply.status is None
    house.ws.heal()
    await house.ws.wait_for(lambda: len(house.ws.sockets) == 2)
    house.clock.advance(timedelta(minutes=1))
    assert await house.ws.run_due_retries() == 1
    assert delivery.reply is not None
    frames = [json.loads(attempt.body) for attempt in delivery.attempts]
    assert [(frame["retry_attempt"], frame["retry_reason"]) for frame in frames] == [(0, ""), (1, "timeout")]
    assert delivery.reply.status == 200


@pytest.mark.parametrize("what", ["Approve", "Reject", "command"])
async def test_a_listener_that_raises_is_not_acknowledged(
    house: House, logs: Logs, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The person is shown an error, because nothing was decided; trying again works."""
    logs.expect("slack_bolt.AsyncApp")
    card = await waiting_card(house)

    raised = asyncio.Event()

    async def raises(*_: Any, **__: Any) -> None:
        raised.set()
        raise RuntimeError("a bug")

    async def act() -> Any:
        if what == "command":
            return await house.person("maria").command("/agent", "runs")
        return await house.person("maria").click(card, what)

    with monkeypatch.context() as broken:
        house.ws.sender.ack_seconds = 0.2
        for name in ("decide", "may_decide", "runs_of"):
            broken.setattr(house.bot.desk, name, raises)
        assert (await act()).error == TIMEOUT
        await raised.wait()
    house.ws.sender.ack_seconds = PATIENCE
    assert decisions(house) == 0
    assert [error.code for error in house.person("maria").errors] == [TIMEOUT]
    assert (await act()).ok


async def test_what_cannot_be_read_is_counted_and_does_no_harm(house: House) -> None:
    """Frames that are no JSON, no envelope, or an envelope of an odd shape: the next delivery is answered."""
    odd = ["", "null", "[]", "{", '"x"', "{}", '{"type": "interactive"}', "[" * 50_000]
    odd += ['{"type": "events_api", "envelope_id": 5, "payload": {}}']
    odd += ['{"type": "events_api", "envelope_id": "e", "payload": []}']
    shapes: list[Any] = [{"event": 5}, {"type": "block_actions", "actions": []}]
    for number, socket in enumerate(house.ws.sockets.open):
        inside = [{"type": "x", "envelope_id": f"{number} {shape}", "payload": shape} for shape in shapes]
        for frame in (*odd, *(json.dumps(envelope) for envelope in inside)):
            assert await socket.send(frame)
    for _ in house.ws.sockets.open:
        assert (await house.person("ana").command("/agent", "list")).ok
    await house.bot.flush_noise()
    (entry,) = await house.audit("noise")
    assert (await house.text_of(entry))["counts"] == {"unreadable": 2 * len(odd) + 2 * len(shapes)}


async def test_everything_that_people_can_do_is_acknowledged(house: House) -> None:
    """Mentions, direct messages, App Home, shortcuts of older versions: nobody sees a warning sign."""
    ana = house.person("ana")
    await ana.mention("hello")
    await ana.dm("hello")
    await ana.open_home()
    await ana.shortcut("of_an_older_version")
    await house.settle()
    assert {delivery.reply.status for delivery in house.ws.deliveries if delivery.reply} == {200}
    assert ana.errors == []


async def test_a_run_goes_from_its_start_to_its_end(house: House) -> None:
    """Both checkpoints of a purchase, its cards and its result."""
    run = await house.start("ana", "multi-step", "Buy 3 laptops for 4500")
    for who, words in (("maria", "manager_signoff"), ("fred", "finance_purchase")):
        assert (await house.person(who).click(house.card(words, "Approve"), "Approve")).ok
        await house.settle()
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    assert [record["tool"] for record in records(house.dir, "purchases")] == ["finance_purchase"]
