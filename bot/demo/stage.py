"""Sets up the demo: a workspace on this machine and the real bot beside it, talking over signed HTTP or Socket Mode."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

import agent_runtime.demo
from agent_runtime.clock import MovableClock, SystemClock
from agent_runtime.model_choice import ModelChoice
from agent_runtime.policy_file import load_policy_file
from agent_runtime.registry import load_agents
from bot.app import Bot, Connection, open_bot
from bot.budgets import UNLIMITED, Budgets
from bot.demo.app import install_from
from bot.demo.transport import Transport
from bot.door import PATH
from bot.manifest import as_shape, for_socket_mode, read_manifest
from bot.workspace import Workspace
from bot.workspace.demo_world import demo_world
from bot.workspace.installation import Example

POLICY_FILE = Path(agent_runtime.demo.__file__).parent / "signoff.toml"
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything a play needs: the workspace, the bot, the clock both live by, and where effects land."""

    workspace: Workspace
    bot: Bot
    clock: MovableClock
    data_dir: Path


@asynccontextmanager
async def open_stage(
    data_dir: Path, *, port: int = 0, transport: Transport = Transport.HTTP, model: ModelChoice | None = None
) -> AsyncIterator[Stage]:
    """A workspace and a bot, both serving on loopback, the bot's workers running."""
    clock = MovableClock(follow=SystemClock())
    configuration = load_policy_file(POLICY_FILE)
    agents = load_agents(configuration.agents, data_dir, model=model)
    database = f"sqlite:///{data_dir / 'signoff.db'}"
    world = demo_world(clock)
    examples = [Example(f"{name} {each.example}", each.description) for name, each in agents.items() if each.example]
    manifest = read_manifest()
    if transport is Transport.SOCKET:
        manifest = for_socket_mode(manifest)
    install_from(as_shape(manifest), world.app, examples)
    async with Workspace.serve(world, clock=clock, signing_clock=clock, port=port) as workspace:
        app_token = workspace.app_token if workspace.socket_mode else ""
        connection = Connection(workspace.api_url, workspace.bot_token, workspace.signing_secret, app_token)
        key = secrets.token_bytes(KEY_BYTES)
        # This workspace has none of Slack's limits, and nobody who tries a demo wants to wait for them.
        budgets = Budgets(clock, UNLIMITED, UNLIMITED)
        async with (
            open_bot(connection, configuration, agents, database, key, clock=clock, budgets=budgets) as bot,
            serve_bot(bot) as url,
        ):
            workspace.app_url = url
            if workspace.socket_mode:
                await workspace.wait_for(lambda: len(workspace.sockets) > 0)
            yield Stage(workspace, bot, clock, data_dir)


@asynccontextmanager
async def serve_bot(bot: Bot, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """The bot with its workers running, behind HTTP and, where that is its way in, on Socket Mode; yields the address
    that HTTP deliveries go to."""
    runner = web.AppRunner(bot.web_app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port, backlog=1024).start()
    bound = runner.addresses[0]
    stopping = asyncio.Event()
    work = asyncio.create_task(bot.run(stopping))
    try:
        async with bot.receiving():
            yield f"http://{bound[0]}:{bound[1]}{PATH}"
    finally:
        stopping.set()
        await work
        await runner.cleanup()
