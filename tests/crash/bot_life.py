"""One life of the whole bot: the store, the workers, the timers and the web server, until a signal ends it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from agent_runtime.agents import Agent
from agent_runtime.clock import MovableClock, SystemClock
from agent_runtime.policy_file import read_policy_text
from bot.app import Connection, open_bot
from bot.demo.stage import serve_bot
from tests.crash.life import KEY, URL
from tests.crash.patterns import WATCH, build
from tests.patience import be_patient

POLICY = """
[slack]
approvals_channel = "#approvals"
[alerts]
channel = "#alerts"
[operators]
members = ["usergroup:finance"]
[default]
timeout = "9h"
[default.stage]
approvers = ["usergroup:finance"]
[[policy]]
tool = "read"
action = "allow"
[[policy]]
tool = "wipe"
action = "deny"
"""
AGENTS = ("approval", "parallel")
TOOL_PAUSE = 0.15
"""Seconds: long enough that many kills find a tool at work."""


@dataclass(frozen=True)
class BotLife:
    """Where the bot lives, which workspace it serves, and how far its clock is ahead (seconds)."""

    folder: str
    api_url: str
    token: str
    secret: str
    ahead: float

    def run(self, agents: Mapping[str, Agent], report: int) -> None:
        """Live until SIGTERM (or worse). Writes its address to `report` once it can be reached."""
        os.chdir(self.folder)
        be_patient()
        WATCH.pause = TOOL_PAUSE
        asyncio.run(self._run(agents, lambda url: os.write(report, json.dumps({"url": url}).encode() + b"\n")))

    async def _run(self, agents: Mapping[str, Agent], tell: Callable[[str], object]) -> None:
        clock = MovableClock(follow=SystemClock())
        clock.advance(timedelta(seconds=self.ahead))
        connection = Connection(self.api_url, self.token, self.secret)
        configuration = read_policy_text(POLICY, "signoff.toml")
        stopping = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
        async with open_bot(connection, configuration, agents, URL, KEY, clock=clock) as bot, serve_bot(bot) as url:
            tell(url)
            await stopping.wait()


def build_agents() -> dict[str, Agent]:
    """The agents of the town, built once in the warm parent."""
    return {name: build(name) for name in AGENTS}


def plan(life: BotLife) -> dict[str, Any]:
    """A life as JSON."""
    return asdict(life)
