"""What is in trouble now: each cause of an alert as a look at the rows. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from agent_runtime.alert_rules import AlertRules
from agent_runtime.causes import Cause
from agent_runtime.clean_text import clean
from agent_runtime.context import Context
from agent_runtime.hidden import secrets_of_run
from agent_runtime.outbound import ABOUT_ALERTS, Topic
from agent_runtime.redaction import mask
from storage import alerts, journal, outbox, pauses, requests, runs, stuck, webhooks
from storage.alerts import Alert
from storage.stuck import Ended, Standing, Waiting
from storage.tx import Tx
from storage.types import CallStatus, DeliveryStatus, Json, RequestKind, RequestStatus, RunStatus

REMEMBERED = timedelta(days=7)
"""So long a failure that nobody looks after stays an alert, and what a webhook lacks."""

UNDELIVERED_FOR = timedelta(days=1)
"""So long a message that was given up stays one, unless somebody still waits for what it says."""

MOST_RUNS = 200
"""So many of the latest runs are looked at for agents that keep failing."""

MOST_OPEN = 100
"""So many alerts with one cause about one agent are open at a time; of more it is only said that there are more."""

_MOST_FOUND = 2 * MOST_OPEN
"""More than are told of: whoever is among those stays in sight when others get in before them."""

LONGEST_ERROR = 500
_AT_WORK = frozenset({DeliveryStatus.DUE, DeliveryStatus.LEASED})


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing in trouble. `thing` is its natural key within the cause; `facts` are what people read about it, and
    change only when there is something new to read."""

    cause: Cause
    thing: str
    since: datetime
    agent: str = ""
    run_id: str = ""
    request_id: str = ""
    facts: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """By whom and how the rows are looked at. `awake`: this process itself did not sleep meanwhile, so that the silence
    of others means something. `vacant` is whom the directory found nobody for; None: it did not say."""

    boot_id: str
    awake: bool = True
    vacant: Sequence[Trouble] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found. Of other causes than those `judged`, and of the agents that are `stopped`, nothing is known."""

    troubles: tuple[Trouble, ...]
    judged: frozenset[Cause]
    stopped: frozenset[str] = frozenset()


def find_troubles(tx: Tx, context: Context, rules: AlertRules, look: Look) -> Found:
    """Everything that is in trouble now."""
    stopped = frozenset(one.agent for one in pauses.of_agents(tx))
    judged = {Cause.OVERDUE, Cause.OUTCOME, Cause.UNDELIVERED, Cause.PAUSED}
    missing = list(_undelivered(tx, context))
    found = [*_stopped(tx), *missing]
    vacant = look.vacant
    if vacant is not None:
        judged.add(Cause.NOBODY)
        found += vacant
    else:
        vacant = [trouble_of(one) for one in alerts.of_cause(tx, Cause.NOBODY)]
    waiting = stuck.waiting(tx, context.now - rules.shortest_wait, _MOST_FOUND)
    asked = list(_requests(waiting))
    found += asked
    if pauses.everything(tx) is None:
        judged |= {Cause.WAITING, Cause.QUEUED, Cause.RUNNING, Cause.FAILING}
        cards = (one for one in missing if one.facts.get("kind") == Topic.CARD)
        told = {one.request_id for one in (*vacant, *asked, *cards)}
        found += _waiting(waiting, context, rules, told)
        found += _unclaimed(tx, context, rules)
        found += _at_work(tx, context, rules)
        found += _failing(tx, context, rules)
    if look.awake:
        judged.add(Cause.SILENT)
        found += _silent(tx, context, rules, look.boot_id)
    kept = (one for one in found if one.agent not in stopped or one.cause in _WHILE_STOPPED)
    return Found(tuple(kept), frozenset(judged), stopped)


_WHILE_STOPPED = frozenset({Cause.PAUSED, Cause.OUTCOME, Cause.OVERDUE, Cause.NOBODY, Cause.UNDELIVERED})


def trouble_of(alert: Alert) -> Trouble:
    """The trouble that an alert tells of."""
    return Trouble(
        Cause(alert.cause), alert.thing, alert.since, alert.agent, alert.run_id, alert.request_id, dict(alert.facts)
    )


def _requests(waiting: Sequence[Waiting]) -> Iterator[Trouble]:
    """Open requests that are stuck by themselves, each with its most telling cause."""
    for one in waiting:
        facts: Json = {"tool": one.tool, "kind": one.kind.value, "moves": one.moves}
        if one.kind is RequestKind.OUTCOME:
            yield Trouble(Cause.OUTCOME, one.id, one.opened_at, one.agent, one.run_id, one.id, facts)
        elif one.overdue:
            yield Trouble(Cause.OVERDUE, one.id, one.stage_opened_at, one.agent, one.run_id, one.id, facts)


def _waiting(waiting: Sequence[Waiting], context: Context, rules: AlertRules, told: set[str]) -> Iterator[Trouble]:
    """Runs whose people take long, unless a request of theirs has a more telling alert."""

    def takes_long(one: Waiting) -> bool:
        return one.opened_at <= context.now - rules.waiting_for(one.agent) and one.id not in told

    by_run = sorted(filter(takes_long, waiting), key=lambda one: (one.run_id, one.opened_at, one.id))
    for run_id, grouped in groupby(by_run, key=lambda one: one.run_id):
        oldest, *others = grouped
        facts: Json = {
            "tool": oldest.tool, "kind": oldest.kind.value, "more": len(others), "moves": oldest.moves,
        }  # fmt: skip
        yield Trouble(Cause.WAITING, run_id, oldest.opened_at, oldest.agent, run_id, oldest.id, facts)


def _unclaimed(tx: Tx, context: Context, rules: AlertRules) -> Iterator[Trouble]:
    """Runs that no worker takes. After a pause the workers have as long as ever to take what could not be taken."""
    for run in stuck.unclaimed(tx, context.now - rules.shortest_queue, _MOST_FOUND):
        before = context.now - rules.queued_for(run.agent)
        known = alerts.find(tx, Cause.QUEUED, run.id) is not None
        if run.since <= before and (known or not _went_on_after(tx, run.agent, before)):
            facts: Json = {"lost": run.status is RunStatus.RUNNING}
            yield Trouble(Cause.QUEUED, run.id, run.since, run.agent, run.id, facts=facts)


def _went_on_after(tx: Tx, agent: str, moment: datetime) -> bool:
    """Whether a pause of everything, or of this agent, that was told ended after that moment."""
    told = (alerts.latest(tx, Cause.PAUSED, paused_thing(whose)) for whose in ("", agent))
    return any(one is not None and one.resolved_at is not None and one.resolved_at > moment for one in told)


def _at_work(tx: Tx, context: Context, rules: AlertRules) -> Iterator[Trouble]:
    """Runs whose worker lives and does not come to an end with them, each with the call that it is in."""
    for run in stuck.at_work(tx, context.now - rules.shortest_work, context.now, _MOST_FOUND):
        if run.since <= context.now - rules.running_for(run.agent):
            started = [one for one in journal.of_run(tx, run.id) if one.status is CallStatus.STARTED]
            facts: Json = {"tool": started[-1].tool} if started else {}
            yield Trouble(Cause.RUNNING, run.id, run.since, run.agent, run.id, facts=facts)


def _failing(tx: Tx, context: Context, rules: AlertRules) -> Iterator[Trouble]:
    """Runs that fail by themselves, and agents of which all do: an agent's alert tells of its ended runs, too."""
    agents = list(_failing_agents(tx, context, rules))
    yield from (one for one, _ in agents)
    told = {run for _, runs_ in agents for run in runs_}
    fewest = min([rules.failing, *(one.failing for one in rules.agents if one.failing)])
    for run in stuck.failing(tx, fewest, alerts.runs_of(tx, Cause.FAILING), _MOST_FOUND):
        if run.status is RunStatus.FAILED and (run.id in told or run.since <= context.now - REMEMBERED):
            continue
        if run.failures >= rules.failing_for(run.agent) or run.status is RunStatus.FAILED:
            yield _failing_run(tx, context, run)


