"""What the reader of `signoff.toml` accepts and what the documents show are the same: every key has an example."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from agent_runtime import spellings
from agent_runtime.errors import ConfigError
from agent_runtime.policy_file import read_policy_text
from agent_runtime.toml_reader import TableReader
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
