"""The Web API answers as Slack's does, seen through Slack's own client."""

from __future__ import annotations

import json
from datetime import timedelta

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from agent_runtime.clock import MovableClock
from bot.workspace import Workspace
from tests.workspace.test_person import MODAL

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*Send* <@U0MARIA0001> a & b"}}
RICH = {
    "type": "rich_text",
    "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "a <b> & c"}]}],
}


def raw(client: AsyncWebClient, method: str, **args):
    """A call without the client's own warnings about its arguments."""
    return client.api_call(method, json=args)


async def refused(awaitable) -> dict:
    """The answer of a call that Slack refuses."""
    with pytest.raises(SlackApiError) as caught:
        await awaitable
    return dict(caught.value.response.data)


async def test_auth_test_tells_who_the_token_is(ws: Workspace, client: AsyncWebClient) -> None:
    """auth.test names the bot and carries the token's scopes in a header."""
    answer = await client.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == ("U0SIGNOFF01", "B0SIGNOFF01", "T0LANTERN01")
    assert answer["url"].endswith("/")
    assert answer.headers["x-oauth-scopes"] == ",".join(sorted(ws.world.app.scopes))


async def test_checks_come_in_slacks_order(ws: Workspace, client: AsyncWebClient) -> None:
    """Unknown method, then token, then scope, then arguments, then the thing itself."""
    other = AsyncWebClient("xoxb-wrong", base_url=ws.api_url, retry_handlers=[])
    assert await refused(other.api_call("chat.shout")) == {
        "ok": False,
        "error": "unknown_method",
        "req_method": "chat.shout",
    }
    assert (await refused(raw(other, "chat.postMessage", channel="C0NOPE00001", blocks="x")))["error"] == "invalid_auth"
    assert (await refused(AsyncWebClient(None, base_url=ws.api_url).auth_test()))["error"] == "not_authed"
    ws.world.app.scopes.discard("chat:write")
    answer = await refused(raw(client, "chat.postMessage", channel="C0NOPE00001", text=""))
    assert answer["error"] == "missing_scope"
    assert answer["needed"] == "chat:write"
    assert answer["provided"] == ",".join(sorted(ws.world.app.scopes))
    ws.world.app.scopes.add("chat:write")
    assert (await refused(raw(client, "chat.postMessage", channel="C0NOPE00001", text="")))["error"] == "no_text"
    assert (await refused(client.chat_postMessage(channel="C0NOPE00001", text="x")))["error"] == "channel_not_found"
    ws.world.app.revoked = "token_revoked"
    assert (await refused(client.auth_test()))["error"] == "token_revoked"


async def test_an_unseen_private_channel_does_not_exist(ws: Workspace, client: AsyncWebClient) -> None:
    """The visibility of a private channel is judged before the scope that would read it."""
    ws.world.app.scopes -= {"groups:read"}
    board, approvers = ws.channel("#board"), ws.channel("#approvers")
    assert (await refused(client.conversations_info(channel=board.id)))["error"] == "channel_not_found"
    assert (await refused(client.conversations_info(channel=approvers.id)))["needed"] == "groups:read"
    assert (await refused(client.chat_postMessage(channel=board.id, text="x")))["error"] == "channel_not_found"


async def test_where_the_bot_may_post(ws: Workspace, client: AsyncWebClient) -> None:
    """Public channels need membership or chat:write.public; ephemerals need membership; archived ones take nothing."""
    random = ws.channel("#random")
    assert (await client.chat_postMessage(channel="#random", text="x"))["channel"] == random.id
    eph = client.chat_postEphemeral(channel=random.id, user=ws.person("ana").id, text="x")
    assert (await refused(eph))["error"] == "not_in_channel"
    ws.world.app.scopes.discard("chat:write.public")
    assert (await refused(client.chat_postMessage(channel="#random", text="x")))["error"] == "not_in_channel"
    await client.conversations_join(channel=random.id)
    await client.chat_postMessage(channel=random.id, text="x")
    eph = client.chat_postEphemeral(channel=random.id, user=ws.person("gus").id, text="x")
    assert (await refused(eph))["error"] == "user_not_in_channel"
    posted = await client.chat_postMessage(channel=random.id, text="later archived")
    random.archive()
    assert (await refused(client.chat_postMessage(channel=random.id, text="x")))["error"] == "is_archived"
    update = client.chat_update(channel=random.id, ts=posted["ts"], text="y")
    assert (await refused(update))["error"] == "is_inactive"


