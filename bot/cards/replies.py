"""What `/agent` answers: agents, runs, one run's state, help, and the nearest word to an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent_runtime.views import RunView
from bot.cards.blocks import (
    Message,
    Part,
    bold,
    context,
    message,
    ours,
    preformatted,
    rich,
    section,
    sentence,
    when,
)
from bot.cards.pauses import stopped
from bot.cards.run import ended, first_words, run_card
from bot.cards.text import SEPARATOR, capital, clip, code, escape, facts, line, link, quantity

AGENT_COMMANDS: Mapping[str, str] = {
    "list": "the agents you can start",
    "runs": "your latest runs",
    "status": "where a run stands: `/agent status R7K2MXQ`",
    "cancel": "stop a run: `/agent cancel R7K2MXQ`",
    "retry": "go on with a failed run where it failed: `/agent retry R7K2MXQ`",
    "help": "this list",
}
_MOST_LINES = 40
_REPLY = "reply"


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """An agent as `/agent list` shows it; `example` is an input that works."""

    name: str
    description: str = ""
    example: str = ""


def agent_list(entries: Sequence[AgentEntry]) -> Message:
    """The agents, each with what it does and an example to type."""
    if not entries:
        return said("No agents are configured here.")
    lines = [part for entry in entries[:_MOST_LINES] for part in _entry(entry)]
    names = escape(", ".join(clip(line(entry.name), 40) for entry in entries[:_MOST_LINES]))
    return message(_REPLY, f"Agents: {names}", [rich(*lines), *_more(entries)])


def run_list(runs: Sequence[RunView]) -> Message:
    """Runs, one a line: id, agent, what it was asked, state, when it was started."""
    if not runs:
        return said("You have started nothing yet. `/agent list` shows what you can start.")
    lines = [
        sentence(
            bold(clip(line(run.id), 40)),
            f"{SEPARATOR}{facts(f'{clip(line(run.agent), 60)}: {first_words(run)}', ended(run))}{SEPARATOR}",
            when(run.created_at),
        )
        for run in runs[:_MOST_LINES]
    ]
    return message(_REPLY, f"{quantity(len(runs), 'run')}.", [rich(*lines), *_more(runs)])


def run_status(view: RunView, mentions: Sequence[str] = ()) -> Message:
    """One run, as its own message shows it."""
    return run_card(view, mentions=mentions)


def started(view: RunView, thread_link: str = "") -> Message:
    """Confirms a start to the person who asked for it. That it started stands in its own message, for all."""
    words = sentence("The agent ", bold(clip(line(view.agent), 80) or "-"), f" has your request, as run {view.id}.")
    address = link(thread_link, "Follow it in its thread")
    waits = f"{capital(stopped(view.paused))}: it begins afterwards." if view.paused else ""
    below = [context(ours(said)) for said in (waits, address) if said]
    return message(view.id, f"The agent {escape(clip(line(view.agent), 80))} has your request.", [rich(words), *below])


def elsewhere(reply: Message) -> Message:
    """The confirmation of a start in a place where we may not post."""
    place = "Signoff may not post here: the run's messages are in your direct messages with Signoff."
    return message(_REPLY, f"{reply.text} {place}", [*reply.blocks, context(ours(place))])


def help_text(entries: Sequence[AgentEntry] = ()) -> Message:
    """Every word that `/agent` knows."""
    lines = [
        "*`/agent`*: a form to start an agent",
        "*`/agent NAME INPUT`*: start one at once",
        *(f"*`/agent {word}`*: {meaning}" for word, meaning in AGENT_COMMANDS.items()),
    ]
    lines.append("In a direct message to Signoff, and after mentioning it, the same words do without `/agent`.")
    return message(_REPLY, "What /agent can do.", [section(ours("\n".join(lines))), *_example(entries)])


def unknown_word(word: str, entries: Sequence[AgentEntry] = ()) -> Message:
    """Nothing is called that: the nearest command or agent, and an example."""
    known = [*AGENT_COMMANDS, *(entry.name for entry in entries)]
    nearest = difflib.get_close_matches(word[:64].lower(), known, n=1, cutoff=0.7)
    words = f"Nothing here is called {code(clip(line(word), 64))}."
    meant = f" Did you mean {code(f'/agent {clip(line(nearest[0]), 64)}')}?" if nearest else ""
    words += meant or " `/agent help` lists every command."
    return message(_REPLY, words, [section(ours(words)), *_example(entries)])


def ambiguous(word: str, names: Sequence[str]) -> Message:
    """Several names begin with the word."""
    several = ", ".join(code(clip(line(name), 64)) for name in names[:10])
    return said(f"{code(clip(line(word), 64))} could be {several}: please type more of it.")


def no_task(entry: AgentEntry) -> Message:
    """An agent was named and not told what to do."""
    words = f"What should {code(clip(line(entry.name), 64))} do?"
    return message(_REPLY, words, [section(ours(words)), *_example([entry])])


def said(words: str) -> Message:
    """One thing said, in mrkdwn of our own making."""
    return message(_REPLY, words, [section(ours(words))])


def _entry(entry: AgentEntry) -> list[Part]:
    about = f": {clip(line(entry.description), 300)}" if entry.description else ""
    parts = [
        sentence(bold(clip(line(entry.name), 80) or "-"), about) if about else sentence(bold(line(entry.name) or "-"))
    ]
    if entry.example:
        parts.append(preformatted(clip(f"/agent {line(entry.name)} {line(entry.example)}", 300)))
    return parts


def _example(entries: Sequence[AgentEntry]) -> list[Part]:
    first = next((entry for entry in entries if entry.example), None)
    if first is None:
        return []
    typed = f"/agent {clip(line(first.name), 64)} {clip(line(first.example), 200)}"
    return [rich(sentence("For example:"), preformatted(typed))]


def _more(shown: Sequence[object]) -> list[Part]:
    left = len(shown) - _MOST_LINES
    return [context(ours(f"{left:,} more are not listed."))] if left > 0 else []
