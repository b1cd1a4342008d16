"""Errors as words on stderr, and the exit codes that go with them. The one place that does it for every command."""

from __future__ import annotations

import difflib
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from agent_runtime.errors import ConfigError, SignoffError
from bot.cards.text import visible
from bot.checks.finding import words_of
from storage.errors import StorageUnusable

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 128 + signal.SIGINT
"""Exit codes: done; it failed; wrong usage or configuration; stopped with Ctrl-C."""

EXAMPLES = {
    "demo": "signoff demo --auto",
    "init": "signoff init",
    "manifest": "signoff manifest --socket",
    "check": "signoff check",
    "agents": "signoff agents --json",
    "policy": "signoff policy explain --agent approval --tool send_email",
    "explain": "signoff policy explain --agent approval --tool send_email",
    "serve": "signoff serve",
    "migrate": "signoff migrate",
    "webhooks": "signoff webhooks",
    "audit": "signoff audit verify",
    "verify": "signoff audit verify",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and what to do about it."""

    what: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """What to tell a person, and the exit code."""

    code: int
    problems: tuple[Problem, ...]


class CommandFailed(SignoffError):
    """A command could not do what it was asked; it says so itself."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


def explain(error: Exception) -> Words | None:
    """An expected error in words; None for a bug."""
    if isinstance(error, ConfigError):
        return Words(MISUSED, tuple(Problem(words_of(fault), fault.mend) for fault in error.faults))
    if isinstance(error, StorageUnusable):
        return Words(FAILED, (Problem(error.problem, error.mend),))
    if isinstance(error, CommandFailed):
        return Words(FAILED, (error.problem,))
    if isinstance(error, SignoffError):
        return Words(FAILED, (_of_slack(error) or Problem(str(error)),))
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return Words(FAILED, (Problem(f"{place}{error.strerror}"),))
    return None


def say(words: Words) -> None:
    """Write problems to stderr."""
    console = stderr()
    for problem in words.problems:
        console.print(Text.assemble(("signoff: ", "bold red"), sentence(printable(problem.what))))
        if problem.mend:
            console.print(Text(f"  {sentence(printable(problem.mend))}"))


def printable(text: str) -> str:
    """Text from outside for a terminal: control and deceptive characters written out."""
    return visible(text, lines=True).text


def sentence(text: str) -> str:
    """A text with the full stop that ends it; none where a command or a question ends it."""
    _, colon, last = text.rpartition(": ")
    is_command = bool(colon) and (last.startswith(("signoff ", "/invite ", "chmod ", "mkdir ")) or " -m pip " in last)
    return text if is_command or text.endswith((".", "?", "!")) else f"{text}."


def stderr() -> Console:
    """Where people are told what went wrong; lines are left to the terminal to wrap."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def stdout() -> Console:
    """Where a command's own result goes."""
    return Console(highlight=False, markup=False, soft_wrap=True)


def nearest_command(word: str, names: Sequence[str]) -> str:
    """What to tell somebody who typed a command that there is not."""
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    known = f"The commands are {', '.join(names)}"
    meant = f"Did you mean {near[0]}? For example: {EXAMPLES.get(near[0], f'signoff {near[0]}')}" if near else known
    return f"There is no command {printable(word)[:40]!r}. {meant}"


def _of_slack(error: SignoffError) -> Problem | None:
    from bot.checks.refusals import explain_failure  # importing Slack's library takes a while
    from bot.slack_client import SlackFailure

    return Problem(*explain_failure(error)) if isinstance(error, SlackFailure) else None
