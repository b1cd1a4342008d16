"""`/agent`: starting agents, looking after runs, and being told what is wrong with what one typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.listeners.words import LONGEST_INPUT
from storage import runs
from storage.types import RunStatus
from tests.scenarios.agents import MANAGERS, asking
from tests.scenarios.effects import records
from tests.scenarios.house import House, open_house


async def say(house: House, text: str, who: str = "ana", channel: str = "#general") -> str:
    """What `/agent TEXT` answers, privately."""
    answer = await house.person(who).command("/agent", text, channel=channel)
    assert answer.status == 200
    await house.settle()
    return answer.text


async def starts(house: House, text: str, agent: str, who: str = "ana") -> bool:
    """Whether this starts one run of that agent, about which nothing but its own message is said."""
    before = await all_runs(house)
    said = await say(house, text, who)
    newest = await house.bot.runtime.db.read(runs.recent, 1_000)
    return said == "" and len(newest) == before + 1 and agent in {run.agent for run in newest}


async def all_runs(house: House) -> int:
    return len(await house.bot.runtime.db.read(runs.recent, 1000))


async def test_the_list_names_every_agent_with_an_example_that_works(house: House) -> None:
    """Each example of `/agent list`, typed as it stands, starts that agent."""
    listed = await say(house, "list")
    for name, agent in house.bot.runtime.agents.items():
        example = f"/agent {name} {agent.example}"
        assert example in listed
        assert await starts(house, example.removeprefix("/agent "), name)
    assert await all_runs(house) == len(house.bot.runtime.agents)


@pytest.mark.parametrize("text", ["help", "HELP", "  help "])
async def test_help_names_every_command(house: House, text: str) -> None:
    """Asked for help, it says all there is to type."""
    said = await say(house, text)
    for word in ("/agent list", "/agent runs", "/agent status", "/agent cancel", "/agent retry", "/agent NAME INPUT"):
        assert word in said
    assert await all_runs(house) == 0


async def test_runs_lists_ones_own_newest_first(house: House) -> None:
    """Everybody sees what they started, not what others did."""
    assert "started nothing yet" in await say(house, "runs")
    mine = await house.start("ana", "multi-step", "Buy 1 mouse for 250")
    theirs = await house.start("fred", "multi-step", "Buy 1 lamp for 90")
    said = await say(house, "runs")
    assert mine.id in said
    assert theirs.id not in said
    assert "Finished" in said


async def test_status_shows_a_run_to_those_who_may_know(house: House) -> None:
    """Its starter, an approver who is asked, and an operator see it; for others it does not exist."""
    run = await house.start("ana", "approval", "Send email to team about the secret plan")
    for who in ("ana", "maria", "sam"):
        said = await say(house, f"status {run.id}", who)
        assert "Waiting" in said
        assert "secret plan" in said
    for who in ("fred", "gus"):
        said = await say(house, f"status {run.id}", who)
        assert "no such run" in said.lower()
        assert "secret" not in said


@pytest.mark.parametrize("typed", ["{id}", "{lower}", "{short}", " {id} "])
async def test_a_run_is_found_by_as_much_of_its_id_as_one_types(house: House, typed: str) -> None:
    """In capitals or not, whole or only its beginning."""
    run = await house.start("ana", "multi-step", "Buy 1 mouse for 250")
    text = typed.format(id=run.id, lower=run.id.lower(), short=run.id[:4])
    assert "Finished" in await say(house, f"status {text}")


async def test_an_ambiguous_beginning_names_what_it_could_be(house: House) -> None:
    """`R` begins every run: nothing is cancelled, and both are named."""
    first = await house.start("ana", "approval", "Send email to team about a")
    second = await house.start("ana", "approval", "Send email to team about b")
    said = await say(house, "cancel R")
    assert first.id in said
    assert second.id in said
    assert (await house.run(first.id)).status is RunStatus.WAITING


@pytest.mark.parametrize("word", ["status", "cancel", "retry"])
async def test_what_is_missing_or_unknown_is_said(house: House, word: str) -> None:
    """Without an id an example; with an unknown or odd one, that there is no such run."""
    assert f"/agent {word} R" in await say(house, word)
    for odd in ("RZZZZZZ", "%", "R%", "_______", "'; drop table run; --", "ß", "R\u202e", "x" * 3000):
        assert "no such run" in (await say(house, f"{word} {odd}")).lower(), odd


async def test_cancel_and_retry_answer_with_the_run(house: House) -> None:
    """The answer shows where the run stands now."""
    run = await house.start("ana", "approval", "Send email to team about meeting")
    assert "only a failed run" in (await say(house, f"retry {run.id}")).lower()
    assert "Cancelled" in await say(house, f"cancel {run.id}")
    assert "only the person who started" in (await say(house, f"cancel {run.id}", "fred")).lower()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("aproval send it", "/agent approval"), ("lst", "/agent list"), ("multistep x", "/agent multi-step")],
)
async def test_an_unknown_word_is_answered_with_the_nearest_and_an_example(
    house: House, typed: str, meant: str
) -> None:
    """Nothing is started by a guess."""
    said = await say(house, typed)
    assert f"Did you mean `{meant}`?" in said
    assert "For example:" in said
    assert await all_runs(house) == 0


async def test_a_word_that_is_like_nothing_is_answered_with_help(house: House) -> None:
    """Hostile words are shown, not obeyed."""
    said = await say(house, "<!channel>*x*`y`")
    assert "Nothing here is called" in said
    assert "/agent help" in said
    assert not any("@channel" in message.mentions for message in house.person("ana").ephemerals)


async def test_names_complete_by_prefix(house: House) -> None:
    """`multi` is enough for `multi-step`."""
    assert await starts(house, "multi Buy 1 mouse for 250", "multi-step")
    assert [record["args"]["item"] for record in records(house.dir, "purchases")] == ["mouse"]


async def test_a_prefix_of_several_names_starts_none(tmp_path: Path) -> None:
    """Two agents begin alike: both are named."""
    agents = {"report-daily": asking(a="a?"), "report-weekly": asking(a="a?"), "rep": asking(a="a?")}
    async with open_house(tmp_path, policy=MANAGERS, agents=agents) as house:
        said = await say(house, "report go")
        assert "report-daily" in said
        assert "report-weekly" in said
        assert await all_runs(house) == 0
        assert await starts(house, "rep go", "rep"), "a whole name is never ambiguous"


async def test_an_agent_without_a_task_is_not_started(house: House) -> None:
    """It says what to type."""
    said = await say(house, "approval")
    assert "What should `approval` do?" in said
    assert "For example:\n/agent approval Send" in said
    assert await all_runs(house) == 0


async def test_a_task_that_is_too_long_is_not_cut(house: House) -> None:
    """One character more than fits starts nothing; exactly as many start."""
    assert "are too many" in await say(house, "ops run " + "x" * (LONGEST_INPUT - 3))
    assert await all_runs(house) == 0
    assert await starts(house, "ops run " + "x" * (LONGEST_INPUT - 4), "ops")


async def test_a_redelivered_command_starts_one_run(house: House) -> None:
    """The same delivery again, byte for byte, is the same run, and says so in the same words."""
    first = await house.person("ana").command("/agent", "multi-step Buy 1 mouse for 250")
    again = await house.ws.replay()
    await house.settle()
    assert again.status == 200
    assert first.reply is not None
    assert first.reply.json() == again.json()
    assert await all_runs(house) == 1
    assert len(records(house.dir, "purchases")) == 1


async def test_the_same_words_typed_twice_are_two_runs(house: House) -> None:
    """Only a redelivery is a repetition; a person who types again means it."""
    for _ in range(2):
        await say(house, "multi-step Buy 1 mouse for 250")
    assert len(records(house.dir, "purchases")) == 2


@pytest.mark.parametrize("who", ["gus"])
async def test_who_may_not_start_an_agent_is_told(house: House, who: str) -> None:
    """A guest starts nothing, and the refusal is on record."""
    said = await say(house, "multi-step Buy 1 mouse for 250", who)
    assert "you may not start this agent" in said.lower()
    assert await all_runs(house) == 0
    assert len(await house.audit("start.refused")) == 1


async def test_strangers_start_nothing(house: House) -> None:
    """Slack offers our commands to nobody of another team; a delivery that says otherwise is refused as well."""
    answer = await house.person("olga").command("/agent", "multi-step Buy 1 mouse for 250", channel="#purchasing")
    assert answer.refused
    olga = house.person("olga")
    await house.person("ana").command("/agent", "help")
    forged = {**house.ws.deliveries[-1].payload, "text": "multi-step Buy 1 mouse for 250", "user_id": olga.id}
    for team in (olga.user.team_id, house.ws.world.team.id):
        reply = await house.ws.deliver("slash_commands", {**forged, "team_id": team, "trigger_id": f"forged.{team}"})
        assert reply.status == 200
        assert "Nothing was changed" in reply.text
    await house.settle()
    assert await all_runs(house) == 0
    assert len(await house.audit("start.refused")) == 2


async def test_without_a_rule_full_members_start_and_guests_do_not(tmp_path: Path) -> None:
    """The default is: every full member; guests never unless named."""
    async with open_house(tmp_path, policy=MANAGERS, agents={"asker": asking(a="a?")}) as house:
        assert "may not start" in await say(house, "asker go", "gus")
        assert await starts(house, "asker go", "asker", "fred")


async def test_a_guest_who_is_named_may_start_and_answer(tmp_path: Path) -> None:
    """Where the policy names a guest, they start the agent and answer its questions."""
    policy = f'{MANAGERS}\n[[agent]]\nname = "asker"\nstarters = ["user:U0GUS000001"]\n'
    async with open_house(tmp_path, policy=policy, agents={"asker": asking(a="What?")}) as house:
        gus = house.person("gus")
        assert gus.id == "U0GUS000001"
        assert "may not start" in await say(house, "asker go", "ana")
        run = await house.start("gus", "asker", "go")
        pressed = await gus.click(house.card("What?", "Answer"), "Answer")
        assert pressed.view is not None
        await gus.fill_and_submit(pressed.view, {"Answer": "this"})
        await house.settle()
        assert (await house.run(run.id)).status is RunStatus.SUCCEEDED


@pytest.mark.parametrize(
    "text",
    [
        "the payload is here",
        "payload",
        "payload={}",
        "a&payload={}&b",
        "ssl_check=1",
        "100% + 50 = ü\u202e 🙂 %00 \u0000",
    ],
)
async def test_any_text_reaches_the_agent_as_it_was_typed(tmp_path: Path, text: str) -> None:
    """Also the words that Slack's own encoding uses."""
    async with open_house(tmp_path, policy=MANAGERS, agents={"asker": asking(a="a?")}) as house:
        run = await house.start("ana", "asker", text)
        assert run.input == text.strip() or run.input == {"input": text.strip()}


async def test_a_run_that_is_started_where_the_bot_is_not_tells_its_starter_directly(house: House) -> None:
    """In a channel without the bot the run's message goes to the starter's direct messages."""
    run = await house.start("dora", "approval", "Send email to team about meeting", channel="#board")
    root = house.root(run.id)
    assert root.channel_id == house.ws.channel("@dora").id
    said = await say(house, "multi-step Buy 1 mouse for 250", "dora", "#board")
    assert "The agent multi-step has your request" in said
    assert "in your direct messages with Signoff" in said
    for channel in ("#general", "#random", "@signoff"):
        assert await say(house, "multi-step Buy 1 mouse for 250", "dora", channel) == ""
    assert "Waiting" in root.plain()


async def test_a_command_in_a_direct_message_works(house: House) -> None:
    """The thread of the run is the starter's conversation with the bot."""
    run = await house.start("ana", "approval", "Send email to team about meeting", channel="@signoff")
    assert house.root(run.id).channel_id == house.ws.channel("@ana").id
    await house.person("maria").click(house.card("Approve send_email?"), "Approve")
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
