"""Texts from outside are shown for what they are."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.text import clip, code, date, duration, escape, inert, link, mention, mixed_alphabets, person, visible
from storage.types import SCHEDULER, Actor, ActorKind
from tests.cards.decoder import unspell
from tests.cards.hostile import ANA, NOW, hostile, huge

UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Me"}


@given(st.one_of(hostile, st.text(st.characters(exclude_categories=())), huge), st.booleans(), st.booleans())
def test_visible_text_hides_nothing_and_can_be_read_back(text: str, lines: bool, fold: bool) -> None:
    """No deceptive character survives, and the text that was given can be told from what is shown."""
    shown = visible(text, lines=lines, fold=fold).text
    assert unspell(shown) == text
    for char in set(shown) - ({"\n"} if lines else set()):
        assert unicodedata.category(char) not in UNSEEN
        assert char == " " or unicodedata.category(char) != "Zs"
        assert not 0xFE00 <= ord(char) <= 0xFE0F
    assert not re.search(r" {17}", shown) or not fold


@pytest.mark.parametrize(
    ("text", "shown", "escaped"),
    [
        ("plain", "plain", 0),
        ("\u202egro.live", "⟦U+202E⟧gro.live", 1),
        ("a\u200bb\U000e0041", "a⟦U+200B⟧b⟦U+E0041⟧", 2),
        ("nbsp\u00a0", "nbsp⟦U+00A0⟧", 1),
        ("\u3164\u2800", "⟦U+3164⟧⟦U+2800⟧", 2),
        ("caf\u00e9 cafe\u0301", "caf\u00e9 cafe\u0301", 0),
        ("z\u0301\u0302\u0303", "z\u0301\u0302⟦U+0303⟧", 1),
        ("a\ufe0f", "a⟦U+FE0F⟧", 1),
        ("1\u0336", "1⟦U+0336⟧", 1),
        ("\u0301x", "⟦U+0301⟧x", 1),
        ("नमस्ते", "नमस्ते", 0),
        ("⟦U+202E⟧", "⟦U+27E6⟧U+202E⟦U+27E7⟧", 0),
    ],
)
def test_deceptive_characters_are_written_out_and_counted(text: str, shown: str, escaped: int) -> None:
    """Each kind of deception has its own look, honest accents stay, and our own marks cannot be forged."""
    assert visible(text) == (shown, escaped)


def test_long_runs_become_counts() -> None:
    """Padding cannot push anything out of sight."""
    assert visible("a" + " " * 5_000 + "rm", fold=True).text == "a⟦space × 5000⟧rm"
    assert visible("\u200b" * 500, fold=True) == ("⟦U+200B × 500⟧", 500)
    assert visible("=" * 99, fold=True).text == "=" * 99
    assert visible("=" * 100, fold=True).text == "⟦= × 100⟧"


def test_words_that_mix_alphabets_are_counted() -> None:
    """A Cyrillic letter inside a Latin word is noticed; a word of one alphabet is not."""
    assert mixed_alphabets("p\u0430ypal and Москва and Αθήνα and ok") == 1


@given(st.text(max_size=50), st.integers(1, 60))
def test_clipping_keeps_to_its_limit(text: str, limit: int) -> None:
    """A clipped text is never longer, and says that it was cut."""
    cut = clip(text, limit)
    assert len(cut) <= max(limit, 1)
    assert cut == text if len(text) <= limit else cut.endswith("…")


def test_escaping_leaves_no_control_character_of_slacks() -> None:
    """Only the three characters that Slack names are replaced, ampersands first."""
    assert escape("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"
    assert inert("*x* snake_case _y_ <a>") == ("⟦U+002A⟧x⟦U+002A⟧ snake_case ⟦U+005F⟧y⟦U+005F⟧ &lt;a&gt;")
    assert code("a`b<c") == "`a⟦U+0060⟧b&lt;c`"


@pytest.mark.parametrize(
    ("selector", "ids", "shown"),
    [
        ("user:U1", {}, "<@U1>"),
        ("usergroup:S12", {}, "<!subteam^S12>"),
        ("usergroup:managers", {"usergroup:managers": "S12"}, "<!subteam^S12>"),
        ("usergroup:managers", {}, "managers"),
        ("channel:#approvers", {"channel:#approvers": "C12"}, "<#C12>"),
        ("channel:#approvers", {}, "approvers"),
        ("starter:", {"starter:": "U1"}, "<@U1>"),
        ("starter:", {}, "whoever started the run"),
        ("user:<!channel>", {}, "&lt;!channel&gt;"),
        ("usergroup:managers", {"usergroup:managers": "here>"}, "managers"),
    ],
)
def test_approvers_are_mentioned_by_ids_only(selector: str, ids: dict[str, str], shown: str) -> None:
    """A selector becomes a mention where an id of the right form is known, else a harmless name."""
    assert mention(selector, ids) == shown


def test_people_are_mentioned_only_where_slack_knows_them() -> None:
    """An id that is none, or an actor from elsewhere, is written by name."""
    assert person(ANA) == "<@U1ANA>"
    assert person(SCHEDULER) == "the scheduler"
    assert person(Actor(kind=ActorKind.SLACK, id="U1><!here>")) == "U1&gt;&lt;!here&gt;"


def test_dates_are_shown_in_the_readers_zone_with_a_fallback() -> None:
    """The fallback names its zone."""
    assert date(NOW) == "<!date^1795255200^{date_short_pretty} at {time}|2026-11-21 10:00 UTC>"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "https://a.example|b>", "https://a b", "", "https://a\n"])
def test_an_address_that_could_break_out_makes_no_link(address: str) -> None:
    """Only plain web addresses become links."""
    assert link(address, "thread") == ""


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.4, "0.4 s"),
        (42, "42 s"),
        (720, "12 min"),
        (7500, "2 h 5 min"),
        (7200, "2 h"),
        (277_200, "3 days 5 h"),
        (-1, "less than 0.1 s"),
    ],
)
def test_durations_read_in_two_units(seconds: float, shown: str) -> None:
    """From tenths of a second to days."""
    assert duration(timedelta(seconds=seconds)) == shown
