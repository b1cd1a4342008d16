"""An alert as a message: what is stuck, since when, who was asked, what happens next, and what can be done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from agent_runtime.alert_reading import AlertView
from agent_runtime.alerts import REFUSED
from agent_runtime.causes import Cause, Severity
from agent_runtime.views import PauseView, RequestView
from bot.cards.blocks import Message, Part, actions, button, context, data, header, message, ours, section
from bot.cards.ids import ActionId
from bot.cards.ladder import coming, standing
from bot.cards.pauses import MEANWHILE, stopped, way_back
from bot.cards.subject import subject_of
from bot.cards.text import (
    capital,
    clip,
    code,
    date,
    duration,
    escape,
    facts,
    inert,
    line,
    link,
    listed,
    person,
    quantity,
    utc,
)
from bot.cards.wording import deadline
from storage.types import Actor
from storage.webhooks import KIND as WEBHOOK

RUNBOOK = "docs/runbook.md"
SEVERITIES: Mapping[Severity, str] = {
    Severity.INFO: "For your information",
    Severity.WARNING: "Warning",
    Severity.CRITICAL: "Critical",
}
_MANY: Mapping[Cause, str] = {
    Cause.WAITING: "runs that wait for people",
    Cause.OVERDUE: "requests that are overdue and still open",
    Cause.NOBODY: "requests that nobody can approve",
    Cause.OUTCOME: "calls whose outcome nobody knows",
    Cause.QUEUED: "runs that no worker takes",
    Cause.RUNNING: "runs that do not come to an end",
    Cause.FAILING: "runs and agents that keep failing",
    Cause.UNDELIVERED: "messages that cannot be delivered",
    Cause.PAUSED: "pauses",
    Cause.SILENT: "processes that are silent",
    Cause.POLICY: "policy files with faults",
    Cause.UNHEARD: "monitors that do not take the heartbeat",
}
"""What a storm is about, after its count."""

_NEXT: Mapping[Cause, str] = {
    Cause.NOBODY: "Nothing runs: name approvers who are there in the policy, or mend the group or channel it names.",
    Cause.OUTCOME: "It is not run again by itself: somebody has to say what happened, on its card.",
    Cause.QUEUED: "It goes on as soon as a worker takes it.",
    Cause.RUNNING: "Nothing by itself, unless its work ends: look at what it does, and restart the server if it hangs.",
    Cause.UNDELIVERED: "Nobody reads it until it is sent again: mend its channel first.",
    Cause.PAUSED: MEANWHILE,
    Cause.SILENT: "Its work is taken over by a worker once its leases have ended.",
    Cause.POLICY: "The policies from before hold until the file is mended.",
    Cause.UNHEARD: "Signoff goes on, and tries again; nobody would notice now if it died.",
}


def alert_card(
    view: AlertView, *, asked: Sequence[str] = (), operators: Sequence[str] = (), thread: str = "", card: str = ""
) -> Message:
    """The alert as a message. `asked` and `operators` name people as `mention` writes them; `thread` and `card` are the
    addresses of the run's thread and of the request's card."""
    links = (link(card, "Its card") if view.resolved_at is None else "", link(thread, "The thread of the run"))
    blocks = [header(line(_heading(view))), *_body(view, asked, links), *_state(view)]
    if view.resolved_at is None and not view.folded:
        blocks.append(context(ours(_help(view, operators))))
        blocks.append(actions(*_buttons(view)))
    return message(view.id, fallback(view, asked, operators), blocks)


def alert_list(views: Sequence[AlertView]) -> Message:
    """The open alerts, one a line, with their states; those that a storm stands for are in its line."""
    if not views:
        return message("alerts", "No alert is open.", [section(ours("No alert is open."))])
    lines = [alert_line(view) for view in views[:_MOST_LISTED]]
    if (rest := len(views) - len(lines)) > 0:
        lines.append(f"and {rest:,} more")
    words = f"{quantity(len(views), 'open alert')}."
    return message("alerts", words, [section(ours(f"*{words}*")), *(section(ours(one)) for one in lines)])


def alert_line(view: AlertView) -> str:
    """One alert in a line of mrkdwn, with its state."""
    state = "nobody has acknowledged it"
    if view.muted_by is not None and view.muted_until is not None:
        state = f"muted by {person(view.muted_by)} until {date(view.muted_until)}"
    elif view.acknowledged_by is not None and view.acknowledged_until is not None:
        state = f"{person(view.acknowledged_by)} looks after it until {date(view.acknowledged_until)}"
    words = [alert_name(view), f"since {date(view.since)}", _run(view), state]
    return facts(*words)


def alert_name(view: AlertView) -> str:
    """What is stuck and how urgent that is, in mrkdwn."""
    return f"*{inert(_heading(view), 200)}*"


_MOST_LISTED = 20


def call_line(text: str, operators: Sequence[str]) -> Message:
    """People are called again, below the alert's message."""
    words = f"{listed(operators)}: {escape(text)}" if operators else escape(text)
    return message("call", words, [section(ours(words))])


