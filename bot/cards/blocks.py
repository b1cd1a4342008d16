"""The few kinds of Block Kit parts that cards use, cut to Slack's limits, and the message they make together.

Two kinds of text never mix: `ours` is mrkdwn that this package wrote; `data` is anybody else's, as plain text.
Parts are plain dicts, because building them through the client library's models costs most of a rendering's time; the
tests hold every rendering against those models.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.cards.ids import ActionId
from bot.cards.text import SEPARATOR, clip, facts, is_slack_person, line, utc
from storage.types import Actor

Part = dict[str, Any]
"""A block, an element or a text object, as Slack's JSON."""

TEXT_LIMIT = 3_000
HEADER_LIMIT = 150
BUTTON_LIMIT = 75
FALLBACK_LIMIT = 3_500
"""Below the 4,000 characters from which on Slack refuses an update, entities included."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """What is asked before a click counts: what will happen, and two buttons that each say what they do. `danger`: the
    first one ends something."""

    title: str
    text: str
    yes: str
    no: str
    danger: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to Slack: `text` for notifications and screen readers, `blocks` for the eye."""

    text: str
    blocks: tuple[Part, ...]

    @property
    def digest(self) -> str:
        """Equal for equal renderings: whether a message in Slack is still up to date."""
        return _digest([self.text, self.blocks])


def message(subject_id: str, text: str, blocks: Sequence[Part]) -> Message:
    """Puts a message together. Block ids come from the subject's id and the content: they differ between the blocks of
    a message, and whenever the content changes, so that no client keeps an old block's state."""
    stem = f"{subject_id[:64]}.{_digest(blocks)[:16]}"
    named = tuple({**block, "block_id": f"{stem}.{number}"} for number, block in enumerate(blocks))
    return Message(clip(text, FALLBACK_LIMIT), named)


def ours(text: str) -> Part:
    """mrkdwn of our own making: no text of an agent's is in it."""
    return {"type": "mrkdwn", "text": clip(text, TEXT_LIMIT), "verbatim": True}


def plain(text: str, limit: int = TEXT_LIMIT) -> Part:
    """Text that is visible already, as plain text; at least a dash, because Slack takes no empty text."""
    return {"type": "plain_text", "text": clip(text, limit) if text.strip() else "-", "emoji": False}


def data(text: str, limit: int = TEXT_LIMIT) -> Part:
    """Anybody's text, made visible on one line, as plain text."""
    return plain(line(text), limit)


def header(text: str) -> Part:
    """A heading; `text` is visible already."""
    return {"type": "header", "text": plain(text, HEADER_LIMIT)}


def context(*parts: Part) -> Part:
    """Small print: at most ten texts, as the facts of one line. Ours become one text, anybody else's stay plain ones of
    their own; between them stands a separator, but after a colon, a comma or a full stop of ours."""
    elements: list[Part] = []
    for part in parts[:10]:
        last = elements[-1] if elements else part
        if last is part or last["text"].endswith((":", ",", *([] if last["type"] == "plain_text" else ["."]))):
            elements.append(part)
        elif last["type"] == part["type"] == "mrkdwn" and _fit(last, part):
            elements[-1] = {**part, "text": facts(last["text"], part["text"])}
        else:
            # At the end of a text, not at the beginning of the next: on a phone that one begins a line.
            elements[-1:] = [{**last, "text": last["text"] + SEPARATOR.rstrip()} if _fit(last) else last, part]
    return {"type": "context", "elements": elements}


def _fit(*parts: Part) -> bool:
    """Whether Slack takes these as one text, with separators."""
    return sum(len(part["text"]) + len(SEPARATOR) for part in parts) <= TEXT_LIMIT


def section(text: Part) -> Part:
    """A paragraph."""
    return {"type": "section", "text": text}


def divider() -> Part:
    """A line across."""
    return {"type": "divider"}


def actions(*buttons: Part) -> Part:
    """A row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def button(
    action: ActionId, value: str, label: str, about: str, *, style: str | None = None, confirm: Confirm | None = None
) -> Part:
    """A button. `about`, visible already, completes the label for screen readers; `style` is `primary` or `danger`;
    `confirm` is asked before the click counts."""
    part: Part = {
        "type": "button",
        "action_id": action.value,
        "value": value,
        "text": plain(label, BUTTON_LIMIT),
        "accessibility_label": clip(f"{label}: {about}", BUTTON_LIMIT),
    }
    if style:
        part["style"] = style
    if confirm is not None:
        part["confirm"] = {
            "title": plain(confirm.title, 100),
            "text": plain(confirm.text, 300),
            "confirm": plain(confirm.yes, 30),
            "deny": plain(confirm.no, 30),
            **({"style": "danger"} if confirm.danger else {}),
        }
    return part


def rich(*elements: Part) -> Part:
    """A rich-text block: texts in it are literal, whatever they look like."""
    return {"type": "rich_text", "elements": list(elements)}


def sentence(*parts: str | Part) -> Part:
    """A line of rich text from literal texts and typed parts."""
    elements = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts if part]
    return {"type": "rich_text_section", "elements": elements}


def quote(text: str) -> Part:
    """Somebody else's words, set apart. `text` is visible already and may have lines."""
    return {"type": "rich_text_quote", "elements": _chunks(text)}


def preformatted(text: str) -> Part:
    """Text letter by letter, lines kept. `text` is visible already."""
    return {"type": "rich_text_preformatted", "elements": _chunks(text)}


def bold(text: str) -> Part:
    """Literal text in bold."""
    return {"type": "text", "text": text or "-", "style": {"bold": True}}


def who(actor: Actor) -> Part:
    """A person in rich text: a mention where Slack knows them, else their name."""
    if is_slack_person(actor):
        return {"type": "user", "user_id": actor.id}
    return {"type": "text", "text": clip(line(actor.label), 80) or "-"}


def when(moment: datetime) -> Part:
    """A moment in rich text, in the reader's own time zone."""
    seconds, fallback = int(moment.timestamp()), utc(moment)
    return {"type": "date", "timestamp": seconds, "format": "{date_short_pretty} at {time}", "fallback": fallback}


def _chunks(text: str) -> list[Part]:
    """The text in elements that are each within the limit of a text; they read as one."""
    text = text if text.strip() else "-"
    return [{"type": "text", "text": text[at : at + TEXT_LIMIT]} for at in range(0, len(text), TEXT_LIMIT)]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
