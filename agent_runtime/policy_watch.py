"""Reading the policy file anew while the server runs: a good change holds for new judgements, a broken one changes
nothing. Open requests keep the rules they were opened with."""

from __future__ import annotations

from pathlib import Path

import structlog

from agent_runtime.alert_rules import AlertRules
from agent_runtime.audit import Event, record
from agent_runtime.causes import Cause
from agent_runtime.context import Context
from agent_runtime.errors import ConfigError
from agent_runtime.policy_changes import difference, needs_restart
from agent_runtime.policy_file import Configuration, load_policy_file
from agent_runtime.runtime import Runtime
from agent_runtime.storms import raise_at_once, resolve_at_once
from agent_runtime.troubles import Trouble
from storage.tx import Tx
from storage.types import SYSTEM, Json

log = structlog.get_logger("signoff")

_Look = tuple[int, int, int] | None


class PolicyWatch:
    """Looks at one policy file. `poll` is called every few seconds; a change counts when it was seen twice the same, so
    that a file is not read while it is being written: half a file may lack the policies that forbid."""

    def __init__(self, runtime: Runtime, path: Path, configuration: Configuration) -> None:
        self._runtime = runtime
        self._path = path
        self._started = configuration
        self._needs_agents = bool(configuration.agents)
        self._read: _Look | tuple[()] = ()  # not yet: it may have changed since the start read it
        self._seen: _Look = _look(path)
        self._refused: tuple[str, ...] = ()

    async def poll(self) -> None:
        """Read the file anew where it has changed and rests."""
        look = _look(self._path)
        rests, self._seen = look == self._seen, look
        if look == self._read or not rests:
            return
        try:
            configuration = load_policy_file(self._path, needs_agents=self._needs_agents)
        except ConfigError as error:
            await self._refuse(error)
        else:
            await self._take(configuration)
        self._read = look

    async def _take(self, configuration: Configuration) -> None:
        before, after = self._runtime.policies, configuration.policies
        recovered, self._refused = bool(self._refused), ()
        rules_before, self._runtime.alerts = self._runtime.alerts, configuration.alerts
        await self._runtime.db.transact(resolve_at_once, self._runtime.context(), Cause.POLICY, self._path.name)
        if before.digest == after.digest and not recovered:
            return
        told = ("changed: alerts",) if rules_before != configuration.alerts else ()
        changes, waiting = (*difference(before, after), *told), needs_restart(self._started, configuration)
        text: Json = {
            "file": self._path.name,
            "digest": after.digest,
            "before": before.digest,
            "changes": list(changes),
            "needs_restart": list(waiting),
        }
        await self._runtime.db.transact(_record, self._runtime.context(), Event.POLICY_CHANGED, text)
        self._runtime.policies = after
        log.info("policy file read anew", digest=after.digest[:12], changes=changes)
        if waiting:
            log.warning("these changes hold after a restart", keys=waiting)

    async def _refuse(self, error: ConfigError) -> None:
        faults = tuple(str(fault) for fault in error.faults)
        log.error("the policy file has faults, so the one before still holds; see signoff check", faults=faults)
        if faults == self._refused:
            return
        self._refused = faults
        text: Json = {"file": self._path.name, "faults": list(faults), "holds": self._runtime.policies.digest}
        await self._runtime.db.transact(_refuse, self._runtime.context(), self._runtime.alerts, self._path.name, text)


def _look(path: Path) -> _Look:
    """What tells that a file was changed; None where it cannot be seen."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _record(tx: Tx, context: Context, event: Event, text: Json) -> None:
    record(tx, context, event, SYSTEM, text=text)


def _refuse(tx: Tx, context: Context, rules: AlertRules, file: str, text: Json) -> None:
    """On record, and an alert until the file is mended."""
    record(tx, context, Event.POLICY_REFUSED, SYSTEM, text=text)
    facts: Json = {"faults": text["faults"], "holds": text["holds"]}
    raise_at_once(tx, context, rules, Trouble(Cause.POLICY, file, context.now, facts=facts))
