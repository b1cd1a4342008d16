"""Which buttons a request offers: on its card, and on the last page of its full view. Leaving a step out is behind
*More...*, where it says what that does."""

from __future__ import annotations

from agent_runtime.prompts import Review
from agent_runtime.views import RequestView
from bot.cards.blocks import Confirm, Part, button
from bot.cards.ids import ActionId, Target
from bot.cards.subject import Subject
from bot.cards.text import is_slack_person
from storage.types import DecisionKind, RequestKind, RequestStatus

PRIMARY, DANGER = "primary", "danger"


def target_of(view: RequestView) -> Target:
    """The request, revision and stage that a rendering of `view` is about."""
    return Target(view.id, view.revision, view.stage)


def decision_buttons(view: RequestView, subject: Subject, *, confirm: bool = False) -> list[Part]:
    """Every decision that the request offers, but Skip; none when it is closed. The first is the only primary one."""
    if view.status is not RequestStatus.PENDING:
        return []
    match view.kind:
        case RequestKind.TOOL:
            return _tool(view, subject, confirm)
        case RequestKind.QUESTION:
            return [_button(view, subject, ActionId.ANSWER, "Answer", PRIMARY)]
        case RequestKind.REVIEW:
            return _review(view, subject)
        case RequestKind.OUTCOME:
            return _outcome(view, subject)


def card_buttons(view: RequestView, subject: Subject, *, confirm: bool = False) -> list[Part]:
    """The buttons of a card. Where it cannot show all that must be seen, saying yes is left to the full view; saying no
    stays, because refusing what one has not read harms nobody. A closed one offers to read what it does not show,
    and to go on with a run that failed because nobody decided, or to start one again that went on without it."""
    everything = _button(view, subject, ActionId.REVIEW_ALL, "Show everything")
    if view.status is not RequestStatus.PENDING:
        again = [ActionId.RETRY_RUN] if view.can_ask_again else []
        again += [ActionId.START_AGAIN] if view.can_start_again and is_slack_person(view.starter) else []
        asking = [button(action, view.run_id, "Ask again", subject.title) for action in again]
        return [*asking, *([everything] if subject.clipped else [])]
    buttons = decision_buttons(view, subject, confirm=confirm)
    if not subject.fits:
        refusing = [one for one in buttons if one["action_id"] in _REFUSING]
        style = PRIMARY if buttons and not any(one.get("style") == PRIMARY for one in refusing) else None
        return [
            _button(view, subject, ActionId.REVIEW_ALL, "Review everything", style),
            *refusing,
            *more_button(view, subject),
        ]
    if subject.clipped:
        buttons.append(everything)
    return [*buttons, *more_button(view, subject)]


def more_button(view: RequestView, subject: Subject) -> list[Part]:
    """What leads to all else that can be done about a call."""
    return [_button(view, subject, ActionId.MORE, "More...")] if view.kind is RequestKind.TOOL else []


_REFUSING = frozenset(
    {
        ActionId.REJECT.value,
        ActionId.CHANGES.value,
        ActionId.TAKE_BACK.value,
    }
)


def _tool(view: RequestView, subject: Subject, confirm: bool) -> list[Part]:
    """While it is held nobody more can approve: whoever has may take that back, and others may still say no."""
    offered = [_take_back(view, subject)] if view.held_until is not None else _approve(view, subject, confirm)
    if DecisionKind.REJECTED in view.decisions:
        offered.append(_button(view, subject, ActionId.REJECT, "Reject", DANGER))
    if DecisionKind.EDITED in view.decisions:
        offered.append(_button(view, subject, ActionId.EDIT, "Edit"))
    return offered


def _approve(view: RequestView, subject: Subject, confirm: bool) -> list[Part]:
    if DecisionKind.APPROVED not in view.decisions:
        return []
    if DecisionKind.APPROVED in view.require_reason:
        return [_button(view, subject, ActionId.APPROVE_BECAUSE, "Approve", PRIMARY)]
    question = _approving(subject) if confirm or view.confirm else None
    value = target_of(view).value
    return [button(ActionId.APPROVE, value, "Approve", subject.title, style=PRIMARY, confirm=question)]


def _approving(subject: Subject) -> Confirm:
    text = f"{subject.title} will run with exactly the arguments shown."
    return Confirm("Approve this call?", text, yes="Approve", no="Not yet")


def _take_back(view: RequestView, subject: Subject) -> Part:
    return _button(view, subject, ActionId.TAKE_BACK, "Take back", PRIMARY)


def _review(view: RequestView, subject: Subject) -> list[Part]:
    accept = _button(view, subject, ActionId.ACCEPT, "Accept", PRIMARY)
    if isinstance(subject.prompt, Review) and subject.prompt.last_round:
        return [accept, _button(view, subject, ActionId.REJECT, "Reject", DANGER)]
    return [accept, _button(view, subject, ActionId.CHANGES, "Request changes")]


def _outcome(view: RequestView, subject: Subject) -> list[Part]:
    return [
        _button(view, subject, ActionId.OUTCOME_HAPPENED, "It happened", PRIMARY),
        _button(view, subject, ActionId.OUTCOME_AGAIN, "Run again"),
        _button(view, subject, ActionId.OUTCOME_FAILED, "It did not, mark failed", DANGER),
    ]


NOBODY_ELSE = "Nobody else is asked."


def skip_button(view: RequestView, subject: Subject) -> Part:
    """Leaves the step out, after a reason where the policy wants one. What it does stands beside it."""
    action = ActionId.SKIP_BECAUSE if DecisionKind.SKIPPED in view.require_reason else ActionId.SKIP
    return _button(view, subject, action, "Skip")


def _button(view: RequestView, subject: Subject, action: ActionId, label: str, style: str | None = None) -> Part:
    return button(action, target_of(view).value, label, subject.title, style=style)
