"""Every modal: a reason, an answer, feedback, what happened, the full view in pages, what to say when it is too late.

Each remembers in its metadata what it is about. A modal of a request that is no longer open says so instead of asking.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent_runtime.prompts import LONGEST_TEXT, Question
from agent_runtime.views import RequestView
from bot.cards.blocks import (
    Part,
    actions,
    bold,
    button,
    context,
    ours,
    plain,
    preformatted,
    quote,
    rich,
    section,
    sentence,
)
from bot.cards.buttons import NOBODY_ELSE, decision_buttons, more_button, target_of
from bot.cards.ids import ActionId, CallbackId, FieldId, Metadata
from bot.cards.request import approved_earlier, identity, note_line, origin
from bot.cards.subject import Subject, subject_of
from bot.cards.text import clip, facts, line, person, visible
from bot.cards.wording import heading, time_limit, verdict
from storage.types import DecisionKind, RequestKind, RequestStatus

RADIO_OPTIONS = 10
SELECT_OPTIONS = 100
_OPTION_LIMIT = 75
_REMARK_LIMIT = 1_500


def reject(view: RequestView, *, channel: str = "") -> Part:
    """Asks why; the agent and the thread get the reason."""
    return _reason(view, DecisionKind.REJECTED, CallbackId.REJECT, "Reject", channel)


def approve(view: RequestView, *, channel: str = "") -> Part:
    """Asks why, before a call that needs a reason is approved."""
    return _reason(view, DecisionKind.APPROVED, CallbackId.APPROVE, "Approve", channel)


def skip(view: RequestView, *, channel: str = "") -> Part:
    """Asks why, before a call is left out."""
    return _reason(view, DecisionKind.SKIPPED, CallbackId.SKIP, "Skip", channel)


def changes(view: RequestView, *, channel: str = "") -> Part:
    """Asks what should change in a draft."""
    field = text_field(FieldId.FEEDBACK, "What should change?", hint="The agent makes another draft from these words.")
    return _form(view, CallbackId.CHANGES, "Request changes", "Send", channel, [field])


def outcome(view: RequestView, *, channel: str = "") -> Part:
    """Asks what a call gave that is known to have happened."""
    field = text_field(FieldId.RESULT, "What did it give?", hint="The agent gets these words as the call's result.")
    return _form(view, CallbackId.OUTCOME, "It happened", "Record", channel, [field])


def answer(view: RequestView, *, channel: str = "") -> Part:
    """Asks for the answer: typed, or chosen where the question lists up to a hundred choices."""
    subject = subject_of(view)
    prompt = subject.prompt
    choices = prompt.choices if isinstance(prompt, Question) else ()
    field = _choice_field(choices) if 0 < len(choices) <= SELECT_OPTIONS else text_field(FieldId.ANSWER, "Answer")
    whole = len(choices) <= SELECT_OPTIONS and all(_option_text(*one) == _clipped(*one) for one in enumerate(choices))
    passages = subject.must_see[:1] if whole else subject.must_see  # choices that the field itself shows in full
    asks = f"Agent “{clip(line(view.agent), 80)}” asks:"  # what it asks follows: the heading would say it twice
    question, *others = (quote(one.excerpt.shown) for one in passages)
    labelled = [
        part for one, text in zip(passages[1:], others, strict=True) for part in (sentence(bold(one.label)), text)
    ]
    return _form(view, CallbackId.ANSWER, "Answer", "Answer", channel, [rich(question, *labelled), field], asks)


def review_all(view: RequestView, page: int, *, channel: str = "", confirm: bool = False) -> Part:
    """One page of everything there is to read, `page` counted from 0 and brought into range. The decision buttons stand
    on the last page only, so that whoever presses one has had every page before them."""
    subject = subject_of(view)
    last = len(subject.pages) - 1
    page = min(max(page, 0), last)
    text = subject.pages[page]
    goes_on = page < last and not text.endswith("\n")
    blocks = [
        context(*_page_number(page, last), plain(heading(view, subject), 200)),
        *(_beside(view) if page == 0 else []),
        rich(preformatted(text)),
    ]
    if goes_on:
        blocks.append(context(ours("The line goes on on the next page.")))
    if turns := _page_buttons(page, last, subject):
        blocks.append(actions(*turns))
    if page == last and view.status is not RequestStatus.PENDING:
        blocks.append(context(ours(verdict(view))))
    elif page == last:
        blocks.append(actions(*_last_page_buttons(view, subject, confirm)))
    title = "Review everything" if view.status is RequestStatus.PENDING else "Everything"
    return modal(CallbackId.REVIEW_ALL, title, blocks, Metadata(target_of(view), page, channel))


def _beside(view: RequestView) -> list[Part]:
    """What stands beside the agent's texts on the card: who asks, until when, the policy's note, what policies made of
    the call, and which calls of the run people approved before."""
    until = time_limit(view) if view.due_at and view.paused is None and not view.held_until else ""
    words = f"The policy's note: {visible(view.note, lines=True, fold=True).text}"
    note = [section(plain(words))] if view.note else []
    before = [rich(*map(approved_earlier, view.approved_before))] if view.approved_before else []
    told = filter(str.strip, view.remarks)
    remarks = [section(plain(clip(visible(one, fold=True).text, _REMARK_LIMIT))) for one in told]
    return [context(*origin(view, ""), ours(facts(until, identity(view)))), *note, *remarks, *before]


def _last_page_buttons(view: RequestView, subject: Subject, confirm: bool) -> list[Part]:
    buttons = decision_buttons(view, subject, confirm=confirm)
    if buttons and view.grant_rule is not None and view.held_until is None:
        further = "Approve this and the next"
        buttons.append(button(ActionId.ALLOW_NEXT, target_of(view).value, further, subject.title))
    return [*buttons, *more_button(view, subject)]


def closed(view: RequestView, *, channel: str = "") -> Part:
    """Says that the request closed meanwhile, by whom and when, and offers nothing."""
    subject = subject_of(view)
    blocks = [section(plain(heading(view, subject))), context(ours(verdict(view)))]
    return modal(CallbackId.NOTICE, "Already closed", blocks, Metadata(target_of(view), 0, channel))


def outdated(view: RequestView, *, channel: str = "") -> Part:
    """Says that the request is not what the form was made from any more, and offers nothing."""
    if view.status is not RequestStatus.PENDING:
        return closed(view, channel=channel)
    by = f" by {person(view.edits[-1].actor)}" if view.edits else ""
    words = f"The request was changed meanwhile{by}, or has gone on to another stage. Please look at its card again."
    blocks = [section(plain(heading(view, subject_of(view)))), context(ours(words))]
    return modal(CallbackId.NOTICE, "Changed meanwhile", blocks, Metadata(target_of(view), 0, channel))


def notice(title: str, sentence_of_ours: str) -> Part:
    """A modal that says one thing: mrkdwn as `notices` writes it."""
    return modal(CallbackId.NOTICE, title, [section(ours(sentence_of_ours))])


def loading(title: str = "One moment") -> Part:
    """What to open at once where a read could take longer than the trigger lives."""
    return modal(CallbackId.LOADING, title, [section(plain("Loading ..."))])


def _reason(view: RequestView, kind: DecisionKind, callback: CallbackId, title: str, channel: str) -> Part:
    required = kind in view.require_reason
    field = text_field(FieldId.REASON, "Reason", optional=not required, hint=_follows(view, kind))
    # The form's title says what of it; on a phone it hides the card.
    asked = facts(subject_of(view).title, note_line(view)) if view.kind is RequestKind.TOOL else ""
    return _form(view, callback, title, title, channel, [field], asked)


_GET_IT = "The agent and the thread get these words."


def _follows(view: RequestView, kind: DecisionKind) -> str:
    """What a decision brings, and who gets the words: as far as it is known. What an agent makes of a no is its own
    affair; that it has already made another call of one is on record."""
    if kind is DecisionKind.APPROVED:
        return "The thread gets these words."
    if kind is DecisionKind.SKIPPED:
        return f"This step is left out; the run goes on. {NOBODY_ELSE} {_GET_IT}"
    if view.kind is not RequestKind.TOOL:
        return f"Another draft is not asked for. {_GET_IT}"
    needed = view.stages[view.stage].reject_quorum if view.stage < len(view.stages) else 1
    so_far = view.rejections_in_stage
    ends = "The call does not run."
    if needed - so_far > 1:
        ends = f"The call is rejected once {needed} people reject it, {so_far} so far."
    again = "may ask again, as it did after the last no," if view.asked_again else "may ask again with a changed call"
    return f"{ends} {_GET_IT} The agent then {again} or go on without it."


def _form(
    view: RequestView, callback: CallbackId, title: str, submit: str, channel: str, blocks: Sequence[Part],
    asked: str = "",
) -> Part:  # fmt: skip
    """A form about an open request; `asked` heads it where the card's own heading does not fit the form."""
    if view.status is not RequestStatus.PENDING:
        return closed(view, channel=channel)
    about = context(plain(asked or heading(view, subject_of(view)), 200))
    form = modal(callback, title, [about, *blocks], Metadata(target_of(view), 0, channel))
    return {**form, "submit": plain(submit, 24)}


