"""Whom a message calls, as the page's numbers count it: Slack itself notifies everybody a text mentions.

A number would be of no use beside whoever only started something, or beside everybody whom a status names. So these do
not count: who is only named as having started, closed or paused it or approved an earlier call, as whoever asks, or,
in an alert, as asked by the request that it is about; who decided already; and everybody on a message of an app that
offers buttons but asks for nothing, such as a run's state with its Cancel.
"""

from __future__ import annotations

import re
from typing import Any

from bot.workspace.blockkit.reading import buttons_in, mentioned_in
from bot.workspace.markup import notified
from bot.workspace.messages import StoredMessage

_NAMED_ONLY = re.compile(r"\b(?:started|Closed|paused\*?) by <@\w+>|\b(?:has waited for|Asked:)(?:,? <[@!][\w^]+>)+")
_ASKS = " asks about "
_DECIDER = re.compile(r"<@(\w+)> (?:approved|rejected|skipped|answered)\b(?!(?:[^<]|<!date[^>]*>)*\(withdrawn\))")


def requests_in(message: StoredMessage) -> set[str]:
    """What an app asks people to decide in a message: it offers a primary button for each, and what that carries tells
    them apart. One that is asked in two messages is the same."""
    if message.bot_id is None:
        return set()
    return {button.value or message.ts for button in buttons_in(message.blocks) if button.style == "primary"}


def called_by(message: StoredMessage) -> set[str]:
    """The ids of the users and groups a message is meant for, and `here`, `channel`, `everyone`."""
    if message.bot_id is None:
        return mentioned_in(message.blocks) | notified(message.text)
    if buttons_in(message.blocks) and not requests_in(message):
        return set()
    deciders = set(_DECIDER.findall(" ".join(_mrkdwn(message.blocks))))
    return (mentioned_in(_meant(message.blocks)) | notified(_NAMED_ONLY.sub("", message.text))) - deciders


def _mrkdwn(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [str(value.get("text", ""))] if value.get("type") == "mrkdwn" else []
        return own + _mrkdwn(list(value.values()))
    return [text for each in value for text in _mrkdwn(each)] if isinstance(value, list) else []


def _meant(value: Any) -> Any:
    """The same blocks without the places that only name somebody."""
    if isinstance(value, list):
        return [_meant(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "mrkdwn":
        return value | {"text": _NAMED_ONLY.sub("", str(value.get("text", "")))}
    if value.get("type") == "rich_text_section" and _begins(value, "Started ", "Queued ", "Earlier in this run: "):
        return value | {"elements": []}
    if value.get("type") == "rich_text_section":
        return value | {"elements": _without_askers(value.get("elements") or [])}
    return {key: _meant(each) for key, each in value.items()}


def _without_askers(elements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without whoever "asks about" something."""
    after = [*elements[1:], {}]
    return [each for each, then in zip(elements, after, strict=True) if not str(then.get("text", "")).startswith(_ASKS)]


def _begins(section: dict[str, Any], *words: str) -> bool:
    first: dict[str, Any] = next(iter(section.get("elements") or []), {})
    return str(first.get("text", "")).startswith(words)
