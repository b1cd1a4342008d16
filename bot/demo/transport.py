"""How the demo's workspace tells the bot what people do."""

from __future__ import annotations

from enum import StrEnum


class Transport(StrEnum):
    """Slack's two ways: signed requests to an address, or envelopes over connections that the bot opens."""

    HTTP = "http"
    SOCKET = "socket"
