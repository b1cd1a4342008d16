"""What operators are told of webhooks: how many events arrived, wait, or were given up and why."""

from __future__ import annotations

from collections.abc import Sequence

from agent_runtime.refusals import RefusalReason
from bot.cards.blocks import Message, message, ours, section
from bot.cards.text import clip, code, facts, inert, line, listed, quantity
from storage.types import DeliveryStatus
from storage.webhooks import Tally

_REPLY = "approvals"
_WORDS = {
    DeliveryStatus.DONE: "arrived",
    DeliveryStatus.DUE: "to be sent",
    DeliveryStatus.LEASED: "being sent",
    DeliveryStatus.DEAD: "given up",
}


def standing(names: Sequence[str], tallies: Sequence[Tally]) -> Message:
    """Every webhook, and those that left the policy file with events that were given up."""
    everyone = list(dict.fromkeys([*names, *(tally.webhook for tally in tallies)]))
    if not everyone:
        return _said("There is no webhook in the policy file.")
    return _said("\n".join(_line(name, name in names, [one for one in tallies if one.webhook == name])
                           for name in everyone))  # fmt: skip


def _line(name: str, known: bool, tallies: Sequence[Tally]) -> str:
    counted = {tally.status: tally.count for tally in tallies}
    counts = facts(*(f"{counted[status]:,} {words}" for status, words in _WORDS.items() if status in counted))
    gone = "" if known else " (not in the policy file any more)"
    lines = [f"*{name}*{gone}: {counts or 'nothing yet'}."]
    lines += [f"Last problem: {inert(tally.error, 300)}." for tally in tallies if tally.error]
    if known and any(tally.status is DeliveryStatus.DEAD for tally in tallies):
        lines.append(f"`/approvals webhooks replay {name}` sends what it lacks now.")
    return "\n".join(lines)


def replayed(name: str, count: int) -> Message:
    """To whom had events sent again."""
    if not count:
        return _said(f"There is nothing to send to {code(name)}.")
    return _said(f"{quantity(count, 'event')} for {code(name)}: sent now, with the ids that they had.")


def unknown(name: str, names: Sequence[str]) -> Message:
    """No webhook is called that."""
    known = f"There are {listed([code(one) for one in names])}." if names else "The policy file has none."
    return _said(f"No webhook is called {code(clip(line(name), 40))}. {known}" if name else f"Which one? {known}")


def not_understood(text: str) -> Message:
    """Words that say nothing about webhooks."""
    how = "`/approvals webhooks` lists them; `/approvals webhooks replay crm` sends one what it lacks, and "
    since = "`/approvals webhooks replay crm since 1200` everything from that entry of the log on."
    return _said(f"{code(clip(line(text), 60))} was not understood. {how}{since}")


def refused(reason: RefusalReason) -> Message:
    """Why nothing is told or sent."""
    if reason is RefusalReason.NOT_AN_OPERATOR:
        return _said("Only operators look after webhooks; `[operators]` in the policy file names them.")
    return _said(f"Nothing was changed: {reason.sentence}")


def _said(words: str) -> Message:
    return message(_REPLY, words, [section(ours(words))])
