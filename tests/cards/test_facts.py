"""Facts on one line: one separator between them, from one function, on every card."""

from __future__ import annotations

from pathlib import Path

import bot.cards
from bot.cards.blocks import TEXT_LIMIT, context, data, ours
from bot.cards.text import facts


def test_one_function_puts_facts_side_by_side() -> None:
    """No module of the cards writes the separator itself, nor another one in its place."""
    modules = [path for path in Path(bot.cards.__file__).parent.glob("*.py") if path.name != "text.py"]
    assert len(modules) > 30
    for other in (" · ", '"; "', "  ·"):
        assert [path.name for path in modules if other in path.read_text()] == [], other


def test_what_is_empty_leaves_no_separator_behind() -> None:
    """Facts that are not known are not there."""
    assert facts("", "a", "", "b", "") == "a · b"
    assert facts("", "") == ""


def test_small_print_is_one_line_of_facts() -> None:
    """Ours are one text; anybody else's words stay plain and apart, and follow a colon without a separator."""
    elements = context(data("Ann: no"), ours("asked"), ours("thread"), ours("Ran:"), data("*sold*"))["elements"]
    assert [(one["type"], one["text"]) for one in elements] == [
        ("plain_text", "Ann: no ·"), ("mrkdwn", "asked · thread · Ran:"), ("plain_text", "*sold*"),
    ]  # fmt: skip


def test_small_print_that_is_too_long_for_one_text_stays_two() -> None:
    """No separator pushes a text over what Slack takes."""
    elements = context(ours("a" * TEXT_LIMIT), ours("b" * TEXT_LIMIT))["elements"]
    assert [len(one["text"]) for one in elements] == [TEXT_LIMIT, TEXT_LIMIT]
