"""The table of events says what the code says."""

from __future__ import annotations

import re

from agent_runtime.audit import Event
from tests.docs.blocks import ROOT

ROW = re.compile(r"^\| `(?P<event>[a-z_.]+)` \| (?P<sentence>.+) \|$", re.MULTILINE)


def test_the_table_of_events_has_every_event_and_its_sentence() -> None:
    """In the order of the code; a new event is a new line in docs/webhooks.md."""
    text = (ROOT / "docs" / "webhooks.md").read_text()
    told = [(row["event"], row["sentence"]) for row in ROW.finditer(text.partition("## The events")[2])]
    assert told == [(event.value, event.sentence) for event in Event]
