"""Forms: what each element holds, what a person may enter, and what Slack's own client refuses."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Person, Workspace
from bot.workspace.blockkit.entering import REQUIRED
from bot.workspace.errors import CannotSee, NotFound, WorkspaceError, WrongChoice
from tests.workspace.conftest import RecordingApp
from tests.workspace.test_block_kit import input_of, modal, option, plain

OPTIONS = [option("Red", "r"), option("Blue", "b")]
GROUPED = [{"label": plain("Warm"), "options": [option("Red", "r")]}]

ELEMENTS: list[tuple[dict[str, Any], Any, dict[str, Any], dict[str, Any]]] = [
    ({"type": "plain_text_input"}, "x", {"value": "x"}, {"value": None}),
    ({"type": "plain_text_input", "initial_value": "was"}, None, {"value": None}, {"value": "was"}),
    ({"type": "email_text_input"}, "a@b.example", {"value": "a@b.example"}, {}),
    ({"type": "url_text_input"}, "https://x.example", {"value": "https://x.example"}, {}),
    ({"type": "number_input", "is_decimal_allowed": True}, 12.5, {"value": "12.5"}, {}),
    ({"type": "static_select", "option_groups": GROUPED}, "Red", {"selected_option": "r"}, {"selected_option": None}),
    ({"type": "radio_buttons", "options": OPTIONS}, "b", {"selected_option": "b"}, {"selected_option": None}),
    (
        {"type": "checkboxes", "options": OPTIONS},
        ["Red", "b"],
        {"selected_options": ["r", "b"]},
        {"selected_options": []},
    ),
    ({"type": "multi_static_select", "options": OPTIONS}, "Red", {"selected_options": ["r"]}, {"selected_options": []}),
    ({"type": "users_select"}, "@maria", {"selected_user": "U0MARIA0001"}, {"selected_user": None}),
    (
        {"type": "multi_users_select"},
        ["maria", "fred"],
        {"selected_users": ["U0MARIA0001", "U0FRED00001"]},
        {"selected_users": []},
    ),
    ({"type": "channels_select"}, "#general", {"selected_channel": "C0GENERAL01"}, {"selected_channel": None}),
    (
        {"type": "conversations_select"},
        "#general",
        {"selected_conversation": "C0GENERAL01"},
        {"selected_conversation": None},
    ),
    ({"type": "datepicker"}, "2026-12-01", {"selected_date": "2026-12-01"}, {"selected_date": None}),
    ({"type": "timepicker", "initial_time": "09:30"}, "10:00", {"selected_time": "10:00"}, {"selected_time": "09:30"}),
    ({"type": "datetimepicker"}, 1796115600, {"selected_date_time": 1796115600}, {"selected_date_time": None}),
]

REFUSED = [
    ({"type": "plain_text_input", "max_length": 3}, "four", "at most 3"),
    ({"type": "plain_text_input", "min_length": 3}, "ab", "at least 3"),
    ({"type": "number_input", "is_decimal_allowed": False}, "1.5", "a whole number: digits"),
    ({"type": "number_input", "is_decimal_allowed": True}, "12,000", "without separators"),
    ({"type": "number_input", "is_decimal_allowed": False, "min_value": "2"}, "1", "at least 2"),
    ({"type": "number_input", "is_decimal_allowed": False, "max_value": "2"}, "3", "at most 2"),
    ({"type": "email_text_input"}, "nobody", "valid email"),
    ({"type": "url_text_input"}, "example", "valid URL"),
    ({"type": "plain_text_input"}, "", REQUIRED),
]


async def opened(ws: Workspace, client: AsyncWebClient, *blocks: dict[str, Any], **more: Any) -> Person:
    maria = ws.person("maria")
    await client.views_open(trigger_id=ws.world.trigger(maria.id).id, view=modal(*blocks, **more))
    return maria


def values_only(value: dict[str, Any]) -> dict[str, Any]:
    """A state value with options shortened to their values."""

    def short(part: Any) -> Any:
        return part["value"] if isinstance(part, dict) else part

    held = {k: [short(v) for v in part] if isinstance(part, list) else short(part) for k, part in value.items()}
    del held["type"]
    return held


@pytest.mark.parametrize(("element", "entered", "filled", "empty"), ELEMENTS)
async def test_each_element_holds_what_slack_says(
    ws: Workspace, app: RecordingApp, client: AsyncWebClient, element: dict, entered: Any, filled: dict, empty: dict
) -> None:
    """state.values has Slack's key and shape for the element, untouched and filled in."""
    maria = await opened(ws, client, input_of(element | {"action_id": "a"}, block_id="b", optional=True))
    app.answer({"response_action": "errors", "errors": {"b": "again"}})
    await maria.submit(maria.view)
    await maria.fill_and_submit(maria.view, {"Label": entered})
    before, after = (told["view"]["state"]["values"]["b"]["a"] for told in app.told)
    assert before["type"] == after["type"] == element["type"]
    assert (values_only(before), values_only(after)) == (empty, filled)


