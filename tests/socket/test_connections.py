"""Connections are lost, left, refused and replaced, and nothing that people did is lost with them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.socket_ticket import SocketRefused
from bot.workspace import sockets as workspace_sockets
from bot.workspace.attempts import TIMEOUT
from tests.patience import PATIENCE
from tests.scenarios.effects import mails
from tests.scenarios.house import QUICK, House, open_house
from tests.scenarios.logs import Logs
from tests.socket.conftest import Gate, decisions, waiting_card, whole

REFUSED = "Slack refuses the connection; clicks do not reach us"


@pytest.mark.parametrize("lost", ["its own", "the other", "both"])
async def test_a_click_outlives_the_connection_it_came_over(
    house: House, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """Dropped while its listener runs: decided once, acknowledged over another connection, and both are back."""
    card = await waiting_card(house)
    gate, sockets = Gate(house, monkeypatch), house.ws.sockets
    click = asyncio.create_task(house.person("maria").click(card, "Approve"))
    await gate.reached()
    own = sockets.last
    gone = [one for one in sockets.open if lost == "both" or (one is own) == (lost == "its own")]
    for one in gone:
        sockets.drop(one)
    await house.ws.wait_for(lambda: not set(gone) & set(sockets.open))
    gate.opened.set()
    assert (await click).ok
    assert decisions(house) == 1
    await whole(house)
    await house.settle()
    assert len(mails(house.dir)) == 1


async def test_a_lost_connection_is_replaced_while_the_other_one_works(house: House) -> None:
    """Clicks go through all the while; after it there are two again."""
    card = await waiting_card(house)
    house.ws.sockets.drop(house.ws.sockets.open[0])
    assert (await house.person("maria").click(card, "Approve")).ok
    await whole(house)


async def test_a_connection_that_answers_no_ping_is_left(tmp_path: Path) -> None:
    """It is open and nothing comes back: found out by a ping, closed and replaced."""
    async with open_house(tmp_path, transport="socket", pace=replace(QUICK, ping=0.4)) as house:
        silent = house.ws.sockets.open[0]
        silent.silent = True
        await house.ws.wait_for(lambda: silent not in house.ws.sockets.open)
        await whole(house)


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "something_new"])
async def test_a_connection_is_left_when_its_successor_stands(
    house: House, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """Told to leave, the bot opens others first; what comes over an old one until Slack closes it is answered."""
    card = await waiting_card(house)
    gate, sockets = Gate(house, monkeypatch), house.ws.sockets
    old = list(sockets.open)
    click = asyncio.create_task(house.person("maria").click(card, "Approve"))
    await gate.reached()
    await sockets.disconnect(reason)
    await house.ws.wait_for(lambda: len(sockets) == 4)
    gate.opened.set()
    assert (await click).ok
    for _ in sockets.open:
        assert (await house.person("ana").command("/agent", "list")).ok
    for one in old:
        await one.close()
    await whole(house)
    assert not set(old) & set(sockets.open)


async def test_a_connection_that_slack_forgets_to_close_is_closed(tmp_path: Path) -> None:
    """After a while the bot closes what it was told to leave."""
    async with open_house(tmp_path, transport="socket", pace=replace(QUICK, overlap=0.05)) as house:
        old = list(house.ws.sockets.open)
        await house.ws.sockets.disconnect("warning")
        await house.ws.wait_for(lambda: not set(old) & set(house.ws.sockets.open))
        await whole(house)


async def test_a_connection_too_many_is_told_with_what_to_look_for(
    house: House, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent away, the bot says where to look, goes on with the other connection, and tries again."""
    with monkeypatch.context() as crowded:
        crowded.setattr(workspace_sockets, "MOST_SOCKETS", 1)
        house.ws.sockets.drop()
        before = len(house.ws.calls_to("apps.connections.open"))
        await house.ws.wait_for(lambda: len(house.ws.calls_to("apps.connections.open")) >= before + 4)
        assert (await house.person("ana").command("/agent", "list")).ok
        told = logs.saying("Slack sends a connection away")
        assert told
        assert "SLACK_APP_TOKEN" in told[0]["mend"]
    await whole(house)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("invalid_auth", "does not know the token in SLACK_APP_TOKEN"),
        ("token_revoked", "was revoked"),
        ("not_allowed_token_type", "not an app's"),
        ("missing_scope", "connections:write"),
        ("link_disabled", "Socket Mode is off"),
        ("account_inactive", "was removed"),
        ("something_new", "something_new"),
    ],
)
async def test_a_refused_token_is_fatal_at_the_start(tmp_path: Path, house: House, code: str, words: str) -> None:
    """The bot asks once, and says what is wrong and what to do; it does not try again."""
    ws = house.ws
    before = len(ws.calls_to("apps.connections.open"))
    ws.fail("apps.connections.open", error=code, times=None)
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(SocketRefused, match=words) as caught:
        async with open_house(other, clock=house.clock, workspace=ws):
            pass
    assert caught.value.mend
    assert len(ws.calls_to("apps.connections.open")) == before + 1


