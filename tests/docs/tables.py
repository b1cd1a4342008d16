"""TOML blocks through the real loader. A fragment is completed to the smallest whole file that holds it."""

from __future__ import annotations

import tomllib

from agent_runtime.errors import ConfigError
from agent_runtime.policy_file import Configuration, read_policy_text

AGENTS = 'agents = "my_agents:agents"\n'
STAGE = '\n[default.stage]\napprovers = ["usergroup:managers"]\n'
POLICY = '[[policy]]\ntool = "delete_file"\n'
OPENINGS = ("", POLICY, POLICY + "[[policy.stage]]\n", "[default]\n")
"""Where a fragment without a table of its own may belong, in the order in which it is tried."""


def load(text: str) -> Configuration:
    """What a block says. Raises `ConfigError` where it belongs nowhere, with what is wrong at the top of the file."""
    first: ConfigError | None = None
    for opening in OPENINGS:
        try:
            return read_policy_text(completed(opening + text), "signoff.toml", needs_agents=True)
        except ConfigError as error:
            first = first or error
    assert first is not None
    raise first


def completed(text: str) -> str:
    """The text with agents and a default stage where it has none."""
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return text
    before = "" if "agents" in said else AGENTS
    return before + text + ("" if "stage" in said.get("default", {}) else STAGE)
