"""An approver's question to whoever started a run: the form that asks it, its message in the run's thread, and the form
that answers it."""

from __future__ import annotations

from agent_runtime.inquiries import LONGEST_INQUIRY
from agent_runtime.views import InquiryView, RequestView
from bot.cards.arguments import prose
from bot.cards.blocks import Message, Part, actions, button, context, message, ours, plain, quote, rich, sentence, who
from bot.cards.buttons import target_of
from bot.cards.ids import ActionId, CallbackId, FieldId, Metadata
from bot.cards.modals import closed, modal, text_field
from bot.cards.subject import subject_of
from bot.cards.text import clip, date, escape, line
from bot.cards.wording import heading
from storage.types import RequestStatus


def ask_form(view: RequestView, *, channel: str = "") -> Part:
    """Asks what to ask."""
    if view.status is not RequestStatus.PENDING:
        return closed(view, channel=channel)
    told = "They are asked in the run's thread; the request stays open, and its deadline stays as it is."
    label = clip(f"Your question to {line(view.starter.label)}", 150)
    field = _short(text_field(FieldId.QUESTION, label, hint=told))
    about = context(plain(heading(view, subject_of(view)), 200))
    form = modal(CallbackId.ASK_STARTER, "Ask a question", [about, field], Metadata(target_of(view), 0, channel))
    return {**form, "submit": plain("Ask", 24)}


def inquiry_card(inquiry: InquiryView, view: RequestView) -> Message:
    """The question in the run's thread, and its answer once there is one."""
    asked = sentence(
        who(view.starter), ": ", who(inquiry.asked_by), f" asks about {subject_of(view).title} before deciding:"
    )
    text = f"{line(inquiry.asked_by.label)} asks {line(view.starter.label)}: {line(inquiry.question)}"
    blocks = [rich(asked, quote(prose(inquiry.question).shown))]
    if inquiry.answered_at is not None:
        answered = sentence(who(view.starter), " answered:")
        blocks += [
            rich(answered, quote(prose(inquiry.answer).shown)),
            context(ours(f"Answered {date(inquiry.answered_at)}")),
        ]
        text += f" Answered: {line(inquiry.answer)}"
    elif view.status is RequestStatus.PENDING:
        blocks += [
            rich(sentence("The answer is shown on the request's card; it approves nothing by itself.")),
            actions(button(ActionId.ANSWER_INQUIRY, inquiry.id, "Answer", subject_of(view).title, style="primary")),
        ]
    else:
        blocks.append(rich(sentence("The request was closed before an answer came.")))
    return message(inquiry.id, escape(clip(text, 1_500)), blocks)


def answer_form(inquiry: InquiryView, view: RequestView) -> Part:
    """Asks for the answer."""
    field = _short(text_field(FieldId.ANSWER, "Answer", hint="Everybody who is asked to approve sees these words."))
    blocks = [
        context(plain(heading(view, subject_of(view)), 200)),
        rich(sentence(who(inquiry.asked_by), " asks:"), quote(prose(inquiry.question).shown)),
        field,
    ]
    form = modal(CallbackId.ANSWER_INQUIRY, "Answer", blocks)
    return {**form, "private_metadata": inquiry.id, "submit": plain("Answer", 24)}


def _short(field: Part) -> Part:
    return {**field, "element": {**field["element"], "max_length": LONGEST_INQUIRY}}
