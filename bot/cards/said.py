"""Plain things said: a line of a run's story in its thread, that it finished, and a private sentence to one person."""

from __future__ import annotations

from agent_runtime.views import RunView
from bot.cards.arguments import PAGE_CHARACTERS, excerpt
from bot.cards.blocks import Message, message, ours, preformatted, rich, section, sentence, who
from bot.cards.run import result_of
from bot.cards.text import Visible, clip, escape, facts, line, quantity

_LINE_LIMIT = 1_000
_NOTIFIED = 200
_LINES = 300


def story_line(run_id: str, text: str) -> Message:
    """One line about a run. `text` may hold anybody's words: it is shown letter by letter and formats nothing."""
    words = clip(line(text), _LINE_LIMIT) or "-"
    return message(run_id, escape(words), [rich(sentence(words))])


def result_line(view: RunView, text: str) -> Message:
    """That a run finished, to whoever started it: its own message is updated, and an update notifies nobody. A result
    that stands there in full is not said again below it; one that is cut there is said here. `text` tells it in a line,
    whose first words are the notification's."""
    result, notified = result_of(view), escape(clip(line(text), _NOTIFIED) or "-")
    if result.fits:
        return message(
            view.id,
            notified,
            [rich(sentence(who(view.starter), ": finished. The result is at the top of this thread."))],
        )
    whole = excerpt(Visible(result.whole, result.escaped), characters=PAGE_CHARACTERS, lines=_LINES)
    much = "All of the result"
    if not whole.fits:
        much = facts("The result", f"{quantity(whole.hidden, 'character')} not shown")
    said = sentence(who(view.starter), f": finished. {much}:")
    return message(view.id, notified, [rich(said, preformatted(whole.shown))])


def private_sentence(text: str) -> Message:
    """A sentence to one person; `text` is mrkdwn of our own making, as `bot.cards.notices` writes it."""
    return message("notice", text, [section(ours(text))])
