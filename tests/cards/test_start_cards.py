"""The form for a start, App Home, and proposals of answers: whatever is in them, Slack takes them and nothing of it
becomes markup."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agent_runtime.forms import TEXT_FORM
from agent_runtime.pace import Pace
from agent_runtime.views import AbsenceView, InquiryView, PauseView, RequestView, RunView
from bot.cards.blocks import Part
from bot.cards.history import history
from bot.cards.home import HomeView, home
from bot.cards.ids import Draft, Proposed, Target
from bot.cards.proposal import Meant, proposal, settled
from bot.cards.replies import AgentEntry
from bot.cards.start import choosable, start_form
from bot.workspace.blockkit.surfaces import view_issues, view_too_large
from storage.types import Actor, RequestStatus, RunStatus
from tests.cards.hostile import ASK, BUY, NOW, RUN, SENTINEL, hostile, requests, runs, texts
from tests.cards.limits import check_blocks, check_message, mrkdwn

# Explaining a failure writes out whole views.
many = settings(
    suppress_health_check=list(HealthCheck),
    phases=[phase for phase in Phase if phase is not Phase.explain],
)
entries = st.lists(
    st.builds(AgentEntry, hostile.map(lambda name: SENTINEL + name), texts, texts),
    max_size=6,
    unique_by=lambda e: e.name,
)
drafts = st.builds(
    Draft,
    channel=st.sampled_from(("", "C1")),
    message_ts=st.sampled_from(("", "1.2")),
    text=st.text(st.characters(exclude_categories=("Cs",)), max_size=4_000),
)


def require_taken(view: Part) -> None:
    """Slack takes the view, and no text in it but ours is markup."""
    assert view_issues(view) == []
    assert not view_too_large(view)
    assert len(view.get("private_metadata", "")) <= 3_000
    assert SENTINEL not in "".join(mrkdwn(view))


@many
@given(entries, drafts, texts)
def test_any_agents_make_a_form_that_slack_takes(agents: list[AgentEntry], draft: Draft, text: str) -> None:
    """Names, descriptions, examples and a message's text are data, at any length."""
    if not agents or not choosable(agents):
        return
    agents = choosable(agents)
    draft = replace(draft, agent=agents[0].name[:150]).fitted()
    require_taken(start_form(agents, draft, agents[0], TEXT_FORM, {"input": text.encode(errors="replace").decode()}))
    assert Draft.parse(draft.metadata) == draft


@many
@given(st.lists(requests(), max_size=4), st.lists(runs(), max_size=3), st.booleans())
def test_home_holds_whatever_there_is(waiting: list[RequestView], started: list[RunView], more: bool) -> None:
    """Any requests and runs, in any state and number."""
    view = HomeView(
        tuple((one, "https://example.slack.com/x") for one in waiting if one.stages),
        tuple((one, "javascript:x") for one in started),
        more_waiting=more,
        decided=tuple(waiting),
        pauses=tuple(one.paused for one in waiting if one.paused),
    )
    shown = home(view, NOW)
    require_taken(shown)
    check_blocks(shown["blocks"], most=100)


def test_a_full_home_is_taken() -> None:
    """The longest texts, as often as they are shown at most."""
    long = replace(BUY, tool="t" * 500, agent="a" * 500, starter=replace_name(BUY.starter, "n" * 500))
    run = replace(RUN, agent="a" * 500, error="e" * 5_000)
    pause = PauseView("a" * 500, NOW, BUY.starter, "w" * 500)
    closed = replace(long, status=RequestStatus.APPROVED, closed_by=long.starter, closed_at=NOW)
    view = HomeView(
        ((replace(long, paused=pause), "https://example.slack.com/x"),) * 20,
        ((replace(run, paused=pause), ""),) * 20,
        more_waiting=True,
        decided=(closed,) * 20,
        away=AbsenceView(BUY.starter, BUY.starter, NOW, NOW),
        behind=(BUY.starter,) * 10,
        pauses=(pause,) * 5,
        pace=Pace(12, timedelta(minutes=3)),
    )
    shown = home(view, NOW)
    require_taken(shown)
    assert "median time" in str(shown["blocks"][-1]), "nothing was cut off"


