"""Mentions and direct messages: the words of `/agent`, wherever people write to the bot."""

from __future__ import annotations

import pytest

from bot.workspace import Message
from storage import runs
from storage.types import RunStatus
from tests.scenarios.effects import records
from tests.scenarios.house import House

BUY = "multi-step Buy 1 mouse for 250"


async def count(house: House) -> int:
    await house.settle()
    return len(await house.bot.runtime.db.read(runs.recent, 1000))


def bots(messages: list[Message]) -> list[Message]:
    return [one for one in messages if one.author == "signoff"]


async def test_a_mention_starts_an_agent_in_its_own_thread(house: House) -> None:
    """The run's own message and all that follows are replies to the mention; nothing is said beside it."""
    ana = house.person("ana")
    said = await ana.mention(BUY, "#purchasing")
    await house.settle()
    first, *_ = bots(said.thread)
    assert "Started the agent multi-step for @ana" in first.plain()
    assert bots(house.ws.channel("#purchasing").messages) == []
    assert [one["args"]["amount"] for one in records(house.dir, "purchases")] == [250]


async def test_a_mention_in_a_thread_is_answered_in_that_thread(house: House) -> None:
    """Not in a new one of its own."""
    root = await house.person("fred").say("We need a mouse", "#purchasing")
    await house.person("ana").mention(BUY, "#purchasing", thread=root)
    await house.settle()
    assert "Started the agent multi-step" in bots(root.thread)[0].plain()


async def test_a_direct_message_starts_an_agent_there(house: House) -> None:
    """The run lives between the bot and its starter."""
    ana = house.person("ana")
    await ana.dm(BUY)
    await house.settle()
    (run,) = await house.bot.runtime.db.read(runs.recent, 10)
    assert run.status is RunStatus.SUCCEEDED
    assert house.root(run.id).channel_id == house.ws.channel("@ana").id


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("help", "/agent NAME INPUT"),
        ("", "/agent NAME INPUT"),
        ("list", "Books a flight"),
        ("lst", "Did you mean `/agent list`?"),
        ("multi", "What should `multi-step` do?"),
        ("purchase", "For example:"),
    ],
)
async def test_words_are_answered_where_they_were_written(house: House, typed: str, said: str) -> None:
    """In the mention's thread; in the direct messages. Unknown ones with the nearest and an example."""
    ana = house.person("ana")
    mention = await ana.mention(typed, "#general")
    await house.settle()
    (reply,) = bots(mention.thread)
    assert said in reply.plain()
    if typed:
        await ana.dm(typed)
        await house.settle()
        assert said in ana.direct[-1].plain()
    assert await count(house) == 0


async def test_what_concerns_one_person_is_told_to_them_alone(house: House) -> None:
    """Runs and refusals are not for the channel to read; in direct messages they are ordinary messages."""
    ana, dora = house.person("ana"), house.person("dora")
    run = await house.start("ana", "approval", "Send email to team about the secret plan")
    for typed in ("runs", f"status {run.id}"):
        mention = await ana.mention(typed, "#general")
        await house.settle()
        assert run.id in ana.ephemerals[-1].plain()
        assert bots(mention.thread) == []
    await dora.mention(f"status {run.id}", "#general")
    await house.settle()
    assert "no such run" in dora.ephemerals[-1].plain().lower()
    await ana.dm("runs")
    await house.settle()
    assert run.id in ana.direct[-1].plain()


async def test_an_event_that_comes_again_starts_nothing_again(house: House) -> None:
    """Neither Slack's retries nor the same message under another event: one run, one reply."""
    ana = house.person("ana")
    mention = await ana.mention(BUY, "#general")
    helped = await ana.mention("help", "#general")
    events = [one for one in house.ws.deliveries if one.kind == "events_api"]
    for delivery in events:
        for event_id in (delivery.payload["event_id"], "Ev0ANOTHER1"):
            again = await house.ws.deliver("events_api", {**delivery.payload, "event_id": event_id})
            assert again.status == 200
    await house.settle()
    assert await count(house) == 1
    assert len(bots(helped.thread)) == 1
    assert len([one for one in bots(mention.thread) if "Started" in one.plain()]) == 1


@pytest.mark.parametrize("who", ["olga", "gus"])
async def test_people_who_may_not_start_are_not_answered(house: House, who: str) -> None:
    """People of another team, and guests whom the policy does not name, hear nothing and start nothing."""
    channel = "#purchasing" if who == "olga" else "#general"
    for typed in (BUY, "help", "nonsense"):
        mention = await house.person(who).mention(typed, channel)
        await house.settle()
        assert bots(mention.thread) == []
    assert house.person(who).ephemerals == []
    assert await count(house) == 0


async def test_bots_and_edits_are_not_heard(house: House) -> None:
    """What another app says, and what a person changes later, is no call."""
    ana = house.person("ana")
    await ana.mention("help", "#general")
    (delivery,) = [
        one for one in house.ws.deliveries if one.kind == "events_api" and one.payload["event"]["type"] == "app_mention"
    ]
    event = {**delivery.payload["event"], "text": f"<@{house.ws.world.app.bot_user}> {BUY}"}
    edited = {"user": ana.id, "ts": "1793610000.000000"}
    for number, change in enumerate(
        [{"bot_id": "B0OTHER"}, {"subtype": "bot_message", "user": ""}, {"edited": edited}, {"hidden": True}]
    ):
        payload = {**delivery.payload, "event_id": f"Ev{number}", "event": {**event, "ts": f"17936.{number}", **change}}
        assert (await house.ws.deliver("events_api", payload)).status == 200
    assert await count(house) == 0


async def test_being_spoken_about_is_no_call(house: House) -> None:
    """A mention in the middle of a sentence is left alone, unless one of our words follows it."""
    ana, bot = house.person("ana"), f"<@{house.ws.world.app.bot_user}>"
    passing = await ana.say(f"I think {bot} should do it", "#general")
    called = await ana.say(f"hey {bot} {BUY}", "#general")
    await house.settle()
    assert bots(passing.thread) == []
    assert bots(called.thread) != []
    assert await count(house) == 1


async def test_ordinary_talk_is_not_read(house: House) -> None:
    """Messages and replies that are no business of ours get no reply and leave no trace."""
    ana = house.person("ana")
    root = await ana.say("Lunch?", "#general")
    await house.person("fred").say("Yes", "#general", thread=root)
    await house.settle()
    assert bots(house.ws.channel("#general").everything) == []
    assert await house.audit() == []
