"""App Home: what waits for one person, what is stuck where they are an operator, what they started, what was decided
lately, and who decides while they are away. A section for each; `home` puts them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from agent_runtime.alert_reading import AlertView
from agent_runtime.pace import Pace
from agent_runtime.views import AbsenceView, PauseView, RequestView, RunView
from bot.cards.alert import alert_name
from bot.cards.blocks import Part, actions, bold, button, context, header, ours, rich, section, sentence, when, who
from bot.cards.buttons import target_of
from bot.cards.history import closed_requests
from bot.cards.ids import ActionId
from bot.cards.ladder import standing as standing_by
from bot.cards.pauses import standing
from bot.cards.request import note_line
from bot.cards.run import OPEN, first_words, state
from bot.cards.subject import Subject, subject_of
from bot.cards.text import SEPARATOR, capital, clip, code, date, duration, facts, line, link, listed, person, quantity
from bot.cards.wording import deadline, heading
from storage.types import Actor, RequestKind

MOST_WAITING = 15
MOST_STARTED = 15
MOST_DECIDED = 10
MOST_ALERTS = 3
_PAUSED = "*paused*"
"""Of one thing in a list: by whom and why stands above the list, and on the message of each."""

_MOST_LINES, _FIRST = 6, 200
"""What is shown of the arguments of a call that waits."""

MOST_BLOCKS = 100
"""What Slack takes in a view."""


@dataclass(frozen=True, slots=True)
class HomeView:
    """Everything one person's Home shows, each request and run with the address of its message, empty where it has
    none. `waiting` stands with the next deadline first, `started` and `decided` with the newest first; `more_waiting`
    says that not all that waits is in it, `unsure` that nobody knows what waits for this person. `away` is their
    hand-over, `behind` are those who handed over to them. `alerts` are the open ones that nobody muted, with the
    addresses of their messages; None for whoever is no operator. `asked` names whom runs wait for, by the runs' ids."""

    waiting: tuple[tuple[RequestView, str], ...]
    started: tuple[tuple[RunView, str], ...]
    more_waiting: bool = False
    unsure: bool = False
    may_start: bool = True
    member: bool = True
    """Whether they are a full member of the workspace: others are told only of what is their own."""
    decided: tuple[RequestView, ...] = ()
    away: AbsenceView | None = None
    behind: tuple[Actor, ...] = ()
    pauses: tuple[PauseView, ...] = ()
    pace: Pace | None = None
    alerts: tuple[tuple[AlertView, str], ...] | None = None
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def home(view: HomeView, now: datetime) -> Part:
    """The Home tab."""
    sections = [_top(view), _waiting(view, now), _alerts(view), _started(view), _decided(view)]
    if view.member:
        sections += [_hand_over(view), _pace(view)]
    blocks = [block for one in sections for block in one]
    return {"type": "home", "blocks": blocks[:MOST_BLOCKS]}


def _top(view: HomeView) -> list[Part]:
    stopped = [section(ours(standing(view.pauses)))] if view.pauses and view.member else []
    if not view.may_start:
        return stopped
    start = actions(button(ActionId.START, "start", "Start an agent", "opens a form", style="primary"))
    return [*stopped, start, context(ours("What you start here goes on in a thread under *Messages*."))]


def _waiting(view: HomeView, now: datetime) -> list[Part]:
    blocks = [header("Waiting for you")]
    for request, address in view.waiting[:MOST_WAITING]:
        blocks += open_request(request, address, now)
    if view.unsure:
        blocks.append(section(ours("Slack did not say in time who you are. Open this again in a minute.")))
    elif not view.waiting:
        blocks.append(section(ours("No request waits for you." if view.alerts else "Nothing waits for you.")))
    if view.more_waiting or len(view.waiting) > MOST_WAITING:
        blocks.append(context(ours("More waits for you; what is due next stands here first.")))
    return blocks


def _alerts(view: HomeView) -> list[Part]:
    """What is stuck, a line for each, and what operators may type."""
    if view.alerts is None:
        return []
    lines = [_alert(alert, address) for alert, address in view.alerts[:MOST_ALERTS]]
    if (rest := len(view.alerts) - len(lines)) > 0:
        lines.append(f"and {rest:,} more")
    told = [header("Open alerts"), section(ours("\n".join(lines)))] if lines else []
    may = "`/approvals alerts` lists what is stuck, `/approvals pause` pauses everything or an agent"
    may += ", `/approvals resume` lets it go on" if view.pauses else ""
    return [*told, context(ours(f"You are an operator: {may}."))]


