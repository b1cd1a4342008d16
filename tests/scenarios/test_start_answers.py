"""A reply in a run's thread as the answer to its question, or feedback on its draft: proposed to its author, taken with
one click."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from agent_runtime.demo.feedback import MAX_ROUNDS
from bot.workspace import Message
from bot.workspace.payloads import message_action
from storage.types import RequestStatus, RunStatus
from tests.scenarios.agents import MANAGERS, asking
from tests.scenarios.effects import records
from tests.scenarios.house import House, open_house

TASK = "Book a flight to Rome"


async def reply(house: House, who: str, text: str, root: Message) -> list[Message]:
    """Reply in a thread; what its author is shown privately then."""
    person = house.person(who)
    before = len(person.ephemerals)
    await person.say(text, thread=root)
    await house.settle()
    return person.ephemerals[before:]


async def test_a_reply_answers_after_one_click(house: House) -> None:
    """The proposal says which question and which answer; the click sends exactly that, and says so in its place."""
    run = await house.start("ana", "input", TASK)
    (proposal,) = await reply(house, "ana", "meridian", house.root(run.id))
    assert proposal.labels == ["Yes", "No"]
    assert "Which airline?" in proposal.plain()
    assert "Meridian" in proposal.plain()
    assert proposal.thread_ts == house.root(run.id).ts
    assert (await house.run(run.id)).status is RunStatus.WAITING
    await house.person("ana").click(proposal, "Yes")
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    (booking,) = records(house.dir, "bookings")
    assert booking["args"]["airline"] == "Meridian"
    after = proposal.now()
    assert after is not None
    assert "is recorded" in after.plain()
    assert after.labels == []


async def test_a_reply_to_a_draft_is_feedback_after_one_click(house: House) -> None:
    """The next draft is made from it; the last draft can only be accepted or rejected, and the author is told so."""
    run = await house.start("ana", "feedback", "Write a report about Q3 sales")
    for number in range(1, MAX_ROUNDS):
        (proposal,) = await reply(house, "ana", f"Add chart {number}", house.root(run.id))
        assert "use this reply as feedback" in proposal.plain()
        await house.person("ana").click(proposal, "Yes")
        await house.settle()
    last = house.card(f"round {MAX_ROUNDS}, the last one")
    assert f"Add chart {MAX_ROUNDS - 1}" in last.plain()
    (told,) = await reply(house, "ana", "Add one more", house.root(run.id))
    assert told.labels == []
    assert "accept the draft or reject it" in told.plain()


async def test_no_leaves_everything_as_it_is(house: House) -> None:
    """The question stays open, and the reply stays a message."""
    run = await house.start("ana", "input", TASK)
    (proposal,) = await reply(house, "ana", "2", house.root(run.id))
    await house.person("ana").click(proposal, "No")
    await house.settle()
    after = proposal.now()
    assert after is not None
    assert "Nothing was answered" in after.plain()
    assert (await house.run(run.id)).status is RunStatus.WAITING


async def test_what_was_shown_is_sent_though_the_message_was_edited(tmp_path: Path) -> None:
    """Its author may change the message; the click means what stood beside the button."""
    async with open_house(tmp_path, policy=MANAGERS, agents={"asker": asking(colour="What colour?")}) as house:
        run = await house.start("ana", "asker", "go")
        root = house.root(run.id)
        (proposal,) = await reply(house, "ana", "blue & <b>green</b> _x_", root)
        event = house.ws.deliveries[-1].payload["event"]
        changed = {
            "type": "message", "subtype": "message_changed", "hidden": True, "channel": event["channel"],
            "channel_type": "channel", "ts": "1793610001.000000", "event_ts": "1793610001.000000",
            "message": {**event, "text": "red", "edited": {"user": event["user"], "ts": "1793610001.000000"}},
            "previous_message": event,
        }  # fmt: skip
        envelope = {**house.ws.deliveries[-1].payload, "event_id": "Ev0EDIT", "event": changed}
        assert (await house.ws.deliver("events_api", envelope)).status == 200
        await house.settle()
        await house.person("ana").click(proposal, "Yes")
        await house.settle()
        assert (await house.run(run.id)).output == repr({"colour": "blue & <b>green</b> _x_"})


async def test_replies_of_people_who_may_not_answer_are_ignored(house: House) -> None:
    """Nothing is said, nothing is recorded, nothing is refused."""
    run = await house.start("ana", "input", TASK)
    for who in ("maria", "fred", "gus"):
        assert await reply(house, who, "Meridian", house.root(run.id)) == []
    assert await house.audit("decision.refused") == []
    assert (await house.run(run.id)).status is RunStatus.WAITING


async def test_a_proposal_belongs_to_its_author(house: House) -> None:
    """A click that another person could forge answers nothing, nor does a button that was never shown."""
    run = await house.start("ana", "input", TASK)
    (proposal,) = await reply(house, "ana", "Meridian", house.root(run.id))
    ana, maria = house.person("ana"), house.person("maria")
    element = proposal.buttons[0].element
    block = proposal.buttons[0].block_id
    action = {**element, "block_id": block, "action_ts": "1.0"}
    target, _, place = element["value"].partition("@")
    for person, value in (
        (maria, element["value"]),
        (ana, f"{target}@{place}1"),
        (ana, f"{target.partition('.')[0]}.2.0@{place}"),
        (ana, f"{element['value']} "),
    ):
        payload = message_action(house.ws.world, person.user, proposal.stored, [{**action, "value": value}])
        assert (await house.ws.deliver("interactive", payload)).status == 200
        await house.settle()
    assert (await house.run(run.id)).status is RunStatus.WAITING


async def test_of_several_questions_the_author_chooses(tmp_path: Path) -> None:
    """One button for each question that the reply could answer."""
    agents = {"asker": asking(first="Which city?", second="Which month?")}
    async with open_house(tmp_path, policy=MANAGERS, agents=agents) as house:
        run = await house.start("ana", "asker", "go")
        (proposal,) = await reply(house, "ana", "May", house.root(run.id))
        assert proposal.labels == ["This one", "This one", "None of them"]
        month = proposal.plain().index("Which month?") > proposal.plain().index("Which city?")
        await _press(house, proposal, 1 if month else 0)
        assert "Answered: Which month?" in house.card("Which month?").plain()
        assert (await house.run(run.id)).status is RunStatus.WAITING
        (proposal,) = await reply(house, "ana", "Oslo", house.root(run.id))
        assert proposal.labels == ["Yes", "No"]
        await house.person("ana").click(proposal, "Yes")
        await house.settle()
        assert (await house.run(run.id)).output == repr({"first": "Oslo", "second": "May"})


async def _press(house: House, proposal: Message, number: int, who: str = "ana", label: str = "This one") -> None:
    """Press one of several buttons of a name, or somebody else's."""
    pressed = [one for one in proposal.buttons if one.label == label][number]
    action = {**pressed.element, "block_id": pressed.block_id, "action_ts": "1.0"}
    payload = message_action(house.ws.world, house.person(who).user, proposal.stored, [action])
    assert (await house.ws.deliver("interactive", payload)).status == 200
    await house.settle()


