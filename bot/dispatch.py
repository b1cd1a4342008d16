"""Hands what Slack delivers to Bolt, whichever way it came in, and counts what was refused at the entrance."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

Headers = dict[str, str | Sequence[str]]


class BadBody(Exception):
    """A delivery that cannot be read, with the reason."""


class Dispatch:
    """The one place where a delivery that was let in becomes Bolt's request."""

    def __init__(self, app: AsyncApp) -> None:
        self._app = app
        self._noise: Counter[str] = Counter()

    async def hand_over(self, delivery: Mapping[str, Any], headers: Headers) -> BoltResponse:
        """What our listeners answer. Raises BadBody for a delivery without the parts that Bolt takes for granted."""
        body = dict(_shaped(delivery))
        # "socket_mode" is Bolt's name for "already verified and parsed".
        return await self._app.async_dispatch(AsyncBoltRequest(body=body, headers=headers, mode="socket_mode"))

    def count_noise(self, kind: str) -> None:
        """Something was refused: `unsigned or forged`, `unreadable`."""
        self._noise[kind] += 1

    def take_noise(self) -> dict[str, int]:
        """What was refused since the last call, counted by kind."""
        counts = dict(self._noise)
        self._noise.clear()
        return counts


def json_object(text: str) -> Mapping[str, Any]:
    """A JSON object. Raises BadBody."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise BadBody("the body is nested too deeply") from None
    except ValueError as error:
        raise BadBody(f"the body cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise BadBody("the body is not a JSON object")
    return value


def _shaped(delivery: Mapping[str, Any]) -> Mapping[str, Any]:
    """The delivery, if it has the parts that Bolt takes for granted while it looks for a listener."""
    if not isinstance(delivery.get("event", {}), dict):
        raise BadBody("the body has an event that is not an object")
    if delivery.get("type") == "block_actions":
        actions = delivery.get("actions")
        if not isinstance(actions, list) or not actions or not all(_is_action(action) for action in actions):
            raise BadBody("the body has no actions that can be read")
    return delivery


def _is_action(action: Any) -> bool:
    return isinstance(action, dict) and all(isinstance(action.get(key), str) for key in ("action_id", "block_id"))
