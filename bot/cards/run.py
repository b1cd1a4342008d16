"""The run's own message, the root of its thread: who started what, where it stands, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from agent_runtime.json_text import indented
from agent_runtime.views import RunView
from bot.cards.arguments import Excerpt, excerpt, filled, ordered, prose
from bot.cards.blocks import (
    Confirm,
    Message,
    Part,
    actions,
    bold,
    button,
    context,
    message,
    ours,
    preformatted,
    quote,
    rich,
    sentence,
    who,
)
from bot.cards.ids import ActionId
from bot.cards.pauses import stopped
from bot.cards.text import SEPARATOR, clip, date, duration, escape, facts, is_slack_person, line, link, listed, quantity
from storage.types import JsonValue, RequestKind, RunStatus

_CANCELLING = Confirm(
    "Cancel this run?",
    "Only whoever started it or an operator may. Its open requests are closed, and nothing new is started. What has "
    "already run stays done.",
    yes="Cancel the run",
    no="Keep it running",
    danger=True,
)
OPEN = frozenset({RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING})
_WORDS, _FIELD, _FIELDS = 60, 40, 100
"""Of a text, of one field, of all fields together."""

_INPUT = {"characters": 600, "lines": 10}
STATES = {
    RunStatus.QUEUED: "Queued",
    RunStatus.RUNNING: "Running",
    RunStatus.WAITING: "Waiting",
    RunStatus.SUCCEEDED: "Finished",
    RunStatus.FAILED: "Failed",
    RunStatus.CANCELLED: "Cancelled",
}


def run_card(view: RunView, *, mentions: Sequence[str] = (), source: str = "", asked_in: str = "") -> Message:
    """The run as a message. `mentions` name the approvers of its oldest open request and `asked_in` the channel of its
    card where that is another one, as `mention` writes them; `source` is the address of a message that stands elsewhere
    and that the run is about."""
    agent = clip(line(view.agent), 80)
    blocks = [
        rich(_first(view, agent)),
        context(ours(state(view, mentions, asked_in)), ours(f"run {view.id}" if view.id.isalnum() else "run")),
        rich(*_body(view)),
    ]
    if about := link(source, "The message it is about"):
        blocks.insert(2, context(ours(about)))
    if buttons := list(_buttons(view, agent)):
        blocks.append(actions(*buttons))
    return message(view.id, fallback(view), blocks)


def _first(view: RunView, agent: str) -> Part:
    """Who started what. What is paused before it began has only been taken in."""
    began = "Queued" if _is_kept_back(view) else "Started"
    return sentence(f"{began} the agent ", bold(agent or "-"), " for ", who(view.starter))


def _is_kept_back(view: RunView) -> bool:
    """Whether a pause has kept the run from ever beginning: a run that begins, or waited, was changed since."""
    return view.paused is not None and view.status is RunStatus.QUEUED and view.updated_at == view.created_at


def _buttons(view: RunView, agent: str) -> Iterator[Part]:
    if view.status in OPEN and not view.cancel_requested:
        yield button(ActionId.CANCEL_RUN, view.id, "Cancel the run", agent, confirm=_CANCELLING)
    if view.status is RunStatus.FAILED:
        yield button(ActionId.RETRY_RUN, view.id, "Retry", agent, style="primary")
    if view.status not in OPEN and is_slack_person(view.starter):
        yield button(ActionId.START_AGAIN, view.id, "Start again with changes", agent)


def state(view: RunView, mentions: Sequence[str] = (), asked_in: str = "") -> str:
    """Where the run stands, as a line of mrkdwn; while it waits, for whom, and in which channel they are asked; while
    it is paused, by whom and why."""
    words = _stands(view, mentions, asked_in)
    if view.paused is None or view.status not in OPEN:
        return words
    running = "what runs now is not stopped, nothing new is started" if view.status is RunStatus.RUNNING else ""
    afterwards = "it begins afterwards" if _is_kept_back(view) else ""
    return facts(words, stopped(view.paused), running, afterwards)


def _stands(view: RunView, mentions: Sequence[str], asked_in: str) -> str:
    words = f"*{STATES[view.status]}*"
    if view.cancel_requested and view.status in OPEN:
        return facts(words, "cancelling: nothing new is started")
    if view.status is RunStatus.WAITING and view.waiting_on:
        oldest, more = view.waiting_on[0], len(view.waiting_on) - 1
        said = _SAID.get(oldest.kind, "")
        people = f" for {listed(mentions)}{f'’s {said}' if said else ''}" if mentions else ""
        others = quantity(more, "more open request") if more else ""
        place = f" in {asked_in}" if asked_in else " in this thread" if said and mentions else ""
        return facts(f"{words}{people}{place} since {date(oldest.opened_at)}", others)
    if view.status in OPEN:
        return f"{words} since {date(view.updated_at)}"
    at, after = date(view.updated_at), f"after {duration(view.updated_at - view.created_at)}"
    return facts(f"*{ended(view)}*", at, after) if view.undone else facts(f"{words} {at}", after)


def ended(view: RunView) -> str:
    """In a word or two where the run stands; one that ended without having done anything says so."""
    return "Finished: no call was run" if view.undone else STATES[view.status]


_SAID = {RequestKind.QUESTION: "answer", RequestKind.REVIEW: "feedback"}
"""What whoever started a run is asked for in its thread."""


def fallback(view: RunView) -> str:
    """The run in a sentence, for notifications and screen readers."""
    agent, starter = escape(clip(line(view.agent), 80)), escape(clip(line(view.starter.label), 80))
    return f"{STATES[view.status]}: {agent}, started by {starter} (run {escape(clip(line(view.id), 64))})."


def first_words(view: RunView) -> str:
    """What the run was asked for, by which a person knows it again: visible, and short enough for a list."""
    given = _given(view)
    if isinstance(given, Mapping):
        flat = {name: _on_one_line(value) if isinstance(value, str) else value for name, value in given.items()}
        fields = (filled({name: flat[name]}, view.labels).text for name in ordered(flat, view.labels))
        return clip(facts(*(clip(_on_one_line(one), _FIELD) for one in fields)), _FIELDS) or "-"
    return clip(line(_on_one_line(given if isinstance(given, str) else indented(given))), _WORDS) or "-"


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _given(view: RunView) -> JsonValue:
    """The run's input; a text that stands alone in its one field is that text."""
    alone = isinstance(view.input, Mapping) and view.input.keys() == {"input"}
    return view.input["input"] if alone and isinstance(view.input, Mapping) else view.input