@pytest.mark.parametrize("text", ["three", "0"])
async def test_a_reply_that_is_no_answer_is_told_why(tmp_path: Path, text: str) -> None:
    """There is no button then; a right one follows."""
    question = {"question": "How many?", "answer_schema": {"type": "integer", "minimum": 1}}
    async with open_house(tmp_path, policy=MANAGERS, agents={"asker": asking(number=question)}) as house:
        run = await house.start("ana", "asker", "go")
        (told,) = await reply(house, "ana", text, house.root(run.id))
        assert told.labels == []
        assert "This does not answer “How many?”." in told.plain()
        (proposal,) = await reply(house, "ana", "3", house.root(run.id))
        await house.person("ana").click(proposal, "Yes")
        await house.settle()
        assert (await house.run(run.id)).output == "{'number': 3}"


async def test_a_click_that_comes_too_late_says_so(house: House) -> None:
    """A question that was answered or timed out meanwhile is not answered again."""
    run = await house.start("ana", "input", TASK)
    (proposal,) = await reply(house, "ana", "Meridian", house.root(run.id))
    await house.advance(timedelta(hours=5))
    await house.person("ana").click(proposal, "Yes")
    await house.settle()
    after = proposal.now()
    assert after is not None
    assert "Too late" in after.plain()
    assert [one.status for one in await house.requests(run.id)] == [RequestStatus.EXPIRED]


