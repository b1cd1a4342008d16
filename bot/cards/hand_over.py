"""The form that hands one's approvals over to somebody for a while."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from agent_runtime.views import AbsenceView
from bot.cards.blocks import Part, ours, plain, section
from bot.cards.ids import ActionId, CallbackId, FieldId
from bot.cards.modals import modal
from bot.cards.text import date, duration, person

_SPANS = tuple(timedelta(days=days) for days in (1, 2, 3, 7, 14, 30))


def hand_over_form() -> Part:
    """Asks who decides instead, and for how long."""
    words = (
        "For a while somebody else may decide where you may, in their own name; you still can, too. They hand nothing "
        "on, and decide on nothing that they started."
    )
    options = [{"text": plain(duration(span)), "value": str(span.days)} for span in _SPANS]
    who = {"type": "users_select", "action_id": ActionId.FIELD.value}
    long = {
        "type": "static_select",
        "action_id": ActionId.FIELD.value,
        "options": options,
        "initial_option": options[0],
    }
    form = modal(
        CallbackId.HAND_OVER,
        "Hand over",
        [section(ours(words)), _input(FieldId.DELEGATE, "To whom?", who), _input(FieldId.SPAN, "For how long?", long)],
    )
    return {**form, "submit": plain("Hand over", 24)}


def handed_over(absence: AbsenceView) -> str:
    """Who decides now, in mrkdwn."""
    until = f"{person(absence.delegate)} decides in your stead until {date(absence.until)}, and was told so."
    return f"{until} `/approvals away back` ends that."


def chosen_in(state: Mapping[str, Any], now: datetime) -> tuple[str, datetime] | None:
    """The id of whoever was chosen, and until when; None where something is missing."""
    who = _entered(state, FieldId.DELEGATE, "selected_user")
    option = _entered(state, FieldId.SPAN, "selected_option")
    days = option.get("value") if isinstance(option, Mapping) else None
    span = next((one for one in _SPANS if str(one.days) == days), None)
    return (who, now + span) if isinstance(who, str) and span is not None else None


def _entered(state: Mapping[str, Any], field: FieldId, key: str) -> Any:
    found: Any = state
    for step in (field.value, ActionId.FIELD.value, key):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _input(field: FieldId, label: str, element: Part) -> Part:
    return {"type": "input", "block_id": field.value, "label": plain(label), "element": element}
