"""`/approvals`: what waits, what was granted, and who decides while somebody is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agent_runtime.acts import Accepted, Act
from agent_runtime.audit import Origin
from agent_runtime.demo.conversation import PlannedCall
from agent_runtime.wishes import Wish
from bot.listeners.approvals import moment_in
from bot.listeners.history import read_filter
from storage.history import Filter
from storage.types import Actor, ActorKind, DecisionKind, GrantScope, RunStatus
from tests.scenarios.agents import MANAGERS, calling, noting
from tests.scenarios.house import START, House, open_house

MIDNIGHT = START.replace(hour=0)
POLICY = (
    MANAGERS
    + """
[[policy]]
tool = "note"
redact = ["/token"]
[policy.grants]
scopes = ["run", "agent"]
max_count = 5
max_age = "8h"
"""
)


@pytest.fixture
async def done() -> list[str]:
    return []


@pytest.fixture
async def noted(tmp_path: Path, done: list[str]) -> AsyncIterator[House]:
    """A house whose agent notes something down, which managers may grant."""
    agent = calling(PlannedCall("note", {"text": "hello"}), tools=[noting(done)])
    async with open_house(tmp_path, policy=POLICY, agents={"noter": agent}) as house:
        yield house


async def say(house: House, text: str, who: str = "maria") -> str:
    answer = await house.person(who).command("/approvals", text)
    assert answer.status == 200
    return answer.text


def actor(house: House, name: str) -> Actor:
    user = house.person(name).user
    return Actor(kind=ActorKind.SLACK, id=user.id, team=user.team_id, name=user.real_name)


async def grant(house: House, uses: int = 2) -> str:
    """Maria approves Ana's run, and the next ones like it; the grant's id."""
    run = await house.start("ana", "noter", "go")
    (asked,) = run.waiting_on
    wish = Wish(GrantScope.AGENT, uses, timedelta(hours=2))
    act = Act(asked.id, asked.revision, asked.stage, DecisionKind.APPROVED, wish=wish)
    answered = await house.bot.desk.decide(act, actor(house, "maria"), Origin("slack"))
    assert isinstance(answered.verdict, Accepted), answered.sentence
    await house.settle()
    view = await house.request(asked.id)
    assert view.grant is not None
    return view.grant.id


async def test_alone_it_lists_what_waits_for_whoever_types_it(house: House) -> None:
    """Maria may decide, Fred may not; the words of the agent's question stay with those who may read them."""
    assert "Nothing waits for you" in await say(house, "")
    await house.start("ana", "approval", "Send email to team about meeting")
    assert "Approve send_email?" in await say(house, "")
    assert "Nothing waits for you" in await say(house, "", "fred")
    assert "Nothing is open" in await say(house, "all", "fred")
    assert "Approve send_email?" in await say(house, "all", "ana")
    assert "Approve send_email?" in await say(house, "all", "sam")


async def test_show_tells_approvers_requesters_and_operators_and_nobody_else(house: House) -> None:
    """Everybody else is told the same as of a request that is not there."""
    run = await house.start("ana", "approval", "Send email to team about meeting")
    request_id = run.waiting_on[0].id
    for who in ("maria", "ana", "sam"):
        assert "team@example.com" in await say(house, f"show {request_id.lower()}", who)
    for who in ("fred", "dora", "gus"):
        refused = await say(house, f"show {request_id}", who)
        assert "that you may read" in refused
        assert "team@example.com" not in refused
    assert "that you may read" in await say(house, "show A000000")
    await say(house, "away 3d @dora", "sam")
    refused = await say(house, f"show {request_id}", "dora")
    assert "that you may read" in refused, "whoever stands in for an operator is none"
    await say(house, "away 3d @dora", "maria")
    assert "team@example.com" in await say(house, f"show {request_id}", "dora")
    assert "Which request?" in await say(house, "show")


async def test_history_tells_each_person_what_they_may_read_and_narrows_it(house: House) -> None:
    """The mail that Maria approved: she, Ana, whose run it was, and Sam, on call, read of it; Fred does not. A tool, an
    agent, a person and a day narrow it."""
    assert "Nothing closed yet" in await say(house, "history")
    run = await house.start("ana", "approval", "Send email to team about meeting")
    assert "Nothing closed yet" in await say(house, "history")
    await house.person("maria").click(house.card("Approve send_email?"), "Approve")
    await house.settle()
    request_id = run.waiting_on[0].id
    for who in ("maria", "ana", "sam"):
        told = await say(house, "history", who)
        assert "Approved: send_email by @maria · agent “approval” for @ana" in told
        assert request_id in told
    for who in ("fred", "dora", "gus"):
        assert "Nothing closed yet" in await say(house, "history", who)
    for narrowed in ("send", "approval 1h", "@ana today", "@maria 2026-11-02", "monday send_email"):
        assert request_id in await say(house, f"history {narrowed}")
    for narrowed in ("buy", "@dora", "yesterday", "2026-11-01", "send_mail"):
        assert "Nothing closed that you may read fits that" in await say(house, f"history {narrowed}")


