"""Arguments are shown exactly, unambiguously and wholly."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.json_text import indented
from bot.cards.arguments import FIT_CHARACTERS, FIT_LINES, PAGE_CHARACTERS, arguments, pages, prose
from tests.cards.decoder import read_arguments
from tests.cards.hostile import args, hostile


@given(args)
def test_arguments_can_be_told_from_what_is_shown(call: dict[str, Any]) -> None:
    """Reading the shown text back gives the very arguments, types and digits included."""
    assert repr(read_arguments(arguments(call).whole)) == repr(call)


def test_arguments_read_like_this() -> None:
    """One a line, texts quoted or behind bars, nested values as indented JSON, odd names quoted."""
    call = {
        "to": "ana@example.com",
        "amount": 12345678901234567890,
        "rate": 0.1,
        "urgent": True,
        "body": "Hi,\n\n\n\namount: 5\n",
        "items": [{"sku": "A1", "tags": []}, None],
        "odd name": "5",
    }
    assert arguments(call).lines == (
        'to: "ana@example.com"',
        "amount: 12345678901234567890",
        "rate: 0.1",
        "urgent: true",
        "body:",
        "  │ Hi,",
        "  │ ⟦3 empty lines⟧",
        "  │ amount: 5",
        "  │ ",
        "items: [",
        "  {",
        '    "sku": "A1",',
        '    "tags": []',
        "  },",
        "  null",
        "]",
        '"odd name": "5"',
    )


def test_a_long_value_shows_head_count_and_tail() -> None:
    """The end of a long text is on the card, and the count says exactly how much is not."""
    shown = arguments({"body": "".join(f"line {number}\n" for number in range(5_000)) + "rm -rf /"})
    assert not shown.fits
    assert shown.shown.startswith("body:\n  │ line 0\n")
    assert shown.shown.endswith("  │ rm -rf /")
    assert f"⟦{shown.hidden:,} characters not shown⟧" in shown.shown
    assert shown.hidden + len(shown.shown) - len(f"\n⟦{shown.hidden:,} characters not shown⟧\n") == len(shown.whole)


@given(st.lists(st.one_of(hostile, st.just("\n" * 50), st.just("x" * 900)), max_size=40).map("".join))
def test_what_a_card_shows_of_a_text_is_its_head_and_its_tail(text: str) -> None:
    """Head and tail never overlap, cut no mark, and stay within the card's size."""
    shown = prose(text)
    head, gap, tail = shown.shown.partition(f"\n⟦{shown.hidden:,} characters not shown⟧\n")
    assert shown.whole.startswith(head)
    assert shown.whole.endswith(tail)
    assert len(head) + len(tail) + shown.hidden == len(shown.whole)
    assert bool(gap) == (not shown.fits)
    assert len(shown.shown) <= FIT_CHARACTERS
    assert shown.shown.count("\n") <= FIT_LINES
    assert all(part.count("⟦") == part.count("⟧") for part in (head, tail))


@given(st.text(alphabet="ab\n⟦⟧ U+", max_size=400), st.integers(10, 50))
def test_pages_joined_are_the_text(text: str, size: int) -> None:
    """No page is too long, none is empty, and nothing is lost between them."""
    cut = pages(text, size)
    assert "".join(cut) == text
    assert all(0 < len(page) <= size for page in cut) or not text


def test_forty_kilobytes_take_six_pages() -> None:
    """A long argument stays readable by hand."""
    assert len(pages("word " * 8_000)) == 40_000 // PAGE_CHARACTERS


def test_depth_and_foreign_containers_are_no_obstacle() -> None:
    """A hundred thousand brackets and read-only mappings are written without recursion."""
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert indented(deep).count("[") == 100_000
    assert indented(MappingProxyType({"a": (1, {})})) == '{\n  "a": [\n    1,\n    {}\n  ]\n}'