@pytest.mark.parametrize(("element", "entered", "why"), REFUSED)
async def test_slacks_client_refuses_bad_values(
    ws: Workspace, app: RecordingApp, client: AsyncWebClient, element: dict, entered: str, why: str
) -> None:
    """A value the client would not send is shown as an error and not delivered."""
    maria = await opened(ws, client, input_of(element, block_id="b"))
    answer = await maria.fill_and_submit(maria.view, {"b": entered})
    assert why in answer.errors["b"]
    assert app.told == []


async def test_what_is_not_there_cannot_be_used(ws: Workspace, app: RecordingApp, client: AsyncWebClient) -> None:
    """Unknown fields, options, people and closed modals are named in the error."""
    maria = await opened(ws, client, input_of({"type": "static_select", "options": OPTIONS}))
    view = maria.view
    with pytest.raises(NotFound, match="Label"):
        maria.fill(view, {"Colour": "Red"})
    with pytest.raises(WrongChoice, match="Blue"):
        maria.fill(view, {"Label": "Green"})
    with pytest.raises(NotFound, match="ana"):
        ws.person("zoe")
    with pytest.raises(NotFound, match="general"):
        ws.channel("#nowhere")
    await maria.close(view)
    with pytest.raises(CannotSee):
        await maria.submit(view)
    only_close = {"type": "modal", "title": plain("T"), "blocks": [{"type": "divider"}]}
    await client.views_open(trigger_id=ws.world.trigger(maria.id).id, view=only_close)
    with pytest.raises(WorkspaceError, match="no submit"):
        await maria.submit(maria.view)


async def test_an_input_can_tell_the_app_at_once(ws: Workspace, app: RecordingApp, client: AsyncWebClient) -> None:
    """With dispatch_action, a change sends block_actions with the view; without, it only stands in the view."""
    loud = input_of({"type": "plain_text_input", "action_id": "loud"}, dispatch_action=True)
    quiet = input_of({"type": "plain_text_input", "action_id": "quiet"})
    maria = await opened(ws, client, loud, quiet)
    assert not (await maria.choose(maria.view, "quiet", "x")).delivered
    assert (await maria.choose(maria.view, "loud", "y")).delivered
    told = app.told[-1]
    assert told["container"] == {"type": "view", "view_id": maria.view.id}
    assert "response_url" not in told
    assert told["actions"][0]["value"] == "y"
    assert maria.view.entered("quiet") == "x"


async def test_a_select_can_bring_a_response_url(ws: Workspace, app: RecordingApp, client: AsyncWebClient) -> None:
    """A select with response_url_enabled yields one in the submission."""
    select = {"type": "conversations_select", "action_id": "a", "response_url_enabled": True}
    maria = await opened(ws, client, input_of(select, block_id="b"))
    await maria.fill_and_submit(maria.view, {"b": "#approvals"})
    [entry] = app.told[-1]["response_urls"]
    assert entry["channel_id"] == ws.channel("#approvals").id
    assert app.told[-1]["view"]["state"]["values"]["b"]["a"]["response_url_enabled"] is True


async def test_answers_to_a_submission_update_and_clear(
    ws: Workspace, app: RecordingApp, client: AsyncWebClient
) -> None:
    """update keeps the view's id; clear closes the stack; a bad view is an error the app never hears of."""
    maria = await opened(ws, client, {"type": "divider"})
    first = maria.view
    app.answer({"response_action": "update", "view": modal({"type": "divider"}, title=plain("New"))})
    await maria.submit(first)
    assert (maria.view.id, maria.view.title) == (first.id, "New")
    app.answer({"response_action": "update", "view": modal(title=plain("Bad"))})
    assert not (await maria.submit(maria.view)).closed
    app.answer("text")
    await maria.submit(maria.view)
    assert len(ws.problems) == 2
    app.answer({"response_action": "clear"})
    assert (await maria.submit(maria.view)).closed
    assert maria.modals == []


