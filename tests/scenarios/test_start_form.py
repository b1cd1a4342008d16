"""The form that starts an agent: from `/agent`, a shortcut, App Home, a message, or an earlier run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from bot.cards.ids import FieldId, ShortcutId
from bot.workspace import Message, Person, View
from storage import runs
from storage.types import RunStatus
from tests.scenarios.agents import MANAGERS, asking
from tests.scenarios.effects import records
from tests.scenarios.house import House, open_house


class Order(TypedDict):
    """What the clerk takes."""

    item: str
    note: str
    count: int
    urgent: bool
    result: str


FORM = {
    "type": "object",
    "properties": {
        "item": {"enum": ["chair", "table"], "title": "What"},
        "note": {"type": "string", "title": "Why", "contentMediaType": "text/plain"},
        "count": {"type": "integer", "minimum": 1, "title": "How many"},
        "urgent": {"type": "boolean", "title": "Urgent"},
        "day": {"type": "string", "format": "date", "title": "By when"},
        "tags": {"type": "array", "items": {"type": "string"}, "title": "Tags"},
    },
    "required": ["item", "count"],
}


class Clerk:
    """An agent with a form; its result is what it was given."""

    description = "Orders things."
    example = ""
    form = FORM

    def __init__(self) -> None:
        built = StateGraph(Order)
        built.add_node("tell", lambda state: {"result": repr({k: v for k, v in state.items() if k != "result"})})
        built.add_edge(START, "tell")
        self.graph = built.compile(name="clerk")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[House]:
    """A house with an agent that has a form and two that take a text."""
    policy = f'{MANAGERS}\n[[agent]]\nname = "private"\nstarters = ["usergroup:directors"]\n'
    agents = {"clerk": Clerk(), "asker": asking(a="What?"), "private": asking(a="Who?")}
    async with open_house(tmp_path, policy=policy, agents=agents) as house:
        yield house


async def form_of(house: House, who: str = "ana", channel: str = "#general") -> tuple[Person, View]:
    """The form that `/agent` opens."""
    person = house.person(who)
    answer = await person.command("/agent", "", channel=channel)
    assert answer.status == 200
    assert answer.text == ""
    assert answer.view is not None
    return person, answer.view


async def choose(person: Person, view: View, agent: str) -> View:
    """The form after an agent was chosen."""
    await person.choose(view, "Agent", agent)
    assert person.view is not None
    return person.view


async def all_runs(house: House) -> list[Any]:
    await house.settle()
    found = await house.bot.runtime.db.read(runs.recent, 1000)
    return [await house.run(run.id) for run in found]


def labels(view: View) -> list[str]:
    return [field.label for field in view.fields]


def options(view: View) -> list[str]:
    return [option["value"] for option in view.fields[0].element["options"]]


async def test_a_filled_form_starts_one_run_with_what_was_filled_in(shop: House) -> None:
    """Each field reaches the agent as its own kind of value; the form closes, and the run lives in the channel."""
    ana, view = await form_of(shop)
    view = await choose(ana, view, "clerk")
    assert labels(view) == ["Agent", "What", "Why", "How many", "Urgent", "By when", "Tags"]
    filled = {"What": "table", "Why": "a\n*b* <c>", "How many": "3", "Urgent": "No", "By when": "2026-12-01"}
    sent = await ana.fill_and_submit(view, {**filled, "Tags": '["x", "y"]'})
    assert sent.closed, sent.errors
    assert ana.modals == []
    (run,) = await all_runs(shop)
    expected = {"item": "table", "note": "a\n*b* <c>", "count": 3, "urgent": False, "day": "2026-12-01"}
    assert run.input == {**expected, "tags": ["x", "y"]}
    assert shop.root(run.id).channel == "#general"
    shown = "What: table · Why: a *b* <c> · How many: 3 · Urgent: No · By when: 2026-12-01"
    assert shown in shop.root(run.id).plain(), "and its message says so, by the labels of the form"
    await ana.open_home()
    await shop.settle()
    assert f"clerk: {shown}" in ana.home.plain()  # type: ignore[union-attr]


async def test_a_text_agent_has_one_field_and_gets_its_text(shop: House) -> None:
    """What is typed there is the run's input, as after `/agent NAME`."""
    ana, view = await form_of(shop)
    view = await choose(ana, view, "asker")
    sent = await ana.fill_and_submit(view, {"What should it do?": "count & <see>"})
    assert sent.closed
    (run,) = await all_runs(shop)
    assert (run.agent, run.input) == ("asker", "count & <see>")


async def test_only_agents_that_a_person_may_start_are_offered(shop: House) -> None:
    """The select holds what the policy lets them start; who may start nothing is told so."""
    _, view = await form_of(shop, "ana")
    assert options(view) == ["asker", "clerk"]
    _, view = await form_of(shop, "dora")
    assert options(view) == ["asker", "clerk", "private"]
    _, view = await form_of(shop, "gus")
    assert "may not start" in view.plain()
    assert view.submit_label is None


