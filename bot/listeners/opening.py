"""Showing a modal to whoever acted: within the life of their trigger, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import structlog
from aiohttp import ClientError
from slack_sdk.errors import SlackApiError, SlackRequestError

log = structlog.get_logger("signoff")

OPEN_SECONDS = 1.5
"""How long opening a modal may take: the trigger lives three seconds and the directory may have used one."""


async def bounded(call: Awaitable[Any]) -> bool:
    """Whether a modal was shown. One that cannot be shown in time is logged; the person presses again. Nothing was
    decided by it."""
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            await call
    except (SlackApiError, SlackRequestError, ClientError, TimeoutError, OSError) as error:
        log.warning("could not show a modal", error=str(error) or type(error).__name__)
        return False
    return True


def updated(view: dict[str, Any]) -> dict[str, Any]:
    """The acknowledgement of a form that puts this modal in its place."""
    return {"response_action": "update", "view": view}
