"""The `signoff` command: one file for each command; this one puts them together.

Heavy imports wait inside their command, so that `signoff --help` is quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from bot.cli import agents, check, demo, init, migrate, serve
from bot.cli.words import FAILED, Problem, Words, explain, nearest_command, say

EPILOG = """\
First steps: signoff demo --auto, then signoff init, signoff check, signoff serve.

Environment: SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET are needed; SIGNOFF_CONFIG (signoff.toml), SIGNOFF_DATA_DIR \
(.signoff), SIGNOFF_HOST and SIGNOFF_PORT (127.0.0.1:3000) have defaults.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
"""


class Commands(TyperGroup):
    """The commands, with a way back for whoever mistypes one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            ctx.fail(nearest_command(args[0], list(self.commands)))
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=Commands,
    name="signoff",
    help="People in Slack sign off what an AI agent is about to do.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _prepare() -> None:
    """Before any command: logs go to stderr, so that a command's own output stays clean."""
    from bot.logs import configure_logs

    configure_logs()


app.command(rich_help_panel="Try it")(demo.demo)
app.command(rich_help_panel="Set up")(init.init)
app.command(rich_help_panel="Set up")(check.check)
app.command(rich_help_panel="Set up")(agents.agents)
app.command(rich_help_panel="Run it")(serve.serve)
app.command(rich_help_panel="Run it")(migrate.migrate)


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
    if done.code is None or isinstance(done.code, int):
        return done.code or 0
    say(Words(FAILED, (Problem(str(done.code)),)))
    return FAILED
