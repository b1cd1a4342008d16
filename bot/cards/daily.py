"""The daily digest as a message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from agent_runtime.daily import DigestView
from agent_runtime.pace import Habit
from agent_runtime.views import RequestView
from bot.cards.alert import alert_line
from bot.cards.blocks import Message, Part, context, header, message, ours, section
from bot.cards.subject import subject_of
from bot.cards.text import clip, code, date, duration, facts, inert, line, link, quantity
from bot.cards.wording import deadline

_MOST_ALERTS = 10
_MOST_HABITS = 3


def digest(view: DigestView, links: Mapping[str, str], now: datetime) -> Message:
    """What waits, oldest first, what is stuck, and how fast people decide. `links` are the addresses of the cards of
    requests, by the requests' ids, where they have one that others can open."""
    words = f"Waiting for people: {quantity(view.count, 'request') if view.count else 'nothing'}"
    if view.alerts:
        words += f", and {quantity(len(view.alerts), 'open alert')}"
    return message("digest", f"{words}.", [header(words), *_waiting(view, links, now), *_alerts(view), *_below(view)])


def _waiting(view: DigestView, links: Mapping[str, str], now: datetime) -> Iterator[Part]:
    for request, _key in view.waiting:
        yield section(ours(_request(request, links.get(request.id, ""), now)))
    if (rest := view.count - len(view.waiting)) > 0:
        yield context(ours(f"and {rest:,} more, which came later"))


def _request(request: RequestView, address: str, now: datetime) -> str:
    title = code(clip(line(subject_of(request).title), 80))
    opened = link(address, "open its card") or f"request {code(line(request.id))}"
    since = f"waits since {date(request.opened_at)} ({duration(now - request.opened_at)})"
    return facts(f"{title} of agent “{inert(request.agent)}” {since}", deadline(request, now), opened)


def _alerts(view: DigestView) -> Iterator[Part]:
    if view.alerts:
        lines = [alert_line(one) for one in view.alerts[:_MOST_ALERTS]]
        if (rest := len(view.alerts) - len(lines)) > 0:
            lines.append(f"and {rest:,} more: `/approvals alerts`")
        yield section(ours("\n".join(("*Stuck*", *lines))))


def _below(view: DigestView) -> Iterator[Part]:
    if view.pace.median is not None:
        yield context(
            ours(f"This week people decided {quantity(view.pace.decided, 'request')}, half of them in "
                 f"{duration(view.pace.median)}.")
        )  # fmt: skip
    for habit in view.habits[:_MOST_HABITS]:
        yield context(ours(_habit(habit)))


def _habit(habit: Habit) -> str:
    tool, agent = code(clip(line(habit.tool), 60)), inert(habit.agent)
    return f"{tool} of agent “{agent}” was approved {habit.times:,} times in a row, unchanged: consider a rule for it."
