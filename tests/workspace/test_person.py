"""People act, and the app is told exactly what Slack would tell it."""

from __future__ import annotations

import asyncio

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace
from bot.workspace.errors import CannotSee, Deactivated, NotFound
from tests.workspace.conftest import RecordingApp

CARD = [
    {"type": "header", "text": {"type": "plain_text", "text": "Approve send_email?"}},
    {
        "type": "actions",
        "block_id": "req_1",
        "elements": [
            {
                "type": "button",
                "action_id": "approve",
                "text": {"type": "plain_text", "text": "Approve"},
                "value": "1",
                "style": "primary",
            },
            {"type": "button", "action_id": "reject", "text": {"type": "plain_text", "text": "Reject"}, "value": "1"},
        ],
    },
]
MODAL = {
    "type": "modal",
    "callback_id": "reason",
    "title": {"type": "plain_text", "text": "Reject"},
    "submit": {"type": "plain_text", "text": "Send"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": {"type": "plain_text", "text": "Reason"},
            "element": {"type": "plain_text_input", "action_id": "text", "min_length": 3},
        }
    ],
}


async def test_a_command_whose_text_says_payload_arrives_unaltered(ws: Workspace, app: RecordingApp) -> None:
    """The word `payload` in a command's text is plain text like any other."""
    answer = await ws.person("ana").command("/agent", "approval send payload=%7B & more", channel="#general")
    assert answer.status == 200
    assert answer.text == ""
    told = app.told[-1]
    assert told["text"] == "approval send payload=%7B & more"
    assert (told["command"], told["user_name"], told["channel_name"]) == ("/agent", "ana", "general")
    assert told["is_enterprise_install"] == "false"
    assert ws.problems == []


async def test_names_in_a_command_arrive_as_ids(ws: Workspace, app: RecordingApp) -> None:
    """A typed @name or #channel is escaped, as the command's should_escape asks."""
    await ws.person("ana").command("/approvals", "away tomorrow @maria in #approvals", channel="#general")
    maria, approvals = ws.person("maria"), ws.channel("#approvals")
    assert app.told[-1]["text"] == f"away tomorrow <@{maria.id}|maria> in <#{approvals.id}|approvals>"


async def test_a_text_answer_is_shown_to_the_typist_alone(ws: Workspace, app: RecordingApp) -> None:
    """Plain text in answer to a command is ephemeral."""
    app.answer("Nothing waits for you.")
    answer = await ws.person("ana").command("/approvals")
    assert answer.text == "Nothing waits for you."
    assert [m.plain() for m in ws.person("ana").ephemerals] == ["Nothing waits for you."]
    assert ws.person("maria").ephemerals == []
    assert ws.channel("#general").messages == []


async def test_a_click_tells_who_pressed_what_where(ws: Workspace, app: RecordingApp, client: AsyncWebClient) -> None:
    """block_actions carries user, container, the stored message, the button and a response_url."""
    await client.chat_postMessage(channel="#approvals", text="Approve?", blocks=CARD)
    card = ws.channel("#approvals").messages[0]
    answer = await ws.person("maria").click(card, "Approve")
    assert answer.status == 200
    told = app.told[-1]
    assert told["type"] == "block_actions"
    assert told["user"]["team_id"] == told["team"]["id"] == ws.world.team.id
    assert told["container"]["message_ts"] == told["message"]["ts"] == card.ts
    assert told["message"]["blocks"][0]["text"]["emoji"] is True
    assert told["state"] == {"values": {}}
    [action] = told["actions"]
    assert (action["action_id"], action["block_id"], action["value"], action["style"]) == (
        "approve",
        "req_1",
        "1",
        "primary",
    )
    assert told["response_url"].startswith(ws.url + "/actions/")


async def test_an_outsiders_click_carries_their_own_team(
    ws: Workspace, app: RecordingApp, client: AsyncWebClient
) -> None:
    """A Slack Connect member's click has the installing team in `team` and their own in `user.team_id`."""
    await client.chat_postMessage(channel="#purchasing", text="Approve?", blocks=CARD)
    await ws.person("olga").click(ws.channel("#purchasing").messages[0], "approve")
    assert app.told[-1]["team"]["id"] == "T0LANTERN01"
    assert app.told[-1]["user"]["team_id"] == "T0TIDEWATER"


async def test_only_what_a_person_sees_can_be_pressed(ws: Workspace, app: RecordingApp, client: AsyncWebClient) -> None:
    """A private channel, a removed button, or a deactivated account leaves nothing to press."""
    await client.chat_postMessage(channel=ws.channel("#approvers").id, text="Approve?", blocks=CARD)
    card = ws.channel("#approvers").messages[0]
    with pytest.raises(CannotSee):
        await ws.person("ana").click(card, "Approve")
    with pytest.raises(Deactivated):
        await ws.person("eve").command("/agent")
    await client.chat_update(channel=card.channel_id, ts=card.ts, text="Approved", blocks=CARD[:1])
    with pytest.raises(NotFound):
        await ws.person("maria").click(card, "Approve")
    await ws.person("maria").click_stale(card, "Approve")
    assert [a["action_id"] for a in app.told[-1]["actions"]] == ["approve"]
    assert len(app.told) == 1