async def test_a_user_id_means_their_direct_message(ws: Workspace, client: AsyncWebClient) -> None:
    """Posting to U... answers the D... id, always the same one; deactivated people cannot be reached."""
    ana = ws.person("ana")
    posted = await client.chat_postMessage(channel=ana.id, text="hello")
    opened = await client.conversations_open(users=ana.id)
    assert posted["channel"] == opened["channel"]["id"]
    assert opened["already_open"] is True
    assert [m.plain() for m in ana.direct] == ["hello"]
    assert (await refused(client.chat_postMessage(channel="U0EVE000001", text="x")))["error"] == "channel_not_found"
    assert (await refused(client.conversations_open(users="U0EVE000001")))["error"] == "user_disabled"
    assert (await refused(client.conversations_open(users="U0NOBODY001")))["error"] == "user_not_found"
    assert (await refused(client.chat_update(channel=ana.id, ts=posted["ts"], text="y")))[
        "error"
    ] == "channel_not_found"


async def test_blocks_come_back_completed(ws: Workspace, client: AsyncWebClient) -> None:
    """Slack adds ids and defaults, escapes stray characters, and builds a fallback where none was given."""
    posted = (await raw(client, "chat.postMessage", channel="#approvals", blocks=[SECTION], text=""))["message"]
    [block] = posted["blocks"]
    assert 3 <= len(block["block_id"]) <= 5
    assert block["text"] == {"type": "mrkdwn", "text": "*Send* <@U0MARIA0001> a &amp; b", "verbatim": False}
    assert posted["text"] == "*Send* @maria a &amp; b"
    assert "subtype" not in posted
    assert posted["bot_profile"]["user_id"] == posted["user"] == "U0SIGNOFF01"
    absent = (await raw(client, "chat.postMessage", channel="#approvals", blocks=[SECTION]))["message"]
    assert absent["text"] == "This content can't be displayed."


async def test_text_alone_becomes_rich_text(ws: Workspace, client: AsyncWebClient) -> None:
    """A message with only text gets one rich_text block with typed mentions and links."""
    text = "Hi <@U0ANA00001> see <https://example.com|this> :tada: #general @here"
    [block] = (await client.chat_postMessage(channel="#approvals", text=text))["message"]["blocks"]
    kinds = [e["type"] for e in block["elements"][0]["elements"]]
    assert kinds == ["text", "user", "text", "link", "text", "emoji", "text"]
    live = await client.chat_postMessage(channel="#approvals", text="#general @here", link_names=True)
    assert live["message"]["text"] == f"<#{ws.channel('#general').id}> <!here>"


async def test_mrkdwn_that_is_not_verbatim_is_parsed(ws: Workspace, client: AsyncWebClient) -> None:
    """In a section, `@here` of somebody else's text becomes a live mention unless verbatim is set."""
    loose = {"type": "section", "text": {"type": "mrkdwn", "text": "@here"}}
    tight = {"type": "section", "text": {"type": "mrkdwn", "text": "@here", "verbatim": True}}
    await client.chat_postMessage(channel="#approvals", text="x", blocks=[loose])
    await client.chat_postMessage(channel="#approvals", text="x", blocks=[tight])
    first, second = ws.channel("#approvals").messages
    assert (first.mentions, second.mentions) == ({"@here"}, set())


