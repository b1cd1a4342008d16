"""The form that starts an agent: which one, then the fields of its input."""

from __future__ import annotations

from collections.abc import Sequence

from agent_runtime.forms import TEXT_FORM
from bot.cards.blocks import Part, context, data, ours, plain, section
from bot.cards.fields import fields_for
from bot.cards.ids import ActionId, CallbackId, Draft, FieldId
from bot.cards.replies import AgentEntry
from bot.cards.text import clip, line, quantity
from storage.types import Json

_GROUP = 100
MOST_AGENTS = 400
"""What a view's 250 kB surely hold."""

_OPTION, _VALUE = 75, 150


def start_form(
    entries: Sequence[AgentEntry], draft: Draft, chosen: AgentEntry | None = None, form: Json | None = None,
    values: Json | None = None,
) -> Part:  # fmt: skip
    """The form: a select of `entries`, and once one is chosen the fields of its `form`, holding `values`."""
    blocks = [_select(entries, chosen)]
    if left := len(entries) - len(choosable(entries)):
        blocks.append(context(ours(f"{quantity(left, 'agent')} more: start them with `/agent NAME INPUT`.")))
    if chosen is not None and form is not None:
        if chosen.description:
            blocks.append(context(data(chosen.description, 300)))
        if draft.message_ts:
            blocks.append(context(ours("The run will live in the thread of the message that you chose.")))
        blocks += _with_example(fields_for(form, values), chosen if form is TEXT_FORM else None)
    return {
        "type": "modal",
        "callback_id": CallbackId.START.value,
        "title": plain("Start an agent"),
        "submit": plain("Start"),
        "close": plain("Close"),
        "private_metadata": draft.metadata,
        "blocks": blocks,
    }


def nothing_to_start() -> Part:
    """What to show who may start no agent."""
    said = "You may not start any agent here: its policy names who may start which, and guests only by name."
    return {
        "type": "modal",
        "callback_id": CallbackId.NOTICE.value,
        "title": plain("Start an agent"),
        "close": plain("Close"),
        "private_metadata": "",
        "blocks": [section(plain(said))],
    }


def choosable(entries: Sequence[AgentEntry]) -> list[AgentEntry]:
    """The agents that a select can name: its values are short and have nothing hidden in them."""
    return [entry for entry in entries if 0 < len(entry.name) <= _VALUE and entry.name.isprintable()][:MOST_AGENTS]


def _select(entries: Sequence[AgentEntry], chosen: AgentEntry | None) -> Part:
    options = {entry.name: _option(entry) for entry in choosable(entries)}
    element: Part = {
        "type": "static_select",
        "action_id": ActionId.PICK_AGENT.value,
        "placeholder": plain("Choose an agent"),
    }
    listed = list(options.values())
    if len(listed) <= _GROUP:
        element["options"] = listed
    else:
        element["option_groups"] = [_group(listed[at : at + _GROUP]) for at in range(0, len(listed), _GROUP)]
    if chosen is not None and chosen.name in options:
        element["initial_option"] = options[chosen.name]
    block: Part = {"type": "input", "block_id": FieldId.AGENT.value, "label": plain("Agent"), "element": element}
    return {**block, "dispatch_action": True}


def _option(entry: AgentEntry) -> Part:
    option: Part = {"text": data(entry.name, _OPTION), "value": entry.name}
    return {**option, "description": data(entry.description, _OPTION)} if entry.description.strip() else option


def _group(options: Sequence[Part]) -> Part:
    first, last = (clip(one["text"]["text"], 30) for one in (options[0], options[-1]))
    return {"label": plain(f"{first} to {last}", _OPTION), "options": list(options)}


def _with_example(blocks: list[Part], entry: AgentEntry | None) -> list[Part]:
    """A text agent's example stands in its empty field."""
    if entry is None or not entry.example.strip() or "element" not in blocks[0]:
        return blocks
    element = {**blocks[0]["element"], "placeholder": plain(clip(f"For example: {line(entry.example)}", 150))}
    return [{**blocks[0], "element": element}, *blocks[1:]]
