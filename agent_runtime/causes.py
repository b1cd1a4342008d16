"""What alerts are about: the causes, and how urgent each is."""

from __future__ import annotations

from collections.abc import Mapping

from storage.types import Described


class Severity(Described):
    """How urgent an alert is."""

    INFO = "info", "Somebody should know; nothing is broken."
    WARNING = "warning", "Work stands still, or soon will, until somebody looks."
    CRITICAL = "critical", "Nothing of the kind goes on before somebody has acted."


class Cause(Described):
    """Why something is stuck."""

    WAITING = "waiting", "A run has waited for people for longer than `waiting` in `signoff.toml`."
    OVERDUE = "overdue", "Nobody decided in time, and the policy keeps the request open."
    NOBODY = "nobody", "Whom a request asks are nobody, or too few: it cannot be approved as it stands."
    OUTCOME = "outcome", "A call was started and nobody knows whether it took effect; a person must say."
    QUEUED = "queued", "A run is ready to go on and no worker takes it."
    RUNNING = "running", "A run has been at work for longer than `running`: its agent, its model or a tool may hang."
    FAILING = "failing", "A run fails again and again, or the latest runs of an agent all failed."
    UNDELIVERED = "undelivered", "A message was given up: it is not taken where it should go."
    PAUSED = "paused", "An operator paused everything, or an agent, and it is still paused."
    SILENT = "silent", "A process has not said for a while that it lives."
    POLICY = "policy", "The changed policy file has faults, so the one before still holds."
    UNHEARD = "unheard", "The monitor that watches over Signoff does not take its heartbeat."


SEVERITY: Mapping[Cause, Severity] = {
    Cause.WAITING: Severity.WARNING,
    Cause.OVERDUE: Severity.WARNING,
    Cause.NOBODY: Severity.CRITICAL,
    Cause.OUTCOME: Severity.CRITICAL,
    Cause.QUEUED: Severity.CRITICAL,
    Cause.RUNNING: Severity.WARNING,
    Cause.FAILING: Severity.WARNING,
    Cause.UNDELIVERED: Severity.WARNING,
    Cause.PAUSED: Severity.INFO,
    Cause.SILENT: Severity.CRITICAL,
    Cause.POLICY: Severity.WARNING,
    Cause.UNHEARD: Severity.WARNING,
}
"""How urgent each cause is where the settings do not say."""