async def test_invalid_blocks_are_explained_twice(client: AsyncWebClient) -> None:
    """chat.* answers invalid_blocks with plain errors and, prefixed, in response_metadata."""
    answer = await refused(client.chat_postMessage(channel="#approvals", text="x", blocks=[{"type": "foo"}]))
    assert answer["error"] == "invalid_blocks"
    assert answer["errors"] == ["unsupported type: foo [json-pointer:/blocks/0/type]"]
    assert answer["response_metadata"]["messages"] == ["[ERROR] unsupported type: foo [json-pointer:/blocks/0/type]"]
    answer = await refused(client.chat_postMessage(channel="#approvals", text="x", blocks="{"))
    assert answer["error"] == "invalid_blocks_format"


async def test_update_merges_as_documented(ws: Workspace, client: AsyncWebClient, clock: MovableClock) -> None:
    """Text alone drops blocks and marks the edit; blocks alone keep the text; metadata stays until `{}`."""
    meta = {"event_type": "card", "event_payload": {"id": "1"}}
    posted = await client.chat_postMessage(channel="#approvals", text="a", blocks=[SECTION], metadata=meta)
    channel, ts = posted["channel"], posted["ts"]
    updated = await raw(client, "chat.update", channel=channel, ts=ts, blocks=[SECTION, {"type": "divider"}])
    assert updated["text"] == "a"
    assert "edited" not in updated["message"]
    assert updated["message"]["metadata"] == meta
    updated = await client.chat_update(channel=channel, ts=ts, text="b")
    assert [b["type"] for b in updated["message"]["blocks"]] == ["rich_text"]
    assert updated["message"]["edited"]["ts"].endswith(".000000")
    updated = await client.chat_update(channel=channel, ts=ts, text="c", metadata={})
    assert "metadata" not in updated["message"]
    assert (await refused(client.chat_update(channel=channel, ts=ts, text="x" * 4001)))["error"] == "msg_too_long"
    long = await client.chat_postMessage(channel=channel, text="x" * 40_001)
    assert len(long["message"]["text"]) == 40_000


async def test_rich_text_cannot_be_swapped_away(client: AsyncWebClient) -> None:
    """An update that replaces rich text by other blocks is a block_mismatch."""
    posted = await client.chat_postMessage(channel="#approvals", text="a", blocks=[RICH])
    where = {"channel": posted["channel"], "ts": posted["ts"]}
    assert (await refused(client.chat_update(**where, text="a", blocks=[SECTION])))["error"] == "block_mismatch"
    await client.chat_update(**where, text="a", blocks=[SECTION, RICH])


async def test_only_own_messages_can_be_changed(ws: Workspace, client: AsyncWebClient) -> None:
    """A person's message can be neither updated nor deleted; a missing one is message_not_found."""
    said = await ws.person("ana").say("mine", "#approvals")
    where = {"channel": said.channel_id, "ts": said.ts}
    assert (await refused(client.chat_update(**where, text="x")))["error"] == "cant_update_message"
    assert (await refused(client.chat_delete(**where)))["error"] == "cant_delete_message"
    gone = {"channel": said.channel_id, "ts": "1700000000.000000"}
    assert (await refused(client.chat_update(**gone, text="x")))["error"] == "message_not_found"
    own = await client.chat_postMessage(channel=said.channel_id, text="own")
    await client.chat_delete(channel=said.channel_id, ts=own["ts"])
    assert [m.author for m in ws.channel("#approvals").messages] == ["ana"]


async def test_history_hides_threads_and_metadata(ws: Workspace, client: AsyncWebClient) -> None:
    """History is newest first without replies; metadata is whole only with include_all_metadata."""
    meta = {"event_type": "card", "event_payload": {"id": "1"}}
    root = await client.chat_postMessage(channel="#approvals", text="root", metadata=meta)
    reply = await client.chat_postMessage(channel="#approvals", text="reply", thread_ts=root["ts"])
    assert reply["message"]["thread_ts"] == root["ts"]
    await client.chat_postMessage(channel="#approvals", text="next")
    plain = await client.conversations_history(channel=root["channel"])
    assert [m["text"] for m in plain["messages"]] == ["next", "root"]
    assert plain["messages"][1]["metadata"] == {"event_type": "card"}
    assert plain["messages"][1]["reply_count"] == 1
    full = await client.conversations_history(
        channel=root["channel"],
        oldest=root["ts"],
        inclusive=True,
        limit=1,
        latest=root["ts"],
        include_all_metadata=True,
    )
    assert full["messages"][0]["metadata"] == meta
    thread = await client.conversations_replies(channel=root["channel"], ts=reply["ts"])
    assert [m["text"] for m in thread["messages"]] == ["root", "reply"]
    random = ws.channel("#random").id
    assert (await refused(client.conversations_history(channel=random)))["error"] == "not_in_channel"
    assert (await refused(client.conversations_replies(channel=random, ts="1.0")))["error"] == "channel_not_found"


