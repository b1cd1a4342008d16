"""The message that tells of a step of a ladder: an updated card notifies nobody, so each step has one of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from agent_runtime.views import RequestView
from bot.cards.blocks import Message, Part, actions, button, context, message, ours, section
from bot.cards.buttons import target_of
from bot.cards.ids import ActionId
from bot.cards.ladder import at, coming, standing
from bot.cards.subject import subject_of
from bot.cards.text import capital, clip, code, date, escape, facts, line, link, listed, person
from storage.types import OnTimeout, RequestKind


def step_message(
    views: Sequence[RequestView],
    *,
    now: datetime,
    mentions: Sequence[str],
    card: str = "",
    apart: bool = False,
    to: str = "",
) -> Message:
    """That requests of one card still wait: for whom (`mentions`), since when, and what happens next. `apart`: it
    stands away from the card, whose address is `card`; `to` is the id of the person to whom it is said directly."""
    view, titles = views[0], [clip(line(subject_of(one).title), 80) for one in views]
    what, waits = listed([code(title) for title in titles]), "waits" if len(views) == 1 else "wait"
    asks = view.kind is RequestKind.QUESTION
    wanted = "an answer" if asks else "a decision"
    if to:
        nobody = "nobody has answered" if asks else "nobody has decided"
        first = f"<@{to}>, {what} {waits} for you, too: {nobody} so far."
    else:
        first = f"{listed(mentions) or 'Everybody who is asked'}: {what} still {waits} for {wanted}."
    parts = [
        f"asked {date(view.opened_at)}",
        f"started by {person(view.starter)}",
        *standing(view, now),
        _following(view, now),
    ]
    if apart and (address := link(card, "the card")):
        parts.append(address)
    blocks: list[Part] = [section(ours(first)), context(ours(capital(facts(*parts))))]
    if apart:
        blocks += [actions(one) for one in _reviews(views)]
    said = f"{listed(titles)} still {waits} for {wanted}. Agent “{clip(line(view.agent), 80)}”."
    return message(view.id, escape(said), blocks)


def _reviews(views: Sequence[RequestView]) -> list[Part]:
    """A button for each request that opens all there is to read, to be decided there. Each needs a row of its own: they
    have one action."""
    if len(views) == 1:
        title = subject_of(views[0]).title
        return [button(ActionId.REVIEW_ALL, target_of(views[0]).value, "Review everything", title, style="primary")]
    titled = ((one, clip(line(subject_of(one).title), 40)) for one in views)
    return [
        button(ActionId.REVIEW_ALL, target_of(one).value, f"Review {number}. {title}", title)
        for number, (one, title) in enumerate(titled, start=1)
    ]


def _following(view: RequestView, now: datetime) -> str:
    said = [*coming(view, now)]
    if view.due_at is not None:
        silence = "an alert is raised" if view.on_timeout is OnTimeout.KEEP else "times out"
        said.append(f"{silence} {at(view.due_at, now)}")
    return f"next: {facts(*said)}" if said else "no time limit"
