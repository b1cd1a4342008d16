"""What people are told of a pause: a few words on what it stops, and the answers to whoever asked for one."""

from __future__ import annotations

from collections.abc import Sequence

from agent_runtime.refusals import RefusalReason
from agent_runtime.views import PauseView
from bot.cards.blocks import Message, message, ours, section
from bot.cards.text import capital, clip, code, date, facts, inert, line, listed, person

MEANWHILE = "Votes are recorded, nothing is started, and no time limit passes."
_WHY = 200
_MOST_NAMED = 3
_REPLY = "approvals"


def stopped(view: PauseView, *, named: bool = False) -> str:
    """By whom something is paused since when, and why, in mrkdwn. `named`: where no agent is spoken of otherwise."""
    agent = f"agent {code(clip(line(view.agent), 60))}" if named else "the agent"
    by = f" by {person(view.by)}" if view.by else ""
    why = f" ({inert(view.why, _WHY)})" if view.why else ""
    return f"*{agent if view.agent else 'everything'} is paused*{by} since {date(view.since)}{why}"


def standing(views: Sequence[PauseView]) -> str:
    """Every pause that lasts, on one line; empty where there is none."""
    words = facts(*(stopped(view, named=True) for view in views))
    return f"{capital(words)}. {MEANWHILE}" if words else ""


def paused(view: PauseView) -> Message:
    """To whom stopped something."""
    what = f"Agent {code(clip(line(view.agent), 60))} is paused" if view.agent else "Everything is paused"
    return _said(f"{what}. {MEANWHILE} A call that runs now is finished. {way_back(view)}")


def way_back(view: PauseView) -> str:
    """How a pause ends."""
    return f"{code(clip(f'/approvals resume {line(view.agent)}', 100))} lets it go on."


def resumed(view: PauseView, left: Sequence[PauseView]) -> Message:
    """To whom let something go on; what else is still paused."""
    what = f"Agent {code(clip(line(view.agent), 60))} goes on" if view.agent else "Everything goes on"
    if view.agent and not all(one.agent for one in left):  # with everything it stands still as before
        return _said(f"Agent {code(clip(line(view.agent), 60))} is not paused by itself any more. {standing(left)}")
    moved = "Deadlines have moved by the time it stood still."
    return _said(" ".join(filter(None, (f"{what}. {moved}", standing(left)))))


def refused(reason: RefusalReason, agent: str, lasting: Sequence[PauseView], operators: Sequence[str] = ()) -> Message:
    """Why nothing was stopped, or let go on, and what would do instead. `operators` are written as `mention` does."""
    if reason is RefusalReason.NOT_AN_OPERATOR:
        return _said(f"Nothing was changed. Only operators pause and resume{whom(operators)}")
    if reason not in {RefusalReason.ALREADY_PAUSED, RefusalReason.NOT_PAUSED}:
        return _said(f"Nothing was changed: {reason.sentence}")
    own = [view for view in lasting if view.agent == agent]
    if own:
        return _said(f"Nothing was changed. {standing(own)}")
    what = "there is no pause of everything"
    if agent:
        what = f"agent {code(clip(line(agent), 60))} is not paused by itself"
    return _said(" ".join(filter(None, (f"Nothing was changed: {what}.", standing(lasting)))))


def whom(operators: Sequence[str]) -> str:
    """How a sentence about operators ends: with who they are, as `mention` writes them, or where that is said."""
    few = 0 < len(operators) <= _MOST_NAMED
    return f": {listed(operators)}." if few else "; `[operators]` in the policy file names them."


def no_agent(word: str, names: Sequence[str], verb: str) -> Message:
    """What was typed names no agent, or several; `verb` is `pause` or `resume`."""
    typed = code(clip(line(word), 60))
    known = listed([code(clip(line(name), 60)) for name in names[:20]])
    if any(name.startswith(word) for name in names):
        several = listed([code(clip(line(name), 60)) for name in names if name.startswith(word)][:20])
        return _said(f"Nothing was changed. {typed} could be {several}: please type more of it.")
    example = "`/approvals resume` alone lets everything go on."
    if verb == "pause":
        example = "`/approvals pause` alone stops everything; a reason follows *because*."
    return _said(f"Nothing was changed. No agent is called {typed}: there are {known or 'none'}. {example}")


def _said(words: str) -> Message:
    return message(_REPLY, words, [section(ours(words))])