async def test_lists_come_in_pages(ws: Workspace, client: AsyncWebClient) -> None:
    """Following the cursor yields everything once, even where pages are shorter than the limit."""
    ws.world.page_size = 2
    seen = []
    async for page in await client.conversations_members(channel=ws.channel("#approvals").id, limit=100):
        assert len(page["members"]) <= 2
        seen += page["members"]
    assert sorted(seen) == sorted(ws.channel("#approvals").state.members)
    answer = await refused(client.conversations_members(channel=ws.channel("#approvals").id, cursor="bm9wZQ=="))
    assert answer["error"] == "invalid_cursor"


async def test_who_is_who(ws: Workspace, client: AsyncWebClient) -> None:
    """Users tell deleted, guest and foreign; e-mail needs its scope; user groups list their members."""
    assert (await client.users_info(user="U0EVE000001"))["user"]["deleted"] is True
    assert (await client.users_info(user="U0GUS000001"))["user"]["is_restricted"] is True
    assert (await client.users_info(user="U0OLGA00001"))["user"]["team_id"] == "T0TIDEWATER"
    by_email = await client.users_lookupByEmail(email="ana@lanternworks.example")
    assert by_email["user"]["name"] == "ana"
    gone = client.users_lookupByEmail(email="eve@lanternworks.example")
    assert (await refused(gone))["error"] == "users_not_found"
    assert (await refused(client.users_info(user="U0NOBODY001")))["error"] == "user_not_found"
    groups = (await client.usergroups_list(include_users=True))["usergroups"]
    assert {g["handle"] for g in groups} == {"staff", "managers", "finance", "directors", "oncall"}
    finance = ws.world.group_named("finance")
    assert (await client.usergroups_users_list(usergroup=finance.id))["users"] == finance.users
    assert (await refused(client.usergroups_users_list(usergroup="S0NOPE00001")))["error"] == "no_such_subteam"
    ws.world.app.scopes.discard("users:read.email")
    assert "email" not in (await client.users_info(user="U0ANA000001"))["user"]["profile"]


async def test_arguments_come_in_any_encoding(ws: Workspace) -> None:
    """Query, form and JSON are merged; a token counts in the header and the form, never in query or JSON."""
    good = {"Authorization": f"Bearer {ws.bot_token}"}
    url = ws.api_url + "chat.postMessage"
    blocks = json.dumps([SECTION])
    async with aiohttp.ClientSession() as session:

        async def post(**kwargs) -> dict:
            async with session.post(kwargs.pop("url", url), **kwargs) as answer:
                return await answer.json()

        assert (await post(data={"channel": "#approvals", "blocks": blocks, "token": ws.bot_token}))["ok"]
        assert (await post(params={"channel": "#approvals", "text": "{[1]}"}, headers=good))["message"][
            "text"
        ] == "{[1]}"
        answer = await post(json={"channel": "#approvals", "text": "x", "token": ws.bot_token})
        assert answer["error"] == "not_authed"
        assert answer["warning"] == "missing_charset"
        assert (await post(data="[1]", headers=good | {"Content-Type": "application/json"}))[
            "error"
        ] == "json_not_object"
        assert (await post(data="{", headers=good | {"Content-Type": "application/json"}))["error"] == "invalid_json"
        async with session.get(ws.api_url + "users.info?user=U0ANA000001", headers=good) as response:
            assert (await response.json())["user"]["name"] == "ana"


