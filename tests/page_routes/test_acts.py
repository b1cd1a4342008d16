"""What the page sends when somebody types, presses or fills in."""

from __future__ import annotations

import copy

from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace
from tests.page_routes.conftest import Browser
from tests.workspace.conftest import RecordingApp
from tests.workspace.test_person import CARD, MODAL


async def test_what_is_typed_is_text_except_for_names(browser: Browser, ws: Workspace, app: RecordingApp) -> None:
    """Typed markup is shown as it was typed and calls nobody; names of people, channels and the app work."""
    said = await browser.act("ana", "post", channel="#general", text="<!channel> <b>&amp; @maria #random @signoff hi")
    assert said["plain"] == "<!channel> <b>&amp; @maria #random @signoff hi"
    message = ws.channel("#general").last
    assert message is not None
    assert message.mentions == {"@maria", "@signoff"}
    assert app.told[-1]["event"]["type"] == "app_mention"


async def test_a_reply_lands_in_its_thread(browser: Browser, ws: Workspace, app: RecordingApp) -> None:
    """A post that names a thread is a reply there, also in the direct message with the app."""
    root = await browser.act("ana", "post", channel="#general", text="root")
    reply = await browser.act("maria", "post", channel="#general", text="reply", thread=root["ts"])
    assert reply["thread_ts"] == root["ts"]
    first = await browser.act("ana", "post", channel="@signoff", text="psst")
    more = await browser.act("ana", "post", channel="@signoff", text="more", thread=first["ts"])
    assert more["thread_ts"] == first["ts"]
    assert app.told[-1]["event"]["channel_type"] == "im"
    assert "error" in await browser.act("ana", "post", channel="#general", text="x", thread="1790000000.000001")


async def test_the_button_in_the_named_block_is_pressed(
    browser: Browser, app: RecordingApp, client: AsyncWebClient
) -> None:
    """Where two blocks have the same buttons, the block says which one is meant."""
    second = copy.deepcopy(CARD[1]) | {"block_id": "req_2"}
    posted = await client.chat_postMessage(channel="#general", text="two", blocks=[*CARD, second])
    where = {"channel": "#general", "ts": posted["ts"], "button": "approve"}
    for block in ("req_2", "req_1"):
        assert (await browser.act("maria", "click", block=block, **where))["status"] == 200
        assert app.told[-1]["actions"][0]["block_id"] == block
    assert "error" in await browser.act("maria", "click", block="req_3", **where)


async def test_what_was_typed_goes_along_with_what_is_pressed(
    browser: Browser, ws: Workspace, app: RecordingApp, client: AsyncWebClient
) -> None:
    """A page holds back what is typed into a form; it is sent with the next button or the submission."""
    ana = ws.person("ana")
    view = MODAL | {"blocks": [*MODAL["blocks"], CARD[1]]}
    await client.views_open(trigger_id=ws.world.trigger(ana.id).id, view=view)
    form = (await browser.look("ana"))["modals"][0]["id"]
    await browser.act("ana", "enter", view=form, entered={"why": {"text": "half"}})
    assert app.told == []
    assert (await browser.look("ana"))["modals"][0]["values"]["why"]["text"]["value"] == "half"
    await browser.act("ana", "click", view=form, button="approve", entered={"why": {"text": "typed"}})
    assert app.told[-1]["view"]["state"]["values"]["why"]["text"]["value"] == "typed"
    refused = await browser.act("ana", "submit", view=form, entered={"why": {"text": ""}})
    assert (refused["delivered"], list(refused["errors"])) == (False, ["why"])
    sent = await browser.act("ana", "submit", view=form, entered={"why": {"text": "finished"}})
    assert sent["closed"]
    assert app.told[-1]["view"]["state"]["values"]["why"]["text"]["value"] == "finished"


async def test_a_form_that_is_no_longer_in_front_is_not_submitted(
    browser: Browser, ws: Workspace, app: RecordingApp, client: AsyncWebClient
) -> None:
    """A page that shows an older form cannot send or close the one that is open now."""
    ana = ws.person("ana")
    await client.views_open(trigger_id=ws.world.trigger(ana.id).id, view=MODAL)
    for do in ("submit", "close", "enter"):
        assert "error" in await browser.act("ana", do, view="V0ELSEWHERE", entered={})
    assert app.told == []
    assert ana.view is not None


async def test_a_private_message_can_be_put_away(browser: Browser, ws: Workspace, client: AsyncWebClient) -> None:
    """Whom it was shown to can dismiss it, nobody else can, and messages for everybody stay."""
    shown = await client.chat_postEphemeral(channel="#general", user=ws.person("ana").id, text="only ana")
    said = await browser.act("ana", "post", channel="#general", text="for all")
    assert "error" in await browser.act("maria", "dismiss", ephemeral=shown["message_ts"])
    await browser.act("ana", "dismiss", channel="#general", ts=said["ts"])
    assert len((await browser.look("ana"))["messages"]) == 2
    await browser.act("ana", "dismiss", ephemeral=shown["message_ts"])
    assert [each["text"] for each in (await browser.look("ana"))["messages"]] == ["for all"]


async def test_a_message_shortcut_takes_the_message_along(browser: Browser, app: RecordingApp) -> None:
    """The app is told which message the shortcut was used on."""
    said = await browser.act("ana", "post", channel="#general", text="look at this")
    await browser.act("maria", "message_shortcut", channel="#general", ts=said["ts"], callback_id="ask")
    told = app.told[-1]
    assert (told["type"], told["callback_id"], told["message"]["text"]) == ("message_action", "ask", "look at this")


async def test_nobody_acts_on_what_they_do_not_see(browser: Browser, app: RecordingApp, client: AsyncWebClient) -> None:
    """Buttons, threads and shortcuts of a channel that one is not in are refused."""
    posted = await client.chat_postMessage(channel="#approvers", text="card", blocks=CARD)
    where = {"channel": "#approvers", "ts": posted["ts"]}
    assert "cannot see" in (await browser.act("ana", "click", button="approve", **where))["error"]
    assert "cannot see" in (await browser.act("ana", "message_shortcut", callback_id="ask", **where))["error"]
    assert "cannot see" in (await browser.act("ana", "read", channel="#approvers", ts=posted["ts"]))["error"]
    reply = {"channel": "#approvers", "thread": posted["ts"], "text": "x"}
    assert "cannot see" in (await browser.act("ana", "post", **reply))["error"]
    assert [told["type"] for told in app.told if told["type"] != "event_callback"] == []
