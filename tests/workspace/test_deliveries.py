"""What the app is told over HTTP: signatures, retries, refusals, response_urls."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta

import aiohttp
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from agent_runtime.clock import MovableClock
from bot.workspace import Workspace, serve
from bot.workspace.demo_world import demo_world
from tests.workspace.conftest import RecordingApp
from tests.workspace.test_person import CARD, MODAL


async def test_interactive_json_is_escaped_as_slack_escapes_it(
    ws: Workspace, app: RecordingApp, client: AsyncWebClient
) -> None:
    """`/` travels as `\\/`, other letters as \\uXXXX, and headers are Slack's."""
    await client.chat_postMessage(channel="#approvals", text="café a/b", blocks=CARD)
    await ws.person("maria").click(ws.channel("#approvals").messages[0], "Approve")
    body = ws.deliveries[-1].attempts[0].body
    assert b"%5C%2F" in body
    assert b"caf%5Cu00e9" in body
    assert body.startswith(b"payload=")
    headers = app.headers[-1]
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["User-Agent"].startswith("Slackbot 1.0")
    assert "X-Slack-Retry-Num" not in headers


async def test_replay_is_the_same_to_the_byte(ws: Workspace, app: RecordingApp) -> None:
    """A redelivery carries the same body, timestamp and signature, and is valid within its window."""
    await ws.person("ana").command("/agent", "x")
    reply = await ws.replay()
    assert reply.status == 200
    assert app.told[0] == app.told[1]
    assert app.headers[0]["X-Slack-Signature"] == app.headers[1]["X-Slack-Signature"]


async def test_forged_requests_can_be_sent(ws: Workspace, app: RecordingApp) -> None:
    """Another secret, an old timestamp, or no signature at all reach the app as they are."""
    await ws.person("ana").command("/agent", "x")
    attempt = ws.deliveries[0].attempts[0]
    plain = {"Content-Type": attempt.headers["Content-Type"]}
    forged = [
        plain,
        plain | ws.sign(attempt.body, secret="guess"),
        plain | ws.sign(attempt.body, timestamp=1_600_000_000),
        attempt.headers | {"X-Slack-Signature": "v0=nonsense"},
    ]
    assert [(await ws.send(attempt.body, headers)).status for headers in forged] == [401] * 4
    assert (await ws.send(attempt.body + b"x", attempt.headers)).status == 401
    assert len(app.told) == 1


async def test_a_slow_app_leaves_an_error_with_the_person(ws: Workspace, app: RecordingApp) -> None:
    """No answer in time is operation_timeout, any other failure dispatch_failed, and nothing is retried."""
    ws.sender.ack_seconds = 0.05
    ana = ws.person("ana")

    async def hang(_payload):
        await ws.world.changes.next()
        return web.Response()

    app.on = hang
    slow = await ana.command("/agent", "x")
    assert (slow.ok, slow.error) == (False, "operation_timeout")
    app.answer("no", status=500)
    assert (await ana.command("/agent", "x")).error == "dispatch_failed"
    ws.app_url = "http://127.0.0.1:9/slack/events"
    assert (await ana.command("/agent", "x")).error == "dispatch_failed"
    assert [e.code for e in ana.errors] == ["operation_timeout", "dispatch_failed", "dispatch_failed"]


async def test_events_are_retried_three_times(ws: Workspace, app: RecordingApp, clock: MovableClock) -> None:
    """At once, after a minute, after five more; same event id, fresh signature, numbered with a reason."""
    app.answer(status=500)
    await ws.person("ana").mention("hello", "#general")
    assert await ws.run_due_retries() == 1
    assert await ws.run_due_retries() == 0
    clock.advance(timedelta(minutes=1))
    assert await ws.run_due_retries() == 1
    clock.advance(timedelta(minutes=5))
    assert await ws.run_due_retries() == 1
    clock.advance(timedelta(hours=1))
    assert await ws.run_due_retries() == 0
    assert len({told["event_id"] for told in app.told}) == 1
    numbers = [h.get("X-Slack-Retry-Num") for h in app.headers]
    assert numbers == [None, "1", "2", "3"]
    assert app.headers[1]["X-Slack-Retry-Reason"] == "http_error"
    assert len(ws.events.given_up) == 1


async def test_an_app_can_decline_retries(ws: Workspace, app: RecordingApp) -> None:
    """X-Slack-No-Retry on a failure ends that event."""

    async def decline(_payload):
        return web.Response(status=500, headers={"X-Slack-No-Retry": "1"})

    app.on = decline
    await ws.person("ana").mention("hello")
    assert ws.events.retries == []


