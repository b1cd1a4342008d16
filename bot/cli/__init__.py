"""The `signoff` command: one file for each command; this one puts them together.

Heavy imports wait inside their command, so that `signoff --help` is quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from bot.cli import agents, audit, check, demo, init, manifest, migrate, policy, serve, webhooks
from bot.cli.words import FAILED, INTERRUPTED, Problem, Words, explain, nearest_command, say, stderr, stdout

EPILOG = """\
First steps: signoff demo, then signoff manifest, signoff init, signoff check, signoff serve.

Settings come from the environment: SLACK_BOT_TOKEN is needed, and SLACK_APP_TOKEN (Socket Mode) or \
SLACK_SIGNING_SECRET (HTTPS); the others have defaults. All of them: signoff serve --help

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 stopped with Ctrl-C.
"""


class Command(TyperCommand):
    """A command whose --help shows no type beside a flag."""

    def get_help_option(self, ctx: Any) -> Any:
        return _untyped(super().get_help_option(ctx))


class Commands(TyperGroup):
    """The commands, with a way back for whoever mistypes one."""

    def get_help_option(self, ctx: Any) -> Any:
        return _untyped(super().get_help_option(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            ctx.fail(nearest_command(args[0], list(self.commands)))
        return super().resolve_command(ctx, args)


def _untyped(option: Any) -> Any:
    """The help option, which takes no value, without the type that would stand beside it."""
    if option is not None:
        option.metavar = ""
    return option


app = typer.Typer(
    cls=Commands,
    name="signoff",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(asked: bool) -> None:
    if asked:
        stdout().print(f"signoff {version('signoff')}")
        raise typer.Exit


@app.callback()
def _prepare(
    _: Annotated[
        bool,
        typer.Option("--version", metavar="", help="Show the version and exit.", callback=_tell_version, is_eager=True),
    ] = False,
) -> None:
    """People in Slack sign off what an AI agent is about to do."""
    # Logs go to stderr, so that a command's own output stays clean.
    from bot.logs import configure_logs

    configure_logs()


for _panel, _command, _epilog in (
    ("Try it", demo.demo, None),
    ("Set up", manifest.manifest, None),
    ("Set up", init.init, None),
    ("Set up", check.check, None),
    ("Set up", agents.agents, None),
    ("Run it", serve.serve, serve.SETTINGS),
    ("Run it", migrate.migrate, None),
    ("Run it", webhooks.webhooks, None),
):
    app.command(cls=Command, rich_help_panel=_panel, epilog=_epilog)(_command)
for _panel, _group in (("Set up", policy.policy), ("Run it", audit.audit)):
    for _one in _group.registered_commands:
        _one.cls = Command
    app.add_typer(_group, cls=Commands, rich_help_panel=_panel)


def run(arguments: Sequence[str]) -> int:
    """Run one command; the exit code. What is expected to go wrong is told in words; only a bug has a traceback."""
    try:
        app(list(arguments), prog_name="signoff")
    except SystemExit as done:
        return _code(done)
    except Exception as error:
        words = explain(error)
        if words is None:
            raise
        say(words)
        return words.code
    return 0


def _code(done: SystemExit) -> int:
    """What `sys.exit` was given: a number, nothing, or words to say before failing."""
    if done.code == INTERRUPTED:
        stderr().print("Stopped.")
    if done.code is None or isinstance(done.code, int):
        return done.code or 0
    say(Words(FAILED, (Problem(str(done.code)),)))
    return FAILED