def modal(callback: CallbackId, title: str, blocks: Sequence[Part], metadata: Metadata | None = None) -> Part:
    """A modal with a way to close it."""
    return {
        "type": "modal",
        "callback_id": callback.value,
        "title": plain(title, 24),
        "close": plain("Close"),
        "private_metadata": metadata.text if metadata else "",
        "blocks": list(blocks),
    }


def _page_number(page: int, last: int) -> list[Part]:
    """Which page this is, where there are several."""
    return [ours(f"Page {page + 1} of {last + 1}")] if last > 0 else []


def _page_buttons(page: int, last: int, subject: Subject) -> list[Part]:
    previous = button(ActionId.PAGE_PREVIOUS, str(page - 1), "Previous page", subject.title) if page > 0 else None
    following = button(ActionId.PAGE_NEXT, str(page + 1), "Next page", subject.title, style="primary")
    return [one for one in (previous, following if page < last else None) if one]


def text_field(field: FieldId, label: str, *, optional: bool = False, hint: str = "") -> Part:
    """A field for words of several lines."""
    element = {
        "type": "plain_text_input",
        "action_id": ActionId.FIELD.value,
        "multiline": True,
        "max_length": LONGEST_TEXT,
    }
    part = _input(field, label, element)
    part["optional"] = optional
    return {**part, "hint": plain(hint)} if hint else part


def _choice_field(choices: Sequence[str]) -> Part:
    """Options carry their number, not their text: a text may be longer than an option's value."""
    options = [_option(number, choice) for number, choice in enumerate(choices)]
    kind = "radio_buttons" if len(options) <= RADIO_OPTIONS else "static_select"
    return _input(FieldId.ANSWER, "Answer", {"type": kind, "action_id": ActionId.FIELD.value, "options": options})


def _option(number: int, choice: str) -> Part:
    return {"text": plain(_clipped(number, choice)), "value": str(number)}


def _clipped(number: int, choice: str) -> str:
    return clip(_option_text(number, choice), _OPTION_LIMIT)


def _option_text(number: int, choice: str) -> str:
    return f"{number + 1}. {line(choice)}"


def _input(field: FieldId, label: str, element: Part) -> Part:
    return {"type": "input", "block_id": field.value, "label": plain(label), "element": element}