async def test_help_and_unknown_words(house: House) -> None:
    """Every word is listed; a wrong one is answered with the nearest."""
    told = await say(house, "help")
    everybody, operators = told.split("Operators only:")
    for word in ("all", "show", "history", "grants", "away", "help"):
        assert f"/approvals {word}" in everybody
    for word in ("alerts", "grants all", "pause", "resume", "webhooks"):
        assert f"/approvals {word}" in operators
    assert "Did you mean `/approvals grants`" in await say(house, "grant")
    assert "/approvals help" in await say(house, "zzzz")


async def test_a_grant_is_listed_used_and_ended_with_its_button(noted: House, done: list[str]) -> None:
    """The next run needs nobody and says why; once Maria ended the grant, people are asked again."""
    grant_id = await grant(noted)
    assert f"grant {grant_id}" in await say(noted, "grants")
    run = await noted.start("ana", "noter", "go")
    assert run.status is RunStatus.SUCCEEDED
    assert done == ["hello", "hello"]
    assert any(f"note runs by grant {grant_id}, of" in one.plain() for one in noted.messages())
    maria = noted.person("maria")
    listed = await maria.command("/approvals", "grants")
    assert listed.message is not None
    assert "1 more" in listed.text
    clicked = await maria.click(listed.message, "End it")
    assert clicked.view is not None
    assert "ended by" in clicked.view.plain()
    assert "No approval of yours" in await say(noted, "grants")
    assert (await noted.start("ana", "noter", "go")).status is RunStatus.WAITING
    assert len(await noted.audit("grant.revoked")) == 1


async def test_a_grant_ends_with_its_givers_standing_and_waits_for_a_silent_directory(noted: House) -> None:
    """While Slack does not say who may decide, the grant is believed for a quarter of an hour; once Maria is no manager
    any more, it is ended, and people are asked."""
    await grant(noted)
    noted.ws.fail("users.info", status=503, times=None)
    noted.clock.advance(timedelta(minutes=16))
    await noted.bot.grants.look()
    noted.ws.heal()
    assert (await noted.start("ana", "noter", "go")).status is RunStatus.WAITING
    await noted.bot.grants.look()
    assert (await noted.start("ana", "noter", "go")).status is RunStatus.SUCCEEDED
    (managers,) = [group for group in noted.ws.world.groups.values() if group.handle == "managers"]
    managers.users.clear()
    noted.clock.advance(timedelta(minutes=1))
    await noted.bot.grants.look()
    (ended,) = await noted.audit("grant.revoked")
    assert (await noted.text_of(ended))["refusal"] == "not_an_approver"
    assert (await noted.start("ana", "noter", "go")).status is RunStatus.WAITING


async def test_only_operators_list_everybodys_grants_and_only_givers_and_they_end_them(noted: House) -> None:
    """Dora sees none and ends none; Sam, on call, does both."""
    grant_id = await grant(noted)
    assert "No approval of yours" in await say(noted, "grants", "dora")
    assert "only operators" in (await say(noted, "grants all", "dora")).lower()
    refused = await noted.bot.desk.revoke_grant(grant_id, actor(noted, "dora"), Origin("slack"))
    assert refused == "not_your_grant"
    assert f"grant {grant_id}" in await say(noted, "grants all", "sam")
    listed = await noted.person("sam").command("/approvals", "grants all")
    assert listed.message is not None
    await noted.person("sam").click(listed.message, "End it")
    assert len(await noted.audit("grant.revoked")) == 1


async def test_whoever_is_away_has_a_colleague_decide(house: House) -> None:
    """Maria hands over to Dora, who is told, mentioned, and may; the decision says in whose stead."""
    told = await say(house, "away 3d @dora")
    assert "@dora decides in your stead" in told
    await house.settle()
    dora = house.person("dora")
    run = await house.start("ana", "approval", "Send email to team about meeting")
    card = house.card("Approve send_email?")
    assert "@dora (for @maria)" in card.plain()
    assert "Approve send_email?" in await say(house, "", "dora")
    assert "You decide in the stead of @maria" in await say(house, "away", "dora")
    await dora.click(card, "Approve")
    await house.settle()
    assert (await house.run(run.id)).status is RunStatus.SUCCEEDED
    view = await house.request(run.waiting_on[0].id)
    (vote,) = view.votes
    assert vote.on_behalf_of is not None
    assert vote.on_behalf_of.id == house.person("maria").id