async def test_faults_stand_on_their_fields_and_nothing_starts(shop: House) -> None:
    """What the schema refuses is told where it was typed, and the form stays open."""
    ana, view = await form_of(shop)
    view = await choose(ana, view, "clerk")
    sent = await ana.fill_and_submit(view, {"What": "chair", "How many": "2", "Tags": "[1]"})
    assert not sent.closed
    (said,) = sent.errors.values()
    assert "not of type 'string'" in said
    sent = await ana.fill_and_submit(view, {"Tags": "[oops"})
    assert "This is not JSON" in next(iter(sent.errors.values()))
    assert await all_runs(shop) == []


async def test_submitting_twice_starts_one_run(shop: House) -> None:
    """A submission that Slack delivers again, or that a person sends twice, is the same run."""
    ana, view = await form_of(shop)
    view = await choose(ana, view, "asker")
    await ana.fill_and_submit(view, {"What should it do?": "go"})
    delivery = shop.ws.deliveries[-1]
    assert delivery.payload["type"] == "view_submission"
    for _ in range(2):
        assert (await shop.ws.deliver("interactive", delivery.payload)).status == 200
    assert len(await all_runs(shop)) == 1


async def test_a_form_is_no_right_to_start(shop: House) -> None:
    """Whoever lost the right while the form was open is refused, and the form says so."""
    dora, view = await form_of(shop, "dora")
    view = await choose(dora, view, "private")
    (directors,) = [group for group in shop.ws.world.groups.values() if group.handle == "directors"]
    directors.users.clear()
    shop.clock.advance(timedelta(minutes=1))
    await dora.fill_and_submit(view, {"What should it do?": "go"})
    assert dora.view is not None
    assert "may not start this agent" in dora.view.plain()
    assert await all_runs(shop) == []
    assert len(await shop.audit("start.refused")) == 1


async def test_choosing_another_agent_redraws_the_fields(shop: House) -> None:
    """The fields are always those of the agent that is chosen, also if the form is sent before they were redrawn."""
    ana, view = await form_of(shop)
    view = await choose(ana, view, "clerk")
    view = await choose(ana, view, "asker")
    assert labels(view) == ["Agent", "What should it do?"]
    ana.fill(view, {"Agent": "clerk", "What should it do?": "text"})
    sent = await ana.submit(view)
    assert not sent.closed
    assert ana.view is not None
    assert "How many" in labels(ana.view)
    assert await all_runs(shop) == []


async def test_the_shortcut_opens_the_form_and_the_run_lives_in_direct_messages(shop: House) -> None:
    """Started from nowhere in particular, a run's messages go to its starter."""
    ana = shop.person("ana")
    opened = await ana.shortcut(ShortcutId.START.value)
    assert opened.view is not None
    view = await choose(ana, opened.view, "asker")
    await ana.fill_and_submit(view, {"What should it do?": "go"})
    (run,) = await all_runs(shop)
    assert shop.root(run.id).channel_id == shop.ws.channel("@ana").id


def own_message(house: House, run_id: str) -> Message:
    """The run's own message, wherever it stands."""
    (found,) = [one for one in house.messages() if f"run {run_id}" in one.plain()]
    return found


async def test_a_message_is_asked_about_in_its_own_thread(shop: House) -> None:
    """The shortcut fills in the message's text as it was typed, and everything of the run is in that thread."""
    fred, ana = shop.person("fred"), shop.person("ana")
    message = await fred.say("Chairs & <tables> https://shop.example/x?a=1&b=2 *now*", "#general")
    opened = await ana.message_shortcut(ShortcutId.ASK.value, message)
    assert opened.view is not None
    view = await choose(ana, opened.view, "asker")
    text = "Chairs & <tables> https://shop.example/x?a=1&b=2 *now*"
    assert view.entered("What should it do?") == text
    assert (await ana.submit(view)).closed
    (run,) = await all_runs(shop)
    assert run.input == text
    assert own_message(shop, run.id).thread_ts == message.ts
    card = shop.card("Answer needed: What?", "Answer")
    assert card.thread_ts == message.ts
    await ana.click(card, "Answer")
    assert ana.view is not None
    await ana.fill_and_submit(ana.view, {"Answer": "this"})
    await shop.settle()
    assert (await shop.run(run.id)).status is RunStatus.SUCCEEDED
    assert {one.thread_ts for one in message.thread} == {message.ts}


async def test_the_text_of_a_message_goes_into_the_form_of_the_agent_that_is_chosen(shop: House) -> None:
    """Its first text of several lines gets it, whichever agents were looked at before."""
    ana = shop.person("ana")
    message = await ana.say("three chairs", "#general")
    opened = await ana.message_shortcut(ShortcutId.ASK.value, message)
    assert opened.view is not None
    view = await choose(ana, await choose(ana, opened.view, "asker"), "clerk")
    assert view.entered("Why") == "three chairs"


