"""What `signoff demo` does: open the stage, then play by itself, ask at the console, or serve until stopped."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import sys
import tempfile
import webbrowser
from pathlib import Path

from agent_runtime.model_choice import ModelChoice
from agent_runtime.refusals import RefusalReason
from agent_runtime.registry import nearest
from agent_runtime.runs import Order
from bot.console import Console, ConsolePeople, console_origin
from bot.demo.effects import compare_effects, list_effects
from bot.demo.play import Play, PlayFailed
from bot.demo.scenes import SCENES
from bot.demo.stage import Stage, open_stage
from bot.demo.transport import Transport
from bot.desk import Desk
from bot.logs import configure_logs
from storage.types import Actor, ActorKind, RunStatus

DONE, FAILED, USAGE = 0, 1, 2
REQUESTER = Actor(kind=ActorKind.CLI, id="requester", name="The demo's requester")
LOG = "signoff.log"
PORT = 7446
"""Where the demo's page is, so that its address can be kept: S-I-G-N on a telephone's keys."""


def run(
    *,
    auto: bool = False,
    console: str | None = None,
    data_dir: Path | None = None,
    port: int | None = None,
    browser: bool = True,
    transport: Transport = Transport.HTTP,
    model: ModelChoice | None = None,
) -> int:
    """Exit code: 0 when everything went as it should. Without a folder a fresh one is used; the play's is removed again
    when its effects were as they should be. `port` is where the page is served, 0 for a free one; `browser` opens it,
    if somebody sits at this terminal."""
    folder = data_dir or Path(tempfile.mkdtemp(prefix="signoff-demo-"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if auto and any(folder.iterdir()):
        _complain(f"{folder} is not empty, and the play compares every effect in it. Name an empty folder.")
        return USAGE
    with (folder / LOG).open("a") as log:
        configure_logs(log)
        if console is not None:
            return asyncio.run(_ask(folder, console, transport, model))
        if not auto:
            return asyncio.run(_serve(folder, port, transport, model, browser=browser and sys.stdout.isatty()))
        code = asyncio.run(_play(folder, transport))
    if code == DONE and data_dir is None:
        shutil.rmtree(folder)
        _say("That folder is removed now; with --data-dir DIR it is kept.")
    else:
        _say(f"Its data and its log are in {folder}")
    return code


async def _play(folder: Path, transport: Transport) -> int:
    async with open_stage(folder, transport=transport) as stage:
        play = Play(stage, _say)
        try:
            for scene in SCENES:
                await scene(play)
        except PlayFailed as failure:
            _say(f"\nThe play stopped: {failure}")
            return FAILED
        problems = stage.workspace.problems
    return _judge(folder, problems)


def _judge(folder: Path, problems: list[str]) -> int:
    _say(f"\nThe effects on disk, in {folder}:")
    for effect in list_effects(folder):
        _say(f"  {effect}")
    differences = compare_effects(folder) + [f"the workspace noticed: {problem}" for problem in problems]
    if differences:
        _say("\nThat is not what was approved:")
        for line in differences:
            _say(f"  {line}")
        return FAILED
    _say("\nEvery one was approved or allowed: nothing missing, doubled or unapproved.")
    return DONE


async def _serve(
    folder: Path, wanted: int | None, transport: Transport, model: ModelChoice | None, *, browser: bool
) -> int:
    port = PORT if wanted is None else wanted
    if not _is_free(port):
        if wanted is not None:
            _complain(f"Port {port} is taken, or not allowed. Name another one, or leave --port out.")
            return FAILED
        _say(f"Port {port} is taken, perhaps by another demo: this one takes a free port.")
        port = 0
    async with open_stage(folder, port=port, transport=transport, model=model) as stage:
        _introduce(stage)
        if browser:
            # In a thread: a browser that runs in the terminal answers only when it is closed.
            await asyncio.to_thread(webbrowser.open, stage.workspace.url)
        while True:
            await stage.workspace.run_due_retries()
            await asyncio.sleep(1)


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        # As the server does: a port that a demo has just left is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _introduce(stage: Stage) -> None:
    command = next(iter(stage.workspace.world.app.commands.values()))
    _say(f"The demo is at {stage.workspace.url} (this machine only). There you are Ana; type for example:")
    _say(f"  {command.name} {command.examples[0].text}")
    _say("Then be Maria, at the top of the page, and approve it.")
    _say("Nothing leaves this machine: no mail, no purchase, no account anywhere is real.")
    _say(f"What the agents did lies in {stage.data_dir}: mail (in mail/new), bookings.jsonl, reports, signoffs.jsonl,")
    _say("purchases.jsonl and sandbox, in which what ops is told to run really runs; and the log.")
    _say("No browser? signoff demo --console approval. Everything played: signoff demo --auto. Ctrl-C stops this.")


async def _ask(folder: Path, agent: str, transport: Transport, model: ModelChoice | None) -> int:
    """One run of an agent, its questions asked at this terminal. The run is started by somebody else than the person
    who sits here, because nobody approves their own."""
    async with open_stage(folder, transport=transport, model=model) as stage:
        runtime = stage.bot.runtime
        known = runtime.agents.get(agent)
        if known is None:
            near = nearest(agent, list(runtime.agents))
            hint = f" Did you mean {near}?" if near else ""
            _complain(f"No agent is called {agent}.{hint} There are: {', '.join(sorted(runtime.agents))}.")
            return USAGE
        desk = Desk(runtime, ConsolePeople(runtime.clock))
        started = await desk.start(Order(agent, known.example, {}), REQUESTER, console_origin())
        if isinstance(started, RefusalReason):
            _complain(f"Nothing was started: {started.sentence}")
            return FAILED
        _say(f"{REQUESTER.name} starts {agent}: {known.example}")
        _say("You are whoever is asked: the approver, and the one who answers questions.")
        ended = await Console(desk, sys.stdin, sys.stdout).play(started.id)
    for effect in list_effects(folder):
        _say(f"On disk: {effect}")
    _say(f"Its data and its log are in {folder}")
    return DONE if ended.status is RunStatus.SUCCEEDED else FAILED


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def _complain(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201
