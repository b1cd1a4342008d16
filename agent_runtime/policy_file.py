"""The policy file: `signoff.toml` into frozen models. Owns its grammar, and the sentences that say what is wrong.

Every fault is found in one pass, each with file, line, key and mend. Nothing is ignored: an unknown key refuses the
file.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from agent_runtime import policy_table, webhook_table
from agent_runtime.alert_rules import AlertRules
from agent_runtime.alerts_table import read_alerts
from agent_runtime.errors import WHOLE_FILE, ConfigError, ConfigFault, TextError, quoted
from agent_runtime.import_path import parse_import_path
from agent_runtime.ladder_table import read_hours
from agent_runtime.policy import DEFAULT_TIMEOUT, AgentRule, Caps, Default, PolicySet, Stage
from agent_runtime.selectors import MEMBERS, Selector, parse_channel
from agent_runtime.toml_lines import locate
from agent_runtime.toml_reader import Faults, TableReader
from agent_runtime.webhook import Webhook
from storage.types import OnTimeout

_SYNTAX_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


class Configuration(BaseModel):
    """What the file says. `agents` are import paths, none where the file need not name any; an empty
    `approvals_channel` means the run's own thread."""

    model_config = ConfigDict(frozen=True)

    agents: tuple[str, ...]
    approvals_channel: str
    alerts: AlertRules
    policies: PolicySet
    emails: bool = False
    """Whether the directory reads people's e-mail addresses: to tell two accounts of one person, and for `email:`."""
    webhooks: tuple[Webhook, ...] = ()


def load_policy_file(path: Path, *, needs_agents: bool = True) -> Configuration:
    """Reads the file. `needs_agents` is False where the environment names them. Raises `ConfigError` with everything
    wrong in it."""
    file = str(path)
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        raise _alone(file, "there is no such file", "Write one to start from with: signoff init") from None
    except OSError as error:
        raise _alone(file, f"cannot be read: {error.strerror}", "Make it a file that this user may read") from error
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise _alone(file, "is not UTF-8 text", "Save it as UTF-8", line) from error
    return read_policy_text(text, file, hashlib.sha256(body).hexdigest(), needs_agents=needs_agents)


