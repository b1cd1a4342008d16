"""What the page is told: what the person sees, and nothing else."""

from __future__ import annotations

from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace import Workspace
from tests.page_routes.conftest import Browser
from tests.workspace.conftest import RecordingApp
from tests.workspace.test_person import CARD, MODAL

PEOPLE = ["ana", "maria", "fred", "ines", "dora", "sam", "gus", "olga"]


def card_for(*mentions: str) -> list[dict]:
    """A card that mentions these ids."""
    text = " ".join(f"<{mention}>" for mention in mentions)
    return [{"type": "section", "text": {"type": "mrkdwn", "text": text}}, *CARD]


async def test_a_person_sees_their_own_channels_only(browser: Browser) -> None:
    """Private channels of others, and whatever is said there, are in nobody else's look."""

    async def seen(person: str) -> set[str]:
        return {channel["name"] for channel in (await browser.look(person))["channels"]}

    assert {"approvers", "board"} <= await seen("maria")
    assert not {"approvers", "board"} & await seen("ana")
    assert await seen("gus") == {"general", "approvals"}
    assert await seen("olga") == {"purchasing"}


async def test_a_channel_that_one_may_not_see_cannot_be_opened(
    browser: Browser, ws: Workspace, client: AsyncWebClient
) -> None:
    """Asking for a private channel, by name or id, or for someone's direct messages shows nothing of them."""
    secret = await client.chat_postMessage(channel="#approvers", text="the secret")
    direct = await client.chat_postMessage(channel=ws.person("maria").id, text="the secret")
    for wanted in ("approvers", "#approvers", secret["channel"], direct["channel"], "@maria", "directmessage"):
        look = await browser.look("ana", wanted)
        assert look["open"] is None
        assert look["messages"] == []
        assert "the secret" not in str(look)
    assert (await browser.look("maria", "@signoff"))["messages"][0]["text"] == "the secret"


async def test_private_messages_modals_and_errors_are_the_persons_own(
    browser: Browser, ws: Workspace, app: RecordingApp, client: AsyncWebClient
) -> None:
    """An ephemeral message, an open form and a failure are shown to one person and to no other."""
    ana = ws.person("ana")
    await client.chat_postEphemeral(channel="#general", user=ana.id, text="only ana")
    await client.views_open(trigger_id=ws.world.trigger(ana.id).id, view=MODAL)
    app.answer(status=500)
    await browser.act("ana", "command", command="/agent", text="list")
    mine, hers = await browser.look("ana"), await browser.look("maria")
    assert [message["text"] for message in mine["messages"]] == ["only ana"]
    assert [view["title"] for view in mine["modals"]] == ["Reject"]
    assert mine["errors"] == [{"code": "dispatch_failed", "about": "/agent"}]
    assert (hers["messages"], hers["modals"], hers["errors"]) == ([], [], [])


async def test_a_look_holds_one_conversation_with_its_threads(browser: Browser, client: AsyncWebClient) -> None:
    """Messages of the open conversation come with their replies; those of the others do not come at all."""
    root = await client.chat_postMessage(channel="#general", text="root")
    await client.chat_postMessage(channel="#general", text="reply", thread_ts=root["ts"])
    await client.chat_postMessage(channel="#random", text="elsewhere")
    look = await browser.look("ana")
    assert [(each["text"], each["thread_ts"]) for each in look["messages"]] == [("root", None), ("reply", root["ts"])]


async def test_a_card_counts_for_those_it_calls_until_it_is_closed(
    browser: Browser, ws: Workspace, client: AsyncWebClient
) -> None:
    """Reading it takes the number from the channel; beside the person it stays while the card still asks them."""
    finance = ws.world.group_named("finance").id
    blocks = card_for(f"@{ws.person('maria').id}", f"!subteam^{finance}")
    posted = await client.chat_postMessage(channel="#approvals", text="Approve?", blocks=blocks)
    assert await browser.waiting() == {"maria": 1, "fred": 1, "ines": 1}

    async def channel() -> dict:
        return next(each for each in (await browser.look("maria"))["channels"] if each["name"] == "approvals")

    assert ((await channel())["unread"], (await channel())["for_me"]) == (1, 1)
    assert (await browser.look("maria", "approvals"))["messages"][0]["unread"] is True
    await browser.act("maria", "read", channel="#approvals", ts=posted["ts"])
    assert ((await channel())["unread"], (await channel())["for_me"]) == (0, 0)
    assert (await browser.look("maria", "approvals"))["messages"][0]["unread"] is False
    assert await browser.waiting() == {"maria": 1, "fred": 1, "ines": 1}
    await client.chat_update(channel=posted["channel"], ts=posted["ts"], text="Approved", blocks=CARD[:1])
    assert await browser.waiting() == {}


