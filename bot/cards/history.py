"""Closed requests, one a line: what became of each, for whom, by whom and when."""

from __future__ import annotations

from collections.abc import Sequence

from agent_runtime.views import RequestView
from bot.cards.blocks import Message, Part, bold, context, message, ours, rich, section, sentence, when, who
from bot.cards.request import note_line
from bot.cards.subject import subject_of
from bot.cards.text import SEPARATOR, clip, line
from bot.cards.wording import heading
from storage.types import ActorKind

_REPLY = "approvals"
_DID = 80
"""Of the policy's note: it tells one call from the next of the same tool."""

_BY_PEOPLE = frozenset({ActorKind.SLACK, ActorKind.CLI, ActorKind.TOKEN})
EXAMPLE = "A tool, an agent, a person and a time narrow it: `/approvals history send_email @maria 7d`, or `2027-01-15`."


def history(views: Sequence[RequestView] | None, typed: str, most: int) -> Message:
    """The closed requests that somebody asked for, the newest first; None where the directory is silent."""
    if views is None:
        return _said("Slack did not say in time who you are. Please try again in a minute.")
    if not views:
        what = "Nothing closed that you may read fits that." if typed else "Nothing closed yet that you may read."
        return _said(f"{what} {EXAMPLE}")
    words = f"The last {len(views)} closed, the newest first." if len(views) > 1 else "One is closed."
    below = f"`/approvals show {line(views[0].id)}` shows all of one. {EXAMPLE if len(views) >= most else ''}"
    return message(_REPLY, words, [section(ours(words)), closed_requests(views), context(ours(below.strip()))])


def closed_requests(views: Sequence[RequestView]) -> Part:
    """One block with a line for each."""
    return rich(*(_line(view) for view in views))


def _line(view: RequestView) -> Part:
    words = heading(view, subject_of(view))
    closer = view.closed_by
    by = (" by ", who(closer)) if closer is not None and closer.kind in _BY_PEOPLE else ()
    at = (SEPARATOR, when(view.closed_at)) if view.closed_at is not None else ()
    about = f"{SEPARATOR}agent “{clip(line(view.agent), 60)}” for "
    name = f"{SEPARATOR}{clip(line(view.id), 20)}"
    did = f"{SEPARATOR}{clip(note, _DID)}" if (note := note_line(view)) else ""
    return sentence(bold(clip(words, 150)), *by, about, who(view.starter), *at, name, did)


def _said(words: str) -> Message:
    return message(_REPLY, words, [section(ours(words))])
