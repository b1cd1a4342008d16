"""Everything in the documents that could be wrong, tried out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs import claims
from tests.docs.blocks import DOCUMENTS, ROOT, inline_commands
from tests.docs.reader import TARGETS, Reader, require_valid


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
async def test_everything_a_document_shows_works(document: Path, reader: Reader) -> None:
    """From top to bottom, as a reader does it; a block that nobody claims, or leaves out without a reason, fails."""
    await claims.read(document, reader)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_command_in_running_text_exists(document: Path) -> None:
    """`signoff ...` and `make ...` in sentences: the command, the target, the options."""
    for command in inline_commands(document):
        program, *words = command.split()
        if program == "make":
            assert words[0] in TARGETS | {"TARGET"}, f"{document.name}: there is no make {words[0]}"
        elif words != ["..."]:
            require_valid(words, document.name)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_leads_somewhere(document: Path) -> None:
    """Files in the repository, and headings in them."""
    for target in re.findall(r"\]\((?!https?://|mailto:)([^)\s]+)\)", document.read_text()):
        file, _, anchor = target.partition("#")
        path = document.parent / file if file else document
        assert path.exists(), f"{document.name}: {target} is not there"
        if anchor:
            assert anchor in anchors(path), f"{document.name}: {target} has no such heading"


def anchors(document: Path) -> set[str]:
    """The headings of a document as links name them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