async def test_a_bot_token_opens_no_connection(tmp_path: Path) -> None:
    """The wrong kind of token, as Slack itself answers it."""
    with pytest.raises(SocketRefused) as caught:
        async with open_house(tmp_path, transport="socket", app_token="xoxb-of-no-use"):
            pass
    assert caught.value.code == "invalid_auth"


@pytest.mark.parametrize("passing", [{"status": 503}, {"error": "internal_error"}, {"drop": "before"}])
async def test_what_passes_by_itself_is_waited_out_at_the_start(
    tmp_path: Path, house: House, passing: dict[str, Any]
) -> None:
    """Slack is busy just now: another bot starts all the same, and connects as soon as it can."""
    other = tmp_path / "other"
    other.mkdir()
    house.ws.fail("apps.connections.open", times=3, **passing)
    async with open_house(other, clock=house.clock, workspace=house.ws):
        await house.ws.wait_for(lambda: len(house.ws.sockets) == 4)


async def test_a_token_that_is_revoked_later_is_told_and_tried_again_slowly(tmp_path: Path, logs: Logs) -> None:
    """Every refusal is an error in the log with its mend, minutes apart; once it is mended, clicks arrive again."""
    logs.expect(REFUSED)
    async with open_house(tmp_path, transport="socket", pace=replace(QUICK, refused=0.1)) as house:
        card = await waiting_card(house)
        before = len(house.ws.calls_to("apps.connections.open"))
        house.ws.fail("apps.connections.open", error="token_revoked", times=None)
        await house.ws.sockets.disconnect("link_disabled")
        await house.ws.wait_for(lambda: len(house.ws.calls_to("apps.connections.open")) >= before + 4)
        told = logs.saying(REFUSED)
        assert {entry["problem"] for entry in told} == {"The token in SLACK_APP_TOKEN was revoked"}
        assert all("connections:write" in entry["mend"] for entry in told)
        house.ws.heal()
        await whole(house)
        assert (await house.person("maria").click(card, "Approve")).ok


async def test_one_at_a_time_is_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more envelopes are begun than there is room for; the others wait, and none is forgotten."""
    async with open_house(tmp_path, transport="socket", pace=replace(QUICK, at_once=1)) as house:
        house.ws.sender.ack_seconds = PATIENCE
        cards = [await waiting_card(house) for _ in range(3)]
        gate = Gate(house, monkeypatch)
        clicks = [asyncio.create_task(house.person("maria").click(card, "Approve")) for card in cards]
        await gate.reached()
        await house.ws.wait_for(lambda: len(house.ws.sockets.unanswered) == 3)
        gate.opened.set()
        assert all([(await click).ok for click in clicks])
        assert (gate.come, gate.most, decisions(house)) == (3, 1, 3)


async def test_what_was_begun_is_acknowledged_before_the_bot_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told to stop in the middle of a click, it reads nothing more, decides, acknowledges, and only then closes."""
    async with open_house(tmp_path, transport="socket") as house:
        card = await waiting_card(house)
        gate, socket = Gate(house, monkeypatch), house.bot.socket
        assert socket is not None
        click = asyncio.create_task(house.person("maria").click(card, "Approve"))
        await gate.reached()

        async def open_once_it_stops() -> None:
            while socket.reading:  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0)
            assert len(house.ws.sockets) == 2, "the acknowledgement needs a connection"
            gate.opened.set()

        opener = asyncio.create_task(open_once_it_stops())
    await opener
    assert (await click).ok
    assert len(house.ws.sockets) == 0


async def test_what_takes_too_long_does_not_keep_the_bot_from_stopping(
    tmp_path: Path, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the grace a listener is left where it stands; nothing was decided, and the person was shown an error."""
    async with open_house(tmp_path, transport="socket", pace=replace(QUICK, grace=0.05)) as house:
        card = await waiting_card(house)
        house.ws.sender.ack_seconds = 0.2
        gate = Gate(house, monkeypatch)
        click = asyncio.create_task(house.person("maria").click(card, "Approve"))
        await gate.reached()
    assert (await click).error == TIMEOUT
    assert decisions(house) == 0
    assert logs.saying("stopped before everything was acknowledged")


async def test_a_ticket_is_never_logged(house: House, logs: Logs, caplog: pytest.LogCaptureFixture) -> None:
    """A connection that cannot be opened is told without its address: whoever reads the log could use it."""
    house.ws.world.use_ticket = lambda _ticket: False  # type: ignore[method-assign]
    house.ws.sockets.drop()
    await house.ws.wait_for(lambda: len(house.ws.calls_to("apps.connections.open")) >= 6)
    assert logs.saying("could not connect to Slack")
    assert "ticket" not in str(logs.entries) + caplog.text
