"""A real Bolt app works against the workspace as it does against Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace
from tests.workspace.test_person import CARD, MODAL


@pytest.fixture
async def bolt(ws: Workspace, client: AsyncWebClient) -> AsyncIterator[AsyncApp]:
    app = AsyncApp(client=client, signing_secret=ws.signing_secret)
    runner = web.AppRunner(app.web_app(path="/slack/events", port=0), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    ws.app_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield app
    await runner.cleanup()


async def test_the_whole_round_through_bolt(ws: Workspace, bolt: AsyncApp) -> None:
    """Command, card, click, modal, submission, update, private word: all through Bolt, and nothing is flagged."""

    @bolt.command("/agent")
    async def start(ack, body, client):
        await client.chat_postMessage(channel=body["channel_id"], text="Approve?", blocks=CARD)
        await ack("Started.")

    @bolt.action("reject")
    async def reject(ack, body, client):
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL | {"private_metadata": body["message"]["ts"]})
        await ack()

    @bolt.view("reason")
    async def reason(ack, body, view, client):
        await ack()
        channel = ws.channel("#approvals").id
        text = "Rejected: " + view["state"]["values"]["why"]["text"]["value"]
        await client.chat_update(channel=channel, ts=view["private_metadata"], text=text, blocks=CARD[:1])
        await client.chat_postEphemeral(channel=channel, user=body["user"]["id"], text="Thank you.")

    @bolt.event("app_mention")
    async def mentioned(event, say):
        await say("You called?", thread_ts=event["ts"])

    started = await ws.person("ana").command("/agent", "buy paper", channel="#approvals")
    assert started.text == "Started."
    maria = ws.person("maria")
    clicked = await maria.click(await ws.appears("#approvals", "Approve send_email?"), "Reject")
    done = await maria.fill_and_submit(clicked.view, {"Reason": "too dear"})
    assert done.closed
    await ws.wait_for(lambda: maria.ephemerals)
    card = ws.channel("#approvals").messages[-1]
    assert (card.text, card.buttons) == ("Rejected: too dear", [])
    said = await ws.person("sam").mention("hello", "#general")
    await ws.wait_for(lambda: said.thread)
    assert said.thread[0].plain() == "You called?"
    assert ws.problems == []
    assert ws.world.user_errors == []


async def test_bolts_trouble_with_the_word_payload_is_not_hidden(ws: Workspace, bolt: AsyncApp) -> None:
    """Bolt's HTTP parser loses a command whose text holds that word; the workspace sends it as Slack would."""

    @bolt.command("/agent")
    async def start(ack):
        await ack("Started.")

    answer = await ws.person("ana").command("/agent", "send the payload", channel="#general")
    assert (answer.status, answer.error) == (404, "dispatch_failed")
