"""Callbacks: a function of one's own that decides in the place of people, where a policy names it.

It is given the call and answers `"approved"`, `"rejected"` or `"skipped"`, true or false, or an object whose `decision`
is one of these and whose `operator_input` is the reason. Whatever else happens is a no with the reason recorded: it
raises, takes longer than four fifths of the policy's time-out, or answers with something that is no decision.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from agent_runtime.clean_text import clean
from agent_runtime.rules import Rules
from storage.types import DecisionKind, Json

SHARE = 0.8
"""The part of the time-out that a callback may take."""

_WORDS = {
    "approved": DecisionKind.APPROVED,
    "approve": DecisionKind.APPROVED,
    "rejected": DecisionKind.REJECTED,
    "reject": DecisionKind.REJECTED,
    "skipped": DecisionKind.SKIPPED,
    "skip": DecisionKind.SKIPPED,
    True: DecisionKind.APPROVED,
    False: DecisionKind.REJECTED,
}


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """What a callback is asked: may this very call run? `timeout_seconds` is how long it may take to say."""

    agent: str
    tool: str
    args: Json
    requested_by: str
    run_id: str
    policy: str
    note: str
    timeout_seconds: float


Callback = Callable[[CallbackRequest], Any]
Callbacks = Mapping[str, Callback]
"""By their import paths, as policies name them."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the callback with this path said of the call with this digest."""

    callback: str
    digest: str
    decision: DecisionKind
    reason: str = ""


def time_for(rules: Rules) -> timedelta:
    """How long the rules' callback may take."""
    return rules.timeout * SHARE


async def ask(callback: Callback, request: CallbackRequest) -> tuple[DecisionKind, str]:
    """The callback's decision and its reason. Never raises but when it is cancelled itself; a callback that is no
    coroutine runs in a thread of its own, and one that takes too long is left there."""
    try:
        async with asyncio.timeout(request.timeout_seconds):
            if inspect.iscoroutinefunction(callback):
                answer = await callback(copy.deepcopy(request))
            else:
                answer = await asyncio.to_thread(callback, copy.deepcopy(request))
    except TimeoutError:
        return DecisionKind.REJECTED, f"the callback gave no answer in {request.timeout_seconds:g} s"
    except Exception as error:  # noqa: BLE001 - somebody's own code may raise anything
        return DecisionKind.REJECTED, clean(f"the callback raised {type(error).__name__}: {error}", 500)
    return _read(answer)


def _read(answer: Any) -> tuple[DecisionKind, str]:
    said = getattr(answer, "decision", answer)
    word = getattr(said, "value", said)
    known = _WORDS.get(word.lower() if isinstance(word, str) else word) if isinstance(word, str | bool) else None
    if known is None:
        return DecisionKind.REJECTED, f"the callback answered with a {type(answer).__name__} that is no decision"
    reason = getattr(answer, "operator_input", "") if said is not answer else ""
    return known, clean(reason, 3000) if isinstance(reason, str) else ""
