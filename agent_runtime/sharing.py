"""Which requests share a card: calls of one pause that ask the same people, in the same way, for the same time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from agent_runtime import outbound
from agent_runtime.context import Context
from agent_runtime.rules import Rules, Stage
from storage import requests
from storage.models import Request
from storage.tx import Tx
from storage.types import OnTimeout, RequestKind

MOST_ON_CARD = 5
"""More calls are no longer read, and a message has room for fifty blocks."""


def show_opened(tx: Tx, context: Context, opened: Sequence[Request]) -> None:
    """Want the first card of each of these new requests. A shared one is that of its first request, which names itself
    as its card, as all others on it do."""
    for together in _groups(opened):
        first = together[0]
        if len(together) > 1:
            requests.share_card(tx, first.id, [request.id for request in together])
            first = first.model_copy(update={"card": first.id})
        outbound.want_card(tx, context, first)


def _groups(opened: Sequence[Request]) -> list[Sequence[Request]]:
    alike: dict[object, list[Request]] = {}
    for request in opened:
        alike.setdefault(_asks(request) or request.id, []).append(request)
    return [found[at : at + MOST_ON_CARD] for found in alike.values() for at in range(0, len(found), MOST_ON_CARD)]


def _asks(request: Request) -> tuple[Stage, timedelta, OnTimeout] | None:
    """What must be equal on one card; None for what has a card to itself: whatever is no call, and calls that take more
    than one press, because they ask once more or can be taken back for a while."""
    rules = Rules.model_validate(request.rules)
    if request.kind is not RequestKind.TOOL or rules.confirm or rules.hold is not None:
        return None
    return rules.stages[0], rules.timeout, rules.on_timeout