def _failing_run(tx: Tx, context: Context, run: Standing) -> Trouble:
    known = alerts.find(tx, Cause.FAILING, run.id)
    ended = run.status is RunStatus.FAILED
    facts: Json = {"failures": run.failures, "error": _error(tx, run.id, run.error), "ended": ended}
    return Trouble(Cause.FAILING, run.id, known.since if known else context.now, run.agent, run.id, facts=facts)


def _failing_agents(tx: Tx, context: Context, rules: AlertRules) -> Iterator[tuple[Trouble, Sequence[str]]]:
    """Agents of which the latest runs all failed, each with these runs; one run alone may have its own alert."""
    by_agent: dict[str, list[Ended]] = {}
    for run in stuck.ended(tx, context.now - REMEMBERED, MOST_RUNS):
        by_agent.setdefault(run.agent, []).append(run)
    for agent, latest in by_agent.items():
        failed = _leading_failures(latest)
        alone = len(failed) == 1 and alerts.find(tx, Cause.FAILING, failed[0].id) is not None
        if len(failed) >= rules.failing_for(agent) and not alone:
            newest, first = failed[0], failed[-1]
            facts: Json = {"failures": len(failed), "error": _error(tx, newest.id, newest.error), "all": True}
            trouble = Trouble(Cause.FAILING, f"agent:{agent}", first.at, agent, newest.id, facts=facts)
            yield trouble, [run.id for run in failed]


