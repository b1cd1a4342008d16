"""Drawing a card.

The peer builds the same parts through slack_sdk's block models: less work, because the texts it is given were already
cut, made visible and put into words by our rendering.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextPreformattedElement,
    RichTextQuoteElement,
    RichTextSectionElement,
)

from bot.cards.blocks import Message, Part
from bot.cards.request import card
from tests.benchmarks.rounds import Comparison, Effort, Promise, Way, compare
from tests.cards.hostile import BUY, NOW

DRAWN = 300
MAIL = {"to": "all@example.com", "subject": "News", "body": "Dear colleagues,\nhere is a line of text.\n" * 1_000}
KINDS = {"section": RichTextSectionElement, "quote": RichTextQuoteElement, "preformatted": RichTextPreformattedElement}


def through_models(message: Message) -> list[Part]:
    """The blocks of a card, each part made by its model."""
    return [_block(block).to_dict() for block in message.blocks]


async def measure(effort: Effort, folder: Path) -> list[Comparison]:
    """A typical card, and one of a call with 40 kB of arguments."""
    count = effort.of(DRAWN)
    found = []
    for words, args, most in (("typical card", BUY.args, 1), ("card of 40 kB of arguments", MAIL, 20)):
        view = replace(BUY, args=args)
        shown = card(view, now=NOW)
        assert len(shown.blocks) in {6, 7}
        assert [block["type"] for block in through_models(shown)] == [block["type"] for block in shown.blocks]

        async def draw(view: object = view) -> None:
            for _ in range(count):
                card(view, now=NOW)  # type: ignore[arg-type]

        async def build(shown: Message = shown) -> None:
            for _ in range(count):
                through_models(shown)

        ours, peer = Way("card(), texts included", draw), Way("slack_sdk's models, blocks only", build)
        found.append(await compare(effort, words, ours, peer, units=count, promise=Promise(cpu_ms=most)))
    return found


def _block(block: Part) -> HeaderBlock | ContextBlock | RichTextBlock | ActionsBlock:
    name = block["block_id"]
    match block["type"]:
        case "header":
            return HeaderBlock(text=PlainTextObject(text=block["text"]["text"]), block_id=name)
        case "context":
            return ContextBlock(elements=[_text(part) for part in block["elements"]], block_id=name)
        case "rich_text":
            return RichTextBlock(elements=[_rich(part) for part in block["elements"]], block_id=name)
    buttons = [
        ButtonElement(text=part["text"]["text"], action_id=part["action_id"], value=part.get("value"))
        for part in block["elements"]
    ]
    return ActionsBlock(elements=buttons, block_id=name)


def _text(part: Part) -> PlainTextObject | MarkdownTextObject:
    kind = MarkdownTextObject if part["type"] == "mrkdwn" else PlainTextObject
    return kind(text=part["text"])


def _rich(part: Part) -> Any:
    texts = [RichTextElementParts.Text(text=one.get("text", "")) for one in part["elements"]]
    return KINDS[part["type"].removeprefix("rich_text_")](elements=texts)