async def test_a_delegate_is_told_that_it_is_over_however_soon(house: House) -> None:
    """Because somebody else was asked instead, or because the person is back: all within one minute."""
    ana, dora = house.person("ana"), house.person("dora")
    for typed in ("away 3d @ana", "away 3d @dora", "away back"):
        await say(house, typed)
        await house.settle()
    assert "has asked somebody else" in ana.direct[-1].plain()
    assert "is back" in dora.direct[-1].plain()


async def test_open_cards_name_the_delegate_as_long_as_there_is_one(house: House) -> None:
    """A card that was there before mentions Dora once Maria hands over to her, and no more once that has ended, by a
    word or by its time."""
    await house.bot.absences.look()
    await house.start("ana", "approval", "Send email to team about meeting")
    card = house.card("Approve send_email?")
    await say(house, "away 3d @dora")
    await house.settle()
    assert "@dora (for @maria)" in card.now().plain()
    await say(house, "away back")
    await house.settle()
    assert "@dora" not in card.now().plain()
    await say(house, "away 1h @dora")
    await house.settle()
    assert "@dora (for @maria)" in card.now().plain()
    await house.bot.absences.look()
    house.clock.advance(timedelta(hours=1))
    await house.bot.absences.look()
    await house.settle()
    assert "@dora" not in card.now().plain()


async def test_whoever_is_back_ends_it_with_a_button(house: House) -> None:
    """From then on the delegate is refused as anybody is."""
    await say(house, "away friday @dora")
    maria = house.person("maria")
    listed = await maria.command("/approvals", "away")
    assert listed.message is not None
    clicked = await maria.click(listed.message, "I am back")
    assert clicked.view is not None
    run = await house.start("ana", "approval", "Send email to team about meeting")
    await house.person("dora").click(house.card("Approve send_email?"), "Approve")
    await house.settle()
    assert "not an approver" in house.person("dora").ephemerals[-1].plain()
    assert (await house.run(run.id)).status is RunStatus.WAITING
    assert "Nobody stands in for you" in await say(house, "away back")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("away @dora", "Until when?"),
        ("away soon @dora", "Until when?"),
        ("away 3d", "Who decides meanwhile?"),
        ("away 3d @gus", "full member"),
        ("away 3d @eve", "full member"),
        ("away 3d @olga", "full member"),
        ("away 3d @signoff", "full member"),
        ("away 3d @maria", "full member"),
        ("away 200d @dora", "90 days"),
        ("away 2020-01-01 @dora", "past"),
    ],
)
async def test_a_hand_over_that_cannot_be_is_told_why(house: House, typed: str, told: str) -> None:
    """Nobody decides in Maria's stead."""
    assert told in await say(house, typed)
    assert "Nobody decides in your stead" in await say(house, "away")


async def test_the_requester_does_not_approve_through_a_colleague(house: House) -> None:
    """Maria hands over to Ana, who started the run."""
    await say(house, "away 3d @ana")
    run = await house.start("ana", "approval", "Send email to team about meeting")
    await house.person("ana").click(house.card("Approve send_email?"), "Approve")
    await house.settle()
    assert "nobody approves their own" in house.person("ana").ephemerals[-1].plain()
    assert (await house.run(run.id)).status is RunStatus.WAITING


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("", Filter()),
        ("send_email", Filter("send_email")),
        ("<@UMARIA|maria> 2d", Filter("", "slack:T1:UMARIA", START - timedelta(days=2))),
        ("Tuesday", Filter("", "", MIDNIGHT - timedelta(days=6), MIDNIGHT - timedelta(days=5))),
        ("monday", Filter("", "", MIDNIGHT, MIDNIGHT + timedelta(days=1))),
        ("2026-02-30", Filter("2026-02-30")),
    ],
)
def test_what_narrows_the_history_is_read_word_by_word(typed: str, wanted: Filter) -> None:
    """People, spans and days of UTC, else the beginning of a name; a weekday is the last such day."""
    assert read_filter(typed, "T1", START) == wanted


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("8h", START + timedelta(hours=8)),
        ("2 W", START + timedelta(weeks=2)),
        ("until 2026-12-01", datetime.fromisoformat("2026-12-01T23:59+00:00")),
        ("2026-12-01 18:30", datetime.fromisoformat("2026-12-01T18:30+00:00")),
        ("tomorrow", datetime.fromisoformat("2026-11-03T23:59+00:00")),
        ("Friday", datetime.fromisoformat("2026-11-06T23:59+00:00")),
        ("monday", datetime.fromisoformat("2026-11-09T23:59+00:00")),
        ("2026-13-01", None),
        ("2026-12-01 25:00", None),
        ("whenever", None),
        ("", None),
    ],
)
def test_moments_are_read_as_people_write_them(typed: str, moment: datetime | None) -> None:
    """Spans, days and weekdays; a day means its end. The house's clock stands on a Monday."""
    assert moment_in(typed, START) == moment