def result_of(view: RunView) -> Excerpt:
    """The run's output as text; `whole` is all of it, where its message cannot show that."""
    return _as_text(view.output)


def _body(view: RunView) -> Iterator[Part]:
    if view.status in (RunStatus.SUCCEEDED, RunStatus.FAILED):
        yield sentence(bold("Task"), f": {first_words(view)}")
    if view.status is RunStatus.SUCCEEDED:
        yield from _passage("Result", result_of(view), "more of it in the thread")
    elif view.status is RunStatus.FAILED:
        yield sentence(bold("What failed"))
        yield quote(prose(view.error or "The agent gave no reason.", characters=1_500, lines=20).shown)
        yield sentence(
            "Retry goes on where this run failed: what nobody decided is asked again, what has run is not run again."
        )
    else:
        yield from _passage("Task", _task(view))


def _task(view: RunView) -> Excerpt:
    given = _given(view)
    return excerpt(filled(given, view.labels), **_INPUT) if isinstance(given, Mapping) else _as_text(given, **_INPUT)


def _passage(label: str, text: Excerpt, where: str = "") -> Iterator[Part]:
    """A labelled text; where it is cut, how much is missing, and `where` there is more."""
    cut = "" if text.fits else SEPARATOR + facts(f"{quantity(text.hidden, 'character')} not shown", where)
    yield sentence(bold(label), cut)
    yield preformatted(text.shown)


def _as_text(value: JsonValue, **limits: int) -> Excerpt:
    if isinstance(value, str):
        return prose(value, **limits)
    return prose(indented(value), **limits)
