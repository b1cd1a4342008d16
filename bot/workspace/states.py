"""Messages, views and outcomes as the control API shows them."""

from __future__ import annotations

from typing import Any

from bot.workspace.handles import Message, View
from bot.workspace.outcomes import CommandAnswer, Outcome, SubmitAnswer
from bot.workspace.shapes import Json


def message_state(message: Message) -> Json:
    """A message. `changed` differs whenever anything of it was written anew."""
    stored = message.stored
    return {
        "channel": message.channel,
        "channel_id": message.channel_id,
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "author": message.author,
        "author_id": stored.author,
        "text": message.text,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "files": [{"id": each["id"], "name": each["title"], "size": each["size"]} for each in message.files],
        "reactions": [{"name": each.name, "users": each.users} for each in stored.reactions],
        "plain": message.plain(),
        "buttons": message.labels,
        "ephemeral": message.ephemeral,
        "edited": bool(message.edited),
        "metadata": message.metadata,
        "changed": message.changed,
    }


def view_state(view: View | None) -> Json | None:
    """A modal or an App Home. `hash` is a new one with each update by the app."""
    if view is None:
        return None
    return {
        "id": view.id,
        "type": view.type,
        "title": view.title,
        "callback_id": view.callback_id,
        "blocks": view.blocks,
        "values": view.values,
        "errors": view.errors,
        "submit": view.submit_label,
        "close": view.close_label,
        "plain": view.plain(),
        "buttons": view.labels,
        "hash": view.hash,
    }


def outcome_state(outcome: Outcome) -> Json:
    """What came of an action."""
    shape: Json = {"delivered": outcome.delivered, "status": outcome.status, "error": outcome.error}
    shape |= {"view": view_state(outcome.view), "ephemerals": [message_state(m) for m in outcome.ephemerals]}
    if isinstance(outcome, CommandAnswer):
        shape |= {"text": outcome.text, "refused": outcome.refused}
    if isinstance(outcome, SubmitAnswer):
        shape |= {"errors": outcome.errors, "closed": outcome.closed}
    return shape


def state_of(done: Any) -> Json | None:
    """Whatever an action returned."""
    if isinstance(done, Outcome):
        return outcome_state(done)
    if isinstance(done, Message):
        return message_state(done)
    return view_state(done) if isinstance(done, View) else None
