"""The tables of docs/install-slack.md against the code."""

from __future__ import annotations

import json
import re

from bot.checks.scopes import EVENTS, METHODS, SCOPES
from bot.manifest import as_shape, read_manifest
from tests.cli.conftest import Shell
from tests.docs.blocks import ROOT

MANIFEST = as_shape(read_manifest())
SUBSCRIBED = MANIFEST["settings"]["event_subscriptions"]["bot_events"]
TEXT = (ROOT / "docs" / "install-slack.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    assert lines, heading
    return lines[2:]


def test_the_table_of_scopes_says_what_the_code_does() -> None:
    """Each scope of the manifest with what it is for and the calls and events that take it."""
    takes = {**METHODS, **{event: EVENTS[event] for event in SUBSCRIBED}}
    expected = {
        f"`{scope.name}`": (scope.purpose, {name for name, scopes in takes.items() if scope.name in scopes})
        for scope in SCOPES
    }
    told = {row[0]: (row[1], set(re.findall(r"`([\w.]+)`", " ".join(row[2:])))) for row in rows("Scopes")}
    assert told == expected


def test_the_table_of_what_slack_tells_the_bot_is_the_manifests() -> None:
    """Commands, shortcuts and events, in the order of the manifest."""
    features = MANIFEST["features"]
    expected = [one["command"] for one in features["slash_commands"]]
    expected += [one["callback_id"] for one in features["shortcuts"]]
    assert [row[0].strip("`") for row in rows("What Slack tells the bot")] == expected + SUBSCRIBED


async def test_every_section_of_the_check_is_explained(shell: Shell) -> None:
    """In the order in which they are printed."""
    shell.ws.socket_mode = True
    shell.set(SLACK_APP_TOKEN=shell.ws.app_token)
    sections = json.loads((await shell.run("check", "--json")).out)["sections"]
    told = [row[0] for row in rows("What each line of the check means")]
    assert told == [section["title"] for section in sections]