async def test_events_reach_the_app_only_where_it_may_hear(ws: Workspace, app: RecordingApp) -> None:
    """Subscribed, with the scope, and in the channel: all three, or silence."""
    ana = ws.person("ana")
    await ana.mention("hello", "#random")
    await ana.say("no mention", "#general")
    assert app.told == []
    await ana.mention("hello", "#general")
    told = app.told[-1]
    assert told["event"]["type"] == "app_mention"
    assert "channel_type" not in told["event"]
    assert told["authorizations"][0]["user_id"] == "U0SIGNOFF01"
    await ana.dm("hi")
    assert (app.told[-1]["event"]["type"], app.told[-1]["event"]["channel_type"]) == ("message", "im")
    await ana.open_home()
    assert app.told[-1]["event"]["tab"] == "home"
    ws.channel("#random").invite("signoff")
    await ws.idle()
    assert app.told[-1]["event"]["type"] == "member_joined_channel"
    ws.channel("#random").remove("signoff")
    ws.world.app.events = {"message.channels"}
    await ana.say("not for the bot", "#random")
    assert app.told[-1]["event"]["type"] == "member_joined_channel"
    await ana.say("for the bot", "#general")
    assert app.told.pop()["event"]["text"] == "for the bot"
    ws.world.app.scopes.discard("channels:history")
    await ana.say("without the scope", "#general")
    assert app.told[-1]["event"]["type"] == "member_joined_channel"


async def test_an_outsiders_words_carry_their_team(ws: Workspace, app: RecordingApp) -> None:
    """In a shared channel an outsider's mention names their team apart from ours."""
    await ws.person("olga").mention("hello", "#purchasing")
    told = app.told[-1]
    assert told["is_ext_shared_channel"] is True
    assert told["team_id"] == told["event"]["team"] == "T0LANTERN01"
    assert told["event"]["user_team"] == "T0TIDEWATER"


async def test_administrators_changes_are_told(ws: Workspace, app: RecordingApp) -> None:
    """Deactivation and group changes arrive as events and show in the directory."""
    ws.world.app.events |= {"user_change", "subteam_members_changed", "channel_id_changed", "app_uninstalled"}
    ws.admin.deactivate("fred")
    ws.admin.renumber_channel("#approvals")
    await ws.idle()
    kinds = {told["event"]["type"]: told["event"] for told in app.told}
    assert kinds["user_change"]["user"]["deleted"] is True
    assert kinds["subteam_members_changed"]["removed_users"] == ["U0FRED00001"]
    assert kinds["channel_id_changed"]["new_channel_id"] == ws.channel("#approvals").id
    ws.admin.uninstall()
    await ws.idle()
    assert "authorizations" not in app.told[-1]


async def test_the_address_is_verified_with_a_challenge(ws: Workspace, app: RecordingApp) -> None:
    """The app proves its address by echoing the challenge."""

    async def echo(payload):
        return web.json_response({"challenge": payload["challenge"]})

    assert not await ws.verify_url()
    app.on = echo
    assert await ws.verify_url()


async def test_a_response_url_works_five_times_for_half_an_hour(
    ws: Workspace, app: RecordingApp, clock: MovableClock
) -> None:
    """The sixth use and a late one are refused, and flagged, because clients do not look."""
    await ws.person("ana").command("/agent", "x")
    hook = AsyncWebhookClient(app.told[-1]["response_url"])
    for n in range(5):
        assert (await hook.send(text=f"note {n}")).body == "ok"
    assert (await hook.send(text="one too many")).status_code == 404
    await ws.person("ana").command("/agent", "x")
    clock.advance(timedelta(minutes=31))
    late = await AsyncWebhookClient(app.told[-1]["response_url"]).send(text="late")
    assert "expired_url" in late.body
    assert [m.plain() for m in ws.person("ana").ephemerals] == [f"note {n}" for n in range(5)]
    assert len(ws.problems) == 2


async def test_a_response_url_can_replace_and_delete(ws: Workspace, app: RecordingApp, client: AsyncWebClient) -> None:
    """It edits or removes the message that held the button; in_channel speaks to all."""
    await client.chat_postMessage(channel="#approvals", text="Approve?", blocks=CARD)
    await ws.person("maria").click(ws.channel("#approvals").messages[0], "Approve")
    hook = AsyncWebhookClient(app.told[-1]["response_url"])
    await hook.send(text="Approved", replace_original=True)
    assert [m.plain() for m in ws.channel("#approvals").messages] == ["Approved"]
    await hook.send(text="All hear this", response_type="in_channel", replace_original=False)
    await hook.send(delete_original=True)
    assert [m.plain() for m in ws.channel("#approvals").messages] == ["All hear this"]
    bad = await hook.send(text="x", blocks=[{"type": "foo"}])
    assert (bad.status_code, "invalid_blocks" in bad.body) == (400, True)