async def test_a_modal_opens_refuses_pushes_and_closes(
    ws: Workspace, app: RecordingApp, client: AsyncWebClient
) -> None:
    """A trigger opens a modal; a submission is checked by Slack's client, then by the app, then closes it."""
    await client.chat_postMessage(channel="#approvals", text="Approve?", blocks=CARD)
    card, maria = ws.channel("#approvals").messages[0], ws.person("maria")

    async def open_modal(payload):
        await client.views_open(trigger_id=payload["trigger_id"], view=MODAL)
        app.answer()
        return await app.on(payload)

    app.on = open_modal
    clicked = await maria.click(card, "Reject")
    view = clicked.view
    assert view is not None
    assert (view.title, view.submit_label, view.id) == ("Reject", "Send", maria.view.id)

    early = await maria.submit(view)
    assert not early.delivered
    assert list(early.errors) == ["why"]

    app.answer({"response_action": "errors", "errors": {"why": "Say more."}})
    refused = await maria.fill_and_submit(view, {"Reason": "too dear"})
    assert refused.errors == {"why": "Say more."}
    assert app.told[-1]["view"]["state"]["values"]["why"]["text"] == {"type": "plain_text_input", "value": "too dear"}
    assert "Say more." in maria.view.plain()

    app.answer({"response_action": "push", "view": MODAL | {"title": {"type": "plain_text", "text": "Sure?"}}})
    pushed = await maria.submit(maria.view)
    assert pushed.view.title == "Sure?"
    assert len(maria.modals) == 2

    app.answer()
    await maria.close(maria.view)
    assert app.told[-1]["type"] == "view_closed"
    assert "trigger_id" not in app.told[-1]
    done = await maria.submit(maria.view)
    assert done.closed
    assert maria.view is None
    assert ws.problems == []


async def test_unknown_error_keys_are_flagged(ws: Workspace, app: RecordingApp, client: AsyncWebClient) -> None:
    """Errors for a block that is no input of the view leave the person with a connection error, and are a problem."""
    trigger = ws.world.trigger(ws.person("maria").id)
    await client.views_open(trigger_id=trigger.id, view=MODAL)
    app.answer({"response_action": "errors", "errors": {"nope": "x"}})
    maria = ws.person("maria")
    answer = await maria.fill_and_submit(maria.view, {"why": "long enough"})
    assert not answer.closed
    assert [e.code for e in maria.errors] == ["dispatch_failed"]
    assert "nope" in ws.problems[0]


async def test_a_thousand_people_press_at_once(ws: Workspace, app: RecordingApp, client: AsyncWebClient) -> None:
    """A thousand simultaneous clicks all reach the app, each with its own trigger."""
    await client.chat_postMessage(channel="#approvals", text="Approve?", blocks=CARD)
    card, maria = ws.channel("#approvals").messages[0], ws.person("maria")
    answers = await asyncio.gather(*(maria.click(card, "Approve") for _ in range(1000)))
    assert {a.status for a in answers} == {200}
    assert len({told["trigger_id"] for told in app.told}) == 1000


async def test_guests_and_outsiders_see_only_their_channels(
    ws: Workspace, app: RecordingApp, client: AsyncWebClient
) -> None:
    """A full member sees every public channel; a guest or another team's member only those they are in."""
    alerts = (await client.chat_postMessage(channel="#alerts", text="Approve?", blocks=CARD))["ts"]
    card = ws.message("#alerts", alerts)
    assert card is not None
    assert (await ws.person("dora").click(card, "Approve")).ok
    for name in ("gus", "olga"):
        with pytest.raises(CannotSee):
            await ws.person(name).click(card, "Approve")
        ws.channel("#alerts").invite(name)
        assert (await ws.person(name).click(card, "Approve")).ok
    assert "T0TIDEWATER" in ws.channel("#alerts").state.shared_with


async def test_an_outsiders_submission_turns_the_teams_around(
    ws: Workspace, app: RecordingApp, client: AsyncWebClient
) -> None:
    """In view_submission `team` and `view.team_id` are the submitter's, `app_installed_team_id` the app's."""
    olga = ws.person("olga")
    await client.views_open(trigger_id=ws.world.trigger(olga.id).id, view=MODAL)
    await olga.fill_and_submit(olga.view, {"Reason": "because"})
    told = app.told[-1]
    assert told["team"]["id"] == told["view"]["team_id"] == told["user"]["team_id"] == "T0TIDEWATER"
    assert told["view"]["app_installed_team_id"] == "T0LANTERN01"


async def test_a_confirmation_can_be_declined(ws: Workspace, app: RecordingApp, client: AsyncWebClient) -> None:
    """A button with a confirmation sends nothing when the person declines it."""
    plain = {key: {"type": "plain_text", "text": key} for key in ("title", "text", "confirm", "deny")}
    button = CARD[1]["elements"][0] | {"confirm": plain}
    await client.chat_postMessage(channel="#approvals", text="?", blocks=[{"type": "actions", "elements": [button]}])
    [card] = ws.channel("#approvals").messages
    assert not (await ws.person("maria").click(card, "Approve", confirm=False)).delivered
    assert app.told == []
    assert (await ws.person("maria").click(card, "Approve")).delivered


async def test_home_and_modal_buttons_have_no_channel(ws: Workspace, app: RecordingApp, client: AsyncWebClient) -> None:
    """A click in App Home or a modal carries the view, and neither channel, message nor response_url."""
    ana = ws.person("ana")
    await client.views_publish(user_id=ana.id, view={"type": "home", "blocks": CARD})
    await ana.click(ana.home, "Approve")
    await client.views_open(trigger_id=ws.world.trigger(ana.id).id, view=MODAL | {"blocks": CARD})
    await ana.click(ana.view, "Approve")
    for told, kind in zip(app.told, ("home", "modal"), strict=True):
        assert told["view"]["type"] == kind
        assert told["container"]["type"] == "view"
        assert not {"channel", "message", "response_url", "state"} & set(told)
    with pytest.raises(CannotSee):
        await ws.person("maria").click(ana.home, "Approve")
