"""The grammar of `[alerts]` in the policy file."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

from agent_runtime.alert_rules import WORKDAYS_AT_NINE, AgentAlerts, AlertRules
from agent_runtime.causes import Severity
from agent_runtime.cron import parse_cron, parse_zone
from agent_runtime.errors import TextError, quoted
from agent_runtime.selectors import parse_channel, parse_selector
from agent_runtime.toml_reader import TableReader

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_SEVERITIES = {one.value: one for one in Severity}
SHORTEST_BEAT = timedelta(seconds=10)
SHORTEST_SILENCE = timedelta(minutes=1)
"""Processes say every twenty seconds that they live: one that misses two of three is not dead."""


def read_alerts(table: TableReader, approvals_channel: str) -> AlertRules:
    """What the table says, with the default for what it does not; alerts without a channel of their own go to the
    approvals channel."""
    plain = AlertRules()
    every = table.duration("heartbeat_every") or plain.heartbeat_every
    if every < SHORTEST_BEAT:
        table.fault("heartbeat_every", "is too often", 'Write "10s" or more, such as "1m"')
        every = plain.heartbeat_every
    silence = table.duration("heartbeat") or plain.heartbeat
    if silence < SHORTEST_SILENCE:
        table.fault("heartbeat", "is too short", 'Write "1m" or more')
        silence = plain.heartbeat
    if table.has("heartbeat_url") and table.has("heartbeat_url_env"):
        table.fault("heartbeat_url_env", "stands beside heartbeat_url", "Keep one of the two")
    return AlertRules(
        channel=table.parsed("channel", parse_channel, default=approvals_channel),
        fallback=table.texts("fallback", _target),
        waiting=table.duration("waiting") or plain.waiting,
        queued=table.duration("queued") or plain.queued,
        running=table.duration("running") or plain.running,
        failing=table.count("failing", plain.failing, 1),
        heartbeat=silence,
        digest=_digest(table),
        zone=table.parsed("zone", parse_zone, default=plain.zone) or plain.zone,
        heartbeat_url=table.parsed("heartbeat_url", parse_web_address),
        heartbeat_url_env=table.parsed("heartbeat_url_env", _variable),
        heartbeat_every=every,
        agents=tuple(_agent(one) for one in table.tables("agent")),
    )


def _digest(table: TableReader) -> str:
    return table.parsed("digest", parse_cron) if table.has("digest") else WORKDAYS_AT_NINE


def _agent(table: TableReader) -> AgentAlerts:
    name = table.text("name", default="*")
    if not table.has("name"):
        table.fault("name", "is missing", 'Name the agents, as name = "purchasing" or name = "ops-*"')
    rules = AgentAlerts(
        name=name or "*",
        channel=table.parsed("channel", parse_channel),
        severity=table.choice("severity", _SEVERITIES, None),
        waiting=table.duration("waiting"),
        queued=table.duration("queued"),
        running=table.duration("running"),
        failing=table.count("failing", 1, 1) if table.has("failing") else None,
    )
    table.done()
    return rules


def _target(text: str) -> str:
    """A channel, or a person as `user:U0123`."""
    if text.strip().startswith("user:"):
        return parse_selector(text)
    try:
        return parse_channel(text)
    except TextError as error:
        raise TextError(error.problem, 'Write a channel, as "#on-call", or a person, as "user:U0123"') from None


def parse_web_address(text: str) -> str:
    """A web address, which no fault repeats: whoever knows it can speak for this server. Raises `TextError`."""
    try:
        parts = urlsplit(text.strip())
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known or not text.strip().isprintable():
        raise TextError("is not a web address", 'Write it whole, as "https://hc.example.com/ping/..."')
    return text.strip()


def _variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text.strip()):
        raise TextError(f"{quoted(text)} is not the name of a variable", 'Write its name, as "HEARTBEAT_URL"')
    return text.strip()