def fallback(view: AlertView, asked: Sequence[str] = (), operators: Sequence[str] = ()) -> str:
    """The alert in a sentence, for notifications and screen readers."""
    words = f"{inert(_heading(view), 200)}, since {utc(view.since)}."
    if view.resolved_at is not None:
        return f"{words} {inert(view.resolved_why, 300)}"
    people = f" Asked: {listed(asked, 400)}." if asked else ""
    return f"{words}{people}" + (f" For {listed(operators, 400)}." if operators else "")


def title(view: AlertView) -> str:
    """What is stuck, or was. It holds names as they are: whoever writes it makes them visible."""
    if view.is_storm:
        return f"{view.count:,}{' or more' * view.is_cut} {_MANY[view.cause]}"

    def so(now: str, then: str) -> str:
        return now if view.resolved_at is None else then

    agent = clip(view.agent, 60)
    tool = clip(str(view.facts.get("tool") or view.facts.get("kind") or "a call"), 60)
    titles: Mapping[Cause, str] = {
        Cause.WAITING: f"Agent “{agent}” {so('waits', 'waited')} for people",
        Cause.OVERDUE: f"Agent “{agent}”: nobody decided on {tool} in time",
        Cause.NOBODY: f"Agent “{agent}”: nobody {so('can', 'could')} approve {tool}",
        Cause.OUTCOME: f"Agent “{agent}”: did {tool} take effect?",
        Cause.QUEUED: f"Agent “{agent}”: no worker {so('takes', 'took')} the run",
        Cause.RUNNING: f"Agent “{agent}”: a run {so('does', 'did')} not come to an end",
        Cause.FAILING: f"Agent “{agent}”: every run {so('fails', 'failed')}"
        if view.facts.get("all")
        else f"Agent “{agent}”: a run {so('keeps', 'kept')} failing",
        Cause.UNDELIVERED: _undelivered(view, so),
        Cause.PAUSED: f"Agent “{agent}” is paused" if agent else "Everything is paused",
        Cause.SILENT: f"A process {so('is', 'was')} silent",
        Cause.POLICY: f"The policy file {so('has', 'had')} faults",
        Cause.UNHEARD: f"The monitor {so('does', 'did')} not take the heartbeat",
    }
    return titles[view.cause]


def _undelivered(view: AlertView, so: Callable[[str, str], str]) -> str:
    if view.facts.get("kind") == WEBHOOK:
        return f"A webhook {so('does', 'did')} not take an event"
    if view.facts.get("elsewhere"):
        return f"A card {so('is', 'was')} not where its approvers look"
    return f"A message {so('cannot', 'could not')} be delivered"


def _heading(view: AlertView) -> str:
    if view.resolved_at is not None and view.cause is Cause.PAUSED and not view.is_storm:
        return f"No longer paused: {clip(view.agent, 60) or 'everything'}"
    word = "Over" if view.resolved_at is not None else SEVERITIES[view.severity]
    return f"{word}: {title(view)}"


def _body(view: AlertView, asked: Sequence[str], links: Sequence[str]) -> Iterator[Part]:
    if view.resolved_at is not None:
        lasted = duration(view.resolved_at - view.since)
        yield section(ours(f"It lasted {lasted}, until {date(view.resolved_at)}. {inert(view.resolved_why, 300)}"))
    elif view.folded:
        yield section(ours(f"Another message tells of it now. It has lasted since {date(view.since)}."))
    else:
        yield section(ours(" ".join(_sentences(view, asked))))
    if view.is_storm and view.resolved_at is None:
        yield from _list(view)
    elif view.resolved_at is None:
        yield from _details(view)
    if places := facts(_run(view), *links):
        yield context(ours(places))


def _sentences(view: AlertView, asked: Sequence[str]) -> Iterator[str]:
    if view.request is not None and view.cause in _OF_PEOPLE:
        whom = f" for {listed(asked, 600)}" if asked else ""
        title = code(clip(line(subject_of(view.request).title), 80))
        yield f"{title} has waited{whom} since {date(view.since)}. {_TOLD_BECAUSE[view.cause]}"
        yield f"What happens next: {_ahead(view.request, view.raised_at)}."
        if said := facts(*standing(view.request, view.raised_at)):
            yield f"{capital(said)}."
        return
    if view.cause is Cause.PAUSED and not view.is_storm:
        pause = _pause(view)
        yield f"{capital(stopped(pause, named=True))}. {MEANWHILE} {way_back(pause)}"
        return
    if view.is_storm or view.cause is not Cause.FAILING:  # which of its two kinds that is stands in the heading
        yield _SAYS_MANY if view.is_storm else escape(view.cause.sentence)
    yield f"It has lasted since {date(view.since)}."
    yield from _stands(view, asked)
    if view.cause is Cause.FAILING:
        yield "What happens next: nothing by itself." if view.facts.get("ended") else "It is tried again by itself."
    elif view.facts.get("kind") == WEBHOOK:
        yield "What happens next: it is not sent any more by itself. Mend the receiver, and send again what it lacks."
    elif view.facts.get("elsewhere"):
        yield "What happens next: it waits there. Mend the channel that the policy names for the cards that follow."
    elif view.cause in _NEXT:
        yield f"What happens next: {_NEXT[view.cause]}"