async def test_views_trust_triggers_once_and_briefly(
    ws: Workspace, client: AsyncWebClient, clock: MovableClock
) -> None:
    """A trigger opens one view within three seconds; anything else is refused by name."""
    ana = ws.person("ana")
    trigger = ws.world.trigger(ana.id).id
    opened = await client.views_open(trigger_id=trigger, view=MODAL)
    assert opened["view"]["root_view_id"] == opened["view"]["id"]
    assert (await refused(client.views_open(trigger_id=trigger, view=MODAL)))["error"] == "exchanged_trigger_id"
    late = ws.world.trigger(ana.id).id
    clock.advance(timedelta(seconds=4))
    assert (await refused(client.views_open(trigger_id=late, view=MODAL)))["error"] == "expired_trigger_id"
    assert (await refused(client.views_open(trigger_id="x", view=MODAL)))["error"] == "invalid_trigger_id"
    inside = [ws.world.trigger(ana.id, opened["view"]["id"]).id for _ in range(3)]
    await client.views_push(trigger_id=inside[0], view=MODAL)
    await client.views_push(trigger_id=inside[1], view=MODAL)
    assert (await refused(client.views_push(trigger_id=inside[2], view=MODAL)))["error"] == "push_limit_reached"


async def test_view_updates_keep_what_was_typed_and_check_the_hash(ws: Workspace, client: AsyncWebClient) -> None:
    """Inputs survive an update with the same ids; a stale hash is a conflict; a bad view is invalid_arguments."""
    ana = ws.person("ana")
    opened = (await client.views_open(trigger_id=ws.world.trigger(ana.id).id, view=MODAL))["view"]
    ana.fill(ana.view, {"Reason": "half typed"})
    updated = (await client.views_update(view_id=opened["id"], view=MODAL, hash=opened["hash"]))["view"]
    assert updated["id"] == opened["id"]
    assert updated["hash"] != opened["hash"]
    assert ana.view.entered("Reason") == "half typed"
    stale = client.views_update(view_id=opened["id"], view=MODAL, hash=opened["hash"])
    assert (await refused(stale))["error"] == "hash_conflict"
    no_submit = {k: v for k, v in MODAL.items() if k != "submit"}
    answer = await refused(client.views_update(view_id=opened["id"], view=no_submit))
    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must define `submit` to use an `input` block in modals [json-pointer:/view/blocks/0/input]"
    ]
    assert (await refused(client.views_update(view_id="V0NOPE00001", view=MODAL)))["error"] == "not_found"


async def test_home_keeps_its_id(ws: Workspace, client: AsyncWebClient) -> None:
    """Publishing again changes the hash, not the view."""
    home = {"type": "home", "blocks": [SECTION]}
    first = (await client.views_publish(user_id=ws.person("ana").id, view=home))["view"]
    second = (await client.views_publish(user_id=ws.person("ana").id, view=home, hash=first["hash"]))["view"]
    assert second["id"] == first["id"]
    conflict = client.views_publish(user_id=ws.person("ana").id, view=home, hash=first["hash"])
    assert (await refused(conflict))["error"] == "hash_conflict"
    assert "Send" in ws.person("ana").home.plain()


async def test_a_file_goes_up_in_three_steps(ws: Workspace, client: AsyncWebClient) -> None:
    """files_upload_v2 puts a file into a thread with its comment."""
    root = await client.chat_postMessage(channel="#approvals", text="root")
    answer = await client.files_upload_v2(
        filename="result.txt",
        content="long result",
        channel=root["channel"],
        initial_comment="The whole result",
        thread_ts=root["ts"],
    )
    assert answer["file"]["name"] == "result.txt"
    [reply] = ws.channel("#approvals").messages[0].thread
    assert reply.plain() == "The whole result"
    assert ws.world.files[reply.files[0]["id"]]["content"] == b"long result"


async def test_blocks_validate_needs_no_token(ws: Workspace) -> None:
    """blocks.validate judges without a token and points relative to what was sent."""
    anonymous = AsyncWebClient(None, base_url=ws.api_url)
    assert (await anonymous.blocks_validate(blocks=[SECTION]))["ok"]
    answer = await refused(
        anonymous.blocks_validate(blocks=[{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}])
    )
    assert answer["error"] == "invalid_blocks"
    assert answer["errors"][-1]["pointer"] == "/0/text/type"