async def test_an_ephemeral_card_is_changed_only_through_its_url(
    ws: Workspace, app: RecordingApp, client: AsyncWebClient
) -> None:
    """A click on a private message carries no message; its response_url can replace it."""
    maria = ws.person("maria")
    where = {"channel": ws.channel("#approvals").id, "user": maria.id}
    await client.chat_postEphemeral(text="Approve?", blocks=CARD, **where)
    await maria.click(maria.ephemerals[0], "Approve")
    told = app.told[-1]
    assert told["container"]["is_ephemeral"] is True
    assert "message" not in told
    await AsyncWebhookClient(told["response_url"]).send(text="Done", replace_original=True)
    assert [m.plain() for m in maria.ephemerals] == ["Done"]


async def test_a_body_in_answer_to_a_click_is_flagged(ws: Workspace, app: RecordingApp, client: AsyncWebClient) -> None:
    """Slack ignores it, so an app that sends one is mistaken."""
    await client.chat_postMessage(channel="#approvals", text="Approve?", blocks=CARD)
    app.answer("thanks")
    await ws.person("maria").click(ws.channel("#approvals").messages[0], "Approve")
    assert "thanks" in ws.problems[0]


async def test_shortcuts_carry_what_slack_sends(ws: Workspace, app: RecordingApp, client: AsyncWebClient) -> None:
    """A global shortcut has no channel and no response_url; one on a message has both."""
    said = await ws.person("ana").say("help me", "#general")
    await ws.person("maria").shortcut("start")
    assert "channel" not in app.told[-1]
    assert "response_url" not in app.told[-1]
    await ws.person("maria").message_shortcut("triage", said)
    assert app.told[-1]["message"]["text"] == "help me"
    assert app.told[-1]["channel"]["name"] == "general"


async def test_choices_stand_in_the_state(ws: Workspace, app: RecordingApp, client: AsyncWebClient) -> None:
    """Choosing sends the element with its option; later clicks carry it in state.values; an overflow never does."""
    options = [{"text": {"type": "plain_text", "text": t}, "value": t.lower()} for t in ("Red", "Blue")]
    elements = [
        {"type": "radio_buttons", "action_id": "colour", "options": options},
        {"type": "overflow", "action_id": "more", "options": options},
        CARD[1]["elements"][0],
    ]
    blocks = [{"type": "actions", "block_id": "b", "elements": elements}]
    await client.chat_postMessage(channel="#approvals", text="?", blocks=blocks)
    card, maria = ws.channel("#approvals").messages[0], ws.person("maria")
    await maria.choose(card, "colour", "Blue")
    assert app.told[-1]["actions"][0]["selected_option"]["value"] == "blue"
    await maria.choose(card, "more", "Red")
    assert app.told[-1]["actions"][0]["selected_option"]["value"] == "red"
    await maria.click(card, "approve")
    values = app.told[-1]["state"]["values"]
    assert values == {
        "b": {"colour": {"type": "radio_buttons", "selected_option": values["b"]["colour"]["selected_option"]}}
    }
    assert values["b"]["colour"]["selected_option"]["text"]["emoji"] is True


async def test_the_control_api_drives_everything_from_this_machine(
    ws: Workspace, app: RecordingApp, client: AsyncWebClient
) -> None:
    """A person can be driven over JSON; other hosts' names and other types of content are refused."""
    await client.chat_postMessage(channel="#approvals", text="Approve?", blocks=CARD)
    async with aiohttp.ClientSession() as session:

        async def post(path: str, body: dict, **kwargs) -> tuple[int, dict]:
            async with session.post(f"{ws.url}/control/{path}", data=json.dumps(body), **kwargs) as answer:
                text = await answer.text()
                return answer.status, json.loads(text) if text.startswith("{") else {}

        as_json = {"headers": {"Content-Type": "application/json"}}
        async with session.get(f"{ws.url}/control/state?person=maria") as answer:
            state = await answer.json()
        [card] = next(c for c in state["channels"] if c["name"] == "approvals")["messages"]
        assert card["buttons"] == ["Approve", "Reject"]
        click = {"person": "maria", "do": "click", "channel": "#approvals", "ts": card["ts"], "button": "Approve"}
        assert (await post("act", click, **as_json))[1]["status"] == 200
        assert app.told[-1]["actions"][0]["action_id"] == "approve"
        assert (await post("act", click | {"button": "Nope"}, **as_json))[0] == 400
        assert (await post("act", click, headers={"Content-Type": "text/plain"}))[0] == 415
        foreign = {"headers": {"Content-Type": "application/json", "Host": "evil.example"}}
        assert (await post("act", click, **foreign))[0] == 403
        assert (await post("fail", {"method": "auth.test", "error": "fatal_error"}, **as_json))[1] == {"ok": True}
        for path in ("calls", "deliveries", "problems"):
            async with session.get(f"{ws.url}/control/{path}") as answer:
                assert answer.status == 200
    assert len(app.told) == 1


