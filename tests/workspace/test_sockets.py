"""The workspace's side of Socket Mode: a client that knows nothing of our bot, Slack's own and a bare one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace
from bot.workspace.sockets import MOST_SOCKETS
from tests.patience import PATIENCE
from tests.workspace.conftest import RecordingApp
from tests.workspace.test_person import CARD, MODAL

Answer = Callable[[SocketModeRequest], Awaitable[Any]]


@pytest.fixture
async def on(ws: Workspace, app: RecordingApp) -> RecordingApp:
    """Socket Mode is on; the app also listens where HTTP deliveries went, and must hear nothing there."""
    ws.socket_mode = True
    return app


@asynccontextmanager
async def line(ws: Workspace, client: AsyncWebClient) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A bare connection."""
    opened = await client.apps_connections_open(app_token=ws.app_token)
    async with aiohttp.ClientSession() as session, session.ws_connect(str(opened["url"])) as connection:
        yield connection


@asynccontextmanager
async def sdk(ws: Workspace, client: AsyncWebClient, answer: Answer) -> AsyncIterator[SocketModeClient]:
    """Slack's own client, which acknowledges with whatever `answer` gives."""
    slack = SocketModeClient(ws.app_token, web_client=client, ping_interval=PATIENCE)

    async def heard(_client: Any, request: SocketModeRequest) -> None:
        await slack.send_socket_mode_response(SocketModeResponse(request.envelope_id, await answer(request)))

    slack.socket_mode_request_listeners.append(heard)  # type: ignore[arg-type]
    await slack.connect()
    try:
        yield slack
    finally:
        await slack.close()


async def test_slacks_own_client_is_told_and_answers(ws: Workspace, on: RecordingApp, client: AsyncWebClient) -> None:
    """A command with a reply, a click, a form with an error: the payloads are those of HTTP, and HTTP gets none."""
    told: list[SocketModeRequest] = []

    async def answer(request: SocketModeRequest) -> Any:
        told.append(request)
        if request.type == "slash_commands":
            return {"text": "Started."}
        if request.payload["type"] == "block_actions":
            await client.views_open(trigger_id=request.payload["trigger_id"], view=MODAL)
            return None
        return {"response_action": "errors", "errors": {"why": "Say more."}}

    ana = ws.person("ana")
    posted = await client.chat_postMessage(channel="#approvals", text="Approve?", blocks=CARD)
    card = ws.message("#approvals", str(posted["ts"]))
    assert card is not None
    async with sdk(ws, client, answer):
        assert (await ana.command("/agent", "the payload")).text == "Started."
        clicked = await ana.click(card, "Reject")
        assert clicked.view is not None
        refused = await ana.fill_and_submit(clicked.view, {"why": "I would rather not"})
        assert (refused.errors, refused.closed) == ({"why": "Say more."}, False)
    assert [(one.type, one.accepts_response_payload) for one in told] == [
        ("slash_commands", True), ("interactive", False), ("interactive", True),
    ]  # fmt: skip
    assert on.told == []
    assert ws.problems == []


async def test_slacks_own_client_comes_back_when_told_to_leave(
    ws: Workspace, on: RecordingApp, client: AsyncWebClient
) -> None:
    """It reconnects, and what it is told next arrives."""

    async def answer(_request: SocketModeRequest) -> Any:
        return None

    async with sdk(ws, client, answer):
        (first,) = ws.sockets.open
        await ws.sockets.disconnect("refresh_requested")
        await ws.wait_for(lambda: ws.sockets.open and first not in ws.sockets.open)
        assert (await ws.person("ana").command("/agent", "x")).ok


async def test_a_ticket_opens_one_connection(ws: Workspace, on: RecordingApp, client: AsyncWebClient) -> None:
    """Once used it is worth nothing, and neither is one that was never given."""
    url = str((await client.apps_connections_open(app_token=ws.app_token))["url"])
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url):
            pass
        for spent in (url, url.replace("ticket=", "ticket=x")):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(spent)


