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
from bot.cards.text import capital, clip, code, date, escape, line, link, listed, person
from storage.types import OnTimeout


def step_message(
    view: RequestView, *, now: datetime, mentions: Sequence[str], card: str = "", apart: bool = False, to: str = ""
) -> Message:
    """That an open request still waits: for whom (`mentions`), since when, and what happens next. `apart`: it stands
    away from the card, whose address is `card`; `to` is the id of the person to whom it is said directly."""
    subject = subject_of(view)
    what = code(clip(line(subject.title), 80))
    if to:
        first = f"<@{to}>, {what} waits for you, too: nobody has decided so far."
    else:
        first = f"{listed(mentions) or 'Everybody who is asked'}: {what} still waits for a decision."
    parts = [f"asked {date(view.opened_at)} by {person(view.starter)}", *standing(view, now), _following(view, now)]
    if apart and (address := link(card, "the request")):
        parts.append(address)
    blocks: list[Part] = [section(ours(first)), context(ours(capital(" · ".join(parts))))]
    if apart:
        review = button(ActionId.REVIEW_ALL, target_of(view).value, "Review everything", subject.title, style="primary")
        blocks.append(actions(review))
    said = f"{clip(line(subject.title), 80)} still waits for a decision. Agent {clip(line(view.agent), 80)}."
    return message(view.id, escape(said), blocks)


def _following(view: RequestView, now: datetime) -> str:
    said = [coming(view, now)] if view.ladder.ahead else []
    if view.due_at is not None:
        silence = "an alert is raised" if view.on_timeout is OnTimeout.KEEP else "times out"
        said.append(f"{silence} {at(view.due_at, now)}")
    return "next: " + ", ".join(said) if said else "no time limit"
