"""Finds the fenced blocks of the documents, and what stands before each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_SAVED_AS = re.compile(r"`(?P<name>[\w./-]+\.(?:py|toml))`[^`]*:\s*\Z")
_NOT_RUN = re.compile(r"<!-- not run: (?P<reason>.+?) -->\s*\Z", re.DOTALL)
_INLINE = re.compile(r"(?<!`)`((?:signoff|make) [^`\n]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """One fenced block. `before` is the text between it and the block before it; `after_sh`: only blanks are there, and
    that block was one of commands."""

    document: Path
    line: int
    language: str
    text: str
    before: str
    after_sh: bool

    @property
    def place(self) -> str:
        """Where to look, such as `README.md:12`."""
        return f"{self.document.relative_to(ROOT)}:{self.line}"

    @property
    def file(self) -> str | None:
        """What the reader was just told to save this as: the file named at the end of the sentence before it."""
        match = _SAVED_AS.search(self.before)
        return match["name"] if match else None

    @property
    def not_run(self) -> str | None:
        """The reason in `<!-- not run: ... -->` directly before the block."""
        match = _NOT_RUN.search(self.before)
        return match["reason"] if match else None

    @property
    def commands(self) -> list[str]:
        """The commands of a `sh` block: without comments, with continued lines as one."""
        joined = re.sub(r"\\\n\s*", " ", self.text)
        bare = (re.sub(r"(?:^|\s)#\s.*$", "", line).strip() for line in joined.splitlines())
        return [line for line in bare if line]


def blocks(document: Path) -> Iterator[Block]:
    """The blocks of a document, in order. Indented ones, as in lists, lose their indentation."""
    text = document.read_text()
    end, language = 0, ""
    for match in _FENCE.finditer(text):
        inside = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        before = text[end : match.start()]
        line = text.count("\n", 0, match.start()) + 1
        yield Block(document, line, match["language"], inside, before, language == "sh" and not before.strip())
        end, language = match.end(), match["language"]


def inline_commands(document: Path) -> list[str]:
    """What stands in running text as a command of ours, such as `signoff check`."""
    return _INLINE.findall(_FENCE.sub("", document.read_text()))
