"""What the app was told and what it answered: a delivery, its attempts, and the reply to each, whatever carried it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from bot.workspace.shapes import Json

TIMEOUT = "operation_timeout"
UNREACHABLE = "connection_failed"
REDIRECTED = "too_many_redirects"


@dataclass(frozen=True)
class Reply:
    """The app's answer. `status` is None, and `error` says why, when there was none in time; an acknowledged envelope
    is a 200."""

    status: int | None
    content_type: str = ""
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    error: str | None = None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON, or None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Retried:
    """Which attempt at an event this is, 0 for the first, and why the one before failed."""

    number: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Attempt:
    """One HTTP request, its exact headers and bytes, or one envelope, its frame; and what came back."""

    headers: dict[str, str]
    body: bytes
    reply: Reply
    envelope: str = ""
    """The envelope's id; empty for HTTP."""


@dataclass
class Delivery:
    """Something to tell the app. `kind`: `slash_commands`, `interactive` or `events_api`; attempts in order."""

    kind: str
    payload: Json
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def reply(self) -> Reply | None:
        """The answer to the latest attempt."""
        return self.attempts[-1].reply if self.attempts else None