async def test_starting_something_or_having_decided_counts_for_nobody(
    browser: Browser, ws: Workspace, client: AsyncWebClient
) -> None:
    """A card counts for whom it asks: not for its starter, not for whoever voted, and its run's state for nobody."""
    ana, maria, fred = (f"@{ws.person(name).id}" for name in ("ana", "maria", "fred"))
    text = f"started by <{ana}> for <{maria}> and <{fred}>: <{fred}> approved, <{maria}> approved (withdrawn)"
    asks = [{"type": "section", "text": {"type": "mrkdwn", "text": text}}, *CARD]
    await client.chat_postMessage(channel="#approvals", text="Approve?", blocks=asks)
    cancel = {
        "type": "button",
        "action_id": "cancel",
        "style": "danger",
        "text": {"type": "plain_text", "text": "Cancel"},
    }
    status = [{"type": "section", "text": {"type": "mrkdwn", "text": f"*Waiting* for <{maria}>"}, "accessory": cancel}]
    await client.chat_postMessage(channel="#general", text="Waiting", blocks=status)
    started: list[dict] = [{"type": "text", "text": "Started "}, {"type": "user", "user_id": ana[1:]}]
    words = {"type": "rich_text_section", "elements": started}
    await client.chat_postMessage(channel="#general", text="Done", blocks=[{"type": "rich_text", "elements": [words]}])
    assert await browser.waiting() == {"maria": 1}


async def test_a_card_that_is_closed_calls_nobody_any_more(
    browser: Browser, ws: Workspace, client: AsyncWebClient
) -> None:
    """An update that mentions nobody takes the numbers away."""
    posted = await client.chat_postMessage(channel="#approvals", text="x", blocks=card_for(f"@{ws.person('maria').id}"))
    assert await browser.waiting() == {"maria": 1}
    await client.chat_update(channel=posted["channel"], ts=posted["ts"], text="Approved", blocks=CARD)
    assert await browser.waiting() == {}


async def test_replies_are_read_in_their_thread(browser: Browser, ws: Workspace, client: AsyncWebClient) -> None:
    """A reply that calls a person stays unread when only the channel was read."""
    root = await client.chat_postMessage(channel="#general", text="root")
    call = f"<@{ws.person('ana').id}>"
    reply = await client.chat_postMessage(channel="#general", text=call, thread_ts=root["ts"])
    await browser.act("ana", "read", channel="#general", ts=reply["ts"])
    assert await browser.calls("ana", "general") == 1
    await browser.act("ana", "read", channel="#general", ts=reply["ts"], thread=root["ts"])
    assert await browser.calls("ana", "general") == 0


async def test_a_mention_calls_those_who_are_there_and_waits_for_nobody(browser: Browser, ws: Workspace) -> None:
    """What one wrote oneself is read, and who is no member of a channel is not called there. The number beside a
    person counts requests only."""
    await browser.act("maria", "post", channel="#board", text="@ana and @maria and @dora")
    assert await browser.calls("dora", "board") == 1
    assert await browser.calls("maria", "board") == 0
    assert await browser.waiting() == {}


async def test_a_number_means_the_same_between_a_person_and_the_app(
    browser: Browser, ws: Workspace, client: AsyncWebClient
) -> None:
    """In direct messages, too, only what asks them something or names them counts; what is only told is unread."""
    ana = ws.person("ana")
    told = await client.chat_postMessage(channel=ana.id, text="Started", blocks=CARD[:1])
    await client.chat_postMessage(channel=ana.id, text="Which airline?", blocks=CARD, thread_ts=told["ts"])
    await client.chat_postMessage(channel=ana.id, text=f"<@{ana.id}> look here")
    look = await browser.look("ana", "@signoff")
    direct = next(each for each in look["channels"] if each["kind"] == "im")
    assert (direct["unread"], direct["for_me"]) == (2, 2)
    assert [each["calls_me"] for each in look["messages"]] == [False, True, True]
    assert await browser.waiting() == {"ana": 1}


