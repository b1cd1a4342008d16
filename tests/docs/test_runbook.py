"""The runbook and the code know the same alerts, settings and times."""

from __future__ import annotations

import re
from datetime import timedelta

from agent_runtime.alert_acts import REMINDED_EVERY
from agent_runtime.alert_rules import AlertRules
from agent_runtime.alerts import ACKNOWLEDGED_FOR, MUTED_FOR
from agent_runtime.causes import Cause
from agent_runtime.daily import LATEST
from agent_runtime.holding import SPANS, Why
from agent_runtime.policy_file import read_policy_text
from agent_runtime.storms import FEW_AGAIN, MOST_APART
from bot.cards.alert import RUNBOOK
from bot.pulse import TOO_OFTEN
from tests.docs.blocks import ROOT, blocks

PAGE = ROOT / RUNBOOK


def test_every_cause_has_a_section_and_every_section_is_a_cause() -> None:
    """The message of an alert names the heading."""
    assert re.findall(r"^### (.+)$", PAGE.read_text(), re.MULTILINE) == [cause.value for cause in Cause]


def test_the_defaults_that_it_shows_are_the_defaults() -> None:
    """Whoever copies the first block changes nothing but the channel."""
    stage = '\n[default.stage]\napprovers = ["usergroup:managers"]\n'
    shown = read_policy_text(next(blocks(PAGE)).text + stage, "signoff.toml").alerts
    assert shown == AlertRules(channel="#alerts")


def test_the_times_and_counts_in_its_words_are_the_codes() -> None:
    """An hour, a day, six hours, half an hour, ten minutes; five, three, and the third in a row."""
    assert (timedelta(hours=1), timedelta(days=1), timedelta(hours=6)) == (ACKNOWLEDGED_FOR, MUTED_FOR, LATEST)
    assert (timedelta(minutes=30), timedelta(minutes=10)) == (SPANS[Why.ON_IT], REMINDED_EVERY)
    assert (MOST_APART, FEW_AGAIN, TOO_OFTEN) == (5, 3, 3)
