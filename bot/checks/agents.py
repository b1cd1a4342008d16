"""The agents: where their tools run, whether each place is gated, and whether the gate holds on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agent_runtime.agents import Agent, AgentLevel
from agent_runtime.errors import AgentError
from bot.checks.finding import Finding, fault, ok, warning


async def check_agents(agents: Mapping[str, Agent]) -> tuple[Finding, ...]:
    """One finding for each agent, one for each place that cannot be gated, and the gate's test of itself."""
    found = [finding for name, agent in agents.items() for finding in check_agent(name, agent)]
    if not agents:
        found.append(fault("no agent is named", 'Name some in the policy file, as agents = "my_agents:agents"'))
    return (*found, await _gate())


def check_agent(name: str, agent: Agent) -> Iterator[Finding]:
    """How much of an agent Signoff controls."""
    places = agent.report()
    if agent.level is AgentLevel.OBSERVED:
        yield ok(f"{name}: observed. {AgentLevel.OBSERVED.sentence}")
        return
    gated = [place.name for place in places if place.gated]
    where = f"tools run in {', '.join(gated)}" if gated else "no place where tools run was found"
    yield ok(f"{name}: gated, {where}")
    for place in places:
        if not place.gated:
            yield warning(
                f"{name}: {place.name} cannot be gated: {place.reason}",
                "A tool call made there is stopped, and the run fails",
            )


async def _gate() -> Finding:
    from agent_runtime.adapters.langgraph import check_gate  # importing LangGraph takes seconds

    try:
        await check_gate()
    except AgentError as broken:
        return fault(broken.reason, "Install the versions that Signoff was tested with, and report this")
    return ok("The gate holds: a denied call did not run, and a call outside the gate was stopped")