async def test_a_request_counts_once_however_many_messages_ask_it(
    browser: Browser, ws: Workspace, client: AsyncWebClient
) -> None:
    """A card of two requests counts two; a reminder elsewhere that asks one of them counts no third."""
    maria = ws.person("maria").id

    def asking(*requests: str) -> list[dict]:
        primary = {"type": "button", "style": "primary", "text": {"type": "plain_text", "text": "Approve"}}
        elements = [primary | {"action_id": f"approve_{each}", "value": each} for each in requests]
        called = {"type": "section", "text": {"type": "mrkdwn", "text": f"<@{maria}>"}}
        return [called, {"type": "actions", "elements": elements}]

    await client.chat_postMessage(channel="#approvals", text="Two?", blocks=asking("A1", "A2"))
    await client.chat_postMessage(channel="#alerts", text="Still?", blocks=asking("A2"))
    await client.chat_postMessage(channel=maria, text="You, too?", blocks=asking("A1"))
    assert await browser.waiting() == {"maria": 2}


async def test_an_alert_calls_those_it_is_for_and_not_those_it_is_about(
    browser: Browser, ws: Workspace, client: AsyncWebClient
) -> None:
    """Whoever is asked by the request has its card; the operators have the alert."""
    managers, oncall = (f"<!subteam^{ws.world.group_named(name).id}>" for name in ("managers", "oncall"))
    words = f"`send_email` has waited for {managers}, <@{ws.person('fred').id}> since yesterday. For {oncall}"
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": words}}, *CARD]
    await client.chat_postMessage(channel="#alerts", text=f"Asked: {managers}. For {oncall}.", blocks=blocks)
    assert await browser.waiting() == {"sam": 1}


async def test_people_of_other_teams_are_offered_no_commands(browser: Browser) -> None:
    """Slack has none of the app's commands and shortcuts for them; a guest of the team has them."""
    assert (await browser.look("gus"))["app"]["commands"] != []
    app = (await browser.look("olga"))["app"]
    assert (app["commands"], app["shortcuts"]) == ([], [])


async def test_looking_changes_nothing(browser: Browser, ws: Workspace) -> None:
    """A look makes no conversation, no event and no change, so that looking never leads to more looking."""
    before = (ws.world.changes.count, set(ws.world.channels))
    await browser.look("gus", "@signoff")
    assert (ws.world.changes.count, set(ws.world.channels)) == before


async def test_an_unknown_person_is_said_to_be_unknown(browser: Browser) -> None:
    """A look for nobody is refused and names those there are."""
    status, _, text = await browser.get("/control/look?person=nobody")
    assert status == 400
    assert "ana" in text
    assert (await browser.get("/control/look"))[0] == 400


async def test_nobody_is_a_bot_or_somebody_who_left(browser: Browser) -> None:
    """The people one can be are those who can sign in."""
    assert [each["name"] for each in (await browser.look("ana"))["people"]] == PEOPLE
    for name in ("eve", "signoff", "slackbot"):
        assert (await browser.get(f"/control/look?person={name}"))[0] == 400


async def test_whoever_asks_something_is_not_called_by_their_own_question(
    browser: Browser, ws: Workspace, client: AsyncWebClient
) -> None:
    """It waits for the person who is asked, and their page knows which message does."""
    ana, maria = ({"type": "user", "user_id": ws.person(name).id} for name in ("ana", "maria"))
    said = [ana, {"type": "text", "text": ": "}, maria, {"type": "text", "text": " asks about buy before deciding:"}]
    asked = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": said}]}
    await client.chat_postMessage(channel="#general", text="Maria asks", blocks=[asked, *CARD[1:]])
    assert await browser.waiting() == {"ana": 1}
    assert [
        [each["asks_me"] for each in (await browser.look(name, "general"))["messages"]] for name in ("ana", "maria")
    ] == [[True], [False]]