def read_policy_text(text: str, file: str, digest: str = "", *, needs_agents: bool = False) -> Configuration:
    """The configuration a text holds; `file` is its name in messages. Raises `ConfigError`."""
    try:
        document = tomllib.loads(text)
        faults = Faults(file, locate(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError((_syntax_fault(text, file, str(error)),)) from None
    except ValueError:  # Python's own limit on the digits of a number
        raise _alone(file, "holds a number that is too long to read", "Shorten it") from None
    except RecursionError:
        raise _alone(file, "is nested too deeply", "Remove the brackets within brackets") from None
    top = TableReader(document, (), faults)
    agents = _agents(top, needed=needs_agents)
    if not _reads_emails(document):
        for path in _addresses(document, ()):
            faults.add(path, "names a person by e-mail, which is not switched on", _NO_EMAILS)
    return _configuration(top, agents, faults, digest)


_NO_EMAILS = "Write the member id, as user:U0123, or emails = true under [slack], for which the app needs a scope"


def _reads_emails(document: Mapping[str, Any]) -> bool:
    slack = document.get("slack")
    return isinstance(slack, Mapping) and slack.get("emails") is True


def _addresses(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """Where people are named by their addresses."""
    if isinstance(value, str) and value.strip().startswith("email:") and _NAMES_PEOPLE & set(path):
        yield path
    members = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in members:
        yield from _addresses(inner, (*path, key))


_NAMES_PEOPLE = frozenset({"approvers", "members", "starters", "escalate_to"})


def _configuration(top: TableReader, agents: tuple[str, ...], faults: Faults, digest: str) -> Configuration:
    slack, alerts = top.table("slack"), top.table("alerts")
    approvals_channel = slack.parsed("approvals_channel", parse_channel)
    emails = slack.flag("emails")
    alert_rules = read_alerts(alerts, approvals_channel)
    operators = top.table("operators")
    members = operators.texts("members", policy_table.selector)
    tables = top.tables("agent")
    spelled = tuple(policy for table in tables for policy in policy_table.read_spellings(table))
    rules = tuple(_agent_rule(table) for table in tables)
    default = _default(top)
    timeout = default.timeout if default else DEFAULT_TIMEOUT
    policies = tuple(policy_table.read(table, timeout) for table in top.tables("policy"))
    caps = _caps(top.table("caps"))
    webhooks = webhook_table.read_all(top.tables("webhook"))
    redact = top.table("redact")
    redact_keys = redact.texts("keys", _pattern)
    for table in (slack, alerts, operators, redact, top):
        table.done()
    if found := faults.all():
        raise ConfigError(found)
    assert default is not None, "a default without a stage is a fault"
    return Configuration(
        agents=agents,
        approvals_channel=approvals_channel,
        alerts=alert_rules,
        emails=emails,
        webhooks=webhooks,
        policies=PolicySet(
            default=default,
            policies=(*policies, *spelled),
            agents=rules,
            operators=members,
            caps=caps,
            redact_keys=redact_keys,
            digest=digest,
        ),
    )


def _agents(top: TableReader, *, needed: bool) -> tuple[str, ...]:
    if needed and not top.has("agents"):
        mend = 'Add agents = "my_agents:agents" at the top: a module beside this file, and the mapping in it'
        top.fault("agents", "is missing, so there would be no agent to start", mend)
    if isinstance(top.raw("agents"), str):
        return (top.parsed("agents", parse_import_path),)
    return top.texts("agents", parse_import_path)


def _agent_rule(table: TableReader) -> AgentRule:
    name = table.text("name", default="*")
    if not table.has("name"):
        table.fault("name", "is missing", 'Name the agent, as name = "purchasing"; "*" means every agent')
    starters = table.texts("starters", _starter, default=(MEMBERS,))
    table.done()
    return AgentRule(name=name, starters=starters)


def _starter(text: str) -> Selector:
    """A selector, or the word for every full member."""
    return MEMBERS if text.strip() == MEMBERS else policy_table.selector(text)


def _pattern(text: str) -> str:
    """A pattern of names whose values are redacted."""
    if not text.strip() or not text.strip("*? "):
        raise TextError(f"{quoted(text)} says no name", 'Write a name or a pattern, such as "*password*"')
    return text.strip()


def _default(top: TableReader) -> Default | None:
    table = top.table("default")
    timeout = table.duration("timeout") or DEFAULT_TIMEOUT
    on_timeout = policy_table.on_timeout(table) or OnTimeout.REJECT
    stage, hours = _default_stage(table, timeout), read_hours(table)
    table.done()
    return Default(stage=stage, timeout=timeout, on_timeout=on_timeout, hours=hours) if stage else None


def _default_stage(table: TableReader, timeout: timedelta) -> Stage | None:
    if table.has("stage"):
        return policy_table.read_stage(table.table("stage"), timeout)
    problem = "is missing, so nobody could approve what no policy covers"
    table.fault("stage", problem, 'Add [default.stage] with approvers = ["channel:#approvers"]')
    table.raw("stage")
    return None


def _caps(table: TableReader) -> Caps:
    plain = Caps()
    caps = Caps(
        max_requests=table.count("max_requests", plain.max_requests, 1),
        max_reasks=table.count("max_reasks", plain.max_reasks, 0),
        max_open_per_approver=_cap(table, "max_open_per_approver"),
        max_open_per_starter=_cap(table, "max_open_per_starter"),
        max_starts_per_hour=_cap(table, "max_starts_per_hour"),
        fast_approval=table.duration("fast_approval"),
    )
    table.done()
    return caps


def _cap(table: TableReader, key: str) -> int | None:
    """A number of at least one; None where it is not said."""
    said = table.count(key, 1, 1)
    return said if table.has(key) else None


def _syntax_fault(text: str, file: str, message: str) -> ConfigFault:
    """A fault for text that is not TOML: the parser's own words, and the key that the line is about."""
    place = _SYNTAX_PLACE.search(message)
    lines = text.rstrip().split("\n")
    line = min(int(place[1]), len(lines)) if place and place[1] else len(lines)
    key = lines[line - 1].split("=")[0].split("#")[0].strip(" \t[]")[:60] or "(syntax)"
    problem = _SYNTAX_PLACE.sub("", message)
    mend = 'Each line reads key = value, [table] or [[table]]; texts stand in quotes, as "4h"'
    return ConfigFault(file, key, f"is not valid TOML: {problem}", mend, line)


def _alone(file: str, problem: str, mend: str, line: int | None = None) -> ConfigError:
    return ConfigError((ConfigFault(file, WHOLE_FILE, problem, mend, line),))