def _stands(view: AlertView, asked: Sequence[str]) -> Iterator[str]:
    """With whom it is, or with what."""
    if view.request is not None and asked:
        yield f"Asked: {listed(asked, 600)}."
    if view.cause is Cause.RUNNING and view.facts.get("tool") and not view.is_storm:
        yield f"It is in the call {code(clip(str(view.facts['tool']), 60))}."


_TOLD_BECAUSE = {
    Cause.WAITING: "Operators are told of what waits for longer than `waiting` in `signoff.toml`.",
    Cause.OVERDUE: "Its time is up, and its policy keeps it open.",
}
_OF_PEOPLE = frozenset({Cause.WAITING, Cause.OVERDUE})
_SAYS_MANY = "So many at once have one message."


def _ahead(request: RequestView, now: datetime) -> str:
    """What happens to an open request in time."""
    told = "it stays open until somebody decides" if request.due_at is None else deadline(request, now)
    return ", ".join((*coming(request, now), told))


def _details(view: AlertView) -> Iterator[Part]:
    """What others wrote or named: plain text. Of a pause it is told before."""
    if view.cause is Cause.PAUSED:
        return
    facts = view.facts
    said = [str(facts[name]) for name in ("error", "problem", "why") if facts.get(name)]
    faults = facts.get("faults")
    said += [str(one) for one in faults[:3]] if isinstance(faults, list) else []
    if view.cause is Cause.UNDELIVERED:
        said.append(view.thing)
    if view.cause is Cause.SILENT:
        said.append(f"{facts.get('host')}, process {facts.get('process')}")
    if said:
        yield context(*(data(clip(one, 500)) for one in said[:5]))


def _pause(view: AlertView) -> PauseView:
    by = view.facts.get("by")
    actor = Actor.model_validate(by) if isinstance(by, Mapping) else None
    return PauseView(view.agent, view.since, actor, str(view.facts.get("why") or ""))


def _list(view: AlertView) -> Iterator[Part]:
    lines = [
        f"• {facts(inert(title(one), 200), _run(one) or inert(one.thing), f'since {date(one.since)}')}"
        for one in view.many
    ]
    if (rest := view.count - len(view.many)) > 0:
        lines.append(f"• and {'at least ' * view.is_cut}{rest:,} more")
    if lines:
        yield section(ours("\n".join(lines)))


def _run(view: AlertView) -> str:
    return f"run {code(line(view.run_id))}" if view.run_id else ""


def _state(view: AlertView) -> Iterator[Part]:
    """Who has said what to it."""
    said = []
    if view.acknowledged_by is not None and view.acknowledged_until is not None:
        word = "was looking" if view.resolved_at is not None else "looks"
        until = "" if view.resolved_at is not None else f" until {date(view.acknowledged_until)}"
        said.append(f"{person(view.acknowledged_by)} {word} after this{until}")
    if view.muted_by is not None and view.muted_until is not None and view.resolved_at is None:
        said.append(f"muted by {person(view.muted_by)} until {date(view.muted_until)}")
    if refused := view.facts.get(REFUSED):
        said.append(f"posted here because of {code(clip(line(str(refused)), 200))}")
    if said:
        yield context(ours(capital(facts(*said))))


def _help(view: AlertView, operators: Sequence[str]) -> str:
    whom = f"For {listed(operators, 600)}" if operators else ""
    return facts(whom, f"What to do: section {code(view.cause.value)} of {code(RUNBOOK)}")


def _buttons(view: AlertView) -> Iterator[Part]:
    about = line(title(view))
    if view.muted_until is not None:
        yield button(ActionId.ALERT_UNMUTE, view.id, "Unmute", about)
        return
    if view.acknowledged_by is None:
        yield button(ActionId.ALERT_ACKNOWLEDGE, view.id, "Acknowledge", about, style="primary")
    if view.request is not None and view.cause in _OF_PEOPLE:
        yield button(ActionId.ALERT_REMIND, view.id, "Remind now", about)
    if view.cause is Cause.UNDELIVERED and not view.is_storm and not view.facts.get("elsewhere"):
        yield button(ActionId.ALERT_SEND_AGAIN, view.id, "Send again", about)
    yield button(ActionId.ALERT_MUTE, view.id, "Mute for a day", about)
