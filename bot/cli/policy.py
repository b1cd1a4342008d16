"""`signoff policy explain`: what the policies say of one call, and why. The server is not asked and nothing changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from bot.cli.agents import load_every_agent
from bot.cli.words import printable, sentence, stdout

if TYPE_CHECKING:
    from agent_runtime.agents import Agent
    from agent_runtime.explain import Explanation, Step

SOMEBODY = "USOMEBODY"
VERDICTS = {
    "allow": ("The call runs without asking anybody", "green"),
    "deny": ("The call does not run", "red"),
    "require": ("People must approve the call", "yellow"),
    "callback": ("A callback decides about the call", "yellow"),
    "auto_approve": ("The call runs without asking anybody, by a setting", "red"),
    "log_only": ("The call runs without asking anybody, by a setting", "red"),
}
INSTEAD = {
    "callback": "Who is asked where the server was started without it",
    "auto_approve": "Who would be asked",
    "log_only": "Who would be asked",
}

policy = typer.Typer(
    name="policy",
    help="What the policies say.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@policy.callback()
def _policy() -> None:
    """What the policies say."""


@policy.command()
def explain(
    agent: Annotated[str, typer.Option("--agent", metavar="NAME", help="The agent that makes the call.")],
    tool: Annotated[str, typer.Option("--tool", metavar="NAME", help="The tool it calls.")],
    args: Annotated[str, typer.Option("--args", metavar="JSON", help="The call's arguments, as a JSON object.")] = "{}",
    starter: Annotated[
        str, typer.Option("--starter", metavar="ID", help="Who started the run, by member id, as U0123.")
    ] = SOMEBODY,
    run_input: Annotated[
        str,
        typer.Option("--input", metavar="JSON", help="What the run was started with; plain text will do."),
    ] = "null",
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="As JSON, for programs.")] = False,
) -> None:
    """Say which policy decides about a call, why each one before it does not, and who would be asked.

    For example: signoff policy explain --agent purchasing --tool buy --args '{"amount": 1200}'
    """
    from agent_runtime.explain import as_json as written
    from agent_runtime.explain import explain as explained
    from agent_runtime.judging import CallFacts
    from agent_runtime.policy_file import load_policy_file
    from bot.settings import load_settings
    from storage.types import Actor, ActorKind, RequestKind

    given = _object(args)
    settings = load_settings()
    configuration = load_policy_file(settings.config, needs_agents=not settings.agents)
    _require_known(load_every_agent(), agent, tool)
    facts = CallFacts(
        agent=agent,
        tool=tool,
        kind=RequestKind.TOOL,
        args=given,
        starter=Actor(kind=ActorKind.SLACK, id=starter.removeprefix("user:")),
        input=_input(run_input),
    )
    explanation = explained(configuration.policies, facts, settings.asking)
    if as_json:
        print(json.dumps(written(explanation), ensure_ascii=False, indent=2))  # noqa: T201
    else:
        show(explanation, stdout())


def show(explanation: Explanation, console: Console) -> None:
    """The explanation for people: the verdict, the way to it, and what follows."""
    verdict, style = VERDICTS.get(explanation.asks) or VERDICTS[explanation.verdict]
    console.print(Text.assemble((verdict, f"bold {style}"), f": {_clean(explanation.policy)}."))
    for said in filter(None, (explanation.reason, explanation.trouble, explanation.fixed)):
        console.print(Text(f"  {sentence(_clean(said))}"))
    console.print(Text("\nHow it came to that", "bold"))
    for line in _way(explanation.steps):
        console.print(line)
    if explanation.fixed:
        console.print(Text("\nThe arguments it is about", "bold"))
        console.print(Text(_clean(json.dumps(explanation.args, ensure_ascii=False, indent=2), lines=True)))
    if explanation.verdict == "require":
        for line in _asked(explanation):
            console.print(line)
    for remark in explanation.remarks:
        console.print(Text(f"  {_clean(remark)}"))


def _way(steps: tuple[Step, ...]) -> Iterator[Text]:
    last = 1
    for step in steps:
        if step.round != last:
            last = step.round
            yield Text("  The arguments were fixed, so all are read again.", "italic")
        mark, style = ("✓", "green") if step.matched else ("-", "dim")
        yield Text.assemble("  ", (mark, style), f" {_clean(step.policy)}: {_clean(step.why)}")
        if len(step.parts) > 1:
            for part, value in step.parts:
                yield Text(f"      {_clean(part)}: {_clean(value)}")
    if not steps or not steps[-1].matched:
        yield Text(f"  {'No policy matches' if steps else 'There are no policies'}: the default holds.")


def _asked(explanation: Explanation) -> Iterator[Text]:
    yield Text(f"\n{INSTEAD.get(explanation.asks, 'Who is asked')}", "bold")
    for number, stage in enumerate(explanation.stages, start=1):
        votes = f"{stage.quorum} of them must say yes" if stage.quorum > 1 else "one of them must say yes"
        noes = f", {stage.reject_quorum} no" if stage.reject_quorum > 1 else ""
        place = f", in {stage.channel}" if stage.channel else ""
        yield Text(f"  {number}. {_clean(stage.name)}: {', '.join(stage.approvers)}; {votes}{noes}{place}")
    yield Text(f"  They can: {', '.join(explanation.decisions)}")
    if explanation.note:
        yield Text(f"  They read: {_clean(explanation.note)}")
    if explanation.times:
        yield Text("\nIn time", "bold")
    for said in explanation.times:
        yield Text(f"  {_clean(said)}")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        said = f"at character {error.pos + 1}: {error.msg}" if isinstance(error, json.JSONDecodeError) else str(error)
        mend = "Write an object in single quotes, as --args '{\"amount\": 1200}'"
        raise typer.BadParameter(f"is not JSON ({said}). {mend}.", param_hint="--args") from None
    if not isinstance(value, dict):
        raise typer.BadParameter('is not an object. Write names and values, as {"amount": 1200}.', param_hint="--args")
    return value


def _input(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON number")


def _require_known(agents: Mapping[str, Agent], agent: str, tool: str) -> None:
    """Refuses names that no agent has: the answer would be about nothing."""
    from bot.checks.policies import tools_of

    if agent not in agents:
        raise typer.BadParameter(_unknown("agent", agent, list(agents)), param_hint="--agent")
    tools = tools_of(agents, agent)
    if tools is not None and tool not in tools:
        raise typer.BadParameter(_unknown("tool", tool, sorted(tools)), param_hint="--tool")


def _unknown(what: str, name: str, known: list[str]) -> str:
    from agent_runtime.registry import nearest

    near = nearest(name, known)
    mend = f"Did you mean {near}?" if near else f"Known are {', '.join(known) or 'none'}."
    return f"there is no {what} {printable(name)[:80]!r}. {mend}"


def _clean(text: str, *, lines: bool = False) -> str:
    return printable(text) if lines else printable(text).replace("\n", " ")