def _leading_failures(latest: Sequence[Ended]) -> Sequence[Ended]:
    good = next((place for place, run in enumerate(latest) if not run.failed), len(latest))
    return latest[:good]


def _error(tx: Tx, run_id: str, error: str) -> str:
    return clean(mask(error, secrets_of_run(tx, run_id)), LONGEST_ERROR)


def paused_thing(agent: str) -> str:
    """What an alert of a pause is about; everything, where no agent is named."""
    return f"agent:{agent}" if agent else "everything"


def _stopped(tx: Tx) -> Iterator[Trouble]:
    everything = pauses.everything(tx)
    if everything is not None and everything.since is not None:
        facts: Json = {"by": everything.stopped_by, "why": everything.why}
        yield Trouble(Cause.PAUSED, paused_thing(""), everything.since, facts=facts)
    for one in pauses.of_agents(tx):
        facts = {"by": one.stopped_by, "why": one.why}
        yield Trouble(Cause.PAUSED, paused_thing(one.agent), one.since, one.agent, facts=facts)


def _silent(tx: Tx, context: Context, rules: AlertRules, boot_id: str) -> Iterator[Trouble]:
    for boot in stuck.silent(tx, boot_id, context.now - rules.heartbeat):
        facts: Json = {"host": boot.host, "process": boot.pid}
        yield Trouble(Cause.SILENT, boot.id, boot.heartbeat_at, facts=facts)


def _undelivered(tx: Tx, context: Context) -> Iterator[Trouble]:
    """Messages that are told of and still not delivered, and those that are not told of yet: so many were given up."""
    known = [alert for alert in alerts.of_cause(tx, Cause.UNDELIVERED) if not alert.thing.startswith("*")]
    yield from (trouble_of(alert) for alert in known if _is_missing(tx, context, alert))
    told = {alert.thing for alert in known}
    lately = context.now - UNDELIVERED_FOR
    for one in stuck.undelivered(tx, lately, _MOST_FOUND, card=Topic.CARD.value, but=ABOUT_ALERTS):
        if one.key not in told:
            elsewhere = one.status is DeliveryStatus.DONE
            yield undelivered(tx, one.key, one.subject, one.kind, one.error, one.updated_at, elsewhere=elsewhere)


def _is_missing(tx: Tx, context: Context, alert: Alert) -> bool:
    delivery = outbox.get(tx, alert.thing)
    request = requests.get(tx, alert.request_id) if alert.request_id else None
    awaited = request is not None and request.status is RequestStatus.PENDING
    if delivery is None or delivery.status in _AT_WORK:
        return delivery is not None  # it is being tried again
    if delivery.kind == webhooks.KIND:
        return webhooks.lacks(tx, webhooks.name_of(delivery.key), context.now - REMEMBERED)
    if alert.facts.get("elsewhere"):
        return awaited
    if delivery.status is not DeliveryStatus.DEAD:
        return False
    return awaited or delivery.updated_at > context.now - UNDELIVERED_FOR


def undelivered(
    tx: Tx, key: str, subject: str, kind: str, error: str, now: datetime, *, elsewhere: bool = False
) -> Trouble:
    """A message that was given up just now, or stands where those it asks may not see it. `subject` is what the
    delivery is about, a request or a run."""
    request = requests.get(tx, subject)
    run = runs.get(tx, request.run_id if request is not None else subject)
    return Trouble(
        Cause.UNDELIVERED,
        key,
        now,
        agent=run.agent if run is not None else "",
        run_id=run.id if run is not None else "",
        request_id=request.id if request is not None else "",
        facts={"kind": kind, "error": clean(error, LONGEST_ERROR), "elsewhere": elsewhere},
    )
