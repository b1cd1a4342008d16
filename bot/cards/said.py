"""Plain things said: a line of a run's story in its thread, and a private sentence to one person."""

from __future__ import annotations

from bot.cards.blocks import Message, message, ours, rich, section, sentence
from bot.cards.text import clip, escape, line

_LINE_LIMIT = 1_000


def story_line(run_id: str, text: str) -> Message:
    """One line about a run. `text` may hold anybody's words: it is shown letter by letter and formats nothing."""
    words = clip(line(text), _LINE_LIMIT) or "-"
    return message(run_id, escape(words), [rich(sentence(words))])


def private_sentence(text: str) -> Message:
    """A sentence to one person; `text` is mrkdwn of our own making, as `bot.cards.notices` writes it."""
    return message("notice", text, [section(ours(text))])