async def test_hello_says_how_many_there_are_and_the_eleventh_is_sent_away(
    ws: Workspace, on: RecordingApp, client: AsyncWebClient
) -> None:
    """Ten connections at most; the next one is told why it has to go."""
    async with aiohttp.ClientSession() as session:
        kept = []
        for number in range(MOST_SOCKETS):
            url = str((await client.apps_connections_open(app_token=ws.app_token))["url"])
            kept.append(await session.ws_connect(url))
            hello = await kept[-1].receive_json()
            assert (hello["type"], hello["num_connections"]) == ("hello", number + 1)
            assert hello["connection_info"] == {"app_id": ws.world.app.app_id}
        async with line(ws, client) as surplus:
            said = await surplus.receive_json()
            assert (said["type"], said["reason"]) == ("disconnect", "too_many_websockets")
            assert (await surplus.receive()).type is aiohttp.WSMsgType.CLOSE
        assert len(ws.sockets) == MOST_SOCKETS


async def test_an_acknowledgement_counts_on_any_connection(
    ws: Workspace, on: RecordingApp, client: AsyncWebClient
) -> None:
    """It may come over another connection than the envelope did; what belongs to no envelope is a problem."""
    async with line(ws, client) as one, line(ws, client) as other:
        assert [(await each.receive_json())["type"] for each in (one, other)] == ["hello", "hello"]
        click = asyncio.create_task(ws.person("ana").command("/agent", "x"))
        heard = asyncio.gather(one.receive_json(), other.receive_json())
        await ws.wait_for(lambda: ws.sockets.unanswered)
        (envelope,) = ws.sockets.unanswered
        for each in (one, other):  # one of them did not carry it
            await each.send_json({"envelope_id": envelope, "payload": {"text": "Hello."}})
        assert (await click).text == "Hello."
        await one.send_json({"envelope_id": "unheard-of"})
        await ws.wait_for(lambda: ws.problems)
        heard.cancel()
    assert "acknowledges nothing" in ws.problems[0]


async def test_who_does_not_acknowledge_leaves_an_error(
    ws: Workspace, on: RecordingApp, client: AsyncWebClient
) -> None:
    """After the time is over the person is shown what HTTP would show them; without a connection, at once."""
    ana = ws.person("ana")
    assert (await ana.command("/agent", "x")).error == "dispatch_failed"
    ws.sender.ack_seconds = 0.05
    async with line(ws, client):
        assert (await ana.command("/agent", "x")).error == "operation_timeout"
    assert [error.code for error in ana.errors] == ["dispatch_failed", "operation_timeout"]


async def test_what_nobody_asked_for_is_ignored_and_flagged(
    ws: Workspace, on: RecordingApp, client: AsyncWebClient
) -> None:
    """A click's acknowledgement carries nothing; an empty payload is none."""
    posted = await client.chat_postMessage(channel="#approvals", text="Approve?", blocks=CARD)
    card = ws.message("#approvals", str(posted["ts"]))
    assert card is not None
    payloads: list[Any] = [{}, {"text": "x"}]

    async def answer(_request: SocketModeRequest) -> Any:
        return payloads.pop(0)

    async with sdk(ws, client, answer):
        assert (await ws.person("ana").click(card, "Approve")).ok
        assert ws.problems == []
        assert (await ws.person("ana").click(card, "Approve")).ok
    (problem,) = ws.problems
    assert "block_actions" in problem


async def test_held_envelopes_are_sent_when_they_are_released(
    ws: Workspace, on: RecordingApp, client: AsyncWebClient
) -> None:
    """Nothing is sent before, and the acknowledgement's time begins then."""
    async with line(ws, client) as connection:
        assert (await connection.receive_json())["type"] == "hello"
        ws.sockets.hold()
        click = asyncio.create_task(ws.person("ana").command("/agent", "x"))
        await ws.wait_for(lambda: ws.deliveries)
        assert ws.sockets.unanswered == []
        ws.sockets.release()
        envelope = await connection.receive_json()
        await connection.send_str(json.dumps({"envelope_id": envelope["envelope_id"]}))
        assert (await click).ok


async def test_connections_need_the_apps_token_and_its_scope(ws: Workspace, client: AsyncWebClient) -> None:
    """Refused while Socket Mode is off, without connections:write, and to a bot's token."""

    async def code(token: str) -> str:
        with pytest.raises(SlackApiError) as refused:
            await client.apps_connections_open(app_token=token)
        return str(refused.value.response["error"])

    assert await code(ws.app_token) == "link_disabled"
    assert await code(ws.bot_token) == "not_allowed_token_type"
    ws.socket_mode = True
    ws.world.app.app_scopes.clear()
    assert await code(ws.app_token) == "missing_scope"
