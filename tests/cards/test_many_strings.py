"""A hundred thousand hostile strings through the card: quicker to make than Hypothesis makes them, and many more."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from agent_runtime.views import RequestView
from bot.cards.arguments import arguments
from bot.cards.modals import review_all
from bot.cards.request import card
from bot.cards.subject import subject_of
from tests.cards.decoder import read_arguments
from tests.cards.hostile import BUY, FRAGMENTS, NOW, SENTINEL
from tests.cards.limits import check_message, check_view, mrkdwn, texts

MENTIONS = ("<@U2BEN>", "<!subteam^S1FIN>")
ALPHABETS = ("abc ", "аbс", "\u202e\u202d\u2066\u2069", "\u200b\u200c\u2060\ufeff", "<>&|*_~`@#!", "\U000e0041é日本")


class Strings:
    """Makes them, and counts how many it made."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.made = 0

    def text(self) -> str:
        """One string: pieces of attacks, a run of deceptive letters, or one of them forty thousand characters long."""
        self.made += 1
        rng = self._random
        pieces = rng.choices(FRAGMENTS, k=rng.randint(0, 6))
        pieces.append("".join(rng.choices(rng.choice(ALPHABETS), k=rng.randint(0, 9))))
        rng.shuffle(pieces)
        text = "".join(pieces)
        return ((text or "ab ") * 40_000)[:40_000] if rng.random() < 0.001 else text

    def arguments(self) -> dict[str, Any]:
        """A call's arguments: a few, fifty, or something nested deeply."""
        rng = self._random
        count = rng.choice((1, 2, 3, 5, 50))
        found = {self.text(): self.value() for _ in range(count)}
        if rng.random() < 0.05:
            inner: Any = self.text()
            for level in range(rng.randint(10, 150)):
                inner = {"k": inner} if level % 2 else [inner]
            found["deep"] = inner
        return found

    def value(self) -> Any:
        kind = self._random.random()
        if kind < 0.8:
            return self.text()
        return [self.text(), {self.text(): self.text()}] if kind < 0.9 else self._random.choice((None, True, 17, 0.5))

    def request(self) -> RequestView:
        """A request whose every text is one of them."""
        return replace(
            BUY, agent=SENTINEL + self.text(), tool=SENTINEL + self.text(), args=self.arguments(), note=self.text(),
            reason=SENTINEL + self.text(),
        )  # fmt: skip


def show_and_check(view: RequestView) -> None:
    """The card is within the limits and free of markup, its arguments read back, and the last page ends as they do."""
    assert view.args is not None
    message = card(view, now=NOW, mentions=MENTIONS)
    check_message(message)
    assert not any(SENTINEL in text for text in mrkdwn(message.blocks))
    whole = arguments(view.args).whole
    assert read_arguments(whole) == view.args
    subject, page, seen = subject_of(view), 0, ""
    while len(seen) < len(subject.whole):
        modal = review_all(view, page)
        check_view(modal)
        parts = [part for block in modal["blocks"] if block["type"] == "rich_text" for part in block["elements"]]
        seen += "".join(texts(parts))
        page += 1
    assert seen == subject.whole
    assert whole in seen


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_thousand_hostile_strings_stay_data_and_can_be_read_to_their_end(seed: int) -> None:
    """Ten thousand of them."""
    strings = Strings(seed)
    while strings.made < 10_000:
        show_and_check(strings.request())


def test_a_few_hundred_hostile_strings_stay_data_and_can_be_read_to_their_end() -> None:
    """The same few hundred in every run of the tests."""
    strings = Strings(seed=99)
    while strings.made < 300:
        show_and_check(strings.request())
