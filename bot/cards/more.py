"""What else can be done about a call, behind *More...*: read everything, take one's vote back, ask whoever started the
run, approve this and the next ones like it, leave it out. Each with a sentence on what it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from agent_runtime.views import RequestView
from agent_runtime.wishes import Wish
from bot.cards.blocks import Part, button, context, divider, ours, plain, rich, section
from bot.cards.buttons import NOBODY_ELSE, skip_button, target_of
from bot.cards.ids import ActionId, CallbackId, FieldId, Metadata
from bot.cards.modals import closed, modal, text_field
from bot.cards.request import what
from bot.cards.subject import Subject, subject_of
from bot.cards.text import code, duration, line, listed, quantity
from bot.cards.wording import heading
from storage.types import Actor, DecisionKind, GrantScope, RequestStatus

_COUNTS = (1, 2, 3, 5, 10, 20, 50, 100)
_SPANS = tuple(timedelta(minutes=minutes) for minutes in (15, 60, 4 * 60, 8 * 60, 24 * 60, 7 * 24 * 60))
_Choice = TypeVar("_Choice")
_SCOPES = {
    GrantScope.RUN: "in the rest of this run",
    GrantScope.REQUESTER: "in every run of this agent that the same person starts",
    GrantScope.AGENT: "in every run of this agent",
}


def more(view: RequestView, actor: Actor, *, channel: str = "", read: bool = False) -> Part:
    """What this person can do beside the buttons of the card; `read`: they come from having read everything."""
    if view.status is not RequestStatus.PENDING:
        return closed(view, channel=channel)
    subject = subject_of(view)
    blocks: list[Part] = [context(plain(heading(view, subject), 200))]
    for sentence, offered in _offers(view, subject, actor, read):
        # Beside its sentence, or below it on a phone, and apart from the next: it is plain which belongs to which.
        blocks += [divider(), {**section(ours(sentence)), "accessory": offered}]
    return modal(CallbackId.MORE, "More", blocks, Metadata(target_of(view), 0, channel))


def _offers(view: RequestView, subject: Subject, actor: Actor, read: bool) -> Iterator[tuple[str, Part]]:
    """What each does, and its button."""

    def labelled(action: ActionId, label: str) -> Part:
        return button(action, target_of(view).value, label, subject.title)

    voted = has_vote(view, actor)
    if voted:
        words = "Your vote does not count any more; you can decide again."
        yield words, labelled(ActionId.TAKE_BACK, "Take my vote back")
    words = "What you have just read, once more." if read else "Every argument in full, page by page."
    yield words, labelled(ActionId.REVIEW_ALL, "Back to it" if read else "Review everything")
    yield _ASKING, labelled(ActionId.ASK_STARTER, "Ask a question")
    hold = view.ladder.hold
    if view.held_until is None and not (hold and hold.why == "on_it" and hold.by.key == actor.key):
        yield _ON_IT, labelled(ActionId.ON_IT, "I'm on it")
    if view.held_until is None and view.ladder.ahead:
        yield _SNOOZING, labelled(ActionId.SNOOZE, "Snooze")
    if may_allow_next(view) and subject.fits and not voted:
        yield _ALLOWING, labelled(ActionId.ALLOW_NEXT, "Approve this and the next")
    if DecisionKind.SKIPPED in view.decisions:
        yield _SKIPPING, skip_button(view, subject)
    yield (
        "While you are away, somebody else may decide whatever waits for you, this request included.",
        labelled(ActionId.HAND_OVER, "Hand over"),
    )


_ASKING = "Ask whoever started the run, in its thread. The request stays open meanwhile."
_ON_IT = (
    "For half an hour everybody sees that you look into it, and nobody is reminded. The first time, the time limit "
    "waits as long, too."
)
_SNOOZING = "Nobody is reminded for an hour; the time limit stays as it is."
_ALLOWING = "Approve this call, and have the next ones like it run without asking: as many and as long as you choose."
_SKIPPING = f"This step is left out; the run goes on. {NOBODY_ELSE}"


def has_vote(view: RequestView, actor: Actor) -> bool:
    """Whether a vote of this person stands."""
    return any(vote.actor.key == actor.key and not vote.withdrawn for vote in view.votes)


def may_allow_next(view: RequestView) -> bool:
    """Whether a yes may count for further calls, too."""
    approvable = DecisionKind.APPROVED in view.decisions and view.held_until is None
    return view.grant_rule is not None and approvable and view.status is RequestStatus.PENDING


def allow_next(view: RequestView, *, channel: str = "") -> Part:
    """Asks for which further calls, how many and how long the yes shall count."""
    rule = view.grant_rule
    if rule is None or not may_allow_next(view):
        return closed(view, channel=channel)
    subject = subject_of(view)
    names = [code(line(name)) for name in rule.keys] if set(rule.keys) <= set(view.args or {}) else []
    same = f"the same {listed(names)}" if names else "the same arguments"
    words = f"Approves this call. Calls of the same tool with {same} then run without asking, {_UNLESS}"
    if view.stage < len(view.stages) and view.stages[view.stage].quorum > 1:
        words += " They do only if all whose approvals count choose this."
    needed = DecisionKind.APPROVED in view.require_reason
    told = "The thread gets these words."
    blocks = [
        context(plain(heading(view, subject), 200)),
        rich(*what(subject)),
        section(ours(words)),
        _select(FieldId.GRANT_SCOPE, "Where", [_SCOPES[scope] for scope in rule.scopes]),
        _select(FieldId.GRANT_USES, "At most", [quantity(count, "further call") for count in _uses(rule.max_count)]),
        _select(FieldId.GRANT_TIME, "For", [duration(span) for span in _times(rule.max_age)]),
        text_field(FieldId.REASON, "Reason", optional=not needed, hint=told),
    ]
    form = modal(CallbackId.ALLOW_NEXT, "Approve the next, too", blocks, Metadata(target_of(view), 0, channel))
    return {**form, "submit": plain("Approve the next, too", 24)}


_UNLESS = "until their number or time is used up or somebody ends it."


def wish_in(view: RequestView, state: Mapping[str, Any]) -> Wish | None:
    """What was chosen; None where something is missing."""
    rule = view.grant_rule
    if rule is None:
        return None
    scope = _chosen(state, FieldId.GRANT_SCOPE, rule.scopes)
    uses = _chosen(state, FieldId.GRANT_USES, _uses(rule.max_count))
    lasts = _chosen(state, FieldId.GRANT_TIME, _times(rule.max_age))
    return Wish(scope, uses, lasts) if scope and uses and lasts else None


def _uses(most: int) -> tuple[int, ...]:
    return (*(count for count in _COUNTS if count < most), most)


def _times(longest: timedelta) -> tuple[timedelta, ...]:
    return (*(span for span in _SPANS if span < longest), longest)


def _select(field: FieldId, label: str, texts: list[str]) -> Part:
    """Options carry their number; the first, the narrowest, is chosen."""
    options = [{"text": plain(text, 75), "value": str(number)} for number, text in enumerate(texts)]
    element = {
        "type": "static_select",
        "action_id": ActionId.FIELD.value,
        "options": options,
        "initial_option": options[0],
    }
    return {"type": "input", "block_id": field.value, "label": plain(label), "element": element}


def _chosen(state: Mapping[str, Any], field: FieldId, choices: tuple[_Choice, ...]) -> _Choice | None:
    found: Any = state
    for key in (field.value, ActionId.FIELD.value, "selected_option", "value"):
        found = found.get(key) if isinstance(found, Mapping) else None
    numbered = {str(number): choice for number, choice in enumerate(choices)}
    return numbered.get(found) if isinstance(found, str) else None
