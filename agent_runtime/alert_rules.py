"""The rules of alerts: from when on something counts as stuck, who is told where, and when the digest is sent."""

from __future__ import annotations

from datetime import timedelta
from fnmatch import fnmatchcase

from pydantic import Field

from agent_runtime.causes import SEVERITY, Cause, Severity
from agent_runtime.rules import Frozen

WORKDAYS_AT_NINE = "0 9 * * mon-fri"


class AgentAlerts(Frozen):
    """What differs for the agents that a glob names; empty and None mean: as for all."""

    name: str
    channel: str = ""
    severity: Severity | None = None
    waiting: timedelta | None = Field(default=None, gt=timedelta(0))
    queued: timedelta | None = Field(default=None, gt=timedelta(0))
    running: timedelta | None = Field(default=None, gt=timedelta(0))
    failing: int | None = Field(default=None, ge=1)


class AlertRules(Frozen):
    """Thresholds and places. An empty `channel` has alerts go to the `fallback`: further channels, and people as
    `user:U1`. `digest` is a cron line in the time zone `zone`; empty: none is sent. `heartbeat_url` is told every
    `heartbeat_every` that Signoff lives; `heartbeat_url_env` names an environment variable that holds the address."""

    channel: str = ""
    fallback: tuple[str, ...] = ()
    waiting: timedelta = Field(default=timedelta(hours=2), gt=timedelta(0))
    queued: timedelta = Field(default=timedelta(minutes=5), gt=timedelta(0))
    running: timedelta = Field(default=timedelta(minutes=30), gt=timedelta(0))
    failing: int = Field(default=3, ge=1)
    heartbeat: timedelta = Field(default=timedelta(minutes=2), gt=timedelta(0))
    digest: str = WORKDAYS_AT_NINE
    zone: str = "UTC"
    heartbeat_url: str = Field(default="", repr=False)
    heartbeat_url_env: str = ""
    heartbeat_every: timedelta = Field(default=timedelta(minutes=1), gt=timedelta(0))
    agents: tuple[AgentAlerts, ...] = ()

    def channel_for(self, agent: str) -> str:
        """Where the alerts about an agent go; of several globs that name it the first counts, for each key."""
        return next((one.channel for one in self._of(agent) if one.channel), self.channel)

    def severity(self, cause: Cause, agent: str) -> Severity:
        """How urgent such an alert is."""
        return next((one.severity for one in self._of(agent) if one.severity), SEVERITY[cause])

    def waiting_for(self, agent: str) -> timedelta:
        """How long a run may wait for people."""
        return next((one.waiting for one in self._of(agent) if one.waiting), self.waiting)

    def queued_for(self, agent: str) -> timedelta:
        """How long a run may wait for a worker."""
        return next((one.queued for one in self._of(agent) if one.queued), self.queued)

    def running_for(self, agent: str) -> timedelta:
        """How long a run may be at work without a pause."""
        return next((one.running for one in self._of(agent) if one.running), self.running)

    def failing_for(self, agent: str) -> int:
        """How many failures in a row are too many."""
        return next((one.failing for one in self._of(agent) if one.failing), self.failing)

    @property
    def shortest_wait(self) -> timedelta:
        """What has waited for people for less counts nowhere."""
        return min([self.waiting, *(one.waiting for one in self.agents if one.waiting)])

    @property
    def shortest_queue(self) -> timedelta:
        """What has waited for a worker for less counts nowhere."""
        return min([self.queued, *(one.queued for one in self.agents if one.queued)])

    @property
    def shortest_work(self) -> timedelta:
        """What has been at work for less counts nowhere."""
        return min([self.running, *(one.running for one in self.agents if one.running)])

    @property
    def channels(self) -> tuple[str, ...]:
        """Every channel that alerts go to by themselves."""
        named = (self.channel, *(one.channel for one in self.agents))
        return tuple(dict.fromkeys(channel for channel in named if channel))

    def _of(self, agent: str) -> list[AgentAlerts]:
        return [one for one in self.agents if agent and fnmatchcase(agent, one.name)]