def test_home_says_once_by_whom_everything_is_paused() -> None:
    """Above the lists; what stands in them says that it is paused."""
    pause = PauseView("", NOW, BUY.starter, "the disk is full")
    waiting, run = replace(BUY, paused=pause), replace(RUN, status=RunStatus.WAITING, paused=pause)
    said = "\n".join(mrkdwn(home(HomeView(((waiting, ""),), ((run, ""),), pauses=(pause,)), NOW)))
    assert said.count("the disk is full") == 1
    assert said.count("*paused*") == 2


@many
@given(st.lists(requests(), max_size=4))
def test_any_history_is_a_message_that_slack_takes(views: list[RequestView]) -> None:
    """Requests in any state, with anybody's names and words."""
    made = history(views, "x", 20)
    check_message(made)
    assert SENTINEL not in "".join(mrkdwn(made.blocks))


def replace_name(actor: Actor, name: str) -> Actor:
    return actor.model_copy(update={"name": name})


def test_home_links_to_the_messages() -> None:
    """A request leads to its card, a run to its thread; an address that could break out of its link leads nowhere."""
    good, bad = "https://example.slack.com/archives/C1/p1", "https://x.example/|<!channel>"
    running = replace(RUN, status=RunStatus.RUNNING, created_at=NOW - timedelta(hours=1))
    said = "".join(mrkdwn(home(HomeView(((BUY, good),), ((running, good), (running, bad))), NOW)))
    assert said.count(f"<{good}|") == 2
    assert "channel" not in said


@many
@given(st.lists(requests(), min_size=1, max_size=3), texts, hostile)
def test_any_proposal_is_a_message_that_slack_takes(views: list[RequestView], text: str, fault: str) -> None:
    """Questions, replies and faults are data."""
    proposed = Proposed(Target("A1", 1, 0), "C1", "1.2")
    asked = InquiryView("Q1", "A1", ASK.starter, text, NOW)
    meant = [
        Meant(one, text, proposed if number % 2 else None, fault, asked if number % 3 else None)
        for number, one in enumerate(views)
        if one.stages
    ]
    if meant:
        made = proposal(text, meant)
        check_message(made)
        assert SENTINEL not in "".join(mrkdwn(made.blocks))
    check_message(settled("Done."))


def test_a_proposal_shows_the_whole_answer() -> None:
    """Up to the longest that may be typed; hidden characters are written out."""
    text = "x" * 2_000 + "\u202e" + "y" * 900
    made = proposal(text, [Meant(ASK, text, Proposed(Target("A1", 1, 0), "C1", "1.2"))])
    said = str(made.blocks)
    assert "x" * 99 in said or "× 2000" in said
    assert "U+202E" in said
    assert "not shown" not in said


@pytest.mark.parametrize(
    "value",
    [
        "",
        "A1.1.0",
        "A1.1.0@",
        "A1.1.0@C1",
        "A1.1.0@C1:",
        "A1.1.0@C1:1",
        "A1.1@C1:1.2",
        "A1.1.0@C1:1.2 ",
        "@C1:1.2",
        None,
        3,
    ],
)
def test_a_proposal_is_read_strictly(value: object) -> None:
    """What is not exactly what we wrote is nothing."""
    assert Proposed.parse(value) is None
    right = Proposed(Target("A1", 1, 0), "C1", "1.2")
    assert Proposed.parse(right.value) == right


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"agent": 1}', '{"other": "x"}', '{"channel": "c!"}', '{"thread_ts": "x"}']
)
def test_a_draft_is_read_strictly(text: str) -> None:
    """A form of somebody else's remembers nothing of ours."""
    assert Draft.parse(text) is None


def test_home_tells_calls_of_one_name_apart() -> None:
    """Five calls of one tool wait: each shows what its policy notes of it, or else what its arguments begin with."""
    first, second = (replace(BUY, note="", args={"user": user, "role": "reader"}) for user in ("ana", "fred"))
    noted = replace(BUY, note="Pays 12 EUR")
    waiting = tuple((one, "") for one in (first, second, noted))
    parts = [part for block in home(HomeView(waiting, ()), NOW)["blocks"] for part in block.get("elements", [])]
    said = [leaf["text"] for part in parts for leaf in part.get("elements", []) if leaf["type"] == "text"]
    assert 'user: "ana" · role: "reader"' in said
    assert 'user: "fred" · role: "reader"' in said
    assert "Pays 12 EUR" in said