async def test_every_act_of_the_control_api(ws: Workspace, app: RecordingApp, client: AsyncWebClient) -> None:
    """Talking, opening Home, choosing, submitting, closing and arranging all work over JSON."""
    ana = ws.person("ana")
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    await client.views_publish(user_id=ana.id, view=home)
    async with aiohttp.ClientSession() as session:

        async def act(**body) -> dict:
            async with session.post(f"{ws.url}/control/act", json={"person": "ana"} | body) as answer:
                return await answer.json()

        async def control(path: str, **body) -> int:
            async with session.post(f"{ws.url}/control/{path}", json=body) as answer:
                return answer.status

        app.answer("shown")
        assert (await act(do="command", command="/agent", text="list"))["text"] == "shown"
        app.answer()
        assert (await act(do="say", text="hi"))["plain"] == "hi"
        assert "hey" in (await act(do="mention", text="hey"))["plain"]
        assert (await act(do="dm", text="psst"))["channel"] == "#directmessage"
        assert (await act(do="home"))["type"] == "home"
        assert (await act(do="shortcut", callback_id="start"))["delivered"]
        await client.views_open(trigger_id=ws.world.trigger(ana.id).id, view=MODAL)
        assert (await act(do="choose", view=True, field="Reason", value="typed"))["delivered"] is False
        app.answer({"response_action": "errors", "errors": {"why": "no"}})
        assert (await act(do="submit"))["errors"] == {"why": "no"}
        app.answer()
        assert (await act(do="submit", values={"why": "better"}))["closed"]
        assert "error" in await act(do="close")
        assert "error" in await act(do="dance")
        assert "missing" in (await act(do="say"))["error"]
        assert "error" in await act(do="click", channel="#general", ts="1", button="x")
        assert await control("limit", method="auth.test", calls=1) == 200
        assert await control("heal") == 200
        assert await control("retries") == 200
        assert await control("app", url=ws.app_url) == 200
        assert await control("channel", name="#random", do="invite", person="gus") == 200
        assert await control("channel", name="#random", do="paint") == 400
    assert "gus" in ws.channel("#random").members


async def test_a_workspace_serves_on_its_own() -> None:
    """serve listens, hands the workspace over, and stops when cancelled."""
    ready: asyncio.Future[Workspace] = asyncio.get_running_loop().create_future()
    task = asyncio.ensure_future(serve(0, app_url="http://127.0.0.1:9/slack/events", ready=ready.set_result))
    ws = await ready
    assert (await AsyncWebClient(ws.bot_token, base_url=ws.api_url).auth_test())["ok"]
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_restarted_world_keeps_its_secrets_but_not_its_ids() -> None:
    """The same seed gives the same token and secret; events of a later start have other ids."""
    early = demo_world(MovableClock(datetime(2026, 3, 2, tzinfo=UTC)), seed="s")
    late = demo_world(MovableClock(datetime(2026, 3, 3, tzinfo=UTC)), seed="s")
    assert (early.app.bot_token, early.app.signing_secret) == (late.app.bot_token, late.app.signing_secret)
    assert early.mint.event_id() != late.mint.event_id()


async def test_direct_messages_have_names(ws: Workspace, app: RecordingApp) -> None:
    """`@ana` names her direct message, and a command typed there says directmessage."""
    ana = ws.person("ana")
    await ana.command("/agent", "list", channel="@signoff")
    assert app.told[-1]["channel_name"] == "directmessage"
    assert app.told[-1]["channel_id"] == ws.channel("@ana").id
    await ana.dm("hello")
    assert ws.channel("@ana").last.plain() == "hello"


async def test_outsiders_and_unknown_commands_reach_no_app(ws: Workspace, app: RecordingApp) -> None:
    """Slack itself refuses a command of another team's member, and one that no app has."""
    assert (await ws.person("olga").command("/agent", "x", channel="#purchasing")).refused
    assert (await ws.person("ana").command("/nothing")).refused
    assert app.told == []