async def test_closing_tells_only_who_asked(ws: Workspace, app: RecordingApp, client: AsyncWebClient) -> None:
    """The X clears the stack and tells the root; Cancel tells the top; without notify_on_close nobody is told."""
    block = input_of({"type": "plain_text_input", "action_id": "a"}, block_id="b")
    maria = await opened(ws, client, block, notify_on_close=True, callback_id="root")
    trigger = ws.world.trigger(maria.id, maria.view.id).id
    await client.views_push(trigger_id=trigger, view=modal(block, callback_id="top"))
    assert maria.modals[1].stored.previous_view_id == maria.modals[0].id
    answer = await maria.close(maria.view, everything=True)
    assert answer.delivered
    assert (app.told[-1]["view"]["callback_id"], app.told[-1]["is_cleared"]) == ("root", True)
    assert app.told[-1]["view"]["state"] == {"values": {}}
    await opened(ws, client, block)
    assert not (await maria.close(maria.view)).delivered
    assert maria.view is None


async def test_json_answers_to_a_command(ws: Workspace, app: RecordingApp) -> None:
    """in_channel is for all, ephemeral for one; what cannot be shown is flagged."""
    ana = ws.person("ana")
    app.answer({"response_type": "in_channel", "text": "for all"})
    assert (await ana.command("/agent", "x", channel="#approvals")).text == "for all"
    assert ws.channel("#approvals").last.plain() == "for all"
    app.answer({"text": "for one", "blocks": [{"type": "section", "text": plain("a block")}]})
    assert (await ana.command("/agent", "x")).text == "a block"
    app.answer({"response_type": "in_channel"})
    assert (await ana.command("/agent", "x")).message is None
    assert ws.problems == []
    app.answer({"text": "x", "blocks": [{"type": "foo"}]})
    await ana.command("/agent", "x")
    app.answer([1])
    await ana.command("/agent", "x")
    assert len(ws.problems) == 2


async def test_a_message_reads_as_a_person_reads_it(ws: Workspace, client: AsyncWebClient) -> None:
    """plain() shows names for ids, labels for links, options, lists and alternative texts."""
    finance = ws.world.group_named("finance").id
    rich = [
        {"type": "text", "text": "by "},
        {"type": "user", "user_id": "U0ANA000001"},
        {"type": "usergroup", "usergroup_id": finance},
        {"type": "channel", "channel_id": "C0GENERAL01"},
        {"type": "broadcast", "range": "here"},
        {"type": "link", "url": "https://x.example", "text": "link"},
        {"type": "emoji", "name": "tada"},
        {"type": "date", "timestamp": 1, "format": "{date}", "fallback": "then"},
    ]
    blocks = [
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": f"<!subteam^{finance}> <!date^1^{{date}}|when> <https://a.b|c>"},
        },
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": rich}]},
        {"type": "image", "image_url": "http://x/y", "alt_text": "a chart"},
        {
            "type": "section",
            "fields": [plain("f1"), plain("a & b")],
            "accessory": {"type": "static_select", "action_id": "s", "placeholder": plain("Pick"), "options": OPTIONS},
        },
        {"type": "table", "rows": [[{"type": "raw_text", "text": "c1"}, {"type": "raw_text", "text": "c2"}]]},
    ]
    await client.chat_postMessage(channel="#approvals", text="fallback", blocks=blocks)
    message = ws.channel("#approvals").last
    assert message.plain().splitlines() == [
        "@finance when c",
        "by @ana@finance#general@herelink:tada:then",
        "a chart",
        "f1",
        "a & b",
        "Pick",
        "Red",
        "Blue",
        "c1 | c2",
    ]
    assert message.mentions == {"@finance", "@ana", "@here"}


async def test_attachments_have_limits(ws: Workspace, client: AsyncWebClient) -> None:
    """A hundred attachments at most; their blocks are checked too; they stay until replaced."""
    posted = await client.chat_postMessage(
        channel="#approvals", text="x", attachments=[{"fallback": "f", "text": "body"}]
    )
    assert "body" in ws.channel("#approvals").last.plain()
    await client.chat_update(channel=posted["channel"], ts=posted["ts"], text="y")
    assert len(ws.channel("#approvals").last.attachments) == 1
    await client.chat_update(channel=posted["channel"], ts=posted["ts"], text="y", attachments=[])
    assert ws.channel("#approvals").last.attachments == []
    many = await client.api_call("api.test", json={"x": 1})
    assert many["args"] == {"x": 1}
    for attachments, code in [
        ([{"fallback": "f"}] * 101, "too_many_attachments"),
        ([{"blocks": [{"type": "x"}]}], "invalid_blocks"),
        ("{", "invalid_attachments"),
    ]:
        with pytest.raises(Exception, match=code):
            await client.api_call(
                "chat.postMessage", json={"channel": "#approvals", "text": "x", "attachments": attachments}
            )