def _alert(alert: AlertView, address: str) -> str:
    """One alert: of two alike, the call or the run tells which."""
    about = f"run {code(line(alert.run_id))}" if alert.run_id else ""
    if alert.request is not None:
        about = code(clip(subject_of(alert.request).title, 60))
    return facts(alert_name(alert), about, link(address, "its message"))


def open_request(view: RequestView, address: str, now: datetime) -> list[Part]:
    """One open request, with the button that shows all of it."""
    subject = subject_of(view)
    words = heading(view, subject)
    about = sentence(
        bold(clip(words, 200)),
        f"{SEPARATOR}agent “{clip(line(view.agent), 80)}”{SEPARATOR}started by ",
        who(view.starter),
    )
    place = link(address, "its message")
    known_by = [sentence(told) for told in (note_line(view), _first_of(subject)) if told]
    ends = _PAUSED if view.paused else capital(facts(*standing_by(view, now), deadline(view, now)))
    return [
        rich(about, *known_by),
        context(ours(facts(ends, place))),
        actions(button(ActionId.REVIEW_ALL, target_of(view).value, "Review", words)),
    ]


def _first_of(subject: Subject) -> str:
    """What comes first of what is to be read, on one line: it tells a call from others of the same name."""
    if subject.prompt is not None:
        return ""
    told: list[str] = []
    for one in subject.must_see[0].excerpt.whole.splitlines():
        text = one.strip()
        if not text.startswith("│"):
            told.append(text)
        elif told and told[-1].endswith(":"):  # of a text of several lines the first one
            told[-1] += f" {text.removeprefix('│').strip()} …"
    return clip(facts(*told[:_MOST_LINES]), _FIRST)


def _started(view: HomeView) -> list[Part]:
    blocks = [header("You started")]
    for run, address in view.started[:MOST_STARTED]:
        name = sentence(
            bold(clip(line(run.agent), 80) or "-"),
            f": {facts(first_words(run), f'run {clip(line(run.id), 40)}')}{SEPARATOR}",
            when(run.created_at),
        )  # fmt: skip
        place = link(address, "its thread")
        stands = facts(_state(run, view.asked.get(run.id, ())), _PAUSED if run.paused and run.status in OPEN else "")
        blocks += [rich(name), context(ours(facts(stands, place)))]
    if not view.started:
        how = " Press *Start an agent* at the top, or type `/agent`." if view.may_start else ""
        blocks.append(section(ours(f"You have started nothing yet.{how}")))
    if len(view.started) > MOST_STARTED:
        blocks.append(context(ours(f"{quantity(len(view.started) - MOST_STARTED, 'older run')} not shown.")))
    return blocks


def _state(run: RunView, asked: Sequence[str]) -> str:
    """Where a run stands, and for whom it waits."""
    in_thread = run.waiting_on and run.waiting_on[0].kind in {RequestKind.QUESTION, RequestKind.REVIEW}
    return state(replace(run, paused=None), asked, "its thread" if in_thread and asked else "")


def _decided(view: HomeView) -> list[Part]:
    """What they decided, and what was decided about their runs."""
    if not view.decided:
        return []
    more = context(ours("`/approvals history` shows all that was decided, and finds what you look for."))
    return [header("Recently decided"), closed_requests(view.decided[:MOST_DECIDED]), more]


def _hand_over(view: HomeView) -> list[Part]:
    lines = ["Nobody decides in your stead."]
    act = button(ActionId.HAND_OVER, "hand_over", "Hand over", "let somebody decide while you are away")
    if view.away is not None:
        until = f"until {date(view.away.until)}. You still may, too."
        lines = [f"{person(view.away.delegate)} decides in your stead {until}"]
        act = button(ActionId.END_ABSENCE, "end", "I am back", "ends the hand-over")
    if view.behind:
        lines.append(f"You decide in the stead of {listed([person(one) for one in view.behind])}.")
    return [header("While you are away"), section(ours("\n".join(lines))), actions(act)]


def _pace(view: HomeView) -> list[Part]:
    if view.pace is None or view.pace.median is None:
        return []
    words = f"Everybody's median time to decide, this week: {duration(view.pace.median)}"
    return [context(ours(f"{words} ({quantity(view.pace.decided, 'request')})."))]
