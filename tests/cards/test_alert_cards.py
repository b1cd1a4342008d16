"""Alerts and the digest as messages: each cause, each state, and names and errors that want to be markup."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from agent_runtime.alert_reading import AlertView
from agent_runtime.causes import Cause, Severity
from agent_runtime.daily import DigestView
from agent_runtime.pace import Habit, Pace
from bot.cards.alert import alert_card, alert_list, call_line
from bot.cards.daily import digest
from bot.cards.ids import ActionId
from bot.cards.pauses import MEANWHILE
from storage.types import Json
from tests.cards.hostile import ANA, BEN, BUY, NOW
from tests.cards.limits import check_message, elements, mrkdwn, texts

HOUR = timedelta(hours=1)
EVIL = "*now* `x` <!channel> <https://evil.example|Approve> \u202etxt.exe " + "y" * 4_000
OF_PEOPLE = (Cause.WAITING, Cause.OVERDUE)
FACTS: Json = {
    "tool": "buy", "kind": "card", "error": "it broke", "problem": "503", "why": "the disk is full",
    "faults": ["signoff.toml:6: when: is not CEL"], "host": "h1", "process": 7, "by": ANA.model_dump(mode="json"),
}  # fmt: skip


def view(cause: Cause, facts: Json = FACTS) -> AlertView:
    """An open alert that nobody has acknowledged."""
    return AlertView(
        id="L7K2MXQ", cause=cause, thing="R1", severity=Severity.WARNING, since=NOW - HOUR, raised_at=NOW,
        agent="purchasing", run_id="R7K2MXQ", facts=facts, request=BUY if cause in OF_PEOPLE else None,
    )  # fmt: skip


def states(alert: AlertView) -> list[AlertView]:
    """Everything that can become of an alert."""
    until = {"acknowledged_by": BEN, "acknowledged_until": NOW + HOUR}
    return [
        alert,
        replace(alert, **until),
        replace(alert, muted_by=BEN, muted_until=NOW + HOUR),
        replace(alert, folded=True),
        replace(alert, resolved_at=NOW, resolved_why="It was decided.", **until),
        replace(alert, thing="*", request=None, many=(alert,) * 10, count=99),
    ]


def test_the_end_of_a_pause_does_not_read_as_its_beginning() -> None:
    """What was paused is named as going on."""
    over = replace(view(Cause.PAUSED), resolved_at=NOW, resolved_why="It was resumed.")
    assert "No longer paused: purchasing" in texts([alert_card(over).blocks])
    assert "No longer paused: everything" in alert_card(replace(over, agent="")).text


def test_a_pause_says_who_paused_what_it_stops_and_how_it_ends() -> None:
    """In the words of every other message about a pause."""
    words = " ".join(texts([alert_card(view(Cause.PAUSED)).blocks]))
    for part in ("*Agent `purchasing` is paused* by ", "(the disk is full)", MEANWHILE,
                 "`/approvals resume purchasing` lets it go on."):  # fmt: skip
        assert part in words


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_fits_a_message_in_every_state(cause: Cause) -> None:
    """Nothing that an agent, a tool or a service said becomes markup, whatever it is."""
    for facts in (FACTS, {name: EVIL if isinstance(value, str) else value for name, value in FACTS.items()}, {}):
        for shown in states(replace(view(cause, facts), agent=EVIL if facts is not FACTS else "purchasing")):
            message = alert_card(shown, asked=["<@U2BEN>"], operators=["<!subteam^S1>"], thread="https://x.example/t")
            check_message(message)
            words = " ".join(mrkdwn(message.blocks)) + message.text
            assert "<!channel>" not in words
            assert "<https://evil" not in words
            assert "⟦U+27E6⟧" not in words + str(message.blocks), "made visible twice"
            assert "*now*" not in re.sub("`[^`]*`", "", words), "formats nothing outside of code"
            check_message(alert_list([shown] * 60))


def test_what_can_be_done_depends_on_what_was_done() -> None:
    """Acknowledged is not acknowledged again, muted is only unmuted, and what is over or told elsewhere has no
    buttons."""
    waiting = view(Cause.WAITING)
    acts = [[one["action_id"] for one in elements(alert_card(one).blocks)] for one in states(waiting)]
    people = [ActionId.ALERT_REMIND]
    assert acts == [
        [ActionId.ALERT_ACKNOWLEDGE, *people, ActionId.ALERT_MUTE],
        [*people, ActionId.ALERT_MUTE],
        [ActionId.ALERT_UNMUTE],
        [],
        [],
        [ActionId.ALERT_ACKNOWLEDGE, ActionId.ALERT_MUTE],
    ]
    lost = [one["action_id"] for one in elements(alert_card(view(Cause.UNDELIVERED)).blocks)]
    assert ActionId.ALERT_SEND_AGAIN in lost
    assert "A webhook does not take an event" in alert_card(view(Cause.UNDELIVERED, {"kind": "webhook"})).text
    stands = view(Cause.UNDELIVERED, {"elsewhere": True})
    assert ActionId.ALERT_SEND_AGAIN not in [one["action_id"] for one in elements(alert_card(stands).blocks)]


def test_an_alert_says_what_a_tired_person_needs() -> None:
    """How urgent, what, since when, whom it asks, what comes next, who handles it and where the page about it is."""
    message = alert_card(view(Cause.WAITING), asked=["<@U2BEN>"], operators=["<!subteam^S1>"])
    words = " ".join(texts(message.blocks))
    for part in ("Warning: Agent “purchasing” waits for people", "<@U2BEN>", "What happens next: ", "<!subteam^S1>",
                 "docs/runbook.md", "`waiting`"):  # fmt: skip
        assert part in words
    check_message(call_line("Nobody has mended this.", ["<!subteam^S1>"]))


def test_the_digest_fits_a_message_however_much_there_is() -> None:
    """Oldest first with links, what is stuck, how fast people are, and what a rule might do."""
    evil = replace(BUY, agent=EVIL, tool=EVIL)
    told = DigestView(
        waiting=((BUY, "card:1"), *((evil, "card:2"),) * 14),
        count=400,
        alerts=tuple(states(view(Cause.FAILING, {"error": EVIL}))) * 10,
        pace=Pace(7, timedelta(minutes=9)),
        habits=(Habit(EVIL, EVIL, "policy 1", 31),) * 9,
    )
    message = digest(told, {BUY.id: "https://x.example/c"}, NOW)
    check_message(message)
    words = " ".join(texts(message.blocks))
    assert "Waiting for people: 400 requests, and 60 open alerts" in words
    assert "half of them in 9 min" in words
    assert "approved 31 times in a row, unchanged" in words
    assert "<!channel>" not in " ".join(mrkdwn(message.blocks))
