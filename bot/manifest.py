"""The app's manifest as Slack wants it: for Socket Mode, or with the address at which Slack reaches this server."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import yaml

from agent_runtime.errors import TextError, quoted
from bot.packages import ROOT
from bot.settings import is_loopback

FILE = "manifest.yml"
EVENTS_PATH = "/slack/events"
PLACEHOLDER = f"https://signoff.example.com{EVENTS_PATH}"
"""What stands in the file wherever the address belongs."""

WHERE = "Paste it at https://api.slack.com/apps?new_app=1 (From a manifest)."

_HEAD = re.compile(r"\A(?:#.*\n)+")
_ADDRESS_LINE = re.compile(rf"^ *(?:url|request_url): {re.escape(PLACEHOLDER)}\n", re.MULTILINE)
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))+", re.ASCII)
_MEND = "Write it as https://bot.example.com, without a path"


def read_manifest() -> str:
    """The manifest as it stands in the repository, with the placeholder: an installed package carries a copy."""
    packaged = files("bot") / FILE
    return packaged.read_text() if packaged.is_file() else (ROOT / FILE).read_text()


def for_socket_mode(text: str) -> str:
    """The manifest of an app to which a connection from here is opened: no address in it."""
    without = _ADDRESS_LINE.sub("", text).replace("socket_mode_enabled: false", "socket_mode_enabled: true")
    return _HEAD.sub(f"# Signoff's Slack app, for Socket Mode. {WHERE}\n", without)


def for_address(text: str, address: str) -> str:
    """The manifest of an app whose deliveries come to an address, such as `https://bot.example.com`."""
    return _HEAD.sub(
        f"# Signoff's Slack app, for {address}. {WHERE}\n", text.replace(PLACEHOLDER, address + EVENTS_PATH)
    )


def as_shape(text: str) -> dict[str, Any]:
    """The manifest as a JSON value."""
    shape: dict[str, Any] = yaml.safe_load(text)
    return shape


def parse_address(text: str) -> str:
    """`https://host` or `https://host:port` out of what somebody typed. Raises `TextError`."""
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise TextError(f"{quoted(text)} is not a web address", _MEND) from None
    if parts.scheme != "https":
        raise TextError(f"{quoted(text)} does not begin with https://, and Slack calls nothing else", _MEND)
    if is_loopback(host):
        raise TextError(f"{quoted(text)} is this machine, which Slack cannot reach", "Use Socket Mode: --socket")
    if not _HOST.fullmatch(host):
        raise TextError(f"{quoted(text)} names no host that Slack could find", _MEND)
    if parts.path.rstrip("/") not in ("", EVENTS_PATH) or parts.query or parts.fragment or parts.username is not None:
        raise TextError(f"{quoted(text)} has more in it than a host and a port", _MEND)
    return f"https://{host}" + (f":{port}" if port else "")
