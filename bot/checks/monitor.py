"""The monitor that hears whether Signoff works: is its address where the policy file says?"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from pydantic import SecretStr

from agent_runtime.alert_rules import AlertRules
from agent_runtime.alerts_table import parse_web_address
from agent_runtime.errors import TextError
from bot.checks.finding import Finding, fault, ok, warning
from bot.settings import is_loopback


def check_monitor(rules: AlertRules, variable: Callable[[str], SecretStr | None]) -> tuple[Finding, ...]:
    """One finding; none where no monitor is set. The address is a secret and is not shown."""
    name, address = rules.heartbeat_url_env, rules.heartbeat_url
    if name:
        said = variable(name)
        if said is None:
            return (fault(f"{name} is not set, and heartbeats go there", "Set it to the monitor's address"),)
        try:
            address = parse_web_address(said.get_secret_value())
        except TextError as error:
            return (fault(f"{name} {error.problem}", error.mend),)
    if not address:
        return ()
    parts = urlsplit(address)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        problem = f"Heartbeats go to {parts.hostname} unencrypted: whoever reads the address can speak for this server"
        return (warning(problem, "Use https where the monitor has it"),)
    return (ok(f"Heartbeats go to {parts.hostname}"),)