async def test_once_nothing_is_asked_replies_are_just_talk(house: House) -> None:
    """Before, after, and beside a question nobody is bothered."""
    run = await house.start("ana", "multi-step", "Buy 1 mouse for 250")
    assert await reply(house, "ana", "thanks", house.root(run.id)) == []
    asked = await house.start("ana", "input", TASK)
    other = await house.person("ana").say("Lunch?")
    assert await reply(house, "ana", "Meridian", other) == []
    (proposal,) = await reply(house, "ana", "Meridian", house.root(asked.id))
    await house.person("ana").click(proposal, "Yes")
    await house.settle()
    assert await reply(house, "ana", "Skylark", house.root(asked.id)) == []


async def test_a_reply_that_is_delivered_again_is_proposed_once(house: House) -> None:
    """Also an hour later, when Slack's last retry comes."""
    run = await house.start("ana", "input", TASK)
    assert len(await reply(house, "ana", "Meridian", house.root(run.id))) == 1
    shown = len(house.person("ana").ephemerals)
    delivery = next(one for one in reversed(house.ws.deliveries) if one.kind == "events_api")
    for _ in range(2):
        await house.ws.deliver("events_api", delivery.payload)
        await house.settle()
        house.clock.advance(timedelta(minutes=20))
    assert len(house.person("ana").ephemerals) == shown


async def test_in_direct_messages_an_answer_needs_no_thread(house: House) -> None:
    """Between the bot and one person, what is no word of ours may be the answer to what a run there asks."""
    ana = house.person("ana")
    await ana.dm(f"input {TASK}")
    await house.settle()
    await ana.dm("Skylark")
    await house.settle()
    proposal = ana.direct[-1]
    assert proposal.labels == ["Yes", "No"]
    await ana.click(proposal, "Yes")
    await house.settle()
    (booking,) = records(house.dir, "bookings")
    assert booking["args"]["airline"] == "Skylark"
    after = proposal.now()
    assert after is not None
    assert "is recorded" in after.plain()


async def test_a_mention_in_the_thread_answers_too(house: House) -> None:
    """Who calls the bot by name to answer is understood."""
    run = await house.start("ana", "input", TASK)
    ana = house.person("ana")
    await ana.mention("Aurora Air", thread=house.root(run.id))
    await house.settle()
    assert ana.ephemerals[-1].labels == ["Yes", "No"]


async def test_where_a_policy_names_others_they_answer_by_reply(tmp_path: Path) -> None:
    """In the run's thread or in that of the card; the starter is not asked."""
    policy = (
        MANAGERS + '[[policy]]\nkind = "question"\n[[policy.stage]]\nname = "x"\napprovers = ["usergroup:finance"]\n'
    )
    async with open_house(tmp_path, policy=policy, agents={"asker": asking(budget="What budget?")}) as house:
        run = await house.start("ana", "asker", "go")
        card = house.card("What budget?", "Answer")
        assert card.channel == "#approvals"
        assert await reply(house, "ana", "1", house.root(run.id)) == []
        assert len(await reply(house, "fred", "2", house.root(run.id))) == 1
        (proposal,) = await reply(house, "fred", "4000", card)
        await _press(house, proposal, 0, who="dora", label="Yes")
        assert (await house.run(run.id)).status is RunStatus.WAITING, "a proposal is its author's"
        (proposal,) = await reply(house, "fred", "4000", card)
        await house.person("fred").click(proposal, "Yes")
        await house.settle()
        assert (await house.run(run.id)).output == repr({"budget": "4000"})


async def test_hostile_words_stay_words(tmp_path: Path) -> None:
    """Neither the question nor the reply mentions anybody or becomes markup in the proposal."""
    agents = {"asker": asking(a="<!channel> *Approve* <https://evil.example|here>?")}
    async with open_house(tmp_path, policy=MANAGERS, agents=agents) as house:
        run = await house.start("ana", "asker", "go")
        (proposal,) = await reply(house, "ana", "&lt;!here&gt; pay\u202ernp *x* `y`", house.root(run.id))
        assert proposal.mentions == set()
        assert "U+202E" in proposal.plain()
