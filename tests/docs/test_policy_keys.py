"""What the reader of `signoff.toml` accepts and what the documents show are the same: every key has an example."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent_runtime import spellings
from agent_runtime.callback import SHARE
from agent_runtime.condition import MOST_IN_MACRO
from agent_runtime.errors import ConfigError
from agent_runtime.givers import CONFIRMED_FOR
from agent_runtime.people import FRESH
from agent_runtime.policy import Caps, Default, GrantRule, Stage
from agent_runtime.policy_file import read_policy_text
from agent_runtime.redaction import SHORTEST_SECRET
from agent_runtime.scheduler import POLICY_SECONDS
from agent_runtime.sharing import MOST_ON_CARD
from agent_runtime.spellings import SECONDS
from agent_runtime.toml_reader import TableReader, span
from bot.cards.arguments import FIT_CHARACTERS, FIT_LINES
from bot.cards.subject import _SHARED
from storage.types import GrantScope
from tests.docs.blocks import ROOT, blocks
from tests.docs.tables import OPENINGS, completed

POLICIES = ROOT / "docs" / "policies.md"
ANYWHERE = ("stage", "rung", "hours")
"""Tables that are the same wherever they stand."""
SPELLED = "agent.*"
"""The keys of other frameworks' tables, which stand below a tool's name."""

Keys = dict[str, set[str]]
"""By the name of their table, such as `alerts.agent`; empty for the top of the file."""


class Seen:
    """What the reader asked for in the files that it was given, and what it found there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.known: Keys = defaultdict(set)
        self.shown: Keys = defaultdict(set)
        done, require_known = TableReader.done, spellings._require_known

        def table_read(table: TableReader) -> None:
            name = name_of(table)
            self.known[name] |= set(table.known)
            self.shown[name] |= set(table._table)
            done(table)

        def spelling_read(config: dict[str, Any], known: set[str]) -> None:
            self.known[SPELLED] |= known
            self.shown[SPELLED] |= set(config)
            require_known(config, known)

        monkeypatch.setattr(TableReader, "done", table_read)
        monkeypatch.setattr(spellings, "_require_known", spelling_read)

    def read(self, document: Path) -> tuple[Keys, Keys]:
        """The keys that the reader knows in the tables of a document's examples, and those that stand there."""
        known: Keys = defaultdict(set)
        shown: Keys = defaultdict(set)
        for block in blocks(document):
            if block.language == "toml":
                self._load(block.text)
                add(known, self.known)
                add(shown, self.shown)
        return known, shown

    def _load(self, text: str) -> None:
        for opening in OPENINGS:
            self.known.clear()
            self.shown.clear()
            try:
                read_policy_text(completed(opening + text), "signoff.toml", needs_agents=True)
            except ConfigError:
                continue
            return
        raise AssertionError(f"belongs nowhere: {text}")


def name_of(table: TableReader) -> str:
    """Its path without the numbers of its places; the last part of it where that says all."""
    names = [part for part in table.path if isinstance(part, str)]
    return names[-1] if names and names[-1] in ANYWHERE else ".".join(names)


def add(keys: Keys, more: Keys) -> None:
    for name, found in more.items():
        keys[name] |= found


def linked(document: Path) -> dict[Path, set[str]]:
    """The documents that one leads to, with the keys that its links name."""
    found: dict[Path, set[str]] = defaultdict(set)
    for words, target in re.findall(r"\[([^\]]*)\]\((\w+\.md)[^)]*\)", document.read_text()):
        found[document.parent / target] |= set(re.findall(r"`(\w+)`", words))
    return found


def test_every_key_of_the_file_has_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the document about policies, or in one that it leads to by a link that names the key."""
    seen = Seen(monkeypatch)
    known, shown = seen.read(POLICIES)
    for document, named in linked(POLICIES).items():
        more, there = seen.read(document)
        add(known, more)
        add(shown, {name: keys & named for name, keys in there.items()})
    missing = {name: sorted(keys - shown[name]) for name, keys in known.items() if keys - shown[name]}
    assert missing == {}


def test_the_numbers_in_its_words_are_the_codes() -> None:
    """Each sentence that states one is written here from the constant: whoever changes one changes the other."""
    text = " ".join(POLICIES.read_text().split())
    caps, grant, default = (
        Caps(),
        GrantRule(scopes=(GrantScope.RUN,)),
        Default(stage=Stage(name="a", approvers=("user:U1",))),
    )
    beside, alone = _SHARED, f"{FIT_CHARACTERS:,} characters and {FIT_LINES} lines"
    for sentence in (
        f"What was looked up counts for {FRESH.seconds} seconds at the most",
        f"more than {beside['characters']} characters or {beside['lines']} lines has *Review everything* there",
        f"a card of one call takes {alone}.",
        f"one looks at {MOST_IN_MACRO} entries at most",
        f'that of `[default]`, `"{span(default.timeout)}"`',
        f"max_requests = {caps.max_requests} #",
        f"max_reasks = {caps.max_reasks} #",
        f"# {grant.max_count} unless said",
        f"# {span(grant.max_age)} unless said",
        f"{SECONDS} s unless said, then the step is skipped",
    ):
        assert sentence in text, sentence
    assert (MOST_ON_CARD, "share a card, up to five," in text) == (5, True)
    assert (SHORTEST_SECRET, "a redacted value of six characters or more" in text) == (6, True)
    assert (SHARE, "more than four fifths of `timeout`" in text) == (0.8, True)
    assert (CONFIRMED_FOR, "for a quarter of an hour, the grant waits" in text) == (timedelta(minutes=15), True)
    assert (POLICY_SECONDS, "looks at the file every other second" in text) == (2, True)