@pytest.mark.parametrize("text", ["x" * 12_000, '\\"\n' * 4_000, "🙂ü" * 4_000])
async def test_a_long_message_still_opens_the_form(shop: House, text: str) -> None:
    """What does not fit is left out, never the form."""
    ana = shop.person("ana")
    message = await ana.say(text, "#general")
    opened = await ana.message_shortcut(ShortcutId.ASK.value, message)
    assert opened.view is not None
    view = await choose(ana, opened.view, "asker")
    entered = view.entered("What should it do?")
    assert len(entered) > 1_000
    assert text.startswith(entered)
    assert (await ana.submit(view)).closed


async def test_a_message_where_the_bot_is_not_is_asked_about_in_direct_messages(shop: House) -> None:
    """Nothing is posted where the bot may not; the run's own message is the starter's."""
    dora = shop.person("dora")
    message = await dora.say("Sell the company?", "#board")
    opened = await dora.message_shortcut(ShortcutId.ASK.value, message)
    assert opened.view is not None
    view = await choose(dora, opened.view, "asker")
    await dora.submit(view)
    (run,) = await all_runs(shop)
    assert shop.root(run.id).channel_id == shop.ws.channel("@dora").id
    assert message.thread == []
    assert f"/archives/{message.channel_id}/p{message.ts.replace('.', '')}" in str(shop.root(run.id).blocks)


async def test_a_run_is_started_again_with_changes(shop: House) -> None:
    """Its button opens the form with what it was started with; what was changed is what the new run gets."""
    ana, view = await form_of(shop)
    view = await choose(ana, view, "clerk")
    await ana.fill_and_submit(view, {"What": "chair", "How many": "2", "Why": "guests"})
    (first,) = await all_runs(shop)
    await ana.click(shop.root(first.id), "Start again with changes")
    assert ana.view is not None
    assert [ana.view.entered(name) for name in ("What", "How many", "Why")] == ["chair", "2", "guests"]
    assert (await ana.fill_and_submit(ana.view, {"How many": "4"})).closed
    inputs = [run.input["count"] for run in await all_runs(shop)]
    assert sorted(inputs) == [2, 4]


async def test_a_text_is_started_again_as_a_text(shop: House) -> None:
    """Also for an agent that has a form, if it was given a text."""
    first = await shop.start("ana", "clerk", "two chairs, please")
    assert first.status is RunStatus.FAILED
    ana = shop.person("ana")
    await ana.click(shop.root(first.id), "Start again with changes")
    assert ana.view is not None
    assert ana.view.entered("What should it do?") == "two chairs, please"


async def test_only_its_starter_starts_a_run_again(shop: House) -> None:
    """Others see nothing of what it was given."""
    first = await shop.start("ana", "clerk", "a secret")
    fred = shop.person("fred")
    await fred.click(shop.root(first.id), "Start again with changes")
    assert fred.view is not None
    assert "only the person who started a run" in fred.view.plain().lower()
    assert "secret" not in fred.view.plain()


async def test_a_single_agent_is_chosen_already(tmp_path: Path) -> None:
    """Where there is nothing to choose, the fields are there at once."""
    async with open_house(tmp_path, policy=MANAGERS, agents={"asker": asking(a="What?")}) as house:
        _, view = await form_of(house)
        assert labels(view) == ["Agent", "What should it do?"]
        assert view.entered(FieldId.AGENT.value) == "asker"


@pytest.mark.parametrize("count", [100, 101, 450])
async def test_any_number_of_agents_fits_the_form(tmp_path: Path, count: int) -> None:
    """Past a hundred they stand in groups; those that no view holds are counted."""
    graph = asking(a="?")
    agents = {f"agent-{number:04} {'<@U1> *x*' * 10}": graph for number in range(count)}
    async with open_house(tmp_path, policy=MANAGERS, agents=agents) as house:
        ana, view = await form_of(house)
        assert ("more: start them" in view.plain()) is (count > 400)
        last = sorted(agents)[min(count, 400) - 1]
        view = await choose(ana, view, last)
        await ana.fill_and_submit(view, {"What should it do?": "go"})
        (run,) = await all_runs(house)
        assert run.agent == last


async def test_where_no_form_can_be_opened_the_words_are_told(house: House) -> None:
    """A trigger that died on the way leaves its person with the list of commands."""
    ana = house.person("ana")
    await ana.command("/agent", "list")
    stale = {**house.ws.deliveries[-1].payload, "text": "", "trigger_id": "dead"}
    reply = await house.ws.deliver("slash_commands", stale)
    assert "/agent NAME INPUT" in reply.text


async def test_a_demo_agent_does_what_was_filled_in(house: House) -> None:
    """The purchase of the form is the purchase that is made."""
    ana, view = await form_of(house)
    view = await choose(ana, view, "multi-step")
    filled = {"What": "mouse", "How many": "2", "Total price in US dollars": "250"}
    assert (await ana.fill_and_submit(view, filled)).closed
    (run,) = await all_runs(house)
    assert run.status is RunStatus.SUCCEEDED
    (bought,) = records(house.dir, "purchases")
    assert bought["args"] == {"item": "mouse", "quantity": 2, "amount": 250}