async def test_reactions_and_permalinks(ws: Workspace, client: AsyncWebClient) -> None:
    """A reaction counts once; a permalink spells the timestamp without its dot."""
    posted = await client.chat_postMessage(channel="#approvals", text="x")
    where = {"channel": posted["channel"], "timestamp": posted["ts"]}
    await client.reactions_add(name="eyes", **where)
    assert (await refused(client.reactions_add(name="eyes", **where)))["error"] == "already_reacted"
    link = await client.chat_getPermalink(channel=posted["channel"], message_ts=posted["ts"])
    assert link["permalink"].endswith(f"/archives/{posted['channel']}/p{posted['ts'].replace('.', '')}")


async def test_socket_mode_is_refused_for_now(ws: Workspace, client: AsyncWebClient) -> None:
    """apps.connections.open wants the app's token, and says that Socket Mode is off."""
    assert (await refused(client.apps_connections_open(app_token=ws.app_token)))["error"] == "link_disabled"
    assert (await refused(client.apps_connections_open(app_token=ws.bot_token)))["error"] == "not_allowed_token_type"


async def test_channels_are_listed_by_type(ws: Workspace, client: AsyncWebClient) -> None:
    """Public channels by default; private ones only where the bot is; one missing scope refuses the whole call."""
    ws.channel("#random").archive()
    public = (await client.conversations_list(exclude_archived=True))["channels"]
    assert {c["name"] for c in public} == {"general", "approvals", "purchasing", "alerts"}
    private = (await client.conversations_list(types="private_channel,im"))["channels"]
    assert [c["name"] for c in private] == ["approvers"]
    assert (await refused(client.conversations_list(types="secret")))["error"] == "invalid_types"
    assert (await refused(client.conversations_list(types="public_channel,mpim")))["needed"] == "mpim:read"
    shared = (await client.conversations_info(channel=ws.channel("#purchasing").id, include_num_members=True))[
        "channel"
    ]
    assert (shared["is_ext_shared"], shared["num_members"]) == (True, 8)


async def test_the_team_and_the_bot_describe_themselves(ws: Workspace, client: AsyncWebClient) -> None:
    """team.info and bots.info; a U id is no bot id. users.list has everyone of the team, Slackbot too."""
    assert (await client.team_info())["team"]["domain"] == "lanternworks"
    assert (await client.bots_info(bot="B0SIGNOFF01"))["bot"]["user_id"] == "U0SIGNOFF01"
    assert (await refused(client.bots_info(bot="U0SIGNOFF01")))["error"] == "bot_not_found"
    names = {u["name"] for u in (await client.users_list())["members"]}
    assert names == {"ana", "maria", "fred", "ines", "dora", "sam", "gus", "eve", "slackbot", "signoff"}


async def test_metadata_has_a_shape(client: AsyncWebClient) -> None:
    """Metadata without an event_type, or with a payload that is no object, is refused."""
    for metadata, code in [({"x": 1}, "format"), ({"event_type": "a", "event_payload": "x"}, "schema")]:
        answer = await refused(client.chat_postMessage(channel="#approvals", text="x", metadata=metadata))
        assert answer["error"] == f"invalid_metadata_{code}"


async def test_group_messages_are_opened_once(ws: Workspace, client: AsyncWebClient) -> None:
    """The same people get the same conversation; it needs mpim:write."""
    users = [ws.person("ana").id, ws.person("maria").id]
    assert (await refused(client.conversations_open(users=users)))["needed"] == "mpim:write"
    ws.world.app.scopes.add("mpim:write")
    first = await client.conversations_open(users=users)
    again = await client.conversations_open(users=users[::-1])
    assert first["channel"]["id"] == again["channel"]["id"]
    assert again["already_open"] is True
    by_id = await client.conversations_open(channel=first["channel"]["id"], return_im=True)
    assert by_id["channel"]["is_mpim"] is True
